// Cells with their log values: what steps on expression read, straight from raw counts.
#pragma once

#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"
#include "morula/formats/text/text_matrix.hpp"

namespace morula::commands {

struct LogCells {
    data::Dataset dataset;      // gene expression alone, layers["counts"]
    std::vector<double> total;  // counts of each cell
    double target = 0.0;        // what every cell is scaled to before the logarithm: the median total
    matrix::Matrix log_values;  // log1p(counts * target / total), lazy
};

/// Cells at hand with layers["counts"], normalised as recipe morula-1 does. One pass over the counts.
LogCells log_cells_of(data::Dataset dataset, Context& context);

/// One data set with counts (an atlas of several is joined), as log_cells_of.
/// Throws what open_datasets and with_counts throw.
LogCells open_log_cells(const std::string& path, const std::string& layer, formats::TextOrientation orientation, Context& context);

}  // namespace morula::commands
