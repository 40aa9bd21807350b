// Which genes have counts enough to be compared (filterByExpr's rule: Chen, Lun & Smyth 2016).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/matrix/views.hpp"

namespace morula::analysis {

struct ExpressionRule {
    double min_count = 10.0;        // in a sample of median library size
    double min_total_count = 15.0;  // over all samples
    std::int64_t large_n = 10;      // smallest group above which only min_share of the excess is asked for
    double min_share = 0.7;
};

/// 1 for each gene that is kept. counts: genes x samples; design: samples x columns (full rank): the smallest group is 1 / its largest leverage.
/// The rule and its defaults are those of edgeR's filterByExpr(y, design).
std::vector<std::uint8_t> expressed_genes(matrix::DenseView<const double> counts, matrix::DenseView<const double> design, const ExpressionRule& options);

}  // namespace morula::analysis
