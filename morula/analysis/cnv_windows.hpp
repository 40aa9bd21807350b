// Each cell's expression along the genome: log values less a reference's, as means over windows of neighbouring genes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// Genes in the order of the genome: column g of the matrices below is gene g.
struct CnvGenome {
    std::vector<std::int32_t> chromosome;  // n_genes, codes, never falling
    std::vector<std::int32_t> arm;         // n_genes, codes, never falling; an arm lies on one chromosome
    std::vector<std::int64_t> start;       // n_genes, bases
    std::vector<std::int64_t> end;
    std::vector<std::string> chromosome_names;  // "1"
    std::vector<std::string> arm_names;         // "1p"; "1" where arms are not known

    std::int64_t n_genes() const { return std::ssize(chromosome); }
    std::int32_t n_arms() const { return static_cast<std::int32_t>(arm_names.size()); }
};
/// The given genes, rising. Codes and names stay.
CnvGenome select_genes(const CnvGenome& genome, std::span<const std::int64_t> genes);

struct CnvWindowsOptions {
    std::int32_t window = 101;
    std::int32_t step = 20;
    double bound = 3.0;
};
constexpr auto describe(const CnvWindowsOptions*) {
    using O = CnvWindowsOptions;
    return std::tuple{
        field("window", &O::window, "Neighbouring genes that are averaged; at most a chromosome's.", {.minimum = 3.0, .maximum = 10000.0, .unit = "genes"}),
        field("step", &O::step, "Genes between the begins of windows.", {.minimum = 1.0, .maximum = 10000.0, .unit = "genes"}),
        field("bound", &O::bound, "A gene's difference from the reference counts at most so much, so that no single gene makes a window.", {.minimum = 0.1, .maximum = 100.0, .unit = "ln"}),
    };
}

/// Windows of `window` genes (all of a chromosome's where it has fewer), `step` apart, the last one at the chromosome's end; none where a chromosome has fewer than 10 genes.
struct CnvWindowPlan {
    std::vector<std::int64_t> begin;       // first gene
    std::vector<std::int64_t> end;         // one past the last
    std::vector<std::int32_t> chromosome;
    std::int64_t n_windows() const { return std::ssize(begin); }
};
CnvWindowPlan plan_windows(std::span<const std::int32_t> chromosome, const CnvWindowsOptions& options);

/// n_cells x n_windows. values: n_cells x n_genes, log1p of scaled counts; baseline: the reference's mean of each gene. For each cell: value - baseline, held within
/// +-bound, mean over each window by prefix sums (in float64), less the median of the cell's windows, so that a cell's depth does not matter. A matrix of zeros where there is no window.
/// Cost O(n_cells * n_genes); memory 4 bytes x n_cells x n_windows, asked for first.
matrix::Dense<float> cnv_windows(const matrix::RowBlockSource& values, std::span<const double> baseline, const CnvWindowPlan& plan, const CnvWindowsOptions& options, Context& context);

}  // namespace morula::analysis
