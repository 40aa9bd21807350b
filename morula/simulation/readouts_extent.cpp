// Read-out of a body of cells: how far it reaches.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "morula/core/parallel.hpp"
#include "morula/simulation/readouts_parts.hpp"

namespace morula::simulation::readout_detail {
namespace {

constexpr std::int64_t kDirections = 400;
constexpr std::int64_t kBlockDirections = 16;

struct Ball {
    std::array<double, 3> at{};  // from the middle of all
    double radius = 0.0;
    double far = 0.0;  // largest distance from the middle
};

/// Direction number k of kDirections: on a spiral that gives each the same share of the sphere, flat: of the circle in the x-y plane.
std::array<double, 3> even_direction(std::int64_t k, bool is_flat) {
    const double at = (static_cast<double>(k) + 0.5) / static_cast<double>(kDirections);
    if (is_flat) return {std::cos(2.0 * std::numbers::pi * at), std::sin(2.0 * std::numbers::pi * at), 0.0};
    const double z = 1.0 - 2.0 * at, across = std::sqrt(1.0 - z * z), angle = static_cast<double>(k) * std::numbers::pi * (3.0 - std::sqrt(5.0));
    return {across * std::cos(angle), across * std::sin(angle), z};
}

/// Where the ray from the middle leaves the ball; 0 where it does not meet it.
double exit_of(const Ball& ball, const std::array<double, 3>& along) {
    const double forward = ball.at[0] * along[0] + ball.at[1] * along[1] + ball.at[2] * along[2];
    const double squared = ball.at[0] * ball.at[0] + ball.at[1] * ball.at[1] + ball.at[2] * ball.at[2];
    const double half_squared = ball.radius * ball.radius - (squared - forward * forward);
    return half_squared < 0.0 ? 0.0 : std::max(0.0, forward + std::sqrt(half_squared));
}

/// The cells that are meant, the farthest from their mean position first.
std::vector<Ball> balls_from_outside(const Readout& readout, const Simulation& simulation, Context& context) {
    const Agents& agents = simulation.agents();
    context.require_memory(static_cast<std::int64_t>(sizeof(Ball)) * agents.size(), "the cells by their distance from the middle");
    std::vector<Ball> balls;
    std::array<double, 3> sum{};
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        if (!is_meant(simulation, i, readout.types, readout.region)) continue;
        balls.push_back({.at = {agents.x[i], agents.y[i], agents.z[i]}, .radius = static_cast<double>(agents.radius[i])});
        for (std::size_t a = 0; a < 3; ++a) sum[a] += balls.back().at[a];
    }
    context.check_cancelled();
    for (Ball& ball : balls) {
        for (std::size_t a = 0; a < 3; ++a) ball.at[a] -= sum[a] / static_cast<double>(balls.size());
        ball.far = std::hypot(ball.at[0], ball.at[1], ball.at[2]) + ball.radius;
    }
    std::sort(balls.begin(), balls.end(), [](const Ball& a, const Ball& b) { return a.far > b.far; });
    return balls;
}

}  // namespace

std::vector<double> extent(const Readout& readout, const Simulation& simulation, Context& context) {
    const std::vector<Ball> balls = balls_from_outside(readout, simulation, context);
    if (balls.empty()) return {std::numeric_limits<double>::quiet_NaN()};
    const bool is_flat = simulation.model().box.is_flat();
    const double sum = sum_blocks(context, kDirections, kBlockDirections, [&](Block block) {
        double outermost_sum = 0.0;
        for (std::int64_t k = block.begin; k < block.end; ++k) {
            const std::array<double, 3> along = even_direction(k, is_flat);
            double outermost = 0.0;
            for (const Ball& ball : balls) {
                if (ball.far <= outermost) break;  // so do all that follow
                outermost = std::max(outermost, exit_of(ball, along));
            }
            outermost_sum += outermost;
        }
        return outermost_sum;
    });
    return {2.0 * sum / static_cast<double>(kDirections)};
}

}  // namespace morula::simulation::readout_detail
