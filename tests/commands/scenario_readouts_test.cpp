#include "tests/commands/scenario_test.hpp"

#include <algorithm>
#include <cmath>

namespace morula::commands {
namespace {

const std::string kReadouts = R"(
[[readout]]
name = "oxygenation"
kind = "oxygenation"
substance = "oxygen"
cell_types = ["tumor"]
center_um = [100, 100, 100]
radius_um = 50

[[readout]]
name = "wall"
kind = "barrier"
substance = "oxygen"
axis = "x"
from_um = [90, 0, 0]
to_um = [110, 200, 200]
cell_permeability = { value = 6, unit = "um/h", source = "guessed", prior = [1, 20] }

[[readout]]
name = "lung"
kind = "exchange"
substance = "oxygen"
cell_types = ["tumor"]
vessel_types = ["T cell"]
vessel_from_um = [0, 0, 0]
vessel_to_um = [10, 200, 200]

[[readout]]
name = "killing"
kind = "clearance"
substance = "oxygen"
cell_types = ["T cell"]
targets = ["tumor"]

[[readout]]
name = "body"
kind = "extent"
cell_types = ["tumor"]
)";

TEST_F(ScenarioTest, readouts_are_read) {
    const Scenario scenario = read(kScenario + kReadouts);
    using simulation::ReadoutKind;
    ASSERT_EQ(scenario.readouts.size(), 5U);
    EXPECT_EQ(scenario.readouts[0].types, std::vector<std::uint16_t>{0});
    EXPECT_EQ(scenario.readouts[0].threshold, 10.0);
    EXPECT_TRUE(scenario.readouts[0].region->contains({100.0, 149.0, 100.0}));
    EXPECT_FALSE(scenario.readouts[0].region->contains({100.0, 149.0, 120.0}));
    EXPECT_EQ(scenario.readouts[1].kind, ReadoutKind::barrier);
    EXPECT_EQ(scenario.readouts[1].axis, 0);
    EXPECT_DOUBLE_EQ(scenario.readouts[1].cell_permeability_um_per_min, 0.1);
    EXPECT_EQ(scenario.rates.back().name, "readout 'wall', cell_permeability");
    EXPECT_EQ(scenario.readouts[2].others, std::vector<std::uint16_t>{1});
    EXPECT_EQ(scenario.readouts[2].other_region->to_um[0], 10.0);
    EXPECT_FALSE(scenario.readouts[2].region.has_value());
    EXPECT_EQ(scenario.readouts[3].kind, ReadoutKind::clearance);
    EXPECT_EQ(scenario.readouts[4].kind, ReadoutKind::extent);
    EXPECT_EQ(scenario.readouts[4].types, std::vector<std::uint16_t>{0});
}

TEST_F(ScenarioTest, readouts_say_on_which_line_they_are_wrong) {
    const auto with_readout = [&](std::string_view from, std::string_view to) {
        std::string text = kReadouts;
        const std::size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return kScenario + text.replace(at, from.size(), to);
    };
    const auto line = [&](std::string_view what) { return std::count(kScenario.begin(), kScenario.end(), '\n') + 1 + std::count(kReadouts.begin(), kReadouts.begin() + static_cast<std::ptrdiff_t>(kReadouts.find(what)), '\n'); };
    refused(with_readout("kind = \"barrier\"", "kind = \"barriers\""), "line " + std::to_string(line("kind = \"barrier\"")) + ": readout 'wall', kind: 'barriers' is not known", "oxygenation, barrier");
    refused(with_readout("substance = \"oxygen\"", "substance = \"oxigen\""), "'oxigen' is not known", "oxygen");
    refused(with_readout("[\"tumor\"]", "[\"tumour\"]"), "there is no cell type 'tumour'", "Did you mean 'tumor'?");
    refused(with_readout("[\"tumor\"]", "\"tumor\""), "cell_types: must be a list of texts", "[\"one\"");
    refused(with_readout("targets = ", "target = "), "target: is not known", "Did you mean 'targets'?");
    refused(with_readout("radius_um = 50", "threshold = -5"), "radius_um: is missing", "Add radius_um");
    refused(with_readout("radius_um = 50", "radius_um = 50\nthreshold = -5"), "readout 'oxygenation', threshold: is below 0", "concentration");
    refused(with_readout("radius_um = 50", "radius_um = 50\nfrom_um = [0, 0, 0]"), "center_um: stands beside a box", "Keep");
    refused(with_readout("center_um = [100, 100, 100]", "center_um = [900, 100, 100]"), "line " + std::to_string(line("center_um")) + ": readout 'oxygenation', center_um: is that of a region outside the domain", "domain");
    refused(with_readout("to_um = [110, 200, 200]", "to_um = [90, 200, 200]"), "readout 'wall', from_um: begins a region without extent", "extent");
    refused(with_readout("from_um = [90, 0, 0]\nto_um = [110, 200, 200]\n", ""), "readout 'wall', from_um: is missing: a barrier needs the box", "thickness");
    refused(with_readout("cell_types = [\"tumor\"]\nvessel", "vessel"), "readout 'lung', cell_types: is missing: an exchange has two sides", "lumen");
    refused(with_readout("kind = \"extent\"", "kind = \"extent\"\nsubstance = \"oxygen\""), "readout 'body', substance: is not known", "");
    refused(with_readout("name = \"lung\"", "name = \"wall\""), "readout 'wall', name: there is another readout of this name, on line ", "its own name");
}

}  // namespace
}  // namespace morula::commands
