#include "morula/analysis/programmes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "morula/analysis/p_values.hpp"
#include "morula/core/random.hpp"
#include "tests/analysis/fixture.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

/// What oracles/programmes.py wrote.
struct Oracle {
    matrix::Csr cells;
    std::vector<WeightedGenes> programmes;
    std::vector<std::vector<double>> ulm, mlm;
    std::vector<double> z;
    std::map<std::string, std::vector<double>> independent, camera;
};

std::vector<double> numbers(const std::vector<std::string>& row, std::size_t first) {
    std::vector<double> out;
    for (std::size_t i = first; i < row.size(); ++i) out.push_back(std::stod(row[i]));
    return out;
}

Oracle oracle() {
    Oracle out;
    out.cells.n_cols = 60;
    for (const auto& row : fixture::rows("programmes.csv")) {
        if (row[0] == "cell") fixture::push_cell(row, 1, out.cells);
        if (row[0] == "ulm") out.ulm.push_back(numbers(row, 1));
        if (row[0] == "mlm") out.mlm.push_back(numbers(row, 1));
        if (row[0] == "z") out.z = numbers(row, 1);
        if (row[0] == "independent") out.independent[row[1]] = numbers(row, 2);
        if (row[0] == "camera") out.camera[row[1]] = numbers(row, 2);
        if (row[0] != "programme") continue;
        out.programmes.push_back({row[1], {}, {}});
        for (std::size_t i = 2; i < row.size(); ++i) {
            out.programmes.back().genes.push_back(std::stoll(row[i]));
            out.programmes.back().weights.push_back(std::stod(row[i].substr(row[i].find(':') + 1)));
        }
    }
    return out;
}

void expect_near(const matrix::Dense<float>& found, const std::vector<std::vector<double>>& wanted) {
    ASSERT_EQ(found.n_rows, std::ssize(wanted));
    for (std::int64_t row = 0; row < found.n_rows; ++row) {
        for (std::int64_t k = 0; k < found.n_cols; ++k) {
            const double value = wanted[static_cast<std::size_t>(row)][static_cast<std::size_t>(k)];
            EXPECT_NEAR(static_cast<double>(found(row, k)), value, 1e-6 * std::max(1.0, std::abs(value))) << row << " " << k;
        }
    }
}

TEST(programmes, ulm_and_mlm_equal_least_squares) {
    const auto context = test::make_context(2);
    const Oracle known = oracle();
    ASSERT_EQ(known.programmes.size(), 4u);
    const auto source = matrix::make_source(known.cells);
    const ActivityResult one_by_one = ulm(*source, known.programmes, *context);
    EXPECT_EQ(one_by_one.df, 58.0);
    expect_near(one_by_one.t, known.ulm);
    const ActivityResult together = mlm(*source, known.programmes, *context);
    EXPECT_EQ(together.df, 55.0);
    expect_near(together.t, known.mlm);
}

/// Without the genes that no cell expresses, as decoupler and `morula programmes` take them.
Oracle of_expressed_genes(Oracle all) {
    std::vector<std::int64_t> expressed(all.cells.indices.begin(), all.cells.indices.end());
    std::ranges::sort(expressed);
    expressed.erase(std::unique(expressed.begin(), expressed.end()), expressed.end());
    const auto place = [&](std::int64_t gene) { return std::ranges::lower_bound(expressed, gene) - expressed.begin(); };
    const auto is_expressed = [&](std::int64_t gene) { return std::ranges::binary_search(expressed, gene); };
    for (std::uint32_t& gene : all.cells.indices) gene = static_cast<std::uint32_t>(place(gene));
    all.cells.n_cols = std::ssize(expressed);
    for (WeightedGenes& programme : all.programmes) {
        WeightedGenes own{programme.name, {}, {}};
        for (std::size_t i = 0; i < programme.genes.size(); ++i) {
            if (!is_expressed(programme.genes[i])) continue;
            own.genes.push_back(place(programme.genes[i]));
            own.weights.push_back(programme.weights[i]);
        }
        programme = own;
    }
    return all;
}

TEST(programmes, ulm_and_mlm_equal_decouplers) {
    const auto context = test::make_context(2);
    const Oracle known = of_expressed_genes(oracle());
    ASSERT_EQ(known.cells.n_cols, 46);
    std::vector<std::vector<double>> of_ulm, of_mlm;
    for (const auto& row : fixture::rows("decoupler.csv")) (row[0] == "ulm" ? of_ulm : of_mlm).push_back(numbers(row, 1));
    const auto source = matrix::make_source(known.cells);
    expect_near(ulm(*source, known.programmes, *context).t, of_ulm);
    expect_near(mlm(*source, known.programmes, *context).t, of_mlm);
}

