#include "morula/models/correlation_labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/scratch_pool.hpp"
#include "morula/matrix/tiles.hpp"
#include "morula/models/label_sums_simd.hpp"

namespace morula::models {
namespace {

constexpr std::int64_t kBlockCells = 256;
constexpr std::int32_t kNotInUse = -1;

/// Mean ranks, ties shared, less their mean; returns the root of their sum of squares.
double centred_ranks(std::span<const float> values, std::span<double> ranks) {
    std::vector<std::int32_t> order(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return values[static_cast<std::size_t>(a)] < values[static_cast<std::size_t>(b)]; });
    const double middle = 0.5 * static_cast<double>(values.size() - 1);
    double squares = 0.0;
    for (std::size_t begin = 0; begin < order.size();) {
        std::size_t end = begin + 1;
        while (end < order.size() && values[static_cast<std::size_t>(order[end])] == values[static_cast<std::size_t>(order[begin])]) ++end;
        const double rank = 0.5 * static_cast<double>(begin + end - 1) - middle;
        for (std::size_t i = begin; i < end; ++i) ranks[static_cast<std::size_t>(order[i])] = rank;
        squares += rank * rank * static_cast<double>(end - begin);
        begin = end;
    }
    return std::sqrt(squares);
}

/// Some labels over the genes of their own pairs, ranked.
struct RankedLabels {
    std::vector<std::int32_t> labels;
    std::vector<std::int32_t> place_of_gene;  // over all columns of the cells; kNotInUse where no pair has it
    std::int32_t n_genes = 0;
    matrix::Dense<double> ranks;              // n_genes x padded labels, centred, length 1 over the genes
};

RankedLabels rank_labels(const LabelProfiles& profiles, std::int64_t n_columns, std::vector<std::int32_t> labels) {
    RankedLabels out;
    std::vector<std::int32_t> place(profiles.genes.size(), kNotInUse);  // of each gene of the profiles
    const std::int32_t n = profiles.n_labels();
    for (const std::int32_t a : labels) {
        for (const std::int32_t b : labels) {
            for (const std::int32_t gene : profiles.markers_of_pair[static_cast<std::size_t>(a * n + b)]) place[static_cast<std::size_t>(gene)] = 0;
        }
    }
    out.place_of_gene.assign(static_cast<std::size_t>(n_columns), kNotInUse);
    for (std::size_t gene = 0; gene < place.size(); ++gene) {
        if (place[gene] != kNotInUse) out.place_of_gene[static_cast<std::size_t>(profiles.genes[gene])] = place[gene] = out.n_genes++;
    }
    out.ranks = matrix::Dense<double>(out.n_genes, padded_labels(std::ssize(labels)));
    std::vector<float> values(static_cast<std::size_t>(out.n_genes));
    std::vector<double> ranks(values.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
        for (std::size_t gene = 0; gene < place.size(); ++gene) {
            if (place[gene] != kNotInUse) values[static_cast<std::size_t>(place[gene])] = profiles.mean(std::int64_t{labels[i]}, static_cast<std::int64_t>(gene));
        }
        const double length = centred_ranks(values, ranks);
        for (std::size_t gene = 0; gene < ranks.size(); ++gene) out.ranks(static_cast<std::int64_t>(gene), static_cast<std::int64_t>(i)) = length > 0.0 ? ranks[gene] / length : 0.0;
    }
    out.labels = std::move(labels);
    return out;
}

/// A cell's values there, sorted: logs of counts are few different numbers, so that each is put where equal ones are.
class SortedEntries {
public:
    /// `values` of `genes`, those above 0 that have a place.
    void fill(const RankedLabels& ranked, std::span<const std::uint32_t> genes, std::span<const float> values) {
        forget_levels();
        entries_.resize(genes.size());
        std::size_t n = 0;
        for (std::size_t i = 0; i < genes.size(); ++i) {  // which genes are in use no processor can guess: kept without a branch
            const std::int32_t place = ranked.place_of_gene[genes[i]];
            entries_[n] = {values[i], static_cast<std::uint32_t>(place), 0};
            n += static_cast<std::size_t>(static_cast<int>(place != kNotInUse) & static_cast<int>(values[i] > 0.0F));
        }
        entries_.resize(n);
        for (Entry& entry : entries_) {
            if (levels_.size() > kMostLevels) break;
            entry.level = level_of(entry.value);
        }
        if (levels_.size() > kMostLevels) sort_by_comparing();
        else sort_by_counting();
    }
    std::size_t size() const { return entries_.size(); }
    /// Smallest value first, equal ones by place.
    std::span<const std::uint32_t> places() const { return places_; }
    /// Equal values, smallest first: how many.
    std::span<const std::size_t> runs() const { return runs_; }

private:
    struct Entry {
        float value;
        std::uint32_t place;
        std::uint32_t level;  // number of its value, in order of appearance
    };
    struct Level {
        float value;
        std::size_t n;  // entries, then where the next of them goes
        std::size_t slot;
    };
    static constexpr std::size_t kMostLevels = 48;
    static constexpr std::size_t kSlots = 256;
    static constexpr std::uint8_t kFree = 255;

