// Whether one condition has more than its share of the cells of each neighbourhood, donors being the replicates.
#pragma once

#include <span>
#include <vector>

#include "morula/analysis/abundance.hpp"
#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

struct NeighborhoodTests {
    std::vector<double> log2fc;     // case against control, relative to the reference
    std::vector<double> se;
    std::vector<double> p;          // NaN without replicates
    double prior_df = 0.0;          // degrees of freedom that the other neighbourhoods lend to each; may be infinite
    double prior_variance = 0.0;    // of a unit's ln ratio
};

/// counts: n_neighborhoods x n_units cells; totals: cells of each unit; reference: of each unit, the log count that cells are compared with (AbundanceResult: the median
/// type, so that types and neighbourhoods are measured against one thing). ln(cells + prior) - reference is compared by Student's t, of the differences where
/// donors are paired and with one variance for both conditions else; the variances of all neighbourhoods are squeezed towards a common one (Smyth 2004), since a
/// handful of donors tells little about each. The prior is half a cell in a unit of average size.
/// Differs from Milo, which fits negative-binomial counts: with five cells a unit and more logarithms are near enough to normal, as calibration on made-up cells shows.
NeighborhoodTests test_neighborhoods(matrix::DenseView<const double> counts, const AbundancePlan& plan, std::span<const double> totals, std::span<const double> reference, Context& context);

}  // namespace morula::analysis
