// What `morula cnv` writes and says.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/commands/cnv.hpp"
#include "morula/core/error.hpp"
#include "morula/formats/text/csv_writer.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/knowledge/gene_order.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;
using analysis::CnvRole;
using analysis::CnvVerdict;
using analysis::CopyState;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostShown = 20;

const analysis::CnvGenome& genome_of(const CnvOutcome& outcome) { return outcome.result.genome; }

void write_cells(const fs::path& folder, const CnvOutcome& outcome) {
    formats::CsvWriter csv(folder / "cnv_cells.csv", {"cell", "score", "clone", "low", "high"});
    for (std::int64_t i = 0; i < outcome.dataset.n_cells(); ++i) {
        const auto cell = static_cast<std::size_t>(i);
        const bool called = !outcome.result.clone.empty();
        const analysis::CnvFit fit = called ? outcome.result.fit[cell] : analysis::CnvFit{};
        const std::int32_t clone = called ? outcome.result.clone[cell] : -1;
        const CnvRole role = outcome.cells.role[cell];
        const char* without = !called || role == CnvRole::none ? "" : role == CnvRole::reference ? "reference" : "none";
        csv.text(outcome.dataset.obs.index()[cell]);
        if (fit.clone >= 0) csv.number(fit.score);
        else csv.number(kMissing);
        csv.text(clone >= 0 ? outcome.clone_names[static_cast<std::size_t>(clone)] : without);
        csv.number(fit.clone >= 0 ? static_cast<double>(fit.low) : kMissing).number(fit.clone >= 0 ? static_cast<double>(fit.high) : kMissing);
        csv.end_row();
    }
    csv.commit();
}

void write_segments(const fs::path& folder, const CnvOutcome& outcome) {
    formats::CsvWriter csv(folder / "cnv_segments.csv", {"clone", "chromosome", "start", "end", "state", "mean", "z", "posterior", "n_genes"});
    const analysis::CnvGenome& genome = genome_of(outcome);
    for (std::size_t clone = 0; clone < outcome.result.clones.size(); ++clone) {
        for (const analysis::CnvSegment& segment : outcome.result.clones[clone].calls.segments) {
            csv.text(outcome.clone_names[clone]).text(genome.chromosome_names[static_cast<std::size_t>(segment.chromosome)]);
            csv.integer(genome.start[static_cast<std::size_t>(segment.first_gene)]).integer(std::max(genome.end[static_cast<std::size_t>(segment.last_gene)], genome.start[static_cast<std::size_t>(segment.first_gene)]));
            csv.text(analysis::copy_state_name(segment.state)).number(segment.mean).number(segment.z).number(segment.posterior).integer(segment.n_genes);
            csv.end_row();
        }
    }
    csv.commit();
}

void write_arms(const fs::path& folder, const CnvOutcome& outcome) {
    formats::CsvWriter csv(folder / "cnv_arms.csv", {"clone", "arm", "state", "mean", "z", "p", "n_genes", "status"});
    const analysis::CnvGenome& genome = genome_of(outcome);
    for (std::size_t clone = 0; clone < outcome.result.clones.size(); ++clone) {
        for (const analysis::CnvArm& arm : outcome.result.clones[clone].calls.arms) {
            if (arm.n_genes == 0) continue;
            csv.text(outcome.clone_names[clone]).text(genome.arm_names[static_cast<std::size_t>(arm.arm)]).text(analysis::copy_state_name(arm.state)).number(arm.mean).number(arm.z);
            csv.number(arm.is_tested ? std::pow(10.0, arm.log10_p) : kMissing).integer(arm.n_genes).text(arm.is_tested ? "tested" : "not tested: fewer than 15 genes");
            csv.end_row();
        }
    }
    csv.commit();
}

void write_clones(const fs::path& folder, const CnvOutcome& outcome) {
    formats::CsvWriter csv(folder / "cnv_clones.csv", {"clone", "donor", "n_cells", "arms_lost", "arms_gained", "other_stretches"});
    for (std::size_t clone = 0; clone < outcome.result.clones.size(); ++clone) {
        const analysis::CnvClone& each = outcome.result.clones[clone];
        csv.text(outcome.clone_names[clone]).text(outcome.cells.donor_names[static_cast<std::size_t>(each.donor)]).integer(each.n_cells);
        csv.text(arms_in(each, genome_of(outcome), CopyState::loss)).text(arms_in(each, genome_of(outcome), CopyState::gain)).integer(n_stretches(each, genome_of(outcome)));
        csv.end_row();
    }
    csv.commit();
}

