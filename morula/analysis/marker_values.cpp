#include "morula/analysis/marker_values.hpp"

#include <algorithm>
#include <cmath>

#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr std::int32_t kTabledCounts = 6;  // nearly all of a cell's counts; 72 bytes a cell
constexpr std::int64_t kBlockCells = 8192;
constexpr double kBudgetShare = 0.25;
constexpr std::int64_t kLeastGenes = 64;

double expm1_of(float value) { return std::exp(static_cast<double>(value)) - 1.0; }

}  // namespace

MarkerValues::MarkerValues(const matrix::RowBlockSource& log_values, Context& context) : log_values_(log_values), counts_(matrix::scaled_counts(log_values)) {
    if (!counts_) return;
    const std::span<const double> scale = counts_->scale_of_row;
    log_.assign(kTabledCounts, std::vector<float>(scale.size()));
    expm1_.assign(kTabledCounts, std::vector<double>(scale.size()));
    parallel_blocks(context, static_cast<std::int64_t>(scale.size()), kBlockCells, [&](Block block) {
        for (std::size_t count = 0; count < log_.size(); ++count) {
            for (auto cell = static_cast<std::size_t>(block.begin); cell < static_cast<std::size_t>(block.end); ++cell) {
                log_[count][cell] = matrix::log1p_scaled_value(static_cast<float>(count + 1), scale[cell]);
                expm1_[count][cell] = expm1_of(log_[count][cell]);
            }
        }
    });
}

std::int64_t MarkerValues::genes_per_range(const Context& context) const {
    const std::int64_t n_genes = std::max<std::int64_t>(1, log_values_.n_cols());
    const double bytes_per_entry = counts_ ? matrix::CompactColumns::kBytesPerCount : matrix::CompactColumns::kBytesPerFloat;
    const double bytes_per_gene = static_cast<double>(std::max<std::int64_t>(1, log_values_.nnz())) * bytes_per_entry / static_cast<double>(n_genes);
    const double room = kBudgetShare * static_cast<double>(context.memory_bytes());
    return std::clamp(static_cast<std::int64_t>(room / bytes_per_gene), std::min(kLeastGenes, n_genes), n_genes);
}

void MarkerValues::read(const matrix::CompactColumns& columns, std::int64_t gene, GeneEntries& out) const {
    columns.read(gene, out);
    out.expm1.resize(out.values.size());
    if (!counts_) {
        for (std::size_t i = 0; i < out.values.size(); ++i) out.expm1[i] = expm1_of(out.values[i]);
        return;
    }
    for (std::size_t i = 0; i < out.values.size(); ++i) {
        const float count = out.values[i];
        const std::uint32_t cell = out.rows[i];
        const auto whole = static_cast<std::int32_t>(count > 0.0F && count <= static_cast<float>(kTabledCounts) ? count : 0.0F);
        if (whole > 0 && static_cast<float>(whole) == count) [[likely]] {
            out.values[i] = log_[static_cast<std::size_t>(whole - 1)][cell];
            out.expm1[i] = expm1_[static_cast<std::size_t>(whole - 1)][cell];
        } else {
            out.values[i] = matrix::log1p_scaled_value(count, counts_->scale_of_row[cell]);
            out.expm1[i] = expm1_of(out.values[i]);
        }
    }
}

}  // namespace morula::analysis
