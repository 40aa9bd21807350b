#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/simulation/line_sweep_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "morula/core/error.hpp"
#include "morula/simulation/line_sweep_simd.hpp"

HWY_BEFORE_NAMESPACE();
namespace morula::simulation::line_sweep::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// At most eight lanes, so that kLines is a whole number of vectors for every target. Products and sums are written apart (no fused
// multiply-add), so that all targets give the same bits.
using Doubles = hn::CappedTag<double, 8>;
using Vector = hn::Vec<Doubles>;

/// Four vectors at once: one alone would wait for its own recurrence.
void solve_four(const LineFactors& factors, double* values, std::int64_t row_step, double* scratch) {
    const Doubles d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const auto n = static_cast<std::int64_t>(factors.gain.size());
    Vector a = hn::Zero(d), b = hn::Zero(d), c = hn::Zero(d), e = hn::Zero(d);
    for (std::int64_t i = 0; i < n; ++i) {
        const auto gain = hn::Set(d, factors.gain[static_cast<std::size_t>(i)]);
        const auto below = hn::Set(d, factors.below[static_cast<std::size_t>(i)]);
        const double* row = values + i * row_step;
        double* t = scratch + i * 4 * lanes;
        a = hn::Add(hn::Mul(hn::LoadU(d, row), gain), hn::Mul(below, a));
        b = hn::Add(hn::Mul(hn::LoadU(d, row + lanes), gain), hn::Mul(below, b));
        c = hn::Add(hn::Mul(hn::LoadU(d, row + 2 * lanes), gain), hn::Mul(below, c));
        e = hn::Add(hn::Mul(hn::LoadU(d, row + 3 * lanes), gain), hn::Mul(below, e));
        hn::StoreU(a, d, t);
        hn::StoreU(b, d, t + lanes);
        hn::StoreU(c, d, t + 2 * lanes);
        hn::StoreU(e, d, t + 3 * lanes);
    }
    a = b = c = e = hn::Zero(d);
    for (std::int64_t i = n - 1; i >= 0; --i) {
        const auto above = hn::Set(d, factors.above[static_cast<std::size_t>(i)]);
        const double* t = scratch + i * 4 * lanes;
        double* row = values + i * row_step;
        a = hn::Add(hn::LoadU(d, t), hn::Mul(above, a));
        b = hn::Add(hn::LoadU(d, t + lanes), hn::Mul(above, b));
        c = hn::Add(hn::LoadU(d, t + 2 * lanes), hn::Mul(above, c));
        e = hn::Add(hn::LoadU(d, t + 3 * lanes), hn::Mul(above, e));
        hn::StoreU(a, d, row);
        hn::StoreU(b, d, row + lanes);
        hn::StoreU(c, d, row + 2 * lanes);
        hn::StoreU(e, d, row + 3 * lanes);
    }
}

void solve_one(const LineFactors& factors, double* values, std::int64_t row_step, double* scratch) {
    const Doubles d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const auto n = static_cast<std::int64_t>(factors.gain.size());
    Vector a = hn::Zero(d);
    for (std::int64_t i = 0; i < n; ++i) {
        const auto gain = hn::Set(d, factors.gain[static_cast<std::size_t>(i)]);
        const auto below = hn::Set(d, factors.below[static_cast<std::size_t>(i)]);
        a = hn::Add(hn::Mul(hn::LoadU(d, values + i * row_step), gain), hn::Mul(below, a));
        hn::StoreU(a, d, scratch + i * lanes);
    }
    a = hn::Zero(d);
    for (std::int64_t i = n - 1; i >= 0; --i) {
        a = hn::Add(hn::LoadU(d, scratch + i * lanes), hn::Mul(hn::Set(d, factors.above[static_cast<std::size_t>(i)]), a));
        hn::StoreU(a, d, values + i * row_step);
    }
}

void solve_lines_here(const LineFactors& factors, double* values, std::int64_t row_step, std::int64_t lines, double* scratch) {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(Doubles()));
    std::int64_t l = 0;
    for (; l + 4 * lanes <= lines; l += 4 * lanes) solve_four(factors, values + l, row_step, scratch);
    for (; l < lines; l += lanes) solve_one(factors, values + l, row_step, scratch);
}

