#include "morula/matrix/map_columns.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "morula/core/random.hpp"

namespace morula::matrix {
namespace {

TEST(MapColumns, vectors_keep_what_the_plain_loop_keeps_at_every_length) {
    constexpr std::size_t n_columns = 300;
    for (const double share : {0.0, 0.1, 0.5, 1.0}) {
        std::vector<std::uint32_t> new_col(n_columns, kDroppedColumn);
        for (std::size_t col = 0; col < n_columns; ++col) {
            Random random(1, Purpose::test, col, 0);
            if (random.uniform() < share || share == 1.0) new_col[col] = static_cast<std::uint32_t>(1000 + col);
        }
        for (std::size_t n = 0; n <= 130; ++n) {
            std::vector<std::uint32_t> cols;
            std::vector<float> values;
            for (std::size_t i = 0; i < n; ++i) {
                Random random(2, Purpose::test, i, static_cast<std::uint32_t>(n));
                cols.push_back(static_cast<std::uint32_t>(random.below(n_columns)));
                values.push_back(static_cast<float>(i) + 0.5F);
            }
            const std::size_t room = n + static_cast<std::size_t>(kMapSlack);
            std::vector<std::uint32_t> plain_cols(room, 7), some_cols(room, 9);
            std::vector<float> plain_values(room, 7.0F), some_values(room, 9.0F);
            const std::int64_t expected = map_columns_plain(cols, values, new_col, plain_cols.data(), plain_values.data());
            ASSERT_EQ(map_columns(cols, values, new_col, some_cols.data(), some_values.data()), expected);
            for (std::size_t i = 0; i < static_cast<std::size_t>(expected); ++i) {
                ASSERT_EQ(some_cols[i], plain_cols[i]) << n << " entries, share " << share;
                ASSERT_EQ(some_values[i], plain_values[i]);
            }
        }
    }
}

TEST(MapColumns, a_row_by_hand) {
    const std::vector<std::uint32_t> new_col{kDroppedColumn, 0, kDroppedColumn, 1};
    std::vector<std::uint32_t> cols(3 + static_cast<std::size_t>(kMapSlack));
    std::vector<float> values(cols.size());
    EXPECT_EQ(map_columns(std::vector<std::uint32_t>{0, 1, 3}, std::vector<float>{5.0F, 6.0F, 7.0F}, new_col, cols.data(), values.data()), 2);
    EXPECT_EQ(cols[0], 0U);
    EXPECT_EQ(cols[1], 1U);
    EXPECT_EQ(values[1], 7.0F);
}

}  // namespace
}  // namespace morula::matrix
