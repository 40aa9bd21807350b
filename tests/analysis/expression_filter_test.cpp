#include "morula/analysis/expression_filter.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/analysis/edger_cohort.hpp"

namespace morula::analysis {
namespace {

TEST(expression_filter, agrees_with_edger) {
    for (const std::string& name : edger::cohort_names()) {
        SCOPED_TRACE(name);
        const edger::Cohort c = edger::read_cohort(name);
        EXPECT_EQ(expressed_genes(c.all.view(), c.design.view(), {}), c.keep);
        EXPECT_GT(std::accumulate(c.keep.begin(), c.keep.end(), 0), 0);
        EXPECT_LT(std::accumulate(c.keep.begin(), c.keep.end(), 0), std::ssize(c.keep)) << "a case in which nothing is dropped shows nothing";
    }
}

TEST(expression_filter, asks_for_the_count_in_as_many_samples_as_the_smaller_group_has) {
    // 2 against 3 samples of equal size: a gene needs 10 counts in 2 of them.
    matrix::Dense<double> design(5, 2);
    for (std::int64_t i = 0; i < 5; ++i) {
        design(i, 0) = 1.0;
        design(i, 1) = i < 2 ? 0.0 : 1.0;
    }
    matrix::Dense<double> counts(4, 5);
    const double rows[3][5] = {{10, 10, 0, 0, 0}, {40, 9, 9, 9, 9}, {10, 0, 0, 0, 11}};
    for (std::int64_t i = 0; i < 5; ++i) {
        double sum = 0.0;
        for (std::int64_t gene = 0; gene < 3; ++gene) sum += counts(gene, i) = rows[gene][i];
        counts(3, i) = 1000.0 - sum;
    }
    EXPECT_EQ(expressed_genes(counts.view(), design.view(), {}), (std::vector<std::uint8_t>{1, 0, 1, 1}));
}

}  // namespace
}  // namespace morula::analysis
