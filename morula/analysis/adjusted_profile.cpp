#include "morula/analysis/adjusted_profile.hpp"

#include <cmath>
#include <map>
#include <memory>
#include <string>

#include "morula/analysis/gamma_functions.hpp"
#include "morula/analysis/least_squares_basis.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kGenesOfTask = 32;
constexpr int kHalfGrid = 10;
constexpr double kZero = 1e-4;
constexpr double kFirstDispersion = 0.05;  // of the fit that finds samples at zero

/// Samples that take part, and the design on them; no design where nothing is left to estimate the dispersion from.
struct Part {
    std::vector<std::size_t> samples;
    std::unique_ptr<NbDesign> design;
    std::vector<double> size;
};

Part make_part(std::span<const std::uint8_t> zero, const NbDesign& whole, std::span<const double> size) {
    Part part;
    for (std::size_t i = 0; i < zero.size(); ++i) {
        if (zero[i] != 0) continue;
        part.samples.push_back(i);
        part.size.push_back(size[i]);
    }
    matrix::Dense<double> rows(std::ssize(part.samples), whole.n_coefficients());
    for (std::size_t i = 0; i < part.samples.size(); ++i) {
        const auto from = whole.x().row(static_cast<std::int64_t>(part.samples[i]));
        std::copy(from.begin(), from.end(), rows.row(static_cast<std::int64_t>(i)).begin());
    }
    const std::vector<std::int64_t> columns = orthonormal_basis(rows.view()).columns;
    if (part.samples.size() > columns.size()) part.design = std::make_unique<NbDesign>(take_columns(rows.view(), columns));
    return part;
}

/// What does not depend on the gene: the dispersions, their inverses r and r ln r - ln Gamma(r).
struct Grid {
    std::vector<double> dispersion;
    std::vector<double> r;
    std::vector<double> constant;
};

Grid make_grid(std::span<const double> dispersions) {
    Grid grid;
    for (const double dispersion : dispersions) {
        grid.dispersion.push_back(dispersion);
        grid.r.push_back(1.0 / grid.dispersion.back());
        grid.constant.push_back(grid.r.back() * std::log(grid.r.back()) - log_gamma(grid.r.back()));
    }
    return grid;
}

/// Up to ln(y!), which does not depend on the dispersion.
double log_likelihood(std::span<const double> counts, std::span<const double> mu, double r, double constant) {
    double sum = 0.0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        const double y = counts[i];
        sum += constant - (y + r) * std::log(mu[i] + r) + log_gamma(y + r);
        if (y > 0.0) sum += y * std::log(mu[i]);
    }
    return sum;
}

void profile(std::span<const double> counts, const Part& part, const Grid& grid, NbFitter& fitter, std::span<double> out) {
    for (std::size_t k = 0; k < grid.r.size(); ++k) {
        if (k == 0) fitter.fit(counts, part.size, grid.dispersion[k]);
        else fitter.refit(counts, part.size, grid.dispersion[k]);
        out[k] = log_likelihood(counts, fitter.mu(), grid.r[k], grid.constant[k]) - 0.5 * fitter.log_det_information();
    }
}

}  // namespace

std::vector<double> grid_log2() {
    std::vector<double> out;
    for (int k = -kHalfGrid; k <= kHalfGrid; ++k) out.push_back(static_cast<double>(k));
    return out;
}

double grid_dispersion(double log2) { return kGridCentre * std::exp2(log2); }

void mark_zero_fits(std::span<const double> counts, std::span<const double> mu, std::span<std::uint8_t> zero) {
    for (std::size_t i = 0; i < zero.size(); ++i) zero[i] = counts[i] < kZero && mu[i] < kZero ? 1 : 0;
}

matrix::Dense<double> adjusted_profiles(const CountTable& table, const NbDesign& design, std::span<const double> dispersions, Context& context) {
    matrix::Dense<std::uint8_t> zero(table.counts.n_rows, table.counts.n_cols);
    parallel_blocks(context, table.counts.n_rows, kGenesOfTask, [&](Block block) {
        NbFitter fitter(design);
        for (std::int64_t gene = block.begin; gene < block.end; ++gene) {
            fitter.fit(table.counts.row(gene), table.size, kFirstDispersion);
            mark_zero_fits(table.counts.row(gene), fitter.mu(), zero.row(gene));
        }
    });
    std::map<std::string, Part> parts;
    std::vector<const Part*> part_of_gene;
    for (std::int64_t gene = 0; gene < table.counts.n_rows; ++gene) {
        const std::string pattern(zero.row(gene).begin(), zero.row(gene).end());
        auto found = parts.find(pattern);
        if (found == parts.end()) found = parts.emplace(pattern, make_part(zero.row(gene), design, table.size)).first;
        part_of_gene.push_back(&found->second);
    }
    const Grid grid = make_grid(dispersions);
    matrix::Dense<double> out(table.counts.n_rows, std::ssize(grid.r));
    parallel_blocks(context, table.counts.n_rows, kGenesOfTask, [&](Block block) {
        std::map<const Part*, NbFitter> fitters;
        std::vector<double> counts;
        for (std::int64_t gene = block.begin; gene < block.end; ++gene) {
            const Part& part = *part_of_gene[static_cast<std::size_t>(gene)];
            if (!part.design) continue;
            auto fitter = fitters.find(&part);
            if (fitter == fitters.end()) fitter = fitters.emplace(&part, NbFitter(*part.design)).first;
            counts.clear();
            for (const std::size_t i : part.samples) counts.push_back(table.counts.row(gene)[i]);
            profile(counts, part, grid, fitter->second, out.row(gene));
        }
    });
    return out;
}

}  // namespace morula::analysis