TEST(programmes, ulm_by_hand) {
    const auto context = test::make_context(1);
    // Expression 1, 2, 3, 6 on weights 0, 0, 1, 1: slope 3, residuals -.5, .5, -1.5, 1.5, so RSS 5, se sqrt(5 / 2 / 1).
    const auto source = matrix::make_source(matrix::Csr{1, 4, {0, 4}, {0, 1, 2, 3}, {1.0F, 2.0F, 3.0F, 6.0F}});
    const std::vector<WeightedGenes> programmes{{"set", {2, 3}, {1.0, 1.0}}, {"repressed", {2, 3}, {-1.0, -1.0}}};
    const ActivityResult result = ulm(*source, programmes, *context);
    EXPECT_FLOAT_EQ(result.t(0, 0), static_cast<float>(3.0 / std::sqrt(2.5)));
    EXPECT_EQ(result.t(0, 1), -result.t(0, 0)) << "a repressor's activity is high where its targets are low";
    EXPECT_FLOAT_EQ(mlm(*source, std::span(programmes).first(1), *context).t(0, 0), result.t(0, 0)) << "one programme alone";
}

TEST(programmes, shared_genes_count_once_in_mlm) {
    const auto context = test::make_context(1);
    // Genes 0 to 9 are up; the second programme shares five of them and has five that are not.
    matrix::Csr cell{1, 100, {0}, {}, {}};
    for (std::uint32_t gene = 0; gene < 100; ++gene) {
        cell.indices.push_back(gene);
        cell.values.push_back((gene < 10 ? 3.0F : 1.0F) + 0.1F * static_cast<float>(gene % 3));
    }
    cell.indptr.push_back(100);
    std::vector<WeightedGenes> programmes{{"up", {}, {}}, {"shares", {}, {}}};
    for (std::int64_t gene = 0; gene < 10; ++gene) {
        programmes[0].genes.push_back(gene);
        programmes[1].genes.push_back(gene + 5);
        for (auto& programme : programmes) programme.weights.push_back(1.0);
    }
    const auto source = matrix::make_source(cell);
    EXPECT_GT(ulm(*source, programmes, *context).t(0, 1), 3.0F);
    EXPECT_LT(std::abs(mlm(*source, programmes, *context).t(0, 1)), 1.0F);
    EXPECT_GT(mlm(*source, programmes, *context).t(0, 0), 20.0F);
}

TEST(programmes, rows_without_variance_have_no_activity) {
    const auto context = test::make_context(1);
    const auto source = matrix::make_source(matrix::Csr{3, 4, {0, 0, 4, 6}, {0, 1, 2, 3, 2, 3}, {0.7F, 0.7F, 0.7F, 0.7F, 1.0F, 1.0F}});
    const std::vector<WeightedGenes> programmes{{"set", {2, 3}, {1.0, 1.0}}};
    for (const ActivityResult& result : {ulm(*source, programmes, *context), mlm(*source, programmes, *context)}) {
        EXPECT_TRUE(std::isnan(result.t(0, 0))) << "an empty cell";
        EXPECT_TRUE(std::isnan(result.t(1, 0))) << "all genes alike";
        EXPECT_GT(result.t(2, 0), 1e6F) << "the set and nothing else";
    }
}

TEST(programmes, what_cannot_be_fitted_is_named) {
    const auto context = test::make_context(1);
    const auto source = matrix::make_source(test::random_counts(5, 12, 0.5, 1));
    const auto text = [&](const std::vector<WeightedGenes>& programmes) { return test::error_text([&] { mlm(*source, programmes, *context); }); };
    EXPECT_TRUE(test::contains(text({{"A", {1, 2}, {1.0, 1.0}}, {"B", {1, 2}, {2.0, 2.0}}}), "'A' and 'B' have the same genes"));
    const std::string sum = text({{"A", {1, 2}, {1.0, 1.0}}, {"B", {3, 4}, {1.0, 1.0}}, {"C", {1, 2, 3, 4}, {1.0, 1.0, 1.0, 1.0}}});
    EXPECT_TRUE(test::contains(sum, "so mlm cannot tell them apart")) << sum;
    std::vector<WeightedGenes> many;
    for (std::int64_t gene = 0; gene < 12; ++gene) many.push_back({"P" + std::to_string(gene), {gene}, {1.0}});
    EXPECT_TRUE(test::contains(text(many), "12 programmes cannot be fitted at once to 12 genes"));
    WeightedGenes all{"ALL", {}, {}};
    for (std::int64_t gene = 0; gene < 12; ++gene) {
        all.genes.push_back(gene);
        all.weights.push_back(1.0);
    }
    EXPECT_TRUE(test::contains(test::error_text([&] { ulm(*source, std::vector{all}, *context); }), "'ALL' has the same weight for every gene"));
}

