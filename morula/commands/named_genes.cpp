#include "morula/commands/named_genes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "morula/commands/gene_names.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

constexpr std::size_t kLeastShare = 20;  // one in so many of the smaller side must be found

enum class NameKind { ensembl, entrez, uniprot, symbol };

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

/// P01137, Q9Y6K9, A0A024R161: letter, digit, capitals and digits, digit. Few symbols are written so.
bool looks_like_uniprot(std::string_view name) {
    if ((name.size() != 6 && name.size() != 10) || !is_upper(name[0]) || !is_digit(name[1]) || !is_digit(name.back())) return false;
    return std::all_of(name.begin(), name.end(), [](char c) { return is_digit(c) || is_upper(c); });
}

NameKind kind_of(std::string_view name) {
    if (name.starts_with("ENS") && name.size() > 10 && is_digit(name.back())) return NameKind::ensembl;
    if (!name.empty() && std::all_of(name.begin(), name.end(), is_digit)) return NameKind::entrez;
    if (looks_like_uniprot(name)) return NameKind::uniprot;
    return NameKind::symbol;
}

/// The kind that most names are of, and the first of them.
std::pair<NameKind, std::string> usual_kind(std::span<const std::string> names) {
    std::size_t n[4] = {0, 0, 0, 0};
    for (const std::string& name : names) ++n[static_cast<std::size_t>(kind_of(name))];
    const auto kind = static_cast<NameKind>(std::max_element(n, n + 4) - n);
    const auto example = std::find_if(names.begin(), names.end(), [&](const std::string& name) { return kind_of(name) == kind; });
    return {kind, example == names.end() ? "" : *example};
}

std::string_view words_for(NameKind kind) {
    switch (kind) {
        case NameKind::ensembl: return "Ensembl ids";
        case NameKind::entrez: return "Entrez numbers";
        case NameKind::uniprot: return "UniProt accessions";
        case NameKind::symbol: return "gene symbols";
    }
    return "";
}

std::string without_version(const std::string& id) { return id.starts_with("ENS") ? id.substr(0, id.find('.')) : id; }

std::string lower(std::string text) {
    for (char& c : text) c = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
}

std::unordered_map<std::string, std::int64_t> first_places(const std::vector<std::string>& names) {
    std::unordered_map<std::string, std::int64_t> places;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!names[i].empty()) places.emplace(names[i], static_cast<std::int64_t>(i));
    }
    return places;
}

std::size_t n_found(const std::set<std::string>& names, const std::unordered_map<std::string, std::int64_t>& places) {
    return static_cast<std::size_t>(std::count_if(names.begin(), names.end(), [&](const std::string& name) { return places.contains(name); }));
}

[[noreturn]] void too_few(const data::Dataset& dataset, const std::set<std::string>& distinct, std::string_view file, std::size_t found) {
    const std::vector<std::string> names(distinct.begin(), distinct.end());
    const std::vector<std::string> symbols = symbols_of(dataset.var);
    const auto [kind, example] = usual_kind(names);
    const auto [own_kind, own_example] = usual_kind(symbols);
    const std::string message = fmt::format("{}: {} of its {} genes {} in {}. The file has {} such as '{}', the data set {} such as '{}'.", file, found, names.size(), found == 1 ? "is" : "are", dataset.name, words_for(kind), example,
                                            words_for(own_kind), own_example);
    if (kind == own_kind && kind == NameKind::symbol) {
        std::set<std::string> folded;
        for (const std::string& name : names) folded.insert(lower(name));
        std::vector<std::string> own;
        for (const std::string& name : symbols) own.push_back(lower(name));
        const std::size_t any_case = n_found(folded, first_places(own));
        if (any_case * kLeastShare >= folded.size()) {
            invalid_data(fmt::format("{} But for upper and lower case it would be {}.", message, any_case), "They look like human and mouse symbols: take the file for the data set's species, or map its genes to orthologues.");
        }
    }
    if (kind == own_kind) invalid_data(message, "Take the file for the data set's species and gene names.");
    switch (kind) {
        case NameKind::entrez: invalid_data(message, fmt::format("Take the version of the file with gene symbols (MSigDB: the .symbols.gmt), {}.", kGeneTableNext));
        case NameKind::uniprot: invalid_data(message, fmt::format("For CellPhoneDB give its complex_input.csv and gene_input.csv with --parts; map other accessions to gene symbols, {}.", kGeneTableNext));
        default: break;
    }
    invalid_data(message, fmt::format("{}, {}.", own_kind == NameKind::ensembl ? "Write the symbols as var column 'gene_symbols' of the data set, take the version of the file with Ensembl ids" : "Write the data set's Ensembl ids as var column 'gene_ids', take the version of the file with gene symbols", kGeneTableNext));
}

