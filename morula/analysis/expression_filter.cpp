#include "morula/analysis/expression_filter.hpp"

#include <algorithm>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/least_squares_basis.hpp"

namespace morula::analysis {
namespace {

/// Samples that must reach the count.
double samples_needed(matrix::DenseView<const double> design, const ExpressionRule& options) {
    const std::vector<double> leverage = leverages(orthonormal_basis(design));
    const double smallest = 1.0 / *std::max_element(leverage.begin(), leverage.end());
    const auto large = static_cast<double>(options.large_n);
    return smallest > large ? large + (smallest - large) * options.min_share : smallest;
}

}  // namespace

std::vector<std::uint8_t> expressed_genes(matrix::DenseView<const double> counts, matrix::DenseView<const double> design, const ExpressionRule& options) {
    std::vector<std::uint8_t> keep(static_cast<std::size_t>(counts.n_rows), 0);
    if (counts.n_cols == 0) return keep;
    std::vector<double> size(static_cast<std::size_t>(counts.n_cols), 0.0);
    for (std::int64_t gene = 0; gene < counts.n_rows; ++gene) {
        for (std::size_t s = 0; s < size.size(); ++s) size[s] += counts.row(gene)[s];
    }
    constexpr double tolerance = 1e-14;
    const double needed = samples_needed(design, options) - tolerance;
    // Per million, as the convention has it: the comparison with the cut-off rounds the same way.
    const double cutoff = options.min_count / median(size) * 1e6;
    for (std::int64_t gene = 0; gene < counts.n_rows; ++gene) {
        double total = 0.0;
        double n_reaching = 0.0;
        for (std::size_t s = 0; s < size.size(); ++s) {
            const double count = counts.row(gene)[s];
            total += count;
            if (size[s] > 0.0 && count / size[s] * 1e6 >= cutoff) n_reaching += 1.0;
        }
        keep[static_cast<std::size_t>(gene)] = n_reaching >= needed && total >= options.min_total_count - tolerance;
    }
    return keep;
}

}  // namespace morula::analysis
