#include "morula/analysis/graph_connectivity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

/// Sets of cells that are joined one edge at a time; a set is called by its smallest cell.
class JoinedCells {
public:
    explicit JoinedCells(std::size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), std::uint32_t{0}); }
    std::uint32_t find(std::uint32_t cell) {
        while (parent_[cell] != cell) {
            parent_[cell] = parent_[parent_[cell]];
            cell = parent_[cell];
        }
        return cell;
    }
    void join(std::uint32_t a, std::uint32_t b) {
        const std::uint32_t root_a = find(a), root_b = find(b);
        parent_[std::max(root_a, root_b)] = std::min(root_a, root_b);
    }

private:
    std::vector<std::uint32_t> parent_;
};

}  // namespace

std::vector<double> graph_connectivity(const NeighborsResult& neighbors, std::span<const std::int32_t> label, std::int32_t n_labels) {
    if (std::ssize(label) != neighbors.index.n_rows) invalid_data(fmt::format("There are {} labels for {} cells.", label.size(), neighbors.index.n_rows), "Give one label a cell.");
    std::vector<std::int64_t> n_cells(static_cast<std::size_t>(n_labels), 0);
    for (const std::int32_t code : label) {
        if (code < 0 || code >= n_labels) invalid_data(fmt::format("A code is {}, codes go from 0 to {}.", code, n_labels - 1), "Give every cell a label.");
        ++n_cells[static_cast<std::size_t>(code)];
    }
    JoinedCells joined(label.size());
    for (std::size_t cell = 0; cell < label.size(); ++cell) {
        for (const std::uint32_t other : neighbors.index.row(static_cast<std::int64_t>(cell))) {
            if (label[other] == label[cell]) joined.join(static_cast<std::uint32_t>(cell), other);
        }
    }
    std::vector<std::int64_t> part(label.size(), 0), largest(n_cells.size(), 0);
    for (std::size_t cell = 0; cell < label.size(); ++cell) {
        std::int64_t& size = part[joined.find(static_cast<std::uint32_t>(cell))];
        ++size;
        std::int64_t& most = largest[static_cast<std::size_t>(label[cell])];
        most = std::max(most, size);
    }
    std::vector<double> share(n_cells.size(), std::numeric_limits<double>::quiet_NaN());
    for (std::size_t i = 0; i < share.size(); ++i) {
        if (n_cells[i] > 0) share[i] = static_cast<double>(largest[i]) / static_cast<double>(n_cells[i]);
    }
    return share;
}

}  // namespace morula::analysis
