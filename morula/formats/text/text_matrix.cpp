#include "morula/formats/text/text_matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "morula/core/error.hpp"
#include "morula/formats/text/csr_collector.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/formats/text/gene_names.hpp"
#include "morula/formats/text/text_stream.hpp"

namespace morula::formats {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNamesLookedAt = 2000;   // of each side
constexpr std::int64_t kLinesBetweenChecks = 256;
constexpr std::int64_t kBytesPerEntry = 20;    // while genes that come as rows are turned

[[noreturn]] void bad(const fs::path& path, std::int64_t line, const std::string& what, const std::string& next) { invalid_data(fmt::format("{}, line {}: {}", path.string(), line, what), next); }

/// The fields of one line: quotes around a field are dropped, doubled ones inside become one.
class Fields {
public:
    Fields(std::string_view line, char delimiter, const LineReader& lines) : rest_(line), delimiter_(delimiter), lines_(lines) {}

    bool more() const { return more_; }
    std::string_view rest() const { return rest_; }
    /// Holds until the next call.
    std::string_view next() {
        const std::size_t end = !rest_.empty() && rest_.front() == '"' ? take_quoted() : std::min(rest_.find(delimiter_), rest_.size());
        const std::string_view field = !rest_.empty() && rest_.front() == '"' ? std::string_view(unquoted_) : rest_.substr(0, end);
        more_ = end < rest_.size();
        rest_.remove_prefix(more_ ? end + 1 : end);
        return field;
    }
    /// Passes over a field that is "0", as most are; false where the next one is anything else.
    bool skip_zero() {
        if (rest_.size() < 2 || rest_[0] != '0' || rest_[1] != delimiter_) return false;
        rest_.remove_prefix(2);
        return true;
    }

private:
    /// Position after the closing quote; the field is in unquoted_.
    std::size_t take_quoted() {
        unquoted_.clear();
        for (std::size_t at = 1;; ++at) {
            const std::size_t quote = rest_.find('"', at);
            if (quote == std::string_view::npos) bad(lines_.path(), lines_.line_number(), "a quote is opened and never closed.", "Close the quote.");
            unquoted_.append(rest_.substr(at, quote - at));
            at = quote + 1;
            if (at < rest_.size() && rest_[at] == '"') {
                unquoted_.push_back('"');
                continue;
            }
            if (at < rest_.size() && rest_[at] != delimiter_) bad(lines_.path(), lines_.line_number(), "text follows a closing quote.", "Write a quote inside a quoted field twice (\"\").");
            return at;
        }
    }

    std::string_view rest_;
    char delimiter_;
    const LineReader& lines_;
    std::string unquoted_;
    bool more_ = true;
};

std::string checked_name(std::string_view name, const LineReader& lines) {
    if (find_invalid_utf8(name) != std::string_view::npos || name.find('\0') != std::string_view::npos) {
        bad(lines.path(), lines.line_number(), "a name is not valid UTF-8 text.", "Save the file as UTF-8 (in Excel: \"CSV UTF-8\").");
    }
    return std::string(name);
}

std::vector<std::string> split_names(std::string_view line, char delimiter, const LineReader& lines) {
    std::vector<std::string> names;
    for (Fields fields(line, delimiter, lines); fields.more();) names.push_back(checked_name(fields.next(), lines));
    return names;
}

std::size_t count_fields(std::string_view line, char delimiter, const LineReader& lines) {
    std::size_t n = 0;
    for (Fields fields(line, delimiter, lines); fields.more(); ++n) fields.next();
    return n;
}

/// The lines of a text matrix after its header.
class MatrixLines {
public:
    explicit MatrixLines(const fs::path& path) : lines_(path) {
        std::string_view line;
        do {
            if (!lines_.next(line)) invalid_data(path.string() + " is empty.", "Give a table of counts with names on both sides.");
        } while (line.empty());
        delimiter_ = guess_delimiter(line);
        columns_ = split_names(line, delimiter_, lines_);
    }

    /// False at the end. Takes the row's name off the line and leaves its numbers.
    bool next(std::string& name, std::string_view& numbers) {
        do {
            if (!lines_.next(numbers)) return false;
        } while (numbers.empty());
        if (!first_seen_) drop_corner(numbers);
        Fields fields(numbers, delimiter_, lines_);
        name = checked_name(fields.next(), lines_);
        numbers = fields.rest();
        return true;
    }

