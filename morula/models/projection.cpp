#include "morula/models/projection.hpp"

#include <algorithm>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/models/label_sums_simd.hpp"

namespace morula::models {
namespace {

constexpr std::int64_t kBlockCells = 256;

}  // namespace

Projection::Projection(const analysis::PcaResult& pca)
    : n_components_(pca.loadings.n_cols), loadings_(pca.loadings.n_rows, padded_components(n_components_)), start_(static_cast<std::size_t>(loadings_.n_cols), 0.0F) {
    std::vector<double> of_mean(static_cast<std::size_t>(n_components_), 0.0);
    for (std::int64_t gene = 0; gene < loadings_.n_rows; ++gene) {
        std::ranges::copy(pca.loadings.row(gene), loadings_.row(gene).begin());
        for (std::size_t k = 0; k < of_mean.size(); ++k) of_mean[k] += pca.mean[static_cast<std::size_t>(gene)] * static_cast<double>(pca.loadings.row(gene)[k]);
    }
    for (std::size_t k = 0; k < of_mean.size(); ++k) start_[k] = static_cast<float>(-of_mean[k]);
}

void Projection::place(std::span<const std::uint32_t> genes, std::span<const float> values, std::vector<float>& room, std::span<float> out) const {
    room = start_;
    add_scaled_rows(genes, values, loadings_.values.data(), room);
    std::copy_n(room.begin(), out.size(), out.begin());
}

matrix::Dense<float> Projection::place_all(const matrix::CsrView& values, Context& context) const {
    MORULA_ASSERT(values.n_cols == n_genes());
    matrix::Dense<float> out(values.n_rows, n_components_);
    parallel_blocks(context, values.n_rows, kBlockCells, [&](Block block) {
        std::vector<float> room;
        for (std::int64_t row = block.begin; row < block.end; ++row) place(values.row_indices(row), values.row_values(row), room, out.row(row));
    });
    return out;
}

}  // namespace morula::models
