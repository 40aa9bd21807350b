#include "morula/analysis/ambient_sets.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "morula/analysis/ambient.hpp"
#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

constexpr std::int32_t kTypes = 4;
constexpr std::uint32_t kGenes = 60;  // 5 of each type, then 40 that all types express alike

/// Made-up cells: half of a type's counts are of its own five genes, which no other type expresses; `share` of each cell's counts are soup, the mean of all types.
struct MadeUp {
    double share = 0.1;
    std::int64_t n_cells = 240;
    double leak = 0.0;       // of type 1's own counts that are of type 0's genes
    std::int64_t doublets = 0;  // first cells of type 1 that hold as many counts of type 0 besides
    std::uint64_t seed = 1;
};

matrix::Csr cells_of(const MadeUp& made_up) {
    matrix::Csr csr;
    csr.n_rows = made_up.n_cells;
    csr.n_cols = kGenes;
    for (std::int64_t cell = 0; cell < made_up.n_cells; ++cell) {
        const auto type = static_cast<std::uint32_t>(cell % kTypes);
        const bool is_doublet = type == 1 && cell / kTypes < made_up.doublets;
        Random random(made_up.seed, Purpose::test, static_cast<std::uint64_t>(cell), 0);
        std::vector<std::uint32_t> counts(kGenes, 0);
        for (int i = 0; i < 1000; ++i) {
            std::uint32_t from = random.uniform() < made_up.share ? static_cast<std::uint32_t>(random.below(kTypes)) : type;
            if (is_doublet && i % 2 == 1) from = 0;
            if (random.uniform() >= 0.5) ++counts[kTypes * 5 + random.below(40)];
            else ++counts[5 * (from == 1 && random.uniform() < made_up.leak ? 0 : from) + random.below(5)];
        }
        for (std::uint32_t gene = 0; gene < kGenes; ++gene) {
            if (counts[gene] == 0) continue;
            csr.indices.push_back(gene);
            csr.values.push_back(static_cast<float>(counts[gene]));
        }
        csr.indptr.push_back(static_cast<std::int64_t>(csr.indices.size()));
    }
    return csr;
}

std::vector<std::int32_t> types_of(std::int64_t n_cells) {
    std::vector<std::int32_t> codes;
    for (std::int64_t cell = 0; cell < n_cells; ++cell) codes.push_back(static_cast<std::int32_t>(cell % kTypes));
    return codes;
}

std::vector<AmbientSet> own_genes() {
    std::vector<AmbientSet> sets;
    for (std::int64_t type = 0; type < kTypes; ++type) sets.push_back({"type " + std::to_string(type), {5 * type, 5 * type + 1, 5 * type + 2, 5 * type + 3, 5 * type + 4}});
    return sets;
}

AmbientSetsResult share_of(const matrix::Csr& csr, const std::vector<AmbientSet>& sets) {
    const auto context = test::make_context(2);
    const auto source = matrix::make_view_source(csr.view());
    const std::vector<std::int32_t> types = types_of(csr.n_rows);
    const AmbientResult found = ambient(*source, types, kTypes, {}, {}, *context);
    return ambient_sets(*source, types, kTypes, found.soup, sets, 0.5, *context);
}

TEST(ambient_sets, the_planted_share_is_met_and_its_interval_is_95_percent) {
    for (const double planted : {0.05, 0.1, 0.2}) {
        int covered = 0;
        double worst = 0.0;
        constexpr int n = 60;
        for (std::uint64_t seed = 0; seed < n; ++seed) {
            const AmbientSetsResult result = share_of(cells_of({.share = planted, .n_cells = 80, .seed = seed}), own_genes());
            EXPECT_EQ(result.n_sets, kTypes);
            EXPECT_EQ(result.n_genes, 20);
            covered += result.low <= planted && planted <= result.high ? 1 : 0;
            worst = std::max(worst, std::abs(result.share - planted));
        }
        EXPECT_LT(worst, 0.1 * planted) << planted;
        EXPECT_GE(covered, 53) << planted;  // 57 on average; fewer than 53 of 60 in one case of 50 at 95 %
    }
}

