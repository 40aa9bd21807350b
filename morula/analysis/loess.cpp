#include "morula/analysis/loess.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr double kCell = 0.2;       // a leaf of the k-d tree holds at most kCell * span * n points
constexpr double kMargin = 0.005;   // the box is wider than the data by this share
constexpr int kTerms = 3;           // 1, x, x^2

/// Points in increasing order of x.
struct SortedPoints {
    std::vector<double> x;
    std::vector<double> y;
    std::vector<std::size_t> order;  // sorted position -> input position
};

struct Vertex {
    double x = 0.0;
    double value = 0.0;
    double slope = 0.0;
};

SortedPoints sort_points(std::span<const double> x, std::span<const double> y) {
    SortedPoints points;
    points.order.resize(x.size());
    std::iota(points.order.begin(), points.order.end(), std::size_t{0});
    std::stable_sort(points.order.begin(), points.order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
    for (const std::size_t i : points.order) {
        points.x.push_back(x[i]);
        points.y.push_back(y[i]);
    }
    return points;
}

/// Where to cut points [first, last]: the middle, moved to the nearest place where neighbours differ (ties go to one side).
/// When no such place is met before the search leaves the cell, the middle stays, as in the original.
std::int64_t cut_position(const std::vector<double>& x, std::int64_t first, std::int64_t last) {
    const std::int64_t middle = (first + last) / 2;
    std::int64_t offset = 0;
    while (middle + offset < last && middle + offset >= first) {
        const auto at = static_cast<std::size_t>(middle + offset);
        if (x[at] != x[at + 1]) return middle + offset;
        offset = -offset;
        if (offset >= 0) ++offset;
    }
    return middle;
}

/// Cuts the cell between two vertices until it holds few points; appends the vertices made on the way.
/// Positions are counted from 1, so that the middle rounds as in the original.
void cut_cells(const std::vector<double>& x, std::int64_t first, std::int64_t last, double left, double right, std::int64_t leaf_size, std::vector<Vertex>& vertices) {
    if (last - first + 1 <= leaf_size || right <= left) return;
    const std::int64_t middle = cut_position(x, first, last);
    const double cut = x[static_cast<std::size_t>(middle)];
    if (cut == left || cut == right) return;
    vertices.push_back({.x = cut});
    cut_cells(x, first, middle, left, cut, leaf_size, vertices);
    cut_cells(x, middle + 1, last, cut, right, leaf_size, vertices);
}

std::vector<Vertex> make_vertices(const SortedPoints& points, double span) {
    const auto n = static_cast<std::int64_t>(points.x.size());
    const double low = points.x.front();
    const double high = points.x.back();
    const double margin = kMargin * std::max(high - low, 1e-10 * std::max(std::abs(low), std::abs(high)) + 1e-30);
    std::vector<double> from_one(points.x.size() + 1);
    std::copy(points.x.begin(), points.x.end(), from_one.begin() + 1);
    from_one[0] = -std::numeric_limits<double>::infinity();
    std::vector<Vertex> vertices{{.x = low - margin}, {.x = high + margin}};
    const auto leaf_size = static_cast<std::int64_t>(std::floor(static_cast<double>(n) * (span * kCell)));
    cut_cells(from_one, 1, n, low - margin, high + margin, leaf_size, vertices);
    std::sort(vertices.begin(), vertices.end(), [](const Vertex& a, const Vertex& b) { return a.x < b.x; });
    return vertices;
}

/// Sorted positions [begin, end).
struct Window {
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// The n_near points nearest to q. `begin` is where the window of a smaller q starts: it only moves right.
Window nearest_window(const std::vector<double>& x, double q, std::size_t n_near, std::size_t begin) {
    while (begin + n_near < x.size() && x[begin + n_near] - q < q - x[begin]) ++begin;
    return {begin, begin + n_near};
}

/// Distances of the nearest and the farthest point of a window.
struct Reach {
    double least = 0.0;
    double most = 0.0;
};

Reach reach_of(const std::vector<double>& x, Window window, double q) {
    Reach reach{std::numeric_limits<double>::infinity(), 0.0};
    for (std::size_t i = window.begin; i < window.end; ++i) {
        reach.least = std::min(reach.least, std::abs(x[i] - q));
        reach.most = std::max(reach.most, std::abs(x[i] - q));
    }
    return reach;
}

/// Tricube weight, square root; all points weigh the same when no two x differ.
double root_weight(double d, Reach reach) {
    if (reach.least == reach.most) return 1.0;
    const double share = std::sqrt(d * d / (reach.most * reach.most));
    const double cubed = 1.0 - share * share * share;
    return std::sqrt(cubed * cubed * cubed);
}

/// Columns of the weighted design matrix 1, (x - q), (x - q)^2, each scaled to length 1, and the weighted response.
struct LocalDesign {
    std::array<std::vector<double>, kTerms> column;
    std::array<double, kTerms> length{};
    std::vector<double> response;
};

LocalDesign local_design(const SortedPoints& points, Window window, double q) {
    // Where all near points share one x they all lie on the rim and weigh nothing (the original fails here): take in the next points.
    Reach reach = reach_of(points.x, window, q);
    while (reach.least == reach.most && (window.begin > 0 || window.end < points.x.size())) {
        const double left = window.begin > 0 ? q - points.x[window.begin - 1] : std::numeric_limits<double>::infinity();
        const double right = window.end < points.x.size() ? points.x[window.end] - q : std::numeric_limits<double>::infinity();
        if (left < right) --window.begin;
        else ++window.end;
        reach = {std::min(reach.least, std::min(left, right)), std::max(reach.most, std::min(left, right))};
    }
    LocalDesign design;
    for (std::size_t i = window.begin; i < window.end; ++i) {
        const double d = points.x[i] - q;
        const double weight = root_weight(d, reach);
        design.column[0].push_back(weight);
        design.column[1].push_back(weight * d);
        design.column[2].push_back(weight * d * d);
        design.response.push_back(weight * points.y[i]);
    }
    for (int j = 0; j < kTerms; ++j) {
        auto& column = design.column[static_cast<std::size_t>(j)];
        double sum = 0.0;
        for (const double v : column) sum += v * v;
        const double length = sum > 0.0 ? std::sqrt(sum) : 1.0;
        for (double& v : column) v /= length;
        design.length[static_cast<std::size_t>(j)] = length;
    }
    return design;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

/// The three products of two columns, each added in order: at once, so that none waits for the others.
struct Products {
    double aa = 0.0;
    double bb = 0.0;
    double ab = 0.0;
};

Products products_of(const std::vector<double>& a, const std::vector<double>& b) {
    Products sum;
    for (std::size_t i = 0; i < a.size(); ++i) {
        sum.aa += a[i] * a[i];
        sum.bb += b[i] * b[i];
        sum.ab += a[i] * b[i];
    }
    return sum;
}

void rotate(std::vector<double>& a, std::vector<double>& b, double c, double s) {
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double old = a[i];
        a[i] = c * old - s * b[i];
        b[i] = s * old + c * b[i];
    }
}

/// Coefficients of the local quadratic by the pseudo-inverse: one-sided Jacobi turns the columns orthogonal (columns = U S, turn = V).
std::array<double, kTerms> solve_local(LocalDesign design) {
    auto& columns = design.column;
    std::array<std::vector<double>, kTerms> turn{std::vector<double>{1, 0, 0}, std::vector<double>{0, 1, 0}, std::vector<double>{0, 0, 1}};
    for (int sweep = 0; sweep < 40; ++sweep) {
        bool turned = false;
        for (std::size_t p = 0; p + 1 < kTerms; ++p) {
            for (std::size_t r = p + 1; r < kTerms; ++r) {
                const auto [pp, rr, pr] = products_of(columns[p], columns[r]);
                if (std::abs(pr) <= 1e-16 * std::sqrt(pp * rr)) continue;
                turned = true;
                const double zeta = (rr - pp) / (2.0 * pr);
                const double t = (zeta >= 0.0 ? 1.0 : -1.0) / (std::abs(zeta) + std::sqrt(1.0 + zeta * zeta));
                const double c = 1.0 / std::sqrt(1.0 + t * t);
                rotate(columns[p], columns[r], c, c * t);
                rotate(turn[p], turn[r], c, c * t);
            }
        }
        if (!turned) break;
    }
    std::array<double, kTerms> sigma{};
    for (std::size_t j = 0; j < kTerms; ++j) sigma[j] = std::sqrt(dot(columns[j], columns[j]));
    const double tolerance = *std::max_element(sigma.begin(), sigma.end()) * 100.0 * std::numeric_limits<double>::epsilon();
    std::array<double, kTerms> coefficients{};
    for (std::size_t j = 0; j < kTerms; ++j) {
        if (sigma[j] <= tolerance) continue;
        const double gamma = dot(columns[j], design.response) / (sigma[j] * sigma[j]);
        for (std::size_t i = 0; i < kTerms; ++i) coefficients[i] += turn[j][i] * gamma / design.length[i];
    }
    return coefficients;
}

/// Cubic that meets the values and slopes of both vertices.
double blend(const Vertex& left, const Vertex& right, double x) {
    const double width = right.x - left.x;
    const double h = (x - left.x) / width;
    const double phi0 = (1 - h) * (1 - h) * (1 + 2 * h);
    const double phi1 = h * h * (3 - 2 * h);
    const double psi0 = h * (1 - h) * (1 - h);
    const double psi1 = h * h * (h - 1);
    return phi0 * left.value + phi1 * right.value + (psi0 * left.slope + psi1 * right.slope) * width;
}

}  // namespace

std::vector<double> loess(std::span<const double> x, std::span<const double> y, double span, Context& context) {
    MORULA_ASSERT(x.size() == y.size());
    const auto n = static_cast<double>(x.size());
    const auto n_near = static_cast<std::size_t>(std::min(n, std::floor(n * span + 1e-5)));
    if (n_near < kTerms + 1) {
        invalid_data("LOESS with span " + std::to_string(span) + " over " + std::to_string(x.size()) + " genes leaves fewer than " + std::to_string(kTerms + 1) + " genes in each local fit.",
                     "Use a larger span, or give more genes.");
    }
    const SortedPoints points = sort_points(x, y);
    std::vector<Vertex> vertices = make_vertices(points, span);
    std::vector<Window> windows;
    for (const Vertex& vertex : vertices) windows.push_back(nearest_window(points.x, vertex.x, n_near, windows.empty() ? 0 : windows.back().begin));
    parallel_blocks(context, static_cast<std::int64_t>(vertices.size()), 1, [&](Block block) {
        Vertex& vertex = vertices[static_cast<std::size_t>(block.begin)];
        const auto coefficients = solve_local(local_design(points, windows[static_cast<std::size_t>(block.begin)], vertex.x));
        vertex.value = coefficients[0];
        vertex.slope = coefficients[1];
    });
    std::vector<double> fitted(x.size());
    std::size_t right = 1;
    for (std::size_t i = 0; i < points.x.size(); ++i) {
        while (right + 1 < vertices.size() && points.x[i] > vertices[right].x) ++right;
        fitted[points.order[i]] = blend(vertices[right - 1], vertices[right], points.x[i]);
    }
    return fitted;
}

}  // namespace morula::analysis
