#include "morula/analysis/merge_clusters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "morula/analysis/hypergeometric_draw.hpp"
#include "morula/analysis/marker_statistics.hpp"
#include "morula/analysis/p_values.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"

namespace morula::analysis {
namespace {

constexpr std::size_t kGenesNamed = 5;
constexpr std::int64_t kDeepCell = 1 << 16;  // counts; above what droplets hold

std::vector<std::vector<std::int64_t>> cells_of_clusters(std::span<const std::int32_t> cluster, std::int32_t n_clusters) {
    std::vector<std::vector<std::int64_t>> cells(static_cast<std::size_t>(n_clusters));
    for (std::size_t cell = 0; cell < cluster.size(); ++cell) {
        if (cluster[cell] < -1 || cluster[cell] >= n_clusters) invalid_data(fmt::format("A cluster code is {}, codes go from 0 to {}.", cluster[cell], n_clusters - 1), "Give codes of the clusters.");
        if (cluster[cell] >= 0) cells[static_cast<std::size_t>(cluster[cell])].push_back(static_cast<std::int64_t>(cell));
    }
    return cells;
}

/// Edge weight between clusters over the smaller of their totals; n_clusters x n_clusters.
matrix::Dense<double> link_table(matrix::CsrView graph, std::span<const std::int32_t> cluster, std::int32_t n_clusters) {
    matrix::Dense<double> weight(n_clusters, n_clusters);
    for (std::int64_t cell = 0; cell < graph.n_rows; ++cell) {
        const std::int32_t a = cluster[static_cast<std::size_t>(cell)];
        if (a < 0) continue;
        const auto neighbors = graph.row_indices(cell);
        const auto values = graph.row_values(cell);
        for (std::size_t i = 0; i < neighbors.size(); ++i) {
            const std::int32_t b = cluster[neighbors[i]];
            if (b >= 0) weight(a, b) += static_cast<double>(values[i]);
        }
    }
    std::vector<double> total(static_cast<std::size_t>(n_clusters), 0.0);
    for (std::int32_t a = 0; a < n_clusters; ++a) {
        for (std::int32_t b = 0; b < n_clusters; ++b) total[static_cast<std::size_t>(a)] += weight(a, b);
    }
    matrix::Dense<double> link(n_clusters, n_clusters);
    for (std::int32_t a = 0; a < n_clusters; ++a) {
        for (std::int32_t b = 0; b < n_clusters; ++b) {
            const double least = std::min(total[static_cast<std::size_t>(a)], total[static_cast<std::size_t>(b)]);
            link(a, b) = a != b && least > 0.0 ? weight(a, b) / least : 0.0;
        }
    }
    return link;
}

/// One drawn cell: its counts and its depth.
struct DrawnCell {
    std::vector<std::uint32_t> genes;
    std::vector<std::int64_t> counts;
    std::int64_t total = 0;
};

/// Up to n cells of a cluster at random, increasing.
std::vector<std::int64_t> draw_cells(std::vector<std::int64_t> cells, std::int64_t n, std::uint64_t seed, std::int64_t cluster) {
    Random random(seed, Purpose::subsample, static_cast<std::uint64_t>(cluster), 0);
    const auto size = static_cast<std::int64_t>(cells.size());
    const std::int64_t kept = std::min(n, size);
    for (std::int64_t i = 0; i < kept; ++i) std::swap(cells[static_cast<std::size_t>(i)], cells[static_cast<std::size_t>(i) + random.below(static_cast<std::uint64_t>(size - i))]);
    cells.resize(static_cast<std::size_t>(kept));
    std::sort(cells.begin(), cells.end());
    return cells;
}

std::vector<DrawnCell> read_cells(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& cells) {
    std::vector<DrawnCell> drawn(cells.size());
    matrix::CsrScratch scratch;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const matrix::CsrView row = counts.read({cells[i], cells[i] + 1}, scratch);
        const auto genes = row.row_indices(0);
        const auto values = row.row_values(0);
        for (std::size_t k = 0; k < genes.size(); ++k) {
            const std::int64_t count = std::llround(static_cast<double>(values[k]));
            if (count <= 0) continue;
            drawn[i].genes.push_back(genes[k]);
            drawn[i].counts.push_back(count);
            drawn[i].total += count;
        }
    }
    // By depth, so that two clusters are compared cell by cell of like rank.
    std::stable_sort(drawn.begin(), drawn.end(), [](const DrawnCell& a, const DrawnCell& b) { return a.total < b.total; });
    return drawn;
}

/// How many of `count` counts are kept when `wanted` of `left` are to be, count by count.
std::int64_t kept_one_by_one(std::int64_t count, std::int64_t left, std::int64_t wanted, Random& random) {
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < count; ++i, --left) {
        if (static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(left))) < wanted - kept) ++kept;
    }
    return kept;
}

