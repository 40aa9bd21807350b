#include "morula/analysis/neighbors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "morula/analysis/kmeans.hpp"
#include "morula/analysis/nearest_simd.hpp"
#include "morula/analysis/embedding_check.hpp"
#include "morula/core/error.hpp"
#include "tests/analysis/embedding_cases.hpp"

namespace morula::analysis {
namespace {

using cases::clustered_cells;
using cases::Threads;
using cases::view_of;

struct TrueNeighbor {
    double distance;
    std::uint32_t cell;
    bool operator<(const TrueNeighbor& other) const { return distance < other.distance || (distance == other.distance && cell < other.cell); }
};

std::vector<TrueNeighbor> brute_force(const matrix::Dense<float>& cells, std::int64_t cell) {
    std::vector<TrueNeighbor> all;
    for (std::int64_t other = 0; other < cells.n_rows; ++other) {
        if (other == cell) continue;
        double sum = 0.0;
        for (std::int64_t dim = 0; dim < cells.n_cols; ++dim) {
            const double difference = static_cast<double>(cells(cell, dim)) - static_cast<double>(cells(other, dim));
            sum += difference * difference;
        }
        all.push_back({std::sqrt(sum), static_cast<std::uint32_t>(other)});
    }
    std::sort(all.begin(), all.end());
    return all;
}

std::string message_of(const matrix::Dense<float>& cells, const NeighborsOptions& options) {
    Threads one(1);
    try {
        neighbors(view_of(cells), options, one.context);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_FALSE(error.next().empty());
        return error.message();
    }
    return "no error";
}

TEST(Neighbors, exact_agrees_with_brute_force_in_float64) {
    Threads two(2);
    const matrix::Dense<float> cells = clustered_cells(1111, 13, 7, 3.0, 1);
    const NeighborsResult found = neighbors(view_of(cells), {.n_neighbors = 12, .method = NeighborsMethod::exact}, two.context);
    ASSERT_EQ(found.index.n_rows, 1111);
    ASSERT_EQ(found.index.n_cols, 11);
    EXPECT_EQ(found.recall, 1.0);
    EXPECT_EQ(found.method, "exact");
    for (std::int64_t cell = 0; cell < cells.n_rows; ++cell) {
        const auto truth = brute_force(cells, cell);
        for (std::int64_t j = 0; j < 11; ++j) {
            const auto t = static_cast<std::size_t>(j);
            ASSERT_NEAR(found.distance(cell, j), truth[t].distance, 2e-6 * truth[t].distance) << "cell " << cell;
            ASSERT_EQ(found.index(cell, j), truth[t].cell) << "cell " << cell << " neighbour " << j;
        }
    }
}

TEST(Neighbors, exact_is_right_far_from_the_origin) {
    Threads one(1);
    matrix::Dense<float> cells = clustered_cells(300, 5, 3, 1.0, 2);
    for (float& x : cells.values) x += 4096.0F;
    const NeighborsResult found = neighbors(view_of(cells), {.n_neighbors = 6, .method = NeighborsMethod::exact}, one.context);
    for (std::int64_t cell = 0; cell < cells.n_rows; ++cell) {
        const auto truth = brute_force(cells, cell);
        for (std::int64_t j = 0; j < 5; ++j) ASSERT_NEAR(found.distance(cell, j), truth[static_cast<std::size_t>(j)].distance, 1e-5) << "cell " << cell;
    }
}

TEST(Neighbors, lists_find_nearly_all) {
    Threads two(2);
    const NeighborsResult found = neighbors(view_of(clustered_cells(8000, 20, 12, 2.0, 3)), {.method = NeighborsMethod::lists}, two.context);
    EXPECT_EQ(found.method, "lists");
    EXPECT_EQ(found.n_lists, 179);
    EXPECT_GE(found.recall, 0.99);
}

TEST(Neighbors, the_recall_reported_is_the_recall_there_is) {
    Threads two(2);
    const matrix::Dense<float> cells = clustered_cells(1900, 20, 3, 1.0, 3);  // few enough cells that all are measured
    for (const std::int32_t n_probes : {1, 3}) {
        const NeighborsResult found = neighbors(view_of(cells), {.method = NeighborsMethod::lists, .n_probes = n_probes}, two.context);
        std::int64_t hits = 0;
        for (std::int64_t cell = 0; cell < cells.n_rows; ++cell) {
            const auto truth = brute_force(cells, cell);
            for (const std::uint32_t index : found.index.row(cell)) {
                hits += std::any_of(truth.begin(), truth.begin() + 14, [&](const TrueNeighbor& t) { return t.cell == index; });
            }
        }
        EXPECT_LT(found.recall, 0.999);
        EXPECT_NEAR(found.recall, static_cast<double>(hits) / static_cast<double>(1900 * 14), 1e-6);
    }
}

TEST(Neighbors, few_probes_give_a_recall_below_one) {
    Threads one(1);
    const matrix::Dense<float> cells = clustered_cells(4000, 30, 1, 0.0, 4);  // no clusters: the hard case
    const NeighborsResult found = neighbors(view_of(cells), {.method = NeighborsMethod::lists, .n_probes = 1}, one.context);
    EXPECT_LT(found.recall, 0.9);
    EXPECT_GT(found.recall, 0.1);
}

TEST(Neighbors, automatic_depends_on_the_number_of_cells) {
    Threads one(1);
    EXPECT_EQ(neighbors(view_of(clustered_cells(500, 4, 3, 2.0, 5)), {}, one.context).method, "exact");
    EXPECT_EQ(neighbors(view_of(clustered_cells(kExactNeighborsCells + 1, 3, 5, 2.0, 5)), {.n_neighbors = 4}, one.context).method, "lists");
}

TEST(Neighbors, same_bits_for_one_two_and_four_threads) {
    const matrix::Dense<float> cells = clustered_cells(5000, 11, 9, 1.5, 6);
    for (const auto method : {NeighborsMethod::exact, NeighborsMethod::lists}) {
        Threads one(1);
        const NeighborsResult first = neighbors(view_of(cells), {.method = method}, one.context);
        for (const std::int32_t n : {2, 4}) {
            Threads many(n);
            const NeighborsResult again = neighbors(view_of(cells), {.method = method}, many.context);
            EXPECT_EQ(first.index.values, again.index.values) << n;
            EXPECT_EQ(first.distance.values, again.distance.values) << n;
            EXPECT_EQ(first.recall, again.recall) << n;
        }
    }
}

TEST(Neighbors, permuted_cells_give_the_permuted_result) {
    Threads one(1);
    const matrix::Dense<float> cells = clustered_cells(997, 9, 5, 2.0, 7);
    matrix::Dense<float> turned(cells.n_rows, cells.n_cols);
    const auto new_place = [](std::int64_t cell) { return (cell * 31) % 997; };
    for (std::int64_t cell = 0; cell < cells.n_rows; ++cell) std::ranges::copy(cells.row(cell), turned.row(new_place(cell)).begin());
    const NeighborsResult straight = neighbors(view_of(cells), {}, one.context);
    const NeighborsResult permuted = neighbors(view_of(turned), {}, one.context);
    for (std::int64_t cell = 0; cell < cells.n_rows; ++cell) {
        for (std::int64_t j = 0; j < 14; ++j) ASSERT_EQ(new_place(straight.index(cell, j)), std::int64_t{permuted.index(new_place(cell), j)});
    }
}

TEST(Neighbors, duplicates_are_neighbours_at_distance_zero_in_index_order) {
    Threads one(1);
    matrix::Dense<float> cells = clustered_cells(400, 6, 4, 2.0, 8);
    for (const std::int64_t copy : {41, 97, 300}) std::ranges::copy(cells.row(5), cells.row(copy).begin());
    for (const auto method : {NeighborsMethod::exact, NeighborsMethod::lists}) {
        const NeighborsResult found = neighbors(view_of(cells), {.n_neighbors = 5, .method = method}, one.context);
        EXPECT_EQ(found.index(5, 0), 41U);
        EXPECT_EQ(found.index(5, 1), 97U);
        EXPECT_EQ(found.index(5, 2), 300U);
        EXPECT_EQ(found.distance(5, 2), 0.0F);
        EXPECT_GT(found.distance(5, 3), 0.0F);
        EXPECT_EQ(found.index(97, 0), 5U);
    }
}

TEST(Neighbors, all_cells_equal_still_gives_full_rows) {
    Threads one(1);
    const matrix::Dense<float> cells(200, 3);
    for (const auto method : {NeighborsMethod::exact, NeighborsMethod::lists}) {
        const NeighborsResult found = neighbors(view_of(cells), {.n_neighbors = 10, .method = method}, one.context);
        EXPECT_TRUE(std::ranges::all_of(found.distance.values, [](float d) { return d == 0.0F; }));
        for (std::int64_t cell = 0; cell < 200; ++cell) {
            EXPECT_TRUE(std::ranges::none_of(found.index.row(cell), [&](std::uint32_t index) { return std::int64_t{index} == cell; }));
            EXPECT_TRUE(std::ranges::adjacent_find(found.index.row(cell), std::greater_equal<>{}) == found.index.row(cell).end());
        }
    }
}

TEST(Neighbors, says_which_cell_is_not_finite) {
    matrix::Dense<float> cells = clustered_cells(50, 4, 2, 1.0, 9);
    cells(33, 2) = std::numeric_limits<float>::quiet_NaN();
    EXPECT_NE(message_of(cells, {}).find("Cell 33 has nan in dimension 2"), std::string::npos) << message_of(cells, {});
    cells(33, 2) = 1e30F;
    EXPECT_NE(message_of(cells, {}).find("Cell 33"), std::string::npos);
}

TEST(Neighbors, refuses_fewer_cells_than_a_neighbourhood) {
    EXPECT_EQ(message_of(clustered_cells(14, 4, 2, 1.0, 9), {}), "There are 14 cells, fewer than the 15 of a neighbourhood.");
    EXPECT_NE(message_of(matrix::Dense<float>(0, 4), {}), "no error");
    EXPECT_EQ(message_of(clustered_cells(15, 4, 2, 1.0, 9), {}), "no error");
}

TEST(NearestKernels, candidates_as_integers_order_as_scores_then_ids) {
    const std::vector<std::pair<float, std::uint32_t>> rising{{-std::numeric_limits<float>::infinity(), 1}, {-3.5F, 0}, {-3.5F, 9}, {-1e-30F, 2}, {0.0F, 3}, {-0.0F, 4}, {1e-30F, 0}, {2.0F, 4294967294U}, {1e30F, 5}};
    for (std::size_t i = 0; i < rising.size(); ++i) {
        const Scored here = scored(rising[i].first, rising[i].second);
        EXPECT_EQ(score_of(here), rising[i].first);
        EXPECT_EQ(id_of(here), rising[i].second);
        if (i == 0) continue;
        EXPECT_LT(scored(rising[i - 1].first, rising[i - 1].second), here) << i;
    }
}

TEST(Neighbors, of_some_cells_are_the_rows_of_all) {
    Threads two(2);
    const matrix::Dense<float> cells = clustered_cells(1500, 10, 8, 3.0, 12);
    const std::vector<std::int64_t> some{1499, 0, 7, 700, 7, 3};
    for (const NeighborsMethod method : {NeighborsMethod::exact, NeighborsMethod::lists}) {
        const NeighborsOptions options{.n_neighbors = 40, .method = method, .n_probes = 6};
        const NeighborsResult all = neighbors(view_of(cells), options, two.context);
        const NeighborsResult few = neighbors_of(view_of(cells), some, options, two.context);
        EXPECT_EQ(few.method, all.method);
        ASSERT_EQ(few.index.n_rows, 6);
        for (std::size_t r = 0; r < some.size(); ++r) {
            EXPECT_TRUE(std::ranges::equal(few.index.row(static_cast<std::int64_t>(r)), all.index.row(some[r]))) << r;
            EXPECT_TRUE(std::ranges::equal(few.distance.row(static_cast<std::int64_t>(r)), all.distance.row(some[r]))) << r;
        }
    }
}

TEST(Neighbors, counted_from_a_cell_on_are_those_that_are_found) {
    const matrix::Dense<float> cells = clustered_cells(1500, 10, 8, 3.0, 12);
    const std::vector<std::int64_t> some{1499, 0, 7, 700, 7, 3};
    for (const NeighborsMethod method : {NeighborsMethod::exact, NeighborsMethod::lists}) {
        const NeighborsOptions options{.n_neighbors = 40, .method = method, .n_probes = 6};
        for (const std::int32_t threads : {1, 2, 4}) {
            Threads several(threads);
            const NeighborsResult found = neighbors_of(view_of(cells), some, options, several.context);
            for (const std::int64_t first : {0, 600, 1500}) {
                const std::vector<std::int32_t> counts = count_neighbors_from(view_of(cells), some, first, options, several.context);
                ASSERT_EQ(counts.size(), some.size());
                for (std::size_t r = 0; r < some.size(); ++r) {
                    EXPECT_EQ(counts[r], std::ranges::count_if(found.index.row(static_cast<std::int64_t>(r)), [first](std::uint32_t cell) { return std::int64_t{cell} >= first; })) << r;
                }
            }
        }
    }
}

TEST(NearestKernels, simd_agrees_with_plain) {
    for (const std::size_t n : {1UL, 7UL, 8UL, 31UL, 32UL, 33UL, 768UL, 1001UL}) {
        Random random(n, Purpose::test, 0, 0);
        std::vector<float> scores(n);
        for (float& score : scores) score = std::floor(static_cast<float>(random.uniform() * 40.0));  // many ties
        std::vector<Scored> room(20);
        std::vector<Scored> plain_room(20);
        BestScores best{.room = room, .wanted = 9};
        BestScores plain{.room = plain_room, .wanted = 9};
        keep_best(scores, 100, 103, best);
        keep_best_plain(scores, 100, 103, plain);
        best.select();
        plain.select();
        std::vector<std::pair<float, std::uint32_t>> all;
        for (std::size_t j = 0; j < n; ++j) {
            if (j != 3) all.emplace_back(scores[j], static_cast<std::uint32_t>(100 + j));
        }
        std::sort(all.begin(), all.end());
        all.resize(std::min<std::size_t>(9, all.size()));
        for (BestScores* kept : {&best, &plain}) {
            ASSERT_EQ(kept->candidates().size(), all.size());
            std::sort(kept->room.begin(), kept->room.begin() + kept->size);
            for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(std::pair(score_of(kept->room[i]), id_of(kept->room[i])), all[i]);
        }
        EXPECT_EQ(lowest(scores), lowest_plain(scores));
        std::vector<float> other(n);
        for (float& x : other) x = static_cast<float>(random.normal());
        EXPECT_NEAR(squared_distance(scores, other), squared_distance_plain(scores, other), 1e-5F * squared_distance_plain(scores, other));
    }
}

TEST(KMeans, finds_clusters_far_apart) {
    Threads two(2);
    const matrix::Dense<float> cells = clustered_cells(900, 5, 3, 50.0, 10);
    const KMeansResult means = kmeans(view_of(cells), {.n_clusters = 3, .max_iterations = 20, .seed = 3}, two.context);
    for (std::int64_t cell = 3; cell < 900; ++cell) EXPECT_EQ(means.cluster[static_cast<std::size_t>(cell)], means.cluster[static_cast<std::size_t>(cell % 3)]);
}

}  // namespace
}  // namespace morula::analysis
