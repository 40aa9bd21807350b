// Tables of cell counts as input of `morula abundance`.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <set>

#include "morula/commands/abundance.hpp"
#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"
#include "morula/formats/text/delimited.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

bool is_text_name(std::string path) {
    if (path.ends_with(".gz")) path.resize(path.size() - 3);
    return path.ends_with(".csv") || path.ends_with(".tsv") || path.ends_with(".txt");
}

double count_of(const formats::RawTable& table, std::size_t row, std::size_t column) {
    const std::string& text = table.rows[row][column];
    double value = -1.0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() && value >= 0.0 && value == std::floor(value) && value < 1e15) return value;
    invalid_data(fmt::format("{}: '{}' is no number of cells.", table.place(row, column), text), "Columns with other things than cell counts must be named: --condition, --donor, --sample, --batch.");
}

bool is_number(const std::string& text) {
    double value = 0.0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
}

/// A column without a single number is annotation, named or not.
bool is_text(const formats::RawTable& table, std::size_t column) {
    return !table.rows.empty() && std::none_of(table.rows.begin(), table.rows.end(), [&](const std::vector<std::string>& row) { return is_number(row[column]); });
}

/// Columns that are annotation: those named by an option or read by a --derive.
std::set<std::string> annotation_columns(const AbundanceIo& io) {
    std::set<std::string> names{io.condition, io.donor, io.sample, io.batch};
    for (const DerivedColumn& derived : parse_derived_columns(io.derive)) names.insert(derived.from);
    names.insert("sample");
    names.erase("");
    return names;
}

}  // namespace

bool are_count_tables(const std::vector<std::string>& inputs) { return std::all_of(inputs.begin(), inputs.end(), is_text_name); }

CountTables read_count_tables(const AbundanceIo& io, Context& context) {
    std::set<std::string> annotation = annotation_columns(io);
    CountTables out;
    std::vector<formats::RawTable> tables;
    for (const std::string& path : io.input) {
        formats::RawTable table = formats::read_rows(path, {.row_names = formats::RowNames::without_header}, context);
        if (table.names.size() < 2) invalid_data(fmt::format("{}: has one column only.", path), "A table of counts has a row a sample: its name, then the cells of each type.");
        for (std::size_t column = 1; column < table.names.size(); ++column) {
            const std::string& name = table.names[column];
            if (is_text(table, column)) annotation.insert(name);
            if (annotation.count(name) == 0 && std::find(out.type_names.begin(), out.type_names.end(), name) == out.type_names.end()) out.type_names.push_back(name);
        }
        tables.push_back(std::move(table));
    }
    std::vector<data::Table> parts;
    std::vector<std::vector<double>> counts;
    for (const formats::RawTable& table : tables) {
        std::vector<std::string> names;
        for (const std::vector<std::string>& row : table.rows) names.push_back(row[0]);
        data::Table part(names);
        part.set("sample", names);
        for (std::size_t column = 1; column < table.names.size(); ++column) {
            if (annotation.count(table.names[column]) == 0) continue;
            std::vector<std::string> texts;
            for (const std::vector<std::string>& row : table.rows) texts.push_back(row[column]);
            part.set(table.names[column], data::to_categorical(texts));
        }
        parts.push_back(std::move(part));
        for (std::size_t row = 0; row < table.rows.size(); ++row) {
            std::vector<double> values;
            for (const std::string& type : out.type_names) {
                const std::size_t column = table.find(type);
                if (column == std::string::npos) {
                    invalid_data(fmt::format("{}: has no column '{}', which another table has.", table.path.string(), type), "Give each table the same types; a type without cells is 0.");
                }
                values.push_back(count_of(table, row, column));
            }
            counts.push_back(std::move(values));
        }
    }
    out.rows.name = io.input.size() == 1 ? fs::path(io.input[0]).filename().string() : fmt::format("{} tables", io.input.size());
    out.rows.obs = data::stack_tables(parts);
    out.counts = matrix::Dense<double>(std::ssize(counts), std::ssize(out.type_names));
    for (std::size_t row = 0; row < counts.size(); ++row) std::copy(counts[row].begin(), counts[row].end(), out.counts.row(static_cast<std::int64_t>(row)).begin());
    return out;
}

}  // namespace morula::commands
