// Entries of a matrix in any order, collected into rows of cells.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::formats {

/// One entry, counted from 0.
struct MatrixEntry {
    std::uint32_t gene = 0;
    std::uint32_t cell = 0;
    float value = 0.0F;
};

/// While cells come in order (Cell Ranger's way) nothing but the result is kept; from the first step back on, the cell of each entry is remembered too.
class CsrCollector {
public:
    CsrCollector(std::int64_t n_cells, std::int64_t n_genes, std::int64_t n_entries);

    void add(const MatrixEntry& entry) {
        if (in_order_ && entry.cell < last_cell_) remember_cells();
        last_cell_ = entry.cell;
        csr_.indices.push_back(entry.gene);
        csr_.values.push_back(entry.value);
        ++counts_[entry.cell];
        if (!in_order_) cells_.push_back(entry.cell);
    }

    /// Rows with strictly increasing genes. An entry that stands there twice is told by `repeated`, which must throw.
    matrix::Csr finish(const std::function<void(std::uint32_t gene, std::int64_t cell)>& repeated, Context& context);

private:
    void remember_cells();
    void scatter();

    std::int64_t n_entries_;
    matrix::Csr csr_;
    std::vector<std::int64_t> counts_;  // entries of each cell so far
    std::vector<std::uint32_t> cells_;  // of each entry; empty while in order
    std::uint32_t last_cell_ = 0;
    bool in_order_ = true;
};

}  // namespace morula::formats
