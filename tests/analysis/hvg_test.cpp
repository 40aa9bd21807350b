#include "morula/analysis/hvg.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "morula/analysis/normalize.hpp"
#include "morula/core/error.hpp"
#include "tests/analysis/made_up.hpp"

namespace morula::analysis {
namespace {

struct Inputs {
    matrix::Csr counts;
    std::vector<std::int32_t> batch;
    matrix::Matrix raw;
    matrix::Matrix log;
};

Inputs inputs_of(matrix::Csr csr, std::vector<std::int32_t> batch) {
    Inputs in;
    Context context({});
    const std::vector<double> totals = made_up::totals(csr);
    in.counts = csr;
    in.batch = std::move(batch);
    in.raw = matrix::make_source(std::move(csr));
    in.log = matrix::log1p_scaled(in.raw, normalize(totals, {}, context).scale);
    return in;
}

Inputs made_up_inputs() {
    auto made = made_up::counts();
    return inputs_of(std::move(made.csr), std::move(made.batch));
}

HvgFlavor flavor_named(const std::string& name) {
    return std::map<std::string, HvgFlavor>{{"seurat", HvgFlavor::seurat}, {"cell_ranger", HvgFlavor::cell_ranger}, {"seurat_v3", HvgFlavor::seurat_v3}, {"seurat_v3_paper", HvgFlavor::seurat_v3_paper}}.at(name);
}

HvgResult run(const Inputs& in, HvgFlavor flavor, bool batched, std::int32_t n_top, Context& context) {
    const bool raw = flavor == HvgFlavor::seurat_v3 || flavor == HvgFlavor::seurat_v3_paper;
    const std::span<const std::int32_t> batch = batched ? std::span<const std::int32_t>(in.batch) : std::span<const std::int32_t>{};
    return hvg(raw ? *in.raw : *in.log, batch, batched ? 3 : 0, {.flavor = flavor, .n_top = n_top}, context);
}

/// kTiedRank: genes tied exactly within a batch stand in an arbitrary order in scanpy (numpy's unstable sort), by column here, so ranks may differ by one.
constexpr double kTiedRank = 1.0;
constexpr double kScore = 2e-5;

void expect_near_or_nan(double ours, const std::string& text, double tolerance, const std::string& where) {
    const double theirs = std::stod(text);
    if (std::isnan(theirs)) {
        EXPECT_TRUE(std::isnan(ours)) << where << " ours " << ours;
    } else {
        EXPECT_NEAR(ours, theirs, tolerance * std::max(1.0, std::abs(theirs))) << where;
    }
}

TEST(Hvg, sets_and_scores_equal_scanpy_for_every_flavor_with_and_without_batches) {
    const Inputs in = made_up_inputs();
    Context context({});
    using Key = std::tuple<std::string, std::string, int>;
    std::map<Key, std::vector<std::vector<std::string>>> runs;
    for (const auto& row : fixture::rows("hvg.csv")) runs[{row[0], row[1], std::stoi(row[2])}].push_back(row);
    ASSERT_EQ(runs.size(), 9u);
    for (const auto& [key, rows] : runs) {
        const auto& [flavor, batched, n_top] = key;
        const HvgResult result = run(in, flavor_named(flavor), batched == "1", n_top, context);
        std::set<std::int64_t> theirs;
        for (const auto& row : rows) {
            if (row[4] == "1") theirs.insert(std::stol(row[3]));
        }
        EXPECT_EQ(std::set<std::int64_t>(result.genes.begin(), result.genes.end()), theirs) << flavor << " batched " << batched << " n_top " << n_top;
        if (n_top != 60) {
            EXPECT_GT(theirs.size(), static_cast<std::size_t>(n_top)) << "this run is here because a tie adds a gene";
        }
        for (const auto& row : rows) {
            if (row.size() < 10) continue;
            const auto g = std::stoul(row[3]);
            const std::string where = flavor + " batched " + batched + " gene " + row[3];
            expect_near_or_nan(result.mean[g], row[5], kScore, where + " mean");
            expect_near_or_nan(result.dispersion[g], row[6], kScore, where + " dispersion");
            expect_near_or_nan(result.dispersion_norm[g], row[7], kScore, where + " norm");
            EXPECT_EQ(std::isnan(result.rank[g]), row[8] == "nan") << where;
            if (row[8] != "nan") {
                EXPECT_NEAR(result.rank[g], std::stod(row[8]), batched == "1" ? kTiedRank : 0.0) << where;
            }
            EXPECT_EQ(result.n_batches[g], std::stoi(row[9])) << where;
        }
    }
}

TEST(Hvg, same_bits_for_any_threads_and_reading_and_same_genes_for_permuted_cells) {
    const Inputs in = made_up_inputs();
    const auto order = made_up::shuffle(in.counts.n_rows);
    std::vector<std::int32_t> batch;
    for (const auto row : order) batch.push_back(in.batch[static_cast<std::size_t>(row)]);
    const Inputs shuffled = inputs_of(made_up::permuted(in.counts, order), batch);
    Inputs by_seven = in;
    by_seven.raw = made_up::seven_rows(in.raw);
    by_seven.log = made_up::seven_rows(in.log);
    for (const HvgFlavor flavor : {HvgFlavor::seurat, HvgFlavor::cell_ranger, HvgFlavor::seurat_v3, HvgFlavor::seurat_v3_paper}) {
        for (const bool batched : {false, true}) {
            const auto results = made_up::with_threads([&](Context& context) { return run(in, flavor, batched, 50, context); });
            Context context({});
            const auto seven = run(by_seven, flavor, batched, 50, context);
            for (const auto& r : {results[1], results[2], seven}) {
                EXPECT_EQ(r.genes, results[0].genes);
                for (std::size_t g = 0; g < r.mean.size(); ++g) {
                    EXPECT_EQ(r.mean[g], results[0].mean[g]);
                    EXPECT_TRUE(r.dispersion_norm[g] == results[0].dispersion_norm[g] || (std::isnan(r.dispersion_norm[g]) && std::isnan(results[0].dispersion_norm[g])));
                }
            }
            EXPECT_EQ(run(shuffled, flavor, batched, 50, context).genes, results[0].genes);
        }
    }
}

TEST(Hvg, more_genes_than_there_are_takes_all_that_have_a_score) {
    const Inputs in = made_up_inputs();
    Context context({});
    EXPECT_EQ(run(in, HvgFlavor::seurat_v3, false, 5000, context).genes.size(), 400u);
    const auto seurat = run(in, HvgFlavor::seurat, false, 5000, context);
    EXPECT_EQ(seurat.highly_variable[7], 0) << "a gene never seen has no dispersion";
    EXPECT_GT(seurat.genes.size(), 390u);
}

TEST(Hvg, refuses_log_values_for_seurat_v3_and_names_the_place) {
    const Inputs in = made_up_inputs();
    Context context({});
    try {
        (void)hvg(*in.log, {}, 0, {}, context);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_NE(error.message().find("Cell 0, gene"), std::string::npos) << error.message();
        EXPECT_NE(error.next().find("raw counts"), std::string::npos);
    }
}

TEST(Hvg, refuses_too_few_cells_and_bad_batches) {
    const Inputs in = made_up_inputs();
    Context context({});
    EXPECT_THROW(hvg(*matrix::select_rows(in.raw, {0}), {}, 0, {}, context), Error);
    EXPECT_THROW(hvg(*matrix::select_rows(in.raw, {}), {}, 0, {}, context), Error);
    EXPECT_THROW(hvg(*in.raw, std::vector<std::int32_t>(300, 3), 3, {}, context), Error);
    EXPECT_THROW(hvg(*in.raw, std::vector<std::int32_t>(10, 0), 1, {}, context), Error);
    auto lonely = in.batch;
    lonely[0] = 3;
    EXPECT_THROW(hvg(*in.raw, lonely, 4, {}, context), Error);
    EXPECT_THROW(hvg(*in.raw, {}, 0, {.n_top = 0}, context), Error);
}

TEST(Hvg, a_planted_variable_gene_comes_first) {
    // Genes with Poisson-like steady counts, and one that is off in half of the cells.
    matrix::Csr csr;
    csr.n_cols = 60;
    for (int c = 0; c < 200; ++c) {
        for (std::uint32_t g = 0; g < 60; ++g) {
            const int steady = 2 + static_cast<int>(g % 10) + (c * 7 + static_cast<int>(g) * 13) % 3;
            const int count = g == 33 ? (c % 2 == 0 ? 14 : 0) : steady;
            if (count == 0) continue;
            csr.indices.push_back(g);
            csr.values.push_back(static_cast<float>(count));
        }
        made_up::push_row(csr);
    }
    const Inputs in = inputs_of(csr, std::vector<std::int32_t>(200, 0));
    Context context({});
    for (const HvgFlavor flavor : {HvgFlavor::seurat, HvgFlavor::seurat_v3}) EXPECT_EQ(run(in, flavor, false, 1, context).genes, (std::vector<std::int64_t>{33}));
}

}  // namespace
}  // namespace morula::analysis
