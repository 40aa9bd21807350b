#include "morula/analysis/cnv_picture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/analysis/cnv_cases.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

/// 120 normal cells as the reference, 80 cells without arm 2p, 40 normal ones of the same donor, 15 of another and 5 of a third.
struct Patient {
    CnvGenome genome = cnv_cases::genome(8, 60);
    matrix::Csr csr;
    std::vector<CnvRole> role;
    std::vector<std::int32_t> donor;
    CnvOptions options{.genes = {}, .windows = {.window = 31}, .clones = {}, .calls = {}};
    Patient() {
        const std::vector<double> rate = cnv_cases::rates(genome.n_genes(), 1, 0.5);
        cnv_cases::add_cells(csr, rate, 120, 2500.0, cnv_cases::normal_copies, 1);
        cnv_cases::add_cells(csr, rate, 80, 2500.0, cnv_cases::with_arm(genome, 2, 1.0), 2);
        cnv_cases::add_cells(csr, rate, 60, 2500.0, cnv_cases::normal_copies, 3);
        for (int cell = 0; cell < 260; ++cell) {
            role.push_back(cell < 120 ? CnvRole::reference : CnvRole::query);
            donor.push_back(cell < 240 ? 0 : cell < 255 ? 1 : 2);
        }
    }
    CnvPicture draw(const matrix::RowBlockSource& counts, Context& context) const {
        const CnvInput input{counts, genome, role, donor};
        return cnv_picture(input, cnv(input, options, context), options, context);
    }
};

std::vector<double> bits_of(const CnvPicture& picture) {
    std::vector<double> out = picture.pooled.values;
    out.insert(out.end(), picture.arm_log10_p.values.begin(), picture.arm_log10_p.values.end());
    for (const std::int64_t cell : picture.cells) out.push_back(static_cast<double>(cell));
    for (const float value : picture.cell_windows.values) out.push_back(static_cast<double>(value));
    return out;
}

TEST(cnv_picture, shows_the_lost_arm_of_the_clone_and_none_in_the_others) {
    const Patient patient;
    const matrix::Matrix counts = matrix::make_view_source(patient.csr.view());
    const CnvPicture picture = patient.draw(*counts, *test::make_context(2));
    ASSERT_EQ(picture.groups.size(), 3U) << "five cells of the third donor are too few for a row";
    EXPECT_EQ(picture.groups[0].clone, 0);
    EXPECT_EQ(picture.groups[1].clone, -1);
    EXPECT_EQ(picture.groups[1].donor, 0);
    EXPECT_EQ(picture.groups[2].donor, 1);
    EXPECT_EQ(picture.groups[2].n_cells, 15);
    EXPECT_EQ(picture.n_windows(), picture.pooled.n_cols);
    EXPECT_GE(picture.n_windows(), 100);
    EXPECT_TRUE(std::is_sorted(picture.chromosome.begin(), picture.chromosome.end()));
    EXPECT_LT(picture.arm_mean(0, 2), -0.8);
    EXPECT_LT(picture.arm_log10_p(0, 2), -10.0);
    EXPECT_NEAR(picture.arm_mean(1, 2), 0.0, 0.2);
    EXPECT_GT(picture.arm_log10_p(1, 2), -4.0);
    int n_lost = 0;
    for (std::int64_t w = 0; w < picture.n_windows(); ++w) {
        const bool in_arm = picture.arm[static_cast<std::size_t>(w)] == 2;
        EXPECT_EQ(picture.called(0, w), in_arm ? -1.0 : 0.0) << w;
        EXPECT_EQ(picture.called(1, w), 0.0);
        n_lost += in_arm;
        EXPECT_LT(picture.start[static_cast<std::size_t>(w)], picture.end[static_cast<std::size_t>(w)]);
    }
    EXPECT_GT(n_lost, 3);
}

TEST(cnv_picture, draws_as_many_cells_of_each_group_each_once) {
    const Patient patient;
    const matrix::Matrix counts = matrix::make_view_source(patient.csr.view());
    const CnvPicture picture = patient.draw(*counts, *test::make_context(2));
    EXPECT_EQ(std::set<std::int64_t>(picture.cells.begin(), picture.cells.end()).size(), picture.cells.size());
    EXPECT_EQ(picture.cells.size(), 37U + 37U + 15U + 37U) << "150 over four lists, of which one has 15";
    double lost = 0.0, kept = 0.0;
    int n = 0;
    for (std::size_t i = 0; i < picture.cells.size(); ++i) {
        const bool is_reference = patient.role[static_cast<std::size_t>(picture.cells[i])] == CnvRole::reference;
        EXPECT_EQ(picture.cell_group[i] < 0, is_reference);
        if (picture.cell_group[i] != 0 && !is_reference) continue;
        n += is_reference ? 0 : 1;
        for (std::int64_t w = 0; w < picture.n_windows(); ++w) {
            if (picture.arm[static_cast<std::size_t>(w)] == 2) (is_reference ? kept : lost) += static_cast<double>(picture.cell_windows(static_cast<std::int64_t>(i), w));
        }
    }
    EXPECT_LT(lost / n, kept / 37.0 - 0.5) << "the arm is lost in the clone's cells, not in the reference's";
}

TEST(cnv_picture, same_bits_for_any_threads_and_seven_row_reads_and_groups_without_clones) {
    const Patient patient;
    const matrix::Matrix counts = matrix::make_view_source(patient.csr.view());
    const auto whole = test::same_at_1_2_4_threads([&](Context& context) { return bits_of(patient.draw(*counts, context)); }, test::same_bits<double>);
    EXPECT_TRUE(test::same_bits(whole, bits_of(patient.draw(*test::read_seven_rows(counts), *test::make_context(2)))));
    Patient healthy;
    std::fill(healthy.role.begin() + 120, healthy.role.begin() + 200, CnvRole::none);
    const CnvPicture picture = healthy.draw(*counts, *test::make_context(2));
    ASSERT_EQ(picture.groups.size(), 2U);
    EXPECT_EQ(picture.groups[0].clone, -1);
    EXPECT_EQ(std::count(picture.called.values.begin(), picture.called.values.end(), 0.0), std::ssize(picture.called.values));
}

}  // namespace
}  // namespace morula::analysis
