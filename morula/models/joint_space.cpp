#include "morula/models/joint_space.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>

#include "morula/analysis/even_sample.hpp"
#include "morula/analysis/harmony.hpp"
#include "morula/analysis/hvg.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/held_in_memory.hpp"
#include "morula/matrix/huge_pages.hpp"
#include "morula/matrix/per_count.hpp"
#include "morula/matrix/scratch_pool.hpp"
#include "morula/models/batch_moves.hpp"

namespace morula::models {
namespace {

constexpr double kCountsPerCell = 10'000.0;

/// A source that the caller keeps alive, as a handle.
matrix::Matrix borrowed(const matrix::RowBlockSource& source) { return {std::shared_ptr<const matrix::RowBlockSource>(), &source}; }

/// Batches of both sides numbered one after the other; those without a cell among the rows in use are passed over.
struct JointBatches {
    std::vector<std::int32_t> code;
    std::int32_t n = 0;

    void add(std::span<const std::int32_t> batch, std::int32_t n_batches, std::span<const std::int64_t> rows) {
        std::vector<std::int32_t> number(static_cast<std::size_t>(n_batches), -1);
        for (const std::int64_t row : rows) {
            const std::int32_t own = batch.empty() ? 0 : batch[static_cast<std::size_t>(row)];
            std::int32_t& given = number[static_cast<std::size_t>(own)];
            if (given < 0) given = n++;
            code.push_back(given);
        }
    }
};

std::vector<std::int64_t> all_rows(std::int64_t n) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    return rows;
}

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

/// One side's log values of the variable genes, and the totals they were scaled by.
struct LogValues {
    matrix::Csr values;
    std::vector<double> total;
};

/// Rows that a task reads at once: few where that costs nothing more, so that they stay in the processor's cache until they are done with.
std::int64_t rows_at_once(const matrix::RowBlockSource& counts) { return counts.cheap_in_pieces() ? 32 : 256; }

/// Every row of counts is read once. A cell without counts has no values.
LogValues log_values(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes, Context& context) {
    constexpr std::int64_t kGroupRows = 8192;  // in memory twice
    LogValues out{{}, std::vector<double>(static_cast<std::size_t>(counts.n_rows()))};
    out.values.start(counts.n_rows(), std::ssize(genes));
    const SummedRows summed(counts, out.total);
    const matrix::Matrix kept = matrix::select_cols(borrowed(summed), genes);
    const std::int64_t piece_rows = rows_at_once(counts);
    std::vector<matrix::Csr> pieces(static_cast<std::size_t>(kGroupRows / piece_rows));
    matrix::ScratchPool<> pool;
    for (std::int64_t group = 0; group < counts.n_rows(); group += kGroupRows) {
        const std::int64_t n_rows = std::min(kGroupRows, counts.n_rows() - group);
        parallel_blocks(context, n_rows, piece_rows, [&](Block block) {
            auto scratch = pool.take();
            const matrix::CsrView rows = kept->read({group + block.begin, group + block.end}, *scratch);
            matrix::Csr& piece = pieces[static_cast<std::size_t>(block.index)];
            piece.start(rows.n_rows, rows.n_cols);
            for (std::int64_t row = 0; row < rows.n_rows; ++row) {
                const double total = out.total[static_cast<std::size_t>(group + block.begin + row)];
                const double scale = total > 0.0 ? kCountsPerCell / total : 1.0;
                matrix::PerCount<float> log_of;
                for (const float count : rows.row_values(row)) piece.values.push_back(log_of.of(count, [scale](float x) { return matrix::log1p_scaled_value(x, scale); }));
                piece.indices.insert(piece.indices.end(), rows.row_indices(row).begin(), rows.row_indices(row).end());
                piece.end_row();
            }
        });
        for (std::int64_t row = 0; row < n_rows; ++row) {
            const matrix::Csr& piece = pieces[static_cast<std::size_t>(row / piece_rows)];
            const auto at = static_cast<std::size_t>(row % piece_rows);
            out.values.indptr.push_back(out.values.indptr.back() + piece.indptr[at + 1] - piece.indptr[at]);
        }
        if (group == 0 && n_rows < counts.n_rows()) {  // the others will be about as full
            const std::int64_t expected = out.values.indptr.back() / n_rows * (counts.n_rows() + counts.n_rows() / 16);
            matrix::reserve_large(out.values.indices, expected);
            matrix::reserve_large(out.values.values, expected);
        }
        for (std::int64_t piece = 0; piece * piece_rows < n_rows; ++piece) {
            const matrix::Csr& from = pieces[static_cast<std::size_t>(piece)];
            out.values.indices.insert(out.values.indices.end(), from.indices.begin(), from.indices.end());
            out.values.values.insert(out.values.values.end(), from.values.begin(), from.values.end());
        }
    }
    return out;
}

void check_sides(const matrix::RowBlockSource& reference, const matrix::RowBlockSource& query) {
    if (reference.n_cols() != query.n_cols()) {
        invalid_data(fmt::format("The reference has {} genes, the query {}.", reference.n_cols(), query.n_cols()), "Give both over their shared genes, in one order.");
    }
    if (reference.n_rows() == 0 || query.n_rows() == 0) invalid_data(reference.n_rows() == 0 ? "The reference has no labelled cell." : "The query has no cell.", "Check the input.");
}

matrix::Dense<float> stacked(matrix::DenseView<const float> above, matrix::DenseView<const float> below, std::span<const std::int64_t> rows_below) {
    matrix::Dense<float> out(above.n_rows + std::ssize(rows_below), above.n_cols);
    std::copy(above.values.begin(), above.values.end(), out.values.begin());
    for (std::size_t i = 0; i < rows_below.size(); ++i) std::ranges::copy(below.row(rows_below[i]), out.row(above.n_rows + static_cast<std::int64_t>(i)).begin());
    return out;
}

matrix::Dense<float> rows_of(const matrix::Dense<float>& from, std::int64_t begin, std::int64_t n) {
    matrix::Dense<float> out(n, from.n_cols);
    std::copy_n(from.values.begin() + static_cast<std::ptrdiff_t>(begin * from.n_cols), out.values.size(), out.values.begin());
    return out;
}

}  // namespace

