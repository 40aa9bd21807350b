// Telling small whole numbers, as nearly all counts are, from other floats: without branches, so that a loop over many becomes vector instructions.
#pragma once

#include <bit>
#include <cstdint>

namespace morula::matrix {

/// Takes values one by one and says at the end whether all are whole numbers 0 <= x < 2^n (n at most 23; -0 is none).
/// Added to 2^23, a float in that range keeps its whole part in its lowest bits; what comes back after subtracting is the value only where nothing was rounded away.
class WholeNumbers {
public:
    /// The value as an integer, if it is one.
    std::uint32_t take(float value) {
        const float moved = value + kShift;
        const std::uint32_t number = std::bit_cast<std::uint32_t>(moved) ^ std::bit_cast<std::uint32_t>(kShift);
        differing_ |= std::bit_cast<std::uint32_t>(moved - kShift) ^ std::bit_cast<std::uint32_t>(value);
        numbers_ |= number;
        return number;
    }
    bool all_below_2_to(int n) const { return differing_ == 0 && numbers_ >> n == 0; }

private:
    static constexpr float kShift = 8'388'608.0F;  // 2^23
    std::uint32_t differing_ = 0;
    std::uint32_t numbers_ = 0;
};

}  // namespace morula::matrix
