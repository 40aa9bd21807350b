#include "morula/analysis/doublets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/analysis/doublet_threshold.hpp"
#include "morula/analysis/simulated_doublets.hpp"
#include "morula/core/error.hpp"
#include "morula/core/random.hpp"
#include "tests/analysis/made_up.hpp"

namespace morula::analysis {
namespace {

struct Planted {
    matrix::Csr counts;
    std::vector<std::uint8_t> is_doublet;
};

/// Cells of `n_types` types (own genes each) over 300 genes; the last n_doublets cells are sums of two cells of different types.
Planted planted(std::int64_t n_single, std::int64_t n_doublets, int n_types) {
    const std::int64_t n_genes = 300;
    const auto draw = [&](std::int64_t id, int type) {
        Random random(3, Purpose::test, static_cast<std::uint64_t>(id), 0);
        std::vector<std::int64_t> cell;
        for (std::int64_t g = 0; g < n_genes; ++g) {
            const bool own = g < 120 && g % n_types == type;
            cell.push_back(random.poisson((g >= 120 ? 1.0 : own ? 4.0 : 0.1) * (0.5 + random.uniform())));
        }
        return cell;
    };
    Planted result;
    result.counts.n_cols = n_genes;
    for (std::int64_t c = 0; c < n_single + n_doublets; ++c) {
        auto cell = draw(c, static_cast<int>(c % n_types));
        if (c >= n_single) {
            const auto other = draw(100000 + c, static_cast<int>((c + 1) % n_types));
            for (std::size_t g = 0; g < cell.size(); ++g) cell[g] += other[g];
        }
        for (std::size_t g = 0; g < cell.size(); ++g) {
            if (cell[g] == 0) continue;
            result.counts.indices.push_back(static_cast<std::uint32_t>(g));
            result.counts.values.push_back(static_cast<float>(cell[g]));
        }
        made_up::push_row(result.counts);
        result.is_doublet.push_back(c >= n_single ? 1 : 0);
    }
    return result;
}

double auroc(const std::vector<float>& score, const std::vector<std::uint8_t>& truth) {
    double wins = 0.0, pairs = 0.0;
    for (std::size_t i = 0; i < score.size(); ++i) {
        for (std::size_t j = 0; j < score.size(); ++j) {
            if (truth[i] == 0 || truth[j] != 0) continue;
            wins += score[i] > score[j] ? 1.0 : score[i] == score[j] ? 0.5 : 0.0;
            pairs += 1.0;
        }
    }
    return wins / pairs;
}

std::vector<std::int32_t> one_capture(const matrix::Csr& counts) { return std::vector<std::int32_t>(static_cast<std::size_t>(counts.n_rows), 0); }

TEST(Doublets, planted_ones_score_highest_and_are_called) {
    Context context({});
    const Planted in = planted(760, 40, 4);
    const auto result = doublets(*matrix::make_view_source(in.counts.view()), one_capture(in.counts), 1, {.expected_rate = 0.05}, context);
    EXPECT_GT(auroc(result.score, in.is_doublet), 0.97);
    EXPECT_EQ(result.captures[0].rule, DoubletThreshold::valley) << result.captures[0].note;
    int hits = 0, false_calls = 0;
    for (std::size_t c = 0; c < in.is_doublet.size(); ++c) {
        hits += result.call[c] != 0 && in.is_doublet[c] != 0 ? 1 : 0;
        false_calls += result.call[c] != 0 && in.is_doublet[c] == 0 ? 1 : 0;
        EXPECT_GE(result.score[c], 0.0f);
        EXPECT_LE(result.score[c], 1.0f);
    }
    EXPECT_GE(hits, 32);
    EXPECT_LE(false_calls, 20);
    EXPECT_EQ(result.captures[0].n_called, hits + false_calls);
    // Three in four random pairs are of two types, and only those can be seen.
    EXPECT_NEAR(result.captures[0].detectable_share, 0.75, 0.1);
}

TEST(Doublets, one_type_has_no_valley_and_calls_by_the_expected_rate_and_says_so) {
    Context context({});
    const Planted in = planted(600, 0, 1);
    const auto result = doublets(*matrix::make_view_source(in.counts.view()), one_capture(in.counts), 1, {.expected_rate = 0.04}, context);
    EXPECT_EQ(result.captures[0].rule, DoubletThreshold::expected_rate);
    EXPECT_NE(result.captures[0].note.find("4.0 %"), std::string::npos) << result.captures[0].note;
    EXPECT_LE(result.captures[0].n_called, 24);
}

TEST(Doublets, same_bits_for_any_threads_and_reading_and_whatever_other_captures_hold) {
    const Planted in = planted(300, 15, 3);
    const auto source = matrix::make_view_source(in.counts.view());
    auto capture = one_capture(in.counts);
    const auto results = made_up::with_threads([&](Context& context) { return doublets(*source, capture, 1, {}, context); });
    Context context({});
    const auto seven = doublets(*made_up::seven_rows(source), capture, 1, {}, context);
    for (const auto& r : {results[1], results[2], seven}) {
        EXPECT_EQ(r.score, results[0].score);
        EXPECT_EQ(r.call, results[0].call);
    }
    const auto two = matrix::stack_rows({source, source});
    capture.insert(capture.end(), capture.size(), 1);
    const auto both = doublets(*two, capture, 2, {}, context);
    EXPECT_TRUE(std::equal(results[0].score.begin(), results[0].score.end(), both.score.begin()));
    EXPECT_NE(doublets(*source, one_capture(in.counts), 1, {.seed = 1}, context).score, results[0].score) << "the seed must matter";
}

TEST(Doublets, small_captures_and_empty_cells_are_not_scored) {
    Context context({});
    Planted in = planted(40, 0, 2);
    const auto few = doublets(*matrix::make_view_source(in.counts.view()), one_capture(in.counts), 1, {}, context);
    EXPECT_TRUE(std::isnan(few.score[0]));
    EXPECT_EQ(few.captures[0].n_called, 0);
    EXPECT_NE(few.captures[0].note.find("too few"), std::string::npos);
    in = planted(100, 0, 2);
    made_up::push_row(in.counts);  // a cell without counts
    const auto empty = doublets(*matrix::make_view_source(in.counts.view()), one_capture(in.counts), 1, {}, context);
    EXPECT_TRUE(std::isnan(empty.score[100]));
    EXPECT_EQ(empty.call[100], 0);
    EXPECT_FALSE(std::isnan(empty.score[0]));
    matrix::Csr none;
    none.n_cols = 300;
    EXPECT_TRUE(doublets(*matrix::make_view_source(none.view()), {}, 1, {}, context).score.empty());
    EXPECT_THROW(doublets(*matrix::make_view_source(in.counts.view()), std::vector<std::int32_t>(101, 1), 1, {}, context), Error);
    EXPECT_THROW(doublets(*matrix::make_view_source(in.counts.view()), std::vector<std::int32_t>(3, 0), 1, {}, context), Error);
}

TEST(Doublets, large_captures_are_scored_in_parts_that_hold_cells_from_all_over) {
    const auto made = planted(39'400, 1'400, 4);  // in the file: doublets last
    const std::vector<std::int32_t> capture(made.is_doublet.size(), 0);
    const auto scored = [&](std::int32_t threads) {
        Context context({.threads = threads});
        return doublets(*matrix::make_view_source(made.counts.view()), capture, 1, {.expected_rate = 0.035, .n_components = 10}, context);
    };
    const auto result = scored(2);                 // two of three parts side by side
    EXPECT_EQ(result.score, scored(4).score);      // one after the other
    std::vector<float> score;  // of every 20th cell, to count pairs quickly
    std::vector<std::uint8_t> truth;
    for (std::size_t c = 0; c < capture.size(); c += 20) {
        ASSERT_FALSE(std::isnan(result.score[c])) << c;
        score.push_back(result.score[c]);
        truth.push_back(made.is_doublet[c]);
    }
    EXPECT_GT(auroc(score, truth), 0.95);
    EXPECT_EQ(result.captures[0].simulated_scores.size(), 12'000U);  // three parts
}

TEST(SimulatedDoublets, rows_are_sums_of_pairs) {
    const matrix::Csr csr{.n_rows = 3, .n_cols = 4, .indptr = {0, 2, 4, 4}, .indices = {0, 2, 2, 3}, .values = {1, 2, 5, 7}};
    const auto source = simulated_doublets(csr.view(), {{0, 1}, {1, 0}, {2, 0}});
    matrix::CsrScratch scratch;
    const auto rows = source->read({0, 3}, scratch);
    EXPECT_EQ(std::vector<std::uint32_t>(rows.row_indices(0).begin(), rows.row_indices(0).end()), (std::vector<std::uint32_t>{0, 2, 3}));
    EXPECT_EQ(std::vector<float>(rows.row_values(0).begin(), rows.row_values(0).end()), (std::vector<float>{1, 7, 7}));
    EXPECT_TRUE(std::equal(rows.row_values(0).begin(), rows.row_values(0).end(), rows.row_values(1).begin()));
    EXPECT_EQ(std::vector<float>(rows.row_values(2).begin(), rows.row_values(2).end()), (std::vector<float>{1, 2}));
}

std::vector<std::int32_t> counts_around(double centre, double sd, std::uint64_t n) {
    std::vector<std::int32_t> counts;
    for (std::uint64_t i = 0; i < n; ++i) {
        Random random(5, Purpose::test, i, static_cast<std::uint32_t>(centre));
        counts.push_back(static_cast<std::int32_t>(std::clamp(centre + sd * random.normal(), 0.0, 100.0)));
    }
    return counts;
}

TEST(DoubletThreshold, stands_where_doublets_become_the_likelier_explanation) {
    auto cells = counts_around(30, 6, 1900);
    const auto doublets_seen = counts_around(80, 6, 100);
    cells.insert(cells.end(), doublets_seen.begin(), doublets_seen.end());
    auto simulated = counts_around(80, 6, 3000);
    const auto alike = counts_around(35, 8, 1000);  // doublets of two alike cells
    simulated.insert(simulated.end(), alike.begin(), alike.end());
    const auto level = valley_level(cells, simulated, 100, 0.05);
    ASSERT_TRUE(level.has_value());
    // By hand: .05 * .25 * N(x; 35, 8) reaches half of .95 * N(x; 30, 6) at x = 50.5.
    EXPECT_NEAR(*level, 50, 5);
}

TEST(DoubletThreshold, is_none_where_simulated_doublets_look_like_cells) {
    EXPECT_FALSE(valley_level(counts_around(60, 8, 2000), counts_around(64, 8, 4000), 100, 0.05).has_value());
    EXPECT_FALSE(valley_level(counts_around(60, 8, 2000), counts_around(60, 8, 4000), 100, 0.05).has_value());
    EXPECT_FALSE(valley_level(std::vector<std::int32_t>(100, 20), std::vector<std::int32_t>(200, 20), 100, 0.05).has_value());
    EXPECT_FALSE(valley_level({}, {}, 100, 0.05).has_value());
}

TEST(DoubletThreshold, share_is_never_exceeded_even_with_ties) {
    const std::vector<float> scores{0.1f, 0.5f, 0.5f, 0.5f, 0.9f};
    EXPECT_EQ(threshold_for_share(scores, 0.2), static_cast<double>(0.5f));
    EXPECT_EQ(threshold_for_share(scores, 0.4), static_cast<double>(0.5f));
    EXPECT_EQ(threshold_for_share(scores, 0.0), std::numeric_limits<double>::infinity());
    EXPECT_EQ(threshold_for_share({}, 0.5), std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace morula::analysis
