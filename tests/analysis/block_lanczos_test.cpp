#include "morula/analysis/block_lanczos.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "morula/analysis/pca.hpp"
#include "morula/analysis/sixteen_columns_simd.hpp"
#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

matrix::Dense<double> noise(std::int64_t n_rows, std::int64_t n_cols, std::uint64_t seed) {
    matrix::Dense<double> out(n_rows, n_cols);
    Random random(seed, Purpose::test, 0, 0);
    for (double& value : out.values) value = random.normal();
    return out;
}

/// Covariance of noise with some directions along which cells differ more.
matrix::Dense<double> covariance(std::int64_t n_cells, std::int64_t n_genes, std::int64_t n_strong) {
    const matrix::Dense<double> cells = noise(n_cells, n_genes, 1);
    const matrix::Dense<double> directions = noise(n_strong, n_genes, 2);
    matrix::Dense<double> out(n_genes, n_genes);
    matrix::gemm(1.0 / static_cast<double>(n_cells), cells.view(), matrix::Transpose::yes, cells.view(), matrix::Transpose::no, 0.0, out.view());
    for (std::int64_t k = 0; k < n_strong; ++k) {
        const double strength = static_cast<double>(4 + k) / static_cast<double>(n_genes);
        for (std::int64_t i = 0; i < n_genes; ++i) {
            for (std::int64_t j = 0; j < n_genes; ++j) out(i, j) += strength * directions(k, i) * directions(k, j);
        }
    }
    return out;
}

TEST(block_lanczos, finds_what_lapack_finds_where_values_stand_apart_and_nearly_as_much_where_they_do_not) {
    constexpr std::int64_t kStrong = 6;
    constexpr std::int64_t kWanted = 50;
    const matrix::Dense<double> symmetric = covariance(2000, 700, kStrong);
    const auto context = test::make_context(2);
    const matrix::SymmetricEigen found = leading_eigenpairs(symmetric, kWanted, *context);
    const matrix::SymmetricEigen exact = matrix::largest_eigenpairs(symmetric, kWanted);
    ASSERT_EQ(std::ssize(found.values), kWanted);
    double sum = 0.0;
    double most = 0.0;
    for (std::int64_t k = 0; k < kWanted; ++k) {
        const auto at = static_cast<std::size_t>(k);
        sum += found.values[at];
        most += exact.values[at];
        double same = 0.0;
        for (std::int64_t i = 0; i < symmetric.n_rows; ++i) same += found.vectors(i, k) * exact.vectors(i, k);
        if (k >= kStrong) continue;
        EXPECT_NEAR(found.values[at] / exact.values[at], 1.0, 1e-12) << k;
        EXPECT_NEAR(std::abs(same), 1.0, 1e-10) << k;
    }
    EXPECT_LE(sum, most * (1.0 + 1e-12));
    EXPECT_GE(sum, most * 0.9999);
}

TEST(block_lanczos, vectors_are_of_unit_length_at_right_angles_and_their_values_are_what_the_matrix_makes_of_them) {
    const matrix::Dense<double> symmetric = covariance(1000, 500, 3);
    const auto context = test::make_context(2);
    const matrix::SymmetricEigen found = leading_eigenpairs(symmetric, 40, *context);
    matrix::Dense<double> multiplied(500, 40);
    matrix::gemm(1.0, symmetric.view(), matrix::Transpose::no, std::as_const(found.vectors).view(), matrix::Transpose::no, 0.0, multiplied.view());
    for (std::int64_t a = 0; a < 40; ++a) {
        for (std::int64_t b = a; b < 40; ++b) {
            double product = 0.0;
            double quotient = 0.0;
            for (std::int64_t i = 0; i < 500; ++i) {
                product += found.vectors(i, a) * found.vectors(i, b);
                quotient += found.vectors(i, a) * multiplied(i, b);
            }
            EXPECT_NEAR(product, a == b ? 1.0 : 0.0, 1e-12) << a << " " << b;
            EXPECT_NEAR(quotient, a == b ? found.values[static_cast<std::size_t>(a)] : 0.0, 1e-11) << a << " " << b;
        }
    }
}

TEST(block_lanczos, of_a_matrix_of_low_rank_gives_as_many_pairs_as_there_are) {
    matrix::Dense<double> symmetric(450, 450);
    for (std::int64_t i = 0; i < 5; ++i) symmetric(90 * i, 90 * i) = static_cast<double>(5 - i);
    const auto context = test::make_context(1);
    const matrix::SymmetricEigen found = leading_eigenpairs(symmetric, 20, *context);
    ASSERT_GE(std::ssize(found.values), 5);
    for (std::size_t k = 0; k < found.values.size(); ++k) EXPECT_NEAR(found.values[k], k < 5 ? static_cast<double>(5 - k) : 0.0, 1e-12) << k;
    const matrix::Dense<double> nothing(450, 450);
    for (const double value : leading_eigenpairs(nothing, 20, *context).values) EXPECT_EQ(value, 0.0);
}

TEST(block_lanczos, gives_the_same_bits_at_any_thread_count) {
    const matrix::Dense<double> symmetric = covariance(900, 450, 3);
    test::same_at_1_2_4_threads([&](Context& context) { return leading_eigenpairs(symmetric, 30, context); },
                                [](const matrix::SymmetricEigen& a, const matrix::SymmetricEigen& b) { return test::same_bits(a.values, b.values) && test::same_bits(a.vectors.values, b.vectors.values); });
}

TEST(sixteen_columns, are_multiplied_as_defined) {
    for (const std::int64_t n_rows : {1, 2, 4, 7}) {
        const matrix::Dense<double> rows = noise(n_rows, 33, 3);
        const matrix::Dense<double> block = noise(33, kSixteenColumns, 4);
        std::vector<double> out(static_cast<std::size_t>(n_rows * kSixteenColumns + 1), 77.0), plain(out);
        times_sixteen_columns(rows.values.data(), n_rows, 33, block.values.data(), out.data());
        times_sixteen_columns_plain(rows.values.data(), n_rows, 33, block.values.data(), plain.data());
        for (std::size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(out[i], plain[i], 1e-13) << i;
        EXPECT_EQ(out.back(), 77.0) << "nothing behind the result is touched";
    }
}

TEST(leading_components, hold_what_those_of_pca_hold_and_are_the_same_for_few_genes) {
    const matrix::Matrix counts = matrix::make_source(test::random_counts(1700, 1600, 0.03, 6));
    const auto context = test::make_context(2);
    const PcaResult exact = pca(*counts, {.n_components = 20}, *context);
    const PcaResult quick = leading_components(*counts, {.n_components = 20}, *context);
    double captured = 0.0;
    double most = 0.0;
    for (std::size_t k = 0; k < 20; ++k) captured += quick.variance[k], most += exact.variance[k];
    EXPECT_GE(captured, 0.999 * most);
    EXPECT_LE(captured, most * (1.0 + 1e-9));
    const matrix::Matrix few = matrix::make_source(test::random_counts(300, 100, 0.1, 7));
    EXPECT_TRUE(test::same_bits(pca(*few, {.n_components = 20}, *context).loadings.values, leading_components(*few, {.n_components = 20}, *context).loadings.values));
}

}  // namespace
}  // namespace morula::analysis
