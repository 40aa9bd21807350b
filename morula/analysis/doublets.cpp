#include "morula/analysis/doublets.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "morula/analysis/doublet_threshold.hpp"
#include "morula/analysis/hvg.hpp"
#include "morula/analysis/neighbors.hpp"
#include "morula/analysis/normalize.hpp"
#include "morula/analysis/pca.hpp"
#include "morula/analysis/simulated_doublets.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"
#include "morula/matrix/held_in_memory.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kLeastCells = 50;
constexpr std::int64_t kMostCellsAtOnce = 20'000;  // larger captures are scored in parts: more than one machine run loads
constexpr std::int64_t kDealtTogether = 256;       // consecutive cells that go to one part: sources are read in runs
constexpr double kRatePerCell = 0.008 / 1000.0;
constexpr double kLeastRate = 0.001;
constexpr double kMostGuessedRate = 0.25;
constexpr double kLeastNeighbors = 10.0;
constexpr std::int64_t kMostNeighbors = 999;
constexpr std::int64_t kMostSimulatedScored = 4'000;  // a part: they only draw the distribution that the threshold is read from
constexpr std::int32_t kRecallCells = 300;     // with hundreds of neighbours each
constexpr double kNeighborRecall = 0.95;  // only the share of simulated ones among hundreds of neighbours is used

using Pairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

/// The space that cells of a capture are compared in, learnt on its first part: scores of all parts are then measured alike.
struct Space {
    std::vector<std::int64_t> genes;
    double target_sum = 0.0;
    PcaResult components;
};

/// Cells of one capture, or of a part of it, and what is to be learned about them.
struct Part {
    matrix::Csr counts;          // variable genes only
    std::vector<double> totals;  // over all genes
};

/// How many of its neighbours are simulated, for each observed cell and for the first simulated ones.
struct SimulatedNeighbors {
    std::vector<std::int32_t> observed;
    std::vector<std::int32_t> simulated;
};

std::vector<std::int64_t> variable_genes(const matrix::RowBlockSource& counts, const DoubletsOptions& options, Context& context) {
    if (counts.n_cols() > options.n_top_genes) return hvg(counts, {}, 0, {.flavor = HvgFlavor::seurat_v3, .n_top = options.n_top_genes}, context).genes;
    std::vector<std::int64_t> all(static_cast<std::size_t>(counts.n_cols()));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    return all;
}

std::vector<double> totals_among(std::span<const double> total, const std::vector<std::int64_t>& cells) {
    std::vector<double> totals;
    for (const std::int64_t c : cells) totals.push_back(total[static_cast<std::size_t>(c)]);
    return totals;
}

/// Cells of the first part, from which the space is learnt: its genes, but not yet its components.
Part first_part(const matrix::Matrix& counts, std::span<const double> total, const std::vector<std::int64_t>& cells, const DoubletsOptions& options, Space& space, Context& context) {
    // Read three times.
    const matrix::Matrix selected = matrix::select_rows(counts, cells);
    const matrix::Matrix all = selected->cheap_in_pieces() ? selected : matrix::held_in_memory(selected, context);
    space.genes = variable_genes(*all, options, context);
    Part part{.counts = matrix::read_all(*matrix::select_cols(all, space.genes), context), .totals = totals_among(total, cells)};
    space.target_sum = normalize(part.totals, {}, context).target;
    return part;
}

Pairs draw_pairs(std::int64_t n_cells, std::int64_t n_pairs, std::uint64_t seed, std::uint32_t part) {
    Pairs pairs;
    for (std::int64_t i = 0; i < n_pairs; ++i) {
        Random random(seed, Purpose::doublet_pairs, static_cast<std::uint64_t>(i), part);
        const auto a = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n_cells)));
        const auto b = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n_cells - 1)));
        pairs.emplace_back(a, b < a ? b : b + 1);  // two different cells
    }
    return pairs;
}

/// What turns a number of simulated neighbours into a probability.
struct Posterior {
    std::int32_t n_neighbors = 0;
    double rate = 0.0;   // expected share of doublets
    double ratio = 0.0;  // simulated doublets per observed cell

