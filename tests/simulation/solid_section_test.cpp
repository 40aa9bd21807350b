#include "morula/simulation/solid_section.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/recut.hpp"

namespace morula::simulation {
namespace {

struct Section {
    std::vector<std::array<double, 2>> positions;
    std::vector<std::int32_t> type;
};

/// Made up: a lattice 10 um apart with jitter; type 0 and 1 alternate like a chess board on the left, type 2 forms a band on the right.
Section patterned() {
    Section section;
    for (std::int32_t y = 0; y < 40; ++y) {
        for (std::int32_t x = 0; x < 40; ++x) {
            Random random(1, Purpose::test, static_cast<std::uint64_t>(y * 40 + x), 0);
            section.positions.push_back({10.0 * x + 3.0 * random.uniform(), 10.0 * y + 3.0 * random.uniform()});
            section.type.push_back(x >= 28 ? 2 : (x + y) % 2);
        }
    }
    return section;
}

std::vector<std::array<double, 3>> at_height_0(const Section& section) {
    std::vector<std::array<double, 3>> flat;
    for (const auto& [x, y] : section.positions) flat.push_back({x, y, 0.0});
    return flat;
}

TEST(solid_section, neighbor_shares_are_counted_by_hand) {
    const auto context = test::make_context(1);
    // 0 - 1 - 1 in a row, 10 apart; a 0 far away.
    const std::vector<std::array<double, 3>> positions{{0, 0, 0}, {10, 0, 0}, {20, 0, 0}, {500, 0, 0}};
    const std::vector<std::int32_t> type{0, 1, 1, 0};
    const matrix::Dense<double> shares = neighbor_shares(positions, type, 3, 12.0, *context);
    EXPECT_EQ(shares(0, 0), 0.0);
    EXPECT_EQ(shares(0, 1), 1.0);
    EXPECT_DOUBLE_EQ(shares(1, 0), 1.0 / 3.0);
    EXPECT_DOUBLE_EQ(shares(1, 1), 2.0 / 3.0);
    EXPECT_TRUE(std::isnan(shares(2, 0)));
}

TEST(solid_section, keeps_composition_and_neighbors_by_type) {
    const Section section = patterned();
    const SolidSectionOptions options{.depth_um = 80.0, .reach_um = 14.0, .seed = 3};
    const SolidSection solid = test::same_at_1_2_4_threads([&](Context& context) { return solid_from_section(section.positions, section.type, 3, options, context); },
                                                           [](const SolidSection& a, const SolidSection& b) { return a.positions == b.positions && a.type == b.type; });
    const auto context = test::make_context(1);
    const auto expected = neighbor_shares(at_height_0(section), section.type, 3, 14.0, *context);
    EXPECT_LT(expected(0, 0), 0.55) << "a chess board: few of one's own kind";
    EXPECT_EQ(std::ssize(solid.positions), solid.n_layers * 1600);
    EXPECT_GE(solid.n_layers, 4);
    for (std::int32_t t = 0; t < 3; ++t) EXPECT_EQ(std::count(solid.type.begin(), solid.type.end(), t), solid.n_layers * std::count(section.type.begin(), section.type.end(), t));
    const auto found = neighbor_shares(solid.positions, solid.type, 3, 14.0, *context);
    for (std::int64_t a = 0; a < 3; ++a) {
        double difference = 0.0;
        for (std::int64_t b = 0; b < 3; ++b) difference += std::abs(found(a, b) - expected(a, b)) / 2.0;
        EXPECT_LE(difference, 0.0101) << "type " << a;
    }
    EXPECT_LE(solid.difference, 0.01);
    // Copies alone do not.
    SolidSectionOptions copies = options;
    copies.most_sweeps = 0;
    EXPECT_GT(solid_from_section(section.positions, section.type, 3, copies, *context).difference, options.tolerance);
    // The band of type 2 is still on the right.
    double mean_x = 0.0;
    for (std::size_t i = 0; i < solid.type.size(); ++i) mean_x += solid.type[i] == 2 ? solid.positions[i][0] : 0.0;
    EXPECT_NEAR(mean_x / static_cast<double>(std::count(solid.type.begin(), solid.type.end(), 2)), 336.0, 15.0);
    for (const auto& position : solid.positions) {
        EXPECT_GE(position[2], 0.0);
        EXPECT_LE(position[2], 80.0);
    }
}

/// Made up: 700 cells at random places at least 5 um apart; patches of 30 um of which one holds mostly type 0, the next types 1 and 2.
Section patched() {
    Section section;
    Random random(2, Purpose::test, 0, 0);
    while (section.type.size() < 700) {
        const std::array<double, 2> at{330.0 * random.uniform(), 330.0 * random.uniform()};
        if (std::ranges::any_of(section.positions, [&](const auto& other) { return std::hypot(other[0] - at[0], other[1] - at[1]) < 5.0; })) continue;
        const bool odd = (static_cast<std::int32_t>(at[0] / 30.0) + static_cast<std::int32_t>(at[1] / 30.0)) % 2 != 0;
        section.positions.push_back(at);
        section.type.push_back(random.uniform() < (odd ? 0.95 : 0.05) ? 0 : random.uniform() < 0.7 ? 1 : 2);
    }
    return section;
}

TEST(solid_section, slices_are_counted_by_hand) {
    // 0 - 1 apart by 10 along x, a 1 above the 0 by 6, another 1 above it by 20.
    const std::vector<std::array<double, 3>> positions{{0, 0, 0}, {10, 0, 0}, {0, 0, 6}, {0, 0, 20}};
    const std::vector<std::int32_t> type{0, 1, 1, 1};
    const auto of = [&](std::size_t axis) { return test::recut(positions, type, 2, {.across = {axis}, .reach_um = 12.0, .thickness_um = 14.0, .low_um = 0.0, .high_um = 0.0}); };
    EXPECT_EQ(of(2).mean(0, 1), 2.0) << "those at 10 along x and 6 above";
    EXPECT_EQ(of(1).mean(0, 1), 2.0) << "along x and z";
    EXPECT_EQ(of(0).mean(0, 1), 1.0) << "along y and z";
    EXPECT_EQ(of(2).mean(1, 0), 1.0);
    EXPECT_EQ(of(2).mean(1, 1), 1.0);
}

TEST(solid_section, cut_anew_it_shows_the_numbers_of_the_section) {
    const Section section = patched();
    const SolidSectionOptions options{.depth_um = 100.0, .reach_um = 30.0, .seed = 3};
    const auto context = test::make_context(1);
    const auto flat = at_height_0(section);
    const auto expected = test::recut(flat, section.type, 3, {.across = {2}, .reach_um = 30.0, .thickness_um = 1.0, .low_um = 0.0, .high_um = 0.0});
    // Each cell whose slice lies wholly within the block.
    const auto horizontal = [&](const SolidSection& of) {
        return test::largest_difference(test::recut(of.positions, of.type, 3, {.across = {2}, .reach_um = 30.0, .thickness_um = of.slice_um, .low_um = of.slice_um / 2.0, .high_um = 100.0 - of.slice_um / 2.0}), expected);
    };
    const auto vertical = [&](const SolidSection& of) {
        return test::largest_difference(test::recut(of.positions, of.type, 3, {.across = {0, 1}, .reach_um = 30.0, .thickness_um = of.slice_um, .low_um = 30.0, .high_um = 70.0}), expected);
    };
    const SolidSection solid = solid_from_section(section.positions, section.type, 3, options, *context);
    EXPECT_NEAR(solid.slice_um * static_cast<double>(solid.n_layers), 100.0, 1e-9);
    EXPECT_LE(horizontal(solid), 0.05);
    EXPECT_LE(vertical(solid), 0.05);
    EXPECT_LE(solid.horizontal_difference, 0.05);
    EXPECT_LE(solid.vertical_difference, 0.05);
    EXPECT_LE(solid.difference, 0.01);
    // Nulls. Copies straight above one another: horizontal slices are the section, vertical ones are not.
    SolidSection straight = solid;
    for (std::size_t i = 0; i < straight.type.size(); ++i) {
        const std::size_t from = i % section.type.size();
        straight.type[i] = section.type[from];
        straight.positions[i] = {section.positions[from][0], section.positions[from][1], solid.positions[i][2]};
    }
    EXPECT_LE(horizontal(straight), 0.001);
    EXPECT_GT(vertical(straight), 0.3);
    // Shifted copies whose types stay.
    SolidSectionOptions copies = options;
    copies.most_sweeps = 0;
    const SolidSection copied = solid_from_section(section.positions, section.type, 3, copies, *context);
    EXPECT_EQ(copied.positions, solid.positions);
    EXPECT_GT(vertical(copied), 0.05);
    EXPECT_GT(copied.vertical_difference, 0.05);
}

TEST(solid_section, what_cannot_be_known_is_said) {
    const Section section = patched();
    const auto context = test::make_context(1);
    const SolidSection thin = solid_from_section(section.positions, section.type, 3, {.depth_um = 40.0, .reach_um = 30.0}, *context);
    EXPECT_LE(thin.horizontal_difference, 0.05);
    EXPECT_TRUE(std::isnan(thin.vertical_difference)) << "no circle of the reach fits";
    Section few;
    for (std::size_t i = 0; i < 60; ++i) few.positions.push_back(section.positions[i]), few.type.push_back(section.type[i]);
    const SolidSection rare = solid_from_section(few.positions, few.type, 3, {.depth_um = 100.0, .reach_um = 30.0}, *context);
    EXPECT_TRUE(std::isnan(rare.horizontal_difference)) << "no pair is counted 400 times";
}

TEST(solid_section, another_seed_gives_another_block) {
    const Section section = patterned();
    const auto context = test::make_context(1);
    const SolidSection a = solid_from_section(section.positions, section.type, 3, {.depth_um = 40.0, .reach_um = 14.0, .seed = 3}, *context);
    const SolidSection b = solid_from_section(section.positions, section.type, 3, {.depth_um = 40.0, .reach_um = 14.0, .seed = 4}, *context);
    EXPECT_NE(a.positions, b.positions);
    EXPECT_LE(b.difference, 0.01);
}

TEST(solid_section, says_what_no_block_can_be_made_of) {
    const auto context = test::make_context(1);
    const Section section = patterned();
    const auto code = [&](const Section& from, const SolidSectionOptions& options) { return test::error_code([&] { solid_from_section(from.positions, from.type, 3, options, *context); }); };
    EXPECT_EQ(code(section, {.depth_um = 0.0}), ErrorCode::invalid_data);
    EXPECT_EQ(code(section, {.reach_um = std::numeric_limits<double>::quiet_NaN()}), ErrorCode::invalid_data);
    EXPECT_EQ(code({{{0, 0}, {1, 1}}, {0, 1}}, {}), ErrorCode::invalid_data);
    EXPECT_EQ(code({std::vector<std::array<double, 2>>(20, {5.0, 5.0}), std::vector<std::int32_t>(20, 0)}, {}), ErrorCode::invalid_data);
    EXPECT_EQ(code(section, {.depth_um = 1e9}), ErrorCode::resource_limit);
    // One cell far away from all others is no reason to fail.
    Section far = section;
    far.positions.push_back({1e7, 1e7});
    far.type.push_back(0);
    EXPECT_GT(solid_from_section(far.positions, far.type, 3, {.depth_um = 30.0, .reach_um = 14.0}, *context).n_layers, 1);
}

}  // namespace
}  // namespace morula::simulation
