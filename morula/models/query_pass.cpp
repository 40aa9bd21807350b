#include "morula/models/query_pass.hpp"

#include <algorithm>
#include <span>

#include "morula/matrix/scratch_pool.hpp"
#include "morula/models/label_sums_simd.hpp"
#include "morula/models/log_rows.hpp"

namespace morula::models {
namespace {

/// Places cells on components from their non-zeros alone: values * loadings less what the mean cell has. Sums in float64.
class Projection {
public:
    explicit Projection(const analysis::PcaResult& pca) : loadings_(pca.loadings.n_rows, padded_labels(pca.loadings.n_cols)), start_(static_cast<std::size_t>(loadings_.n_cols), 0.0) {
        for (std::int64_t gene = 0; gene < pca.loadings.n_rows; ++gene) {
            for (std::int64_t k = 0; k < pca.loadings.n_cols; ++k) {
                loadings_(gene, k) = static_cast<double>(pca.loadings(gene, k));
                start_[static_cast<std::size_t>(k)] -= pca.mean[static_cast<std::size_t>(gene)] * loadings_(gene, k);
            }
        }
    }

    void place(std::span<const std::uint32_t> genes, std::span<const float> values, std::vector<double>& room, std::span<float> out) const {
        room = start_;
        add_scaled_rows(genes, values, loadings_.values.data(), room);
        for (std::size_t k = 0; k < out.size(); ++k) out[k] = static_cast<float>(room[k]);
    }

private:
    matrix::Dense<double> loadings_;  // columns padded with zeros
    std::vector<double> start_;       // minus the mean cell's place
};

}  // namespace

PassedCells pass_over_query(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes, const PassModels& models, Context& context) {
    const std::int64_t n = counts.n_rows();
    PassedCells out{{}, matrix::Dense<float>(n, models.components.loadings.n_cols), matrix::Dense<float>(n, models.on_counts.weights.n_cols), CorrelationLabels(n)};
    const Projection projection(models.components);
    const LabelScorer on_counts(models.on_counts);
    CorrelationCaller correlation(models.profiles, std::ssize(genes), models.correlation);
    LogRows logs(counts, genes);
    Progress progress(context, "query", n, "cells");
    matrix::ScratchPool<std::vector<double>> pool;
    logs.read({0, n}, context, [&](std::int64_t first_row, const matrix::CsrView& values) {
        auto room = pool.take();
        for (std::int64_t row = 0; row < values.n_rows; ++row) {
            projection.place(values.row_indices(row), values.row_values(row), *room, out.pca.row(first_row + row));
            on_counts.score(values.row_indices(row), values.row_values(row), *room, out.on_counts.row(first_row + row));
        }
        correlation.call(values, first_row, out.correlation);
        progress.advance(values.n_rows);
    });
    out.total = logs.totals();
    return out;
}

}  // namespace morula::models
