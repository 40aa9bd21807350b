#include "morula/analysis/communication.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <sstream>
#include <string>

#include "morula/core/random.hpp"
#include "tests/analysis/fixture.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

using matrix::CompactColumns;

CompactColumns columns_of(const matrix::RowBlockSource& source, Context& context) { return {source, {0, source.n_cols()}, context}; }

matrix::Dense<float> dense(std::int64_t n_cells, std::int64_t n_genes, std::vector<float> values) {
    matrix::Dense<float> out(n_cells, n_genes);
    out.values = std::move(values);
    return out;
}

/// Two types of two cells; genes: ligand, receptor parts 1 and 2, a cofactor.
matrix::Dense<float> by_hand() {
    return dense(5, 4, {2.0F, 0.0F, 0.0F, 1.0F,   // type 0
                        4.0F, 0.0F, 0.0F, 0.0F,   // type 0
                        0.0F, 1.0F, 1.0F, 0.5F,   // type 1
                        0.0F, 3.0F, 0.0F, 0.5F,   // type 1
                        9.0F, 9.0F, 9.0F, 9.0F}); // no type
}
const std::vector<std::int32_t> kTypesByHand{0, 0, 1, 1, -1};

TEST(communication, a_complex_has_the_least_of_its_parts_means_as_in_cellphonedb) {
    const auto context = test::make_context(2);
    const auto source = matrix::make_source(test::to_csr(by_hand()));
    const CompactColumns genes = columns_of(*source, *context);
    const std::vector<PairGenes> pairs{{{0}, {1, 2}}, {{0}, {1}}};
    const CommunicationResult result = communication(genes, pairs, kTypesByHand, 2, {.permutations = 10, .min_fraction = 0.5, .min_cells = 2}, *context);
    ASSERT_EQ(result.found.size(), 2u);
    EXPECT_EQ(result.n_looked_at, 8);
    const CoExpression& with_complex = result.found[0];
    EXPECT_EQ(with_complex.pair, 0);
    EXPECT_EQ(with_complex.sender, 0);
    EXPECT_EQ(with_complex.receiver, 1);
    EXPECT_EQ(with_complex.ligand_mean, 3.0);
    EXPECT_EQ(with_complex.receptor_mean, 0.5) << "part 2: (1 + 0) / 2, part 1: 2";
    EXPECT_EQ(with_complex.receptor_fraction, 0.5);
    EXPECT_EQ(with_complex.score, 1.75);
    EXPECT_EQ(result.found[1].score, 2.5) << "without the second part";
    EXPECT_TRUE(std::isnan(with_complex.cofactors));
    // Half of the receiver's cells express both parts: a higher bar leaves only the simple receptor.
    const CommunicationResult strict = communication(genes, pairs, kTypesByHand, 2, {.permutations = 10, .min_fraction = 0.6, .min_cells = 2}, *context);
    ASSERT_EQ(strict.found.size(), 1u);
    EXPECT_EQ(strict.found[0].pair, 1);
}

/// Places of the parts of a partner, "5+6".
std::vector<std::int64_t> parts_of(const std::string& text) {
    std::vector<std::int64_t> out;
    std::stringstream fields(text);
    for (std::string part; std::getline(fields, part, '+');) out.push_back(std::stoll(part));
    return out;
}

