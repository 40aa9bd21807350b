#include "morula/knowledge/gene_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <tuple>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/formats/text/text_stream.hpp"
#include "morula/knowledge/columns.hpp"

namespace morula::knowledge {
namespace {

constexpr std::string_view kNext = "Bring a table with the columns gene, chromosome, start and end, a list as inferCNV takes it (gene, chromosome, start, end without a header), or a GTF.";
constexpr std::string_view kArmsNext = "Bring a table with the columns chromosome, start, end and arm, or UCSC's cytoBand of your genome.";
constexpr std::int64_t kLongestChromosome = std::int64_t{1} << 40;  // bases; far above any
constexpr std::size_t kGtfFields = 9;

std::optional<std::int64_t> position_of(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > kLongestChromosome) return std::nullopt;
    return value;
}

std::vector<std::string_view> split(std::string_view line, char delimiter) {
    std::vector<std::string_view> fields;
    for (;;) {
        const std::size_t at = line.find(delimiter);
        fields.push_back(line.substr(0, at));
        if (at == std::string_view::npos) return fields;
        line.remove_prefix(at + 1);
    }
}

/// The fields of the first line that is neither empty nor a comment.
std::vector<std::string> first_fields(const std::filesystem::path& path) {
    formats::LineReader reader(path);
    std::string_view line;
    while (reader.next(line)) {
        if (line.empty() || line.starts_with("##") || line.starts_with("#!")) continue;
        const std::vector<std::string_view> fields = split(line, formats::guess_delimiter(line));
        return {fields.begin(), fields.end()};
    }
    return {};
}

bool is_gtf(const std::vector<std::string>& fields) { return fields.size() == kGtfFields && position_of(fields[3]) && position_of(fields[4]) && fields[8].find("gene_id") != std::string::npos; }

std::int64_t require_position(const formats::RawTable& table, std::size_t row, std::size_t column) {
    const std::optional<std::int64_t> position = position_of(table.rows[row][column]);
    if (!position) invalid_data(fmt::format("{}: '{}' is not a position on a chromosome.", table.place(row, column), table.rows[row][column]), "Write a whole number of bases, 0 or more.");
    return *position;
}

struct Columns {
    std::size_t symbol = std::string::npos;
    std::size_t id = std::string::npos;
    std::size_t chromosome = std::string::npos;
    std::size_t start = std::string::npos;
    std::size_t end = std::string::npos;
    std::size_t arm = std::string::npos;
};

/// Start and end of a row, in order.
std::pair<std::int64_t, std::int64_t> span_of(const formats::RawTable& table, std::size_t row, const Columns& columns) {
    const std::int64_t start = require_position(table, row, columns.start);
    const std::int64_t end = require_position(table, row, columns.end);
    if (end < start) invalid_data(fmt::format("{}: the end {} lies before the start {}.", table.place(row, columns.end), end, start), "Write the smaller position first, whichever the strand.");
    return {start, end};
}

Columns columns_without_header(const std::vector<std::string>& first, const std::filesystem::path& path) {
    if (first.size() >= 4 && position_of(first[2]) && position_of(first[3])) return {0, 0, 1, 2, 3, std::string::npos};
    if (first.size() >= 4 && position_of(first[1]) && position_of(first[2])) return {3, 3, 0, 1, 2, std::string::npos};
    invalid_data(fmt::format("{}: no gene positions are found in it.", path.string()), std::string(kNext));
}

Columns columns_of_header(const formats::RawTable& table) {
    Columns columns;
    columns.symbol = first_column(table, {"gene_symbols", "gene_symbol", "symbol", "gene_name", "gene", "feature_name", "name"});
    columns.id = first_column(table, {"gene_ids", "gene_id", "ensembl_gene_id", "ensgene", "id"});
    if (columns.symbol == std::string::npos) columns.symbol = columns.id;
    if (columns.id == std::string::npos) columns.id = columns.symbol;
    if (columns.symbol == std::string::npos) columns.symbol = columns.id = require_column(table, {"gene"}, kNext);  // throws
    columns.chromosome = require_column(table, {"chromosome", "chrom", "#chrom", "chr", "seqname", "chromosome_name"}, kNext);
    columns.start = require_column(table, {"start", "start_position", "chromStart", "txStart"}, kNext);
    columns.end = require_column(table, {"end", "end_position", "chromEnd", "txEnd", "stop"}, kNext);
    columns.arm = first_column(table, {"arm", "cytoband", "band"});
    return columns;
}

/// Whether some field is a position: names of columns are none.
bool has_header(const std::vector<std::string>& first) {
    return std::none_of(first.begin(), first.end(), [](const std::string& field) { return position_of(field).has_value(); });
}

GeneOrder from_table(const std::filesystem::path& path, const std::vector<std::string>& first, Context& context) {
    const bool header = has_header(first);
    const formats::RawTable table = formats::read_rows(path, {.header = header ? formats::Header::yes : formats::Header::no}, context);
    const Columns columns = header ? columns_of_header(table) : columns_without_header(first, path);
    GeneOrder order;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        const std::vector<std::string>& fields = table.rows[row];
        GenePlace gene{fields[columns.symbol], fields[columns.id], chromosome_name(fields[columns.chromosome]), 0, 0, ""};
        if (gene.symbol.empty() && gene.id.empty()) continue;
        // Tables of all genes leave the place of a few empty.
        if (gene.chromosome.empty() || (fields[columns.start].empty() && fields[columns.end].empty())) continue;
        std::tie(gene.start, gene.end) = span_of(table, row, columns);
        if (columns.arm != std::string::npos) gene.arm = arm_name(gene.chromosome, fields[columns.arm]);
        order.genes.push_back(std::move(gene));
    }
    return order;
}

