// Rows of comma-separated text: made in memory, and long tables made by several threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/file.hpp"
#include "morula/core/parallel.hpp"

namespace morula::formats {

/// alone: of a table with one column, where a record of one empty field would read back as an empty line.
enum class CsvField { alone, beside_others };
/// Appends a field, in quotes where it needs them.
void append_csv_text(std::string_view value, CsvField field, std::string& to);
/// Shortest text that reads back as the same number; nothing for NaN.
void append_number(double value, std::string& to);
void append_number(float value, std::string& to);

/// Rows with n_names fields each.
class CsvRows {
public:
    explicit CsvRows(std::size_t n_names) : n_names_(n_names) {}

    CsvRows& text(std::string_view value);
    CsvRows& number(double value);
    CsvRows& number(float value);
    CsvRows& integer(std::int64_t value);
    /// Throws internal when the row has not as many fields as there are names.
    void end_row();
    /// Of what is not taken yet.
    std::size_t n_bytes() const { return text_.size(); }
    std::string take() { return std::exchange(text_, {}); }

private:
    void separate();

    std::string text_;
    std::size_t n_names_;
    std::size_t n_fields_ = 0;
};

/// A table of n_rows rows beside its place, on its way to the disk; commit() moves it there. fill(rows, block) writes the rows of the block, in order, and may be called from several threads;
/// the file is the same for any number of them. Memory: the text of some ten thousand rows.
std::unique_ptr<AtomicFile> csv_in_blocks(const std::filesystem::path& path, const std::vector<std::string>& names, std::int64_t n_rows, const std::function<void(CsvRows& rows, Block block)>& fill,
                                          Context& context);

}  // namespace morula::formats
