#include "morula/report/contribution_report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "morula/core/file.hpp"
#include "morula/report/charts_simulation.hpp"
#include "morula/report/html.hpp"
#include "morula/report/page.hpp"
#include "morula/report/sections_simulation.hpp"

namespace morula::report {
namespace {

/// Whether all of its effects are known to be 0, with every draw and seed.
bool is_unchanged(const ContributionReadout& readout) {
    const auto is_zero_or_none = [](double value) { return value == 0.0 || std::isnan(value); };
    return std::all_of(readout.rows.begin(), readout.rows.end(), [&](const ContributionRow& row) {
        return row.effect == 0.0 && is_zero_or_none(row.low) && is_zero_or_none(row.high) && is_zero_or_none(row.seed_low) && is_zero_or_none(row.seed_high);
    });
}

std::string strongest(const ContributionReadout& readout) {
    const ContributionRow* best = nullptr;
    for (const ContributionRow& row : readout.rows) {
        if (std::isfinite(row.effect) && (best == nullptr || std::abs(row.effect) > std::abs(best->effect))) best = &row;
    }
    if (best == nullptr) return fmt::format("{}: no effect is known.", readout.name);
    if (best->effect == 0.0) return fmt::format("{}: no type changes it with the rates at their guesses.", readout.name);
    std::string out = fmt::format("{}: {} {} {}{}", readout.name, best->type, best->effect > 0.0 ? "adds most," : "changes it most, by", rounded_text(best->effect, 3), unit_behind(" ", readout.unit));
    if (std::isfinite(best->low)) {
        const bool holds = best->low > 0.0 || best->high < 0.0;
        out += fmt::format(" ({} to {} over the guesses{})", rounded_text(best->low, 3), rounded_text(best->high, 3), holds ? "" : ": the guesses leave its sign open");
    }
    return out + (best->is_written_in ? ". The scenario says so itself: the link is written in." : ".");
}

std::string opening_words(const ContributionStory& story) {
    const std::size_t n_readouts = story.readouts.size();
    std::vector<std::string> types;
    for (const ContributionReadout& readout : story.readouts) {
        for (const ContributionRow& row : readout.rows) {
            if (std::find(types.begin(), types.end(), row.type) == types.end()) types.push_back(row.type);
        }
    }
    std::string out = fmt::format("This is a simulation of what {} ({}) {} to {} of a tissue. It ran as it is and with {}, on the same random numbers: {} with the guessed rates at their guesses", count_of(std::ssize(types), "cell type"),
                                  list_text(types), types.size() == 1 ? "adds" : "add", count_of(static_cast<std::int64_t>(n_readouts), "read-out"), types.size() == 1 ? "the type swapped" : "each type swapped", count_of(story.n_seeds, "seed"));
    return out + (story.n_draws > 0 ? fmt::format(", and {} of these rates from their priors.", count_of(story.n_draws, "draw")) : ".");
}

std::string summary_of(const ContributionStory& story) {
    std::string out = "<p class=\"lead\">" + escape_html(opening_words(story)) + " <strong>This is what the scenario implies; it is no measurement.</strong></p>\n";
    out += hypotheses_callout(story.measured_states);
    if (story.n_draws < 100) out += callout(fmt::format("The interval over guesses is no headline: {} were made, and fewer than 100 do not show how far the guesses reach.", story.n_draws == 0 ? "no draws" : count_of(story.n_draws, "draw")));
    std::vector<std::string> findings, unchanged;
    for (const ContributionReadout& readout : story.readouts) {
        if (is_unchanged(readout)) unchanged.push_back(readout.name);
        else findings.push_back(strongest(readout));
    }
    if (!unchanged.empty()) findings.push_back(fmt::format("No type changes {}: {} not drawn below.", list_text(unchanged), unchanged.size() == 1 ? "it is" : "these are"));
    out += plain_list(findings);
    if (!story.interventions.empty()) out += name_value_table("What is done to a type", "interventions", "Intervention", "The cells of the type", story.interventions);
    if (!story.notes.empty()) out += "<h3>Know this first</h3>" + plain_list(story.notes);
    return out;
}

std::string effects_section(const ContributionStory& story) {
    std::string out;
    for (const ContributionReadout& readout : story.readouts) out += figure_html(effects_figure(readout)) + figure_html(shapley_figure(readout));
    return out;
}

std::string drivers_section(const ContributionStory& story) {
    std::string out;
    for (const ContributionReadout& readout : story.readouts) out += figure_html(drivers_figure(readout));
    return out;
}

std::string limits_of(const ContributionStory& story) {
    const std::int64_t n_guessed = std::count_if(story.rates.begin(), story.rates.end(), [](const RateRow& rate) { return !std::isnan(rate.prior_low); });
    std::vector<std::string> items = {
        "What a cell type does in an organ. Every number follows from the scenario's rules and rates; take a rule away and the contribution goes with it.",
        std::string(kHypotheses),
        "What the tissue would do in the long run without a type: the intervention starts with the run and lasts as long as it does.",
        "Shares of what was not asked: a read-out that the scenario does not define has no row here.",
        "Shapes and flows: cells are spheres, and there is no blood flow, no electricity, no fibres."};
    if (n_guessed > 0) items.insert(items.begin() + 1, fmt::format("What lies outside the priors: {} of {} {} guessed within a prior, and the interval over guesses is as wide as its priors make it.", count_text(n_guessed), count_of(std::ssize(story.rates), "rate"), n_guessed == 1 ? "is" : "are"));
    if (!story.unsourced.empty()) items.insert(items.begin() + 1, "What other rules, doses and shares would give. " + story.unsourced + " They were held at what the scenario says, and the interval over guesses does not hold them.");
    return plain_list(items);
}

}  // namespace

std::string render_contribution(const ContributionStory& story) {
    const std::string opening = page_opening({story.title, "What this scenario implies", {count_of(story.n_seeds, "seed"), count_of(story.n_draws, "draw")}, std::string("Simulated. ") + std::string(kHypotheses)});
    return opening + page_sections({{"summary", "Summary", summary_of(story)},
                                    {"contributions", "What this scenario implies", effects_section(story)},
                                    {"drivers", "Which guesses drive it", drivers_section(story)},
                                    {"evidence", "What is measured, literature, fitted, guessed", evidence_section(story.rates, story.unsourced, story.n_draws > 0 ? "Here they were drawn from it; where it spans more than a factor of ten above zero, even in the logarithm." : "Here the value alone was used.")},
                                    {"limits", "What this cannot tell", limits_of(story)},
                                    {"reuse", "Use the result", files_section(story.record, "The same scenario, options and version give the same numbers on any number of threads.")}}) + page_closing();
}

void write_contribution_report(const ContributionStory& story, const std::filesystem::path& path) { write_text_file(path, render_contribution(story)); }

}  // namespace morula::report
