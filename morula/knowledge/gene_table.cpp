#include "morula/knowledge/gene_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/formats/text/text_stream.hpp"
#include "morula/knowledge/columns.hpp"
#include "morula/knowledge/gene_order.hpp"

namespace morula::knowledge {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kForm = "Bring HGNC's complete set, a BioMart table with gene ids, names and synonyms, a GTF, or two columns of ids and symbols.";
constexpr std::array kSymbolColumns{"symbol", "gene_symbol", "gene_symbols", "gene_name", "Gene name", "Approved symbol", "external_gene_name", "hgnc_symbol", "feature_name", "gene"};
constexpr std::array kIdColumns{"ids", "ensembl_gene_id", "Ensembl gene ID", "Gene stable ID", "gene_stable_id", "gene_id", "gene_ids", "ensgene", "ensembl", "id"};
constexpr std::array kOtherIdColumns{"other_ids", "hgnc_id", "HGNC ID", "entrez_id", "entrez", "entrezgene_id", "NCBI gene (formerly Entrezgene) ID", "NCBI Gene ID", "uniprot_ids", "UniProtKB/Swiss-Prot ID"};
constexpr std::array kPreviousColumns{"previous", "prev_symbol", "Previous symbol", "Previous symbols"};
constexpr std::array kAliasColumns{"aliases", "alias", "alias_symbol", "Alias symbol", "Alias symbols", "Gene Synonym", "external_synonym", "synonyms", "Synonyms"};

std::string plain_id(std::string_view id) { return std::string(id.starts_with("ENS") ? id.substr(0, id.find('.')) : id); }

template <class Names>
bool is_among(const Names& names, std::string_view field) {
    return std::find(names.begin(), names.end(), field) != names.end();
}

void add_distinct(std::vector<std::string>& to, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        if (!is_among(to, name)) to.push_back(name);
    }
}

/// Values between "|", "," or ";"; those that stand for none are left out.
std::vector<std::string> values_of(std::string_view field) {
    constexpr std::string_view between = "|,;";
    std::vector<std::string> values;
    while (!field.empty()) {
        const std::size_t end = std::min(field.find_first_of(between), field.size());
        const std::string_view value = trimmed(field.substr(0, end));
        if (!value.empty() && value != "-" && value != "NA") values.emplace_back(value);
        field.remove_prefix(std::min(end + 1, field.size()));
    }
    return values;
}

/// The columns of a table, by what they hold.
struct Columns {
    std::size_t symbol = 0;
    std::vector<std::size_t> ids, other_ids, previous, aliases;
};

template <class Names>
std::vector<std::size_t> columns_named(const formats::RawTable& table, const Names& names) {
    std::vector<std::size_t> found;
    for (const char* name : names) {
        const std::size_t column = table.find(name);
        if (column != std::string::npos) found.push_back(column);
    }
    return found;
}

Columns columns_of_header(const formats::RawTable& table) {
    const std::vector<std::size_t> symbols = columns_named(table, kSymbolColumns);
    if (symbols.empty()) invalid_data(fmt::format("{}: has no column 'symbol' (it has {}).", table.path.string(), fmt::join(table.names, ", ")), std::string(kForm));
    return {symbols.front(), columns_named(table, kIdColumns), columns_named(table, kOtherIdColumns), columns_named(table, kPreviousColumns), columns_named(table, kAliasColumns)};
}

/// Whether a column says the same in every row, as the kind of feature of 10x's features.tsv does.
bool is_constant(const formats::RawTable& table, std::size_t column) {
    return table.rows.size() > 1 && std::all_of(table.rows.begin(), table.rows.end(), [&](const auto& row) { return row[column] == table.rows.front()[column]; });
}

Columns columns_without_header(const formats::RawTable& table) {
    if (table.rows.empty() || table.names.size() < 2) invalid_data(fmt::format("{}: has {} column{}, which tells no gene's other names.", table.path.string(), table.names.size(), table.names.size() == 1 ? "" : "s"), std::string(kForm));
    const auto n_ensembl = [&](std::size_t column) { return std::count_if(table.rows.begin(), table.rows.end(), [&](const auto& row) { return row[column].starts_with("ENS"); }); };
    const bool symbols_first = n_ensembl(1) > n_ensembl(0);
    Columns columns;
    columns.symbol = symbols_first ? 0 : 1;
    columns.ids.push_back(symbols_first ? 1 : 0);
    if (table.names.size() == 3 && !is_constant(table, 2)) columns.aliases.push_back(2);
    return columns;
}

std::vector<GeneNames> from_table(const fs::path& path, const std::vector<std::string>& first, Context& context) {
    const bool header = std::any_of(first.begin(), first.end(), [](const std::string& field) { return is_among(kSymbolColumns, field) || is_among(kIdColumns, field) || is_among(kOtherIdColumns, field); });
    const formats::RawTable table = formats::read_rows(path, {.header = header ? formats::Header::yes : formats::Header::no}, context);
    const Columns columns = header ? columns_of_header(table) : columns_without_header(table);
    std::vector<GeneNames> genes;
    for (const std::vector<std::string>& row : table.rows) {
        GeneNames gene;
        gene.symbol = trimmed(row[columns.symbol]);
        const auto all = [&](const std::vector<std::size_t>& places) {
            std::vector<std::string> names;
            for (const std::size_t place : places) add_distinct(names, values_of(row[place]));
            return names;
        };
        for (const std::string& id : all(columns.ids)) add_distinct(gene.ids, {plain_id(id)});
        gene.other_ids = all(columns.other_ids);
        gene.previous = all(columns.previous);
        gene.aliases = all(columns.aliases);
        if (!gene.symbol.empty()) genes.push_back(std::move(gene));
    }
    return genes;
}

