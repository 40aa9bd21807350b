#include "morula/analysis/tmm.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/analysis/edger_cohort.hpp"

namespace morula::analysis {
namespace {

TEST(tmm, agrees_with_edger) {
    for (const std::string& name : edger::cohort_names()) {
        SCOPED_TRACE(name);
        const edger::Cohort c = edger::read_cohort(name);
        const std::vector<double> kept = tmm_factors(c.counts.view(), {});
        const std::vector<double> all = tmm_factors(c.all.view(), {});
        for (std::size_t i = 0; i < kept.size(); ++i) {
            EXPECT_NEAR(kept[i], c.factors[i], 1e-12);
            EXPECT_NEAR(all[i], c.factors_of_all[i], 1e-12);
        }
    }
}

TEST(tmm, undoes_a_few_genes_that_take_half_of_the_library) {
    // 200 genes alike in two samples; in the second, 4 more take as many counts as all others.
    matrix::Dense<double> counts(204, 2);
    for (std::int64_t gene = 0; gene < 204; ++gene) {
        counts(gene, 0) = gene < 200 ? 100.0 + static_cast<double>(gene) : 25.0;
        counts(gene, 1) = gene < 200 ? 100.0 + static_cast<double>(gene) : 9'000.0;
    }
    const std::vector<double> factor = tmm_factors(counts.view(), {});
    double size[2] = {0.0, 0.0};
    for (std::int64_t gene = 0; gene < 204; ++gene) {
        size[0] += counts(gene, 0);
        size[1] += counts(gene, 1);
    }
    EXPECT_NEAR(size[0] * factor[0] / (size[1] * factor[1]), 1.0, 1e-12) << "the 200 genes are the scale";
    EXPECT_NEAR(factor[0] * factor[1], 1.0, 1e-12);
}

TEST(tmm, edges_are_defined) {
    matrix::Dense<double> nothing(5, 3);
    EXPECT_EQ(tmm_factors(nothing.view(), {}), (std::vector<double>{1.0, 1.0, 1.0}));
    matrix::Dense<double> one_empty(5, 3);
    for (std::int64_t gene = 0; gene < 5; ++gene) one_empty(gene, 0) = one_empty(gene, 1) = 10.0;
    for (const double factor : tmm_factors(one_empty.view(), {})) EXPECT_NEAR(factor, 1.0, 1e-15);
}

}  // namespace
}  // namespace morula::analysis
