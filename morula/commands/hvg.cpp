// Highly variable genes.
#include "morula/analysis/hvg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

/// Values of the genes that took part, at their places among all genes.
std::vector<double> spread(const std::vector<double>& values, const std::vector<std::int64_t>& genes, std::int64_t n_genes) {
    std::vector<double> out(static_cast<std::size_t>(n_genes), std::numeric_limits<double>::quiet_NaN());
    for (std::size_t i = 0; i < genes.size(); ++i) out[static_cast<std::size_t>(genes[i])] = values[i];
    return out;
}

/// Genes in enough cells that every sample measured: a gene that one sample lacks would look variable. measured_in counts what was joined; each part may hold several samples.
std::vector<std::int64_t> genes_taking_part(const data::Dataset& in) {
    std::vector<double> enough(static_cast<std::size_t>(in.n_genes()), 1.0);
    if (const data::Column* column = in.var.find("in_enough_cells")) enough = data::column_numbers(*column);
    std::vector<double> measured_in = enough;
    if (const data::Column* column = in.var.find("measured_in")) measured_in = data::column_numbers(*column);
    const double most = measured_in.empty() ? 0.0 : *std::max_element(measured_in.begin(), measured_in.end());
    const double n_samples = in.var.has("measured_in") ? std::min(most, static_cast<double>(samples_of(in).categories.size())) : 1.0;
    std::vector<std::int64_t> genes;
    for (std::size_t gene = 0; gene < enough.size(); ++gene) {
        if (enough[gene] != 0.0 && measured_in[gene] >= n_samples) genes.push_back(static_cast<std::int64_t>(gene));
    }
    return genes;
}

void check_batches(const data::Dataset& in, const std::string& column, const data::Categorical& batches) {
    std::vector<std::int64_t> n_cells(batches.categories.size(), 0);
    for (const std::int32_t code : batches.codes) ++n_cells[static_cast<std::size_t>(code)];
    for (std::size_t batch = 0; batch < n_cells.size(); ++batch) {
        if (n_cells[batch] >= 2) continue;
        invalid_data(fmt::format("{}: {} '{}' has {} left; variable genes are ranked within each {}, which needs at least 2 cells.", in.name, column, batches.categories[batch],
                                 n_cells[batch] == 0 ? "no cell" : "one cell", column),
                     fmt::format("Look at the counts of that {}, and leave it out.", column));
    }
}

}  // namespace

data::Dataset hvg_slots(const data::Dataset& in, const analysis::HvgOptions& options, const std::string& batch_column, Context& context) {
    const bool from_counts = options.flavor == analysis::HvgFlavor::seurat_v3 || options.flavor == analysis::HvgFlavor::seurat_v3_paper;
    const std::vector<std::int64_t> genes = genes_taking_part(in);
    const matrix::Matrix values = matrix::select_cols(from_counts ? require_counts(in) : require_log_values(in), genes);
    const data::Categorical batches = batch_column.empty() ? data::Categorical{} : require_groups(in, batch_column);
    check_batches(in, batch_column, batches);
    const analysis::HvgResult result = analysis::hvg(*values, batches.codes, std::max<std::int32_t>(1, static_cast<std::int32_t>(batches.categories.size())), options, context);

    data::Booleans variable{std::vector<std::uint8_t>(static_cast<std::size_t>(in.n_genes()), 0)};
    for (const std::int64_t gene : result.genes) variable.values[static_cast<std::size_t>(genes[static_cast<std::size_t>(gene)])] = 1;
    data::Dataset out = slots_like(in);
    out.var.set("highly_variable", variable);
    out.var.set("means", spread(result.mean, genes, in.n_genes()));
    out.var.set(from_counts ? "variances" : "dispersions", spread(result.dispersion, genes, in.n_genes()));
    out.var.set(from_counts ? "variances_norm" : "dispersions_norm", spread(result.dispersion_norm, genes, in.n_genes()));
    if (from_counts) out.var.set("highly_variable_rank", spread(result.rank, genes, in.n_genes()));
    if (!batch_column.empty()) out.var.set("highly_variable_nbatches", spread(std::vector<double>(result.n_batches.begin(), result.n_batches.end()), genes, in.n_genes()));
    return out;
}

}  // namespace morula::commands
