#include "morula/analysis/sparse_gram.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "morula/analysis/gram_panels_simd.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kBlockCells = 4096;
constexpr std::int64_t kFillCells = 128;  // the dense part of a run stays in the second-level cache
constexpr std::int64_t kTaskGenes = 32;
// From this share of values that are not zero on, a gene's zeros cost less than finding its values: eight products in vectors take about the time of one that is looked up.
constexpr double kDenseFrom = 0.2;

/// Genes with many values are kept dense, in panels; both kinds in the order of the matrix, so that no pair changes sides of the diagonal.
struct GeneKinds {
    static constexpr std::uint32_t kSparse = ~std::uint32_t{0};
    std::vector<std::uint32_t> dense;
    std::vector<std::uint32_t> sparse;
    std::vector<std::uint32_t> place;  // n_genes: among the dense, or kSparse

    std::int64_t n_panels() const { return (static_cast<std::int64_t>(dense.size()) + kPanelGenes - 1) / kPanelGenes; }
    std::int64_t width() const { return n_panels() * kPanelGenes; }
    /// Between cells: never a multiple of 128 bytes, so that columns do not crowd a few sets of the cache.
    std::int64_t stride() const { return (n_panels() | 1) * kPanelGenes; }
};

/// Told by the first block of cells; a poor guess costs time only, as both ways give the same bits.
GeneKinds gene_kinds(const matrix::RowBlockSource& values) {
    const auto n_genes = static_cast<std::size_t>(values.n_cols());
    matrix::CsrScratch scratch;
    const matrix::CsrView first = values.read({0, std::min(kBlockCells, values.n_rows())}, scratch);
    std::vector<std::int64_t> n_values(n_genes, 0);
    for (std::int64_t r = 0; r < first.n_rows; ++r) {
        for (const auto g : first.row_indices(r)) ++n_values[g];
    }
    GeneKinds kinds;
    kinds.place.assign(n_genes, GeneKinds::kSparse);
    for (std::size_t g = 0; g < n_genes; ++g) {
        const bool is_dense = static_cast<double>(n_values[g]) >= kDenseFrom * static_cast<double>(first.n_rows);
        if (is_dense) kinds.place[g] = static_cast<std::uint32_t>(kinds.dense.size());
        (is_dense ? kinds.dense : kinds.sparse).push_back(static_cast<std::uint32_t>(g));
    }
    return kinds;
}

/// A run of cells: values of sparse genes by cell, and by gene where each of its values lies; those of dense genes as rows.
struct CellRun {
    struct Place {
        std::uint32_t entry;
        std::uint32_t end;   // of the cell
        std::uint32_t cell;
    };
    std::int64_t n_cells = 0;
    std::vector<std::uint32_t> gene;    // by cell
    std::vector<float> value;           // by cell
    std::vector<std::uint32_t> begin;   // n_genes + 1, into places
    std::vector<Place> places;          // by gene, cells in order
    std::int64_t stride = 0;
    std::vector<float> dense;           // n_cells x stride

    const float* dense_row(std::int64_t cell) const { return dense.data() + cell * stride; }
    /// Columns of a panel, cell by cell.
    void copy_panel(std::int64_t panel, std::vector<double>& to) const {
        to.resize(static_cast<std::size_t>(n_cells * kPanelGenes));
        for (std::int64_t cell = 0; cell < n_cells; ++cell) std::copy_n(dense_row(cell) + panel * kPanelGenes, kPanelGenes, to.data() + cell * kPanelGenes);
    }

    void fill(const matrix::CsrView& cells, const GeneKinds& kinds) {
        n_cells = cells.n_rows;
        gene.clear();
        value.clear();
        stride = kinds.stride();
        dense.assign(static_cast<std::size_t>(n_cells * stride), 0.0F);
        begin.assign(static_cast<std::size_t>(cells.n_cols + 1), 0);
        std::vector<std::uint32_t> end_of_cell;
        for (std::int64_t r = 0; r < n_cells; ++r) {
            const auto genes = cells.row_indices(r);
            const auto row = cells.row_values(r);
            for (std::size_t i = 0; i < genes.size(); ++i) {
                const std::int64_t place = kinds.place[genes[i]];
                if (place != GeneKinds::kSparse) {
                    dense[static_cast<std::size_t>(r * stride + place)] = row[i];
                    continue;
                }
                gene.push_back(genes[i]);
                value.push_back(row[i]);
                ++begin[genes[i] + 1];
            }
            end_of_cell.push_back(static_cast<std::uint32_t>(gene.size()));
        }
        for (std::size_t g = 1; g < begin.size(); ++g) begin[g] += begin[g - 1];
        places.resize(gene.size());
        std::vector<std::uint32_t> next(begin.begin(), begin.end() - 1);
        std::uint32_t entry = 0;
        for (std::uint32_t cell = 0; cell < end_of_cell.size(); ++cell) {
            for (; entry < end_of_cell[cell]; ++entry) places[next[gene[entry]]++] = {entry, end_of_cell[cell], cell};
        }
    }
    std::span<const Place> places_of(std::uint32_t g) const { return std::span(places).subspan(begin[g], begin[g + 1] - begin[g]); }
};

/// Adds the products of one sparse gene with itself and the sparse genes after it. `products`, a row of the Gram matrix, stays in the first-level cache.
void add_sparse_products(const CellRun& cells, std::uint32_t gene, double* products, double& sum) {
    const std::uint32_t* other = cells.gene.data();
    const float* value = cells.value.data();
    for (const CellRun::Place& place : cells.places_of(gene)) {
        const double x = static_cast<double>(value[place.entry]);
        sum += x;
        for (std::uint32_t j = place.entry; j < place.end; ++j) products[other[j]] += x * static_cast<double>(value[j]);
    }
}