    const std::vector<std::string>& columns() const { return columns_; }
    char delimiter() const { return delimiter_; }
    const LineReader& lines() const { return lines_; }

private:
    /// The header's first field stands above the names, unless the header is one field short (R).
    void drop_corner(std::string_view first_row) {
        first_seen_ = true;
        const std::size_t width = count_fields(first_row, delimiter_, lines_);
        if (width == columns_.size()) columns_.erase(columns_.begin());
        if (columns_.empty()) bad(lines_.path(), lines_.line_number(), "the table has one column only.", "Give a CSV or TSV file with names on both sides.");
        if (width != columns_.size() + 1) {
            bad(lines_.path(), lines_.line_number(), fmt::format("the row has {} fields, but the header names {} columns.", width, columns_.size()), "Give a table with a name before each row and above each column.");
        }
    }

    LineReader lines_;
    char delimiter_ = ',';
    std::vector<std::string> columns_;
    bool first_seen_ = false;
};

[[noreturn]] void bad_field(const MatrixLines& rows, std::size_t column, std::string_view field, const char* what) {
    bad(rows.lines().path(), rows.lines().line_number(), fmt::format("column '{}' holds '{}', which is {}.", rows.columns()[column], field.substr(0, 40), what),
        "Give a matrix of raw counts with a number in every field.");
}

float parse_number(const MatrixLines& rows, std::size_t column, std::string_view field) {
    while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
    while (!field.empty() && field.back() == ' ') field.remove_suffix(1);
    if (field.empty()) bad_field(rows, column, field, "nothing");
    float value = 0.0F;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error == std::errc::invalid_argument || end != field.data() + field.size()) bad_field(rows, column, field, "no number");
    if (error != std::errc{} || !std::isfinite(value)) bad_field(rows, column, field, "not a finite number");
    return value;
}

/// Hands on the entries of one row that are not zero: take(column, value).
template <class Take>
void parse_numbers(std::string_view line, const MatrixLines& rows, const Take& take) {
    const std::size_t n_columns = rows.columns().size();
    std::size_t column = 0;
    for (Fields fields(line, rows.delimiter(), rows.lines()); fields.more(); ++column) {
        if (column == n_columns) bad(rows.lines().path(), rows.lines().line_number(), fmt::format("the row has more than the {} numbers that there are columns.", n_columns), "Correct the row.");
        if (fields.skip_zero()) continue;
        const float value = parse_number(rows, column, fields.next());
        if (value != 0.0F) take(static_cast<std::uint32_t>(column), value);
    }
    if (column != n_columns) bad(rows.lines().path(), rows.lines().line_number(), fmt::format("the row has {} numbers, but there are {} columns.", column, n_columns), "Correct the row.");
}

struct SideLook {
    double genes = 0.0;     // share of names that look like genes
    double barcodes = 0.0;
};

SideLook look_at(const std::vector<std::string>& names) {
    SideLook look;
    const std::size_t n = std::min(names.size(), kNamesLookedAt);
    if (n == 0) return look;
    for (std::size_t i = 0; i < n; ++i) {
        const std::string& name = names[i * names.size() / n];
        look.genes += looks_like_gene(name) ? 1.0 / static_cast<double>(n) : 0.0;
        look.barcodes += looks_like_barcode(name) ? 1.0 / static_cast<double>(n) : 0.0;
    }
    return look;
}

/// Names of the rows, for looking only: those at the start of the file.
std::vector<std::string> first_row_names(MatrixLines& rows) {
    std::vector<std::string> names;
    std::string name;
    std::string_view numbers;
    while (names.size() < 10 * kNamesLookedAt && rows.next(name, numbers)) names.push_back(name);
    return names;
}

