#include "morula/analysis/cnv_profile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <numeric>

#include "morula/analysis/p_values.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"
#include "morula/matrix/scratch_pool.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

constexpr double kFixedPoint = 1024.0;
constexpr double kLeastShare = 0.05 / 10'000.0;  // added to both sides
constexpr double kMostRatio = 4.0;
constexpr double kHeld = 2.5;        // deviations
constexpr double kMadToSd = 1.4826;  // of a normal
constexpr double kLeastSd = 0.05;
constexpr std::int64_t kBinGenes = 200;
constexpr std::int64_t kMostBins = 10;
constexpr std::int64_t kBlockGenes = 25;
constexpr std::int64_t kFewestBlockGenes = 8;
constexpr std::int64_t kWantedBlocks = 200;
constexpr std::int64_t kFewestNullGenes = 15;
constexpr double kMadEfficiency = 0.37;  // of a variance from the MAD, against the usual one, for normal values (Rousseeuw & Croux 1993)
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double median_of(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1) return *middle;
    return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}

/// The least value with half of the weight at or below it, by halving: sorting was most of the time.
double weighted_median(std::vector<std::pair<double, double>> value_and_weight) {
    if (value_and_weight.empty()) return 0.0;
    double total = 0.0, below = 0.0;
    for (const auto& [value, weight] : value_and_weight) total += weight;
    auto first = value_and_weight.begin(), last = value_and_weight.end();
    while (last - first > 1) {
        const auto middle = first + (last - first) / 2;
        std::nth_element(first, middle, last);
        double left = 0.0;
        for (auto each = first; each != middle; ++each) left += each->second;
        if (2.0 * (below + left) >= total) {
            last = middle;
        } else {
            below += left;
            first = middle;
        }
    }
    return first->first;
}

/// Genes of each arm that can be used.
std::vector<std::vector<std::size_t>> genes_of_arms(const CnvRatios& ratios, const CnvGenome& genome) {
    std::vector<std::vector<std::size_t>> genes(static_cast<std::size_t>(genome.n_arms()));
    for (std::size_t g = 0; g < ratios.weight.size(); ++g) {
        if (ratios.weight[g] > 0.0) genes[static_cast<std::size_t>(genome.arm[g])].push_back(g);
    }
    return genes;
}

/// Fills ratios, and weight 1 where a gene can be used.
CnvRatios raw_ratios(std::span<const double> group, std::span<const double> reference) {
    const double total_group = std::accumulate(group.begin(), group.end(), 0.0);
    const double total_reference = std::accumulate(reference.begin(), reference.end(), 0.0);
    CnvRatios out;
    out.log2_ratio.assign(group.size(), 0.0);
    out.weight.assign(group.size(), 0.0);
    if (!(total_group > 0.0) || !(total_reference > 0.0)) return out;
    const double added = std::max(kLeastShare, 1.0 / std::min(total_group, total_reference));
    for (std::size_t g = 0; g < group.size(); ++g) {
        if (group[g] + reference[g] <= 0.0) continue;
        out.log2_ratio[g] = std::clamp(std::log2((group[g] / total_group + added) / (reference[g] / total_reference + added)), -kMostRatio, kMostRatio);
        out.weight[g] = 1.0;
    }
    return out;
}

