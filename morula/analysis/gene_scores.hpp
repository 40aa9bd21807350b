// Gene-set scores: mean of a set's genes minus mean of control genes of like expression (Tirosh et al. 2016; scanpy's score_genes).
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

/// Defaults are scanpy 1.11's.
struct GeneScoresOptions {
    std::int32_t n_controls = 50;  // per expression bin that holds a gene of the set
    std::int32_t n_bins = 25;
    std::uint64_t seed = 0;
};

constexpr auto describe(const GeneScoresOptions*) {
    return std::tuple{
        field("n_controls", &GeneScoresOptions::n_controls, "Control genes from each expression bin that holds a gene of the set.", {.minimum = 1, .maximum = 100000, .unit = "genes"}),
        field("n_bins", &GeneScoresOptions::n_bins, "Expression bins.", {.minimum = 2, .maximum = 10000}),
        field("seed", &GeneScoresOptions::seed, "Seed of the choice of control genes."),
    };
}

struct GeneScoresResult {
    matrix::Dense<float> score;               // n_cells x n_sets
    std::vector<std::vector<std::int64_t>> controls;  // of each set: gene indices, increasing
};

/// log_values: log-normalized. sets: gene indices of each set (repeats count once). Genes are put into bins of equal size by their mean (rank of the mean, method "min",
/// integer-divided by round(n_genes / (n_bins - 1))); each bin that holds a gene of the set gives n_controls of its genes at random, and genes of the set are
/// then taken out, as scanpy does with ctrl_as_ref=True. Equal to scanpy where bins hold no more than n_controls genes; else equal in distribution, not in draws.
/// NaN for every cell where a set has no genes, or has no control genes. One pass for the means and one for all sets.
/// Throws invalid_data when a gene index is out of range.
GeneScoresResult gene_scores(const matrix::RowBlockSource& log_values, std::span<const std::vector<std::int64_t>> sets, const GeneScoresOptions& options, Context& context);

/// Indices of the genes of a set that `symbols` holds (the first of equal symbols), in the set's order; upper and lower case alike, so that mouse symbols match.
std::vector<std::int64_t> find_genes(std::span<const std::string> symbols, std::span<const std::string_view> set);

/// The same with one entry for each symbol of the set: -1 where `symbols` does not hold it.
std::vector<std::int64_t> place_genes(std::span<const std::string> symbols, std::span<const std::string_view> set);

}  // namespace morula::analysis
