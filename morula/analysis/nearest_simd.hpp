// SIMD kernels of nearest-neighbour search: keep the best of a row of scores, nearest of a row, squared distance.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

namespace morula::analysis {

/// The `scores.size()` lowest scores seen so far, ascending by (score, id).
struct BestScores {
    std::span<float> scores;
    std::span<std::uint32_t> ids;
    std::int32_t size = 0;

    bool full() const { return size == static_cast<std::int32_t>(scores.size()); }
    /// Scores above it cannot enter.
    float threshold() const { return full() ? scores.back() : std::numeric_limits<float>::infinity(); }
};

/// Puts one score in its place; the caller has checked that it is not above the threshold.
inline void offer(BestScores& best, float score, std::uint32_t id) {
    const auto before = [&](std::size_t place) { return score < best.scores[place] || (score == best.scores[place] && id < best.ids[place]); };
    auto place = static_cast<std::size_t>(best.size);
    if (best.full()) {
        --place;
        if (!before(place)) return;
    } else {
        ++best.size;
    }
    for (; place > 0 && before(place - 1); --place) {
        best.scores[place] = best.scores[place - 1];
        best.ids[place] = best.ids[place - 1];
    }
    best.scores[place] = score;
    best.ids[place] = id;
}

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
