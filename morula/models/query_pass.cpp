#include "morula/models/query_pass.hpp"

#include "morula/matrix/scratch_pool.hpp"
#include "morula/models/log_rows.hpp"

namespace morula::models {

PassedCells pass_over_query(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes, const PassModels& models, Context& context) {
    const std::int64_t n = counts.n_rows();
    PassedCells out{{}, matrix::Dense<float>(n, models.projection.n_components()), matrix::Dense<float>(n, models.on_counts.weights.n_cols), CorrelationLabels(n)};
    const LabelScorer on_counts(models.on_counts);
    CorrelationCaller correlation(models.profiles, std::ssize(genes), models.correlation);
    LogRows logs(counts, genes);
    Progress progress(context, "query", n, "cells");
    struct Room {
        std::vector<float> components;
        std::vector<double> labels;
    };
    matrix::ScratchPool<Room> pool;
    logs.read({0, n}, context, [&](std::int64_t first_row, const matrix::CsrView& values) {
        auto room = pool.take();
        for (std::int64_t row = 0; row < values.n_rows; ++row) {
            models.projection.place(values.row_indices(row), values.row_values(row), room->components, out.pca.row(first_row + row));
            on_counts.score(values.row_indices(row), values.row_values(row), room->labels, out.on_counts.row(first_row + row));
        }
        correlation.call(values, first_row, out.correlation);
        progress.advance(values.n_rows);
    });
    out.total = logs.totals();
    return out;
}

}  // namespace morula::models
