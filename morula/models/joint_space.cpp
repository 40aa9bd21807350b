#include "morula/models/joint_space.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "morula/analysis/even_sample.hpp"
#include "morula/analysis/harmony.hpp"
#include "morula/analysis/hvg.hpp"
#include "morula/analysis/pca.hpp"
#include "morula/core/error.hpp"
#include "morula/matrix/held_in_memory.hpp"
#include "morula/models/batch_moves.hpp"
#include "morula/models/log_rows.hpp"

namespace morula::models {
namespace {

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

/// Variable genes within each batch. A batch of one cell says nothing of variance and takes no part here.
std::vector<std::int64_t> variable_genes(const matrix::Matrix& counts, const JointBatches& batches, const JointSpaceOptions& options, Context& context) {
    constexpr std::int64_t kLeastCells = 2;
    std::vector<std::int64_t> n_cells(static_cast<std::size_t>(batches.n), 0);
    for (const std::int32_t code : batches.code) ++n_cells[static_cast<std::size_t>(code)];
    std::vector<std::int32_t> number(n_cells.size(), -1);
    std::int32_t n_batches = 0;
    for (std::size_t batch = 0; batch < n_cells.size(); ++batch) {
        if (n_cells[batch] >= kLeastCells) number[batch] = n_batches++;
    }
    if (n_batches == 0) invalid_data("No batch has two cells, which variable genes need.", "Leave --batch out, or name a column with larger batches.");
    std::vector<std::int64_t> rows;
    std::vector<std::int32_t> code;
    for (std::size_t cell = 0; cell < batches.code.size(); ++cell) {
        const std::int32_t own = number[static_cast<std::size_t>(batches.code[cell])];
        if (own < 0) continue;
        rows.push_back(static_cast<std::int64_t>(cell));
        code.push_back(own);
    }
    const analysis::HvgOptions hvg{.flavor = analysis::HvgFlavor::seurat_v3, .n_top = static_cast<std::int32_t>(std::min<std::int64_t>(options.n_variable_genes, counts->n_cols()))};
    return analysis::hvg(*matrix::select_rows(counts, std::move(rows)), code, n_batches, hvg, context).genes;
}

std::vector<std::int64_t> all_rows(std::int64_t n) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    return rows;
}

void check_sides(const matrix::RowBlockSource& reference, const matrix::RowBlockSource& query) {
    if (reference.n_cols() != query.n_cols()) {
        invalid_data(fmt::format("The reference has {} genes, the query {}.", reference.n_cols(), query.n_cols()), "Give both over their shared genes, in one order.");
    }
    if (reference.n_rows() == 0 || query.n_rows() == 0) invalid_data(reference.n_rows() == 0 ? "The reference has no labelled cell." : "The query has no cell.", "Check the input.");
}

matrix::Dense<float> stacked(matrix::DenseView<const float> above, matrix::DenseView<const float> below) {
    matrix::Dense<float> out(above.n_rows + below.n_rows, above.n_cols);
    std::copy(below.values.begin(), below.values.end(), std::copy(above.values.begin(), above.values.end(), out.values.begin()));
    return out;
}

matrix::Dense<float> rows_of(const matrix::Dense<float>& from, std::int64_t begin, std::int64_t n) {
    matrix::Dense<float> out(n, from.n_cols);
    std::copy_n(from.values.begin() + static_cast<std::ptrdiff_t>(begin * from.n_cols), out.values.size(), out.values.begin());
    return out;
}

}  // namespace

JointSpace learn_joint_space(const CountsAndBatches& reference, const CountsAndBatches& query, const JointSpaceOptions& options, Context& context) {
    check_sides(*reference.counts, *query.counts);
    std::vector<std::int64_t> learned_on = analysis::even_sample(query.counts->n_rows(), options.max_query_cells);
    JointBatches batches;
    batches.add(reference.batch, reference.n_batches, all_rows(reference.counts->n_rows()));
    batches.add(query.batch, query.n_batches, learned_on);
    const matrix::Matrix reference_counts = matrix::held_in_memory(borrowed(*reference.counts), context);
    const matrix::Matrix learned_counts = matrix::held_in_memory(matrix::select_rows(borrowed(*query.counts), learned_on), context);
    std::vector<std::int64_t> genes = variable_genes(matrix::stack_rows({reference_counts, learned_counts}), batches, options, context);
    matrix::Csr of_reference = log_values(*reference_counts, genes, context);
    LogPieces of_learned = log_value_pieces(*learned_counts, genes, context);

    std::vector<matrix::Matrix> parts{matrix::make_view_source(of_reference.view())};
    for (const matrix::Csr& piece : of_learned.pieces) parts.push_back(matrix::make_view_source(piece.view()));
    const matrix::Matrix joint = matrix::stack_rows(std::move(parts));
    const std::int64_t most = std::min(joint->n_rows() - 1, std::ssize(genes));
    if (most < 2) invalid_data(fmt::format("{} cells and {} variable genes are too few for a joint space.", joint->n_rows(), genes.size()), "Give more cells, or sides that share more genes.");
    const Projection projection(analysis::leading_components(*joint, {.n_components = static_cast<std::int32_t>(std::min<std::int64_t>(options.n_components, most))}, context));
    matrix::Dense<float> reference_pca = projection.place_all(of_reference.view(), context);
    matrix::Dense<float> learned_pca(std::ssize(learned_on), projection.n_components());
    float* at = learned_pca.values.data();
    for (const matrix::Csr& piece : of_learned.pieces) at = std::ranges::copy(projection.place_all(piece.view(), context).values, at).out;
    return {std::move(genes), std::move(learned_on), projection, std::move(of_reference), std::move(reference_pca), std::move(of_learned), std::move(learned_pca)};
}

MixedSpace mix_batches(const EmbeddedCells& reference, const EmbeddedCells& query, std::uint64_t seed, Context& context) {
    const std::int64_t n_reference = reference.embedding.n_rows;
    const std::int64_t n_query = query.embedding.n_rows;
    JointBatches batches;
    batches.add(reference.batch, reference.n_batches, all_rows(n_reference));
    batches.add(query.batch, query.n_batches, all_rows(n_query));
    const matrix::Dense<float> joint = stacked(reference.embedding, query.embedding);
    const analysis::BatchVariable variable{"reference and query", batches.code, batches.n};
    const analysis::HarmonyResult mixed = analysis::harmony(joint.view(), {&variable, 1}, {.seed = seed}, context);
    return {rows_of(mixed.embedding, 0, n_reference), rows_of(mixed.embedding, n_reference, n_query)};
}

matrix::Dense<float> place_cells(const EmbeddedCells& query, std::span<const std::int64_t> learned_on, matrix::DenseView<const float> before, matrix::DenseView<const float> after,
                                 std::uint64_t seed, Context& context) {
    matrix::Dense<float> out(query.embedding.n_rows, query.embedding.n_cols);
    if (std::ssize(learned_on) < out.n_rows) {
        const BatchMoves moves = learn_moves(before, after, query.batch, query.n_batches, learned_on, seed, context);
        out = moved(moves, query.embedding, query.batch, context);
    }
    for (std::size_t i = 0; i < learned_on.size(); ++i) std::ranges::copy(after.row(static_cast<std::int64_t>(i)), out.row(learned_on[i]).begin());
    return out;
}

}  // namespace morula::models
