#include "morula/analysis/gene_covariance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "morula/analysis/gram_panels_simd.hpp"
#include "morula/analysis/sparse_gram.hpp"
#include "morula/core/random.hpp"
#include "tests/analysis/made_up.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kCells = 9000;  // three blocks of the sparse route, five of the dense one
constexpr std::int64_t kColumns = 70;

/// A share of the values is not zero; the last gene and some cells are empty.
matrix::Csr sparse_cells(double share) {
    matrix::Csr csr;
    csr.n_cols = kColumns;
    for (std::int64_t c = 0; c < kCells; ++c) {
        Random random(3, Purpose::test, static_cast<std::uint64_t>(c), 0);
        const double level = random.normal();
        for (std::uint32_t g = 0; g + 1 < kColumns && c % 50 != 49; ++g) {
            if (random.uniform() >= share) continue;
            csr.indices.push_back(g);
            csr.values.push_back(static_cast<float>(1.5 + 0.4 * level * (g % 3) + 0.2 * random.normal()));
        }
        made_up::push_row(csr);
    }
    return csr;
}

/// Two passes, in float64.
GeneCovariance plain(const matrix::Csr& csr) {
    GeneCovariance result{matrix::Dense<double>(kColumns, kColumns), std::vector<double>(kColumns, 0.0)};
    matrix::Dense<double> dense(csr.n_rows, kColumns);
    for (std::int64_t c = 0; c < csr.n_rows; ++c) {
        const auto genes = csr.view().row_indices(c);
        for (std::size_t i = 0; i < genes.size(); ++i) dense(c, genes[i]) = static_cast<double>(csr.view().row_values(c)[i]);
    }
    const auto n = static_cast<double>(csr.n_rows);
    for (std::int64_t c = 0; c < csr.n_rows; ++c) {
        for (std::int64_t g = 0; g < kColumns; ++g) result.mean[static_cast<std::size_t>(g)] += dense(c, g) / n;
    }
    for (std::int64_t i = 0; i < kColumns; ++i) {
        for (std::int64_t j = i; j < kColumns; ++j) {
            for (std::int64_t c = 0; c < csr.n_rows; ++c) {
                result.upper(i, j) += (dense(c, i) - result.mean[static_cast<std::size_t>(i)]) * (dense(c, j) - result.mean[static_cast<std::size_t>(j)]) / (n - 1.0);
            }
        }
    }
    return result;
}

void expect_near(const GeneCovariance& ours, const GeneCovariance& truth, double tolerance) {
    for (std::int64_t i = 0; i < kColumns; ++i) {
        EXPECT_NEAR(ours.mean[static_cast<std::size_t>(i)], truth.mean[static_cast<std::size_t>(i)], tolerance);
        for (std::int64_t j = i; j < kColumns; ++j) EXPECT_NEAR(ours.upper(i, j), truth.upper(i, j), tolerance) << i << " " << j;
    }
}

TEST(GeneCovariance, both_routes_agree_with_two_plain_passes) {
    Context context({});
    const matrix::Csr csr = sparse_cells(0.15);
    const GeneCovariance truth = plain(csr);
    const auto source = matrix::make_view_source(csr.view());
    expect_near(gene_covariance(*source, GramRoute::sparse, context), truth, 1e-11);
    expect_near(gene_covariance(*source, GramRoute::dense, context), truth, 4e-6);  // float32 sums of 2,048 cells
}

TEST(GeneCovariance, same_bits_for_any_threads_and_reading) {
    const matrix::Csr csr = sparse_cells(0.15);
    const auto source = matrix::make_view_source(csr.view());
    for (const GramRoute route : {GramRoute::sparse, GramRoute::dense}) {
        const auto results = made_up::with_threads([&](Context& context) { return gene_covariance(*source, route, context); });
        Context context({});
        const auto seven = gene_covariance(*made_up::seven_rows(source), route, context);
        for (const auto& r : {results[1], results[2], seven}) {
            EXPECT_EQ(r.upper.values, results[0].upper.values);
            EXPECT_EQ(r.mean, results[0].mean);
        }
    }
}

