// The gene table of 10x files, one layout for folders and h5: index = gene ids where they are ids, else symbols.
#pragma once

#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/table.hpp"

namespace morula::formats {

/// What a features file says; each vector is empty or n_genes long.
struct TenxFeatures {
    std::vector<std::string> ids;
    std::vector<std::string> symbols;
    std::vector<std::string> types;    // "Gene Expression", "Antibody Capture", ...
    std::vector<std::string> genomes;  // "GRCh38"
};

/// index = ids; columns gene_ids, gene_symbols, feature_types and, where known, genome. Two-genome files without a genome column whose ids carry a
/// prefix ("hg19_ENSG...", "GRCh38_...") get one from it. Where ids are only the symbols again, gene_ids is left out.
/// Names that occur twice are kept apart by "-1", "-2" and reported as a warning with `what` (the file).
data::Table tenx_gene_table(TenxFeatures features, const std::string& what, Context& context);

}  // namespace morula::formats
