// --gene-table: genes of one side found under the names of the other, where ids meet symbols or symbols have changed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/knowledge/gene_table.hpp"

namespace morula::commands {

/// The help of every --gene-table option.
inline constexpr std::string_view kGeneTableHelp =
    "Genes by all their names: a folder of `morula knowledge add --kind genes`, HGNC's complete set, a BioMart table or a GTF. Genes that are not found by name are looked for under their other ids, symbols, previous symbols and aliases.";
/// The end of messages about names that do not meet.
inline constexpr std::string_view kGeneTableNext = "or pass --gene-table with a table of ids and symbols (HGNC's complete set, BioMart, GTF)";

/// The table that --gene-table names, said aloud; one that knows no gene for "".
knowledge::GeneTable open_gene_table(const std::string& path, Context& context);

struct MappedGenes {
    std::vector<std::int64_t> gene;  // of the table, for each entry; -1: none
    std::int64_t n_ambiguous = 0;    // entries that are not told apart
};
/// Each name by itself: several may name one gene.
MappedGenes genes_of_names(const knowledge::GeneTable& table, std::span<const std::string> names);
/// Columns of a data set, by id, else by symbol (one each). Of several columns of one gene the one that names it best stays (by id, current symbol, previous symbol, alias); where two are equal none does.
MappedGenes genes_of_columns(const knowledge::GeneTable& table, std::span<const std::string> ids, std::span<const std::string> symbols);

}  // namespace morula::commands