TEST(ambient_sets, each_set_is_silent_everywhere_but_in_its_type) {
    const AmbientSetsResult result = share_of(cells_of({.share = 0.1}), own_genes());
    ASSERT_EQ(result.places.size(), 16U);
    for (const AmbientSetInCluster& place : result.places) {
        EXPECT_EQ(place.is_silent, place.set != place.cluster);
        EXPECT_EQ(place.n_cells, 60);
        EXPECT_EQ(place.n_expressing, place.set == place.cluster ? 60 : 0);
    }
    EXPECT_EQ(result.why_not, "");
}

TEST(ambient_sets, no_soup_gives_a_share_of_zero_with_an_upper_end) {
    const AmbientSetsResult result = share_of(cells_of({.share = 0.0}), own_genes());
    EXPECT_EQ(result.share, 0.0);
    EXPECT_EQ(result.low, 0.0);
    EXPECT_GT(result.high, 0.0);
    EXPECT_LT(result.high, 0.001);
}

TEST(ambient_sets, doublets_are_left_out_and_do_not_raise_the_share) {
    const AmbientSetsResult result = share_of(cells_of({.share = 0.1, .doublets = 3}), own_genes());  // 3 of the 60 cells of type 1
    EXPECT_NEAR(result.share, 0.1, 0.005);
    EXPECT_EQ(result.places[1].n_expressing, 3);
    EXPECT_TRUE(result.places[1].is_silent);
}

TEST(ambient_sets, a_type_that_expresses_a_set_weakly_is_left_out_there) {
    const AmbientSetsResult leaky = share_of(cells_of({.share = 0.1, .leak = 0.05}), own_genes());
    for (const AmbientSetInCluster& place : leaky.places) EXPECT_EQ(place.is_silent, place.set != place.cluster && !(place.set == 0 && place.cluster == 1));
    EXPECT_NEAR(leaky.share, 0.1, 0.006);
}

TEST(ambient_sets, sets_that_disagree_widen_the_interval) {
    const matrix::Csr csr = cells_of({.share = 0.1});
    const auto context = test::make_context(1);
    std::vector<double> soup(kGenes, 0.0);  // what the cells were made with, but for set 0, which it holds a fifth less of
    for (std::size_t gene = 0; gene < kGenes; ++gene) soup[gene] = gene < 5 ? 0.02 : gene < 20 ? 0.025 : 0.0125;
    const AmbientSetsResult wrong = ambient_sets(*matrix::make_view_source(csr.view()), types_of(csr.n_rows), kTypes, soup, own_genes(), 0.5, *context);
    const AmbientSetsResult right = share_of(csr, own_genes());
    EXPECT_LT(right.dispersion, 5.0);
    EXPECT_GT(wrong.dispersion, 10.0);
    EXPECT_LE(wrong.low, 0.1);
    EXPECT_GE(wrong.high, 0.1);
    EXPECT_GT(wrong.high - wrong.low, 2.0 * (right.high - right.low));
}

TEST(ambient_sets, a_set_that_all_express_and_one_that_the_soup_lacks_give_no_number) {
    const matrix::Csr csr = cells_of({});
    const AmbientSetsResult shared = share_of(csr, {{"all", {20, 21, 22}}});
    EXPECT_TRUE(std::isnan(shared.share) && std::isnan(shared.low) && std::isnan(shared.high));
    EXPECT_NE(shared.why_not.find("no cluster is silent"), std::string::npos) << shared.why_not;
    const auto context = test::make_context(1);
    std::vector<double> soup(kGenes, 0.0);
    soup[30] = 1.0;
    const AmbientSetsResult absent = ambient_sets(*matrix::make_view_source(csr.view()), types_of(csr.n_rows), kTypes, soup, own_genes(), 0.5, *context);
    EXPECT_TRUE(std::isnan(absent.share));
    EXPECT_EQ(absent.n_sets, 0);
}

TEST(ambient_sets, too_few_counts_give_no_number) {
    const matrix::Csr csr = cells_of({.share = 0.0, .n_cells = 80});
    const auto context = test::make_context(1);
    std::vector<double> soup(kGenes, 1.0 / 40.0);
    for (std::size_t gene = 0; gene < 20; ++gene) soup[gene] = 1e-6;  // the soup hardly holds the sets
    const AmbientSetsResult result = ambient_sets(*matrix::make_view_source(csr.view()), types_of(80), kTypes, soup, own_genes(), 0.5, *context);
    EXPECT_TRUE(std::isnan(result.share));
    EXPECT_EQ(result.n_sets, kTypes);
    EXPECT_NE(result.why_not.find("100 are needed"), std::string::npos) << result.why_not;
}

