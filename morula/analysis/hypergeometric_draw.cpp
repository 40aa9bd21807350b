#include "morula/analysis/hypergeometric_draw.hpp"

#include <algorithm>
#include <cmath>

#include "morula/analysis/gamma_functions.hpp"

namespace morula::analysis {
namespace {

constexpr double kLargestStepped = 50.0;  // standard deviation

double log_choose(double n, double k) { return log_gamma(n + 1.0) - log_gamma(k + 1.0) - log_gamma(n - k + 1.0); }

/// The numbers from `mode` outwards, alternating, until their probabilities add up to u; each follows from its neighbour.
std::int64_t from_mode(double population, double marked, double drawn, std::int64_t least, std::int64_t most, std::int64_t mode, double u) {
    const auto m = static_cast<double>(mode);
    const double at_mode = std::exp(log_choose(marked, m) + log_choose(population - marked, drawn - m) - log_choose(population, drawn));
    u -= at_mode;
    double above = at_mode;
    double below = at_mode;
    std::int64_t up = mode;
    std::int64_t down = mode;
    while (u >= 0.0 && (up < most || down > least)) {
        if (up < most) {
            const auto k = static_cast<double>(up++);
            above *= (marked - k) * (drawn - k) / ((k + 1.0) * (population - marked - drawn + k + 1.0));
            u -= above;
            if (u < 0.0) return up;
        }
        if (down > least) {
            const auto k = static_cast<double>(down--);
            below *= k * (population - marked - drawn + k) / ((marked - k + 1.0) * (drawn - k + 1.0));
            u -= below;
            if (u < 0.0) return down;
        }
        if (above + below == 0.0) break;  // what is left of u is rounding
    }
    return mode;
}

}  // namespace

std::int64_t hypergeometric_draw(std::int64_t population, std::int64_t marked, std::int64_t drawn, Random& random) {
    const std::int64_t least = std::max<std::int64_t>(0, drawn - (population - marked));
    const std::int64_t most = std::min(marked, drawn);
    if (least == most) return least;
    const auto n = static_cast<double>(population);
    const auto k = static_cast<double>(marked);
    const auto d = static_cast<double>(drawn);
    const double mean = d * (k / n);
    const double deviation = std::sqrt(mean * ((n - k) / n) * ((n - d) / (n - 1.0)));
    if (deviation > kLargestStepped) return std::clamp(static_cast<std::int64_t>(std::llround(mean + deviation * random.normal())), least, most);
    const auto mode = std::clamp(static_cast<std::int64_t>((d + 1.0) * ((k + 1.0) / (n + 2.0))), least, most);
    return from_mode(n, k, d, least, most, mode, random.uniform());
}

}  // namespace morula::analysis
