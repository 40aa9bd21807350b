#include "morula/analysis/markers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include "morula/analysis/counted_gene.hpp"
#include "morula/analysis/marker_statistics.hpp"
#include "morula/analysis/marker_values.hpp"
#include "morula/analysis/p_values.hpp"
#include "morula/analysis/sort_keys.hpp"
#include "morula/core/checked_cast.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::analysis {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kTiny = 1e-9;               // scanpy's pseudocount of fold changes
constexpr double kRoundingShare = 1e-12;
constexpr std::int64_t kGenesPerTask = 16;

CellGroups make_groups(std::span<const std::int32_t> cluster, std::int32_t n_clusters, std::int64_t n_cells) {
    if (static_cast<std::int64_t>(cluster.size()) != n_cells) {
        invalid_data(fmt::format("There are {} cluster codes for {} cells.", cluster.size(), n_cells), "Give one code a cell.");
    }
    CellGroups groups{cluster, std::vector<std::int64_t>(static_cast<std::size_t>(n_clusters), 0), 0};
    for (std::size_t cell = 0; cell < cluster.size(); ++cell) {
        if (cluster[cell] < -1 || cluster[cell] >= n_clusters) {
            invalid_data(fmt::format("Cell {} has cluster code {}, codes go from 0 to {}.", cell, cluster[cell], n_clusters - 1), "Give codes of the clusters.");
        }
        if (cluster[cell] < 0) continue;
        ++groups.n_cells[static_cast<std::size_t>(cluster[cell])];
        ++groups.n_total;
    }
    return groups;
}

MarkersResult make_result(std::int64_t n_genes, const CellGroups& groups) {
    MarkersResult out;
    const std::int64_t k = groups.n_groups();
    out.n_cells = groups.n_cells;
    for (auto* matrix : {&out.z, &out.log10_p, &out.t, &out.log10_p_t, &out.log10_fdr, &out.cohens_d, &out.log2fc, &out.log2fc_scanpy1, &out.mean_in, &out.mean_out, &out.pct_in, &out.pct_out}) {
        *matrix = matrix::Dense<float>(n_genes, k);
    }
    out.auc = matrix::Dense<double>(n_genes, k);
    out.min_rank = matrix::Dense<std::int32_t>(n_genes, k);
    return out;
}

/// Mean and variance (n - 1) of one side of a comparison.
struct Side {
    double n = 0.0;
    double mean = kNaN;
    double variance = kNaN;
};
Side make_side(double n, double sum, double sum_of_squares) {
    Side side{n, kNaN, kNaN};
    if (n > 0.0) side.mean = sum / n;
    if (n > 1.0) {
        side.variance = (sum_of_squares - n * side.mean * side.mean) / (n - 1.0);
        // Below this share of the mean's square there is only what rounding leaves of a constant gene.
        if (side.variance < kRoundingShare * side.mean * side.mean) side.variance = 0.0;
    }
    return side;
}

struct Welch {
    double t = kNaN;
    double df = kNaN;
};
Welch welch(const Side& in, const Side& out) {
    if (std::isnan(in.variance) || std::isnan(out.variance)) return {};
    const double a = in.variance / in.n;
    const double b = out.variance / out.n;
    if (a + b == 0.0) {
        const double difference = in.mean - out.mean;
        return {difference == 0.0 ? 0.0 : std::copysign(std::numeric_limits<double>::infinity(), difference), 1.0};
    }
    return {(in.mean - out.mean) / std::sqrt(a + b), (a + b) * (a + b) / (a * a / (in.n - 1.0) + b * b / (out.n - 1.0))};
}

double cohens_d(const Side& in, const Side& out) {
    if (std::isnan(in.variance) || std::isnan(out.variance)) return kNaN;
    const double pooled = std::sqrt((in.variance + out.variance) / 2.0);
    if (pooled == 0.0) return in.mean == out.mean ? 0.0 : std::copysign(std::numeric_limits<double>::infinity(), in.mean - out.mean);
    return (in.mean - out.mean) / pooled;
}

GroupSums totals_of(const GeneStatistics& gene) {
    GroupSums all;
    for (const GroupSums& group : gene.sums) {
        all.sum += group.sum;
        all.sum_of_squares += group.sum_of_squares;
        all.sum_expm1 += group.sum_expm1;
        all.n_nonzero += group.n_nonzero;
    }
    return all;
}