    void forget_levels() {
        for (const Level& level : levels_) slots_[level.slot] = kFree;
        levels_.clear();
    }
    /// Found by the value's bits in a table that is never more than a fifth full.
    std::uint32_t level_of(float value) {
        std::size_t slot = (std::bit_cast<std::uint32_t>(value) * 2654435761U) >> 24U;
        while (slots_[slot] != kFree && levels_[slots_[slot]].value != value) slot = (slot + 1) % kSlots;
        if (slots_[slot] == kFree) {
            slots_[slot] = static_cast<std::uint8_t>(levels_.size());
            levels_.push_back({value, 0, slot});
        }
        ++levels_[slots_[slot]].n;
        return slots_[slot];
    }
    /// Entries came by place, so that equal values stay in that order.
    void sort_by_counting() {
        order_.resize(levels_.size());
        std::iota(order_.begin(), order_.end(), std::size_t{0});
        std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) { return levels_[a].value < levels_[b].value; });
        runs_.clear();
        std::size_t begin = 0;
        for (const std::size_t level : order_) {
            runs_.push_back(levels_[level].n);
            begin += std::exchange(levels_[level].n, begin);
        }
        places_.resize(entries_.size());
        for (const Entry& entry : entries_) places_[levels_[entry.level].n++] = entry.place;
    }
    void sort_by_comparing() {
        std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.value < b.value; });
        runs_.clear();
        places_.clear();
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            if (i == 0 || entries_[i].value != entries_[i - 1].value) runs_.push_back(0);
            ++runs_.back();
            places_.push_back(entries_[i].place);
        }
    }
    static std::array<std::uint8_t, kSlots> free_slots() {
        std::array<std::uint8_t, kSlots> slots;
        slots.fill(kFree);
        return slots;
    }

    std::vector<Entry> entries_;
    std::vector<Level> levels_;
    std::array<std::uint8_t, kSlots> slots_ = free_slots();
    std::vector<std::size_t> order_;
    std::vector<std::uint32_t> places_;
    std::vector<std::size_t> runs_;
};

/// Room for one cell.
struct Work {
    SortedEntries entries;
    std::vector<float> above_zeros;  // rank of each entry less that of the zeros: a whole number of halves, so exact
    std::vector<double> sums;
};

