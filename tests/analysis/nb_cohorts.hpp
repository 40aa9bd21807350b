// Made-up cohorts for calibration: negative-binomial counts of donors whose genes vary as they do between people, with known effects.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "morula/core/random.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis::nb_cohorts {

struct Settings {
    std::int64_t n_genes = 400;
    std::int64_t n_case = 3;
    std::int64_t n_control = 3;
    double effect_share = 0.0;   // of genes
    double effect_log2 = 1.5;    // up or down
    double dispersion = 0.1;     // of genes with many counts
    std::uint64_t seed = 0;
};

struct Made {
    matrix::Dense<double> counts;       // genes x samples, controls first
    matrix::Dense<double> design;       // ~ condition
    std::vector<double> true_log2fc;
};

inline double gamma_poisson(Random& random, double mean, double dispersion) { return static_cast<double>(random.poisson(random.gamma(1.0 / dispersion, dispersion * mean))); }

/// Means are log-normal; a gene's dispersion is (dispersion + 1 / mean) times 8 / chi-squared with 8 df; library sizes differ by a third.
inline Made make(const Settings& s) {
    const std::int64_t n = s.n_case + s.n_control;
    Made out{matrix::Dense<double>(s.n_genes, n), matrix::Dense<double>(n, 2), std::vector<double>(static_cast<std::size_t>(s.n_genes), 0.0)};
    std::vector<double> size;
    Random of_samples(s.seed, Purpose::test, 0, 1);
    for (std::int64_t sample = 0; sample < n; ++sample) {
        size.push_back(std::exp(0.3 * of_samples.normal()));
        out.design(sample, 0) = 1.0;
        out.design(sample, 1) = sample < s.n_control ? 0.0 : 1.0;
    }
    for (std::int64_t gene = 0; gene < s.n_genes; ++gene) {
        Random random(s.seed, Purpose::test, static_cast<std::uint64_t>(gene), 2);
        const double base = std::exp(4.0 + 1.2 * random.normal());
        const double spread = 8.0 / random.gamma(4.0, 2.0);
        const double dispersion = (s.dispersion + 1.0 / base) * spread;
        if (random.uniform() < s.effect_share) out.true_log2fc[static_cast<std::size_t>(gene)] = random.uniform() < 0.5 ? s.effect_log2 : -s.effect_log2;
        const double fold = std::exp2(out.true_log2fc[static_cast<std::size_t>(gene)]);
        for (std::int64_t sample = 0; sample < n; ++sample) {
            out.counts(gene, sample) = gamma_poisson(random, base * size[static_cast<std::size_t>(sample)] * (sample < s.n_control ? 1.0 : fold), dispersion);
        }
    }
    return out;
}

}  // namespace morula::analysis::nb_cohorts
