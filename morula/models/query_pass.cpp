#include "morula/models/query_pass.hpp"

#include <algorithm>

#include "morula/core/parallel.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::models {
namespace {

constexpr std::int64_t kBlockCells = 256;  // of known cells; pieces are whole blocks

/// Rows between the known ones.
std::vector<matrix::Range> rows_between(std::span<const std::int64_t> known, std::int64_t n_rows) {
    std::vector<matrix::Range> out;
    std::int64_t begin = 0;
    for (const std::int64_t row : known) {
        if (begin < row) out.push_back({begin, row});
        begin = row + 1;
    }
    if (begin < n_rows) out.push_back({begin, n_rows});
    return out;
}

/// Known cells [block), which lie in one piece.
matrix::CsrView known_rows(const LogPieces& values, Block block) {
    matrix::CsrView view = values.pieces[static_cast<std::size_t>(block.begin / LogPieces::kPieceRows)].view();
    view.indptr = view.indptr.subspan(static_cast<std::size_t>(block.begin % LogPieces::kPieceRows), static_cast<std::size_t>(block.size() + 1));
    view.n_rows = block.size();
    return view;
}

struct Room {
    std::vector<float> components;
    std::vector<double> labels;
};

void take_known(const KnownCells& known, const LabelScorer& on_counts, CorrelationCaller& caller, matrix::ScratchPool<Room>& pool, PassedCells& out, Context& context) {
    CorrelationLabels correlation(std::ssize(known.rows));
    parallel_blocks(context, std::ssize(known.rows), kBlockCells, [&](Block block) {
        auto room = pool.take();
        const matrix::CsrView values = known_rows(known.values, block);
        caller.call(values, block.begin, correlation);
        for (std::int64_t i = block.begin; i < block.end; ++i) {
            const std::int64_t at = known.rows[static_cast<std::size_t>(i)];
            out.total[static_cast<std::size_t>(at)] = known.values.total[static_cast<std::size_t>(i)];
            std::ranges::copy(known.pca.row(i), out.pca.row(at).begin());
            on_counts.score(values.row_indices(i - block.begin), values.row_values(i - block.begin), room->labels, out.on_counts.row(at));
            out.correlation.take(correlation, static_cast<std::size_t>(i), static_cast<std::size_t>(at));
        }
    });
}

}  // namespace

PassedCells pass_over_query(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes, const KnownCells& known, const PassModels& models, Context& context) {
    const std::int64_t n = counts.n_rows();
    PassedCells out{{}, matrix::Dense<float>(n, models.projection.n_components()), matrix::Dense<float>(n, models.on_counts.weights.n_cols), CorrelationLabels(n)};
    const LabelScorer on_counts(models.on_counts);
    CorrelationCaller caller(models.profiles, std::ssize(genes), models.correlation);
    LogRows logs(counts, genes);
    const bool all_known = std::ssize(known.rows) == n;
    const bool some_known = all_known || (!known.rows.empty() && counts.cheap_in_pieces());  // else whole blocks are read and unpacked for any row in them
    Progress progress(context, "query", some_known ? n - std::ssize(known.rows) : n, "cells");
    matrix::ScratchPool<Room> pool;
    const LogRows::Body pass = [&](std::int64_t first_row, const matrix::CsrView& values) {
        auto room = pool.take();
        for (std::int64_t row = 0; row < values.n_rows; ++row) {
            models.projection.place(values.row_indices(row), values.row_values(row), room->components, out.pca.row(first_row + row));
            on_counts.score(values.row_indices(row), values.row_values(row), room->labels, out.on_counts.row(first_row + row));
        }
        caller.call(values, first_row, out.correlation);
        progress.advance(values.n_rows);
    };
    if (some_known) logs.read_runs(rows_between(known.rows, n), context, pass);
    else logs.read({0, n}, context, pass);
    out.total = logs.totals();
    if (some_known) take_known(known, on_counts, caller, pool, out, context);
    return out;
}

}  // namespace morula::models
