#include "morula/simulation/distance_map.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

TEST(distance_map, is_what_a_search_over_all_marked_voxels_finds) {
    for (const Grid& grid : {Grid{.n = {13, 7, 9}, .voxel_um = 2.5}, Grid{.n = {30, 21, 1}, .voxel_um = 10.0}, Grid{.n = {40, 1, 1}, .voxel_um = 1.0}}) {
        std::vector<std::uint8_t> marked(static_cast<std::size_t>(grid.n_stored()), 0);
        std::vector<std::array<std::int64_t, 3>> there;
        for (std::int64_t z = 0; z < grid.n[2]; ++z) {
            for (std::int64_t y = 0; y < grid.n[1]; ++y) {
                for (std::int64_t x = 0; x < grid.n[0]; ++x) {
                    const std::int64_t place = grid.place(x, y, z);
                    if (Random(3, Purpose::test, static_cast<std::uint64_t>(place), 0).uniform() > 0.03) continue;
                    marked[static_cast<std::size_t>(place)] = 1;
                    there.push_back({x, y, z});
                }
            }
        }
        ASSERT_FALSE(there.empty());
        const std::vector<double> distances = test::same_at_1_2_4_threads([&](Context& context) { return distance_map(grid, marked, context); }, test::same_bits<double>);
        for (std::int64_t z = 0; z < grid.n[2]; ++z) {
            for (std::int64_t y = 0; y < grid.n[1]; ++y) {
                for (std::int64_t x = 0; x < grid.n[0]; ++x) {
                    std::int64_t nearest = std::numeric_limits<std::int64_t>::max();
                    for (const auto& m : there) nearest = std::min(nearest, (m[0] - x) * (m[0] - x) + (m[1] - y) * (m[1] - y) + (m[2] - z) * (m[2] - z));
                    EXPECT_DOUBLE_EQ(distances[static_cast<std::size_t>(grid.place(x, y, z))], grid.voxel_um * std::sqrt(static_cast<double>(nearest)));
                }
            }
        }
    }
}

TEST(distance_map, is_infinite_where_nothing_is_marked) {
    const Grid grid{.n = {5, 4, 3}, .voxel_um = 10.0};
    const auto context = test::make_context(1);
    const std::vector<double> distances = distance_map(grid, std::vector<std::uint8_t>(static_cast<std::size_t>(grid.n_stored()), 0), *context);
    EXPECT_EQ(distances[static_cast<std::size_t>(grid.place(4, 3, 2))], std::numeric_limits<double>::infinity());
    EXPECT_EQ(distances[5], 0.0);  // beyond the row
}

}  // namespace
}  // namespace morula::simulation
