#include "morula/analysis/ambient_profile.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

constexpr double kLeastPrecision = 0.01;
constexpr double kMostPrecision = 1e7;

double log_gamma(double x) {
    int sign = 0;
    return ::lgamma_r(x, &sign);
}

/// How often each count occurs, ascending.
struct Frequencies {
    std::vector<double> count;
    std::vector<double> n;
};

Frequencies frequencies_of(std::span<const double> counts, std::span<const std::uint8_t> takes_part) {
    std::map<double, double> tally;
    for (std::size_t gene = 0; gene < counts.size(); ++gene) {
        if (takes_part[gene] != 0 && counts[gene] > 0.0) ++tally[counts[gene]];
    }
    Frequencies out;
    for (const auto& [count, n] : tally) {
        out.count.push_back(count);
        out.n.push_back(n);
    }
    return out;
}

/// Slope of ln Z on ln count, where Z spreads each frequency over the gap between its neighbours.
double zipf_slope(const Frequencies& seen) {
    const std::size_t size = seen.count.size();
    double mean_x = 0.0;
    double mean_y = 0.0;
    std::vector<double> x;
    std::vector<double> y;
    for (std::size_t i = 0; i < size; ++i) {
        const double before = i == 0 ? 0.0 : seen.count[i - 1];
        const double after = i + 1 == size ? 2.0 * seen.count[i] - before : seen.count[i + 1];
        x.push_back(std::log(seen.count[i]));
        y.push_back(std::log(2.0 * seen.n[i] / (after - before)));
        mean_x += x.back() / static_cast<double>(size);
        mean_y += y.back() / static_cast<double>(size);
    }
    double xx = 0.0;
    double xy = 0.0;
    for (std::size_t i = 0; i < size; ++i) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    return xx > 0.0 ? xy / xx : -1.0;  // -1 leaves counts as they are
}

/// r*: Turing's estimate while it differs from the fitted line by more than noise, the line from there on.
std::vector<double> smoothed_counts(const Frequencies& seen) {
    constexpr double kConfidence = 1.65;
    const double slope = zipf_slope(seen);
    std::vector<double> out;
    bool by_line = false;
    for (std::size_t i = 0; i < seen.count.size(); ++i) {
        const double r = seen.count[i];
        const double line = r * std::pow(1.0 + 1.0 / r, slope + 1.0);
        const bool has_next = i + 1 < seen.count.size() && seen.count[i + 1] == r + 1.0;
        by_line = by_line || !has_next;
        double turing = 0.0;
        if (!by_line) {
            const double ratio = seen.n[i + 1] / seen.n[i];
            turing = (r + 1.0) * ratio;
            by_line = std::abs(turing - line) <= kConfidence * (r + 1.0) * std::sqrt(ratio * (1.0 + ratio) / seen.n[i]);
        }
        out.push_back(by_line ? line : turing);
    }
    return out;
}

/// (gene probability, k) and how many droplets hold more than k of the gene, k >= 1.
struct Repeats {
    double p = 0.0;
    double k = 0.0;
    double n = 0.0;
};

std::vector<Repeats> repeats_of(std::vector<std::uint64_t>& repeated, std::span<const double> profile) {
    std::sort(repeated.begin(), repeated.end());
    std::vector<Repeats> out;
    // From the end: counts of a gene come largest first, so that `n` grows as k falls.
    for (std::size_t end = repeated.size(); end > 0;) {
        const std::uint64_t gene = repeated[end - 1] >> 32;
        const double p = profile[static_cast<std::size_t>(gene)];
        if (p <= 0.0) invalid_data("A gene that was left out of the ambient profile has counts in an empty droplet.", "This is a fault of Morula; please report it.");
        double n = 0.0;
        for (std::uint64_t k = (repeated[end - 1] & 0xffffffffULL) - 1; k >= 1; --k) {
            while (end > 0 && repeated[end - 1] >> 32 == gene && (repeated[end - 1] & 0xffffffffULL) > k) {
                n += 1.0;
                --end;
            }
            out.push_back({p, static_cast<double>(k), n});
        }
    }
    return out;
}

/// How many droplets hold more than k counts, k = 0, 1, ...
std::vector<double> droplets_above(const std::vector<std::int64_t>& totals) {
    std::vector<double> n(static_cast<std::size_t>(totals.empty() ? 0 : *std::max_element(totals.begin(), totals.end())), 0.0);
    for (const std::int64_t total : totals) {
        if (total > 0) ++n[static_cast<std::size_t>(total - 1)];
    }
    for (std::size_t k = n.size(); k-- > 1;) n[k - 1] += n[k];
    return n;
}

}  // namespace

