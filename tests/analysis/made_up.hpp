// Inputs that several analysis tests share: the counts of oracles/made_up_counts.py, and a source that hands rows out in small pieces.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "morula/matrix/block_source.hpp"
#include "tests/analysis/fixture.hpp"

namespace morula::analysis::made_up {

inline constexpr std::int64_t kGenes = 400;

struct Counts {
    matrix::Csr csr;
    std::vector<std::int32_t> batch;
};

inline void push_row(matrix::Csr& csr) {
    csr.indptr.push_back(static_cast<std::int64_t>(csr.indices.size()));
    ++csr.n_rows;
}

inline Counts counts() {
    Counts result;
    result.csr.n_cols = kGenes;
    for (const auto& row : fixture::rows("counts.csv")) {
        result.batch.push_back(std::stoi(row[0]));
        fixture::push_cell(row, 1, result.csr);
    }
    return result;
}

inline std::vector<std::string> symbols() {
    std::vector<std::string> result;
    for (const auto& row : fixture::rows("symbols.csv")) result.push_back(row[0]);
    return result;
}

/// Rows in another order: row i of the result is row order[i].
inline matrix::Csr permuted(const matrix::Csr& csr, const std::vector<std::int64_t>& order) {
    matrix::Csr result;
    result.n_cols = csr.n_cols;
    for (const std::int64_t row : order) {
        const auto genes = csr.view().row_indices(row);
        const auto values = csr.view().row_values(row);
        result.indices.insert(result.indices.end(), genes.begin(), genes.end());
        result.values.insert(result.values.end(), values.begin(), values.end());
        push_row(result);
    }
    return result;
}

/// A fixed shuffle of 0 .. n - 1.
inline std::vector<std::int64_t> shuffle(std::int64_t n) {
    std::vector<std::int64_t> order;
    for (std::int64_t i = 0; i < n; ++i) order.push_back(i);
    std::uint64_t state = 88172645463325252ULL;
    for (std::size_t i = order.size(); i > 1; --i) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        std::swap(order[i - 1], order[state % i]);
    }
    return order;
}

/// Fetches at most seven rows from the source below at a time, as a file with odd chunks would.
class SevenRows : public matrix::RowBlockSource {
public:
    explicit SevenRows(matrix::Matrix source) : source_(std::move(source)) {}
    std::int64_t n_rows() const override { return source_->n_rows(); }
    std::int64_t n_cols() const override { return source_->n_cols(); }
    std::int64_t nnz() const override { return source_->nnz(); }
    matrix::CsrView read(matrix::Range rows, matrix::CsrScratch& scratch) const override {
        matrix::Csr& out = scratch.csr;
        out = {};
        out.n_cols = n_cols();
        matrix::CsrScratch piece;
        for (std::int64_t begin = rows.begin; begin < rows.end; begin += 7) {
            const auto part = source_->read({begin, std::min(begin + 7, rows.end)}, piece);
            for (std::int64_t r = 0; r < part.n_rows; ++r) {
                const auto genes = part.row_indices(r);
                const auto values = part.row_values(r);
                out.indices.insert(out.indices.end(), genes.begin(), genes.end());
                out.values.insert(out.values.end(), values.begin(), values.end());
                push_row(out);
            }
        }
        return out.view();
    }

private:
    matrix::Matrix source_;
};

inline matrix::Matrix seven_rows(matrix::Matrix source) { return std::make_shared<SevenRows>(std::move(source)); }

/// Runs f with 1, 2 and 4 threads and returns the three results.
template <class F>
auto with_threads(const F& f) {
    std::vector<decltype(f(std::declval<Context&>()))> results;
    for (const std::int32_t threads : {1, 2, 4}) {
        Context context({.threads = threads});
        results.push_back(f(context));
    }
    return results;
}

}  // namespace morula::analysis::made_up
