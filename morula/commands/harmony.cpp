// Harmony: the PCA with batches mixed.
#include "morula/analysis/harmony.hpp"

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

}  // namespace morula::commands