TextOrientation found_orientation(const fs::path& path, Context& context) {
    MatrixLines rows(path);
    const std::vector<std::string> row_names = first_row_names(rows);
    const SideLook in_rows = look_at(row_names);
    const SideLook in_columns = look_at(rows.columns());
    const auto say = [&](std::string_view what) { context.events().decision(fmt::format("{}: {}", path.filename().string(), what)); };
    if (in_rows.genes > 5.0 * in_columns.genes || (in_rows.genes >= in_columns.genes && in_columns.barcodes > in_rows.barcodes)) {
        say("genes are rows: their names look like genes.");
        return TextOrientation::genes_in_rows;
    }
    if (in_columns.genes > 5.0 * in_rows.genes || (in_columns.genes >= in_rows.genes && in_rows.barcodes > in_columns.barcodes)) {
        say("cells are rows: the names of the columns look like genes.");
        return TextOrientation::cells_in_rows;
    }
    context.events().warning(fmt::format("{}: neither side's names look like genes; rows are taken as genes. If that is wrong, pass --orientation cells-in-rows.", path.string()));
    return TextOrientation::genes_in_rows;
}

struct Contents {
    std::vector<std::string> row_names;
    std::vector<std::int64_t> lines;  // of each row
    std::vector<std::string> columns;
    matrix::Csr counts;               // cells x genes
};

template <class NewRow, class Take>
void for_each_row(MatrixLines& rows, Contents& out, Context& context, const NewRow& new_row, const Take& take) {
    Progress progress(context, "read counts", rows.lines().stream().file_bytes(), "bytes");
    std::int64_t reported = 0;
    std::int64_t n_entries = 0;
    std::string name;
    std::string_view numbers;
    while (rows.next(name, numbers)) {
        const auto row = static_cast<std::uint32_t>(out.row_names.size());
        if (out.row_names.size() == std::numeric_limits<std::uint32_t>::max()) fail(ErrorCode::unsupported, rows.lines().path().string() + " has more rows than can be numbered.", "Split the file.");
        out.row_names.push_back(name);
        out.lines.push_back(rows.lines().line_number());
        parse_numbers(numbers, rows, [&](std::uint32_t column, float value) {
            take(row, column, value);
            ++n_entries;
        });
        new_row();
        if (row % kLinesBetweenChecks != 0) continue;
        context.check_cancelled();
        context.require_memory(n_entries * kBytesPerEntry, "Reading " + rows.lines().path().string());
        const std::int64_t read = rows.lines().stream().file_bytes_read();
        progress.advance(read - reported);
        reported = read;
    }
    out.columns = rows.columns();
    if (out.row_names.empty()) invalid_data(rows.lines().path().string() + " holds a header and no rows.", "Give a table of counts with names on both sides.");
}

Contents read_contents(const fs::path& path, TextOrientation orientation, Context& context) {
    MatrixLines rows(path);
    Contents out;
    if (orientation == TextOrientation::cells_in_rows) {
        matrix::Csr& counts = out.counts;
        for_each_row(rows, out, context, [&] { counts.indptr.push_back(static_cast<std::int64_t>(counts.indices.size())); },
                     [&](std::uint32_t, std::uint32_t column, float value) {
                         counts.indices.push_back(column);
                         counts.values.push_back(value);
                     });
        counts.n_rows = static_cast<std::int64_t>(out.row_names.size());
        counts.n_cols = static_cast<std::int64_t>(out.columns.size());
        return out;
    }
    std::optional<CsrCollector> collector;  // made with the first row: the header's corner is known then
    for_each_row(rows, out, context, [] {},
                 [&](std::uint32_t gene, std::uint32_t cell, float value) {
                     if (!collector) collector.emplace(static_cast<std::int64_t>(rows.columns().size()), 0, 0);
                     collector->add({gene, cell, value});
                 });
    if (!collector) collector.emplace(static_cast<std::int64_t>(rows.columns().size()), 0, 0);
    out.counts = collector->finish([](std::uint32_t, std::int64_t) { fail(ErrorCode::internal, "A row of a text matrix came twice.", "Please report this."); }, context);
    out.counts.n_cols = static_cast<std::int64_t>(out.row_names.size());
    return out;
}

void check_cell_names(const fs::path& path, const std::vector<std::string>& cells, const std::vector<std::int64_t>* lines) {
    std::map<std::string_view, std::size_t> seen;
    for (std::size_t c = 0; c < cells.size(); ++c) {
        const auto [other, fresh] = seen.emplace(cells[c], c);
        if (fresh) continue;
        const auto place = [&](std::size_t cell) { return lines != nullptr ? fmt::format("line {}", (*lines)[cell]) : fmt::format("column {}", cell + 1); };
        invalid_data(fmt::format("{}: the cell name '{}' stands at {} and at {}.", path.string(), cells[c], place(other->second), place(c)), "Give each cell its own name.");
    }
}

