#include "morula/data/checked_counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/matrix/entry_scans.hpp"

namespace morula::data {

namespace {

constexpr float kLargestCount = 4294967296.0F;  // 2^32

bool is_count(float value) { return value >= 0.0F && value <= kLargestCount && value == std::floor(value); }  // false for NaN

std::string shown(float value) {
    if (std::isnan(value)) {
        return "NaN";
    }
    return value == std::floor(value) && std::isfinite(value) ? fmt::format("{:.0f}", value) : fmt::format("{}", value);
}

class CheckedCounts : public matrix::RowBlockSource {
public:
    CheckedCounts(matrix::Matrix source, std::string what, std::vector<std::string> cells, std::vector<std::string> genes)
        : source_(std::move(source)), what_(std::move(what)), cells_(std::move(cells)), genes_(std::move(genes)) {}

    std::int64_t n_rows() const override { return source_->n_rows(); }
    std::int64_t n_cols() const override { return source_->n_cols(); }
    std::int64_t nnz() const override { return source_->nnz(); }

    matrix::CsrView read(matrix::Range rows, matrix::CsrScratch& scratch) const override {
        const matrix::CsrView view = source_->read(rows, scratch);
        if (view.n_rows == 0) {
            return view;
        }
        const std::span<const float> values = view.values.subspan(static_cast<std::size_t>(view.indptr[0]), static_cast<std::size_t>(view.nnz()));
        if (!matrix::scan_counts(values).all_small && !std::all_of(values.begin(), values.end(), is_count)) {
            refuse(rows.begin, view);
        }
        return view;
    }
    bool cheap_in_pieces() const override { return source_->cheap_in_pieces(); }

private:
    [[noreturn]] void refuse(std::int64_t first_row, const matrix::CsrView& view) const {
        for (std::int64_t r = 0; r < view.n_rows; ++r) {
            const std::span<const float> values = view.row_values(r);
            for (std::size_t i = 0; i < values.size(); ++i) {
                if (!is_count(values[i])) {
                    invalid_data(what_ + ": cell " + name(cells_, first_row + r) + ", gene " + name(genes_, view.row_indices(r)[i]) + " holds " + shown(values[i]) +
                                     ", which is not a count (0, 1, 2, ... up to 2^32).",
                                 "Give raw counts; if they are in another layer, name it with --layer.");
                }
            }
        }
        fail(ErrorCode::internal, what_ + ": a value is not a count, but could not be found again.", "Report this as a bug.");
    }

    static std::string name(const std::vector<std::string>& names, std::int64_t i) {
        return names.empty() ? std::to_string(i + 1) : "'" + names.at(static_cast<std::size_t>(i)) + "'";
    }

    matrix::Matrix source_;
    std::string what_;
    std::vector<std::string> cells_;
    std::vector<std::string> genes_;
};

}  // namespace

matrix::Matrix checked_counts(matrix::Matrix source, std::string what, std::vector<std::string> cells, std::vector<std::string> genes) {
    return std::make_shared<CheckedCounts>(std::move(source), std::move(what), std::move(cells), std::move(genes));
}

}  // namespace morula::data
