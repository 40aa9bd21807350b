#include "morula/analysis/cnv_scores.hpp"

#include <algorithm>
#include <cmath>

#include "morula/core/error.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

constexpr double kInterval = 1.959964;
constexpr double kCoverage = 0.95;

/// Sums over all genes that do not depend on the cell, for one clone.
struct CloneSums {
    double depth_shift = 0.0;
    double shift_shift = 0.0;
    double absent_shift = 0.0;  // of x = -baseline
};

/// What one gene adds to a cell's sums, per unit of its value.
struct GeneWeights {
    double weight = 0.0;  // 1 / variance
    double depth = 0.0;   // weight * (1 - exp(-baseline))
};

class CellFitter {
public:
    CellFitter(const CnvModel& model, std::span<const std::int32_t> group_of_clone) : model_(model) {
        const std::size_t n_genes = model.baseline.size();
        for (std::size_t g = 0; g < n_genes; ++g) {
            const double weight = 1.0 / model.variance[g];
            const double depth = -std::expm1(-model.baseline[g]);
            genes_.push_back({weight, weight * depth});
            depth_depth_ += weight * depth * depth;
            absent_square_ += weight * model.baseline[g] * model.baseline[g];
            absent_depth_ -= weight * depth * model.baseline[g];
        }
        weighted_shift_ = matrix::Dense<double>(model.shift.n_rows, model.shift.n_cols);
        for (std::int64_t clone = 0; clone < model.shift.n_rows; ++clone) {
            CloneSums sums;
            for (std::size_t g = 0; g < n_genes; ++g) {
                const double shift = model.shift(clone, static_cast<std::int64_t>(g));
                const double weighted = shift * genes_[g].weight;
                weighted_shift_(clone, static_cast<std::int64_t>(g)) = weighted;
                sums.depth_shift += shift * genes_[g].depth;
                sums.shift_shift += shift * weighted;
                sums.absent_shift -= weighted * model.baseline[g];
            }
            clones_.push_back(sums);
            const auto group = static_cast<std::size_t>(group_of_clone[static_cast<std::size_t>(clone)]);
            if (clones_of_group_.size() <= group) clones_of_group_.resize(group + 1);
            clones_of_group_[group].push_back(static_cast<std::int32_t>(clone));
        }
    }

    CnvFit fit(std::span<const std::uint32_t> genes, std::span<const float> values, std::int32_t group) const {
        if (group < 0 || static_cast<std::size_t>(group) >= clones_of_group_.size()) return {};
        const std::vector<std::int32_t>& clones = clones_of_group_[static_cast<std::size_t>(group)];
        double square = absent_square_;
        double by_depth = absent_depth_;
        for (std::size_t i = 0; i < genes.size(); ++i) {
            const GeneWeights& gene = genes_[genes[i]];
            const double value = static_cast<double>(values[i]);
            square += gene.weight * value * (value - 2.0 * model_.baseline[genes[i]]);
            by_depth += gene.depth * value;
        }
        CnvFit best;
        for (const std::int32_t clone : clones) {
            const std::span<const double> shift = weighted_shift_.row(clone);
            double by_shift = clones_[static_cast<std::size_t>(clone)].absent_shift;
            for (std::size_t i = 0; i < genes.size(); ++i) by_shift += shift[genes[i]] * static_cast<double>(values[i]);
            const CnvFit each = fit_clone(clone, square, by_depth, by_shift);
            if (best.clone < 0 || each.gain > best.gain) best = each;
        }
        return best;
    }

private:
    CnvFit fit_clone(std::int32_t clone, double square, double by_depth, double by_shift) const {
        const CloneSums& sums = clones_[static_cast<std::size_t>(clone)];
        // The shift that is not a change of depth.
        const double slope = depth_depth_ > 0.0 ? 1.0 / depth_depth_ : 0.0;
        const double shift_left = sums.shift_shift - sums.depth_shift * sums.depth_shift * slope;
        const double cross_left = by_shift - by_depth * sums.depth_shift * slope;
        const double square_left = square - by_depth * by_depth * slope;
        const double n_free = static_cast<double>(genes_.size()) - 2.0;
        if (!(shift_left > 0.0) || n_free < 1.0) return {};
        const double score = cross_left / shift_left;
        const double scatter = std::max(1e-12, (square_left - score * cross_left) / n_free);
        const double reach = model_.reach[static_cast<std::size_t>(clone)] * std::sqrt(scatter / shift_left);
        CnvFit out;
        out.clone = clone;
        out.gain = static_cast<float>((cross_left - 0.5 * shift_left) / scatter + model_.prior[static_cast<std::size_t>(clone)]);
        out.score = static_cast<float>(score);
        out.low = static_cast<float>(score - reach);
        out.high = static_cast<float>(score + reach);
        return out;
    }

