// Whether a confidence means what it says: isotonic calibration on donors not seen, and the reliability table.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace morula::models {

/// Held-out cells: the score of the label that was called, whether it was right, whose cell it is.
struct ScoredCalls {
    std::span<const double> score;            // 0 to 1
    std::span<const std::uint8_t> is_right;
    std::span<const std::int32_t> donor;      // codes in [0, n_donors)
    std::int32_t n_donors = 0;
};

/// A rising step function from score to share of right calls.
struct ConfidenceMap {
    std::vector<double> from;    // rising: steps begin here
    std::vector<double> share;   // not falling
    double at(double score) const;
};

/// Isotonic regression (pool adjacent violators; Zadrozny & Elkan 2002), each donor with the same total weight. Cells with use[cell] == 0 are left out.
/// The share of a step of n cells becomes (n share + 1/2) / (n + 1), so that no call is certain. No cells: 1/2 everywhere.
ConfidenceMap fit_confidence(const ScoredCalls& calls, std::span<const std::uint8_t> use);

struct ReliabilityBin {
    double from = 0.0;
    double to = 0.0;
    std::int64_t n_cells = 0;
    std::int32_t n_donors = 0;
    double confidence = 0.0;     // mean over donors of their mean, NaN without cells
    double right = 0.0;          // share of right calls, mean over donors
    double right_low = 0.0;      // 95 % interval from the spread between donors (Student's t); NaN under two donors
    double right_high = 0.0;
};

struct Reliability {
    std::vector<ReliabilityBin> bins;
    double expected_error = 0.0;  // mean |confidence - right| over bins by their cells (ECE)
};

/// Ten bins of equal width over confidence in [0, 1].
Reliability reliability_of(const ScoredCalls& calls);

}  // namespace morula::models