double number_in(const formats::RawTable& table, std::size_t row, std::size_t column) {
    const std::string& text = table.rows[row][column];
    if (text.empty()) return kMissing;
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (end != text.c_str() + text.size() || !std::isfinite(value)) invalid_data(fmt::format("{}: '{}' is not a number.", table.place(row, column), text), "Run morula cnv on the earlier sample again.");
    return value;
}

CopyState state_in(const formats::RawTable& table, std::size_t row, std::size_t column) {
    for (const CopyState state : {CopyState::loss, CopyState::neutral, CopyState::gain}) {
        if (table.rows[row][column] == analysis::copy_state_name(state)) return state;
    }
    invalid_data(fmt::format("{}: '{}' is none of loss, neutral, gain.", table.place(row, column), table.rows[row][column]), "Run morula cnv on the earlier sample again.");
}

std::string place_text(const analysis::CnvSpan& span) { return fmt::format("{}:{:.1f}-{:.1f} Mb", span.chromosome, static_cast<double>(span.start) / 1e6, static_cast<double>(span.end) / 1e6); }

}  // namespace

std::string arms_in(const analysis::CnvClone& clone, const analysis::CnvGenome& genome, CopyState state) {
    std::string text;
    for (const analysis::CnvArm& arm : clone.calls.arms) {
        if (arm.state == state) text += (text.empty() ? "" : ", ") + genome.arm_names[static_cast<std::size_t>(arm.arm)];
    }
    return text;
}

std::int64_t n_stretches(const analysis::CnvClone& clone, const analysis::CnvGenome& genome) {
    return std::count_if(clone.calls.segments.begin(), clone.calls.segments.end(), [&](const analysis::CnvSegment& segment) {
        const CopyState of_arm = clone.calls.arms[static_cast<std::size_t>(genome.arm[static_cast<std::size_t>(segment.first_gene)])].state;
        const CopyState of_last = clone.calls.arms[static_cast<std::size_t>(genome.arm[static_cast<std::size_t>(segment.last_gene)])].state;
        return segment.state != CopyState::neutral && of_arm != segment.state && of_last != segment.state;
    });
}

std::vector<std::string> write_cnv(const fs::path& folder, const CnvOutcome& outcome, Context& context) {
    context.check_cancelled();
    write_cells(folder, outcome);
    write_segments(folder, outcome);
    write_arms(folder, outcome);
    write_clones(folder, outcome);
    return {"cnv_cells.csv", "cnv_segments.csv", "cnv_arms.csv", "cnv_clones.csv"};
}

std::string cnv_text(const CnvOutcome& outcome) {
    if (outcome.result.clone.empty()) return "Nothing was called: no reference cells were named.\n";
    if (outcome.result.clones.empty()) return fmt::format("No gain or loss was found in {} cells against {} reference cells.\n", outcome.result.n_query, outcome.result.n_reference);
    std::size_t width = 5;
    for (const std::string& name : outcome.clone_names) width = std::max(width, name.size());
    std::string text = fmt::format("{:<{}}{:>9}  {}\n", "clone", width, "cells", "lost; gained; other stretches");
    for (std::size_t clone = 0; clone < std::min(kMostShown, outcome.clone_names.size()); ++clone) {
        const analysis::CnvClone& each = outcome.result.clones[clone];
        const std::string lost = arms_in(each, genome_of(outcome), CopyState::loss), gained = arms_in(each, genome_of(outcome), CopyState::gain);
        text += fmt::format("{:<{}}{:>9}  {}; {}; {}\n", outcome.clone_names[clone], width, each.n_cells, lost.empty() ? "-" : lost, gained.empty() ? "-" : gained, n_stretches(each, genome_of(outcome)));
    }
    if (outcome.clone_names.size() > kMostShown) text += fmt::format("and {} more in cnv_clones.csv\n", outcome.clone_names.size() - kMostShown);
    const auto n_none = std::count(outcome.result.clone.begin(), outcome.result.clone.end(), -1) - (std::ssize(outcome.result.clone) - outcome.result.n_query);
    text += fmt::format("{} of {} cells carry no change that was found. Changes are relative to the middle of each clone's genome; expression shows changes of many genes, not small ones.\n", n_none, outcome.result.n_query);
    return text;
}