    const CnvModel& model_;
    std::vector<GeneWeights> genes_;
    std::vector<CloneSums> clones_;
    std::vector<std::vector<std::int32_t>> clones_of_group_;
    matrix::Dense<double> weighted_shift_;
    double depth_depth_ = 0.0;
    double absent_square_ = 0.0;
    double absent_depth_ = 0.0;
};

}  // namespace

CnvModel make_cnv_model(std::span<const double> baseline, std::span<const double> variance, const matrix::Dense<double>& levels, std::span<const double> prior_odds) {
    MORULA_ASSERT(baseline.size() == variance.size() && std::ssize(baseline) == levels.n_cols && std::ssize(prior_odds) == levels.n_rows);
    CnvModel model{{baseline.begin(), baseline.end()}, {variance.begin(), variance.end()}, matrix::Dense<double>(levels.n_rows, levels.n_cols), {}, std::vector<double>(prior_odds.size(), kInterval)};
    for (const double odds : prior_odds) model.prior.push_back(std::log(odds));
    std::vector<double> positive;
    for (const double value : variance) {
        if (value > 0.0) positive.push_back(value);
    }
    double least = 1.0;
    if (!positive.empty()) {
        const auto middle = positive.begin() + static_cast<std::ptrdiff_t>(positive.size() / 2);
        std::nth_element(positive.begin(), middle, positive.end());
        least = *middle;
    }
    for (double& value : model.variance) value = std::max(value, least);
    for (std::int64_t clone = 0; clone < levels.n_rows; ++clone) {
        for (std::int64_t gene = 0; gene < levels.n_cols; ++gene) {
            const double mean = baseline[static_cast<std::size_t>(gene)];
            if (levels(clone, gene) != 0.0) model.shift(clone, gene) = std::log1p(std::exp2(levels(clone, gene)) * std::expm1(mean)) - mean;
        }
    }
    return model;
}

std::vector<CnvFit> fit_cells(const matrix::RowBlockSource& values, const CnvModel& model, std::span<const std::int32_t> group_of_cell, std::span<const std::int32_t> group_of_clone, Context& context) {
    MORULA_ASSERT(std::ssize(group_of_cell) == values.n_rows() && std::ssize(group_of_clone) == model.shift.n_rows && std::ssize(model.baseline) == values.n_cols());
    std::vector<CnvFit> fits(static_cast<std::size_t>(values.n_rows()));
    if (group_of_clone.empty()) return fits;
    context.require_memory(2 * model.shift.n_rows * model.shift.n_cols * static_cast<std::int64_t>(sizeof(double)), "cnv scores");
    const CellFitter fitter(model, group_of_clone);
    matrix::for_each_tile(values, context, [&](const matrix::CsrView& tile, std::int64_t first_row) {
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            const auto cell = static_cast<std::size_t>(first_row + row);
            fits[cell] = fitter.fit(tile.row_indices(row), tile.row_values(row), group_of_cell[cell]);
        }
    });
    return fits;
}

void widen_to_normal_cells(CnvModel& model, const matrix::RowBlockSource& normal_cells, std::span<const std::int32_t> group_of_clone, Context& context) {
    MORULA_ASSERT(std::ssize(group_of_clone) == model.shift.n_rows && std::ssize(model.baseline) == normal_cells.n_cols());
    if (group_of_clone.empty() || normal_cells.n_rows() == 0) return;
    std::ranges::fill(model.reach, 1.0);  // so that half an interval is one standard error
    const std::int64_t n_groups = 1 + *std::ranges::max_element(group_of_clone);
    matrix::Dense<double> errors(n_groups, normal_cells.n_rows());  // |score| in standard errors
    const CellFitter fitter(model, group_of_clone);
    matrix::for_each_tile(normal_cells, context, [&](const matrix::CsrView& tile, std::int64_t first_row) {
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            for (std::int64_t group = 0; group < n_groups; ++group) {
                const CnvFit fit = fitter.fit(tile.row_indices(row), tile.row_values(row), static_cast<std::int32_t>(group));
                const double standard_error = 0.5 * static_cast<double>(fit.high - fit.low);
                errors(group, first_row + row) = fit.clone >= 0 && standard_error > 0.0 ? std::abs(static_cast<double>(fit.score)) / standard_error : 0.0;
            }
        }
    });
    const auto n = static_cast<double>(errors.n_cols);
    const auto rank = static_cast<std::ptrdiff_t>(std::min(n, std::ceil(kCoverage * (n + 1.0))));
    for (std::size_t clone = 0; clone < group_of_clone.size(); ++clone) {
        const std::span<double> of_group = errors.row(group_of_clone[clone]);
        std::nth_element(of_group.begin(), of_group.begin() + (rank - 1), of_group.end());
        model.reach[clone] = std::max(kInterval, of_group[static_cast<std::size_t>(rank - 1)]);
    }
}

}  // namespace morula::analysis
