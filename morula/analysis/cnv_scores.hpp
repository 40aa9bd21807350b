// How far a single cell carries a clone's gains and losses: a fit of its log values with an interval, and the clone it fits best.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// What reference cells look like, and by how much each clone's genes should differ.
struct CnvModel {
    std::vector<double> baseline;   // n_genes: mean log value of the reference
    std::vector<double> variance;   // n_genes, > 0
    matrix::Dense<double> shift;    // n_clones x n_genes: expected change of the log value, 0 where no change is called
    std::vector<double> prior;      // n_clones: ln odds before the cell is looked at
    std::vector<double> reach;      // n_clones: half width of the score's interval, in standard errors from the cell's own scatter
};
/// prior_odds: n_clones, cells expected in the clone for each cell in none, > 0. levels: n_clones x n_genes, log2 ratios of the called genes, else 0. A gene of mean log value m and ratio r is expected at log1p(r expm1(m)): (r - 1) m for rare genes,
/// ln r more for frequent ones. Variances below their median are raised to it: few reference cells make
/// silent genes look certain. reach: 1.96 for all.
CnvModel make_cnv_model(std::span<const double> baseline, std::span<const double> variance, const matrix::Dense<double>& levels, std::span<const double> prior_odds);

struct CnvFit {
    std::int32_t clone = -1;  // the clone of the cell's group that fits best; -1: the group has none, and the rest means nothing
    float gain = 0.0F;        // ln odds of that clone's changes in full against none; the cell belongs to it where > 0
    float score = 0.0F;       // 0: as the reference; 1: all of the clone's changes
    float low = 0.0F;         // 95 % interval: score -+ reach standard errors
    float high = 0.0F;
};

/// values: n_cells x n_genes log values. For each cell and each clone of its group the log values less the baseline are fitted by a * (1 - exp(-baseline)) + score * shift, by least
/// squares with weights 1 / variance: the first term takes up the cell's depth, also that which its own gains and losses change. The standard error is from the cell's own
/// scatter about the fit, as if genes were independent. Cost O(nnz * clones of a group).
std::vector<CnvFit> fit_cells(const matrix::RowBlockSource& values, const CnvModel& model, std::span<const std::int32_t> group_of_cell, std::span<const std::int32_t> group_of_clone, Context& context);

/// Genes are not independent: what cells of one kind share moves the genes of a stretch together, and of a group's clones the best is taken. So model.reach becomes, for the clones of each group, the
/// 95 % quantile of |score| in standard errors over cells whose score is truly 0: of n the ceil(.95 (n + 1))-th smallest, as in split conformal prediction (the largest of fewer than 19); at least 1.96.
/// normal_cells: n_cells x n_genes log values of reference cells, each fitted by the clones of every group. Cost O(nnz * clones).
void widen_to_normal_cells(CnvModel& model, const matrix::RowBlockSource& normal_cells, std::span<const std::int32_t> group_of_clone, Context& context);

}  // namespace morula::analysis
