#include "morula/analysis/cnv_scores.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "morula/matrix/tiles.hpp"
#include "tests/analysis/cnv_cases.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

/// 300 normal cells, then 100 of each of two clones.
struct Mixture {
    CnvGenome genome = cnv_cases::genome(6, 80);
    matrix::Csr csr;
    matrix::Matrix log_values;
    CnvModel model;
    std::vector<std::int32_t> group;

    Mixture() {
        const std::vector<double> rate = cnv_cases::rates(genome.n_genes(), 0, 0.0);
        cnv_cases::add_cells(csr, rate, 300, 2500.0, cnv_cases::normal_copies, 1);
        cnv_cases::add_cells(csr, rate, 100, 2500.0, cnv_cases::with_arm(genome, 2, 1.0), 2);
        cnv_cases::add_cells(csr, rate, 100, 2500.0, cnv_cases::with_arm(genome, 7, 4.0), 3);
        std::vector<double> scale;
        for (std::int64_t cell = 0; cell < csr.n_rows; ++cell) {
            const auto values = csr.view().row_values(cell);
            scale.push_back(2500.0 / std::accumulate(values.begin(), values.end(), 0.0));
        }
        log_values = matrix::log1p_scaled(matrix::make_view_source(csr.view()), scale);
        std::vector<std::int64_t> normal(300);
        std::iota(normal.begin(), normal.end(), std::int64_t{0});
        const matrix::ColumnMoments moments = matrix::column_moments(*matrix::select_rows(log_values, normal), *test::make_context(1));
        matrix::Dense<double> levels(2, genome.n_genes());
        for (std::int64_t gene = 0; gene < genome.n_genes(); ++gene) {
            levels(0, gene) = genome.arm[static_cast<std::size_t>(gene)] == 2 ? -1.0 : 0.0;
            levels(1, gene) = genome.arm[static_cast<std::size_t>(gene)] == 7 ? 1.0 : 0.0;
        }
        model = make_cnv_model(moments.mean, moments.variance, levels, std::vector<double>{1.0, 1.0});
        group.assign(500, 0);
    }
    std::vector<CnvFit> fit(const matrix::Matrix& values, Context& context) const { return fit_cells(*values, model, group, std::vector<std::int32_t>{0, 0}, context); }
};

TEST(cnv_scores, cells_find_their_clone_and_score_0_or_1) {
    const Mixture mixture;
    const std::vector<CnvFit> fits = mixture.fit(mixture.log_values, *test::make_context(2));
    double right = 0.0, covered = 0.0;
    std::vector<double> mean(3, 0.0);
    for (std::size_t cell = 0; cell < 500; ++cell) {
        const int truth = cell < 300 ? -1 : cell < 400 ? 0 : 1;
        const int found = fits[cell].gain > 0.0F ? fits[cell].clone : -1;
        right += found == truth;
        if (truth >= 0 && fits[cell].clone == truth) covered += fits[cell].low <= 1.0F && 1.0F <= fits[cell].high;
        if (truth < 0 || fits[cell].clone == truth) mean[static_cast<std::size_t>(truth + 1)] += static_cast<double>(fits[cell].score) / (truth < 0 ? 300.0 : 100.0);
    }
    EXPECT_GT(right / 500.0, 0.97);
    EXPECT_NEAR(mean[0], 0.0, 0.15);
    EXPECT_NEAR(mean[1], 1.0, 0.15);
    EXPECT_NEAR(mean[2], 1.0, 0.15);
    EXPECT_GT(covered / 200.0, 0.85);
}

