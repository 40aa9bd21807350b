#include "morula/analysis/marker_statistics.hpp"

#include <algorithm>
#include <bit>

#include "morula/analysis/sort_keys.hpp"

namespace morula::analysis {
namespace {

void reset(const CellGroups& groups, PairwiseWins pairwise, GeneStatistics& out) {
    const auto n = groups.n_cells.size();
    out.sums.assign(n, GroupSums{});
    out.rank_sum.assign(n, 0.0);
    out.tie_term = 0.0;
    out.pair_wins.assign(pairwise == PairwiseWins::wanted ? n * n : 0, 0.0);
}

/// How keys of one gene are made: (value bits - lowest) << shift | group; positive floats order as their bits.
struct KeyForm {
    std::uint32_t lowest;
    int shift;
};

template <class Key>
std::size_t group_of(Key key, KeyForm form) {
    return static_cast<std::size_t>(key & ((Key{1} << form.shift) - 1));
}

/// Sums, and the keys that are sorted.
template <class Key>
void collect(const GeneEntries& gene, const CellGroups& groups, KeyForm form, std::vector<Key>& keys, GeneStatistics& out) {
    const std::size_t n = gene.rows.size();
    const bool has_expm1 = !gene.expm1.empty();
    keys.resize(n);
    Key* key = keys.data();
    for (std::size_t i = 0; i < n; ++i) {
        const std::int32_t group = groups.of_cell[gene.rows[i]];
        const float value = gene.values[i];
        if (group < 0 || value == 0.0f) continue;
        GroupSums& sums = out.sums[static_cast<std::size_t>(group)];
        const double x = value;
        sums.sum += x;
        sums.sum_of_squares += x * x;
        sums.sum_expm1 += has_expm1 ? static_cast<double>(gene.expm1[i]) : 0.0;
        sums.n_nonzero += 1.0;
        *key++ = static_cast<Key>(std::bit_cast<std::uint32_t>(value) - form.lowest) << form.shift | static_cast<Key>(group);
    }
    keys.resize(static_cast<std::size_t>(key - keys.data()));
}

double tie_cube(double t) { return t * t * t - t; }

/// Ranks and ties of the sorted keys, run by run of equal values.
template <class Key>
void add_runs(std::span<const Key> keys, KeyForm form, double n_zero, GeneStatistics& out) {
    for (std::size_t begin = 0; begin < keys.size();) {
        std::size_t end = begin + 1;
        while (end < keys.size() && (keys[end] ^ keys[begin]) >> form.shift == 0) ++end;
        const double rank = n_zero + (static_cast<double>(begin) + 1.0 + static_cast<double>(end)) / 2.0;
        out.tie_term += tie_cube(static_cast<double>(end - begin));
        for (std::size_t i = begin; i < end; ++i) out.rank_sum[group_of(keys[i], form)] += rank;
        begin = end;
    }
}

/// Zeros lie below all; each beats nothing and ties with the zeros of other groups.
void add_zeros(const CellGroups& groups, double n_zero, GeneScratch& scratch, GeneStatistics& out) {
    const std::size_t n_groups = out.sums.size();
    scratch.below.resize(n_groups);
    for (std::size_t group = 0; group < n_groups; ++group) {
        scratch.below[group] = static_cast<double>(groups.n_cells[group]) - out.sums[group].n_nonzero;
        out.rank_sum[group] += scratch.below[group] * (n_zero + 1.0) / 2.0;
    }
    out.tie_term += tie_cube(n_zero);
    if (out.pair_wins.empty()) return;
    for (std::size_t group = 0; group < n_groups; ++group) {
        for (std::size_t other = 0; other < n_groups; ++other) out.pair_wins[group * n_groups + other] += 0.5 * scratch.below[group] * scratch.below[other];
    }
}

template <class Key>
void rank(const GeneEntries& gene, const CellGroups& groups, KeyForm form, std::vector<Key>& keys, std::vector<Key>& spare, GeneScratch& scratch, GeneStatistics& out) {
    collect(gene, groups, form, keys, out);
    sort_keys(keys, form.shift, spare);
    const double n_zero = static_cast<double>(groups.n_total) - static_cast<double>(keys.size());
    add_zeros(groups, n_zero, scratch, out);
    add_runs(std::span<const Key>(keys), form, n_zero, out);
    if (out.pair_wins.empty()) return;
    if constexpr (sizeof(Key) == 4) {
        scratch.wide.resize(keys.size());
        for (std::size_t i = 0; i < keys.size(); ++i) scratch.wide[i] = static_cast<std::uint64_t>(keys[i] >> form.shift) << 32 | group_of(keys[i], form);
    }
    add_pair_wins(scratch.wide, scratch.below, scratch.pair_wins, out.pair_wins);
}

}  // namespace

void gene_statistics(const GeneEntries& gene, const CellGroups& groups, PairwiseWins pairwise, GeneScratch& scratch, GeneStatistics& out) {
    reset(groups, pairwise, out);
    std::uint32_t lowest = ~0U;
    std::uint32_t highest = 0;
    for (const float value : gene.values) {
        lowest = std::min(lowest, std::bit_cast<std::uint32_t>(value));
        highest = std::max(highest, std::bit_cast<std::uint32_t>(value));
    }
    if (gene.values.empty()) lowest = 0;
    const int group_bits = std::bit_width(static_cast<std::uint32_t>(groups.n_groups()));
    const int value_bits = std::bit_width(highest - lowest);
    if (value_bits + group_bits <= 32) rank<std::uint32_t>(gene, groups, {lowest, group_bits}, scratch.narrow, scratch.narrow_spare, scratch, out);
    else rank<std::uint64_t>(gene, groups, {lowest, 32}, scratch.wide, scratch.wide_spare, scratch, out);
}

}  // namespace morula::analysis
