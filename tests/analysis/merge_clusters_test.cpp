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
    const auto again = test::make_context(1);
    const MergeClustersResult serial = merge(data, *again);
    EXPECT_EQ(serial.merged, result.merged);
    EXPECT_EQ(serial.sentence, result.sentence);
}

TEST(merge_clusters, what_does_not_belong_together_is_refused) {
    const auto context = test::make_context(1);
    const Clustered data = cluster({.cells = 300, .genes = 1000, .types = 2, .rare_types = 0}, *context);
    EXPECT_EQ(test::error_code([&] { merge_clusters(*data.counts, data.graph.view(), std::vector<std::int32_t>(7), 2, {}, *context); }), ErrorCode::invalid_data);
    EXPECT_EQ(test::error_code([&] { merge_clusters(*data.counts, data.graph.view(), data.leiden.cluster, 1, {}, *context); }), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::analysis
