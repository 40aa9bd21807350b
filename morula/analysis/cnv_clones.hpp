// Groups of cells that share their gains and losses: clusters of window profiles, kept apart only where genes that did not make them say so.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "morula/analysis/cnv_segments.hpp"
#include "morula/analysis/cnv_windows.hpp"
#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"

namespace morula::analysis {

struct CnvCloneOptions {
    std::int64_t min_cells = 10;
    double resolution = 1.0;
    std::uint64_t seed = 0;
};
constexpr auto describe(const CnvCloneOptions*) {
    using O = CnvCloneOptions;
    return std::tuple{
        field("min_cells", &O::min_cells, "A clone has at least so many cells.", {.minimum = 2.0, .maximum = 1e6}),
        field("resolution", &O::resolution, "Of the clusters from which clones are joined; higher begins with more.", {.minimum = 0.01, .maximum = 100.0}),
        field("seed", &O::seed, "Seed of the clusters and of the groups of reference cells that calibrate the tests."),
    };
}

/// Two sets of genes of the same cells: windows (n_cells x n_windows) come from the one and make clusters, counts (n_cells x n_genes) are of the other and judge them.
struct CnvHalves {
    matrix::DenseView<const float> windows;
    const matrix::RowBlockSource& counts;
    const CnvGenome& genome;           // of counts
    double null_inflation = 1.0;
};

/// log10 of the smallest p by which two groups' pooled counts differ in an arm or in a piece of one (about 50 genes), among those that differ by min_shift; 0 where none does.
double cnv_difference(std::span<const double> a, std::span<const double> b, const CnvGenome& genome, double null_inflation, double min_shift);

/// Group of each cell, numbered by size; -1 for cells with donor -1. Cells of two donors are never in one group.
/// Within each donor: principal components of the windows, a neighbour graph, Leiden; then the two clusters that differ least in the held-out genes are joined, again and again, until
/// all pairs differ by alpha (Bonferroni over arms and pieces), clusters below min_cells first. Clusters found on noise differ in the windows that made them by
/// construction; in the other genes they do not (as in count splitting, Neufeld et al. 2024, with genes in place of counts). Each group is then split again in the same way, up to three times,
/// and at the end all groups of a donor are compared.
std::vector<std::int32_t> split_cells(const CnvHalves& halves, std::span<const std::int32_t> donor, const CnvCloneOptions& options, const CnvCallOptions& calls, Context& context);

}  // namespace morula::analysis