/// The value of key "value"; in GTF's last field; empty when it is not there.
std::string attribute(std::string_view attributes, std::string_view key) {
    for (std::size_t at = attributes.find(key); at != std::string_view::npos; at = attributes.find(key, at + 1)) {
        if (at > 0 && attributes[at - 1] != ' ' && attributes[at - 1] != ';') continue;
        std::string_view rest = attributes.substr(at + key.size());
        if (!rest.starts_with(" \"")) continue;
        rest.remove_prefix(2);
        return std::string(rest.substr(0, rest.find('"')));
    }
    return "";
}

GeneOrder from_gtf(const std::filesystem::path& path, Context& context) {
    GeneOrder order;
    formats::LineReader reader(path);
    std::string_view line;
    while (reader.next(line)) {
        if (reader.line_number() % 65536 == 0) context.check_cancelled();
        if (line.empty() || line.front() == '#') continue;
        const std::vector<std::string_view> fields = split(line, '\t');
        if (fields.size() != kGtfFields) invalid_data(fmt::format("{}, line {}: has {} fields, a GTF has {}.", path.string(), reader.line_number(), fields.size(), kGtfFields), std::string(kNext));
        if (fields[2] != "gene") continue;
        const auto start = position_of(fields[3]);
        const auto end = position_of(fields[4]);
        if (!start || !end || *end < *start) invalid_data(fmt::format("{}, line {}: '{}' to '{}' is no stretch of a chromosome.", path.string(), reader.line_number(), fields[3], fields[4]), std::string(kNext));
        GenePlace gene{attribute(fields[8], "gene_name"), attribute(fields[8], "gene_id"), chromosome_name(fields[0]), *start, *end, ""};
        if (formats::find_invalid_utf8(gene.symbol) != std::string_view::npos || formats::find_invalid_utf8(gene.id) != std::string_view::npos || formats::find_invalid_utf8(gene.chromosome) != std::string_view::npos) {
            invalid_data(fmt::format("{}, line {}: is not UTF-8 text.", path.string(), reader.line_number()), "Save the file as UTF-8.");
        }
        if (gene.symbol.empty()) gene.symbol = gene.id;
        if (gene.id.empty()) gene.id = gene.symbol;
        if (!gene.id.empty() && !gene.chromosome.empty()) order.genes.push_back(std::move(gene));
    }
    return order;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Whether the text goes on with one of the letters and then a digit, or ends after the letter.
bool is_segment(std::string_view rest, std::string_view letters) { return !rest.empty() && letters.find(rest[0]) != std::string_view::npos && (rest.size() == 1 || is_digit(rest[1])); }

}  // namespace

std::string chromosome_name(std::string_view text) {
    if (text.size() > 3 && (text.starts_with("chr") || text.starts_with("Chr") || text.starts_with("CHR"))) text.remove_prefix(3);
    if (text == "M") return "MT";
    return std::string(text);
}

bool chromosome_before(std::string_view a, std::string_view b) {
    const auto number_a = position_of(a);
    const auto number_b = position_of(b);
    if (number_a && number_b && *number_a != *number_b) return *number_a < *number_b;
    if (number_a.has_value() != number_b.has_value()) return number_a.has_value();
    return a < b;
}

