#include "morula/matrix/entry_scans.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "morula/core/random.hpp"

namespace morula::matrix {
namespace {

TEST(entry_scans, say_what_the_definition_says_for_any_length_and_place) {
    for (std::size_t n = 0; n < 140; ++n) {
        Random random(1, Purpose::test, n, 0);
        std::vector<std::uint32_t> columns;
        std::vector<float> values;
        for (std::size_t i = 0; i < n; ++i) {
            columns.push_back(static_cast<std::uint32_t>(3 * i + random.below(3)));
            values.push_back(static_cast<float>(1 + random.below(1000)));
        }
        EXPECT_EQ(bits_of_any(columns), bits_of_any_plain(columns));
        EXPECT_EQ(bits_of_steps(columns), bits_of_steps_plain(columns));
        EXPECT_EQ(bits_of_steps(columns) >> 31, 0U);
        EXPECT_FALSE(has_zero(values));
        EXPECT_TRUE(scan_counts(values).all_small);
        EXPECT_EQ(scan_counts(values).sum, scan_counts_plain(values).sum);
        if (n < 2) continue;
        const auto place = static_cast<std::size_t>(random.below(n - 1));
        for (const float odd : {0.0F, -0.0F, 0.5F, -1.0F, 8388607.0F, 8388608.0F, 3e9F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e-40F}) {
            std::vector<float> changed = values;
            changed[place] = odd;
            EXPECT_EQ(has_zero(changed), odd == 0.0F) << odd;
            EXPECT_EQ(scan_counts(changed).all_small, scan_counts_plain(changed).all_small) << odd << " at " << place << " of " << n;
            if (scan_counts(changed).all_small) {
                EXPECT_EQ(scan_counts(changed).sum, scan_counts_plain(changed).sum) << odd;
            }
        }
        std::swap(columns[place], columns[place + 1]);
        EXPECT_EQ(bits_of_steps(columns) >> 31, 1U) << place << " of " << n;
    }
    EXPECT_EQ(scan_counts(std::vector<float>(70'000, 8388607.0F)).sum, 70'000ULL * 8'388'607ULL) << "more than 32 bits hold";
    EXPECT_FALSE(scan_counts_plain(std::vector<float>{-0.0F}).all_small);
    EXPECT_FALSE(scan_counts_plain(std::vector<float>{0.5F}).all_small);
    EXPECT_TRUE(scan_counts_plain(std::vector<float>{0.0F, 3.0F}).all_small);
}

}  // namespace
}  // namespace morula::matrix
