// Checks that every step over an embedding makes before it starts.
#pragma once

#include <string_view>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

/// Throws invalid_data naming the first cell and dimension that is NaN, infinite, or so large that its square overflows float32.
/// what: as it stands within a sentence, "the embedding".
void require_finite(matrix::DenseView<const float> embedding, std::string_view what, Context& context);
/// Throws invalid_data where there are cells and all lie at one point: no neighbourhood there means anything.
void require_spread(matrix::DenseView<const float> embedding, std::string_view what);

}  // namespace morula::analysis
