#include "morula/simulation/layouts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

constexpr double kSpacing = 16.0;
const LayoutFrame kSolid{.center_um = {100.0, -50.0, 20.0}, .space = Space::solid, .spacing_um = kSpacing};
const LayoutFrame kFlat{.center_um = {100.0, -50.0, 20.0}, .space = Space::flat, .spacing_um = kSpacing};

std::array<double, 3> from_middle(const PlacedCell& cell, const LayoutFrame& frame) {
    return {cell.position_um[0] - frame.center_um[0], cell.position_um[1] - frame.center_um[1], cell.position_um[2] - frame.center_um[2]};
}
double apart(const PlacedCell& a, const PlacedCell& b) { return std::hypot(a.position_um[0] - b.position_um[0], a.position_um[1] - b.position_um[1], a.position_um[2] - b.position_um[2]); }
double nearest_pair(const Layout& layout) {
    double nearest = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < layout.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) nearest = std::min(nearest, apart(layout[i], layout[j]));
    }
    return nearest;
}
std::int64_t count(const Layout& layout, std::int32_t part) {
    return std::count_if(layout.begin(), layout.end(), [&](const PlacedCell& cell) { return cell.part == part; });
}

TEST(layouts, a_spheroid_is_as_dense_as_spheres_pack) {
    const auto context = test::make_context(1);
    const Layout ball = spheroid_layout(kSolid, 100.0, *context);
    // One cell in spacing^3 / sqrt(2).
    EXPECT_NEAR(static_cast<double>(ball.size()), 4.0 / 3.0 * std::numbers::pi * 1e6 * std::numbers::sqrt2 / (kSpacing * kSpacing * kSpacing), 0.05 * static_cast<double>(ball.size()));
    EXPECT_NEAR(nearest_pair(ball), kSpacing, 1e-9);
    for (const PlacedCell& cell : ball) {
        const auto from = from_middle(cell, kSolid);
        EXPECT_LE(std::hypot(from[0], from[1], from[2]), 100.0 + 1e-9);
    }
    const Layout disc = spheroid_layout(kFlat, 300.0, *context);
    EXPECT_NEAR(static_cast<double>(disc.size()), std::numbers::pi * 9e4 / (kSpacing * kSpacing * std::sqrt(0.75)), 0.05 * static_cast<double>(disc.size()));
    EXPECT_NEAR(nearest_pair(disc), kSpacing, 1e-9);
    for (const PlacedCell& cell : disc) EXPECT_EQ(cell.position_um[2], 20.0);
    EXPECT_EQ(spheroid_layout(kSolid, 1.0, *context).size(), 1U);
}

TEST(layouts, a_crypt_ring_has_each_cell_as_far_from_both_neighbors) {
    const auto context = test::make_context(1);
    const Layout ring = crypt_ring_layout(kFlat, 16, *context);
    ASSERT_EQ(ring.size(), 16U);
    for (std::size_t i = 0; i < ring.size(); ++i) EXPECT_NEAR(apart(ring[i], ring[(i + 1) % 16]), kSpacing, 1e-9);
    EXPECT_NEAR(ring[0].position_um[0] - 100.0, crypt_ring_radius_um(16, kSpacing), 1e-9);
    EXPECT_NEAR(crypt_ring_radius_um(6, kSpacing), kSpacing, 1e-9) << "a hexagon's side is its radius";
}

TEST(layouts, a_lobule_is_a_hexagon_without_its_vessels) {
    const auto context = test::make_context(1);
    const LobuleSizes sizes{.side_um = 200.0, .height_um = 60.0, .central_radius_um = 30.0, .portal_radius_um = 20.0};
    const auto corners = lobule_corners_um(kSolid, 200.0);
    EXPECT_NEAR(corners[0][0], 300.0, 1e-9);
    EXPECT_NEAR(std::hypot(corners[1][0] - corners[0][0], corners[1][1] - corners[0][1]), 200.0, 1e-9);
    const double area = 1.5 * std::sqrt(3.0) * 4e4 - std::numbers::pi * (900.0 + 2.0 * 400.0);  // a third of each of six triads lies inside
    for (const LayoutFrame& frame : {kSolid, kFlat}) {
        const Layout lobule = lobule_layout(frame, sizes, *context);
        const double expected = frame.space == Space::flat ? area / (kSpacing * kSpacing * std::sqrt(0.75)) : area * 60.0 * std::numbers::sqrt2 / (kSpacing * kSpacing * kSpacing);
        EXPECT_NEAR(static_cast<double>(lobule.size()), expected, 0.1 * expected);
        for (const PlacedCell& cell : lobule) {
            const auto from = from_middle(cell, frame);
            EXPECT_GE(std::hypot(from[0], from[1]), 30.0);
            EXPECT_LE(std::abs(from[1]), 200.0 * std::sqrt(0.75) + 1e-9);
            EXPECT_LE(std::abs(from[2]), 30.0);
            for (const auto& corner : corners) EXPECT_GE(std::hypot(cell.position_um[0] - corner[0], cell.position_um[1] - corner[1]), 20.0);
        }
    }
}

TEST(layouts, an_islet_has_a_core_and_a_mantle) {
    const auto context = test::make_context(1);
    const Layout islet = islet_layout(kSolid, {.radius_um = 80.0, .mantle_um = 16.0}, *context);
    EXPECT_NEAR(static_cast<double>(count(islet, 0)) / static_cast<double>(islet.size()), std::pow(64.0 / 80.0, 3.0), 0.05);
    for (const PlacedCell& cell : islet) {
        const auto from = from_middle(cell, kSolid);
        EXPECT_EQ(cell.part, std::hypot(from[0], from[1], from[2]) > 64.0 ? 1 : 0);
    }
}

