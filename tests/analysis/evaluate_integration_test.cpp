#include "morula/analysis/evaluate_integration.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "tests/analysis/embedding_cases.hpp"
#include "tests/analysis/fixture.hpp"
#include "tests/support/contexts.hpp"

namespace morula::analysis {
namespace {

using cases::Threads;

/// Made-up cells of four kinds and two batches, in turn.
struct Made {
    matrix::Dense<float> cells;
    std::vector<std::int32_t> batch;
    std::vector<std::int32_t> label;

    GroupCodes batches() const { return {batch, 2}; }
    GroupCodes labels() const { return {label, 4}; }
};
Made made(std::int64_t n, double shift) {
    Made out{cases::clustered_cells(n, 8, 4, 5.0, 11), {}, {}};
    for (std::int64_t cell = 0; cell < n; ++cell) {
        out.label.push_back(static_cast<std::int32_t>(cell % 4));
        out.batch.push_back(Random(3, Purpose::test, static_cast<std::uint64_t>(cell), 7).uniform() < 0.5 ? 0 : 1);
        if (out.batch.back() == 1) out.cells(cell, 0) += static_cast<float>(shift);
    }
    return out;
}

IntegrationScores evaluate(const Made& cells, const EvaluateIntegrationOptions& options) {
    Threads two(2);
    return evaluate_integration(cells.cells.view(), cells.batches(), cells.labels(), options, two.context);
}

/// Every score, for comparisons.
std::vector<double> all_of(const IntegrationScores& s) {
    return {s.batch.ilisi_median, s.batch.ilisi_expected, s.batch.ilisi, s.batch.silhouette, s.batch.acceptance, s.batch.graph_connectivity, s.batch.mean, s.label.clisi_median, s.label.clisi, s.label.silhouette, s.label.nmi, s.label.ari,
            s.label.resolution, s.label.isolated_f1, s.label.isolated_silhouette, s.label.mean, s.total};
}

TEST(evaluate_integration, perfect_mixing_of_clear_kinds_scores_near_one) {
    const IntegrationScores s = evaluate(made(1200, 0.0), {});
    EXPECT_EQ(s.n_batches, 2);
    EXPECT_EQ(s.n_labels, 4);
    EXPECT_EQ(s.n_measured, 1200);
    EXPECT_GT(s.batch.ilisi, 0.9);
    EXPECT_NEAR(s.batch.ilisi_median, s.batch.ilisi_expected, 0.1);
    EXPECT_GT(s.batch.silhouette, 0.97);
    EXPECT_GT(s.batch.acceptance, 0.9);
    EXPECT_EQ(s.batch.graph_connectivity, 1.0);
    EXPECT_GT(s.label.clisi, 0.999);
    EXPECT_NEAR(s.label.nmi, 1.0, 1e-9);
    EXPECT_NEAR(s.label.ari, 1.0, 1e-9);
    EXPECT_EQ(s.label.n_clusters, 4);
    EXPECT_GT(s.label.silhouette, 0.8);
    EXPECT_TRUE(s.label.isolated.empty()) << "every label is in both batches";
    EXPECT_TRUE(std::isnan(s.label.isolated_f1));
    EXPECT_NEAR(s.total, 0.4 * s.batch.mean + 0.6 * s.label.mean, 1e-12);
    EXPECT_NEAR(s.batch.mean, (s.batch.ilisi + s.batch.silhouette + s.batch.acceptance + s.batch.graph_connectivity) / 4.0, 1e-12);
    EXPECT_NEAR(s.label.mean, (s.label.clisi + s.label.silhouette + s.label.nmi + s.label.ari) / 4.0, 1e-12) << "what is not defined takes no part";
}

TEST(evaluate_integration, batches_apart_score_no_mixing_and_cut_the_kinds_in_two) {
    const IntegrationScores s = evaluate(made(1200, 60.0), {});
    EXPECT_NEAR(s.batch.ilisi, 0.0, 1e-6);
    EXPECT_EQ(s.batch.acceptance, 0.0);
    EXPECT_LT(s.batch.silhouette, 0.1);
    EXPECT_NEAR(s.batch.graph_connectivity, 0.5, 0.05) << "each kind is two parts of about the same size";
    EXPECT_NEAR(s.label.clisi, 1.0, 1e-6);
    EXPECT_LT(s.label.nmi, 0.9);
    EXPECT_LT(s.total, evaluate(made(1200, 0.0), {}).total - 0.2);
}

TEST(evaluate_integration, kinds_thrown_together_lose_the_scores_of_kinds_alone) {
    Made cells = made(1200, 0.0);
    cells.cells = cases::clustered_cells(1200, 8, 1, 0.0, 12);
    const IntegrationScores s = evaluate(cells, {});
    EXPECT_GT(s.batch.ilisi, 0.9);
    EXPECT_LT(s.label.clisi, 0.25) << "a neighbourhood of 30 of four equal kinds holds 3.3 to 3.6 effective ones";
    EXPECT_LT(s.label.nmi, 0.1);
    EXPECT_NEAR(s.label.silhouette, 0.5, 0.02);
}

TEST(evaluate_integration, a_kind_of_one_batch_is_isolated_and_seen_when_it_stays_apart) {
    Made cells = made(1200, 0.0);
    for (std::size_t cell = 2; cell < cells.label.size(); cell += 4) cells.batch[cell] = 1;  // label 2
    const IntegrationScores apart = evaluate(cells, {});
    EXPECT_EQ(apart.label.isolated, std::vector<std::int32_t>{2});
    EXPECT_NEAR(apart.label.isolated_f1, 1.0, 1e-9);
    EXPECT_GT(apart.label.isolated_silhouette, 0.8);
    // Pulled into another kind, as over-correction does.
    for (std::int64_t cell = 2; cell < 1200; cell += 4) std::ranges::copy(cells.cells.row(cell - 1), cells.cells.row(cell).begin());
    const IntegrationScores pulled = evaluate(cells, {});
    EXPECT_LT(pulled.label.isolated_f1, 0.75);
    EXPECT_LT(pulled.label.isolated_silhouette, 0.55);
    EXPECT_LT(pulled.total, apart.total);
}

TEST(evaluate_integration, the_order_of_cells_and_codes_does_not_matter) {
    const Made cells = made(800, 2.0);
    std::vector<std::int64_t> order(800);
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, {}, [](std::int64_t cell) { return Random(1, Purpose::test, static_cast<std::uint64_t>(cell), 9).next_u64(); });
    Made turned{matrix::Dense<float>(800, 8), {}, {}};
    for (std::int64_t row = 0; row < 800; ++row) {
        const std::int64_t from = order[static_cast<std::size_t>(row)];
        std::ranges::copy(cells.cells.row(from), turned.cells.row(row).begin());
        turned.batch.push_back(1 - cells.batch[static_cast<std::size_t>(from)]);
        turned.label.push_back(3 - cells.label[static_cast<std::size_t>(from)]);
    }
    const std::vector<double> a = all_of(evaluate(cells, {})), b = all_of(evaluate(turned, {}));
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE((std::isnan(a[i]) && std::isnan(b[i])) || std::abs(a[i] - b[i]) < 1e-6) << i << ": " << a[i] << " " << b[i];
}

TEST(evaluate_integration, same_bits_at_any_thread_count_and_samples_agree_with_all_cells) {
    const Made cells = made(1500, 1.0);
    const EvaluateIntegrationOptions options{.max_cells = 300, .max_label_cells = 120, .resolutions = {0.5, 1.0}};
    const auto make = [&](Context& context) { return all_of(evaluate_integration(cells.cells.view(), cells.batches(), cells.labels(), options, context)); };
    const std::vector<double> some = test::same_at_1_2_4_threads(make, [](const auto& a, const auto& b) { return test::same_bits(a, b); });
    const std::vector<double> all = all_of(evaluate(cells, {.resolutions = {0.5, 1.0}}));
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_TRUE((std::isnan(some[i]) && std::isnan(all[i])) || std::abs(some[i] - all[i]) < 0.06) << i << ": " << some[i] << " " << all[i];
}

TEST(evaluate_integration, without_labels_mixing_alone) {
    Threads two(2);
    const Made cells = made(600, 0.0);
    const IntegrationScores s = evaluate_integration(cells.cells.view(), cells.batches(), {}, {}, two.context);
    EXPECT_GT(s.batch.ilisi, 0.9);
    EXPECT_GT(s.batch.acceptance, 0.9);
    EXPECT_TRUE(std::isnan(s.batch.graph_connectivity));
    EXPECT_TRUE(std::isnan(s.label.nmi));
    EXPECT_TRUE(std::isnan(s.total));
    EXPECT_EQ(s.n_labels, 0);
}

/// Cells and scores that oracles/scib_metrics_scores.py wrote.
struct ScibMetrics {
    Made cells;
    std::map<std::string, double> score;