/// Rows of N vectors at once: divisions of one wait for its row before, those of N overlap.
template <int N>
void solve_masked_vectors(double coupling, double loss, std::int64_t n, const double* is_free, double* values, std::int64_t row_step, double* scratch) {
    const Doubles d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const auto one = hn::Set(d, 1.0);
    double* kept_above = scratch + n * N * lanes;
    alignas(64) double t[N * 8], above[N * 8];
    for (std::int64_t k = 0; k < N; ++k) {
        hn::Store(hn::Zero(d), d, t + k * 8);
        hn::Store(hn::Zero(d), d, above + k * 8);
    }
    for (std::int64_t i = 0; i < n; ++i) {
        const double neighbors = (i > 0 ? 1.0 : 0.0) + (i + 1 < n ? 1.0 : 0.0);
        const auto lost = hn::Set(d, loss + coupling * neighbors);
        const auto coupled_here = hn::Set(d, coupling);
        for (std::int64_t k = 0; k < N; ++k) {
            const auto free = hn::LoadU(d, is_free + i * row_step + k * lanes);
            const auto diagonal = hn::Add(one, hn::Mul(free, lost));
            const auto coupled = hn::Mul(free, coupled_here);
            const auto below = i > 0 ? coupled : hn::Zero(d);
            const auto gain = hn::Div(one, hn::Sub(diagonal, hn::Mul(below, hn::Load(d, above + k * 8))));
            const auto now = hn::Add(hn::Mul(hn::LoadU(d, values + i * row_step + k * lanes), gain), hn::Mul(hn::Mul(below, gain), hn::Load(d, t + k * 8)));
            const auto next_above = i + 1 < n ? hn::Mul(coupled, gain) : hn::Zero(d);
            hn::Store(now, d, t + k * 8);
            hn::Store(next_above, d, above + k * 8);
            hn::StoreU(now, d, scratch + (i * N + k) * lanes);
            hn::StoreU(next_above, d, kept_above + (i * N + k) * lanes);
        }
    }
    for (std::int64_t k = 0; k < N; ++k) hn::Store(hn::Zero(d), d, t + k * 8);
    for (std::int64_t i = n - 1; i >= 0; --i) {
        for (std::int64_t k = 0; k < N; ++k) {
            const auto c = hn::Add(hn::LoadU(d, scratch + (i * N + k) * lanes), hn::Mul(hn::LoadU(d, kept_above + (i * N + k) * lanes), hn::Load(d, t + k * 8)));
            hn::Store(c, d, t + k * 8);
            hn::StoreU(c, d, values + i * row_step + k * lanes);
        }
    }
}

void solve_masked_here(double coupling, double loss, std::int64_t n, const double* is_free, double* values, std::int64_t row_step, std::int64_t lines, double* scratch) {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(Doubles()));
    std::int64_t l = 0;
    for (; l + 4 * lanes <= lines; l += 4 * lanes) solve_masked_vectors<4>(coupling, loss, n, is_free + l, values + l, row_step, scratch);
    for (; l < lines; l += lanes) solve_masked_vectors<1>(coupling, loss, n, is_free + l, values + l, row_step, scratch);
}

#if HWY_TARGET == HWY_SCALAR
constexpr std::int64_t kAtOnce = 1;
void turn_pairs(const double*, std::int64_t, const double*, double*, std::int64_t) {}
void turn_back_pairs(const double*, std::int64_t, std::int64_t, double*, double*) {}
#else
/// Two rows and two columns at a time: half as many loads, shuffles and stores as values.
constexpr std::int64_t kAtOnce = 2;
using Pair = hn::CappedTag<double, 2>;

void turn_pairs(const double* first, std::int64_t n, const double* second, double* out, std::int64_t lines) {
    const Pair d;
    for (std::int64_t i = 0; i + 2 <= n; i += 2) {
        const auto a = hn::LoadU(d, first + i);
        const auto b = hn::LoadU(d, second + i);
        hn::StoreU(hn::InterleaveLower(d, a, b), d, out + i * lines);
        hn::StoreU(hn::InterleaveUpper(d, a, b), d, out + (i + 1) * lines);
    }
}

