#include "morula/simulation/distance_map.hpp"

#include <cmath>
#include <limits>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::simulation {
namespace {

constexpr double kFar = std::numeric_limits<double>::infinity();
constexpr std::int64_t kBlockLines = 256;

/// Squared distances along one line, in voxels: out[i] = min_j (i - j)^2 + in[j].
class Line {
public:
    explicit Line(std::int64_t n) : in_(static_cast<std::size_t>(n)), apex_(in_.size()), from_(in_.size() + 1) {}
    std::vector<double>& in() { return in_; }

    /// give(i, out[i]) for every i.
    template <class Give>
    void solve(const Give& give) {
        const auto n = static_cast<std::int64_t>(in_.size());
        std::int64_t last = -1;
        for (std::int64_t j = 0; j < n; ++j) {
            if (value(j) == kFar) continue;
            double cut = -kFar;
            for (; last >= 0; --last) {
                const std::int64_t before = apex_[static_cast<std::size_t>(last)];
                cut = ((value(j) + square(j)) - (value(before) + square(before))) / static_cast<double>(2 * (j - before));
                if (cut > from_[static_cast<std::size_t>(last)]) break;
            }
            if (last < 0) cut = -kFar;
            ++last;
            apex_[static_cast<std::size_t>(last)] = j;
            from_[static_cast<std::size_t>(last)] = cut;
        }
        for (std::int64_t i = 0, k = 0; i < n; ++i) {
            while (k < last && from_[static_cast<std::size_t>(k + 1)] < static_cast<double>(i)) ++k;
            give(i, last < 0 ? kFar : square(i - apex_[static_cast<std::size_t>(k)]) + value(apex_[static_cast<std::size_t>(k)]));
        }
    }

private:
    double value(std::int64_t j) const { return in_[static_cast<std::size_t>(j)]; }
    static double square(std::int64_t i) { return static_cast<double>(i) * static_cast<double>(i); }

    std::vector<double> in_;
    std::vector<std::int64_t> apex_;  // lowest parabolas from left to right
    std::vector<double> from_;        // where each begins to be the lowest
};

}  // namespace

std::vector<double> distance_map(const Grid& grid, const std::vector<std::uint8_t>& marked, Context& context) {
    MORULA_ASSERT(static_cast<std::int64_t>(marked.size()) == grid.n_stored());
    context.require_memory(8 * grid.n_stored(), "the distances of voxels");
    std::vector<double> squares(marked.size());
    for (std::size_t v = 0; v < squares.size(); ++v) squares[v] = marked[v] != 0 ? 0.0 : kFar;
    for (int axis = 0; axis < 3; ++axis) {
        const std::int64_t n = grid.n[static_cast<std::size_t>(axis)];
        const std::int64_t first = axis == 0 ? grid.n[1] : grid.n[0], second = axis == 2 ? grid.n[1] : grid.n[2];
        parallel_blocks(context, first * second, kBlockLines, [&](Block block) {
            Line line(n);
            for (std::int64_t l = block.begin; l < block.end; ++l) {
                const std::int64_t a = l % first, b = l / first;
                const auto at = [&](std::int64_t i) { return static_cast<std::size_t>(axis == 0 ? grid.place(i, a, b) : axis == 1 ? grid.place(a, i, b) : grid.place(a, b, i)); };
                for (std::int64_t i = 0; i < n; ++i) line.in()[static_cast<std::size_t>(i)] = squares[at(i)];
                line.solve([&](std::int64_t i, double square) { squares[at(i)] = square; });
            }
        });
    }
    for (std::size_t v = 0; v < squares.size(); ++v) squares[v] = static_cast<std::int64_t>(v) % grid.stride() < grid.n[0] ? grid.voxel_um * std::sqrt(squares[v]) : 0.0;
    return squares;
}

}  // namespace morula::simulation