TEST(programmes, the_same_bits_for_any_threads_and_rows_read_at_once) {
    const matrix::Matrix source = matrix::make_source(test::random_counts(2500, 80, 0.3, 3));
    const Oracle known = oracle();
    const auto same = [](const std::vector<ActivityResult>& a, const std::vector<ActivityResult>& b) { return test::same_bits(a[0].t.values, b[0].t.values) && test::same_bits(a[1].t.values, b[1].t.values); };
    const auto run = [&](const matrix::RowBlockSource& rows, Context& context) { return std::vector{ulm(rows, known.programmes, context), mlm(rows, known.programmes, context)}; };
    const auto serial = test::same_at_1_2_4_threads([&](Context& context) { return run(*source, context); }, same);
    EXPECT_TRUE(same(serial, run(*test::read_seven_rows(source), *test::make_context(2))));
}

TEST(programmes, enrichment_equals_least_squares_and_camera) {
    const Oracle known = oracle();
    const std::vector<Enrichment> independent = enrichment(known.z, known.programmes, 0.0);
    for (std::size_t k = 0; k < known.programmes.size(); ++k) {
        const std::vector<double>& wanted = known.independent.at(known.programmes[k].name);
        EXPECT_NEAR(independent[k].effect, wanted[0], 1e-10);
        EXPECT_NEAR(independent[k].t, wanted[1], 1e-9);
        EXPECT_NEAR(independent[k].p, wanted[2], 1e-9);
        EXPECT_EQ(independent[k].p, independent[k].p_independent);
    }
    const std::vector<Enrichment> correlated = enrichment(known.z, known.programmes, 0.05);
    ASSERT_EQ(known.camera.size(), 2u);
    for (std::size_t k = 0; k < known.programmes.size(); ++k) {
        EXPECT_EQ(correlated[k].p_independent, independent[k].p);
        if (!known.camera.contains(known.programmes[k].name)) continue;
        const std::vector<double>& wanted = known.camera.at(known.programmes[k].name);
        EXPECT_NEAR(correlated[k].effect, wanted[1], 1e-10);
        EXPECT_NEAR(correlated[k].t, wanted[2], 1e-9);
        EXPECT_NEAR(correlated[k].p, wanted[3], 1e-9);
    }
    EXPECT_DOUBLE_EQ(correlated[3].t, independent[3].t) << "one gene has nothing to be correlated with";
}

TEST(programmes, a_single_common_factor_makes_independent_p_too_small_and_the_stated_correlation_repairs_it) {
    // 2,000 lists of 400 genes of which 30 share a factor (correlation .1), none of them different from the rest.
    constexpr int n_lists = 2000;
    WeightedGenes set{"set", {}, {}};
    for (std::int64_t gene = 0; gene < 30; ++gene) {
        set.genes.push_back(gene);
        set.weights.push_back(1.0);
    }
    double n_independent = 0.0, n_correlated = 0.0;
    for (int list = 0; list < n_lists; ++list) {
        Random random(11, Purpose::test, static_cast<std::uint64_t>(list), 0);
        const double shared = random.normal();
        std::vector<double> z;
        for (int gene = 0; gene < 400; ++gene) z.push_back(gene < 30 ? std::sqrt(0.1) * shared + std::sqrt(0.9) * random.normal() : random.normal());
        const Enrichment found = enrichment(z, std::vector{set}, 0.1)[0];
        n_independent += found.p_independent <= 0.05;
        n_correlated += found.p <= 0.05;
    }
    EXPECT_GT(n_independent / n_lists, 0.2);
    EXPECT_NEAR(n_correlated / n_lists, 0.05, 2.0 * std::sqrt(0.05 * 0.95 / n_lists));
}

TEST(programmes, z_of_a_two_sided_p_has_the_sign_of_the_effect) {
    EXPECT_NEAR(signed_z(std::log10(0.05), 1.0), 1.959963984540054, 1e-12);
    EXPECT_NEAR(signed_z(std::log10(0.05), -0.1), -1.959963984540054, 1e-12);
    EXPECT_EQ(signed_z(0.0, 1.0), 0.0);
    EXPECT_NEAR(signed_z(-std::numeric_limits<double>::infinity(), 1.0), signed_z(-300.0, 1.0), 1e-12) << "a p that a table holds as 0";
    EXPECT_TRUE(std::isnan(signed_z(std::nan(""), 1.0)));
    for (const double log10_p : {-1e-6, -0.3, -5.0, -50.0, -299.0}) EXPECT_NEAR(log10_p_normal(signed_z(log10_p, 1.0)), log10_p, 1e-10 * std::max(1.0, -log10_p));
}

}  // namespace
}  // namespace morula::analysis
