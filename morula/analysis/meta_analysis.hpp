// One effect measured in several data sets: the mean over data sets like them, and whether at least two of them show it.
#pragma once

#include <cstdint>
#include <span>

namespace morula::analysis {

/// An effect in one data set. se > 0; log10_p: two-sided, of the data set's own test.
struct StudyEffect {
    double effect = 0.0;
    double se = 0.0;
    double log10_p = 0.0;
};

struct PooledEffect {
    double effect = 0.0;        // mean over data sets like these
    double se = 0.0;
    double low = 0.0;           // 95 % interval of the mean
    double high = 0.0;
    double log10_p = 0.0;       // two-sided, of a mean of zero
    double tau = 0.0;           // standard deviation of true effects between data sets
    double i2 = 0.0;            // share of the variance that is between data sets, 0 to 1 (Higgins & Thompson 2002)
    double log10_p_two = 0.0;   // of "at most one data set has a change in this direction", the likelier direction, two-sided
    std::int64_t n_positive = 0;
};

/// Random effects: tau by Paule & Mandel 1982, variance of the mean by Hartung, Knapp, Sidik & Jonkman, never below that of equal true effects (Jackson et al.
/// 2017), Student's t with k - 1 degrees of freedom. With two data sets that is 1 degree of freedom: honest, and weak. So there is a second question, whether at
/// least two data sets have the change: partial conjunction (Benjamini & Heller 2008) with Bonferroni's combination of the k - 1 largest one-sided p values,
/// doubled for the choice of the direction. Needs two data sets or more; cost O(k log k).
PooledEffect pool_effects(std::span<const StudyEffect> studies);

}  // namespace morula::analysis
