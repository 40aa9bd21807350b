#include "morula/core/random.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>

#include "morula/core/error.hpp"

namespace morula {
namespace {

/// SplitMix64 finaliser: spreads (seed, purpose) over the key.
std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

}  // namespace

Random::Random(std::uint64_t seed, Purpose purpose, std::uint64_t item, std::uint32_t step) {
    const std::uint64_t key = mix(seed ^ mix(static_cast<std::uint64_t>(purpose)));
    key_ = {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
    counter_ = {0, step, static_cast<std::uint32_t>(item), static_cast<std::uint32_t>(item >> 32)};
}

void Random::refill() {
    const r123::Philox4x32::ctr_type counter{{counter_[0], counter_[1], counter_[2], counter_[3]}};
    const r123::Philox4x32::key_type key{{key_[0], key_[1]}};
    const auto out = r123::Philox4x32()(counter, key);
    for (std::size_t i = 0; i < 4; ++i) block_[i] = out[i];
    ++counter_[0];
    used_ = 0;
}

std::uint32_t Random::next_u32() {
    if (used_ == 4) refill();
    return block_[static_cast<std::size_t>(used_++)];
}

std::uint64_t Random::next_u64() {
    const std::uint64_t low = next_u32();
    return (static_cast<std::uint64_t>(next_u32()) << 32) | low;
}

double Random::uniform() { return static_cast<double>(next_u64() >> 11) * 0x1.0p-53; }

std::uint64_t Random::below(std::uint64_t n) {
    MORULA_ASSERT(n > 0);
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(next_u64()) * n) >> 64);
}

double Random::normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

double Random::gamma(double shape, double scale) {
    if (shape < 1.0) {
        const double u = 1.0 - uniform();
        return gamma(shape + 1.0, scale) * std::pow(u, 1.0 / shape);
    }
    const double d = shape - 1.0 / 3.0;
    const double c = 1.0 / std::sqrt(9.0 * d);
    for (;;) {
        const double x = normal();
        const double t = 1.0 + c * x;
        if (t <= 0.0) continue;
        const double v = t * t * t;
        if (std::log(1.0 - uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v * scale;
    }
}

std::int64_t Random::poisson(double mean) {
    if (!(mean > 0.0)) return 0;
    if (mean < 30.0) {
        double p = std::exp(-mean);
        double u = uniform();
        std::int64_t k = 0;
        while (u > p && k < 1000) {
            u -= p;
            ++k;
            p *= mean / static_cast<double>(k);
        }
        return k;
    }
    const double b = 0.931 + 2.53 * std::sqrt(mean);
    const double a = -0.059 + 0.02483 * b;
    const double v_r = 0.9277 - 3.6224 / (b - 2.0);
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    for (;;) {
        const double u = uniform() - 0.5;
        const double v = 1.0 - uniform();
        const double us = 0.5 - std::abs(u);
        const double k = std::floor((2.0 * a / us + b) * u + mean + 0.43);
        if (us >= 0.07 && v <= v_r) return static_cast<std::int64_t>(k);
        if (k < 0.0 || (us < 0.013 && v > us)) continue;
        if (std::log(v) + std::log(inverse_alpha) - std::log(a / (us * us) + b) <= k * std::log(mean) - mean - std::lgamma(k + 1.0)) {
            return static_cast<std::int64_t>(k);
        }
    }
}

}  // namespace morula
