// The scenario that tests of its reader change, and what they ask of it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "morula/commands/scenario.hpp"
#include "morula/core/file.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::commands {

/// Made up. Line numbers in the tests are those of this text.
inline const std::string kScenario = R"(title = "Two kinds of cells"
until_min = 60
seed = 7
rules = "rules.csv"

[domain]
size_um = [200, 200, 200]
voxel_um = 20

[clocks]
mechanics_min = 0.05
field_min = 0.05

[[substance]]
name = "oxygen"
unit = "mmHg"
diffusion = { value = 2000, unit = "um2/s", source = "measured", citation = "made up" }
decay = { value = 6, unit = "1/h", source = "guessed", prior = [1, 20] }
initial = { value = 38, unit = "mmHg", source = "measured", citation = "made up" }
walls = { value = 38, unit = "mmHg", source = "measured", citation = "made up" }

[[cell_type]]
name = "tumor"
cycle = "live"

  [[cell_type.exchange]]
  substance = "oxygen"
  uptake = { value = 10, unit = "1/min", source = "literature", citation = "a paper" }

[[cell_type]]
name = "T cell"
speed = { value = 60, unit = "um/h", source = "fitted", fitted_to = "made up" }
persistence = { value = 0.25, unit = "h", source = "fitted", fitted_to = "made up" }
follows = "oxygen"
bias = { value = 0.5, unit = "1", source = "fitted", fitted_to = "made up" }

[[affinity]]
from = "tumor"
to = "T cell"
value = { value = 0.5, unit = "1", source = "measured", citation = "made up" }

[[cells]]
type = "tumor"
spheroid_radius_um = 30
center_um = [100, 100, 100]

[[cells]]
file = "cells.csv"
)";

class ScenarioTest : public testing::Test {
protected:
    Scenario read(const std::string& text) const { return read(text, *test::make_context(1)); }
    Scenario read(const std::string& text, Context& context) const {
        write_text_file(folder_ / "scenario.toml", text);
        return read_scenario(folder_ / "scenario.toml", context);
    }
    void SetUp() override {
        write_text_file(folder_ / "rules.csv", "tumor,oxygen,increases,cycle entry,0.01,20,4,0\n");
        write_text_file(folder_ / "cells.csv", "x,y,z,type\n10,20,30,T cell\n40.5,20,30,tumor\n");
    }
    static std::string with(std::string_view from, std::string_view to) {
        std::string text = kScenario;
        const std::size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return text.replace(at, from.size(), to);
    }
    void refused(const std::string& text, std::string_view part, std::string_view next) const {
        const Error error = test::thrown_by([&] { read(text); });
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_TRUE(test::contains(error.message(), part)) << error.what();
        EXPECT_TRUE(test::contains(error.next(), next)) << error.what();
    }
    test::TemporaryFolder folder_;
};

}  // namespace morula::commands
