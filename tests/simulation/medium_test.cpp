#include "morula/simulation/medium.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

TEST(medium, is_what_lies_outside_of_a_shell_of_cells) {
    const auto context = test::make_context(1);
    const Grid grid{.n = {7, 7, 7}, .voxel_um = 20.0};
    std::vector<std::int64_t> shell;  // a hollow cube of 5 voxels
    for (std::int64_t z = 1; z < 6; ++z) {
        for (std::int64_t y = 1; y < 6; ++y) {
            for (std::int64_t x = 1; x < 6; ++x) {
                if (x == 1 || x == 5 || y == 1 || y == 5 || z == 1 || z == 5) shell.push_back(grid.place(x, y, z));
            }
        }
    }
    const std::vector<std::int64_t> closed = medium_voxels(grid, shell, *context);
    EXPECT_EQ(closed.size(), 343U - 125U) << "not the 27 voxels of the void";
    EXPECT_TRUE(std::is_sorted(closed.begin(), closed.end()));
    shell.erase(std::find(shell.begin(), shell.end(), grid.place(3, 3, 1)));
    EXPECT_EQ(medium_voxels(grid, shell, *context).size(), 343U - 125U + 28U) << "through the hole";
}

TEST(medium, of_a_flat_tissue_comes_in_at_its_four_sides) {
    const auto context = test::make_context(1);
    const Grid grid{.n = {5, 5, 1}, .voxel_um = 20.0};
    EXPECT_EQ(medium_voxels(grid, {}, *context).size(), 25U);
    std::vector<std::int64_t> ring;
    for (std::int64_t y = 1; y < 4; ++y) {
        for (std::int64_t x = 1; x < 4; ++x) {
            if (x != 2 || y != 2) ring.push_back(grid.place(x, y, 0));
        }
    }
    EXPECT_EQ(medium_voxels(grid, ring, *context).size(), 16U);
    const Grid line{.n = {3, 1, 1}, .voxel_um = 20.0};
    const std::vector<std::int64_t> middle{line.place(1, 0, 0)};
    EXPECT_EQ(medium_voxels(line, middle, *context), (std::vector<std::int64_t>{0, 2}));
}

TEST(medium, is_nothing_where_cells_are_everywhere) {
    const auto context = test::make_context(1);
    const Grid grid{.n = {2, 2, 2}, .voxel_um = 20.0};
    std::vector<std::int64_t> all;
    for (std::int64_t z = 0; z < 2; ++z) {
        for (std::int64_t y = 0; y < 2; ++y) {
            for (std::int64_t x = 0; x < 2; ++x) all.push_back(grid.place(x, y, z));
        }
    }
    EXPECT_TRUE(medium_voxels(grid, all, *context).empty());
}

}  // namespace
}  // namespace morula::simulation
