#include "morula/simulation/multigrid.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

/// body(x, y, z, place) for every voxel.
template <class Body>
void for_each_voxel(const Grid& grid, const Body& body) {
    for (std::int64_t z = 0; z < grid.n[2]; ++z) {
        for (std::int64_t y = 0; y < grid.n[1]; ++y) {
            for (std::int64_t x = 0; x < grid.n[0]; ++x) body(x, y, z, static_cast<std::size_t>(grid.place(x, y, z)));
        }
    }
}

/// Share of a voxel within `radius` of an axis (flat) or a point (solid), by 8 points a direction.
double share_inside(const Grid& grid, std::int64_t x, std::int64_t y, std::int64_t z, double radius) {
    const int n = 8, nz = grid.is_flat() ? 1 : n;
    int inside = 0;
    for (int a = 0; a < n; ++a) {
        for (int b = 0; b < n; ++b) {
            for (int c = 0; c < nz; ++c) {
                const double px = grid.center_um(0, x) + grid.voxel_um * ((a + 0.5) / n - 0.5);
                const double py = grid.center_um(1, y) + grid.voxel_um * ((b + 0.5) / n - 0.5);
                const double pz = grid.is_flat() ? 0.0 : grid.center_um(2, z) + grid.voxel_um * ((c + 0.5) / nz - 0.5);
                inside += px * px + py * py + pz * pz < radius * radius ? 1 : 0;
            }
        }
    }
    return static_cast<double>(inside) / (n * n * nz);
}

/// Largest error against `exact` over the voxels that are not fixed, in units of `depth`.
double worst_error(const Field& field, const std::function<double(double r)>& exact, double depth) {
    const Grid& grid = field.grid();
    double worst = 0.0;
    for_each_voxel(grid, [&](std::int64_t x, std::int64_t y, std::int64_t z, std::size_t place) {
        if (field.is_fixed(0, static_cast<std::int64_t>(place))) return;
        const double r = std::hypot(grid.center_um(0, x), grid.center_um(1, y), grid.is_flat() ? 0.0 : grid.center_um(2, z));
        worst = std::max(worst, std::abs(field.values(0)[place] - exact(r)) / depth);
    });
    return worst;
}

TEST(multigrid, a_sphere_that_takes_up_at_a_constant_rate_is_as_empty_as_the_closed_form_says) {
    const auto context = test::make_context(2);
    const double radius = 80.0, uptake = 15.0, diffusion = 1e5 / 60.0 * 1.2, far = 38.0;
    const auto exact = [&](double r) {
        if (r < radius) return far - uptake * radius * radius / (2.0 * diffusion) + uptake * r * r / (6.0 * diffusion);
        return far - uptake * radius * radius * radius / (3.0 * diffusion * r);
    };
    const double depth = far - exact(0.0);
    std::vector<double> errors;
    for (const std::int64_t n : {20, 40}) {
        const double h = 300.0 / static_cast<double>(n);
        const Grid grid{.n = {n, n, n}, .voxel_um = h, .origin_um = {-150.0, -150.0, -150.0}};
        Field field(grid, {{.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = diffusion, .initial = far}}, 0.1, *context);
        std::vector<double> source(static_cast<std::size_t>(grid.n_stored()), 0.0), sink(source.size(), 0.0), walls;
        std::vector<std::int64_t> places;
        for_each_voxel(grid, [&](std::int64_t x, std::int64_t y, std::int64_t z, std::size_t place) {
            source[place] = -uptake * share_inside(grid, x, y, z, radius);
            if (std::min({x, y, z}) > 0 && std::max({x, y, z}) < n - 1) return;
            places.push_back(static_cast<std::int64_t>(place));
            walls.push_back(exact(std::hypot(grid.center_um(0, x), grid.center_um(1, y), grid.center_um(2, z))));
        });
        field.fix(0, places, walls, *context);
        const SteadyResult result = solve_steady(field, 0, source, sink, {}, *context);
        EXPECT_LE(result.residual, 1e-10);
        EXPECT_LE(result.rounds, 20);
        errors.push_back(worst_error(field, exact, depth));
    }
    EXPECT_LT(errors[1], 0.005);
    EXPECT_GT(errors[0] / errors[1], 2.0);
}

