// Library-size factors and the lazy log-normalized layer.
#include "morula/analysis/normalize.hpp"

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {

data::Dataset normalize_slots(const data::Dataset& in, const analysis::NormalizeOptions& options, Context& context) {
    const std::vector<double> totals = data::column_numbers(in.obs.at("kept_counts"));
    analysis::NormalizeResult result = analysis::normalize(totals, options, context);
    data::Dataset out = slots_like(in);
    out.obs.set("size_factor", std::move(result.scale));
    out.uns["normalize"] = uns_of(data::UnsMap{{"target_sum", uns_of(result.target)}});
    out.uns["log1p"] = uns_of(data::UnsMap{});  // scanpy looks for it: natural logarithm, no base given
    return out;
}

void add_log_values(data::Dataset& dataset) {
    dataset.layers["X"] = matrix::log1p_scaled(require_counts(dataset), data::column_numbers(dataset.obs.at("size_factor")));
}

}  // namespace morula::commands
