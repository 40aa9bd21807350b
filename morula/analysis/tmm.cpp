#include "morula/analysis/tmm.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>

#include "morula/analysis/averages.hpp"

namespace morula::analysis {
namespace {

/// Ranks from 1, ties at their mean rank.
std::vector<double> ranks(std::span<const double> values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] != values[b] ? values[a] < values[b] : a < b; });
    std::vector<double> out(values.size());
    for (std::size_t begin = 0; begin < order.size();) {
        std::size_t end = begin + 1;
        while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
        for (std::size_t i = begin; i < end; ++i) out[order[i]] = 0.5 * static_cast<double>(begin + 1 + end);
        begin = end;
    }
    return out;
}

/// Counts of genes that any sample has, sample by sample.
std::vector<std::vector<double>> seen_genes(matrix::DenseView<const double> counts) {
    std::vector<std::vector<double>> samples(static_cast<std::size_t>(counts.n_cols));
    for (std::int64_t gene = 0; gene < counts.n_rows; ++gene) {
        const std::span<const double> row = counts.row(gene);
        if (std::all_of(row.begin(), row.end(), [](double count) { return count == 0.0; })) continue;
        for (std::size_t s = 0; s < row.size(); ++s) samples[s].push_back(row[s]);
    }
    return samples;
}

/// The sample whose upper quartile lies nearest the mean; where most upper quartiles are zero, the one with the largest sum of square roots.
std::size_t reference_sample(const std::vector<std::vector<double>>& samples, std::span<const double> size) {
    std::vector<double> upper;
    for (std::size_t s = 0; s < samples.size(); ++s) {
        std::vector<double> share = samples[s];
        for (double& value : share) value /= size[s];
        upper.push_back(size[s] > 0.0 ? quantile(share, 0.75) : 0.0);
    }
    std::vector<double> sorted = upper;
    std::vector<double> distance;
    if (quantile(sorted, 0.5) < 1e-20) {
        for (const auto& sample : samples) distance.push_back(-std::accumulate(sample.begin(), sample.end(), 0.0, [](double sum, double x) { return sum + std::sqrt(x); }));
    } else {
        const double mean = std::accumulate(upper.begin(), upper.end(), 0.0) / static_cast<double>(upper.size());
        for (const double value : upper) distance.push_back(std::abs(value - mean));
    }
    return static_cast<std::size_t>(std::min_element(distance.begin(), distance.end()) - distance.begin());
}

/// log2 of the factor of one sample against the reference.
double log2_factor(std::span<const double> sample, double size, std::span<const double> reference, double reference_size, const TmmTrims& options) {
    std::vector<double> ratio;
    std::vector<double> abundance;
    std::vector<double> variance;
    double largest = 0.0;
    for (std::size_t g = 0; g < sample.size(); ++g) {
        if (sample[g] <= 0.0 || reference[g] <= 0.0) continue;
        const double a = std::log2(sample[g] / size);
        const double b = std::log2(reference[g] / reference_size);
        ratio.push_back(std::log2((sample[g] / size) / (reference[g] / reference_size)));
        abundance.push_back(0.5 * (a + b));
        variance.push_back((size - sample[g]) / size / sample[g] + (reference_size - reference[g]) / reference_size / reference[g]);
        largest = std::max(largest, std::abs(ratio.back()));
    }
    if (largest < 1e-6) return 0.0;
    const auto n = static_cast<double>(ratio.size());
    const double low_ratio = std::floor(n * options.ratio_trim) + 1.0;
    const double low_abundance = std::floor(n * options.abundance_trim) + 1.0;
    const std::vector<double> ratio_rank = ranks(ratio);
    const std::vector<double> abundance_rank = ranks(abundance);
    double sum = 0.0;
    double weights = 0.0;
    for (std::size_t i = 0; i < ratio.size(); ++i) {
        const bool inside = ratio_rank[i] >= low_ratio && ratio_rank[i] <= n + 1.0 - low_ratio && abundance_rank[i] >= low_abundance && abundance_rank[i] <= n + 1.0 - low_abundance;
        if (!inside) continue;
        sum += ratio[i] / variance[i];
        weights += 1.0 / variance[i];
    }
    return weights > 0.0 && std::isfinite(sum / weights) ? sum / weights : 0.0;
}

}  // namespace

std::vector<double> tmm_factors(matrix::DenseView<const double> counts, const TmmTrims& options) {
    const std::vector<std::vector<double>> samples = seen_genes(counts);
    std::vector<double> size;
    for (const auto& sample : samples) size.push_back(std::accumulate(sample.begin(), sample.end(), 0.0));
    std::vector<double> factors(samples.size(), 1.0);
    if (samples.size() < 2 || samples[0].empty()) return factors;
    const std::size_t reference = reference_sample(samples, size);
    double mean_log = 0.0;
    for (std::size_t s = 0; s < samples.size(); ++s) {
        const double log2 = size[s] > 0.0 && size[reference] > 0.0 ? log2_factor(samples[s], size[s], samples[reference], size[reference], options) : 0.0;
        factors[s] = std::exp2(log2);
        mean_log += std::log(factors[s]) / static_cast<double>(samples.size());
    }
    for (double& factor : factors) factor /= std::exp(mean_log);
    return factors;
}

}  // namespace morula::analysis