    /// Wolock et al. 2019: Bayes' rule on the share q of simulated neighbours, with one pseudo-neighbour of each kind.
    float operator()(std::int32_t n_simulated) const {
        const double q = (n_simulated + 1.0) / (n_neighbors + 2.0);
        return static_cast<float>(q * rate / ratio / (1.0 - rate - q * (1.0 - rate - rate / ratio)));
    }
};

std::int64_t n_simulated_for(std::int64_t n_cells, const DoubletsOptions& options) {
    return std::max<std::int64_t>(1, std::llround(options.simulated_ratio * static_cast<double>(n_cells)));
}

/// n_cells: cells of the smallest part, so that all parts count the same number of neighbours.
Posterior posterior_for(std::int64_t n_cells, double rate, const DoubletsOptions& options) {
    const std::int64_t n_simulated = n_simulated_for(n_cells, options);
    const double ratio = static_cast<double>(n_simulated) / static_cast<double>(n_cells);
    const double among_cells = options.n_neighbors ? static_cast<double>(*options.n_neighbors) : std::max(kLeastNeighbors, std::round(0.5 * std::sqrt(static_cast<double>(n_cells))));
    const auto wanted = static_cast<std::int64_t>(std::llround(among_cells * (1.0 + ratio)));
    return {static_cast<std::int32_t>(std::min({wanted, kMostNeighbors, n_cells + n_simulated - 1})), rate, ratio};
}

/// Learns the components of `space` from the cells of this part when it has none yet.
SimulatedNeighbors count_simulated(const Part& part, Space& space, std::int32_t n_neighbors, std::uint32_t part_number, const DoubletsOptions& options, Context& context) {
    const std::int64_t n = part.counts.n_rows;
    const auto pairs = draw_pairs(n, n_simulated_for(n, options), options.seed, part_number);
    std::vector<double> totals = part.totals;
    for (const auto& pair : pairs) totals.push_back(part.totals[static_cast<std::size_t>(pair.first)] + part.totals[static_cast<std::size_t>(pair.second)]);
    const auto scale = normalize(totals, {.target_sum = space.target_sum}, context).scale;
    const auto observed = matrix::log1p_scaled(matrix::make_view_source(part.counts.view()), {scale.begin(), scale.begin() + n});
    const auto simulated = matrix::log1p_scaled(simulated_doublets(part.counts.view(), pairs), {scale.begin() + n, scale.end()});

    matrix::Dense<float> embedding;
    if (space.components.loadings.n_cols == 0) {
        const auto n_components = static_cast<std::int32_t>(std::min<std::int64_t>(options.n_components, std::min(n - 1, part.counts.n_cols)));
        space.components = pca(*observed, {.n_components = n_components}, context);
        embedding = std::move(space.components.embedding);
    } else {
        embedding = project(*observed, space.components, context);
    }
    const auto projected = project(*simulated, space.components, context);
    embedding.values.insert(embedding.values.end(), projected.values.begin(), projected.values.end());
    embedding.n_rows += projected.n_rows;

    std::vector<std::int64_t> scored(static_cast<std::size_t>(std::min(embedding.n_rows, n + kMostSimulatedScored)));
    std::iota(scored.begin(), scored.end(), std::int64_t{0});
    const auto near = count_neighbors_from(embedding.view(), scored, n, {.n_neighbors = n_neighbors + 1, .recall = kNeighborRecall, .recall_cells = kRecallCells, .seed = options.seed}, context);
    SimulatedNeighbors counts;
    counts.observed.assign(near.begin(), near.begin() + n);
    counts.simulated.assign(near.begin() + n, near.end());
    return counts;
}

