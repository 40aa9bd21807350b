#include "morula/analysis/qc.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include <fmt/format.h>

#include "morula/core/error.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

constexpr std::int32_t kTopGenes = 50;
constexpr std::size_t kSets = 4;  // mitochondrial, ribosomal, hemoglobin, stress: bits of one byte a gene

/// Sum of the kTopGenes largest values. Values are gathered above a rising bar, so that almost all of them cost one comparison.
class TopSum {
public:
    void clear() {
        n_ = 0;
        bar_ = 0.0f;
    }
    void add(float value) {
        if (!(value > bar_)) return;
        kept_[n_++] = value;
        if (n_ == kept_.size()) shrink();
    }
    double sum() {
        if (n_ > kTopGenes) shrink();
        double total = 0.0;
        for (std::size_t i = 0; i < n_; ++i) total += static_cast<double>(kept_[i]);
        return total;
    }

private:
    void shrink() {
        std::nth_element(kept_.begin(), kept_.begin() + kTopGenes - 1, kept_.begin() + static_cast<std::ptrdiff_t>(n_), std::greater<>{});
        n_ = kTopGenes;
        bar_ = kept_[kTopGenes - 1];
    }

    std::array<float, 192> kept_{};
    std::size_t n_ = 0;
    float bar_ = 0.0f;
};

std::vector<std::uint8_t> set_bits(const GeneFlags& flags, std::size_t n_genes) {
    const std::array<const std::vector<std::uint8_t>*, kSets> sets{&flags.mitochondrial, &flags.ribosomal, &flags.hemoglobin, &flags.stress};
    std::vector<std::uint8_t> bits(n_genes, 0);
    for (std::size_t s = 0; s < kSets; ++s) {
        if (sets[s]->size() != n_genes) {
            invalid_data(fmt::format("The gene sets describe {} genes but the matrix has {}.", sets[s]->size(), n_genes), "Give one symbol for each column of the matrix.");
        }
        for (std::size_t g = 0; g < n_genes; ++g) {
            if ((*sets[s])[g] != 0) bits[g] = static_cast<std::uint8_t>(bits[g] | (1u << s));
        }
    }
    return bits;
}

struct CellSums {
    double total = 0.0;
    std::array<double, kSets> of_set{};
    std::int32_t n_genes = 0;
};

/// Adds one cell to the per-gene sums (cells, counts; side by side for the cache) and returns its own.
CellSums add_cell(std::span<const std::uint32_t> genes, std::span<const float> values, std::span<const std::uint8_t> bits, std::span<double> gene_sums, TopSum& top) {
    CellSums cell;
    top.clear();
    for (std::size_t i = 0; i < genes.size(); ++i) {
        const std::size_t g = genes[i];
        const double count = static_cast<double>(values[i]);
        const bool seen = values[i] != 0.0f;
        cell.total += count;
        cell.n_genes += seen ? 1 : 0;
        gene_sums[2 * g] += seen ? 1.0 : 0.0;
        gene_sums[2 * g + 1] += count;
        top.add(values[i]);
        if (const unsigned mask = bits[g]; mask != 0) {
            for (std::size_t s = 0; s < kSets; ++s) {
                if ((mask >> s & 1u) != 0) cell.of_set[s] += count;
            }
        }
    }
    return cell;
}

double percent(double part, double whole) { return whole > 0.0 ? 100.0 * part / whole : 0.0; }

void resize_cells(QcMetrics& m, std::size_t n) {
    for (auto* column : {&m.total_counts, &m.total_counts_mt, &m.pct_counts_mt, &m.pct_counts_ribo, &m.pct_counts_hb, &m.pct_counts_stress, &m.pct_counts_in_top_50_genes}) column->resize(n);
    m.n_genes_by_counts.resize(n);
}

}  // namespace

QcMetrics qc_metrics(const matrix::RowBlockSource& counts, const GeneFlags& flags, Context& context) {
    const auto n_genes = static_cast<std::size_t>(counts.n_cols());
    const auto bits = set_bits(flags, n_genes);
    QcMetrics m;
    resize_cells(m, static_cast<std::size_t>(counts.n_rows()));
    const auto sums = matrix::sum_tiles(counts, 2 * counts.n_cols(), context, [&](const matrix::CsrView& tile, std::int64_t first_row, std::span<double> gene_sums) {
        TopSum top;
        for (std::int64_t r = 0; r < tile.n_rows; ++r) {
            const CellSums cell = add_cell(tile.row_indices(r), tile.row_values(r), bits, gene_sums, top);
            const auto c = static_cast<std::size_t>(first_row + r);
            m.total_counts[c] = cell.total;
            m.n_genes_by_counts[c] = cell.n_genes;
            m.total_counts_mt[c] = cell.of_set[0];
            m.pct_counts_mt[c] = percent(cell.of_set[0], cell.total);
            m.pct_counts_ribo[c] = percent(cell.of_set[1], cell.total);
            m.pct_counts_hb[c] = percent(cell.of_set[2], cell.total);
            m.pct_counts_stress[c] = percent(cell.of_set[3], cell.total);
            m.pct_counts_in_top_50_genes[c] = percent(top.sum(), cell.total);
        }
    });
    const double n_cells = static_cast<double>(counts.n_rows());
    for (std::size_t g = 0; g < n_genes; ++g) {
        m.n_cells_by_counts.push_back(static_cast<std::int64_t>(sums[2 * g]));
        m.total_counts_of_gene.push_back(sums[2 * g + 1]);
        m.mean_counts_of_gene.push_back(n_cells > 0.0 ? sums[2 * g + 1] / n_cells : 0.0);
    }
    return m;
}

}  // namespace morula::analysis
