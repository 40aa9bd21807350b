// Where the cells of a scenario come from: templates, measured cells, spots, sections made solid; and vessels.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <set>

#include "morula/commands/scenario.hpp"
#include "morula/core/file.hpp"
#include "morula/data/dataset.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "morula/simulation/layouts.hpp"
#include "morula/simulation/multigrid.hpp"
#include "morula/simulation/solid_section.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/listener.hpp"
#include "tests/support/real_data.hpp"
#include "tests/support/recut.hpp"
#include "tests/support/scenario_text.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::commands {
namespace {

/// Made up: three types, no substances.
std::string scenario_of(const std::string& domain, const std::string& cells) {
    std::string text = "seed = 5\n" + test::scenario_head("t", 1.0, domain);
    for (const char* name : {"a", "b", "c"}) text += std::string("[[cell_type]]\nname = \"") + name + "\"\n";
    return text + "[[cells]]\n" + cells;
}
const std::string kSolidDomain = "size_um = [600, 600, 200]\nvoxel_um = 20\norigin_um = [-300, -300, -100]";
const std::string kWideDomain = "size_um = [800, 800, 20]\nvoxel_um = 20\norigin_um = [-400, -400, 0]";
const std::string kFlatDomain = "size_um = [600, 600, 20]\nvoxel_um = 20\norigin_um = [-300, -300, 0]";

class ScenarioCellsTest : public testing::Test {
protected:
    Scenario read(const std::string& text) const {
        write_text_file(folder_ / "scenario.toml", text);
        return read_scenario(folder_ / "scenario.toml", *test::make_context(1));
    }
    void refused(const std::string& text, std::string_view part, std::string_view next) const {
        const Error error = test::thrown_by([&] { read(text); });
        EXPECT_EQ(error.code(), ErrorCode::invalid_data) << error.what();
        EXPECT_TRUE(test::contains(error.message(), part)) << error.what();
        EXPECT_TRUE(test::contains(error.next(), next)) << error.what();
    }
    static std::int64_t count(const Scenario& scenario, std::uint16_t type) { return std::count(scenario.start.type.begin(), scenario.start.type.end(), type); }
    test::TemporaryFolder folder_;
};

TEST_F(ScenarioCellsTest, every_template_gives_cells_that_a_simulation_takes) {
    const std::map<std::string, std::string> sizes{
        {"spheroid", "type = \"a\"\nradius_um = 60"},
        {"crypt-ring", "type = \"a\"\nn_cells = 20"},
        {"liver-lobule", "hepatocyte = \"a\"\nside_um = 200\nheight_um = 60"},
        {"islet", "core = \"a\"\nmantle = { b = 0.75, c = 0.25 }\nradius_um = 70"},
        {"vessel", "endothelium = \"a\"\nmuscle = \"b\"\nlength_um = 100"},
        {"alveolus", "epithelium = \"a\"\nendothelium = \"b\"\nradius_um = 70"},
        {"skin", "dermis = \"a\"\nbasal = \"b\"\nsuprabasal = \"c\"\ndermis_um = 64"},
    };
    for (const std::string& domain : {kSolidDomain, kFlatDomain}) {
        for (const auto& [name, keys] : sizes) {
            Scenario scenario = read(scenario_of(domain, "template = \"" + name + "\"\ncenter_um = [0, 0, " + (domain == kFlatDomain ? "10" : "0") + "]\n" + keys));
            EXPECT_GT(scenario.start.size(), 10) << name;
            EXPECT_GT(count(scenario, 0), 0) << name;
            EXPECT_NO_THROW(simulation::Simulation(scenario.model, scenario.start, *test::make_context(1))) << name;
        }
    }
}

TEST_F(ScenarioCellsTest, shares_of_a_part_are_drawn_and_parts_without_a_type_stay_empty) {
    const std::string islet = "template = \"islet\"\ncenter_um = [0, 0, 0]\nradius_um = 95\nmantle_um = 20\nmantle = { b = 0.75, c = 0.25 }";
    const Scenario scenario = read(scenario_of(kSolidDomain, islet));
    EXPECT_EQ(count(scenario, 0), 0);
    const double n = static_cast<double>(scenario.start.size());
    EXPECT_NEAR(static_cast<double>(count(scenario, 1)) / n, 0.75, 4.0 * std::sqrt(0.75 * 0.25 / n));
    EXPECT_EQ(read(scenario_of(kSolidDomain, islet)).start.type, scenario.start.type);
}

TEST_F(ScenarioCellsTest, a_spheroid_may_be_written_short) {
    const Scenario brief = read(scenario_of(kSolidDomain, "spheroid_radius_um = 60\ntype = \"a\"\ncenter_um = [0, 0, 0]"));
    const Scenario whole = read(scenario_of(kSolidDomain, "template = \"spheroid\"\nradius_um = 60\ntype = \"a\"\ncenter_um = [0, 0, 0]"));
    EXPECT_EQ(brief.start.x, whole.start.x);
}

TEST_F(ScenarioCellsTest, templates_say_what_is_wrong) {
    const auto of = [](const std::string& cells) { return scenario_of(kSolidDomain, cells); };
    refused(of("type = \"a\"\ncenter_um = [0, 0, 0]"), "template: is missing", "spheroid, crypt-ring");
    refused(of("template = \"liver\"\ncenter_um = [0, 0, 0]"), "'liver' is not known", "liver-lobule");
    refused(of("template = \"islet\"\ncenter_um = [0, 0, 0]"), "core: is missing", "core, mantle");
    refused(of("template = \"islet\"\ncore = \"d\"\ncenter_um = [0, 0, 0]"), "'d' is not known", "");
    refused(of("template = \"islet\"\ncore = { a = 0.5, b = 0.4 }\ncenter_um = [0, 0, 0]"), "the sum of its shares is 0.9", "whose sum is 1");
    refused(of("template = \"islet\"\ncore = { a = -1 }\ncenter_um = [0, 0, 0]"), "share of 'a'", "whose sum is 1");
    refused(of("template = \"islet\"\ncore = 3\ncenter_um = [0, 0, 0]"), "must be a name", "{ a = 0.8");
    refused(of("template = \"crypt-ring\"\ntype = \"a\"\nn_cells = 2\ncenter_um = [0, 0, 0]"), "A ring of 2 cells", "at least 3");
    refused(of("template = \"crypt-ring\"\ntype = \"a\"\ncenter_um = [0, 0, 0]"), "n_cells: is missing", "Add n_cells");
    refused(of("template = \"spheroid\"\ntype = \"a\"\nradius_um = 1e7\ncenter_um = [0, 0, 0]"), "too large", "smaller");
    refused(of("template = \"spheroid\"\ntype = \"a\"\nradius_um = 20\nheight_um = 5\ncenter_um = [0, 0, 0]"), "height_um: is not known", "");
    refused(of("template = \"skin\"\nbasal = \"a\"\nspheroid_radius_um = 5\ncenter_um = [0, 0, 0]"), "is no size of this template", "Keep one");
}

TEST_F(ScenarioCellsTest, measured_cells_are_scaled_cut_and_moved) {
    write_text_file(folder_ / "cells.csv", "X,Y,label\n0,0,a\n100,0,B cell\n0,100,a\n100,100,junk\n500,500,a\n");
    const Scenario scenario = read(scenario_of(kFlatDomain, "file = \"cells.csv\"\nx_column = \"X\"\ny_column = \"Y\"\ntype_column = \"label\"\ntypes = { \"B cell\" = \"b\", junk = \"\" }\n"
                                                            "um_per_unit = 2\nwindow_um = [0, 0, 250, 250]\ncenter_um = [-50, 50, 10]"));
    ASSERT_EQ(scenario.start.size(), 3);
    EXPECT_EQ(scenario.start.x, (std::vector<double>{-150.0, 50.0, -150.0}));
    EXPECT_EQ(scenario.start.y, (std::vector<double>{-50.0, -50.0, 150.0}));
    EXPECT_EQ(scenario.start.z, (std::vector<double>{10.0, 10.0, 10.0}));
    EXPECT_EQ(scenario.start.type, (std::vector<std::uint16_t>{0, 1, 0}));
    const auto of = [](const std::string& keys) { return scenario_of(kFlatDomain, "file = \"cells.csv\"\nx_column = \"X\"\ny_column = \"Y\"\n" + keys); };
    refused(of(""), "has no column 'type'", "X, Y, label");
    refused(of("type_column = \"label\""), "cells.csv, line 3, column 'label': there is no cell type 'B cell'", "types = {");
    refused(of("type_column = \"label\"\ntypes = { junk = \"d\" }"), "there is no cell type 'd'", "Did you mean");
    write_text_file(folder_ / "moved.csv", "x,y,type\n0,0,0,a\n100,0,0,a\n");
    refused(scenario_of(kFlatDomain, "file = \"moved.csv\""), "moved.csv, line 2: the row has 4 fields, but the header names 3 columns", "Name every column");
    refused(of("type = \"a\"\nwindow_um = [900, 900, 950, 950]"), "leaves no cells", "larger window");
    refused(of("type = \"a\"\nwindow_um = [9, 9, 5, 5]"), "x0 < x1", "Write");
    refused(of("type = \"a\"\ntype_column = \"label\""), "stands beside type", "Keep one");
    refused(of("type = \"a\"\ndepth_um = 50"), "needs a solid domain", "third size");
    refused(scenario_of(kSolidDomain, "file = \"cells.csv\"\nx_column = \"X\"\ny_column = \"Y\"\ntype = \"a\""), "has no z, and the domain is solid", "depth_um");
    EXPECT_EQ(test::error_code([&] { read(scenario_of(kFlatDomain, "file = \"none.csv\"\ntype = \"a\"")); }), ErrorCode::not_found);
    EXPECT_EQ(test::error_code([&] { read(scenario_of(kFlatDomain, "file = \"cells.csv\"\nx_column = \"XX\"\ntype = \"a\"")); }), ErrorCode::not_found);
}

TEST_F(ScenarioCellsTest, an_h5ad_file_gives_its_obsm_spatial) {
    const auto context = test::make_context(1);
    data::Dataset dataset;
    dataset.obs = data::Table({"c1", "c2", "c3"});
    dataset.obs.set("cell_type", data::to_categorical({"a", "b", "a"}));
    dataset.var = data::Table(std::vector<std::string>{});
    matrix::Dense<float> spatial(3, 2);
    spatial.values = {10.0F, 20.0F, 30.0F, 40.0F, 50.0F, 60.0F};
    dataset.obsm["spatial"] = spatial;
    formats::write_h5ad(dataset, folder_ / "cells.h5ad", {}, *context);
    const Scenario scenario = read(scenario_of(kFlatDomain, "file = \"cells.h5ad\"\ntype_column = \"cell_type\""));
    EXPECT_EQ(scenario.start.x, (std::vector<double>{10.0, 30.0, 50.0}));
    EXPECT_EQ(scenario.start.y, (std::vector<double>{20.0, 40.0, 60.0}));
    EXPECT_EQ(scenario.start.type, (std::vector<std::uint16_t>{0, 1, 0}));
    dataset.obsm.clear();
    formats::write_h5ad(dataset, folder_ / "cells.h5ad", {}, *context);
    EXPECT_EQ(test::error_code([&] { read(scenario_of(kFlatDomain, "file = \"cells.h5ad\"\ntype_column = \"cell_type\"")); }), ErrorCode::not_found);
}

// A snapshot has the obs columns state and minutes_in_state.
TEST_F(ScenarioCellsTest, the_dead_of_a_snapshot_stay_dead) {
    test::Listener sink;
    Context context({.threads = 1, .memory_bytes = test::kTestMemory, .events = &sink, .cancel = nullptr});
    data::Dataset dataset;
    dataset.obs = data::Table({"1", "2", "3", "4", "5"});
    dataset.obs.set("cell_type", data::to_categorical({"a", "b", "a", "a", "c"}));
    dataset.obs.set("state", data::to_categorical({"alive", "apoptotic", "necrotic, burst", "necrotic, swelling", "alive"}));
    dataset.var = data::Table(std::vector<std::string>{});
    matrix::Dense<float> spatial(5, 2);
    spatial.values = {10.0F, 20.0F, 40.0F, 40.0F, 70.0F, 60.0F, 100.0F, 80.0F, 130.0F, 90.0F};
    dataset.obsm["spatial"] = spatial;
    const std::string text = scenario_of(kFlatDomain, "file = \"cells.h5ad\"\ntype_column = \"cell_type\"");
    write_text_file(folder_ / "scenario.toml", text);
    formats::write_h5ad(dataset, folder_ / "cells.h5ad", {}, context);
    EXPECT_EQ(read(text).start.size(), 5) << "a file that is no snapshot says nothing of phases";
    dataset.obs.set("minutes_in_state", std::vector<float>{0.0F, 1.0F, 2.0F, 3.0F, 4.0F});
    formats::write_h5ad(dataset, folder_ / "cells.h5ad", {}, context);
    const Scenario scenario = read_scenario(folder_ / "scenario.toml", context);
    EXPECT_EQ(scenario.start.x, (std::vector<double>{10.0, 130.0}));
    EXPECT_EQ(scenario.start.type, (std::vector<std::uint16_t>{0, 2}));
    EXPECT_TRUE(test::contains(sink.all_warnings(), "cells of 'cells.h5ad': of a snapshot of a run places and types are taken. 3 dead cells are left out")) << sink.all_warnings();
    dataset.obs.set("state", data::to_categorical({"apoptotic", "apoptotic", "apoptotic", "apoptotic", "apoptotic"}));
    formats::write_h5ad(dataset, folder_ / "cells.h5ad", {}, context);
    refused(text, "leaves no cells", "");
    const Error error = test::thrown_by([&] { read(scenario_of(kFlatDomain, "file = \"cells.h5ad\"\ntype_column = \"cell_tipe\"")); });
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_TRUE(test::contains(error.message(), "cells.h5ad has no obs column 'cell_tipe'")) << error.what();
    EXPECT_TRUE(test::contains(error.next(), "Did you mean 'cell_type'?")) << error.what();
}

TEST_F(ScenarioCellsTest, spots_are_scattered_and_the_run_says_so) {
    std::filesystem::create_directories(folder_ / "visium" / "spatial");
    write_text_file(folder_ / "visium" / "spatial" / "tissue_positions.csv",
                    "barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres\nA-1,1,0,0,100,200\nC-1,0,0,2,100,400\nG-1,1,0,4,100,600\n");
    write_text_file(folder_ / "labels.csv", "barcode,type\nA-1,a\nG-1,b\n");
    const std::string keys = "file = \"visium\"\ncells_per_spot = { value = 8, unit = \"1\", source = \"guessed\", prior = [1, 10] }\n";
    const Scenario scenario = read(scenario_of(kWideDomain, keys + "labels = \"labels.csv\""));
    ASSERT_EQ(scenario.start.size(), 16);
    for (std::size_t i = 0; i < 16; ++i) {
        EXPECT_EQ(scenario.start.type[i], i < 8 ? 0 : 1);
        EXPECT_LE(std::hypot(scenario.start.x[i] - (i < 8 ? 100.0 : 300.0), scenario.start.y[i] - 50.0), 27.5) << "200 pixels are 100 um";
    }
    EXPECT_EQ(scenario.rates.back().name, "cells of 'visium', cells_per_spot");
    const Scenario mixed = read(scenario_of(kWideDomain, keys + "type = { a = 0.5, c = 0.5 }"));
    EXPECT_EQ(count(mixed, 0) + count(mixed, 2), 16);
    EXPECT_GT(count(mixed, 2), 0);
    refused(scenario_of(kWideDomain, "file = \"visium\"\ntype = \"a\""), "cells_per_spot: is missing", "Add cells_per_spot");
    refused(scenario_of(kWideDomain, keys), "type: is missing", "labels");
    write_text_file(folder_ / "visium" / "spatial" / "tissue_positions.csv", "barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres\nA-1,1,0,0,100,200\n");
    refused(scenario_of(kWideDomain, keys + "type = \"a\""), "um_per_unit: is missing", "Add um_per_unit");
    EXPECT_EQ(read(scenario_of(kWideDomain, keys + "type = \"a\"\num_per_unit = 0.5")).start.size(), 8);
    std::filesystem::create_directories(folder_ / "empty");
    EXPECT_EQ(test::error_code([&] { read(scenario_of(kWideDomain, "file = \"empty\"\ntype = \"a\"")); }), ErrorCode::not_found);
}

TEST_F(ScenarioCellsTest, a_merfish_section_becomes_a_block_with_the_same_neighbors) {
    MORULA_REAL_DATA(cells, "spatial-merfish-preoptic/cells.csv.gz");
    const std::vector<std::string> types{"Inhibitory", "Excitatory", "Ambiguous", "Astrocyte", "Endothelial", "Oligodendrocyte", "Ependymal", "Microglia", "Pericytes"};
    const auto text = [&](const std::string& domain, const std::string& keys) {
        std::string scenario = "seed = 5\n" + test::scenario_head("t", 1.0, domain);
        for (const std::string& type : types) scenario += "[[cell_type]]\nname = \"" + type + "\"\n";
        return scenario + "[[cells]]\nfile = \"" + std::filesystem::absolute(cells).string() + "\"\ntype_column = \"celltype\"\n" +
               "types = { \"Endothelial 1\" = \"Endothelial\", \"Endothelial 2\" = \"Endothelial\", \"Endothelial 3\" = \"Endothelial\", \"OD Mature 1\" = \"Oligodendrocyte\", \"OD Mature 2\" = \"Oligodendrocyte\", "
               "\"OD Mature 3\" = \"Oligodendrocyte\", \"OD Mature 4\" = \"Oligodendrocyte\", \"OD Immature 1\" = \"Oligodendrocyte\", \"OD Immature 2\" = \"Oligodendrocyte\" }\n" + keys;
    };
    const Scenario flat = read(text("size_um = [1800, 1800, 20]\nvoxel_um = 20", ""));
    EXPECT_EQ(flat.start.size(), 6509);
    const auto context = test::make_context(2);
    EXPECT_NO_THROW(simulation::Simulation(flat.model, flat.start, *context));
    const Scenario solid = read(text("size_um = [1840, 1840, 120]\nvoxel_um = 20\norigin_um = [-20, -20, 0]", "depth_um = 120\nreach_um = 30"));
    EXPECT_GT(solid.start.size(), 2 * 6509);
    const auto positions_of = [](const Scenario& scenario) {
        std::vector<std::array<double, 3>> positions;
        for (std::size_t i = 0; i < scenario.start.x.size(); ++i) positions.push_back({scenario.start.x[i], scenario.start.y[i], scenario.start.z[i]});
        return positions;
    };
    const auto types_of = [](const Scenario& scenario) { return std::vector<std::int32_t>(scenario.start.type.begin(), scenario.start.type.end()); };
    const auto shares = [&](const Scenario& scenario) { return simulation::neighbor_shares(positions_of(scenario), types_of(scenario), static_cast<std::int32_t>(types.size()), 30.0, *context); };
    const auto expected = shares(flat), found = shares(solid);
    for (std::int64_t a = 0; a < std::ssize(types); ++a) {
        if (count(flat, static_cast<std::uint16_t>(a)) < simulation::kLeastCells) continue;
        double difference = 0.0;
        for (std::int64_t b = 0; b < std::ssize(types); ++b) difference += std::abs(found(a, b) - expected(a, b)) / 2.0;
        EXPECT_LE(difference, 0.0101) << types[static_cast<std::size_t>(a)];
    }
    // 3-D resampling of the section keeps neighbour counts: cut anew, five sheets of 24 um show its numbers, around every cell whose slice lies within the block.
    const auto cut = [&](const Scenario& scenario, const test::Slice& slice) { return test::recut(positions_of(scenario), types_of(scenario), static_cast<std::int32_t>(types.size()), slice); };
    ASSERT_EQ(solid.start.size(), 5 * 6509);
    const double all = std::numeric_limits<double>::infinity();
    const auto section = cut(flat, {.across = {2}, .reach_um = 30.0, .thickness_um = 1.0, .low_um = -all, .high_um = all});
    EXPECT_LE(test::largest_difference(cut(solid, {.across = {2}, .reach_um = 30.0, .thickness_um = 24.0, .low_um = 12.0, .high_um = 108.0}), section), 0.05);
    EXPECT_LE(test::largest_difference(cut(solid, {.across = {0, 1}, .reach_um = 30.0, .thickness_um = 24.0, .low_um = 30.0, .high_um = 90.0}), section), 0.05);
}

TEST_F(ScenarioCellsTest, a_visium_folder_gives_its_spots_under_tissue) {
    MORULA_REAL_DATA(folder, "spatial-visium-2898");
    const Scenario scenario = read(scenario_of("size_um = [9000, 9000, 20]\nvoxel_um = 20", "file = \"" + std::filesystem::absolute(folder).string() + "\"\ntype = \"a\"\n" +
                                                   "cells_per_spot = { value = 2, unit = \"1\", source = \"guessed\", prior = [1, 10] }\ncenter_um = [4500, 4500, 10]"));
    EXPECT_EQ(scenario.start.size(), 2 * 2898);
    // Neighbouring spots are 100 um apart.
    double nearest = 1e9;
    for (std::size_t i = 2; i < 200; i += 2) {
        for (std::size_t j = 0; j < i; j += 2) nearest = std::min(nearest, std::hypot(scenario.start.x[i] - scenario.start.x[j], scenario.start.y[i] - scenario.start.y[j]));
    }
    EXPECT_GT(nearest, 45.0);
    EXPECT_LT(nearest, 110.0);
}

const std::string kOxygen = test::text_of({"oxygen", "mmHg", 1000.0, 0.0, 0.0});
const std::string kHundredUm = test::scenario_head("t", 1.0, "size_um = [100, 100, 100]\nvoxel_um = 10");
const std::string kOneCell = "[[cells]]\ntype = \"a\"\nspheroid_radius_um = 1\ncenter_um = [50, 50, 1]\n";
std::string held(const std::string& key, const std::string& value) { return test::measured_rate(key, std::stod(value), "mmHg"); }

TEST_F(ScenarioCellsTest, vessels_hold_their_voxels) {
    const std::string start = kHundredUm + kOxygen + "[[cell_type]]\nname = \"a\"\n" + kOneCell;
    const auto fixed = [&](const std::string& vessel) { return read(start + "[[vessel]]\nsubstance = \"oxygen\"\n" + vessel).model.fixed[0]; };
    const auto line = fixed("from_um = [0, 55, 55]\nto_um = [100, 55, 55]\n" + held("concentration", "60") + held("to_concentration", "40"));
    ASSERT_EQ(line.places.size(), 10U);
    EXPECT_NEAR(line.concentrations.front(), 59.0, 1e-9) << "at the first voxel's centre";
    EXPECT_NEAR(line.concentrations.back(), 41.0, 1e-9);
    const auto tube = fixed("from_um = [0, 55, 55]\nto_um = [100, 55, 55]\nradius_um = 15\n" + held("concentration", "60"));
    EXPECT_EQ(tube.places.size(), 90U) << "a voxel and the eight around it";
    const auto ball = fixed("from_um = [55, 55, 55]\nto_um = [55, 55, 55]\nradius_um = 10\n" + held("concentration", "60"));
    EXPECT_EQ(ball.places.size(), 7U);
    const auto ring = fixed("center_um = [50, 50, 55]\nring_radius_um = 30\n" + held("concentration", "1"));
    EXPECT_GT(ring.places.size(), 20U);
    const simulation::Grid box{.n = {10, 10, 10}, .voxel_um = 10.0};
    for (const std::int64_t place : ring.places) {
        const std::int64_t x = place % box.stride(), y = place / box.stride() % 10, z = place / box.stride() / 10;
        EXPECT_EQ(z, 5);
        EXPECT_NEAR(std::hypot(box.center_um(0, x) - 50.0, box.center_um(1, y) - 50.0), 30.0, 8.0);
    }
    refused(start + "[[vessel]]\nsubstance = \"oxygen\"\nfrom_um = [200, 0, 0]\nto_um = [300, 0, 0]\n" + held("concentration", "1"), "lies outside of the domain", "Move");
    refused(start + "[[vessel]]\nsubstance = \"oxigen\"\n", "'oxigen' is not known", "oxygen");
    refused(start + "[[vessel]]\nfrom_um = [0, 0, 0]\n", "substance: is missing", "Add substance");
    refused(start + "[[vessel]]\nsubstance = \"oxygen\"\nfrom_um = [0, 0]\nto_um = [1, 1, 1]\n" + held("concentration", "1"), "three numbers", "[0, 200, 200]");
}

/// Mean over a wide ring of tissue around a vessel of how far a consumed substance has fallen, less and relative to the closed form for a cylinder of radius `radius` (Krogh and Erlang 1919). fixed:
/// the vessel's voxels in a flat box of 61 x 61; tissue takes up at a constant rate within 26 voxels of (x, y).
double error_of_fall(const std::vector<std::int64_t>& fixed, const simulation::Grid& box, double x, double y, double radius, Context& context) {
    const double rim = 26.0 * box.voxel_um, rate = 1.0, diffusion = 100.0;
    simulation::Field field(box, {{.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = diffusion, .initial = 0.0}}, 0.1, context);
    const std::vector<double> blood(fixed.size(), 0.0);
    field.fix(0, fixed, blood, context);
    const std::set<std::int64_t> held(fixed.begin(), fixed.end());
    std::vector<double> source(static_cast<std::size_t>(box.n_stored()), 0.0), sink(source.size(), 0.0);
    double area = 0.0;  // that consumes
    const auto for_each = [&](const auto& body) {
        for (std::int64_t b = 0; b < box.n[1]; ++b) {
            for (std::int64_t a = 0; a < box.n[0]; ++a) body(box.place(a, b, 0), std::hypot(box.center_um(0, a) - x, box.center_um(1, b) - y));
        }
    };
    for_each([&](std::int64_t place, double r) {
        if (r > rim || held.contains(place)) return;
        source[static_cast<std::size_t>(place)] = -rate;
        area += box.voxel_um * box.voxel_um;
    });
    solve_steady(field, 0, source, sink, {}, context);
    const double outer_squared = area / std::numbers::pi + radius * radius;
    double found = 0.0, expected = 0.0;
    for_each([&](std::int64_t place, double r) {
        if (r < 0.5 * rim || r > 0.75 * rim) return;
        found += field.values(0)[static_cast<std::size_t>(place)];
        expected += rate / (4.0 * diffusion) * (r * r - radius * radius) - rate * outer_squared / (2.0 * diffusion) * std::log(r / radius);
    });
    return found / expected - 1.0;
}

TEST_F(ScenarioCellsTest, vessels_act_as_ones_of_their_radius) {
    const double voxel = 2.0;
    for (const double radius : {4.0, 6.0, 8.0, 12.0}) {
        for (const auto& [x, y] : {std::pair{0.0, 0.0}, {1.0, 0.0}, {1.0, 1.0}, {0.5, 0.2}, {0.3, 0.9}}) {
            const std::string middle = fmt::format("[{}, {}, 1]", x, y);
            const Scenario scenario = read(test::scenario_head("t", 1.0, "size_um = [122, 122, 2]\nvoxel_um = 2\norigin_um = [-61, -61, 0]") + kOxygen + "[[cell_type]]\nname = \"a\"\n" + kOneCell +
                                           "[[vessel]]\nsubstance = \"oxygen\"\nfrom_um = " + middle + "\nto_um = " + middle + "\nradius_um = " + fmt::format("{}\n", radius) + held("concentration", "0"));
            ASSERT_EQ(scenario.model.box.voxel_um, voxel);
            EXPECT_NEAR(error_of_fall(scenario.model.fixed[0].places, scenario.model.box, x, y, radius, *test::make_context(1)), 0.0, 0.06) << "radius " << radius << " um around " << middle;
        }
    }
}

TEST_F(ScenarioCellsTest, medium_and_saturation_are_read_and_checked) {
    const std::string start = kHundredUm + kOxygen;
    const std::string type = kOneCell + "[[cell_type]]\nname = \"a\"\n  [[cell_type.exchange]]\n  substance = \"oxygen\"\n";
    const std::string uptake = "uptake = { value = 5, unit = \"1/min\", source = \"measured\", citation = \"made up\" }\n";
    const Scenario scenario = read(start + "pace = \"steady\"\n" + held("medium", "38") + type + uptake + held("uptake_half", "2"));
    EXPECT_EQ(scenario.model.medium[0], 38.0);
    EXPECT_EQ(scenario.model.types[0].exchange[0].half_uptake, 2.0);
    refused(start + held("medium", "38") + type, "medium: needs pace \"steady\"", "fast beside the cells");
    refused(start + type + held("uptake_half", "2"), "uptake_half: needs an uptake", "leave uptake_half out");
    refused(start + type + uptake + held("uptake_half", "0"), "must be above 0", "");
}

}  // namespace
}  // namespace morula::commands