/// Spearman's correlation of a cell with each ranked label; NaN where all its values there are equal. Zeros share one rank, so only the others are sorted:
/// with r0 that shared rank and ranks of the label adding to zero, the sum of products is the sum over non-zeros of (rank - r0) times the label's rank.
void correlate(const RankedLabels& ranked, std::span<const std::uint32_t> genes, std::span<const float> values, Work& work, std::vector<double>& out) {
    work.entries.fill(ranked, genes, values);
    const auto n_zeros = static_cast<double>(ranked.n_genes) - static_cast<double>(work.entries.size());
    const double middle = 0.5 * static_cast<double>(ranked.n_genes - 1);
    const double zero_rank = n_zeros > 0.0 ? 0.5 * (n_zeros - 1.0) - middle : 0.0;
    double squares = n_zeros * zero_rank * zero_rank;
    work.above_zeros.clear();
    for (const std::size_t n : work.entries.runs()) {
        const std::size_t begin = work.above_zeros.size();
        const double rank = n_zeros + 0.5 * static_cast<double>(2 * begin + n - 1) - middle;
        squares += rank * rank * static_cast<double>(n);
        work.above_zeros.resize(begin + n, static_cast<float>(rank - zero_rank));
    }
    work.sums.assign(static_cast<std::size_t>(ranked.ranks.n_cols), 0.0);
    add_scaled_rows(work.entries.places(), work.above_zeros, ranked.ranks.values.data(), work.sums);
    out.assign(work.sums.begin(), work.sums.begin() + std::ssize(ranked.labels));
    for (double& each : out) each = squares > 0.0 ? each / std::sqrt(squares) : std::numeric_limits<double>::quiet_NaN();
}

/// What a task keeps from cell to cell: sets of labels that were compared again, ranked once.
struct Tuning {
    std::map<std::vector<std::int32_t>, RankedLabels> sets;
    Work work;
    std::vector<double> first;  // correlations with every label
    std::vector<double> correlation;

    const RankedLabels& set_of(const LabelProfiles& profiles, std::int64_t n_columns, const std::vector<std::int32_t>& labels) {
        const auto found = sets.find(labels);
        if (found != sets.end()) return found->second;
        return sets.emplace(labels, rank_labels(profiles, n_columns, labels)).first->second;
    }
};

std::vector<std::int32_t> near_best(const RankedLabels& ranked, std::span<const double> correlation, double margin) {
    const double best = *std::max_element(correlation.begin(), correlation.end());
    std::vector<std::int32_t> kept;
    for (std::size_t i = 0; i < correlation.size(); ++i) {
        if (correlation[i] >= best - margin) kept.push_back(ranked.labels[i]);
    }
    return kept;
}

/// The label that is left; `all` holds the correlations with every label on entry to the first round.
std::int32_t fine_tune(const LabelProfiles& profiles, const RankedLabels& all, std::span<const double> first, std::span<const std::uint32_t> genes, std::span<const float> values, double margin,
                       Tuning& tuning) {
    std::vector<std::int32_t> labels = near_best(all, first, margin);
    while (labels.size() > 1) {
        const RankedLabels& ranked = tuning.set_of(profiles, std::ssize(all.place_of_gene), labels);
        correlate(ranked, genes, values, tuning.work, tuning.correlation);
        if (std::isnan(tuning.correlation.front())) break;  // none of their own genes is there: the first round decides
        std::vector<std::int32_t> kept = near_best(ranked, tuning.correlation, margin);
        if (kept.size() == labels.size()) {
            const auto best = std::max_element(tuning.correlation.begin(), tuning.correlation.end()) - tuning.correlation.begin();
            return labels[static_cast<std::size_t>(best)];
        }
        labels = std::move(kept);
    }
    if (labels.size() == 1) return labels.front();
    return all.labels[static_cast<std::size_t>(std::max_element(first.begin(), first.end()) - first.begin())];
}

