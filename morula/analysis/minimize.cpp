#include "morula/analysis/minimize.hpp"

#include <cmath>
#include <limits>

#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

struct Point {
    double x = 0.0;
    double value = 0.0;
};

/// How far the lowest point of the parabola through three points lies from the first of them, as numerator / denominator with a positive denominator.
struct Fraction {
    double numerator = 0.0;
    double denominator = 0.0;
};
Fraction parabola_step(const Point& best, const Point& second, const Point& third) {
    const double a = (best.x - second.x) * (best.value - third.value);
    const double b = (best.x - third.x) * (best.value - second.value);
    const double numerator = (best.x - third.x) * b - (best.x - second.x) * a;
    const double denominator = 2.0 * (b - a);
    return denominator > 0.0 ? Fraction{-numerator, denominator} : Fraction{numerator, -denominator};
}

}  // namespace

double minimize(const std::function<double(double)>& function, double low, double high, double tolerance) {
    MORULA_ASSERT(low < high && tolerance > 0.0);
    const double golden = 0.5 * (3.0 - std::sqrt(5.0));
    const double relative = std::sqrt(std::numeric_limits<double>::epsilon());
    Point best{low + golden * (high - low), 0.0};
    best.value = function(best.x);
    Point second = best;
    Point third = best;
    double step = 0.0;
    double step_before = 0.0;
    for (;;) {
        const double middle = 0.5 * (low + high);
        const double least = relative * std::abs(best.x) + tolerance / 3.0;
        if (std::abs(best.x - middle) <= 2.0 * least - 0.5 * (high - low)) return best.x;
        Fraction parabola;
        const double allowed = step_before;  // a parabola must halve the step before the last
        if (std::abs(step_before) > least) {
            parabola = parabola_step(best, second, third);
            step_before = step;
        }
        const bool is_parabola = std::abs(parabola.numerator) < std::abs(0.5 * parabola.denominator * allowed) && parabola.numerator > parabola.denominator * (low - best.x) &&
                                 parabola.numerator < parabola.denominator * (high - best.x);
        if (is_parabola) {
            step = parabola.numerator / parabola.denominator;
            const double place = best.x + step;
            if (place - low < 2.0 * least || high - place < 2.0 * least) step = best.x < middle ? least : -least;
        } else {
            step_before = (best.x < middle ? high : low) - best.x;
            step = golden * step_before;
        }
        Point next{best.x + (std::abs(step) >= least ? step : std::copysign(least, step)), 0.0};
        next.value = function(next.x);
        if (next.value <= best.value) {
            (next.x < best.x ? high : low) = best.x;
            third = second;
            second = best;
            best = next;
            continue;
        }
        (next.x < best.x ? low : high) = next.x;
        if (next.value <= second.value || second.x == best.x) {
            third = second;
            second = next;
        } else if (next.value <= third.value || third.x == best.x || third.x == second.x) {
            third = next;
        }
    }
}

}  // namespace morula::analysis
