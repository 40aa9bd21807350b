#include "morula/analysis/alias_table.hpp"

#include <cmath>

#include "morula/core/checked_cast.hpp"

namespace morula::analysis {

AliasTable::AliasTable(std::span<const double> weights) : slots_(weights.size()) {
    double sum = 0.0;
    for (const double weight : weights) {
        MORULA_ASSERT(weight >= 0.0 && std::isfinite(weight));
        sum += weight;
    }
    MORULA_ASSERT(sum > 0.0);

    // Every slot holds an even share; items below it are filled up by items above it.
    constexpr double kWhole = 16777216.0;
    const double per_slot = static_cast<double>(weights.size()) / sum;
    std::vector<double> left(weights.size());
    std::vector<std::uint32_t> below;
    std::vector<std::uint32_t> above;
    std::uint32_t largest = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        left[i] = weights[i] * per_slot;
        (left[i] < 1.0 ? below : above).push_back(checked_cast<std::uint32_t>(i));
        if (weights[i] > weights[largest]) largest = static_cast<std::uint32_t>(i);
    }
    while (!below.empty() && !above.empty()) {
        const std::uint32_t small = below.back();
        const std::uint32_t large = above.back();
        below.pop_back();
        slots_[small] = {static_cast<std::uint32_t>(std::lround(left[small] * kWhole)), large};
        left[large] -= 1.0 - left[small];
        if (left[large] < 1.0) {
            above.pop_back();
            below.push_back(large);
        }
    }
    // What is left differs from an even share by rounding only; an item of weight 0 still gives its slot away.
    for (const auto* rest : {&below, &above}) {
        for (const std::uint32_t i : *rest) {
            slots_[i] = weights[i] > 0.0 ? Slot{static_cast<std::uint32_t>(kWhole), i} : Slot{0, largest};
        }
    }
}

}  // namespace morula::analysis
