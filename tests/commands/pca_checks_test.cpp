#include <gtest/gtest.h>

#include <cmath>

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "tests/support/contexts.hpp"

namespace morula::commands {
namespace {

/// Four cells whose first component is a line in log1p(total_counts) and whose second has r = .8 with pct_counts_mt (1, 3, 2, 4 against 1, 2, 3, 4).
data::Dataset four_cells() {
    data::Dataset cells;
    cells.obs = data::Table({"a", "b", "c", "d"});
    cells.obs.set("total_counts", std::vector<double>{9.0, 99.0, 999.0, 99999.0});
    cells.obs.set("pct_counts_mt", std::vector<double>{1.0, 2.0, 3.0, 4.0});
    cells.obs.set("pct_counts_ribo", std::vector<double>{5.0, 5.0, 5.0, 5.0});
    matrix::Dense<float> embedding(4, 2);
    const float first[] = {-2.0f, -4.0f, -6.0f, -10.0f};  // -2 log10(1 + total)
    const float second[] = {1.0f, 3.0f, 2.0f, 4.0f};
    for (std::int64_t cell = 0; cell < 4; ++cell) {
        embedding(cell, 0) = first[cell];
        embedding(cell, 1) = second[cell];
    }
    cells.obsm["X_pca"] = embedding;
    return cells;
}

/// The correlation found between a component (from 1) and what it follows; NaN when none was reported.
double found(const data::Dataset& out, std::int64_t component, const std::string& follows) {
    const data::UnsMap& checks = uns_map(out.uns, "pca_checks");
    const auto& components = uns_integers(checks, "component");
    for (std::size_t i = 0; i < components.size(); ++i) {
        if (components[i] == component && uns_texts(checks, "follows")[i] == follows) return uns_numbers(checks, "r")[i];
    }
    return std::nan("");
}

TEST(pca_checks, correlations_are_those_by_hand_and_weak_ones_are_not_told) {
    const auto context = test::make_context(1);
    const data::Dataset out = pca_checks_slots(four_cells(), *context);
    EXPECT_NEAR(found(out, 1, "the depth of cells"), -1.0, 1e-12);
    EXPECT_NEAR(found(out, 2, "mitochondrial RNA"), 0.8, 1e-12);
    EXPECT_NEAR(found(out, 1, "mitochondrial RNA"), -26.0 / std::sqrt(35.0 * 20.0), 1e-12);  // deviations 3.5 1.5 -.5 -4.5 and -1.5 -.5 .5 1.5
    EXPECT_TRUE(std::isnan(found(out, 1, "ribosomal RNA"))) << "a constant follows nothing";
    EXPECT_TRUE(std::isnan(found(out, 2, "the cell cycle (S)"))) << "there is no such column";
}

TEST(pca_checks, cells_without_a_score_take_no_part) {
    data::Dataset cells = four_cells();
    cells.obs.set("S_score", std::vector<float>{1.0f, std::nanf(""), 2.0f, 4.0f});  // against 1, 2, 4 of the second component: r = 1
    const auto context = test::make_context(1);
    EXPECT_NEAR(found(pca_checks_slots(cells, *context), 2, "the cell cycle (S)"), 1.0, 1e-12);
    cells.obs.set("S_score", std::vector<float>(4, std::nanf("")));
    EXPECT_TRUE(std::isnan(found(pca_checks_slots(cells, *context), 2, "the cell cycle (S)")));
}

TEST(pca_checks, the_same_bits_for_any_threads) {
    const auto r = [](Context& context) { return uns_numbers(uns_map(pca_checks_slots(four_cells(), context).uns, "pca_checks"), "r"); };
    EXPECT_FALSE(test::same_at_1_2_4_threads(r, [](const auto& a, const auto& b) { return test::same_bits(a, b); }).empty());
}

}  // namespace
}  // namespace morula::commands
