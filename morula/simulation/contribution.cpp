#include "morula/simulation/contribution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/p_values.hpp"
#include "morula/core/error.hpp"
#include "morula/core/random.hpp"
#include "morula/simulation/variance_shares.hpp"

namespace morula::simulation {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
const double kLog10P = std::log10(0.05);
constexpr double kTail = 0.025;
/// A prior that spans more than this factor is drawn in the logarithm.
constexpr double kWidePrior = 10.0;

/// Of the mean; NaN for fewer than two values.
double standard_error_of(std::span<const double> values) {
    if (values.size() < 2) return kNone;
    const double mean = analysis::mean_of(values);
    const auto n = static_cast<double>(values.size());
    double squares = 0.0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    return std::sqrt(squares / (n * (n - 1.0)));
}

void add_known(std::vector<double>& values, double value) {
    if (std::isfinite(value)) values.push_back(value);
}

class Tabulator {
public:
    Tabulator(const ContributionPlan& plan, std::span<const double> values, std::int64_t n_readouts) : plan_(plan), values_(values), n_readouts_(static_cast<std::size_t>(n_readouts)) {
        MORULA_ASSERT(values.size() == plan.runs.size() * n_readouts_);
    }

    double value(const ContributionRun& run, std::int32_t readout) const { return values_[plan_.find(run) * n_readouts_ + static_cast<std::size_t>(readout)]; }
    double intact(std::int64_t draw, std::int64_t seed, std::int32_t readout) const { return value({draw, seed, plan_.options.interventions.front(), plan_.all()}, readout); }
    double difference(std::int64_t draw, std::int64_t seed, const Contribution& row) const {
        return intact(draw, seed, row.readout) - value({draw, seed, row.intervention, plan_.all() & ~(Coalition{1} << row.type)}, row.readout);
    }
    double difference_of_draw(std::int64_t draw, const Contribution& row) const { return difference(draw, plan_.seed_of_draw(draw), row); }

    void add_seeds(Contribution& row) const {
        std::vector<double> differences;
        for (std::int64_t seed = 0; seed < plan_.options.seeds; ++seed) add_known(differences, difference(ContributionRun::kAsGuessed, seed, row));
        row.n_seeds = std::ssize(differences);
        row.effect = analysis::mean_of(differences);
        const double error = standard_error_of(differences);
        const double reach = std::isnan(error) ? kNone : error * analysis::student_quantile(kLog10P, static_cast<double>(row.n_seeds - 1));
        row.seed_low = row.effect - reach;
        row.seed_high = row.effect + reach;
    }

    void add_draws(Contribution& row) const {
        std::vector<double> differences;
        for (std::int64_t draw = 0; draw < plan_.options.draws; ++draw) add_known(differences, difference_of_draw(draw, row));
        row.n_draws = std::ssize(differences);
        row.low = analysis::quantile(differences, kTail);
        row.high = analysis::quantile(std::move(differences), 1.0 - kTail);
    }

    /// Shares and standard errors of all types.
    ShapleyEstimate shapley(std::int32_t readout, Intervention intervention) const {
        const auto n = static_cast<std::size_t>(plan_.n_types);
        const auto game = [&](std::int64_t seed, Coalition coalition) {
            const bool all = coalition == plan_.all();
            return value({ContributionRun::kAsGuessed, seed, all ? plan_.options.interventions.front() : intervention, coalition}, readout);
        };
        if (plan_.n_types > kExactTypes) {
            if (plan_.n_pairs() == 0) return {std::vector<double>(n, kNone), std::vector<double>(n, kNone)};
            return sampled_shapley(plan_.n_types, plan_.n_pairs(), plan_.options.seed, [&](std::int64_t pair, Coalition coalition) { return game(plan_.seed_of_pair(pair), coalition); });
        }
        std::vector<std::vector<double>> by_type(n);
        for (std::int64_t seed = 0; seed < plan_.options.seeds; ++seed) {
            const std::vector<double> share = exact_shapley(plan_.n_types, [&](Coalition coalition) { return game(seed, coalition); });
            for (std::size_t type = 0; type < n; ++type) by_type[type].push_back(share[type]);
        }
        ShapleyEstimate estimate;
        for (const std::vector<double>& shares : by_type) {
            estimate.share.push_back(analysis::mean_of(shares));
            estimate.standard_error.push_back(standard_error_of(shares));
        }
        return estimate;
    }

private:
    const ContributionPlan& plan_;
    std::span<const double> values_;
    std::size_t n_readouts_;
};

void check(const ContributionPlan& plan) {
    const ContributionOptions& options = plan.options;
    if (plan.n_types < 1) invalid_data("No cell type was asked about.", "Name at least one.");
    if (plan.n_types > kMostPlayers) invalid_data(fmt::format("{} cell types are more than the {} that a table can have.", plan.n_types, kMostPlayers), "Name fewer.");
    if (options.seeds < 1) fail(ErrorCode::usage, fmt::format("{} seeds give no effect.", options.seeds), "Give at least 1, better 20.");
    if (options.draws < 0) fail(ErrorCode::usage, fmt::format("{} draws cannot be.", options.draws), "Give 0 or more, better 100.");
    if (options.permutations < 0 || options.permutations % 2 != 0) fail(ErrorCode::usage, fmt::format("{} permutations: they come in pairs, each with its reverse.", options.permutations), "Give an even number.");
    if (options.interventions.empty()) fail(ErrorCode::usage, "No intervention was named.", "Name at least one.");
    for (std::size_t i = 0; i < options.interventions.size(); ++i) {
        if (std::count(options.interventions.begin(), options.interventions.end(), options.interventions[i]) > 1) {
            fail(ErrorCode::usage, fmt::format("The intervention '{}' is named twice.", intervention_name(options.interventions[i])), "Name each once.");
        }
    }
}

}  // namespace

