#include "morula/models/label_sets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "morula/core/error.hpp"
#include "morula/core/random.hpp"

namespace morula::models {
namespace {

constexpr double kRounding = 1e-9;

/// Scores of the cells of one kind by donor, and all of them with weights that give each donor the same say.
class DonorScores {
public:
    explicit DonorScores(std::int32_t n_donors) : of_donor_(static_cast<std::size_t>(n_donors)) {}

    void add(std::int32_t donor, double score) { of_donor_[static_cast<std::size_t>(donor)].push_back(score); }
    std::int64_t n_cells() const {
        return std::accumulate(of_donor_.begin(), of_donor_.end(), std::int64_t{0}, [](std::int64_t n, const auto& scores) { return n + std::ssize(scores); });
    }
    /// Drops donors without cells and gets ready for thresholds.
    void finish() {
        std::erase_if(of_donor_, [](const auto& scores) { return scores.empty(); });
        for (const auto& scores : of_donor_) {
            for (const double score : scores) pooled_.push_back({score, 1.0 / (static_cast<double>(scores.size()) * static_cast<double>(of_donor_.size()))});
        }
        std::sort(pooled_.begin(), pooled_.end(), [](const Weighted& a, const Weighted& b) { return a.score < b.score; });
        double sum = 0.0;
        for (Weighted& each : pooled_) {
            sum += each.level;
            each.level = sum;
        }
    }
    std::int32_t n_donors() const { return static_cast<std::int32_t>(of_donor_.size()); }

    /// The two draws around rank (D + 1) coverage are taken in proportion: their levels would be rank / (D + 1) were the donors alike.
    double threshold(const LabelSetsOptions& options, std::uint64_t item) const {
        const double rank = (static_cast<double>(of_donor_.size()) + 1.0) * options.coverage;
        const auto lower = static_cast<std::size_t>(std::floor(rank + kRounding));
        const double upper_share = std::max(0.0, rank - static_cast<double>(lower));
        double level = 0.0;
        std::vector<double> drawn(of_donor_.size());
        for (std::int32_t draw = 0; draw < options.draws; ++draw) {
            Random random(options.seed, Purpose::bootstrap, item, static_cast<std::uint32_t>(draw));
            for (std::size_t donor = 0; donor < drawn.size(); ++donor) drawn[donor] = of_donor_[donor][random.below(of_donor_[donor].size())];
            std::sort(drawn.begin(), drawn.end());
            level += (1.0 - upper_share) * level_of(drawn[lower - 1]);
            if (upper_share > kRounding) level += upper_share * level_of(drawn[lower]);
        }
        return score_at(level / static_cast<double>(options.draws));
    }

private:
    struct Weighted {
        double score;
        double level;  // first the weight, then the share of all weight up to here
    };
    /// Share of the weight at scores up to this one.
    double level_of(double score) const {
        const auto past = std::upper_bound(pooled_.begin(), pooled_.end(), score, [](double value, const Weighted& each) { return value < each.score; });
        return past == pooled_.begin() ? 0.0 : std::prev(past)->level;
    }
    /// The smallest score with at least that share.
    double score_at(double level) const {
        const auto found = std::find_if(pooled_.begin(), pooled_.end(), [&](const Weighted& each) { return each.level >= level - kRounding; });
        return found == pooled_.end() ? pooled_.back().score : found->score;
    }

    std::vector<std::vector<double>> of_donor_;
    std::vector<Weighted> pooled_;
};

std::vector<std::int32_t> by_probability(std::span<const float> probability) {
    std::vector<std::int32_t> order(probability.size());
    std::iota(order.begin(), order.end(), 0);
    const auto of = [&](std::int32_t label) { return probability[static_cast<std::size_t>(label)]; };
    std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return of(a) > of(b) || (of(a) == of(b) && a < b); });
    return order;
}

}  // namespace

LabelSetThresholds calibrate_label_sets(const CalibrationCells& cells, const LabelSetsOptions& options) {
    const std::int64_t n = cells.probability.n_rows;
    const std::int64_t n_labels = cells.probability.n_cols;
    if (std::ssize(cells.label) != n || std::ssize(cells.donor) != n) invalid_data("Calibration needs one label and one donor a cell.", "Give columns as long as the cells.");
    DonorScores all(cells.n_donors);
    std::vector<DonorScores> of_label(static_cast<std::size_t>(n_labels), DonorScores(cells.n_donors));
    for (std::int64_t cell = 0; cell < n; ++cell) {
        const std::int32_t label = cells.label[static_cast<std::size_t>(cell)];
        const double score = 1.0 - static_cast<double>(cells.probability(cell, std::int64_t{label}));
        all.add(cells.donor[static_cast<std::size_t>(cell)], score);
        of_label[static_cast<std::size_t>(label)].add(cells.donor[static_cast<std::size_t>(cell)], score);
    }
    all.finish();
    if (all.n_donors() < kLeastCalibrationDonors) {
        invalid_data(fmt::format("Label sets are calibrated by donors, and {} are too few.", all.n_donors()), fmt::format("Use a reference of at least {} donors.", kLeastCalibrationDonors));
    }
    LabelSetThresholds out;
    out.n_donors = all.n_donors();
    out.pooled = all.threshold(options, 0);
    for (std::size_t label = 0; label < of_label.size(); ++label) {
        DonorScores& scores = of_label[label];
        LabelThreshold threshold{out.pooled, 0, scores.n_cells(), false};
        scores.finish();
        threshold.n_donors = scores.n_donors();
        threshold.is_own = scores.n_donors() >= kLeastCalibrationDonors;
        if (threshold.is_own) threshold.score = scores.threshold(options, label + 1);
        out.of_label.push_back(threshold);
    }
    return out;
}

std::vector<std::int32_t> label_set(const LabelSetThresholds& thresholds, std::span<const float> probability) {
    std::vector<std::int32_t> set;
    for (const std::int32_t label : by_probability(probability)) {
        const auto at = static_cast<std::size_t>(label);
        if (set.empty() || 1.0 - static_cast<double>(probability[at]) <= thresholds.of_label[at].score) set.push_back(label);
    }
    return set;
}

std::vector<std::int32_t> likely_labels(std::span<const float> probability, double mass) {
    const auto best = std::max_element(probability.begin(), probability.end());
    if (best != probability.end() && static_cast<double>(*best) >= mass) return {static_cast<std::int32_t>(best - probability.begin())};
    std::vector<std::int32_t> set;
    double sum = 0.0;
    for (const std::int32_t label : by_probability(probability)) {
        if (sum >= mass) break;
        set.push_back(label);
        sum += static_cast<double>(probability[static_cast<std::size_t>(label)]);
    }
    return set;
}

}  // namespace morula::models
