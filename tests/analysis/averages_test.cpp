#include "morula/analysis/averages.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace morula::analysis {
namespace {

TEST(averages, are_those_by_hand) {
    EXPECT_EQ(median({3.0, 1.0, 2.0}), 2.0);
    EXPECT_EQ(median({4.0, 1.0, 3.0, 2.0}), 2.5);
    EXPECT_EQ(median({5.0}), 5.0);
    EXPECT_EQ(median({-1.0, -1.0, 7.0, 7.0}), 3.0);
    EXPECT_TRUE(std::isnan(median({})));
    EXPECT_EQ(mean_of(std::vector<double>{1.0, 2.0, 6.0}), 3.0);
    EXPECT_TRUE(std::isnan(mean_of({})));
}

}  // namespace
}  // namespace morula::analysis
