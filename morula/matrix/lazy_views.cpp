// Sources that compute on read: kept rows, kept or renamed columns, log values, several sources as one.
#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "morula/core/checked_cast.hpp"
#include "morula/matrix/block_buffer.hpp"
#include "morula/matrix/block_source.hpp"
#include "morula/matrix/map_columns.hpp"
#include "morula/matrix/per_count.hpp"
#include "morula/matrix/row_sizes.hpp"

namespace morula::matrix {
namespace {

void append_rows(const CsrView& from, Range rows, Csr& to, std::int64_t to_row) {
    const auto first = static_cast<std::size_t>(rows.begin);
    const std::int64_t begin = from.indptr[first];
    const std::int64_t end = from.indptr[static_cast<std::size_t>(rows.end)];
    const std::int64_t at = to.indptr[static_cast<std::size_t>(to_row)];
    grow_to(to.indices, at + end - begin);
    grow_to(to.values, at + end - begin);
    std::copy(from.indices.begin() + begin, from.indices.begin() + end, to.indices.begin() + at);
    std::copy(from.values.begin() + begin, from.values.begin() + end, to.values.begin() + at);
    for (std::int64_t r = 0; r < rows.size(); ++r) {
        to.indptr[static_cast<std::size_t>(to_row + r + 1)] = at + from.indptr[first + static_cast<std::size_t>(r) + 1] - begin;
    }
}

/// Throws internal unless `kept` is strictly increasing within [0, n).
void check_selection(const std::vector<std::int64_t>& kept, std::int64_t n) {
    for (std::size_t i = 0; i < kept.size(); ++i) MORULA_ASSERT(kept[i] >= 0 && kept[i] < n && (i == 0 || kept[i - 1] < kept[i]));
}

class SelectedRows final : public RowBlockSource, public RowSizes {
public:
    SelectedRows(Matrix source, std::vector<std::int64_t> rows) : source_(std::move(source)), rows_(std::move(rows)), most_gap_(source_->cheap_in_pieces() ? 0 : kSelectGap) {}

    std::int64_t n_rows() const override { return static_cast<std::int64_t>(rows_.size()); }
    std::int64_t n_cols() const override { return source_->n_cols(); }
    std::int64_t nnz() const override { return source_->nnz(); }
    bool cheap_in_pieces() const override { return source_->cheap_in_pieces(); }

    bool knows_row_sizes() const override { return known_row_sizes(*source_) != nullptr; }
    void row_sizes(Range rows, std::span<std::int64_t> out) const override {
        const RowSizes* below = known_row_sizes(*source_);
        for (std::int64_t i = rows.begin; i < rows.end; ++i) below->row_sizes({kept(i), kept(i) + 1}, out.subspan(static_cast<std::size_t>(i - rows.begin), 1));
    }

    CsrView read(Range rows, CsrScratch& scratch) const override {
        check_range(rows, n_rows());
        if (rows.size() > 0 && kept(rows.end - 1) - kept(rows.begin) == rows.size() - 1) return source_->read({kept(rows.begin), kept(rows.end - 1) + 1}, scratch);
        grow_to(scratch.csr.indptr, rows.size() + 1);
        scratch.csr.indptr[0] = 0;
        for (std::int64_t begin = rows.begin; begin < rows.end;) {
            const std::int64_t end = end_of_run(begin, rows.end);
            copy_kept({begin, end}, rows.begin, scratch);
            begin = end;
        }
        return view_of_rows(scratch.csr, rows.size(), n_cols());
    }

private:
    std::int64_t kept(std::int64_t i) const { return rows_[static_cast<std::size_t>(i)]; }

    /// Kept rows from `begin` on that one call should read: gaps are small, and at least about half of what is read is kept.
    std::int64_t end_of_run(std::int64_t begin, std::int64_t limit) const {
        std::int64_t end = begin + 1;
        while (end < limit && kept(end) - kept(end - 1) - 1 <= most_gap_ && kept(end) - kept(begin) <= 2 * (end - begin) + kSelectGap) ++end;
        return end;
    }

