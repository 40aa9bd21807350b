#include "morula/analysis/cnv_clones.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "morula/analysis/connectivities.hpp"
#include "morula/analysis/leiden.hpp"
#include "morula/analysis/neighbors.hpp"
#include "morula/analysis/pca.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kPieceGenes = 50;
constexpr std::int64_t kFewestPieceGenes = 15;
constexpr std::int64_t kMostComponents = 20;
constexpr std::int32_t kMostNeighbors = 15;
constexpr int kMostSplits = 3;

/// Rows of a dense matrix as a source; every value is stored.
class DenseRows final : public matrix::RowBlockSource {
public:
    DenseRows(matrix::DenseView<const float> all, std::span<const std::int64_t> rows) : all_(all), rows_(rows) {}
    std::int64_t n_rows() const override { return std::ssize(rows_); }
    std::int64_t n_cols() const override { return all_.n_cols; }
    std::int64_t nnz() const override { return n_rows() * n_cols(); }
    matrix::CsrView read(matrix::Range range, matrix::CsrScratch& scratch) const override {
        matrix::Csr& to = scratch.csr;
        to.start(range.size(), n_cols());
        for (std::int64_t row = range.begin; row < range.end; ++row) {
            const std::span<const float> from = all_.row(rows_[static_cast<std::size_t>(row)]);
            to.values.insert(to.values.end(), from.begin(), from.end());
            for (std::int64_t col = 0; col < n_cols(); ++col) to.indices.push_back(static_cast<std::uint32_t>(col));
            to.end_row();
        }
        return to.view();
    }

private:
    matrix::DenseView<const float> all_;
    std::span<const std::int64_t> rows_;
};

/// Arms and their pieces, as ranges of genes.
std::vector<std::pair<std::int64_t, std::int64_t>> units_of(const CnvGenome& genome) {
    std::vector<std::pair<std::int64_t, std::int64_t>> units;
    const std::vector<std::int64_t> borders = arm_borders(genome);
    for (std::size_t arm = 0; arm + 1 < borders.size(); ++arm) {
        const std::int64_t n = borders[arm + 1] - borders[arm];
        if (n < kFewestPieceGenes) continue;
        units.emplace_back(borders[arm], borders[arm + 1]);
        const std::int64_t n_pieces = n / kPieceGenes;
        for (std::int64_t piece = 0; piece < n_pieces && n_pieces > 1; ++piece) units.emplace_back(borders[arm] + n * piece / n_pieces, borders[arm] + n * (piece + 1) / n_pieces);
    }
    return units;
}

/// Clusters of the cells' windows: codes from 0. One cluster where there are too few cells for two.
std::vector<std::int32_t> cluster(const CnvHalves& halves, std::span<const std::int64_t> cells, const CnvCloneOptions& options, Context& context) {
    const std::int64_t n = std::ssize(cells);
    if (n < 2 * options.min_cells || n < 6 || halves.windows.n_cols < 2) return std::vector<std::int32_t>(cells.size(), 0);
    const DenseRows rows(halves.windows, cells);
    const auto n_components = static_cast<std::int32_t>(std::min({kMostComponents, n - 1, halves.windows.n_cols}));
    const PcaResult components = pca(rows, {.n_components = n_components}, context);
    NeighborsOptions near;
    near.n_neighbors = static_cast<std::int32_t>(std::min<std::int64_t>(kMostNeighbors, std::max<std::int64_t>(3, n / 3)));
    near.seed = options.seed;
    const NeighborsResult neighbors = analysis::neighbors(components.embedding.view(), near, context);
    const matrix::Csr graph = fuzzy_connectivities(neighbors, context);
    return leiden(graph.view(), {.resolution = options.resolution, .max_rounds = 20, .seed = options.seed}, context).cluster;
}

/// One cluster, while clusters are joined.
struct Joined {
    std::int64_t n_cells = 0;
    std::vector<double> sums;
    std::vector<std::int32_t> members;  // of the clusters given
};

