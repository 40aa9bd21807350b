// The cohorts of oracles/edger.R and edger4.R: counts, design, and what edgeR 3.40 or 4.4 says of them.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "morula/analysis/quasi_likelihood.hpp"
#include "morula/matrix/views.hpp"
#include "tests/analysis/fixture.hpp"

namespace morula::analysis::edger {

struct Cohort {
    matrix::Dense<double> all;         // genes x samples
    std::vector<std::uint8_t> keep;    // of all
    matrix::Dense<double> counts;      // of kept genes
    matrix::Dense<double> design;
    std::vector<double> size;          // of kept genes times factor
    std::vector<double> factors;
    std::vector<double> factors_of_all;
    std::vector<double> contrast;
    double common = 0.0;
    double dispersion_prior_df = 0.0;
    double prior_df = 0.0;
    double average_quasi = 1.0;
    std::int64_t n_bounded = 0;
    std::map<std::string, std::vector<double>> gene;  // columns of NAME.genes.csv
};

inline double number(const std::string& text) { return std::stod(text); }

inline matrix::Dense<double> dense(const std::vector<std::vector<double>>& rows) {
    matrix::Dense<double> out(std::ssize(rows), rows.empty() ? 0 : std::ssize(rows.front()));
    for (std::size_t i = 0; i < rows.size(); ++i) std::copy(rows[i].begin(), rows[i].end(), out.row(static_cast<std::int64_t>(i)).begin());
    return out;
}

/// Counts and design of fixtures/FOLDER/NAME.
inline Cohort read_samples(const std::string& folder, const std::string& name) {
    const auto rows = [&](const std::string& part) { return fixture::rows(folder + "/" + name + "." + part + ".csv"); };
    Cohort out;
    std::vector<std::vector<double>> all, kept, design;
    for (const auto& row : rows("counts")) {
        std::vector<double> counts;
        for (std::size_t i = 1; i < row.size(); ++i) counts.push_back(number(row[i]));
        out.keep.push_back(static_cast<std::uint8_t>(row[0] == "1"));
        all.push_back(counts);
        if (out.keep.back() != 0) kept.push_back(counts);
    }
    for (const auto& row : rows("design")) {
        out.factors.push_back(number(row[1]));
        out.factors_of_all.push_back(number(row[2]));
        out.size.push_back(number(row[0]) * number(row[1]));
        std::vector<double> x;
        for (std::size_t i = 3; i < row.size(); ++i) x.push_back(number(row[i]));
        design.push_back(x);
    }
    out.all = dense(all);
    out.counts = dense(kept);
    out.design = dense(design);
    out.contrast.assign(static_cast<std::size_t>(out.design.n_cols), 0.0);
    out.contrast.back() = 1.0;
    return out;
}

inline void read_genes(const std::string& path, const std::vector<std::string>& names, Cohort& out) {
    for (const auto& row : fixture::rows(path)) {
        for (std::size_t i = 0; i < names.size(); ++i) out.gene[names[i]].push_back(number(row[i]));
    }
}

/// What edgeR 3.40 says.
inline Cohort read_cohort(const std::string& name) {
    Cohort out = read_samples("edger", name);
    const auto scalars = fixture::rows("edger/" + name + ".scalars.csv").at(0);
    out.contrast.assign(out.contrast.size(), 0.0);
    out.contrast[std::stoul(scalars[0])] = 1.0;
    out.common = number(scalars[1]);
    out.dispersion_prior_df = number(scalars[2]);
    out.prior_df = number(scalars[3]);
    out.n_bounded = std::stol(scalars[4]);
    read_genes("edger/" + name + ".genes.csv", {"average_log_cpm", "trended", "tagwise", "deviance", "residual_df", "prior_variance", "variance", "log2fc", "coefficient", "f", "log10_p"}, out);
    return out;
}

/// What edgeR 4.4 says of the same cohorts, and of "sparse".
inline Cohort read_cohort_4(const std::string& name) {
    Cohort out = name == "sparse" ? read_samples("edger4", name) : read_cohort(name);
    out.gene.clear();
    const auto scalars = fixture::rows("edger4/" + name + ".scalars.csv").at(0);
    out.common = number(scalars[0]);
    out.average_quasi = number(scalars[1]);
    out.prior_df = number(scalars[2]);
    read_genes("edger4/" + name + ".genes.csv", {"average_log_cpm", "deviance", "residual_df", "prior_variance", "variance", "log2fc", "f", "df", "log10_p"}, out);
    return out;
}

/// Contrasts of one fit, and coefficients that are tested together.
struct Levels {
    Cohort cohort;
    std::vector<std::vector<double>> contrasts;
    matrix::Dense<double> together;
    std::vector<std::vector<double>> log2fc, log10_p;  // of each contrast, a number a kept gene
    std::vector<double> f_together, log10_p_together;
};
/// folder: "edger" or "edger4", which has no counts of its own.
inline Levels read_levels(const std::string& folder, const std::string& name) {
    Levels out;
    out.cohort = read_samples("edger", name);
    std::vector<std::vector<double>> together;
    for (const auto& row : fixture::rows("edger/" + name + ".contrasts.csv")) {
        std::vector<double> weights;
        for (std::size_t i = 1; i < row.size(); ++i) weights.push_back(number(row[i]));
        (row[0] == "1" ? together : out.contrasts).push_back(weights);
    }
    out.together = dense(together);
    out.log2fc.resize(out.contrasts.size());
    out.log10_p.resize(out.contrasts.size());
    for (const auto& row : fixture::rows(folder + "/" + name + ".tests.csv")) {
        for (std::size_t k = 0; k < out.contrasts.size(); ++k) {
            out.log2fc[k].push_back(number(row[2 * k]));
            out.log10_p[k].push_back(number(row[2 * k + 1]));
        }
        out.f_together.push_back(number(row[2 * out.contrasts.size()]));
        out.log10_p_together.push_back(number(row[2 * out.contrasts.size() + 1]));
    }
    return out;
}

inline const std::vector<std::string>& level_names() {
    static const std::vector<std::string> names{"three_levels", "three_paired", "four_levels", "three_poisson"};
    return names;
}

inline const std::vector<std::string>& cohort_names() {
    static const std::vector<std::string> names{"two_groups", "paired", "covariates", "few_genes", "poisson", "one_df", "many"};
    return names;
}

/// A fit with the test and the effects of one contrast.
struct Tested : QuasiLikelihoodFit, QuasiLikelihoodTest, ContrastEffects {};
inline Tested test_one(const CountTable& table, const matrix::Dense<double>& x, const std::vector<double>& contrast, Deviances deviances, Context& context) {
    const NbDesign design(x);
    QuasiLikelihoodFit fit = quasi_likelihood_fit(table, design, deviances, context);
    QuasiLikelihoodTest test = quasi_likelihood_test(table, design, fit, {1, std::ssize(contrast), contrast}, context);
    ContrastEffects effects = contrast_effects(table, design, fit, contrast, context);
    return {std::move(fit), std::move(test), std::move(effects)};
}

/// How near our log10 p comes to that of edgeR 4: its polynomials cost nearly nothing above 1e-10, and up to .4 % of log10 p below.
inline double tolerance_4(double log10_p) { return log10_p > -10.0 ? 0.01 : 4e-3 * std::abs(log10_p); }

inline const std::vector<std::string>& cohort_names_4() {
    static const std::vector<std::string> names{"two_groups", "paired", "covariates", "few_genes", "poisson", "one_df", "many", "sparse"};
    return names;
}

}  // namespace morula::analysis::edger
