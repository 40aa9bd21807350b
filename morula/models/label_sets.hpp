// Conformal label sets: all labels that a cell may have, right for a stated share of the cells of a new donor.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/core/describe.hpp"
#include "morula/matrix/views.hpp"

namespace morula::models {

/// The least number of donors for which a threshold at 90 % exists: the 9th smallest of 9 scores.
inline constexpr std::int32_t kLeastCalibrationDonors = 9;

struct LabelSetsOptions {
    double coverage = 0.9;
    std::int32_t draws = 2000;
    std::uint64_t seed = 0;
};

constexpr auto describe(const LabelSetsOptions*) {
    return std::tuple{
        field("coverage", &LabelSetsOptions::coverage, "Share of the cells of a new donor whose true label the set must hold.", {.minimum = 0.5, .maximum = 0.9}),
        field("draws", &LabelSetsOptions::draws, "Draws of one cell a donor that the thresholds are averaged over.", {.minimum = 1, .maximum = 1000000}),
        field("seed", &LabelSetsOptions::seed, "Seed of the draws."),
    };
}

/// Cells whose label is known and whose donor the models that scored them had not seen.
struct CalibrationCells {
    matrix::DenseView<const float> probability;  // n_cells x n_labels
    std::span<const std::int32_t> label;         // codes in [0, n_labels)
    std::span<const std::int32_t> donor;         // codes in [0, n_donors)
    std::int32_t n_donors = 0;
};

struct LabelThreshold {
    double score = 1.0;          // the label belongs to a set when 1 - probability is at most this
    std::int32_t n_donors = 0;   // with cells of the label
    std::int64_t n_cells = 0;
    bool is_own = false;         // false: fewer than 9 donors have the label, and the threshold over all labels stands in
};

struct LabelSetThresholds {
    std::vector<LabelThreshold> of_label;
    double pooled = 1.0;
    std::int32_t n_donors = 0;
};

/// Split-conformal thresholds, one a label (class-conditional; Vovk 2012), with donors as the exchangeable units. A cell's score for its label is 1 - probability.
/// One cell a donor is drawn: with D donors the k-th smallest score is a threshold that a cell of a new donor keeps with probability k / (D + 1); the two ranks around (D + 1) coverage are
/// taken in proportion. The draw is repeated (Dunn, Wasserman & Ramdas 2022) and the quantile levels of these thresholds among all cells (each donor counting the same) are averaged, so
/// that cells of one donor never count as independent ones. With one cell a donor that is plain split-conformal, the upper of the two ranks.
/// Throws invalid_data with fewer than 9 donors or when sizes do not fit.
LabelSetThresholds calibrate_label_sets(const CalibrationCells& cells, const LabelSetsOptions& options);

/// Labels within their thresholds, most probable first; the most probable label is always in, so that a set is never empty.
std::vector<std::int32_t> label_set(const LabelSetThresholds& thresholds, std::span<const float> probability);

/// Without calibration: the most probable labels until their probabilities add to `mass`. No coverage is promised.
std::vector<std::int32_t> likely_labels(std::span<const float> probability, double mass);

}  // namespace morula::models
