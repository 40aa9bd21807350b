#include "morula/formats/text/delimited.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"
#include "morula/formats/text/text_stream.hpp"

namespace morula::formats {

namespace {

std::string at_line(const std::filesystem::path& path, std::int64_t line) { return path.string() + ", line " + std::to_string(line); }

void check_text(std::string_view line, const std::filesystem::path& path, std::int64_t number) {
    const std::size_t bad = find_invalid_utf8(line);
    if (bad != std::string_view::npos) {
        invalid_data(at_line(path, number) + ": byte " + std::to_string(bad + 1) + " is not valid UTF-8 text.", "Save the file as UTF-8 (in Excel: \"CSV UTF-8\").");
    }
    if (line.find('\0') != std::string_view::npos) {
        invalid_data(at_line(path, number) + ": the line holds zero bytes, so this is no UTF-8 text file.", "Check that this is the right file; save text as UTF-8.");
    }
}

char delimiter_of(Delimiter delimiter, std::string_view first_line) {
    switch (delimiter) {
        case Delimiter::tab:
            return '\t';
        case Delimiter::comma:
            return ',';
        case Delimiter::semicolon:
            return ';';
        case Delimiter::automatic:
            break;
    }
    return guess_delimiter(first_line);
}

// Fields of one record, which may go on over several lines inside quotes.
class RecordReader {
public:
    RecordReader(const std::filesystem::path& path, const TableOptions& options) : lines_(path), wanted_(options.delimiter), comment_(options.comment) {}

    // False at the end; first_line is the line on which the record began.
    bool next(std::vector<std::string>& fields, std::int64_t& first_line) {
        fields.clear();
        std::string_view line;
        do {
            if (!next_line(line)) {
                return false;
            }
        } while (line.empty() || (!comment_.empty() && line.starts_with(comment_)));
        if (delimiter_ == '\0') {
            delimiter_ = delimiter_of(wanted_, line);
        }
        first_line = lines_.line_number();
        split(line, fields);
        return true;
    }

private:
    bool next_line(std::string_view& line) {
        if (!lines_.next(line)) {
            return false;
        }
        check_text(line, lines_.path(), lines_.line_number());
        return true;
    }

    void split(std::string_view line, std::vector<std::string>& fields) {
        std::size_t at = 0;
        while (true) {
            fields.emplace_back();
            if (at < line.size() && line[at] == '"') {
                at = quoted_field(line, at + 1, fields.back(), fields.size());
            } else {
                const std::size_t end = std::min(line.find(delimiter_, at), line.size());
                fields.back() = line.substr(at, end - at);
                at = end;
            }
            if (at >= line.size()) {
                return;
            }
            if (line[at] != delimiter_) {
                invalid_data(at_line(lines_.path(), lines_.line_number()) + ", column " + std::to_string(fields.size()) + ": text follows the closing quote.",
                             "Write a quote inside a quoted field twice (\"\").");
            }
            ++at;
        }
    }

    // Reads up to and past the closing quote; `line` moves on when the field spans lines. Returns the position after it.
    std::size_t quoted_field(std::string_view& line, std::size_t at, std::string& out, std::size_t column) {
        const std::int64_t opened = lines_.line_number();
        while (true) {
            const std::size_t quote = line.find('"', at);
            if (quote == std::string_view::npos) {
                out.append(line.substr(at));
                out.push_back('\n');
                if (out.size() > LineReader::max_line_bytes || !next_line(line)) {
                    invalid_data(at_line(lines_.path(), opened) + ", column " + std::to_string(column) + ": the quote that opens here is never closed.", "Close the quote.");
                }
                at = 0;
                continue;
            }
            out.append(line.substr(at, quote - at));
            if (quote + 1 < line.size() && line[quote + 1] == '"') {
                out.push_back('"');
                at = quote + 2;
                continue;
            }
            return quote + 1;
        }
    }

