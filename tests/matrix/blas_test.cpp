#include "morula/matrix/blas.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/sources.hpp"

namespace morula::matrix {
namespace {

constexpr float kJunk = std::numeric_limits<float>::quiet_NaN();

template <class T>
Dense<T> random_dense(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
    Dense<T> dense(rows, cols);
    Random random(seed, Purpose::test, 1, 0);
    for (T& value : dense.values) value = static_cast<T>(random.normal());
    return dense;
}

template <class T>
Dense<T> transposed(const Dense<T>& a) {
    Dense<T> out(a.n_cols, a.n_rows);
    for (std::int64_t i = 0; i < a.n_rows; ++i) {
        for (std::int64_t j = 0; j < a.n_cols; ++j) out(j, i) = a(i, j);
    }
    return out;
}

template <class T>
Dense<double> product(const Dense<T>& a, const Dense<T>& b) {
    Dense<double> out(a.n_rows, b.n_cols);
    for (std::int64_t i = 0; i < a.n_rows; ++i) {
        for (std::int64_t j = 0; j < b.n_cols; ++j) {
            for (std::int64_t k = 0; k < a.n_cols; ++k) out(i, j) += static_cast<double>(a(i, k)) * static_cast<double>(b(k, j));
        }
    }
    return out;
}

template <class T>
void expect_gemm_agrees(double tolerance) {
    const Dense<T> a = random_dense<T>(5, 7, 1);
    const Dense<T> b = random_dense<T>(7, 3, 2);
    const Dense<double> expected = product(a, b);
    for (const Transpose flip_a : {Transpose::no, Transpose::yes}) {
        for (const Transpose flip_b : {Transpose::no, Transpose::yes}) {
            const Dense<T> given_a = flip_a == Transpose::yes ? transposed(a) : a;
            const Dense<T> given_b = flip_b == Transpose::yes ? transposed(b) : b;
            Dense<T> c(5, 3);
            std::fill(c.values.begin(), c.values.end(), static_cast<T>(kJunk));
            gemm(T{2}, given_a.view(), flip_a, given_b.view(), flip_b, T{0}, c.view());
            for (std::size_t i = 0; i < c.values.size(); ++i) EXPECT_NEAR(c.values[i], 2.0 * expected.values[i], tolerance);
            gemm(T{1}, given_a.view(), flip_a, given_b.view(), flip_b, T{1}, c.view());
            for (std::size_t i = 0; i < c.values.size(); ++i) EXPECT_NEAR(c.values[i], 3.0 * expected.values[i], tolerance);
        }
    }
}

TEST(Blas, float32_products_agree_with_a_loop) { expect_gemm_agrees<float>(1e-5); }
TEST(Blas, float64_products_agree_with_a_loop) { expect_gemm_agrees<double>(1e-13); }

TEST(Blas, products_over_nothing_clear_or_scale_the_result) {
    const Dense<float> a(2, 0);
    const Dense<float> b(0, 3);
    Dense<float> c(2, 3);
    std::fill(c.values.begin(), c.values.end(), kJunk);
    gemm(1.0F, a.view(), Transpose::no, b.view(), Transpose::no, 0.0F, c.view());
    EXPECT_EQ(c.values, std::vector<float>(6, 0.0F));
    std::fill(c.values.begin(), c.values.end(), 4.0F);
    gemm(1.0F, a.view(), Transpose::no, b.view(), Transpose::no, 0.5F, c.view());
    EXPECT_EQ(c.values, std::vector<float>(6, 2.0F));
    Dense<float> nothing(0, 3);
    EXPECT_NO_THROW(gemm(1.0F, Dense<float>(0, 2).view(), Transpose::no, c.view(), Transpose::no, 0.0F, nothing.view()));
}

TEST(Blas, strided_products_touch_only_their_block) {
    const Dense<float> a = random_dense<float>(4, 6, 3);
    const Dense<float> b = random_dense<float>(6, 5, 4);
    Dense<float> c(4, 8);
    std::fill(c.values.begin(), c.values.end(), 9.0F);
    gemm_strided(2, 3, 4, 1.0F, &a(1, 2), 6, Transpose::no, &b(2, 1), 5, Transpose::no, 0.0F, &c(1, 4), 8);
    for (std::int64_t i = 0; i < 4; ++i) {
        for (std::int64_t j = 0; j < 8; ++j) {
            double expected = 9.0;
            if (i >= 1 && i < 3 && j >= 4 && j < 7) {
                expected = 0.0;
                for (std::int64_t k = 0; k < 4; ++k) expected += static_cast<double>(a(i, 2 + k)) * static_cast<double>(b(2 + k, j - 4 + 1));
            }
            EXPECT_NEAR(c(i, j), expected, 1e-5);
        }
    }
}

TEST(Blas, shapes_that_do_not_fit_are_refused) {
    Dense<float> c(2, 2);
    EXPECT_THROW(gemm(1.0F, Dense<float>(2, 3).view(), Transpose::no, Dense<float>(4, 2).view(), Transpose::no, 0.0F, c.view()), Error);
    EXPECT_THROW(gemm_strided(std::int64_t{1} << 31, 1, 1, 1.0F, c.values.data(), 1, Transpose::no, c.values.data(), 1, Transpose::no, 0.0F, c.values.data(), 1), Error)
        << "a size above 2^31 must not wrap";
}

TEST(Blas, eigenpairs_of_a_matrix_checked_by_hand) {
    // [[2, 1], [1, 2]] has 3 with (1, 1) and 1 with (1, -1); the lower triangle is junk that must not be read.
    Dense<double> matrix(2, 2);
    matrix.values = {2.0, 1.0, 1e300, 2.0};
    const SymmetricEigen eigen = largest_eigenpairs(matrix, 2);
    EXPECT_NEAR(eigen.values[0], 3.0, 1e-14);
    EXPECT_NEAR(eigen.values[1], 1.0, 1e-14);
    EXPECT_NEAR(eigen.vectors(0, 0), eigen.vectors(1, 0), 1e-14);
    EXPECT_NEAR(eigen.vectors(0, 1), -eigen.vectors(1, 1), 1e-14);
    EXPECT_NEAR(std::abs(eigen.vectors(0, 0)), std::sqrt(0.5), 1e-14);
}

TEST(Blas, eigenpairs_satisfy_their_equation_in_descending_order) {
    const Dense<double> root = random_dense<double>(40, 60, 5);
    const Dense<double> matrix = product(root, transposed(root));
    const SymmetricEigen eigen = largest_eigenpairs(matrix, 7);
    ASSERT_EQ(eigen.values.size(), 7U);
    ASSERT_EQ(eigen.vectors.n_cols, 7);
    const Dense<double> image = product(matrix, eigen.vectors);
    const Dense<double> gram = product(transposed(eigen.vectors), eigen.vectors);
    for (std::int64_t j = 0; j < 7; ++j) {
        if (j > 0) {
            EXPECT_GE(eigen.values[static_cast<std::size_t>(j - 1)], eigen.values[static_cast<std::size_t>(j)]);
        }
        for (std::int64_t i = 0; i < 40; ++i) EXPECT_NEAR(image(i, j), eigen.values[static_cast<std::size_t>(j)] * eigen.vectors(i, j), 1e-10);
        for (std::int64_t i = 0; i < 7; ++i) EXPECT_NEAR(gram(i, j), i == j ? 1.0 : 0.0, 1e-12);
    }
    // The largest of all: their sum over all 40 is the trace.
    const SymmetricEigen all = largest_eigenpairs(matrix, 40);
    double trace = 0.0;
    double sum = 0.0;
    for (std::int64_t i = 0; i < 40; ++i) {
        trace += matrix(i, i);
        sum += all.values[static_cast<std::size_t>(i)];
    }
    EXPECT_NEAR(sum, trace, 1e-9);
    for (std::size_t j = 0; j < 7; ++j) EXPECT_NEAR(all.values[j], eigen.values[j], 1e-10);
}

TEST(Blas, eigenpairs_of_nan_are_an_error_and_of_nothing_are_none) {
    Dense<double> matrix(2, 2);
    matrix.values = {1.0, std::nan(""), 0.0, 1.0};
    EXPECT_EQ(test::error_code([&] { largest_eigenpairs(matrix, 1); }), ErrorCode::invalid_data);
    EXPECT_TRUE(largest_eigenpairs(Dense<double>(0, 0), 0).values.empty());
    EXPECT_THROW(largest_eigenpairs(Dense<double>(2, 2), 3), Error);
}

TEST(Blas, positive_definite_systems_are_solved) {
    const Dense<double> root = random_dense<double>(9, 20, 6);
    const Dense<double> a = product(root, transposed(root));
    const Dense<double> x = random_dense<double>(9, 4, 7);
    Dense<double> b = product(a, x);
    solve_spd(a, b);
    for (std::size_t i = 0; i < x.values.size(); ++i) EXPECT_NEAR(b.values[i], x.values[i], 1e-10);
}

TEST(Blas, a_system_that_is_not_positive_definite_is_an_error) {
    Dense<double> a(2, 2);
    a.values = {1.0, 2.0, 2.0, 1.0};
    Dense<double> b(2, 1);
    const auto solve = [&] { solve_spd(a, b); };
    EXPECT_EQ(test::error_code(solve), ErrorCode::invalid_data);
    EXPECT_NE(test::error_text(solve).find("2 equations has no unique solution"), std::string::npos);
    EXPECT_NE(test::error_text(solve).find("covariates"), std::string::npos);
}

TEST(Blas, least_squares_finds_a_line_checked_by_hand) {
    // y = 1, 3, 4 at x = 0, 1, 2: the line 7/6 + 3/2 x.
    Dense<double> a(3, 2);
    a.values = {1, 0, 1, 1, 1, 2};
    Dense<double> b(3, 1);
    b.values = {1, 3, 4};
    const Dense<double> line = least_squares(a, b);
    ASSERT_EQ(line.n_rows, 2);
    EXPECT_NEAR(line(0, 0), 7.0 / 6.0, 1e-14);
    EXPECT_NEAR(line(1, 0), 1.5, 1e-14);
}

TEST(Blas, least_squares_with_a_repeated_covariate_is_an_error) {
    Dense<double> a(3, 2);
    a.values = {0, 0, 0, 1, 0, 2};
    EXPECT_EQ(test::error_code([&] { least_squares(a, Dense<double>(3, 1)); }), ErrorCode::invalid_data);
}

TEST(Blas, the_numeric_profile_names_the_library) {
    const NumericProfile profile = numeric_profile();
    EXPECT_NE(profile.blas.find("OpenBLAS"), std::string::npos) << profile.blas;
    EXPECT_FALSE(profile.simd.empty());
    EXPECT_NE(profile.text().find(profile.blas), std::string::npos);
}

}  // namespace
}  // namespace morula::matrix
