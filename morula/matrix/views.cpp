#include "morula/matrix/views.hpp"

#include <algorithm>
#include <functional>
#include <string>

#include "morula/matrix/entry_scans.hpp"

namespace morula::matrix {
namespace {

constexpr const char* kRewrite = "Write the file again with the program that made it (in Python: adata.X.sort_indices(), then adata.write_h5ad).";

void check_offsets(const CsrView& csr, const std::string& what) {
    if (csr.n_rows < 0 || csr.n_cols < 0) {
        invalid_data(what + " has the shape " + std::to_string(csr.n_rows) + " x " + std::to_string(csr.n_cols) + ", which is not possible.", kRewrite);
    }
    if (!std::in_range<std::uint32_t>(csr.n_cols)) {
        invalid_data(what + " has " + std::to_string(csr.n_cols) + " columns; at most 4,294,967,295 can be stored.", kRewrite);
    }
    if (static_cast<std::int64_t>(csr.indptr.size()) != csr.n_rows + 1) {
        invalid_data(what + " has " + std::to_string(csr.indptr.size()) + " row offsets, expected " + std::to_string(csr.n_rows + 1) + " for " +
                         std::to_string(csr.n_rows) + " rows.",
                     kRewrite);
    }
    if (csr.indptr[0] < 0) invalid_data(what + " starts at the negative offset " + std::to_string(csr.indptr[0]) + ".", kRewrite);
    for (std::int64_t row = 0; row < csr.n_rows; ++row) {
        const auto r = static_cast<std::size_t>(row);
        if (csr.indptr[r + 1] < csr.indptr[r]) {
            invalid_data(what + ": the offsets of row " + std::to_string(row) + " go backwards, from " + std::to_string(csr.indptr[r]) + " to " +
                             std::to_string(csr.indptr[r + 1]) + ".",
                         kRewrite);
        }
    }
    const std::int64_t end = csr.indptr.back();
    if (!std::in_range<std::size_t>(end) || csr.indices.size() < static_cast<std::size_t>(end) || csr.values.size() < static_cast<std::size_t>(end)) {
        invalid_data(what + ": the row offsets end at " + std::to_string(end) + ", but there are " + std::to_string(csr.indices.size()) + " column numbers and " +
                         std::to_string(csr.values.size()) + " values.",
                     kRewrite);
    }
}

[[noreturn]] void report_bad_row(const CsrView& csr, std::int64_t row, const std::string& what) {
    std::int64_t last = -1;
    for (const std::uint32_t col : csr.row_indices(row)) {
        if (col >= csr.n_cols) {
            invalid_data(what + ": row " + std::to_string(row) + " names column " + std::to_string(col) + ", but there are only " + std::to_string(csr.n_cols) +
                             " columns.",
                         kRewrite);
        }
        if (col == last) invalid_data(what + ": row " + std::to_string(row) + " holds column " + std::to_string(col) + " twice.", kRewrite);
        if (col < last) {
            invalid_data(what + ": the columns of row " + std::to_string(row) + " are not in increasing order (" + std::to_string(col) + " follows " +
                             std::to_string(last) + ").",
                         kRewrite);
        }
        last = col;
    }
    assertion_failed("a bad row has a bad column", __FILE__, __LINE__);
}

}  // namespace

void Csr::sort_row(std::int64_t row) {
    const auto begin = static_cast<std::size_t>(indptr[static_cast<std::size_t>(row)]);
    const auto end = static_cast<std::size_t>(indptr[static_cast<std::size_t>(row) + 1]);
    std::vector<std::pair<std::uint32_t, float>> entries;
    entries.reserve(end - begin);
    for (std::size_t i = begin; i < end; ++i) entries.emplace_back(indices[i], values[i]);
    std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t i = begin; i < end; ++i) {
        indices[i] = entries[i - begin].first;
        values[i] = entries[i - begin].second;
    }
}

void densify(const CsrView& rows, std::span<const float> shift, float* out) {
    for (std::int64_t r = 0; r < rows.n_rows; ++r, out += rows.n_cols) {
        const auto columns = rows.row_indices(r);
        const auto row = rows.row_values(r);
        for (std::size_t c = 0; c < shift.size(); ++c) out[c] = -shift[c];
        for (std::size_t i = 0; i < columns.size(); ++i) out[columns[i]] = row[i] - shift[columns[i]];
    }
}

bool strictly_increasing(std::span<const std::uint32_t> columns) {
    // Without branches, so that good rows cost little: a step of less than 1 and an id of 2^31 or more set the highest bit, and only then is it worth looking closer.
    const std::uint32_t bits = (columns.empty() ? 0 : columns[0]) | bits_of_steps(columns);
    return bits >> 31 == 0 || std::adjacent_find(columns.begin(), columns.end(), std::greater_equal<>()) == columns.end();
}

std::int64_t first_bad_row(const CsrView& csr) {
    for (std::int64_t row = 0; row < csr.n_rows; ++row) {
        const std::span<const std::uint32_t> columns = csr.row_indices(row);
        if (columns.empty()) continue;
        if (columns.back() >= csr.n_cols || !strictly_increasing(columns)) return row;
    }
    return -1;
}

void check_csr(const CsrView& csr, std::string_view what) {
    const std::string name(what);
    check_offsets(csr, name);
    const std::int64_t bad = first_bad_row(csr);
    if (bad >= 0) report_bad_row(csr, bad, name);
}

}  // namespace morula::matrix
