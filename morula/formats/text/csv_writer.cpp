#include "morula/formats/text/csv_writer.hpp"

namespace morula::formats {
namespace {

constexpr std::size_t kBytesAtOnce = std::size_t{1} << 20;

}  // namespace

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

CsvWriter::CsvWriter(const std::filesystem::path& path, const std::vector<std::string>& names) : file_(path), rows_(names.size()) {
    for (const std::string& name : names) text(name);
    end_row();
}

void CsvWriter::end_row() {
    rows_.end_row();
    if (rows_.n_bytes() >= kBytesAtOnce) file_.write(rows_.take());
}

void CsvWriter::commit() {
    file_.write(rows_.take());
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
