#include "morula/analysis/squeeze_unequal.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "morula/core/random.hpp"
#include "tests/analysis/fixture.hpp"

namespace morula::analysis {
namespace {

struct Set {
    std::vector<double> variance, df, covariate, prior, posterior;
    double prior_df = 0.0;
};

TEST(squeeze_unequal, agrees_with_limma) {
    std::map<std::string, Set> sets;
    for (const auto& row : fixture::rows("edger4/squeeze.csv")) {
        Set& set = sets[row[0] + " genes, prior df " + row[1]];
        set.variance.push_back(std::stod(row[2]));
        set.df.push_back(std::stod(row[3]));
        set.covariate.push_back(std::stod(row[4]));
        set.prior.push_back(std::stod(row[5]));
        set.posterior.push_back(std::stod(row[6]));
        set.prior_df = std::stod(row[7]);
    }
    ASSERT_EQ(sets.size(), 4U);
    for (const auto& [name, set] : sets) {
        SCOPED_TRACE(name);
        const SqueezedVariances found = squeeze_unequal_variances(set.variance, set.df, set.covariate);
        EXPECT_NEAR(found.prior_df / set.prior_df, 1.0, 1e-6);
        for (std::size_t i = 0; i < set.df.size(); ++i) {
            EXPECT_NEAR(found.prior[i] / set.prior[i], 1.0, 1e-6) << i << " " << set.df[i];
            EXPECT_NEAR(found.posterior[i] / set.posterior[i], 1.0, 1e-6) << i << " " << set.df[i];
        }
    }
}

TEST(squeeze_unequal, finds_what_was_put_in) {
    std::vector<double> variance, df, covariate;
    Random random(31, Purpose::test, 0, 0);
    for (int i = 0; i < 20'000; ++i) {
        df.push_back(0.3 + 4.0 * random.uniform());
        covariate.push_back(random.uniform());
        const double true_variance = std::exp(covariate.back()) * 10.0 / random.gamma(5.0, 2.0);
        variance.push_back(true_variance * random.gamma(0.5 * df.back(), 2.0) / df.back());
    }
    const SqueezedVariances found = squeeze_unequal_variances(variance, df, covariate);
    EXPECT_NEAR(found.prior_df, 10.0, 0.7);
    for (std::size_t i = 0; i < variance.size(); i += 97) EXPECT_NEAR(found.prior[i] / std::exp(covariate[i]), 1.0, 0.06) << covariate[i];
}

TEST(squeeze_unequal, few_genes_stay_as_they_are) {
    const std::vector<double> variance{1.0, 4.0, 0.0};
    const SqueezedVariances found = squeeze_unequal_variances(variance, std::vector<double>{3.0, 2.5, 0.0}, std::vector<double>{1.0, 2.0, 3.0});
    EXPECT_EQ(found.posterior, variance);
    EXPECT_EQ(found.prior_df, 0.0);
}

}  // namespace
}  // namespace morula::analysis
