#include "morula/commands/shared_genes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "morula/atlas/gene_axis.hpp"
#include "morula/commands/gene_names.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

constexpr std::int64_t kLeastShared = 200;
constexpr std::int64_t kFewShared = 5;  // a warning below one in so many of the smaller side

/// Place of each name that stands once.
std::unordered_map<std::string_view, std::int64_t> places_of(const std::vector<std::string>& names) {
    std::unordered_map<std::string_view, std::int64_t> places;
    places.reserve(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto [found, fresh] = places.emplace(names[i], static_cast<std::int64_t>(i));
        if (!fresh) found->second = -1;
    }
    return places;
}

SharedGenes matched(const std::vector<std::string>& reference, const std::vector<std::string>& query, std::string by) {
    const auto in_reference = places_of(reference);
    const auto in_query = places_of(query);
    SharedGenes out;
    out.by = std::move(by);
    for (std::size_t i = 0; i < reference.size(); ++i) {
        const auto found = in_query.find(reference[i]);
        if (reference[i].empty() || found == in_query.end() || found->second < 0 || in_reference.at(reference[i]) < 0) continue;
        out.in_reference.push_back(static_cast<std::int64_t>(i));
        out.in_query.push_back(found->second);
    }
    return out;
}

std::vector<std::string> lower_case(std::vector<std::string> names) {
    for (std::string& name : names) {
        for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return names;
}

/// "ENSMUSG" of "ENSMUSG00000000001"; empty when it is no Ensembl id.
std::string ensembl_prefix(const std::string& name) {
    if (!name.starts_with("ENS")) return "";
    const std::size_t digits = name.find_first_of("0123456789");
    return digits != std::string::npos && digits >= 4 && name.size() - digits >= 6 && name[digits - 1] == 'G' ? name.substr(0, digits) : "";
}

/// The prefix that most names have; empty where most are no Ensembl ids.
std::string common_prefix(const std::vector<std::string>& names) {
    std::unordered_map<std::string, std::size_t> n;
    for (const std::string& name : names) ++n[ensembl_prefix(name)];
    for (const auto& [prefix, count] : n) {
        if (2 * count > names.size()) return prefix;
    }
    return "";
}

std::string kind_of(const std::vector<std::string>& names) {
    const std::string prefix = common_prefix(names);
    const std::string example = names.empty() ? "" : names[names.size() / 2];
    return prefix.empty() ? fmt::format("names such as '{}'", example) : fmt::format("Ensembl ids such as '{}'", example);
}

[[noreturn]] void too_few(const data::Dataset& reference, const data::Dataset& query, std::size_t n) {
    const std::vector<std::string> reference_ids = atlas::axis_gene_ids(reference.var, "");
    const std::vector<std::string> query_ids = atlas::axis_gene_ids(query.var, "");
    const std::string message = fmt::format("{} and {} share {} genes of {} and {}; {} are needed. {} has {}, {} has {}.", reference.name, query.name, n, reference.n_genes(), query.n_genes(),
                                            kLeastShared, reference.name, kind_of(reference_ids), query.name, kind_of(query_ids));
    const std::string of_reference = common_prefix(reference_ids);
    const std::string of_query = common_prefix(query_ids);
    if (!of_reference.empty() && !of_query.empty() && of_reference != of_query) invalid_data(message, "They are of different species: map one side to the other's orthologues, or take data of the same species.");
    const std::size_t any_case = matched(lower_case(symbols_of(reference.var)), lower_case(symbols_of(query.var)), "").in_reference.size();
    if (any_case >= static_cast<std::size_t>(kLeastShared)) {
        invalid_data(fmt::format("{} But for upper and lower case they would share {}.", message, any_case), "They look like human and mouse symbols: map one side to the other's orthologues, or take data of the same species.");
    }
    if (of_reference.empty() != of_query.empty()) {
        invalid_data(message, fmt::format("Map one side: write the Ensembl ids as var column 'gene_ids', or the symbols as 'gene_symbols', of the side that lacks them, {}.", kGeneTableNext));
    }
    invalid_data(message, "Give both sides gene ids or symbols of one species and source, as var column 'gene_ids' or 'gene_symbols'.");
}

/// Adds genes that the two name differently.
void add_by_table(const data::Dataset& reference, const data::Dataset& query, const knowledge::GeneTable& table, SharedGenes& shared, Context& context) {
    const MappedGenes of_reference = genes_of_columns(table, atlas::axis_gene_ids(reference.var, ""), symbols_of(reference.var));
    const MappedGenes of_query = genes_of_columns(table, atlas::axis_gene_ids(query.var, ""), symbols_of(query.var));
    std::vector<std::pair<std::int64_t, std::int64_t>> pairs;  // of columns
    std::vector<std::uint8_t> used(table.genes().size(), 0);
    for (std::size_t i = 0; i < shared.in_reference.size(); ++i) {
        pairs.emplace_back(shared.in_reference[i], shared.in_query[i]);
        for (const std::int64_t gene : {of_reference.gene[static_cast<std::size_t>(shared.in_reference[i])], of_query.gene[static_cast<std::size_t>(shared.in_query[i])]}) {
            if (gene >= 0) used[static_cast<std::size_t>(gene)] = 1;
        }
    }
    std::vector<std::int64_t> column_of_query(table.genes().size(), -1);
    std::vector<std::uint8_t> query_is_used(of_query.gene.size(), 0);
    for (const std::int64_t column : shared.in_query) query_is_used[static_cast<std::size_t>(column)] = 1;
    for (std::size_t i = 0; i < of_query.gene.size(); ++i) {
        if (of_query.gene[i] >= 0 && query_is_used[i] == 0) column_of_query[static_cast<std::size_t>(of_query.gene[i])] = static_cast<std::int64_t>(i);
    }
    const std::size_t n_by_name = pairs.size();
    std::vector<std::uint8_t> reference_is_used(of_reference.gene.size(), 0);
    for (const std::int64_t column : shared.in_reference) reference_is_used[static_cast<std::size_t>(column)] = 1;
    for (std::size_t i = 0; i < of_reference.gene.size(); ++i) {
        const std::int64_t gene = of_reference.gene[i];
        if (gene < 0 || reference_is_used[i] != 0 || used[static_cast<std::size_t>(gene)] != 0 || column_of_query[static_cast<std::size_t>(gene)] < 0) continue;
        pairs.emplace_back(static_cast<std::int64_t>(i), column_of_query[static_cast<std::size_t>(gene)]);
    }
    context.events().decision(fmt::format("Gene table {}: {} more genes are shared; {} names of {} and {} of {} stand for several genes or for the same one, and are left out.", table.name(), pairs.size() - n_by_name, of_reference.n_ambiguous,
                                          reference.name, of_query.n_ambiguous, query.name));
    if (pairs.size() == n_by_name) return;
    std::sort(pairs.begin(), pairs.end());
    shared.in_reference.clear();
    shared.in_query.clear();
    for (const auto& [in_reference, in_query] : pairs) {
        shared.in_reference.push_back(in_reference);
        shared.in_query.push_back(in_query);
    }
    shared.by = n_by_name == 0 ? "the gene table" : shared.by + " and the gene table";
}

}  // namespace

