#include "morula/analysis/batch_mixing.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/analysis/embedding_cases.hpp"
#include "tests/support/contexts.hpp"

namespace morula::analysis {
namespace {

using cases::Threads;

std::vector<std::int32_t> random_batches(std::size_t n, std::uint64_t seed) {
    std::vector<std::int32_t> batch;
    for (std::size_t cell = 0; cell < n; ++cell) batch.push_back(Random(seed, Purpose::test, cell, 0).uniform() < 0.3 ? 1 : 0);
    return batch;
}

TEST(batch_mixing, the_test_of_a_neighbourhood_by_hand) {
    const auto p = [](std::vector<std::int64_t> n, std::vector<double> share) { return batch_test_p(n, share); };
    EXPECT_NEAR(p({5, 5}, {0.5, 0.5}), 1.0, 1e-9);
    EXPECT_NEAR(p({8, 2}, {0.5, 0.5}), 0.05777957, 1e-6);  // 3.6 with 1 degree of freedom
    EXPECT_NEAR(p({9, 1}, {0.5, 0.5}), 0.01141204, 1e-6);  // 6.4
    EXPECT_NEAR(p({6, 2, 2}, {0.2, 0.4, 0.4}), 0.00673795, 1e-6);  // 10 with 2: exp(-5)
    EXPECT_NEAR(p({5, 0, 5}, {0.5, 0.0, 0.5}), 1.0, 1e-9) << "a batch without cells takes no part";
    EXPECT_EQ(p({10}, {1.0}), 1.0);
}

TEST(batch_mixing, tests_a_quarter_of_the_mean_batch_within_bounds) {
    EXPECT_EQ(tested_neighbors(160, 2), 20);
    EXPECT_EQ(tested_neighbors(30, 3), 10);
    EXPECT_EQ(tested_neighbors(100'000, 2), 70);
    EXPECT_EQ(tested_neighbors(10, 2), 9);
}

TEST(batch_mixing, random_batches_are_accepted_and_distant_ones_refused) {
    Threads two(2);
    matrix::Dense<float> cells = cases::clustered_cells(1500, 6, 1, 0.0, 4);
    const std::vector<std::int32_t> batch = random_batches(1500, 5);
    EXPECT_NEAR(batch_acceptance(cases::view_of(cells), batch, 2, 1500, two.context), 0.95, 0.03) << "the level of the test";
    EXPECT_GT(batch_silhouette(cases::view_of(cells), batch, 2, 1500, two.context), 0.97);
    for (std::size_t cell = 0; cell < batch.size(); ++cell) cells(static_cast<std::int64_t>(cell), 0) += 50.0F * static_cast<float>(batch[cell]);
    EXPECT_EQ(batch_acceptance(cases::view_of(cells), batch, 2, 1500, two.context), 0.0);
    EXPECT_LT(batch_silhouette(cases::view_of(cells), batch, 2, 1500, two.context), 0.1);
}

TEST(batch_mixing, says_nothing_where_nothing_can_be_said) {
    Threads one(1);
    const matrix::Dense<float> cells = cases::clustered_cells(9, 3, 1, 0.0, 4);
    const std::vector<std::int32_t> single(9, 1), two{0, 1, 0, 1, 0, 1, 0, 1, 0}, each{0, 1, 2, 3, 4, 5, 6, 7, 8};
    EXPECT_TRUE(std::isnan(batch_acceptance(cells.view(), single, 2, 100, one.context)));
    EXPECT_TRUE(std::isnan(batch_silhouette(cells.view(), single, 2, 100, one.context)));
    EXPECT_TRUE(std::isnan(batch_acceptance(cells.view(), two, 2, 100, one.context))) << "fewer than 10 cells";
    EXPECT_FALSE(std::isnan(batch_silhouette(cells.view(), two, 2, 100, one.context)));
    EXPECT_TRUE(std::isnan(batch_silhouette(cells.view(), each, 9, 100, one.context))) << "a batch for each cell";
}

}  // namespace
}  // namespace morula::analysis
