// Checks that every step over an embedding makes before it starts.
#pragma once

#include <string_view>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

/// Throws invalid_data naming the first cell and dimension that is NaN, infinite, or so large that its square overflows float32.
void require_finite(matrix::DenseView<const float> embedding, std::string_view what, Context& context);

}  // namespace morula::analysis
