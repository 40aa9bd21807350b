#include "morula/analysis/leiden.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "morula/analysis/cluster_comparison.hpp"
#include "morula/analysis/leiden_level.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

using leiden_detail::Level;
using leiden_detail::PassKey;
using leiden_detail::Refinement;

constexpr double kLeastImprovement = 1e-4;  // of modularity, a round
constexpr double kFewMoves = 1e-3;          // of the nodes: a round that begins with fewer has nothing left to gain
constexpr double kGroupResolution = 2.0;    // at least: groups must seldom have to be split again
constexpr std::uint32_t kGroupLevels = 2;             // on 100,000 cells some 4,000 groups

void check_graph(matrix::CsrView graph, Context& context) {
    if (graph.n_rows != graph.n_cols) {
        invalid_data(fmt::format("The neighbour graph has {} rows and {} columns.", graph.n_rows, graph.n_cols), "Compute it again with `morula neighbors`.");
    }
    parallel_blocks(context, graph.n_rows, 4096, [&](Block block) {
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            for (const float weight : graph.row_values(cell)) {
                if (weight >= 0.0F && std::isfinite(weight)) continue;
                invalid_data(fmt::format("The neighbour graph has an edge of weight {} at cell {} (counted from 0).", weight, cell),
                             "Weights must be 0 or more; pass connectivities, not distances or correlations.");
            }
        }
    });
}

double modularity_of(const Level& level, std::span<const std::uint32_t> cluster, double resolution, Context& context) {
    if (level.total <= 0.0) return 0.0;
    std::vector<double> strength(cluster.size(), 0.0);
    for (std::size_t node = 0; node < cluster.size(); ++node) strength[cluster[node]] += level.strength[node];
    const double inside = sum_blocks(context, level.n_nodes, 4096, [&](Block block) {
        double sum = 0.0;
        for (auto node = static_cast<std::size_t>(block.begin); node < static_cast<std::size_t>(block.end); ++node) {
            for (auto e = level.begin[node]; e < level.begin[node + 1]; ++e) {
                const auto at = static_cast<std::size_t>(e);
                if (cluster[level.target[at]] == cluster[node] && level.target[at] != node) sum += static_cast<double>(level.weight[at]);
            }
        }
        return sum;
    });
    double chance = 0.0;
    for (const double s : strength) chance += (s / level.total) * (s / level.total);
    return inside / level.total - resolution * chance;
}

/// Cluster of each part: that of any of its nodes.
std::vector<std::uint32_t> clusters_of_parts(const Refinement& refinement, std::span<const std::uint32_t> cluster) {
    std::vector<std::uint32_t> of_part(static_cast<std::size_t>(refinement.n_parts));
    for (std::size_t node = 0; node < cluster.size(); ++node) of_part[refinement.part[node]] = cluster[node];
    // Labels must lie below the number of parts: number them by first part.
    std::vector<std::uint32_t> number(cluster.size(), static_cast<std::uint32_t>(cluster.size()));
    std::uint32_t next = 0;
    for (std::uint32_t& label : of_part) {
        if (number[label] == cluster.size()) number[label] = next++;
        label = number[label];
    }
    return of_part;
}

std::int64_t count_labels(std::span<const std::uint32_t> label) {
    std::vector<std::uint8_t> used(label.size(), 0);
    for (const std::uint32_t l : label) used[l] = 1;
    return std::accumulate(used.begin(), used.end(), std::int64_t{0});
}

/// What one round made of the clusters, and how many nodes of the first level moved.
struct Round {
    std::vector<std::uint32_t> cluster;
    std::int64_t n_moves = 0;

    bool moved_few() const { return static_cast<double>(n_moves) < kFewMoves * static_cast<double>(cluster.size()); }
};

