#include "morula/analysis/lisi.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/analysis/embedding_cases.hpp"

namespace morula::analysis {
namespace {

using cases::Threads;

struct Oracle {
    matrix::Dense<float> cells;
    std::vector<std::int32_t> batch;
    std::vector<double> lisi;
};

/// Written by oracles/lisi.py, which also holds the plain version.
Oracle read_oracle() {
    std::ifstream file(MORULA_SOURCE_DIR "/tests/analysis/fixtures/lisi/lisi.txt");
    std::string comment;
    std::getline(file, comment);
    std::getline(file, comment);
    std::int64_t n_cells = 0;
    std::int64_t n_dims = 0;
    file >> n_cells >> n_dims;
    Oracle oracle{matrix::Dense<float>(n_cells, n_dims), std::vector<std::int32_t>(static_cast<std::size_t>(n_cells)), std::vector<double>(static_cast<std::size_t>(n_cells))};
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        file >> oracle.batch[static_cast<std::size_t>(cell)];
        for (float& x : oracle.cells.row(cell)) file >> x;
        file >> oracle.lisi[static_cast<std::size_t>(cell)];
    }
    EXPECT_TRUE(file.good());
    return oracle;
}

TEST(Lisi, agrees_with_harmonypy) {
    const Oracle oracle = read_oracle();
    Threads two(2);
    const LisiResult result = lisi(oracle.cells.view(), oracle.batch, 3, {}, two.context);
    ASSERT_EQ(result.lisi.size(), oracle.lisi.size());
    for (std::size_t cell = 0; cell < oracle.lisi.size(); ++cell) EXPECT_NEAR(result.lisi[cell], oracle.lisi[cell], 1e-4) << cell;
}

TEST(Lisi, mixed_and_apart_cells_are_told_apart) {
    Threads one(1);
    const matrix::Dense<float> cells = cases::clustered_cells(600, 4, 1, 1.0, 3);
    std::vector<std::int32_t> mixed;
    for (int cell = 0; cell < 600; ++cell) mixed.push_back(cell % 3 == 0 ? 1 : 0);
    const LisiResult both = lisi(cells.view(), mixed, 2, {}, one.context);
    EXPECT_NEAR(both.expected, 1.0 / (4.0 / 9.0 + 1.0 / 9.0), 1e-12);
    EXPECT_NEAR(both.median, both.expected, 0.1);
    matrix::Dense<float> apart = cells;
    for (std::int64_t cell = 0; cell < 600; cell += 3) apart(cell, 0) += 100.0F;
    EXPECT_NEAR(lisi(apart.view(), mixed, 2, {}, one.context).median, 1.0, 1e-9);
}

TEST(Lisi, a_sample_measures_the_same_cells_the_same) {
    const Oracle oracle = read_oracle();
    Threads one(1);
    const LisiResult all = lisi(oracle.cells.view(), oracle.batch, 3, {}, one.context);
    for (const std::int32_t n : {1, 2, 4}) {
        Threads threads(n);
        const LisiResult some = lisi(oracle.cells.view(), oracle.batch, 3, {.max_cells = 50}, threads.context);
        ASSERT_EQ(some.cell.size(), 50u);
        for (std::size_t i = 0; i < some.cell.size(); ++i) EXPECT_EQ(some.lisi[i], all.lisi[static_cast<std::size_t>(some.cell[i])]);
    }
}

TEST(Lisi, few_cells_and_wrong_codes) {
    Threads one(1);
    const matrix::Dense<float> cells = cases::clustered_cells(5, 3, 1, 1.0, 3);
    const std::vector<std::int32_t> groups{0, 1, 0, 1, 0};
    for (const double value : lisi(cells.view(), groups, 2, {}, one.context).lisi) {
        EXPECT_GE(value, 1.0);
        EXPECT_LE(value, 2.0 + 1e-9);
    }
    const std::vector<std::int32_t> wrong{0, 1, 0, 1, -1};
    EXPECT_THROW(lisi(cells.view(), wrong, 2, {}, one.context), Error);
    EXPECT_THROW(lisi(cases::clustered_cells(2, 3, 1, 1.0, 3).view(), std::vector<std::int32_t>{0, 1}, 2, {}, one.context), Error);
}

}  // namespace
}  // namespace morula::analysis
