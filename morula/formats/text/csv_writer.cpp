#include "morula/formats/text/csv_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "morula/core/error.hpp"

namespace morula::formats {

namespace {

template <class T>
std::string shortest_text(T value) {
    if (std::isnan(value)) {
        return {};
    }
    std::array<char, 64> buffer;
    const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    MORULA_ASSERT(error == std::errc{});
    return {buffer.data(), end};
}

}  // namespace

std::string number_text(double value) { return shortest_text(value); }
std::string number_text(float value) { return shortest_text(value); }

CsvWriter::CsvWriter(const std::filesystem::path& path, const std::vector<std::string>& names) : file_(path), n_names_(names.size()) {
    for (const std::string& name : names) {
        text(name);
    }
    end_row();
}

void CsvWriter::separate() {
    if (n_fields_++ > 0) {
        buffer_.push_back(',');
    }
}

CsvWriter& CsvWriter::text(std::string_view value) {
    separate();
    // A record of one empty field would read back as an empty line.
    const bool quote = std::any_of(value.begin(), value.end(), [](char c) { return c == ',' || c == '"' || c == '\r' || c == '\n'; }) || (value.empty() && n_names_ == 1);
    if (!quote) {
        buffer_.append(value);
        return *this;
    }
    buffer_.push_back('"');
    for (const char c : value) {
        if (c == '"') {
            buffer_.push_back('"');
        }
        buffer_.push_back(c);
    }
    buffer_.push_back('"');
    return *this;
}

CsvWriter& CsvWriter::number(double value) {
    separate();
    buffer_.append(number_text(value));
    return *this;
}

CsvWriter& CsvWriter::number(float value) {
    separate();
    buffer_.append(number_text(value));
    return *this;
}

CsvWriter& CsvWriter::integer(std::int64_t value) {
    separate();
    buffer_.append(std::to_string(value));
    return *this;
}

void CsvWriter::end_row() {
    MORULA_ASSERT(n_fields_ == n_names_);
    n_fields_ = 0;
    buffer_.push_back('\n');
    if (buffer_.size() >= (std::size_t{1} << 20)) {
        file_.write(std::string_view(buffer_));
        buffer_.clear();
    }
}

void CsvWriter::commit() {
    file_.write(std::string_view(buffer_));
    buffer_.clear();
    file_.commit();
}

void write_table(const data::Table& table, const std::filesystem::path& path, Context& context) {
    std::vector<std::string> names{table.index_name == "_index" ? "" : table.index_name};
    std::vector<std::vector<std::string>> texts;
    for (const auto& column : table.columns()) {
        names.push_back(column.first);
        if (const auto* numbers = std::get_if<std::vector<double>>(&column.second)) {
            texts.emplace_back();
            for (const double value : *numbers) {
                texts.back().push_back(number_text(value));
            }
        } else if (const auto* floats = std::get_if<std::vector<float>>(&column.second)) {
            texts.emplace_back();
            for (const float value : *floats) {
                texts.back().push_back(number_text(value));
            }
        } else {
            texts.push_back(data::column_texts(column.second));
        }
    }
    CsvWriter writer(path, names);
    for (std::size_t r = 0; r < table.index().size(); ++r) {
        writer.text(table.index()[r]);
        for (const std::vector<std::string>& column : texts) {
            writer.text(column[r]);
        }
        writer.end_row();
        if (r % 65536 == 0) {
            context.check_cancelled();
        }
    }
    writer.commit();
}

}  // namespace morula::formats
