#include "morula/analysis/sparse_gram.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "morula/core/parallel.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kBlockCells = 4096;
constexpr std::int64_t kFillCells = 256;
constexpr std::int64_t kTaskGenes = 8;

/// A run of cells: their values by cell, and by gene where each of its values lies.
struct CellRun {
    struct Place {
        std::uint32_t entry;
        std::uint32_t end;  // of the cell
    };
    std::vector<std::uint32_t> gene;    // by cell
    std::vector<float> value;           // by cell
    std::vector<std::uint32_t> begin;   // n_genes + 1, into places
    std::vector<Place> places;          // by gene, cells in order

    void fill(const matrix::CsrView& cells) {
        gene.clear();
        value.clear();
        begin.assign(static_cast<std::size_t>(cells.n_cols + 1), 0);
        for (std::int64_t r = 0; r < cells.n_rows; ++r) {
            const auto genes = cells.row_indices(r);
            const auto row = cells.row_values(r);
            gene.insert(gene.end(), genes.begin(), genes.end());
            value.insert(value.end(), row.begin(), row.end());
            for (const auto g : genes) ++begin[g + 1];
        }
        for (std::size_t g = 1; g < begin.size(); ++g) begin[g] += begin[g - 1];
        places.resize(gene.size());
        std::vector<std::uint32_t> next(begin.begin(), begin.end() - 1);
        std::uint32_t entry = 0;
        for (std::int64_t r = 0; r < cells.n_rows; ++r) {
            const std::uint32_t end = entry + static_cast<std::uint32_t>(cells.row_indices(r).size());
            for (; entry < end; ++entry) places[next[gene[entry]]++] = {entry, end};
        }
    }
};

/// Adds the products of one gene with itself and the genes after it. `sums`, a row of the Gram matrix, stays in the first-level cache.
double add_products(const CellRun& cells, std::int64_t gene, double* sums) {
    const std::uint32_t* other = cells.gene.data();
    const float* value = cells.value.data();
    double sum = 0.0;
    for (std::uint32_t p = cells.begin[static_cast<std::size_t>(gene)]; p < cells.begin[static_cast<std::size_t>(gene) + 1]; ++p) {
        const CellRun::Place place = cells.places[p];
        const double x = static_cast<double>(value[place.entry]);
        sum += x;
        for (std::uint32_t j = place.entry; j < place.end; ++j) sums[other[j]] += x * static_cast<double>(value[j]);
    }
    return sum;
}

}  // namespace

void add_sparse_gram(const matrix::RowBlockSource& values, matrix::Dense<double>& gram, std::span<double> sums, Context& context) {
    std::vector<CellRun> block(static_cast<std::size_t>(kBlockCells / kFillCells));
    matrix::ScratchPool<> scratches;
    Progress progress(context, "pca", values.n_rows(), "cells");
    for (std::int64_t begin = 0; begin < values.n_rows(); begin += kBlockCells) {
        const std::int64_t n_cells = std::min(kBlockCells, values.n_rows() - begin);
        const auto n_runs = static_cast<std::size_t>((n_cells + kFillCells - 1) / kFillCells);
        parallel_blocks(context, n_cells, kFillCells, [&](Block cells) {
            auto scratch = scratches.take();
            block[static_cast<std::size_t>(cells.index)].fill(values.read({begin + cells.begin, begin + cells.end}, *scratch));
        });
        parallel_blocks(context, values.n_cols(), kTaskGenes, [&](Block genes) {
            for (std::int64_t g = genes.begin; g < genes.end; ++g) {
                for (std::size_t run = 0; run < n_runs; ++run) sums[static_cast<std::size_t>(g)] += add_products(block[run], g, gram.row(g).data());
            }
        });
        progress.advance(n_cells);
    }
}

std::int64_t sparse_gram_bytes_per_gene() { return kBlockCells * static_cast<std::int64_t>(sizeof(float) + sizeof(std::uint32_t) + sizeof(CellRun::Place)) / 3; }

}  // namespace morula::analysis
