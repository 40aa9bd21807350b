#include "morula/commands/gene_names.hpp"

#include <fmt/format.h>

#include <unordered_map>

#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

struct Claim {
    std::size_t column = 0;
    knowledge::NameRank rank = knowledge::NameRank::id;
    bool is_shared = false;  // by another column that names the gene as well
};

}  // namespace

knowledge::GeneTable open_gene_table(const std::string& path, Context& context) {
    if (path.empty()) return {};
    knowledge::GeneTable table = knowledge::read_gene_table(path, context);
    context.events().decision(fmt::format("Gene table {}: {} genes; {} previous symbols and aliases stand for several genes and are not used.", table.name(), table.genes().size(), table.n_ambiguous()));
    return table;
}

MappedGenes genes_of_names(const knowledge::GeneTable& table, std::span<const std::string> names) {
    MappedGenes mapped;
    for (const std::string& name : names) {
        const std::int64_t gene = table.find(name).gene;
        mapped.n_ambiguous += gene == knowledge::kAmbiguous ? 1 : 0;
        mapped.gene.push_back(gene >= 0 ? gene : -1);
    }
    return mapped;
}

MappedGenes genes_of_columns(const knowledge::GeneTable& table, std::span<const std::string> ids, std::span<const std::string> symbols) {
    MORULA_ASSERT(ids.size() == symbols.size());
    MappedGenes mapped;
    std::unordered_map<std::int64_t, Claim> claims;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        knowledge::GeneMatch match = table.find(ids[i]);
        if (match.gene == -1) match = table.find(symbols[i]);
        mapped.gene.push_back(-1);
        mapped.n_ambiguous += match.gene == knowledge::kAmbiguous ? 1 : 0;
        if (match.gene < 0) continue;
        const auto [found, fresh] = claims.emplace(match.gene, Claim{i, match.rank, false});
        if (fresh) continue;
        ++mapped.n_ambiguous;
        if (match.rank < found->second.rank) found->second = {i, match.rank, false};
        else if (match.rank == found->second.rank) found->second.is_shared = true;
    }
    for (const auto& [gene, claim] : claims) {
        if (claim.is_shared) ++mapped.n_ambiguous;
        else mapped.gene[claim.column] = gene;
    }
    return mapped;
}

}  // namespace morula::commands
