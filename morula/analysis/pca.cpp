#include "morula/analysis/pca.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "morula/analysis/block_lanczos.hpp"
#include "morula/analysis/gene_covariance.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/blas.hpp"
#include "morula/matrix/held_in_memory.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kFillCells = 128;  // cells a task makes dense

/// Dense rows of one task.
struct DenseRows {
    matrix::CsrScratch scratch;
    std::vector<float> values;

    void fill(const matrix::RowBlockSource& source, matrix::Range rows, std::span<const float> shift) {
        values.resize(static_cast<std::size_t>(rows.size() * source.n_cols()));
        matrix::densify(source.read(rows, scratch), shift, values.data());
    }
};

/// Unit loadings in float32; of each component the largest absolute entry (the first of equals) is positive, as scanpy's.
matrix::Dense<float> signed_loadings(const matrix::Dense<double>& vectors) {
    matrix::Dense<float> loadings(vectors.n_rows, vectors.n_cols);
    for (std::int64_t k = 0; k < vectors.n_cols; ++k) {
        std::int64_t largest = 0;
        for (std::int64_t g = 1; g < vectors.n_rows; ++g) {
            if (std::abs(vectors(g, k)) > std::abs(vectors(largest, k))) largest = g;
        }
        const double sign = vectors(largest, k) < 0.0 ? -1.0 : 1.0;
        for (std::int64_t g = 0; g < vectors.n_rows; ++g) loadings(g, k) = static_cast<float>(sign * vectors(g, k));
    }
    return loadings;
}

void check_sizes(const matrix::RowBlockSource& values, const PcaOptions& options, Context& context) {
    const std::int64_t most = std::min(values.n_rows() - 1, values.n_cols());
    if (options.n_components < 1) fail(ErrorCode::usage, "The number of components must be at least 1.", "Give --n-components above 0.");
    if (options.n_components > most) {
        invalid_data(fmt::format("{} cells and {} genes have at most {} principal components; {} were asked for.", values.n_rows(), values.n_cols(), std::max<std::int64_t>(most, 0), options.n_components),
                     most >= 2 ? fmt::format("Pass --n-components {} or less, or keep more cells and genes.", most) : std::string("Keep more cells and genes."));
    }
    context.require_memory(pca_memory(values.n_cols()), "pca");
}

enum class Cells { placed, left };

/// eigenpairs: of a matrix whose upper triangle is given.
template <class Eigenpairs>
PcaResult pca_with(const matrix::RowBlockSource& given, const PcaOptions& options, Cells cells, Context& context, const Eigenpairs& eigenpairs) {
    check_sizes(given, options, context);
    // Read twice: chosen genes and logs are worked out once where there is room for them.
    const matrix::Matrix once(std::shared_ptr<const matrix::RowBlockSource>(), &given);
    const matrix::Matrix held = given.cheap_in_pieces() ? once : matrix::held_in_memory(once, context);
    const matrix::RowBlockSource& values = *held;
    GeneCovariance covariance = gene_covariance(values, gram_route(values), context);
    double total = 0.0;
    for (std::int64_t g = 0; g < values.n_cols(); ++g) total += std::max(0.0, covariance.upper(g, g));
    context.check_cancelled();
    const matrix::SymmetricEigen eigen = eigenpairs(std::move(covariance.upper));
    PcaResult result;
    result.mean = std::move(covariance.mean);
    for (const double value : eigen.values) {
        result.variance.push_back(std::max(0.0, value));
        result.variance_ratio.push_back(total > 0.0 ? result.variance.back() / total : 0.0);
    }
    result.loadings = signed_loadings(eigen.vectors);
    if (cells == Cells::placed) result.embedding = project(values, result, context);
    return result;
}

/// The lower triangle from the upper one, tile by tile.
void mirror(matrix::Dense<double>& square, Context& context) {
    constexpr std::int64_t kSide = 64;
    parallel_blocks(context, square.n_rows, kSide, [&](Block rows) {
        for (std::int64_t from = 0; from < rows.end; from += kSide) {
            for (std::int64_t i = rows.begin; i < rows.end; ++i) {
                for (std::int64_t j = from; j < std::min(from + kSide, i); ++j) square(i, j) = square(j, i);
            }
        }
    });
}

}  // namespace

std::int64_t pca_memory(std::int64_t n_genes) { return gene_covariance_memory(n_genes) + n_genes * n_genes * static_cast<std::int64_t>(sizeof(double)); }

PcaResult pca(const matrix::RowBlockSource& values, const PcaOptions& options, Context& context) {
    return pca_with(values, options, Cells::placed, context, [&](matrix::Dense<double> upper) { return matrix::largest_eigenpairs(std::move(upper), options.n_components); });
}

PcaResult leading_components(const matrix::RowBlockSource& values, const PcaOptions& options, Context& context) {
    const bool is_large = std::min(values.n_rows(), values.n_cols()) >= 4 * kLanczosSpace && options.n_components <= kLanczosSpace / 4;
    return pca_with(values, options, Cells::left, context, [&](matrix::Dense<double> upper) {
        if (is_large) {
            mirror(upper, context);
            matrix::SymmetricEigen found = leading_eigenpairs(upper, options.n_components, context);
            if (std::ssize(found.values) == options.n_components) return found;
        }
        return matrix::largest_eigenpairs(std::move(upper), options.n_components);
    });
}

matrix::Dense<float> project(const matrix::RowBlockSource& values, const PcaResult& pca, Context& context) {
    if (values.n_cols() != pca.loadings.n_rows) {
        invalid_data(fmt::format("The components were made from {} genes but these cells have {}.", pca.loadings.n_rows, values.n_cols()), "Select the same genes in the same order.");
    }
    const std::int64_t k = pca.loadings.n_cols;
    matrix::Dense<float> embedding(values.n_rows(), k);
    const std::vector<float> mean(pca.mean.begin(), pca.mean.end());
    matrix::ScratchPool<DenseRows> pool;
    parallel_blocks(context, values.n_rows(), kFillCells, [&](Block block) {
        auto dense = pool.take();
        dense->fill(values, {block.begin, block.end}, mean);
        matrix::gemm_strided(block.size(), k, values.n_cols(), 1.0f, dense->values.data(), values.n_cols(), matrix::Transpose::no, pca.loadings.values.data(), k, matrix::Transpose::no, 0.0f,
                             embedding.row(block.begin).data(), k);
    });
    return embedding;
}

}  // namespace morula::analysis