/// Everything of one gene and one cluster against the rest.
void fill(const GeneStatistics& gene, const GroupSums& all, const CellGroups& groups, const MarkersOptions& options, std::int64_t g, std::int64_t k, MarkersResult& out) {
    const auto group = static_cast<std::size_t>(k);
    const auto n_all = static_cast<double>(groups.n_total);
    const auto n_in = static_cast<double>(groups.n_cells[group]);
    const double n_out = n_all - n_in;
    const GroupSums& own = gene.sums[group];
    const Side in = make_side(n_in, own.sum, own.sum_of_squares);
    const Side rest = make_side(n_out, all.sum - own.sum, all.sum_of_squares - own.sum_of_squares);
    const Welch test = welch(in, rest);
    const double wins = gene.rank_sum[group] - n_in * (n_in + 1.0) / 2.0;
    const double ties = options.tie_correct ? 1.0 - gene.tie_term / (n_all * n_all * n_all - n_all) : 1.0;
    const double deviation = std::sqrt(ties * n_in * n_out * (n_all + 1.0) / 12.0);
    const bool empty = n_in == 0.0 || n_out == 0.0;
    const double z = empty ? kNaN : deviation > 0.0 ? (wins - n_in * n_out / 2.0) / deviation : 0.0;
    const auto put = [&](matrix::Dense<float>& matrix, double value) { matrix(g, k) = static_cast<float>(value); };
    out.auc(g, k) = empty ? kNaN : wins / (n_in * n_out);
    put(out.z, z);
    put(out.log10_p, log10_p_normal(z));
    put(out.t, test.t);
    put(out.log10_p_t, log10_p_student(test.t, test.df));
    put(out.cohens_d, cohens_d(in, rest));
    put(out.mean_in, in.mean);
    put(out.mean_out, rest.mean);
    put(out.pct_in, n_in > 0.0 ? own.n_nonzero / n_in : kNaN);
    put(out.pct_out, n_out > 0.0 ? (all.n_nonzero - own.n_nonzero) / n_out : kNaN);
    const double linear_in = own.sum_expm1 / n_in;
    const double linear_out = std::max(0.0, all.sum_expm1 - own.sum_expm1) / n_out;
    put(out.log2fc, empty ? kNaN : std::log2((linear_in + kTiny) / (linear_out + kTiny)));
    put(out.log2fc_scanpy1, empty ? kNaN : std::log2((std::expm1(in.mean) + kTiny) / (std::expm1(std::max(0.0, rest.mean)) + kTiny)));
}

/// Effect of each gene in every pair of clusters, (n_clusters * n_clusters) x n_genes, so that a comparison lies together; row over column.
using PairEffects = matrix::Dense<float>;

/// The effects of the genes of one task, pair by pair; copied out in runs, since gene by gene every value would touch a cache line of its own.
class PairBlock {
public:
    PairBlock(std::int64_t n_clusters, std::int64_t n_genes) : n_clusters_(n_clusters), n_genes_(n_genes), effects_(static_cast<std::size_t>(n_clusters * n_clusters * n_genes)) {}

    void add_auc(const GeneStatistics& gene, const CellGroups& groups, std::int64_t local) {
        each_pair([&](std::size_t a, std::size_t b) {
            const double pairs = static_cast<double>(groups.n_cells[a]) * static_cast<double>(groups.n_cells[b]);
            return pairs > 0.0 ? gene.pair_wins[a * static_cast<std::size_t>(n_clusters_) + b] / pairs : kNaN;
        }, local);
    }
    void add_d(const GeneStatistics& gene, const CellGroups& groups, std::int64_t local) {
        std::vector<Side> sides;
        for (std::size_t a = 0; a < groups.n_cells.size(); ++a) sides.push_back(make_side(static_cast<double>(groups.n_cells[a]), gene.sums[a].sum, gene.sums[a].sum_of_squares));
        each_pair([&](std::size_t a, std::size_t b) { return cohens_d(sides[a], sides[b]); }, local);
    }
    void copy_to(std::int64_t first_gene, PairEffects& out) const {
        for (std::int64_t pair = 0; pair < n_clusters_ * n_clusters_; ++pair) {
            const auto from = effects_.begin() + static_cast<std::ptrdiff_t>(pair * n_genes_);
            std::copy(from, from + static_cast<std::ptrdiff_t>(n_genes_), out.row(pair).begin() + static_cast<std::ptrdiff_t>(first_gene));
        }
    }

private:
    template <class Effect>
    void each_pair(Effect effect, std::int64_t local) {
        for (std::int64_t a = 0; a < n_clusters_; ++a) {
            for (std::int64_t b = 0; b < n_clusters_; ++b) {
                effects_[static_cast<std::size_t>((a * n_clusters_ + b) * n_genes_ + local)] = static_cast<float>(effect(static_cast<std::size_t>(a), static_cast<std::size_t>(b)));
            }
        }
    }
    std::int64_t n_clusters_;
    std::int64_t n_genes_;
    std::vector<float> effects_;
};

