// Cell labels from a labelled reference: three models, their agreement, calibrated label sets, and how unlike the reference a cell is.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/models/correlation_labels.hpp"
#include "morula/models/joint_space.hpp"
#include "morula/models/label_sets.hpp"
#include "morula/models/novelty.hpp"
#include "morula/models/reliability.hpp"

namespace morula::models {

struct AnnotateOptions {
    std::int32_t n_neighbors = 15;
    std::int32_t n_variable_genes = 2000;
    std::int32_t n_components = 50;
    double l2 = 1.0;
    double coverage = 0.9;
    double novelty_threshold = kNoveltyThreshold;
    std::int32_t folds = 5;
    std::int64_t max_query_cells = 20'000;
    std::uint64_t seed = 0;
};

constexpr auto describe(const AnnotateOptions*) {
    return std::tuple{
        field("n_neighbors", &AnnotateOptions::n_neighbors, "Reference cells that vote on a cell's label.", {.minimum = 1, .maximum = 1000}),
        field("n_variable_genes", &AnnotateOptions::n_variable_genes, "Shared variable genes that labels are told by.", {.minimum = 50, .maximum = 10000, .unit = "genes"}),
        field("n_components", &AnnotateOptions::n_components, "Principal components of the joint space.", {.minimum = 2, .maximum = 200}),
        field("l2", &AnnotateOptions::l2, "Penalty of the logistic regressions (scikit-learn's 1 / C).", {.minimum = 1e-6, .maximum = 1e6}),
        field("coverage", &AnnotateOptions::coverage, "Share of the cells of a new donor whose label set must hold the true label.", {.minimum = 0.5, .maximum = 0.9}),
        field("novelty_threshold", &AnnotateOptions::novelty_threshold, "Cells whose novelty_p is at most this are called unlike the reference.", {.minimum = 0.0, .maximum = 0.5}),
        field("folds", &AnnotateOptions::folds, "Groups of donors that are left out in turn for calibration.", {.minimum = 2, .maximum = 100}),
        field("max_query_cells", &AnnotateOptions::max_query_cells, "Query cells that the joint space is learned on; the others are placed in it afterwards.", {.minimum = 100, .maximum = 1e9, .unit = "cells"}),
        field("seed", &AnnotateOptions::seed, "Seed of the random choices."),
    };
}

/// Both over the shared genes, in one order.
struct AnnotateInputs {
    CountsAndBatches reference;
    CountsAndBatches query;
    std::span<const std::int32_t> label;   // of the reference cells, codes in [0, n_labels)
    std::int32_t n_labels = 0;
    std::span<const std::int32_t> donor;   // of the reference cells, codes in [0, n_donors); empty: not known
    std::int32_t n_donors = 0;
};

/// What each model says; n_cells x n_labels, rows add to one.
struct LabelOpinions {
    matrix::Dense<float> votes;       // of the nearest reference cells in the joint space
    matrix::Dense<float> in_space;    // logistic regression on the joint space
    matrix::Dense<float> on_counts;   // logistic regression on log counts of the variable genes
    matrix::Dense<float> pooled;      // mean of the three
};

/// Held-out reference cells, and what was learned from them.
struct Calibration {
    LabelSetThresholds thresholds;
    ConfidenceMap confidence;
    Reliability reliability;          // of confidences that were fitted without the donors they are judged on
    double covered = 0.0;             // share of held-out cells whose set holds their label, mean over donors; thresholds saw these donors
    double mean_set_size = 0.0;
};

struct AnnotateResult {
    std::vector<std::int32_t> label;                    // most probable by the pooled opinion
    std::vector<double> confidence;                     // calibrated share of right calls; without calibration the pooled probability
    std::vector<std::vector<std::int32_t>> label_set;   // most probable first
    std::vector<double> novelty_p;
    std::vector<double> total;                          // counts in the shared genes
    LabelOpinions opinions;
    CorrelationLabels correlation;                      // the second opinion; takes no part in the label
    std::optional<Calibration> calibration;             // none: fewer than 9 donors
    std::vector<std::int64_t> genes;                    // variable genes, columns of the counts
    std::int64_t n_learned_on = 0;                      // query cells that the space was learned on
};

/// The label is the largest of the mean of three probabilities, all of equal weight: votes of the nearest reference cells in a jointly integrated space, logistic regression there, and logistic
/// regression on the counts themselves, which knows nothing of integration. (Two views of the joint space against one of the raw counts: where batches differ, the space is the better ground.)
/// Rank correlation with label profiles is a second opinion that is shown and not counted.
/// With 9 donors or more, donors are left out in `folds` groups, the rest is the reference, and they are mixed and scored as a query is: their cells calibrate confidence, label sets
/// and distances. With fewer, distances are calibrated by each reference cell to the others, and the rest is not calibrated.
/// Throws invalid_data: fewer than two labels, sizes that do not fit, too few cells.
AnnotateResult annotate(const AnnotateInputs& inputs, const AnnotateOptions& options, Context& context);

}  // namespace morula::models
