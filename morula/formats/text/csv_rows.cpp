#include "morula/formats/text/csv_rows.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "morula/core/error.hpp"

namespace morula::formats {

namespace {

constexpr std::int64_t kBlockRows = 2048;
constexpr std::int64_t kBlocksAtOnce = 32;

template <class T>
void append_shortest(T value, std::string& to) {
    if (std::isnan(value)) return;
    std::array<char, 64> buffer;
    const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    MORULA_ASSERT(error == std::errc{});
    to.append(buffer.data(), end);
}

}  // namespace

void append_number(double value, std::string& to) { append_shortest(value, to); }
void append_number(float value, std::string& to) { append_shortest(value, to); }

void append_csv_text(std::string_view value, CsvField field, std::string& to) {
    const bool quote = std::any_of(value.begin(), value.end(), [](char c) { return c == ',' || c == '"' || c == '\r' || c == '\n'; }) || (value.empty() && field == CsvField::alone);
    if (!quote) {
        to.append(value);
        return;
    }
    to.push_back('"');
    for (const char c : value) {
        if (c == '"') to.push_back('"');
        to.push_back(c);
    }
    to.push_back('"');
}

void CsvRows::separate() {
    if (n_fields_++ > 0) text_.push_back(',');
}

CsvRows& CsvRows::text(std::string_view value) {
    separate();
    append_csv_text(value, n_names_ == 1 ? CsvField::alone : CsvField::beside_others, text_);
    return *this;
}

CsvRows& CsvRows::number(double value) {
    separate();
    append_number(value, text_);
    return *this;
}

CsvRows& CsvRows::number(float value) {
    separate();
    append_number(value, text_);
    return *this;
}

CsvRows& CsvRows::integer(std::int64_t value) {
    separate();
    text_.append(std::to_string(value));
    return *this;
}

void CsvRows::end_row() {
    MORULA_ASSERT(n_fields_ == n_names_);
    n_fields_ = 0;
    text_.push_back('\n');
}

std::unique_ptr<AtomicFile> csv_in_blocks(const std::filesystem::path& path, const std::vector<std::string>& names, std::int64_t n_rows, const std::function<void(CsvRows&, Block)>& fill,
                                          Context& context) {
    auto file = std::make_unique<AtomicFile>(path);
    CsvRows head(names.size());
    for (const std::string& name : names) head.text(name);
    head.end_row();
    file->write(head.take());
    std::vector<std::string> texts(static_cast<std::size_t>(kBlocksAtOnce));
    for (std::int64_t first = 0; first < n_rows; first += kBlockRows * kBlocksAtOnce) {
        const std::int64_t n = std::min(kBlockRows * kBlocksAtOnce, n_rows - first);
        parallel_blocks(context, n, kBlockRows, [&](Block block) {
            CsvRows rows(names.size());
            fill(rows, {block.index, first + block.begin, first + block.end});
            texts[static_cast<std::size_t>(block.index)] = rows.take();
        });
        for (std::int64_t block = 0; block * kBlockRows < n; ++block) file->write(texts[static_cast<std::size_t>(block)]);
    }
    file->sync_in_background();
    return file;
}

}  // namespace morula::formats