std::size_t ContributionPlan::find(ContributionRun run) const {
    const auto found = std::lower_bound(runs.begin(), runs.end(), run);
    MORULA_ASSERT(found != runs.end() && *found == run);
    return static_cast<std::size_t>(found - runs.begin());
}

ContributionPlan plan_contributions(std::int32_t n_types, ContributionOptions options) {
    ContributionPlan plan{n_types, std::move(options), {}};
    check(plan);
    const Coalition all = plan.all();
    const auto add = [&](std::int64_t draw, std::int64_t seed, Intervention intervention, Coalition intact) {
        plan.runs.push_back({draw, seed, intact == all ? plan.options.interventions.front() : intervention, intact});
    };
    for (const Intervention intervention : plan.options.interventions) {
        const auto add_effects = [&](std::int64_t draw, std::int64_t seed) {
            add(draw, seed, intervention, all);
            for (std::int32_t type = 0; type < n_types; ++type) add(draw, seed, intervention, all & ~(Coalition{1} << type));
        };
        for (std::int64_t seed = 0; seed < plan.options.seeds; ++seed) {
            add_effects(ContributionRun::kAsGuessed, seed);
            for (Coalition coalition = 0; n_types <= kExactTypes && coalition < all; ++coalition) add(ContributionRun::kAsGuessed, seed, intervention, coalition);
        }
        for (std::int64_t draw = 0; draw < plan.options.draws; ++draw) add_effects(draw, plan.seed_of_draw(draw));
        for (std::int64_t index = 0; n_types > kExactTypes && index < plan.options.permutations; ++index) {
            for (const Coalition coalition : coalitions_along(joining_order(n_types, index, plan.options.seed))) add(ContributionRun::kAsGuessed, plan.seed_of_pair(index / 2), intervention, coalition);
        }
    }
    std::sort(plan.runs.begin(), plan.runs.end());
    plan.runs.erase(std::unique(plan.runs.begin(), plan.runs.end()), plan.runs.end());
    return plan;
}

std::vector<Contribution> contributions(const ContributionPlan& plan, std::span<const double> values, std::int64_t n_readouts) {
    const Tabulator table(plan, values, n_readouts);
    std::vector<Contribution> rows;
    for (std::int32_t readout = 0; readout < n_readouts; ++readout) {
        std::vector<ShapleyEstimate> shapley;
        for (const Intervention intervention : plan.options.interventions) shapley.push_back(table.shapley(readout, intervention));
        for (std::int32_t type = 0; type < plan.n_types; ++type) {
            for (std::size_t k = 0; k < shapley.size(); ++k) {
                Contribution row{.type = type, .readout = readout, .intervention = plan.options.interventions[k]};
                table.add_seeds(row);
                table.add_draws(row);
                row.shapley = shapley[k].share[static_cast<std::size_t>(type)];
                row.shapley_se = shapley[k].standard_error[static_cast<std::size_t>(type)];
                rows.push_back(row);
            }
        }
    }
    return rows;
}

double intact_mean(const ContributionPlan& plan, std::span<const double> values, std::int64_t n_readouts, std::int32_t readout) {
    const Tabulator table(plan, values, n_readouts);
    std::vector<double> known;
    for (std::int64_t seed = 0; seed < plan.options.seeds; ++seed) add_known(known, table.intact(ContributionRun::kAsGuessed, seed, readout));
    return analysis::mean_of(known);
}

std::vector<RateShare> rate_shares(const ContributionPlan& plan, std::span<const double> values, std::int64_t n_readouts, std::span<const double> rates, std::int64_t n_rates) {
    MORULA_ASSERT(std::ssize(rates) == plan.options.draws * n_rates);
    const Tabulator table(plan, values, n_readouts);
    std::vector<RateShare> shares;
    if (plan.options.draws == 0) return shares;
    const auto add = [&](const Contribution& row, const auto& answer_of_draw) {
        std::vector<double> answer;
        for (std::int64_t draw = 0; draw < plan.options.draws; ++draw) answer.push_back(answer_of_draw(draw));
        const VarianceShares found = variance_shares(rates, n_rates, answer, plan.options.seed);
        for (std::int32_t rate = 0; rate < n_rates; ++rate) shares.push_back({row.type, row.readout, row.intervention, rate, found.share[static_cast<std::size_t>(rate)], found.by_chance});
    };
    for (std::int32_t readout = 0; readout < n_readouts; ++readout) {
        add({.type = RateShare::kAllIntact, .readout = readout, .intervention = plan.options.interventions.front()},
            [&](std::int64_t draw) { return table.intact(draw, plan.seed_of_draw(draw), readout); });
        for (std::int32_t type = 0; type < plan.n_types; ++type) {
            for (const Intervention intervention : plan.options.interventions) {
                const Contribution row{.type = type, .readout = readout, .intervention = intervention};
                add(row, [&](std::int64_t draw) { return table.difference_of_draw(draw, row); });
            }
        }
    }
    return shares;
}

double draw_from_prior(double low, double high, std::uint64_t seed, std::int64_t rate, std::int64_t draw) {
    MORULA_ASSERT(low <= high && rate >= 0 && draw >= 0);
    const double at = Random(seed, Purpose::prior_draw, static_cast<std::uint64_t>(rate), static_cast<std::uint32_t>(draw)).uniform();
    if (low > 0.0 && high > kWidePrior * low) return std::min(high, low * std::exp(at * std::log(high / low)));
    return low + at * (high - low);
}

}  // namespace morula::simulation
