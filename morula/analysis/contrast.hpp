// Contrasts of a condition's levels, as they are written: "severe - mild", "(mild + severe) / 2 - healthy".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morula::analysis {

/// A weighted sum of the levels of a condition; weights add up to 0.
struct Contrast {
    std::string name;
    std::vector<double> weights;  // one a level
};

/// Sums and differences of levels, numbers that multiply or divide them, brackets. A level is found by its whole name, the longest one that fits, so that names may hold blanks and lines ("COVID-19 - healthy");
/// `backticks` hold names that could be read otherwise (numbers). The name is the text without blanks at its ends.
/// Throws usage, with the levels and what to write: for what cannot be read, an unknown level (the nearest is named), weights that do not add up to 0 or are all 0.
Contrast parse_contrast(std::string_view text, std::span<const std::string> levels);

/// Levels[case] - levels[control], named "case - control".
Contrast difference_of(std::span<const std::string> levels, std::size_t case_level, std::size_t control_level);

/// Whether one is the other, or a multiple of it.
bool same_direction(const Contrast& a, const Contrast& b);

}  // namespace morula::analysis
