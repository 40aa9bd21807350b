#include "morula/analysis/pca.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "morula/analysis/normalize.hpp"
#include "morula/core/error.hpp"
#include "morula/core/random.hpp"
#include "morula/matrix/blas.hpp"
#include "tests/analysis/made_up.hpp"

namespace morula::analysis {
namespace {

matrix::Matrix log_values(const matrix::Csr& csr) {
    Context context({});
    const std::vector<double> totals = made_up::totals(csr);
    return matrix::log1p_scaled(matrix::make_source(csr), normalize(totals, {}, context).scale);
}

struct Oracle {
    std::vector<double> values;
    double total = 0.0;
    matrix::Dense<double> loadings;
};

Oracle oracle() {
    const auto rows = fixture::rows("pca.csv");
    Oracle result;
    for (const auto& v : rows[0]) result.values.push_back(std::stod(v));
    result.total = std::stod(rows[1][0]);
    result.loadings = matrix::Dense<double>(static_cast<std::int64_t>(rows.size()) - 2, static_cast<std::int64_t>(rows[2].size()));
    for (std::int64_t g = 0; g < result.loadings.n_rows; ++g) {
        for (std::int64_t k = 0; k < result.loadings.n_cols; ++k) result.loadings(g, k) = std::stod(rows[static_cast<std::size_t>(g) + 2][static_cast<std::size_t>(k)]);
    }
    return result;
}

/// Sine of the largest angle between the spans of the first k columns: |(I - A A') B| by its largest singular value.
double subspace_sine(const matrix::Dense<float>& ours, const matrix::Dense<double>& theirs, std::int64_t k) {
    const std::int64_t n = theirs.n_rows;
    matrix::Dense<double> residual(n, k);
    for (std::int64_t j = 0; j < k; ++j) {
        for (std::int64_t g = 0; g < n; ++g) residual(g, j) = ours(g, j);
        for (std::int64_t i = 0; i < k; ++i) {
            double overlap = 0.0;
            for (std::int64_t g = 0; g < n; ++g) overlap += theirs(g, i) * static_cast<double>(ours(g, j));
            for (std::int64_t g = 0; g < n; ++g) residual(g, j) -= overlap * theirs(g, i);
        }
    }
    matrix::Dense<double> square(k, k);
    for (std::int64_t i = 0; i < k; ++i) {
        for (std::int64_t j = 0; j < k; ++j) {
            for (std::int64_t g = 0; g < n; ++g) square(i, j) += residual(g, i) * residual(g, j);
        }
    }
    return std::sqrt(std::max(0.0, matrix::largest_eigenpairs(square, 1).values[0]));
}

TEST(Pca, agrees_with_float64_eigh) {
    Context context({});
    const auto made = made_up::counts();
    const auto values = log_values(made.csr);
    const PcaResult result = pca(*values, {.n_components = 20}, context);
    const Oracle truth = oracle();
    int compared = 0;
    for (std::size_t k = 0; k < 20; ++k) {
        EXPECT_NEAR(result.variance[k], truth.values[k], 1e-5 * truth.values[k]);
        EXPECT_NEAR(result.variance_ratio[k], truth.values[k] / truth.total, 1e-5);
        if ((truth.values[k] - truth.values[k + 1]) / truth.values[k] < 0.01) continue;
        ++compared;
        EXPECT_LE(subspace_sine(result.loadings, truth.loadings, static_cast<std::int64_t>(k) + 1), 1e-4) << "first " << k + 1;
    }
    EXPECT_GT(compared, 10);
    for (std::int64_t k = 0; k < 3; ++k) {  // well apart: vectors themselves, with the sign of the largest loading
        for (std::int64_t g = 0; g < truth.loadings.n_rows; ++g) EXPECT_NEAR(result.loadings(g, k), truth.loadings(g, k), 1e-4);
    }
}

TEST(Pca, embedding_is_the_centred_projection_and_its_variances_are_the_eigenvalues) {
    Context context({});
    const auto made = made_up::counts();
    const auto values = log_values(made.csr);
    const PcaResult result = pca(*values, {.n_components = 5}, context);
    matrix::CsrScratch scratch;
    const auto rows = values->read({0, 300}, scratch);
    for (std::int64_t k = 0; k < 5; ++k) {
        double sum = 0.0, squares = 0.0;
        for (std::int64_t c = 0; c < 300; ++c) {
            double direct = 0.0;
            for (std::int64_t g = 0; g < 400; ++g) direct -= result.mean[static_cast<std::size_t>(g)] * static_cast<double>(result.loadings(g, k));
            for (std::size_t i = 0; i < rows.row_indices(c).size(); ++i) direct += static_cast<double>(rows.row_values(c)[i]) * static_cast<double>(result.loadings(rows.row_indices(c)[i], k));
            EXPECT_NEAR(result.embedding(c, k), direct, 2e-5);
            sum += static_cast<double>(result.embedding(c, k));
            squares += static_cast<double>(result.embedding(c, k)) * static_cast<double>(result.embedding(c, k));
        }
        EXPECT_NEAR(sum / 300, 0.0, 1e-5);
        EXPECT_NEAR(squares / 299, result.variance[static_cast<std::size_t>(k)], 2e-5 * result.variance[static_cast<std::size_t>(k)]);
    }
    EXPECT_EQ(project(*values, result, context).values, result.embedding.values);
}

/// Large means over small variances: where subtracting n * mean * mean' from a float32 sum would lose the answer.
matrix::Csr offset_plane(std::int64_t n_cells) {
    matrix::Csr csr;
    csr.n_cols = 30;
    for (std::int64_t c = 0; c < n_cells; ++c) {
        Random random(1, Purpose::test, static_cast<std::uint64_t>(c), 0);
        const double a = random.normal(), b = random.normal();
        for (std::uint32_t g = 0; g < 30; ++g) {
            csr.indices.push_back(g);
            csr.values.push_back(static_cast<float>(50.0 + 0.3 * a * std::cos(0.4 * g) + 0.1 * b * std::sin(0.7 * g) + 0.01 * random.normal()));
        }
        made_up::push_row(csr);
    }
    return csr;
}

TEST(Pca, large_means_cost_no_digits) {
    Context context({});
    const std::int64_t n = 5000;
    const auto csr = offset_plane(n);
    const PcaResult result = pca(*matrix::make_view_source(csr.view()), {.n_components = 3}, context);
    matrix::Dense<double> covariance(30, 30);
    std::vector<double> mean(30, 0.0);
    for (std::size_t i = 0; i < csr.values.size(); ++i) mean[i % 30] += static_cast<double>(csr.values[i]) / static_cast<double>(n);
    for (std::int64_t c = 0; c < n; ++c) {
        const auto row = csr.view().row_values(c);
        for (std::size_t i = 0; i < 30; ++i) {
            for (std::size_t j = 0; j < 30; ++j) {
                covariance(static_cast<std::int64_t>(i), static_cast<std::int64_t>(j)) += (static_cast<double>(row[i]) - mean[i]) * (static_cast<double>(row[j]) - mean[j]) / static_cast<double>(n - 1);
            }
        }
    }
    const auto truth = matrix::largest_eigenpairs(covariance, 3);
    for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(result.variance[k], truth.values[k], 1e-5 * truth.values[k]);
    EXPECT_LE(subspace_sine(result.loadings, truth.vectors, 2), 1e-4);
}

TEST(Pca, same_bits_for_any_threads_and_reading_over_many_blocks) {
    const auto csr = offset_plane(5000);
    const auto source = matrix::make_view_source(csr.view());
    const auto results = made_up::with_threads([&](Context& context) { return pca(*source, {.n_components = 4}, context); });
    Context context({});
    const auto seven = pca(*made_up::seven_rows(source), {.n_components = 4}, context);
    for (const auto& r : {results[1], results[2], seven}) {
        EXPECT_EQ(r.embedding.values, results[0].embedding.values);
        EXPECT_EQ(r.loadings.values, results[0].loadings.values);
        EXPECT_EQ(r.variance, results[0].variance);
        EXPECT_EQ(r.mean, results[0].mean);
    }
}

TEST(Pca, permuted_cells_give_permuted_embedding) {
    Context context({});
    const auto made = made_up::counts();
    const auto order = made_up::shuffle(300);
    const auto straight = pca(*log_values(made.csr), {.n_components = 3}, context);
    const auto shuffled = pca(*log_values(made_up::permuted(made.csr, order)), {.n_components = 3}, context);
    for (std::int64_t i = 0; i < 300; ++i) {
        for (std::int64_t k = 0; k < 3; ++k) EXPECT_NEAR(shuffled.embedding(i, k), straight.embedding(order[static_cast<std::size_t>(i)], k), 2e-4);
    }
}

TEST(Pca, more_genes_than_cells_constant_genes_and_empty_cells_are_fine) {
    Context context({});
    const auto made = made_up::counts();
    const auto few = pca(*matrix::select_rows(log_values(made.csr), {0, 1, 2, 3, 4, 5, 6, 7}), {.n_components = 7}, context);
    double sum = 0.0;
    for (const double r : few.variance_ratio) sum += r;
    EXPECT_NEAR(sum, 1.0, 1e-5) << "8 cells span 7 dimensions";
    const matrix::Csr constant{.n_rows = 4, .n_cols = 2, .indptr = {0, 2, 4, 6, 8}, .indices = {0, 1, 0, 1, 0, 1, 0, 1}, .values = std::vector<float>(8, 2.0f)};
    const auto flat = pca(*matrix::make_view_source(constant.view()), {.n_components = 2}, context);
    EXPECT_EQ(flat.variance_ratio, (std::vector<double>{0, 0}));
    for (const float v : flat.embedding.values) EXPECT_EQ(v, 0.0f);
}

TEST(Pca, refuses_fewer_cells_than_components_and_names_the_most_possible) {
    Context context({});
    const auto made = made_up::counts();
    const auto values = matrix::make_view_source(made.csr.view());
    try {
        (void)pca(*matrix::select_rows(values, {0, 1, 2, 3}), {.n_components = 4}, context);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_NE(error.next().find("--n-components 3 or less"), std::string::npos);
    }
    EXPECT_THROW(pca(*matrix::select_rows(values, {}), {.n_components = 1}, context), Error);
    EXPECT_THROW(pca(*values, {.n_components = 0}, context), Error);
    const auto result = pca(*values, {.n_components = 2}, context);
    EXPECT_THROW(project(*matrix::select_cols(values, {0, 1}), result, context), Error);
}

}  // namespace
}  // namespace morula::analysis
