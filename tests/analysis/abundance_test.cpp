#include "morula/analysis/abundance.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "morula/analysis/generate_cohort.hpp"
#include "morula/core/random.hpp"
#include "tests/analysis/fixture.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/means.hpp"

namespace morula::analysis {
namespace {

using matrix::Dense;

AbundanceUnits pairs(std::int64_t n) {
    AbundanceUnits units;
    for (std::int64_t i = 0; i < 2 * n; ++i) {
        units.donor.push_back("donor-" + std::to_string(100 + i % n));
        units.is_case.push_back(i < n);
    }
    return units;
}

AbundanceUnits groups(std::int64_t n_case, std::int64_t n_control) {
    AbundanceUnits units;
    for (std::int64_t i = 0; i < n_case + n_control; ++i) {
        units.donor.push_back("donor-" + std::to_string(100 + i));
        units.is_case.push_back(i < n_case);
    }
    return units;
}

std::vector<double> totals_of(const Dense<double>& counts) {
    std::vector<double> totals;
    for (std::int64_t unit = 0; unit < counts.n_rows; ++unit) totals.push_back(std::accumulate(counts.row(unit).begin(), counts.row(unit).end(), 0.0));
    return totals;
}

AbundancePlan plan_of(const AbundanceUnits& units, const AbundanceOptions& options) {
    return plan_abundance(units, std::vector<double>(units.donor.size(), 1000.0), "diseased", "healthy", options);
}

AbundanceResult compare(const Dense<double>& counts, const AbundanceUnits& units, std::int32_t reference) {
    Context context({.threads = 1});
    return abundance(counts.view(), plan_abundance(units, totals_of(counts), "diseased", "healthy", {}), reference, {}, context);
}

TEST(abundance, three_pairs_by_hand) {
    const AbundancePlan plan = plan_of(pairs(3), {});
    ASSERT_TRUE(plan.is_paired);
    const std::vector<double> values{11.0, 12.0, 13.0, 10.0, 10.0, 10.0};  // differences 1, 2, 3
    const LogRatioTest test = test_difference(values, plan, 1000);
    EXPECT_NEAR(test.effect, 2.0, 1e-12);
    EXPECT_NEAR(test.se, 1.0 / std::sqrt(3.0), 1e-12);
    EXPECT_EQ(test.p, 0.25) << "2 of 8 sign patterns";
    EXPECT_NEAR(test.p_student, 0.07417990022744858, 1e-9);  // t = 3.464 with 2 degrees of freedom
    EXPECT_NEAR(test.high - test.low, 2 * 4.302652729911275 / std::sqrt(3.0), 1e-6);
    EXPECT_TRUE(test.is_exact);
    EXPECT_FALSE(test_difference(values, plan, 7).is_exact);
    EXPECT_EQ(test_difference(values, plan, 7).p, test.p_student);
}

TEST(abundance, three_against_three_by_hand) {
    const LogRatioTest test = test_difference(std::vector<double>{5.0, 6.0, 7.0, 1.0, 2.0, 3.0}, plan_of(groups(3, 3), {}), 1000);
    EXPECT_NEAR(test.effect, 4.0, 1e-12);
    EXPECT_EQ(test.p, 0.1) << "2 of 20 ways to choose the cases";
    EXPECT_NEAR(test.p_student, 0.008049893100837719, 1e-9);  // t = 4.899 with 4
    // No difference at all: every arrangement is as extreme.
    EXPECT_EQ(test_difference(std::vector<double>(6, 1.0), plan_of(groups(3, 3), {}), 1000).p, 1.0);
}

TEST(abundance, exact_p_equals_going_through_all_labels) {
    Random random(3, Purpose::test, 0, 0);
    for (const auto& [n_case, n_control] : {std::pair{2, 5}, std::pair{4, 4}, std::pair{6, 3}}) {
        std::vector<double> values;
        for (int i = 0; i < n_case + n_control; ++i) values.push_back(std::round(4.0 * random.normal()) / 4.0 + 50.0);  // with ties
        const AbundancePlan plan = plan_of(groups(n_case, n_control), {});
        std::vector<std::uint8_t> labels(values.size(), 0);
        std::fill(labels.end() - n_case, labels.end(), std::uint8_t{1});
        const auto size = [&](const std::vector<std::uint8_t>& is_case) {
            double sum[2] = {0, 0}, square[2] = {0, 0}, n[2] = {0, 0};
            for (std::size_t i = 0; i < values.size(); ++i) {
                sum[is_case[i]] += values[i] - 50.0;
                n[is_case[i]] += 1.0;
            }
            for (std::size_t i = 0; i < values.size(); ++i) square[is_case[i]] += std::pow(values[i] - 50.0 - sum[is_case[i]] / n[is_case[i]], 2);
            const double difference = std::abs(sum[1] / n[1] - sum[0] / n[0]);
            const double se = std::sqrt(square[0] / (n[0] - 1) / n[0] + square[1] / (n[1] - 1) / n[1]);
            return se > 1e-12 ? difference / se : (difference > 1e-12 ? std::numeric_limits<double>::infinity() : 0.0);
        };
        std::vector<std::uint8_t> observed(values.size(), 0);
        std::fill(observed.begin(), observed.begin() + n_case, std::uint8_t{1});
        double n_extreme = 0.0, n_all = 0.0;
        do {
            n_extreme += size(labels) >= size(observed) * (1 - 1e-9);
            n_all += 1.0;
        } while (std::next_permutation(labels.begin(), labels.end()));
        EXPECT_EQ(n_all, n_arrangements(plan));
        EXPECT_NEAR(test_difference(values, plan, 1000).p, n_extreme / n_all, 1e-12) << n_case << " and " << n_control;
    }
}

TEST(abundance, equals_scipy) {
    Dense<double> counts;
    std::vector<std::vector<double>> rows;
    std::map<std::string, AbundanceResult> results;
    std::string name;
    AbundanceUnits units;
    const auto finish = [&] {
        if (rows.empty()) return;
        counts = Dense<double>(std::ssize(rows), std::ssize(rows[0]));
        for (std::size_t i = 0; i < rows.size(); ++i) std::copy(rows[i].begin(), rows[i].end(), counts.row(static_cast<std::int64_t>(i)).begin());
        results[name] = compare(counts, units, -1);
        rows.clear();
    };
    std::int64_t n_compared = 0;
    for (const auto& row : fixture::rows("abundance.csv")) {
        if (row[1] == "kang") continue;
        if (row[0] == "counts") {
            name = row[1];
            units = row[3] == "paired" ? pairs(std::stoll(row[2])) : groups(std::stoll(row[2]), 9 - std::stoll(row[2]));
        } else if (row[0] == "row") {
            std::vector<double> values;
            for (std::size_t i = 2; i < row.size(); ++i) values.push_back(std::stod(row[i]));
            rows.push_back(values);
        } else {
            finish();
            const LogRatioTest& test = results.at(row[1]).types.at(std::stoul(row[2])).test;
            EXPECT_NEAR(test.effect, std::stod(row[3]), 1e-10);
            EXPECT_NEAR(test.p_student, std::stod(row[4]), 1e-8);
            EXPECT_NEAR(test.p, std::stod(row[5]), 1e-10) << row[1] << " type " << row[2];
            EXPECT_NEAR(test.low, std::stod(row[6]), 1e-6);
            EXPECT_NEAR(test.high, std::stod(row[7]), 1e-6);
            ++n_compared;
        }
    }
    EXPECT_EQ(n_compared, 12);
}

TEST(abundance, a_type_that_grows_does_not_make_the_others_fall) {
    Dense<double> counts(12, 5);
    for (std::int64_t unit = 0; unit < 12; ++unit) {
        for (std::int64_t type = 0; type < 5; ++type) counts(unit, type) = 1000.0 * static_cast<double>(type + 1) * (type == 4 && unit < 6 ? 3.0 : 1.0) * (1.0 + 0.01 * static_cast<double>(unit));
    }
    const AbundanceResult result = compare(counts, groups(6, 6), -1);
    EXPECT_NEAR(result.types[4].test.effect, std::log(3.0), 2e-3);
    EXPECT_GT(result.types[4].share_case, result.types[4].share_control);
    for (std::size_t type = 0; type < 4; ++type) {
        EXPECT_LT(result.types[type].share_case, 0.7 * result.types[type].share_control) << "its share falls";
        EXPECT_NEAR(result.types[type].test.effect, 0.0, 2e-3) << "its ratio does not";
    }
    // The same against a named type, which is not tested itself.
    const AbundanceResult named = compare(counts, groups(6, 6), 0);
    EXPECT_NEAR(named.types[4].test.effect, std::log(3.0), 2e-3);
    EXPECT_TRUE(std::isnan(named.types[0].test.p));
    EXPECT_TRUE(test::contains(named.types[0].status, "reference"));
    // Against the one that grew, all others fall.
    EXPECT_NEAR(compare(counts, groups(6, 6), 4).types[1].test.effect, -std::log(3.0), 2e-3);
}

TEST(abundance, rare_types_are_not_tested_and_say_why) {
    Dense<double> counts(6, 4);
    for (std::int64_t unit = 0; unit < 6; ++unit) {
        counts(unit, 0) = 500.0 + static_cast<double>(unit);
        counts(unit, 1) = 400.0;
        counts(unit, 2) = 3.0;
        counts(unit, 3) = unit == 0 ? 100.0 : 0.0;
    }
    const AbundanceResult result = compare(counts, groups(3, 3), -1);
    EXPECT_EQ(result.types[2].status, "not tested: 18 cells in all");
    EXPECT_EQ(result.types[3].status, "not tested: in 1 of 6 donors and conditions only");
    EXPECT_TRUE(std::isnan(result.types[3].fdr));
    EXPECT_EQ(result.types[0].status, "tested");
    Context context({});
    EXPECT_EQ(test::error_code([&] { compare(Dense<double>(6, 1), groups(3, 3), -1); }), ErrorCode::invalid_data);
}

/// Seven types of 100 to 700 cells a donor with a spread of 5 %, and a last one that holds `share` of the cells of the first `n_with` cases and of nobody else.
Dense<double> with_a_new_type(std::int64_t n_donors, std::int64_t n_with, double share) {
    Random random(11, Purpose::test, 0, 0);
    Dense<double> counts(n_donors, 8);
    for (std::int64_t unit = 0; unit < n_donors; ++unit) {
        for (std::int64_t type = 0; type < 7; ++type) counts(unit, type) = std::round(100.0 * static_cast<double>(type + 1) * std::exp(0.05 * random.normal()));
        const double others = std::accumulate(counts.row(unit).begin(), counts.row(unit).end(), 0.0);
        if (unit < n_with) counts(unit, 7) = std::round(others * share / (1.0 - share));
    }
    return counts;
}

TEST(abundance, a_type_that_only_cases_have_is_tested) {
    // In all of 4 cases and none of 6 controls: one way of 210 to choose the cases is as extreme.
    const AbundanceResult all = compare(with_a_new_type(10, 4, 0.22), groups(4, 6), -1);
    EXPECT_EQ(all.types[7].status, "tested");
    EXPECT_EQ(all.types[7].seen_case, 4);
    EXPECT_EQ(all.types[7].seen_control, 0);
    EXPECT_GT(all.types[7].test.effect, 4.0);
    EXPECT_NEAR(all.types[7].test.p, 1.0 / 210.0, 1e-12);
    EXPECT_LE(all.types[7].fdr, 0.05);
    // In 5 of 6 and none of 6: at most the 14 of 924 ways that leave one donor without it beside the five.
    const AbundanceResult most = compare(with_a_new_type(12, 5, 0.2), groups(6, 6), -1);
    EXPECT_EQ(most.types[7].status, "tested");
    EXPECT_LE(most.types[7].test.p, 14.0 / 924.0 + 1e-12);
    EXPECT_GT(most.types[7].test.effect, 3.0);
    for (std::size_t type = 0; type < 7; ++type) {
        EXPECT_NEAR(most.types[type].test.effect, 0.0, 0.15) << "the new type takes no part in the median";
        EXPECT_NEAR(all.types[type].test.effect, 0.0, 0.15);
    }
    // Controls may be the ones that have it, and pairs are no different.
    Dense<double> turned(10, 8);
    const Dense<double> counts = with_a_new_type(10, 4, 0.22);
    for (std::int64_t unit = 0; unit < 10; ++unit) std::copy(counts.row(unit).begin(), counts.row(unit).end(), turned.row((unit + 6) % 10).begin());
    EXPECT_NEAR(compare(turned, groups(6, 4), -1).types[7].test.p, 1.0 / 210.0, 1e-12);
    EXPECT_NEAR(compare(with_a_new_type(12, 6, 0.2), pairs(6), -1).types[7].test.p, 2.0 / 64.0, 1e-12);
    // One donor of three is too little to compare.
    EXPECT_EQ(compare(with_a_new_type(6, 1, 0.2), groups(3, 3), -1).types[7].status, "not tested: in 1 of 6 donors and conditions only");
}

/// The rule that lets a type pass must not look at who has it: else those that pass would be those that chance put on one side.
TEST(abundance, types_of_a_few_donors_give_no_more_false_positives) {
    double n = 0.0, n_below_05 = 0.0, n_cohorts_with = 0.0, n_cohorts = 0.0;
    Context context({.threads = 2});
    for (const auto& [n_case, n_control] : {std::pair{4, 6}, std::pair{6, 6}, std::pair{3, 9}}) {
        const AbundanceUnits units = groups(n_case, n_control);
        for (std::uint64_t cohort = 0; cohort < 150; ++cohort) {
            Random random(cohort, Purpose::test, static_cast<std::uint64_t>(n_control), 0);
            Dense<double> counts(n_case + n_control, 20);  // the last 12 are in a donor with a probability of .3
            for (std::int64_t unit = 0; unit < counts.n_rows; ++unit) {
                for (std::int64_t type = 0; type < 20; ++type) counts(unit, type) = type < 8 || random.uniform() < 0.3 ? std::round(100.0 * std::exp(0.4 * random.normal())) : 0.0;
            }
            const AbundanceResult result = abundance(counts.view(), plan_abundance(units, totals_of(counts), "diseased", "healthy", {}), -1, {}, context);
            bool is_found = false;
            for (const TypeAbundance& type : result.types) {
                is_found = is_found || type.fdr <= 0.05;
                if (std::isnan(type.test.p) || 2 * (type.seen_case + type.seen_control) >= counts.n_rows) continue;
                n_below_05 += type.test.p <= 0.05;
                n += 1.0;
            }
            n_cohorts_with += is_found;
            n_cohorts += 1.0;
        }
    }
    fmt::print("types of less than half of the donors: p <= .05 in {:.3f} of {} tests; a type at FDR 5 % in {:.3f} of {} cohorts\n", n_below_05 / n, n, n_cohorts_with / n_cohorts, n_cohorts);
    EXPECT_GT(n, 3000.0);
    EXPECT_LE(n_below_05 / n, 0.05 + 2 * std::sqrt(0.05 * 0.95 / n));
    EXPECT_LE(n_cohorts_with / n_cohorts, 0.05 + 2 * std::sqrt(0.05 * 0.95 / n_cohorts));
}

TEST(abundance, under_three_donors_a_condition_there_is_no_fdr) {
    Dense<double> counts(4, 3);
    for (std::size_t i = 0; i < counts.values.size(); ++i) counts.values[i] = 100.0 + 17.0 * static_cast<double>(i % 5);
    const AbundanceResult result = compare(counts, groups(2, 2), -1);
    for (const TypeAbundance& type : result.types) {
        EXPECT_TRUE(std::isnan(type.fdr));
        EXPECT_FALSE(std::isnan(type.test.p)) << "p stays for ranking";
        EXPECT_EQ(type.status, "exploratory: 2 and 2 donors, and a test needs 3 in each condition");
    }
    Dense<double> more(5, 3);
    std::fill(more.values.begin(), more.values.end(), 200.0);
    EXPECT_TRUE(std::isnan(compare(more, groups(1, 4), -1).types[0].test.p)) << "one donor is no replicate";
}

TEST(abundance, donors_are_paired_where_they_have_both_conditions) {
    AbundanceUnits units = pairs(4);
    EXPECT_TRUE(plan_of(units, {}).is_paired);
    EXPECT_EQ(plan_of(units, {}).status, "tested");
    units.donor.push_back("alone");
    units.is_case.push_back(1);
    const AbundancePlan plan = plan_of(units, {});
    EXPECT_EQ(plan.case_rows.size(), 4U);
    ASSERT_EQ(plan.left_out.size(), 1U);
    EXPECT_EQ(plan.left_out[0], "alone: diseased alone");
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(units.donor[static_cast<std::size_t>(plan.case_rows[i])], units.donor[static_cast<std::size_t>(plan.control_rows[i])]);
    EXPECT_TRUE(test::contains(plan_of(pairs(2), {}).status, "2 of 3 pairs"));
}

TEST(abundance, comparisons_that_cannot_be_made_are_refused) {
    const auto message = [](const AbundanceUnits& units, const AbundanceOptions& options) { return test::thrown_by([&] { plan_of(units, options); }).message(); };
    EXPECT_TRUE(test::contains(message(pairs(1), {}), "one donor"));
    EXPECT_TRUE(test::contains(message(groups(0, 4), {}), "No donor has enough cells in diseased"));
    EXPECT_TRUE(test::contains(message(groups(4, 0), {}), "in healthy"));
    EXPECT_TRUE(test::contains(message(pairs(3), {.design = AbundanceDesign::unpaired}), "has both diseased and healthy"));
    EXPECT_TRUE(test::contains(message(groups(3, 3), {.design = AbundanceDesign::paired}), "No donor has both"));
    EXPECT_TRUE(test::contains(message(groups(3, 3), {.min_cells = 2000}), "1000 cells"));
}

TEST(abundance, the_same_bits_for_any_threads) {
    Dense<double> counts(10, 40);
    for (std::size_t i = 0; i < counts.values.size(); ++i) counts.values[i] = static_cast<double>(20 + i * 7919 % 311);
    const AbundanceUnits units = groups(5, 5);
    const AbundancePlan plan = plan_abundance(units, totals_of(counts), "a", "b", {});
    test::same_at_1_2_4_threads([&](Context& context) { return abundance(counts.view(), plan, -1, {}, context); },
                                [](const AbundanceResult& a, const AbundanceResult& b) {
                                    for (std::size_t i = 0; i < a.types.size(); ++i) {
                                        if (a.types[i].test.p != b.types[i].test.p || a.types[i].test.effect != b.types[i].test.effect || a.types[i].fdr != b.types[i].fdr) return false;
                                    }
                                    return true;
                                });
}

/// Cells by sample and type of a made-up cohort.
struct Counted {
    Dense<double> counts;
    AbundanceUnits units;
};
Counted count(const GenerateCohortResult& made) {
    Counted out;
    out.counts = Dense<double>(std::ssize(made.samples), std::ssize(made.types));
    for (const CohortSample& sample : made.samples) {
        out.units.donor.push_back(made.donors[static_cast<std::size_t>(sample.donor)].name);
        out.units.is_case.push_back(sample.is_diseased);
    }
    for (std::size_t cell = 0; cell < made.cells.type.size(); ++cell) out.counts(made.cells.sample[cell], made.cells.type[cell]) += 1.0;
    return out;
}

GenerateCohortOptions cohort_of(std::int32_t donors, std::uint64_t seed) {
    GenerateCohortOptions options;
    options.donors = donors;
    options.cells = 300;
    options.genes = 500;
    options.state_types = 0;
    options.mean_counts = 20.0;
    options.seed = seed;
    return options;
}

TEST(abundance, false_positives_on_200_cohorts_without_a_difference_are_5_percent) {
    Context context({.threads = 2});
    double n_below_05 = 0.0, n_below_50 = 0.0, expected_50 = 0.0, n_student = 0.0, n = 0.0;
    std::map<std::size_t, double> n_of_donors;  // tests, by the smaller number of donors (pairs)
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        GenerateCohortOptions options = cohort_of(4 + static_cast<std::int32_t>(seed % 5) * 2, seed);  // 4 to 12 donors
        options.composition_types = 0;
        options.design = seed % 2 == 0 ? CohortDesign::unpaired : CohortDesign::paired;
        const Counted counted = count(generate_cohort(options, context));
        const AbundancePlan plan = plan_abundance(counted.units, totals_of(counted.counts), "diseased", "healthy", {});
        const AbundanceResult result = abundance(counted.counts.view(), plan, -1, {}, context);
        const double least = result.least_p;
        ASSERT_GT(least, 0.0) << "so few donors have an exact p";
        for (const TypeAbundance& type : result.types) {
            if (std::isnan(type.test.p)) continue;
            EXPECT_GE(type.test.p, least * (1.0 - 1e-9));
            n_below_05 += type.test.p <= 0.05;
            n_below_50 += type.test.p <= 0.5;
            expected_50 += std::floor(0.5 / least + 1e-9) * least;  // an exact p is a whole number of the smallest one
            n_of_donors[std::min(plan.case_rows.size(), plan.control_rows.size())] += 1.0;
            n_student += type.test.p_student <= 0.05;
            n += 1.0;
        }
    }
    ASSERT_GT(n, 1500.0);
    // Types of one cohort depend on one another through the reference, so that the cohorts and not the types are counted in the error.
    const double se = std::sqrt(0.05 * 0.95 / 200.0 / 4.0);
    EXPECT_LE(n_below_05 / n, 0.05 + 2 * se);
    EXPECT_NEAR(n_below_50 / n, expected_50 / n, 0.06);
    EXPECT_GT(n_of_donors[2], 50.0) << "2 against 2";
    EXPECT_GT(n_of_donors[3], 50.0) << "3 against 3";
    RecordProperty("false_positives", std::to_string(n_below_05 / n));
    RecordProperty("false_positives_student", std::to_string(n_student / n));
    fmt::print("without a difference: p <= .05 in {:.3f} (Student's t {:.3f}), p <= .5 in {:.3f} ({:.3f} expected) of {} tests\n", n_below_05 / n, n_student / n, n_below_50 / n, expected_50 / n, n);
}

/// The bound is 5 % and twice the error that these cohorts themselves show. That it can fail is shown by what p <= .1 without adjustment would call, which breaks it.
TEST(abundance, fdr_and_effects_hold_with_planted_differences) {
    Context context({.threads = 2});
    for (const std::int32_t donors : {6, 12}) {
        double n_true = 0.0, n_true_found = 0.0, n_found = 0.0, bias = 0.0, covered = 0.0;
        std::vector<double> wrong_share, wrong_share_unadjusted;  // of each cohort
        constexpr int cohorts = 120;
        for (std::uint64_t seed = 0; seed < cohorts; ++seed) {
            const GenerateCohortResult made = generate_cohort(cohort_of(donors, 1000 + seed), context);
            const Counted counted = count(made);
            const AbundanceResult result = abundance(counted.counts.view(), plan_abundance(counted.units, totals_of(counted.counts), "diseased", "healthy", {}), -1, {}, context);
            double found = 0.0, wrong = 0.0, below = 0.0, wrong_below = 0.0;
            for (std::size_t type = 0; type < made.types.size(); ++type) {
                const double planted = made.types[type].composition_effect;
                if (planted != 0.0) {
                    n_true += 1.0;
                    bias += (result.types[type].test.effect - planted) * (planted > 0 ? 1 : -1);
                    covered += result.types[type].test.low <= planted && planted <= result.types[type].test.high;
                }
                below += result.types[type].test.p <= 0.1;
                wrong_below += result.types[type].test.p <= 0.1 && planted == 0.0;
                if (!(result.types[type].fdr <= 0.05)) continue;
                found += 1.0;
                wrong += planted == 0.0;
                n_true_found += planted != 0.0;
            }
            n_found += found;
            wrong_share.push_back(found > 0.0 ? wrong / found : 0.0);
            wrong_share_unadjusted.push_back(below > 0.0 ? wrong_below / below : 0.0);
        }
        const test::Mean fdr = test::mean_of(wrong_share), unadjusted = test::mean_of(wrong_share_unadjusted);
        fmt::print("{} donors: realised FDR {:.3f} +- {:.3f} ({:.3f} +- {:.3f} of p <= .1), power {:.2f}, mean error of the effect {:.3f}, coverage {:.3f}\n", donors, fdr.mean, fdr.se, unadjusted.mean, unadjusted.se, n_true_found / n_true, bias / n_true,
                   covered / n_true);
        EXPECT_LE(fdr.mean, 0.05 + 2 * fdr.se);
        EXPECT_NEAR(bias / n_true, 0.0, 0.12);
        EXPECT_GE(covered / n_true, 0.90);
        if (donors == 12) {
            EXPECT_GT(n_true_found / n_true, 0.5);
            EXPECT_GT(unadjusted.mean, 0.05 + 2 * unadjusted.se);
        } else {
            EXPECT_EQ(n_found, 0.0) << "3 against 3: the least exact p is 1 in 10";
        }
    }
}

}  // namespace
}  // namespace morula::analysis
