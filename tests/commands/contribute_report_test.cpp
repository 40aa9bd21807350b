#include "morula/commands/contribute_report.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace morula::commands {
namespace {

TEST(ContributionStory, holds_each_row_under_its_readout_with_names) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    simulation::ContributionTable table;
    table.title = "an islet";
    table.types = {"beta", "alpha"};
    table.readouts = {"insulin.flux", "insulin.net"};
    table.units = {"amount/min", "amount/min"};
    table.intact_mean = {12.0, 11.0};
    table.rates = {"uptake"};
    table.options.seeds = 4;
    table.options.draws = 100;
    using simulation::Intervention;
    table.rows = {{0, 0, Intervention::inert, 10.0, 4.0, 17.0, 9.5, 10.5, 9.0, 0.4, 4, 100}, {1, 0, Intervention::inert, -2.0, -6.0, 1.0, -2.2, -1.8, kNone, kNone, 4, 99}, {0, 1, Intervention::inert, 8.0, 3.0, 9.0, 7.0, 9.0, 7.5, 0.2, 3, 98}};
    table.written_in = {1, 0, 0};
    table.drivers = {{simulation::RateShare::kAllIntact, 0, Intervention::inert, 0, 0.9, 0.1}, {1, 1, Intervention::inert, 0, 0.3, 0.1}};
    Scenario scenario;
    scenario.hash = "abc";
    scenario.rates = {{.name = "uptake", .value = 1.0, .unit = "1/min", .source = Evidence::guessed, .prior = std::array{0.1, 10.0}, .line = 3}};
    const report::ContributionStory story = contribution_story(scenario, table, {"morula contribute islet.toml --out islet", {"a warning"}, 48, 2.0, 1e6});
    ASSERT_EQ(story.readouts.size(), 2U);
    ASSERT_EQ(story.readouts[0].rows.size(), 2U);
    ASSERT_EQ(story.readouts[1].rows.size(), 1U);
    EXPECT_EQ(story.readouts[0].rows[1].type, "alpha");
    EXPECT_EQ(story.readouts[0].rows[1].high, 1.0);
    EXPECT_EQ(story.readouts[0].rows[1].n_draws, 99);
    EXPECT_TRUE(story.readouts[0].rows[0].is_written_in);
    EXPECT_FALSE(story.readouts[0].rows[1].is_written_in);
    EXPECT_EQ(story.readouts[1].rows[0].seed_low, 7.0);
    EXPECT_EQ(story.readouts[1].rows[0].intervention, "inert");
    EXPECT_EQ(story.readouts[0].drivers[0].type, "") << "of the read-out itself";
    EXPECT_EQ(story.readouts[1].drivers[0].type, "alpha");
    EXPECT_EQ(story.readouts[1].drivers[0].rate, "uptake");
    EXPECT_EQ(story.interventions[0].name, "inert");
    EXPECT_EQ(story.rates[0].prior_high, 10.0);
    EXPECT_EQ(story.notes, (std::vector<std::string>{"a warning"}));
}

}  // namespace
}  // namespace morula::commands