std::vector<double> good_turing(std::span<const double> counts, std::span<const std::uint8_t> takes_part) {
    const Frequencies seen = frequencies_of(counts, takes_part);
    if (seen.count.empty()) invalid_data("The empty droplets hold no counts.", "Name the matrix with all barcodes.");
    std::int64_t n_unseen = 0;
    for (std::size_t gene = 0; gene < counts.size(); ++gene) n_unseen += takes_part[gene] != 0 && !(counts[gene] > 0.0) ? 1 : 0;
    double total = 0.0;
    for (std::size_t i = 0; i < seen.count.size(); ++i) total += seen.count[i] * seen.n[i];
    const double seen_once = seen.count[0] == 1.0 ? seen.n[0] : 0.0;
    const double unseen = n_unseen > 0 ? std::min(0.5, std::max(1.0, seen_once) / total) : 0.0;
    const std::vector<double> smoothed = smoothed_counts(seen);
    double sum = 0.0;
    for (std::size_t i = 0; i < smoothed.size(); ++i) sum += smoothed[i] * seen.n[i];
    std::vector<double> out(counts.size(), 0.0);
    for (std::size_t gene = 0; gene < counts.size(); ++gene) {
        if (takes_part[gene] == 0) continue;
        if (counts[gene] > 0.0) {
            const auto at = std::lower_bound(seen.count.begin(), seen.count.end(), counts[gene]) - seen.count.begin();
            out[gene] = (1.0 - unseen) * smoothed[static_cast<std::size_t>(at)] / sum;
        } else {
            out[gene] = unseen / static_cast<double>(n_unseen);
        }
    }
    return out;
}

double ambient_precision(AmbientEntries entries, std::span<const double> profile) {
    const std::vector<Repeats> repeats = repeats_of(entries.repeated, profile);
    const std::vector<double> above = droplets_above(entries.totals);
    // With u = 1 / precision, the log likelihood is sum n ln(p + k u) - sum above[k] ln(1 + k u) and a constant. Its slope in u falls through zero at the maximum.
    const auto slope = [&](double u) {
        double sum = 0.0;
        for (const Repeats& each : repeats) sum += each.n * each.k / (each.p + each.k * u);
        for (std::size_t k = 1; k < above.size(); ++k) sum -= above[k] * static_cast<double>(k) / (1.0 + static_cast<double>(k) * u);
        return sum;
    };
    double low = std::log(1.0 / kMostPrecision);
    double high = std::log(1.0 / kLeastPrecision);
    if (!(slope(std::exp(low)) > 0.0)) return std::numeric_limits<double>::infinity();
    if (slope(std::exp(high)) > 0.0) return kLeastPrecision;
    for (int i = 0; i < 60; ++i) {
        const double middle = 0.5 * (low + high);
        (slope(std::exp(middle)) > 0.0 ? low : high) = middle;
    }
    return std::exp(-0.5 * (low + high));
}

AmbientModel::AmbientModel(std::vector<double> profile, double precision) : profile_(std::move(profile)), precision_(precision), draws_(profile_) {
    const double scale = std::isinf(precision_) ? 1.0 : precision_;
    first_.reserve(profile_.size());
    for (const double p : profile_) first_.push_back(std::log(scale * p));
}

double AmbientModel::step(std::uint32_t gene, std::uint32_t k) const {
    if (k == 0) return first_[gene];
    const double next = static_cast<double>(k) + 1.0;
    return std::isinf(precision_) ? first_[gene] - std::log(next) : std::log((precision_ * profile_[gene] + static_cast<double>(k)) / next);
}

double AmbientModel::statistic(std::span<const std::uint32_t> genes, std::span<const float> counts) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < genes.size(); ++i) {
        const auto n = static_cast<std::uint32_t>(counts[i]);
        for (std::uint32_t k = 0; k < n; ++k) sum += step(genes[i], k);
    }
    return sum;
}

double AmbientModel::of_total(std::int64_t n) const {
    const double factorial = log_gamma(static_cast<double>(n) + 1.0);
    return std::isinf(precision_) ? factorial : factorial + log_gamma(precision_) - log_gamma(precision_ + static_cast<double>(n));
}

void AmbientDroplet::empty() {
    for (const std::uint32_t gene : drawn_) counts_[gene] = 0;
    drawn_.clear();
    statistic_ = 0.0;
}

std::uint32_t AmbientDroplet::next_gene(Random& random) const {
    if (!std::isinf(model_.precision())) {
        // One of the counts before, with probability n / (n + precision); else a fresh one.
        const auto n = static_cast<double>(drawn_.size());
        const double place = random.uniform() * (n + model_.precision());
        if (place < n) return drawn_[static_cast<std::size_t>(place)];
    }
    return model_.draws().draw(random.next_u64());
}

void AmbientDroplet::add_count(Random& random) {
    const std::uint32_t gene = next_gene(random);
    statistic_ += model_.step(gene, counts_[gene]++);
    drawn_.push_back(gene);
}

}  // namespace morula::analysis
