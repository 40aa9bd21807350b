#include "morula/simulation/written_in.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace morula::simulation {
namespace {

using knowledge::BehaviorRule;
using knowledge::Response;

constexpr std::size_t kMaker = 0, kEater = 1, kFiller = 2;

/// Made up: "maker" secretes a signal, "eater" takes it up and divides where there is much, "filler" does nothing.
Model three_types() {
    Model model;
    model.box = {.n = {6, 6, 6}, .voxel_um = 20.0};
    model.substances = {{.name = "signal", .diffusion_um2_per_min = 500.0, .decay_per_min = 0.2}, {.name = "signal two", .diffusion_um2_per_min = 500.0, .decay_per_min = 0.2}};
    model.types = {{.name = "maker", .mechanics = {}, .life = standard_life(CycleModel::live), .exchange = {{.secretion_per_min = 1.0, .aim = 5.0}}},
                   {.name = "eater", .mechanics = {}, .life = standard_life(CycleModel::live), .exchange = {{.uptake_per_min = 0.5}}},
                   {.name = "filler", .mechanics = {}, .life = standard_life(CycleModel::none), .exchange = {}}};
    model.affinity = {1.0, 0.5, 0.25, 0.5, 1.0, 2.0, 0.25, 2.0, 3.0};
    model.rules = {{.cell_type = "eater", .signal = "signal", .response = Response::increases, .behavior = "cycle entry", .saturation = 0.2, .half_max = 0.5, .hill_power = 2.0, .line = 1}};
    return model;
}

Model with_rule(const std::string& type, const std::string& signal, const std::string& behavior) {
    Model model = three_types();
    model.rules.push_back({.cell_type = type, .signal = signal, .response = Response::increases, .behavior = behavior, .saturation = 1.0, .half_max = 1.0, .hill_power = 1.0, .line = 2});
    return model;
}

const Readout kLoad{.name = "load", .kind = ReadoutKind::cytokine_load, .substance = 0};
const Readout kBreath{.name = "breath", .kind = ReadoutKind::oxygenation, .substance = 0};
const Readout kEaters{.name = "layer", .kind = ReadoutKind::barrier, .substance = 0, .types = {kEater}};
const Readout kReach{.name = "reach", .kind = ReadoutKind::extent};

bool is_inert_written(const Model& model, std::size_t type, const Readout& readout) { return is_written_in(checked(model), type, readout, Intervention::inert); }

TEST(written_in, exchange_and_lists_join_and_fields_do_not) {
    const Model model = three_types();
    EXPECT_TRUE(is_inert_written(model, kMaker, kLoad));
    EXPECT_TRUE(is_inert_written(model, kEater, kLoad));
    EXPECT_FALSE(is_inert_written(model, kFiller, kLoad));
    // "maker" acts on a layer of "eater" through the field alone.
    EXPECT_FALSE(is_inert_written(model, kMaker, kEaters));
    EXPECT_TRUE(is_inert_written(model, kEater, kEaters));
    EXPECT_TRUE(is_inert_written(with_rule("filler", "pressure", "signal secretion"), kFiller, kLoad));
    EXPECT_TRUE(is_inert_written(with_rule("filler", "pressure", "signal secretion saturation density"), kFiller, kLoad)) << "another name of the target";
    // A substance whose name goes on after that of another.
    EXPECT_FALSE(is_inert_written(with_rule("filler", "pressure", "signal two secretion"), kFiller, kLoad));
}

TEST(written_in, a_rule_that_looks_at_the_type_joins_it_to_what_the_rule_changes) {
    const Model uptake = with_rule("eater", "contact with filler", "signal uptake");
    EXPECT_TRUE(is_inert_written(uptake, kFiller, kLoad));
    EXPECT_TRUE(is_inert_written(uptake, kFiller, kEaters)) << "a rule of the layer's own type";
    const Model cycle = with_rule("eater", "contact with filler", "apoptosis");
    EXPECT_TRUE(is_inert_written(cycle, kFiller, kEaters));
    // The rule changes what nobody asks for: the signal's layer is of "eater", the rule of "maker".
    EXPECT_FALSE(is_inert_written(with_rule("maker", "contact with filler", "migration speed"), kFiller, kEaters));
    // What "eater" does to "filler" is no effect of "filler".
    EXPECT_FALSE(is_inert_written(with_rule("filler", "contact with eater", "migration speed"), kFiller, kEaters));
    for (const char* unnamed : {"contact with live cell", "pressure", "signal two"}) EXPECT_FALSE(is_inert_written(with_rule("eater", unnamed, "apoptosis"), kFiller, kEaters)) << unnamed;
}

TEST(written_in, attacks_meals_fusions_and_changes_of_type_join_both) {
    for (std::vector<double> CellEncounters::* deed : {&CellEncounters::eats, &CellEncounters::attacks, &CellEncounters::fuses, &CellEncounters::becomes, &CellEncounters::divides_into}) {
        Model model = three_types();
        model.types[kFiller].encounters.*deed = {0.0, 0.5, 0.0};
        EXPECT_TRUE(is_inert_written(model, kFiller, kEaters));
        EXPECT_FALSE(is_inert_written(model, kMaker, kEaters));
        model = three_types();
        model.types[kEater].encounters.*deed = {0.0, 0.0, 0.5};
        EXPECT_TRUE(is_inert_written(model, kFiller, kEaters));
    }
    for (const char* deed : {"attack eater", "phagocytosis of eater", "fuse to eater", "transform to eater", "asymmetric division to eater"}) {
        const Model model = with_rule("filler", "signal", deed);
        EXPECT_TRUE(is_inert_written(model, kFiller, kEaters)) << deed;
        EXPECT_FALSE(is_inert_written(model, kMaker, kEaters)) << deed;
    }
    EXPECT_FALSE(is_inert_written(with_rule("filler", "signal", "immunogenicity to eater"), kFiller, kEaters)) << "an attack joins them, not how strong it would be";
    // "maker" makes "filler" turn into what the read-out is of.
    EXPECT_TRUE(is_inert_written(with_rule("filler", "contact with maker", "transition to eater"), kMaker, kEaters));
}

TEST(written_in, who_eats_the_dead_is_joined_to_what_counts_them) {
    const Readout body{.name = "body", .kind = ReadoutKind::extent, .types = {kEater}};
    Model model = three_types();
    EXPECT_FALSE(is_inert_written(model, kFiller, body));
    model.types[kFiller].encounters.eats_necrotic = 0.1;
    EXPECT_TRUE(is_inert_written(model, kFiller, body));
    EXPECT_TRUE(is_inert_written(model, kFiller, kBreath)) << "its rim counts the dead";
    EXPECT_FALSE(is_inert_written(model, kFiller, kEaters)) << "the dead seal nothing";
    EXPECT_TRUE(is_inert_written(with_rule("filler", "signal", "phagocytose dead cells"), kFiller, body));
}

TEST(written_in, a_readout_without_lists_is_of_every_type_that_it_counts) {
    const Model model = three_types();
    Readout wall = kEaters;
    wall.types.clear();
    const Readout contacts{.name = "contacts", .kind = ReadoutKind::clearance, .substance = 1, .others = {kMaker}};
    for (const Readout& readout : {wall, kReach, contacts}) {
        EXPECT_TRUE(is_inert_written(model, kFiller, readout)) << readout.name;
        EXPECT_TRUE(is_written_in(checked(model), kFiller, readout, Intervention::silence)) << readout.name;
    }
    // Cells that are removed are no longer among those whose oxygen is asked for; inert ones are.
    EXPECT_FALSE(is_inert_written(model, kFiller, kBreath));
    EXPECT_FALSE(is_written_in(checked(model), kFiller, kBreath, Intervention::silence));
    EXPECT_TRUE(is_written_in(checked(model), kFiller, kBreath, Intervention::remove));
    Readout of_eaters = kBreath;
    of_eaters.types = {kEater};
    EXPECT_FALSE(is_written_in(checked(model), kFiller, of_eaters, Intervention::remove));
}

}  // namespace
}  // namespace morula::simulation
