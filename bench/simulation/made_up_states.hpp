// The expression states that benchmarks of the simulation carry: 1,000 metacells of four types in 32 dimensions, and four programmes, made up.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "morula/core/random.hpp"
#include "morula/simulation/expression_states.hpp"

namespace morula::bench {

inline constexpr std::int64_t kDims = 32, kMetacells = 1'000, kGenes = 40;

/// 30 cells a metacell around centers that lie about a curved sheet.
inline simulation::MeasuredCells made_up_cells() {
    simulation::MeasuredCells made;
    made.latent = matrix::Dense<float>(30 * kMetacells, kDims);
    for (std::int64_t c = 0; c < made.latent.n_rows; ++c) {
        const std::int64_t metacell = c / 30;
        Random center(1, Purpose::test, static_cast<std::uint64_t>(metacell), 0), own(2, Purpose::test, static_cast<std::uint64_t>(c), 0);
        const double u = 6.0 * center.uniform(), v = 3.0 * center.uniform();
        for (std::int64_t d = 0; d < kDims; ++d) made.latent(c, d) = static_cast<float>(std::sin(u + 0.2 * static_cast<double>(d)) * v + 0.1 * own.normal());
        made.type.push_back(static_cast<std::int32_t>(metacell % 4));
        made.metacell.push_back(static_cast<std::int32_t>(metacell));
    }
    return made;
}

/// Twenty pairs in four programmes, their ligands in turn those of the fields; the first n_by_contact stay on the cells that make them.
inline simulation::SignallingModel made_up_signalling(std::int32_t n_substances, std::int32_t n_by_contact) {
    simulation::SignallingModel model;
    model.decoder.weights = matrix::Dense<float>(kDims, kGenes);
    Random random(3, Purpose::test, 0, 0);
    for (float& weight : model.decoder.weights.values) weight = static_cast<float>(0.1 * random.normal());
    for (std::int64_t gene = 0; gene < kGenes; ++gene) {
        model.decoder.genes.push_back(fmt::format("gene {}", gene));
        model.decoder.intercept.push_back(1.0F);
    }
    for (std::int32_t k = 0; k < 20; ++k) {
        const bool by_contact = k < n_by_contact;
        model.links.push_back({.name = fmt::format("pair {}", k), .programme = k % 4, .substance = by_contact ? -1 : k % n_substances, .ligand = by_contact ? std::vector<std::int32_t>{k} : std::vector<std::int32_t>{}, .receptor = {k, k + 1}, .half = 1.0});
    }
    for (std::int32_t p = 0; p < 4; ++p) model.programmes.push_back({.name = fmt::format("programme {}", p), .relaxation_per_min = 0.01, .strength = 0.5, .targets = {20 + p, 30 + p}});
    return model;
}

inline std::shared_ptr<simulation::ExpressionModel> made_up_states(std::int32_t n_substances, std::int32_t n_by_contact) {
    const simulation::ExpressionKernel kernel(made_up_cells(), {.n_types = 4, .n_neighbors = 15});
    return std::make_shared<simulation::ExpressionModel>(simulation::ExpressionModel{.kernel = kernel, .rates = std::vector<simulation::StateRates>(4, {.attempts_per_min = 1.0 / 60.0, .relaxation_per_min = 1.0 / 30.0}),
                                                                                     .signalling = simulation::Signalling(made_up_signalling(n_substances, n_by_contact), kernel)});
}

}  // namespace morula::bench
