#include "morula/models/reference_regions.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "morula/core/random.hpp"
#include "morula/models/nearest_labels.hpp"
#include "tests/support/contexts.hpp"

namespace morula::models {
namespace {

/// Groups of points far from one another, those of a group close together, as types of cells are.
matrix::Dense<float> groups(std::int64_t n, std::int64_t dims, std::int64_t n_groups, double apart, std::uint64_t seed) {
    matrix::Dense<float> out(n, dims);
    for (std::int64_t row = 0; row < n; ++row) {
        Random random(seed, Purpose::test, static_cast<std::uint64_t>(row), 0);
        Random center(99, Purpose::test, static_cast<std::uint64_t>(row % n_groups), 1);
        for (float& value : out.row(row)) value = static_cast<float>(random.normal() + apart * center.normal());
    }
    return out;
}

double distance(std::span<const float> a, std::span<const float> b) {
    double squares = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) squares += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    return std::sqrt(squares);
}

TEST(reference_regions, hold_every_cell_once_in_order_within_each) {
    const matrix::Dense<float> cells = groups(3000, 10, 6, 3.0, 1);
    const auto context = test::make_context(2);
    const ReferenceRegions regions = cut_into_regions(cells.view(), *context);
    EXPECT_EQ(regions.n_regions(), 3000 / 256);
    EXPECT_EQ(std::set<std::uint32_t>(regions.place.begin(), regions.place.end()).size(), 3000U);
    for (std::int64_t r = 0; r < regions.n_regions(); ++r) {
        const auto first = regions.place.begin() + regions.begin[static_cast<std::size_t>(r)];
        EXPECT_TRUE(std::is_sorted(first, regions.place.begin() + regions.begin[static_cast<std::size_t>(r) + 1]));
        EXPECT_EQ(regions.order[static_cast<std::size_t>(r)].front(), r);
    }
}

TEST(reference_regions, bounds_are_never_above_the_distance_and_tell_groups_apart) {
    const matrix::Dense<float> cells = groups(2000, 30, 5, 4.0, 2);
    const matrix::Dense<float> query = groups(150, 30, 5, 4.0, 3);
    const auto context = test::make_context(2);
    const ReferenceRegions regions = cut_into_regions(cells.view(), *context);
    const std::vector<std::int32_t> region = regions_of(regions, query.view(), *context);
    std::int64_t n_useful = 0;
    for (std::int64_t q = 0; q < query.n_rows; ++q) {
        matrix::Dense<float> centred(1, query.n_cols);
        for (std::int64_t dim = 0; dim < query.n_cols; ++dim) centred(0, dim) = query(q, dim) - regions.mean[static_cast<std::size_t>(dim)];
        const matrix::Dense<float> least = least_distances(regions, region[static_cast<std::size_t>(q)], std::as_const(centred).view());
        for (std::int64_t b = 0; b < regions.n_regions(); ++b) {
            double nearest = 1e30;
            for (std::int64_t i = regions.begin[static_cast<std::size_t>(b)]; i < regions.begin[static_cast<std::size_t>(b) + 1]; ++i) {
                nearest = std::min(nearest, distance(query.row(q), cells.row(std::int64_t{regions.place[static_cast<std::size_t>(i)]})));
            }
            EXPECT_LE(static_cast<double>(least(0, b)), nearest) << q << " " << b;
            n_useful += static_cast<double>(least(0, b)) > 0.5 * nearest ? 1 : 0;
        }
    }
    EXPECT_GT(n_useful, query.n_rows * regions.n_regions() / 2) << "a bound of nothing would pass above";
}

/// Where regions are passed over, none of the nearest cells is lost; duplicates and a reference at one point too.
TEST(reference_regions, a_search_that_passes_regions_over_finds_what_a_plain_one_finds) {
    const auto context = test::make_context(2);
    for (const double apart : {0.0, 1.0, 6.0}) {
        matrix::Dense<float> cells = groups(4000, 20, 8, apart, 4);
        for (std::int64_t i = 0; i < 30; ++i) std::ranges::copy(cells.row(7), cells.row(100 + 31 * i).begin());
        const matrix::Dense<float> query = groups(300, 20, 8, apart, 5);
        const NearestCells found = NearestSearch(cells.view(), *context).nearest(query.view(), 10, *context);
        for (std::int64_t q = 0; q < query.n_rows; ++q) {
            std::vector<std::pair<double, std::uint32_t>> all;
            for (std::int64_t r = 0; r < cells.n_rows; ++r) all.emplace_back(distance(query.row(q), cells.row(r)), static_cast<std::uint32_t>(r));
            std::partial_sort(all.begin(), all.begin() + 10, all.end());
            for (std::int64_t i = 0; i < 10; ++i) EXPECT_EQ(found.index(q, i), all[static_cast<std::size_t>(i)].second) << apart << " " << q;
        }
    }
    const matrix::Dense<float> same(1000, 5);
    const NearestCells found = NearestSearch(same.view(), *context).nearest_others(3, *context);
    EXPECT_EQ(found.index(0, 0), 1U);
    EXPECT_EQ(found.index(5, 0), 0U);
    EXPECT_EQ(found.distance(999, 2), 0.0F);
}

}  // namespace
}  // namespace morula::models
