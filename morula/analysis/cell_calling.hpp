// Cell calling in unfiltered droplet matrices: knee and inflection of the barcode-rank curve, and a test against the ambient profile.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

struct CellCallingOptions {
    std::int64_t ambient_below = 100;   // barcodes with at most this many counts are taken as empty and give the ambient profile
    std::int32_t n_simulations = 10000;
    double fdr = 0.01;
    std::uint64_t seed = 0;
};

constexpr auto describe(const CellCallingOptions*) {
    return std::tuple{
        field("ambient_below", &CellCallingOptions::ambient_below, "Barcodes with at most this many counts are taken as empty.", {.minimum = 1, .maximum = 1e9, .unit = "counts"}),
        field("n_simulations", &CellCallingOptions::n_simulations, "Simulated ambient droplets; the smallest p value is 1 / (this + 1).", {.minimum = 99, .maximum = 1e7}),
        field("fdr", &CellCallingOptions::fdr, "Barcodes below this FDR are called cells.", {.minimum = 0.0, .maximum = 1.0}),
        field("seed", &CellCallingOptions::seed, "Seed of the simulated droplets."),
    };
}

/// The barcode-rank curve: totals sorted decreasing, one point per distinct total (rank = mean rank of the ties).
struct BarcodeRanks {
    std::vector<double> rank;   // n_points, increasing
    std::vector<double> total;  // n_points, decreasing, > 0
    double knee = 0.0;          // total at the knee; 0 when the curve has too few points
    double inflection = 0.0;    // total at the steepest place below the knee
};

/// Knee: the point of the log-log curve (totals above `lower`) farthest above the line from its first to its last point of steepest descent, as in
/// DropletUtils::barcodeRanks 1.1x without the spline. Inflection: the steepest descent of that curve.
BarcodeRanks barcode_ranks(std::span<const double> totals, double lower);

struct CellCallingResult {
    BarcodeRanks ranks;
    std::vector<double> total;         // n_barcodes
    std::vector<std::uint8_t> is_cell; // n_barcodes
    std::vector<float> p;              // n_barcodes; NaN where not tested (empty by total, or above the knee)
    std::vector<float> fdr;            // n_barcodes; 0 above the knee, NaN where not tested
    std::int64_t n_cells = 0;
    std::int64_t n_by_knee = 0;        // called because their total is at or above the knee
    std::int64_t n_by_profile = 0;     // called because their profile differs from ambient RNA
    std::int64_t n_ambient_barcodes = 0;
    std::vector<double> ambient;       // n_genes, sums to 1: Good-Turing smoothed profile of the empty barcodes
    bool profile_tested = false;       // false: too few empty barcodes, called by knee or inflection alone
    std::string note;                  // a sentence when the call deserves care; else empty
};

/// EmptyDrops (Lun et al. 2019, Genome Biol 20:63): multinomial likelihood of each barcode under the ambient profile against simulated droplets of the same total;
/// barcodes at or above the knee are always called. Differs: multinomial without the overdispersion of the Dirichlet, so it is less strict;
/// simulated droplets come from counter-based random numbers. counts: raw, all barcodes of one capture. Two passes.
/// Throws invalid_data when there is no barcode with counts.
CellCallingResult call_cells(const matrix::RowBlockSource& counts, const CellCallingOptions& options, Context& context);

}  // namespace morula::analysis
