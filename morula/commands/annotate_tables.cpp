// What `annotate` writes: labels, agreement of the models, reliability, and the words for the terminal.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "morula/commands/annotate.hpp"
#include "morula/core/file.hpp"
#include "morula/core/parallel.hpp"
#include "morula/formats/text/csv_rows.hpp"
#include "morula/formats/text/csv_writer.hpp"
#include "morula/models/nearest_labels.hpp"
#include "morula/report/reliability_diagram.hpp"

namespace morula::commands {
namespace {

/// Counts of agreement over the cells of one label.
struct Agreement {
    std::int64_t n = 0;
    std::int64_t all = 0;
    std::int64_t nearest_logistic = 0;
    std::int64_t nearest_correlation = 0;
    std::int64_t logistic_correlation = 0;

    void add(const ModelCalls& calls, std::size_t cell) {
        ++n;
        all += calls.all_agree(cell) ? 1 : 0;
        nearest_logistic += calls.nearest[cell] == calls.logistic[cell] ? 1 : 0;
        nearest_correlation += calls.nearest[cell] == calls.correlation[cell] ? 1 : 0;
        logistic_correlation += calls.logistic[cell] == calls.correlation[cell] ? 1 : 0;
    }
};

double share(std::int64_t part, std::int64_t of) { return of > 0 ? static_cast<double>(part) / static_cast<double>(of) : std::numeric_limits<double>::quiet_NaN(); }

std::string_view name_or_none(const data::Categorical& label, std::int32_t code) { return code < 0 ? std::string_view() : std::string_view(label.categories[static_cast<std::size_t>(code)]); }

void write_row(formats::CsvWriter& out, const std::string& name, const Agreement& agreement) {
    out.text(name).integer(agreement.n).number(share(agreement.all, agreement.n)).number(share(agreement.nearest_logistic, agreement.n));
    out.number(share(agreement.nearest_correlation, agreement.n)).number(share(agreement.logistic_correlation, agreement.n)).end_row();
}

std::string calibration_text(const AnnotateSides& sides, const models::AnnotateResult& result) {
    if (!result.calibration) {
        const std::size_t n = sides.donor.categories.size();
        return fmt::format("Confidence: uncalibrated score ({}; calibration needs {}).\nLabel sets: the likeliest labels by that score; no coverage is promised.\n",
                           n == 0 ? "no donor column was named" : fmt::format("the reference has {} donors", n), models::kLeastCalibrationDonors);
    }
    const models::Calibration& calibration = *result.calibration;
    return fmt::format("Confidence: calibrated on {} donors that the models had not seen (mean error {:.1f} %, see reliability.csv and .svg).\n"
                       "Label sets: hold the true label for {:.1f} % of those donors' cells, {:.2f} labels a set. Another batch or tissue may do worse.\n",
                       calibration.thresholds.n_donors, 100.0 * calibration.reliability.expected_error, 100.0 * calibration.covered, calibration.mean_set_size);
}

}  // namespace

std::unique_ptr<AtomicFile> labels_table(const std::filesystem::path& folder, const std::vector<std::string>& cells, const std::vector<CalledCell>& called, Context& context) {
    return formats::csv_in_blocks(folder / "labels.csv", {"cell", "label", "confidence", "label_set", "novelty_p", "ontology_id"}, std::ssize(called), [&](formats::CsvRows& rows, Block block) {
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            const CalledCell& own = called[static_cast<std::size_t>(cell)];
            rows.text(cells[static_cast<std::size_t>(cell)]).text(own.label).number(own.confidence).text(own.label_set).number(own.novelty_p).text(own.ontology_id).end_row();
        }
    }, context);
}

ModelCalls model_calls(const models::AnnotateResult& result, Context& context) {
    ModelCalls calls;
    calls.correlation = result.correlation.label;
    const std::array<std::pair<std::vector<std::int32_t>*, const matrix::Dense<float>*>, 3> others{{{&calls.nearest, &result.opinions.votes}, {&calls.in_space, &result.opinions.in_space}, {&calls.logistic, &result.opinions.on_counts}}};
    parallel_blocks(context, std::ssize(others), 1, [&](Block block) {
        const auto& [to, from] = others[static_cast<std::size_t>(block.begin)];
        *to = models::best_labels(from->view());
    });
    return calls;
}

