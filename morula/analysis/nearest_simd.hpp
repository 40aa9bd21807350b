// SIMD kernels of nearest-neighbour search: keep the best of a row of scores, nearest of a row, squared distance.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

namespace morula::analysis {

/// The `scores.size()` lowest scores seen so far, ties to the lower id: a heap with the worst on top, since an ordered list costs its length a newcomer.
struct BestScores {
    std::span<float> scores;
    std::span<std::uint32_t> ids;
    std::int32_t size = 0;

    bool full() const { return size == static_cast<std::int32_t>(scores.size()); }
    /// Scores above it cannot enter.
    float threshold() const { return full() ? scores.front() : std::numeric_limits<float>::infinity(); }
    /// Whether the one at place a is worse than (score, id).
    bool worse(std::size_t place, float score, std::uint32_t id) const { return scores[place] > score || (scores[place] == score && ids[place] > id); }
};

/// Puts one score in its place; the caller has checked that it is not above the threshold.
inline void offer(BestScores& best, float score, std::uint32_t id) {
    const auto put = [&](std::size_t place, float its_score, std::uint32_t its_id) {
        best.scores[place] = its_score;
        best.ids[place] = its_id;
    };
    if (!best.full()) {
        auto place = static_cast<std::size_t>(best.size++);
        for (; place > 0 && !best.worse((place - 1) / 2, score, id); place = (place - 1) / 2) put(place, best.scores[(place - 1) / 2], best.ids[(place - 1) / 2]);
        put(place, score, id);
        return;
    }
    if (!best.worse(0, score, id)) return;
    const auto n = static_cast<std::size_t>(best.size);
    std::size_t place = 0;
    for (std::size_t child = 1; child < n; child = 2 * place + 1) {
        if (child + 1 < n && best.worse(child + 1, best.scores[child], best.ids[child])) ++child;
        if (!best.worse(child, score, id)) break;
        put(place, best.scores[child], best.ids[child]);
        place = child;
    }
    put(place, score, id);
}

/// Best first.
void sort_best(BestScores& best);

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
