// Known pairs of ligand and receptor, with the genes that their complexes and cofactors are made of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "morula/core/context.hpp"

namespace morula::knowledge {

/// What names of complexes, groups of cofactors and proteins stand for: names of genes, or names that stand for something again.
struct NameParts : std::map<std::string, std::vector<std::string>, std::less<>> {
    using map::map;
    /// Names that stand for a gene and nothing further: complexes may be called like one of their genes (GALR1 in CellPhoneDB).
    std::set<std::string, std::less<>> proteins{};
};

struct LigandReceptor {
    std::string name;
    std::string ligand;     // as the table calls it: a gene or a complex
    std::string receptor;
    std::string pathway;    // or classification; may be empty
    std::vector<std::string> ligand_genes;    // all are needed
    std::vector<std::string> receptor_genes;
    std::vector<std::string> agonists;        // genes, each by itself
    std::vector<std::string> antagonists;
    std::vector<std::string> co_activators;   // of the receptor
    std::vector<std::string> co_inhibitors;
};

struct LigandReceptorTable {
    std::vector<LigandReceptor> interactions;
    std::int64_t n_repeated = 0;                 // lines left out: their ligand and receptor stood there before
    std::vector<std::string> unknown_complexes;  // partners that no table takes apart, though they are written like complexes
    std::vector<std::string> unknown_cofactors;  // groups that no table lists; they are left out
};

/// Tables that take names apart, told by their columns: complexes and cofactors (first column the name; then subunit_1, subunit_2, ... or cofactor1, ... as in CellChatDB's
/// complex_input and cofactor_input, or uniprot_1, ... as in CellPhoneDB's complex_input), and proteins (uniprot, and hgnc_symbol or gene_name: CellPhoneDB's gene_input).
/// Throws not_found, or invalid_data with file, line and column.
NameParts read_name_parts(std::span<const std::filesystem::path> paths, Context& context);

/// A CSV or TSV of pairs. Its columns tell whose they are:
/// - CellPhoneDB (Efremova et al. 2020): partner_a, partner_b (a name, "simple:NAME" or "complex:NAME"), perhaps gene_a, gene_b, receptor_a, receptor_b, classification. Where a alone
///   is a receptor the two are swapped, so that ligands come first.
/// - CellChatDB (Jin et al. 2021): interaction_name, ligand, receptor, pathway_name, agonist, antagonist, co_A_receptor, co_I_receptor; complexes by `parts`, else by ligand.symbol and
///   receptor.symbol, else by interaction_name_2 ("TGFB1 - (TGFBR1+TGFBR2)").
/// - any other: ligand (or source_genesymbol) and receptor (or target_genesymbol), parts of a complex joined by "_", "+" or "&".
/// Throws not_found, or invalid_data with file, line and column: columns missing, an empty partner, names that stand for each other in a circle, no pair at all.
LigandReceptorTable read_ligand_receptor(const std::filesystem::path& path, const NameParts& parts, Context& context);

}  // namespace morula::knowledge
