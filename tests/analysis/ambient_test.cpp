#include "morula/analysis/ambient.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

/// Four clusters of 60 cells, 2,000 counts each: cluster c owns genes 5c..5c+4 (half of its counts); `soup` of every cell's counts come from the mean of all.
matrix::Csr soupy(double soup) {
    constexpr int n_genes = 60;
    matrix::Csr csr;
    csr.n_rows = 240;
    csr.n_cols = n_genes;
    for (std::uint64_t cell = 0; cell < 240; ++cell) {
        const auto cluster = static_cast<int>(cell % 4);
        Random random(2, Purpose::test, cell, 0);
        std::vector<int> counts(n_genes, 0);
        for (int i = 0; i < 2000; ++i) {
            const int profile = random.uniform() < soup ? static_cast<int>(random.below(4)) : cluster;
            if (random.uniform() < 0.5) ++counts[static_cast<std::size_t>(5 * profile + static_cast<int>(random.below(5)))];
            else ++counts[20 + random.below(40)];
        }
        for (std::uint32_t gene = 0; gene < n_genes; ++gene) {
            if (counts[gene] == 0) continue;
            csr.indices.push_back(gene);
            csr.values.push_back(static_cast<float>(counts[gene]));
        }
        csr.indptr.push_back(static_cast<std::int64_t>(csr.indices.size()));
    }
    return csr;
}

std::vector<std::int32_t> clusters() {
    std::vector<std::int32_t> codes;
    for (int cell = 0; cell < 240; ++cell) codes.push_back(cell % 4);
    return codes;
}

TEST(ambient, a_planted_share_is_found) {
    const auto context = test::make_context(2);
    const matrix::Csr csr = soupy(0.08);
    const AmbientResult result = ambient(*matrix::make_view_source(csr.view()), clusters(), 4, {}, {}, *context);
    EXPECT_EQ(result.genes.size(), 20u);
    EXPECT_NEAR(result.ambient_share, 0.08, 0.015);
    for (const SoupGene& gene : result.genes) {
        EXPECT_LT(gene.gene, 20);
        EXPECT_EQ(gene.source_cluster, gene.gene / 5);
    }
}

TEST(ambient, clean_cells_have_no_soup_genes) {
    const auto context = test::make_context(1);
    const matrix::Csr csr = soupy(0.0);
    const AmbientResult result = ambient(*matrix::make_view_source(csr.view()), clusters(), 4, {}, {}, *context);
    EXPECT_TRUE(result.genes.empty());
    EXPECT_EQ(result.ambient_share, 0.0);
    EXPECT_LT(result.share_high, 0.02);
}

TEST(ambient, the_interval_of_the_limits_holds_the_planted_share) {
    const auto context = test::make_context(1);
    for (const double planted : {0.02, 0.05, 0.2}) {
        const matrix::Csr csr = soupy(planted);
        const AmbientResult result = ambient(*matrix::make_view_source(csr.view()), clusters(), 4, {}, {}, *context);
        EXPECT_NEAR(result.ambient_share, planted, 0.1 * planted + 0.005) << planted;
        EXPECT_LE(result.share_low, planted);
        EXPECT_GE(result.share_high, planted);
    }
}

TEST(ambient, genes_that_are_expressed_everywhere_do_not_raise_the_share) {
    const auto context = test::make_context(1);
    const matrix::Csr csr = soupy(0.08);  // 40 of its 60 genes are as high in every cluster as in the soup
    const AmbientResult result = ambient(*matrix::make_view_source(csr.view()), clusters(), 4, {}, {}, *context);
    EXPECT_LT(result.share_high, 0.1);
}

TEST(ambient, cells_of_one_kind_say_nothing) {
    const auto context = test::make_context(1);
    const matrix::Csr csr = soupy(1.0);
    const AmbientResult result = ambient(*matrix::make_view_source(csr.view()), clusters(), 4, {}, {}, *context);
    EXPECT_TRUE(std::isnan(result.ambient_share));
    EXPECT_TRUE(result.genes.empty());
}

TEST(ambient, the_same_bits_for_any_threads_and_seven_rows_at_a_time) {
    const matrix::Csr csr = test::random_counts(3000, 80, 0.3, 17);  // several tiles
    std::vector<std::int32_t> codes;
    for (std::int32_t cell = 0; cell < 3000; ++cell) codes.push_back(cell % 11 == 0 ? -1 : cell % 7);
    const AmbientOptions options{.min_fold = 1.05, .min_source_cpm = 1.0, .max_fraction = 1.0};  // so that many genes pass
    const auto source = matrix::make_view_source(csr.view());
    const auto same = [](const AmbientResult& a, const AmbientResult& b) {
        bool equal = test::same_bits(std::vector<double>{a.ambient_share, a.share_low, a.share_high}, {b.ambient_share, b.share_low, b.share_high}) && a.genes.size() == b.genes.size();
        for (std::size_t i = 0; equal && i < a.genes.size(); ++i) {
            const SoupGene& x = a.genes[i];
            const SoupGene& y = b.genes[i];
            equal = x.gene == y.gene && x.source_cluster == y.source_cluster && x.source_cpm == y.source_cpm && x.elsewhere_cpm == y.elsewhere_cpm && x.soup_cpm == y.soup_cpm && x.share == y.share;
        }
        return equal;
    };
    const AmbientResult serial = test::same_at_1_2_4_threads([&](Context& context) { return ambient(*source, codes, 7, {}, options, context); }, same);
    EXPECT_GE(serial.genes.size(), 3u);
    const auto context = test::make_context(2);
    EXPECT_TRUE(same(serial, ambient(*test::read_seven_rows(source), codes, 7, {}, options, *context)));
}

TEST(ambient, two_clusters_say_nothing_and_wrong_codes_are_refused) {
    const auto context = test::make_context(1);
    const matrix::Csr csr = soupy(0.1);
    std::vector<std::int32_t> two = clusters();
    for (std::int32_t& code : two) code %= 2;
    EXPECT_TRUE(ambient(*matrix::make_view_source(csr.view()), two, 2, {}, {}, *context).genes.empty());
    EXPECT_EQ(test::error_code([&] { ambient(*matrix::make_view_source(csr.view()), two, 1, {}, {}, *context); }), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::analysis