TEST(multigrid, tissue_around_a_capillary_has_the_oxygen_of_krogh) {
    const auto context = test::make_context(2);
    // Krogh 1919: a capillary of radius 8 um in a cylinder of tissue of radius 60 um that consumes at a constant rate; nothing crosses its mantle.
    const double capillary = 8.0, tissue = 60.0, uptake = 20.0, diffusion = 2000.0, inside = 40.0;
    const auto exact = [&](double r) {
        const double at = std::min(r, tissue);
        return inside + uptake / (4.0 * diffusion) * (at * at - capillary * capillary) - uptake * tissue * tissue / (2.0 * diffusion) * std::log(at / capillary);
    };
    const double depth = inside - exact(tissue);
    std::vector<double> errors;
    for (const std::int64_t n : {64, 128}) {
        const double h = 128.0 / static_cast<double>(n);
        const Grid grid{.n = {n, n, 1}, .voxel_um = h, .origin_um = {-64.0, -64.0, 0.0}};
        Field field(grid, {{.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = diffusion, .initial = inside}}, 0.1, *context);
        std::vector<double> source(static_cast<std::size_t>(grid.n_stored()), 0.0), sink(source.size(), 0.0), blood;
        std::vector<std::int64_t> places;
        for_each_voxel(grid, [&](std::int64_t x, std::int64_t y, std::int64_t z, std::size_t place) {
            source[place] = -uptake * share_inside(grid, x, y, z, tissue);
            const double r = std::hypot(grid.center_um(0, x), grid.center_um(1, y));
            if (r >= capillary) return;
            // The wall cuts through voxels: the profile is carried on into the lumen, so that it passes the wall at the right height.
            places.push_back(static_cast<std::int64_t>(place));
            blood.push_back(exact(r));
        });
        field.fix(0, places, blood, *context);
        const SteadyResult result = solve_steady(field, 0, source, sink, {}, *context);
        EXPECT_LE(result.rounds, 20);
        errors.push_back(worst_error(field, exact, depth));
    }
    EXPECT_LT(errors[1], 0.005);
    EXPECT_GT(errors[0] / errors[1], 2.0);
}

/// A field with fixed voxels and sinks at random places.
struct Random3 {
    Grid grid;
    std::vector<double> source, sink;
    std::vector<std::int64_t> places;
    std::vector<double> fixed;
};
Random3 random_problem(const Grid& grid) {
    Random3 made{grid, std::vector<double>(static_cast<std::size_t>(grid.n_stored()), 0.0), std::vector<double>(static_cast<std::size_t>(grid.n_stored()), 0.0), {}, {}};
    for_each_voxel(grid, [&](std::int64_t, std::int64_t, std::int64_t, std::size_t place) {
        Random random(12, Purpose::test, place, 0);
        made.source[place] = random.uniform();
        made.sink[place] = random.uniform() < 0.3 ? 5.0 * random.uniform() : 0.0;
        if (random.uniform() > 0.05) return;
        made.places.push_back(static_cast<std::int64_t>(place));
        made.fixed.push_back(10.0 * random.uniform());
    });
    return made;
}

TEST(multigrid, the_solution_satisfies_every_voxels_balance) {
    const auto context = test::make_context(2);
    for (const Grid& grid : {Grid{.n = {17, 12, 9}, .voxel_um = 10.0}, Grid{.n = {33, 50, 1}, .voxel_um = 10.0}, Grid{.n = {70, 1, 1}, .voxel_um = 10.0}}) {
        const Random3 made = random_problem(grid);
        Field field(grid, {{.name = "other"}, {.name = "a", .diffusion_um2_per_min = 900.0, .decay_per_min = 0.01}}, 0.1, *context);
        field.fix(1, made.places, made.fixed, *context);
        solve_steady(field, 1, made.source, made.sink, {.tolerance = 1e-12}, *context);
        double worst = 0.0;
        for_each_voxel(grid, [&](std::int64_t x, std::int64_t y, std::int64_t z, std::size_t place) {
            if (field.is_fixed(1, static_cast<std::int64_t>(place))) return;
            const double c = field.values(1)[place];
            double balance = made.source[place] - (0.01 + made.sink[place]) * c;
            const std::array<std::int64_t, 3> at{x, y, z};
            for (std::size_t axis = 0; axis < 3; ++axis) {
                for (const std::int64_t side : {-1, 1}) {
                    std::array<std::int64_t, 3> there = at;
                    there[axis] += side;
                    if (there[axis] < 0 || there[axis] >= grid.n[axis]) continue;
                    balance += 9.0 * (field.values(1)[static_cast<std::size_t>(grid.place(there[0], there[1], there[2]))] - c);
                }
            }
            worst = std::max(worst, std::abs(balance));
        });
        EXPECT_LT(worst, 1e-9);
        for (std::size_t k = 0; k < made.places.size(); ++k) EXPECT_EQ(field.values(1)[static_cast<std::size_t>(made.places[k])], made.fixed[k]);
    }
}