/// Deals the cells out, run by run, to as few parts as keep each at about kMostCellsAtOnce. So a part holds cells from all over the file, and is read without the others.
std::vector<std::vector<std::int64_t>> deal_out(const std::vector<std::int64_t>& cells) {
    const auto n = static_cast<std::int64_t>(cells.size());
    const std::int64_t n_parts = std::max<std::int64_t>(1, (n + kMostCellsAtOnce - 1) / kMostCellsAtOnce);
    std::vector<std::vector<std::int64_t>> parts(static_cast<std::size_t>(n_parts));
    for (std::int64_t i = 0; i < n; ++i) parts[static_cast<std::size_t>(i / kDealtTogether % n_parts)].push_back(cells[static_cast<std::size_t>(i)]);
    return parts;
}

double expected_rate_of(std::int64_t n_cells, const DoubletsOptions& options, std::string& note) {
    if (options.expected_rate) return std::clamp(*options.expected_rate, kLeastRate, 0.9);
    const double rate = kRatePerCell * static_cast<double>(n_cells);
    if (rate > kMostGuessedRate) {
        note = fmt::format("{} cells are more than one capture holds, so the expected rate is held at {:.0f} %; give a capture column if the data has several. ", n_cells, 100.0 * kMostGuessedRate);
    }
    return std::clamp(rate, kLeastRate, kMostGuessedRate);
}

/// Counts, their logs as they are read, simulated doublets' neighbours: what a part takes at most.
std::int64_t part_bytes(const Part& part, const DoubletsOptions& options) {
    const std::int64_t n_points = part.counts.n_rows + n_simulated_for(part.counts.n_rows, options);
    const auto row_bytes = static_cast<std::int64_t>(sizeof(float)) * (4 * options.n_components + 2 * kMostNeighbors);
    return 2 * part.counts.view().nnz() * static_cast<std::int64_t>(sizeof(float) + sizeof(std::uint32_t)) + n_points * row_bytes;
}

void choose_threshold(std::span<const float> observed_scores, const SimulatedNeighbors& counts, const Posterior& posterior, CaptureDoublets& capture) {
    const auto n_above = [](std::span<const float> scores, double threshold) {
        return static_cast<std::int64_t>(std::count_if(scores.begin(), scores.end(), [&](float s) { return static_cast<double>(s) > threshold; }));
    };
    if (const auto valley = valley_level(counts.observed, counts.simulated, posterior.n_neighbors, capture.expected_rate)) {
        capture.threshold = static_cast<double>(posterior(*valley));
        capture.rule = DoubletThreshold::valley;
    } else {
        capture.threshold = threshold_for_share(observed_scores, capture.expected_rate);
        capture.rule = DoubletThreshold::expected_rate;
        capture.note += fmt::format("The simulated doublets do not stand apart from the cells, so the {:.1f} % highest scores are called, by the expected rate alone.", 100.0 * capture.expected_rate);
    }
    capture.n_called = n_above(observed_scores, capture.threshold);
    capture.detectable_share = static_cast<double>(n_above(capture.simulated_scores, capture.threshold)) / static_cast<double>(capture.simulated_scores.size());
}

