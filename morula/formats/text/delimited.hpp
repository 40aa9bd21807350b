// The one reader of delimited text (CSV, TSV): RFC 4180 quotes, CR LF, byte-order mark, UTF-8 only, gzip or not. csv_writer.hpp writes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/table.hpp"

namespace morula::formats {

enum class Delimiter { automatic, tab, comma, semicolon };  // automatic: the one that the first line holds most of, outside quotes
/// The one of tab, comma and semicolon that a line holds most of, outside quotes.
char guess_delimiter(std::string_view line);
enum class Header { yes, no };
/// Rows with one field more than the header has names: an error, or names of the rows in front, as R's write.table puts them.
enum class RowNames { refused, without_header };
enum class Index { first_column, row_numbers };  // what names the rows of a data::Table

struct TableOptions {
    Delimiter delimiter = Delimiter::automatic;
    Header header = Header::yes;
    Index index = Index::first_column;  // read_table only
    RowNames row_names = RowNames::refused;  // of read_table with Index::first_column always without_header
    std::string comment = "";  // records that begin with it are passed over; empty: none
};

/// Cells as texts. Every row has names.size() fields (names are "1", "2", ... without a header).
struct RawTable {
    std::filesystem::path path;
    std::vector<std::string> names;
    std::vector<std::vector<std::string>> rows;
    std::vector<std::int64_t> lines;  // line of the file on which each row starts, from 1

    /// Position of a column; throws not_found with the nearest name, or with those that are there.
    std::size_t column(std::string_view name) const;
    /// Position of a column, or npos.
    std::size_t find(std::string_view name) const;
    /// "samples.csv, line 3, column 'donor'"
    std::string place(std::size_t row, std::size_t column) const;
    /// "samples.csv, line 3"
    std::string place(std::size_t row) const;
};

/// Empty lines are passed over. With RowNames::without_header a header with one name fewer than the first row has fields gets "" put before it. Elsewhere columns would move by one where a row
/// ends in a delimiter, or the header lacks a name.
/// Throws invalid_data with file, line and column: rows of unequal length, an open quote, text that is not UTF-8, duplicate names in the header, an empty file.
RawTable read_rows(const std::filesystem::path& path, const TableOptions& options, Context& context);

/// The same as typed columns: all integers -> int64, all numbers (empty, NA, NaN: missing) -> float64, true/false -> bool, else text.
/// Numbers written with leading zeros ("007") are names and stay text.
/// Throws invalid_data too when the index repeats a name.
data::Table read_table(const std::filesystem::path& path, const TableOptions& options, Context& context);

}  // namespace morula::formats