TEST(communication, scores_and_p_equal_those_of_cellphonedb_in_liana) {
    const auto context = test::make_context(2);
    constexpr std::int64_t kPermutations = 4000;
    matrix::Csr cells;
    cells.n_cols = 14;
    std::vector<std::int32_t> types;
    std::vector<PairGenes> pairs;
    std::vector<std::vector<double>> known;  // pair, sender, receiver, score, p
    for (const auto& row : fixture::rows("liana.csv")) {
        if (row[0] == "cell") {
            types.push_back(std::stoi(row[1]));
            fixture::push_cell(row, 2, cells);
        } else if (row[0] == "pair") {
            pairs.push_back({parts_of(row[1]), parts_of(row[2])});
        } else {
            known.emplace_back();
            for (std::size_t i = 1; i < row.size(); ++i) known.back().push_back(std::stod(row[i]));
        }
    }
    ASSERT_EQ(cells.n_rows, 90);
    ASSERT_EQ(pairs.size(), 10U);
    const auto source = matrix::make_source(cells);
    const CommunicationResult result = communication(columns_of(*source, *context), pairs, types, 3, {.permutations = static_cast<std::int32_t>(kPermutations), .min_fraction = 0.2, .min_cells = 5, .seed = 1}, *context);
    std::map<std::array<int, 3>, const CoExpression*> ours;
    for (const CoExpression& each : result.found) ours[{each.pair, each.sender, each.receiver}] = &each;
    EXPECT_EQ(ours.size(), known.size()) << "the same pairs of types pass the least fraction";
    int n_specific = 0;
    for (const auto& row : known) {
        const std::array<int, 3> key{static_cast<int>(row[0]), static_cast<int>(row[1]), static_cast<int>(row[2])};
        ASSERT_TRUE(ours.contains(key)) << row[0] << " " << row[1] << " " << row[2];
        EXPECT_NEAR(ours[key]->score, row[3], 1e-6 * std::max(1.0, row[3]));
        // Each p is of its own permutations: they differ by chance, four and a half standard errors at most. Of a complex liana follows the one part that is least with the true types through all
        // permutations, and here the least part of each permutation counts, as in the score itself: liana's p is the larger one.
        const double p = 0.5 * (ours[key]->p + row[4]);
        const double chance = 2.0 / kPermutations + 4.5 * std::sqrt(2.0 * p * (1.0 - p) / kPermutations);
        const PairGenes& pair = pairs.at(static_cast<std::size_t>(key[0]));
        EXPECT_LE(ours[key]->p, row[4] + chance) << row[0] << " " << row[1] << " " << row[2];
        if (pair.ligand.size() + pair.receptor.size() == 2) {
            EXPECT_GE(ours[key]->p, row[4] - chance) << row[0] << " " << row[1] << " " << row[2];
        }
        n_specific += row[4] < 0.001;
    }
    EXPECT_GE(n_specific, 5) << "the case holds pairs that are specific to types";
}

TEST(communication, a_score_is_zero_where_a_partner_is_not_expressed) {
    const auto context = test::make_context(1);
    const auto source = matrix::make_source(test::to_csr(by_hand()));
    const GroupExpression expression = group_expression(columns_of(*source, *context), kTypesByHand, 3, *context);
    EXPECT_EQ(pair_score(expression, {{0}, {1, 2}}, 1, 1), 0.0);
    EXPECT_EQ(pair_score(expression, {{0}, {1, 2}}, 0, 0), 0.0);
    EXPECT_EQ(expression.n_cells, (std::vector<std::int64_t>{2, 2, 0}));
    EXPECT_TRUE(std::isnan(expression.mean(0, 2))) << "a group without cells";
}

TEST(communication, cofactors_scale_as_cellchat_defines_and_leave_the_score_alone) {
    const auto context = test::make_context(1);
    const auto source = matrix::make_source(test::to_csr(by_hand()));
    const CompactColumns genes = columns_of(*source, *context);
    const GroupExpression expression = group_expression(genes, kTypesByHand, 2, *context);
    // The cofactor's mean is 0.5 in both types: 1 + .5 / (.5 + .5) for an agonist, .5 / (.5 + .5) for an antagonist, in each of the two.
    EXPECT_DOUBLE_EQ(cofactor_factor(expression, {{0}, {1}, {3}}, 0, 1), 2.25);
    EXPECT_DOUBLE_EQ(cofactor_factor(expression, {{0}, {1}, {}, {3}}, 0, 1), 0.25);
    EXPECT_DOUBLE_EQ(cofactor_factor(expression, {{0}, {1}, {}, {}, {3}}, 0, 1), 1.5);
    EXPECT_DOUBLE_EQ(cofactor_factor(expression, {{0}, {1}, {}, {}, {}, {3}}, 0, 1), 1.0 / 1.5);
    const std::vector<PairGenes> pairs{{{0}, {1}, {3}}};
    const CommunicationResult result = communication(genes, pairs, kTypesByHand, 2, {.permutations = 10, .min_cells = 2}, *context);
    EXPECT_EQ(result.found[0].score, 2.5);
    EXPECT_DOUBLE_EQ(result.found[0].cofactors, 2.25);
}

