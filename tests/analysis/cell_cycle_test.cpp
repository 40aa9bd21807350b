#include "morula/analysis/cell_cycle.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "morula/core/random.hpp"
#include "morula/knowledge/gene_sets.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

/// 60 cells; cells 0-19 are high in S genes, 20-39 in G2/M genes, the rest in neither.
struct Sample {
    matrix::Csr values;
    std::vector<std::string> symbols;
};
Sample make_sample() {
    Sample sample;
    for (const std::string_view gene : knowledge::s_phase_genes().symbols) sample.symbols.emplace_back(gene);
    const std::size_t n_s = sample.symbols.size();
    for (const std::string_view gene : knowledge::g2m_phase_genes().symbols) sample.symbols.emplace_back(gene);
    const std::size_t n_cycle = sample.symbols.size();
    for (int i = 0; i < 400; ++i) sample.symbols.push_back("OTHER" + std::to_string(i));
    sample.values.n_rows = 60;
    sample.values.n_cols = static_cast<std::int64_t>(sample.symbols.size());
    for (std::uint64_t cell = 0; cell < 60; ++cell) {
        Random random(1, Purpose::test, cell, 0);
        for (std::size_t gene = 0; gene < sample.symbols.size(); ++gene) {
            const bool s = cell < 20 && gene < n_s;
            const bool g2m = cell >= 20 && cell < 40 && gene >= n_s && gene < n_cycle;
            // Other genes have the mean that a cycle gene has over all cells, so that they are its controls.
            const double value = random.uniform() + (s || g2m ? 2.0 : 0.0) + (gene >= n_cycle ? 2.0 / 3.0 : 0.0);
            sample.values.indices.push_back(static_cast<std::uint32_t>(gene));
            sample.values.values.push_back(static_cast<float>(value));
        }
        sample.values.indptr.push_back(static_cast<std::int64_t>(sample.values.indices.size()));
    }
    return sample;
}

TEST(cell_cycle, planted_phases_are_found) {
    const Sample sample = make_sample();
    const auto context = test::make_context(2);
    const CellCycleResult result = cell_cycle(*matrix::make_view_source(sample.values.view()), sample.symbols, {}, *context);
    EXPECT_EQ(result.n_s_genes, 43);
    EXPECT_EQ(result.n_g2m_genes, 54);
    int right = 0;
    for (std::size_t cell = 0; cell < 60; ++cell) right += result.phase[cell] == (cell < 20 ? Phase::s : cell < 40 ? Phase::g2m : Phase::g1) ? 1 : 0;
    EXPECT_GE(right, 58);
}

TEST(cell_cycle, too_few_genes_mean_unknown) {
    const matrix::Csr csr = test::random_counts(8, 30, 0.5, 1);
    const std::vector<std::string> symbols(30, "GENE");
    const auto context = test::make_context(1);
    const CellCycleResult result = cell_cycle(*matrix::make_view_source(csr.view()), symbols, {}, *context);
    EXPECT_EQ(result.phase[3], Phase::unknown);
    EXPECT_TRUE(std::isnan(result.s_score[3]));
    EXPECT_EQ(test::error_code([&] { cell_cycle(*matrix::make_view_source(csr.view()), std::vector<std::string>(3), {}, *context); }), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::analysis
