#include "morula/matrix/compact_columns.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "morula/matrix/huge_pages.hpp"
#include "morula/matrix/widen.hpp"
#include "tests/support/sources.hpp"

namespace morula::matrix {
namespace {

using test::make_context;
using test::random_counts;

using Columns = std::vector<ColumnEntries>;

bool same_columns(const Columns& a, const Columns& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const ColumnEntries& x, const ColumnEntries& y) { return x.rows == y.rows && test::same_bits(x.values, y.values); });
}

Columns read_columns(const RowBlockSource& source, Range cols, Context& context) {
    const CompactColumns columns(source, cols, context);
    Columns out(static_cast<std::size_t>(columns.n_cols()));
    for (std::int64_t col = 0; col < columns.n_cols(); ++col) columns.read(col, out[static_cast<std::size_t>(col)]);
    return out;
}

Columns columns_by_loop(const Csr& csr, Range cols) {
    Columns out;
    const Dense<float> dense = test::to_dense(csr.view());
    for (std::int64_t col = cols.begin; col < cols.end; ++col) {
        out.emplace_back();
        for (std::int64_t row = 0; row < csr.n_rows; ++row) {
            if (dense(row, col) == 0.0F) continue;
            out.back().rows.push_back(static_cast<std::uint32_t>(row));
            out.back().values.push_back(dense(row, col));
        }
    }
    return out;
}

void expect_columns(const Csr& csr, Range cols) {
    const Columns expected = columns_by_loop(csr, cols);
    const Columns made = test::same_at_1_2_4_threads([&](Context& context) { return read_columns(*make_source(csr), cols, context); }, same_columns);
    EXPECT_TRUE(same_columns(made, expected));
    EXPECT_TRUE(same_columns(read_columns(*test::read_seven_rows(make_source(csr)), cols, *make_context(2)), expected));
}

TEST(CompactColumns, give_the_cells_of_each_gene_in_order) {
    const Csr csr{3, 4, {0, 2, 2, 4}, {0, 3, 0, 2}, {5.0F, 7.0F, 2.0F, 1.0F}};
    const Columns columns = read_columns(*make_source(csr), {0, 4}, *make_context(1));
    EXPECT_EQ(columns[0].rows, (std::vector<std::uint32_t>{0, 2}));
    EXPECT_EQ(columns[0].values, (std::vector<float>{5.0F, 2.0F}));
    EXPECT_TRUE(columns[1].rows.empty());
    EXPECT_EQ(columns[2].rows, (std::vector<std::uint32_t>{2}));
    EXPECT_EQ(columns[3].values, (std::vector<float>{7.0F}));
}

TEST(CompactColumns, agree_with_a_loop_on_whole_and_partial_ranges) {
    const Csr csr = test::keep_entries(random_counts(2600, 1200, 0.03, 1), [](std::int64_t row, std::int64_t col, float) { return row % 7 != 2 && col != 600; });
    expect_columns(csr, {0, 1200});
    expect_columns(csr, {511, 1025});
    expect_columns(csr, {1199, 1200});
    expect_columns(csr, {40, 40});
}

TEST(CompactColumns, keep_every_kind_of_value) {
    Csr csr = random_counts(1500, 20, 0.3, 3);
    for (std::size_t i = 0; i < csr.values.size(); i += 11) csr.values[i] = i % 2 == 0 ? 70'000.0F : 0.25F + static_cast<float>(i);
    expect_columns(csr, {0, 20});
    for (std::size_t i = 0; i < csr.values.size(); ++i) csr.values[i] += 0.125F;
    expect_columns(csr, {3, 19});
}