/// Genes from one value in a hundred to all: some are kept dense, most are not.
matrix::Csr cells_of_all_shares(std::int64_t n_cells, std::int64_t n_genes) {
    matrix::Csr csr;
    csr.n_cols = n_genes;
    for (std::int64_t c = 0; c < n_cells; ++c) {
        Random random(5, Purpose::test, static_cast<std::uint64_t>(c), 0);
        for (std::int64_t g = 0; g < n_genes; ++g) {
            const double rank = static_cast<double>((g * 37) % n_genes) / static_cast<double>(n_genes);
            if (random.uniform() >= std::max(0.01, 1.2 * std::pow(rank, 4.0))) continue;
            csr.indices.push_back(static_cast<std::uint32_t>(g));
            csr.values.push_back(static_cast<float>(std::exp(random.normal())));
        }
        made_up::push_row(csr);
    }
    return csr;
}

TEST(SparseGram, genes_of_any_share_give_the_bits_of_a_plain_loop) {
    constexpr std::int64_t kGenes = 130;
    const matrix::Csr csr = cells_of_all_shares(4500, kGenes);
    matrix::Dense<double> plain_gram(kGenes, kGenes);
    std::vector<double> plain_sums(kGenes, 0.0);
    for (std::int64_t c = 0; c < csr.n_rows; ++c) {
        const auto genes = csr.view().row_indices(c);
        const auto values = csr.view().row_values(c);
        for (std::size_t i = 0; i < genes.size(); ++i) {
            plain_sums[genes[i]] += static_cast<double>(values[i]);
            for (std::size_t j = i; j < genes.size(); ++j) plain_gram(genes[i], genes[j]) += static_cast<double>(values[i]) * static_cast<double>(values[j]);
        }
    }
    const auto source = matrix::make_source(csr);
    for (const auto& read : {source, made_up::seven_rows(source)}) {
        for (const auto& [gram, sums] : made_up::with_threads([&](Context& context) {
                 std::pair result{matrix::Dense<double>(kGenes, kGenes), std::vector<double>(kGenes, 0.0)};
                 add_sparse_gram(*read, result.first, result.second, context);
                 return result;
             })) {
            EXPECT_EQ(gram.values, plain_gram.values);
            EXPECT_EQ(sums, plain_sums);
        }
    }
}

TEST(SparseGram, adds_to_what_is_there_on_and_above_the_diagonal) {
    Context context({});
    const matrix::Csr csr{.n_rows = 2, .n_cols = 3, .indptr = {0, 2, 4}, .indices = {0, 2, 1, 2}, .values = {2.0f, 3.0f, 5.0f, 7.0f}};
    matrix::Dense<double> gram(3, 3);
    gram(0, 0) = 100.0;
    std::vector<double> sums(3, 10.0);
    add_sparse_gram(*matrix::make_view_source(csr.view()), gram, sums, context);
    EXPECT_EQ(gram.values, (std::vector<double>{104, 0, 6, 0, 25, 35, 0, 0, 58}));
    EXPECT_EQ(sums, (std::vector<double>{12, 15, 20}));
}

TEST(GramPanels, are_multiplied_cell_by_cell) {
    constexpr auto kWide = static_cast<std::size_t>(kPanelGenes);
    std::vector<double> a(3 * kWide), b(3 * kWide), products(kWide * kWide, 0.5), scaled(kWide, 2.0);
    for (std::size_t i = 0; i < a.size(); ++i) {
        a[i] = 0.1 * static_cast<double>(i % 29);
        b[i] = 0.3 * static_cast<double>(i % 31);
    }
    std::vector<double> expected = products;
    for (std::size_t cell = 0; cell < 3; ++cell) {
        for (std::size_t i = 0; i < kWide; ++i) {
            for (std::size_t j = 0; j < kWide; ++j) expected[i * kWide + j] += a[cell * kWide + i] * b[cell * kWide + j];
        }
    }
    add_panel_products(a.data(), b.data(), 3, products.data());
    EXPECT_EQ(products, expected);
    const std::vector<float> row(a.begin(), a.begin() + kPanelGenes);
    add_scaled(3.0, row.data(), kPanelGenes, scaled.data());
    for (std::size_t j = 0; j < kWide; ++j) EXPECT_EQ(scaled[j], 2.0 + 3.0 * static_cast<double>(row[j]));
}

TEST(GeneCovariance, the_share_of_values_decides_the_route) {
    EXPECT_EQ(gram_route(*matrix::make_source(sparse_cells(0.1))), GramRoute::sparse);
    EXPECT_EQ(gram_route(*matrix::make_source(sparse_cells(0.4))), GramRoute::dense);
    EXPECT_EQ(gram_route(*made_up::seven_rows(matrix::make_source(sparse_cells(0.4)))), GramRoute::dense);
}

}  // namespace
}  // namespace morula::analysis
