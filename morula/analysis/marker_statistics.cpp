#include "morula/analysis/marker_statistics.hpp"

#include <algorithm>
#include <bit>

#include "morula/analysis/markers_ranks.hpp"
#include "morula/analysis/sort_keys.hpp"

namespace morula::analysis {
namespace {

/// Sums, and the keys that are sorted: (value bits - lowest) << shift | group; positive floats order as their bits.
template <class Key>
void collect(const GeneEntries& gene, const CellGroups& groups, std::uint32_t lowest, KeyForm form, std::vector<Key>& keys, GeneStatistics& out) {
    const std::size_t n = gene.rows.size();
    const bool has_expm1 = !gene.expm1.empty();
    keys.resize(n);
    Key* key = keys.data();
    for (std::size_t i = 0; i < n; ++i) {
        const std::int32_t group = groups.of_cell[gene.rows[i]];
        const float value = gene.values[i];
        if (group < 0 || value == 0.0f) continue;
        add_entry(value, has_expm1 ? gene.expm1[i] : 0.0f, out.sums[static_cast<std::size_t>(group)]);
        *key++ = static_cast<Key>(std::bit_cast<std::uint32_t>(value) - lowest) << form.shift | static_cast<Key>(group);
    }
    keys.resize(static_cast<std::size_t>(key - keys.data()));
}

/// Ranks and ties of the sorted keys, run by run of equal values.
template <class Key>
void add_runs(std::span<const Key> keys, KeyForm form, double n_zero, GeneStatistics& out) {
    for (std::size_t begin = 0; begin < keys.size();) {
        std::size_t end = begin + 1;
        while (end < keys.size() && (keys[end] ^ keys[begin]) >> form.shift == 0) ++end;
        const double rank = n_zero + (static_cast<double>(begin) + 1.0 + static_cast<double>(end)) / 2.0;
        out.tie_term += tie_cube(static_cast<double>(end - begin));
        for (std::size_t i = begin; i < end; ++i) out.rank_sum[group_of_key(keys[i], form)] += rank;
        begin = end;
    }
}

}  // namespace

void reset_statistics(const CellGroups& groups, PairwiseWins pairwise, GeneStatistics& out) {
    const auto n = groups.n_cells.size();
    out.sums.assign(n, GroupSums{});
    out.rank_sum.assign(n, 0.0);
    out.tie_term = 0.0;
    out.pair_wins.assign(pairwise == PairwiseWins::wanted ? n * n : 0, 0.0);
}

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
void rank_keys(std::vector<Key>& keys, KeyForm form, std::vector<Key>& spare, const CellGroups& groups, GeneScratch& scratch, GeneStatistics& out) {
    sort_keys(keys, form.shift, spare);
    const double n_zero = static_cast<double>(groups.n_total) - static_cast<double>(keys.size());
    add_zeros(groups, n_zero, scratch, out);
    add_runs(std::span<const Key>(keys), form, n_zero, out);
    if (out.pair_wins.empty()) return;
    if constexpr (sizeof(Key) == 4) {
        scratch.wide.resize(keys.size());
        for (std::size_t i = 0; i < keys.size(); ++i) scratch.wide[i] = static_cast<std::uint64_t>(keys[i] >> form.shift) << 32 | group_of_key(keys[i], form);
    }
    add_pair_wins(scratch.wide, scratch.below, scratch.pair_wins, out.pair_wins);
}

template void rank_keys(std::vector<std::uint32_t>&, KeyForm, std::vector<std::uint32_t>&, const CellGroups&, GeneScratch&, GeneStatistics&);
template void rank_keys(std::vector<std::uint64_t>&, KeyForm, std::vector<std::uint64_t>&, const CellGroups&, GeneScratch&, GeneStatistics&);

void gene_statistics(const GeneEntries& gene, const CellGroups& groups, PairwiseWins pairwise, GeneScratch& scratch, GeneStatistics& out) {
    reset_statistics(groups, pairwise, out);
    std::uint32_t lowest = ~0U;
    std::uint32_t highest = 0;
    for (const float value : gene.values) {
        lowest = std::min(lowest, std::bit_cast<std::uint32_t>(value));
        highest = std::max(highest, std::bit_cast<std::uint32_t>(value));
    }
    if (gene.values.empty()) lowest = 0;
    const int group_bits = std::bit_width(static_cast<std::uint32_t>(groups.n_groups()));
    const int value_bits = std::bit_width(highest - lowest);
    if (value_bits + group_bits <= 32) {
        collect(gene, groups, lowest, {group_bits}, scratch.narrow, out);
        rank_keys(scratch.narrow, {group_bits}, scratch.narrow_spare, groups, scratch, out);
    } else {
        collect(gene, groups, lowest, {32}, scratch.wide, out);
        rank_keys(scratch.wide, {32}, scratch.wide_spare, groups, scratch, out);
    }
}

}  // namespace morula::analysis