/// `wanted` of the cell's counts without replacement, gene by gene, each with the share still wanted. Counts of deep cells (full-length protocols without molecular
/// barcodes) are drawn a gene at a time: one by one they took most of a run's time.
void thin(DrawnCell& cell, std::int64_t wanted, Random& random) {
    const bool deep = cell.total > kDeepCell;
    std::int64_t left = cell.total;
    std::int64_t still = wanted;
    for (std::int64_t& count : cell.counts) {
        const std::int64_t kept = deep ? hypergeometric_draw(left, still, count, random) : kept_one_by_one(count, left, still, random);
        left -= count;
        still -= kept;
        count = kept;
    }
    cell.total = wanted;
}

/// Cells of `own`, each thinned to the depth of the cell of `other` at the same place in the order of depths, where that one is shallower.
std::vector<DrawnCell> thinned_to(const std::vector<DrawnCell>& own, const std::vector<DrawnCell>& other, std::uint64_t seed, std::uint64_t stream, const Context& context) {
    std::vector<DrawnCell> out = own;
    for (std::size_t i = 0; i < out.size(); ++i) {
        context.check_cancelled();
        Random random(seed, Purpose::bootstrap, stream, static_cast<std::uint32_t>(i));
        const std::int64_t depth = other[i * other.size() / out.size()].total;
        if (out[i].total > depth) thin(out[i], depth, random);
    }
    return out;
}

/// Adds the log values of a group, gene by gene.
void add_group(const std::vector<DrawnCell>& group, std::uint32_t first_cell, double target, std::vector<GeneEntries>& genes) {
    for (std::size_t i = 0; i < group.size(); ++i) {
        if (group[i].total == 0) continue;
        const double scale = target / static_cast<double>(group[i].total);
        for (std::size_t k = 0; k < group[i].genes.size(); ++k) {
            if (group[i].counts[k] == 0) continue;
            GeneEntries& gene = genes[group[i].genes[k]];
            gene.rows.push_back(first_cell + static_cast<std::uint32_t>(i));
            gene.values.push_back(matrix::log1p_scaled_value(static_cast<float>(group[i].counts[k]), scale));
        }
    }
}

struct GeneTest {
    std::vector<double> auc;      // first over second
    std::vector<double> log10_p;
};

GeneTest test_genes(const std::vector<DrawnCell>& first, const std::vector<DrawnCell>& second, std::int64_t n_genes) {
    const auto n_first = static_cast<std::int64_t>(first.size());
    const auto n_second = static_cast<std::int64_t>(second.size());
    // Cells of the second group come after those of the first.
    std::vector<GeneEntries> genes(static_cast<std::size_t>(n_genes));
    constexpr double kTarget = 1e4;
    add_group(first, 0, kTarget, genes);
    add_group(second, static_cast<std::uint32_t>(n_first), kTarget, genes);
    std::vector<std::int32_t> code(first.size() + second.size(), 0);
    std::fill(code.begin() + static_cast<std::ptrdiff_t>(n_first), code.end(), 1);
    const CellGroups groups{code, {n_first, n_second}, n_first + n_second};
    GeneTest test{std::vector<double>(static_cast<std::size_t>(n_genes), std::nan("")), std::vector<double>(static_cast<std::size_t>(n_genes), std::nan(""))};
    GeneScratch scratch;
    GeneStatistics gene;
    const auto a = static_cast<double>(n_first);
    const auto b = static_cast<double>(n_second);
    const double n_all = a + b;
    for (std::size_t g = 0; g < genes.size(); ++g) {
        if (genes[g].rows.empty()) continue;
        gene_statistics(genes[g], groups, PairwiseWins::not_wanted, scratch, gene);
        const double wins = gene.rank_sum[0] - a * (a + 1.0) / 2.0;
        const double deviation = std::sqrt((1.0 - gene.tie_term / (n_all * n_all * n_all - n_all)) * a * b * (n_all + 1.0) / 12.0);
        test.auc[g] = wins / (a * b);
        test.log10_p[g] = deviation > 0.0 ? log10_p_normal((wins - a * b / 2.0) / deviation) : 0.0;
    }
    return test;
}

ClusterPair compare(const std::vector<DrawnCell>& a, const std::vector<DrawnCell>& b, ClusterPair pair, std::int64_t n_genes, const MergeClustersOptions& options, std::uint64_t pair_number,
                    const Context& context) {
    const GeneTest test = test_genes(thinned_to(a, b, options.seed, 2 * pair_number, context), thinned_to(b, a, options.seed, 2 * pair_number + 1, context), n_genes);
    const std::vector<double> fdr = log10_fdr(test.log10_p);
    const double limit = std::log10(options.max_fdr);
    std::vector<std::pair<double, std::int64_t>> best;
    for (std::size_t g = 0; g < test.auc.size(); ++g) {
        if (std::isnan(test.auc[g])) continue;
        best.emplace_back(-std::abs(test.auc[g] - 0.5), static_cast<std::int64_t>(g));
        if (!(fdr[g] <= limit)) continue;
        pair.n_up_first += test.auc[g] >= options.min_auc ? 1 : 0;
        pair.n_up_second += test.auc[g] <= 1.0 - options.min_auc ? 1 : 0;
    }
    const std::size_t n_named = std::min(kGenesNamed, best.size());
    std::partial_sort(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(n_named), best.end());
    for (std::size_t i = 0; i < n_named; ++i) pair.genes.push_back(best[i].second);
    pair.offered = pair.n_up_first < options.min_genes && pair.n_up_second < options.min_genes;
    return pair;
}