TEST(multigrid, what_comes_in_is_what_is_lost) {
    const auto context = test::make_context(1);
    const Grid grid{.n = {20, 20, 20}, .voxel_um = 10.0};
    Field field(grid, {{.name = "a", .diffusion_um2_per_min = 1000.0, .decay_per_min = 0.02}}, 0.1, *context);
    std::vector<double> source(static_cast<std::size_t>(grid.n_stored()), 0.0), sink(source.size(), 0.0);
    source[static_cast<std::size_t>(grid.place(3, 4, 5))] = 7.0;
    solve_steady(field, 0, source, sink, {}, *context);
    EXPECT_NEAR(0.02 * field.total(0, *context) / (7.0 * 1000.0), 1.0, 1e-8);
}

TEST(multigrid, rounds_do_not_grow_with_the_grid) {
    const auto context = test::make_context(2);
    std::vector<std::int32_t> rounds;
    for (const std::int64_t n : {8, 16, 32, 48}) {
        const Grid grid{.n = {n, n, n}, .voxel_um = 400.0 / static_cast<double>(n)};
        Field field(grid, {{.name = "a", .diffusion_um2_per_min = 1000.0, .decay_per_min = 1e-6}}, 0.1, *context);
        std::vector<double> source(static_cast<std::size_t>(grid.n_stored()), 0.0), sink(source.size(), 0.0);
        source[static_cast<std::size_t>(grid.place(1, 1, 1))] = 1.0;
        sink[static_cast<std::size_t>(grid.place(n - 2, n - 2, n / 2))] = 3.0;
        rounds.push_back(solve_steady(field, 0, source, sink, {}, *context).rounds);
    }
    EXPECT_LE(rounds.back(), 20) << rounds[0] << " " << rounds[1] << " " << rounds[2] << " " << rounds[3];
    EXPECT_LE(rounds.back(), rounds[1] + 6);
}

TEST(multigrid, gives_the_same_bits_with_any_number_of_threads) {
    const Grid grid{.n = {41, 30, 29}, .voxel_um = 10.0};
    const Random3 made = random_problem(grid);
    test::same_at_threads({2, 8},
        [&](Context& context) {
            Field field(grid, {{.name = "a", .diffusion_um2_per_min = 900.0, .initial = 1.0}}, 0.1, context);
            field.fix(0, made.places, made.fixed, context);
            solve_steady(field, 0, made.source, made.sink, {}, context);
            return std::vector<double>(field.values(0).begin(), field.values(0).end());
        },
        [](const std::vector<double>& a, const std::vector<double>& b) { return test::same_bits(a, b); });
}

TEST(multigrid, refuses_what_has_no_steady_field) {
    const auto context = test::make_context(1);
    const Grid grid{.n = {6, 6, 6}};
    Field field(grid, {{.name = "kept", .diffusion_um2_per_min = 10.0, .initial = 2.0}, {.name = "bound", .decay_per_min = 1.0}, {.name = "lost", .diffusion_um2_per_min = 10.0, .decay_per_min = 1.0, .initial = 4.0}},
                0.1, *context);
    const std::vector<double> none(static_cast<std::size_t>(grid.n_stored()), 0.0), some(none.size(), 1.0);
    EXPECT_TRUE(test::contains(test::thrown_by([&] { solve_steady(field, 0, some, none, {}, *context); }).message(), "nothing takes it away"));
    EXPECT_TRUE(test::contains(test::thrown_by([&] { solve_steady(field, 1, some, none, {}, *context); }).message(), "diffusion constant"));
    std::vector<double> one = none;
    one[0] = 1.0;
    EXPECT_TRUE(test::contains(test::thrown_by([&] { solve_steady(field, 2, one, none, {.most_rounds = 1}, *context); }).message(), "in 1 rounds"));
    solve_steady(field, 2, none, none, {}, *context);
    EXPECT_EQ(field.total(2, *context), 0.0);
}

}  // namespace
}  // namespace morula::simulation