std::vector<GeneNames> from_gtf(const fs::path& path, Context& context) {
    std::vector<GeneNames> genes;
    for (const GenePlace& place : read_gene_order(path, context).genes) {
        if (place.symbol != place.id) genes.push_back({place.symbol, {plain_id(place.id)}, {}, {}, {}});
    }
    return genes;
}

/// Fields of the first line, quotes taken off.
std::vector<std::string> first_line(const fs::path& path) {
    formats::LineReader reader(path);
    std::string_view line;
    while (reader.next(line)) {
        if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
        if (trimmed(line).empty()) continue;
        const char delimiter = formats::guess_delimiter(line);
        std::vector<std::string> fields;
        for (;;) {
            const std::size_t at = line.find(delimiter);
            std::string_view field = trimmed(line.substr(0, at));
            if (field.size() > 1 && field.front() == '"' && field.back() == '"') field = field.substr(1, field.size() - 2);
            fields.emplace_back(field);
            if (at == std::string_view::npos) return fields;
            line.remove_prefix(at + 1);
        }
    }
    invalid_data(fmt::format("{}: is empty.", path.string()), std::string(kForm));
}

/// Genes that share a symbol are one; so are those that share an id, the later one's symbol being an alias.
std::vector<GeneNames> joined(std::span<const GeneNames> genes) {
    std::vector<GeneNames> out;
    std::unordered_map<std::string, std::size_t> by_symbol, by_id;
    for (const GeneNames& gene : genes) {
        std::optional<std::size_t> place;
        if (const auto found = by_symbol.find(gene.symbol); found != by_symbol.end()) place = found->second;
        for (const std::string& id : gene.ids) {
            const auto found = by_id.find(id);
            if (!place && found != by_id.end()) place = found->second;
        }
        if (!place) {
            place = out.size();
            out.push_back({gene.symbol, {}, {}, {}, {}});
            by_symbol.emplace(gene.symbol, *place);
        }
        GeneNames& to = out[*place];
        if (to.symbol != gene.symbol) add_distinct(to.aliases, {gene.symbol});
        add_distinct(to.ids, gene.ids);
        add_distinct(to.other_ids, gene.other_ids);
        add_distinct(to.previous, gene.previous);
        add_distinct(to.aliases, gene.aliases);
        for (const std::string& id : gene.ids) by_id.emplace(id, *place);
    }
    return out;
}

std::string field_of(const std::vector<std::string>& names) {
    std::string text = fmt::format("{}", fmt::join(names, "|"));
    std::replace_if(text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r' || c == '"'; }, ' ');
    return text;
}

}  // namespace

GeneTable::GeneTable(std::string name, std::span<const GeneNames> genes) : name_(std::move(name)), genes_(joined(genes)) {
    for (std::size_t i = 0; i < genes_.size(); ++i) {
        const auto gene = static_cast<std::int64_t>(i);
        by_symbol_.emplace(genes_[i].symbol, gene);
        add_names(by_id_, genes_[i].ids, gene);
        add_names(by_id_, genes_[i].other_ids, gene);
        add_names(by_previous_, genes_[i].previous, gene);
        add_names(by_alias_, genes_[i].aliases, gene);
    }
    for (const Places* places : {&by_previous_, &by_alias_}) {
        for (const auto& [text, gene] : *places) n_ambiguous_ += gene == kAmbiguous && by_symbol_.count(text) == 0 ? 1 : 0;
    }
}

void GeneTable::add_names(Places& places, const std::vector<std::string>& names, std::int64_t gene) {
    for (const std::string& name : names) {
        const auto [found, fresh] = places.emplace(name, gene);
        if (!fresh && found->second != gene) found->second = kAmbiguous;
    }
}

GeneMatch GeneTable::find(std::string_view name) const {
    const std::string wanted = plain_id(name);
    NameRank rank = NameRank::id;
    for (const Places* places : {&by_id_, &by_symbol_, &by_previous_, &by_alias_}) {
        if (const auto found = places->find(wanted); found != places->end()) return {found->second, rank};
        rank = static_cast<NameRank>(static_cast<int>(rank) + 1);
    }
    return {};
}

GeneTable read_gene_table(const fs::path& path, Context& context) {
    if (fs::is_directory(path)) {
        const fs::path inside = path / "genes.tsv";
        if (!fs::exists(inside)) fail(ErrorCode::not_found, fmt::format("{}: holds no genes.tsv.", path.string()), fmt::format("Run `morula knowledge add FILE --kind genes --to {}` first.", path.string()));
        return read_gene_table(inside, context);
    }
    const std::vector<GeneNames> genes = is_gtf_file(path) ? from_gtf(path, context) : from_table(path, first_line(path), context);
    GeneTable table(path.filename().string(), genes);
    const bool tells = std::any_of(table.genes().begin(), table.genes().end(), [](const GeneNames& gene) { return !gene.ids.empty() || !gene.other_ids.empty() || !gene.previous.empty() || !gene.aliases.empty(); });
    if (!tells) invalid_data(fmt::format("{}: none of its {} genes has a symbol and another name.", path.string(), table.genes().size()), std::string(kForm));
    return table;
}

void write_gene_table(const GeneTable& table, const fs::path& path) {
    std::string text = "symbol\tids\tother_ids\tprevious\taliases\n";
    for (const GeneNames& gene : table.genes()) text += fmt::format("{}\t{}\t{}\t{}\t{}\n", field_of({gene.symbol}), field_of(gene.ids), field_of(gene.other_ids), field_of(gene.previous), field_of(gene.aliases));
    write_text_file(path, text);
}

}  // namespace morula::knowledge
