#include "morula/analysis/sample_checks.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

/// Three samples of 30 cells: XIST in the first, Y genes in the second, both in the third.
struct Samples {
    matrix::Csr counts;
    std::vector<std::string> symbols{"XIST", "RPS4Y1", "DDX3Y", "ACTB"};
    std::vector<std::int32_t> sample;
};
Samples make_samples() {
    Samples out;
    out.counts.n_rows = 90;
    out.counts.n_cols = 4;
    for (std::int32_t cell = 0; cell < 90; ++cell) {
        const std::int32_t s = cell / 30;
        const bool seen = cell % 3 == 0;
        const auto add = [&](std::uint32_t gene, float count) {
            out.counts.indices.push_back(gene);
            out.counts.values.push_back(count);
        };
        if (s != 1 && seen) add(0, 2.0f);
        if (s != 0 && seen) add(1, 1.0f);
        add(3, 10.0f);
        out.counts.indptr.push_back(static_cast<std::int64_t>(out.counts.indices.size()));
        out.sample.push_back(s);
    }
    return out;
}

TEST(sample_checks, sex_is_read_from_xist_and_y_genes) {
    const Samples samples = make_samples();
    const std::vector<std::string> told{"female", "F", "male"};
    const auto context = test::make_context(2);
    const SexCheckResult result = sex_check(*matrix::make_view_source(samples.counts.view()), samples.symbols, samples.sample, 3, told, *context);
    EXPECT_EQ(result.n_y_genes, 2);
    EXPECT_EQ(result.samples[0].seen, Sex::female);
    EXPECT_EQ(result.samples[0].verdict, SexVerdict::agrees);
    EXPECT_EQ(result.samples[1].seen, Sex::male);
    EXPECT_EQ(result.samples[1].verdict, SexVerdict::disagrees);
    EXPECT_EQ(result.samples[2].seen, Sex::mixed);
    EXPECT_NEAR(result.samples[0].pct_cells_xist, 100.0 / 3.0, 1e-9);
    EXPECT_NEAR(result.samples[0].xist_cpm, 1e6 * 20.0 / 320.0, 1e-6);
    EXPECT_EQ(parse_sex("XX"), Sex::female);
    EXPECT_EQ(parse_sex("unsure"), Sex::unknown);
}

TEST(sample_checks, the_same_bits_for_any_threads_and_seven_rows_at_a_time) {
    const matrix::Csr csr = test::random_counts(3000, 30, 0.2, 23);  // several tiles
    std::vector<std::string> symbols{"Xist", "DDX3Y", "UTY"};
    while (symbols.size() < 30) symbols.push_back("GENE" + std::to_string(symbols.size()));
    std::vector<std::int32_t> sample;
    for (std::int32_t cell = 0; cell < 3000; ++cell) sample.push_back(cell * 5 / 3000);
    const auto source = matrix::make_view_source(csr.view());
    const auto same = [](const SexCheckResult& a, const SexCheckResult& b) {
        bool equal = a.samples.size() == b.samples.size() && a.n_y_genes == b.n_y_genes && a.xist_measured == b.xist_measured;
        for (std::size_t s = 0; equal && s < a.samples.size(); ++s) {
            const SampleSex& x = a.samples[s];
            const SampleSex& y = b.samples[s];
            equal = x.n_cells == y.n_cells && x.xist_cpm == y.xist_cpm && x.y_cpm == y.y_cpm && x.pct_cells_xist == y.pct_cells_xist && x.pct_cells_y == y.pct_cells_y && x.seen == y.seen && x.evidence == y.evidence;
        }
        return equal;
    };
    const SexCheckResult serial = test::same_at_1_2_4_threads([&](Context& context) { return sex_check(*source, symbols, sample, 5, {}, context); }, same);
    EXPECT_EQ(serial.n_y_genes, 2);
    EXPECT_EQ(serial.samples[4].n_cells, 600);
    EXPECT_GT(serial.samples[4].y_cpm, 0.0);
    const auto context = test::make_context(2);
    EXPECT_TRUE(same(serial, sex_check(*test::read_seven_rows(source), symbols, sample, 5, {}, *context)));
}

TEST(sample_checks, without_the_genes_nothing_is_said) {
    const Samples samples = make_samples();
    const std::vector<std::string> other{"A", "B", "C", "D"};
    const auto context = test::make_context(1);
    const SexCheckResult result = sex_check(*matrix::make_view_source(samples.counts.view()), other, samples.sample, 3, {}, *context);
    EXPECT_EQ(result.samples[0].verdict, SexVerdict::cannot_tell);
    EXPECT_EQ(test::error_code([&] { sex_check(*matrix::make_view_source(samples.counts.view()), other, samples.sample, 2, {}, *context); }), ErrorCode::invalid_data);
}

TEST(sample_checks, stress_is_flagged_when_more_than_a_quarter_of_the_cells_show_it) {
    const std::vector<double> pct{1, 6, 7, 1, 0, 1, 1, 1, 1, 8};
    const std::vector<std::int32_t> sample{0, 0, 0, 0, 0, 1, 1, 1, 1, 1};
    const std::vector<SampleStress> stress = stress_summary(pct, sample, 2);
    EXPECT_DOUBLE_EQ(stress[0].pct_stressed, 40.0);
    EXPECT_TRUE(stress[0].flagged);
    EXPECT_DOUBLE_EQ(stress[0].median_pct, 1.0);
    EXPECT_DOUBLE_EQ(stress[1].pct_stressed, 20.0);
    EXPECT_FALSE(stress[1].flagged);
}

TEST(sample_checks, confounding_is_a_graph_that_falls_apart) {
    const auto verdict = [](std::vector<std::int32_t> batch, std::vector<std::int32_t> condition) { return confounding(batch, 3, condition, 2); };
    EXPECT_EQ(verdict({0, 0, 1, 1}, {0, 1, 0, 1}).verdict, Confounding::none);
    EXPECT_EQ(verdict({0, 0, 1}, {0, 1, 0}).verdict, Confounding::partial);
    EXPECT_EQ(verdict({0, 1, 1}, {0, 1, 1}).verdict, Confounding::complete);
    EXPECT_EQ(verdict({0, 0}, {0, 1}).verdict, Confounding::not_applicable);
    EXPECT_NEAR(verdict({0, 1}, {0, 1}).cramers_v, 1.0, 1e-12);
    EXPECT_NEAR(verdict({0, 0, 1, 1}, {0, 1, 0, 1}).cramers_v, 0.0, 1e-12);
}

}  // namespace
}  // namespace morula::analysis