/// Everything of a few sparse genes; `across` holds their products with the dense ones.
void add_sparse_genes(std::span<const CellRun> runs, const GeneKinds& kinds, Block genes, matrix::Dense<double>& gram, std::span<double> sums, matrix::Dense<double>& across) {
    for (std::int64_t s = genes.begin; s < genes.end; ++s) {
        const std::uint32_t g = kinds.sparse[static_cast<std::size_t>(s)];
        for (const CellRun& run : runs) add_sparse_products(run, g, gram.row(g).data(), sums[g]);
    }
    if (kinds.dense.empty()) return;
    for (const CellRun& run : runs) {
        for (std::int64_t s = genes.begin; s < genes.end; ++s) {
            for (const CellRun::Place& place : run.places_of(kinds.sparse[static_cast<std::size_t>(s)])) {
                add_scaled(static_cast<double>(run.value[place.entry]), run.dense_row(place.cell), kinds.width(), across.row(s).data());
            }
        }
    }
}

/// The genes of two panels with each other; of one panel twice also their sums.
void add_panels(std::span<const CellRun> runs, const GeneKinds& kinds, std::int64_t p, std::int64_t q, matrix::Dense<double>& gram, std::span<double> sums) {
    const std::span<const std::uint32_t> all(kinds.dense);
    const auto genes_of = [&](std::int64_t panel) { return all.subspan(static_cast<std::size_t>(panel * kPanelGenes)).first(std::min<std::size_t>(kPanelGenes, all.size() - static_cast<std::size_t>(panel * kPanelGenes))); };
    const auto rows = genes_of(p);
    const auto cols = genes_of(q);
    std::array<double, kPanelGenes * kPanelGenes> products{};
    // Calls body(sum in the Gram matrix, own sum) for every pair on or above the diagonal.
    const auto for_pairs = [&](auto body) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            for (std::size_t j = p == q ? i : 0; j < cols.size(); ++j) body(gram(rows[i], cols[j]), products[i * kPanelGenes + j]);
        }
    };
    for_pairs([](const double& in_gram, double& own) { own = in_gram; });
    std::vector<double> a;
    std::vector<double> b;
    for (const CellRun& run : runs) {
        run.copy_panel(p, a);
        run.copy_panel(q, b);
        add_panel_products(a.data(), b.data(), run.n_cells, products.data());
    }
    for_pairs([](double& in_gram, const double& own) { in_gram = own; });
    if (p != q) return;
    std::array<double, kPanelGenes> own{};
    for (std::size_t i = 0; i < rows.size(); ++i) own[i] = sums[rows[i]];
    for (const CellRun& run : runs) {
        for (std::int64_t cell = 0; cell < run.n_cells; ++cell) add_scaled(1.0, run.dense_row(cell) + p * kPanelGenes, kPanelGenes, own.data());
    }
    for (std::size_t i = 0; i < rows.size(); ++i) sums[rows[i]] = own[i];
}

}  // namespace

void add_sparse_gram(const matrix::RowBlockSource& values, matrix::Dense<double>& gram, std::span<double> sums, Context& context) {
    const GeneKinds kinds = gene_kinds(values);
    const auto n_sparse = static_cast<std::int64_t>(kinds.sparse.size());
    matrix::Dense<double> across(n_sparse, kinds.width());
    std::vector<std::array<std::int64_t, 2>> panels;
    for (std::int64_t p = 0; p < kinds.n_panels(); ++p) {
        for (std::int64_t q = p; q < kinds.n_panels(); ++q) panels.push_back({p, q});
    }
    const auto n_panel_tasks = static_cast<std::int64_t>(panels.size());
    std::vector<CellRun> block(static_cast<std::size_t>(kBlockCells / kFillCells));
    matrix::ScratchPool<> scratches;
    Progress progress(context, "pca", values.n_rows(), "cells");
    for (std::int64_t begin = 0; begin < values.n_rows(); begin += kBlockCells) {
        const std::int64_t n_cells = std::min(kBlockCells, values.n_rows() - begin);
        parallel_blocks(context, n_cells, kFillCells, [&](Block cells) {
            auto scratch = scratches.take();
            block[static_cast<std::size_t>(cells.index)].fill(values.read({begin + cells.begin, begin + cells.end}, *scratch), kinds);
        });
        const std::span<const CellRun> runs = std::span<const CellRun>(block).first(static_cast<std::size_t>((n_cells + kFillCells - 1) / kFillCells));
        parallel_blocks(context, n_panel_tasks + (n_sparse + kTaskGenes - 1) / kTaskGenes, 1, [&](Block task) {
            if (task.index < n_panel_tasks) {
                const auto [p, q] = panels[static_cast<std::size_t>(task.index)];
                return add_panels(runs, kinds, p, q, gram, sums);
            }
            const std::int64_t first = (task.index - n_panel_tasks) * kTaskGenes;
            add_sparse_genes(runs, kinds, {task.index, first, std::min(first + kTaskGenes, n_sparse)}, gram, sums, across);
        });
        progress.advance(n_cells);
    }
    for (std::int64_t s = 0; s < n_sparse; ++s) {
        const std::uint32_t g = kinds.sparse[static_cast<std::size_t>(s)];
        for (std::size_t d = 0; d < kinds.dense.size(); ++d) gram(std::min(g, kinds.dense[d]), std::max(g, kinds.dense[d])) += across(s, static_cast<std::int64_t>(d));
    }
}

std::int64_t sparse_gram_memory(std::int64_t n_genes) { return n_genes * (kBlockCells + n_genes) * static_cast<std::int64_t>(sizeof(double)); }

}  // namespace morula::analysis