/// Groups of clusters if all offers were taken, numbered by their smallest cluster.
void group_offers(std::int32_t n_clusters, MergeClustersResult& result) {
    std::vector<std::int32_t> root(static_cast<std::size_t>(n_clusters));
    std::iota(root.begin(), root.end(), 0);
    const auto find = [&](std::int32_t cluster) {
        while (root[static_cast<std::size_t>(cluster)] != cluster) cluster = root[static_cast<std::size_t>(cluster)];
        return cluster;
    };
    for (const ClusterPair& pair : result.pairs) {
        if (!pair.offered) continue;
        const std::int32_t a = find(pair.first);
        const std::int32_t b = find(pair.second);
        root[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
    }
    std::vector<std::int32_t> number(static_cast<std::size_t>(n_clusters), -1);
    for (std::int32_t cluster = 0; cluster < n_clusters; ++cluster) {
        std::int32_t& own = number[static_cast<std::size_t>(find(cluster))];
        if (own < 0) own = result.n_merged++;
        result.merged.push_back(own);
    }
}

std::string verdict(const MergeClustersResult& result, std::int32_t n_clusters) {
    const auto offers = std::count_if(result.pairs.begin(), result.pairs.end(), [](const ClusterPair& pair) { return pair.offered; });
    if (result.no_supported_split) {
        return fmt::format("No supported split: the {} clusters hang together by pairs that too few genes tell apart, once their depths are made alike. They may be one type of cell.", n_clusters);
    }
    if (offers == 0) return "Every pair of neighbouring clusters is told apart by enough genes.";
    return fmt::format("{} pairs of neighbouring clusters lack genes that tell them apart and are offered for merging; taken together that leaves {} groups.", offers, result.n_merged);
}

}  // namespace

MergeClustersResult merge_clusters(const matrix::RowBlockSource& counts, matrix::CsrView graph, std::span<const std::int32_t> cluster, std::int32_t n_clusters, const MergeClustersOptions& options,
                                   Context& context) {
    if (static_cast<std::int64_t>(cluster.size()) != counts.n_rows() || graph.n_rows != counts.n_rows()) {
        invalid_data(fmt::format("{} cluster codes, {} cells and a graph of {} cells do not belong together.", cluster.size(), counts.n_rows(), graph.n_rows), "Give the graph and the clusters of these cells.");
    }
    const std::vector<std::vector<std::int64_t>> cells = cells_of_clusters(cluster, n_clusters);
    const matrix::Dense<double> link = link_table(graph, cluster, n_clusters);
    std::vector<std::vector<DrawnCell>> drawn(cells.size());
    parallel_blocks(context, n_clusters, 1, [&](Block block) {
        const auto c = static_cast<std::size_t>(block.index);
        drawn[c] = read_cells(counts, draw_cells(cells[c], options.cells_per_cluster, options.seed, block.index));
    });
    MergeClustersResult result;
    for (std::int32_t a = 0; a < n_clusters; ++a) {
        for (std::int32_t b = a + 1; b < n_clusters; ++b) {
            if (link(a, b) >= options.min_link && !drawn[static_cast<std::size_t>(a)].empty() && !drawn[static_cast<std::size_t>(b)].empty()) {
                ClusterPair pair;
                pair.first = a;
                pair.second = b;
                pair.link = link(a, b);
                result.pairs.push_back(pair);
            }
        }
    }
    parallel_blocks(context, static_cast<std::int64_t>(result.pairs.size()), 1, [&](Block block) {
        ClusterPair& pair = result.pairs[static_cast<std::size_t>(block.index)];
        const auto number = static_cast<std::uint64_t>(pair.first) * static_cast<std::uint64_t>(n_clusters) + static_cast<std::uint64_t>(pair.second);
        pair = compare(drawn[static_cast<std::size_t>(pair.first)], drawn[static_cast<std::size_t>(pair.second)], pair, counts.n_cols(), options, number, context);
    });
    group_offers(n_clusters, result);
    result.no_supported_split = n_clusters > 1 && result.n_merged == 1;
    result.sentence = verdict(result, n_clusters);
    return result;
}

}  // namespace morula::analysis
