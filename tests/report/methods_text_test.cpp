#include "morula/report/methods_text.hpp"

#include <regex>
#include <set>

#include <gtest/gtest.h>

namespace morula::report {
namespace {

MethodsFacts full_facts() {
    MethodsFacts facts;
    facts.morula_version = "0.1.0";
    facts.recipe = "morula-1";
    facts.n_samples = 3;
    facts.n_cells_in = 3180;
    facts.n_cells_kept = 3000;
    facts.n_genes_in = 32738;
    facts.n_genes_kept = 14210;
    facts.mad_counts = 5;
    facts.min_genes = 200;
    facts.mad_mt = 3;
    facts.min_pct_mt = 8;
    facts.min_cells = 3;
    facts.target_sum = 1e4;
    facts.hvg_flavor = "seurat_v3";
    facts.n_hvg = 3000;
    facts.hvg_by_batch = true;
    facts.doublets = facts.cell_cycle = facts.stress = true;
    facts.n_components = 50;
    facts.n_components_used = 30;
    facts.harmony_batch = "batch";
    facts.n_neighbors = 15;
    facts.graph_weights = "fuzzy";
    facts.resolution = 1;
    facts.n_clusters = 11;
    facts.stability = 0.81;
    facts.umap_min_dist = 0.5;
    facts.umap_epochs = 200;
    facts.label_source = "a table";
    facts.comparison = "diseased with healthy";
    facts.comparison_types = "cell_type";
    facts.comparison_design = "~ donor + condition";
    facts.programme_table = "hallmarks.gmt";
    facts.copy_number_reference = "120 cells ('cell_type=T cell')";
    return facts;
}

std::string joined(const Methods& methods) {
    std::string out;
    for (const std::string& paragraph : methods.paragraphs) out += paragraph + "\n";
    return out;
}

/// Numbers in the order in which they are first cited.
std::vector<int> citations(const std::string& text) {
    std::vector<int> out;
    std::set<int> seen;
    const std::regex number(R"(\[(\d+)\])");
    for (std::sregex_iterator it(text.begin(), text.end(), number), end; it != end; ++it) {
        const int cited = std::stoi((*it)[1]);
        if (seen.insert(cited).second) out.push_back(cited);
    }
    return out;
}

TEST(MethodsText, tells_of_programmes_and_pairs_only_where_they_were_compared) {
    const std::string text = joined(compose_methods(full_facts()));
    EXPECT_NE(text.find("Gene sets (hallmarks.gmt) were scored"), std::string::npos);
    EXPECT_EQ(text.find("Ligand-receptor pairs"), std::string::npos);
}

TEST(MethodsText, tells_of_copy_number_and_its_reference_only_where_it_was_called) {
    MethodsFacts facts = full_facts();
    EXPECT_NE(joined(compose_methods(facts)).find("against 120 cells ('cell_type=T cell') as the reference"), std::string::npos);
    facts.copy_number_reference = "";
    EXPECT_EQ(joined(compose_methods(facts)).find("Gains and losses"), std::string::npos);
}

TEST(MethodsText, cites_in_order_and_every_reference_is_cited) {
    for (const char* flavor : {"seurat", "cell_ranger", "seurat_v3"}) {
        MethodsFacts facts = full_facts();
        facts.hvg_flavor = flavor;
        const Methods methods = compose_methods(facts);
        const std::vector<int> cited = citations(joined(methods));
        ASSERT_EQ(cited.size(), methods.references.size()) << flavor;
        for (std::size_t i = 0; i < cited.size(); ++i) EXPECT_EQ(cited[i], static_cast<int>(i) + 1);
        EXPECT_EQ(std::set<std::string>(methods.references.begin(), methods.references.end()).size(), methods.references.size());
    }
}

TEST(MethodsText, states_the_numbers_that_were_used) {
    const std::string text = joined(compose_methods(full_facts()));
    for (const char* words : {"Morula 0.1.0", "recipe morula-1", "more than 5 median absolute deviations below", "fewer than 200 genes", "exceeded 8 %", "fewer than 3 cells", "3,000 of 3,180 cells from 3 samples", "14,210 of 32,738 genes",
                              "10,000 per cell", "3,000 most variable genes", "ranked within each sample", "50 principal components", "first 30 were used", "Batches (batch) were integrated", "15 nearest neighbours", "resolution 1)", "11 clusters", "0.81",
                              "minimum distance 0.5, 200 epochs", "p values are descriptive", "seed 0"}) {
        EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
    }
}

TEST(MethodsText, says_nothing_of_steps_that_did_not_run) {
    MethodsFacts facts;
    facts.morula_version = "0.1.0";
    facts.recipe = "scanpy-1.11";
    facts.markers = false;
    const std::string text = joined(compose_methods(facts));
    for (const char* words : {"Harmony", "UMAP", "Leiden", "nan", "doublet", "Markers", "stress", "variable genes", "  "}) EXPECT_EQ(text.find(words), std::string::npos) << words << "\n" << text;
}

TEST(MethodsText, tells_approximate_neighbours_with_their_recall) {
    MethodsFacts facts = full_facts();
    facts.exact_neighbors = false;
    facts.neighbor_recall = 0.987;
    EXPECT_NE(joined(compose_methods(facts)).find("(measured recall 0.987)"), std::string::npos);
}

TEST(LoadSnippets, read_the_file_by_its_name_and_say_when_the_matrix_is_elsewhere) {
    const std::vector<CodeSnippet> whole = load_snippets({.h5ad = "my.h5ad"});
    ASSERT_EQ(whole.size(), 2u);
    EXPECT_NE(whole[0].code.find("sc.read_h5ad(\"my.h5ad\")"), std::string::npos);
    EXPECT_NE(whole[1].code.find("read_h5ad(\"my.h5ad\")"), std::string::npos);
    const std::vector<CodeSnippet> without = load_snippets({.h5ad = "my.h5ad", .add_matrices = "morula run my.h5 --out my --matrix full"});
    ASSERT_EQ(without.size(), 3u);
    EXPECT_NE(without[0].code.find("morula run my.h5 --out my --matrix full"), std::string::npos);
}

}  // namespace
}  // namespace morula::report
