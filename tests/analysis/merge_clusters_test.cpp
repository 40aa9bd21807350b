#include "morula/analysis/merge_clusters.hpp"

#include <gtest/gtest.h>

#include "morula/analysis/connectivities.hpp"
#include "morula/analysis/generate.hpp"
#include "morula/analysis/hvg.hpp"
#include "morula/analysis/leiden.hpp"
#include "morula/analysis/neighbors.hpp"
#include "morula/analysis/normalize.hpp"
#include "morula/analysis/pca.hpp"
#include "morula/matrix/tiles.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

struct Clustered {
    matrix::Matrix counts;
    matrix::Csr graph;
    LeidenResult leiden;
};

/// Counts to clusters, as the recipe goes.
Clustered cluster(const GenerateOptions& options, Context& context) {
    Clustered out;
    out.counts = matrix::compact_copy(*generate(options, context).counts, context);
    std::vector<double> totals(static_cast<std::size_t>(out.counts->n_rows()), 0.0);
    matrix::for_each_tile(*out.counts, context, [&](const matrix::CsrView& tile, std::int64_t first) {
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            for (const float count : tile.row_values(row)) totals[static_cast<std::size_t>(first + row)] += static_cast<double>(count);
        }
    });
    const HvgResult genes = hvg(*out.counts, {}, 1, {.n_top = 800}, context);
    const NormalizeResult scale = normalize(totals, {}, context);
    const matrix::Matrix values = matrix::select_cols(matrix::log1p_scaled(out.counts, scale.scale), genes.genes);
    const PcaResult components = pca(*values, {.n_components = 20}, context);
    out.graph = fuzzy_connectivities(neighbors(components.embedding.view(), {}, context), context);
    out.leiden = leiden(out.graph.view(), {}, context);
    return out;
}

MergeClustersResult merge(const Clustered& data, Context& context) {
    return merge_clusters(*data.counts, data.graph.view(), data.leiden.cluster, data.leiden.n_clusters, {}, context);
}

TEST(merge_clusters, one_homogeneous_type_with_a_depth_gradient_has_no_supported_split) {
    const auto context = test::make_context(2);
    const Clustered data = cluster({.preset = GeneratePreset::homogeneous, .cells = 1500, .genes = 3000}, *context);
    ASSERT_GT(data.leiden.n_clusters, 1) << "clustering always splits; that is why the check exists";
    const MergeClustersResult result = merge(data, *context);
    EXPECT_TRUE(result.no_supported_split) << result.sentence;
    EXPECT_NE(result.sentence.find("No supported split"), std::string::npos);
}

TEST(merge_clusters, real_types_stay_apart) {
    const auto context = test::make_context(2);
    const Clustered data = cluster({.cells = 1500, .genes = 3000, .types = 4, .rare_types = 0, .continuum_fraction = 0.0, .damaged_fraction = 0.0}, *context);
    const MergeClustersResult result = merge(data, *context);
    EXPECT_FALSE(result.no_supported_split);
    EXPECT_GE(result.n_merged, 4);
}

TEST(merge_clusters, the_same_bits_for_any_threads_and_seven_rows_at_a_time) {
    const auto context = test::make_context(2);
    Clustered data = cluster({.cells = 800, .genes = 1200, .types = 4, .rare_types = 0}, *context);
    const auto same = [](const MergeClustersResult& a, const MergeClustersResult& b) {
        bool equal = a.merged == b.merged && a.n_merged == b.n_merged && a.no_supported_split == b.no_supported_split && a.sentence == b.sentence && a.pairs.size() == b.pairs.size();
        for (std::size_t i = 0; equal && i < a.pairs.size(); ++i) {
            const ClusterPair& x = a.pairs[i];
            const ClusterPair& y = b.pairs[i];
            equal = x.first == y.first && x.second == y.second && x.link == y.link && x.n_up_first == y.n_up_first && x.n_up_second == y.n_up_second && x.genes == y.genes && x.offered == y.offered;
        }
        return equal;
    };
    const MergeClustersResult serial = test::same_at_1_2_4_threads([&](Context& each) { return merge(data, each); }, same);
    EXPECT_FALSE(serial.pairs.empty());
    data.counts = test::read_seven_rows(data.counts);
    EXPECT_TRUE(same(serial, merge(data, *context)));
}

TEST(merge_clusters, the_work_grows_with_the_values_not_with_the_counts) {
    const auto context = test::make_context(1);
    Clustered data = cluster({.cells = 400, .genes = 1000, .types = 3, .rare_types = 0}, *context);
    const MergeClustersResult plain = merge(data, *context);
    matrix::Csr times = matrix::read_all(*data.counts, *context);
    for (float& count : times.values) count *= 1e6F;
    data.counts = matrix::make_source(std::move(times));  // one by one that would be 10^12 draws
    const MergeClustersResult deep = merge(data, *context);
    EXPECT_EQ(deep.pairs.size(), plain.pairs.size());
    EXPECT_EQ(deep.no_supported_split, plain.no_supported_split);
}

TEST(merge_clusters, what_does_not_belong_together_is_refused) {
    const auto context = test::make_context(1);
    const Clustered data = cluster({.cells = 300, .genes = 1000, .types = 2, .rare_types = 0}, *context);
    EXPECT_EQ(test::error_code([&] { merge_clusters(*data.counts, data.graph.view(), std::vector<std::int32_t>(7), 2, {}, *context); }), ErrorCode::invalid_data);
    EXPECT_EQ(test::error_code([&] { merge_clusters(*data.counts, data.graph.view(), data.leiden.cluster, 1, {}, *context); }), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::analysis
