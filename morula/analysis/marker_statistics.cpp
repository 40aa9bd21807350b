#include "morula/analysis/marker_statistics.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>
#include <cmath>

namespace morula::analysis {
namespace {

void reset(const CellGroups& groups, PairwiseWins pairwise, GeneStatistics& out) {
    const auto n = groups.n_cells.size();
    out.sums.assign(n, GroupSums{});
    out.rank_sum.assign(n, 0.0);
    out.tie_term = 0.0;
    out.pair_wins.assign(pairwise == PairwiseWins::wanted ? n * n : 0, 0.0);
}

/// Sums, and the keys that are sorted: positive floats order as their bits.
void collect(const GeneEntries& gene, const CellGroups& groups, GeneScratch& scratch, GeneStatistics& out) {
    const std::size_t n = gene.rows.size();
    const bool has_expm1 = !gene.expm1.empty();
    scratch.keys.resize(n);
    std::uint64_t* key = scratch.keys.data();
    for (std::size_t i = 0; i < n; ++i) {
        const std::int32_t group = groups.of_cell[gene.rows[i]];
        const float value = gene.values[i];
        if (group < 0 || value == 0.0f) continue;
        GroupSums& sums = out.sums[static_cast<std::size_t>(group)];
        const double x = value;
        sums.sum += x;
        sums.sum_of_squares += x * x;
        if (has_expm1) sums.sum_expm1 += static_cast<double>(gene.expm1[i]);
        ++sums.n_nonzero;
        *key++ = static_cast<std::uint64_t>(std::bit_cast<std::uint32_t>(value)) << 32 | static_cast<std::uint64_t>(group);
    }
    scratch.keys.resize(static_cast<std::size_t>(key - scratch.keys.data()));
}

constexpr int kMostRadixBits = 13;  // 32 KB of counters stay in the first-level cache

double tie_cube(double t) { return t * t * t - t; }

/// One run of equal values, keys [begin, end): its rank and its ties.
void add_run(std::span<const std::uint64_t> keys, std::size_t begin, std::size_t end, double n_zero, GeneStatistics& out) {
    const auto length = static_cast<double>(end - begin);
    const double rank = n_zero + (static_cast<double>(begin) + 1.0 + static_cast<double>(end)) / 2.0;
    out.tie_term += tie_cube(length);
    for (std::size_t i = begin; i < end; ++i) out.rank_sum[keys[i] & 0xffffffffU] += rank;
}

/// Zeros lie below all; each beats nothing and ties with the zeros of other groups.
void add_zeros(const CellGroups& groups, double n_zero, GeneScratch& scratch, GeneStatistics& out) {
    const std::size_t n_groups = out.sums.size();
    scratch.below.resize(n_groups);
    for (std::size_t group = 0; group < n_groups; ++group) {
        scratch.below[group] = static_cast<double>(groups.n_cells[group] - out.sums[group].n_nonzero);
        out.rank_sum[group] += scratch.below[group] * (n_zero + 1.0) / 2.0;
    }
    out.tie_term += tie_cube(n_zero);
    if (out.pair_wins.empty()) return;
    for (std::size_t group = 0; group < n_groups; ++group) {
        for (std::size_t other = 0; other < n_groups; ++other) out.pair_wins[group * n_groups + other] += 0.5 * scratch.below[group] * scratch.below[other];
    }
}

}  // namespace

void sort_by_upper_half(std::vector<std::uint64_t>& keys, std::vector<std::uint64_t>& spare) {
    constexpr std::size_t kRadixFrom = 256;
    if (keys.size() < kRadixFrom) {
        std::stable_sort(keys.begin(), keys.end(), [](std::uint64_t a, std::uint64_t b) { return (a >> 32) < (b >> 32); });
        return;
    }
    // Values of one gene span a few powers of two: what lies above the smallest needs fewer bits, mostly two passes.
    std::uint32_t lowest = ~0U;
    std::uint32_t highest = 0;
    for (const std::uint64_t key : keys) {
        lowest = std::min(lowest, static_cast<std::uint32_t>(key >> 32));
        highest = std::max(highest, static_cast<std::uint32_t>(key >> 32));
    }
    const int n_bits = std::bit_width(highest - lowest);
    const int n_passes = (n_bits + kMostRadixBits - 1) / kMostRadixBits;
    spare.resize(keys.size());
    std::array<std::uint32_t, 1 << kMostRadixBits> place;
    for (int pass = 0; pass < n_passes; ++pass) {
        const int width = (n_bits + n_passes - 1) / n_passes;
        const int shift = width * pass;
        const auto digit = [&](std::uint64_t key) { return static_cast<std::size_t>((static_cast<std::uint32_t>(key >> 32) - lowest) >> shift) & ((std::size_t{1} << width) - 1); };
        std::fill_n(place.begin(), std::size_t{1} << width, 0U);
        for (const std::uint64_t key : keys) ++place[digit(key)];
        std::uint32_t sum = 0;
        for (std::size_t i = 0; i < std::size_t{1} << width; ++i) sum += std::exchange(place[i], sum);
        for (const std::uint64_t key : keys) spare[place[digit(key)]++] = key;
        keys.swap(spare);
    }
}

void gene_statistics(const GeneEntries& gene, const CellGroups& groups, PairwiseWins pairwise, GeneScratch& scratch, GeneStatistics& out) {
    reset(groups, pairwise, out);
    collect(gene, groups, scratch, out);
    sort_by_upper_half(scratch.keys, scratch.spare);
    const std::vector<std::uint64_t>& keys = scratch.keys;
    const auto n_zero = static_cast<double>(groups.n_total) - static_cast<double>(keys.size());
    add_zeros(groups, n_zero, scratch, out);
    for (std::size_t begin = 0; begin < keys.size();) {
        std::size_t end = begin + 1;
        while (end < keys.size() && (keys[end] >> 32) == (keys[begin] >> 32)) ++end;
        add_run(keys, begin, end, n_zero, out);
        begin = end;
    }
    if (!out.pair_wins.empty()) add_pair_wins(keys, scratch.below, scratch.pair_wins, out.pair_wins);
}

}  // namespace morula::analysis
