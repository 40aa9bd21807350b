// Counter-based random numbers (Philox4x32-10, Salmon et al. 2011): a draw depends on (seed, purpose, item, step, draw number) and on nothing else.
#pragma once

#include <array>
#include <cstdint>

namespace morula {

/// What a stream is for. Values are part of the recipes: never renumber.
enum class Purpose : std::uint32_t {
    test = 1,
    generate_genes = 10, generate_types = 11, generate_cell = 12, generate_counts = 13, generate_batch = 14, generate_donor = 15, generate_cohort = 16, generate_clones = 17,
    doublet_pairs = 20,
    kmeans_start = 30, neighbor_sample = 31,
    leiden_order = 40, leiden_refine = 41,
    umap_start = 50, umap_negative = 51,
    harmony_start = 60,
    score_controls = 70,
    cell_calling = 80,
    bootstrap = 90,
    subsample = 91,
    neighborhoods = 100,
    simulation_motility = 110, simulation_division = 111, simulation_agent_id = 112, simulation_life = 113, simulation_encounter = 114, simulation_perturbation = 115, simulation_phase = 116,
    simulation_layout = 118, simulation_section = 119, simulation_state_start = 120, simulation_state = 121, simulation_sub_model_start = 122, simulation_sub_model = 123,
    label_permutations = 130,
    cnv_null = 140, cnv_chunks = 141,
    prior_draw = 170, shapley_order = 171, variance_shuffle = 172,
};

class Random {
public:
    Random(std::uint64_t seed, Purpose purpose, std::uint64_t item, std::uint32_t step);

    std::uint32_t next_u32();
    std::uint64_t next_u64();
    /// Uniform in [0, 1) with 53 bits.
    double uniform();
    /// Uniform integer in [0, n), n > 0 (multiply-shift; bias below 2^-32).
    std::uint64_t below(std::uint64_t n);
    /// Standard normal (Box-Muller).
    double normal();
    /// Gamma(shape, scale), shape > 0 (Marsaglia & Tsang 2000).
    double gamma(double shape, double scale);
    /// Poisson(mean) by inversion below 30, PTRS above (Hormann 1993).
    std::int64_t poisson(double mean);

private:
    void refill();

    std::array<std::uint32_t, 2> key_;
    std::array<std::uint32_t, 4> counter_;
    std::array<std::uint32_t, 4> block_{};
    int used_ = 4;
};

}  // namespace morula
