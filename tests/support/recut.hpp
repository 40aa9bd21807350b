// Slices cut anew through a block of tissue, counted plainly: around cells whose whole slice lies within the block, by no code of the program.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "morula/matrix/views.hpp"

namespace morula::test {

struct Recut {
    matrix::Dense<double> pairs;      // (a, b): neighbours of type b of all cells of type a that were looked at
    std::vector<std::int64_t> cells;  // of each type that were looked at

    double mean(std::int64_t a, std::int64_t b) const { return pairs(a, b) / static_cast<double>(cells[static_cast<std::size_t>(a)]); }
};

struct Slice {
    std::vector<std::size_t> across;  // axes that slices are cut across (several: each cell is looked at in each)
    double reach_um, thickness_um;
    double low_um, high_um;           // cells outside these heights are not looked at
};

inline Recut recut(std::span<const std::array<double, 3>> positions, std::span<const std::int32_t> type, std::int32_t n_types, const Slice& slice) {
    Recut result{.pairs = {n_types, n_types}, .cells = std::vector<std::int64_t>(static_cast<std::size_t>(n_types), 0)};
    std::vector<std::size_t> by_x(positions.size());
    std::iota(by_x.begin(), by_x.end(), std::size_t{0});
    std::stable_sort(by_x.begin(), by_x.end(), [&](std::size_t i, std::size_t j) { return positions[i][0] < positions[j][0]; });
    const double far = std::max(slice.reach_um, slice.thickness_um / 2.0);
    std::size_t first = 0;
    for (const std::size_t i : by_x) {
        const auto& at = positions[i];
        while (positions[by_x[first]][0] < at[0] - far) ++first;
        if (at[2] < slice.low_um || at[2] > slice.high_um) continue;
        result.cells[static_cast<std::size_t>(type[i])] += std::ssize(slice.across);
        for (std::size_t k = first; k < by_x.size() && positions[by_x[k]][0] <= at[0] + far; ++k) {
            const std::size_t j = by_x[k];
            if (j == i) continue;
            for (const std::size_t axis : slice.across) {
                const std::size_t u = (axis + 1) % 3, v = (axis + 2) % 3;
                if (std::abs(positions[j][axis] - at[axis]) <= slice.thickness_um / 2.0 && std::hypot(positions[j][u] - at[u], positions[j][v] - at[v]) <= slice.reach_um) result.pairs(type[i], type[j]) += 1.0;
            }
        }
    }
    return result;
}

/// Largest relative difference of mean numbers of neighbours, over pairs of types with at least 50 cells each that meet at least 400 times in the section.
inline double largest_difference(const Recut& found, const Recut& section) {
    double largest = 0.0;
    for (std::int64_t a = 0; a < section.pairs.n_rows; ++a) {
        for (std::int64_t b = 0; b < section.pairs.n_cols; ++b) {
            if (std::min(section.cells[static_cast<std::size_t>(a)], section.cells[static_cast<std::size_t>(b)]) < 50 || section.pairs(a, b) < (a == b ? 800.0 : 400.0)) continue;
            largest = std::max(largest, std::abs(found.mean(a, b) / section.mean(a, b) - 1.0));
        }
    }
    return largest;
}

}  // namespace morula::test