std::unique_ptr<AtomicFile> opinions_table(const std::filesystem::path& folder, const AnnotateSides& sides, const models::AnnotateResult& result, const ModelCalls& calls, Context& context) {
    const std::vector<std::string> names{"cell", "best", "nearest", "nearest_score", "in_space", "in_space_score", "logistic", "logistic_score", "correlation", "correlation_score", "correlation_lead", "all_agree"};
    const auto score = [](const matrix::Dense<float>& table, std::size_t cell, std::int32_t label) { return table(static_cast<std::int64_t>(cell), std::int64_t{label}); };
    return formats::csv_in_blocks(folder / "opinions.csv", names, std::ssize(result.label), [&](formats::CsvRows& rows, Block block) {
        for (auto cell = static_cast<std::size_t>(block.begin); cell < static_cast<std::size_t>(block.end); ++cell) {
            rows.text(sides.query.obs.index()[cell]).text(name_or_none(sides.label, result.label[cell]));
            rows.text(name_or_none(sides.label, calls.nearest[cell])).number(score(result.opinions.votes, cell, calls.nearest[cell]));
            rows.text(name_or_none(sides.label, calls.in_space[cell])).number(score(result.opinions.in_space, cell, calls.in_space[cell]));
            rows.text(name_or_none(sides.label, calls.logistic[cell])).number(score(result.opinions.on_counts, cell, calls.logistic[cell]));
            rows.text(name_or_none(sides.label, calls.correlation[cell])).number(result.correlation.correlation[cell]).number(result.correlation.lead[cell]);
            rows.text(calls.all_agree(cell) ? "yes" : "no").end_row();
        }
    }, context);
}

void write_agreement(const std::filesystem::path& folder, const AnnotateSides& sides, const models::AnnotateResult& result, const ModelCalls& calls) {
    std::vector<Agreement> of_label(sides.label.categories.size());
    Agreement all;
    for (std::size_t cell = 0; cell < result.label.size(); ++cell) {
        of_label[static_cast<std::size_t>(result.label[cell])].add(calls, cell);
        all.add(calls, cell);
    }
    formats::CsvWriter out(folder / "agreement.csv", {"label", "n_cells", "all_three", "nearest_logistic", "nearest_correlation", "logistic_correlation"});
    for (std::size_t label = 0; label < of_label.size(); ++label) write_row(out, sides.label.categories[label], of_label[label]);
    write_row(out, "all cells", all);
    out.commit();
}

void write_reliability(const std::filesystem::path& folder, const AnnotateSides& sides, const models::AnnotateResult& result) {
    formats::CsvWriter bins(folder / "reliability.csv", {"confidence_from", "confidence_to", "n_cells", "n_donors", "mean_confidence", "share_right", "share_right_low", "share_right_high"});
    formats::CsvWriter sets(folder / "label_set_thresholds.csv", {"label", "n_cells", "n_donors", "threshold", "from"});
    if (result.calibration) {
        for (const models::ReliabilityBin& bin : result.calibration->reliability.bins) {
            bins.number(bin.from).number(bin.to).integer(bin.n_cells).integer(bin.n_donors).number(bin.confidence).number(bin.right).number(bin.right_low).number(bin.right_high).end_row();
        }
        for (std::size_t label = 0; label < result.calibration->thresholds.of_label.size(); ++label) {
            const models::LabelThreshold& threshold = result.calibration->thresholds.of_label[label];
            sets.text(sides.label.categories[label]).integer(threshold.n_cells).integer(threshold.n_donors).number(threshold.score).text(threshold.is_own ? "its own cells" : "all labels: fewer than 9 donors have it").end_row();
        }
    }
    bins.commit();
    sets.commit();
    if (!result.calibration) return;
    std::vector<report::ReliabilityPoint> points;
    for (const models::ReliabilityBin& bin : result.calibration->reliability.bins) points.push_back({bin.confidence, bin.right, bin.right_low, bin.right_high, bin.n_cells});
    write_text_file(folder / "reliability.svg", report::reliability_diagram(points));
}

std::string annotate_text(const AnnotateSides& sides, const models::AnnotateResult& result, const std::vector<CalledCell>& called, const ModelCalls& calls) {
    struct Row {
        std::int64_t n = 0;
        std::int64_t all = 0;
    };
    std::unordered_map<std::string_view, Row> rows;
    std::int64_t n_all = 0;
    for (std::size_t cell = 0; cell < called.size(); ++cell) {
        Row& row = rows[called[cell].label];
        ++row.n;
        row.all += calls.all_agree(cell) ? 1 : 0;
        n_all += calls.all_agree(cell) ? 1 : 0;
    }
    std::vector<std::pair<std::string_view, Row>> sorted(rows.begin(), rows.end());
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second.n > b.second.n || (a.second.n == b.second.n && a.first < b.first); });
    std::string text = fmt::format("{}: {} cells labelled from {} ({} cells, {} labels, {} shared genes).\n\n", sides.query.name, called.size(), sides.reference.name, sides.reference.n_cells(),
                                   sides.label.categories.size(), sides.genes_of_reference.size());
    text += fmt::format("{:<32} {:>9} {:>17}\n", "label", "cells", "all three agree");
    for (const auto& [name, row] : sorted) text += fmt::format("{:<32} {:>9} {:>17}\n", name, row.n, row.all);
    text += fmt::format("\nNearest cells, logistic regression and rank correlation agree on {} of {} cells (by label in agreement.csv, by cell in opinions.csv).\n", n_all, called.size());
    return text + calibration_text(sides, result);
}

}  // namespace morula::commands