    ScibMetrics() {
        std::vector<std::vector<std::string>> rows;
        for (auto& row : fixture::rows("scib_metrics.csv")) {
            if (row[0] == "score") score[row[1]] = std::stod(row[2]);
            else rows.push_back(std::move(row));
        }
        cells.cells = matrix::Dense<float>(std::ssize(rows), 5);
        for (std::size_t cell = 0; cell < rows.size(); ++cell) {
            cells.label.push_back(std::stoi(rows[cell][1]));
            cells.batch.push_back(std::stoi(rows[cell][2]));
            for (std::size_t d = 0; d < 5; ++d) cells.cells(static_cast<std::int64_t>(cell), static_cast<std::int64_t>(d)) = std::stof(rows[cell][3 + d]);
        }
    }
};

TEST(evaluate_integration, scores_equal_those_of_scib_metrics_where_both_mean_the_same) {
    ScibMetrics known;
    Threads two(2);
    const IntegrationScores s = evaluate_integration(known.cells.cells.view(), {known.cells.batch, 3}, {known.cells.label, 3}, {.perplexity = 30.0, .n_neighbors = 6}, two.context);
    EXPECT_NEAR(s.batch.ilisi, known.score["ilisi"], 1e-4);
    EXPECT_NEAR(s.label.clisi, known.score["clisi"], 1e-4);
    EXPECT_NEAR(s.label.silhouette, known.score["asw_label"], 1e-5);
    EXPECT_NEAR(s.batch.silhouette, known.score["asw_batch"], 1e-5);
    EXPECT_EQ(s.label.isolated, std::vector<std::int32_t>{2}) << "one batch lacks it";
    EXPECT_NEAR(s.label.isolated_silhouette, known.score["isolated_asw"], 1e-5);
    EXPECT_NEAR(s.batch.graph_connectivity, known.score["connectivity_either"], 1e-6);
    EXPECT_LT(known.score["connectivity"], s.batch.graph_connectivity - 0.01) << "scib-metrics asks that each cell reaches each other along the directions in which neighbours were found";
    // The chi-squared test on the same neighbours; scib-metrics' own score takes others, by diffusion in the graph.
    EXPECT_NEAR(s.batch.acceptance, (known.score["kbet_0"] + known.score["kbet_1"] + known.score["kbet_2"]) / 3.0, 1e-6);
}

TEST(evaluate_integration, refuses_what_has_no_answer) {
    Threads one(1);
    Made cells = made(60, 0.0);
    const auto code = [&](const GroupCodes& batches, const GroupCodes& labels, const EvaluateIntegrationOptions& options) {
        return test::error_code([&] { evaluate_integration(cells.cells.view(), batches, labels, options, one.context); });
    };
    const std::vector<std::int32_t> same(60, 0), few(59, 0);
    EXPECT_EQ(code({same, 2}, cells.labels(), {}), ErrorCode::invalid_data) << "one batch";
    EXPECT_EQ(code(cells.batches(), {same, 4}, {}), ErrorCode::invalid_data) << "one label";
    EXPECT_EQ(code({few, 2}, cells.labels(), {}), ErrorCode::invalid_data);
    EXPECT_EQ(code({cells.label, 2}, cells.labels(), {}), ErrorCode::invalid_data) << "a code too large";
    EXPECT_EQ(code(cells.batches(), cells.labels(), {.n_neighbors = 100}), ErrorCode::invalid_data);
    EXPECT_EQ(code(cells.batches(), cells.labels(), {.resolutions = {}}), ErrorCode::usage);
    cells.cells(7, 3) = std::nanf("");
    EXPECT_EQ(code(cells.batches(), cells.labels(), {}), ErrorCode::invalid_data);
    for (const float value : {0.0F, 1.5F}) {
        std::ranges::fill(cells.cells.values, value);
        EXPECT_EQ(code(cells.batches(), cells.labels(), {}), ErrorCode::invalid_data) << "all cells at one point";
        EXPECT_EQ(code(cells.batches(), {}, {}), ErrorCode::invalid_data);
    }
    cells.cells(59, 0) = 2.0F;
    EXPECT_NO_THROW(evaluate_integration(cells.cells.view(), cells.batches(), cells.labels(), {}, one.context)) << "one cell elsewhere is a poor embedding, but one";
}

}  // namespace
}  // namespace morula::analysis
