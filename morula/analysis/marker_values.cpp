#include "morula/analysis/marker_values.hpp"

#include <algorithm>
#include <cmath>

#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr std::size_t kTabledCounts = 6;  // nearly all of a cell's counts; 72 bytes a cell
constexpr std::int64_t kBlockCells = 8192;

double expm1_of(float value) { return std::exp(static_cast<double>(value)) - 1.0; }

}  // namespace

MarkerValues::MarkerValues(const matrix::RowBlockSource& log_values, Context& context) : log_values_(log_values), counts_(matrix::scaled_counts(log_values)) {
    if (!counts_) return;
    const std::span<const double> scale = counts_->scale_of_row;
    log_.resize(kTabledCounts * scale.size());
    expm1_.resize(kTabledCounts * scale.size());
    parallel_blocks(context, static_cast<std::int64_t>(scale.size()), kBlockCells, [&](Block block) {
        for (std::size_t count = 1; count <= kTabledCounts; ++count) {
            for (auto cell = static_cast<std::size_t>(block.begin); cell < static_cast<std::size_t>(block.end); ++cell) {
                const std::size_t at = (count - 1) * scale.size() + cell;
                log_[at] = matrix::log1p_scaled_value(static_cast<float>(count), scale[cell]);
                expm1_[at] = expm1_of(log_[at]);
            }
        }
    });
}

std::int64_t MarkerValues::genes_per_range(const Context& context) const {
    return matrix::CompactColumns::columns_at_once(log_values_, counts_ ? matrix::CompactColumns::kBytesPerCount : matrix::CompactColumns::kBytesPerFloat, context);
}

void MarkerValues::read(const matrix::CompactColumns& columns, std::int64_t gene, GeneEntries& out) const {
    columns.read(gene, out);
    out.expm1.resize(out.values.size());
    if (!counts_) {
        for (std::size_t i = 0; i < out.values.size(); ++i) out.expm1[i] = expm1_of(out.values[i]);
        return;
    }
    const std::span<const double> scale = counts_->scale_of_row;
    const float* log = log_.data();
    const double* expm1 = expm1_.data();
    for (std::size_t i = 0; i < out.values.size(); ++i) {
        const float count = out.values[i];
        const std::size_t cell = out.rows[i];
        const auto whole = static_cast<std::size_t>(count > 0.0F && count <= static_cast<float>(kTabledCounts) ? count : 0.0F);
        if (whole > 0 && static_cast<float>(whole) == count) [[likely]] {
            const std::size_t at = (whole - 1) * scale.size() + cell;
            out.values[i] = log[at];
            out.expm1[i] = expm1[at];
        } else {
            out.values[i] = matrix::log1p_scaled_value(count, scale[cell]);
            out.expm1[i] = expm1_of(out.values[i]);
        }
    }
}

}  // namespace morula::analysis