/// Sets weights to 1 / variance by bins of expression.
void set_weights(std::span<const double> group, std::span<const double> reference, const std::vector<double>& center, CnvRatios& ratios) {
    const double scale = std::accumulate(reference.begin(), reference.end(), 0.0) / std::max(1e-300, std::accumulate(group.begin(), group.end(), 0.0));
    std::vector<std::size_t> order;
    for (std::size_t g = 0; g < ratios.weight.size(); ++g) {
        if (ratios.weight[g] > 0.0) order.push_back(g);
    }
    const auto level = [&](std::size_t g) { return group[g] * scale + reference[g]; };
    const auto is_lower = [&](std::size_t a, std::size_t b) { return level(a) != level(b) ? level(a) < level(b) : a < b; };
    const auto n = std::ssize(order);
    const std::int64_t n_bins = std::clamp<std::int64_t>(n / kBinGenes, 1, kMostBins);
    for (std::int64_t bin = 0; bin < n_bins; ++bin) {
        // Which genes are in a bin counts, not their order.
        if (bin + 1 < n_bins) std::nth_element(order.begin() + n * bin / n_bins, order.begin() + n * (bin + 1) / n_bins, order.end(), is_lower);
        std::vector<double> deviation;
        for (std::int64_t i = n * bin / n_bins; i < n * (bin + 1) / n_bins; ++i) {
            const std::size_t g = order[static_cast<std::size_t>(i)];
            deviation.push_back(std::abs(ratios.log2_ratio[g] - center[g]));
        }
        if (deviation.empty()) continue;
        const double sd = std::max(kLeastSd, kMadToSd * median_of(deviation));
        for (std::int64_t i = n * bin / n_bins; i < n * (bin + 1) / n_bins; ++i) ratios.weight[order[static_cast<std::size_t>(i)]] = 1.0 / (sd * sd);
    }
}

/// The ratio of a gene held near the center.
double held(const CnvRatios& ratios, std::size_t g, double center) {
    const double most = kHeld / std::sqrt(ratios.weight[g]);
    return center + std::clamp(ratios.log2_ratio[g] - center, -most, most);
}

struct WeightedMean {
    double mean = kNaN;
    double weight = 0.0;
    std::int64_t n = 0;
};
/// Mean of the genes of [begin, end), held near their median.
WeightedMean held_mean(const CnvRatios& ratios, std::int64_t begin, std::int64_t end) {
    std::vector<std::pair<double, double>> values;
    for (std::int64_t g = begin; g < end; ++g) {
        if (ratios.weight[static_cast<std::size_t>(g)] > 0.0) values.emplace_back(ratios.log2_ratio[static_cast<std::size_t>(g)], ratios.weight[static_cast<std::size_t>(g)]);
    }
    if (values.empty()) return {};
    const double center = weighted_median(values);
    double sum = 0.0, weight = 0.0;
    for (std::int64_t g = begin; g < end; ++g) {
        const auto at = static_cast<std::size_t>(g);
        if (!(ratios.weight[at] > 0.0)) continue;
        sum += ratios.weight[at] * held(ratios, at, center);
        weight += ratios.weight[at];
    }
    return {sum / weight, weight, std::ssize(values)};
}

/// Sets inflation and df: blocks of neighbouring genes deviate from their arm's mean as independent genes would, or more.
void set_inflation(const std::vector<std::vector<std::size_t>>& arms, CnvRatios& ratios) {
    std::vector<double> size;
    std::int64_t n_arms_used = 0, n_genes = 0;
    for (const std::vector<std::size_t>& genes : arms) n_genes += std::ssize(genes);
    const std::int64_t block_genes = std::clamp(n_genes / kWantedBlocks, kFewestBlockGenes, kBlockGenes);
    for (std::size_t arm = 0; arm < arms.size(); ++arm) {
        const std::vector<std::size_t>& genes = arms[arm];
        const std::int64_t n_blocks = std::ssize(genes) / block_genes;
        if (n_blocks < 2) continue;
        ++n_arms_used;
        double arm_weight = 0.0;
        for (const std::size_t g : genes) arm_weight += ratios.weight[g];
        for (std::int64_t block = 0; block < n_blocks; ++block) {
            double sum = 0.0, weight = 0.0;
            for (std::int64_t i = std::ssize(genes) * block / n_blocks; i < std::ssize(genes) * (block + 1) / n_blocks; ++i) {
                const std::size_t g = genes[static_cast<std::size_t>(i)];
                sum += ratios.weight[g] * held(ratios, g, ratios.arm_mean[arm]);
                weight += ratios.weight[g];
            }
            // The arm's mean follows its blocks: the difference varies less than the block by its share of the arm.
            size.push_back(std::abs(sum / weight - ratios.arm_mean[arm]) * std::sqrt(weight / (1.0 - weight / arm_weight)));
        }
    }
    if (size.empty()) return;
    const double n_free = static_cast<double>(std::ssize(size) - n_arms_used);
    ratios.inflation = std::max(1.0, kMadToSd * median_of(size));
    ratios.df = std::max(1.0, kMadEfficiency * n_free);
}

}  // namespace

