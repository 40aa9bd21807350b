// The ambient RNA of a capture, seen in its empty droplets: the profile, its overdispersion, and the likelihood of counts under both.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "morula/analysis/alias_table.hpp"
#include "morula/core/random.hpp"

namespace morula::analysis {

/// Proportions behind counts by simple Good-Turing smoothing (Gale & Sampson 1995; as edgeR::goodTuringProportions, which EmptyDrops uses): seen genes give up
/// n1 / N, where n1 genes were seen once in N counts (at least 1 / N), and genes unseen here share it evenly. Genes with takes_part 0 get 0; the rest add to one.
/// counts: n_genes whole numbers, at least one positive where takes_part.
std::vector<double> good_turing(std::span<const double> counts, std::span<const std::uint8_t> takes_part);

/// What the likelihood needs of the empty droplets beside the profile.
struct AmbientEntries {
    std::vector<std::uint64_t> repeated;  // gene << 32 | count, one for each (droplet, gene) with 2 or more counts, in any order
    std::vector<std::int64_t> totals;     // of each droplet
};
/// Precision (the sum of the Dirichlet's parameters) of a Dirichlet-multinomial with mean `profile`, by maximum likelihood between 0.01 and 10^7; infinity, the multinomial,
/// when the droplets vary no more than draws do. Throws invalid_data when a gene of probability 0 has counts.
double ambient_precision(AmbientEntries entries, std::span<const double> profile);

/// Draws and likelihoods of droplets of ambient RNA.
class AmbientModel {
public:
    /// precision: as above; infinity for the multinomial.
    AmbientModel(std::vector<double> profile, double precision);

    /// What one more count of a gene adds to the log likelihood, when it has k: ln (A p + k) - ln (k + 1), or ln p - ln (k + 1).
    double step(std::uint32_t gene, std::uint32_t k) const;
    /// Log probability of a droplet's counts given their sum, without the terms that only the sum decides.
    double statistic(std::span<const std::uint32_t> genes, std::span<const float> counts) const;
    /// Those terms for a sum of n.
    double of_total(std::int64_t n) const;
    double precision() const { return precision_; }
    const std::vector<double>& profile() const { return profile_; }
    const AliasTable& draws() const { return draws_; }

private:
    std::vector<double> profile_;
    double precision_;
    std::vector<double> first_;  // step(gene, 0)
    AliasTable draws_;
};

/// One simulated ambient droplet that grows count by count. Exact for the Dirichlet-multinomial without drawing a profile: a Polya urn.
class AmbientDroplet {
public:
    explicit AmbientDroplet(const AmbientModel& model) : model_(model), counts_(model.profile().size(), 0) {}

    void empty();
    void add_count(Random& random);
    std::int64_t total() const { return static_cast<std::int64_t>(drawn_.size()); }
    double statistic() const { return statistic_; }

private:
    std::uint32_t next_gene(Random& random) const;

    const AmbientModel& model_;
    std::vector<std::uint32_t> counts_;
    std::vector<std::uint32_t> drawn_;
    double statistic_ = 0.0;
};

}  // namespace morula::analysis
