#include "morula/simulation/line_sweep_simd.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation::line_sweep {
namespace {

std::vector<double> random_values(std::int64_t n, std::uint64_t item) {
    Random random(2, Purpose::test, item, 0);
    std::vector<double> values(static_cast<std::size_t>(n));
    for (double& value : values) value = random.uniform();
    return values;
}

TEST(line_sweep, lines_with_and_without_a_mask_give_the_same_bits) {
    const std::int64_t n = 13, lines = 40;
    std::vector<std::uint8_t> fixed(static_cast<std::size_t>(n), 0);
    fixed[0] = fixed[5] = fixed[6] = 1;
    const std::vector<double> start = random_values(n * lines, 1);
    std::vector<double> is_free(start.size());
    for (std::int64_t i = 0; i < n; ++i) std::fill_n(is_free.begin() + i * lines, lines, fixed[static_cast<std::size_t>(i)] != 0 ? 0.0 : 1.0);
    std::vector<double> scratch(static_cast<std::size_t>(scratch_size(n)), std::nan(""));
    std::vector<double> shared = start;
    solve_lines(line_factors(0.7, 0.02, fixed), shared.data(), lines, lines, scratch.data());
    std::vector<double> masked = start;
    solve_masked_lines(0.7, 0.02, n, is_free.data(), masked.data(), lines, lines, scratch.data());
    EXPECT_TRUE(test::same_bits(shared, masked));
    // The rows of the system hold: c_i (1 + loss + coupling * neighbours) - coupling * their values = what stood there before.
    for (std::int64_t i = 0; i < n; ++i) {
        const auto at = [&](std::int64_t k) { return shared[static_cast<std::size_t>(k * lines + 17)]; };
        double left = at(i);
        if (fixed[static_cast<std::size_t>(i)] == 0) {
            left += 0.02 * at(i) + 0.7 * ((i > 0 ? at(i) - at(i - 1) : 0.0) + (i + 1 < n ? at(i) - at(i + 1) : 0.0));
        }
        EXPECT_NEAR(left, start[static_cast<std::size_t>(i * lines + 17)], 1e-14);
    }
}

TEST(line_sweep, a_line_of_one_voxel_only_loses) {
    std::vector<double> values(kLines, 2.0), scratch(static_cast<std::size_t>(scratch_size(1)));
    solve_lines(line_factors(5.0, 0.25, std::vector<std::uint8_t>{0}), values.data(), kLines, kLines, scratch.data());
    for (const double value : values) EXPECT_DOUBLE_EQ(value, 1.6);
}

TEST(line_sweep, gathering_turns_lines_and_scattering_turns_them_back) {
    for (const std::int64_t n : {1, 2, 7, 8}) {
        for (const std::int64_t n_rows : {1, 5, 8}) {
            const std::int64_t step = 16, lines = 8;
            const std::vector<double> rows = random_values(step * n_rows, static_cast<std::uint64_t>(10 * n + n_rows));
            std::vector<double> turned(static_cast<std::size_t>(n * lines), -1.0);
            gather_lines(rows.data(), step, n_rows, n, lines, turned.data());
            for (std::int64_t l = 0; l < lines; ++l) {
                for (std::int64_t i = 0; i < n; ++i) EXPECT_EQ(turned[static_cast<std::size_t>(i * lines + l)], l < n_rows ? rows[static_cast<std::size_t>(l * step + i)] : 0.0);
            }
            std::vector<double> back(rows.size(), -1.0);
            scatter_lines(turned.data(), lines, n, n_rows, back.data(), step);
            for (std::int64_t l = 0; l < n_rows; ++l) {
                for (std::int64_t i = 0; i < step; ++i) EXPECT_EQ(back[static_cast<std::size_t>(l * step + i)], i < n ? rows[static_cast<std::size_t>(l * step + i)] : -1.0);
            }
        }
    }
}

}  // namespace
}  // namespace morula::simulation::line_sweep
