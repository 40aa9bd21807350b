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
    const SharedGenes by_symbol = shared_genes(reference, of_genes("query", numbered("GENE", 100, 600)), *context);
    EXPECT_EQ(by_symbol.by, "symbols");
    ASSERT_EQ(by_symbol.in_query.size(), 300U);
    EXPECT_EQ(by_symbol.in_reference.front(), 100);
    EXPECT_EQ(by_symbol.in_query.front(), 0);
    std::vector<std::string> versions = numbered("ENSG0000000", 1100, 1400);
    for (std::string& id : versions) id += ".3";
    const SharedGenes by_id = shared_genes(reference, of_genes("query", versions), *context);
    EXPECT_EQ(by_id.by, "gene ids");
    EXPECT_EQ(by_id.in_query.size(), 300U);
}

TEST(shared_genes, a_name_that_stands_twice_takes_no_part) {
    const auto context = test::make_context(1);
    std::vector<std::string> twice = numbered("GENE", 0, 300);
    twice.push_back("GENE5");
    const SharedGenes shared = shared_genes(of_genes("ref", numbered("GENE", 0, 300)), of_genes("query", twice), *context);
    EXPECT_EQ(shared.in_query.size(), 299U);
}

TEST(shared_genes, too_few_are_refused_with_the_likely_reason) {
    const auto context = test::make_context(1);
    const auto refusal = [&](const std::vector<std::string>& reference, const std::vector<std::string>& query) {
        return test::error_text([&] { shared_genes(of_genes("ref.h5ad", reference), of_genes("query.h5ad", query), *context); });
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

}  // namespace
}  // namespace morula::commands
