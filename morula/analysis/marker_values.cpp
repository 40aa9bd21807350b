#include "morula/analysis/marker_values.hpp"

namespace morula::analysis {

MarkerValues::MarkerValues(const matrix::RowBlockSource& log_values, Context& context) : log_values_(log_values), counts_(matrix::scaled_counts(log_values)) {
    if (counts_) levels_ = std::make_unique<const CountLevels>(counts_->scale_of_row, context);
}

std::int64_t MarkerValues::genes_per_range(const Context& context) const {
    return matrix::CompactColumns::columns_at_once(log_values_, counts_ ? matrix::CompactColumns::kBytesPerCount : matrix::CompactColumns::kBytesPerFloat, context);
}

void MarkerValues::read(const matrix::CompactColumns& columns, std::int64_t gene, GeneEntries& out) const {
    columns.read(gene, out);
    out.expm1.resize(out.values.size());
    if (!levels_) {
        for (std::size_t i = 0; i < out.values.size(); ++i) out.expm1[i] = expm1_of_log(out.values[i]);
        return;
    }
    for (std::size_t i = 0; i < out.values.size(); ++i) {
        const CountLevels::Value value = levels_->value_of(out.values[i], levels_->level_of_cell()[out.rows[i]]);
        out.values[i] = value.log;
        out.expm1[i] = value.expm1;
    }
}

}  // namespace morula::analysis
