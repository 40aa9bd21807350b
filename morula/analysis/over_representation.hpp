// Is a list of genes rich in the genes of a set: the hypergeometric test (one-sided Fisher's exact test).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/analysis/programmes.hpp"

namespace morula::analysis {

/// log10 of the chance that of `n_listed` genes drawn without return from `n_background`, of which `n_set` are of the set, at least `n_both` are of it. 0 where that is sure.
/// Summed from the largest term on, so that no p underflows; relative error of p below 1e-9 up to a million genes. Throws internal where the counts do not fit one another.
double log10_p_hypergeometric(std::int64_t n_both, std::int64_t n_set, std::int64_t n_listed, std::int64_t n_background);

struct OverRepresentation {
    std::int64_t n_set = 0;         // of the set, in the background
    std::vector<std::int64_t> both; // genes of the set that are listed, increasing
    double expected = 0.0;          // how many would be by chance
    double log10_p = 0.0;
};

/// Of each programme, its genes among the listed ones; weights are not looked at. is_listed: one flag a gene of the background, which is what could have been listed: genes that were tested, not all genes there are.
/// Genes are taken to be independent, which genes of a programme are not: p is too small where they move together (enrichment() reckons with that).
std::vector<OverRepresentation> over_representation(std::span<const std::uint8_t> is_listed, std::span<const WeightedGenes> programmes);

}  // namespace morula::analysis
