#include "morula/analysis/counted_gene.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "morula/analysis/markers_ranks.hpp"
#include "morula/analysis/sort_keys.hpp"
#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

// A pass over all ranks costs about what sorting a quarter as many keys does.
constexpr std::size_t kRanksAKey = 4;
// Up to here the cubes of runs add up to less than 2^64.
constexpr std::int64_t kMostCountedCells = 2'000'000;

/// The entries of one gene, added to the sums and turned into keys: rank << group_bits | group in scratch.narrow; what has no rank, value bits << 32 | group, in scratch.large.
class Collector {
public:
    Collector(const CountedCells& cells, std::int64_t gene, GeneScratch& scratch, GeneStatistics& out)
        : cells_(cells), gene_(gene), scratch_(scratch), out_(out), no_group_(static_cast<std::uint32_t>(out.sums.size())), mask_((1U << cells.group_bits) - 1) {}

    /// counts: adds each key to scratch.of_rank too.
    template <bool kCounted>
    void collect(const matrix::CompactColumns& columns, std::int64_t column) {
        scratch_.large.clear();
        scratch_.narrow.resize(static_cast<std::size_t>(columns.n_entries(column)));
        next_ = scratch_.narrow.data();
        for (std::int64_t tile = 0; tile < columns.n_tiles(); ++tile) add_piece<kCounted>(columns.bytes(tile, column));
        scratch_.narrow.resize(static_cast<std::size_t>(next_ - scratch_.narrow.data()));
    }

private:
    template <bool kCounted>
    void add_piece(const matrix::BytePiece& piece) {
        const std::uint32_t ranked = cells_.levels.ranked();
        const std::uint32_t* cell = cells_.of_cell.data() + piece.first_row;
        const CountLevels::Value* values = cells_.levels.of_count(1);
        const std::size_t n_levels = cells_.levels.n_levels();
        const int bits = cells_.group_bits;
        GroupSums* sums = out_.sums.data();
        std::uint32_t* of_rank = scratch_.of_rank.data();
        std::uint32_t* next = next_;
        for (std::size_t i = 0; i < piece.codes.size(); ++i) {
            const std::uint32_t packed = cell[piece.rows[i]];
            const std::uint32_t below = piece.codes[i] - 1U;
            const std::uint32_t group = packed & mask_;
            if (below >= ranked) [[unlikely]] {
                add_large(packed, piece.codes[i] == kEscape ? piece.escaped(i) : static_cast<float>(piece.codes[i]));
                continue;
            }
            if (group == no_group_) continue;
            const CountLevels::Value& value = values[below * n_levels + (packed >> bits)];
            add_entry(value.log, value.expm1, sums[group]);
            *next++ = value.rank << bits | group;
            if constexpr (kCounted) ++of_rank[value.rank];
        }
        next_ = next;
    }

    void add_large(std::uint32_t packed, float count) {
        const std::uint32_t group = packed & mask_;
        const CountLevels::Value value = cells_.levels.value_of(count, packed >> cells_.group_bits);
        refuse_unless_log(value.log, gene_);
        if (group == no_group_ || value.log == 0.0F) return;
        add_entry(value.log, value.expm1, out_.sums[group]);
        scratch_.large.push_back(std::uint64_t{std::bit_cast<std::uint32_t>(value.log)} << 32 | group);
    }

    static constexpr std::uint8_t kEscape = std::numeric_limits<std::uint8_t>::max();
    const CountedCells& cells_;
    std::int64_t gene_;
    GeneScratch& scratch_;
    GeneStatistics& out_;
    std::uint32_t no_group_;
    std::uint32_t mask_;
    std::uint32_t* next_ = nullptr;
};

/// Turns cells of each rank into twice the rank that they share, counted from below; the large values, sorted, are put in between.
class RankCounter {
public:
    RankCounter(std::span<const float> log_of_rank, std::uint64_t n_zero, GeneScratch& scratch) : logs_(log_of_rank), scratch_(scratch), below_(n_zero) {}

    /// The sum of t^3 - t over runs of t equal values.
    double rank_all() {
        const std::vector<std::uint64_t>& large = scratch_.large;
        for (std::size_t begin = 0; begin < large.size();) {
            std::size_t end = begin + 1;
            while (end < large.size() && large[end] >> 32 == large[begin] >> 32) ++end;
            add_large(begin, end);
            begin = end;
        }
        advance(logs_.size());
        return static_cast<double>(ties_);
    }

private:
    void advance(std::size_t to) {
        std::uint32_t* of_rank = scratch_.of_rank.data();
        for (; at_ < to; ++at_) {
            const std::uint64_t n = of_rank[at_];
            of_rank[at_] = static_cast<std::uint32_t>(2 * below_ + n + 1);
            below_ += n;
            ties_ += n * n * n - n;
        }
    }
    void add_large(std::size_t begin, std::size_t end) {
        const float log = std::bit_cast<float>(static_cast<std::uint32_t>(scratch_.large[begin] >> 32));
        const auto first = logs_.begin() + static_cast<std::ptrdiff_t>(at_);
        advance(static_cast<std::size_t>(std::lower_bound(first, logs_.end(), log) - logs_.begin()));
        const bool shared = at_ < logs_.size() && logs_[at_] == log;
        const std::uint64_t n = end - begin + (shared ? scratch_.of_rank[at_] : 0U);
        const std::uint64_t twice = 2 * below_ + n + 1;
        for (std::size_t i = begin; i < end; ++i) scratch_.twice_rank[scratch_.large[i] & 0xffffffffU] += twice;
        if (shared) scratch_.of_rank[at_++] = static_cast<std::uint32_t>(twice);
        below_ += n;
        ties_ += n * n * n - n;
    }