/// Adds names that the table knows as other names of measured genes. Returns how many.
std::size_t add_by_table(const data::Dataset& dataset, const std::set<std::string>& distinct, std::string_view file, const knowledge::GeneTable& table, std::unordered_map<std::string, std::int64_t>& place, Context& context) {
    const MappedGenes columns = genes_of_columns(table, ids_of(dataset.var), symbols_of(dataset.var));
    std::vector<std::int64_t> column_of(table.genes().size(), -1);
    for (std::size_t i = 0; i < columns.gene.size(); ++i) {
        if (columns.gene[i] >= 0) column_of[static_cast<std::size_t>(columns.gene[i])] = static_cast<std::int64_t>(i);
    }
    std::vector<std::string> missing;
    for (const std::string& name : distinct) {
        if (!place.contains(name)) missing.push_back(name);
    }
    const MappedGenes wanted = genes_of_names(table, missing);
    std::size_t added = 0;
    for (std::size_t i = 0; i < missing.size(); ++i) {
        if (wanted.gene[i] < 0 || column_of[static_cast<std::size_t>(wanted.gene[i])] < 0) continue;
        place.emplace(missing[i], column_of[static_cast<std::size_t>(wanted.gene[i])]);
        ++added;
    }
    context.events().decision(fmt::format("Gene table {}: {} more genes of {} are found; {} of its names and {} of {} stand for several genes or for the same one, and are left out.", table.name(), added, file, wanted.n_ambiguous,
                                          columns.n_ambiguous, dataset.name));
    return added;
}

}  // namespace

std::int64_t NamedGenes::find(const std::string& name) const {
    const auto found = place_.find(without_version(name));
    return found == place_.end() ? -1 : found->second;
}

std::vector<std::int64_t> NamedGenes::measured(std::span<const std::string> names) const {
    std::vector<std::int64_t> places;
    for (const std::string& name : names) {
        const std::int64_t place = find(name);
        if (place >= 0 && std::find(places.begin(), places.end(), place) == places.end()) places.push_back(place);
    }
    return places;
}

std::vector<std::int64_t> NamedGenes::all_of(std::span<const std::string> names) const {
    std::vector<std::int64_t> places = measured(names);
    const bool all = std::all_of(names.begin(), names.end(), [&](const std::string& name) { return find(name) >= 0; });
    return all ? places : std::vector<std::int64_t>();
}

NamedGenes find_named_genes(const data::Dataset& dataset, std::span<const std::string> names, std::string_view file, const knowledge::GeneTable& table, Context& context) {
    std::set<std::string> distinct;
    for (const std::string& name : names) distinct.insert(without_version(name));
    std::vector<std::string> ids = ids_of(dataset.var);
    for (std::string& id : ids) id = without_version(id);
    auto by_id = first_places(ids);
    auto by_symbol = first_places(symbols_of(dataset.var));
    const std::size_t n_by_id = n_found(distinct, by_id);
    const std::size_t n_by_symbol = n_found(distinct, by_symbol);
    const bool by_ids = n_by_id > n_by_symbol;
    auto place = by_ids ? std::move(by_id) : std::move(by_symbol);
    const std::size_t by_name = std::max(n_by_id, n_by_symbol);
    const std::size_t found = by_name + (table.empty() ? 0 : add_by_table(dataset, distinct, file, table, place, context));
    const auto smaller = std::min(distinct.size(), static_cast<std::size_t>(dataset.var.n_rows()));
    if (found == 0 || found * kLeastShare < smaller) too_few(dataset, distinct, file, found);
    const std::string by = by_name == 0 ? "the gene table" : fmt::format("{}{}", by_ids ? "gene ids" : "symbols", found > by_name ? " and the gene table" : "");
    NamedGenes out(std::move(place), by);
    context.events().decision(fmt::format("{}: {} of {} genes were measured, by {}.", file, found, distinct.size(), out.by()));
    return out;
}

}  // namespace morula::commands