/// One round: moves, refines and aggregates level by level, from the given clusters of nodes.
Round one_round(const Level& nodes, std::vector<std::uint32_t> cluster, double resolution, PassKey& key, Context& context) {
    Round round{.cluster = std::move(cluster)};
    round.n_moves = leiden_detail::move_nodes(nodes, resolution, key.next(), round.cluster, context);
    if (round.moved_few()) return round;
    std::vector<std::uint32_t> of_node(round.cluster.size());
    std::iota(of_node.begin(), of_node.end(), 0U);
    std::vector<std::uint32_t> of_part = std::move(round.cluster);
    Level coarse;
    const Level* level = &nodes;
    while (count_labels(of_part) < level->n_nodes) {
        const Refinement refinement = leiden_detail::refine(*level, resolution, key, of_part, context);
        if (refinement.n_parts == level->n_nodes) break;
        Level next = leiden_detail::aggregate(*level, refinement, context);
        of_part = clusters_of_parts(refinement, of_part);
        for (std::uint32_t& node : of_node) node = refinement.part[node];
        coarse = std::move(next);
        level = &coarse;
        leiden_detail::move_nodes(*level, resolution, key.next(), of_part, context);
    }
    for (std::uint32_t& label : of_node) label = of_part[label];
    round.cluster = std::move(of_node);
    return round;
}

/// Rounds from the given clusters until one gains nearly nothing.
void improve(const Level& level, const LeidenOptions& options, PassKey& key, std::vector<std::uint32_t>& cluster, LeidenResult& result, Context& context) {
    result.modularity = modularity_of(level, cluster, options.resolution, context);
    result.rounds = 0;
    result.converged = false;
    while (result.rounds < options.max_rounds && !result.converged) {
        Round round = one_round(level, cluster, options.resolution, key, context);
        const double modularity_now = modularity_of(level, round.cluster, options.resolution, context);
        ++result.rounds;
        result.converged = round.moved_few() || !(modularity_now > result.modularity + kLeastImprovement);
        if (modularity_now > result.modularity) {
            result.modularity = modularity_now;
            cluster = std::move(round.cluster);
        }
    }
}

/// Small groups of well-connected cells: clustering them first leaves little to do for the cells themselves, and all resolutions of a sweep share them.
struct CellGroups {
    std::vector<std::uint32_t> of_cell;
    Level level;
};

/// The parts that refinement leaves at the second level of a round at this resolution.
CellGroups group_cells(const Level& cells, double resolution, std::uint64_t seed, Context& context) {
    CellGroups groups;
    groups.of_cell.resize(static_cast<std::size_t>(cells.n_nodes));
    std::iota(groups.of_cell.begin(), groups.of_cell.end(), 0U);
    std::vector<std::uint32_t> cluster = groups.of_cell;
    PassKey key{.seed = seed, .pass = 0};
    const Level* level = &cells;
    for (std::uint32_t i = 0; i < kGroupLevels; ++i) {
        leiden_detail::move_nodes(*level, resolution, key.next(), cluster, context);
        const Refinement refinement = leiden_detail::refine(*level, resolution, key, cluster, context);
        Level next = leiden_detail::aggregate(*level, refinement, context);
        cluster = clusters_of_parts(refinement, cluster);
        for (std::uint32_t& node : groups.of_cell) node = refinement.part[node];
        groups.level = std::move(next);
        level = &groups.level;
    }
    return groups;
}

