#include "morula/analysis/normalize.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "morula/analysis/averages.hpp"
#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

double median_of_positive(std::span<const double> totals) {
    std::vector<double> positive;
    for (const double total : totals) {
        if (total > 0.0) positive.push_back(total);
    }
    if (positive.empty()) {
        invalid_data(fmt::format("None of the {} cells has counts, so there is no size to scale them to.", totals.size()), "Remove empty cells and genes less strictly, or check that this is the counts matrix.");
    }
    return median(std::move(positive));
}

}  // namespace

NormalizeResult normalize(std::span<const double> totals, const NormalizeOptions& options, Context& context) {
    context.check_cancelled();
    for (std::size_t c = 0; c < totals.size(); ++c) {
        if (!(totals[c] >= 0.0) || !std::isfinite(totals[c])) {
            invalid_data(fmt::format("Cell {} has a total of {}, which cannot be a number of counts.", c, totals[c]), "Give raw counts: whole numbers, none negative.");
        }
    }
    if (options.target_sum && !(*options.target_sum > 0.0)) {
        fail(ErrorCode::usage, fmt::format("A target sum of {} is not possible; it must be above 0.", *options.target_sum), "Leave --target-sum out to use the median.");
    }
    NormalizeResult result;
    result.target = options.target_sum ? *options.target_sum : median_of_positive(totals);
    result.scale.reserve(totals.size());
    for (const double total : totals) result.scale.push_back(total > 0.0 ? result.target / total : 1.0);
    return result;
}

}  // namespace morula::analysis
