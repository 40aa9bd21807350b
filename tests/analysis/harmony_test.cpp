#include "morula/analysis/harmony.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>

#include "morula/analysis/harmony_simd.hpp"
#include "morula/analysis/neighbors.hpp"
#include "morula/core/error.hpp"
#include "tests/analysis/embedding_cases.hpp"

namespace morula::analysis {
namespace {

using cases::Threads;
using cases::view_of;

/// Made-up cells and what harmonypy made of them (oracles/harmony.py).
struct Oracle {
    std::vector<std::int32_t> type;
    std::vector<std::int32_t> batch;
    std::vector<std::int32_t> donor;
    matrix::Dense<float> cells;
    matrix::Dense<float> by_batch;
    matrix::Dense<float> by_batch_lambda_one;
    matrix::Dense<float> by_both;

    BatchVariable batches() const { return {"batch", batch, 3}; }
    BatchVariable donors() const { return {"donor", donor, 2}; }
};

Oracle read_oracle() {
    std::ifstream file(MORULA_SOURCE_DIR "/tests/analysis/fixtures/harmony/corrected.txt");
    std::string comment;
    std::getline(file, comment);
    std::getline(file, comment);
    std::int64_t n_cells = 0;
    std::int64_t n_dims = 0;
    file >> n_cells >> n_dims;
    Oracle oracle;
    for (auto* codes : {&oracle.type, &oracle.batch, &oracle.donor}) codes->resize(static_cast<std::size_t>(n_cells));
    for (auto* values : {&oracle.cells, &oracle.by_batch, &oracle.by_batch_lambda_one, &oracle.by_both}) *values = matrix::Dense<float>(n_cells, n_dims);
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        const auto i = static_cast<std::size_t>(cell);
        file >> oracle.type[i] >> oracle.batch[i] >> oracle.donor[i];
        for (auto* values : {&oracle.cells, &oracle.by_batch, &oracle.by_batch_lambda_one, &oracle.by_both}) {
            for (float& x : values->row(cell)) file >> x;
        }
    }
    EXPECT_TRUE(file.good());
    return oracle;
}

/// |a - b| / |a - from|: the difference between two corrections as a share of the correction.
double difference_of_corrections(const matrix::Dense<float>& a, const matrix::Dense<float>& b, const matrix::Dense<float>& from) {
    double difference = 0.0;
    double correction = 0.0;
    for (std::size_t i = 0; i < a.values.size(); ++i) {
        difference += std::pow(static_cast<double>(a.values[i]) - static_cast<double>(b.values[i]), 2.0);
        correction += std::pow(static_cast<double>(a.values[i]) - static_cast<double>(from.values[i]), 2.0);
    }
    return std::sqrt(difference / correction);
}

/// Share of the 14 nearest cells that carry the same label, averaged over cells.
double purity(const matrix::Dense<float>& cells, const std::vector<std::int32_t>& label, Context& context) {
    const NeighborsResult near = neighbors(cells.view(), {}, context);
    std::int64_t same = 0;
    for (std::int64_t cell = 0; cell < cells.n_rows; ++cell) {
        for (const std::uint32_t other : near.index.row(cell)) same += label[other] == label[static_cast<std::size_t>(cell)] ? 1 : 0;
    }
    return static_cast<double>(same) / static_cast<double>(14 * cells.n_rows);
}

TEST(Harmony, is_close_to_harmonypy) {
    Threads two(2);
    const Oracle oracle = read_oracle();
    const std::vector<BatchVariable> batch{oracle.batches()};
    const std::vector<BatchVariable> both{oracle.batches(), oracle.donors()};
    // Two seeds of harmonypy 2.1 itself differ by 0.019 of the correction on these cells.
    EXPECT_LT(difference_of_corrections(oracle.by_batch, harmony(oracle.cells.view(), batch, {}, two.context).embedding, oracle.cells), 0.03);
    EXPECT_LT(difference_of_corrections(oracle.by_batch_lambda_one, harmony(oracle.cells.view(), batch, {.lambda = 1.0}, two.context).embedding, oracle.cells), 0.1);
    EXPECT_LT(difference_of_corrections(oracle.by_both, harmony(oracle.cells.view(), both, {}, two.context).embedding, oracle.cells), 0.1);
}

TEST(Harmony, mixes_batches_and_keeps_types_apart) {
    Threads two(2);
    const Oracle oracle = read_oracle();
    const std::vector<BatchVariable> batch{oracle.batches()};
    const HarmonyResult ours = harmony(oracle.cells.view(), batch, {}, two.context);
    EXPECT_GT(purity(oracle.cells, oracle.batch, two.context), 0.85) << "the test needs a batch effect";
    EXPECT_LT(purity(ours.embedding, oracle.batch, two.context), purity(oracle.by_batch, oracle.batch, two.context) + 0.03);
    EXPECT_GT(purity(ours.embedding, oracle.type, two.context), purity(oracle.by_batch, oracle.type, two.context) - 0.01);
    EXPECT_TRUE(ours.converged);
    ASSERT_EQ(ours.objective.size(), static_cast<std::size_t>(ours.iterations) + 1);
    EXPECT_LT(ours.objective.back(), ours.objective.front());
}

TEST(Harmony, one_variable_in_closed_form_agrees_with_the_general_solution) {
    Threads one(1);
    const Oracle oracle = read_oracle();
    // The same variable twice shares each effect in halves, so that a penalty of 2 on both is a penalty of 1 on their sum. With theta 0 clusters are equal too.
    const std::vector<BatchVariable> once{oracle.batches()};
    const std::vector<BatchVariable> twice{oracle.batches(), oracle.batches()};
    const HarmonyResult a = harmony(oracle.cells.view(), once, {.theta = 0.0, .lambda = 1.0, .max_iterations = 3}, one.context);
    const HarmonyResult b = harmony(oracle.cells.view(), twice, {.theta = 0.0, .lambda = 2.0, .max_iterations = 3}, one.context);
    EXPECT_LT(difference_of_corrections(a.embedding, b.embedding, oracle.cells), 1e-4);
}

TEST(Harmony, an_infinite_penalty_moves_nothing) {
    Threads one(1);
    const Oracle oracle = read_oracle();
    const std::vector<BatchVariable> batch{oracle.batches()};
    const HarmonyResult ours = harmony(oracle.cells.view(), batch, {.lambda = 1e6}, one.context);
    for (std::size_t i = 0; i < oracle.cells.values.size(); ++i) ASSERT_NEAR(ours.embedding.values[i], oracle.cells.values[i], 2e-2F);
    EXPECT_EQ(harmony(oracle.cells.view(), batch, {.max_iterations = 0}, one.context).embedding.values, oracle.cells.values);
}

TEST(Harmony, a_constant_shift_between_batches_is_taken_out) {
    Threads one(1);
    matrix::Dense<float> cells = cases::clustered_cells(900, 5, 3, 6.0, 1);
    std::vector<std::int32_t> batch(900);
    std::vector<std::int32_t> type(900);
    for (std::int64_t cell = 0; cell < 900; ++cell) {
        batch[static_cast<std::size_t>(cell)] = static_cast<std::int32_t>(cell / 3 % 2);
        type[static_cast<std::size_t>(cell)] = static_cast<std::int32_t>(cell % 3);
        if (batch[static_cast<std::size_t>(cell)] == 1) cells(cell, 0) += 4.0F;
    }
    EXPECT_GT(purity(cells, batch, one.context), 0.9);
    const std::vector<BatchVariable> batches{{"batch", batch, 2}};
    const HarmonyResult ours = harmony(view_of(cells), batches, {}, one.context);
    EXPECT_LT(purity(ours.embedding, batch, one.context), 0.56);
    EXPECT_GT(purity(ours.embedding, type, one.context), 0.98);
}

TEST(Harmony, same_bits_for_one_two_and_four_threads) {
    const matrix::Dense<float> cells = cases::clustered_cells(5000, 12, 6, 3.0, 2);
    std::vector<std::int32_t> batch(5000);
    std::vector<std::int32_t> donor(5000);
    for (std::size_t cell = 0; cell < batch.size(); ++cell) {
        batch[cell] = static_cast<std::int32_t>(cell % 7 % 3);
        donor[cell] = static_cast<std::int32_t>(cell % 4);
    }
    const std::vector<BatchVariable> both{{"batch", batch, 3}, {"donor", donor, 4}};
    for (std::size_t n_variables : {1UL, 2UL}) {
        const auto batches = std::span(both).first(n_variables);
        Threads one(1);
        const HarmonyResult first = harmony(cells.view(), batches, {.max_iterations = 2}, one.context);
        for (const std::int32_t n : {2, 4}) {
            Threads many(n);
            const HarmonyResult again = harmony(cells.view(), batches, {.max_iterations = 2}, many.context);
            EXPECT_EQ(first.embedding.values, again.embedding.values);
            EXPECT_EQ(first.objective, again.objective);
        }
    }
}

TEST(Harmony, says_what_is_wrong_with_the_batches) {
    Threads one(1);
    const matrix::Dense<float> cells = cases::clustered_cells(60, 3, 2, 2.0, 3);
    const auto message_of = [&](const std::vector<std::int32_t>& codes, std::int32_t n_levels) -> std::string {
        const std::vector<BatchVariable> batches{{"lane", codes, n_levels}};
        try {
            harmony(cells.view(), batches, {}, one.context);
        } catch (const Error& error) {
            EXPECT_FALSE(error.next().empty());
            return error.message();
        }
        return "no error";
    };
    EXPECT_EQ(message_of(std::vector<std::int32_t>(60, 1), 2), "All cells have the same batch in column 'lane'.");
    std::vector<std::int32_t> codes(60, 0);
    codes[5] = 1;
    EXPECT_EQ(message_of(codes, 2), "no error");
    EXPECT_EQ(message_of(codes, 9), "no error") << "levels without cells are left out";
    codes[7] = -1;
    EXPECT_EQ(message_of(codes, 2), "Cell 7 (counted from 0) has no batch in column 'lane'.");
    EXPECT_THROW(harmony(cells.view(), {}, {}, one.context), Error);
}

TEST(Harmony, cells_at_the_origin_and_few_cells_do_no_harm) {
    Threads one(1);
    matrix::Dense<float> cells = cases::clustered_cells(5, 3, 2, 2.0, 3);
    for (float& x : cells.row(2)) x = 0.0F;
    const std::vector<std::int32_t> codes{0, 1, 0, 1, 0};
    const std::vector<BatchVariable> batches{{"batch", codes, 2}};
    for (const float x : harmony(view_of(cells), batches, {}, one.context).embedding.values) EXPECT_TRUE(std::isfinite(x));
}

TEST(HarmonyKernel, simd_agrees_with_plain) {
    for (const std::size_t n : {1UL, 7UL, 8UL, 33UL, 100UL}) {
        Random random(n, Purpose::test, 0, 0);
        std::vector<float> scores(n);
        std::vector<float> penalty(n);
        for (float& x : scores) x = static_cast<float>(20.0 * random.normal());
        for (float& x : penalty) x = static_cast<float>(-3.0 * random.uniform());
        std::vector<float> plain = scores;
        const double sum = harmony_detail::soft_memberships(penalty, scores);
        EXPECT_NEAR(sum, harmony_detail::soft_memberships_plain(penalty, plain), 1e-5);
        float total = 0.0F;
        for (std::size_t k = 0; k < n; ++k) {
            EXPECT_NEAR(scores[k], plain[k], 1e-6F);
            total += scores[k];
        }
        EXPECT_NEAR(total, 1.0F, 1e-5F);
    }
}

}  // namespace
}  // namespace morula::analysis