bool ends_with(std::string_view text, std::string_view end) { return text.size() >= end.size() && text.substr(text.size() - end.size()) == end; }

/// The file's name without .gz, .csv and the like.
std::string stem_of(const fs::path& path) {
    std::string name = path.filename().string();
    for (const std::string_view end : {".gz", ".csv", ".tsv", ".txt", ".tab"}) {
        if (ends_with(name, end)) name.resize(name.size() - end.size());
    }
    return name;
}

/// Tables that may describe the cells: STEM without its last word (count, counts, matrix, ...) plus metadata, meta, annotation, obs.
std::optional<fs::path> annotation_beside(const fs::path& path) {
    const std::string stem = stem_of(path);
    std::string base = stem;
    for (const std::string_view word : {"counts", "count", "matrix", "expression", "raw", "umi", "data"}) {
        if (ends_with(base, word) && base.size() > word.size() && std::string_view("._-").find(base[base.size() - word.size() - 1]) != std::string_view::npos) base.resize(base.size() - word.size() - 1);
    }
    for (const std::string& start : {base, stem}) {
        for (const std::string_view word : {"metadata", "meta", "annotation", "annotations", "obs"}) {
            for (const std::string_view joint : {".", "_", "-"}) {
                for (const std::string_view end : {".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz"}) {
                    const fs::path candidate = path.parent_path() / fmt::format("{}{}{}{}", start, joint, word, end);
                    std::error_code ignored;
                    if (fs::is_regular_file(candidate, ignored)) return candidate;
                }
            }
        }
    }
    return std::nullopt;
}

data::Table annotated_cells(const fs::path& path, std::vector<std::string> cells, Context& context) {
    const std::optional<fs::path> beside = annotation_beside(path);
    if (!beside) return data::Table(std::move(cells));
    const data::Table annotation = read_table(*beside, {}, context);
    std::map<std::string_view, std::int64_t> row_of;
    for (std::int64_t row = 0; row < annotation.n_rows(); ++row) row_of.emplace(annotation.index()[static_cast<std::size_t>(row)], row);
    std::vector<std::int64_t> rows;
    for (const std::string& cell : cells) {
        const auto found = row_of.find(cell);
        if (found == row_of.end()) {
            context.events().warning(fmt::format("{}: lies beside the counts but does not name cell '{}', so it is left aside.", beside->string(), cell));
            return data::Table(std::move(cells));
        }
        rows.push_back(found->second);
    }
    context.events().decision(fmt::format("{}: describes the cells; its {} columns are taken.", beside->filename().string(), annotation.columns().size()));
    return annotation.select(rows);
}

}  // namespace

bool is_text_matrix(const fs::path& path) {
    std::string name = path.filename().string();
    if (ends_with(name, ".gz")) name.resize(name.size() - 3);
    return ends_with(name, ".csv") || ends_with(name, ".tsv") || ends_with(name, ".txt") || ends_with(name, ".tab");
}

data::Dataset read_text_matrix(const fs::path& path, TextOrientation orientation, Context& context) {
    if (orientation == TextOrientation::automatic) orientation = found_orientation(path, context);
    Contents contents = read_contents(path, orientation, context);
    const bool cells_are_rows = orientation == TextOrientation::cells_in_rows;
    std::vector<std::string> cells = cells_are_rows ? std::move(contents.row_names) : std::move(contents.columns);
    std::vector<std::string> genes = cells_are_rows ? std::move(contents.columns) : std::move(contents.row_names);
    check_cell_names(path, cells, cells_are_rows ? &contents.lines : nullptr);
    if (const std::int64_t changed = data::make_unique(genes); changed > 0) {
        context.events().warning(fmt::format("{}: {} gene names stand there more than once; they are kept apart as NAME-1, NAME-2.", path.string(), changed));
    }
    data::Dataset dataset;
    dataset.name = path.filename().string();
    dataset.obs = annotated_cells(path, std::move(cells), context);
    dataset.var = data::Table(std::move(genes));
    dataset.layers["X"] = matrix::make_source(std::move(contents.counts));
    return dataset;
}

}  // namespace morula::formats
