// Which clusters the cells that quality control removed would have belonged to.
#include "morula/analysis/removed_cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {
namespace {

/// Variable genes without mitochondrial ones: damage changes those.
std::vector<std::int64_t> telling_genes(const data::Table& var) {
    const std::vector<double> variable = data::column_numbers(var.at("highly_variable"));
    const std::vector<double> mitochondrial = data::column_numbers(var.at("mt"));
    std::vector<std::int64_t> genes;
    for (std::size_t gene = 0; gene < variable.size(); ++gene) {
        if (variable[gene] != 0.0 && mitochondrial[gene] == 0.0) genes.push_back(static_cast<std::int64_t>(gene));
    }
    return genes;
}

std::vector<std::int64_t> removed_rows(const data::Categorical& reason) {
    std::vector<std::int64_t> cells;
    for (std::size_t cell = 0; cell < reason.codes.size(); ++cell) {
        if (reason.codes[cell] != 0) cells.push_back(static_cast<std::int64_t>(cell));
    }
    return cells;
}

/// Expected number of removed cells of each cluster for each reason, n_clusters x n_reasons.
matrix::Dense<double> by_reason(const analysis::RemovedCellsResult& result, const std::vector<std::int64_t>& cells, const data::Categorical& reason) {
    const auto n_clusters = static_cast<std::int64_t>(result.n_kept.size());
    matrix::Dense<double> out(n_clusters, static_cast<std::int64_t>(reason.categories.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const auto why = std::int64_t{reason.codes[static_cast<std::size_t>(cells[i])]};
        for (std::int64_t cluster = 0; cluster < n_clusters; ++cluster) out(cluster, why) += static_cast<double>(result.probability(static_cast<std::int64_t>(i), cluster));
    }
    return out;
}

}  // namespace

data::Dataset removed_cells_slots(const data::Dataset& all, const data::Dataset& kept, const analysis::RemovedCellsOptions& options, Context& context) {
    const data::Categorical reason = require_groups(all, "qc");
    const data::Categorical leiden = require_groups(kept, "leiden");
    const std::vector<std::int64_t> genes = telling_genes(kept.var);
    const std::vector<std::int64_t> cells = removed_rows(reason);
    const analysis::RemovedCellsResult result = analysis::removed_cells(matrix::select_cols(require_counts(kept), genes), leiden.codes, static_cast<std::int32_t>(leiden.categories.size()),
                                                                        *matrix::select(require_counts(all), cells, genes), options, context);
    const matrix::Dense<double> reasons = by_reason(result, cells, reason);
    std::vector<std::string> main_reason;
    for (std::size_t cluster = 0; cluster < result.n_kept.size(); ++cluster) {
        const auto row = reasons.row(static_cast<std::int64_t>(cluster));
        main_reason.push_back(result.n_removed[cluster] > 0.0 ? reason.categories[static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin())] : "");
        if (result.n_removed[cluster] < options.warn_min_cells || 100.0 * result.lost_share(cluster) <= options.warn_lost_percent) continue;
        context.events().warning(fmt::format("About {:.0f} cells like those of cluster {} were removed, {:.0f} % of the kind, most for {}. If it is a cell type that the cut-off misjudges: a recipe keeps to its cut-offs; `morula qc` takes others, and the verbs after it go on from there.",
                                             result.n_removed[cluster], leiden.categories[cluster], 100.0 * result.lost_share(cluster), main_reason.back()));
    }
    data::Dataset out = slots_like(kept);
    out.uns["removed_cells"] = uns_of(data::UnsMap{{"cluster", uns_of(leiden.categories)}, {"n_kept", uns_of(result.n_kept)}, {"n_removed", uns_of(result.n_removed)}, {"main_reason", uns_of(main_reason)},
                                                   {"n_ambient", uns_of(result.n_ambient)}, {"n_too_few_counts", uns_of(result.n_too_few_counts)}});
    return out;
}

}  // namespace morula::commands
