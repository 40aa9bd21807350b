// Genes by all their names: current symbols, ids of several sources, previous symbols and aliases, from a table or GTF that the user brings.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "morula/core/context.hpp"

namespace morula::knowledge {

/// One gene. Several Ensembl ids with one symbol are one gene: alternative haplotypes, and copies that a symbol does not tell apart.
struct GeneNames {
    std::string symbol;
    std::vector<std::string> ids;        // Ensembl or of another source, without version
    std::vector<std::string> other_ids;  // HGNC, Entrez, UniProt
    std::vector<std::string> previous;   // symbols that it had
    std::vector<std::string> aliases;
};

/// How a name stands for a gene; earlier ones win.
enum class NameRank { id, symbol, previous, alias };

struct GeneMatch {
    std::int64_t gene = -1;  // -1: no gene of the table, kAmbiguous: several
    NameRank rank = NameRank::id;
};
inline constexpr std::int64_t kAmbiguous = -2;

class GeneTable {
public:
    GeneTable() = default;  // knows no gene
    /// Genes that share a symbol or an id are joined.
    GeneTable(std::string name, std::span<const GeneNames> genes);

    const std::string& name() const { return name_; }
    std::span<const GeneNames> genes() const { return genes_; }
    bool empty() const { return genes_.empty(); }
    /// By id (the version of an Ensembl id does not count), then current symbol, previous symbol, alias. A previous symbol or alias of two genes is ambiguous, unless it is a current symbol.
    GeneMatch find(std::string_view name) const;
    /// Previous symbols and aliases that stand for several genes.
    std::int64_t n_ambiguous() const { return n_ambiguous_; }

private:
    using Places = std::unordered_map<std::string, std::int64_t>;
    void add_names(Places& places, const std::vector<std::string>& names, std::int64_t gene);

    std::string name_;
    std::vector<GeneNames> genes_;
    Places by_id_, by_symbol_, by_previous_, by_alias_;
    std::int64_t n_ambiguous_ = 0;
};

/// Reads, told by content, plain, gzip or zstd:
/// - a table (CSV, TSV) with a header, as HGNC's complete set (hgnc_id, symbol, alias_symbol, prev_symbol, ensembl_gene_id, entrez_id, uniprot_ids), Ensembl BioMart (Gene stable ID, Gene name, Gene Synonym),
///   or our own (write_gene_table): a column of symbols, and ids, previous symbols or aliases; several values stand between "|", "," or ";";
/// - without a header: two columns of ids and symbols, in either order; a third one of aliases (a file of more columns has none);
/// - GTF: gene_id and gene_name of its lines of feature "gene";
/// - a folder that `morula knowledge add` filled.
/// Rows without a symbol name nothing and are passed over. Throws not_found, or invalid_data with file and line: no column of symbols, no gene with two names.
GeneTable read_gene_table(const std::filesystem::path& path, Context& context);

/// Tab-separated: symbol, ids, other_ids, previous, aliases; several values are joined with "|".
void write_gene_table(const GeneTable& table, const std::filesystem::path& path);

}  // namespace morula::knowledge
