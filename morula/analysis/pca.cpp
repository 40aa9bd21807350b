#include "morula/analysis/pca.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/blas.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kBlockCells = 2048;  // cells densified at a time; also the length of a float32 sum before it is added in float64
constexpr std::int64_t kFillCells = 128;    // cells a task densifies
constexpr std::int64_t kTileGenes = 256;    // side of a tile of the covariance

/// x - shift of a run of cells as dense float32.
void densify(const matrix::CsrView& cells, std::span<const float> shift, float* out) {
    for (std::int64_t r = 0; r < cells.n_rows; ++r, out += cells.n_cols) {
        const auto genes = cells.row_indices(r);
        const auto row = cells.row_values(r);
        for (std::size_t g = 0; g < shift.size(); ++g) out[g] = -shift[g];
        for (std::size_t i = 0; i < genes.size(); ++i) out[genes[i]] = row[i] - shift[genes[i]];
    }
}

/// Dense rows of one task.
struct DenseRows {
    matrix::CsrScratch scratch;
    std::vector<float> values;

    void fill(const matrix::RowBlockSource& source, matrix::Range rows, std::span<const float> shift) {
        values.resize(static_cast<std::size_t>(rows.size() * source.n_cols()));
        densify(source.read(rows, scratch), shift, values.data());
    }
};

/// A block of cells made dense by many tasks, read by many more.
class DenseBlock {
public:
    DenseBlock(std::int64_t n_genes, std::span<const float> shift) : n_genes_(n_genes), shift_(shift) {}

    void fill(const matrix::RowBlockSource& source, matrix::Range rows, Context& context) {
        values_.resize(static_cast<std::size_t>(rows.size() * n_genes_));
        n_rows_ = rows.size();
        parallel_blocks(context, rows.size(), kFillCells, [&](Block block) {
            auto scratch = pool_.take();
            densify(source.read({rows.begin + block.begin, rows.begin + block.end}, *scratch), shift_, values_.data() + block.begin * n_genes_);
        });
    }
    matrix::DenseView<const float> view() const { return {n_rows_, n_genes_, values_}; }

private:
    std::int64_t n_genes_;
    std::int64_t n_rows_ = 0;
    std::span<const float> shift_;
    std::vector<float> values_;
    matrix::ScratchPool<> pool_;
};

struct Tile {
    std::int64_t row = 0;  // first gene
    std::int64_t col = 0;
};

/// Tiles on and above the diagonal.
std::vector<Tile> upper_tiles(std::int64_t n_genes) {
    std::vector<Tile> tiles;
    for (std::int64_t row = 0; row < n_genes; row += kTileGenes) {
        for (std::int64_t col = row; col < n_genes; col += kTileGenes) tiles.push_back({row, col});
    }
    return tiles;
}

/// Adds block' * block to the upper tiles of `gram`. Each task owns its tile, so that nobody holds a partial matrix.
void add_gram(matrix::DenseView<const float> block, const std::vector<Tile>& tiles, matrix::Dense<double>& gram, Context& context) {
    const std::int64_t n_genes = block.n_cols;
    parallel_blocks(context, static_cast<std::int64_t>(tiles.size()), 1, [&](Block task) {
        const Tile tile = tiles[static_cast<std::size_t>(task.index)];
        const std::int64_t m = std::min(kTileGenes, n_genes - tile.row);
        const std::int64_t n = std::min(kTileGenes, n_genes - tile.col);
        thread_local std::vector<float> product;
        product.resize(static_cast<std::size_t>(kTileGenes * kTileGenes));
        const float* values = block.values.data();
        matrix::gemm_strided(m, n, block.n_rows, 1.0f, values + tile.row, n_genes, matrix::Transpose::yes, values + tile.col, n_genes, matrix::Transpose::no, 0.0f, product.data(), n);
        for (std::int64_t i = 0; i < m; ++i) {
            double* out = gram.row(tile.row + i).data() + tile.col;
            const float* in = product.data() + i * n;
            for (std::int64_t j = 0; j < n; ++j) out[j] += static_cast<double>(in[j]);
        }
    });
}

