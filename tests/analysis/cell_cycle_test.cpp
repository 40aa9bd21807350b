#include "morula/analysis/cell_cycle.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "morula/core/random.hpp"
#include "morula/knowledge/gene_sets.hpp"
#include "tests/analysis/fixture.hpp"
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

/// Bins hold fewer genes than there are controls, so that scanpy draws nothing: scores and phases must be the same.
TEST(cell_cycle, scores_and_phases_are_scanpys) {
    const auto rows = fixture::rows("gene_scores/cell_cycle.csv");
    const std::vector<std::string>& symbols = rows.at(0);
    matrix::Csr csr;
    csr.n_cols = static_cast<std::int64_t>(symbols.size());
    for (std::size_t i = 1; i < rows.size(); ++i) fixture::push_cell(rows[i], 3, csr);
    const auto context = test::make_context(2);
    const CellCycleResult result = cell_cycle(*matrix::make_view_source(csr.view()), symbols, {}, *context);
    EXPECT_EQ(result.n_s_genes, 40);
    EXPECT_EQ(result.n_g2m_genes, 52);
    ASSERT_EQ(result.phase.size(), 80u);
    for (std::size_t cell = 0; cell < 80; ++cell) {
        EXPECT_NEAR(result.s_score[cell], std::stod(rows[cell + 1][0]), 1e-6) << cell;
        EXPECT_NEAR(result.g2m_score[cell], std::stod(rows[cell + 1][1]), 1e-6) << cell;
        EXPECT_EQ(phase_name(result.phase[cell]), rows[cell + 1][2]) << cell;
    }
}

TEST(cell_cycle, the_same_bits_for_any_threads_and_seven_rows_at_a_time) {
    const matrix::Csr csr = test::random_counts(3000, 160, 0.1, 31);  // several tiles
    std::vector<std::string> symbols;
    for (const std::string_view gene : knowledge::s_phase_genes().symbols) symbols.emplace_back(gene);
    for (const std::string_view gene : knowledge::g2m_phase_genes().symbols) symbols.emplace_back(gene);
    while (symbols.size() < 160) symbols.push_back("OTHER" + std::to_string(symbols.size()));
    const auto source = matrix::make_view_source(csr.view());
    const auto same = [](const CellCycleResult& a, const CellCycleResult& b) { return test::same_bits(a.s_score, b.s_score) && test::same_bits(a.g2m_score, b.g2m_score) && a.phase == b.phase; };
    const CellCycleResult serial = test::same_at_1_2_4_threads([&](Context& context) { return cell_cycle(*source, symbols, {}, context); }, same);
    const auto context = test::make_context(2);
    EXPECT_TRUE(same(serial, cell_cycle(*test::read_seven_rows(source), symbols, {}, *context)));
    EXPECT_NE(serial.phase[0], Phase::unknown);
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