    void copy_kept(Range run, std::int64_t first, CsrScratch& scratch) const {
        const std::int64_t first_row = kept(run.begin);
        const CsrView block = source_->read({first_row, kept(run.end - 1) + 1}, scratch.below());
        for (std::int64_t begin = run.begin; begin < run.end;) {
            std::int64_t end = begin + 1;
            while (end < run.end && kept(end) == kept(end - 1) + 1) ++end;
            append_rows(block, {kept(begin) - first_row, kept(end - 1) + 1 - first_row}, scratch.csr, begin - first);
            begin = end;
        }
    }

    Matrix source_;
    std::vector<std::int64_t> rows_;
    std::int64_t most_gap_;
};

/// Columns dropped or renamed through a table with an entry a column of the source.
class MappedCols final : public RowBlockSource {
public:
    MappedCols(Matrix source, std::vector<std::uint32_t> new_col, std::int64_t n_cols) : source_(std::move(source)), new_col_(std::move(new_col)), n_cols_(n_cols) {
        std::int64_t last = -1;
        for (const std::uint32_t col : new_col_) {
            if (col == kDroppedColumn) continue;
            in_order_ = in_order_ && col > last;
            last = col;
        }
    }

    std::int64_t n_rows() const override { return source_->n_rows(); }
    std::int64_t n_cols() const override { return n_cols_; }
    std::int64_t nnz() const override { return source_->nnz(); }
    bool cheap_in_pieces() const override { return source_->cheap_in_pieces(); }
    const Matrix& source() const { return source_; }
    const std::vector<std::uint32_t>& new_col() const { return new_col_; }

    CsrView read(Range rows, CsrScratch& scratch) const override {
        const CsrView from = source_->read(rows, scratch.below());
        Csr& to = scratch.csr;
        grow_to(to.indptr, from.n_rows + 1);
        grow_to(to.indices, from.nnz() + kMapSlack);
        grow_to(to.values, from.nnz() + kMapSlack);
        to.indptr[0] = 0;
        for (std::int64_t row = 0; row < from.n_rows; ++row) {
            const auto r = static_cast<std::size_t>(row);
            const std::int64_t at = to.indptr[r];
            to.indptr[r + 1] = at + map_columns(from.row_indices(row), from.row_values(row), new_col_, to.indices.data() + at, to.values.data() + at);
        }
        if (!in_order_) sort_rows(to, from.n_rows);
        return view_of_rows(to, from.n_rows, n_cols_);
    }

private:
    static void sort_rows(Csr& csr, std::int64_t n_rows) {
        std::vector<std::pair<std::uint32_t, float>> row;
        for (std::size_t r = 0; r < static_cast<std::size_t>(n_rows); ++r) {
            const auto begin = static_cast<std::size_t>(csr.indptr[r]);
            row.clear();
            for (std::size_t i = begin; i < static_cast<std::size_t>(csr.indptr[r + 1]); ++i) row.emplace_back(csr.indices[i], csr.values[i]);
            std::sort(row.begin(), row.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
            for (std::size_t i = 0; i < row.size(); ++i) {
                csr.indices[begin + i] = row[i].first;
                csr.values[begin + i] = row[i].second;
            }
        }
    }

    Matrix source_;
    std::vector<std::uint32_t> new_col_;
    std::int64_t n_cols_;
    bool in_order_ = true;
};

class Log1pScaled final : public RowBlockSource {
public:
    Log1pScaled(Matrix source, std::vector<double> scale_of_row) : source_(std::move(source)), scale_of_row_(std::move(scale_of_row)) {
        MORULA_ASSERT(static_cast<std::int64_t>(scale_of_row_.size()) == source_->n_rows());
    }