/// Adds the column sums of the block.
void add_sums(matrix::DenseView<const float> block, std::vector<double>& sums, Context& context) {
    parallel_blocks(context, block.n_cols, kTileGenes, [&](Block genes) {
        for (std::int64_t r = 0; r < block.n_rows; ++r) {
            const float* row = block.values.data() + r * block.n_cols;
            for (std::int64_t g = genes.begin; g < genes.end; ++g) sums[static_cast<std::size_t>(g)] += static_cast<double>(row[g]);
        }
    });
}

/// Means of the first block of cells, in float32. Sums are taken around them, so that subtracting n * mean * mean' later costs no digits.
std::vector<float> first_means(const matrix::RowBlockSource& values) {
    matrix::CsrScratch scratch;
    const auto first = values.read({0, std::min(kBlockCells, values.n_rows())}, scratch);
    std::vector<double> sums(static_cast<std::size_t>(values.n_cols()), 0.0);
    for (std::int64_t r = 0; r < first.n_rows; ++r) {
        const auto genes = first.row_indices(r);
        const auto row = first.row_values(r);
        for (std::size_t i = 0; i < genes.size(); ++i) sums[genes[i]] += static_cast<double>(row[i]);
    }
    std::vector<float> means;
    for (const double sum : sums) means.push_back(static_cast<float>(sum / static_cast<double>(first.n_rows)));
    return means;
}

struct Covariance {
    matrix::Dense<double> upper;  // n_genes x n_genes, divided by n - 1; only tiles on and above the diagonal are filled
    std::vector<double> mean;
};

Covariance covariance_of(const matrix::RowBlockSource& values, Context& context) {
    const std::int64_t n_genes = values.n_cols();
    const double n = static_cast<double>(values.n_rows());
    const auto tiles = upper_tiles(n_genes);
    const auto shift = first_means(values);
    Covariance result{matrix::Dense<double>(n_genes, n_genes), std::vector<double>(static_cast<std::size_t>(n_genes), 0.0)};
    DenseBlock block(n_genes, shift);
    Progress progress(context, "pca", values.n_rows(), "cells");
    for (std::int64_t begin = 0; begin < values.n_rows(); begin += kBlockCells) {
        const matrix::Range rows{begin, std::min(begin + kBlockCells, values.n_rows())};
        block.fill(values, rows, context);
        add_sums(block.view(), result.mean, context);
        add_gram(block.view(), tiles, result.upper, context);
        progress.advance(rows.size());
    }
    const auto& sum = result.mean;  // of x - shift, until the end
    for (std::int64_t i = 0; i < n_genes; ++i) {
        for (std::int64_t j = i; j < n_genes; ++j) {
            result.upper(i, j) = (result.upper(i, j) - sum[static_cast<std::size_t>(i)] * sum[static_cast<std::size_t>(j)] / n) / (n - 1.0);
        }
    }
    for (std::size_t g = 0; g < shift.size(); ++g) result.mean[g] = static_cast<double>(shift[g]) + result.mean[g] / n;
    return result;
}

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
                     most >= 1 ? fmt::format("Pass --n-components {} or less, or keep more cells and genes.", most) : std::string("Keep more cells and genes."));
    }
    const std::int64_t square = values.n_cols() * values.n_cols() * static_cast<std::int64_t>(sizeof(double));
    context.require_memory(2 * square + kBlockCells * values.n_cols() * static_cast<std::int64_t>(sizeof(float)), "pca");
}

}  // namespace

PcaResult pca(const matrix::RowBlockSource& values, const PcaOptions& options, Context& context) {
    check_sizes(values, options, context);
    Covariance covariance = covariance_of(values, context);
    double total = 0.0;
    for (std::int64_t g = 0; g < values.n_cols(); ++g) total += std::max(0.0, covariance.upper(g, g));
    context.check_cancelled();
    const auto eigen = matrix::largest_eigenpairs(std::move(covariance.upper), options.n_components);
    PcaResult result;
    result.mean = std::move(covariance.mean);
    for (const double value : eigen.values) {
        result.variance.push_back(std::max(0.0, value));
        result.variance_ratio.push_back(total > 0.0 ? result.variance.back() / total : 0.0);
    }
    result.loadings = signed_loadings(eigen.vectors);
    result.embedding = project(values, result, context);
    return result;
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
