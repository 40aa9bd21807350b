// One plan of donors for many values, some of which some donors lack.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/analysis/abundance.hpp"

namespace morula::analysis {

/// The plan over the units that have a value (has_value: one a unit): a pair that lacks one of its two is left out whole. Status and exploratory mode follow the donors that are left:
/// "not compared: ..." where a condition has none, or where there are fewer than two donors in all.
AbundancePlan plan_of_units_with_values(const AbundancePlan& plan, std::span<const std::uint8_t> has_value);
/// Whether the plan compares at all.
bool can_compare(const AbundancePlan& plan);

/// Benjamini & Hochberg; NaN takes no part and stays NaN.
std::vector<double> false_discovery_rates(std::span<const double> p);

}  // namespace morula::analysis