JointValues joint_values(const CountsAndBatches& reference, const CountsAndBatches& query, const JointSpaceOptions& options, Context& context) {
    check_sides(*reference.counts, *query.counts);
    JointValues out;
    out.learned_on = analysis::even_sample(query.counts->n_rows(), options.max_query_cells);
    const bool all_learned = std::ssize(out.learned_on) == query.counts->n_rows();
    JointBatches batches;
    batches.add(reference.batch, reference.n_batches, all_rows(reference.counts->n_rows()));
    batches.add(query.batch, query.n_batches, out.learned_on);
    const matrix::Matrix reference_counts = matrix::held_in_memory(borrowed(*reference.counts), context);
    const matrix::Matrix learned = matrix::held_in_memory(matrix::select_rows(borrowed(*query.counts), out.learned_on), context);
    const analysis::HvgOptions hvg{.flavor = analysis::HvgFlavor::seurat_v3, .n_top = static_cast<std::int32_t>(std::min<std::int64_t>(options.n_variable_genes, reference.counts->n_cols()))};
    out.genes = analysis::hvg(*matrix::stack_rows({reference_counts, learned}), batches.code, batches.n, hvg, context).genes;
    out.reference = log_values(*reference_counts, out.genes, context).values;
    LogValues of_query = log_values(all_learned ? *learned : *query.counts, out.genes, context);
    out.query = std::move(of_query.values);
    out.query_totals = std::move(of_query.total);

    const matrix::Matrix query_values = matrix::make_view_source(out.query.view());
    const matrix::Matrix learned_values = all_learned ? query_values : matrix::select_rows(query_values, out.learned_on);
    const matrix::Matrix joint = matrix::stack_rows({matrix::make_view_source(out.reference.view()), learned_values});
    const std::int64_t most = std::min(joint->n_rows() - 1, std::ssize(out.genes));
    if (most < 2) invalid_data(fmt::format("{} cells and {} variable genes are too few for a joint space.", joint->n_rows(), out.genes.size()), "Give more cells, or sides that share more genes.");
    const analysis::PcaResult pca = analysis::pca(*joint, {.n_components = static_cast<std::int32_t>(std::min<std::int64_t>(options.n_components, most))}, context);
    out.reference_pca = rows_of(pca.embedding, 0, out.reference.n_rows);
    out.query_pca = all_learned ? rows_of(pca.embedding, out.reference.n_rows, out.query.n_rows) : analysis::project(*query_values, pca, context);
    return out;
}

MixedSpace mix_batches(const EmbeddedCells& reference, const EmbeddedCells& query, std::span<const std::int64_t> learned_on, std::uint64_t seed, Context& context) {
    const std::int64_t n_reference = reference.embedding.n_rows;
    const std::vector<std::int64_t> learned = learned_on.empty() ? all_rows(query.embedding.n_rows) : std::vector<std::int64_t>(learned_on.begin(), learned_on.end());
    JointBatches batches;
    batches.add(reference.batch, reference.n_batches, all_rows(n_reference));
    batches.add(query.batch, query.n_batches, learned);
    const matrix::Dense<float> joint = stacked(reference.embedding, query.embedding, learned);
    const analysis::BatchVariable variable{"reference and query", batches.code, batches.n};
    const analysis::HarmonyResult mixed = analysis::harmony(joint.view(), {&variable, 1}, {.seed = seed}, context);
    MixedSpace out;
    out.reference = rows_of(mixed.embedding, 0, n_reference);
    if (std::ssize(learned) == query.embedding.n_rows) {
        out.query = rows_of(mixed.embedding, n_reference, query.embedding.n_rows);
        return out;
    }
    const matrix::Dense<float> before = rows_of(joint, n_reference, std::ssize(learned));
    const matrix::Dense<float> after = rows_of(mixed.embedding, n_reference, std::ssize(learned));
    const BatchMoves moves = learn_moves(before.view(), after.view(), query.batch, query.n_batches, learned, seed, context);
    out.query = moved(moves, query.embedding, query.batch, context);
    for (std::size_t i = 0; i < learned.size(); ++i) std::ranges::copy(after.row(static_cast<std::int64_t>(i)), out.query.row(learned[i]).begin());
    return out;
}

}  // namespace morula::models
