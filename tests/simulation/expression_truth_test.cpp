// Where the kernel over states is wrong, on made-up processes whose truth is known: a snapshot tells neither which way cells go round nor why a state is common.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numbers>
#include <utility>

#include "morula/core/random.hpp"
#include "morula/simulation/expression_states.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

constexpr std::int64_t kPhases = 24;
constexpr double kDayMin = 1'440.0;

/// Cells of a cycle of 24 h, all at the same speed the same way round, at random times: a ring of radius 10, each with its phase.
MeasuredCells snapshot_of_a_cycle() {
    MeasuredCells cells;
    cells.latent = matrix::Dense<float>(2'400, 2);
    for (std::int64_t c = 0; c < 2'400; ++c) {
        Random random(7, Purpose::test, static_cast<std::uint64_t>(c), 0);
        const double phase = random.uniform();
        cells.latent(c, 0) = static_cast<float>(10.0 * std::cos(2.0 * std::numbers::pi * phase) + 0.3 * random.normal());
        cells.latent(c, 1) = static_cast<float>(10.0 * std::sin(2.0 * std::numbers::pi * phase) + 0.3 * random.normal());
        cells.type.push_back(0);
        cells.metacell.push_back(static_cast<std::int32_t>(phase * static_cast<double>(kPhases)));
        cells.height.push_back(phase);
    }
    return cells;
}

struct Turns {
    double mean = 0.0;   // full turns forwards, a cell
    double error = 0.0;  // standard error of the mean
    double in_last_quarter = 0.0;
};

Turns follow(double direction, double days, std::int64_t n) {
    const auto context = test::make_context(2);
    ExpressionStates states(std::make_shared<ExpressionModel>(ExpressionModel{
        .kernel = ExpressionKernel(snapshot_of_a_cycle(), {.n_types = 1, .n_neighbors = 2, .direction = direction}), .rates = {{.attempts_per_min = 2.0 * kPhases / kDayMin, .relaxation_per_min = 0.05}}}));
    Agents agents;
    for (std::int64_t i = 0; i < n; ++i) add_agent(agents, first_id(i), 0, {static_cast<double>(i), 0.0, 0.0}, 8.0F);
    const std::vector<Life> lives{standard_life(CycleModel::none)};
    states.settle(agents, 1, *context);
    std::vector<double> turned(static_cast<std::size_t>(n), 0.0);
    for (std::uint32_t strike = 0; strike < static_cast<std::uint32_t>(days * kDayMin / 6.0); ++strike) {
        std::vector<std::int64_t> before;
        for (std::size_t i = 0; i < turned.size(); ++i) before.push_back(states.metacell(agents, i));
        states.advance(agents, lives, 1, strike, *context);
        for (std::size_t i = 0; i < turned.size(); ++i) {
            const std::int64_t by = (states.metacell(agents, i) - before[i] + kPhases + kPhases / 2) % kPhases - kPhases / 2;
            turned[i] += static_cast<double>(by) / static_cast<double>(kPhases);
        }
    }
    Turns turns;
    double squares = 0.0;
    for (std::size_t i = 0; i < turned.size(); ++i) {
        turns.mean += turned[i] / static_cast<double>(n);
        squares += turned[i] * turned[i] / static_cast<double>(n);
        turns.in_last_quarter += states.metacell(agents, i) >= 3 * kPhases / 4 ? 1.0 / static_cast<double>(n) : 0.0;
    }
    turns.error = std::sqrt((squares - turns.mean * turns.mean) / static_cast<double>(n));
    return turns;
}

void record_turns(const char* what, const Turns& turns) {
    ::testing::Test::RecordProperty(what, std::to_string(turns.mean) + " turns, s.e. " + std::to_string(turns.error) + ", last quarter " + std::to_string(turns.in_last_quarter));
}

TEST(expression_truth, a_snapshot_of_a_cycle_does_not_tell_that_cells_go_round) {
    // Truth: every cell goes once round in a day. The kernel goes to and fro.
    const Turns turns = follow(0.0, 1.0, 1'500);
    record_turns("no direction, a day", turns);
    EXPECT_LT(std::abs(turns.mean), 4.0 * turns.error);
    EXPECT_LT(turns.mean + 10.0 * turns.error, 1.0);
    EXPECT_NEAR(turns.in_last_quarter, 0.25, 4.0 * std::sqrt(0.25 * 0.75 / 1'500.0));  // but states stay as common as they were
}

TEST(expression_truth, a_pseudotime_of_a_cycle_lets_cells_climb_and_stops_them_at_its_end) {
    // Truth: ten turns in ten days, a quarter of the cells in each quarter. With the phase as the height nobody passes from its end to its begin: cells heap up there.
    const Turns turns = follow(1.0, 10.0, 300);
    record_turns("phase as pseudotime, ten days", turns);
    EXPECT_GT(turns.mean, 10.0 * turns.error);  // the right way
    EXPECT_LT(turns.mean, 1.0);                 // and not even once round
    EXPECT_GT(turns.in_last_quarter, 0.9);
}

/// Agents that move by a kernel of two metacells and divide in the second, until there are many; how many of them are in it then.
double share_of_agents_that_divide_in_b(const ExpressionKernel& kernel, double attempts_per_min, double growth) {
    const auto context = test::make_context(2);
    ExpressionStates states(std::make_shared<ExpressionModel>(ExpressionModel{.kernel = kernel, .rates = {{.attempts_per_min = attempts_per_min}}, .clock_min = 1.0}));
    const std::vector<Life> lives{standard_life(CycleModel::none)};
    Agents agents;
    for (std::int64_t i = 0; i < 400; ++i) add_agent(agents, first_id(i), 0, {}, 1.0F);
    for (std::uint32_t minute = 0; agents.size() < 20'000; ++minute) {
        states.settle(agents, 1, *context);
        states.advance(agents, lives, 1, minute, *context);
        PopulationEvents events;
        for (std::size_t i = 0; i < agents.id.size(); ++i) {
            Random random(4, Purpose::test, agents.id[i], minute);
            if (states.metacell(agents, i) == 1 && random.uniform() < growth) events.dividing.push_back(static_cast<std::uint32_t>(i));
        }
        apply_events(agents, std::move(events), Space::solid, 1, minute);
    }
    states.settle(agents, 1, *context);
    double n_b = 0.0;
    for (std::size_t i = 0; i < agents.id.size(); ++i) n_b += states.metacell(agents, i) == 1 ? 1.0 : 0.0;
    return n_b / static_cast<double>(agents.size());
}

TEST(expression_truth, a_state_that_grows_looks_like_one_that_attracts) {
    // Truth: cells change between A and B at .01 / min either way, and divide in B at .02 / min. So (1 - f) - f + 2 f (1 - f) = 0 for the share f in B: 1 / sqrt(2).
    const double change = 0.01, growth = 0.02;
    std::vector<std::uint8_t> in_b(100, 0);
    for (std::uint32_t minute = 0; minute < 2'000 && in_b.size() < 20'000; ++minute) {
        const std::size_t n = in_b.size();
        for (std::size_t i = 0; i < n; ++i) {
            Random random(3, Purpose::test, i, minute);
            if (in_b[i] != 0 && random.uniform() < growth) in_b.push_back(1);
            if (random.uniform() < change) in_b[i] = in_b[i] == 0 ? 1 : 0;
        }
    }
    const auto n_b = std::count(in_b.begin(), in_b.end(), std::uint8_t{1});
    const double share = static_cast<double>(n_b) / static_cast<double>(in_b.size());
    EXPECT_NEAR(share, std::numbers::sqrt2 / 2.0, 0.03);
    MeasuredCells cells;
    cells.latent = matrix::Dense<float>(std::ssize(in_b), 1);
    for (std::size_t i = 0; i < in_b.size(); ++i) {
        cells.latent.values[i] = static_cast<float>(in_b[i]);
        cells.type.push_back(0);
        cells.metacell.push_back(in_b[i]);
    }
    const ExpressionKernel kernel(cells, {.n_types = 1, .n_neighbors = 1});
    const auto accepted = [&](std::int64_t from) { return std::min(1.0, std::exp(static_cast<double>(kernel.edges(from)[0].log_acceptance))); };
    // The kernel takes what growth made common for what attracts: it leaves A more easily than B, and the truth is even.
    EXPECT_NEAR(accepted(0) / accepted(1), share / (1.0 - share), 1e-4);
    EXPECT_GT(accepted(0) / accepted(1), 2.0);
    // A scenario that lets cells divide in B as well counts the growth twice: (1 - f) - r f + 2 f (1 - f) = 0, r the ratio above turned round.
    const double r = accepted(1);
    const double twice = ((1.0 - r) + std::sqrt((1.0 - r) * (1.0 - r) + 8.0)) / 4.0;
    EXPECT_NEAR(twice, 0.87, 0.03);
    EXPECT_NEAR(share_of_agents_that_divide_in_b(kernel, change, growth), twice, 0.02);
    RecordProperty("share in B, measured and counted twice", std::to_string(share) + " " + std::to_string(twice));
}

}  // namespace
}  // namespace morula::simulation