void turn_back_pairs(const double* in, std::int64_t lines, std::int64_t n, double* first, double* second) {
    const Pair d;
    for (std::int64_t i = 0; i + 2 <= n; i += 2) {
        const auto a = hn::LoadU(d, in + i * lines);
        const auto b = hn::LoadU(d, in + (i + 1) * lines);
        hn::StoreU(hn::InterleaveLower(d, a, b), d, first + i);
        hn::StoreU(hn::InterleaveUpper(d, a, b), d, second + i);
    }
}
#endif

void gather_lines_here(const double* rows, std::int64_t row_step, std::int64_t n_rows, std::int64_t n, std::int64_t lines, double* out) {
    std::int64_t l = 0;
    for (; kAtOnce == 2 && l + 2 <= n_rows; l += 2) {
        const double* first = rows + l * row_step;
        turn_pairs(first, n, first + row_step, out + l, lines);
        if (n % 2 == 0) continue;
        out[(n - 1) * lines + l] = first[n - 1];
        out[(n - 1) * lines + l + 1] = first[row_step + n - 1];
    }
    for (; l < lines; ++l) {
        for (std::int64_t i = 0; i < n; ++i) out[i * lines + l] = l < n_rows ? rows[l * row_step + i] : 0.0;
    }
}

void scatter_lines_here(const double* in, std::int64_t lines, std::int64_t n, std::int64_t n_rows, double* rows, std::int64_t row_step) {
    std::int64_t l = 0;
    for (; kAtOnce == 2 && l + 2 <= n_rows; l += 2) {
        double* first = rows + l * row_step;
        turn_back_pairs(in + l, lines, n, first, first + row_step);
        if (n % 2 == 0) continue;
        first[n - 1] = in[(n - 1) * lines + l];
        first[row_step + n - 1] = in[(n - 1) * lines + l + 1];
    }
    for (; l < n_rows; ++l) {
        for (std::int64_t i = 0; i < n; ++i) rows[l * row_step + i] = in[i * lines + l];
    }
}

}  // namespace morula::simulation::line_sweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::simulation::line_sweep {

HWY_EXPORT(solve_lines_here);
HWY_EXPORT(solve_masked_here);
HWY_EXPORT(gather_lines_here);
HWY_EXPORT(scatter_lines_here);

LineFactors line_factors(double coupling, double loss, std::span<const std::uint8_t> fixed) {
    const std::size_t n = fixed.size();
    LineFactors factors{std::vector<double>(n), std::vector<double>(n), std::vector<double>(n)};
    double above = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
        const double coupled = fixed[i] != 0 ? 0.0 : coupling;
        const double neighbors = (i > 0 ? 1.0 : 0.0) + (i + 1 < n ? 1.0 : 0.0);
        const double below = i > 0 ? coupled : 0.0;
        const double diagonal = 1.0 + (fixed[i] != 0 ? 0.0 : loss + coupling * neighbors);
        factors.gain[i] = 1.0 / (diagonal - below * above);
        factors.below[i] = below * factors.gain[i];
        factors.above[i] = above = i + 1 < n ? coupled * factors.gain[i] : 0.0;
    }
    return factors;
}

std::int64_t scratch_size(std::int64_t n) { return n * 8 * kLines; }

void solve_lines(const LineFactors& factors, double* values, std::int64_t row_step, std::int64_t lines, double* scratch) {
    MORULA_ASSERT(lines % kLines == 0);
    HWY_DYNAMIC_DISPATCH(solve_lines_here)(factors, values, row_step, lines, scratch);
}

void solve_masked_lines(double coupling, double loss, std::int64_t n, const double* is_free, double* values, std::int64_t row_step, std::int64_t lines, double* scratch) {
    MORULA_ASSERT(lines % kLines == 0);
    HWY_DYNAMIC_DISPATCH(solve_masked_here)(coupling, loss, n, is_free, values, row_step, lines, scratch);
}

void gather_lines(const double* rows, std::int64_t row_step, std::int64_t n_rows, std::int64_t n, std::int64_t lines, double* out) {
    HWY_DYNAMIC_DISPATCH(gather_lines_here)(rows, row_step, n_rows, n, lines, out);
}

void scatter_lines(const double* in, std::int64_t lines, std::int64_t n, std::int64_t n_rows, double* rows, std::int64_t row_step) {
    HWY_DYNAMIC_DISPATCH(scatter_lines_here)(in, lines, n, n_rows, rows, row_step);
}

}  // namespace morula::simulation::line_sweep
#endif
