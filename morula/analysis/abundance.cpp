#include "morula/analysis/abundance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/p_values.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kPriorCells = 0.5;

/// Log counts of the units used, with the prior scaled so that small and large units are moved alike.
matrix::Dense<double> log_counts(matrix::DenseView<const double> counts, const std::vector<std::int64_t>& rows) {
    std::vector<double> totals;
    for (const std::int64_t row : rows) totals.push_back(std::accumulate(counts.row(row).begin(), counts.row(row).end(), 0.0));
    const double mean = std::accumulate(totals.begin(), totals.end(), 0.0) / static_cast<double>(rows.size());
    matrix::Dense<double> logs(static_cast<std::int64_t>(rows.size()), counts.n_cols);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        for (std::int64_t type = 0; type < counts.n_cols; ++type) logs(static_cast<std::int64_t>(i), type) = std::log(counts(rows[i], type) + kPriorCells * totals[i] / mean);
    }
    return logs;
}

/// What each unit's counts are compared with.
std::vector<double> reference_of(const matrix::Dense<double>& logs, const std::vector<std::int64_t>& types, std::int32_t reference_type) {
    std::vector<double> reference;
    std::vector<double> mean(static_cast<std::size_t>(logs.n_cols), 0.0);
    for (const std::int64_t type : types) {
        for (std::int64_t unit = 0; unit < logs.n_rows; ++unit) mean[static_cast<std::size_t>(type)] += logs(unit, type) / static_cast<double>(logs.n_rows);
    }
    for (std::int64_t unit = 0; unit < logs.n_rows; ++unit) {
        if (reference_type >= 0) {
            reference.push_back(logs(unit, reference_type));
            continue;
        }
        std::vector<double> deviations;
        for (const std::int64_t type : types) deviations.push_back(logs(unit, type) - mean[static_cast<std::size_t>(type)]);
        reference.push_back(median(std::move(deviations)));
    }
    return reference;
}

std::int64_t n_seen(matrix::DenseView<const double> counts, const std::vector<std::int64_t>& rows, std::int64_t type) {
    return std::count_if(rows.begin(), rows.end(), [&](std::int64_t row) { return counts(row, type) > 0.0; });
}

/// "" where the type is tested. Conditions stand here by their sizes alone: a rule that looked at which of them has the type would choose small p.
std::string why_not_tested(const TypeAbundance& type, const AbundancePlan& plan, const AbundanceOptions& options) {
    const std::int64_t seen = type.seen_case + type.seen_control;
    const std::int64_t n_units = std::ssize(plan.case_rows) + std::ssize(plan.control_rows);
    if (type.n_cells < options.min_type_cells) return fmt::format("not tested: {} cells in all", type.n_cells);
    if (2 * seen < std::min(std::ssize(plan.case_rows), std::ssize(plan.control_rows))) return fmt::format("not tested: in {} of {} donors and conditions only", seen, n_units);
    return "";
}

/// Types that say how a unit's counts compare with another's: one that many units lack tells only that it is absent.
std::vector<std::int64_t> median_types(const std::vector<TypeAbundance>& types, const std::vector<std::int64_t>& tested, std::int64_t n_units) {
    std::vector<std::int64_t> common;
    std::copy_if(tested.begin(), tested.end(), std::back_inserter(common), [&](std::int64_t t) {
        const TypeAbundance& type = types[static_cast<std::size_t>(t)];
        return 2 * (type.seen_case + type.seen_control) >= n_units;
    });
    return common.size() < 2 ? tested : common;
}

double mean_share(matrix::DenseView<const double> counts, const std::vector<std::int64_t>& rows, std::int64_t type) {
    double sum = 0.0;
    for (const std::int64_t row : rows) sum += counts(row, type) / std::accumulate(counts.row(row).begin(), counts.row(row).end(), 0.0);
    return sum / static_cast<double>(rows.size());
}

}  // namespace

AbundanceResult abundance(matrix::DenseView<const double> counts, const AbundancePlan& plan, std::int32_t reference_type, const AbundanceOptions& options, Context& context) {
    MORULA_ASSERT(reference_type < counts.n_cols);
    std::vector<std::int64_t> rows = plan.case_rows;
    rows.insert(rows.end(), plan.control_rows.begin(), plan.control_rows.end());
    AbundanceResult result;
    result.types.resize(static_cast<std::size_t>(counts.n_cols));
    std::vector<std::int64_t> tested;
    for (std::int64_t type = 0; type < counts.n_cols; ++type) {
        TypeAbundance& out = result.types[static_cast<std::size_t>(type)];
        for (const std::int64_t row : rows) out.n_cells += std::llround(counts(row, type));
        out.share_case = mean_share(counts, plan.case_rows, type);
        out.share_control = mean_share(counts, plan.control_rows, type);
        out.seen_case = n_seen(counts, plan.case_rows, type);
        out.seen_control = n_seen(counts, plan.control_rows, type);
        out.status = type == reference_type ? "not tested: the reference" : why_not_tested(out, plan, options);
        if (out.status.empty()) tested.push_back(type);
    }
    if (tested.size() < (reference_type >= 0 ? 1U : 2U)) {
        invalid_data(fmt::format("Only {} of {} cell types have enough cells to compare, and shares need two.", tested.size(), counts.n_cols), "Lower --min-type-cells, or give a column with more than one type.");
    }

    const matrix::Dense<double> logs = log_counts(counts, rows);
    const std::vector<double> reference = reference_of(logs, median_types(result.types, tested, std::ssize(rows)), reference_type);
    result.reference.assign(static_cast<std::size_t>(counts.n_rows), kMissing);
    for (std::size_t i = 0; i < rows.size(); ++i) result.reference[static_cast<std::size_t>(rows[i])] = reference[i];

    std::vector<double> log10_p(result.types.size(), kMissing);
    parallel_blocks(context, static_cast<std::int64_t>(result.types.size()), 1, [&](Block block) {
        TypeAbundance& out = result.types[static_cast<std::size_t>(block.index)];
        out.fdr = kMissing;
        if (!out.status.empty()) {
            out.test = {kMissing, kMissing, kMissing, kMissing, kMissing, kMissing, false};
            return;
        }
        std::vector<double> values(static_cast<std::size_t>(counts.n_rows), kMissing);
        for (std::size_t i = 0; i < rows.size(); ++i) values[static_cast<std::size_t>(rows[i])] = logs(static_cast<std::int64_t>(i), block.index) - reference[i];
        out.test = test_difference(values, plan, options.most_arrangements);
        out.status = plan.status;
        log10_p[static_cast<std::size_t>(block.index)] = std::log10(out.test.p);
    });
    const double arrangements = n_arrangements(plan);
    // The observed arrangement and, where conditions can change places, its mirror image are always among those as extreme.
    const bool has_mirror = plan.is_paired || plan.case_rows.size() == plan.control_rows.size();
    if (arrangements <= static_cast<double>(options.most_arrangements)) result.least_p = (has_mirror ? 2.0 : 1.0) / arrangements;
    if (plan.is_exploratory) return result;
    const std::vector<double> fdr = log10_fdr(log10_p);
    for (std::size_t type = 0; type < fdr.size(); ++type) result.types[type].fdr = std::pow(10.0, fdr[type]);
    return result;
}

}  // namespace morula::analysis