TEST(layouts, a_vessel_has_an_endothelium_around_an_empty_lumen_and_muscle_around_that) {
    const auto context = test::make_context(1);
    const VesselSizes sizes{.lumen_radius_um = 40.0, .length_um = 100.0, .muscle_layers = 2};
    const Layout tube = vessel_layout(kSolid, sizes, *context);
    EXPECT_GT(nearest_pair(tube), 0.8 * kSpacing);
    for (const PlacedCell& cell : tube) {
        const auto from = from_middle(cell, kSolid);
        const double layer = (std::hypot(from[0], from[1]) - 40.0) / kSpacing - 0.5;
        EXPECT_NEAR(layer, std::round(layer), 1e-9);
        EXPECT_EQ(cell.part, layer < 0.5 ? 0 : 1);
        EXPECT_LE(std::abs(from[2]), 50.0);
    }
    // Rings of 19, 25 and 31 cells, 8 of each.
    EXPECT_EQ(count(vessel_layout(kFlat, sizes, *context), 0), static_cast<std::int64_t>(2.0 * std::numbers::pi * 48.0 / kSpacing));
    EXPECT_EQ(count(tube, 0), 8 * count(vessel_layout(kFlat, sizes, *context), 0));
}

TEST(layouts, an_alveolus_is_two_shells_evenly_covered) {
    const auto context = test::make_context(1);
    for (const LayoutFrame& frame : {kSolid, kFlat}) {
        const Layout alveolus = alveolus_layout(frame, 100.0, *context);
        EXPECT_GT(nearest_pair(alveolus), 0.8 * kSpacing);
        std::array<double, 3> mean{};
        for (const PlacedCell& cell : alveolus) {
            const auto from = from_middle(cell, frame);
            EXPECT_NEAR(std::hypot(from[0], from[1], from[2]), cell.part == 0 ? 100.0 : 116.0, 1e-9);
            for (std::size_t axis = 0; axis < 3; ++axis) mean[axis] += from[axis] / static_cast<double>(alveolus.size());
        }
        for (const double value : mean) EXPECT_NEAR(value, 0.0, 1.0);
    }
    EXPECT_EQ(count(alveolus_layout(kSolid, 100.0, *context), 0), static_cast<std::int64_t>(4.0 * std::numbers::pi * 1e4 / 256.0));
}

TEST(layouts, skin_is_layered_upwards) {
    const auto context = test::make_context(1);
    const SkinSizes sizes{.width_um = 160.0, .dermis_um = 96.0, .suprabasal_layers = 3};
    for (const LayoutFrame& frame : {kSolid, kFlat}) {
        const Layout skin = skin_layout(frame, sizes, *context);
        const std::size_t up = frame.space == Space::flat ? 1 : 2;
        std::array<double, 3> lowest{1e9, 1e9, 1e9}, highest{-1e9, -1e9, -1e9};
        for (const PlacedCell& cell : skin) {
            const auto from = from_middle(cell, frame);
            EXPECT_LE(std::abs(from[0]), 80.0);
            const auto part = static_cast<std::size_t>(cell.part);
            lowest[part] = std::min(lowest[part], from[up]);
            highest[part] = std::max(highest[part], from[up]);
        }
        EXPECT_LT(highest[0], lowest[1]);
        EXPECT_EQ(lowest[1], highest[1]) << "one basal layer";
        EXPECT_LT(highest[1], lowest[2]);
        EXPECT_NEAR(highest[2] - lowest[2], 2.0 * kSpacing, 1e-9);
        EXPECT_NEAR(lowest[0], -highest[2], 1e-9) << "the middle of the stack is that of the frame";
        EXPECT_GT(nearest_pair(skin), kSpacing - 1e-9);
        EXPECT_EQ(count(skin, 2), 3 * count(skin, 1));
    }
}

TEST(layouts, say_what_cannot_be_laid_out) {
    const auto context = test::make_context(1);
    const auto code = [&](const auto& body) { return test::error_code(body); };
    EXPECT_EQ(code([&] { spheroid_layout(kSolid, -1.0, *context); }), ErrorCode::invalid_data);
    EXPECT_EQ(code([&] { spheroid_layout(kSolid, std::nan(""), *context); }), ErrorCode::invalid_data);
    EXPECT_EQ(code([&] { spheroid_layout(kSolid, 1e9, *context); }), ErrorCode::invalid_data);
    EXPECT_EQ(code([&] { spheroid_layout({.center_um = {}, .space = Space::solid, .spacing_um = 0.0}, 10.0, *context); }), ErrorCode::invalid_data);
    Context small({.threads = 1, .memory_bytes = 1'000'000});
    EXPECT_EQ(code([&] { spheroid_layout(kSolid, 500.0, small); }), ErrorCode::resource_limit);
    EXPECT_EQ(code([&] { crypt_ring_layout(kFlat, 2, *context); }), ErrorCode::invalid_data);
    EXPECT_EQ(code([&] { lobule_layout(kFlat, {.side_um = 20.0}, *context); }), ErrorCode::invalid_data) << "all of it is the central vein";
    EXPECT_EQ(code([&] { vessel_layout(kFlat, {.muscle_layers = -1}, *context); }), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::simulation