    std::int64_t n_rows() const override { return source_->n_rows(); }
    std::int64_t n_cols() const override { return source_->n_cols(); }
    std::int64_t nnz() const override { return source_->nnz(); }
    const Matrix& source() const { return source_; }
    const std::vector<double>& scale_of_row() const { return scale_of_row_; }

    CsrView read(Range rows, CsrScratch& scratch) const override {
        const CsrView from = source_->read(rows, scratch);
        const std::int64_t begin = from.n_rows == 0 ? 0 : from.indptr[0];
        const auto nnz = static_cast<std::size_t>(from.nnz());
        std::vector<float>& room = scratch.csr.values;
        // A source that decodes has left its values in our scratch, at their offsets: they are replaced in place.
        const std::less<> before;
        const bool in_place = !before(from.values.data(), room.data()) && before(from.values.data(), room.data() + room.size());
        if (!in_place) grow_to(room, from.nnz());
        float* out = in_place ? room.data() + (from.values.data() - room.data()) + begin : room.data();
        for (std::int64_t row = 0; row < from.n_rows; ++row) {
            write_row(from.row_values(row), scale_of_row_[static_cast<std::size_t>(rows.begin + row)], out + (from.indptr[static_cast<std::size_t>(row)] - begin));
        }
        if (in_place) return from;
        // The columns stay the source's own; both are addressed from where this block begins.
        grow_to(scratch.below().csr.indptr, from.n_rows + 1);
        std::vector<std::int64_t>& indptr = scratch.below().csr.indptr;
        for (std::size_t r = 0; r <= static_cast<std::size_t>(from.n_rows); ++r) indptr[r] = from.indptr[r] - begin;
        return {from.n_rows, from.n_cols, std::span<const std::int64_t>(indptr).first(static_cast<std::size_t>(from.n_rows + 1)),
                from.indices.subspan(static_cast<std::size_t>(begin), nnz), std::span<const float>(room).first(nnz)};
    }

private:
    /// in and out may be the same.
    static void write_row(std::span<const float> values, double scale, float* out) {
        PerCount<float> log_of;
        for (std::size_t i = 0; i < values.size(); ++i) out[i] = log_of.of(values[i], [scale](float count) { return log1p_scaled_value(count, scale); });
    }

    Matrix source_;
    std::vector<double> scale_of_row_;
};

class StackedRows final : public RowBlockSource {
public:
    explicit StackedRows(std::vector<Matrix> sources) : sources_(std::move(sources)) {
        for (const Matrix& source : sources_) {
            MORULA_ASSERT(source->n_cols() == sources_.front()->n_cols());
            first_row_.push_back(first_row_.back() + source->n_rows());
        }
    }

    std::int64_t n_rows() const override { return first_row_.back(); }
    std::int64_t n_cols() const override { return sources_.empty() ? 0 : sources_.front()->n_cols(); }
    std::int64_t nnz() const override {
        std::int64_t sum = 0;
        for (const Matrix& source : sources_) sum += source->nnz();
        return sum;
    }

    bool cheap_in_pieces() const override {
        return std::all_of(sources_.begin(), sources_.end(), [](const Matrix& source) { return source->cheap_in_pieces(); });
    }

    CsrView read(Range rows, CsrScratch& scratch) const override {
        check_range(rows, n_rows());
        auto part = static_cast<std::size_t>(std::upper_bound(first_row_.begin(), first_row_.end(), rows.begin) - first_row_.begin() - 1);
        if (part < sources_.size() && rows.end <= first_row_[part + 1]) return read_part(part, rows, scratch);
        grow_to(scratch.csr.indptr, rows.size() + 1);
        scratch.csr.indptr[0] = 0;
        for (std::int64_t begin = rows.begin; begin < rows.end; ++part) {
            const std::int64_t end = std::min(rows.end, first_row_[part + 1]);
            append_rows(read_part(part, {begin, end}, scratch.below()), {0, end - begin}, scratch.csr, begin - rows.begin);
            begin = end;
        }
        return view_of_rows(scratch.csr, rows.size(), n_cols());
    }

private:
    CsrView read_part(std::size_t part, Range rows, CsrScratch& scratch) const {
        return sources_[part]->read({rows.begin - first_row_[part], rows.end - first_row_[part]}, scratch);
    }