std::vector<analysis::CnvSpan> spans_of(const CnvOutcome& outcome) {
    std::vector<analysis::CnvSpan> spans;
    const analysis::CnvGenome& genome = genome_of(outcome);
    for (std::size_t clone = 0; clone < outcome.result.clones.size(); ++clone) {
        for (const analysis::CnvSegment& segment : outcome.result.clones[clone].calls.segments) {
            const std::int64_t start = genome.start[static_cast<std::size_t>(segment.first_gene)];
            spans.push_back({outcome.clone_names[clone], genome.chromosome_names[static_cast<std::size_t>(segment.chromosome)], start, std::max(start, genome.end[static_cast<std::size_t>(segment.last_gene)]), segment.state, segment.mean});
        }
    }
    return spans;
}

std::vector<analysis::CnvSpan> read_previous(const std::string& path, Context& context) {
    const fs::path file = fs::is_directory(path) ? fs::path(path) / "cnv_segments.csv" : fs::path(path);
    const formats::RawTable table = formats::read_rows(file, {}, context);
    const std::size_t clone = table.column("clone"), chromosome = table.column("chromosome"), start = table.column("start"), end = table.column("end"), state = table.column("state"), mean = table.column("mean");
    std::vector<analysis::CnvSpan> spans;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        const double from = number_in(table, row, start), to = number_in(table, row, end);
        if (!(from >= 0.0) || !(to >= from) || to > 1e12) invalid_data(fmt::format("{}: '{}' to '{}' is no stretch of a chromosome.", table.place(row, start), table.rows[row][start], table.rows[row][end]), "Run morula cnv on the earlier sample again.");
        spans.push_back({table.rows[row][clone], knowledge::chromosome_name(table.rows[row][chromosome]), static_cast<std::int64_t>(from), static_cast<std::int64_t>(to), state_in(table, row, state), number_in(table, row, mean)});
    }
    return spans;
}

void write_changes(const fs::path& folder, const analysis::CnvChanges& changes) {
    formats::CsvWriter csv(folder / "cnv_changes.csv", {"what", "verdict", "clone", "chromosome", "start", "end", "state", "mean", "mean_in_other", "share_in_other", "nearest_clone", "similarity", "inherited"});
    for (const analysis::CnvCloneChange& change : changes.clones) {
        csv.text("clone").text(analysis::verdict_name(change.verdict)).text(change.clone).text("").text("").text("").text("").number(kMissing).number(kMissing).number(kMissing);
        csv.text(change.nearest).number(change.nearest.empty() ? kMissing : change.similarity).number(change.nearest.empty() ? kMissing : change.inherited);
        csv.end_row();
    }
    for (const analysis::CnvSpanChange& change : changes.spans) {
        csv.text("stretch").text(analysis::verdict_name(change.verdict)).text(change.span.clone).text(change.span.chromosome).integer(change.span.start).integer(change.span.end);
        csv.text(analysis::copy_state_name(change.span.state)).number(change.span.mean).number(change.mean_in_other).number(change.share_in_other).text("").number(kMissing).number(kMissing);
        csv.end_row();
    }
    csv.commit();
}

std::string changes_text(const analysis::CnvChanges& changes) {
    std::string text = "Against the earlier sample:\n";
    for (const analysis::CnvCloneChange& change : changes.clones) {
        text += fmt::format("  {} is {}", change.clone, analysis::verdict_name(change.verdict));
        if (change.verdict == CnvVerdict::added && change.inherited >= 0.8) text += fmt::format(", and has {:.0f} % of the changes of {}", 100.0 * change.inherited, change.nearest);
        else if (change.verdict == CnvVerdict::kept) text += fmt::format(" as {}", change.nearest);
        text += "\n";
    }
    std::size_t n_shown = 0;
    for (const analysis::CnvSpanChange& change : changes.spans) {
        if (change.verdict == CnvVerdict::kept || n_shown++ >= kMostShown) continue;
        text += fmt::format("  {} of {} in {} is {}\n", analysis::copy_state_name(change.span.state), place_text(change.span), change.span.clone, analysis::verdict_name(change.verdict));
    }
    if (n_shown == 0) text += "  no stretch is new or gone\n";
    if (n_shown > kMostShown) text += fmt::format("  and {} more in cnv_changes.csv\n", n_shown - kMostShown);
    return text;
}

}  // namespace morula::commands
