#include "morula/analysis/p_values.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/analysis/fixture.hpp"

namespace morula::analysis {
namespace {

TEST(p_values, normal_and_student_agree_with_60_digits) {
    std::size_t n_cases = 0;
    for (const auto& row : fixture::rows("p_values.csv")) {
        const double statistic = std::stod(row[1]);
        const double expected = std::stod(row.back());
        const double found = row[0] == "normal" ? log10_p_normal(statistic) : log10_p_student(statistic, std::stod(row[2]));
        EXPECT_NEAR(found / expected, 1.0, 1e-10) << row[0] << " " << statistic;
        EXPECT_EQ(found, row[0] == "normal" ? log10_p_normal(-statistic) : log10_p_student(-statistic, std::stod(row[2])));
        ++n_cases;
    }
    EXPECT_EQ(n_cases, 27u);
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