/// Cells of three types, pairs with and without complexes.
struct Made {
    matrix::Dense<float> values;
    std::vector<std::int32_t> types;
    std::vector<PairGenes> pairs;
};
Made made_up(std::int64_t n_cells, double shift) {
    constexpr std::int64_t n_genes = 24;
    Made made{matrix::Dense<float>(n_cells, n_genes), {}, {}};
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        Random random(9, Purpose::test, static_cast<std::uint64_t>(cell), 0);
        made.types.push_back(cell % 11 == 10 ? -1 : static_cast<std::int32_t>(cell % 3));
        for (std::int64_t gene = 0; gene < n_genes; ++gene) {
            const double mean = 0.4 + (gene % 3 == made.types.back() ? shift : 0.0);
            made.values(cell, gene) = static_cast<float>(std::log1p(static_cast<double>(random.poisson(mean))));
        }
    }
    for (std::int64_t gene = 0; gene + 2 < n_genes; ++gene) made.pairs.push_back(gene % 2 == 0 ? PairGenes{{gene}, {gene + 1}} : PairGenes{{gene}, {gene + 1, gene + 2}});
    return made;
}

/// How many permutations score as high, cell by cell and pass by pass: the plain way, which the fast one must equal.
std::vector<std::int64_t> plain_count(const Made& made, std::span<const CoExpression> found, std::int32_t n_types, std::int64_t permutations, std::uint64_t seed) {
    std::vector<std::int64_t> cells;
    std::vector<std::int32_t> types;
    for (std::size_t cell = 0; cell < made.types.size(); ++cell) {
        if (made.types[cell] < 0) continue;
        cells.push_back(static_cast<std::int64_t>(cell));
        types.push_back(made.types[cell]);
    }
    std::vector<std::int64_t> n(found.size(), 0);
    for (std::int64_t permutation = 0; permutation < permutations; ++permutation) {
        std::vector<std::int32_t> shuffled = types;
        Random random(seed, Purpose::label_permutations, static_cast<std::uint64_t>(permutation), 0);
        for (std::size_t left = shuffled.size(); left > 1; --left) std::swap(shuffled[left - 1], shuffled[random.below(left)]);
        const auto mean = [&](std::int64_t gene, std::int32_t type) {
            double sum = 0.0, size = 0.0;
            for (std::size_t i = 0; i < cells.size(); ++i) {
                if (shuffled[i] != type) continue;
                sum += static_cast<double>(made.values(cells[i], gene));
                size += 1.0;
            }
            return sum / size;
        };
        matrix::Dense<double> means(made.values.n_cols, n_types);
        for (std::int64_t gene = 0; gene < means.n_rows; ++gene) {
            for (std::int32_t type = 0; type < n_types; ++type) means(gene, type) = mean(gene, type);
        }
        for (std::size_t i = 0; i < found.size(); ++i) {
            const PairGenes& pair = made.pairs[static_cast<std::size_t>(found[i].pair)];
            double ligand = 1e9, receptor = 1e9;
            for (const std::int64_t gene : pair.ligand) ligand = std::min(ligand, means(gene, found[i].sender));
            for (const std::int64_t gene : pair.receptor) receptor = std::min(receptor, means(gene, found[i].receiver));
            n[i] += ligand > 0.0 && receptor > 0.0 && 0.5 * (ligand + receptor) >= found[i].score * (1.0 - 1e-12);
        }
    }
    return n;
}

TEST(communication, group_sums_count_what_one_pass_a_permutation_counts) {
    const auto context = test::make_context(2);
    const Made made = made_up(120, 0.2);
    const auto source = matrix::make_source(test::to_csr(made.values));
    const CommunicationOptions options{.permutations = 150, .min_fraction = 0.2, .min_cells = 5, .seed = 4};
    const CommunicationResult result = communication(columns_of(*source, *context), made.pairs, made.types, 3, options, *context);
    ASSERT_GT(result.found.size(), 100u);
    const std::vector<std::int64_t> n = plain_count(made, result.found, 3, 150, 4);
    for (std::size_t i = 0; i < n.size(); ++i) EXPECT_EQ(result.found[i].p, (1.0 + static_cast<double>(n[i])) / 151.0) << i;
    EXPECT_GT(*std::max_element(n.begin(), n.end()), 0);
}