SharedGenes shared_genes(const data::Dataset& reference, const data::Dataset& query, const knowledge::GeneTable& table, Context& context) {
    SharedGenes out = matched(atlas::axis_gene_ids(reference.var, ""), atlas::axis_gene_ids(query.var, ""), "gene ids");
    if (std::ssize(out.in_reference) < std::min(reference.n_genes(), query.n_genes())) {  // else symbols cannot share more
        SharedGenes by_symbol = matched(symbols_of(reference.var), symbols_of(query.var), "symbols");
        if (by_symbol.in_reference.size() > out.in_reference.size()) out = std::move(by_symbol);
    }
    if (!table.empty()) add_by_table(reference, query, table, out, context);
    const std::int64_t n = std::ssize(out.in_reference);
    if (n < kLeastShared) too_few(reference, query, out.in_reference.size());
    context.events().decision(fmt::format("{} genes are shared by {} ({} in {}, {} in {}).", n, out.by, reference.n_genes(), reference.name, query.n_genes(), query.name));
    if (n * kFewShared < std::min(reference.n_genes(), query.n_genes())) {
        context.events().warning(fmt::format("Only {} genes are shared, less than a fifth of the smaller side: what follows rests on few genes.", n));
    }
    return out;
}

}  // namespace morula::commands
