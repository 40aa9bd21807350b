#include "morula/formats/text/csr_collector.hpp"

#include <algorithm>
#include <utility>

#include "morula/core/parallel.hpp"

namespace morula::formats {

CsrCollector::CsrCollector(std::int64_t n_cells, std::int64_t n_genes, std::int64_t n_entries) : n_entries_(n_entries), counts_(static_cast<std::size_t>(n_cells), 0) {
    csr_.n_rows = n_cells;
    csr_.n_cols = n_genes;
    csr_.indices.reserve(static_cast<std::size_t>(n_entries));
    csr_.values.reserve(static_cast<std::size_t>(n_entries));
}

void CsrCollector::remember_cells() {
    in_order_ = false;
    cells_.reserve(static_cast<std::size_t>(n_entries_));
    for (std::uint32_t cell = 0; cell <= last_cell_; ++cell) cells_.insert(cells_.end(), static_cast<std::size_t>(counts_[cell]), cell);
}

void CsrCollector::scatter() {
    std::vector<std::int64_t> next(csr_.indptr.begin(), csr_.indptr.end() - 1);
    std::vector<std::uint32_t> indices(csr_.indices.size());
    std::vector<float> values(csr_.values.size());
    for (std::size_t i = 0; i < cells_.size(); ++i) {
        const auto to = static_cast<std::size_t>(next[cells_[i]]++);
        indices[to] = csr_.indices[i];
        values[to] = csr_.values[i];
    }
    csr_.indices = std::move(indices);
    csr_.values = std::move(values);
}

matrix::Csr CsrCollector::finish(const std::function<void(std::uint32_t gene, std::int64_t cell)>& repeated, Context& context) {
    csr_.indptr.reserve(counts_.size() + 1);
    for (const std::int64_t n : counts_) csr_.indptr.push_back(csr_.indptr.back() + n);
    if (!in_order_) scatter();
    parallel_blocks(context, csr_.n_rows, 1024, [&](Block block) {
        for (std::int64_t row = block.begin; row < block.end; ++row) {
            const auto genes = csr_.view().row_indices(row);
            if (!std::is_sorted(genes.begin(), genes.end())) csr_.sort_row(row);
            const auto twin = std::adjacent_find(genes.begin(), genes.end());
            if (twin != genes.end()) repeated(*twin, row);
        }
    });
    return std::move(csr_);
}

}  // namespace morula::formats
