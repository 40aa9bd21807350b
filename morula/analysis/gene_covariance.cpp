#include "morula/analysis/gene_covariance.hpp"

#include <algorithm>

#include "morula/analysis/sparse_gram.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/blas.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kBlockCells = 2048;  // cells densified at a time; also the length of a float32 sum before it is added in float64
constexpr std::int64_t kFillCells = 128;    // cells a task densifies
constexpr std::int64_t kTileGenes = 256;    // side of a tile of the covariance
constexpr double kSparseUpTo = 1.0 / 6.0;   // share of values that are not zero

/// Sums of the products of genes (upper triangle) and of genes, both of values - shift.
struct Sums {
    matrix::Dense<double> products;
    std::vector<double> values;
    std::vector<float> shift;
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
            matrix::densify(source.read({rows.begin + block.begin, rows.begin + block.end}, *scratch), shift_, values_.data() + block.begin * n_genes_);
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

Sums dense_sums(const matrix::RowBlockSource& values, Context& context) {
    const std::int64_t n_genes = values.n_cols();
    const auto tiles = upper_tiles(n_genes);
    Sums sums{matrix::Dense<double>(n_genes, n_genes), std::vector<double>(static_cast<std::size_t>(n_genes), 0.0), first_means(values)};
    DenseBlock block(n_genes, sums.shift);
    Progress progress(context, "pca", values.n_rows(), "cells");
    for (std::int64_t begin = 0; begin < values.n_rows(); begin += kBlockCells) {
        const matrix::Range rows{begin, std::min(begin + kBlockCells, values.n_rows())};
        block.fill(values, rows, context);
        add_sums(block.view(), sums.values, context);
        add_gram(block.view(), tiles, sums.products, context);
        progress.advance(rows.size());
    }
    return sums;
}

/// All in float64, so that no shift is needed.
Sums sparse_sums(const matrix::RowBlockSource& values, Context& context) {
    const std::int64_t n_genes = values.n_cols();
    Sums sums{matrix::Dense<double>(n_genes, n_genes), std::vector<double>(static_cast<std::size_t>(n_genes), 0.0), std::vector<float>(static_cast<std::size_t>(n_genes), 0.0f)};
    add_sparse_gram(values, sums.products, sums.values, context);
    return sums;
}

}  // namespace

GramRoute gram_route(const matrix::RowBlockSource& values) {
    matrix::CsrScratch scratch;
    const auto first = values.read({0, std::min(kBlockCells, values.n_rows())}, scratch);
    const double n_values = static_cast<double>(first.n_rows) * static_cast<double>(first.n_cols);
    return static_cast<double>(first.nnz()) <= kSparseUpTo * n_values ? GramRoute::sparse : GramRoute::dense;
}

GeneCovariance gene_covariance(const matrix::RowBlockSource& values, GramRoute route, Context& context) {
    const double n = static_cast<double>(values.n_rows());
    Sums sums = route == GramRoute::sparse ? sparse_sums(values, context) : dense_sums(values, context);
    const std::vector<double>& sum = sums.values;
    GeneCovariance result{std::move(sums.products), std::vector<double>(sum.size())};
    for (std::int64_t i = 0; i < values.n_cols(); ++i) {
        for (std::int64_t j = i; j < values.n_cols(); ++j) {
            result.upper(i, j) = (result.upper(i, j) - sum[static_cast<std::size_t>(i)] * sum[static_cast<std::size_t>(j)] / n) / (n - 1.0);
        }
    }
    for (std::size_t g = 0; g < sum.size(); ++g) result.mean[g] = static_cast<double>(sums.shift[g]) + sum[g] / n;
    return result;
}

std::int64_t gene_covariance_memory(std::int64_t n_genes) {
    const std::int64_t block = n_genes * kBlockCells * static_cast<std::int64_t>(sizeof(float));
    return n_genes * n_genes * static_cast<std::int64_t>(sizeof(double)) + std::max(block, sparse_gram_memory(n_genes));
}

}  // namespace morula::analysis
