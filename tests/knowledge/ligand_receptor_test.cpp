#include "morula/knowledge/ligand_receptor.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "morula/core/file.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/real_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::knowledge {
namespace {

using test::contains;
using Names = std::vector<std::string>;

class LigandReceptorFile : public testing::Test {
protected:
    std::filesystem::path write(const std::string& name, const std::string& text) {
        write_text_file(folder_ / name, text);
        return folder_ / name;
    }
    NameParts parts(std::vector<std::filesystem::path> paths) { return read_name_parts(paths, *context_); }
    LigandReceptorTable read(const std::string& text, const NameParts& parts) { return read_ligand_receptor(write("pairs.csv", text), parts, *context_); }
    std::string error_of(const std::string& text, const NameParts& parts) {
        return test::error_text([&] { read(text, parts); });
    }
    test::TemporaryFolder folder_;
    std::unique_ptr<Context> context_ = test::make_context(1);
};

TEST_F(LigandReceptorFile, plain_tables_join_the_parts_of_a_complex) {
    const auto table = read("source_genesymbol,target_genesymbol\nCXCL12,CXCR4\nWNT3A,FZD1_LRP6\n", {});
    ASSERT_EQ(table.interactions.size(), 2u);
    EXPECT_EQ(table.interactions[0].name, "CXCL12 - CXCR4");
    EXPECT_EQ(table.interactions[1].receptor_genes, (Names{"FZD1", "LRP6"}));
    EXPECT_EQ(table.interactions[1].receptor, "FZD1_LRP6");
}

/// The columns of CellPhoneDB 5's interaction_input, complex_input and gene_input.
TEST_F(LigandReceptorFile, cellphonedb_complexes_become_genes_and_ligands_come_first) {
    const auto complexes = write("complex_input.csv", "complex_name,uniprot_1,uniprot_2,uniprot_3,transmembrane\nTGFbeta_receptor1,P36897,P37173,,True\nunused,,,,True\n");
    const auto genes = write("gene_input.csv", "gene_name,uniprot,hgnc_symbol,ensembl\nTGFB1,P01137,TGFB1,ENSG1\nTGFBR1,P36897,TGFBR1,ENSG2\nTGFBR1,P36897,TGFBR1,ENSG3\nTGFBR2,P37173,TGFBR2,ENSG4\n");
    const auto table = read(
        "id_cp_interaction,partner_a,partner_b,receptor_a,receptor_b,classification\nCPI-1,P01137,TGFbeta_receptor1,False,True,Signaling by TGF\nCPI-2,TGFbeta_receptor1,P10600,True,False,\nCPI-3,P01137,TGFbeta_receptor1,False,True,\n",
        parts({complexes, genes}));
    ASSERT_EQ(table.interactions.size(), 2u);
    EXPECT_EQ(table.n_repeated, 1);
    EXPECT_EQ(table.interactions[0].name, "CPI-1");
    EXPECT_EQ(table.interactions[0].pathway, "Signaling by TGF");
    EXPECT_EQ(table.interactions[0].ligand_genes, (Names{"TGFB1"}));
    EXPECT_EQ(table.interactions[0].receptor_genes, (Names{"TGFBR1", "TGFBR2"}));
    EXPECT_EQ(table.interactions[1].ligand, "P10600");
    EXPECT_EQ(table.interactions[1].receptor_genes, (Names{"TGFBR1", "TGFBR2"}));
}

TEST_F(LigandReceptorFile, the_columns_of_cellphonedbs_results_are_read_too) {
    const auto table = read("interacting_pair,partner_a,partner_b,gene_a,gene_b\nCDH1_integrin_a2b1_complex,simple:P12830,complex:integrin_a2b1_complex,CDH1,\n", {});
    EXPECT_EQ(table.interactions[0].ligand_genes, (Names{"CDH1"}));
    EXPECT_EQ(table.interactions[0].receptor_genes, (Names{"integrin_a2b1_complex"})) << "not taken apart at its underscores";
    EXPECT_EQ(table.unknown_complexes, (Names{"integrin_a2b1_complex"}));
}

TEST_F(LigandReceptorFile, cellchatdb_cofactors_are_genes_each_by_itself) {
    const std::string header = "interaction_name,pathway_name,ligand,receptor,agonist,antagonist,co_A_receptor,co_I_receptor,interaction_name_2\n";
    const auto cofactors = write("cofactor_input.csv", ",cofactor1,cofactor2\nTGFb agonist,PITX1,\nTGFb antagonist,LTBP1,DCN\nTGFb inhibition receptor,BAMBI,NA\n");
    const auto table = read(header + "TGFB1_TGFBR1_TGFBR2,TGFb,TGFB1,TGFbR1_R2,TGFb agonist,TGFb antagonist,,TGFb inhibition receptor,TGFB1  - (TGFBR1+TGFBR2)\nCD80_CD28,CD80,CD80,CD28,NA,nobody knows,BTLA,,\n", parts({cofactors}));
    const LigandReceptor& tgf = table.interactions[0];
    EXPECT_EQ(tgf.receptor_genes, (Names{"TGFBR1", "TGFBR2"})) << "from interaction_name_2";
    EXPECT_EQ(tgf.agonists, (Names{"PITX1"}));
    EXPECT_EQ(tgf.antagonists, (Names{"LTBP1", "DCN"}));
    EXPECT_EQ(tgf.co_inhibitors, (Names{"BAMBI"}));
    EXPECT_TRUE(tgf.co_activators.empty());
    EXPECT_EQ(tgf.pathway, "TGFb");
    EXPECT_EQ(table.interactions[1].co_activators, (Names{"BTLA"}));
    EXPECT_TRUE(table.interactions[1].agonists.empty());
    EXPECT_EQ(table.unknown_cofactors, (Names{"nobody knows"}));
    // The table of complexes wins over the long name, and ligand.symbol is what version 2 has.
    const auto complexes = write("complex_input.csv", "name,subunit_1,subunit_2\nTGFbR1_R2,A,B\n");
    EXPECT_EQ(read(header + "n,p,TGFB1,TGFbR1_R2,,,,,TGFB1 - (X+Y)\n", parts({complexes})).interactions[0].receptor_genes, (Names{"A", "B"}));
    EXPECT_EQ(read("interaction_name,ligand,receptor,ligand.symbol,receptor.symbol\nn,TGFB1,TGFbR1_R2,TGFB1,\"TGFBR2, TGFBR1\"\n", {}).interactions[0].receptor_genes, (Names{"TGFBR2", "TGFBR1"}));
}

TEST_F(LigandReceptorFile, a_complex_may_be_called_like_one_of_its_genes) {
    // As in CellPhoneDB: the complex GALR1 holds the protein P47211, whose gene is GALR1.
    const auto complexes = write("complex_input.csv", "complex_name,uniprot_1,uniprot_2\nGALR1,P47211,Q8TDV0\n");
    const auto genes = write("gene_input.csv", "gene_name,uniprot,hgnc_symbol\nGALR1,P47211,GALR1\nGPR151,Q8TDV0,GPR151\nGAL,P22466,GAL\n");
    const auto table = read("partner_a,partner_b\nP22466,GALR1\nP22466,P47211\n", parts({complexes, genes}));
    ASSERT_EQ(table.interactions.size(), 2U);
    EXPECT_EQ(table.interactions[0].receptor_genes, (Names{"GALR1", "GPR151"}));
    EXPECT_EQ(table.interactions[1].receptor_genes, Names{"GALR1"});
}

TEST_F(LigandReceptorFile, what_is_wrong_is_named_with_its_place) {
    EXPECT_TRUE(contains(error_of("from,to\nA,B\n", {}), "has no column 'ligand'"));
    EXPECT_TRUE(contains(error_of("ligand,to\nA,B\n", {}), "has no column 'receptor'"));
    EXPECT_TRUE(contains(error_of("ligand,receptor\nA,B\nC,\n", {}), "line 3, column 'receptor': is empty"));
    EXPECT_TRUE(contains(error_of("partner_a,partner_b\nsimple:,B\n", {}), "line 2, column 'partner_a': is empty"));
    EXPECT_TRUE(contains(error_of("ligand,receptor\n", {}), "holds no pair"));
    EXPECT_TRUE(contains(error_of("ligand,receptor\nA,B\n", {{"A", {"B", "C"}}, {"B", {"A"}}}), "line 2: a name here stands for others in a circle"));
    EXPECT_TRUE(contains(test::error_text([&] { parts({write("wrong.csv", "name,genes\nA,B\n")}); }), "has no columns with parts"));
}

const LigandReceptor& of_partners(const LigandReceptorTable& table, const std::string& ligand, const std::string& receptor) {
    static const LigandReceptor none;
    const auto found = std::ranges::find_if(table.interactions, [&](const LigandReceptor& pair) { return pair.ligand == ligand && pair.receptor == receptor; });
    EXPECT_NE(found, table.interactions.end()) << ligand << ", " << receptor;
    return found == table.interactions.end() ? none : *found;
}

/// 3,233 lines, each with partners of its own (wc, sort).
TEST_F(LigandReceptorFile, cellchatdbs_own_tables_are_read) {
    MORULA_REAL_DATA(folder, "ligand-receptor");
    const auto table = read_ligand_receptor(folder / "cellchatdb_interaction.csv.gz", parts({folder / "cellchatdb_complex.csv.gz", folder / "cellchatdb_cofactor.csv.gz"}), *context_);
    EXPECT_EQ(table.interactions.size(), 3233U);
    EXPECT_EQ(table.n_repeated, 0);
    EXPECT_EQ(table.unknown_cofactors, Names{});
    const LigandReceptor& tgf = of_partners(table, "TGFB1", "TGFbR1_R2");
    EXPECT_EQ(tgf.receptor_genes, (Names{"TGFBR1", "TGFBR2"}));
    EXPECT_EQ(tgf.agonists, (Names{"FST", "THBS1"}));
    EXPECT_EQ(tgf.antagonists, (Names{"LEFTY1", "LEFTY2", "INHBA", "INHBB", "INHBC", "INHBE", "FMOD", "DCN", "LTBP1", "EMILIN1"}));
    EXPECT_EQ(tgf.co_inhibitors, (Names{"BAMBI"}));
    EXPECT_EQ(tgf.pathway, "TGFb");
    EXPECT_EQ(of_partners(table, "IL2", "IL2RA_IL2RB").receptor_genes, (Names{"IL2RA", "IL2RB", "IL2RG"}));
}

/// 2,911 lines, each with partners of its own.
TEST_F(LigandReceptorFile, cellphonedbs_own_tables_are_read) {
    MORULA_REAL_DATA(folder, "ligand-receptor/cellphonedb");
    const auto table = read_ligand_receptor(folder / "interaction_input.csv", parts({folder / "complex_input.csv", folder / "gene_input.csv"}), *context_);
    EXPECT_EQ(table.interactions.size(), 2911U);
    EXPECT_EQ(table.n_repeated, 0);
    EXPECT_EQ(table.unknown_complexes, Names{});
    EXPECT_EQ(of_partners(table, "P01137", "TGFbeta_receptor1").ligand_genes, (Names{"TGFB1"}));
    EXPECT_EQ(of_partners(table, "P01137", "TGFbeta_receptor1").receptor_genes, (Names{"TGFBR1", "TGFBR2"}));
    EXPECT_EQ(of_partners(table, "P12830", "integrin_a2b1_complex").receptor_genes, (Names{"ITGB1", "ITGA2"}));
}

}  // namespace
}  // namespace morula::knowledge
