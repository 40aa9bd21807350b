#include "morula/analysis/barcode_ranks.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace morula::analysis {
namespace {

constexpr double kWindow = 0.1;            // decades of rank over which a slope is taken
constexpr double kErraticRanks = 50.0;     // as exclude.from of DropletUtils
constexpr double kPointsPerDecade = 50.0;  // of the curve that is drawn

struct Stretch {
    std::size_t begin = 0;
    std::size_t end = 0;  // the first point at least kWindow further on
    double slope = 0.0;
};

std::vector<Stretch> stretches(const std::vector<double>& x, const std::vector<double>& y, std::size_t first) {
    std::vector<Stretch> out;
    std::size_t end = first;
    for (std::size_t begin = first; begin < x.size(); ++begin) {
        while (end < x.size() && x[end] < x[begin] + kWindow) ++end;
        if (end == x.size()) break;
        out.push_back({begin, end, (y[end] - y[begin]) / (x[end] - x[begin])});
    }
    return out;
}

/// The point between `first` and `last` that lies farthest above their chord, or `last` when none does.
std::size_t farthest_above(const std::vector<double>& x, const std::vector<double>& y, std::size_t first, std::size_t last) {
    const double slope = (y[last] - y[first]) / (x[last] - x[first]);
    std::size_t best = last;
    double best_height = 0.0;
    for (std::size_t i = first; i < last; ++i) {
        const double height = y[i] - (y[first] + slope * (x[i] - x[first]));
        if (height > best_height) {
            best_height = height;
            best = i;
        }
    }
    return best;
}

/// The steepest stretch of the first cliff: of the first run of stretches at least half as steep as the steepest of all. A second cliff, where empty droplets full
/// of ambient RNA end, may be the steeper one.
std::vector<Stretch>::const_iterator first_cliff(const std::vector<Stretch>& all) {
    constexpr double kAsSteep = 0.5;
    const auto flatter = [](const Stretch& a, const Stretch& b) { return a.slope < b.slope; };
    const double limit = kAsSteep * std::min_element(all.begin(), all.end(), flatter)->slope;
    const auto is_steep = [&](const Stretch& each) { return each.slope <= limit; };
    const auto begin = std::find_if(all.begin(), all.end(), is_steep);
    return std::min_element(begin, std::find_if_not(begin, all.end(), is_steep), flatter);
}

void find_knee(BarcodeRanks& ranks) {
    std::vector<double> x;
    std::vector<double> y;
    for (std::size_t i = 0; i < ranks.rank.size(); ++i) {
        x.push_back(std::log10(ranks.rank[i]));
        y.push_back(std::log10(ranks.total[i]));
    }
    std::size_t first = 0;
    while (first < x.size() && ranks.rank[first] <= kErraticRanks) ++first;
    std::vector<Stretch> all = stretches(x, y, first);
    if (all.empty()) all = stretches(x, y, 0);
    if (all.empty()) return;
    const auto steepest = first_cliff(all);
    const auto flattest = std::max_element(all.cbegin(), steepest + 1, [](const Stretch& a, const Stretch& b) { return a.slope < b.slope; });
    ranks.inflection = std::pow(10.0, 0.5 * (y[steepest->begin] + y[steepest->end]));
    const std::size_t knee = farthest_above(x, y, flattest->begin, steepest->end);
    if (knee != steepest->end) ranks.knee = ranks.total[knee];
}

}  // namespace

BarcodeRanks barcode_ranks(std::span<const std::int64_t> totals, std::int64_t lower) {
    std::vector<std::int64_t> sorted;
    std::copy_if(totals.begin(), totals.end(), std::back_inserter(sorted), [&](std::int64_t total) { return total > lower; });
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    BarcodeRanks ranks;
    for (std::size_t begin = 0; begin < sorted.size();) {
        std::size_t end = begin;
        while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
        ranks.rank.push_back(static_cast<double>(begin + 1 + end) / 2.0);
        ranks.total.push_back(static_cast<double>(sorted[begin]));
        begin = end;
    }
    find_knee(ranks);
    return ranks;
}

RankCurve rank_curve(std::span<const std::int64_t> totals, std::span<const std::uint8_t> is_cell) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < totals.size(); ++i) {
        if (totals[i] > 0) order.push_back(i);
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return totals[a] != totals[b] ? totals[a] > totals[b] : a < b; });
    RankCurve curve;
    std::size_t drawn = 0;
    for (int step = 0; drawn < order.size(); ++step) {
        const double wanted = std::round(std::pow(10.0, step / kPointsPerDecade));
        const std::size_t rank = std::min(order.size(), static_cast<std::size_t>(wanted));
        if (rank <= drawn) continue;
        std::size_t called = 0;
        for (std::size_t i = drawn; i < rank; ++i) called += is_cell[order[i]] != 0 ? 1 : 0;
        curve.rank.push_back(static_cast<double>(rank));
        curve.total.push_back(static_cast<double>(totals[order[rank - 1]]));
        curve.called.push_back(static_cast<double>(called) / static_cast<double>(rank - drawn));
        drawn = rank;
    }
    return curve;
}

}  // namespace morula::analysis
