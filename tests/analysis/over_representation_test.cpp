#include "morula/analysis/over_representation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "morula/core/random.hpp"
#include "tests/support/errors.hpp"

namespace morula::analysis {
namespace {

TEST(over_representation, tails_equal_scipy) {
    std::ifstream in(std::string(MORULA_SOURCE_DIR) + "/tests/analysis/fixtures/over_representation.csv");
    int n = 0;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with('#')) continue;
        std::stringstream fields(line);
        std::vector<double> value;
        for (std::string field; std::getline(fields, field, ',');) value.push_back(std::stod(field));
        ASSERT_EQ(value.size(), 5U) << line;
        const double own = log10_p_hypergeometric(std::llround(value[0]), std::llround(value[1]), std::llround(value[2]), std::llround(value[3]));
        EXPECT_NEAR(own, value[4], 1e-9 * std::max(1.0, -value[4])) << line;
        ++n;
    }
    EXPECT_EQ(n, 40);
}

TEST(over_representation, small_cases_are_those_by_hand) {
    // Two of three genes listed; a set of one: listed with chance 2/3. A set of both listed genes: one of three pairs.
    EXPECT_NEAR(std::pow(10.0, log10_p_hypergeometric(1, 1, 2, 3)), 2.0 / 3.0, 1e-12);
    EXPECT_NEAR(std::pow(10.0, log10_p_hypergeometric(2, 2, 2, 3)), 1.0 / 3.0, 1e-12);
    // At least none is sure, and so is at least one of two where all but one are listed.
    EXPECT_EQ(log10_p_hypergeometric(0, 5, 7, 20), 0.0);
    EXPECT_EQ(log10_p_hypergeometric(1, 2, 2, 3), 0.0);
    EXPECT_EQ(log10_p_hypergeometric(0, 0, 0, 0), 0.0);
    // One set of 200 wholly among 500 of 20,000: far below the least double.
    EXPECT_NEAR(log10_p_hypergeometric(200, 200, 500, 20'000), -340.171826613726, 1e-9 * 340.0);
    EXPECT_EQ(test::error_code([] { log10_p_hypergeometric(3, 2, 5, 10); }), ErrorCode::internal);
}

TEST(over_representation, finds_the_genes_on_both_and_what_chance_gives) {
    std::vector<std::uint8_t> is_listed(20, 0);
    for (const std::size_t gene : {1, 4, 5, 9, 19}) is_listed[gene] = 1;
    const std::vector<WeightedGenes> programmes{{"half", {19, 4, 5, 0}, {1, 1, -1, 1}}, {"none", {2, 3}, {1, 1}}};
    const std::vector<OverRepresentation> found = over_representation(is_listed, programmes);
    EXPECT_EQ(found[0].both, (std::vector<std::int64_t>{4, 5, 19}));
    EXPECT_EQ(found[0].n_set, 4);
    EXPECT_DOUBLE_EQ(found[0].expected, 1.0);
    // (C(4,3) C(16,2) + C(4,4) C(16,1)) / C(20,5)
    EXPECT_NEAR(std::pow(10.0, found[0].log10_p), (4.0 * 120.0 + 16.0) / 15'504.0, 1e-12);
    EXPECT_TRUE(found[1].both.empty());
    EXPECT_EQ(found[1].log10_p, 0.0);
}

/// Lists drawn at random: p is at most .05 in at most 5 % (a discrete test stays below).
TEST(over_representation, lists_at_random_are_rich_in_nothing) {
    Random random(3, Purpose::test, 0, 0);
    const WeightedGenes set{"set", {}, {}};
    int n_called = 0;
    constexpr int kLists = 2000;
    for (int list = 0; list < kLists; ++list) {
        std::vector<std::uint8_t> is_listed(400, 0);
        for (std::uint8_t& each : is_listed) each = random.uniform() < 0.2 ? 1 : 0;
        WeightedGenes programme = set;
        for (std::int64_t gene = 0; gene < 60; ++gene) programme.genes.push_back(gene), programme.weights.push_back(1.0);
        n_called += over_representation(is_listed, std::span(&programme, 1))[0].log10_p <= std::log10(0.05) ? 1 : 0;
    }
    EXPECT_LE(n_called, 0.05 * kLists + 2.0 * std::sqrt(0.05 * 0.95 * kLists));
    EXPECT_GE(n_called, 0.02 * kLists) << "the test has power to fail";
}

}  // namespace
}  // namespace morula::analysis
