// Inputs that several analysis tests share: the counts of oracles/made_up_counts.py.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "morula/matrix/block_source.hpp"
#include "tests/analysis/fixture.hpp"
#include "tests/support/sources.hpp"

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

/// Sum of each cell.
inline std::vector<double> totals(const matrix::Csr& csr) {
    std::vector<double> result;
    for (std::int64_t cell = 0; cell < csr.n_rows; ++cell) {
        double total = 0.0;
        for (const float value : csr.view().row_values(cell)) total += static_cast<double>(value);
        result.push_back(total);
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

/// Fetched seven at a time, as from a file with odd chunks.
inline matrix::Matrix seven_rows(matrix::Matrix source) { return test::read_seven_rows(std::move(source)); }

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
