#include "morula/commands/named_genes.hpp"

#include <gtest/gtest.h>

#include "tests/support/contexts.hpp"

namespace morula::commands {
namespace {

using Names = std::vector<std::string>;
using Places = std::vector<std::int64_t>;

data::Dataset with_genes(Names index, Names symbols) {
    data::Dataset dataset;
    dataset.name = "cells.h5ad";
    dataset.var = data::Table(std::move(index));
    if (!symbols.empty()) dataset.var.set("gene_symbols", std::move(symbols));
    return dataset;
}

TEST(named_genes, ids_or_symbols_whichever_finds_more) {
    const auto context = test::make_context(1);
    const data::Dataset dataset = with_genes({"ENSG00000000001.4", "ENSG00000000002", "ENSG00000000003"}, {"CD3D", "CD8A", "CD8A"});
    const NamedGenes by_symbol = find_named_genes(dataset, Names{"CD8A", "CD3D", "MS4A1"}, "sets.gmt", {}, *context);
    EXPECT_EQ(by_symbol.by(), "symbols");
    EXPECT_EQ(by_symbol.find("CD8A"), 1) << "of genes with one name the first";
    EXPECT_EQ(by_symbol.find("MS4A1"), -1);
    EXPECT_EQ(by_symbol.measured(Names{"CD8A", "MS4A1", "CD3D", "CD8A"}), (Places{1, 0}));
    EXPECT_EQ(by_symbol.all_of(Names{"CD8A", "CD3D"}), (Places{1, 0}));
    EXPECT_TRUE(by_symbol.all_of(Names{"CD8A", "MS4A1"}).empty());
    const NamedGenes by_id = find_named_genes(dataset, Names{"ENSG00000000001", "ENSG00000000003.7"}, "sets.gmt", {}, *context);
    EXPECT_EQ(by_id.by(), "gene ids");
    EXPECT_EQ(by_id.find("ENSG00000000001.9"), 0);
    EXPECT_EQ(by_id.find("ENSG00000000003.7"), 2);
}

TEST(named_genes, another_kind_of_names_is_refused_with_both_kinds_and_what_to_do) {
    const auto context = test::make_context(1);
    const data::Dataset symbols = with_genes({"CD3D", "CD8A", "MS4A1"}, {});
    const auto text = [&](const data::Dataset& dataset, Names names) { return test::error_text([&] { find_named_genes(dataset, names, "sets.gmt", {}, *context); }); };
    EXPECT_EQ(test::error_code([&] { find_named_genes(symbols, Names{"915", "925"}, "sets.gmt", {}, *context); }), ErrorCode::invalid_data);
    const std::string entrez = text(symbols, {"915", "925"});
    EXPECT_TRUE(test::contains(entrez, "sets.gmt: 0 of its 2 genes are in cells.h5ad. The file has Entrez numbers such as '915', the data set gene symbols such as 'CD3D'.")) << entrez;
    EXPECT_TRUE(test::contains(entrez, "symbols.gmt")) << entrez;
    EXPECT_TRUE(test::contains(text(symbols, {"ENSG00000167286", "ENSG00000153563"}), "Ensembl ids such as 'ENSG00000153563'"));
    EXPECT_TRUE(test::contains(text(symbols, {"P04234", "P01732"}), "UniProt accessions"));
    const std::string mouse = text(symbols, {"Cd3d", "Cd8a"});
    EXPECT_TRUE(test::contains(mouse, "But for upper and lower case it would be 2.")) << mouse;
    EXPECT_TRUE(test::contains(mouse, "human and mouse")) << mouse;
    EXPECT_TRUE(test::contains(text(with_genes({"ENSG00000167286", "ENSG00000153563"}, {}), {"CD3D"}), "as var column 'gene_symbols'"));
}

TEST(named_genes, one_gene_in_twenty_of_the_smaller_side_is_enough) {
    const auto context = test::make_context(1);
    Names names{"CD3D"}, many{"CD3D"};
    for (int i = 0; i < 19; ++i) names.push_back("OTHER" + std::to_string(i));
    for (int i = 0; i < 99; ++i) many.push_back("GENE" + std::to_string(i));
    EXPECT_EQ(find_named_genes(with_genes(many, {}), names, "sets.gmt", {}, *context).find("CD3D"), 0);
    names.push_back("ONE-MORE");
    EXPECT_NE(test::error_text([&] { find_named_genes(with_genes(many, {}), names, "sets.gmt", {}, *context); }), "");
    EXPECT_EQ(find_named_genes(with_genes({"CD8A", "CD3D"}, {}), many, "sets.gmt", {}, *context).find("CD3D"), 1) << "a small panel of genes and a large file";
}

TEST(named_genes, a_gene_table_finds_names_that_the_data_set_has_not) {
    const auto context = test::make_context(1);
    const knowledge::GeneTable table("genes.tsv", std::vector<knowledge::GeneNames>{{"CXCL8", {"ENSG00000169429"}, {"3576"}, {"IL8"}, {"LUCT"}}, {"CD3D", {"ENSG00000167286"}, {"915"}, {}, {"T3D"}}, {"CD8A", {"ENSG00000153563"}, {"925"}, {}, {"T3D"}}});
    const data::Dataset ids = with_genes({"ENSG00000169429", "ENSG00000167286", "ENSG00000153563"}, {});
    const NamedGenes genes = find_named_genes(ids, Names{"IL8", "LUCT", "CD3D", "T3D"}, "sets.gmt", table, *context);
    EXPECT_EQ(genes.find("IL8"), 0);
    EXPECT_EQ(genes.find("LUCT"), 0);
    EXPECT_EQ(genes.find("CD3D"), 1);
    EXPECT_EQ(genes.find("T3D"), -1) << "two genes are called so";
    EXPECT_EQ(genes.by(), "the gene table");
    EXPECT_EQ(find_named_genes(ids, Names{"925"}, "entrez.gmt", table, *context).find("925"), 2);
    const NamedGenes both = find_named_genes(with_genes({"CD3D", "CXCL8"}, {}), Names{"CD3D", "IL8"}, "sets.gmt", table, *context);
    EXPECT_EQ(both.find("IL8"), 1);
    EXPECT_EQ(both.by(), "symbols and the gene table");
    EXPECT_TRUE(test::contains(test::error_text([&] { find_named_genes(ids, Names{"IL8"}, "sets.gmt", {}, *context); }), "--gene-table"));
}

}  // namespace
}  // namespace morula::commands