matrix::Dense<double> pooled_values(const matrix::RowBlockSource& values, std::span<const std::int32_t> group_of_cell, std::int32_t n_groups, Context& context) {
    MORULA_ASSERT(std::ssize(group_of_cell) == values.n_rows());
    context.require_memory(std::int64_t{16} * n_groups * values.n_cols(), "pooling cells");
    matrix::Dense<std::int64_t> sums(n_groups, values.n_cols());
    const auto locks = std::make_unique<std::mutex[]>(static_cast<std::size_t>(n_groups));
    matrix::ScratchPool<> pool;
    parallel_blocks(context, values.n_rows(), matrix::kTileCells, [&](Block block) {
        const auto groups = group_of_cell.subspan(static_cast<std::size_t>(block.begin), static_cast<std::size_t>(block.size()));
        if (std::none_of(groups.begin(), groups.end(), [](std::int32_t group) { return group >= 0; })) return;
        auto scratch = pool.take();
        const matrix::CsrView rows = values.read({block.begin, block.end}, *scratch);
        for (std::int64_t row = 0; row < rows.n_rows; ++row) {
            const std::int32_t group = groups[static_cast<std::size_t>(row)];
            if (group < 0) continue;
            MORULA_ASSERT(group < n_groups);
            const std::span<std::int64_t> to = sums.row(group);
            const auto genes = rows.row_indices(row);
            const auto counts = rows.row_values(row);
            const std::lock_guard lock(locks[static_cast<std::size_t>(group)]);
            for (std::size_t i = 0; i < genes.size(); ++i) to[genes[i]] += std::llround(static_cast<double>(counts[i]) * kFixedPoint);
        }
    });
    matrix::Dense<double> out(n_groups, values.n_cols());
    for (std::size_t i = 0; i < out.values.size(); ++i) out.values[i] = static_cast<double>(sums.values[i]) / kFixedPoint;
    return out;
}

std::vector<std::int64_t> arm_borders(const CnvGenome& genome) {
    std::vector<std::int64_t> borders(static_cast<std::size_t>(genome.n_arms()) + 1, 0);
    for (const std::int32_t arm : genome.arm) ++borders[static_cast<std::size_t>(arm) + 1];
    std::partial_sum(borders.begin(), borders.end(), borders.begin());
    return borders;
}

CnvRatios cnv_ratios(std::span<const double> group, std::span<const double> reference, const CnvGenome& genome) {
    MORULA_ASSERT(std::ssize(group) == genome.n_genes() && std::ssize(reference) == genome.n_genes());
    CnvRatios ratios = raw_ratios(group, reference);
    const std::vector<std::vector<std::size_t>> arms = genes_of_arms(ratios, genome);
    std::vector<double> center(group.size(), 0.0);
    for (const std::vector<std::size_t>& genes : arms) {
        if (genes.empty()) continue;
        std::vector<double> values;
        for (const std::size_t g : genes) values.push_back(ratios.log2_ratio[g]);
        const double middle = median_of(values);
        for (const std::size_t g : genes) center[g] = middle;
    }
    set_weights(group, reference, center, ratios);

    const std::vector<std::int64_t> borders = arm_borders(genome);
    std::vector<std::pair<double, double>> levels;
    for (std::size_t arm = 0; arm < arms.size(); ++arm) {
        const WeightedMean mean = held_mean(ratios, borders[arm], borders[arm + 1]);
        ratios.arm_mean.push_back(mean.mean);
        if (mean.n > 0) levels.emplace_back(mean.mean, static_cast<double>(mean.n));
    }
    const double neutral = weighted_median(std::move(levels));
    for (std::size_t g = 0; g < group.size(); ++g) {
        if (ratios.weight[g] > 0.0) ratios.log2_ratio[g] -= neutral;
    }
    for (double& mean : ratios.arm_mean) mean -= neutral;
    set_inflation(arms, ratios);
    return ratios;
}

