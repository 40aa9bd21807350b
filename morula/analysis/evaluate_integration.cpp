#include "morula/analysis/evaluate_integration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/batch_mixing.hpp"
#include "morula/analysis/cluster_comparison.hpp"
#include "morula/analysis/connectivities.hpp"
#include "morula/analysis/embedding_check.hpp"
#include "morula/analysis/even_sample.hpp"
#include "morula/analysis/graph_connectivity.hpp"
#include "morula/analysis/leiden.hpp"
#include "morula/analysis/lisi.hpp"
#include "morula/analysis/silhouette.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

using matrix::Dense;
using matrix::DenseView;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kWeightOfMixing = 0.4;
constexpr double kWeightOfLabels = 0.6;

/// Cells of each code; throws where a code does not fit.
std::vector<std::vector<std::int64_t>> cells_of(const GroupCodes& groups, std::int64_t n_cells, std::string_view what) {
    if (std::ssize(groups.code) != n_cells) invalid_data(fmt::format("There are {} {} codes for {} cells.", groups.code.size(), what, n_cells), "Give one code a cell.");
    std::vector<std::vector<std::int64_t>> cells(static_cast<std::size_t>(groups.n));
    for (std::size_t cell = 0; cell < groups.code.size(); ++cell) {
        const std::int32_t code = groups.code[cell];
        if (code < 0 || code >= groups.n) invalid_data(fmt::format("A {} code is {}, codes go from 0 to {}.", what, code, groups.n - 1), "Give every cell a code.");
        cells[static_cast<std::size_t>(code)].push_back(static_cast<std::int64_t>(cell));
    }
    return cells;
}

std::int32_t n_in_use(const std::vector<std::vector<std::int64_t>>& cells) {
    return static_cast<std::int32_t>(std::ranges::count_if(cells, [](const auto& each) { return !each.empty(); }));
}

double mean_of_defined(std::vector<double> values) {
    std::erase_if(values, [](double value) { return std::isnan(value); });
    return mean_of(values);
}

Dense<float> rows_of(DenseView<const float> embedding, std::span<const std::int64_t> cells) {
    Dense<float> out(std::ssize(cells), embedding.n_cols);
    for (std::size_t i = 0; i < cells.size(); ++i) std::ranges::copy(embedding.row(cells[i]), out.row(static_cast<std::int64_t>(i)).begin());
    return out;
}

/// Mean over groups of cells of what is defined for each: batches within labels, or of all cells where there are no labels.
void add_mixing(DenseView<const float> embedding, const GroupCodes& batches, const std::vector<std::vector<std::int64_t>>& groups, std::int32_t max_cells, BatchMixingScores& scores, Context& context) {
    std::vector<double> acceptance, silhouette;
    for (const std::vector<std::int64_t>& cells : groups) {
        if (cells.empty()) continue;
        const Dense<float> rows = rows_of(embedding, cells);
        std::vector<std::int32_t> batch;
        for (const std::int64_t cell : cells) batch.push_back(batches.code[static_cast<std::size_t>(cell)]);
        acceptance.push_back(batch_acceptance(rows.view(), batch, batches.n, max_cells, context));
        silhouette.push_back(batch_silhouette(rows.view(), batch, batches.n, max_cells, context));
    }
    scores.acceptance = mean_of_defined(acceptance);
    scores.silhouette = mean_of_defined(silhouette);
}

/// Labels in the fewest batches, where others are in more.
std::vector<std::int32_t> isolated_labels(const GroupCodes& batches, const std::vector<std::vector<std::int64_t>>& cells_of_label) {
    std::vector<std::int32_t> n_batches;
    for (const std::vector<std::int64_t>& cells : cells_of_label) {
        std::vector<std::uint8_t> seen(static_cast<std::size_t>(batches.n), 0);
        for (const std::int64_t cell : cells) seen[static_cast<std::size_t>(batches.code[static_cast<std::size_t>(cell)])] = 1;
        n_batches.push_back(static_cast<std::int32_t>(std::ranges::count(seen, 1)));
    }
    std::int32_t fewest = batches.n, most = 0;
    for (const std::int32_t n : n_batches) {
        if (n > 0) fewest = std::min(fewest, n);
        most = std::max(most, n);
    }
    std::vector<std::int32_t> isolated;
    for (std::size_t label = 0; label < n_batches.size() && fewest < most; ++label) {
        if (n_batches[label] == fewest) isolated.push_back(static_cast<std::int32_t>(label));
    }
    return isolated;
}

/// The highest F1 of any cluster as a call of the label.
double best_f1(std::span<const std::int32_t> cluster, std::int32_t n_clusters, const std::vector<std::int64_t>& cells_of_label) {
    std::vector<std::int64_t> size(static_cast<std::size_t>(n_clusters), 0), hits(size);
    for (const std::int32_t c : cluster) ++size[static_cast<std::size_t>(c)];
    for (const std::int64_t cell : cells_of_label) ++hits[static_cast<std::size_t>(cluster[static_cast<std::size_t>(cell)])];
    double best = 0.0;
    for (std::size_t c = 0; c < size.size(); ++c) best = std::max(best, 2.0 * static_cast<double>(hits[c]) / static_cast<double>(size[c] + std::ssize(cells_of_label)));
    return best;
}

