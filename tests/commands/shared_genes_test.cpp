#include "morula/commands/shared_genes.hpp"

#include <gtest/gtest.h>

#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"

namespace morula::commands {
namespace {

data::Dataset of_genes(const std::string& name, const std::vector<std::string>& index) {
    data::Dataset out;
    out.name = name;
    out.var = data::Table(index);
    return out;
}

std::vector<std::string> numbered(const std::string& before, int from, int to) {
    std::vector<std::string> names;
    for (int i = from; i < to; ++i) names.push_back(before + std::to_string(i));
    return names;
}

TEST(shared_genes, are_found_by_symbol_where_ids_differ_and_versions_do_not_matter) {
    const auto context = test::make_context(1);
    data::Dataset reference = of_genes("ref", numbered("ENSG0000000", 1000, 1400));
    reference.var.set("gene_symbols", numbered("GENE", 0, 400));
    const SharedGenes by_symbol = shared_genes(reference, of_genes("query", numbered("GENE", 100, 600)), {}, *context);
    EXPECT_EQ(by_symbol.by, "symbols");
    ASSERT_EQ(by_symbol.in_query.size(), 300U);
    EXPECT_EQ(by_symbol.in_reference.front(), 100);
    EXPECT_EQ(by_symbol.in_query.front(), 0);
    std::vector<std::string> versions = numbered("ENSG0000000", 1100, 1400);
    for (std::string& id : versions) id += ".3";
    const SharedGenes by_id = shared_genes(reference, of_genes("query", versions), {}, *context);
    EXPECT_EQ(by_id.by, "gene ids");
    EXPECT_EQ(by_id.in_query.size(), 300U);
}

TEST(shared_genes, a_name_that_stands_twice_takes_no_part) {
    const auto context = test::make_context(1);
    std::vector<std::string> twice = numbered("GENE", 0, 300);
    twice.push_back("GENE5");
    const SharedGenes shared = shared_genes(of_genes("ref", numbered("GENE", 0, 300)), of_genes("query", twice), {}, *context);
    EXPECT_EQ(shared.in_query.size(), 299U);
}

TEST(shared_genes, too_few_are_refused_with_the_likely_reason) {
    const auto context = test::make_context(1);
    const auto refusal = [&](const std::vector<std::string>& reference, const std::vector<std::string>& query) {
        return test::error_text([&] { shared_genes(of_genes("ref.h5ad", reference), of_genes("query.h5ad", query), {}, *context); });
    };
    const std::string ids = refusal(numbered("ENSG0000000", 1000, 1400), numbered("GENE", 0, 400));
    EXPECT_TRUE(test::contains(ids, "share 0 genes of 400 and 400")) << ids;
    EXPECT_TRUE(test::contains(ids, "Map one side")) << ids;
    const std::string species = refusal(numbered("ENSG0000000", 1000, 1400), numbered("ENSMUSG0000000", 1000, 1400));
    EXPECT_TRUE(test::contains(species, "different species")) << species;
    const std::string mouse = refusal(numbered("GENE", 0, 400), numbered("Gene", 0, 400));
    EXPECT_TRUE(test::contains(mouse, "would share 400")) << mouse;
    EXPECT_TRUE(test::contains(mouse, "orthologues")) << mouse;
}

/// GENE0..GENE599 with ids ENSG00000001000..; gene i was WAS{i} before, and also called ALSO{i}.
knowledge::GeneTable numbered_table() {
    std::vector<knowledge::GeneNames> genes;
    for (int i = 0; i < 600; ++i) genes.push_back({"GENE" + std::to_string(i), {"ENSG0000000" + std::to_string(1000 + i)}, {}, {"WAS" + std::to_string(i)}, {"ALSO" + std::to_string(i)}});
    return {"genes.tsv", genes};
}

TEST(shared_genes, a_gene_table_joins_ids_with_symbols_old_and_new) {
    const auto context = test::make_context(1);
    std::vector<std::string> query = numbered("WAS", 0, 100);
    for (const std::string& name : numbered("GENE", 100, 300)) query.push_back(name);
    query.push_back("ALSO100");  // GENE100 is there as well, and names the gene better
    query.push_back("unknown");
    const data::Dataset reference = of_genes("ref", numbered("ENSG0000000", 1000, 1400));
    const SharedGenes shared = shared_genes(reference, of_genes("query", query), numbered_table(), *context);
    EXPECT_EQ(shared.by, "the gene table");
    ASSERT_EQ(shared.in_reference.size(), 300U);
    for (std::size_t i = 0; i < 300; ++i) {
        EXPECT_EQ(shared.in_reference[i], static_cast<std::int64_t>(i));
        EXPECT_EQ(shared.in_query[i], static_cast<std::int64_t>(i));
    }
}

TEST(shared_genes, names_that_are_equal_come_before_the_gene_table_and_twice_named_genes_are_left_out) {
    const auto context = test::make_context(1);
    std::vector<std::string> query = numbered("GENE", 0, 250);
    for (const char* name : {"WAS300", "ALSO301", "WAS301", "ALSO302", "WAS0"}) query.push_back(name);  // GENE301 twice, by a better and a worse name; WAS0 is GENE0, which is there
    query.push_back("ALSO303");
    query.push_back("AGAIN303");
    const knowledge::GeneTable table = numbered_table();
    std::vector<knowledge::GeneNames> genes(table.genes().begin(), table.genes().end());
    genes[303].aliases.push_back("AGAIN303");
    const SharedGenes shared = shared_genes(of_genes("ref", numbered("GENE", 0, 400)), of_genes("query", query), knowledge::GeneTable("t", genes), *context);
    EXPECT_EQ(shared.by, "gene ids and the gene table");
    ASSERT_EQ(shared.in_query.size(), 253U);
    EXPECT_EQ(shared.in_reference[250], 300);
    EXPECT_EQ(shared.in_query[250], 250);
    EXPECT_EQ(shared.in_query[251], 252) << "the previous symbol before the alias";
    EXPECT_EQ(shared.in_reference[252], 302);
}

}  // namespace
}  // namespace morula::commands
