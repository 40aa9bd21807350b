#include "morula/analysis/cnv_changes.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace morula::analysis {
namespace {

constexpr CopyState kLoss = CopyState::loss, kNeutral = CopyState::neutral, kGain = CopyState::gain;

TEST(cnv_changes, what_is_new_gone_kept_and_unclear_by_hand) {
    const std::vector<CnvSpan> before{
        {"a", "1", 1, 100, kLoss, -1.0}, {"a", "2", 1, 100, kGain, 0.6}, {"a", "3", 1, 100, kNeutral, -0.6}, {"a", "4", 1, 100, kNeutral, 0.0},
    };
    const std::vector<CnvSpan> now{
        {"x", "1", 1, 60, kLoss, -0.9},    // kept: all of it is lost before too
        {"x", "2", 1, 100, kNeutral, 0.0},  // the gain is gone
        {"x", "3", 1, 100, kLoss, -1.0},    // unclear: it was down by .6 before, and not called
        {"x", "4", 1, 100, kGain, 0.6},     // new
        {"x", "5", 1, 100, kGain, 0.6},     // new: nothing is known of chromosome 5 before
    };
    const CnvChanges changes = compare_samples(before, now);
    ASSERT_EQ(changes.spans.size(), 5U);
    const CnvVerdict wanted[] = {CnvVerdict::kept, CnvVerdict::unclear, CnvVerdict::added, CnvVerdict::added, CnvVerdict::gone};
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(changes.spans[i].verdict, wanted[i]) << i;
    EXPECT_EQ(changes.spans[4].span.chromosome, "2");
    EXPECT_EQ(changes.spans[0].share_in_other, 1.0);
    EXPECT_DOUBLE_EQ(changes.spans[1].mean_in_other, -0.6);
    EXPECT_TRUE(std::isnan(changes.spans[3].mean_in_other));
}

TEST(cnv_changes, clones_are_kept_new_with_their_origin_or_gone) {
    const std::vector<CnvSpan> before{{"first", "1", 1, 100, kLoss, -1.0}, {"second", "1", 1, 100, kLoss, -1.0}, {"second", "2", 1, 100, kGain, 0.6}};
    const std::vector<CnvSpan> now{{"p", "1", 1, 100, kLoss, -1.0}, {"p", "2", 1, 90, kGain, 0.6},
                                   {"q", "1", 1, 100, kLoss, -1.0}, {"q", "2", 1, 100, kGain, 0.6}, {"q", "3", 1, 300, kLoss, -1.0}};
    const CnvChanges changes = compare_samples(before, now);
    ASSERT_EQ(changes.clones.size(), 3U);
    EXPECT_EQ(changes.clones[0].verdict, CnvVerdict::kept);
    EXPECT_EQ(changes.clones[0].nearest, "second");
    EXPECT_DOUBLE_EQ(changes.clones[0].similarity, 190.0 / 200.0);
    EXPECT_EQ(changes.clones[1].verdict, CnvVerdict::added);
    EXPECT_EQ(changes.clones[1].nearest, "second");
    EXPECT_DOUBLE_EQ(changes.clones[1].inherited, 1.0);
    EXPECT_EQ(changes.clones[2].clone, "first");
    EXPECT_EQ(changes.clones[2].verdict, CnvVerdict::gone);
}

TEST(cnv_changes, samples_without_clones_and_equal_samples) {
    const std::vector<CnvSpan> some{{"a", "1", 1, 100, kLoss, -1.0}};
    EXPECT_EQ(compare_samples({}, some).spans[0].verdict, CnvVerdict::added);
    EXPECT_EQ(compare_samples({}, some).clones[0].nearest, "");
    EXPECT_EQ(compare_samples(some, {}).spans[0].verdict, CnvVerdict::gone);
    EXPECT_EQ(compare_samples(some, some).spans.size(), 1U);
    EXPECT_EQ(compare_samples(some, some).spans[0].verdict, CnvVerdict::kept);
    EXPECT_TRUE(compare_samples({}, {}).clones.empty());
    EXPECT_EQ(verdict_name(CnvVerdict::added), "new");
}

}  // namespace
}  // namespace morula::analysis