void add_clusters(const NeighborsResult& near, const GroupCodes& labels, const std::vector<std::vector<std::int64_t>>& cells_of_label, const EvaluateIntegrationOptions& options, LabelScores& scores, Context& context) {
    const matrix::Csr graph = fuzzy_connectivities(near, context);
    std::vector<LeidenResult> runs(options.resolutions.size());
    parallel_blocks(context, std::ssize(runs), 1, [&](Block block) {
        const auto i = static_cast<std::size_t>(block.index);
        runs[i] = leiden(graph.view(), {.resolution = options.resolutions[i], .seed = options.seed}, context);
    });
    std::vector<double> f1(scores.isolated.size(), 0.0);
    scores.nmi = -1.0;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        const double nmi = normalized_mutual_information(runs[i].cluster, labels.code);
        for (std::size_t l = 0; l < f1.size(); ++l) f1[l] = std::max(f1[l], best_f1(runs[i].cluster, runs[i].n_clusters, cells_of_label[static_cast<std::size_t>(scores.isolated[l])]));
        if (nmi <= scores.nmi) continue;
        scores.nmi = nmi;
        scores.ari = adjusted_rand_index(runs[i].cluster, labels.code);
        scores.resolution = options.resolutions[i];
        scores.n_clusters = runs[i].n_clusters;
    }
    scores.isolated_f1 = mean_of(f1);
}

void add_silhouettes(DenseView<const float> embedding, const GroupCodes& labels, const std::vector<std::vector<std::int64_t>>& cells_of_label, const EvaluateIntegrationOptions& options, LabelScores& scores, Context& context) {
    const auto scaled = [](std::span<const double> widths) { return (mean_of(widths) + 1.0) / 2.0; };
    scores.silhouette = scaled(silhouette_widths(embedding, labels.code, labels.n, even_sample(embedding.n_rows, options.max_cells), context));
    std::vector<double> isolated;
    for (const std::int32_t label : scores.isolated) {
        const std::vector<std::int64_t>& cells = cells_of_label[static_cast<std::size_t>(label)];
        std::vector<std::int64_t> measured;
        for (const std::int64_t i : even_sample(std::ssize(cells), options.max_label_cells)) measured.push_back(cells[static_cast<std::size_t>(i)]);
        isolated.push_back(scaled(silhouette_widths(embedding, labels.code, labels.n, measured, context)));
    }
    scores.isolated_silhouette = mean_of(isolated);
}

LabelScores no_label_scores() {
    LabelScores none;
    for (double* score : {&none.clisi_median, &none.clisi, &none.silhouette, &none.nmi, &none.ari, &none.resolution, &none.isolated_f1, &none.isolated_silhouette, &none.mean}) *score = kMissing;
    return none;
}

void check_options(const EvaluateIntegrationOptions& options) {
    if (options.resolutions.empty()) fail(ErrorCode::usage, "There is no resolution to cluster at.", "Name one or more, for instance --resolutions 0.5,1,2.");
}

}  // namespace

IntegrationScores evaluate_integration(DenseView<const float> embedding, const GroupCodes& batches, const GroupCodes& labels, const EvaluateIntegrationOptions& options, Context& context) {
    check_options(options);
    require_finite(embedding, "the embedding", context);
    require_spread(embedding, "the embedding");
    const auto cells_of_batch = cells_of(batches, embedding.n_rows, "batch");
    IntegrationScores scores;
    scores.n_batches = n_in_use(cells_of_batch);
    if (scores.n_batches < 2) invalid_data("All cells are of one batch, so there is nothing to mix.", "Name a column with two batches or more.");
    const LisiOptions lisi_options{.perplexity = options.perplexity, .max_cells = options.max_cells};
    const LisiResult ilisi = lisi(embedding, batches.code, batches.n, lisi_options, context);
    scores.n_measured = std::ssize(ilisi.cell);
    scores.batch.ilisi_median = ilisi.median;
    scores.batch.ilisi_expected = ilisi.expected;
    scores.batch.ilisi = (ilisi.median - 1.0) / static_cast<double>(scores.n_batches - 1);
    scores.batch.graph_connectivity = kMissing;
    scores.label = no_label_scores();
    if (labels.n == 0) {
        std::vector<std::vector<std::int64_t>> all{even_sample(embedding.n_rows, embedding.n_rows)};
        add_mixing(embedding, batches, all, options.max_cells, scores.batch, context);
    } else {
        const auto cells_of_label = cells_of(labels, embedding.n_rows, "label");
        scores.n_labels = n_in_use(cells_of_label);
        if (scores.n_labels < 2) invalid_data("All cells have one label, so nothing can be told about labels.", "Name a column with two labels or more, or leave --label out.");
        add_mixing(embedding, batches, cells_of_label, options.max_label_cells, scores.batch, context);
        const LisiResult clisi = lisi(embedding, labels.code, labels.n, lisi_options, context);
        scores.label.clisi_median = clisi.median;
        scores.label.clisi = (static_cast<double>(scores.n_labels) - clisi.median) / static_cast<double>(scores.n_labels - 1);
        scores.label.isolated = isolated_labels(batches, cells_of_label);
        const NeighborsResult near = neighbors(embedding, {.n_neighbors = options.n_neighbors, .seed = options.seed}, context);
        scores.batch.graph_connectivity = mean_of_defined(graph_connectivity(near, labels.code, labels.n));
        add_clusters(near, labels, cells_of_label, options, scores.label, context);
        add_silhouettes(embedding, labels, cells_of_label, options, scores.label, context);
        const LabelScores& l = scores.label;
        scores.label.mean = mean_of_defined({l.clisi, l.silhouette, l.nmi, l.ari, l.isolated_f1, l.isolated_silhouette});
    }
    const BatchMixingScores& b = scores.batch;
    scores.batch.mean = mean_of_defined({b.ilisi, b.silhouette, b.acceptance, b.graph_connectivity});
    scores.total = labels.n == 0 ? kMissing : kWeightOfMixing * scores.batch.mean + kWeightOfLabels * scores.label.mean;
    return scores;
}

}  // namespace morula::analysis
