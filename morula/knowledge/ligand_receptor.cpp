#include "morula/knowledge/ligand_receptor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "morula/core/error.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/knowledge/columns.hpp"

namespace morula::knowledge {
namespace {

constexpr std::string_view kForm = "Write one line a pair under the header ligand,receptor, or give the table of CellPhoneDB (partner_a, partner_b) or CellChatDB as CSV.";
constexpr std::size_t kNone = std::string::npos;
constexpr int kDeepest = 8;  // a complex of complexes of proteins of genes has 3

bool is_missing(std::string_view text) { return text.empty() || text == "NA" || text == "nan" || text == "None"; }

/// Parts between any of the separators, without spaces around and without repeats.
std::vector<std::string> split(std::string_view text, std::string_view separators) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(separators), text.size());
        const std::string part(trimmed(text.substr(0, end)));
        if (!part.empty() && std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::vector<std::size_t> columns_with_prefix(const formats::RawTable& table, std::initializer_list<std::string_view> prefixes) {
    std::vector<std::size_t> columns;
    for (std::size_t column = 1; column < table.names.size(); ++column) {
        if (std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) { return table.names[column].starts_with(prefix); })) columns.push_back(column);
    }
    return columns;
}

void add_parts(const formats::RawTable& table, std::size_t name_column, const std::vector<std::size_t>& part_columns, NameParts& all) {
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        const std::string& name = required_text(table, row, name_column, "Name the complex, cofactor or protein.");
        std::vector<std::string> parts;
        for (const std::size_t column : part_columns) {
            const std::string part(trimmed(table.rows[row][column]));
            if (!is_missing(part) && std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
        }
        if (parts.empty()) continue;
        // A protein may stand on several lines, one for each of its Ensembl ids: the first symbol holds.
        all.emplace(name, std::move(parts));
    }
}

void read_parts(const std::filesystem::path& path, NameParts& all, Context& context) {
    const formats::RawTable table = formats::read_rows(path, {}, context);
    const std::size_t protein = table.find("uniprot");
    const std::size_t symbol = first_column(table, {"hgnc_symbol", "gene_name", "gene_symbol"});
    if (protein != kNone && symbol != kNone) {
        add_parts(table, protein, {symbol}, all);
        for (const auto& row : table.rows) all.proteins.insert(row[protein]);
        return;
    }
    const std::vector<std::size_t> parts = columns_with_prefix(table, {"subunit", "cofactor", "uniprot_"});
    if (parts.empty()) {
        invalid_data(fmt::format("{}: has no columns with parts (it has {}).", path.string(), fmt::join(table.names, ", ")),
                     "Give a table of complexes or cofactors (name, then subunit_1, subunit_2, ... or cofactor1, ...), or CellPhoneDB's complex_input.csv or gene_input.csv.");
    }
    add_parts(table, 0, parts, all);
}

enum class Style { cellphonedb, cellchatdb, plain };

/// Where things stand in the table of pairs; npos: nowhere.
struct Columns {
    Style style;
    std::size_t ligand, receptor, ligand_genes, receptor_genes, name, pathway, long_name, agonist, antagonist, co_activator, co_inhibitor, ligand_is_receptor, receptor_is_receptor;
};

Columns find_columns(const formats::RawTable& table) {
    Columns columns{Style::plain, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone};
    columns.name = first_column(table, {"interaction_name", "interacting_pair", "id_cp_interaction", "interactors"});
    columns.pathway = first_column(table, {"pathway_name", "pathway", "classification"});
    if (table.find("partner_a") != kNone) {
        columns.style = Style::cellphonedb;
        columns.ligand = table.find("partner_a");
        columns.receptor = require_column(table, {"partner_b"}, kForm);
        columns.ligand_genes = table.find("gene_a");
        columns.receptor_genes = table.find("gene_b");
        columns.ligand_is_receptor = table.find("receptor_a");
        columns.receptor_is_receptor = table.find("receptor_b");
        return columns;
    }
    columns.ligand = require_column(table, {"ligand", "source_genesymbol"}, kForm);
    columns.receptor = require_column(table, {"receptor", "target_genesymbol"}, kForm);
    columns.agonist = table.find("agonist");
    columns.antagonist = table.find("antagonist");
    columns.co_activator = table.find("co_A_receptor");
    columns.co_inhibitor = table.find("co_I_receptor");
    columns.long_name = table.find("interaction_name_2");
    columns.ligand_genes = table.find("ligand.symbol");
    columns.receptor_genes = table.find("receptor.symbol");
    if (table.find("interaction_name") != kNone || columns.agonist != kNone || columns.long_name != kNone) columns.style = Style::cellchatdb;
    return columns;
}

/// "TGFB1 - (TGFBR1+TGFBR2)": the genes on one side; empty when it is not written so.
std::vector<std::string> side_of_long_name(std::string_view text, bool is_receptor) {
    const std::size_t middle = text.find(" - ");
    if (middle == kNone) return {};
    std::string_view side = trimmed(is_receptor ? text.substr(middle + 3) : text.substr(0, middle));
    if (side.starts_with('(') && side.ends_with(')')) side = side.substr(1, side.size() - 2);
    return split(side, "+");
}

class PairReader {
public:
    PairReader(const formats::RawTable& table, const NameParts& parts) : table_(table), parts_(parts), columns_(find_columns(table)) {}

