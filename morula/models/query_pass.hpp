// One pass over the counts of the query: all that is worked out of each cell on its own, while its values are in the processor's cache.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"
#include "morula/models/correlation_labels.hpp"
#include "morula/models/log_rows.hpp"
#include "morula/models/multinomial_logistic.hpp"
#include "morula/models/projection.hpp"

namespace morula::models {

/// What cells are measured by, all learned on log values of the same genes.
struct PassModels {
    const Projection& projection;
    const MultinomialLogistic& on_counts;
    const LabelProfiles& profiles;
    CorrelationLabelsOptions correlation;
};

struct PassedCells {
    std::vector<double> total;       // counts in all genes
    matrix::Dense<float> pca;        // n_cells x n_components
    matrix::Dense<float> on_counts;  // n_cells x n_labels, rows add to one
    CorrelationLabels correlation;
};

/// Cells whose log values and components are known.
struct KnownCells {
    std::span<const std::int64_t> rows;  // rising
    const LogPieces& values;
    matrix::DenseView<const float> pca;
};

/// counts: n_cells x n_genes, of which known cells are passed over where that saves reading; genes: columns that the models know, rising. Memory: the result, and a block of cells a thread.
PassedCells pass_over_query(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes, const KnownCells& known, const PassModels& models, Context& context);

}  // namespace morula::models
