#include "morula/simulation/voxel_sums.hpp"

#include <gtest/gtest.h>

#include <map>

#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"

namespace morula::simulation {
namespace {

Agents crowd(const Grid& grid, std::int64_t n) {
    Agents agents;
    for (std::int64_t i = 0; i < n; ++i) {
        Random random(8, Purpose::test, static_cast<std::uint64_t>(i), 1);
        const auto along = [&](std::size_t axis) { return grid.origin_um[axis] + random.uniform() * grid.size_um(static_cast<int>(axis)); };
        const double x = along(0), y = along(1), z = along(2);
        add_agent(agents, first_id(i), 0, {x, y, z}, 5.0F);
    }
    return agents;
}

/// Some rates that differ from agent to agent and substance to substance.
AgentRates rates_by_id(const Agents& agents) {
    return [&agents](std::int32_t substance, std::int64_t begin, std::span<float> secretion, std::span<float> clearance) {
        for (std::size_t k = 0; k < secretion.size(); ++k) {
            const std::uint64_t id = agents.id[static_cast<std::size_t>(begin) + k];
            secretion[k] = static_cast<float>(id % 1000) + static_cast<float>(substance);
            clearance[k] = static_cast<float>(id / 1000 % 1000);
        }
    };
}

TEST(voxel_sums, are_the_sums_over_the_agents_of_each_voxel) {
    const auto context = test::make_context(2);
    for (const std::int64_t n : {0, 1, 70'000}) {
        const Grid grid{.n = {11, 6, 7}, .voxel_um = 12.0, .origin_um = {-5.0, 3.0, 0.0}};
        const Agents agents = crowd(grid, n);
        std::map<std::int64_t, std::array<double, 2>> expected;
        for (std::size_t i = 0; i < agents.id.size(); ++i) {
            auto& voxel = expected[grid.place(nearest_voxel(grid, 0, agents.x[i]), nearest_voxel(grid, 1, agents.y[i]), nearest_voxel(grid, 2, agents.z[i]))];
            voxel[0] += static_cast<double>(agents.id[i] % 1000 + 3);
            voxel[1] += static_cast<double>(agents.id[i] / 1000 % 1000);
        }
        Workspace workspace;
        // Twice: what is left of the first call must not show.
        add_up_voxels(grid, crowd(grid, 500), std::vector<std::int32_t>{0, 1, 2}, rates_by_id(agents.size() >= 500 ? agents : crowd(grid, 500)), workspace, *context);
        const std::vector<std::int32_t> substances{1, 3};
        const std::vector<VoxelRates> rates = add_up_voxels(grid, agents, substances, rates_by_id(agents), workspace, *context);
        ASSERT_EQ(rates.size(), 2U);
        ASSERT_EQ(std::ssize(rates[1].source), grid.n_stored());
        for (std::int64_t place = 0; place < grid.n_stored(); ++place) {
            const auto v = static_cast<std::size_t>(place);
            const std::array<double, 2> here = expected.count(place) != 0 ? expected[place] : std::array<double, 2>{};
            // Whole numbers: sums are exact, and only the division by the volume rounds.
            EXPECT_NEAR(rates[1].source[v] * grid.voxel_volume_um3(), here[0], 1e-12 * here[0]);
            EXPECT_NEAR(rates[1].sink[v] * grid.voxel_volume_um3(), here[1], 1e-12 * here[1]);
        }
    }
}

TEST(voxel_sums, have_the_same_bits_with_any_number_of_threads) {
    const Grid grid{.n = {40, 41, 1}, .voxel_um = 10.0};
    const Agents agents = crowd(grid, 100'000);
    test::same_at_threads({2, 8},
        [&](Context& context) {
            Workspace workspace;
            const auto rates = [&](std::int32_t, std::int64_t begin, std::span<float> secretion, std::span<float> clearance) {
                for (std::size_t k = 0; k < secretion.size(); ++k) {
                    secretion[k] = static_cast<float>(1.0 / (1.0 + agents.x[static_cast<std::size_t>(begin) + k]));
                    clearance[k] = static_cast<float>(1.0 / (3.0 + agents.y[static_cast<std::size_t>(begin) + k]));
                }
            };
            const VoxelRates sum = add_up_voxels(grid, agents, std::vector<std::int32_t>{0}, rates, workspace, context)[0];
            std::vector<double> all(sum.source.begin(), sum.source.end());
            all.insert(all.end(), sum.sink.begin(), sum.sink.end());
            return all;
        },
        [](const std::vector<double>& a, const std::vector<double>& b) { return test::same_bits(a, b); });
}

TEST(voxel_sums, ask_for_memory_first) {
    Context context({.threads = 1, .memory_bytes = 100'000, .events = nullptr, .cancel = nullptr});
    const Grid grid{.n = {50, 50, 50}};
    Workspace workspace;
    EXPECT_EQ(test::error_code([&] { add_up_voxels(grid, {}, std::vector<std::int32_t>{0}, {}, workspace, context); }), ErrorCode::resource_limit);
}

}  // namespace
}  // namespace morula::simulation