    std::span<const float> logs_;
    GeneScratch& scratch_;
    std::uint64_t below_;
    std::uint64_t ties_ = 0;
    std::size_t at_ = 0;
};

void rank_by_counting(const CountedCells& cells, const CellGroups& groups, GeneScratch& scratch, GeneStatistics& out) {
    sort_keys(scratch.large, 32, scratch.wide_spare);
    const std::size_t n_values = scratch.narrow.size() + scratch.large.size();
    const double n_zero = static_cast<double>(groups.n_total) - static_cast<double>(n_values);
    add_zeros(groups, n_zero, scratch, out);
    scratch.twice_rank.assign(out.sums.size(), 0);
    out.tie_term += RankCounter(cells.levels.log_of_rank(), static_cast<std::uint64_t>(groups.n_total) - n_values, scratch).rank_all();
    const std::uint32_t mask = (1U << cells.group_bits) - 1;
    for (const std::uint32_t key : scratch.narrow) scratch.twice_rank[key & mask] += scratch.of_rank[key >> cells.group_bits];
    // Ranks are halves of whole numbers: their sums are exact in any order.
    for (std::size_t group = 0; group < out.sums.size(); ++group) out.rank_sum[group] += static_cast<double>(scratch.twice_rank[group]) / 2.0;
    std::fill_n(scratch.of_rank.begin(), cells.levels.log_of_rank().size(), 0U);
}

/// Values without a rank among those with one: all are sorted by their bits.
void rank_by_bits(const CountedCells& cells, const CellGroups& groups, GeneScratch& scratch, GeneStatistics& out) {
    const std::span<const float> logs = cells.levels.log_of_rank();
    const auto bits_of = [&](std::uint32_t key) { return std::bit_cast<std::uint32_t>(logs[key >> cells.group_bits]); };
    std::uint32_t lowest = ~0U;
    std::uint32_t highest = 0;
    for (const std::uint64_t key : scratch.large) {
        lowest = std::min(lowest, static_cast<std::uint32_t>(key >> 32));
        highest = std::max(highest, static_cast<std::uint32_t>(key >> 32));
    }
    for (const std::uint32_t key : scratch.narrow) {
        lowest = std::min(lowest, bits_of(key));
        highest = std::max(highest, bits_of(key));
    }
    const std::uint32_t mask = (1U << cells.group_bits) - 1;
    if (std::bit_width(highest - lowest) + cells.group_bits <= 32) {
        for (std::uint32_t& key : scratch.narrow) key = (bits_of(key) - lowest) << cells.group_bits | (key & mask);
        for (const std::uint64_t key : scratch.large) scratch.narrow.push_back((static_cast<std::uint32_t>(key >> 32) - lowest) << cells.group_bits | static_cast<std::uint32_t>(key));
        return rank_keys(scratch.narrow, {cells.group_bits}, scratch.narrow_spare, groups, scratch, out);
    }
    scratch.wide = scratch.large;
    for (const std::uint32_t key : scratch.narrow) scratch.wide.push_back(std::uint64_t{bits_of(key)} << 32 | (key & mask));
    rank_keys(scratch.wide, {32}, scratch.wide_spare, groups, scratch, out);
}

}  // namespace

CountedCells::CountedCells(const CountLevels& all_levels, const CellGroups& groups) : levels(all_levels), group_bits(std::bit_width(static_cast<std::uint32_t>(groups.n_groups()))) {
    const auto most = std::max<std::size_t>(levels.n_levels(), levels.log_of_rank().size());
    if (levels.ranked() == 0 || group_bits + static_cast<int>(std::bit_width(most)) > 32) return;
    of_cell.reserve(groups.of_cell.size());
    for (std::size_t cell = 0; cell < groups.of_cell.size(); ++cell) {
        const auto group = static_cast<std::uint32_t>(groups.of_cell[cell] < 0 ? groups.n_groups() : groups.of_cell[cell]);
        of_cell.push_back(levels.level_of_cell()[cell] << group_bits | group);
    }
}

void refuse_value(float value, std::int64_t gene) {
    const char* what = value < 0.0F ? "scaled values" : std::isfinite(value) ? "raw counts" : "not finite";
    invalid_data(fmt::format("Gene {} (counted from 0) holds {:g}: {}; markers needs log-normalized values.", gene, value, what), "Run `morula normalize` first, or pass --layer with the layer that holds them.");
}

void counted_gene_statistics(const matrix::CompactColumns& columns, std::int64_t column, std::int64_t gene, const CountedCells& cells, const CellGroups& groups, PairwiseWins pairwise, GeneScratch& scratch,
                             GeneStatistics& out) {
    reset_statistics(groups, pairwise, out);
    const std::size_t n_ranks = cells.levels.log_of_rank().size();
    const bool counted = pairwise == PairwiseWins::not_wanted && groups.n_total <= kMostCountedCells && static_cast<std::size_t>(columns.n_entries(column)) >= n_ranks / kRanksAKey;
    Collector collector(cells, gene, scratch, out);
    if (counted) {
        scratch.of_rank.resize(n_ranks, 0U);
        collector.collect<true>(columns, column);
        return rank_by_counting(cells, groups, scratch, out);
    }
    collector.collect<false>(columns, column);
    if (scratch.large.empty()) return rank_keys(scratch.narrow, {cells.group_bits}, scratch.narrow_spare, groups, scratch, out);
    rank_by_bits(cells, groups, scratch, out);
}

}  // namespace morula::analysis
