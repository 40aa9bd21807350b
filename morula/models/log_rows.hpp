// Log values of chosen genes, worked out while the counts pass.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::models {

/// Reads counts (n_cells x n_genes) and gives ln(1 + counts per 10,000 of all their genes) of the chosen ones. A cell without counts has no values.
class LogRows {
public:
    /// counts must outlive this; genes: columns, rising.
    LogRows(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes);

    /// body(first row, values) for blocks of `rows`, in any order and from many threads, each while it is in the processor's cache. Every row is read once.
    using Body = std::function<void(std::int64_t first_row, const matrix::CsrView& values)>;
    void read(matrix::Range rows, Context& context, const Body& body);
    std::int64_t block_rows() const { return block_rows_; }
    /// Counts of each cell that was read, in all genes.
    const std::vector<double>& totals() const { return total_; }

private:
    const matrix::RowBlockSource& counts_;
    std::vector<std::int64_t> genes_;
    std::int64_t block_rows_;
    std::vector<double> total_;
};

/// All rows: n_cells x genes.size().
matrix::Csr log_values(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes, Context& context);

}  // namespace morula::models
