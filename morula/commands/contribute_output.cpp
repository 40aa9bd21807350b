// What `morula contribute` writes and says.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "morula/commands/contribute.hpp"
#include "morula/formats/text/csv_writer.hpp"
#include "morula/report/html.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;
using simulation::Contribution;
using simulation::ContributionRun;
using simulation::ContributionTable;
using simulation::RateShare;
using Json = nlohmann::ordered_json;

/// Rates named under a read-out.
constexpr std::size_t kDriversShown = 3;

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
std::string short_number(double value) { return std::isfinite(value) ? report::shortest_text(value, 3) : "-"; }
std::string interval(double low, double high) { return std::isfinite(low) ? short_number(low) + " to " + short_number(high) : "-"; }

const std::string& type_name(const ContributionTable& table, std::int32_t type) { return table.types[static_cast<std::size_t>(type)]; }
const std::string& readout_name(const ContributionTable& table, std::int32_t readout) { return table.readouts[static_cast<std::size_t>(readout)]; }

/// The guessed rates that drive a read-out's effects beyond chance, most first, with the largest share that they have in one of them.
std::string drivers_line(const ContributionTable& table, std::int32_t readout) {
    std::vector<std::pair<double, std::int32_t>> largest;
    for (std::int32_t rate = 0; rate < std::ssize(table.rates); ++rate) largest.emplace_back(0.0, rate);
    bool is_known = false;
    for (const RateShare& share : table.drivers) {
        if (share.readout != readout || share.type == RateShare::kAllIntact || !std::isfinite(share.share)) continue;
        is_known = true;
        double& most = largest[static_cast<std::size_t>(share.rate)].first;
        if (share.share > share.by_chance) most = std::max(most, share.share);
    }
    if (!is_known) return "";
    std::stable_sort(largest.begin(), largest.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::string text;
    for (std::size_t k = 0; k < std::min(kDriversShown, largest.size()); ++k) {
        if (largest[k].first > 0.0) text += fmt::format("{}{} ({:.0f} %)", text.empty() ? "" : "; ", table.rates[static_cast<std::size_t>(largest[k].second)], 100.0 * largest[k].first);
    }
    return text.empty() ? "  No guessed rate drives it beyond chance.\n" : fmt::format("  Driven by {}.\n", text);
}

}  // namespace

void write_contribution_csv(const fs::path& folder, const ContributionTable& table) {
    formats::CsvWriter csv(folder / "contribution.csv",
                           {"cell_type", "readout", "intervention", "effect", "low", "high", "seed_low", "seed_high", "shapley", "shapley_se", "written_in", "n_seeds", "n_draws"});
    for (std::size_t k = 0; k < table.rows.size(); ++k) {
        const Contribution& row = table.rows[k];
        csv.text(type_name(table, row.type)).text(readout_name(table, row.readout)).text(intervention_name(row.intervention)).number(row.effect).number(row.low).number(row.high);
        csv.number(row.seed_low).number(row.seed_high).number(row.shapley).number(row.shapley_se).text(table.written_in[k] != 0 ? "true" : "false").integer(row.n_seeds).integer(row.n_draws);
        csv.end_row();
    }
    csv.commit();
}

void write_drivers_csv(const fs::path& folder, const ContributionTable& table) {
    formats::CsvWriter csv(folder / "drivers.csv", {"cell_type", "readout", "intervention", "rate", "variance_share", "share_by_chance"});
    for (const RateShare& share : table.drivers) {
        const bool is_all = share.type == RateShare::kAllIntact;
        csv.text(is_all ? "" : type_name(table, share.type)).text(readout_name(table, share.readout)).text(is_all ? "none" : intervention_name(share.intervention));
        csv.text(table.rates[static_cast<std::size_t>(share.rate)]).number(share.share).number(share.by_chance).end_row();
    }
    csv.commit();
}

void write_runs_csv(const fs::path& folder, const ContributionStudy& study, const FinishedRuns& runs) {
    formats::CsvWriter csv(folder / "runs.csv", {"run", "draw", "seed", "intervention", "on", "readout", "value", "unit"});
    for (std::size_t r = 0; r < study.plan.runs.size(); ++r) {
        const ContributionRun& run = study.plan.runs[r];
        std::string on;
        for (std::size_t k = 0; k < study.types.size(); ++k) {
            if ((run.intact >> k & 1) == 0) on += (on.empty() ? "" : "; ") + study.scenario.model.types[study.types[k]].name;
        }
        for (std::size_t k = 0; k < study.wanted.size(); ++k) {
            csv.integer(static_cast<std::int64_t>(r) + 1).text(run.draw == ContributionRun::kAsGuessed ? "" : std::to_string(run.draw + 1));
            csv.text(std::to_string(study.scenario.model.seed + static_cast<std::uint64_t>(run.seed))).text(on.empty() ? "none" : intervention_name(run.intervention)).text(on);
            csv.text(study.wanted[k].name).number(runs.values[r * study.wanted.size() + k]).text(study.wanted[k].unit).end_row();
        }
    }
    csv.commit();
}