/// A key whose upper half orders floats from large to small.
std::uint64_t descending_key(float value, std::int64_t gene) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t ascending = (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
    return static_cast<std::uint64_t>(~ascending) << 32 | static_cast<std::uint64_t>(gene);
}

/// Ranks genes in every comparison and keeps the best rank of each, cluster by cluster; equal effects by gene index.
void fill_min_ranks(const PairEffects& effects, std::int64_t k, MarkersResult& out, Context& context) {
    parallel_blocks(context, k, 1, [&](Block block) {
        const std::int64_t a = block.index;
        std::vector<std::uint64_t> keys;
        std::vector<std::uint64_t> spare;
        std::vector<std::int32_t> best(static_cast<std::size_t>(effects.n_cols), 0);
        for (std::int64_t b = 0; b < k; ++b) {
            if (a == b) continue;
            keys.clear();
            const auto row = effects.row(a * k + b);
            for (std::size_t gene = 0; gene < row.size(); ++gene) {
                if (!std::isnan(row[gene])) keys.push_back(descending_key(row[gene], static_cast<std::int64_t>(gene)));
            }
            sort_keys(keys, 32, spare);
            for (std::size_t rank = 0; rank < keys.size(); ++rank) {
                std::int32_t& own = best[keys[rank] & 0xffffffffU];
                const auto found = static_cast<std::int32_t>(rank + 1);
                if (own == 0 || found < own) own = found;
            }
        }
        for (std::size_t gene = 0; gene < best.size(); ++gene) out.min_rank(static_cast<std::int64_t>(gene), a) = best[gene];
    });
}

void count_genes_up(const PairEffects& effects, std::int64_t k, MarkersResult& out) {
    out.n_genes_up = matrix::Dense<std::int32_t>(k, k);
    for (std::int64_t pair = 0; pair < k * k; ++pair) {
        const auto row = effects.row(pair);
        const auto n = std::count_if(row.begin(), row.end(), [](float auc) { return auc >= static_cast<float>(kPairwiseUpAuc); });
        out.n_genes_up.values[static_cast<std::size_t>(pair)] = static_cast<std::int32_t>(n);
    }
    for (std::int64_t a = 0; a < k; ++a) out.n_genes_up(a, a) = 0;
}

void fill_fdr(const MarkersOptions& options, MarkersResult& out, Context& context) {
    const matrix::Dense<float>& p = options.test == MarkerTest::wilcoxon ? out.log10_p : out.log10_p_t;
    parallel_blocks(context, p.n_cols, 1, [&](Block block) {
        std::vector<double> column(static_cast<std::size_t>(p.n_rows));
        for (std::int64_t g = 0; g < p.n_rows; ++g) column[static_cast<std::size_t>(g)] = p(g, block.index);
        const std::vector<double> fdr = log10_fdr(column);
        for (std::int64_t g = 0; g < p.n_rows; ++g) out.log10_fdr(g, block.index) = static_cast<float>(fdr[static_cast<std::size_t>(g)]);
    });
}

/// Room of one task.
struct TaskRoom {
    GeneScratch scratch;
    GeneEntries entries;
    GeneStatistics gene;
};

/// Calls body(genes, statistics_of) for blocks of genes, in parallel; statistics_of(g) holds until its next call.
template <class Body>
void for_gene_blocks(const matrix::RowBlockSource& log_values, const CellGroups& groups, PairwiseWins wins, Context& context, const Body& body) {
    const MarkerValues values(log_values, context);
    std::optional<CountedCells> counted;
    if (values.levels() != nullptr) counted.emplace(*values.levels(), groups);
    const std::int64_t n_genes = log_values.n_cols();
    const std::int64_t step = values.genes_per_range(context);
    matrix::ScratchPool<TaskRoom> rooms;
    for (std::int64_t begin = 0; begin < n_genes; begin += step) {
        const matrix::Range range{begin, std::min(n_genes, begin + step)};
        const matrix::CompactColumns columns(values.source(), range, context);
        const bool by_counts = counted && counted->usable() && columns.in_bytes();
        parallel_blocks(context, range.size(), kGenesPerTask, [&](Block block) {
            auto room = rooms.take();
            const auto statistics_of = [&](std::int64_t g) -> const GeneStatistics& {
                if (by_counts) {
                    counted_gene_statistics(columns, g - begin, g, *counted, groups, wins, room->scratch, room->gene);
                    return room->gene;
                }
                values.read(columns, g - begin, room->entries);
                for (const float value : room->entries.values) refuse_unless_log(value, g);
                gene_statistics(room->entries, groups, wins, room->scratch, room->gene);
                return room->gene;
            };
            body(matrix::Range{begin + block.begin, begin + block.end}, statistics_of);
        });
    }
}

}  // namespace