    LigandReceptorTable read(Context& context) {
        std::set<std::pair<std::string, std::string>> seen;
        for (std::size_t row = 0; row < table_.rows.size(); ++row) {
            context.check_cancelled();
            LigandReceptor pair = read_pair(row);
            if (!seen.emplace(pair.ligand, pair.receptor).second) ++out_.n_repeated;
            else out_.interactions.push_back(std::move(pair));
        }
        if (out_.interactions.empty()) invalid_data(fmt::format("{}: holds no pair.", table_.path.string()), std::string(kForm));
        out_.unknown_complexes = {unknown_complexes_.begin(), unknown_complexes_.end()};
        out_.unknown_cofactors = {unknown_cofactors_.begin(), unknown_cofactors_.end()};
        return std::move(out_);
    }

private:
    std::string_view field(std::size_t row, std::size_t column) const {
        if (column == kNone) return {};
        const std::string_view text = trimmed(table_.rows[row][column]);
        return is_missing(text) ? std::string_view() : text;
    }

    bool flag(std::size_t row, std::size_t column) const {
        const std::string_view text = field(row, column);
        return text == "True" || text == "TRUE" || text == "true" || text == "1";
    }

    LigandReceptor read_pair(std::size_t row) {
        LigandReceptor pair;
        pair.ligand = partner(row, columns_.ligand);
        pair.receptor = partner(row, columns_.receptor);
        pair.ligand_genes = genes_of(row, pair.ligand, columns_.ligand_genes, false);
        pair.receptor_genes = genes_of(row, pair.receptor, columns_.receptor_genes, true);
        if (flag(row, columns_.ligand_is_receptor) && !flag(row, columns_.receptor_is_receptor)) {
            std::swap(pair.ligand, pair.receptor);
            std::swap(pair.ligand_genes, pair.receptor_genes);
        }
        pair.pathway = field(row, columns_.pathway);
        pair.name = field(row, columns_.name);
        if (pair.name.empty()) pair.name = pair.ligand + " - " + pair.receptor;
        pair.agonists = cofactors(row, columns_.agonist);
        pair.antagonists = cofactors(row, columns_.antagonist);
        pair.co_activators = cofactors(row, columns_.co_activator);
        pair.co_inhibitors = cofactors(row, columns_.co_inhibitor);
        return pair;
    }

    std::string partner(std::size_t row, std::size_t column) const {
        std::string_view name = trimmed(required_text(table_, row, column, "Name both partners of the pair."));
        for (const std::string_view prefix : {"simple:", "complex:"}) {
            if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
        }
        if (name.empty()) invalid_data(fmt::format("{}: is empty.", table_.place(row, column)), "Name both partners of the pair.");
        return std::string(name);
    }

    std::vector<std::string> genes_of(std::size_t row, const std::string& name, std::size_t genes_column, bool is_receptor) {
        if (parts_.contains(name)) return resolved(row, {name});
        if (std::vector<std::string> genes = split(field(row, genes_column), ",;"); !genes.empty()) return genes;
        if (std::vector<std::string> genes = side_of_long_name(field(row, columns_.long_name), is_receptor); !genes.empty()) return genes;
        if (columns_.style == Style::plain) {
            if (std::vector<std::string> genes = split(name, "_+&"); !genes.empty()) return genes;
        }
        if (name.find_first_of("_ ") != kNone) unknown_complexes_.insert(name);
        return {name};
    }

    std::vector<std::string> cofactors(std::size_t row, std::size_t column) {
        const std::string_view name = field(row, column);
        if (name.empty()) return {};
        if (const auto found = parts_.find(name); found != parts_.end()) return resolved(row, {found->first});
        const std::vector<std::string> names = split(name, ",;");
        const bool is_group = std::any_of(names.begin(), names.end(), [](const std::string& each) { return each.find(' ') != kNone; });
        if (!is_group) return resolved(row, names);
        unknown_cofactors_.emplace(name);
        return {};
    }

    /// Names taken apart until none stands for another; the gene of a protein stands for itself.
    std::vector<std::string> resolved(std::size_t row, const std::vector<std::string>& wanted) const {
        struct Name {
            std::string text;
            bool is_final = false;
        };
        std::vector<Name> names;
        for (const std::string& name : wanted) names.push_back({name});
        for (int depth = 0; depth < kDeepest; ++depth) {
            std::vector<Name> next;
            bool all_final = true;
            const auto add = [&](const std::string& text, bool is_final) {
                const auto known = std::find_if(next.begin(), next.end(), [&](const Name& each) { return each.text == text; });
                if (known == next.end()) next.push_back({text, is_final});
                else known->is_final = known->is_final || is_final;
            };
            for (const Name& name : names) {
                const auto found = parts_.find(name.text);
                if (name.is_final || found == parts_.end() || (found->second.size() == 1 && found->second.front() == name.text)) {
                    add(name.text, true);
                    continue;
                }
                all_final = false;
                for (const std::string& part : found->second) add(part, parts_.proteins.contains(name.text));
            }
            constexpr std::size_t most_parts = 1000;
            if (next.size() > most_parts) break;
            names = std::move(next);
            if (!all_final) continue;
            std::vector<std::string> genes;
            for (Name& name : names) genes.push_back(std::move(name.text));
            return genes;
        }
        invalid_data(fmt::format("{}, line {}: a name here stands for others in a circle, or for more than a complex can hold.", table_.path.string(), table_.lines[row]), "Look at the tables of complexes and cofactors: a part may not stand for its whole.");
    }

    const formats::RawTable& table_;
    const NameParts& parts_;
    Columns columns_;
    LigandReceptorTable out_;
    std::set<std::string> unknown_complexes_;
    std::set<std::string> unknown_cofactors_;
};

}  // namespace

NameParts read_name_parts(std::span<const std::filesystem::path> paths, Context& context) {
    NameParts all;
    for (const std::filesystem::path& path : paths) read_parts(path, all, context);
    return all;
}

LigandReceptorTable read_ligand_receptor(const std::filesystem::path& path, const NameParts& parts, Context& context) {
    const formats::RawTable table = formats::read_rows(path, {}, context);
    return PairReader(table, parts).read(context);
}

}  // namespace morula::knowledge
