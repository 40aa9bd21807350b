#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "morula/core/random.hpp"
#include "morula/simulation/voxel_places_simd.hpp"

namespace morula::simulation {
namespace {

TEST(voxel_places, are_those_of_one_position_after_the_other) {
    for (const Grid& grid : {Grid{.n = {7, 5, 3}, .voxel_um = 20.0, .origin_um = {-30.0, 5.0, 0.0}}, Grid{.n = {40, 1, 1}, .voxel_um = 0.1}, Grid{.n = {1'000, 900, 1}, .voxel_um = 3.0}}) {
        std::vector<double> x, y, z;
        for (std::uint64_t i = 0; i < 1'003; ++i) {
            Random random(1, Purpose::test, i, 0);
            // Within the box and around it; some exactly on faces.
            const auto along = [&](std::size_t axis) {
                const double at = -0.2 + 1.4 * random.uniform();
                const double n = static_cast<double>(grid.n[axis]);
                return grid.origin_um[axis] + grid.voxel_um * (i % 7 == 0 ? std::round(at * n) : at * n);
            };
            x.push_back(along(0));
            y.push_back(along(1));
            z.push_back(along(2));
        }
        x[3] = std::numeric_limits<double>::quiet_NaN();
        y[4] = std::numeric_limits<double>::infinity();
        z[5] = -std::numeric_limits<double>::infinity();
        for (const std::size_t n : {std::size_t{1'003}, std::size_t{6}, std::size_t{0}}) {
            std::vector<std::int64_t> places(n, -7);
            voxel_places::find(grid, std::span(x).first(n), std::span(y).first(n), std::span(z).first(n), places);
            for (std::size_t k = 0; k < n; ++k) EXPECT_EQ(places[k], nearest_place(grid, {x[k], y[k], z[k]})) << k;
        }
    }
}

}  // namespace
}  // namespace morula::simulation