void write_draws_csv(const fs::path& folder, const ContributionStudy& study) {
    formats::CsvWriter csv(folder / "draws.csv", {"draw", "rate", "value", "unit"});
    for (std::size_t k = 0; k < study.drawn.size(); ++k) {
        const ScenarioRate& rate = study.scenario.rates[study.guessed[k % study.guessed.size()]];
        csv.integer(static_cast<std::int64_t>(k / study.guessed.size()) + 1).text(rate.name).number(study.drawn[k]).text(rate.unit).end_row();
    }
    csv.commit();
}

namespace {

using TextRow = std::array<std::string, 7>;

/// Columns as wide as what they hold.
std::string aligned(const std::vector<TextRow>& rows) {
    std::array<std::size_t, 7> width{};
    for (const TextRow& row : rows) {
        for (std::size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
    }
    std::string text;
    for (const TextRow& row : rows) {
        text += fmt::format("  {:<{}}  {:<{}}", row[0], width[0], row[1], width[1]);
        for (std::size_t c = 2; c + 1 < row.size(); ++c) text += fmt::format("  {:>{}}", row[c], width[c]);
        text += "  " + row.back() + "\n";
    }
    return text;
}

}  // namespace

std::string contribution_text(const ContributionTable& table, const Scenario& scenario) {
    std::string text = fmt::format("{}: {}\n", kContributionHeading, table.title);
    for (std::int32_t readout = 0; readout < std::ssize(table.readouts); ++readout) {
        const auto r = static_cast<std::size_t>(readout);
        text += fmt::format("\n{}{}: {} with all as they are\n", table.readouts[r], table.units[r] == "1" ? "" : ", " + table.units[r], short_number(table.intact_mean[r]));
        std::vector<TextRow> rows{{"type", "swap", "effect", "over guesses", "over seeds", "share", "written in"}};
        for (std::size_t k = 0; k < table.rows.size(); ++k) {
            const Contribution& row = table.rows[k];
            if (row.readout != readout) continue;
            rows.push_back({std::string(type_name(table, row.type)), std::string(intervention_name(row.intervention)), short_number(row.effect), interval(row.low, row.high), interval(row.seed_low, row.seed_high), short_number(row.shapley),
                            table.written_in[k] != 0 ? "yes" : "no"});
        }
        text += aligned(rows) + drivers_line(table, readout);
    }
    const auto count = [](std::int64_t n, std::string_view what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); };
    text += fmt::format("\nEffects: the read-out as it is less that with the type swapped; {}, {} of {}. This follows from the scenario; it is no measurement.\n", count(table.options.seeds, "seed"), count(table.options.draws, "draw"),
                        count(std::ssize(table.rates), "guessed rate"));
    if (const std::string unsourced = unsourced_text(scenario.unsourced); !unsourced.empty()) text += unsourced + " They were not drawn.\n";
    return text;
}

std::string contribution_json(const std::string& out, const ContributionTable& table, const FinishedRuns& runs) {
    Json rows = Json::array();
    for (std::size_t k = 0; k < table.rows.size(); ++k) {
        const Contribution& row = table.rows[k];
        rows.push_back({{"cell_type", type_name(table, row.type)}, {"readout", readout_name(table, row.readout)}, {"unit", table.units[static_cast<std::size_t>(row.readout)]},
                        {"intervention", intervention_name(row.intervention)}, {"effect", number_or_null(row.effect)}, {"low", number_or_null(row.low)}, {"high", number_or_null(row.high)},
                        {"seed_low", number_or_null(row.seed_low)}, {"seed_high", number_or_null(row.seed_high)}, {"shapley", number_or_null(row.shapley)}, {"shapley_se", number_or_null(row.shapley_se)},
                        {"written_in", table.written_in[k] != 0}, {"n_seeds", row.n_seeds}, {"n_draws", row.n_draws}});
    }
    Json drivers = Json::array();
    for (const RateShare& share : table.drivers) {
        if (share.type == RateShare::kAllIntact || !(share.share > share.by_chance)) continue;
        drivers.push_back({{"cell_type", type_name(table, share.type)}, {"readout", readout_name(table, share.readout)}, {"intervention", intervention_name(share.intervention)},
                           {"rate", table.rates[static_cast<std::size_t>(share.rate)]}, {"variance_share", share.share}});
    }
    const Json json = {{"out", out}, {"heading", kContributionHeading}, {"title", table.title}, {"n_runs", std::ssize(runs.values) / std::max<std::int64_t>(1, std::ssize(table.readouts))},
                       {"n_seeds", table.options.seeds}, {"n_draws", table.options.draws}, {"agent_steps_per_second", static_cast<double>(runs.agent_steps) / std::max(1e-9, runs.seconds)},
                       {"contributions", std::move(rows)}, {"drivers", std::move(drivers)}};
    return json.dump();
}

}  // namespace morula::commands