std::string arm_name(std::string_view chromosome, std::string_view text) {
    if (text.size() > 3 && (text.starts_with("chr") || text.starts_with("Chr"))) text.remove_prefix(3);
    if (!chromosome.empty() && text.size() > chromosome.size() && text.starts_with(chromosome)) text.remove_prefix(chromosome.size());
    if (text.empty() || (text[0] != 'p' && text[0] != 'q')) return "";
    if (text.size() > 1 && !is_digit(text[1]) && text[1] != 't' && text[1] != 'c') return "";  // pter, qter, pcen
    return fmt::format("{}{}", chromosome, text[0]);
}

GeneOrder read_gene_order(const std::filesystem::path& path, Context& context) {
    const std::vector<std::string> first = first_fields(path);
    if (first.empty()) invalid_data(fmt::format("{}: is empty.", path.string()), std::string(kNext));
    GeneOrder order = is_gtf(first) ? from_gtf(path, context) : from_table(path, first, context);
    order.name = path.filename().string();
    if (order.genes.empty()) invalid_data(fmt::format("{}: holds no gene with a place.", path.string()), std::string(kNext));
    return order;
}

bool is_gtf_file(const std::filesystem::path& path) { return is_gtf(first_fields(path)); }

ShortArmEnds read_short_arm_ends(const std::filesystem::path& path, Context& context) {
    const std::vector<std::string> first = first_fields(path);
    if (first.empty()) invalid_data(fmt::format("{}: is empty.", path.string()), std::string(kArmsNext));
    const bool header = has_header(first);
    if (!header && !(first.size() >= 4 && position_of(first[1]) && position_of(first[2]))) invalid_data(fmt::format("{}: holds no arms or bands.", path.string()), std::string(kArmsNext));
    const formats::RawTable table = formats::read_rows(path, {.header = header ? formats::Header::yes : formats::Header::no}, context);
    Columns columns{0, 0, 0, 1, 2, 3};
    if (header) {
        columns.chromosome = require_column(table, {"chromosome", "chrom", "#chrom", "chr"}, kArmsNext);
        columns.start = require_column(table, {"start", "chromStart"}, kArmsNext);
        columns.end = require_column(table, {"end", "chromEnd", "stop"}, kArmsNext);
        columns.arm = require_column(table, {"arm", "band", "cytoband", "name"}, kArmsNext);
    }
    ShortArmEnds short_end, long_start;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        const std::string chromosome = chromosome_name(table.rows[row][columns.chromosome]);
        const std::string arm = arm_name(chromosome, table.rows[row][columns.arm]);
        if (arm.empty()) continue;
        const auto [start, end] = span_of(table, row, columns);
        if (arm.back() == 'p') short_end[chromosome] = std::max(short_end[chromosome], end);
        else if (const auto [found, fresh] = long_start.emplace(chromosome, start); !fresh) found->second = std::min(found->second, start);
    }
    for (const auto& [chromosome, start] : long_start) short_end.emplace(chromosome, start);
    if (short_end.empty()) invalid_data(fmt::format("{}: no row names an arm (p or q) or a band of one.", path.string()), std::string(kArmsNext));
    return short_end;
}

void set_arms(GeneOrder& order, const ShortArmEnds& ends) {
    for (GenePlace& gene : order.genes) {
        const auto found = ends.find(gene.chromosome);
        if (found != ends.end()) gene.arm = gene.chromosome + (gene.start + (gene.end - gene.start) / 2 < found->second ? "p" : "q");
    }
}

MaskedLocus masked_locus(std::string_view symbol) {
    std::string upper(symbol);
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    const std::string_view text = upper;
    if (text.starts_with("HLA-") || text.starts_with("H2-")) return MaskedLocus::mhc;
    if (text.starts_with("IGH")) {
        const std::string_view rest = text.substr(3);
        // Constant genes (IGHM, IGHG1, IGHA2, IGHEP1, mouse IGHG2B) and segments; not IGHMBP2, an RNA helicase.
        if (is_segment(rest, "VDJADEGM") || (rest.size() > 1 && rest[0] == 'E' && rest[1] == 'P') || rest == "GP") return MaskedLocus::immunoglobulin;
        return MaskedLocus::none;
    }
    if (text.starts_with("IGK") || text.starts_with("IGL")) {
        const std::string_view rest = text.substr(3);
        return is_segment(rest, "VJC") || (text.starts_with("IGLL") && rest.size() > 1 && is_digit(rest[1])) ? MaskedLocus::immunoglobulin : MaskedLocus::none;
    }
    constexpr std::array<std::string_view, 4> chains{"TRA", "TRB", "TRG", "TRD"};
    for (const std::string_view chain : chains) {
        if (text.starts_with(chain) && is_segment(text.substr(chain.size()), "VDJC")) return MaskedLocus::t_cell_receptor;
    }
    return MaskedLocus::none;
}

}  // namespace morula::knowledge
