#include "morula/analysis/loess.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "morula/core/error.hpp"
#include "tests/analysis/embedding_cases.hpp"
#include "tests/analysis/fixture.hpp"

namespace morula::analysis {
namespace {

struct Case {
    double span = 0.0;
    std::vector<double> x, y, fitted;
};

std::map<std::string, Case> cases() {
    std::map<std::string, Case> result;
    for (const auto& row : fixture::rows("loess.csv")) {
        Case& c = result[row[0]];
        c.span = std::stod(row[1]);
        c.x.push_back(std::stod(row[2]));
        c.y.push_back(std::stod(row[3]));
        c.fitted.push_back(std::stod(row[4]));
    }
    return result;
}

std::vector<double> fit(const std::vector<double>& x, const std::vector<double>& y, double span) {
    cases::Threads two(2);
    return loess(x, y, span, two.context);
}

TEST(Loess, fits_equal_scikit_misc_with_ties_narrow_spans_and_few_points) {
    const auto all = cases();
    ASSERT_EQ(all.size(), 5u);
    for (const auto& [name, c] : all) {
        const auto fitted = fit(c.x, c.y, c.span);
        for (std::size_t i = 0; i < c.x.size(); ++i) ASSERT_NEAR(fitted[i], c.fitted[i], 1e-10 * std::max(1.0, std::abs(c.fitted[i]))) << name << " point " << i;
    }
}

TEST(Loess, gives_back_a_parabola_exactly) {
    std::vector<double> x, y;
    for (int i = 0; i < 200; ++i) {
        x.push_back(0.01 * ((i * 37) % 200));
        y.push_back(2.0 - 3.0 * x.back() + 0.5 * x.back() * x.back());
    }
    const auto fitted = fit(x, y, 0.3);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(fitted[i], y[i], 1e-11);
}

TEST(Loess, order_of_points_does_not_matter) {
    auto c = cases().at("ties");
    const auto before = fit(c.x, c.y, c.span);
    std::vector<double> x(c.x.rbegin(), c.x.rend()), y(c.y.rbegin(), c.y.rend());
    const auto after = fit(x, y, c.span);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(after[x.size() - 1 - i], before[i], 1e-12);
}

TEST(Loess, two_distinct_x_give_a_finite_fit_through_the_means) {
    std::vector<double> x, y;
    for (int i = 0; i < 20; ++i) {
        x.push_back(i % 2);
        y.push_back(i % 2 == 0 ? 1.0 : 3.0);
    }
    const auto fitted = fit(x, y, 1.0);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(fitted[i], y[i], 0.2);
}

TEST(Loess, many_points_on_one_x_do_not_stop_the_fit) {
    std::vector<double> x(60, 0.0), y(60, 1.0);
    for (int i = 0; i < 40; ++i) {
        x.push_back(1.0 + 0.1 * i);
        y.push_back(1.0 + x.back());
    }
    for (const double v : fit(x, y, 0.3)) EXPECT_TRUE(std::isfinite(v));
    const auto flat = fit(std::vector<double>(30, 1.0), std::vector<double>(30, 2.0), 0.5);
    for (const double v : flat) EXPECT_NEAR(v, 2.0, 1e-12);
}

TEST(Loess, refuses_too_few_points_and_says_what_to_do) {
    const std::vector<double> few{1, 2, 3};
    try {
        (void)fit(few, few, 1.0);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_FALSE(error.next().empty());
    }
}

}  // namespace
}  // namespace morula::analysis
