// The log values of small counts in cells of every size factor, and where each stands among all of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"

namespace morula::analysis {

/// A size factor is a target over a whole number of counts, so that many cells share one: a level. A small count has one log value a level, and all these values
/// can be put in order once, before any gene is looked at. Memory: at most 280 bytes a cell, where no two factors are equal.
class CountLevels {
public:
    struct Value {
        float log = 0.0F;          // log1p(count * factor), as matrix::log1p_scaled_value
        float expm1 = 0.0F;        // exp(log) - 1
        std::uint32_t rank = 0;    // among the different logs of counts 1 to ranked(); means nothing above
        std::uint32_t unused = 0;  // keeps four to a cache line
    };

    CountLevels(std::span<const double> factor_of_cell, Context& context);

    std::uint32_t n_levels() const { return static_cast<std::uint32_t>(factor_of_level_.size()); }
    std::span<const std::uint32_t> level_of_cell() const { return level_of_cell_; }

    /// Counts from 1 to this have a value.
    std::uint32_t tabled() const { return tabled_; }
    /// Counts from 1 to this have a rank: as many as give no more ranks than a cache holds. 0 where there are too many levels, or where a log is not above 0 or not a log at all.
    std::uint32_t ranked() const { return ranked_; }
    /// Values of `count` by level.
    const Value* of_count(std::uint32_t count) const { return values_.data() + static_cast<std::size_t>(count - 1) * factor_of_level_.size(); }
    /// Of any count, looked up or computed; the rank means something only where it was looked up.
    Value value_of(float count, std::uint32_t level) const;
    /// The different logs, increasing.
    std::span<const float> log_of_rank() const { return log_of_rank_; }

private:
    void fill_values(Context& context);
    void rank_values(Context& context);

    std::vector<double> factor_of_level_;
    std::vector<std::uint32_t> level_of_cell_;
    std::uint32_t tabled_ = 0;
    std::uint32_t ranked_ = 0;
    std::vector<Value> values_;
    std::vector<float> log_of_rank_;
};

/// Above: these are counts, not their logs.
inline constexpr float kLargestLogValue = 50.0F;

/// exp(log) - 1 in float64, rounded once.
float expm1_of_log(float log);

}  // namespace morula::analysis
