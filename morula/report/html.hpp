// Small pieces of HTML and JSON: escaping, numbers as people read them, tables, base64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morula::report {

/// Text for HTML content and double-quoted attributes. Bytes that are not UTF-8, and control characters, become U+FFFD.
std::string escape_html(std::string_view text);
/// A JSON string with quotes, safe inside <script>: '<', '>' and '&' are written as \u escapes.
std::string json_string(std::string_view text);
std::string base64(std::span<const std::byte> bytes);

/// `text` as a file name and id: letters, digits, dot, minus; anything else becomes "_".
std::string file_stem(std::string_view text);

/// "12,345"
std::string count_text(std::int64_t count);
/// "4.2 %" from a share of 0..1; "under 0.1 %" for what would read as zero; "" for NaN.
std::string share_text(double share);
/// `digits` significant digits, thousands separated, no exponent between 0.001 and 1e7 ("2.5e-7"); "" for NaN.
std::string number_text(double value, int digits);
/// The same with what is beyond `digits` of a large number rounded away: "5,970,000".
std::string rounded_text(double value, int digits);
/// At most `digits` significant digits without separators, for narrow places: "-0.245", "4e9", "2.5e-7".
std::string shortest_text(double value, int digits);
/// "1 cell", "2,638 cells"
std::string count_of(std::int64_t count, std::string_view singular);
/// The unit as a page writes it behind a joint such as ", "; "" for a pure number, whose unit is "1" or none.
std::string unit_behind(std::string_view joint, std::string_view unit);
/// "µm²/min" of "um2/min".
std::string unit_text(std::string_view unit);
/// "a", "a and b", "a, b and c"
std::string list_text(const std::vector<std::string>& items);

enum class Align { text, number };

struct Column {
    std::string title;
    Align align = Align::text;
};

/// A table of escaped texts. `file` names the CSV that the page offers for it, without ".csv".
struct HtmlTable {
    std::string caption;
    std::string file;
    std::vector<Column> columns;
    std::vector<std::vector<std::string>> rows;  // plain text, escaped when written
    bool caption_unseen = false;  // a heading above says the same; the caption stays for screen readers
    std::vector<std::string> row_links{};  // where the first text of each row leads; empty: nowhere
};
/// Columns without any text are left out, but for the first.
std::string table_html(const HtmlTable& table);

}  // namespace morula::report
