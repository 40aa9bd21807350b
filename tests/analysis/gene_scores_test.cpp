#include "morula/analysis/gene_scores.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

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
