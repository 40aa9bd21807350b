#include "morula/analysis/gene_scores.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "tests/analysis/fixture.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

TEST(gene_scores, equal_the_mean_of_the_set_minus_the_mean_of_all_others_when_controls_are_all_genes) {
    // Two bins over 40 genes: 40 genes a bin but for the last; with as many controls every gene of the bins is one.
    const matrix::Csr csr = test::random_counts(50, 40, 0.5, 3);
    const std::vector<std::vector<std::int64_t>> sets{{2, 5, 9}};
    const auto context = test::make_context(2);
    const GeneScoresResult result = gene_scores(*matrix::make_view_source(csr.view()), sets, {.n_controls = 1000, .n_bins = 2, .seed = 0}, *context);
    const matrix::Dense<float> dense = test::to_dense(csr.view());
    EXPECT_GE(result.controls[0].size(), 30u);
    for (std::int64_t cell = 0; cell < 50; ++cell) {
        const double in = (static_cast<double>(dense(cell, 2)) + static_cast<double>(dense(cell, 5)) + static_cast<double>(dense(cell, 9))) / 3.0;
        double out = 0.0;
        for (const std::int64_t gene : result.controls[0]) out += static_cast<double>(dense(cell, gene)) / static_cast<double>(result.controls[0].size());
        EXPECT_NEAR(result.score(cell, 0), in - out, 1e-3 * std::max(1.0, std::abs(in - out)));
    }
}

/// The cells of oracles/markers.py, on which oracles/gene_scores.py runs scanpy.
matrix::Csr oracle_cells() {
    matrix::Csr csr;
    csr.n_cols = 120;
    for (const auto& row : fixture::rows("markers/small_cells.csv")) fixture::push_cell(row, 1, csr);
    return csr;
}

std::vector<std::int64_t> genes_of(const std::string& field) {
    std::vector<std::int64_t> genes;
    std::stringstream words(field);
    for (std::int64_t gene = 0; words >> gene;) genes.push_back(gene);
    return genes;
}

TEST(gene_scores, equal_scanpy_cell_by_cell_where_no_control_gene_is_drawn) {
    const matrix::Csr csr = oracle_cells();
    const auto context = test::make_context(2);
    std::size_t n_cases = 0;
    for (const auto& row : fixture::rows("gene_scores/exact.csv")) {
        SCOPED_TRACE(row[0] + ", " + row[1] + " bins");
        const std::vector<std::vector<std::int64_t>> sets{genes_of(row[2])};
        const GeneScoresResult result = gene_scores(*matrix::make_view_source(csr.view()), sets, {.n_controls = 50, .n_bins = std::stoi(row[1])}, *context);
        ASSERT_EQ(row.size(), 3 + 300u);
        for (std::int64_t cell = 0; cell < 300; ++cell) ASSERT_NEAR(result.score(cell, 0), std::stod(row[static_cast<std::size_t>(cell) + 3]), 1e-6) << "cell " << cell;
        ++n_cases;
    }
    EXPECT_EQ(n_cases, 8u);
}

/// Of each set the mean and spread over many seeds, cell by cell: our draws are others than scanpy's, their distribution is not.
TEST(gene_scores, have_the_mean_and_spread_of_scanpys_where_control_genes_are_drawn) {
    constexpr int n_ours = 1000;
    const matrix::Csr csr = oracle_cells();
    const auto context = test::make_context(2);
    std::size_t n_cases = 0;
    for (const auto& row : fixture::rows("gene_scores/drawn.csv")) {
        SCOPED_TRACE(row[0]);
        const std::vector<std::vector<std::int64_t>> sets{genes_of(row[4])};
        std::vector<double> sum(300, 0.0);
        std::vector<double> squares(300, 0.0);
        for (int seed = 0; seed < n_ours; ++seed) {
            const GeneScoresOptions options{.n_controls = std::stoi(row[2]), .n_bins = std::stoi(row[1]), .seed = static_cast<std::uint64_t>(seed)};
            const GeneScoresResult result = gene_scores(*matrix::make_view_source(csr.view()), sets, options, *context);
            for (std::size_t cell = 0; cell < 300; ++cell) {
                const auto score = static_cast<double>(result.score(static_cast<std::int64_t>(cell), 0));
                sum[cell] += score;
                squares[cell] += score * score;
            }
        }
        double our_variance = 0.0;
        double their_variance = 0.0;
        const double n_theirs = std::stod(row[3]);
        for (std::size_t i = 0; i < 50; ++i) {  // every sixth cell
            const std::size_t cell = 6 * i;
            const double mean = sum[cell] / n_ours;
            const double variance = (squares[cell] - n_ours * mean * mean) / (n_ours - 1);
            const double expected = std::stod(row.at(5 + 2 * i));
            const double spread = std::stod(row.at(6 + 2 * i));
            EXPECT_NEAR(mean, expected, 4.5 * spread * std::sqrt(1.0 / n_ours + 1.0 / n_theirs)) << "cell " << cell;
            our_variance += variance;
            their_variance += spread * spread;
        }
        // 200 seeds of scanpy give the pooled spread to about 4 %, since a seed's controls serve all cells.
        EXPECT_NEAR(std::sqrt(our_variance / their_variance), 1.0, 0.12);
        ++n_cases;
    }
    EXPECT_EQ(n_cases, 4u);
}