CnvStretch cnv_stretch(const CnvRatios& ratios, std::int64_t begin, std::int64_t end) {
    const WeightedMean whole = held_mean(ratios, begin, end);
    if (whole.n == 0) return {kNaN, 0.0, 0};
    return {whole.mean, whole.mean * std::sqrt(whole.weight) / ratios.inflation, whole.n};
}

double cnv_part_gain(const CnvRatios& ratios, std::int64_t begin, std::int64_t end, double most_share) {
    const WeightedMean whole = held_mean(ratios, begin, end);
    if (whole.n == 0) return 0.0;
    const double sign = whole.mean < 0.0 ? -1.0 : 1.0, farthest = 2.0 * std::abs(whole.mean);
    std::vector<double> sum{0.0}, weight{0.0};
    for (std::int64_t g = begin; g < end; ++g) {
        const auto at = static_cast<std::size_t>(g);
        if (!(ratios.weight[at] > 0.0)) continue;
        const double most = kHeld / std::sqrt(ratios.weight[at]);
        sum.push_back(sum.back() + ratios.weight[at] * std::clamp(sign * ratios.log2_ratio[at], -most, farthest + most));
        weight.push_back(weight.back() + ratios.weight[at]);
    }
    const auto squared_z = [&](std::size_t first, std::size_t last) {
        const double part = std::max(0.0, sum[last] - sum[first]);
        return part * part / (weight[last] - weight[first]);
    };
    const auto longest = static_cast<std::size_t>(most_share * static_cast<double>(whole.n));
    double most = 0.0;
    for (std::size_t first = 0; first + 1 < sum.size(); ++first) {
        for (std::size_t last = first + 1; last < std::min(sum.size(), first + longest + 1); ++last) most = std::max(most, squared_z(first, last));
    }
    return (most - squared_z(0, sum.size() - 1)) / (ratios.inflation * ratios.inflation);
}

double cnv_log10_p(double z, const CnvRatios& ratios, double null_inflation) { return log10_p_student(z / null_inflation, ratios.df); }

double cnv_null_inflation(const matrix::Dense<double>& chunk_sums, const CnvGenome& genome, std::int32_t n_draws, std::uint64_t seed, Context& context) {
    const std::int64_t n_chunks = chunk_sums.n_rows;
    if (n_chunks < 2) return 1.0;
    const std::vector<std::int64_t> borders = arm_borders(genome);
    std::vector<std::vector<double>> sizes(static_cast<std::size_t>(n_draws));
    parallel_blocks(context, n_draws, 1, [&](Block block) {
        for (std::int64_t draw = block.begin; draw < block.end; ++draw) {
            Random random(seed, Purpose::cnv_null, static_cast<std::uint64_t>(draw), 0);
            std::vector<std::int64_t> order(static_cast<std::size_t>(n_chunks));
            std::iota(order.begin(), order.end(), std::int64_t{0});
            for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
            const auto n_group = static_cast<std::size_t>(1 + random.below(static_cast<std::uint64_t>(n_chunks / 2)));
            std::vector<double> group(static_cast<std::size_t>(chunk_sums.n_cols), 0.0), rest = group;
            for (std::size_t i = 0; i < order.size(); ++i) {
                std::vector<double>& to = i < n_group ? group : rest;
                const std::span<const double> from = chunk_sums.row(order[i]);
                for (std::size_t g = 0; g < to.size(); ++g) to[g] += from[g];
            }
            const CnvRatios ratios = cnv_ratios(group, rest, genome);
            for (std::size_t arm = 0; arm + 1 < borders.size(); ++arm) {
                const CnvStretch stretch = cnv_stretch(ratios, borders[arm], borders[arm + 1]);
                if (stretch.n_genes >= kFewestNullGenes) sizes[static_cast<std::size_t>(draw)].push_back(std::abs(stretch.z));
            }
        }
    });
    std::vector<double> all;
    for (const std::vector<double>& each : sizes) all.insert(all.end(), each.begin(), each.end());
    if (all.empty()) return 1.0;
    const auto at = all.begin() + static_cast<std::ptrdiff_t>(0.95 * static_cast<double>(all.size() - 1));
    std::nth_element(all.begin(), at, all.end());
    return std::max(1.0, *at / 1.959964);
}

}  // namespace morula::analysis
