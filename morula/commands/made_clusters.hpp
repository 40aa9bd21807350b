// Clusters where a file has none: from counts to obs leiden by the steps of `morula run` and their defaults.
#pragma once

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"

namespace morula::commands {

/// Counts -> filter, normalize, variable genes, PCA, neighbours, Leiden, each by its defaults; the slots that these write are there afterwards. Throws what they throw (fewer than 51 cells).
data::Dataset with_made_clusters(data::Dataset dataset, Context& context);

}  // namespace morula::commands
