#include "morula/models/log_rows.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <span>

#include "morula/core/parallel.hpp"
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

struct Work {
    matrix::CsrScratch scratch;
    matrix::Csr values;
};

}  // namespace

LogRows::LogRows(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes)
    : counts_(counts), genes_(genes), block_rows_(rows_at_once(counts)), total_(static_cast<std::size_t>(counts.n_rows())) {}

void LogRows::read(matrix::Range rows, Context& context, const Body& body) {
    const SummedRows summed(counts_, total_);
    const matrix::Matrix kept = matrix::select_cols({std::shared_ptr<const matrix::RowBlockSource>(), &summed}, genes_);
    matrix::ScratchPool<Work> pool;
    parallel_blocks(context, rows.size(), block_rows_, [&](Block block) {
        auto work = pool.take();
        const std::int64_t first = rows.begin + block.begin;
        const matrix::CsrView counts = kept->read({first, rows.begin + block.end}, work->scratch);
        matrix::Csr& values = work->values;
        values.start(counts.n_rows, counts.n_cols);
        for (std::int64_t row = 0; row < counts.n_rows; ++row) {
            const double total = total_[static_cast<std::size_t>(first + row)];
            const double scale = total > 0.0 ? kCountsPerCell / total : 1.0;
            matrix::PerCount<float> log_of;
            for (const float count : counts.row_values(row)) values.values.push_back(log_of.of(count, [scale](float x) { return matrix::log1p_scaled_value(x, scale); }));
            values.indices.insert(values.indices.end(), counts.row_indices(row).begin(), counts.row_indices(row).end());
            values.end_row();
        }
        body(first, values.view());
    });
}

matrix::Csr log_values(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes, Context& context) {
    constexpr std::int64_t kGroupRows = 8192;  // in memory twice
    matrix::Csr out;
    out.start(counts.n_rows(), std::ssize(genes));
    LogRows logs(counts, genes);
    std::vector<matrix::Csr> pieces(static_cast<std::size_t>(kGroupRows / logs.block_rows()));
    for (std::int64_t group = 0; group < counts.n_rows(); group += kGroupRows) {
        const std::int64_t n_rows = std::min(kGroupRows, counts.n_rows() - group);
        logs.read({group, group + n_rows}, context, [&](std::int64_t first_row, const matrix::CsrView& values) {
            matrix::Csr& piece = pieces[static_cast<std::size_t>((first_row - group) / logs.block_rows())];
            piece.indptr.assign(values.indptr.begin(), values.indptr.end());
            piece.indices.assign(values.indices.begin(), values.indices.end());
            piece.values.assign(values.values.begin(), values.values.end());
        });
        for (std::int64_t row = 0; row < n_rows; ++row) {
            const matrix::Csr& piece = pieces[static_cast<std::size_t>(row / logs.block_rows())];
            const auto at = static_cast<std::size_t>(row % logs.block_rows());
            out.indptr.push_back(out.indptr.back() + piece.indptr[at + 1] - piece.indptr[at]);
        }
        if (group == 0 && n_rows < counts.n_rows()) {  // the others will be about as full
            const std::int64_t expected = out.indptr.back() / n_rows * (counts.n_rows() + counts.n_rows() / 16);
            matrix::reserve_large(out.indices, expected);
            matrix::reserve_large(out.values, expected);
        }
        for (std::int64_t piece = 0; piece * logs.block_rows() < n_rows; ++piece) {
            const matrix::Csr& from = pieces[static_cast<std::size_t>(piece)];
            out.indices.insert(out.indices.end(), from.indices.begin(), from.indices.end());
            out.values.insert(out.values.end(), from.values.begin(), from.values.end());
        }
    }
    return out;
}

}  // namespace morula::models