TEST(cnv_scores, sparse_sums_equal_the_plain_regression) {
    const Mixture mixture;
    const std::vector<CnvFit> fits = mixture.fit(mixture.log_values, *test::make_context(1));
    const matrix::Dense<float> dense = test::to_dense(matrix::read_all(*mixture.log_values, *test::make_context(1)).view());
    for (const std::int64_t cell : {0, 310, 420}) {
        const CnvFit& fit = fits[static_cast<std::size_t>(cell)];
        // Normal equations of two terms, entry by entry.
        double dd = 0, ds = 0, ss = 0, dx = 0, sx = 0;
        for (std::size_t g = 0; g < mixture.model.baseline.size(); ++g) {
            const double w = 1.0 / mixture.model.variance[g], depth = 1.0 - std::exp(-mixture.model.baseline[g]), shift = mixture.model.shift(fit.clone, static_cast<std::int64_t>(g));
            const double x = static_cast<double>(dense(cell, static_cast<std::int64_t>(g))) - mixture.model.baseline[g];
            dd += w * depth * depth;
            ds += w * depth * shift;
            ss += w * shift * shift;
            dx += w * depth * x;
            sx += w * shift * x;
        }
        EXPECT_NEAR(static_cast<double>(fit.score), (sx * dd - dx * ds) / (ss * dd - ds * ds), 1e-4);
        EXPECT_LT(fit.low, fit.score);
        EXPECT_LT(fit.score, fit.high);
    }
}

TEST(cnv_scores, same_bits_for_any_threads_and_seven_row_reads) {
    const Mixture mixture;
    const auto bits = [](const std::vector<CnvFit>& fits) {
        std::vector<float> out;
        for (const CnvFit& fit : fits) out.insert(out.end(), {static_cast<float>(fit.clone), fit.gain, fit.score, fit.low, fit.high});
        return out;
    };
    const auto whole = test::same_at_1_2_4_threads([&](Context& context) { return bits(mixture.fit(mixture.log_values, context)); }, test::same_bits<float>);
    EXPECT_TRUE(test::same_bits(whole, bits(mixture.fit(test::read_seven_rows(mixture.log_values), *test::make_context(2)))));
}

/// Share of normal cells from `first` on whose interval holds 0.
double share_around_zero(const std::vector<CnvFit>& fits, std::size_t first) {
    double n = 0.0;
    for (std::size_t cell = first; cell < fits.size(); ++cell) n += fits[cell].low <= 0.0F && 0.0F <= fits[cell].high;
    return n / static_cast<double>(fits.size() - first);
}

TEST(cnv_scores, intervals_are_as_wide_as_normal_cells_stray) {
    // Normal cells in which the genes of arm 2 rise and fall together by 30 %, as kinds and states of cells do: far more than each gene's scatter tells.
    Mixture mixture;
    matrix::Csr csr;
    const std::vector<double> rate = cnv_cases::rates(mixture.genome.n_genes(), 0, 0.0);
    for (std::uint64_t cell = 0; cell < 800; ++cell) {
        const double together = std::exp(0.3 * Random(5, Purpose::test, cell, 3).normal());
        cnv_cases::add_cells(csr, rate, 1, 2500.0, [&](std::int64_t gene) { return mixture.genome.arm[static_cast<std::size_t>(gene)] == 2 ? 2.0 * together : 2.0; }, 100 + cell);
    }
    std::vector<double> scale;
    for (std::int64_t cell = 0; cell < csr.n_rows; ++cell) {
        const auto values = csr.view().row_values(cell);
        scale.push_back(2500.0 / std::accumulate(values.begin(), values.end(), 0.0));
    }
    const matrix::Matrix cells = matrix::log1p_scaled(matrix::make_view_source(csr.view()), scale);
    const std::vector<std::int32_t> group(800, 0), of_clones{0, 0};
    const auto context = test::make_context(2);
    const std::vector<CnvFit> before = fit_cells(*cells, mixture.model, group, of_clones, *context);
    CnvModel model = mixture.model;
    std::vector<std::int64_t> first_half(400);
    std::iota(first_half.begin(), first_half.end(), std::int64_t{0});
    widen_to_normal_cells(model, *matrix::select_rows(cells, first_half), of_clones, *context);
    const std::vector<CnvFit> after = fit_cells(*cells, model, group, of_clones, *context);
    EXPECT_LT(share_around_zero(before, 400), 0.80);
    EXPECT_NEAR(share_around_zero(after, 400), 0.95, 0.033) << "three standard errors of 400 cells that it was not set by";
    EXPECT_GT(model.reach[0], 2.5);
    EXPECT_EQ(model.reach[0], model.reach[1]) << "one group";
    for (std::size_t cell = 0; cell < after.size(); ++cell) {
        EXPECT_EQ(after[cell].score, before[cell].score);
        EXPECT_EQ(after[cell].clone, before[cell].clone);
    }
}

