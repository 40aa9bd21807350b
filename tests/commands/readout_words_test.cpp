#include "morula/commands/readout_words.hpp"

#include <gtest/gtest.h>

#include "tests/support/errors.hpp"

namespace morula::commands {
namespace {

using simulation::Readout;
using simulation::ReadoutKind;

simulation::Model two_types() {
    simulation::Model model;
    model.box = {.n = {4, 4, 4}, .voxel_um = 20.0};
    model.substances = {{.name = "oxygen", .unit = "mmHg"}, {.name = "insulin", .unit = "nM"}};
    model.types.resize(2);
    model.types[0].name = "tumor";
    model.types[1].name = "T cell";
    return model;
}

TEST(readout_words, every_value_of_every_kind_has_a_sentence_of_its_own) {
    for (std::size_t kind = 0; kind < simulation::readout_kind_names().size(); ++kind) {
        const Readout readout{.name = "r", .kind = static_cast<ReadoutKind>(kind), .substance = 0, .types = {0}, .others = {1}};
        const std::vector<std::string> words = readout_words(readout, two_types());
        EXPECT_EQ(words.size(), simulation::readout_names(readout).size()) << simulation::readout_kind_names()[kind];
        for (std::size_t k = 0; k < words.size(); ++k) {
            EXPECT_TRUE(words[k].ends_with('.')) << words[k];
            EXPECT_EQ(words[k].find("  "), std::string::npos) << words[k];
            for (std::size_t j = 0; j < k; ++j) EXPECT_NE(words[j], words[k]);
        }
    }
}

TEST(readout_words, they_name_cells_bound_region_and_unit) {
    Readout readout{.name = "hypoxia", .kind = ReadoutKind::oxygenation, .substance = 0, .types = {0, 1}, .region = simulation::Region{}, .threshold = 8.0};
    EXPECT_EQ(readout_words(readout, two_types())[0], "Share of living cells of tumor and T cell in its region that have less than 8 mmHg of oxygen.");
    readout.types.clear();
    readout.region.reset();
    EXPECT_EQ(readout_words(readout, two_types())[2], "The oxygen that half of the living cells do not exceed: their median.");
    simulation::Model flat = two_types();
    flat.box.n[2] = 1;
    EXPECT_TRUE(test::contains(readout_words(readout, two_types())[4], "taken as an even ball"));
    EXPECT_TRUE(test::contains(readout_words(readout, flat)[4], "taken as an even disc"));
    EXPECT_EQ(readout_words({.name = "insulin", .kind = ReadoutKind::secretion, .substance = 1}, two_types())[0], "Amount of insulin that living cells secrete in a minute. 1e6 nM µm³ are 1 amol.");
    EXPECT_EQ(readout_words({.name = "body", .kind = ReadoutKind::extent, .substance = -1}, two_types()).size(), 1U);
}

}  // namespace
}  // namespace morula::commands
