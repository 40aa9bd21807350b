// The genes that a table from elsewhere names, found among the genes of a data set.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"
#include "morula/knowledge/gene_table.hpp"

namespace morula::commands {

class NamedGenes {
public:
    NamedGenes(std::unordered_map<std::string, std::int64_t> place, std::string by) : place_(std::move(place)), by_(std::move(by)) {}

    /// Column of a gene; -1 where it was not measured.
    std::int64_t find(const std::string& name) const;
    /// Columns of those measured, in order of the names.
    std::vector<std::int64_t> measured(std::span<const std::string> names) const;
    /// Columns of all; empty where one was not measured.
    std::vector<std::int64_t> all_of(std::span<const std::string> names) const;
    const std::string& by() const { return by_; }  // "symbols", "gene ids"

private:
    std::unordered_map<std::string, std::int64_t> place_;
    std::string by_;
};

/// names: what the file calls its genes, with or without repeats. Gene ids (without their version) or symbols, whichever finds more; of genes with one name the first. Names that are not found so are looked for by `table` (see genes_of_columns). Says how many were found.
/// Throws invalid_data when fewer than one in twenty of the smaller side is: what kind of names the file has and what kind the data set has (Ensembl ids, Entrez numbers, UniProt, symbols of another
/// species), and what to do.
NamedGenes find_named_genes(const data::Dataset& dataset, std::span<const std::string> names, std::string_view file, const knowledge::GeneTable& table, Context& context);

}  // namespace morula::commands
