// The genes that two data sets share, whichever way each names them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"
#include "morula/knowledge/gene_table.hpp"

namespace morula::commands {

struct SharedGenes {
    std::vector<std::int64_t> in_reference;  // columns, rising
    std::vector<std::int64_t> in_query;      // the same genes, in that order
    std::string by;                          // "gene ids", "symbols", "symbols and the gene table"
};

/// Genes of one name in both, by the naming (ids without their version, or symbols) that more genes share; names that stand twice on a side take no part.
/// Genes that are not shared by name are looked for by `table` (see genes_of_columns; one that knows no gene changes nothing). Says how many are shared. Fewer than 200: invalid_data with what each side calls its genes and what to do (other species, ids against symbols);
/// fewer than a fifth of the smaller side: a warning.
SharedGenes shared_genes(const data::Dataset& reference, const data::Dataset& query, const knowledge::GeneTable& table, Context& context);

}  // namespace morula::commands
