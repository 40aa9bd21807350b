#include "morula/analysis/alias_table.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "morula/core/error.hpp"
#include "morula/core/random.hpp"

namespace morula::analysis {
namespace {

std::vector<std::int64_t> draw_many(const AliasTable& table, std::int64_t n, std::uint64_t seed) {
    std::vector<std::int64_t> seen(table.size(), 0);
    Random random(seed, Purpose::test, 0, 0);
    for (std::int64_t i = 0; i < n; ++i) ++seen[table.draw(random.next_u64())];
    return seen;
}

TEST(alias_table, draws_each_item_as_often_as_its_weight_says) {
    const std::vector<double> weights = {0.1, 3.0, 0.0, 1.0, 0.9, 5.0};
    constexpr std::int64_t n = 1000000;
    const auto seen = draw_many(AliasTable(weights), n, 1);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const double p = weights[i] / 10.0;
        const double sd = std::sqrt(n * p * (1.0 - p));
        EXPECT_NEAR(static_cast<double>(seen[i]), n * p, 5.0 * sd) << "item " << i;
    }
}

TEST(alias_table, never_draws_an_item_of_weight_zero) {
    std::vector<double> weights(1000, 0.0);
    for (std::size_t i = 0; i < weights.size(); i += 7) weights[i] = 1e-9 * static_cast<double>(i + 1);
    const auto seen = draw_many(AliasTable(weights), 200000, 2);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (weights[i] == 0.0) {
            EXPECT_EQ(seen[i], 0) << "item " << i;
        }
    }
}

TEST(alias_table, holds_for_one_item_and_for_the_extremes_of_the_random_bits) {
    EXPECT_EQ(AliasTable(std::vector<double>{0.3}).draw(~std::uint64_t{0}), 0U);
    const AliasTable table(std::vector<double>{0.0, 1.0});
    EXPECT_EQ(table.draw(0), 1U);
    EXPECT_EQ(table.draw(~std::uint64_t{0}), 1U);
}

TEST(alias_table, refuses_weights_that_are_no_distribution) {
    EXPECT_THROW(AliasTable(std::vector<double>{0.0, 0.0}), Error);
    EXPECT_THROW(AliasTable(std::vector<double>{1.0, -0.5}), Error);
    EXPECT_THROW(AliasTable(std::vector<double>{1.0, NAN}), Error);
}

}  // namespace
}  // namespace morula::analysis
