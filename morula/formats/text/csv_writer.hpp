// The one writer of comma-separated text, and numbers as the shortest text that reads back the same.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/file.hpp"
#include "morula/data/table.hpp"
#include "morula/formats/text/csv_rows.hpp"

namespace morula::formats {

/// Shortest text that reads back as the same number: "0.1", "1e-300", "3"; "nan" becomes the empty text.
std::string number_text(double value);
std::string number_text(float value);

/// Rows of comma-separated text, written beside their place and moved there by commit().
class CsvWriter {
public:
    CsvWriter(const std::filesystem::path& path, const std::vector<std::string>& names);

    CsvWriter& text(std::string_view value) {
        rows_.text(value);
        return *this;
    }
    template <class T>
    CsvWriter& number(T value) {
        rows_.number(value);
        return *this;
    }
    CsvWriter& integer(std::int64_t value) {
        rows_.integer(value);
        return *this;
    }
    /// As CsvRows::end_row.
    void end_row();
    void commit();

private:
    AtomicFile file_;
    CsvRows rows_;
};

/// A table with its index as first column.
void write_table(const data::Table& table, const std::filesystem::path& path, Context& context);

}  // namespace morula::formats