/// Joins clusters until all differ; returns the joined cluster of each given one.
std::vector<std::int32_t> join_alike(const matrix::Dense<double>& sums, std::span<const std::int32_t> clusters, std::span<const std::int64_t> n_cells, const CnvHalves& halves, const CnvCloneOptions& options,
                                     const CnvCallOptions& calls, Context& context) {
    std::vector<Joined> list;
    for (std::size_t i = 0; i < clusters.size(); ++i) {
        const std::span<const double> row = sums.row(clusters[i]);
        list.push_back({n_cells[i], {row.begin(), row.end()}, {static_cast<std::int32_t>(i)}});
    }
    const double most_log10_p = std::log10(calls.alpha / static_cast<double>(std::max<std::size_t>(1, units_of(halves.genome).size())));
    const std::size_t n = list.size();
    std::vector<double> difference(n * n, 0.0);  // log10 p; 0: alike
    const auto compare = [&](std::size_t a, std::size_t b) { difference[a * n + b] = difference[b * n + a] = cnv_difference(list[a].sums, list[b].sums, halves.genome, halves.null_inflation, calls.min_shift); };
    parallel_blocks(context, static_cast<std::int64_t>(n * n), 4, [&](Block block) {
        for (std::int64_t pair = block.begin; pair < block.end; ++pair) {
            const auto a = static_cast<std::size_t>(pair) / n, b = static_cast<std::size_t>(pair) % n;
            if (a < b) compare(a, b);
        }
    });
    for (;;) {
        std::size_t from = n, to = n;
        double alike = -1e300;
        bool small = false;
        for (std::size_t a = 0; a < n; ++a) {
            for (std::size_t b = a + 1; b < n; ++b) {
                if (list[a].members.empty() || list[b].members.empty()) continue;
                const bool is_small = std::min(list[a].n_cells, list[b].n_cells) < options.min_cells;
                if ((is_small && !small) || (is_small == small && difference[a * n + b] > alike)) {
                    small = is_small;
                    alike = difference[a * n + b];
                    to = a;
                    from = b;
                }
            }
        }
        if (to == n || (!small && alike <= most_log10_p)) break;
        list[to].n_cells += list[from].n_cells;
        for (std::size_t g = 0; g < list[to].sums.size(); ++g) list[to].sums[g] += list[from].sums[g];
        list[to].members.insert(list[to].members.end(), list[from].members.begin(), list[from].members.end());
        list[from] = {};
        parallel_blocks(context, static_cast<std::int64_t>(n), 1, [&](Block block) {
            const auto other = static_cast<std::size_t>(block.begin);
            if (other != to && !list[other].members.empty()) compare(std::min(to, other), std::max(to, other));
        });
    }
    std::vector<std::int32_t> joined(clusters.size(), 0);
    std::int32_t number = 0;
    for (const Joined& each : list) {
        for (const std::int32_t member : each.members) joined[static_cast<std::size_t>(member)] = number;
        number += each.members.empty() ? 0 : 1;
    }
    return joined;
}

/// Cells of one donor that are not split, or not split yet.
struct Part {
    std::vector<std::int64_t> cells;
    bool is_open = true;
};
using Parts = std::vector<Part>;

/// Sets of clusters that may be joined; a cluster's cells are in `cluster_of_cell`.
struct Clusters {
    std::vector<std::int32_t> of_cell;
    std::vector<std::int64_t> n_cells;
    std::vector<std::vector<std::int32_t>> sets;
    void add_set(std::span<const std::int64_t> cells, std::span<const std::int32_t> codes) {
        const auto first = static_cast<std::int32_t>(n_cells.size());
        std::vector<std::int32_t> set;
        for (const std::int32_t code : codes) {
            while (std::ssize(n_cells) <= first + code) {
                set.push_back(static_cast<std::int32_t>(n_cells.size()));
                n_cells.push_back(0);
            }
        }
        for (std::size_t i = 0; i < cells.size(); ++i) {
            of_cell[static_cast<std::size_t>(cells[i])] = first + codes[i];
            ++n_cells[static_cast<std::size_t>(first + codes[i])];
        }
        sets.push_back(std::move(set));
    }
};

/// Joined cluster of each cluster, numbered from 0 within its set.
std::vector<std::int32_t> join_sets(const Clusters& clusters, const CnvHalves& halves, const CnvCloneOptions& options, const CnvCallOptions& calls, Context& context) {
    const matrix::Dense<double> sums = pooled_values(halves.counts, clusters.of_cell, static_cast<std::int32_t>(clusters.n_cells.size()), context);
    std::vector<std::int32_t> joined(clusters.n_cells.size(), 0);
    for (const std::vector<std::int32_t>& set : clusters.sets) {
        std::vector<std::int64_t> n_cells;
        for (const std::int32_t each : set) n_cells.push_back(clusters.n_cells[static_cast<std::size_t>(each)]);
        const std::vector<std::int32_t> numbers = join_alike(sums, set, n_cells, halves, options, calls, context);
        for (std::size_t i = 0; i < set.size(); ++i) joined[static_cast<std::size_t>(set[i])] = numbers[i];
    }
    return joined;
}