/// Means of all columns by label.
matrix::Dense<double> label_means(const matrix::RowBlockSource& values, std::span<const std::int32_t> label, std::int32_t n_labels, std::vector<std::int64_t>& n_cells, Context& context) {
    n_cells.assign(static_cast<std::size_t>(n_labels), 0);
    for (const std::int32_t code : label) ++n_cells[static_cast<std::size_t>(code)];
    const std::int64_t n_genes = values.n_cols();
    const std::vector<double> sums = matrix::sum_tiles(values, n_genes * n_labels, context, [&](const matrix::CsrView& tile, std::int64_t first_row, std::span<double> sum) {
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            const auto to = sum.subspan(static_cast<std::size_t>(label[static_cast<std::size_t>(first_row + row)] * n_genes), static_cast<std::size_t>(n_genes));
            const auto genes = tile.row_indices(row);
            const auto numbers = tile.row_values(row);
            for (std::size_t i = 0; i < genes.size(); ++i) to[genes[i]] += static_cast<double>(numbers[i]);
        }
    });
    matrix::Dense<double> means(n_labels, n_genes);
    for (std::int64_t l = 0; l < n_labels; ++l) {
        const auto n = static_cast<double>(std::max<std::int64_t>(1, n_cells[static_cast<std::size_t>(l)]));
        for (std::int64_t gene = 0; gene < n_genes; ++gene) means(l, gene) = sums[static_cast<std::size_t>(l * n_genes + gene)] / n;
    }
    return means;
}

/// The genes with the largest difference above 0, by gene.
std::vector<std::int64_t> markers_between(std::span<const double> a, std::span<const double> b, std::int32_t n_markers) {
    std::vector<std::int64_t> order;
    for (std::size_t gene = 0; gene < a.size(); ++gene) {
        if (a[gene] > b[gene]) order.push_back(static_cast<std::int64_t>(gene));
    }
    const auto n = std::min<std::size_t>(order.size(), static_cast<std::size_t>(n_markers));
    const auto difference = [&](std::int64_t gene) { return a[static_cast<std::size_t>(gene)] - b[static_cast<std::size_t>(gene)]; };
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(),
                      [&](std::int64_t x, std::int64_t y) { return difference(x) > difference(y) || (difference(x) == difference(y) && x < y); });
    order.resize(n);
    std::sort(order.begin(), order.end());
    return order;
}

}  // namespace

LabelProfiles label_profiles(const matrix::RowBlockSource& values, std::span<const std::int32_t> label, std::int32_t n_labels, const CorrelationLabelsOptions& options, Context& context) {
    if (std::ssize(label) != values.n_rows()) invalid_data(fmt::format("There are {} labels for {} cells.", label.size(), values.n_rows()), "Give one label a cell.");
    std::vector<std::int64_t> n_cells;
    const matrix::Dense<double> means = label_means(values, label, n_labels, n_cells, context);
    std::vector<std::vector<std::int64_t>> of_pair(static_cast<std::size_t>(n_labels) * static_cast<std::size_t>(n_labels));
    parallel_blocks(context, std::ssize(of_pair), 1, [&](Block block) {
        const std::int64_t a = block.begin / n_labels;
        const std::int64_t b = block.begin % n_labels;
        const bool compared = a != b && n_cells[static_cast<std::size_t>(a)] > 0 && n_cells[static_cast<std::size_t>(b)] > 0;
        if (compared) of_pair[static_cast<std::size_t>(block.begin)] = markers_between(means.row(a), means.row(b), options.n_markers);
    });
    LabelProfiles out;
    for (const auto& genes : of_pair) out.genes.insert(out.genes.end(), genes.begin(), genes.end());
    std::sort(out.genes.begin(), out.genes.end());
    out.genes.erase(std::unique(out.genes.begin(), out.genes.end()), out.genes.end());
    out.mean = matrix::Dense<float>(n_labels, std::ssize(out.genes));
    for (std::int64_t l = 0; l < n_labels; ++l) {
        for (std::size_t i = 0; i < out.genes.size(); ++i) out.mean(l, static_cast<std::int64_t>(i)) = static_cast<float>(means(l, out.genes[i]));
    }
    out.markers_of_pair.resize(of_pair.size());
    for (std::size_t pair = 0; pair < of_pair.size(); ++pair) {
        for (const std::int64_t gene : of_pair[pair]) {
            const auto place = std::lower_bound(out.genes.begin(), out.genes.end(), gene) - out.genes.begin();
            out.markers_of_pair[pair].push_back(static_cast<std::int32_t>(place));
        }
    }
    return out;
}

