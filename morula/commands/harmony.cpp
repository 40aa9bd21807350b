// Harmony: the PCA with batches mixed.
#include "morula/analysis/harmony.hpp"

#include <fmt/format.h>

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {

data::Dataset harmony_slots(const data::Dataset& in, const analysis::HarmonyOptions& options, const std::string& batch_column, Context& context) {
    const data::Categorical batches = require_groups(in, batch_column);
    const analysis::BatchVariable variable{batch_column, batches.codes, static_cast<std::int32_t>(batches.categories.size())};
    analysis::HarmonyResult result = analysis::harmony(require_obsm(in, "X_pca", "pca").view(), {&variable, 1}, options, context);
    data::Dataset out = slots_like(in);
    out.obsm["X_pca_harmony"] = std::move(result.embedding);
    out.uns["harmony"] = uns_of(data::UnsMap{{"batch", uns_of(batch_column)},
                                             {"objective", uns_of(result.objective)},
                                             {"iterations", uns_of(std::int64_t{result.iterations})},
                                             {"converged", uns_of(result.converged)}});
    return out;
}

data::Dataset integration_slots(const data::Dataset& in, const analysis::LisiOptions& options, const std::string& batch_column, std::int64_t n_dims, Context& context) {
    const data::Categorical batches = require_groups(in, batch_column);
    const auto n_batches = static_cast<std::int32_t>(batches.categories.size());
    const matrix::Dense<float> before = leading_columns(require_obsm(in, "X_pca", "pca"), n_dims);
    const analysis::LisiResult lisi_before = analysis::lisi(before.view(), batches.codes, n_batches, options, context);
    const analysis::LisiResult lisi_after = analysis::lisi(require_obsm(in, "X_pca_harmony", "harmony").view(), batches.codes, n_batches, options, context);
    context.events().decision(fmt::format("Mixing of '{}' (median iLISI): {:.2f} before, {:.2f} after; {:.2f} with no structure at all.", batch_column, lisi_before.median, lisi_after.median, lisi_after.expected));
    data::Dataset out = slots_like(in);
    out.uns["integration"] = uns_of(data::UnsMap{{"batch", uns_of(batch_column)}, {"ilisi_before", uns_of(lisi_before.median)}, {"ilisi_after", uns_of(lisi_after.median)},
                                                 {"ilisi_expected", uns_of(lisi_after.expected)}, {"n_batches", uns_of(std::int64_t{n_batches})}, {"n_cells", uns_of(static_cast<std::int64_t>(lisi_after.cell.size()))}});
    return out;
}

}  // namespace morula::commands
