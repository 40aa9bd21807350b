// What a page shows of gains and losses: profiles of clones and of single cells over windows of the genome, and the arms of every group, called or not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morula/analysis/cnv.hpp"
#include "morula/core/context.hpp"

namespace morula::analysis {

/// A clone, or the query cells of a donor in which nothing was found.
struct CnvPictureGroup {
    std::int32_t clone = -1;  // -1: no clone
    std::int32_t donor = 0;
    std::int64_t n_cells = 0;
};

/// Rows are groups or cells, columns are windows in the order of the genome.
struct CnvPicture {
    std::vector<std::int32_t> chromosome;  // n_windows, codes of the result's genome; so is arm
    std::vector<std::int32_t> arm;         // of the window's middle gene
    std::vector<std::int64_t> start;       // bases
    std::vector<std::int64_t> end;
    std::vector<std::int64_t> n_genes;
    std::vector<CnvPictureGroup> groups;   // clones in the result's order, then the others by donor
    matrix::Dense<double> pooled;          // n_groups x n_windows: log2 of the group's pooled share to the reference's; NaN where no gene can be used
    matrix::Dense<double> called;          // n_groups x n_windows: -1 loss, 0, 1 gain: what is called at the window's middle gene
    matrix::Dense<double> arm_mean;        // n_groups x n_arms: log2, NaN where no gene can be used
    matrix::Dense<double> arm_log10_p;     // n_groups x n_arms: calibrated, two-sided, not corrected; NaN where it is not tested
    std::vector<std::int64_t> cells;       // of the input, group by group, reference cells last
    std::vector<std::int32_t> cell_group;  // place in groups; -1: reference
    matrix::Dense<float> cell_windows;     // n_shown x n_windows: as cnv_windows, ln
    std::int64_t n_windows() const { return std::ssize(chromosome); }
};

/// About 150 windows of options.windows.window genes; cells drawn at random by the clones' seed, at most 150 of them, as many of each group and of the reference. Groups below clones.min_cells
/// are left out. The result must be of the same input and options. Three passes over the counts.
CnvPicture cnv_picture(const CnvInput& input, const CnvResult& result, const CnvOptions& options, Context& context);

}  // namespace morula::analysis