/// cells: the level over nodes in the order of cell_of_node.
LeidenResult leiden_checked(const Level& cells, const CellGroups& groups, std::span<const std::uint32_t> cell_of_node, const LeidenOptions& options, Context& context) {
    if (!(options.resolution >= 0.0) || options.max_rounds < 1) {
        fail(ErrorCode::usage, fmt::format("leiden got resolution {} and max_rounds {}.", options.resolution, options.max_rounds), "Give a resolution of 0 or more and at least 1 round.");
    }
    LeidenResult result;
    PassKey key{.seed = options.seed, .pass = kGroupLevels};  // the passes before made the groups
    std::vector<std::uint32_t> of_group(static_cast<std::size_t>(groups.level.n_nodes));
    std::iota(of_group.begin(), of_group.end(), 0U);
    improve(groups.level, options, key, of_group, result, context);
    std::vector<std::uint32_t> cluster = groups.of_cell;
    for (std::uint32_t& label : cluster) label = of_group[label];
    improve(cells, options, key, cluster, result, context);
    // Cells that leave can part a cluster's rest; parting what no edge joins never lowers modularity.
    cluster = leiden_detail::connected_parts(cells, cluster).part;
    result.modularity = modularity_of(cells, cluster, options.resolution, context);
    std::vector<std::int32_t> labels(cluster.size());
    for (std::size_t node = 0; node < cluster.size(); ++node) labels[cell_of_node[node]] = static_cast<std::int32_t>(cluster[node]);
    result.cluster = number_by_size(labels);
    result.n_clusters = result.cluster.empty() ? 0 : 1 + *std::ranges::max_element(result.cluster);
    return result;
}

}  // namespace

std::vector<std::int32_t> number_by_size(std::span<const std::int32_t> cluster) {
    if (cluster.empty()) return {};
    const auto n_labels = static_cast<std::size_t>(1 + *std::ranges::max_element(cluster));
    std::vector<std::int64_t> size(n_labels, 0);
    std::vector<std::size_t> first(n_labels, cluster.size());
    for (std::size_t cell = 0; cell < cluster.size(); ++cell) {
        const auto label = static_cast<std::size_t>(cluster[cell]);
        ++size[label];
        first[label] = std::min(first[label], cell);
    }
    std::vector<std::int32_t> order(n_labels);
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, [&](std::int32_t a, std::int32_t b) {
        const auto i = static_cast<std::size_t>(a);
        const auto j = static_cast<std::size_t>(b);
        return size[i] > size[j] || (size[i] == size[j] && first[i] < first[j]);
    });
    std::vector<std::int32_t> number(n_labels);
    for (std::size_t rank = 0; rank < n_labels; ++rank) number[static_cast<std::size_t>(order[rank])] = static_cast<std::int32_t>(rank);
    std::vector<std::int32_t> out(cluster.size());
    for (std::size_t cell = 0; cell < cluster.size(); ++cell) out[cell] = number[static_cast<std::size_t>(cluster[cell])];
    return out;
}

const LeidenResult* KnownClusters::find(const LeidenOptions& options, double group_resolution) const {
    const auto same = [&](const Run& run) {
        return run.options.resolution == options.resolution && run.options.max_rounds == options.max_rounds && run.options.seed == options.seed && run.group_resolution == group_resolution;
    };
    const auto found = std::ranges::find_if(runs_, same);
    return found == runs_.end() ? nullptr : &found->result;
}

void KnownClusters::add(const LeidenOptions& options, double group_resolution, LeidenResult result) { runs_.push_back({options, group_resolution, std::move(result)}); }

LeidenResult leiden(matrix::CsrView graph, const LeidenOptions& options, KnownClusters& known, Context& context) {
    const double group_resolution = std::max(options.resolution, kGroupResolution);
    if (const LeidenResult* found = known.find(options, group_resolution)) return *found;
    LeidenResult result = leiden(graph, options, context);
    known.add(options, group_resolution, result);
    return result;
}

LeidenResult leiden(matrix::CsrView graph, const LeidenOptions& options, Context& context) {
    check_graph(graph, context);
    context.require_memory(graph.nnz() * 20 + graph.n_rows * 110, "leiden");
    const leiden_detail::NearbyCells nearby = leiden_detail::put_neighbors_together(graph, context);
    const Level cells = leiden_detail::first_level(nearby.graph.view(), context);
    const CellGroups groups = group_cells(cells, std::max(options.resolution, kGroupResolution), options.seed, context);
    return leiden_checked(cells, groups, nearby.cell_of_node, options, context);
}

