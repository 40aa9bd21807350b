#include "morula/analysis/weighted_lowess.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/analysis/fixture.hpp"

namespace morula::analysis {
namespace {

TEST(weighted_lowess, agrees_with_limma_and_with_r) {
    std::vector<double> x, y, weight;
    const auto rows = fixture::rows("edger4/lowess.csv");
    ASSERT_EQ(rows.size(), 300U);
    for (const auto& row : rows) {
        x.push_back(std::stod(row[0]));
        y.push_back(std::stod(row[1]));
        weight.push_back(std::stod(row[2]));
    }
    const std::vector<double> alike(x.size(), 1.0);
    const auto plain = weighted_lowess(x, y, weight, {.span = 0.4, .robust_rounds = 0, .anchors = LowessAnchors::few});
    const auto equal = weighted_lowess(x, y, alike, {.span = 0.5, .robust_rounds = 3, .anchors = LowessAnchors::close});
    for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_NEAR(plain[i], std::stod(rows[i][3]), 1e-11) << i;
        EXPECT_NEAR(equal[i], std::stod(rows[i][4]), 1e-8) << i;
    }
}

TEST(weighted_lowess, a_straight_line_stays_and_one_far_point_does_not_bend_it_when_robust) {
    std::vector<double> x, y;
    for (int i = 0; i < 500; ++i) {
        x.push_back(std::fmod(37.0 * i, 500.0));
        y.push_back(3.0 - 0.02 * x.back());
    }
    const std::vector<double> weight(x.size(), 2.0);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(weighted_lowess(x, y, weight, {})[i], y[i], 1e-12);
    const double true_value = y[100];
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += 0.01 * std::sin(static_cast<double>(i));
    y[100] += 100.0;
    EXPECT_GT(weighted_lowess(x, y, weight, {.span = 0.1, .robust_rounds = 0, .anchors = LowessAnchors::few})[100], true_value + 1.0);
    EXPECT_NEAR(weighted_lowess(x, y, weight, {.span = 0.1, .robust_rounds = 3, .anchors = LowessAnchors::close})[100], true_value, 0.01);
}

TEST(weighted_lowess, knows_one_point_and_many_at_one_place) {
    EXPECT_EQ(weighted_lowess(std::vector<double>{2.0}, std::vector<double>{5.0}, std::vector<double>{1.0}, {}), (std::vector<double>{5.0}));
    const auto found = weighted_lowess(std::vector<double>{1.0, 1.0, 1.0}, std::vector<double>{1.0, 2.0, 6.0}, std::vector<double>{1.0, 1.0, 2.0}, {.span = 1.0, .robust_rounds = 0, .anchors = LowessAnchors::few});
    for (const double value : found) EXPECT_NEAR(value, 15.0 / 4.0, 1e-12);
}

}  // namespace
}  // namespace morula::analysis
