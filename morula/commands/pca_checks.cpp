// What leading components follow: depth, mitochondria, ribosomes, stress, cell cycle.
#include <fmt/format.h>

#include <cmath>

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {
namespace {

constexpr std::int64_t kComponentsChecked = 5;
constexpr double kFollows = 0.7;  // |Pearson r| from which a component is said to follow a nuisance

struct Nuisance {
    const char* column;
    const char* words;
    bool logarithm;
};
constexpr Nuisance kNuisances[] = {
    {"total_counts", "the depth of cells", true},      {"pct_counts_mt", "mitochondrial RNA", false}, {"pct_counts_ribo", "ribosomal RNA", false},
    {"pct_counts_stress", "dissociation stress", false}, {"S_score", "the cell cycle (S)", false},      {"G2M_score", "the cell cycle (G2/M)", false},
};

double correlation(const matrix::Dense<float>& embedding, std::int64_t component, const std::vector<double>& values) {
    double n = 0.0;
    double sx = 0.0;
    double sy = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!std::isfinite(values[i])) continue;
        n += 1.0;
        sx += embedding(static_cast<std::int64_t>(i), component);
        sy += values[i];
    }
    double sxx = 0.0;
    double syy = 0.0;
    double sxy = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!std::isfinite(values[i])) continue;
        const double dx = embedding(static_cast<std::int64_t>(i), component) - sx / n;
        const double dy = values[i] - sy / n;
        sxx += dx * dx;
        syy += dy * dy;
        sxy += dx * dy;
    }
    return sxx > 0.0 && syy > 0.0 ? sxy / std::sqrt(sxx * syy) : 0.0;
}

}  // namespace

data::Dataset pca_checks_slots(const data::Dataset& in, Context& context) {
    const matrix::Dense<float>& embedding = require_obsm(in, "X_pca", "pca");
    std::vector<std::int64_t> component;
    std::vector<std::string> follows;
    std::vector<double> r;
    for (const Nuisance& nuisance : kNuisances) {
        const data::Column* column = in.obs.find(nuisance.column);
        if (column == nullptr) continue;
        std::vector<double> values = data::column_numbers(*column);
        if (nuisance.logarithm) {
            for (double& value : values) value = std::log1p(value);
        }
        for (std::int64_t c = 0; c < std::min(kComponentsChecked, embedding.n_cols); ++c) {
            const double found = correlation(embedding, c, values);
            if (std::abs(found) < kFollows) continue;
            component.push_back(c + 1);
            follows.emplace_back(nuisance.words);
            r.push_back(found);
            context.events().warning(fmt::format("Component {} of the PCA follows {} (r = {:.2f}): clusters may partly show it.", c + 1, nuisance.words, found));
        }
    }
    data::Dataset out = slots_like(in);
    out.uns["pca_checks"] = uns_of(data::UnsMap{{"component", uns_of(component)}, {"follows", uns_of(follows)}, {"r", uns_of(r)}});
    return out;
}

}  // namespace morula::commands
