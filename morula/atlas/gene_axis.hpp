// The global gene axis of an atlas: every gene id of every data set once, in order of first appearance. Adding data sets appends and rewrites nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "morula/data/table.hpp"

namespace morula::atlas {

class GeneAxis {
public:
    GeneAxis() = default;
    explicit GeneAxis(std::vector<std::string> ids);

    std::int64_t n_genes() const { return static_cast<std::int64_t>(ids_.size()); }
    const std::vector<std::string>& ids() const { return ids_; }
    /// Position of a gene id, or -1.
    std::int64_t find(std::string_view id) const;
    /// Positions of the given ids; ids not yet on the axis are appended. An id given twice gets "ID#2" the second time.
    std::vector<std::int64_t> add(const std::vector<std::string>& ids);

private:
    std::vector<std::string> ids_;
    std::unordered_map<std::string, std::int64_t> position_;
};

/// The ids by which a data set's genes are placed on the axis: column `column` of var where given, else gene_ids, gene_id, ensembl_id or feature_id where
/// there is one, else the names. Ensembl ids lose their version ("ENSG00000141510.18" -> "ENSG00000141510").
std::vector<std::string> axis_gene_ids(const data::Table& var, std::string_view column);

/// Which genes of the axis a data set measured: bit g % 64 of word g / 64. A gene that is not measured is not a zero.
class GenePresence {
public:
    GenePresence(const std::vector<std::int64_t>& remap, std::int64_t n_axis_genes);
    std::int64_t n_genes() const { return n_genes_; }
    bool has(std::int64_t gene) const { return (words_[static_cast<std::size_t>(gene / 64)] >> (gene % 64) & 1U) != 0; }
    std::int64_t count() const;
    const std::vector<std::uint64_t>& words() const { return words_; }

private:
    std::int64_t n_genes_ = 0;
    std::vector<std::uint64_t> words_;
};

}  // namespace morula::atlas
