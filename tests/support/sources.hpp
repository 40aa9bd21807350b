// Made-up count matrices for tests, and sources that deliver them in awkward ways.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "morula/core/random.hpp"
#include "morula/matrix/block_source.hpp"
#include "tests/support/contexts.hpp"

namespace morula::test {

/// Counts of n_cells x n_genes where about `density` of the entries are stored: mostly 1, some up to 60, a few in the hundreds and thousands.
inline matrix::Csr random_counts(std::int64_t n_cells, std::int64_t n_genes, double density, std::uint64_t seed) {
    matrix::Csr csr;
    csr.n_rows = n_cells;
    csr.n_cols = n_genes;
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        Random random(seed, Purpose::test, static_cast<std::uint64_t>(cell), 0);
        const double depth = 0.5 + random.uniform();
        for (std::int64_t gene = 0; gene < n_genes; ++gene) {
            if (random.uniform() >= density * depth) continue;
            const double u = random.uniform();
            const std::uint64_t most = u < 0.7 ? 1 : u < 0.95 ? 8 : u < 0.99 ? 60 : u < 0.998 ? 700 : 90'000;
            csr.indices.push_back(static_cast<std::uint32_t>(gene));
            csr.values.push_back(static_cast<float>(1 + random.below(most)));
        }
        csr.indptr.push_back(static_cast<std::int64_t>(csr.indices.size()));
    }
    return csr;
}

/// Entries that `keep(row, col, value)` says no to are dropped, for empty cells and genes never seen.
template <class Keep>
matrix::Csr keep_entries(const matrix::Csr& from, const Keep& keep) {
    matrix::Csr to;
    to.n_rows = from.n_rows;
    to.n_cols = from.n_cols;
    for (std::int64_t row = 0; row < from.n_rows; ++row) {
        for (std::int64_t i = from.indptr[static_cast<std::size_t>(row)]; i < from.indptr[static_cast<std::size_t>(row + 1)]; ++i) {
            const auto at = static_cast<std::size_t>(i);
            if (!keep(row, std::int64_t{from.indices[at]}, from.values[at])) continue;
            to.indices.push_back(from.indices[at]);
            to.values.push_back(from.values[at]);
        }
        to.indptr.push_back(static_cast<std::int64_t>(to.indices.size()));
    }
    return to;
}

/// Row-major values of every entry, zeros included.
inline matrix::Dense<float> to_dense(const matrix::CsrView& csr) {
    matrix::Dense<float> dense(csr.n_rows, csr.n_cols);
    for (std::int64_t row = 0; row < csr.n_rows; ++row) {
        for (std::size_t i = 0; i < csr.row_indices(row).size(); ++i) dense(row, std::int64_t{csr.row_indices(row)[i]}) = csr.row_values(row)[i];
    }
    return dense;
}

inline matrix::Csr to_csr(const matrix::Dense<float>& dense) {
    matrix::Csr csr;
    csr.n_rows = dense.n_rows;
    csr.n_cols = dense.n_cols;
    for (std::int64_t row = 0; row < dense.n_rows; ++row) {
        for (std::int64_t col = 0; col < dense.n_cols; ++col) {
            if (dense(row, col) == 0.0F) continue;
            csr.indices.push_back(static_cast<std::uint32_t>(col));
            csr.values.push_back(dense(row, col));
        }
        csr.indptr.push_back(static_cast<std::int64_t>(csr.indices.size()));
    }
    return csr;
}

inline bool same_csr(const matrix::Csr& a, const matrix::Csr& b) {
    return a.n_rows == b.n_rows && a.n_cols == b.n_cols && a.indptr == b.indptr && a.indices == b.indices && same_bits(a.values, b.values);
}

/// Scratch whose vectors hold junk, as a long-used one does.
inline void fill_with_junk(matrix::CsrScratch& scratch) {
    scratch.csr.indptr.assign(5000, -77);
    scratch.csr.indices.assign(5000, 4'000'000'000U);
    scratch.csr.values.assign(5000, -123.25F);
    scratch.bytes.assign(5000, std::byte{0xA5});
}

/// The rows of another source, fetched 7 at a time and joined: results must not depend on how rows were read.
class SevenRowSource final : public matrix::RowBlockSource {
public:
    explicit SevenRowSource(matrix::Matrix source) : source_(std::move(source)) {}

    std::int64_t n_rows() const override { return source_->n_rows(); }
    std::int64_t n_cols() const override { return source_->n_cols(); }
    std::int64_t nnz() const override { return source_->nnz(); }

    matrix::CsrView read(matrix::Range rows, matrix::CsrScratch& scratch) const override {
        fill_with_junk(scratch.below());
        matrix::Csr& to = scratch.csr;
        to = {rows.size(), n_cols(), {0}, {}, {}};
        for (std::int64_t begin = rows.begin; begin < rows.end; begin += 7) {
            const matrix::CsrView part = source_->read({begin, std::min(begin + 7, rows.end)}, scratch.below());
            for (std::int64_t row = 0; row < part.n_rows; ++row) {
                to.indices.insert(to.indices.end(), part.row_indices(row).begin(), part.row_indices(row).end());
                to.values.insert(to.values.end(), part.row_values(row).begin(), part.row_values(row).end());
                to.indptr.push_back(static_cast<std::int64_t>(to.indices.size()));
            }
        }
        return to.view();
    }

private:
    matrix::Matrix source_;
};

inline matrix::Matrix read_seven_rows(matrix::Matrix source) { return std::make_shared<SevenRowSource>(std::move(source)); }

}  // namespace morula::test
