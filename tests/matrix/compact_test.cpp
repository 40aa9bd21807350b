#include <gtest/gtest.h>

#include <limits>

#include "morula/matrix/block_source.hpp"
#include "morula/matrix/widen.hpp"
#include "tests/support/sources.hpp"

namespace morula::matrix {
namespace {

using test::make_context;
using test::random_counts;
using test::same_csr;

void expect_same_after_compacting(const Csr& csr) {
    const Csr back = test::same_at_1_2_4_threads([&](Context& context) { return read_all(*compact_copy(*make_source(csr), context), context); }, same_csr);
    EXPECT_TRUE(same_csr(back, csr));
    const auto context = make_context(2);
    const Matrix compact = compact_copy(*test::read_seven_rows(make_source(csr)), *context);
    EXPECT_EQ(compact->nnz(), static_cast<std::int64_t>(csr.values.size()));
    EXPECT_TRUE(same_csr(read_all(*test::read_seven_rows(compact), *context), csr)) << "reading 7 rows at a time";
}

TEST(Compact, counts_with_large_values_come_back_bit_for_bit) { expect_same_after_compacting(random_counts(3000, 60, 0.3, 1)); }

TEST(Compact, empty_rows_and_empty_matrices_come_back) {
    expect_same_after_compacting(Csr{});
    expect_same_after_compacting(Csr{5, 3, {0, 0, 0, 0, 0, 0}, {}, {}});
    expect_same_after_compacting(test::keep_entries(random_counts(2500, 20, 0.3, 2), [](std::int64_t row, std::int64_t, float) { return row > 1100 && row % 5 != 0; }));
}

TEST(Compact, columns_above_16_bits_come_back) {
    Csr csr = random_counts(40, 50, 0.5, 3);
    csr.n_cols = 65'537;
    for (std::uint32_t& col : csr.indices) col += 65'487;
    expect_same_after_compacting(csr);
    csr.n_cols = 65'536;
    for (std::uint32_t& col : csr.indices) col -= 1;
    expect_same_after_compacting(csr);
}

/// n values of one kind among which each of `others` is found.
Csr row_of(std::vector<float> values) {
    Csr csr{1, static_cast<std::int64_t>(values.size()), {0, static_cast<std::int64_t>(values.size())}, {}, {}};
    for (std::size_t i = 0; i < values.size(); ++i) csr.indices.push_back(static_cast<std::uint32_t>(i));
    csr.values = std::move(values);
    return csr;
}

TEST(Compact, values_at_the_edges_of_each_code_come_back_bit_for_bit) {
    const std::vector<float> edges{0.0F, -0.0F, 1.0F, 253.0F, 254.0F, 255.0F, 256.0F, 65'534.0F, 65'535.0F, 65'536.0F, 16'777'216.0F, 4e9F, 0.5F, -1.0F, -3.5F,
                                   std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::denorm_min()};
    for (const float usual : {1.0F, 300.0F, 1.37F}) {  // so that each of the three forms is the smallest
        std::vector<float> values(1000, usual);
        for (std::size_t i = 0; i < edges.size(); ++i) values[i * 50] = edges[i];
        expect_same_after_compacting(row_of(values));
    }
    expect_same_after_compacting(row_of(edges));
}

TEST(Compact, widening_agrees_with_a_plain_loop_at_every_length_and_offset) {
    std::vector<std::uint16_t> shorts(300);
    std::vector<std::uint8_t> bytes(300);
    for (std::size_t i = 0; i < 300; ++i) {
        shorts[i] = static_cast<std::uint16_t>(65'535 - i * 217);
        bytes[i] = static_cast<std::uint8_t>(255 - i);
    }
    for (std::size_t offset : {0U, 1U, 3U}) {
        for (std::size_t n = 0; n < 140; ++n) {
            std::vector<std::uint32_t> ids(n + 1, 7777U);
            std::vector<float> from_bytes(n + 1, -5.0F);
            std::vector<float> from_shorts(n + 1, -5.0F);
            widen(shorts.data() + offset, static_cast<std::int64_t>(n), ids.data());
            widen(bytes.data() + offset, static_cast<std::int64_t>(n), from_bytes.data());
            widen(shorts.data() + offset, static_cast<std::int64_t>(n), from_shorts.data());
            for (std::size_t i = 0; i < n; ++i) {
                ASSERT_EQ(ids[i], shorts[offset + i]);
                ASSERT_EQ(from_bytes[i], static_cast<float>(bytes[offset + i]));
                ASSERT_EQ(from_shorts[i], static_cast<float>(shorts[offset + i]));
            }
            ASSERT_EQ(ids[n], 7777U) << "wrote past the end";
            ASSERT_EQ(from_bytes[n], -5.0F);
            ASSERT_EQ(from_shorts[n], -5.0F);
        }
    }
}

}  // namespace
}  // namespace morula::matrix