TEST(communication, more_types_than_a_byte_counts_are_counted_the_same_way) {
    const auto context = test::make_context(2);
    Made made = made_up(1200, 0.2);
    for (std::size_t cell = 0; cell < made.types.size(); ++cell) made.types[cell] = static_cast<std::int32_t>(cell % 300);
    made.pairs.resize(2);
    const auto source = matrix::make_source(test::to_csr(made.values));
    const CommunicationResult result = communication(columns_of(*source, *context), made.pairs, made.types, 300, {.permutations = 5, .min_fraction = 0.7, .min_cells = 4, .seed = 4}, *context);
    ASSERT_GT(result.found.size(), 100u);
    EXPECT_TRUE(std::any_of(result.found.begin(), result.found.end(), [](const CoExpression& each) { return each.sender > 255; }));
    const std::vector<std::int64_t> n = plain_count(made, result.found, 300, 5, 4);
    for (std::size_t i = 0; i < n.size(); ++i) ASSERT_EQ(result.found[i].p, (1.0 + static_cast<double>(n[i])) / 6.0) << i;
}

TEST(communication, p_is_the_share_of_all_arrangements_where_these_can_be_counted) {
    const auto context = test::make_context(2);
    // Ligand only in the first three cells, receptor only in the last three: of the 20 ways to choose three cells only one is as high.
    const auto source = matrix::make_source(test::to_csr(dense(6, 2, {1.0F, 0.0F, 2.0F, 0.0F, 3.0F, 0.0F, 0.0F, 1.0F, 0.0F, 1.5F, 0.0F, 2.0F})));
    const std::vector<PairGenes> pairs{{{0}, {1}}};
    const std::vector<std::int32_t> types{0, 0, 0, 1, 1, 1};
    constexpr std::int32_t n = 20'000;
    const CommunicationResult result = communication(columns_of(*source, *context), pairs, types, 2, {.permutations = n, .min_cells = 3}, *context);
    ASSERT_EQ(result.found.size(), 1u);
    EXPECT_NEAR(result.found[0].p, 0.05, 4.0 * std::sqrt(0.05 * 0.95 / n));
}

TEST(communication, shuffled_types_are_called_specific_at_most_as_often_as_said) {
    const auto context = test::make_context(2);
    const Made made = made_up(900, 0.0);
    const auto source = matrix::make_source(test::to_csr(made.values));
    const CommunicationResult result = communication(columns_of(*source, *context), made.pairs, made.types, 3, {.permutations = 400, .min_fraction = 0.1}, *context);
    ASSERT_EQ(result.found.size(), made.pairs.size() * 9) << "the filter lets all pass";
    double n_small = 0.0, n_half = 0.0;
    for (const CoExpression& each : result.found) {
        n_small += each.p <= 0.05;
        n_half += each.p <= 0.5;
    }
    const auto n = static_cast<double>(result.found.size());
    // 24 genes in 3 types make about 48 independent values: s.e. of the share about .03.
    EXPECT_LT(n_small / n, 0.11);
    EXPECT_NEAR(n_half / n, 0.5, 0.2);
}

TEST(communication, planted_types_are_found) {
    const auto context = test::make_context(2);
    const Made made = made_up(600, 1.5);
    const auto source = matrix::make_source(test::to_csr(made.values));
    const CommunicationResult result = communication(columns_of(*source, *context), made.pairs, made.types, 3, {}, *context);
    for (const CoExpression& each : result.found) {
        const PairGenes& pair = made.pairs[static_cast<std::size_t>(each.pair)];
        if (pair.receptor.size() > 1) continue;
        const bool is_planted = pair.ligand[0] % 3 == each.sender && pair.receptor[0] % 3 == each.receiver;
        if (is_planted) { EXPECT_EQ(each.p, 1.0 / 1001.0); }
        const bool is_opposite = pair.ligand[0] % 3 != each.sender && pair.receptor[0] % 3 != each.receiver;
        if (is_opposite) { EXPECT_GT(each.p, 0.5); }
    }
}

