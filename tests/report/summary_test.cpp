#include "morula/report/summary.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "morula/report/render.hpp"

namespace morula::report {
namespace {

ReportFacts healthy_facts() {
    ReportFacts facts;
    facts.title = "PBMC";
    facts.n_cells_in = 2700;
    facts.n_cells_kept = 2638;
    facts.n_genes_kept = 13714;
    facts.median_counts = 2197;
    facts.median_genes = 817;
    facts.median_pct_mt = 2.03;
    facts.removed = {{"a high mitochondrial share", "57"}, {"too few genes", "5"}, {"nothing", "0"}};
    facts.n_doublets = 60;
    facts.doublet_share = 0.023;
    facts.n_clusters = 8;
    facts.stability = 0.93;
    facts.largest_labels = {{"CD4 T cell", "42 %"}, {"CD14 monocyte", "18 %"}};
    return facts;
}

bool ends_with(const std::string& text, const std::string& end) { return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0; }
bool mentions(const Summary& summary, const std::string& words) {
    return std::any_of(summary.checks.begin(), summary.checks.end(), [&](const CheckItem& item) { return (item.title + " " + item.text).find(words) != std::string::npos; });
}

TEST(Summary, healthy_data_are_usable_and_the_paragraph_says_so_last) {
    const Summary summary = compose_summary(healthy_facts());
    EXPECT_EQ(summary.verdict, Verdict::usable);
    EXPECT_EQ(summary.paragraph,
              "PBMC: 2,638 of 2,700 cells from one sample passed quality control (98 %). The median cell has 2,197 counts, 2 % of them mitochondrial, from 817 genes. Removed were 57 for a high mitochondrial share and 5 for too few genes. "
              "They form 8 clusters, by their markers mostly CD4 T cell (42 %) and CD14 monocyte (18 %). Nothing in the quality measures speaks against the data: usable.");
}

TEST(Summary, a_care_makes_it_usable_with_care_and_is_named_in_the_last_sentence) {
    ReportFacts facts = healthy_facts();
    facts.doublet_share = 0.15;
    const Summary summary = compose_summary(facts);
    EXPECT_EQ(summary.verdict, Verdict::usable_with_care);
    EXPECT_TRUE(ends_with(summary.paragraph, "The data are usable with care: 15 % of the cells look like doublets.")) << summary.paragraph;
    EXPECT_EQ(summary.checks.front().severity, Severity::care);
}

TEST(Summary, a_sample_that_was_left_out_is_named_in_the_first_paragraph_and_in_the_verdict) {
    ReportFacts facts = healthy_facts();
    facts.doublet_share = 0.15;
    facts.skipped_samples = {{"b", "b.h5ad: is empty."}};
    const Summary summary = compose_summary(facts);
    EXPECT_EQ(summary.verdict, Verdict::usable_with_care);
    EXPECT_NE(summary.paragraph.find("passed quality control (98 %). Sample b was left out: not usable, as said below. The median"), std::string::npos) << summary.paragraph;
    EXPECT_TRUE(ends_with(summary.paragraph, "usable with care: sample b was left out; 15 % of the cells look like doublets.")) << summary.paragraph;
    EXPECT_NE(summary.checks.front().text.find("b.h5ad: is empty. All that follows"), std::string::npos) << summary.checks.front().text;
    facts.skipped_samples = {{"b", "x"}, {"c", "x"}, {"d", "x"}, {"e", "x"}, {"f", "x"}};
    EXPECT_NE(compose_summary(facts).paragraph.find("Samples b, c, d, e and 1 more were left out"), std::string::npos) << compose_summary(facts).paragraph;
}

TEST(Summary, a_stop_makes_it_not_usable_and_comes_first) {
    ReportFacts facts = healthy_facts();
    facts.doublet_share = 0.15;
    facts.median_genes = 150;
    const Summary summary = compose_summary(facts);
    EXPECT_EQ(summary.verdict, Verdict::not_usable);
    EXPECT_TRUE(ends_with(summary.paragraph, "The data are not usable: the median cell holds only 150 genes.")) << summary.paragraph;
    EXPECT_EQ(summary.checks.front().severity, Severity::stop);
}

struct Case {
    const char* words;  // must appear in a check
    Verdict verdict;
    void (*change)(ReportFacts&);
};

TEST(Summary, each_finding_leads_to_its_verdict_and_its_words) {
    const Case cases[] = {
        {"Hardly any cells", Verdict::not_usable, [](ReportFacts& f) { f.n_cells_kept = 40; }},
        {"of the cells were removed", Verdict::usable_with_care, [](ReportFacts& f) { f.n_cells_kept = 1700; }},
        {"of the cells were removed", Verdict::not_usable, [](ReportFacts& f) { f.n_cells_kept = 300; }},
        {"Sample B lost 44 %", Verdict::usable_with_care, [](ReportFacts& f) { f.n_samples = 2; f.worst_sample = "B"; f.worst_sample_lost = 0.44; }},
        {"60 % of the cells like cluster 7 were removed", Verdict::usable_with_care, [](ReportFacts& f) { f.worst_cluster = "7"; f.worst_cluster_lost = 0.6; }},
        {"holds only 400 genes", Verdict::usable_with_care, [](ReportFacts& f) { f.median_genes = 400; }},
        {"mitochondrial", Verdict::usable_with_care, [](ReportFacts& f) { f.median_pct_mt = 31; }},
        {"ambient RNA", Verdict::usable_with_care, [](ReportFacts& f) { f.ambient_share = 0.3; f.ambient_sample = "B"; }},
        {"ambient RNA", Verdict::not_usable, [](ReportFacts& f) { f.ambient_share = 0.6; }},
        {"S100A8 and LYZ", Verdict::usable, [](ReportFacts& f) { f.n_soup_genes = 2; f.soup_genes = {"S100A8", "LYZ"}; }},
        {"S100A8 and 29 more", Verdict::usable, [](ReportFacts& f) { f.n_soup_genes = 30; f.soup_genes = {"S100A8"}; }},
        {"stressed", Verdict::usable_with_care, [](ReportFacts& f) { f.stress_share = 0.4; }},
        {"component 1 is mostly mitochondrial", Verdict::usable_with_care, [](ReportFacts& f) { f.odd_components = {"component 1 is mostly mitochondrial"}; }},
        {"not stable", Verdict::usable_with_care, [](ReportFacts& f) { f.stability = 0.4; }},
        {"Without doublets changes them much", Verdict::usable_with_care, [](ReportFacts& f) { f.smallest_sensitivity_ari = 0.3; f.smallest_sensitivity_change = "Without doublets"; }},
        {"only approximate", Verdict::usable_with_care, [](ReportFacts& f) { f.neighbor_recall = 0.8; }},
        {"One pair of clusters", Verdict::usable, [](ReportFacts& f) { f.n_merge_offers = 1; }},
        {"cannot be told apart", Verdict::usable_with_care, [](ReportFacts& f) { f.confounded = {"Batch and condition cannot be told apart"}; }},
        {"swapped samples", Verdict::usable_with_care, [](ReportFacts& f) { f.sex_mismatches = {"B"}; }},
        {"almost only from one sample", Verdict::usable_with_care, [](ReportFacts& f) { f.several_batches = true; f.n_single_sample_clusters = 5; }},
        {"almost only from one sample", Verdict::usable, [](ReportFacts& f) { f.several_batches = true; f.n_single_sample_clusters = 1; }},
        {"5 of 8 clusters, 40 % of the cells, have no suggested label", Verdict::usable_with_care, [](ReportFacts& f) { f.n_unassigned = 5; f.unassigned_share = 0.4; }},
        {"1 of 8 clusters, 31 % of the cells, has no suggested label", Verdict::usable_with_care, [](ReportFacts& f) { f.n_unassigned = 1; f.unassigned_share = 0.31; }},
        {"2 clusters stayed unassigned", Verdict::usable, [](ReportFacts& f) { f.n_unassigned = 2; f.unassigned_share = 0.25; }},
        {"stayed unassigned", Verdict::usable, [](ReportFacts& f) { f.source = SourceKind::made_up; f.n_unassigned = 8; f.unassigned_share = 1.0; }},
        {"from a step", Verdict::usable_with_care, [](ReportFacts& f) { f.warnings = {{Severity::care, "A warning from a step.", "qc"}}; }},
    };
    for (const Case& one : cases) {
        ReportFacts facts = healthy_facts();
        one.change(facts);
        const Summary summary = compose_summary(facts);
        EXPECT_EQ(summary.verdict, one.verdict) << one.words;
        EXPECT_TRUE(mentions(summary, one.words)) << one.words;
        EXPECT_NE(summary.paragraph.rfind(verdict_name(one.verdict)), std::string::npos) << summary.paragraph;
    }
}

TEST(Summary, gives_five_checks_whatever_is_found_and_each_points_at_a_section) {
    ReportFacts many = healthy_facts();
    for (int i = 0; i < 9; ++i) many.warnings.push_back({Severity::care, "Warning.", "qc"});
    for (const ReportFacts& facts : {healthy_facts(), many, ReportFacts{}}) {
        const Summary summary = compose_summary(facts);
        ASSERT_EQ(summary.checks.size(), 5u);
        for (const CheckItem& item : summary.checks) EXPECT_NE(std::find(kSectionIds.begin(), kSectionIds.end(), item.section), kSectionIds.end()) << item.section;
        EXPECT_TRUE(std::is_sorted(summary.checks.begin(), summary.checks.end(), [](const CheckItem& a, const CheckItem& b) { return a.severity > b.severity; }));
    }
}

TEST(Summary, calls_simulated_cells_simulated) {
    ReportFacts facts = healthy_facts();
    facts.source = SourceKind::simulated;
    const std::string paragraph = compose_summary(facts).paragraph;
    EXPECT_NE(paragraph.find("2,700 simulated cells"), std::string::npos);
    EXPECT_NE(paragraph.find("against the simulated data"), std::string::npos);
}

TEST(Summary, one_homogeneous_type_is_said_to_have_no_supported_split) {
    ReportFacts facts = healthy_facts();
    facts.no_supported_split = true;
    EXPECT_NE(compose_summary(facts).paragraph.find("no split into clusters is supported"), std::string::npos);
}

TEST(Summary, leaves_out_what_was_not_measured) {
    ReportFacts facts = healthy_facts();
    facts.median_counts = facts.median_pct_mt = facts.stability = kMissing;
    facts.removed.clear();
    const Summary summary = compose_summary(facts);
    EXPECT_EQ(summary.verdict, Verdict::usable);
    EXPECT_EQ(summary.paragraph.find("nan"), std::string::npos);
    EXPECT_EQ(summary.paragraph.find("Removed were"), std::string::npos);
}

}  // namespace
}  // namespace morula::report
