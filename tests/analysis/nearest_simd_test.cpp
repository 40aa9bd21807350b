#include "morula/analysis/nearest_simd.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "morula/core/random.hpp"

namespace morula::analysis {
namespace {

TEST(best_scores, are_the_lowest_of_all_that_were_offered_ties_to_the_lower_id) {
    for (const std::int32_t wanted : {1, 5, 19, 63, 100}) {
        for (const std::size_t spare : {1U, 9U, 35U}) {
            Random random(2, Purpose::test, static_cast<std::uint64_t>(wanted), static_cast<std::uint32_t>(spare));
            std::vector<Scored> room(static_cast<std::size_t>(wanted) + spare), all;
            BestScores best{.room = room, .wanted = wanted};
            for (std::uint32_t id = 0; id < 400; ++id) {
                const float score = static_cast<float>(static_cast<int>(random.below(60)) - 30) / 4.0F;
                all.push_back(scored(score, id));
                if (score <= best.limit) best.offer(score, id);
            }
            best.select();
            std::sort(all.begin(), all.end());
            ASSERT_EQ(best.size, wanted);
            std::vector<Scored> found(best.candidates().begin(), best.candidates().end());
            std::sort(found.begin(), found.end());
            EXPECT_TRUE(std::equal(found.begin(), found.end(), all.begin())) << wanted << " " << spare;
            EXPECT_EQ(best.limit, score_of(found.back()));
        }
    }
}

}  // namespace
}  // namespace morula::analysis
