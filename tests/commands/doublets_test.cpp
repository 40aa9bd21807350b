// Doublet scores of measured cells whose doublets are known by antibody marks.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "morula/analysis/doublets.hpp"
#include "morula/commands/comparison_cells.hpp"
#include "morula/commands/input.hpp"
#include "morula/commands/slots.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/real_data.hpp"

namespace morula::commands {
namespace {

struct Ranking {
    double auroc = 0.0;
    double average_precision = 0.0;  // sum of precision x gain in recall over the distinct scores, from the highest on
};

Ranking ranking_of(const std::vector<float>& score, const std::vector<bool>& truth) {
    std::vector<std::pair<float, bool>> cells;
    for (std::size_t cell = 0; cell < score.size(); ++cell) cells.emplace_back(score[cell], truth[cell]);
    std::sort(cells.begin(), cells.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    const double n_true = static_cast<double>(std::count(truth.begin(), truth.end(), true)), n_false = static_cast<double>(truth.size()) - n_true;
    Ranking out;
    double trues = 0.0, falses = 0.0;
    for (std::size_t i = 0; i < cells.size();) {
        double more_true = 0.0, more_false = 0.0;
        for (const float at = cells[i].first; i < cells.size() && cells[i].first == at; ++i) (cells[i].second ? more_true : more_false) += 1.0;
        out.auroc += more_false * (trues + 0.5 * more_true) / (n_true * n_false);
        trues += more_true;
        falses += more_false;
        out.average_precision += more_true / n_true * trues / (trues + falses);
    }
    return out;
}

TEST(doublets_command, ranking_by_hand) {
    // From the highest: true, false, true, false. 3 of 4 pairs are in order; precision 1 and 2/3 at the two true ones.
    const Ranking found = ranking_of({0.9F, 0.8F, 0.7F, 0.1F}, {true, false, true, false});
    EXPECT_DOUBLE_EQ(found.auroc, 0.75);
    EXPECT_DOUBLE_EQ(found.average_precision, 0.5 * (1.0 + 2.0 / 3.0));
    EXPECT_DOUBLE_EQ(ranking_of({0.5F, 0.5F}, {true, false}).auroc, 0.5);
}

/// 1,917 droplets of four cell lines, 216 with two marks. The bars are what Scrublet had on record; scripts/bench --doublets runs both.
TEST(doublets_command, hashed_cell_lines_are_ranked_no_worse_than_by_scrublet) {
    MORULA_REAL_DATA(path, "cell-hashing/hashing_cell_lines_2000.h5ad");
    const auto context = test::make_context(2);
    const data::Dataset cells = with_counts(std::move(open_datasets(path, formats::TextOrientation::automatic, *context).front()), "", *context);
    const data::Categorical mark = groups_with_gaps(cells, "doublet_true_labels");
    std::vector<std::int64_t> marked;
    std::vector<bool> is_doublet;
    for (std::size_t cell = 0; cell < mark.codes.size(); ++cell) {
        const std::string& name = mark.categories.at(static_cast<std::size_t>(mark.codes[cell]));
        if (name == "Negative") continue;
        marked.push_back(static_cast<std::int64_t>(cell));
        is_doublet.push_back(name == "Doublet");
    }
    ASSERT_EQ(marked.size(), 1917U);
    ASSERT_EQ(std::count(is_doublet.begin(), is_doublet.end(), true), 216);
    const matrix::Matrix counts = matrix::select_rows(require_counts(cells), marked);
    constexpr int kSeeds = 3;
    Ranking mean;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const Ranking each = ranking_of(analysis::doublets(*counts, std::vector<std::int32_t>(marked.size(), 0), 1, {.seed = seed}, *context).score, is_doublet);
        mean.auroc += each.auroc / kSeeds;
        mean.average_precision += each.average_precision / kSeeds;
    }
    fmt::print("hashed cell lines: AUROC {:.3f}, average precision {:.3f}\n", mean.auroc, mean.average_precision);
    EXPECT_GE(mean.auroc, 0.618);
    EXPECT_GE(mean.average_precision, 0.332);
}

}  // namespace
}  // namespace morula::commands
