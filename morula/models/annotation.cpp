#include "morula/models/annotation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/models/multinomial_logistic.hpp"
#include "morula/models/nearest_labels.hpp"
#include "morula/models/query_pass.hpp"

namespace morula::models {
namespace {

constexpr double kUncalibratedMass = 0.9;
constexpr std::int64_t kBlockCells = 1024;

using Rows = std::vector<std::int64_t>;

struct Scored {
    LabelOpinions opinions;
    std::vector<double> log_distance;         // to the nearest reference cells
    std::vector<std::int32_t> nearest_label;  // by their votes
};

matrix::Csr as_csr(matrix::DenseView<const float> dense) {
    matrix::Csr out;
    out.start(dense.n_rows, dense.n_cols);
    out.indices.reserve(dense.values.size());
    out.values.reserve(dense.values.size());
    for (std::int64_t row = 0; row < dense.n_rows; ++row) {
        for (std::int64_t col = 0; col < dense.n_cols; ++col) {
            out.indices.push_back(static_cast<std::uint32_t>(col));
            out.values.push_back(dense(row, col));
        }
        out.end_row();
    }
    return out;
}

template <class T>
std::vector<T> picked(std::span<const T> from, const Rows& rows) {
    std::vector<T> out;
    if (from.empty()) return out;
    out.reserve(rows.size());
    for (const std::int64_t row : rows) out.push_back(from[static_cast<std::size_t>(row)]);
    return out;
}

matrix::Dense<float> picked_rows(const matrix::Dense<float>& from, const Rows& rows) {
    matrix::Dense<float> out(std::ssize(rows), from.n_cols);
    for (std::size_t i = 0; i < rows.size(); ++i) std::ranges::copy(from.row(rows[i]), out.row(static_cast<std::int64_t>(i)).begin());
    return out;
}

matrix::Csr picked_cells(const matrix::Csr& from, const Rows& rows, Context& context) {
    return matrix::read_all(*matrix::select_rows(matrix::make_view_source(from.view()), rows), context);
}

matrix::Dense<float> mean_of_three(const LabelOpinions& opinions) {
    matrix::Dense<float> out(opinions.votes.n_rows, opinions.votes.n_cols);
    for (std::size_t i = 0; i < out.values.size(); ++i) {
        out.values[i] = static_cast<float>((static_cast<double>(opinions.votes.values[i]) + static_cast<double>(opinions.in_space.values[i]) + static_cast<double>(opinions.on_counts.values[i])) / 3.0);
    }
    return out;
}

/// Labelled cells in the joint space, batches mixed.
struct LabelledSpace {
    matrix::DenseView<const float> space;
    std::span<const std::int32_t> label;
    std::int32_t n_labels = 0;
};

/// search: over the reference's space; on_counts: what the model of the counts says of each query cell.
Scored score(const LabelledSpace& reference, const NearestSearch& search, matrix::DenseView<const float> query, matrix::Dense<float> on_counts, const AnnotateOptions& options, Context& context) {
    Scored out;
    const NearestCells nearest = search.nearest(query, options.n_neighbors, context);
    out.opinions.votes = label_votes(nearest, reference.label, reference.n_labels, context);
    out.nearest_label = best_labels(out.opinions.votes.view());
    out.log_distance = log_distances(reference.space, query, nearest, context);
    const matrix::Csr values = as_csr(reference.space);
    const MultinomialLogistic in_space = fit_multinomial_logistic(values.view(), reference.label, reference.n_labels, {.scaling = LogisticScaling::centre, .l2 = options.l2}, context);
    out.opinions.in_space = label_probabilities(in_space, query, context);
    out.opinions.on_counts = std::move(on_counts);
    out.opinions.pooled = mean_of_three(out.opinions);
    return out;
}

/// Donors in turn to folds, the largest first, so that folds are of a size; ties to the lower code. The fold of each donor.
std::vector<std::int32_t> folds_of_donors(std::span<const std::int32_t> donor, std::int32_t n_donors, std::int32_t n_folds) {
    std::vector<std::int64_t> n_cells(static_cast<std::size_t>(n_donors), 0);
    for (const std::int32_t code : donor) ++n_cells[static_cast<std::size_t>(code)];
    std::vector<std::int32_t> order(n_cells.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return n_cells[static_cast<std::size_t>(a)] > n_cells[static_cast<std::size_t>(b)]; });
    std::vector<std::int32_t> fold(n_cells.size());
    for (std::size_t i = 0; i < order.size(); ++i) fold[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i % static_cast<std::size_t>(n_folds));
    return fold;
}

std::int32_t donors_with_cells(const AnnotateInputs& inputs) {
    std::vector<std::uint8_t> seen(static_cast<std::size_t>(inputs.n_donors), 0);
    for (const std::int32_t code : inputs.donor) seen[static_cast<std::size_t>(code)] = 1;
    return static_cast<std::int32_t>(std::count(seen.begin(), seen.end(), 1));
}

/// Every reference cell, scored while its donor was left out.
struct HeldOut {
    matrix::Dense<float> probability;  // pooled
    std::vector<double> log_distance;
    std::vector<std::int32_t> nearest_label;
    std::vector<std::int32_t> fold;
};

HeldOut score_held_out(const AnnotateInputs& inputs, const JointSpace& joint, const AnnotateOptions& options, Context& context) {
    const std::int64_t n = joint.reference.n_rows;
    const std::int32_t n_folds = std::min(options.folds, donors_with_cells(inputs));
    const std::vector<std::int32_t> fold_of_donor = folds_of_donors(inputs.donor, inputs.n_donors, n_folds);
    HeldOut out{matrix::Dense<float>(n, inputs.n_labels), std::vector<double>(static_cast<std::size_t>(n)), std::vector<std::int32_t>(static_cast<std::size_t>(n)), {}};
    for (const std::int32_t code : inputs.donor) out.fold.push_back(fold_of_donor[static_cast<std::size_t>(code)]);
    Progress progress(context, "calibration", n_folds, "groups of donors");
    for (std::int32_t fold = 0; fold < n_folds; ++fold) {
        Rows rest;
        Rows held;
        for (std::int64_t cell = 0; cell < n; ++cell) (out.fold[static_cast<std::size_t>(cell)] == fold ? held : rest).push_back(cell);
        const std::vector<std::int32_t> rest_batch = picked(inputs.reference.batch, rest);
        const std::vector<std::int32_t> held_batch = picked(inputs.reference.batch, held);
        const std::vector<std::int32_t> rest_label = picked(inputs.label, rest);
        const matrix::Dense<float> rest_pca = picked_rows(joint.reference_pca, rest);
        const matrix::Dense<float> held_pca = picked_rows(joint.reference_pca, held);
        const MixedSpace space = mix_batches({rest_pca.view(), rest_batch, inputs.reference.n_batches}, {held_pca.view(), held_batch, inputs.reference.n_batches}, options.seed, context);
        const matrix::Csr rest_values = picked_cells(joint.reference, rest, context);
        const matrix::Csr held_values = picked_cells(joint.reference, held, context);
        const MultinomialLogistic on_counts = fit_multinomial_logistic(rest_values.view(), rest_label, inputs.n_labels, {.l2 = options.l2}, context);
        const matrix::DenseView<const float> rest_space = std::as_const(space.reference).view();
        const Scored scored = score({rest_space, rest_label, inputs.n_labels}, NearestSearch(rest_space, context), std::as_const(space.query).view(),
                                    label_probabilities(on_counts, held_values.view(), context), options, context);
        for (std::size_t i = 0; i < held.size(); ++i) {
            const auto cell = static_cast<std::size_t>(held[i]);
            std::ranges::copy(scored.opinions.pooled.row(static_cast<std::int64_t>(i)), out.probability.row(held[i]).begin());
            out.log_distance[cell] = scored.log_distance[i];
            out.nearest_label[cell] = scored.nearest_label[i];
        }
        progress.advance(1);
    }
    return out;
}

std::vector<double> largest_of_rows(const matrix::Dense<float>& probability) {
    std::vector<double> out;
    for (std::int64_t row = 0; row < probability.n_rows; ++row) out.push_back(static_cast<double>(*std::ranges::max_element(probability.row(row))));
    return out;
}

/// Mean over donors of the mean over their cells.
double donor_mean(std::span<const double> values, std::span<const std::int32_t> donor, std::int32_t n_donors) {
    std::vector<double> sum(static_cast<std::size_t>(n_donors), 0.0);
    std::vector<double> n(sum.size(), 0.0);
    for (std::size_t i = 0; i < values.size(); ++i) {
        sum[static_cast<std::size_t>(donor[i])] += values[i];
        n[static_cast<std::size_t>(donor[i])] += 1.0;
    }
    double total = 0.0;
    double n_seen = 0.0;
    for (std::size_t d = 0; d < sum.size(); ++d) {
        if (n[d] > 0.0) total += sum[d] / n[d], n_seen += 1.0;
    }
    return total / n_seen;
}

Calibration calibrate(const AnnotateInputs& inputs, const HeldOut& held, const AnnotateOptions& options) {
    Calibration out;
    out.thresholds = calibrate_label_sets({held.probability.view(), inputs.label, inputs.donor, inputs.n_donors}, {.coverage = options.coverage, .seed = options.seed});
    const std::vector<std::int32_t> called = best_labels(held.probability.view());
    const std::vector<double> score = largest_of_rows(held.probability);
    std::vector<std::uint8_t> right;
    std::vector<double> covered;
    std::vector<double> size;
    for (std::size_t cell = 0; cell < called.size(); ++cell) {
        right.push_back(called[cell] == inputs.label[cell] ? 1 : 0);
        const std::vector<std::int32_t> set = label_set(out.thresholds, held.probability.row(static_cast<std::int64_t>(cell)));
        covered.push_back(std::find(set.begin(), set.end(), inputs.label[cell]) != set.end() ? 1.0 : 0.0);
        size.push_back(static_cast<double>(set.size()));
    }
    out.covered = donor_mean(covered, inputs.donor, inputs.n_donors);
    out.mean_set_size = donor_mean(size, inputs.donor, inputs.n_donors);
    const ScoredCalls calls{score, right, inputs.donor, inputs.n_donors};
    out.confidence = fit_confidence(calls, std::vector<std::uint8_t>(score.size(), 1));
    // The table judges confidences that were fitted on the other folds.
    std::vector<double> confidence(score.size());
    const std::int32_t n_folds = 1 + *std::ranges::max_element(held.fold);
    for (std::int32_t fold = 0; fold < n_folds; ++fold) {
        std::vector<std::uint8_t> use;
        for (const std::int32_t own : held.fold) use.push_back(own != fold ? 1 : 0);
        const ConfidenceMap map = fit_confidence(calls, use);
        for (std::size_t cell = 0; cell < score.size(); ++cell) {
            if (held.fold[cell] == fold) confidence[cell] = map.at(score[cell]);
        }
    }
    out.reliability = reliability_of({confidence, right, inputs.donor, inputs.n_donors});
    return out;
}

UsualDistances usual_without_folds(const LabelledSpace& reference, const NearestSearch& search, const AnnotateOptions& options, Context& context) {
    const NearestCells nearest = search.nearest_others(options.n_neighbors, context);
    const std::vector<std::int32_t> voted = best_labels(label_votes(nearest, reference.label, reference.n_labels, context).view());
    return usual_distances(log_distances(reference.space, reference.space, nearest, context), voted, reference.n_labels);
}

/// Label, confidence, label set and novelty of every query cell.
void call_cells(const Scored& scored, const UsualDistances& usual, AnnotateResult& out, Context& context) {
    out.label = best_labels(scored.opinions.pooled.view());
    out.confidence.resize(out.label.size());
    out.label_set.resize(out.label.size());
    out.novelty_p.resize(out.label.size());
    parallel_blocks(context, scored.opinions.pooled.n_rows, kBlockCells, [&](Block block) {
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            const auto at = static_cast<std::size_t>(cell);
            const std::span<const float> probability = scored.opinions.pooled.row(cell);
            const auto best = static_cast<double>(*std::ranges::max_element(probability));
            out.confidence[at] = out.calibration ? out.calibration->confidence.at(best) : best;
            out.label_set[at] = out.calibration ? label_set(out.calibration->thresholds, probability) : likely_labels(probability, kUncalibratedMass);
            out.novelty_p[at] = novelty_p(usual, scored.log_distance[at], scored.nearest_label[at]);
        }
    });
}