TEST(ambient_sets, the_soup_may_be_that_of_empty_droplets) {
    // Type 0 dies on the way: its genes make up half of the soup and those of the others nothing, though it is a quarter of the cells.
    const matrix::Csr csr = cells_of({.share = 0.0});
    const auto context = test::make_context(1);
    std::vector<double> empty(kGenes, 0.0);
    for (std::size_t gene = 0; gene < 5; ++gene) empty[gene] = 10.0;
    for (std::size_t gene = 20; gene < kGenes; ++gene) empty[gene] = 1.25;
    const std::vector<std::int32_t> types = types_of(csr.n_rows);
    const auto source = matrix::make_view_source(csr.view());
    const AmbientResult by_droplets = ambient(*source, types, kTypes, empty, {}, *context);
    EXPECT_DOUBLE_EQ(by_droplets.soup[0], 0.1);
    EXPECT_DOUBLE_EQ(by_droplets.soup[5], 0.0);
    const AmbientSetsResult result = ambient_sets(*source, types, kTypes, by_droplets.soup, own_genes(), 0.5, *context);
    EXPECT_EQ(result.share, 0.0);
    EXPECT_EQ(result.n_sets, 1) << "the soup holds none of the other sets";
    EXPECT_EQ(test::error_code([&] { ambient(*source, types, kTypes, std::vector<double>(3, 1.0), {}, *context); }), ErrorCode::invalid_data);
}

TEST(ambient_sets, the_same_bits_for_any_threads_and_seven_rows_at_a_time) {
    const matrix::Csr csr = test::random_counts(3000, kGenes, 0.3, 17);  // several tiles
    const auto source = matrix::make_view_source(csr.view());
    std::vector<std::int32_t> codes;
    for (std::int32_t cell = 0; cell < 3000; ++cell) codes.push_back(cell % 11 == 0 ? -1 : cell % kTypes);
    const std::vector<double> soup(kGenes, 1.0 / kGenes);
    const auto same = [](const AmbientSetsResult& a, const AmbientSetsResult& b) {
        bool equal = test::same_bits(std::vector<double>{a.share, a.low, a.high, a.dispersion}, {b.share, b.low, b.high, b.dispersion}) && a.places.size() == b.places.size();
        for (std::size_t i = 0; equal && i < a.places.size(); ++i) equal = a.places[i].observed == b.places[i].observed && a.places[i].expected == b.places[i].expected && a.places[i].n_expressing == b.places[i].n_expressing;
        return equal;
    };
    const auto sets = own_genes();
    const AmbientSetsResult serial = test::same_at_1_2_4_threads([&](Context& context) { return ambient_sets(*source, codes, kTypes, soup, sets, 1.0, context); }, same);
    EXPECT_GT(serial.places.size(), 0U);
    const auto context = test::make_context(2);
    EXPECT_TRUE(same(serial, ambient_sets(*test::read_seven_rows(source), codes, kTypes, soup, sets, 1.0, *context)));
}

TEST(ambient_sets, wrong_sizes_codes_and_genes_are_refused) {
    const matrix::Csr csr = cells_of({});
    const auto source = matrix::make_view_source(csr.view());
    const auto context = test::make_context(1);
    const std::vector<std::int32_t> types = types_of(csr.n_rows);
    const std::vector<double> soup(kGenes, 1.0 / kGenes);
    const auto code = [&](std::span<const std::int32_t> cluster, std::int32_t n, std::span<const double> profile, const std::vector<AmbientSet>& sets) {
        return test::error_code([&] { ambient_sets(*source, cluster, n, profile, sets, 0.5, *context); });
    };
    EXPECT_EQ(code(std::span(types).first(3), kTypes, soup, own_genes()), ErrorCode::invalid_data);
    EXPECT_EQ(code(types, 2, soup, own_genes()), ErrorCode::invalid_data);
    EXPECT_EQ(code(types, kTypes, std::span(soup).first(3), own_genes()), ErrorCode::invalid_data);
    EXPECT_EQ(code(types, kTypes, soup, {{"far", {60}}}), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::analysis