TEST(CompactColumns, agree_over_many_tiles) { expect_columns(random_counts(70'000, 3, 0.4, 2), {0, 3}); }

TEST(CompactColumns, give_their_bytes_as_they_lie) {
    const Csr csr = random_counts(2500, 7, 0.5, 8);
    const auto context = make_context(2);
    const CompactColumns columns(*make_source(csr), {2, 6}, *context);
    ASSERT_TRUE(columns.in_bytes());
    for (std::int64_t col = 0; col < columns.n_cols(); ++col) {
        ColumnEntries expected;
        columns.read(col, expected);
        ColumnEntries found;
        for (std::int64_t tile = 0; tile < columns.n_tiles(); ++tile) {
            const BytePiece piece = columns.bytes(tile, col);
            for (std::size_t i = 0; i < piece.rows.size(); ++i) {
                found.rows.push_back(piece.first_row + piece.rows[i]);
                found.values.push_back(piece.codes[i] == 255 ? piece.escaped(i) : static_cast<float>(piece.codes[i]));
            }
        }
        EXPECT_TRUE(same_columns({found}, {expected}));
        EXPECT_EQ(columns.n_entries(col), static_cast<std::int64_t>(expected.rows.size()));
    }
    Csr fractions = csr;
    for (float& value : fractions.values) value += 0.5F;
    EXPECT_FALSE(CompactColumns(*make_source(fractions), {0, 7}, *context).in_bytes());
}

TEST(CompactColumns, of_tiles_that_turn_out_to_hold_no_counts_are_read_again) {
    Csr csr = random_counts(1500, 9, 0.5, 9);
    for (std::size_t i = csr.values.size() / 2; i < csr.values.size(); ++i) csr.values[i] += 0.25F;  // in the middle of the first tile
    expect_columns(csr, {0, 9});
    expect_columns(csr, {3, 5});
}

TEST(HugeArena, hands_out_room_that_does_not_overlap) {
    HugeArena arena;
    std::vector<std::span<std::uint32_t>> rooms;
    for (const std::int64_t n : {std::int64_t{3}, std::int64_t{0}, std::int64_t{10'000'000}, std::int64_t{5'000'000}, std::int64_t{17}}) {
        rooms.push_back(arena.take<std::uint32_t>(n));
        ASSERT_EQ(std::ssize(rooms.back()), n);
        std::ranges::fill(rooms.back(), static_cast<std::uint32_t>(rooms.size()));
    }
    for (std::size_t i = 0; i < rooms.size(); ++i) EXPECT_TRUE(std::ranges::all_of(rooms[i], [&](std::uint32_t value) { return value == i + 1; }));
}

TEST(HugeArena, hands_out_the_same_memory_again) {
    HugeArena arena;
    const std::vector<std::int64_t> sizes{100'000, 3, 700'000, 0, 2'000'000, 17};  // of four bytes: several pieces
    const auto fill = [&] {
        std::vector<std::span<std::uint32_t>> rooms;
        for (const std::int64_t n : sizes) {
            rooms.push_back(arena.take<std::uint32_t>(n));
            std::ranges::fill(rooms.back(), static_cast<std::uint32_t>(rooms.size()));
        }
        for (std::size_t i = 0; i < rooms.size(); ++i) EXPECT_TRUE(std::ranges::all_of(rooms[i], [&](std::uint32_t value) { return value == i + 1; }));
        return rooms;
    };
    const auto first = fill();
    const std::int64_t bytes = arena.bytes();
    EXPECT_GE(bytes, 4 * 2'800'020);
    for (int round = 0; round < 5; ++round) {
        arena.reuse();
        const auto again = fill();
        for (std::size_t i = 0; i < sizes.size(); ++i) EXPECT_EQ(again[i].data(), first[i].data());
        EXPECT_EQ(arena.bytes(), bytes);
    }
    arena.reuse();
    static_cast<void>(arena.take<std::uint32_t>(5'000'000));  // no piece holds it
    EXPECT_GE(arena.bytes(), std::max<std::int64_t>(bytes, 20'000'000));
    EXPECT_LE(arena.bytes(), 2 * bytes + 20'000'000 + 64);  // pieces that are passed over count whole
}

TEST(Narrow, packs_what_a_byte_holds_and_counts_the_rest) {
    std::vector<float> values{0.0F, -0.0F, 1.0F, 254.0F, 255.0F, 256.0F, 1.5F, -1.0F, 1e30F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), 253.999F};
    const std::vector<std::uint8_t> expected{0, 255, 1, 254, 255, 255, 255, 255, 255, 255, 255, 255};
    for (std::size_t shift = 0; shift < 70; ++shift) {  // each value in each lane, and behind the last whole vector
        std::vector<std::uint8_t> codes(values.size(), 7);
        EXPECT_EQ(narrow(values.data(), std::ssize(values), codes.data()), 9);
        EXPECT_EQ(std::vector<std::uint8_t>(codes.begin() + static_cast<std::ptrdiff_t>(shift), codes.end()), expected);
        values.insert(values.begin(), 3.0F);
    }
}

TEST(CompactColumns, of_an_empty_matrix_are_empty) {
    expect_columns(Csr{}, {0, 0});
    expect_columns(Csr{0, 5, {0}, {}, {}}, {0, 5});
    expect_columns(Csr{2, 5, {0, 0, 0}, {}, {}}, {1, 5});
}

TEST(CompactColumns, refuse_columns_outside_the_matrix) {
    EXPECT_THROW(CompactColumns(*make_source(random_counts(4, 5, 0.5, 1)), {0, 6}, *make_context(1)), Error);
}

}  // namespace
}  // namespace morula::matrix
