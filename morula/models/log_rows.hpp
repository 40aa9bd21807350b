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
    LogRows(const LogRows&) = delete;
    LogRows& operator=(const LogRows&) = delete;

    /// body(first row, values) for blocks of `rows`, in any order and from many threads, each while it is in the processor's cache. Every row is read once.
    using Body = std::function<void(std::int64_t first_row, const matrix::CsrView& values)>;
    void read(matrix::Range rows, Context& context, const Body& body);
    /// The same for many short runs of rows, rising: worth it where the counts are cheap in pieces.
    void read_runs(const std::vector<matrix::Range>& runs, Context& context, const Body& body);
    /// The same on the calling thread, in order.
    void read_in_order(matrix::Range rows, const Body& body);
    /// Counts of each cell that was read, in all genes.
    const std::vector<double>& totals() const { return total_; }

private:
    struct Room {
        matrix::CsrScratch scratch;
        matrix::Csr values;
    };
    void read_block(matrix::Range rows, Room& room, const Body& body);

    std::int64_t block_rows_;
    std::vector<double> total_;
    matrix::Matrix chosen_;
};

/// Cells in pieces of kPieceRows (the last may have fewer), one below the other: n_cells x genes.size() together.
struct LogPieces {
    static constexpr std::int64_t kPieceRows = 2048;
    std::vector<matrix::Csr> pieces;
    std::vector<double> total;  // counts of each cell in all genes
};
/// All rows, each piece made and kept by one task.
LogPieces log_value_pieces(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes, Context& context);
/// The same as one matrix.
matrix::Csr log_values(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes, Context& context);

}  // namespace morula::models
