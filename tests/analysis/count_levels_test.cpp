#include "morula/analysis/count_levels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/matrix/block_source.hpp"
#include "tests/support/contexts.hpp"

namespace morula::analysis {
namespace {

TEST(CountLevels, cells_with_one_factor_share_a_level_and_its_logs) {
    const auto context = test::make_context(2);
    const std::vector<double> factors{0.5, 2.0, 0.5, 1.0};
    const CountLevels levels(factors, *context);
    ASSERT_EQ(levels.n_levels(), 3U);
    EXPECT_EQ(levels.level_of_cell()[0], levels.level_of_cell()[2]);
    ASSERT_EQ(levels.ranked(), levels.tabled());
    for (std::size_t cell = 0; cell < factors.size(); ++cell) {
        const std::uint32_t level = levels.level_of_cell()[cell];
        for (std::uint32_t count = 1; count <= levels.ranked(); ++count) {
            const CountLevels::Value value = levels.of_count(count)[level];
            EXPECT_EQ(value.log, matrix::log1p_scaled_value(static_cast<float>(count), factors[cell]));
            EXPECT_EQ(value.expm1, expm1_of_log(value.log));
            EXPECT_EQ(levels.log_of_rank()[value.rank], value.log);
        }
        EXPECT_EQ(levels.value_of(1000.0F, level).log, matrix::log1p_scaled_value(1000.0F, factors[cell]));
        EXPECT_EQ(levels.value_of(1.5F, level).log, matrix::log1p_scaled_value(1.5F, factors[cell]));
        EXPECT_EQ(levels.value_of(0.0F, level).log, 0.0F);
    }
    // 2 at factor 1 and 1 at factor 2 are one value, so there are fewer ranks than entries; they increase.
    EXPECT_LT(levels.log_of_rank().size(), 3U * levels.ranked());
    EXPECT_TRUE(std::is_sorted(levels.log_of_rank().begin(), levels.log_of_rank().end()));
}

TEST(CountLevels, factors_that_give_no_logs_give_no_ranks) {
    const auto context = test::make_context(1);
    for (const double bad : {0.0, -1.0, 1e30, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        EXPECT_EQ(CountLevels(std::vector<double>{1.0, bad}, *context).ranked(), 0U) << bad;
    }
    EXPECT_EQ(CountLevels(std::vector<double>{}, *context).n_levels(), 0U);
}

TEST(CountLevels, many_levels_leave_fewer_ranked_counts) {
    const auto context = test::make_context(4);
    const auto made = [&](std::size_t n) {
        std::vector<double> factors;
        for (std::size_t cell = 0; cell < n; ++cell) factors.push_back(1.0 + 1e-5 * static_cast<double>(cell));
        return CountLevels(factors, *context);
    };
    EXPECT_EQ(made(20'000).ranked(), 4U);
    EXPECT_EQ(made(20'000).tabled(), 16U);
    EXPECT_EQ(made(100'000).ranked(), 0U);
    EXPECT_EQ(made(100'000).tabled(), 6U);
}

}  // namespace
}  // namespace morula::analysis