MarkersOptions markers_options_scanpy_1_11() {
    MarkersOptions options;
    options.tie_correct = false;
    options.pairwise = PairwiseEffect::none;
    return options;
}

MarkersResult markers(const matrix::RowBlockSource& log_values, std::span<const std::int32_t> cluster, std::int32_t n_clusters, const MarkersOptions& options, Context& context) {
    const CellGroups groups = make_groups(cluster, n_clusters, log_values.n_rows());
    const std::int64_t k = n_clusters;
    const std::int64_t n_genes = log_values.n_cols();
    MarkersResult out = make_result(n_genes, groups);
    PairwiseEffect pairwise = options.pairwise;
    if (pairwise == PairwiseEffect::auc && n_clusters > kMaxPairwiseAucClusters) pairwise = PairwiseEffect::cohens_d;
    if (n_clusters < 2) pairwise = PairwiseEffect::none;
    if (pairwise != PairwiseEffect::none) context.require_memory(checked_size_product(n_genes, k * k * 4), "markers (pairs of clusters)");
    PairEffects effects(k * k, pairwise == PairwiseEffect::none ? 0 : n_genes);
    const PairwiseWins wins = pairwise == PairwiseEffect::auc ? PairwiseWins::wanted : PairwiseWins::not_wanted;

    Progress progress(context, "markers", n_genes, "genes");
    for_gene_blocks(log_values, groups, wins, context, [&](matrix::Range genes, const auto& statistics_of) {
        PairBlock pairs(pairwise == PairwiseEffect::none ? 0 : k, genes.size());
        for (std::int64_t g = genes.begin; g < genes.end; ++g) {
            const GeneStatistics& gene = statistics_of(g);
            const GroupSums all = totals_of(gene);
            for (std::int64_t cluster_code = 0; cluster_code < k; ++cluster_code) fill(gene, all, groups, options, g, cluster_code, out);
            if (pairwise == PairwiseEffect::auc) pairs.add_auc(gene, groups, g - genes.begin);
            if (pairwise == PairwiseEffect::cohens_d) pairs.add_d(gene, groups, g - genes.begin);
        }
        if (pairwise != PairwiseEffect::none) pairs.copy_to(genes.begin, effects);
        progress.advance(genes.size());
    });
    fill_fdr(options, out, context);
    out.min_rank_effect = pairwise;
    if (pairwise != PairwiseEffect::none) fill_min_ranks(effects, k, out, context);
    if (pairwise == PairwiseEffect::auc) count_genes_up(effects, k, out);
    return out;
}

matrix::Dense<double> auc_against(const matrix::RowBlockSource& log_values, std::span<const std::int32_t> cluster, std::int32_t n_clusters, std::int32_t reference, Context& context) {
    MORULA_ASSERT(reference >= 0 && reference < n_clusters);
    const CellGroups groups = make_groups(cluster, n_clusters, log_values.n_rows());
    const auto k = static_cast<std::size_t>(n_clusters);
    const auto n_reference = static_cast<double>(groups.n_cells[static_cast<std::size_t>(reference)]);
    matrix::Dense<double> auc(log_values.n_cols(), n_clusters);
    for_gene_blocks(log_values, groups, PairwiseWins::wanted, context, [&](matrix::Range genes, const auto& statistics_of) {
        for (std::int64_t g = genes.begin; g < genes.end; ++g) {
            const GeneStatistics& gene = statistics_of(g);
            for (std::size_t c = 0; c < k; ++c) {
                const double pairs = static_cast<double>(groups.n_cells[c]) * n_reference;
                // Wins of a group over itself hold each cell beside itself, so they are no AUC.
                const bool itself = c == static_cast<std::size_t>(reference);
                auc(g, static_cast<std::int64_t>(c)) = itself && pairs > 0.0 ? 0.5 : pairs > 0.0 ? gene.pair_wins[c * k + static_cast<std::size_t>(reference)] / pairs : kNaN;
            }
        }
    });
    return auc;
}

}  // namespace morula::analysis
