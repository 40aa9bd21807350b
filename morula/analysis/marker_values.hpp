// The log values of one gene after the other, from log values or, when these are logs of counts, from the counts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "morula/analysis/count_levels.hpp"
#include "morula/analysis/marker_statistics.hpp"
#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"
#include "morula/matrix/compact_columns.hpp"

namespace morula::analysis {

/// Turning counts takes half the memory of turning their logs, and the logs of small counts are looked up. Both ways give the same bits.
class MarkerValues {
public:
    /// log_values must outlive it.
    MarkerValues(const matrix::RowBlockSource& log_values, Context& context);

    /// What CompactColumns is made of: counts or log values.
    const matrix::RowBlockSource& source() const { return counts_ ? *counts_->counts : log_values_; }
    /// Of the counts; null where there are only log values.
    const CountLevels* levels() const { return levels_.get(); }
    /// Genes whose columns fit half of the memory budget.
    std::int64_t genes_per_range(const Context& context) const;
    void read(const matrix::CompactColumns& columns, std::int64_t gene, GeneEntries& out) const;

private:
    const matrix::RowBlockSource& log_values_;
    std::optional<matrix::ScaledCounts> counts_;
    std::unique_ptr<const CountLevels> levels_;
};

}  // namespace morula::analysis
