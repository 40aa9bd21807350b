#include "morula/analysis/cnv_windows.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

std::vector<std::int32_t> chromosomes(const std::vector<std::int64_t>& sizes) {
    std::vector<std::int32_t> codes;
    for (std::size_t c = 0; c < sizes.size(); ++c) codes.insert(codes.end(), static_cast<std::size_t>(sizes[c]), static_cast<std::int32_t>(c));
    return codes;
}

TEST(cnv_windows, windows_stay_on_their_chromosome_and_reach_its_end) {
    const CnvWindowPlan plan = plan_windows(chromosomes({25, 12, 9}), {.window = 20, .step = 4, .bound = 3.0});
    EXPECT_EQ(plan.begin, (std::vector<std::int64_t>{0, 4, 5, 25}));
    EXPECT_EQ(plan.end, (std::vector<std::int64_t>{20, 24, 25, 37})) << "12 genes make one window, 9 none";
    EXPECT_EQ(plan.chromosome, (std::vector<std::int32_t>{0, 0, 0, 1}));
    EXPECT_EQ(plan_windows({}, {}).n_windows(), 0);
    EXPECT_EQ(test::error_code([] { static_cast<void>(plan_windows({}, {.window = 1})); }), ErrorCode::usage);
}

TEST(cnv_windows, means_by_hand) {
    // Ten genes on each of three chromosomes; the first two genes of chromosome 0 are far above the reference, the bound holds one of them.
    matrix::Dense<float> dense(2, 30);
    for (std::int64_t gene = 0; gene < 30; ++gene) dense(0, gene) = 1.0F;
    dense(0, 0) = 9.0F;  // 8 above: held at 3
    dense(0, 1) = 3.0F;  // 2 above
    const matrix::Csr csr = test::to_csr(dense);
    const std::vector<double> baseline(30, 1.0);
    const CnvWindowPlan plan = plan_windows(chromosomes({10, 10, 10}), {});
    const matrix::Dense<float> windows = cnv_windows(*matrix::make_view_source(csr.view()), baseline, plan, {}, *test::make_context(1));
    ASSERT_EQ(windows.n_cols, 3);
    EXPECT_FLOAT_EQ(windows(0, 0), 0.5F) << "(3 + 2) / 10, and the median of .5, 0, 0 is 0";
    EXPECT_FLOAT_EQ(windows(0, 1), 0.0F);
    for (std::int64_t w = 0; w < 3; ++w) EXPECT_FLOAT_EQ(windows(1, w), 0.0F) << "a cell without counts is -1 everywhere, and centred";
}

TEST(cnv_windows, a_sparse_cell_equals_the_plain_sum) {
    const matrix::Csr csr = test::random_counts(40, 300, 0.2, 5);
    const matrix::Matrix values = matrix::log1p_scaled(matrix::make_view_source(csr.view()), std::vector<double>(40, 0.5));
    std::vector<double> baseline;
    for (int gene = 0; gene < 300; ++gene) baseline.push_back(0.01 * gene);
    const CnvWindowsOptions options{.window = 31, .step = 7, .bound = 1.5};
    const CnvWindowPlan plan = plan_windows(chromosomes({120, 100, 80}), options);
    const matrix::Dense<float> windows = cnv_windows(*values, baseline, plan, options, *test::make_context(2));
    const matrix::Dense<float> dense = test::to_dense(matrix::read_all(*values, *test::make_context(1)).view());
    for (std::int64_t cell = 0; cell < 40; ++cell) {
        std::vector<double> plain;
        for (std::size_t w = 0; w < plan.begin.size(); ++w) {
            double sum = 0.0;
            for (std::int64_t gene = plan.begin[w]; gene < plan.end[w]; ++gene) sum += std::clamp(static_cast<double>(dense(cell, gene)) - baseline[static_cast<std::size_t>(gene)], -1.5, 1.5);
            plain.push_back(sum / static_cast<double>(plan.end[w] - plan.begin[w]));
        }
        std::vector<double> sorted = plain;
        std::sort(sorted.begin(), sorted.end());
        const std::size_t n = sorted.size();
        const double median = n % 2 == 1 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]);
        for (std::size_t w = 0; w < n; ++w) EXPECT_NEAR(windows(cell, static_cast<std::int64_t>(w)), plain[w] - median, 1e-5);
    }
}

TEST(cnv_windows, same_bits_for_any_threads_and_seven_row_reads) {
    const matrix::Csr csr = test::random_counts(3000, 200, 0.1, 9);
    const std::vector<double> scale(3000, 1.0);
    const std::vector<double> baseline(200, 0.2);
    const CnvWindowPlan plan = plan_windows(chromosomes({100, 100}), {});
    const auto make = [&](const matrix::Matrix& source) {
        return [&, source](Context& context) { return cnv_windows(*matrix::log1p_scaled(source, scale), baseline, plan, {}, context).values; };
    };
    const auto whole = test::same_at_1_2_4_threads(make(matrix::make_view_source(csr.view())), test::same_bits<float>);
    EXPECT_TRUE(test::same_bits(whole, make(test::read_seven_rows(matrix::make_view_source(csr.view())))(*test::make_context(2))));
}

TEST(cnv_windows, memory_is_asked_for_first) {
    const matrix::Csr csr = test::random_counts(2000, 100, 0.1, 1);
    const CnvWindowPlan plan = plan_windows(chromosomes({100}), {.window = 10, .step = 1});
    Context small({.threads = 1, .memory_bytes = 100'000});
    EXPECT_EQ(test::error_code([&] { static_cast<void>(cnv_windows(*matrix::make_view_source(csr.view()), std::vector<double>(100, 0.0), plan, {}, small)); }), ErrorCode::resource_limit);
}

TEST(cnv_windows, a_selection_of_genes_keeps_their_places) {
    CnvGenome genome{{0, 0, 1}, {0, 1, 2}, {10, 20, 5}, {15, 25, 9}, {"1", "2"}, {"1p", "1q", "2p"}};
    const std::vector<std::int64_t> genes{1, 2};
    const CnvGenome some = select_genes(genome, genes);
    EXPECT_EQ(some.arm, (std::vector<std::int32_t>{1, 2}));
    EXPECT_EQ(some.start, (std::vector<std::int64_t>{20, 5}));
    EXPECT_EQ(some.n_arms(), 3);
}

}  // namespace
}  // namespace morula::analysis
