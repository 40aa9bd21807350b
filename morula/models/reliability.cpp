#include "morula/models/reliability.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/p_values.hpp"

namespace morula::models {
namespace {

constexpr std::size_t kBins = 10;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Step {
    double from;
    double weight;
    double right;  // weight of right calls
    double n_cells;
    double share() const { return right / weight; }
};

/// Weight of a cell: each donor's cells in use add to one.
std::vector<double> donor_weights(const ScoredCalls& calls, std::span<const std::uint8_t> use) {
    std::vector<double> cells(static_cast<std::size_t>(calls.n_donors), 0.0);
    for (std::size_t i = 0; i < calls.score.size(); ++i) cells[static_cast<std::size_t>(calls.donor[i])] += use[i] != 0 ? 1.0 : 0.0;
    for (double& each : cells) each = each > 0.0 ? 1.0 / each : 0.0;
    return cells;
}

/// Mean over donors of the values of their cells, with the spread between donors.
struct DonorMeans {
    std::vector<double> sum;
    std::vector<std::int64_t> n;

    explicit DonorMeans(std::int32_t n_donors) : sum(static_cast<std::size_t>(n_donors), 0.0), n(static_cast<std::size_t>(n_donors), 0) {}
    void add(std::int32_t donor, double value) {
        sum[static_cast<std::size_t>(donor)] += value;
        ++n[static_cast<std::size_t>(donor)];
    }
    std::vector<double> means() const {
        std::vector<double> out;
        for (std::size_t donor = 0; donor < n.size(); ++donor) {
            if (n[donor] > 0) out.push_back(sum[donor] / static_cast<double>(n[donor]));
        }
        return out;
    }
};

/// The t that is exceeded on either side with probability .05, found by halving: |p(t) - .05| falls with every step.
double student_975(double df) {
    double low = 1.9;
    double high = 13.0;  // 12.71 at one degree of freedom
    for (int step = 0; step < 60; ++step) {
        const double middle = 0.5 * (low + high);
        (analysis::log10_p_student(middle, df) > std::log10(0.05) ? low : high) = middle;
    }
    return low;
}

/// Half the 95 % interval of a mean.
double half_width(const std::vector<double>& values) {
    if (values.size() < 2) return kNaN;
    const double mean = analysis::mean_of(values);
    double squares = 0.0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    const auto n = static_cast<double>(values.size());
    return student_975(n - 1.0) * std::sqrt(squares / (n - 1.0) / n);
}

}  // namespace

double ConfidenceMap::at(double score) const {
    const auto past = std::upper_bound(from.begin(), from.end(), score);
    return past == from.begin() ? share.front() : share[static_cast<std::size_t>(past - from.begin()) - 1];
}

ConfidenceMap fit_confidence(const ScoredCalls& calls, std::span<const std::uint8_t> use) {
    const std::vector<double> weight = donor_weights(calls, use);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < calls.score.size(); ++i) {
        if (use[i] != 0) order.push_back(i);
    }
    if (order.empty()) return {{0.0}, {0.5}};
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return calls.score[a] < calls.score[b]; });
    std::vector<Step> steps;
    for (const std::size_t i : order) {
        const double w = weight[static_cast<std::size_t>(calls.donor[i])];
        const Step own{calls.score[i], w, calls.is_right[i] != 0 ? w : 0.0, 1.0};
        if (!steps.empty() && steps.back().from == own.from) {
            steps.back().weight += own.weight;
            steps.back().right += own.right;
            steps.back().n_cells += 1.0;
        } else {
            steps.push_back(own);
        }
        while (steps.size() > 1 && steps[steps.size() - 2].share() >= steps.back().share()) {
            steps[steps.size() - 2].weight += steps.back().weight;
            steps[steps.size() - 2].right += steps.back().right;
            steps[steps.size() - 2].n_cells += steps.back().n_cells;
            steps.pop_back();
        }
    }
    ConfidenceMap map;
    for (const Step& step : steps) {
        map.from.push_back(step.from);
        map.share.push_back((step.n_cells * step.share() + 0.5) / (step.n_cells + 1.0));
    }
    return map;
}

Reliability reliability_of(const ScoredCalls& calls) {
    Reliability out;
    std::vector<DonorMeans> confidence(kBins, DonorMeans(calls.n_donors));
    std::vector<DonorMeans> right(kBins, DonorMeans(calls.n_donors));
    for (std::size_t i = 0; i < calls.score.size(); ++i) {
        const auto bin = std::min(kBins - 1, static_cast<std::size_t>(calls.score[i] * static_cast<double>(kBins)));
        confidence[bin].add(calls.donor[i], calls.score[i]);
        right[bin].add(calls.donor[i], calls.is_right[i] != 0 ? 1.0 : 0.0);
    }
    for (std::size_t b = 0; b < kBins; ++b) {
        const std::vector<double> shares = right[b].means();
        ReliabilityBin bin;
        bin.from = static_cast<double>(b) / static_cast<double>(kBins);
        bin.to = static_cast<double>(b + 1) / static_cast<double>(kBins);
        bin.n_cells = std::accumulate(right[b].n.begin(), right[b].n.end(), std::int64_t{0});
        bin.n_donors = static_cast<std::int32_t>(shares.size());
        bin.confidence = analysis::mean_of(confidence[b].means());
        bin.right = analysis::mean_of(shares);
        const double half = half_width(shares);
        bin.right_low = std::max(0.0, bin.right - half);
        bin.right_high = std::min(1.0, bin.right + half);
        if (std::isnan(half)) bin.right_low = bin.right_high = kNaN;
        if (bin.n_cells > 0) out.expected_error += std::abs(bin.confidence - bin.right) * static_cast<double>(bin.n_cells) / static_cast<double>(calls.score.size());
        out.bins.push_back(bin);
    }
    return out;
}

}  // namespace morula::models
