#include "morula/simulation/expression_kernel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <numeric>

#include "morula/core/random.hpp"
#include "tests/support/errors.hpp"

namespace morula::simulation {
namespace {

using Edge = ExpressionKernel::Edge;

/// Cells at the given places of a line, one metacell a place.
MeasuredCells on_a_line(const std::vector<float>& places, const std::vector<int>& n_cells) {
    MeasuredCells cells;
    for (std::size_t m = 0; m < places.size(); ++m) {
        for (int c = 0; c < n_cells[m]; ++c) {
            cells.latent.values.push_back(places[m]);
            cells.type.push_back(0);
            cells.metacell.push_back(static_cast<std::int32_t>(m));
        }
    }
    cells.latent.n_rows = std::ssize(cells.type);
    cells.latent.n_cols = 1;
    return cells;
}

/// Made-up cells of two types in five dimensions, 30 metacells, some larger than others.
MeasuredCells cloud() {
    MeasuredCells cells;
    Random random(5, Purpose::test, 0, 0);
    cells.latent = matrix::Dense<float>(600, 5);
    for (std::int64_t c = 0; c < 600; ++c) {
        const auto metacell = static_cast<std::int32_t>(std::min<std::uint64_t>(random.below(15), random.below(15)));
        cells.type.push_back(static_cast<std::int32_t>(c % 2));
        cells.metacell.push_back(metacell);
        Random center(6, Purpose::test, static_cast<std::uint64_t>(metacell), static_cast<std::uint32_t>(c % 2));
        for (std::int64_t d = 0; d < 5; ++d) cells.latent(c, d) = static_cast<float>(2.0 * center.normal() + 0.3 * random.normal());
        cells.height.push_back(static_cast<double>(cells.latent(c, 0)));
    }
    return cells;
}

double share(const ExpressionKernel& kernel, std::int64_t from, std::size_t e) {
    const std::span<const Edge> out = kernel.edges(from);
    const double before = e == 0 ? 0.0 : static_cast<double>(out[e - 1].cumulative);
    return (e + 1 == out.size() ? 1.0 : static_cast<double>(out[e].cumulative)) - before;
}

/// Chance of one attempt to go along an edge.
double chance(const ExpressionKernel& kernel, std::int64_t from, std::size_t e) {
    return share(kernel, from, e) * std::min(1.0, std::exp(static_cast<double>(kernel.edges(from)[e].log_acceptance)));
}

TEST(expression_kernel, types_without_states_can_be_added_and_change_nothing_else) {
    const ExpressionKernel before(cloud(), {.n_types = 2});
    ExpressionKernel after = before;
    after.add_types_without_states(2);
    EXPECT_EQ(after.n_types(), 4);
    EXPECT_EQ(after.n_metacells(), before.n_metacells());
    for (const std::int32_t type : {2, 3}) {
        EXPECT_FALSE(after.has_states(type));
        EXPECT_EQ(after.n_measured(type), 0);
        EXPECT_EQ(after.n_parts(type), 0);
    }
    EXPECT_EQ(after.type_end(1), before.type_end(1));
    EXPECT_EQ(after.hash(), before.hash());
}

TEST(expression_kernel, of_three_states_on_a_line_is_as_reckoned_by_hand) {
    const ExpressionKernel kernel(on_a_line({0.0F, 1.0F, 2.0F}, {2, 1, 3}), {.n_types = 1, .n_neighbors = 2});
    ASSERT_EQ(kernel.n_metacells(), 3);
    EXPECT_EQ(kernel.n_cells(2), 3);
    EXPECT_EQ(kernel.n_parts(0), 1);
    // The nearest of each is 1 away: K = exp(-1/2) for neighbours, exp(-2) for the ends.
    const double near = std::exp(-0.5), far = std::exp(-2.0);
    const double end = near + far, middle = 2.0 * near;
    ASSERT_EQ(kernel.edges(0).size(), 2U);
    EXPECT_EQ(kernel.edges(0)[0].to, 1U);
    EXPECT_NEAR(share(kernel, 0, 0), near / end, 1e-6);
    EXPECT_NEAR(chance(kernel, 0, 0), near / end * (1.0 / 2.0) * end / middle, 1e-6);
    EXPECT_NEAR(chance(kernel, 0, 1), far / end, 1e-6);  // to more cells: always taken
    EXPECT_NEAR(chance(kernel, 2, 0), far / end * 2.0 / 3.0, 1e-6);
    EXPECT_NEAR(chance(kernel, 1, 0), 0.5, 1e-6);
}

TEST(expression_kernel, keeps_the_measured_distribution_and_with_a_direction_a_tilted_one) {
    for (const double direction : {0.0, 0.7}) {
        const ExpressionKernel kernel(cloud(), {.n_types = 2, .n_neighbors = 4, .direction = direction});
        const auto n = static_cast<std::size_t>(kernel.n_metacells());
        ASSERT_EQ(n, 30U);
        std::vector<double> before(n), after(n, 0.0);
        for (std::size_t m = 0; m < n; ++m) {
            before[m] = static_cast<double>(kernel.n_cells(static_cast<std::int64_t>(m))) * std::exp(kernel.tilt(static_cast<std::int64_t>(m)));
            EXPECT_EQ(kernel.tilt(static_cast<std::int64_t>(m)) == 0.0, direction == 0.0);
        }
        for (std::size_t m = 0; m < n; ++m) {
            after[m] += before[m];
            for (std::size_t e = 0; e < kernel.edges(static_cast<std::int64_t>(m)).size(); ++e) {
                const Edge& edge = kernel.edges(static_cast<std::int64_t>(m))[e];
                const double flow = before[m] * chance(kernel, static_cast<std::int64_t>(m), e);
                EXPECT_EQ(kernel.type_of(edge.to), kernel.type_of(static_cast<std::int64_t>(m)));
                after[m] -= flow;
                after[edge.to] += flow;
            }
        }
        for (std::size_t m = 0; m < n; ++m) EXPECT_NEAR(after[m], before[m], 2e-5 * before[m]);
    }
}

TEST(expression_kernel, climbs_the_height_it_is_given) {
    // Five states in a row, higher and higher: against the direction exp(-1) of the steps that there are along it.
    MeasuredCells cells = on_a_line({0.0F, 1.0F, 2.0F, 3.0F, 4.0F}, {4, 4, 4, 4, 4});
    for (const std::int32_t metacell : cells.metacell) cells.height.push_back(10.0 * metacell);
    const ExpressionKernel kernel(cells, {.n_types = 1, .n_neighbors = 1, .direction = 1.0});
    EXPECT_NEAR(kernel.tilt(3) - kernel.tilt(2), 1.0, 1e-9);
    ASSERT_EQ(kernel.edges(2).size(), 2U);
    EXPECT_NEAR(chance(kernel, 2, 1) / chance(kernel, 2, 0), std::exp(1.0), 1e-5);
    EXPECT_LT(kernel.edges(2)[0].log_acceptance, kernel.edges(2)[1].log_acceptance);
}

TEST(expression_kernel, an_attempt_goes_where_its_chances_say) {
    const ExpressionKernel kernel(cloud(), {.n_types = 2, .n_neighbors = 4, .direction = 0.0});
    const std::int64_t from = 3;
    const double tilt = -0.4;  // against every move
    std::vector<double> expected(static_cast<std::size_t>(kernel.n_metacells()), 0.0), seen(expected.size(), 0.0);
    for (std::size_t e = 0; e < kernel.edges(from).size(); ++e) {
        const Edge& edge = kernel.edges(from)[e];
        expected[edge.to] += share(kernel, from, e) * std::min(1.0, std::exp(static_cast<double>(edge.log_acceptance) + tilt));
    }
    expected[3] = 1.0 - std::accumulate(expected.begin(), expected.end(), 0.0);
    const int n = 20'000;
    Random random(1, Purpose::test, 1, 0);
    for (int i = 0; i < n; ++i) {
        const double propose = random.uniform();
        const double accept = random.uniform();
        seen[static_cast<std::size_t>(kernel.attempt(from, propose, accept, [&](std::int64_t) { return tilt; }))] += 1.0 / n;
    }
    for (std::size_t m = 0; m < seen.size(); ++m) EXPECT_NEAR(seen[m], expected[m], 4.0 * std::sqrt(expected[m] * (1.0 - expected[m]) / n) + 1e-12);
    EXPECT_LT(seen[3], 1.0);
    EXPECT_EQ(kernel.attempt(from, 1.0 - 0x1.0p-53, 0.0, [](std::int64_t) { return 0.0; }), static_cast<std::int64_t>(kernel.edges(from).back().to));
}

TEST(expression_kernel, knows_how_far_measured_cells_are_from_their_metacell) {
    MeasuredCells cells;
    cells.latent = matrix::Dense<float>(200, 2);
    for (std::int64_t c = 0; c < 200; ++c) {
        cells.latent(c, 1) = static_cast<float>(c % 2 == 0 ? c + 1 : -c);  // 1, -1, 3, -3, ..., 199, -199 about 0
        cells.type.push_back(1);
        cells.metacell.push_back(7);
    }
    const ExpressionKernel kernel(cells, {.n_types = 3});
    ASSERT_EQ(kernel.n_metacells(), 1);
    EXPECT_FALSE(kernel.has_states(0));
    EXPECT_FALSE(kernel.has_states(2));
    EXPECT_EQ(kernel.known_distance(1), 197.0F);  // two of 200 are further: the 198th is 197
    EXPECT_EQ(kernel.center(0)[1], 0.0F);
    EXPECT_NEAR(static_cast<double>(kernel.spread(0)[1]), std::sqrt((4.0 * 100 * 100 - 1.0) / 3.0), 1e-2);
    EXPECT_EQ(kernel.spread(0)[0], 0.0F);
    EXPECT_TRUE(kernel.edges(0).empty());
    EXPECT_EQ(kernel.attempt(0, 0.5, 0.0, [](std::int64_t) { return 0.0; }), 0);
    EXPECT_EQ(kernel.measured(1, 3).latent[1], -3.0F);
}

TEST(expression_kernel, finds_the_nearest_of_those_joined_and_counts_parts) {
    // Two heaps far apart: with one neighbour each they are two parts.
    const ExpressionKernel kernel(on_a_line({0.0F, 1.0F, 100.0F, 101.0F}, {1, 1, 1, 1}), {.n_types = 1, .n_neighbors = 1});
    EXPECT_EQ(kernel.n_parts(0), 2);
    const std::vector<float> latent{0.8F};
    const ExpressionKernel::Nearest found = kernel.nearest(latent, 0);
    EXPECT_EQ(found.metacell, 1);
    EXPECT_NEAR(static_cast<double>(found.distance), 0.2, 1e-6);
}

TEST(expression_kernel, goes_by_cells_not_by_their_order) {
    MeasuredCells cells = cloud();
    const ExpressionKernel kernel(cells, {.n_types = 2, .n_neighbors = 4, .direction = 0.3});
    MeasuredCells other;
    other.latent = matrix::Dense<float>(600, 5);
    for (std::int64_t c = 0; c < 600; ++c) {
        const std::int64_t from = (c * 7) % 600;  // 7 and 600 have no common divisor: a permutation
        std::copy_n(cells.latent.row(from).begin(), 5, other.latent.row(c).begin());
        other.type.push_back(cells.type[static_cast<std::size_t>(from)]);
        other.metacell.push_back(cells.metacell[static_cast<std::size_t>(from)]);
        other.height.push_back(cells.height[static_cast<std::size_t>(from)]);
    }
    const ExpressionKernel again(other, {.n_types = 2, .n_neighbors = 4, .direction = 0.3});
    ASSERT_EQ(again.n_metacells(), kernel.n_metacells());
    for (std::int64_t m = 0; m < kernel.n_metacells(); ++m) {
        ASSERT_EQ(again.edges(m).size(), kernel.edges(m).size());
        for (std::size_t e = 0; e < kernel.edges(m).size(); ++e) {
            EXPECT_EQ(again.edges(m)[e].to, kernel.edges(m)[e].to);
            EXPECT_NEAR(static_cast<double>(again.edges(m)[e].log_acceptance), static_cast<double>(kernel.edges(m)[e].log_acceptance), 1e-4);
        }
    }
    EXPECT_EQ(ExpressionKernel(cells, {.n_types = 2, .n_neighbors = 4, .direction = 0.3}).hash(), kernel.hash());
    EXPECT_NE(ExpressionKernel(cells, {.n_types = 2, .n_neighbors = 5, .direction = 0.3}).hash(), kernel.hash());
    cells.latent(17, 2) += 0.001F;
    EXPECT_NE(ExpressionKernel(cells, {.n_types = 2, .n_neighbors = 4, .direction = 0.3}).hash(), kernel.hash());
}

template <class Call>
void expect_refused(std::initializer_list<const char*> parts, const Call& call) {
    const Error error = test::thrown_by(call);
    EXPECT_EQ(error.code(), ErrorCode::invalid_data);
    for (const char* part : parts) EXPECT_TRUE(test::contains(error.message(), part)) << error.message();
}

TEST(expression_kernel, refuses_what_is_no_embedding) {
    const ExpressionKernelOptions options{.n_types = 2, .n_neighbors = 4};
    MeasuredCells cells = cloud();
    cells.latent(44, 1) = std::numeric_limits<float>::quiet_NaN();
    expect_refused({"number 45", "NaN"}, [&] { ExpressionKernel(cells, options); });
    cells = cloud();
    cells.height[3] = std::numeric_limits<double>::infinity();
    expect_refused({"number 4", "pseudotime"}, [&] { ExpressionKernel(cells, options); });
    cells = cloud();
    std::fill(cells.height.begin(), cells.height.end(), 2.0);
    expect_refused({"same for all"}, [&] { ExpressionKernel(cells, {.n_types = 2, .n_neighbors = 4, .direction = 1.0}); });
    cells.height.clear();
    expect_refused({"nothing to tell it by"}, [&] { ExpressionKernel(cells, {.n_types = 2, .n_neighbors = 4, .direction = 1.0}); });
    cells.latent = matrix::Dense<float>(600, 33);
    expect_refused({"33 dimensions"}, [&] { ExpressionKernel(cells, options); });
    expect_refused({"no measured cells"}, [&] { ExpressionKernel({}, options); });
}

}  // namespace
}  // namespace morula::simulation
