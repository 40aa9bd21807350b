// The barcode-rank curve of an unfiltered droplet matrix: totals against their rank, its knee and its inflection.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace morula::analysis {

/// One point for each distinct total above `lower`; rank is the mean rank of the barcodes that share the total.
struct BarcodeRanks {
    std::vector<double> rank;   // n_points, increasing
    std::vector<double> total;  // n_points, decreasing
    double knee = 0.0;          // total at the knee; 0 when the curve has none
    double inflection = 0.0;    // half-way (in the logarithm) down its steepest fall; 0 when it has too few points
};

/// On log-log axes: the steepest fall is the stretch of a tenth of a decade of rank that falls most, on the first cliff where there are two; the knee is the point farthest above the line
/// from the flattest such stretch before it to its end. As DropletUtils::barcodeRanks (1.14 and newer: no spline), which takes slopes between neighbouring
/// points, so that a gap between two barcodes can pass for the cliff. The first 50 barcodes set no slope (few large cells make it erratic).
BarcodeRanks barcode_ranks(std::span<const std::int64_t> totals, std::int64_t lower);

/// The whole curve for a plot, about 50 points a decade of rank.
struct RankCurve {
    std::vector<double> rank;    // 1, ..., number of barcodes with counts
    std::vector<double> total;
    std::vector<double> called;  // share of the barcodes after the previous point, up to this one, that were called cells
};
RankCurve rank_curve(std::span<const std::int64_t> totals, std::span<const std::uint8_t> is_cell);

}  // namespace morula::analysis