/// total: counts of every cell of the source.
void score_capture(const matrix::Matrix& counts, std::span<const double> total, const std::vector<std::int64_t>& cells, const DoubletsOptions& options, std::uint32_t& part_number, DoubletsResult& result, Context& context) {
    CaptureDoublets capture;
    capture.n_cells = static_cast<std::int64_t>(cells.size());
    capture.threshold = std::numeric_limits<double>::infinity();
    capture.expected_rate = expected_rate_of(capture.n_cells, options, capture.note);
    const auto parts = deal_out(cells);
    if (capture.n_cells < kLeastCells) {
        capture.note = fmt::format("Only {} cells with counts: too few to simulate doublets from (at least {} are needed), so none is scored.", cells.size(), kLeastCells);
        part_number += static_cast<std::uint32_t>(parts.size());
        result.captures.push_back(std::move(capture));
        return;
    }
    const auto smallest = std::ranges::min_element(parts, {}, [](const auto& part) { return part.size(); });
    const Posterior posterior = posterior_for(std::ssize(*smallest), capture.expected_rate, options);
    Space space;
    std::vector<SimulatedNeighbors> found(parts.size());
    const Part first = first_part(counts, total, parts.front(), options, space, context);
    found.front() = count_simulated(first, space, posterior.n_neighbors, part_number, options, context);
    const auto score_part = [&](std::size_t p) {
        const Part part{.counts = matrix::read_all(*matrix::select_cols(matrix::select_rows(counts, parts[p]), space.genes), context), .totals = totals_among(total, parts[p])};
        found[p] = count_simulated(part, space, posterior.n_neighbors, part_number + static_cast<std::uint32_t>(p), options, context);
    };
    const auto n_others = std::ssize(parts) - 1;
    // Whole parts side by side use threads better than the steps of one part, where there is room for them.
    if (n_others >= context.threads() && context.threads() * part_bytes(first, options) <= context.memory_bytes() / 4) {
        parallel_blocks(context, n_others, 1, [&](Block part) { score_part(static_cast<std::size_t>(part.index) + 1); });
    } else {
        for (std::size_t p = 1; p < parts.size(); ++p) score_part(p);
    }
    part_number += static_cast<std::uint32_t>(parts.size());

    std::vector<float> scores;
    SimulatedNeighbors counts_of_all;
    for (std::size_t p = 0; p < parts.size(); ++p) {
        for (std::size_t i = 0; i < parts[p].size(); ++i) {
            scores.push_back(posterior(found[p].observed[i]));
            result.score[static_cast<std::size_t>(parts[p][i])] = scores.back();
        }
        counts_of_all.observed.insert(counts_of_all.observed.end(), found[p].observed.begin(), found[p].observed.end());
        counts_of_all.simulated.insert(counts_of_all.simulated.end(), found[p].simulated.begin(), found[p].simulated.end());
    }
    for (const std::int32_t count : counts_of_all.simulated) capture.simulated_scores.push_back(posterior(count));
    choose_threshold(scores, counts_of_all, posterior, capture);
    for (const std::int64_t c : cells) result.call[static_cast<std::size_t>(c)] = static_cast<double>(result.score[static_cast<std::size_t>(c)]) > capture.threshold ? 1 : 0;
    result.captures.push_back(std::move(capture));
}

/// Cells with counts of each capture.
std::vector<std::vector<std::int64_t>> cells_of_captures(std::span<const double> total, std::span<const std::int32_t> capture, std::int32_t n_captures) {
    std::vector<std::vector<std::int64_t>> cells(static_cast<std::size_t>(n_captures));
    for (std::size_t c = 0; c < capture.size(); ++c) {
        if (capture[c] < 0 || capture[c] >= n_captures) {
            invalid_data(fmt::format("Cell {} has capture number {}, outside 0 to {}.", c, capture[c], n_captures - 1), "Give each cell one of the captures.");
        }
        if (total[c] > 0.0) cells[static_cast<std::size_t>(capture[c])].push_back(static_cast<std::int64_t>(c));
    }
    return cells;
}

}  // namespace

DoubletsResult doublets(const matrix::RowBlockSource& counts, std::span<const std::int32_t> capture, std::int32_t n_captures, const DoubletsOptions& options, Context& context) {
    if (static_cast<std::int64_t>(capture.size()) != counts.n_rows()) {
        invalid_data(fmt::format("There are {} capture numbers for {} cells.", capture.size(), counts.n_rows()), "Give one capture for each cell.");
    }
    const auto total = matrix::row_sums(counts, context);
    const auto cells = cells_of_captures(total, capture, n_captures);
    const matrix::Matrix source(matrix::Matrix{}, &counts);  // not owned: outlives the call
    DoubletsResult result;
    result.score.assign(capture.size(), std::numeric_limits<float>::quiet_NaN());
    result.call.assign(capture.size(), 0);
    std::uint32_t part_number = 0;
    Progress progress(context, "doublets", counts.n_rows(), "cells");
    for (const auto& of_capture : cells) {
        score_capture(source, total, of_capture, options, part_number, result, context);
        progress.advance(static_cast<std::int64_t>(of_capture.size()));
    }
    return result;
}

}  // namespace morula::analysis