TEST(gene_scores, the_same_bits_for_any_threads_and_seven_rows_at_a_time) {
    const matrix::Csr csr = test::random_counts(3000, 150, 0.1, 12);  // several tiles
    const std::vector<std::vector<std::int64_t>> sets{{1, 5, 9, 30}, {70, 71, 72}};
    const auto source = matrix::make_view_source(csr.view());
    const auto same = [](const GeneScoresResult& a, const GeneScoresResult& b) { return test::same_bits(a.score.values, b.score.values) && a.controls == b.controls; };
    const GeneScoresResult serial = test::same_at_1_2_4_threads([&](Context& context) { return gene_scores(*source, sets, {.n_controls = 4}, context); }, same);
    const auto context = test::make_context(2);
    EXPECT_TRUE(same(serial, gene_scores(*test::read_seven_rows(source), sets, {.n_controls = 4}, *context)));
}

TEST(gene_scores, controls_are_of_like_expression_and_not_in_the_set) {
    const matrix::Csr csr = test::random_counts(60, 400, 0.4, 4);
    std::vector<std::int64_t> set(10);
    std::iota(set.begin(), set.end(), 100);
    const std::vector<std::vector<std::int64_t>> sets{set, set};
    const auto make = [&](Context& context) { return gene_scores(*matrix::make_view_source(csr.view()), sets, {.n_controls = 5}, context); };
    const GeneScoresResult result = test::same_at_1_2_4_threads(make, [](const GeneScoresResult& a, const GeneScoresResult& b) { return test::same_bits(a.score.values, b.score.values) && a.controls == b.controls; });
    for (const std::int64_t gene : result.controls[0]) EXPECT_TRUE(gene < 100 || gene >= 110);
    EXPECT_NE(result.controls[0], result.controls[1]) << "each set draws its own";
    EXPECT_TRUE(std::is_sorted(result.controls[0].begin(), result.controls[0].end()));
}

TEST(gene_scores, an_empty_set_scores_nothing_and_a_wrong_gene_is_refused) {
    const matrix::Csr csr = test::random_counts(10, 20, 0.5, 5);
    const auto context = test::make_context(1);
    const std::vector<std::vector<std::int64_t>> empty{{}};
    EXPECT_TRUE(std::isnan(gene_scores(*matrix::make_view_source(csr.view()), empty, {}, *context).score(0, 0)));
    const std::vector<std::vector<std::int64_t>> wrong{{25}};
    EXPECT_EQ(test::error_code([&] { gene_scores(*matrix::make_view_source(csr.view()), wrong, {}, *context); }), ErrorCode::invalid_data);
}

TEST(gene_scores, symbols_are_found_in_either_case) {
    const std::vector<std::string> symbols{"Actb", "CD3D", "cd3d", "MKI67"};
    const std::string_view set[] = {"MKI67", "CD3D", "NONE", "ACTB"};
    EXPECT_EQ(find_genes(symbols, set), (std::vector<std::int64_t>{3, 1, 0}));
    EXPECT_EQ(place_genes(symbols, set), (std::vector<std::int64_t>{3, 1, -1, 0}));
}

}  // namespace
}  // namespace morula::analysis