/// Splits every open part where that is supported.
Parts split_parts(Parts parts, const CnvHalves& halves, const CnvCloneOptions& options, const CnvCallOptions& calls, Context& context) {
    Clusters clusters;
    clusters.of_cell.assign(static_cast<std::size_t>(halves.windows.n_rows), -1);
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (!parts[i].is_open) continue;
        open.push_back(i);
        clusters.add_set(parts[i].cells, cluster(halves, parts[i].cells, options, context));
    }
    const std::vector<std::int32_t> joined = join_sets(clusters, halves, options, calls, context);
    Parts out;
    for (const Part& part : parts) {
        if (!part.is_open) out.push_back(part);
    }
    for (const std::size_t i : open) {
        std::map<std::int32_t, Part> pieces;
        for (const std::int64_t cell : parts[i].cells) pieces[joined[static_cast<std::size_t>(clusters.of_cell[static_cast<std::size_t>(cell)])]].cells.push_back(cell);
        for (auto& [number, piece] : pieces) {
            piece.is_open = pieces.size() > 1;
            out.push_back(std::move(piece));
        }
    }
    return out;
}

}  // namespace

double cnv_difference(std::span<const double> a, std::span<const double> b, const CnvGenome& genome, double null_inflation, double min_shift) {
    const CnvRatios ratios = cnv_ratios(a, b, genome);
    double least = 0.0;
    for (const auto& [begin, end] : units_of(genome)) {
        const CnvStretch stretch = cnv_stretch(ratios, begin, end);
        if (stretch.n_genes >= kFewestPieceGenes && std::abs(stretch.mean) >= min_shift) least = std::min(least, cnv_log10_p(stretch.z, ratios, null_inflation));
    }
    return least;
}

std::vector<std::int32_t> split_cells(const CnvHalves& halves, std::span<const std::int32_t> donor, const CnvCloneOptions& options, const CnvCallOptions& calls, Context& context) {
    check_fields(options);
    check_fields(calls);
    const std::int64_t n_cells = halves.windows.n_rows;
    MORULA_ASSERT(std::ssize(donor) == n_cells && halves.counts.n_rows() == n_cells);
    std::map<std::int32_t, Part> by_donor;
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        if (donor[static_cast<std::size_t>(cell)] >= 0) by_donor[donor[static_cast<std::size_t>(cell)]].cells.push_back(cell);
    }
    Parts parts;
    for (auto& [code, part] : by_donor) parts.push_back(std::move(part));
    for (int round = 0; round < kMostSplits && std::any_of(parts.begin(), parts.end(), [](const Part& part) { return part.is_open; }); ++round) {
        parts = split_parts(std::move(parts), halves, options, calls, context);
    }

    // Groups that came from different splits of a donor may be alike.
    Clusters clusters;
    clusters.of_cell.assign(static_cast<std::size_t>(n_cells), -1);
    std::map<std::int32_t, std::pair<std::vector<std::int64_t>, std::vector<std::int32_t>>> of_donor;
    for (const Part& part : parts) {
        auto& [cells, codes] = of_donor[donor[static_cast<std::size_t>(part.cells.front())]];
        const std::int32_t code = codes.empty() ? 0 : codes.back() + 1;
        cells.insert(cells.end(), part.cells.begin(), part.cells.end());
        codes.insert(codes.end(), part.cells.size(), code);
    }
    for (const auto& [code, group] : of_donor) clusters.add_set(group.first, group.second);
    const std::vector<std::int32_t> joined = join_sets(clusters, halves, options, calls, context);
    std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> number;
    std::vector<std::int32_t> group(static_cast<std::size_t>(n_cells), -1);
    std::vector<std::int32_t> used;
    for (std::size_t cell = 0; cell < group.size(); ++cell) {
        if (donor[cell] < 0) continue;
        const auto [found, fresh] = number.emplace(std::pair{donor[cell], joined[static_cast<std::size_t>(clusters.of_cell[cell])]}, static_cast<std::int32_t>(number.size()));
        group[cell] = found->second;
        used.push_back(found->second);
    }
    const std::vector<std::int32_t> by_size = number_by_size(used);
    for (std::size_t cell = 0, i = 0; cell < group.size(); ++cell) {
        if (group[cell] >= 0) group[cell] = by_size[i++];
    }
    return group;
}

}  // namespace morula::analysis
