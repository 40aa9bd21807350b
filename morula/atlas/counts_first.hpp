// Arranging a Dataset so that its raw counts are X, as every stored data set has them.
#pragma once

#include <string>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"

namespace morula::atlas {

/// The name under which a former X is kept.
inline constexpr const char* kFormerX = "X_as_given";

/// `layer` ("X", "raw.X" or a layer's name) becomes X; a former X becomes the layer X_as_given. With "raw.X" the genes are raw's: the other matrices are
/// placed on them by name (genes they lack are zero there; those genes are listed by var column "in_X_as_given"), varm is left out with a warning.
/// Throws not_found for an unknown layer, invalid_data when raw lacks genes that X has.
data::Dataset with_counts_as_x(const data::Dataset& dataset, const std::string& layer, Context& context);

}  // namespace morula::atlas