TEST(communication, the_same_bits_for_any_threads_and_rows_read_at_once) {
    const Made made = made_up(1300, 0.3);
    const matrix::Matrix source = matrix::make_source(test::to_csr(made.values));
    const auto run = [&](const matrix::RowBlockSource& rows, Context& context) { return communication(columns_of(rows, context), made.pairs, made.types, 3, {.permutations = 200, .seed = 8}, context); };
    const auto same = [](const CommunicationResult& a, const CommunicationResult& b) {
        return a.found.size() == b.found.size() && std::equal(a.found.begin(), a.found.end(), b.found.begin(), [](const CoExpression& x, const CoExpression& y) {
                   return x.pair == y.pair && x.sender == y.sender && x.receiver == y.receiver && x.score == y.score && x.p == y.p && x.fdr == y.fdr;
               });
    };
    const CommunicationResult serial = test::same_at_1_2_4_threads([&](Context& context) { return run(*source, context); }, same);
    EXPECT_TRUE(same(serial, run(*test::read_seven_rows(source), *test::make_context(2))));
}

TEST(communication, types_with_few_cells_take_no_part_and_one_type_is_refused) {
    const auto context = test::make_context(1);
    const Made made = made_up(60, 0.2);
    const auto source = matrix::make_source(test::to_csr(made.values));
    std::vector<std::int32_t> types(made.types);
    for (std::size_t cell = 0; cell < types.size(); ++cell) {
        if (types[cell] == 2 && cell > 12) types[cell] = 1;
    }
    const CommunicationResult result = communication(columns_of(*source, *context), made.pairs, types, 3, {.permutations = 20}, *context);
    EXPECT_EQ(result.type_is_used, (std::vector<std::uint8_t>{1, 1, 0}));
    for (const CoExpression& each : result.found) EXPECT_TRUE(each.sender < 2 && each.receiver < 2);
    const Error error = test::thrown_by([&] { communication(columns_of(*source, *context), made.pairs, types, 3, {.permutations = 20, .min_cells = 100}, *context); });
    EXPECT_EQ(error.code(), ErrorCode::invalid_data);
}

/// One ligand gene and one receptor gene in types 0 and 1 of each unit, all cells expressing them.
GroupExpression of_units(const std::vector<double>& ligand_in_type_0, const std::vector<double>& receptor_in_type_1, const std::vector<std::int64_t>& n_cells) {
    const auto n_groups = static_cast<std::int64_t>(2 * ligand_in_type_0.size());
    GroupExpression out{matrix::Dense<double>(2, n_groups), matrix::Dense<double>(2, n_groups), n_cells};
    for (std::size_t unit = 0; unit < ligand_in_type_0.size(); ++unit) {
        const auto group = static_cast<std::int64_t>(2 * unit);
        out.mean(0, group) = ligand_in_type_0[unit];
        out.mean(1, group + 1) = receptor_in_type_1[unit];
        out.fraction(0, group) = out.fraction(1, group + 1) = 1.0;
    }
    return out;
}

const std::vector<PairGenes> kOnePair{{{0}, {1}}};

AbundancePlan three_against_three() {
    AbundancePlan plan;
    plan.case_rows = {0, 1, 2};
    plan.control_rows = {3, 4, 5};
    plan.status = "tested";
    return plan;
}

TEST(communication, donors_are_compared_by_welch_on_their_scores) {
    const auto context = test::make_context(1);
    // Scores 2, 3, 4 against 1, 1, 1: effect 2, se sqrt(1 / 3), df 2.
    const GroupExpression expression = of_units({3.0, 5.0, 7.0, 1.0, 1.0, 1.0}, {1.0, 1.0, 1.0, 1.0, 1.0, 1.0}, std::vector<std::int64_t>(12, 50));
    const auto compared = compare_communication(expression, kOnePair, 2, three_against_three(), {}, *context);
    ASSERT_EQ(compared.size(), 1u);
    EXPECT_EQ(compared[0].score_case, 3.0);
    EXPECT_EQ(compared[0].score_control, 1.0);
    EXPECT_DOUBLE_EQ(compared[0].test.effect, 2.0);
    EXPECT_DOUBLE_EQ(compared[0].test.se, std::sqrt(1.0 / 3.0));
    // Student's t with 2 degrees of freedom: p = 1 - t / sqrt(t^2 + 2), t^2 = 12.
    EXPECT_NEAR(compared[0].test.p, 1.0 - std::sqrt(12.0 / 14.0), 1e-9);
    EXPECT_EQ(compared[0].fdr, compared[0].test.p);
    EXPECT_EQ(compared[0].status, "tested");
}

