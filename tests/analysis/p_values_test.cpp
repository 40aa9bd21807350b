#include "morula/analysis/p_values.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace morula::analysis {
namespace {

// From oracles/p_values.py (mpmath, 60 digits).
TEST(p_values, normal_and_student_agree_with_60_digits) {
    constexpr double normal[][2] = {{0.5, -0.2096619936012596}, {3, -2.568669040265388}, {10, -22.81702340982209}, {30, -197.008179265997},
                                    {37, -298.9411511829459},   {50, -544.6653058663327}, {200, -8688.288738855899}};
    for (const auto& [z, expected] : normal) {
        EXPECT_NEAR(log10_p_normal(z) / expected, 1.0, 1e-6) << z;
        EXPECT_EQ(log10_p_normal(z), log10_p_normal(-z));
    }
    constexpr double student[][3] = {{0.01, 1000, -0.00347813520869906}, {0.5, 3, -0.1861202683348695}, {2, 10, -1.134374741945427},  {5, 4.5, -2.26150814043765},
                                     {12, 60, -16.86055156191311},       {40, 500, -157.2013049677557}, {60, 100000, -769.8564234068297}};
    for (const auto& [t, df, expected] : student) EXPECT_NEAR(log10_p_student(t, df) / expected, 1.0, 1e-6) << t << " " << df;
}

TEST(p_values, edges_are_defined) {
    EXPECT_EQ(log10_p_normal(0.0), 0.0);
    EXPECT_TRUE(std::isnan(log10_p_normal(std::nan(""))));
    EXPECT_EQ(log10_p_student(0.0, 5.0), 0.0);
    EXPECT_TRUE(std::isnan(log10_p_student(1.0, 0.0)));
}

TEST(p_values, fdr_is_benjamini_and_hochberg) {
    // p = .01, .02, .03, .5 of 4: adjusted .04, .04, .04, .5.
    const std::vector<double> p{std::log10(0.03), std::log10(0.01), std::nan(""), std::log10(0.5), std::log10(0.02)};
    const std::vector<double> fdr = log10_fdr(p);
    EXPECT_NEAR(std::pow(10.0, fdr[0]), 0.04, 1e-12);
    EXPECT_NEAR(std::pow(10.0, fdr[1]), 0.04, 1e-12);
    EXPECT_TRUE(std::isnan(fdr[2]));
    EXPECT_NEAR(std::pow(10.0, fdr[3]), 0.5, 1e-12);
    EXPECT_NEAR(std::pow(10.0, fdr[4]), 0.04, 1e-12);
}

}  // namespace
}  // namespace morula::analysis
