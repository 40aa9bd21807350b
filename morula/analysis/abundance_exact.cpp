// Exact tests of a difference: sign flips and permutations.
#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/analysis/abundance.hpp"
#include "morula/analysis/p_values.hpp"

namespace morula::analysis {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kRounding = 1e-9;

/// Mean and sum of squares about it of n numbers, from their sums.
struct Moments {
    double n;
    double mean;
    double squares;
};
Moments moments_of(double n, double sum, double sum_of_squares) { return {n, sum / n, std::max(0.0, sum_of_squares - sum * sum / n)}; }

struct Welch {
    double effect;
    double se;
    double df;
};
Welch welch(const Moments& a, const Moments& b) {
    const double va = a.squares / (a.n - 1.0) / a.n;
    const double vb = b.squares / (b.n - 1.0) / b.n;
    const double v = va + vb;
    return {a.mean - b.mean, std::sqrt(v), v > 0.0 ? v * v / (va * va / (a.n - 1.0) + vb * vb / (b.n - 1.0)) : a.n + b.n - 2.0};
}

/// |effect| / se; a difference without any spread is as extreme as can be.
double size_of(double effect, double se) {
    if (se > 0.0) return std::abs(effect) / se;
    return std::abs(effect) > 0.0 ? std::numeric_limits<double>::infinity() : 0.0;
}

/// Share of sign patterns of the differences that are as extreme: with the sum of squares fixed, |t| grows with the |sum|.
double exact_flips(const std::vector<double>& differences) {
    double observed = 0.0, size = 0.0;
    for (const double each : differences) {
        observed += each;
        size += std::abs(each);
    }
    const std::uint64_t n = std::uint64_t{1} << differences.size();
    std::uint64_t n_extreme = 0;
    for (std::uint64_t signs = 0; signs < n; ++signs) {
        double sum = 0.0;
        for (std::size_t i = 0; i < differences.size(); ++i) sum += (signs >> i & 1) != 0 ? -differences[i] : differences[i];
        n_extreme += std::abs(sum) >= std::abs(observed) - kRounding * size;
    }
    return static_cast<double>(n_extreme) / static_cast<double>(n);
}

/// The next set of the same size among {0, ..., n - 1}; false after the last.
bool next_combination(std::vector<std::size_t>& chosen, std::size_t n) {
    std::size_t i = chosen.size();
    while (i > 0 && chosen[i - 1] == n - chosen.size() + i - 1) --i;
    if (i == 0) return false;
    ++chosen[i - 1];
    for (std::size_t j = i; j < chosen.size(); ++j) chosen[j] = chosen[j - 1] + 1;
    return true;
}

/// values: cases first. They are centred, so that sums of squares do not cancel.
double exact_permutations(std::vector<double> values, std::size_t n_cases) {
    const auto n = static_cast<double>(values.size());
    double mean = 0.0;
    for (const double value : values) mean += value / n;
    double sum = 0.0, squares = 0.0;
    for (double& value : values) {
        value -= mean;
        sum += value;
        squares += value * value;
    }
    std::vector<std::size_t> chosen(n_cases);
    for (std::size_t i = 0; i < n_cases; ++i) chosen[i] = i;
    double observed = kMissing;
    double n_extreme = 0.0, n_all = 0.0;
    do {
        double case_sum = 0.0, case_squares = 0.0;
        for (const std::size_t i : chosen) {
            case_sum += values[i];
            case_squares += values[i] * values[i];
        }
        const auto cases = static_cast<double>(n_cases);
        const Welch test = welch(moments_of(cases, case_sum, case_squares), moments_of(n - cases, sum - case_sum, squares - case_squares));
        const double size = size_of(test.effect, test.se);
        if (n_all == 0.0) observed = size;
        n_extreme += size >= observed * (1.0 - kRounding);
        n_all += 1.0;
    } while (next_combination(chosen, values.size()));
    return n_extreme / n_all;
}

}  // namespace

double n_arrangements(const AbundancePlan& plan) {
    const auto n_cases = static_cast<double>(plan.case_rows.size());
    if (plan.is_paired) return std::exp2(n_cases);
    double n = 1.0;
    for (double i = 1.0; i <= n_cases; i += 1.0) n = std::round(n * (static_cast<double>(plan.control_rows.size()) + i) / i);
    return n;
}

LogRatioTest test_difference(std::span<const double> values, const AbundancePlan& plan, std::int64_t most_arrangements) {
    std::vector<double> cases, controls;
    for (const std::int64_t row : plan.case_rows) cases.push_back(values[static_cast<std::size_t>(row)]);
    for (const std::int64_t row : plan.control_rows) controls.push_back(values[static_cast<std::size_t>(row)]);
    const auto moments = [](const std::vector<double>& numbers) {
        double sum = 0.0, squares = 0.0;
        for (const double each : numbers) sum += each;
        const double mean = sum / static_cast<double>(numbers.size());
        for (const double each : numbers) squares += (each - mean) * (each - mean);
        return Moments{static_cast<double>(numbers.size()), mean, squares};
    };
    Welch fit{};
    std::vector<double> differences;
    if (plan.is_paired) {
        for (std::size_t i = 0; i < cases.size(); ++i) differences.push_back(cases[i] - controls[i]);
        const Moments m = moments(differences);
        fit = {m.mean, std::sqrt(m.squares / (m.n - 1.0) / m.n), m.n - 1.0};
    } else {
        fit = welch(moments(cases), moments(controls));
    }
    LogRatioTest test;
    test.effect = fit.effect;
    const bool has_replicates = plan.is_paired ? cases.size() > 1 : cases.size() > 1 && controls.size() > 1;
    test.se = test.low = test.high = test.p = test.p_student = kMissing;
    if (!has_replicates) return test;
    test.se = fit.se;
    const double half = student_quantile(std::log10(0.05), fit.df) * fit.se;
    test.low = fit.effect - half;
    test.high = fit.effect + half;
    test.p_student = fit.se > 0.0 ? std::pow(10.0, log10_p_student(fit.effect / fit.se, fit.df)) : (fit.effect == 0.0 ? 1.0 : 0.0);
    test.p = test.p_student;
    test.is_exact = n_arrangements(plan) <= static_cast<double>(most_arrangements);
    if (!test.is_exact) return test;
    if (plan.is_paired) {
        test.p = exact_flips(differences);
    } else {
        cases.insert(cases.end(), controls.begin(), controls.end());
        test.p = exact_permutations(std::move(cases), plan.case_rows.size());
    }
    return test;
}

}  // namespace morula::analysis
