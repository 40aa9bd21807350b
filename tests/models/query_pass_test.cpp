#include "morula/models/query_pass.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "morula/models/log_rows.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::models {
namespace {

constexpr std::int64_t kCells = 900;
constexpr std::int64_t kGenes = 120;
constexpr std::int32_t kLabels = 3;

/// Counts, some genes of them, and what is learned on their log values.
struct Study {
    matrix::Matrix counts = matrix::make_source(test::random_counts(kCells, kGenes, 0.3, 1));
    std::vector<std::int64_t> genes;
    std::vector<std::int32_t> label;
    matrix::Csr values;
    analysis::PcaResult components;
    MultinomialLogistic on_counts;
    LabelProfiles profiles;

    Study() {
        const auto context = test::make_context(2);
        for (std::int64_t gene = 1; gene < kGenes; gene += 2) genes.push_back(gene);
        for (std::int64_t cell = 0; cell < kCells; ++cell) label.push_back(static_cast<std::int32_t>(cell % kLabels));
        values = log_values(*counts, genes, *context);
        const matrix::Matrix source = matrix::make_view_source(values.view());
        components = analysis::pca(*source, {.n_components = 7}, *context);
        on_counts = fit_multinomial_logistic(values.view(), label, kLabels, {}, *context);
        profiles = label_profiles(*source, label, kLabels, {}, *context);
    }
    PassedCells pass(const matrix::RowBlockSource& cells, Context& context) const {
        const LogPieces none;
        return pass_over_query(cells, genes, {{}, none, {0, 7, {}}}, {Projection(components), on_counts, profiles, {}}, context);
    }
    /// As if log values and components of some cells were known.
    PassedCells pass_knowing(const std::vector<std::int64_t>& rows, const matrix::RowBlockSource& cells, Context& context) const {
        const Projection projection(components);
        const LogPieces known = log_value_pieces(*matrix::select_rows(counts, rows), genes, context);
        matrix::Dense<float> pca(std::ssize(rows), 7);
        float* at = pca.values.data();
        for (const matrix::Csr& piece : known.pieces) at = std::ranges::copy(projection.place_all(piece.view(), context).values, at).out;
        return pass_over_query(cells, genes, {rows, known, std::as_const(pca).view()}, {projection, on_counts, profiles, {}}, context);
    }
};

TEST(log_rows, are_logs_of_counts_per_10000_of_all_genes_as_computed_by_hand) {
    matrix::Dense<float> dense(3, 4);
    dense.values = {1, 0, 3, 4, 0, 0, 0, 0, 0, 5, 0, 0};
    const matrix::Matrix counts = matrix::make_source(test::to_csr(dense));
    const auto context = test::make_context(1);
    const matrix::Csr values = log_values(*counts, {1, 2}, *context);
    EXPECT_EQ(values.indptr, (std::vector<std::int64_t>{0, 1, 1, 2}));
    EXPECT_EQ(values.indices, (std::vector<std::uint32_t>{1, 0}));
    EXPECT_FLOAT_EQ(values.values[0], static_cast<float>(std::log1p(3.0 * 10000.0 / 8.0)));
    EXPECT_FLOAT_EQ(values.values[1], static_cast<float>(std::log1p(10000.0)));
    LogRows rows(*counts, {1, 2});
    rows.read({0, 3}, *context, [](std::int64_t, const matrix::CsrView&) {});
    EXPECT_EQ(rows.totals(), (std::vector<double>{8.0, 0.0, 5.0}));
}

TEST(query_pass, gives_what_each_model_gives_of_all_cells_at_once) {
    const Study study;
    const auto context = test::make_context(2);
    const PassedCells passed = study.pass(*study.counts, *context);
    EXPECT_TRUE(test::same_bits(passed.on_counts.values, label_probabilities(study.on_counts, study.values.view(), *context).values));
    const CorrelationLabels correlation = correlation_labels(study.profiles, study.values.view(), {}, *context);
    EXPECT_EQ(passed.correlation.label, correlation.label);
    EXPECT_TRUE(test::same_bits(passed.correlation.correlation, correlation.correlation));
    for (std::size_t i = 0; i < passed.pca.values.size(); ++i) ASSERT_NEAR(passed.pca.values[i], study.components.embedding.values[i], 1e-3);
    matrix::CsrScratch scratch;
    const matrix::CsrView all = study.counts->read({0, kCells}, scratch);
    for (std::int64_t cell = 0; cell < kCells; ++cell) {
        double sum = 0.0;
        for (const float count : all.row_values(cell)) sum += static_cast<double>(count);
        EXPECT_EQ(passed.total[static_cast<std::size_t>(cell)], sum);
    }
}

bool same(const PassedCells& a, const PassedCells& b) {
    return test::same_bits(a.total, b.total) && test::same_bits(a.pca.values, b.pca.values) && test::same_bits(a.on_counts.values, b.on_counts.values) && a.correlation.label == b.correlation.label &&
           test::same_bits(a.correlation.lead, b.correlation.lead) && a.correlation.is_fine_tuned == b.correlation.is_fine_tuned;
}

TEST(query_pass, gives_the_same_bits_at_any_thread_count_and_in_pieces) {
    const Study study;
    const PassedCells serial = test::same_at_1_2_4_threads([&](Context& context) { return study.pass(*study.counts, context); }, same);
    EXPECT_TRUE(same(serial, study.pass(*test::read_seven_rows(study.counts), *test::make_context(2))));
}

TEST(query_pass, gives_the_same_bits_where_some_or_all_cells_are_known) {
    const Study study;
    const PassedCells plain = study.pass(*study.counts, *test::make_context(2));
    std::vector<std::int64_t> all, some, last{kCells - 1};
    for (std::int64_t cell = 0; cell < kCells; ++cell) {
        all.push_back(cell);
        if (cell % 3 == 0 || cell % 7 == 0) some.push_back(cell);
    }
    for (const auto& rows : {all, some, last}) {
        for (const std::int32_t threads : {1, 2, 4}) EXPECT_TRUE(same(plain, study.pass_knowing(rows, *study.counts, *test::make_context(threads))));
        EXPECT_TRUE(same(plain, study.pass_knowing(rows, *test::read_seven_rows(study.counts), *test::make_context(2))));
    }
}

}  // namespace
}  // namespace morula::models
