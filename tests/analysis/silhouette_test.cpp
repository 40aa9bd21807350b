#include "morula/analysis/silhouette.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/even_sample.hpp"
#include "tests/analysis/embedding_cases.hpp"
#include "tests/support/contexts.hpp"

namespace morula::analysis {
namespace {

using cases::Threads;

matrix::Dense<float> on_a_line(const std::vector<float>& places) {
    matrix::Dense<float> cells(std::ssize(places), 1);
    cells.values = places;
    return cells;
}

TEST(silhouette, five_cells_on_a_line_by_hand) {
    Threads one(1);
    const matrix::Dense<float> cells = on_a_line({0, 1, 10, 12, 30});
    const std::vector<std::int32_t> group{0, 0, 1, 1, 2};
    const std::vector<double> width = silhouette_widths(cells.view(), group, 3, even_sample(5, 5), one.context);
    EXPECT_NEAR(width[0], (11.0 - 1.0) / 11.0, 1e-6);
    EXPECT_NEAR(width[1], (10.0 - 1.0) / 10.0, 1e-6);
    EXPECT_NEAR(width[2], (9.5 - 2.0) / 9.5, 1e-6);
    EXPECT_NEAR(width[3], (11.5 - 2.0) / 11.5, 1e-6);
    EXPECT_EQ(width[4], 0.0) << "alone in its group";
    // A cell among those of another group is nearer to them.
    const std::vector<std::int32_t> wrong{0, 1, 1, 1, 1};
    EXPECT_LT(silhouette_widths(cells.view(), wrong, 2, even_sample(5, 5), one.context)[1], 0.0);
    // Copies of one cell tell no groups apart.
    EXPECT_EQ(silhouette_widths(on_a_line({3, 3, 3, 3}).view(), std::vector<std::int32_t>{0, 0, 1, 1}, 2, even_sample(4, 4), one.context), std::vector<double>(4, 0.0));
}

TEST(silhouette, a_sample_measures_the_same_cells_the_same_at_any_thread_count) {
    const matrix::Dense<float> cells = cases::clustered_cells(700, 5, 4, 2.0, 9);
    std::vector<std::int32_t> group;
    for (int cell = 0; cell < 700; ++cell) group.push_back(cell % 4);
    Threads one(1);
    const std::vector<double> all = silhouette_widths(cells.view(), group, 4, even_sample(700, 700), one.context);
    const std::vector<std::int64_t> some = even_sample(700, 90);
    ASSERT_EQ(some.size(), 90U);
    EXPECT_EQ(some.front(), 0);
    EXPECT_GT(some.back(), 690);
    const auto measured = test::same_at_1_2_4_threads([&](Context& context) { return silhouette_widths(cells.view(), group, 4, some, context); }, [](const auto& a, const auto& b) { return test::same_bits(a, b); });
    for (std::size_t i = 0; i < some.size(); ++i) EXPECT_EQ(measured[i], all[static_cast<std::size_t>(some[i])]);
    for (const double width : all) {
        EXPECT_GE(width, -1.0);
        EXPECT_LE(width, 1.0);
    }
    EXPECT_GT(mean_of(all), 0.3);
    EXPECT_TRUE(std::isnan(mean_of({})));
}

TEST(silhouette, refuses_what_has_no_answer) {
    Threads one(1);
    const matrix::Dense<float> cells = on_a_line({0, 1, 2});
    const auto code = [&](const std::vector<std::int32_t>& group) { return test::error_code([&] { silhouette_widths(cells.view(), group, 2, even_sample(3, 3), one.context); }); };
    EXPECT_EQ(code({1, 1, 1}), ErrorCode::invalid_data);
    EXPECT_EQ(code({0, 1}), ErrorCode::invalid_data);
    EXPECT_EQ(code({0, 1, 2}), ErrorCode::invalid_data);
    EXPECT_EQ(code({0, 1, -1}), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::analysis
