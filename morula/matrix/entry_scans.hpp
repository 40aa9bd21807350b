// What all entries of some rows have in common: looked at in one go, with the processor's vectors.
#pragma once

#include <cstdint>
#include <span>

namespace morula::matrix {

/// All bits that any of them has.
std::uint32_t bits_of_any(std::span<const std::uint32_t> values);
/// Of columns from the second on: bits of any column and of any step from one to the next less 1. The highest is set where columns do not rise, or one is 2^31 or more.
std::uint32_t bits_of_steps(std::span<const std::uint32_t> columns);
/// Whether one is 0 or -0.
bool has_zero(std::span<const float> values);

struct CountScan {
    bool all_small = true;   // all are whole numbers 0 <= x < 2^23 (-0 is none)
    std::uint64_t sum = 0;   // exact, where they are
};
CountScan scan_counts(std::span<const float> values);

/// The same by the definition.
std::uint32_t bits_of_any_plain(std::span<const std::uint32_t> values);
std::uint32_t bits_of_steps_plain(std::span<const std::uint32_t> columns);
bool has_zero_plain(std::span<const float> values);
CountScan scan_counts_plain(std::span<const float> values);

}  // namespace morula::matrix
