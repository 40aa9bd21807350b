#include "morula/models/label_sets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "morula/core/random.hpp"
#include "morula/models/reliability.hpp"
#include "tests/support/errors.hpp"

namespace morula::models {
namespace {

/// Cells whose probability for their own label is 1 - score; the rest goes to the other label.
struct MadeUp {
    matrix::Dense<float> probability;
    std::vector<std::int32_t> label;
    std::vector<std::int32_t> donor;
    std::int32_t n_donors = 0;
    CalibrationCells cells() const { return {probability.view(), label, donor, n_donors}; }
};

MadeUp of_scores(const std::vector<double>& scores, const std::vector<std::int32_t>& donor, std::int32_t n_donors) {
    MadeUp out{matrix::Dense<float>(std::ssize(scores), 2), std::vector<std::int32_t>(scores.size(), 0), donor, n_donors};
    for (std::size_t i = 0; i < scores.size(); ++i) {
        out.probability(static_cast<std::int64_t>(i), 0) = static_cast<float>(1.0 - scores[i]);
        out.probability(static_cast<std::int64_t>(i), 1) = static_cast<float>(scores[i]);
    }
    return out;
}

TEST(label_sets, with_one_cell_a_donor_the_threshold_is_split_conformals) {
    // 19 donors: the ceil(20 x .9) = 18th smallest of .05, .10, ... .95 is .90.
    std::vector<double> scores;
    std::vector<std::int32_t> donor;
    for (std::int32_t i = 18; i >= 0; --i) {
        scores.push_back(0.05 * (i + 1));
        donor.push_back(i);
    }
    const LabelSetThresholds found = calibrate_label_sets(of_scores(scores, donor, 19).cells(), {});
    EXPECT_NEAR(found.pooled, 0.90, 1e-6);
    EXPECT_TRUE(found.of_label[0].is_own);
    EXPECT_NEAR(found.of_label[0].score, 0.90, 1e-6);
    EXPECT_FALSE(found.of_label[1].is_own);  // no cell has it
    EXPECT_EQ(found.of_label[0].n_donors, 19);
}

TEST(label_sets, of_nine_donors_take_the_largest_score_and_eight_are_refused) {
    std::vector<double> scores;
    std::vector<std::int32_t> donor;
    for (std::int32_t i = 0; i < 9; ++i) {
        scores.push_back(0.1 * i);
        donor.push_back(i);
    }
    EXPECT_NEAR(calibrate_label_sets(of_scores(scores, donor, 9).cells(), {}).pooled, 0.8, 1e-6);
    scores.pop_back();
    donor.pop_back();
    EXPECT_EQ(test::error_code([&] { calibrate_label_sets(of_scores(scores, donor, 9).cells(), {}); }), ErrorCode::invalid_data);
}

/// Share of the cells of new donors whose label is in the set, over many made-up references. Donors shift the scores of all their cells.
double coverage(std::int32_t n_donors, std::int32_t cells_of_donor, double donor_sd) {
    constexpr int kStudies = 400;
    constexpr int kNewCells = 40;
    double covered = 0.0;
    for (int study = 0; study < kStudies; ++study) {
        Random random(77, Purpose::test, static_cast<std::uint64_t>(study), static_cast<std::uint32_t>(n_donors));
        const auto score = [&](double shift) { return 1.0 / (1.0 + std::exp(-(shift + random.normal()))); };
        std::vector<double> scores;
        std::vector<std::int32_t> donor;
        for (std::int32_t d = 0; d < n_donors; ++d) {
            const double shift = donor_sd * random.normal();
            for (std::int32_t i = 0; i < cells_of_donor; ++i) {
                scores.push_back(score(shift));
                donor.push_back(d);
            }
        }
        const LabelSetThresholds found = calibrate_label_sets(of_scores(scores, donor, n_donors).cells(), {.draws = 200});
        for (int i = 0; i < kNewCells; ++i) covered += score(donor_sd * random.normal()) <= found.of_label[0].score ? 1.0 : 0.0;
    }
    return covered / (kStudies * kNewCells);
}

TEST(label_sets, cover_new_donors_as_promised_however_cells_and_donors_are_shared_out) {
    // With one cell a donor coverage is k / (D + 1), k the upper rank: .9 for 9 and 19 donors, 15 / 16 for 15. With many cells it is .9 for any number of donors.
    EXPECT_NEAR(coverage(19, 1, 0.0), 0.90, 0.012);
    EXPECT_NEAR(coverage(9, 1, 1.0), 0.90, 0.015);
    EXPECT_NEAR(coverage(15, 1, 0.0), 15.0 / 16.0, 0.012);
    EXPECT_NEAR(coverage(15, 50, 0.0), 0.90, 0.012);   // donors alike
    EXPECT_NEAR(coverage(20, 50, 0.5), 0.90, 0.015);
    EXPECT_NEAR(coverage(12, 30, 1.0), 0.90, 0.025);   // donors differ as much as cells
}

/// Two labels with laws of their own, shared out 4 to 1 in every donor: the score of a common cell is the logistic of a normal variable about -.5, that of a rare one about 2.
/// Half of the cells of each law score above .38 and .88, so that one threshold for both must fail one of them.
struct TwoLaws {
    static constexpr std::int32_t kDonors = 20;
    static constexpr int kOfDonor = 50;
    static constexpr std::array<double, 2> kCenter{-0.5, 2.0};

