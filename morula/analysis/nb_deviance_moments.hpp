// Mean and variance of the unit deviance of a negative-binomial count about its true mean.
#pragma once

#include <vector>

#include "morula/core/context.hpp"

namespace morula::analysis {

struct DevianceMoments {
    double mean = 0.0;
    double variance = 0.0;
};

/// Of nb_unit_deviance(Y, mu, dispersion) for Y negative binomial with mean mu > 0 and variance mu + dispersion mu^2; dispersion 0: Poisson. Large means give those of
/// chi-squared with one degree of freedom at dispersion 0, and of the gamma's deviance above it; small means give nearly zero, since nearly all counts are 0.
/// A sum over counts between bounds outside of which less than 1e-15 of the probability lies. Where there are more than 2,000 counts between them, those from 512 on are
/// integrated (Gauss-Legendre in ln count, midpoint correction of Euler and Maclaurin): relative error below 1e-8.
DevianceMoments nb_deviance_moments(double mu, double dispersion);

/// The same for many means at one dispersion: cubic interpolation of the logarithms over ln mu, 16 points a factor e; relative error below 1e-5. Outside of
/// 1e-4 ... 1e9 the sum itself.
class DevianceMomentsTable {
public:
    DevianceMomentsTable(double dispersion, Context& context);
    /// mu = 0 gives zeros: a sample that is certain to be empty tells nothing.
    DevianceMoments at(double mu) const;

private:
    double dispersion_;
    std::vector<double> log_mean_;
    std::vector<double> log_variance_;
};

}  // namespace morula::analysis