TEST(communication, paired_donors_are_compared_with_themselves) {
    const auto context = test::make_context(1);
    AbundancePlan plan = three_against_three();
    plan.is_paired = true;
    // Differences of the scores: 1, 1, 1.5.
    const GroupExpression expression = of_units({3.0, 5.0, 8.0, 1.0, 3.0, 5.0}, {1.0, 1.0, 1.0, 1.0, 1.0, 1.0}, std::vector<std::int64_t>(12, 50));
    const auto compared = compare_communication(expression, kOnePair, 2, plan, {}, *context);
    ASSERT_EQ(compared.size(), 1u);
    EXPECT_NEAR(compared[0].test.effect, 3.5 / 3.0, 1e-12);
    EXPECT_NEAR(compared[0].test.se, std::sqrt((1.0 / 18.0 + 1.0 / 9.0) / 2.0 / 3.0), 1e-12);
}

TEST(communication, a_donor_with_few_cells_is_left_out_and_two_donors_give_no_fdr) {
    const auto context = test::make_context(1);
    std::vector<std::int64_t> n_cells(12, 50);
    n_cells[1] = 9;  // the receiver's cells of the first case
    const GroupExpression expression = of_units({3.0, 5.0, 7.0, 1.0, 1.2, 1.0}, {1.0, 1.0, 1.0, 1.0, 1.0, 1.0}, n_cells);
    const auto compared = compare_communication(expression, kOnePair, 2, three_against_three(), {}, *context);
    ASSERT_EQ(compared.size(), 1u);
    EXPECT_EQ(compared[0].n_case, 2);
    EXPECT_EQ(compared[0].score_case, 3.5);
    EXPECT_TRUE(compared[0].is_exploratory);
    EXPECT_TRUE(test::contains(compared[0].status, "exploratory: 2 and 3 donors"));
    EXPECT_TRUE(std::isnan(compared[0].fdr));
    EXPECT_FALSE(std::isnan(compared[0].test.p)) << "p stays for ranking";
    for (const std::size_t group : {3u, 5u}) n_cells[group] = 0;
    EXPECT_TRUE(compare_communication(of_units({3.0, 5.0, 7.0, 1.0, 1.2, 1.0}, std::vector<double>(6, 1.0), n_cells), kOnePair, 2, three_against_three(), {}, *context).empty()) << "no case is left";
}

TEST(communication, random_donors_differ_as_often_as_said) {
    const auto context = test::make_context(2);
    // 2,000 pairs of one ligand and one receptor gene, 5 against 5 donors without a difference.
    constexpr std::int64_t n_pairs = 2000;
    constexpr std::int64_t n_units = 10;
    GroupExpression expression{matrix::Dense<double>(2 * n_pairs, 2 * n_units), matrix::Dense<double>(2 * n_pairs, 2 * n_units), std::vector<std::int64_t>(2 * n_units, 50)};
    std::vector<PairGenes> pairs;
    for (std::int64_t pair = 0; pair < n_pairs; ++pair) {
        pairs.push_back({{2 * pair}, {2 * pair + 1}});
        Random random(3, Purpose::test, static_cast<std::uint64_t>(pair), 0);
        for (std::int64_t unit = 0; unit < n_units; ++unit) {
            expression.mean(2 * pair, 2 * unit) = 2.0 + 0.3 * random.normal();
            expression.mean(2 * pair + 1, 2 * unit + 1) = 2.0 + 0.3 * random.normal();
            expression.fraction(2 * pair, 2 * unit) = expression.fraction(2 * pair + 1, 2 * unit + 1) = 1.0;
        }
    }
    AbundancePlan plan;
    plan.case_rows = {0, 1, 2, 3, 4};
    plan.control_rows = {5, 6, 7, 8, 9};
    plan.status = "tested";
    const auto compared = compare_communication(expression, pairs, 2, plan, {}, *context);
    ASSERT_EQ(compared.size(), static_cast<std::size_t>(n_pairs));
    double n_small = 0.0;
    for (const CommunicationContrast& each : compared) n_small += each.test.p <= 0.05;
    EXPECT_NEAR(n_small / n_pairs, 0.05, 2.0 * std::sqrt(0.05 * 0.95 / n_pairs));
}

}  // namespace
}  // namespace morula::analysis
