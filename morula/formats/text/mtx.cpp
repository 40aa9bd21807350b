#include "morula/formats/text/mtx.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "morula/core/checked_cast.hpp"
#include "morula/core/error.hpp"
#include "morula/formats/text/csr_collector.hpp"
#include "morula/formats/text/text_stream.hpp"

namespace morula::formats {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{4} << 20;
constexpr double kLargestValue = 4294967296.0;       // 2^32
constexpr std::int64_t kShortestEntryBytes = 6;      // "1 1 1\n"; "1 1\n" where the field is pattern
constexpr std::int64_t kLargestInflation = 1032;     // of deflate

enum class Field { integer, real, pattern };

struct Header {
    MtxSize size;
    Field field = Field::integer;
};

[[noreturn]] void bad_line(const std::filesystem::path& path, std::int64_t line, const std::string& what, const std::string& next) {
    invalid_data(path.string() + ", line " + std::to_string(line) + ": " + what, next);
}

std::string shown(std::string_view line) {
    std::string text(line.substr(0, 60));
    for (char& c : text) {
        c = static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F ? '?' : c;
    }
    return "'" + text + (line.size() > 60 ? "...'" : "'");
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view next_word(std::string_view& text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    std::size_t n = 0;
    while (n < text.size() && !is_blank(text[n])) {
        ++n;
    }
    const std::string_view word = text.substr(0, n);
    text.remove_prefix(n);
    return word;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

Field parse_banner(std::string_view line, const std::filesystem::path& path) {
    std::string_view rest = line;
    const std::string banner = lower(next_word(rest));
    const std::string object = lower(next_word(rest));
    const std::string format = lower(next_word(rest));
    const std::string field = lower(next_word(rest));
    const std::string symmetry = lower(next_word(rest));
    if (banner != "%%matrixmarket") {
        bad_line(path, 1, "a Matrix Market file begins with '%%MatrixMarket', this one with " + shown(line) + ".", "Give the matrix.mtx or matrix.mtx.gz that Cell Ranger wrote.");
    }
    if (object != "matrix" || format != "coordinate" || symmetry != "general" || (field != "integer" && field != "real" && field != "double" && field != "pattern")) {
        fail(ErrorCode::unsupported, path.string() + ", line 1: " + shown(line) + " is a kind of matrix that is not read here.", "Save it as 'matrix coordinate integer general'.");
    }
    return field == "integer" ? Field::integer : field == "pattern" ? Field::pattern : Field::real;
}

std::int64_t parse_size(std::string_view word, const char* what, std::string_view line, const std::filesystem::path& path, std::int64_t number) {
    std::int64_t value = -1;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size() || value < 0) {
        bad_line(path, number, "the size line " + shown(line) + " gives no valid number of " + what + ".", "It must hold three numbers: genes, cells, entries.");
    }
    return value;
}

// Sizes that the file or our 32-bit ids cannot hold are refused before anything is allocated.
void check_size(const Header& header, const TextStream& stream, std::int64_t line) {
    const MtxSize& size = header.size;
    constexpr std::int64_t limit = std::numeric_limits<std::uint32_t>::max();
    if (size.n_rows > limit || size.n_cols > limit) {
        bad_line(stream.path(), line, "a matrix of " + std::to_string(size.n_rows) + " genes x " + std::to_string(size.n_cols) + " cells is not possible.", "Check the size line.");
    }
    const std::int64_t shortest = header.field == Field::pattern ? 4 : kShortestEntryBytes;
    const std::int64_t text_bytes = stream.compressed() ? stream.file_bytes() * kLargestInflation : stream.file_bytes();
    if (size.n_entries > text_bytes / shortest + 1) {
        bad_line(stream.path(), line, "the file declares " + std::to_string(size.n_entries) + " entries, more than its " + std::to_string(stream.file_bytes()) + " bytes can hold.",
                 "Copy or download the file again.");
    }
}

Header read_header(LineReader& lines) {
    Header header;
    std::string_view line;
    if (!lines.next(line)) {
        invalid_data(lines.path().string() + " is empty.", "Copy or download the file again.");
    }
    header.field = parse_banner(line, lines.path());
    do {
        if (!lines.next(line)) {
            invalid_data(lines.path().string() + " ends before its size line.", "Copy or download the file again.");
        }
    } while (line.empty() || line.front() == '%');
    std::string_view rest = line;
    const std::int64_t number = lines.line_number();
    header.size.n_rows = parse_size(next_word(rest), "genes", line, lines.path(), number);
    header.size.n_cols = parse_size(next_word(rest), "cells", line, lines.path(), number);
    header.size.n_entries = parse_size(next_word(rest), "entries", line, lines.path(), number);
    check_size(header, lines.stream(), number);
    return header;
}

// Digits from `at`; returns false when there is none or the number passes 2^32.
bool parse_digits(const char*& at, std::uint64_t& value) {
    value = 0;
    const char* start = at;
    while (static_cast<unsigned>(*at - '0') <= 9 && at - start <= 10) {
        value = value * 10 + static_cast<unsigned>(*at - '0');
        ++at;
    }
    return at != start && at - start <= 10;
}

// The entries' lines, parsed in place in a big buffer that always ends with a newline.
class EntryParser {
public:
    EntryParser(const std::filesystem::path& path, const Header& header, std::int64_t first_line) : path_(path), header_(header), line_(first_line) {}

    // Parses all whole lines of text, which must end with '\n'.
    template <class Sink>
    void parse(std::string_view text, Sink& sink) {
        const char* at = text.data();
        const char* end = text.data() + text.size();
        while (at < end) {
            ++line_;
            MatrixEntry entry;
            const char* start = at;
            if (parse_entry(at, entry)) {
                take(entry, start, sink);
                at = *at == '\r' ? at + 1 : at;
            } else {
                at = start;
                parse_slowly(line_at(start), sink);
                at += line_at(start).size();
            }
            MORULA_ASSERT(*at == '\n');
            ++at;
        }
    }

    std::int64_t n_found() const { return n_found_; }
    std::int64_t line() const { return line_; }

private:
    static std::string_view line_at(const char* start) {
        const char* at = start;
        while (*at != '\n') {
            ++at;
        }
        return {start, static_cast<std::size_t>(at - start)};
    }

    // The common line: digits, blank, digits, blank, digits. False where it is anything else.
    bool parse_entry(const char*& at, MatrixEntry& entry) const {
        std::uint64_t gene = 0;
        std::uint64_t cell = 0;
        std::uint64_t value = 1;
        if (!parse_digits(at, gene) || (*at != ' ' && *at != '\t') || !parse_digits(++at, cell)) {
            return false;
        }
        if (header_.field != Field::pattern && ((*at != ' ' && *at != '\t') || !parse_digits(++at, value))) {
            return false;
        }
        const bool at_end = *at == '\n' || (*at == '\r' && at[1] == '\n');
        if (!at_end || gene - 1 >= static_cast<std::uint64_t>(header_.size.n_rows) || cell - 1 >= static_cast<std::uint64_t>(header_.size.n_cols) || value > 4294967296ULL) {
            return false;
        }
        entry = {static_cast<std::uint32_t>(gene - 1), static_cast<std::uint32_t>(cell - 1), static_cast<float>(value)};
        return true;
    }

    template <class Sink>
    void take(const MatrixEntry& entry, const char* start, Sink& sink) {
        if (++n_found_ > header_.size.n_entries) {
            bad_line(path_, line_, "the file declares " + std::to_string(header_.size.n_entries) + " entries, but goes on with " + shown(line_at(start)) + ".",
                     "Copy or download the file again, or correct its size line.");
        }
        if (entry.value != 0.0F) {
            sink.add(entry);
        }
    }

    // Lines with other blanks, decimals, empty lines, comments, and all that is wrong.
    template <class Sink>
    void parse_slowly(std::string_view line, Sink& sink) {
        std::string_view rest = line;
        const std::string_view gene_word = next_word(rest);
        if (gene_word.empty() || gene_word.front() == '%') {
            return;
        }
        const std::string_view cell_word = next_word(rest);
        const std::string_view value_word = next_word(rest);
        const bool complete = header_.field == Field::pattern ? value_word.empty() : !value_word.empty() && next_word(rest).empty();
        if (!complete) {
            bad_line(path_, line_, "expected gene, cell and value, found " + shown(line) + ".", "Copy or download the file again.");
        }
        MatrixEntry entry;
        entry.gene = position(gene_word, header_.size.n_rows, "gene");
        entry.cell = position(cell_word, header_.size.n_cols, "cell");
        entry.value = header_.field == Field::pattern ? 1.0F : value(value_word);
        take(entry, line.data(), sink);
    }

    std::uint32_t position(std::string_view word, std::int64_t n, const char* what) const {
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
        if (error == std::errc::invalid_argument || end != word.data() + word.size()) {
            bad_line(path_, line_, shown(word) + " is no " + what + " number.", "Copy or download the file again.");
        }
        if (error != std::errc{} || number < 1 || number > n) {
            bad_line(path_, line_, std::string(what) + " " + std::string(word) + " is out of range; the matrix has " + std::to_string(n) + " " + what + "s, counted from 1.",
                     "Check that matrix, barcodes and features belong together.");
        }
        return static_cast<std::uint32_t>(number - 1);
    }

    float value(std::string_view word) const {
        double number = 0.0;
        const std::string_view digits = word.front() == '+' ? word.substr(1) : word;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (error == std::errc::invalid_argument || end != digits.data() + digits.size()) {
            bad_line(path_, line_, shown(word) + " is no number.", "Copy or download the file again.");
        }
        if (error == std::errc::result_out_of_range || !std::isfinite(number) || number < 0.0 || number > kLargestValue) {
            bad_line(path_, line_, "the value " + std::string(word) + " is not a count: it must lie between 0 and 2^32.", "Give a matrix of raw counts.");
        }
        return static_cast<float>(number);
    }

    const std::filesystem::path& path_;
    Header header_;
    std::int64_t line_;
    std::int64_t n_found_ = 0;
};

// Reads the stream from its start, passes the lines of the head over, and hands on whole lines.
template <class Body>
void for_each_text(TextStream& stream, std::int64_t head_lines, Context& context, const Body& body) {
    Progress progress(context, "read counts", stream.file_bytes(), "bytes");
    std::vector<char> buffer(kBufferBytes);
    std::size_t kept = 0;
    std::int64_t reported = 0;
    while (true) {
        context.check_cancelled();
        if (kept + 1 >= buffer.size()) {
            invalid_data(stream.path().string() + ": a line is longer than " + std::to_string(kBufferBytes) + " bytes.", "Check that this is a Matrix Market file.");
        }
        const std::size_t n = stream.read(std::span<char>(buffer).subspan(kept, buffer.size() - kept - 1));
        std::size_t filled = kept + n;
        if (n == 0 && filled > 0) {
            buffer[filled++] = '\n';  // a last line without its ending
        }
        std::size_t whole = filled;
        while (whole > 0 && buffer[whole - 1] != '\n') {
            --whole;
        }
        std::string_view text(buffer.data(), whole);
        while (head_lines > 0 && !text.empty()) {
            text.remove_prefix(text.find('\n') + 1);
            --head_lines;
        }
        body(text);
        kept = filled - whole;
        std::memmove(buffer.data(), buffer.data() + whole, kept);
        progress.advance(stream.file_bytes_read() - reported);
        reported = stream.file_bytes_read();
        if (n == 0) {
            return;
        }
    }
}

}  // namespace

MtxSize read_mtx_size(const std::filesystem::path& path) {
    LineReader lines(path);
    return read_header(lines).size;
}

matrix::Csr read_mtx_transposed(const std::filesystem::path& path, Context& context) {
    Header header;
    std::int64_t head_lines = 0;
    {
        LineReader lines(path);
        header = read_header(lines);
        head_lines = lines.line_number();
    }
    const MtxSize& size = header.size;
    context.require_memory(checked_size_product(size.n_entries, 8) + checked_size_product(size.n_cols, 24), "Reading " + path.string());
    CsrCollector collector(size.n_cols, size.n_rows, size.n_entries);
    EntryParser parser(path, header, head_lines);
    TextStream stream(path);
    for_each_text(stream, head_lines, context, [&](std::string_view text) { parser.parse(text, collector); });
    if (parser.n_found() != size.n_entries) {
        invalid_data(path.string() + ": the file declares " + std::to_string(size.n_entries) + " entries, but ends after " + std::to_string(parser.n_found()) + ", on line " +
                         std::to_string(parser.line()) + ".",
                     "Copy or download the file again.");
    }
    const auto repeated = [&](std::uint32_t gene, std::int64_t cell) {
        invalid_data(path.string() + ": the entry of gene " + std::to_string(gene + 1) + ", cell " + std::to_string(cell + 1) + " stands there twice.",
                     "Write the matrix again with each entry once.");
    };
    return collector.finish(repeated, context);
}

}  // namespace morula::formats
