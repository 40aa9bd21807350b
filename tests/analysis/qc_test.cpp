#include "morula/analysis/qc.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "morula/core/error.hpp"
#include "tests/analysis/made_up.hpp"

namespace morula::analysis {
namespace {

TEST(GeneFlags, tell_families_from_look_alikes) {
    const std::vector<std::string> symbols{"MT-ND1", "mt-Nd1", "GRCh38_MT-CO1", "mm10___mt-Co1", "MT1A", "MTOR", "RPS6", "RPS4X", "RPS4Y1", "RPL36AL", "RPSA", "RPLP0", "Rpl13a", "RPS6KA1", "RPS19BP1",
                                           "RPL13AP5", "Rpl3-ps1", "RPL", "HBB", "HBA1", "HBG2", "Hba-a1", "Hbb-bs", "Hbq1b", "HBEGF", "HBP1", "HBS1L", "HBBP1", "FOS", "Jun", "JUNB", "FOSL1", "Y_RNA", ""};
    const GeneFlags flags = gene_flags(symbols);
    const auto named = [&](const std::vector<std::uint8_t>& flag) {
        std::set<std::string> names;
        for (std::size_t i = 0; i < symbols.size(); ++i) {
            if (flag[i] != 0) names.insert(symbols[i]);
        }
        return names;
    };
    EXPECT_EQ(named(flags.mitochondrial), (std::set<std::string>{"MT-ND1", "mt-Nd1", "GRCh38_MT-CO1", "mm10___mt-Co1"}));
    EXPECT_EQ(named(flags.ribosomal), (std::set<std::string>{"RPS6", "RPS4X", "RPS4Y1", "RPL36AL", "RPSA", "RPLP0", "Rpl13a"}));
    EXPECT_EQ(named(flags.hemoglobin), (std::set<std::string>{"HBB", "HBA1", "HBG2", "Hba-a1", "Hbb-bs", "Hbq1b"}));
    EXPECT_EQ(named(flags.stress), (std::set<std::string>{"FOS", "Jun", "JUNB"}));
}

QcMetrics made_up_metrics(Context& context) {
    const auto made = made_up::counts();
    return qc_metrics(*matrix::make_view_source(made.csr.view()), gene_flags(made_up::symbols()), context);
}

TEST(QcMetrics, equal_scanpy) {
    Context context({});
    const QcMetrics m = made_up_metrics(context);
    const auto cells = fixture::rows("qc_cells.csv");
    ASSERT_EQ(cells.size(), m.total_counts.size());
    for (std::size_t c = 0; c < cells.size(); ++c) {
        const std::vector<double> ours{m.total_counts[c], static_cast<double>(m.n_genes_by_counts[c]), m.total_counts_mt[c], m.pct_counts_mt[c], m.pct_counts_ribo[c], m.pct_counts_hb[c],
                                       m.pct_counts_in_top_50_genes[c]};
        for (std::size_t i = 0; i < ours.size(); ++i) {
            const double theirs = std::stod(cells[c][i]);
            if (m.total_counts[c] == 0.0 && std::isnan(theirs)) {
                EXPECT_EQ(ours[i], 0.0);
            } else {
                EXPECT_NEAR(ours[i], theirs, 1e-5 * std::max(1.0, theirs)) << "cell " << c << " column " << i;
            }
        }
    }
    const auto genes = fixture::rows("qc_genes.csv");
    ASSERT_EQ(genes.size(), m.n_cells_by_counts.size());
    for (std::size_t g = 0; g < genes.size(); ++g) {
        EXPECT_EQ(m.n_cells_by_counts[g], std::stol(genes[g][0]));
        EXPECT_EQ(m.total_counts_of_gene[g], std::stod(genes[g][1]));
        EXPECT_NEAR(m.mean_counts_of_gene[g], std::stod(genes[g][2]), 1e-6 * std::stod(genes[g][2]));
    }
}

TEST(QcMetrics, stored_zeros_and_no_cells_count_as_nothing) {
    Context context({});
    matrix::Csr csr{.n_rows = 2, .n_cols = 3, .indptr = {0, 2, 3}, .indices = {0, 2, 1}, .values = {0.0f, 4.0f, 0.0f}};
    const std::vector<std::string> symbols{"MT-ND1", "RPS6", "HBB"};
    const QcMetrics m = qc_metrics(*matrix::make_view_source(csr.view()), gene_flags(symbols), context);
    EXPECT_EQ(m.n_genes_by_counts, (std::vector<std::int32_t>{1, 0}));
    EXPECT_EQ(m.pct_counts_hb, (std::vector<double>{100.0, 0.0}));
    EXPECT_EQ(m.n_cells_by_counts, (std::vector<std::int64_t>{0, 0, 1}));
    matrix::Csr empty;
    empty.n_cols = 3;
    EXPECT_EQ(qc_metrics(*matrix::make_view_source(empty.view()), gene_flags(symbols), context).mean_counts_of_gene, (std::vector<double>{0, 0, 0}));
    EXPECT_THROW(qc_metrics(*matrix::make_view_source(csr.view()), gene_flags({}), context), Error);
}

TEST(QcMetrics, top_50_is_the_sum_of_the_50_largest_whatever_their_order) {
    Context context({});
    for (const bool rising : {true, false}) {
        matrix::Csr csr{.n_rows = 1, .n_cols = 1000, .indptr = {0, 1000}, .indices = {}, .values = {}};
        for (int i = 0; i < 1000; ++i) {
            csr.indices.push_back(static_cast<std::uint32_t>(i));
            csr.values.push_back(static_cast<float>(rising ? i + 1 : 1000 - i));
        }
        const QcMetrics m = qc_metrics(*matrix::make_view_source(csr.view()), gene_flags(std::vector<std::string>(1000, "G")), context);
        EXPECT_DOUBLE_EQ(m.pct_counts_in_top_50_genes[0], 100.0 * (1000.0 + 951.0) / 2 * 50 / 500500.0);
    }
}

TEST(QcMetrics, same_bits_for_any_threads_and_any_way_of_reading) {
    const auto made = made_up::counts();
    matrix::Csr big;  // several tiles
    big.n_cols = made.csr.n_cols;
    for (int copy = 0; copy < 12; ++copy) {
        const auto more = made_up::permuted(made.csr, made_up::shuffle(made.csr.n_rows));
        for (std::int64_t r = 0; r < more.n_rows; ++r) {
            const auto genes = more.view().row_indices(r);
            big.indices.insert(big.indices.end(), genes.begin(), genes.end());
            for (const float v : more.view().row_values(r)) big.values.push_back(v + 0.1f * static_cast<float>(copy));
            made_up::push_row(big);
        }
    }
    const auto source = matrix::make_view_source(big.view());
    const auto flags = gene_flags(made_up::symbols());
    auto results = made_up::with_threads([&](Context& context) { return qc_metrics(*source, flags, context); });
    results.push_back(made_up::with_threads([&](Context& context) { return qc_metrics(*made_up::seven_rows(source), flags, context); })[1]);
    for (const auto& r : results) {
        EXPECT_EQ(r.total_counts, results[0].total_counts);
        EXPECT_EQ(r.pct_counts_in_top_50_genes, results[0].pct_counts_in_top_50_genes);
        EXPECT_EQ(r.total_counts_of_gene, results[0].total_counts_of_gene);
        EXPECT_EQ(r.n_cells_by_counts, results[0].n_cells_by_counts);
    }
}

TEST(QcCutoffs, equal_medians_and_mads_of_scipy_per_sample) {
    Context context({});
    const auto made = made_up::counts();
    const QcMetrics m = made_up_metrics(context);
    const QcCutoffs cutoffs = qc_cutoffs(m, made.batch, 3, {.min_genes = 1, .min_pct_mitochondrial_cells = 0.0});
    const auto rows = fixture::rows("qc_cutoffs.csv");
    ASSERT_EQ(rows.size(), 3u);
    for (std::size_t s = 0; s < 3; ++s) {
        const SampleCutoffs& sample = cutoffs.samples[s];
        EXPECT_NEAR(*sample.min_counts, std::stod(rows[s][1]), 1e-9 * std::stod(rows[s][1]));
        EXPECT_NEAR(*sample.min_genes, std::stod(rows[s][2]), 1e-9 * std::stod(rows[s][2]));
        EXPECT_NEAR(*sample.max_pct_mt, std::stod(rows[s][3]), 1e-5);
        EXPECT_NEAR(*sample.high_counts, std::stod(rows[s][4]), 1e-9 * std::stod(rows[s][4]));
        EXPECT_NEAR(*sample.high_genes, std::stod(rows[s][5]), 1e-9 * std::stod(rows[s][5]));
    }
    for (std::size_t c = 0; c < made.batch.size(); ++c) {
        const SampleCutoffs& sample = cutoffs.samples[static_cast<std::size_t>(made.batch[c])];
        const bool keep = m.total_counts[c] > 0 && m.total_counts[c] >= *sample.min_counts && m.n_genes_by_counts[c] >= *sample.min_genes && m.pct_counts_mt[c] <= *sample.max_pct_mt;
        EXPECT_EQ(cutoffs.keep[c] != 0, keep) << c;
    }
    EXPECT_EQ(cutoffs.reason[5], QcReason::no_counts);
}

/// Metrics given directly: 100 usual cells with 1000 to 1099 genes, and one odd cell.
QcMetrics usual_cells_and(double total, std::int32_t n_genes, double pct_mt) {
    QcMetrics m;
    for (int i = 0; i < 100; ++i) {
        m.total_counts.push_back(3000.0 + 10 * i);
        m.n_genes_by_counts.push_back(1000 + i);
        m.pct_counts_mt.push_back(2.0 + 0.02 * i);
    }
    m.total_counts.push_back(total);
    m.n_genes_by_counts.push_back(n_genes);
    m.pct_counts_mt.push_back(pct_mt);
    return m;
}

TEST(QcCutoffs, each_reason_is_given_and_the_high_side_is_only_flagged) {
    const std::vector<std::int32_t> one(101, 0);
    const auto judge = [&](double total, std::int32_t n_genes, double pct_mt, const QcOptions& options) { return qc_cutoffs(usual_cells_and(total, n_genes, pct_mt), one, 1, options); };
    EXPECT_EQ(judge(0, 0, 0, {}).reason[100], QcReason::no_counts);
    EXPECT_EQ(judge(3000, 199, 2, {}).reason[100], QcReason::few_genes);
    EXPECT_EQ(judge(300, 1000, 2, {}).reason[100], QcReason::low_counts);
    EXPECT_EQ(judge(3000, 250, 2, {}).reason[100], QcReason::low_genes);
    EXPECT_EQ(judge(3000, 1000, 8.5, {}).reason[100], QcReason::mitochondrial);
    EXPECT_EQ(judge(3000, 1000, 7.9, {}).reason[100], QcReason::kept) << "above 3 MAD but not above 8 %";
    EXPECT_EQ(judge(3000, 1000, 7.9, {.kind = SampleKind::nuclei}).reason[100], QcReason::mitochondrial);
    const auto high = judge(90000, 9000, 2, {});
    EXPECT_EQ(high.reason[100], QcReason::kept);
    EXPECT_EQ(high.flagged_high[100], 1);
    EXPECT_EQ(std::accumulate(high.flagged_high.begin(), high.flagged_high.end(), 0), 1);
    EXPECT_EQ(high.samples[0].n_kept, 101);
    const auto lax = judge(300, 150, 90, qc_options_scanpy_1_11());
    EXPECT_EQ(lax.reason[100], QcReason::kept);
    EXPECT_FALSE(lax.samples[0].max_pct_mt.has_value());
    EXPECT_EQ(judge(300, 99, 0, qc_options_scanpy_1_11()).reason[100], QcReason::few_genes);
}

TEST(QcCutoffs, samples_are_judged_apart) {
    QcMetrics m = usual_cells_and(300, 250, 2);
    std::vector<std::int32_t> sample(101, 0);
    for (int i = 0; i < 100; ++i) {  // a shallow sample in which the odd cell is usual
        m.total_counts.push_back(280.0 + i);
        m.n_genes_by_counts.push_back(230 + i);
        m.pct_counts_mt.push_back(2.0 + 0.02 * i);
        sample.push_back(1);
    }
    EXPECT_EQ(qc_cutoffs(m, sample, 2, {}).keep[100], 0);
    sample[100] = 1;
    EXPECT_EQ(qc_cutoffs(m, sample, 2, {}).keep[100], 1);
}

TEST(QcCutoffs, warns_when_much_is_removed_or_nothing_is_mitochondrial) {
    QcMetrics m;
    for (int i = 0; i < 100; ++i) {
        m.total_counts.push_back(1000.0 + i);
        m.n_genes_by_counts.push_back(i < 40 ? 150 : 500 + i);
        m.pct_counts_mt.push_back(0.0);
    }
    const auto result = qc_cutoffs(m, std::vector<std::int32_t>(100, 0), 1, {});
    ASSERT_EQ(result.warnings.size(), 2u);
    EXPECT_NE(result.warnings[0].find("40.0 % of the cells (40 of 100)"), std::string::npos) << result.warnings[0];
    EXPECT_NE(result.warnings[0].find("few genes"), std::string::npos);
    EXPECT_EQ(result.warning_sample, (std::vector<std::int32_t>{0, 0}));
    EXPECT_NE(result.warnings[1].find("mitochondrial"), std::string::npos);
}

TEST(QcCutoffs, equal_cells_are_all_kept_and_bad_sample_numbers_are_refused) {
    QcMetrics m;
    for (int i = 0; i < 60; ++i) {
        m.total_counts.push_back(1000.0);
        m.n_genes_by_counts.push_back(500);
        m.pct_counts_mt.push_back(1.0);
    }
    m.total_counts[0] = 999.0;
    const auto result = qc_cutoffs(m, std::vector<std::int32_t>(60, 0), 1, {});
    EXPECT_EQ(result.samples[0].n_kept, 60) << "a MAD of 0 must not remove the cell that differs by one count";
    EXPECT_FALSE(result.samples[0].min_counts.has_value());
    EXPECT_THROW(qc_cutoffs(m, std::vector<std::int32_t>(60, 1), 1, {}), Error);
    EXPECT_THROW(qc_cutoffs(m, std::vector<std::int32_t>(59, 0), 1, {}), Error);
    EXPECT_TRUE(qc_cutoffs(QcMetrics{}, {}, 0, {}).samples.empty());
}

}  // namespace
}  // namespace morula::analysis