TEST(cnv_scores, reach_is_the_upper_rank_by_hand_and_never_below_the_normals) {
    // One clone, genes of variance 1, no depth term (the baseline is 0): score = mean of the two shifted genes, its error from the scatter of all.
    CnvModel model = make_cnv_model(std::vector<double>(6, 0.0), std::vector<double>(6, 1.0), matrix::Dense<double>(1, 6), std::vector<double>{1.0});
    model.shift(0, 0) = model.shift(0, 1) = 1.0;
    matrix::Dense<float> cells(20, 6);
    std::vector<double> errors;
    for (std::int64_t cell = 0; cell < 20; ++cell) {
        cells(cell, 0) = cells(cell, 1) = static_cast<float>(cell + 1);
        cells(cell, 2) = 4.0F;
        // 4 free: residual 16 / 4, so the error of the mean of two is sqrt(4 / 2).
        errors.push_back(static_cast<double>(cell + 1) / std::sqrt(2.0));
    }
    const std::vector<std::int32_t> one_group{0};
    const auto context = test::make_context(1);
    widen_to_normal_cells(model, *matrix::make_source(test::to_csr(cells)), one_group, *context);
    EXPECT_NEAR(model.reach[0], errors[19], 1e-4) << "of 20 the ceil(.95 x 21) = 20th";
    matrix::Dense<float> calm(20, 6);
    for (std::int64_t cell = 0; cell < 20; ++cell) calm(cell, 2) = 4.0F;
    widen_to_normal_cells(model, *matrix::make_source(test::to_csr(calm)), one_group, *context);
    EXPECT_NEAR(model.reach[0], 1.959964, 1e-6);
}

TEST(cnv_scores, cells_of_a_group_without_clones_are_not_scored) {
    Mixture mixture;
    mixture.group.assign(500, 1);
    mixture.group[0] = -1;
    for (const CnvFit& fit : mixture.fit(mixture.log_values, *test::make_context(1))) EXPECT_EQ(fit.clone, -1);
    EXPECT_EQ(fit_cells(*mixture.log_values, make_cnv_model(mixture.model.baseline, mixture.model.variance, matrix::Dense<double>(0, mixture.genome.n_genes()), {}), mixture.group, {}, *test::make_context(1)).size(), 500U);
}

TEST(cnv_scores, a_clone_that_is_expected_to_be_rare_asks_for_more) {
    Mixture mixture;
    const std::vector<CnvFit> even = mixture.fit(mixture.log_values, *test::make_context(1));
    mixture.model.prior = {std::log(0.01), std::log(0.01)};
    const std::vector<CnvFit> rare = mixture.fit(mixture.log_values, *test::make_context(1));
    for (std::size_t cell = 0; cell < even.size(); ++cell) {
        EXPECT_EQ(rare[cell].score, even[cell].score);
        EXPECT_NEAR(static_cast<double>(even[cell].gain - rare[cell].gain), std::log(100.0), 1e-3);
    }
}

TEST(cnv_scores, rare_genes_shift_by_their_mean_and_frequent_ones_by_the_log) {
    matrix::Dense<double> levels(1, 3);
    levels(0, 0) = levels(0, 1) = 1.0;
    const CnvModel model = make_cnv_model(std::vector<double>{0.01, 6.0, 1.0}, std::vector<double>{0.0, 1.0, 2.0}, levels, std::vector<double>{1.0});
    EXPECT_NEAR(model.shift(0, 0), 0.01, 2e-4);
    EXPECT_NEAR(model.shift(0, 1), std::log(2.0), 2e-3);
    EXPECT_EQ(model.shift(0, 2), 0.0);
    EXPECT_EQ(model.variance[0], 2.0) << "the median of 1 and 2, the upper one";
}

}  // namespace
}  // namespace morula::analysis
