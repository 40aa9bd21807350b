#include "morula/simulation/grid.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

TEST(grid, rows_are_padded_to_whole_units) {
    const Grid grid{.n = {9, 3, 2}, .voxel_um = 10.0};
    EXPECT_EQ(grid.stride(), 16);
    EXPECT_EQ(grid.n_stored(), 96);
    EXPECT_EQ(grid.n_voxels(), 54);
    EXPECT_EQ(grid.place(8, 2, 1), 88);
    EXPECT_FALSE(grid.is_flat());
    EXPECT_DOUBLE_EQ(grid.center_um(0, 2), 25.0);
}

TEST(grid, positions_outside_count_as_at_the_wall) {
    const Grid grid{.n = {4, 4, 1}, .voxel_um = 5.0, .origin_um = {-10.0, -10.0, 0.0}};
    EXPECT_EQ(nearest_voxel(grid, 0, -10.0), 0);
    EXPECT_EQ(nearest_voxel(grid, 0, -5.0), 1);
    EXPECT_EQ(nearest_voxel(grid, 0, 9.99), 3);
    EXPECT_EQ(nearest_voxel(grid, 0, 1e300), 3);
    EXPECT_EQ(nearest_voxel(grid, 0, -1e300), 0);
    EXPECT_EQ(nearest_voxel(grid, 0, std::numeric_limits<double>::quiet_NaN()), 0);
}

TEST(grid, refuses_what_is_no_box) {
    for (const Grid& grid : {Grid{.n = {0, 1, 1}}, Grid{.n = {1, -4, 1}}, Grid{.n = {1, 1, 1}, .voxel_um = 0.0}, Grid{.n = {1, 1, 1}, .voxel_um = std::numeric_limits<double>::infinity()},
                             Grid{.n = {1, 1, 1}, .origin_um = {0.0, std::numeric_limits<double>::quiet_NaN(), 0.0}}, Grid{.n = {std::int64_t{1} << 30, std::int64_t{1} << 30, 1}},
                             Grid{.n = {1, std::int64_t{1} << 62, 1}}}) {
        EXPECT_EQ(test::error_code([&] { check_grid(grid); }), ErrorCode::invalid_data);
    }
    check_grid(Grid{.n = {75, 75, 75}});
}

TEST(grid, bins_keep_the_order_of_the_agents) {
    const Grid grid{.n = {2, 2, 1}, .voxel_um = 10.0};
    const std::vector<double> x{15.0, 1.0, 2.0, 16.0, 3.0};
    const std::vector<double> y{15.0, 1.0, 12.0, 19.0, 2.0};
    const std::vector<double> z(5, 0.0);
    const VoxelBins bins = test::same_at_threads({2, 8}, [&](Context& context) { return bin_agents(grid, x, y, z, context); },
                                                 [](const VoxelBins& a, const VoxelBins& b) { return a.place == b.place && a.begin == b.begin && a.agent == b.agent; });
    EXPECT_EQ(bins.place, (std::vector<std::int64_t>{0, 8, 9}));
    EXPECT_EQ(bins.begin, (std::vector<std::int64_t>{0, 2, 3, 5}));
    EXPECT_EQ(bins.agent, (std::vector<std::uint32_t>{1, 4, 2, 0, 3}));
}

TEST(grid, bins_of_nobody_are_empty) {
    const auto context = test::make_context(1);
    const VoxelBins bins = bin_agents(Grid{.n = {3, 3, 3}}, {}, {}, {}, *context);
    EXPECT_TRUE(bins.place.empty());
    EXPECT_EQ(bins.begin, std::vector<std::int64_t>{0});
}

}  // namespace
}  // namespace morula::simulation