    explicit TwoLaws(std::uint64_t study) : random(78, Purpose::test, study, 0), cells{matrix::Dense<float>(std::int64_t{kDonors} * kOfDonor, 2), {}, {}, kDonors} {
        for (std::int32_t donor = 0; donor < kDonors; ++donor) {
            const double shift = donor_shift();
            for (int i = 0; i < kOfDonor; ++i) {
                const std::int32_t label = i % 5 == 0 ? 1 : 0;
                const std::vector<float> own = probability(label, shift);
                std::ranges::copy(own, cells.probability.row(std::ssize(cells.label)).begin());
                cells.label.push_back(label);
                cells.donor.push_back(donor);
            }
        }
    }
    double donor_shift() { return 0.3 * random.normal(); }
    std::vector<float> probability(std::int32_t label, double shift) {
        const double score = 1.0 / (1.0 + std::exp(-(kCenter[static_cast<std::size_t>(label)] + shift + random.normal())));
        std::vector<float> out{static_cast<float>(score), static_cast<float>(score)};
        out[static_cast<std::size_t>(label)] = static_cast<float>(1.0 - score);
        return out;
    }

    Random random;
    MadeUp cells;
};

TEST(label_sets, give_each_label_its_own_coverage_where_one_threshold_for_all_would_not) {
    constexpr int kStudies = 150;
    constexpr int kNewCells = 40;
    std::array<double, 2> own{}, pooled{};
    for (std::uint64_t study = 0; study < kStudies; ++study) {
        TwoLaws laws(study);
        const LabelSetThresholds found = calibrate_label_sets(laws.cells.cells(), {.draws = 200});
        LabelSetThresholds one_for_all = found;
        for (LabelThreshold& each : one_for_all.of_label) each.score = found.pooled;
        for (int i = 0; i < kNewCells; ++i) {
            const double shift = laws.donor_shift();
            for (const std::int32_t label : {0, 1}) {
                const std::vector<float> probability = laws.probability(label, shift);
                const auto at = static_cast<std::size_t>(label);
                own[at] += static_cast<double>(std::ranges::count(label_set(found, probability), label)) / (kStudies * kNewCells);
                pooled[at] += static_cast<double>(std::ranges::count(label_set(one_for_all, probability), label)) / (kStudies * kNewCells);
            }
        }
    }
    std::printf("two labels: own thresholds cover %.3f and %.3f, one for both %.3f and %.3f\n", own[0], own[1], pooled[0], pooled[1]);
    for (const double covered : own) {
        EXPECT_GE(covered, 0.88);
        EXPECT_LE(covered, 0.92);
    }
    EXPECT_LT(pooled[1], 0.65);  // the case is such that a threshold over all labels fails the rare one
    EXPECT_GT(pooled[0], 0.97);
}

TEST(label_sets, hold_every_label_within_its_threshold_and_always_the_best) {
    LabelSetThresholds thresholds;
    thresholds.of_label = {{0.5, 9, 90, true}, {0.8, 9, 90, true}, {0.1, 9, 90, true}};
    EXPECT_EQ(label_set(thresholds, std::vector<float>{0.6F, 0.3F, 0.1F}), (std::vector<std::int32_t>{0, 1}));
    EXPECT_EQ(label_set(thresholds, std::vector<float>{0.15F, 0.1F, 0.75F}), (std::vector<std::int32_t>{2}));
}

TEST(likely_labels, stop_when_the_mass_is_reached) {
    EXPECT_EQ(likely_labels(std::vector<float>{0.2F, 0.5F, 0.3F}, 0.75), (std::vector<std::int32_t>{1, 2}));
    EXPECT_EQ(likely_labels(std::vector<float>{0.95F, 0.05F}, 0.9), (std::vector<std::int32_t>{0}));
}

TEST(reliability, isotonic_steps_are_those_computed_by_hand) {
    // Right, wrong, right, right by rising score, one donor: .4 and .6 pool to 1/2, two cells; .8 and .9 to 1: (2 + 1/2) / 3.
    const std::vector<double> score{0.6, 0.4, 0.9, 0.8};
    const std::vector<std::uint8_t> right{0, 1, 1, 1};
    const std::vector<std::int32_t> donor(4, 0);
    const ConfidenceMap map = fit_confidence({score, right, donor, 1}, std::vector<std::uint8_t>(4, 1));
    EXPECT_DOUBLE_EQ(map.at(0.5), 0.5);
    EXPECT_DOUBLE_EQ(map.at(0.85), 2.5 / 3.0);
    EXPECT_DOUBLE_EQ(map.at(0.1), 0.5);
    EXPECT_DOUBLE_EQ(map.at(1.0), 2.5 / 3.0);
}

TEST(reliability, each_donor_has_the_same_say) {
    // Donor 0: one right cell. Donor 1: three wrong cells. All at one score.
    const std::vector<double> score(4, 0.55);
    const std::vector<std::uint8_t> right{1, 0, 0, 0};
    const std::vector<std::int32_t> donor{0, 1, 1, 1};
    const ScoredCalls calls{score, right, donor, 2};
    const Reliability table = reliability_of(calls);
    EXPECT_EQ(table.bins.size(), 10U);
    EXPECT_EQ(table.bins[5].n_cells, 4);
    EXPECT_EQ(table.bins[5].n_donors, 2);
    EXPECT_DOUBLE_EQ(table.bins[5].right, 0.5);
    EXPECT_NEAR(table.expected_error, 0.05, 1e-12);
    EXPECT_TRUE(std::isnan(table.bins[4].right));
    EXPECT_DOUBLE_EQ(fit_confidence(calls, std::vector<std::uint8_t>(4, 1)).at(0.55), 0.5);
}

TEST(reliability, interval_is_students) {
    // Three donors at .2, .4, .6: mean .4, sd .2, half width 4.302653 x .2 / sqrt(3).
    std::vector<double> score;
    std::vector<std::uint8_t> right;
    std::vector<std::int32_t> donor;
    for (std::int32_t d = 0; d < 3; ++d) {
        for (int i = 0; i < 5; ++i) {
            score.push_back(0.45);
            right.push_back(i < d + 1 ? 1 : 0);
            donor.push_back(d);
        }
    }
    const ReliabilityBin bin = reliability_of({score, right, donor, 3}).bins[4];
    EXPECT_NEAR(bin.right, 0.4, 1e-12);
    EXPECT_NEAR(bin.right_high - bin.right, 4.302653 * 0.2 / std::sqrt(3.0), 1e-5);
    EXPECT_DOUBLE_EQ(bin.right_low, 0.0);
}

}  // namespace
}  // namespace morula::models
