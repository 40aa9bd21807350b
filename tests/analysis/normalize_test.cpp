#include "morula/analysis/normalize.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "morula/core/error.hpp"
#include "tests/analysis/made_up.hpp"

namespace morula::analysis {
namespace {

TEST(Normalize, median_over_cells_with_counts) {
    Context context({});
    const std::vector<double> totals{0, 100, 300, 0, 200, 1000};
    const auto result = normalize(totals, {}, context);
    EXPECT_EQ(result.target, 250.0);
    EXPECT_EQ(result.scale, (std::vector<double>{1, 2.5, 250.0 / 300, 1, 1.25, 0.25}));
    EXPECT_EQ(normalize(totals, {.target_sum = 1e4}, context).scale[1], 100.0);
}

TEST(Normalize, log_values_equal_scanpy) {
    Context context({});
    const auto made = made_up::counts();
    const std::vector<double> totals = made_up::totals(made.csr);
    const auto view = matrix::log1p_scaled(matrix::make_view_source(made.csr.view()), normalize(totals, {}, context).scale);
    matrix::CsrScratch scratch;
    const auto rows = view->read({0, view->n_rows()}, scratch);
    const auto expected = fixture::rows("normalized.csv");
    ASSERT_EQ(expected.size(), 40u);
    for (const auto& line : expected) {
        const auto values = rows.row_values(std::stol(line[0]));
        ASSERT_EQ(values.size() + 1, line.size());
        for (std::size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(values[i], std::stod(line[i + 1]), 1e-6 * std::stod(line[i + 1]));
    }
}

TEST(Normalize, refuses_impossible_totals) {
    Context context({});
    const double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THROW(normalize(std::vector<double>{1.0, nan}, {}, context), Error);
    EXPECT_THROW(normalize(std::vector<double>{1.0, -2.0}, {}, context), Error);
    EXPECT_THROW(normalize(std::vector<double>{0.0, 0.0}, {}, context), Error);
    EXPECT_THROW(normalize(std::vector<double>{}, {}, context), Error);
    try {
        (void)normalize(std::vector<double>{1.0}, {.target_sum = 0.0}, context);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::usage);
    }
    EXPECT_EQ(normalize(std::vector<double>{0.0, 0.0}, {.target_sum = 10.0}, context).scale, (std::vector<double>{1, 1}));
}

}  // namespace
}  // namespace morula::analysis