double modularity(matrix::CsrView graph, std::span<const std::int32_t> cluster, double resolution) {
    if (static_cast<std::int64_t>(cluster.size()) != graph.n_rows) {
        fail(ErrorCode::usage, fmt::format("modularity got {} cluster labels for {} cells.", cluster.size(), graph.n_rows), "Give one label a cell.");
    }
    if (std::ranges::any_of(cluster, [](std::int32_t label) { return label < 0; })) fail(ErrorCode::usage, "A cluster label is negative.", "Number clusters from 0.");
    Context serial({.threads = 1});
    const Level level = leiden_detail::first_level(graph, serial);
    const auto numbered = number_by_size(cluster);
    const std::vector<std::uint32_t> labels(numbered.begin(), numbered.end());
    return modularity_of(level, labels, resolution, serial);
}

std::vector<LeidenSweepStep> leiden_sweep(matrix::CsrView graph, const LeidenSweepOptions& options, KnownClusters& known, Context& context) {
    check_graph(graph, context);
    const leiden_detail::NearbyCells nearby = leiden_detail::put_neighbors_together(graph, context);
    const Level cells = leiden_detail::first_level(nearby.graph.view(), context);
    const auto n_seeds = static_cast<std::size_t>(options.n_seeds);
    const double finest = options.resolutions.empty() ? kGroupResolution : std::max(kGroupResolution, *std::ranges::max_element(options.resolutions));
    std::vector<CellGroups> groups(n_seeds);
    parallel_blocks(context, options.n_seeds, 1, [&](Block block) { groups[static_cast<std::size_t>(block.index)] = group_cells(cells, finest, options.seed + static_cast<std::uint64_t>(block.index), context); });
    const auto options_of = [&](std::size_t run) { return LeidenOptions{.resolution = options.resolutions[run / n_seeds], .max_rounds = options.max_rounds, .seed = options.seed + run % n_seeds}; };
    std::vector<LeidenResult> runs(options.resolutions.size() * n_seeds);
    std::vector<std::size_t> wanted;
    for (std::size_t run = 0; run < runs.size(); ++run) {
        if (const LeidenResult* found = known.find(options_of(run), finest)) runs[run] = *found;
        else wanted.push_back(run);
    }
    Progress progress(context, "leiden", std::ssize(wanted), "runs");
    // Whole runs side by side use threads better than the parts of one run.
    parallel_blocks(context, std::ssize(wanted), 1, [&](Block block) {
        const std::size_t run = wanted[static_cast<std::size_t>(block.index)];
        runs[run] = leiden_checked(cells, groups[run % n_seeds], nearby.cell_of_node, options_of(run), context);
        progress.advance(1);
    });
    for (const std::size_t run : wanted) known.add(options_of(run), finest, runs[run]);
    std::vector<LeidenSweepStep> steps;
    for (std::size_t r = 0; r < options.resolutions.size(); ++r) {
        const std::span<LeidenResult> own = std::span(runs).subspan(r * n_seeds, n_seeds);
        LeidenSweepStep step{.resolution = options.resolutions[r], .clusters = {}, .stability = 1.0, .fewest_clusters = own[0].n_clusters, .most_clusters = own[0].n_clusters};
        double agreement = 0.0;
        std::int32_t n_pairs = 0;
        for (std::size_t a = 0; a < own.size(); ++a) {
            step.fewest_clusters = std::min(step.fewest_clusters, own[a].n_clusters);
            step.most_clusters = std::max(step.most_clusters, own[a].n_clusters);
            for (std::size_t b = a + 1; b < own.size(); ++b, ++n_pairs) agreement += adjusted_rand_index(own[a].cluster, own[b].cluster);
        }
        if (n_pairs > 0) step.stability = agreement / n_pairs;
        step.clusters = std::move(own[0]);
        steps.push_back(std::move(step));
    }
    return steps;
}

}  // namespace morula::analysis
