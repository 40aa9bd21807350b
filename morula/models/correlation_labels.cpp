#include "morula/models/correlation_labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/scratch_pool.hpp"
#include "morula/matrix/tiles.hpp"

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
    std::vector<std::int32_t> place_of_gene;  // over all genes in use; kNotInUse where no pair has it
    std::int32_t n_genes = 0;
    matrix::Dense<double> ranks;              // n_labels x n_genes, centred, length 1
};

RankedLabels rank_labels(const LabelProfiles& profiles, std::vector<std::int32_t> labels) {
    RankedLabels out;
    out.place_of_gene.assign(profiles.genes.size(), kNotInUse);
    const std::int32_t n = profiles.n_labels();
    for (const std::int32_t a : labels) {
        for (const std::int32_t b : labels) {
            for (const std::int32_t gene : profiles.markers_of_pair[static_cast<std::size_t>(a * n + b)]) out.place_of_gene[static_cast<std::size_t>(gene)] = 0;
        }
    }
    for (std::int32_t& place : out.place_of_gene) {
        if (place != kNotInUse) place = out.n_genes++;
    }
    out.ranks = matrix::Dense<double>(std::ssize(labels), out.n_genes);
    std::vector<float> values(static_cast<std::size_t>(out.n_genes));
    for (std::size_t i = 0; i < labels.size(); ++i) {
        for (std::size_t gene = 0; gene < out.place_of_gene.size(); ++gene) {
            if (out.place_of_gene[gene] != kNotInUse) values[static_cast<std::size_t>(out.place_of_gene[gene])] = profiles.mean(std::int64_t{labels[i]}, static_cast<std::int64_t>(gene));
        }
        const auto row = out.ranks.row(static_cast<std::int64_t>(i));
        const double length = centred_ranks(values, row);
        for (double& each : row) each = length > 0.0 ? each / length : 0.0;
    }
    out.labels = std::move(labels);
    return out;
}

struct Entry {
    float value;
    std::int32_t place;
};

/// Spearman's correlation of a cell with each ranked label; NaN where all its values there are equal. Zeros share one rank, so only the others are sorted:
/// with r0 that shared rank and ranks of the label adding to zero, the sum of products is the sum over non-zeros of (rank - r0) times the label's rank.
void correlate(const RankedLabels& ranked, std::span<const std::uint32_t> genes, std::span<const float> values, std::vector<Entry>& entries, std::vector<double>& out) {
    entries.clear();
    for (std::size_t i = 0; i < genes.size(); ++i) {
        const std::int32_t place = ranked.place_of_gene[genes[i]];
        if (place != kNotInUse && values[i] > 0.0F) entries.push_back({values[i], place});
    }
    out.assign(ranked.labels.size(), 0.0);
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.value < b.value || (a.value == b.value && a.place < b.place); });
    const auto n_zeros = static_cast<double>(ranked.n_genes) - static_cast<double>(entries.size());
    const double middle = 0.5 * static_cast<double>(ranked.n_genes - 1);
    const double zero_rank = n_zeros > 0.0 ? 0.5 * (n_zeros - 1.0) - middle : 0.0;
    double squares = n_zeros * zero_rank * zero_rank;
    for (std::size_t begin = 0; begin < entries.size();) {
        std::size_t end = begin + 1;
        while (end < entries.size() && entries[end].value == entries[begin].value) ++end;
        const double rank = n_zeros + 0.5 * static_cast<double>(begin + end - 1) - middle;
        squares += rank * rank * static_cast<double>(end - begin);
        for (std::size_t i = begin; i < end; ++i) {
            for (std::size_t label = 0; label < out.size(); ++label) out[label] += (rank - zero_rank) * ranked.ranks(static_cast<std::int64_t>(label), std::int64_t{entries[i].place});
        }
        begin = end;
    }
    for (double& each : out) each = squares > 0.0 ? each / std::sqrt(squares) : std::numeric_limits<double>::quiet_NaN();
}

/// What a task keeps from cell to cell: sets of labels that were compared again, ranked once.
struct Tuning {
    std::map<std::vector<std::int32_t>, RankedLabels> sets;
    std::vector<Entry> entries;
    std::vector<double> correlation;

    const RankedLabels& set_of(const LabelProfiles& profiles, const std::vector<std::int32_t>& labels) {
        const auto found = sets.find(labels);
        if (found != sets.end()) return found->second;
        return sets.emplace(labels, rank_labels(profiles, labels)).first->second;
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
        const RankedLabels& ranked = tuning.set_of(profiles, labels);
        correlate(ranked, genes, values, tuning.entries, tuning.correlation);
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

CorrelationLabels correlation_labels(const LabelProfiles& profiles, const matrix::CsrView& values, const CorrelationLabelsOptions& options, Context& context) {
    if (values.n_cols != std::ssize(profiles.genes)) invalid_data(fmt::format("The cells have {} genes, the profiles {}.", values.n_cols, profiles.genes.size()), "Give the columns that the profiles name.");
    std::vector<std::int32_t> callable;
    const std::int32_t n = profiles.n_labels();
    for (std::int32_t l = 0; l < n; ++l) {
        const auto row = profiles.markers_of_pair.begin() + l * n;
        if (std::any_of(row, row + n, [](const auto& genes) { return !genes.empty(); })) callable.push_back(l);
    }
    const RankedLabels all = rank_labels(profiles, callable);
    CorrelationLabels out{std::vector<std::int32_t>(static_cast<std::size_t>(values.n_rows), -1), std::vector<float>(static_cast<std::size_t>(values.n_rows), std::numeric_limits<float>::quiet_NaN()),
                          std::vector<float>(static_cast<std::size_t>(values.n_rows), std::numeric_limits<float>::quiet_NaN()), 0};
    std::vector<std::uint8_t> tuned(static_cast<std::size_t>(values.n_rows), 0);
    matrix::ScratchPool<Tuning> pool;
    parallel_blocks(context, callable.empty() ? 0 : values.n_rows, kBlockCells, [&](Block block) {
        auto tuning = pool.take();
        std::vector<double> first;
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            const auto at = static_cast<std::size_t>(cell);
            correlate(all, values.row_indices(cell), values.row_values(cell), tuning->entries, first);
            if (std::isnan(first.front())) continue;
            const std::int32_t label = fine_tune(profiles, all, first, values.row_indices(cell), values.row_values(cell), options.fine_tune_margin, *tuning);
            const auto place = static_cast<std::size_t>(std::find(callable.begin(), callable.end(), label) - callable.begin());
            double next = -1.0;
            for (std::size_t i = 0; i < first.size(); ++i) {
                if (i != place) next = std::max(next, first[i]);
            }
            out.label[at] = label;
            out.correlation[at] = static_cast<float>(first[place]);
            out.lead[at] = static_cast<float>(first[place] - next);
            tuned[at] = near_best(all, first, options.fine_tune_margin).size() > 1 ? 1 : 0;
        }
    });
    out.n_fine_tuned = std::count(tuned.begin(), tuned.end(), 1);
    return out;
}

}  // namespace morula::models