CorrelationLabels::CorrelationLabels(std::int64_t n_cells)
    : label(static_cast<std::size_t>(n_cells), -1), correlation(label.size(), std::numeric_limits<float>::quiet_NaN()), lead(correlation), is_fine_tuned(label.size(), 0) {}

void CorrelationLabels::take(const CorrelationLabels& other, std::size_t from, std::size_t to) {
    label[to] = other.label[from];
    correlation[to] = other.correlation[from];
    lead[to] = other.lead[from];
    is_fine_tuned[to] = other.is_fine_tuned[from];
}

struct CorrelationCaller::State {
    const LabelProfiles& profiles;
    double margin;
    std::vector<std::int32_t> callable;
    RankedLabels all;
    matrix::ScratchPool<Tuning> pool;
};

CorrelationCaller::CorrelationCaller(const LabelProfiles& profiles, std::int64_t n_columns, const CorrelationLabelsOptions& options) {
    if (!profiles.genes.empty() && n_columns <= profiles.genes.back()) {
        invalid_data(fmt::format("The cells have {} genes, the profiles name the one of number {}.", n_columns, profiles.genes.back()), "Give the genes that the profiles were made from, in their order.");
    }
    std::vector<std::int32_t> callable;
    const std::int32_t n = profiles.n_labels();
    for (std::int32_t l = 0; l < n; ++l) {
        const auto row = profiles.markers_of_pair.begin() + l * n;
        if (std::any_of(row, row + n, [](const auto& genes) { return !genes.empty(); })) callable.push_back(l);
    }
    RankedLabels all = rank_labels(profiles, n_columns, callable);
    state_.reset(new State{profiles, options.fine_tune_margin, std::move(callable), std::move(all), {}});
}

CorrelationCaller::~CorrelationCaller() = default;

void CorrelationCaller::call(const matrix::CsrView& values, std::int64_t first_row, CorrelationLabels& out) {
    const State& state = *state_;
    if (state.callable.empty()) return;
    auto tuning = state_->pool.take();
    for (std::int64_t row = 0; row < values.n_rows; ++row) {
        std::vector<double>& first = tuning->first;
        correlate(state.all, values.row_indices(row), values.row_values(row), tuning->work, first);
        if (std::isnan(first.front())) continue;
        const std::int32_t label = fine_tune(state.profiles, state.all, first, values.row_indices(row), values.row_values(row), state.margin, *tuning);
        const auto place = static_cast<std::size_t>(std::find(state.callable.begin(), state.callable.end(), label) - state.callable.begin());
        double next = -1.0;
        for (std::size_t i = 0; i < first.size(); ++i) {
            if (i != place) next = std::max(next, first[i]);
        }
        const auto at = static_cast<std::size_t>(first_row + row);
        out.label[at] = label;
        out.correlation[at] = static_cast<float>(first[place]);
        out.lead[at] = static_cast<float>(first[place] - next);
        out.is_fine_tuned[at] = near_best(state.all, first, state.margin).size() > 1 ? 1 : 0;
    }
}

CorrelationLabels correlation_labels(const LabelProfiles& profiles, const matrix::CsrView& values, const CorrelationLabelsOptions& options, Context& context) {
    CorrelationCaller caller(profiles, values.n_cols, options);
    CorrelationLabels out(values.n_rows);
    parallel_blocks(context, values.n_rows, kBlockCells, [&](Block block) {
        matrix::CsrView rows = values;
        rows.n_rows = block.size();
        rows.indptr = values.indptr.subspan(static_cast<std::size_t>(block.begin));
        caller.call(rows, block.begin, out);
    });
    return out;
}

}  // namespace morula::models
