#include "morula/formats/text/csv_writer.hpp"

#include "morula/core/error.hpp"
#include "morula/formats/text/csv_rows.hpp"

namespace morula::formats {

std::string number_text(double value) {
    std::string text;
    append_number(value, text);
    return text;
}
std::string number_text(float value) {
    std::string text;
    append_number(value, text);
    return text;
}

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
    append_csv_text(value, n_names_ == 1 ? CsvField::alone : CsvField::beside_others, buffer_);
    return *this;
}

CsvWriter& CsvWriter::number(double value) {
    separate();
    append_number(value, buffer_);
    return *this;
}

CsvWriter& CsvWriter::number(float value) {
    separate();
    append_number(value, buffer_);
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