    LineReader lines_;
    Delimiter wanted_;
    std::string comment_;
    char delimiter_ = '\0';
};

void check_names(const RawTable& table, std::int64_t line) {
    std::map<std::string_view, std::size_t> seen;
    for (std::size_t c = 0; c < table.names.size(); ++c) {
        const auto [other, fresh] = seen.emplace(table.names[c], c);
        if (!fresh && !table.names[c].empty()) {
            invalid_data(at_line(table.path, line) + ": columns " + std::to_string(other->second + 1) + " and " + std::to_string(c + 1) + " are both called '" + table.names[c] + "'.",
                         "Give each column its own name.");
        }
    }
}

void check_width(const RawTable& table, const std::vector<std::string>& fields, std::int64_t line) {
    if (table.rows.empty() && fields.size() == table.names.size() + 1) {
        invalid_data(at_line(table.path, line) + ": the row has " + std::to_string(fields.size()) + " fields, but the header names " + std::to_string(table.names.size()) + " columns.",
                     "Name every column in the header, or take the extra field out of each row (a delimiter at its end; with R's write.table: row.names = FALSE).");
    }
    if (fields.size() != table.names.size()) {
        invalid_data(at_line(table.path, line) + ": the row has " + std::to_string(fields.size()) + " fields, but the table has " + std::to_string(table.names.size()) + " columns.",
                     "Correct the row; put fields that hold the delimiter in double quotes.");
    }
}

std::vector<std::string> numbered_names(std::size_t n) {
    std::vector<std::string> names;
    for (std::size_t c = 1; c <= n; ++c) {
        names.push_back(std::to_string(c));
    }
    return names;
}

bool is_missing(std::string_view text) { return text.empty() || text == "NA" || text == "NaN" || text == "nan" || text == "N/A"; }

// "007" is a name, "0" and "0.5" are numbers.
bool has_leading_zero(std::string_view text) {
    if (!text.empty() && text.front() == '-') {
        text.remove_prefix(1);
    }
    return text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

template <class T>
std::optional<T> parse(std::string_view text) {
    if (!text.empty() && text.front() == '+') {
        text.remove_prefix(1);
    }
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
        return std::nullopt;
    }
    return value;
}

std::optional<bool> parse_bool(std::string_view text) {
    if (text == "true" || text == "True" || text == "TRUE") {
        return true;
    }
    if (text == "false" || text == "False" || text == "FALSE") {
        return false;
    }
    return std::nullopt;
}

std::optional<data::Column> as_integers(const std::vector<std::string>& texts) {
    std::vector<std::int64_t> values;
    for (const std::string& text : texts) {
        const std::optional<std::int64_t> value = parse<std::int64_t>(text);
        if (!value || has_leading_zero(text)) {
            return std::nullopt;
        }
        values.push_back(*value);
    }
    return data::Column(std::move(values));
}

std::optional<data::Column> as_numbers(const std::vector<std::string>& texts) {
    std::vector<double> values;
    bool any = false;
    for (const std::string& text : texts) {
        if (is_missing(text)) {
            values.push_back(std::nan(""));
            continue;
        }
        const std::optional<double> value = parse<double>(text);
        if (!value || has_leading_zero(text)) {
            return std::nullopt;
        }
        any = true;
        values.push_back(*value);
    }
    return any ? std::optional<data::Column>(std::move(values)) : std::nullopt;
}

std::optional<data::Column> as_booleans(const std::vector<std::string>& texts) {
    data::Booleans values;
    for (const std::string& text : texts) {
        const std::optional<bool> value = parse_bool(text);
        if (!value) {
            return std::nullopt;
        }
        values.values.push_back(*value ? 1 : 0);
    }
    return data::Column(std::move(values));
}

data::Column typed_column(std::vector<std::string> texts) {
    if (texts.empty()) {
        return data::Column(std::move(texts));
    }
    if (auto integers = as_integers(texts)) {
        return std::move(*integers);
    }
    if (auto numbers = as_numbers(texts)) {
        return std::move(*numbers);
    }
    if (auto booleans = as_booleans(texts)) {
        return std::move(*booleans);
    }
    return data::Column(std::move(texts));
}

std::string shown_names(const std::vector<std::string>& names) {
    constexpr std::size_t kMostShown = 10;
    constexpr std::size_t kLongestShown = 40;
    std::string list;
    for (std::size_t i = 0; i < std::min(names.size(), kMostShown); ++i) list += (i > 0 ? ", " : "") + names[i].substr(0, kLongestShown);
    return names.size() > kMostShown ? list + ", ..." : list;
}

}  // namespace

char guess_delimiter(std::string_view line) {
    constexpr std::array<char, 3> candidates{'\t', ',', ';'};
    std::array<std::int64_t, 3> found{};
    bool quoted = false;
    for (const char c : line) {
        quoted ^= c == '"';
        for (std::size_t i = 0; i < candidates.size() && !quoted; ++i) {
            found[i] += c == candidates[i] ? 1 : 0;
        }
    }
    return candidates[static_cast<std::size_t>(std::max_element(found.begin(), found.end()) - found.begin())];
}

std::size_t RawTable::find(std::string_view name) const {
    const auto at = std::find(names.begin(), names.end(), name);
    return at == names.end() ? std::string::npos : static_cast<std::size_t>(at - names.begin());
}

std::size_t RawTable::column(std::string_view name) const {
    const std::size_t at = find(name);
    if (at != std::string::npos) {
        return at;
    }
    const std::string nearest = nearest_name(name, names);
    fail(ErrorCode::not_found, path.string() + " has no column '" + std::string(name) + "'.",
         nearest.empty() ? "Add the column; there are: " + shown_names(names) + "." : "Did you mean '" + nearest + "'?");
}

std::string RawTable::place(std::size_t row, std::size_t column_index) const {
    return at_line(path, lines.at(row)) + ", column '" + names.at(column_index) + "'";
}

std::string RawTable::place(std::size_t row) const { return at_line(path, lines.at(row)); }

RawTable read_rows(const std::filesystem::path& path, const TableOptions& options, Context& context) {
    RawTable table;
    table.path = path;
    RecordReader records(path, options);
    std::vector<std::string> fields;
    std::int64_t line = 0;
    if (!records.next(fields, line)) {
        invalid_data(path.string() + " is empty.", "Give a table with at least one line.");
    }
    if (options.header == Header::yes) {
        table.names = fields;
    } else {
        table.names = numbered_names(fields.size());
        table.rows.push_back(fields);
        table.lines.push_back(line);
    }
    const std::int64_t header_line = line;
    while (records.next(fields, line)) {
        if (options.row_names == RowNames::without_header && table.rows.empty() && fields.size() == table.names.size() + 1) {
            table.names.insert(table.names.begin(), "");
        }
        check_width(table, fields, line);
        table.rows.push_back(std::move(fields));
        table.lines.push_back(line);
        if (table.rows.size() % 65536 == 0) {
            context.check_cancelled();
        }
    }
    check_names(table, header_line);
    return table;
}

data::Table read_table(const std::filesystem::path& path, const TableOptions& options, Context& context) {
    const std::size_t first = options.index == Index::first_column ? 1 : 0;
    TableOptions with_names = options;
    if (first == 1) with_names.row_names = RowNames::without_header;
    RawTable raw = read_rows(path, with_names, context);
    std::vector<std::string> index;
    std::map<std::string, std::size_t> seen;
    for (std::size_t r = 0; r < raw.rows.size(); ++r) {
        index.push_back(first == 1 ? raw.rows[r][0] : std::to_string(r));
        const auto [other, fresh] = seen.emplace(index.back(), r);
        if (!fresh) {
            invalid_data(at_line(path, raw.lines[r]) + ": the name '" + index.back() + "' stands on line " + std::to_string(raw.lines[other->second]) + " already.",
                         "Make the names of the first column unique.");
        }
    }
    data::Table table(std::move(index));
    if (first == 1 && !raw.names[0].empty()) {
        table.index_name = raw.names[0];
    }
    for (std::size_t c = first; c < raw.names.size(); ++c) {
        std::vector<std::string> texts;
        texts.reserve(raw.rows.size());
        for (std::vector<std::string>& row : raw.rows) {
            texts.push_back(std::move(row[c]));
        }
        table.set(raw.names[c].empty() ? std::to_string(c + 1) : raw.names[c], typed_column(std::move(texts)));
    }
    return table;
}

}  // namespace morula::formats
