#include "morula/models/joint_space.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "morula/analysis/even_sample.hpp"
#include "morula/analysis/harmony.hpp"
#include "morula/analysis/hvg.hpp"
#include "morula/core/error.hpp"
#include "morula/matrix/tiles.hpp"
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

/// A cell without counts has no values, whatever its scale.
matrix::Csr log_values(const matrix::RowBlockSource& counts, std::span<const double> total, const std::vector<std::int64_t>& genes, Context& context) {
    std::vector<double> scale;
    for (const double each : total) scale.push_back(each > 0.0 ? kCountsPerCell / each : 1.0);
    return matrix::read_all(*matrix::select_cols(matrix::log1p_scaled(borrowed(counts), std::move(scale)), genes), context);
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
    const matrix::Matrix query_counts = borrowed(*query.counts);
    const matrix::Matrix learned = all_learned ? query_counts : matrix::select_rows(query_counts, out.learned_on);
    const analysis::HvgOptions hvg{.flavor = analysis::HvgFlavor::seurat_v3, .n_top = static_cast<std::int32_t>(std::min<std::int64_t>(options.n_variable_genes, reference.counts->n_cols()))};
    out.genes = analysis::hvg(*matrix::stack_rows({borrowed(*reference.counts), learned}), batches.code, batches.n, hvg, context).genes;
    out.reference = log_values(*reference.counts, matrix::row_sums(*reference.counts, context), out.genes, context);
    out.query_totals = matrix::row_sums(*query.counts, context);
    out.query = log_values(*query.counts, out.query_totals, out.genes, context);

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
