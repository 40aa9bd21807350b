// A group of cells as one sample: its pooled expression against the reference's along the genome, and how far an arm must move to count.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/analysis/cnv_windows.hpp"
#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// n_groups x n_genes sums over the cells of each group; -1: takes no part. Values are rounded to 1/1024 and added as integers, so that counts are exact and the
/// order does not matter. Values from 0 to 2^32. Memory 16 bytes x groups x genes, asked for first.
matrix::Dense<double> pooled_values(const matrix::RowBlockSource& values, std::span<const std::int32_t> group_of_cell, std::int32_t n_groups, Context& context);

/// log2 of a group's share of the counts to the reference's, gene by gene, with how much each gene can be trusted.
struct CnvRatios {
    std::vector<double> log2_ratio;  // n_genes, 0: as many copies as the reference
    std::vector<double> weight;      // n_genes, 1 / variance; 0 where neither side expresses the gene
    std::vector<double> arm_mean;    // n_arms, NaN without genes
    double inflation = 1.0;          // of a stretch's standard error, because neighbours go together
    double df = 1.0;                 // degrees of freedom of that estimate
};

/// group, reference: n_genes sums. A small share (1 count of the smaller side, at least .05 in 10,000) is added to both sides; ratios are held within +-4.
/// Level 0 is the median over arms, weighted by genes, of the arms' means: right while less than half of the genome is changed.
/// Weights: genes are put in up to ten bins of expression; a bin's variance is from the median absolute deviation of its genes from their arm's median. It holds
/// sampling noise and what the two kinds of cells express differently, both measured, neither assumed. Means are over genes held within 2.5 deviations.
/// inflation: the same spread over blocks of neighbouring genes (25, fewer, down to 8, where that would give fewer than 200 blocks) against what independent genes would give, at least 1.
CnvRatios cnv_ratios(std::span<const double> group, std::span<const double> reference, const CnvGenome& genome);

/// A stretch of genes against level 0.
struct CnvStretch {
    double mean = 0.0;      // log2; NaN where no gene can be used
    double z = 0.0;         // 0 where no gene can be used
    std::int64_t n_genes = 0;  // with a weight
};
CnvStretch cnv_stretch(const CnvRatios& ratios, std::int64_t begin, std::int64_t end);

/// How much better a part explains a stretch's shift than the whole does: the largest square of the z of a part of at most `most_share` of the usable genes, less that of the whole; below 0 where the
/// whole is better. Both with ratios held within 2.5 deviations of what lies between 0 and twice the whole's mean: a part of half of the genes with all of the shift. Cost O(n_genes^2).
double cnv_part_gain(const CnvRatios& ratios, std::int64_t begin, std::int64_t end, double most_share);

/// First gene of each arm, and one past the last: n_arms + 1 entries.
std::vector<std::int64_t> arm_borders(const CnvGenome& genome);

/// log10 of the two-sided p of a stretch's z, further divided by null_inflation; Student's t with the ratios' degrees of freedom.
double cnv_log10_p(double z, const CnvRatios& ratios, double null_inflation);

/// How much wider the z of arms spread between groups of reference cells, which have lost nothing, than they should: the 95 % quantile of |z| over 1.96, at least 1.
/// chunk_sums: n_chunks x n_genes, pooled sums of disjoint parts of the reference (its donors where there are several, else random parts). In each of n_draws
/// a random set of one to half of the chunks is compared with the rest. 1 with fewer than two chunks.
double cnv_null_inflation(const matrix::Dense<double>& chunk_sums, const CnvGenome& genome, std::int32_t n_draws, std::uint64_t seed, Context& context);

}  // namespace morula::analysis
