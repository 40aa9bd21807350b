#include "morula/models/log_rows.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>

#include "morula/core/parallel.hpp"
#include "morula/matrix/entry_scans.hpp"
#include "morula/matrix/huge_pages.hpp"
#include "morula/matrix/per_count.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::models {
namespace {

constexpr double kCountsPerCell = 10'000.0;

/// Rows that a task reads at once: few where that costs nothing more, so that they stay in the processor's cache until they are done with.
std::int64_t rows_at_once(const matrix::RowBlockSource& counts) { return counts.cheap_in_pieces() ? 32 : 256; }

/// Rows as they are; the sum of each is noted as it passes, so that totals cost no reading of their own. Each row is to be read once.
/// Counts add to the same bits in any order; others are added in four runs, whatever the block.
class SummedRows final : public matrix::RowBlockSource {
public:
    SummedRows(const matrix::RowBlockSource& source, std::span<double> sum) : source_(source), sum_(sum) {}

    std::int64_t n_rows() const override { return source_.n_rows(); }
    std::int64_t n_cols() const override { return source_.n_cols(); }
    std::int64_t nnz() const override { return source_.nnz(); }
    bool cheap_in_pieces() const override { return source_.cheap_in_pieces(); }
    matrix::CsrView read(matrix::Range rows, matrix::CsrScratch& scratch) const override {
        const matrix::CsrView view = source_.read(rows, scratch);
        for (std::int64_t row = 0; row < view.n_rows; ++row) sum_[static_cast<std::size_t>(rows.begin + row)] = sum_of(view.row_values(row));
        return view;
    }

private:
    static double sum_of(std::span<const float> values) {
        if (const matrix::CountScan counts = matrix::scan_counts(values); counts.all_small) return static_cast<double>(counts.sum);
        std::array<double, 4> part{};
        const std::size_t whole = values.size() - values.size() % part.size();
        for (std::size_t i = 0; i < whole; i += part.size()) {
            for (std::size_t lane = 0; lane < part.size(); ++lane) part[lane] += static_cast<double>(values[i + lane]);
        }
        for (std::size_t i = whole; i < values.size(); ++i) part[0] += static_cast<double>(values[i]);
        return (part[0] + part[1]) + (part[2] + part[3]);
    }

    const matrix::RowBlockSource& source_;
    std::span<double> sum_;
};

void append(const matrix::CsrView& rows, matrix::Csr& to) {
    const std::int64_t shift = std::ssize(to.values) - rows.indptr[0];
    for (std::int64_t row = 1; row <= rows.n_rows; ++row) to.indptr.push_back(rows.indptr[static_cast<std::size_t>(row)] + shift);
    const auto begin = static_cast<std::size_t>(rows.indptr[0]);
    const auto indices = rows.indices.subspan(begin, static_cast<std::size_t>(rows.nnz()));
    const auto values = rows.values.subspan(begin, static_cast<std::size_t>(rows.nnz()));
    to.indices.insert(to.indices.end(), indices.begin(), indices.end());
    to.values.insert(to.values.end(), values.begin(), values.end());
}

}  // namespace

LogRows::LogRows(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes)
    : block_rows_(rows_at_once(counts)), total_(static_cast<std::size_t>(counts.n_rows())), chosen_(matrix::select_cols(std::make_shared<SummedRows>(counts, total_), genes)) {}

void LogRows::read_block(matrix::Range rows, Room& room, const Body& body) {
    const matrix::CsrView counts = chosen_->read(rows, room.scratch);
    matrix::Csr& values = room.values;
    values.start(counts.n_rows, counts.n_cols);
    values.values.resize(static_cast<std::size_t>(counts.nnz()));
    float* to = values.values.data();
    for (std::int64_t row = 0; row < counts.n_rows; ++row) {
        const double total = total_[static_cast<std::size_t>(rows.begin + row)];
        const double scale = total > 0.0 ? kCountsPerCell / total : 1.0;
        matrix::PerCount<float> log_of;
        for (const float count : counts.row_values(row)) *to++ = log_of.of(count, [scale](float x) { return matrix::log1p_scaled_value(x, scale); });
        values.indices.insert(values.indices.end(), counts.row_indices(row).begin(), counts.row_indices(row).end());
        values.indptr.push_back(std::ssize(values.indices));
    }
    body(rows.begin, values.view());
}

void LogRows::read(matrix::Range rows, Context& context, const Body& body) {
    matrix::ScratchPool<Room> pool;
    parallel_blocks(context, rows.size(), block_rows_, [&](Block block) {
        auto room = pool.take();
        read_block({rows.begin + block.begin, rows.begin + block.end}, *room, body);
    });
}

void LogRows::read_runs(const std::vector<matrix::Range>& runs, Context& context, const Body& body) {
    constexpr std::int64_t kRunsOfTask = 8;
    matrix::ScratchPool<Room> pool;
    parallel_blocks(context, std::ssize(runs), kRunsOfTask, [&](Block block) {
        auto room = pool.take();
        for (std::int64_t run = block.begin; run < block.end; ++run) {
            const matrix::Range rows = runs[static_cast<std::size_t>(run)];
            for (std::int64_t begin = rows.begin; begin < rows.end; begin += block_rows_) read_block({begin, std::min(rows.end, begin + block_rows_)}, *room, body);
        }
    });
}

void LogRows::read_in_order(matrix::Range rows, const Body& body) {
    Room room;
    for (std::int64_t begin = rows.begin; begin < rows.end; begin += block_rows_) read_block({begin, std::min(rows.end, begin + block_rows_)}, room, body);
}

LogPieces log_value_pieces(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes, Context& context) {
    constexpr std::int64_t kPieceRows = LogPieces::kPieceRows;
    LogRows logs(counts, genes);
    std::vector<matrix::Csr> pieces(static_cast<std::size_t>((counts.n_rows() + kPieceRows - 1) / kPieceRows));
    parallel_blocks(context, counts.n_rows(), kPieceRows, [&](Block block) {
        matrix::Csr& piece = pieces[static_cast<std::size_t>(block.index)];
        piece.start(block.size(), std::ssize(genes));
        logs.read_in_order({block.begin, block.end}, [&](std::int64_t first_row, const matrix::CsrView& values) {
            if (first_row == block.begin) {  // the others will be about as full
                const std::int64_t expected = values.nnz() * (block.size() + block.size() / 8) / values.n_rows;
                matrix::reserve_large(piece.indices, expected);
                matrix::reserve_large(piece.values, expected);
            }
            append(values, piece);
        });
    });
    return {std::move(pieces), logs.totals()};
}

matrix::Csr log_values(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes, Context& context) {
    std::vector<matrix::Csr> pieces = log_value_pieces(counts, genes, context).pieces;
    std::int64_t nnz = 0;
    for (const matrix::Csr& piece : pieces) nnz += piece.view().nnz();
    matrix::Csr out;
    out.start(counts.n_rows(), std::ssize(genes));
    matrix::reserve_large(out.indices, nnz);
    matrix::reserve_large(out.values, nnz);
    for (matrix::Csr& piece : pieces) {
        append(piece.view(), out);
        piece = {};
    }
    return out;
}

}  // namespace morula::models