void check_inputs(const AnnotateInputs& inputs) {
    const std::int64_t n = inputs.reference.counts->n_rows();
    if (std::ssize(inputs.label) != n) invalid_data(fmt::format("There are {} labels for {} reference cells.", inputs.label.size(), n), "Give one label a reference cell.");
    if (!inputs.donor.empty() && std::ssize(inputs.donor) != n) invalid_data(fmt::format("There are {} donors for {} reference cells.", inputs.donor.size(), n), "Give one donor a reference cell.");
    std::vector<std::uint8_t> seen(static_cast<std::size_t>(inputs.n_labels), 0);
    for (const std::int32_t code : inputs.label) {
        if (code < 0 || code >= inputs.n_labels) invalid_data("A reference cell has no label.", "Leave cells without a label out.");
        seen[static_cast<std::size_t>(code)] = 1;
    }
    if (std::count(seen.begin(), seen.end(), 1) < 2) invalid_data("All reference cells have one label.", "Name a column with two labels or more.");
}

}  // namespace

AnnotateResult annotate(const AnnotateInputs& inputs, const AnnotateOptions& options, Context& context) {
    check_inputs(inputs);
    const JointSpaceOptions space_options{.n_variable_genes = options.n_variable_genes, .n_components = options.n_components, .max_query_cells = options.max_query_cells, .seed = options.seed};
    const JointSpace joint = learn_joint_space(inputs.reference, inputs.query, space_options, context);
    const std::vector<std::int32_t> learned_batch = picked(inputs.query.batch, joint.learned_on);
    const MixedSpace mixed = mix_batches({joint.reference_pca.view(), inputs.reference.batch, inputs.reference.n_batches}, {joint.learned_pca.view(), learned_batch, inputs.query.n_batches},
                                         options.seed, context);
    const MultinomialLogistic on_counts = fit_multinomial_logistic(joint.reference.view(), inputs.label, inputs.n_labels, {.l2 = options.l2}, context);
    const CorrelationLabelsOptions correlation;
    const matrix::Matrix reference_values = matrix::make_view_source(joint.reference.view());
    const LabelProfiles profiles = label_profiles(*reference_values, inputs.label, inputs.n_labels, correlation, context);
    PassedCells passed = pass_over_query(*inputs.query.counts, joint.genes, {joint.learned_on, joint.learned, joint.learned_pca.view()}, {joint.projection, on_counts, profiles, correlation}, context);
    const matrix::Dense<float> query = place_cells({passed.pca.view(), inputs.query.batch, inputs.query.n_batches}, joint.learned_on, joint.learned_pca.view(), mixed.query.view(), options.seed, context);
    const LabelledSpace reference{mixed.reference.view(), inputs.label, inputs.n_labels};
    const NearestSearch search(reference.space, context);
    Scored scored = score(reference, search, query.view(), std::move(passed.on_counts), options, context);
    AnnotateResult out;
    UsualDistances usual;
    if (donors_with_cells(inputs) >= kLeastCalibrationDonors) {
        const HeldOut held = score_held_out(inputs, joint, options, context);
        out.calibration = calibrate(inputs, held, options);
        usual = usual_distances(held.log_distance, held.nearest_label, inputs.n_labels);
    } else {
        usual = usual_without_folds(reference, search, options, context);
    }
    out.genes = joint.genes;
    out.total = std::move(passed.total);
    out.n_learned_on = std::ssize(joint.learned_on);
    call_cells(scored, usual, out, context);
    out.correlation = std::move(passed.correlation);
    out.opinions = std::move(scored.opinions);
    return out;
}

}  // namespace morula::models
