#include "morula/simulation/profiles.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

using std::numbers::pi;

std::array<double, 3> center_of(const Grid& grid, std::int64_t x, std::int64_t y, std::int64_t z) { return {grid.center_um(0, x), grid.center_um(1, y), grid.center_um(2, z)}; }

/// By looking at every pair.
double nearest_by_hand(const Grid& grid, const std::vector<std::array<std::int64_t, 3>>& voxels, std::array<std::int64_t, 3> from) {
    double best = std::numeric_limits<double>::infinity();
    for (const auto& voxel : voxels) {
        double squared = 0.0;
        for (std::size_t axis = 0; axis < 3; ++axis) squared += static_cast<double>((voxel[axis] - from[axis]) * (voxel[axis] - from[axis]));
        best = std::min(best, std::sqrt(squared) * grid.voxel_um);
    }
    return best;
}

TEST(distance_to_voxels, agrees_with_all_pairs) {
    const auto context = test::make_context(1);
    for (const Grid& grid : {Grid{.n = {13, 9, 7}, .voxel_um = 5.0}, Grid{.n = {17, 11, 1}, .voxel_um = 20.0}, Grid{.n = {1, 1, 6}, .voxel_um = 1.0}}) {
        for (std::uint32_t n_fixed = 1; n_fixed < 6; ++n_fixed) {
            Random random(7, Purpose::test, static_cast<std::uint64_t>(grid.n[0]), n_fixed);
            std::vector<std::array<std::int64_t, 3>> voxels;
            std::vector<std::int64_t> places;
            for (std::uint32_t k = 0; k < n_fixed; ++k) {
                std::array<std::int64_t, 3> voxel{};
                for (std::size_t axis = 0; axis < 3; ++axis) voxel[axis] = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(grid.n[axis])));
                voxels.push_back(voxel);
                places.push_back(grid.place(voxel[0], voxel[1], voxel[2]));
            }
            const std::vector<float> distance = distance_to_voxels(grid, places, *context);
            for (std::int64_t z = 0; z < grid.n[2]; ++z) {
                for (std::int64_t y = 0; y < grid.n[1]; ++y) {
                    for (std::int64_t x = 0; x < grid.n[0]; ++x) ASSERT_NEAR(distance[static_cast<std::size_t>(grid.place(x, y, z))], nearest_by_hand(grid, voxels, {x, y, z}), 1e-4) << x << ' ' << y << ' ' << z;
                }
            }
        }
    }
}

TEST(distance_to_voxels, is_infinite_without_any_and_zero_beside_the_box) {
    const auto context = test::make_context(1);
    const Grid grid{.n = {5, 3, 2}};
    const std::vector<float> distance = distance_to_voxels(grid, {}, *context);
    for (std::int64_t place = 0; place < grid.n_stored(); ++place) EXPECT_EQ(std::isinf(distance[static_cast<std::size_t>(place)]), place % grid.stride() < grid.n[0]) << place;
}

TEST(radial_profile, shells_inside_the_box_have_their_exact_size_and_hold_each_cell_once) {
    const auto context = test::make_context(1);
    for (const bool is_flat : {false, true}) {
        const Grid grid{.n = {20, 20, is_flat ? 1 : 20}, .voxel_um = 10.0, .origin_um = {-100.0, -100.0, is_flat ? -5.0 : -100.0}};
        Field field(grid, {{.name = "oxygen"}}, 0.01, *context);
        for (std::int64_t z = 0; z < grid.n[2]; ++z) {
            for (std::int64_t y = 0; y < 20; ++y) {
                for (std::int64_t x = 0; x < 20; ++x) {
                    const auto at = center_of(grid, x, y, z);
                    field.values(0)[static_cast<std::size_t>(grid.place(x, y, z))] = std::hypot(at[0], at[1], is_flat ? 0.0 : at[2]);
                }
            }
        }
        Agents agents;
        const std::array<double, 5> radii{1.0, 25.0, 25.5, 39.0, 99.9};
        for (std::size_t i = 0; i < radii.size(); ++i) add_agent(agents, i + 1, 0, {0.6 * radii[i], 0.8 * radii[i], 0.0}, 5.0F);
        const std::vector<std::int32_t> group{0, 0, 1, -1, 1};
        const Profile profile = radial_profile(field, agents, {group, 2}, {0.0, 0.0, 0.0}, 10, *context);
        ASSERT_EQ(profile.shell_um, 10.0);
        ASSERT_GE(profile.n_shells(), 10);
        for (std::size_t shell = 0; shell < 10; ++shell) {
            const double inner = 10.0 * static_cast<double>(shell), outer = inner + 10.0;
            const double size = is_flat ? pi * (outer * outer - inner * inner) : 4.0 / 3.0 * pi * (std::pow(outer, 3) - std::pow(inner, 3));
            EXPECT_NEAR(profile.size[shell], size, 1e-6 * size) << shell;
            if (std::isfinite(profile.concentration[0][shell])) {
                EXPECT_GE(profile.concentration[0][shell], inner);
                EXPECT_LT(profile.concentration[0][shell], outer);
            }
        }
        EXPECT_EQ(profile.cells[0][0], 1);
        EXPECT_EQ(profile.cells[0][2], 1);
        EXPECT_EQ(profile.cells[1][2], 1);
        EXPECT_EQ(profile.cells[1][9], 1);
        EXPECT_EQ(std::accumulate(profile.cells[0].begin(), profile.cells[0].end(), std::int64_t{0}), 2);
        EXPECT_EQ(std::accumulate(profile.cells[1].begin(), profile.cells[1].end(), std::int64_t{0}), 2);
        const double per_shell = is_flat ? 1e6 / (pi * (30.0 * 30.0 - 20.0 * 20.0)) : 1e9 / (4.0 / 3.0 * pi * (27000.0 - 8000.0));
        EXPECT_NEAR(profile.density(0, 2, is_flat ? Space::flat : Space::solid), per_shell, 1e-6 * per_shell);
    }
}

