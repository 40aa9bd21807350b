#include "morula/simulation/solid_section.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"

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
    // Copies alone do not: above and below each cell is its own type.
    SolidSectionOptions copies = options;
    copies.most_sweeps = 0;
    EXPECT_GT(solid_from_section(section.positions, section.type, 3, copies, *context).difference, 0.05);
    // The band of type 2 is still on the right.
    double mean_x = 0.0;
    for (std::size_t i = 0; i < solid.type.size(); ++i) mean_x += solid.type[i] == 2 ? solid.positions[i][0] : 0.0;
    EXPECT_NEAR(mean_x / static_cast<double>(std::count(solid.type.begin(), solid.type.end(), 2)), 336.0, 15.0);
    for (const auto& position : solid.positions) {
        EXPECT_GE(position[2], 0.0);
        EXPECT_LE(position[2], 80.0);
    }
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
