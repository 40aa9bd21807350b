#include "morula/analysis/local_constant.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr double kCut = 0.8;
constexpr int kDeepest = 40;

/// Finds the vertices: place -> distance of the furthest neighbour that counts.
class Tree {
public:
    Tree(std::span<const double> covariate, std::size_t n_nearest) : sorted_(covariate.begin(), covariate.end()), n_nearest_(n_nearest) {
        std::sort(sorted_.begin(), sorted_.end());
        reach_[sorted_.front()] = reach(sorted_.front());
        reach_[sorted_.back()] = reach(sorted_.back());
        if (sorted_.back() > sorted_.front()) split(sorted_.front(), sorted_.back(), 0);
    }
    const std::map<double, double>& vertices() const { return reach_; }

private:
    /// Distance of the n_nearest_-th point, by moving the window of that many sorted points.
    double reach(double place) const {
        std::size_t first = 0;
        std::size_t last = sorted_.size() - n_nearest_;
        while (first < last) {
            const std::size_t middle = (first + last) / 2;
            if (place - sorted_[middle] > sorted_[middle + n_nearest_] - place) first = middle + 1;
            else last = middle;
        }
        return std::max(place - sorted_[first], sorted_[first + n_nearest_ - 1] - place);
    }
    void split(double left, double right, int depth) {
        if (right - left <= kCut * std::min(reach_.at(left), reach_.at(right)) || depth == kDeepest) return;
        const double middle = 0.5 * (left + right);
        reach_[middle] = reach(middle);
        split(left, middle, depth + 1);
        split(middle, right, depth + 1);
    }

    std::vector<double> sorted_;
    std::size_t n_nearest_;
    std::map<double, double> reach_;
};

void weighted_mean(matrix::DenseView<const double> series, std::span<const double> covariate, double place, double reach, std::span<double> out) {
    std::fill(out.begin(), out.end(), 0.0);
    double weights = 0.0;
    for (std::int64_t i = 0; i < series.n_rows; ++i) {
        const double distance = std::abs(covariate[static_cast<std::size_t>(i)] - place);
        // Where all that count lie on the vertex, they count alike.
        const double share = reach > 0.0 ? distance / reach : distance > 0.0 ? 1.0 : 0.0;
        if (share >= 1.0) continue;
        const double root = 1.0 - share * share * share;
        const double weight = root * root * root;
        weights += weight;
        const std::span<const double> values = series.row(i);
        for (std::size_t k = 0; k < out.size(); ++k) out[k] += weight * values[k];
    }
    for (double& value : out) value /= weights;
}

}  // namespace

matrix::Dense<double> local_constant(matrix::DenseView<const double> series, std::span<const double> covariate, double span, Context& context) {
    MORULA_ASSERT(series.n_rows > 0 && std::ssize(covariate) == series.n_rows);
    const auto n = static_cast<double>(series.n_rows);
    const auto n_nearest = static_cast<std::size_t>(std::clamp(std::floor(n * span), 1.0, n));
    const Tree tree(covariate, n_nearest);
    std::vector<double> place;
    std::vector<double> reach;
    for (const auto& [x, h] : tree.vertices()) {
        place.push_back(x);
        reach.push_back(h);
    }
    matrix::Dense<double> at_vertex(std::ssize(place), series.n_cols);
    parallel_blocks(context, std::ssize(place), 1, [&](Block block) {
        const auto v = static_cast<std::size_t>(block.begin);
        weighted_mean(series, covariate, place[v], reach[v], at_vertex.row(block.begin));
    });
    matrix::Dense<double> fitted(series.n_rows, series.n_cols);
    for (std::int64_t i = 0; i < series.n_rows; ++i) {
        const double x = covariate[static_cast<std::size_t>(i)];
        const auto above = std::upper_bound(place.begin(), place.end(), x) - place.begin();
        const std::int64_t right = std::clamp<std::int64_t>(above, 1, std::max<std::int64_t>(1, std::ssize(place) - 1));
        const std::int64_t left = right - 1;
        const bool single = place.size() == 1;
        const double t = single ? 0.0 : (x - place[static_cast<std::size_t>(left)]) / (place[static_cast<std::size_t>(right)] - place[static_cast<std::size_t>(left)]);
        const std::span<const double> a = at_vertex.row(left);
        const std::span<const double> b = at_vertex.row(single ? left : right);
        for (std::size_t k = 0; k < a.size(); ++k) fitted.row(i)[k] = (1.0 - t) * a[k] + t * b[k];
    }
    return fitted;
}

}  // namespace morula::analysis