TEST(radial_profile, of_an_even_lattice_is_flat_also_where_walls_cut_shells) {
    const auto context = test::make_context(1);
    const Grid grid{.n = {30, 30, 1}, .voxel_um = 10.0};
    const Field field(grid, {}, 0.01, *context);
    Agents agents;
    std::vector<std::int32_t> group;
    for (int y = 0; y < 100; ++y) {
        for (int x = 0; x < 100; ++x) add_agent(agents, static_cast<std::uint64_t>(y * 100 + x + 1), 0, {3.0 * x + 1.5, 3.0 * y + 1.5, 5.0}, 1.0F);
    }
    group.assign(agents.id.size(), 0);
    const auto center = center_of_cells(grid, agents, {group, 1});
    EXPECT_NEAR(center[0], 150.0, 1e-9);
    EXPECT_NEAR(center[1], 150.0, 1e-9);
    const Profile profile = radial_profile(field, agents, {group, 1}, center, 12, *context);
    EXPECT_EQ(std::accumulate(profile.cells[0].begin(), profile.cells[0].end(), std::int64_t{0}), 10'000);
    for (std::size_t shell = 2; shell < 9; ++shell) EXPECT_NEAR(profile.density(0, shell, Space::flat), 1e6 / 9.0, 0.04 * 1e6 / 9.0) << shell;
}

TEST(radial_profile, without_cells_is_around_the_middle_of_the_box) {
    const auto context = test::make_context(1);
    const Grid grid{.n = {4, 4, 4}, .voxel_um = 20.0};
    const Field field(grid, {{.name = "oxygen", .initial = 7.0}}, 0.01, *context);
    const auto center = center_of_cells(grid, {}, {{}, 1});
    EXPECT_EQ(center, (std::array<double, 3>{40.0, 40.0, 40.0}));
    const Profile profile = radial_profile(field, {}, {{}, 1}, center, 10, *context);
    EXPECT_EQ(profile.cells[0], std::vector<std::int64_t>(profile.size.size(), 0));
    EXPECT_EQ(profile.concentration[0][0], 7.0);
    EXPECT_NEAR(profile.size[0], 4.0 / 3.0 * pi * 8000.0, 1e-6) << "exact although the eight nearest voxels are 64,000";
}

TEST(distance_profile, counts_cells_by_their_voxel_and_means_by_voxels) {
    const auto context = test::make_context(1);
    const Grid grid{.n = {10, 2, 1}, .voxel_um = 10.0};
    Field field(grid, {{.name = "oxygen"}}, 0.01, *context);
    for (std::int64_t x = 0; x < 10; ++x) {
        for (std::int64_t y = 0; y < 2; ++y) field.values(0)[static_cast<std::size_t>(grid.place(x, y, 0))] = static_cast<double>(100 - 10 * x + y);
    }
    Agents agents;
    add_agent(agents, 1, 0, {4.0, 4.0, 5.0}, 2.0F);
    add_agent(agents, 2, 0, {34.0, 14.0, 5.0}, 2.0F);
    const std::vector<std::int32_t> group{0, 0};
    const std::vector<std::int64_t> vessel{grid.place(0, 0, 0), grid.place(0, 1, 0)};
    const Profile profile = distance_profile(field, agents, {group, 1}, vessel, 30, *context);
    ASSERT_EQ(profile.n_shells(), 10);
    EXPECT_EQ(profile.cells[0], (std::vector<std::int64_t>{1, 0, 0, 1, 0, 0, 0, 0, 0, 0}));
    for (std::size_t shell = 0; shell < 10; ++shell) {
        EXPECT_EQ(profile.size[shell], 200.0);
        EXPECT_NEAR(profile.concentration[0][shell], 100.5 - 10.0 * static_cast<double>(shell), 1e-12);
    }
    EXPECT_EQ(distance_profile(field, agents, {group, 1}, {}, 30, *context).n_shells(), 0);
}

}  // namespace
}  // namespace morula::simulation
