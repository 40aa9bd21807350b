#include "morula/analysis/count_levels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "morula/core/parallel.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kBlock = 8192;
constexpr std::uint32_t kTabledAtLeast = 6;   // nearly all of a cell's counts
constexpr std::uint32_t kTabledAtMost = 16;
constexpr std::size_t kManyLevels = 1 << 16;  // a table of more counts would outgrow the cells
constexpr std::size_t kMostRanks = 96 << 10;  // their counters, 384 KB, stay in the second-level cache

template <class T>
void sort_unique(std::vector<T>& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

float expm1_of_log(float log) { return static_cast<float>(std::exp(static_cast<double>(log)) - 1.0); }

CountLevels::CountLevels(std::span<const double> factor_of_cell, Context& context) : level_of_cell_(factor_of_cell.size()) {
    // By their bits, which have an order even where a factor is not a number.
    std::vector<std::uint64_t> bits;
    for (const double factor : factor_of_cell) bits.push_back(std::bit_cast<std::uint64_t>(factor));
    sort_unique(bits);
    for (const std::uint64_t level : bits) factor_of_level_.push_back(std::bit_cast<double>(level));
    parallel_blocks(context, static_cast<std::int64_t>(factor_of_cell.size()), kBlock, [&](Block block) {
        for (auto cell = static_cast<std::size_t>(block.begin); cell < static_cast<std::size_t>(block.end); ++cell) {
            level_of_cell_[cell] = static_cast<std::uint32_t>(std::lower_bound(bits.begin(), bits.end(), std::bit_cast<std::uint64_t>(factor_of_cell[cell])) - bits.begin());
        }
    });
    fill_values(context);
    rank_values(context);
}

CountLevels::Value CountLevels::value_of(float count, std::uint32_t level) const {
    const auto whole = static_cast<std::uint32_t>(count >= 1.0F && count <= static_cast<float>(tabled_) ? count : 0.0F);
    if (whole > 0 && static_cast<float>(whole) == count) [[likely]] return of_count(whole)[level];
    const float log = matrix::log1p_scaled_value(count, factor_of_level_[level]);
    return {log, expm1_of_log(log), 0, 0};
}

void CountLevels::fill_values(Context& context) {
    const std::size_t n = factor_of_level_.size();
    tabled_ = n <= kManyLevels ? kTabledAtMost : kTabledAtLeast;
    values_.resize(tabled_ * n);
    parallel_blocks(context, static_cast<std::int64_t>(n), kBlock, [&](Block block) {
        for (std::uint32_t count = 1; count <= tabled_; ++count) {
            for (auto level = static_cast<std::size_t>(block.begin); level < static_cast<std::size_t>(block.end); ++level) {
                const float log = matrix::log1p_scaled_value(static_cast<float>(count), factor_of_level_[level]);
                values_[(count - 1) * n + level] = {log, expm1_of_log(log), 0, 0};
            }
        }
    });
}

void CountLevels::rank_values(Context& context) {
    const std::size_t n = factor_of_level_.size();
    if (n == 0) return;
    ranked_ = std::min<std::uint32_t>(tabled_, static_cast<std::uint32_t>(kMostRanks / n));
    const std::span<Value> ranked = std::span(values_).first(ranked_ * n);
    for (const Value& value : ranked) {
        if (value.log > 0.0F && value.log <= kLargestLogValue) continue;
        ranked_ = 0;
        return;
    }
    for (const Value& value : ranked) log_of_rank_.push_back(value.log);
    sort_unique(log_of_rank_);
    parallel_blocks(context, static_cast<std::int64_t>(ranked.size()), kBlock, [&](Block block) {
        for (Value& value : ranked.subspan(static_cast<std::size_t>(block.begin), static_cast<std::size_t>(block.size()))) {
            value.rank = static_cast<std::uint32_t>(std::lower_bound(log_of_rank_.begin(), log_of_rank_.end(), value.log) - log_of_rank_.begin());
        }
    });
}

}  // namespace morula::analysis
