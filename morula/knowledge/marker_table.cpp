#include "morula/knowledge/marker_table.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <map>

#include "morula/core/error.hpp"
#include "morula/core/hash.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/knowledge/columns.hpp"
#include "morula/knowledge/tables.hpp"

namespace morula::knowledge {
namespace {

constexpr std::string_view kForm = "Write one line a gene under the header type,gene.";

/// Types in order of first appearance.
class TableBuilder {
public:
    MarkerType& type(const std::string& name) {
        const auto [place, fresh] = place_.emplace(name, table_.types.size());
        if (fresh) {
            table_.types.emplace_back();
            table_.types.back().name = name;
        }
        return table_.types[place->second];
    }
    MarkerTable take(std::string name) {
        table_.name = std::move(name);
        return std::move(table_);
    }

private:
    MarkerTable table_;
    std::map<std::string, std::size_t> place_;
};

std::vector<std::string> fields_of(std::string_view line) {
    std::vector<std::string> fields;
    for (;;) {
        const std::size_t tab = line.find('\t');
        fields.emplace_back(line.substr(0, tab));
        if (tab == std::string_view::npos) return fields;
        line.remove_prefix(tab + 1);
    }
}

MarkerTable parse_builtin(std::string_view text) {
    TableBuilder builder;
    bool header_seen = false;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#') continue;
        if (!std::exchange(header_seen, true)) continue;
        const std::vector<std::string> fields = fields_of(line);
        MORULA_ASSERT(fields.size() == 6);
        MarkerType& type = builder.type(fields[0]);
        const bool negative = fields[4] == "yes";
        type.parent = fields[1];
        type.tissue = fields[2];
        if (!negative) type.source = fields[5];
        type.genes.push_back({fields[3], 1.0, negative});
    }
    return builder.take("built-in table of human cell types (40 types, chosen from PanglaoDB, Franzen et al. 2019)");
}

double weight_of(const formats::RawTable& table, std::size_t row, std::size_t column) {
    if (column == std::string::npos || table.rows[row][column].empty()) return 1.0;
    const std::string& text = table.rows[row][column];
    double weight = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), weight);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(weight) || weight == 0.0) {
        invalid_data(fmt::format("{}: '{}' is not a weight.", table.place(row, column), text), "Write a number; below 0 for genes that speak against the type.");
    }
    return weight;
}

bool flag_of(const formats::RawTable& table, std::size_t row, std::size_t column) {
    if (column == std::string::npos) return false;
    const std::string& text = table.rows[row][column];
    if (text == "yes" || text == "true" || text == "TRUE" || text == "True" || text == "1") return true;
    if (text.empty() || text == "no" || text == "false" || text == "FALSE" || text == "False" || text == "0") return false;
    invalid_data(fmt::format("{}: '{}' is neither yes nor no.", table.place(row, column), text), "Write yes or no.");
}

/// Reads the column parent into the types, and holds it to one level.
void add_parents(const formats::RawTable& rows, std::size_t type_column, std::size_t parent_column, MarkerTable& table) {
    if (parent_column == std::string::npos) return;
    std::map<std::string, MarkerType*> types;
    for (MarkerType& type : table.types) types[type.name] = &type;
    std::map<std::string, std::size_t> told;  // row on which a type's parent stands
    for (std::size_t row = 0; row < rows.rows.size(); ++row) {
        const std::string& parent = rows.rows[row][parent_column];
        if (parent.empty()) continue;
        MarkerType& type = *types.at(rows.rows[row][type_column]);
        if (!types.contains(parent)) {
            invalid_data(fmt::format("{}: the parent '{}' has no markers.", rows.place(row, parent_column), parent), fmt::format("Add lines of type '{}' with the genes that mark all its kinds, or leave parent empty.", parent));
        }
        if (!type.parent.empty() && type.parent != parent) {
            invalid_data(fmt::format("{}: '{}' stands under '{}' here and under '{}' on line {}.", rows.place(row, parent_column), type.name, parent, type.parent, rows.lines[told[type.name]]), "Give each type one parent.");
        }
        type.parent = parent;
        told.emplace(type.name, row);
    }
    for (const auto& [name, row] : told) {
        const std::string& parent = types.at(name)->parent;
        if (!types.at(parent)->parent.empty()) {
            invalid_data(fmt::format("{}: the parent '{}' has a parent itself.", rows.place(row, parent_column), parent), "Use one level of parents.");
        }
    }
}

}  // namespace

const MarkerTable& builtin_marker_table() {
    static const MarkerTable table = parse_builtin(kHumanMarkers);
    return table;
}

MarkerTable read_marker_table(const std::filesystem::path& path, Context& context) {
    const formats::RawTable table = formats::read_rows(path, {}, context);
    const std::size_t type_column = require_column(table, {"type", "cell_type", "label"}, kForm);
    const std::size_t gene_column = require_column(table, {"gene", "symbol", "marker"}, kForm);
    const std::size_t weight_column = first_column(table, {"weight"});
    const std::size_t negative_column = first_column(table, {"negative"});
    const std::size_t tissue_column = first_column(table, {"tissue"});
    const std::size_t source_column = first_column(table, {"source"});
    TableBuilder builder;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        const std::string& name = required_text(table, row, type_column, "Name the cell type.");
        const std::string& gene = required_text(table, row, gene_column, "Name the gene.");
        MarkerType& type = builder.type(name);
        const double weight = weight_of(table, row, weight_column);
        type.genes.push_back({gene, std::abs(weight), weight < 0.0 || flag_of(table, row, negative_column)});
        if (tissue_column != std::string::npos) type.tissue = table.rows[row][tissue_column];
        if (source_column != std::string::npos && !table.rows[row][source_column].empty()) type.source = table.rows[row][source_column];
    }
    if (table.rows.empty()) invalid_data(fmt::format("{}: names no marker.", path.string()), std::string(kForm));
    MarkerTable read = builder.take(path.filename().string());
    add_parents(table, type_column, first_column(table, {"parent"}), read);
    return read;
}

std::string hash_of(const MarkerTable& table) {
    std::string text = table.name;
    for (const MarkerType& type : table.types) {
        text += fmt::format("\n{}\t{}\t{}\t{}", type.name, type.parent, type.tissue, type.source);
        for (const MarkerGene& gene : type.genes) text += fmt::format("\t{} {} {}", gene.symbol, gene.weight, gene.negative);
    }
    return hash_hex(text);
}

}  // namespace morula::knowledge
