#include "morula/commands/snapshot.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "morula/commands/state_slots.hpp"
#include "morula/formats/hdf5/read_h5ad.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::commands {
namespace {

TEST(Snapshot, is_a_data_set_of_the_cells_that_comes_back_from_a_file) {
    const auto context = test::make_context(1);
    Scenario scenario;
    scenario.title = "three cells";
    scenario.hash = "abc";
    simulation::Model& model = scenario.model;
    model.box = {.n = {4, 4, 4}, .voxel_um = 20.0};
    model.substances = {{.name = "oxygen", .unit = "mmHg", .initial = 12.5}, {.name = "parent", .unit = "nM", .initial = 3.5}, {.name = "a/b", .initial = 1.5}, {.name = "a|b", .initial = 2.5}, {.name = "_index", .initial = 4.5}};
    model.types.resize(2);
    model.types[0].name = "tumor";
    model.types[0].life = simulation::standard_life(simulation::CycleModel::ki67_basic);
    model.types[1].name = "T cell";
    model.types[1].life = simulation::standard_life(simulation::CycleModel::none);
    for (std::int64_t i = 0; i < 3; ++i) simulation::add_agent(scenario.start, 30 - static_cast<std::uint64_t>(i), i == 1 ? 1 : 0, {10.0 + 25.0 * static_cast<double>(i), 20.0, 30.0}, 8.0F);
    const simulation::Simulation simulation(model, scenario.start, *context);
    const data::Dataset cells = snapshot(simulation, scenario);
    EXPECT_EQ(cells.obs.index(), (std::vector<std::string>{"28", "29", "30"}));
    EXPECT_EQ(data::column_texts(cells.obs.at("cell_type")), (std::vector<std::string>{"tumor", "T cell", "tumor"}));
    EXPECT_EQ(data::column_texts(cells.obs.at("state")), (std::vector<std::string>{"Ki67-", "alive", "Ki67-"}));
    EXPECT_EQ(data::column_texts(cells.obs.at("oxygen")), (std::vector<std::string>{"12.5", "12.5", "12.5"}));
    // A substance called like a column of the cells stands beside it.
    EXPECT_EQ(data::column_texts(cells.obs.at("parent")), (std::vector<std::string>{"", "", ""}));
    EXPECT_EQ(data::column_texts(cells.obs.at("substance parent")), (std::vector<std::string>{"3.5", "3.5", "3.5"}));
    // Files hold '|' for '/', and "_index" for the names of the cells.
    EXPECT_EQ(data::column_numbers(cells.obs.at("a|b"))[0], 1.5);
    EXPECT_EQ(data::column_numbers(cells.obs.at("substance a|b"))[0], 2.5);
    EXPECT_EQ(data::column_numbers(cells.obs.at("substance _index"))[0], 4.5);
    EXPECT_NEAR(data::column_numbers(cells.obs.at("radius_um"))[0], 8.4127, 1e-4);
    const test::TemporaryFolder folder;
    formats::write_h5ad(cells, folder / "cells.h5ad", {}, *context);
    const data::Dataset back = formats::read_h5ad(folder / "cells.h5ad", *context);
    EXPECT_EQ(back.obs.index(), cells.obs.index());
    EXPECT_EQ(back.obsm.at("spatial")(0, 0), 60.0F);
    EXPECT_EQ(back.obsm.at("spatial")(2, 2), 30.0F);
    EXPECT_EQ(data::column_texts(back.obs.at("state")), data::column_texts(cells.obs.at("state")));
    EXPECT_EQ(back.obs.names(), cells.obs.names());
    EXPECT_EQ(back.n_genes(), 0);
}

TEST(Snapshot, states_unlike_any_measured_cell_are_told_from_one_in_a_hundred_on) {
    EXPECT_EQ(unlike_data_text({.n_metacells = 0, .embedding_hash = "", .share_unlike_data = 0.5}), "") << "there are no states";
    EXPECT_EQ(unlike_data_text({.n_metacells = 9, .embedding_hash = "", .share_unlike_data = 0.01}), "") << "as of the measured cells themselves";
    const std::string some = unlike_data_text({.n_metacells = 9, .embedding_hash = "", .share_unlike_data = 0.0101}), many = unlike_data_text({.n_metacells = 9, .embedding_hash = "", .share_unlike_data = 0.3});
    EXPECT_TRUE(test::contains(some, "1.01 % of the steps of states led to where cells are unlike any measured cell")) << some;
    EXPECT_TRUE(test::contains(many, "30.00 % of the steps")) << many;
    EXPECT_TRUE(test::contains(many, "Slower attempts")) << many;
}

}  // namespace
}  // namespace morula::commands