    std::vector<Matrix> sources_;
    std::vector<std::int64_t> first_row_{0};
};

}  // namespace

Matrix select_rows(Matrix source, std::vector<std::int64_t> rows) {
    check_selection(rows, source->n_rows());
    if (static_cast<std::int64_t>(rows.size()) == source->n_rows()) return source;
    return std::make_shared<SelectedRows>(std::move(source), std::move(rows));
}

Matrix select_cols(Matrix source, std::vector<std::int64_t> cols) {
    check_selection(cols, source->n_cols());
    if (static_cast<std::int64_t>(cols.size()) == source->n_cols()) return source;
    if (const auto* logs = dynamic_cast<const Log1pScaled*>(source.get())) return log1p_scaled(select_cols(logs->source(), std::move(cols)), logs->scale_of_row());
    std::vector<std::uint32_t> new_col(checked_cast<std::size_t>(source->n_cols()), kDroppedColumn);
    for (std::size_t i = 0; i < cols.size(); ++i) new_col[static_cast<std::size_t>(cols[i])] = static_cast<std::uint32_t>(i);
    const auto n_cols = static_cast<std::int64_t>(cols.size());
    const auto* mapped = dynamic_cast<const MappedCols*>(source.get());
    if (mapped == nullptr) return std::make_shared<MappedCols>(std::move(source), std::move(new_col), n_cols);
    // Two maps are one.
    std::vector<std::uint32_t> both = mapped->new_col();
    for (std::uint32_t& col : both) col = col == kDroppedColumn ? kDroppedColumn : new_col[col];
    return std::make_shared<MappedCols>(mapped->source(), std::move(both), n_cols);
}

Matrix select(Matrix source, std::vector<std::int64_t> rows, std::vector<std::int64_t> cols) {
    // Rows first: columns of dropped rows are not looked at.
    return select_cols(select_rows(std::move(source), std::move(rows)), std::move(cols));
}

Matrix log1p_scaled(Matrix source, std::vector<double> scale_of_row) { return std::make_shared<Log1pScaled>(std::move(source), std::move(scale_of_row)); }

std::optional<ScaledCounts> scaled_counts(const RowBlockSource& values) {
    const auto* logs = dynamic_cast<const Log1pScaled*>(&values);
    if (logs == nullptr) return std::nullopt;
    return ScaledCounts{logs->source(), logs->scale_of_row()};
}

Matrix stack_rows(std::vector<Matrix> sources) { return std::make_shared<StackedRows>(std::move(sources)); }

Matrix remap_cols(Matrix source, std::vector<std::int64_t> new_col, std::int64_t n_cols) {
    MORULA_ASSERT(static_cast<std::int64_t>(new_col.size()) == source->n_cols() && n_cols >= 0 && n_cols < std::int64_t{kDroppedColumn});
    std::vector<bool> taken(static_cast<std::size_t>(n_cols), false);
    std::vector<std::uint32_t> table(new_col.size(), kDroppedColumn);
    bool moves_nothing = n_cols == source->n_cols();
    for (std::size_t c = 0; c < new_col.size(); ++c) {
        moves_nothing = moves_nothing && new_col[c] == static_cast<std::int64_t>(c);
        if (new_col[c] == -1) continue;
        MORULA_ASSERT(new_col[c] >= 0 && new_col[c] < n_cols && !taken[static_cast<std::size_t>(new_col[c])]);
        taken[static_cast<std::size_t>(new_col[c])] = true;
        table[c] = static_cast<std::uint32_t>(new_col[c]);
    }
    if (moves_nothing) return source;
    return std::make_shared<MappedCols>(std::move(source), std::move(table), n_cols);
}

}  // namespace morula::matrix
