// Principal components of the highly variable genes.
#include "morula/analysis/pca.hpp"

#include <fmt/format.h>

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {

data::Dataset pca_slots(const data::Dataset& in, const analysis::PcaOptions& options, Context& context) {
    if (!in.var.has("highly_variable")) {
        fail(ErrorCode::not_found, fmt::format("{}: var has no column 'highly_variable'.", in.name), "Find the variable genes first: `morula hvg`.");
    }
    std::vector<std::int64_t> genes;
    const std::vector<double> variable = data::column_numbers(in.var.at("highly_variable"));
    for (std::size_t gene = 0; gene < variable.size(); ++gene) {
        if (variable[gene] != 0.0) genes.push_back(static_cast<std::int64_t>(gene));
    }
    const analysis::PcaResult result = analysis::pca(*matrix::select_cols(require_log_values(in), genes), options, context);

    data::Dataset out = slots_like(in);
    matrix::Dense<float> loadings(in.n_genes(), result.loadings.n_cols);
    for (std::size_t i = 0; i < genes.size(); ++i) {
        const auto from = result.loadings.row(static_cast<std::int64_t>(i));
        std::copy(from.begin(), from.end(), loadings.row(genes[i]).begin());
    }
    out.obsm["X_pca"] = result.embedding;
    out.varm["PCs"] = std::move(loadings);
    out.uns["pca"] = uns_of(data::UnsMap{{"variance", uns_of(result.variance)},
                                         {"variance_ratio", uns_of(result.variance_ratio)},
                                         {"params", uns_of(data::UnsMap{{"zero_center", uns_of(true)}, {"mask_var", uns_of(std::string("highly_variable"))}})}});
    return out;
}

}  // namespace morula::commands
