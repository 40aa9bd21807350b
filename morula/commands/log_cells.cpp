#include "morula/commands/log_cells.hpp"

#include "morula/analysis/normalize.hpp"
#include "morula/commands/annotate.hpp"
#include "morula/commands/reading_memory.hpp"
#include "morula/commands/slots.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::commands {

LogCells log_cells_of(data::Dataset dataset, Context& context) {
    LogCells cells;
    cells.dataset = std::move(dataset);
    const matrix::Matrix counts = require_counts(cells.dataset);
    context.require_memory(reading_bytes(*counts, context) + 16 * counts->n_rows(), "log values");
    cells.total = matrix::row_sums(*counts, context);
    analysis::NormalizeResult normalized = analysis::normalize(cells.total, {}, context);
    cells.target = normalized.target;
    cells.log_values = matrix::log1p_scaled(counts, std::move(normalized.scale));
    return cells;
}

LogCells open_log_cells(const std::string& path, const std::string& layer, formats::TextOrientation orientation, Context& context) { return log_cells_of(open_cells(path, layer, orientation, context), context); }

}  // namespace morula::commands
