// Suggested cell-type labels of the clusters.
#include "morula/analysis/suggested_labels.hpp"

#include <fmt/format.h>

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {
namespace {

std::string evidence_text(const analysis::ClusterLabel& label) {
    std::string text;
    for (const analysis::LabelEvidence& gene : label.evidence) {
        text += fmt::format("{}{}{} (AUC {:.2f}, in {:.0f} %)", text.empty() ? "" : ", ", gene.negative ? "not " : "", gene.symbol, gene.auc, 100.0 * gene.pct_in);
    }
    return text;
}

std::string candidates_text(const analysis::ClusterLabel& label, const knowledge::MarkerTable& table) {
    std::string text;
    for (const analysis::LabelCandidate& candidate : label.candidates) {
        text += fmt::format("{}{} {:.2f}", text.empty() ? "" : ", ", table.types[static_cast<std::size_t>(candidate.type)].name, candidate.score);
    }
    return text;
}

/// Source of the best candidate's markers.
std::string source_text(const analysis::ClusterLabel& label, const knowledge::MarkerTable& table) {
    return label.candidates.empty() ? "" : table.types[static_cast<std::size_t>(label.candidates.front().type)].source;
}

}  // namespace

data::Dataset labels_slots(const data::Dataset& in, const analysis::SuggestedLabelsOptions& options, const knowledge::MarkerTable& table, Context& context) {
    const data::Categorical cluster = require_groups(in, "leiden");
    const std::vector<std::string> symbols = symbols_of(in.var);
    const matrix::Matrix values = matrix::select_cols(require_log_values(in), analysis::family_genes(symbols, table));
    const std::vector<analysis::ClusterLabel> labels = analysis::suggested_labels(stored_markers(in), *values, cluster.codes, symbols, table, options, context);
    std::vector<std::string> names;
    std::vector<double> score;
    std::vector<double> margin;
    std::vector<std::string> reason;
    std::vector<std::string> evidence;
    std::vector<std::string> candidates;
    std::vector<std::string> source;
    for (const analysis::ClusterLabel& label : labels) {
        names.push_back(label.label);
        score.push_back(label.score);
        margin.push_back(label.margin);
        reason.push_back(label.reason);
        evidence.push_back(evidence_text(label));
        candidates.push_back(candidates_text(label, table));
        source.push_back(source_text(label, table));
    }
    std::vector<std::string> of_cells;
    of_cells.reserve(cluster.codes.size());
    for (const std::int32_t code : cluster.codes) of_cells.push_back(names[static_cast<std::size_t>(code)]);

    data::Dataset out = slots_like(in);
    out.obs.set("suggested_label", data::to_categorical(of_cells));
    out.uns["suggested_labels"] = uns_of(data::UnsMap{{"cluster", uns_of(cluster.categories)}, {"label", uns_of(names)}, {"score", uns_of(score)}, {"margin", uns_of(margin)},
                                                      {"reason", uns_of(reason)}, {"evidence", uns_of(evidence)}, {"candidates", uns_of(candidates)}, {"source", uns_of(source)},
                                                      {"table", uns_of(table.name)}});
    return out;
}

}  // namespace morula::commands
