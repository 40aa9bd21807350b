#include "morula/analysis/marker_values.hpp"

#include <algorithm>
#include <cmath>

#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr std::size_t kTabledCounts = 6;  // nearly all of a cell's counts; 48 bytes a cell
constexpr std::int64_t kBlockCells = 8192;

float expm1_of(float value) { return static_cast<float>(std::exp(static_cast<double>(value)) - 1.0); }

}  // namespace

MarkerValues::MarkerValues(const matrix::RowBlockSource& log_values, Context& context) : log_values_(log_values), counts_(matrix::scaled_counts(log_values)) {
    if (!counts_) return;
    const std::span<const double> scale = counts_->scale_of_row;
    table_.resize(kTabledCounts * scale.size());
    parallel_blocks(context, static_cast<std::int64_t>(scale.size()), kBlockCells, [&](Block block) {
        for (std::size_t count = 1; count <= kTabledCounts; ++count) {
            for (auto cell = static_cast<std::size_t>(block.begin); cell < static_cast<std::size_t>(block.end); ++cell) {
                const float log = matrix::log1p_scaled_value(static_cast<float>(count), scale[cell]);
                table_[(count - 1) * scale.size() + cell] = {log, expm1_of(log)};
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
    const LogValue* table = table_.data();
    for (std::size_t i = 0; i < out.values.size(); ++i) {
        const float count = out.values[i];
        const std::size_t cell = out.rows[i];
        const auto whole = static_cast<std::size_t>(count > 0.0F && count <= static_cast<float>(kTabledCounts) ? count : 0.0F);
        if (whole > 0 && static_cast<float>(whole) == count) [[likely]] {
            const LogValue value = table[(whole - 1) * scale.size() + cell];
            out.values[i] = value.log;
            out.expm1[i] = value.expm1;
        } else {
            out.values[i] = matrix::log1p_scaled_value(count, scale[cell]);
            out.expm1[i] = expm1_of(out.values[i]);
        }
    }
}

}  // namespace morula::analysis
