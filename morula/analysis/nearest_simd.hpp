// SIMD kernels of nearest-neighbour search: keep the best of a row of scores, nearest of a row, squared distance.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <span>

namespace morula::analysis {

/// A candidate as an integer that orders as (score, id) does: a selection then compares integers.
using Scored = std::uint64_t;

inline Scored scored(float score, std::uint32_t id) {
    const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 is 0
    const std::uint32_t rising = (bits >> 31) != 0 ? ~bits : bits | 0x80000000U;
    return (Scored{rising} << 32) | id;
}

inline std::uint32_t id_of(Scored candidate) { return static_cast<std::uint32_t>(candidate); }

inline float score_of(Scored candidate) {
    const auto rising = static_cast<std::uint32_t>(candidate >> 32);
    return std::bit_cast<float>((rising >> 31) != 0 ? rising & 0x7FFFFFFFU : ~rising);
}

/// Up to so many are selected by comparing all with all.
inline constexpr std::size_t kFewScored = 64;

/// The `wanted` lowest scores seen so far, ties to the lower id. Newcomers wait in the spare room, and when it is full one selection drops all that are too high:
/// for hundreds of wanted ones that costs a third of a heap.
struct BestScores {
    std::span<Scored> room;  // more than `wanted`
    std::int32_t wanted = 0;
    std::int32_t size = 0;
    float limit = std::numeric_limits<float>::infinity();  // scores above it cannot enter

    void offer(float score, std::uint32_t id) {
        room[static_cast<std::size_t>(size++)] = scored(score, id);
        if (static_cast<std::size_t>(size) == room.size()) select();
    }
    /// Leaves the wanted ones, in any order.
    void select();
    std::span<const Scored> candidates() const { return room.first(static_cast<std::size_t>(size)); }
};

/// Offers scores[j] with id first_id + j for every j, except the id `self`.
void keep_best(std::span<const float> scores, std::uint32_t first_id, std::uint32_t self, BestScores& best);
void keep_best_plain(std::span<const float> scores, std::uint32_t first_id, std::uint32_t self, BestScores& best);

/// Position of the lowest score; ties to the lower position.
std::int64_t lowest(std::span<const float> scores);
std::int64_t lowest_plain(std::span<const float> scores);

/// Sum of squared differences in float32. The plain version adds in order; lanes differ in the last bits.
float squared_distance(std::span<const float> a, std::span<const float> b);
float squared_distance_plain(std::span<const float> a, std::span<const float> b);

}  // namespace morula::analysis
