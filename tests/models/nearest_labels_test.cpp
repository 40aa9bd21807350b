#include "morula/models/nearest_labels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/core/random.hpp"
#include "morula/models/novelty.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"

namespace morula::models {
namespace {

matrix::Dense<float> points(std::int64_t n, std::int64_t dims, std::uint64_t seed) {
    matrix::Dense<float> out(n, dims);
    Random random(seed, Purpose::test, 0, 0);
    for (float& value : out.values) value = static_cast<float>(random.normal());
    return out;
}

TEST(nearest_cells, are_those_of_a_plain_search) {
    const matrix::Dense<float> reference = points(900, 12, 1);
    const matrix::Dense<float> query = points(300, 12, 2);
    const auto context = test::make_context(2);
    const NearestCells nearest = NearestSearch(reference.view(), *context).nearest(query.view(), 7, *context);
    for (std::int64_t q = 0; q < query.n_rows; ++q) {
        std::vector<std::pair<double, std::uint32_t>> all;
        for (std::int64_t r = 0; r < reference.n_rows; ++r) {
            double squares = 0.0;
            for (std::int64_t d = 0; d < 12; ++d) squares += std::pow(static_cast<double>(reference(r, d)) - static_cast<double>(query(q, d)), 2);
            all.emplace_back(std::sqrt(squares), static_cast<std::uint32_t>(r));
        }
        std::sort(all.begin(), all.end());
        for (std::int64_t i = 0; i < 7; ++i) {
            EXPECT_EQ(nearest.index(q, i), all[static_cast<std::size_t>(i)].second);
            EXPECT_NEAR(nearest.distance(q, i), all[static_cast<std::size_t>(i)].first, 1e-4);
        }
    }
}

TEST(nearest_cells, of_one_set_leave_the_cell_itself_out_but_not_its_duplicate) {
    matrix::Dense<float> cells = points(50, 4, 3);
    std::ranges::copy(cells.row(10), cells.row(20).begin());
    const auto context = test::make_context(1);
    const NearestCells nearest = NearestSearch(cells.view(), *context).nearest_others(3, *context);
    EXPECT_EQ(nearest.index(10, 0), 20U);
    EXPECT_EQ(nearest.distance(10, 0), 0.0F);
    for (std::int64_t cell = 0; cell < 50; ++cell) {
        for (std::int64_t i = 0; i < 3; ++i) EXPECT_NE(nearest.index(cell, i), static_cast<std::uint32_t>(cell));
    }
}

TEST(label_votes, weigh_by_distance_as_computed_by_hand) {
    NearestCells nearest{matrix::Dense<std::uint32_t>(2, 3), matrix::Dense<float>(2, 3)};
    nearest.index.values = {0, 1, 2, 2, 1, 0};
    nearest.distance.values = {0.0F, 1.0F, 2.0F, 0.0F, 0.0F, 0.0F};
    const std::vector<std::int32_t> label{1, 0, 0};
    const auto context = test::make_context(1);
    const matrix::Dense<float> votes = label_votes(nearest, label, 2, *context);
    const double near = 1.0;
    const double middle = std::exp(-0.25);
    const double far = std::exp(-1.0);
    EXPECT_NEAR(votes(0, 1), near / (near + middle + far), 1e-6);
    EXPECT_NEAR(votes(0, 0), (middle + far) / (near + middle + far), 1e-6);
    EXPECT_NEAR(votes(1, 0), 2.0 / 3.0, 1e-6);  // all duplicates: one vote each
    EXPECT_EQ(best_labels(votes.view()), (std::vector<std::int32_t>{0, 0}));
}

TEST(best_labels, go_to_the_lower_code_in_a_tie) {
    matrix::Dense<float> scores(1, 3);
    scores.values = {0.2F, 0.4F, 0.4F};
    EXPECT_EQ(best_labels(scores.view()).front(), 1);
}

TEST(nearest_cells, give_the_same_bits_at_any_thread_count) {
    const matrix::Dense<float> reference = points(2000, 20, 4);
    const matrix::Dense<float> query = points(700, 20, 5);
    test::same_at_1_2_4_threads([&](Context& context) { return NearestSearch(reference.view(), context).nearest(query.view(), 15, context); },
                                [](const NearestCells& a, const NearestCells& b) { return a.index.values == b.index.values && test::same_bits(a.distance.values, b.distance.values); });
}

TEST(nearest_cells, refuse_a_reference_that_is_too_small_and_values_that_are_not_finite) {
    const matrix::Dense<float> reference = points(5, 4, 6);
    matrix::Dense<float> query = points(5, 4, 7);
    const auto context = test::make_context(1);
    EXPECT_TRUE(test::contains(test::error_text([&] { NearestSearch(reference.view(), *context).nearest(query.view(), 6, *context); }), "5 cells"));
    EXPECT_EQ(test::error_code([&] { NearestSearch(reference.view(), *context).nearest_others(5, *context); }), ErrorCode::invalid_data);
    query(3, 1) = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(test::error_code([&] { NearestSearch(reference.view(), *context).nearest(query.view(), 2, *context); }), ErrorCode::invalid_data);
}

TEST(novelty, p_counts_the_reference_cells_that_are_as_far) {
    // Labels of 30 cells at ln distances 0 to 29 and 100 to 129: medians 14.5 and 114.5, equal spreads.
    std::vector<double> distance;
    std::vector<std::int32_t> label;
    for (std::int32_t code = 0; code < 2; ++code) {
        for (int i = 0; i < 30; ++i) {
            distance.push_back(100.0 * code + i);
            label.push_back(code);
        }
    }
    const UsualDistances usual = usual_distances(distance, label, 2);
    EXPECT_DOUBLE_EQ(usual.middle[0], 14.5);
    EXPECT_DOUBLE_EQ(usual.middle[1], 114.5);
    const std::vector<double> asked{29.5, 129.5, 28.5, 114.0, -50.0};
    const std::vector<std::int32_t> own{0, 1, 0, 1, 0};
    std::vector<double> p;
    for (std::size_t i = 0; i < asked.size(); ++i) p.push_back(novelty_p(usual, asked[i], own[i]));
    EXPECT_DOUBLE_EQ(p[0], 1.0 / 61.0);   // farther than all
    EXPECT_DOUBLE_EQ(p[1], 1.0 / 61.0);
    EXPECT_DOUBLE_EQ(p[2], 3.0 / 61.0);   // 29 of label 0 and 129 of label 1 are as far from the middle of their label
    EXPECT_DOUBLE_EQ(p[3], 33.0 / 61.0);  // the upper half of both
    EXPECT_DOUBLE_EQ(p[4], 1.0);
}

TEST(novelty, small_labels_take_the_spread_of_all_cells) {
    std::vector<double> distance;
    std::vector<std::int32_t> label;
    for (int i = 0; i < 50; ++i) {
        distance.push_back(i);
        label.push_back(i < 5 ? 1 : 0);
    }
    const UsualDistances usual = usual_distances(distance, label, 3);
    EXPECT_DOUBLE_EQ(usual.middle[1], 24.5);
    EXPECT_DOUBLE_EQ(usual.middle[2], 24.5);  // no cell at all
    EXPECT_DOUBLE_EQ(usual.middle[0], 27.0);
}

TEST(novelty, p_is_uniform_for_cells_of_the_reference_and_small_for_others) {
    const matrix::Dense<float> reference = points(2000, 8, 8);
    const matrix::Dense<float> same = points(2000, 8, 9);
    matrix::Dense<float> other = points(200, 8, 10);
    for (std::int64_t cell = 0; cell < other.n_rows; ++cell) other(cell, 0) += 8.0F;
    const auto context = test::make_context(2);
    const std::vector<std::int32_t> one(2000, 0);
    const UsualDistances usual = usual_distances(log_distances(reference.view(), reference.view(), NearestSearch(reference.view(), *context).nearest_others(15, *context), *context), one, 1);
    const auto p_of = [&](const matrix::Dense<float>& cells) {
        std::vector<double> p;
        for (const double each : log_distances(reference.view(), cells.view(), NearestSearch(reference.view(), *context).nearest(cells.view(), 15, *context), *context)) p.push_back(novelty_p(usual, each, 0));
        return p;
    };
    const std::vector<double> known = p_of(same);
    for (const double t : {0.05, 0.2, 0.5, 0.9}) {
        const double share = static_cast<double>(std::ranges::count_if(known, [&](double p) { return p <= t; })) / 2000.0;
        EXPECT_NEAR(share, t, 4.0 * std::sqrt(2.0 * t * (1.0 - t) / 2000.0)) << t;
    }
    const std::vector<double> strange = p_of(other);
    EXPECT_GE(std::ranges::count_if(strange, [](double p) { return p <= kNoveltyThreshold; }), 190);
}

}  // namespace
}  // namespace morula::models
