#include "morula/analysis/removed_cells.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "morula/core/random.hpp"
#include "tests/analysis/made_up.hpp"
#include "tests/support/contexts.hpp"

namespace morula::analysis {
namespace {

constexpr int kGenes = 80;
constexpr int kTypes = 4;

/// Rows of `n_cells` cells with `depth` counts: half from the five genes of their type (5t .. 5t + 4), half from the others; type of cell i is i % 4, or all types alike (debris).
enum class Kind { typed, debris };
matrix::Csr cells(int n_cells, int depth, Kind kind, std::uint64_t seed) {
    matrix::Csr csr;
    csr.n_cols = kGenes;
    for (std::uint64_t cell = 0; cell < static_cast<std::uint64_t>(n_cells); ++cell) {
        Random random(seed, Purpose::test, cell, 0);
        std::vector<int> counts(kGenes, 0);
        for (int i = 0; i < depth; ++i) {
            const auto type = kind == Kind::debris ? random.below(kTypes) : cell % kTypes;
            ++counts[random.uniform() < 0.5 ? 5 * type + random.below(5) : 20 + random.below(60)];
        }
        for (std::uint32_t gene = 0; gene < kGenes; ++gene) {
            if (counts[gene] == 0) continue;
            csr.indices.push_back(gene);
            csr.values.push_back(static_cast<float>(counts[gene]));
        }
        made_up::push_row(csr);
    }
    return csr;
}

std::vector<std::int32_t> types(int n_cells) {
    std::vector<std::int32_t> codes;
    for (int cell = 0; cell < n_cells; ++cell) codes.push_back(cell % kTypes);
    return codes;
}

RemovedCellsResult place(const matrix::Csr& removed, Context& context) {
    const matrix::Csr kept = cells(400, 2000, Kind::typed, 1);
    return removed_cells(matrix::make_view_source(kept.view()), types(400), kTypes, *matrix::make_view_source(removed.view()), {}, context);
}

/// The point of the method: a cell's depth does not decide where it goes.
TEST(removed_cells, cells_of_any_depth_go_to_their_own_kind) {
    const auto context = test::make_context(2);
    for (const int depth : {25, 60, 200, 1500}) {
        const RemovedCellsResult result = place(cells(200, depth, Kind::typed, 2), *context);
        for (std::size_t type = 0; type < kTypes; ++type) {
            EXPECT_NEAR(result.n_removed[type], 50.0, 4.0) << "depth " << depth;
            EXPECT_NEAR(result.lost_share(type), 1.0 / 3.0, 0.03);
        }
        EXPECT_LT(result.n_ambient, 8.0) << "depth " << depth;
    }
}

TEST(removed_cells, debris_goes_to_no_kind) {
    const auto context = test::make_context(1);
    const RemovedCellsResult result = place(cells(200, 100, Kind::debris, 3), *context);
    EXPECT_GT(result.n_ambient, 190.0);
    for (const double n : result.n_removed) EXPECT_LT(n, 5.0);
}

TEST(removed_cells, one_kind_among_debris_is_counted) {
    const auto context = test::make_context(1);
    matrix::Csr mixed = cells(300, 80, Kind::debris, 4);
    const matrix::Csr typed = cells(400, 80, Kind::typed, 5);
    for (std::int64_t row = 2; row < 400; row += kTypes) {  // only type 2
        const auto genes = typed.view().row_indices(row);
        const auto values = typed.view().row_values(row);
        mixed.indices.insert(mixed.indices.end(), genes.begin(), genes.end());
        mixed.values.insert(mixed.values.end(), values.begin(), values.end());
        made_up::push_row(mixed);
    }
    const RemovedCellsResult result = place(mixed, *context);
    EXPECT_NEAR(result.n_removed[2], 100.0, 8.0);
    EXPECT_NEAR(result.n_ambient, 300.0, 12.0);
    EXPECT_NEAR(result.lost_share(2), 0.5, 0.03);
    EXPECT_GT(result.probability(399, 2), 0.9F);
}

TEST(removed_cells, shares_by_hand) {
    // Two genes, profiles (3/4, 1/4) and (1/4, 3/4) without ambient share: two cells of 30:10 and one of 10:30 are certain.
    matrix::Csr kept{.n_rows = 2, .n_cols = 2, .indptr = {0, 2, 4}, .indices = {0, 1, 0, 1}, .values = {3e5F, 1e5F, 1e5F, 3e5F}};
    matrix::Csr removed{.n_rows = 4, .n_cols = 2, .indptr = {0, 2, 4, 6, 7}, .indices = {0, 1, 0, 1, 0, 1, 0}, .values = {30, 10, 30, 10, 10, 30, 5}};
    const std::vector<std::int32_t> codes = {0, 1};
    const auto context = test::make_context(1);
    const RemovedCellsResult result = removed_cells(matrix::make_view_source(kept.view()), codes, 2, *matrix::make_view_source(removed.view()), {.ambient_share = 0.0}, *context);
    EXPECT_NEAR(result.n_removed[0], 2.0, 0.05);
    EXPECT_NEAR(result.n_removed[1], 1.0, 0.05);
    EXPECT_EQ(result.n_too_few_counts, 1);
    EXPECT_NEAR(result.n_removed[0] + result.n_removed[1] + result.n_ambient, 3.0, 1e-9);
    EXPECT_EQ(result.probability(3, 0) + result.probability(3, 1) + result.probability(3, 2), 0.0F);
}

TEST(removed_cells, nothing_removed_and_wrong_codes) {
    const auto context = test::make_context(1);
    const matrix::Csr none{.n_rows = 0, .n_cols = kGenes, .indptr = {0}, .indices = {}, .values = {}};
    const RemovedCellsResult result = place(none, *context);
    EXPECT_EQ(result.n_kept, (std::vector<std::int64_t>{100, 100, 100, 100}));
    for (std::size_t type = 0; type < kTypes; ++type) EXPECT_EQ(result.lost_share(type), 0.0);
    const matrix::Csr kept = cells(4, 100, Kind::typed, 1);
    const std::vector<std::int32_t> wrong = {0, 1, 2, 4};
    EXPECT_EQ(test::error_code([&] { removed_cells(matrix::make_view_source(kept.view()), wrong, kTypes, *matrix::make_view_source(kept.view()), {}, *context); }), ErrorCode::invalid_data);
}

TEST(removed_cells, same_bits_for_any_threads_and_any_pieces) {
    const matrix::Csr kept = cells(2500, 300, Kind::typed, 1);
    const matrix::Csr removed = cells(2100, 50, Kind::typed, 2);
    const auto make = [&](Context& context) {
        return removed_cells(matrix::make_view_source(kept.view()), types(2500), kTypes, *made_up::seven_rows(matrix::make_view_source(removed.view())), {}, context);
    };
    const auto same = [](const RemovedCellsResult& a, const RemovedCellsResult& b) { return test::same_bits(a.n_removed, b.n_removed) && test::same_bits(a.probability.values, b.probability.values); };
    const RemovedCellsResult serial = test::same_at_1_2_4_threads(make, same);
    const auto context = test::make_context(2);
    EXPECT_TRUE(same(serial, removed_cells(made_up::seven_rows(matrix::make_view_source(kept.view())), types(2500), kTypes, *matrix::make_view_source(removed.view()), {}, *context)));
}

}  // namespace
}  // namespace morula::analysis
