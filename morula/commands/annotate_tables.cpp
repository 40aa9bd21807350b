// What `annotate` writes: labels, agreement of the models, reliability, and the words for the terminal.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/commands/annotate.hpp"
#include "morula/core/file.hpp"
#include "morula/formats/text/csv_writer.hpp"
#include "morula/models/nearest_labels.hpp"
#include "morula/report/reliability_diagram.hpp"

namespace morula::commands {
namespace {

/// What each of the three models calls every cell: nearest cells, logistic regression on counts, rank correlation (-1: none).
struct Opinions {
    std::vector<std::int32_t> nearest;
    std::vector<std::int32_t> logistic;
    std::vector<std::int32_t> correlation;

    bool all(std::size_t cell) const { return nearest[cell] == logistic[cell] && nearest[cell] == correlation[cell]; }
};

Opinions opinions_of(const models::AnnotateResult& result) {
    return {models::best_labels(result.opinions.votes.view()), models::best_labels(result.opinions.on_counts.view()), result.correlation.label};
}

/// Counts of agreement over the cells of one label.
struct Agreement {
    std::int64_t n = 0;
    std::int64_t all = 0;
    std::int64_t nearest_logistic = 0;
    std::int64_t nearest_correlation = 0;
    std::int64_t logistic_correlation = 0;

    void add(const Opinions& opinions, std::size_t cell) {
        ++n;
        all += opinions.all(cell) ? 1 : 0;
        nearest_logistic += opinions.nearest[cell] == opinions.logistic[cell] ? 1 : 0;
        nearest_correlation += opinions.nearest[cell] == opinions.correlation[cell] ? 1 : 0;
        logistic_correlation += opinions.logistic[cell] == opinions.correlation[cell] ? 1 : 0;
    }
};

double share(std::int64_t part, std::int64_t of) { return of > 0 ? static_cast<double>(part) / static_cast<double>(of) : std::numeric_limits<double>::quiet_NaN(); }

std::string name_or_none(const data::Categorical& label, std::int32_t code) { return code < 0 ? "" : label.categories[static_cast<std::size_t>(code)]; }

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

void write_labels(const std::filesystem::path& folder, const std::vector<std::string>& cells, const std::vector<CalledCell>& called) {
    formats::CsvWriter out(folder / "labels.csv", {"cell", "label", "confidence", "label_set", "novelty_p", "ontology_id"});
    for (std::size_t cell = 0; cell < called.size(); ++cell) {
        const CalledCell& own = called[cell];
        out.text(cells[cell]).text(own.label).number(own.confidence).text(own.label_set).number(own.novelty_p).text(own.ontology_id).end_row();
    }
    out.commit();
}

void write_opinions(const std::filesystem::path& folder, const AnnotateSides& sides, const models::AnnotateResult& result) {
    const Opinions opinions = opinions_of(result);
    formats::CsvWriter out(folder / "opinions.csv", {"cell", "best", "nearest", "nearest_score", "in_space", "in_space_score", "logistic", "logistic_score", "correlation", "correlation_score", "correlation_lead", "all_agree"});
    const std::vector<std::int32_t> in_space = models::best_labels(result.opinions.in_space.view());
    const auto score = [](const matrix::Dense<float>& table, std::size_t cell, std::int32_t label) { return table(static_cast<std::int64_t>(cell), std::int64_t{label}); };
    for (std::size_t cell = 0; cell < result.label.size(); ++cell) {
        out.text(sides.query.obs.index()[cell]).text(name_or_none(sides.label, result.label[cell]));
        out.text(name_or_none(sides.label, opinions.nearest[cell])).number(score(result.opinions.votes, cell, opinions.nearest[cell]));
        out.text(name_or_none(sides.label, in_space[cell])).number(score(result.opinions.in_space, cell, in_space[cell]));
        out.text(name_or_none(sides.label, opinions.logistic[cell])).number(score(result.opinions.on_counts, cell, opinions.logistic[cell]));
        out.text(name_or_none(sides.label, opinions.correlation[cell])).number(result.correlation.correlation[cell]).number(result.correlation.lead[cell]);
        out.text(opinions.all(cell) ? "yes" : "no").end_row();
    }
    out.commit();
}

void write_agreement(const std::filesystem::path& folder, const AnnotateSides& sides, const models::AnnotateResult& result, VerbRecord& record) {
    const Opinions opinions = opinions_of(result);
    std::vector<Agreement> of_label(sides.label.categories.size());
    Agreement all;
    for (std::size_t cell = 0; cell < result.label.size(); ++cell) {
        of_label[static_cast<std::size_t>(result.label[cell])].add(opinions, cell);
        all.add(opinions, cell);
    }
    formats::CsvWriter out(folder / "agreement.csv", {"label", "n_cells", "all_three", "nearest_logistic", "nearest_correlation", "logistic_correlation"});
    for (std::size_t label = 0; label < of_label.size(); ++label) write_row(out, sides.label.categories[label], of_label[label]);
    write_row(out, "all cells", all);
    out.commit();
    record.add_count("n_cells_all_agree", all.all);
    record.add_number("share_all_agree", share(all.all, all.n));
}

void write_reliability(const std::filesystem::path& folder, const AnnotateSides& sides, const models::AnnotateResult& result, VerbRecord& record) {
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
    record.add_output("reliability.svg");
}

std::string annotate_text(const AnnotateSides& sides, const models::AnnotateResult& result, const std::vector<CalledCell>& called) {
    const Opinions opinions = opinions_of(result);
    struct Row {
        std::int64_t n = 0;
        std::int64_t all = 0;
    };
    std::map<std::string, Row> rows;
    std::int64_t n_all = 0;
    for (std::size_t cell = 0; cell < called.size(); ++cell) {
        Row& row = rows[called[cell].label];
        ++row.n;
        row.all += opinions.all(cell) ? 1 : 0;
        n_all += opinions.all(cell) ? 1 : 0;
    }
    std::vector<std::pair<std::string, Row>> sorted(rows.begin(), rows.end());
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second.n > b.second.n; });
    std::string text = fmt::format("{}: {} cells labelled from {} ({} cells, {} labels, {} shared genes).\n\n", sides.query.name, called.size(), sides.reference.name, sides.reference.n_cells(),
                                   sides.label.categories.size(), sides.genes_of_reference.size());
    text += fmt::format("{:<32} {:>9} {:>17}\n", "label", "cells", "all three agree");
    for (const auto& [name, row] : sorted) text += fmt::format("{:<32} {:>9} {:>17}\n", name, row.n, row.all);
    text += fmt::format("\nNearest cells, logistic regression and rank correlation agree on {} of {} cells (by label in agreement.csv, by cell in opinions.csv).\n", n_all, called.size());
    return text + calibration_text(sides, result);
}

}  // namespace morula::commands
