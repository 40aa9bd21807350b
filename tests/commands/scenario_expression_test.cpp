// [expression] of a scenario: what is read, what is refused, and what a snapshot shows of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "morula/commands/measured_states.hpp"
#include "morula/commands/scenario.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/snapshot.hpp"
#include "morula/core/file.hpp"
#include "morula/core/random.hpp"
#include "morula/formats/hdf5/read_h5ad.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/scenario_text.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::commands {
namespace {

constexpr std::int64_t kCells = 240;
const std::vector<std::string> kGenes{"IFNAR1", "IFNAR2", "ISG15", "CD44", "SPP1", "FLAT"};

/// Made up: three types in an embedding of three dimensions; genes are linear in it (and positive), so that they can be read off exactly.
data::Dataset cells() {
    data::Dataset dataset;
    std::vector<std::string> names, types;
    matrix::Dense<float>& embedding = dataset.obsm["X_pca"] = matrix::Dense<float>(kCells, 3);
    std::vector<double> time;
    matrix::Csr x;
    x.start(kCells, std::ssize(kGenes));
    for (std::int64_t c = 0; c < kCells; ++c) {
        names.push_back("cell " + std::to_string(c));
        types.push_back(c % 3 == 0 ? "T cell" : c % 3 == 1 ? "monocyte" : "dust");
        Random random(1, Purpose::test, static_cast<std::uint64_t>(c), 0);
        for (std::int64_t d = 0; d < 3; ++d) embedding(c, d) = static_cast<float>(2.0 * random.uniform() + (c % 3 == 1 ? 4.0 : 0.0));
        time.push_back(static_cast<double>(embedding(c, 0)));
        const float values[] = {1.0F + embedding(c, 0), 2.0F, 0.5F * embedding(c, 1), 3.0F + embedding(c, 2), 0.25F * embedding(c, 0), 0.0F};
        for (std::uint32_t gene = 0; gene < 5; ++gene) {
            x.indices.push_back(gene);
            x.values.push_back(values[gene]);
        }
        x.end_row();
    }
    dataset.name = "cells";
    dataset.obs = data::Table(names);
    dataset.obs.set("cell_type", data::to_categorical(types));
    dataset.obs.set("time", time);
    dataset.var = data::Table(kGenes);
    dataset.layers["X"] = matrix::make_source(std::move(x));
    return dataset;
}

/// Line numbers in the tests are those of this text.
const std::string kScenario = test::scenario_head("Blood and its states", 12.0, "size_um = [200, 200, 200]") + R"([[substance]]
name = "interferon"
diffusion = { value = 1000, unit = "um2/min", source = "guessed", prior = [100, 10000] }
decay = { value = 0.01, unit = "1/min", source = "guessed", prior = [0.001, 0.1] }
initial = { value = 2, unit = "nM", source = "measured", citation = "made up" }

[[cell_type]]
name = "T cell"

[[cell_type]]
name = "Mono"

[[cell_type]]
name = "bead"

[[cells]]
file = "positions.csv"

[expression]
data = "cells.h5ad"
attempts = { value = 1, unit = "1/h", source = "guessed", prior = [0.1, 10] }
relaxation = { value = 2, unit = "1/h", source = "guessed", prior = [0.1, 10] }
cells_a_metacell = 10
neighbors = 4
pseudotime = "time"
direction = { value = 0.5, unit = "1", source = "guessed", prior = [0, 1] }
genes = ["CD44"]
without = ["bead"]
ligand_receptor = "pairs.csv"
signalling_min = 2

  [[expression.labels]]
  type = "Mono"
  labels = ["monocyte"]

  [[expression.programme]]
  name = "interferon response"
  relaxation = { value = 1, unit = "1/h", source = "guessed", prior = [0.1, 10] }
  strength = { value = 1, unit = "1", source = "guessed", prior = [0, 3] }
  targets = ["ISG15", "MX1"]

    [[expression.programme.ligand]]
    name = "IFNB1"
    substance = "interferon"
    half = { value = 2, unit = "nM", source = "guessed", prior = [0.1, 10] }

    [[expression.programme.ligand]]
    name = "SPP1"
    half = { value = 0.5, unit = "1", source = "guessed", prior = [0.1, 10] }
)";

class ScenarioExpressionTest : public testing::Test {
protected:
    ScenarioExpressionTest() {
        formats::write_h5ad(cells(), folder_ / "cells.h5ad", {}, *context_);
        write_text_file(folder_ / "pairs.csv", "ligand,receptor\nIFNB1,IFNAR1_IFNAR2\nSPP1,CD44\nSPP1,ITGAV\nTNF,TNFRSF1A\n");
        write_text_file(folder_ / "positions.csv", "x,y,z,type\n50,50,50,T cell\n66,50,50,Mono\n50,66,50,Mono\n120,120,120,bead\n");
    }
    Scenario read(const std::string& text) const {
        write_text_file(folder_ / "scenario.toml", text);
        return read_scenario(folder_ / "scenario.toml", *context_);
    }
    static std::string replaced(std::string text, const std::string& from, const std::string& to) {
        const std::size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return text.replace(at, from.size(), to);
    }
    void expect_refused(const std::string& from, const std::string& to, ErrorCode code, std::initializer_list<const char*> parts) const {
        const std::string text = replaced(kScenario, from, to);
        const Error error = test::thrown_by([&] { read(text); });
        EXPECT_EQ(error.code(), code) << error.message();
        for (const char* part : parts) EXPECT_TRUE(test::contains(error.message() + " " + error.next(), part)) << part << " is not in: " << error.message() << " " << error.next();
    }

    test::TemporaryFolder folder_;
    std::unique_ptr<Context> context_ = test::make_context(2);
};

TEST_F(ScenarioExpressionTest, data_of_raw_counts_are_refused_without_talk_of_options_that_are_not_there) {
    data::Dataset counts = cells();
    matrix::Csr x = matrix::read_all(*counts.layers.at("X"), *context_);
    for (float& value : x.values) value = 100.0F;
    counts.layers["X"] = matrix::make_source(std::move(x));
    formats::write_h5ad(counts, folder_ / "cells.h5ad", {}, *context_);
    const Error error = test::thrown_by([&] { read(kScenario); });
    EXPECT_TRUE(test::contains(error.message(), "scenario.toml, line 26: expression, data: ")) << error.what();
    EXPECT_TRUE(test::contains(error.message(), "raw counts")) << error.what();
    EXPECT_FALSE(test::contains(error.next(), "--layer")) << error.what();
}

TEST_F(ScenarioExpressionTest, data_that_are_no_logarithms_are_refused) {
    const auto refusal = [&](const auto& change) {
        data::Dataset changed = cells();
        matrix::Csr x = matrix::read_all(*changed.layers.at("X"), *context_);
        change(x.values);
        changed.layers["X"] = matrix::make_source(std::move(x));
        formats::write_h5ad(changed, folder_ / "cells.h5ad", {}, *context_);
        return test::thrown_by([&] { read(kScenario); });
    };
    // Normalized, no logarithm: fractions far above any logarithm of counts.
    const Error normalized = refusal([](std::vector<float>& values) { for (float& value : values) value *= 40.3F; });
    EXPECT_TRUE(test::contains(normalized.message(), "scenario.toml, line 26: expression, data: ")) << normalized.what();
    EXPECT_TRUE(test::contains(normalized.message(), "of which no logarithm was taken")) << normalized.what();
    EXPECT_TRUE(test::contains(normalized.next(), "morula normalize")) << normalized.what();
    // Counts so small that logarithms could be as large.
    const Error counts = refusal([](std::vector<float>& values) { for (float& value : values) value = std::round(value); });
    EXPECT_TRUE(test::contains(counts.message(), "X holds whole numbers alone")) << counts.what();
    EXPECT_TRUE(test::contains(counts.message(), "raw counts")) << counts.what();
    const Error no_number = refusal([](std::vector<float>& values) { values[3 * 5 + 3] = std::numeric_limits<float>::quiet_NaN(); });
    EXPECT_EQ(no_number.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(test::contains(no_number.message(), "cells.h5ad: in X cell 'cell 3', gene 'CD44' holds NaN, which is no number")) << no_number.what();
}

// Looking at X sees 2,000 cells; of the genes that are read every value is looked at.
TEST(measured_states, a_value_that_is_no_logarithm_is_found_in_any_cell) {
    const auto context = test::make_context(1);
    constexpr std::int64_t kMany = 30'000;
    data::Dataset dataset;
    matrix::Csr x;
    x.start(kMany, 1);
    MeasuredStates states;
    states.cells.latent = matrix::Dense<float>(kMany, 1);
    std::vector<std::string> names;
    for (std::int64_t c = 0; c < kMany; ++c) {
        names.push_back(std::to_string(c));
        states.row.push_back(c);
        states.cells.latent(c, 0) = static_cast<float>(c % 7);
        x.indices.push_back(0);
        x.values.push_back(c == 14'321 ? 77.5F : 0.5F);
        x.end_row();
    }
    dataset.name = "many.h5ad";
    dataset.obs = data::Table(names);
    dataset.var = data::Table({"CD44"});
    dataset.layers["X"] = matrix::make_source(std::move(x));
    ASSERT_LT(data::look_at_values(*dataset.layers["X"], dataset.obs, dataset.var).largest, 1.0) << "it is not among those that are looked at";
    const Error error = test::thrown_by([&] { fit_decoder(dataset, states, {0}, {"CD44"}, *context); });
    EXPECT_TRUE(test::contains(error.message(), "many.h5ad: in X cell '14321', gene 'CD44' holds 77.5")) << error.what();
}

TEST_F(ScenarioExpressionTest, files_are_read_once_for_all_values_of_its_guesses) {
    read(kScenario);
    const ScenarioSource source(folder_ / "scenario.toml");
    const Scenario first = source.read({}, *context_);
    for (const char* file : {"scenario.toml", "cells.h5ad", "pairs.csv", "positions.csv"}) std::filesystem::remove(folder_ / file);
    const Scenario same = source.read({}, *context_);
    const Scenario other = source.read({{"expression, attempts", 6.0}, {"expression, direction", 0.25}}, *context_);
    const auto& states = *first.model.expression;
    for (const Scenario* again : {&same, &other}) {
        EXPECT_EQ(again->hash, first.hash);
        EXPECT_EQ(again->model.expression->decoded.weights.values, states.decoded.weights.values);
        EXPECT_EQ(again->model.expression->signalling->model().decoder.genes, states.signalling->model().decoder.genes);
        EXPECT_EQ(again->model.expression->kernel.n_metacells(), states.kernel.n_metacells());
    }
    EXPECT_DOUBLE_EQ(states.rates[0].attempts_per_min, 1.0 / 60.0);
    EXPECT_DOUBLE_EQ(other.model.expression->rates[0].attempts_per_min, 0.1);
    EXPECT_EQ(same.model.expression->kernel.tilt(1), states.kernel.tilt(1));
    EXPECT_NE(states.kernel.tilt(1), 0.0);
    EXPECT_NEAR(other.model.expression->kernel.tilt(1), 0.5 * states.kernel.tilt(1), 1e-12);
}

TEST_F(ScenarioExpressionTest, reads_states_signals_and_their_rates) {
    const Scenario scenario = read(kScenario);
    ASSERT_NE(scenario.model.expression, nullptr);
    const simulation::ExpressionModel& model = *scenario.model.expression;
    EXPECT_EQ(model.kernel.n_dims(), 3);
    EXPECT_EQ(model.kernel.n_metacells(), 16);  // 80 cells a type, 10 a metacell
    EXPECT_EQ(model.kernel.n_measured(0), 80);
    EXPECT_EQ(model.kernel.n_measured(1), 80);
    EXPECT_FALSE(model.kernel.has_states(2));
    EXPECT_EQ(model.rates.size(), 3U);
    EXPECT_NEAR(model.rates[1].attempts_per_min, 1.0 / 60.0, 1e-12);
    EXPECT_NEAR(model.rates[1].relaxation_per_min, 2.0 / 60.0, 1e-12);
    EXPECT_EQ(model.clock_min, 6.0);
    EXPECT_NE(model.kernel.tilt(0), model.kernel.tilt(1));
    const simulation::SignallingModel& signalling = model.signalling->model();
    EXPECT_EQ(signalling.clock_min, 2.0);
    ASSERT_EQ(signalling.links.size(), 2U);  // ITGAV was not measured
    EXPECT_EQ(signalling.links[0].substance, 0);
    EXPECT_EQ(signalling.links[0].half, 2.0);
    ASSERT_EQ(signalling.links[0].receptor.size(), 2U);
    EXPECT_EQ(signalling.decoder.genes[static_cast<std::size_t>(signalling.links[0].receptor[1])], "IFNAR2");
    EXPECT_EQ(signalling.links[1].substance, -1);
    EXPECT_EQ(signalling.programmes[0].targets.size(), 1U);  // MX1 was not measured
    EXPECT_EQ(model.decoded.genes, (std::vector<std::string>{"CD44", "ISG15", "IFNAR1", "IFNAR2", "SPP1"}));
    std::set<std::string> rates;
    for (const ScenarioRate& rate : scenario.rates) rates.insert(rate.name);
    EXPECT_TRUE(rates.contains("expression, attempts"));
    EXPECT_TRUE(rates.contains("programme 'interferon response', strength"));
    EXPECT_TRUE(rates.contains("programme 'interferon response', ligand 'IFNB1', half"));
    // The data are part of the scenario.
    data::Dataset other = cells();
    other.obsm["X_pca"](0, 0) += 0.5F;
    formats::write_h5ad(other, folder_ / "cells.h5ad", {}, *context_);
    EXPECT_NE(read(kScenario).hash, scenario.hash);
}

TEST_F(ScenarioExpressionTest, reads_linear_genes_off_the_embedding_exactly) {
    const data::Dataset dataset = cells();
    MeasuredStatesOptions options{.labels = {{"T cell", "dust"}, {"monocyte"}}};
    const MeasuredStates states = measured_states(dataset, options, *context_);
    ASSERT_EQ(std::ssize(states.row), kCells);
    const simulation::Decoder decoder = fit_decoder(dataset, states, {3, 1, 5}, {"CD44", "IFNAR2", "FLAT"}, *context_);
    std::vector<float> levels(3);
    decoder.decode(std::vector<float>{1.0F, 5.0F, 0.5F}, levels);
    EXPECT_NEAR(static_cast<double>(levels[0]), 3.5, 1e-4);
    EXPECT_NEAR(static_cast<double>(levels[1]), 2.0, 1e-4);
    EXPECT_NEAR(static_cast<double>(levels[2]), 0.0, 1e-6);
    EXPECT_NEAR(decoder.explained[0], 1.0, 1e-5);
    EXPECT_EQ(decoder.explained[2], 0.0);
    options.n_dims = 2;
    const MeasuredStates fewer = measured_states(dataset, options, *context_);
    EXPECT_EQ(fewer.n_dims_left_out, 1);
    EXPECT_LT(fit_decoder(dataset, fewer, {3}, {"CD44"}, *context_).explained[0], 0.9);
}

TEST_F(ScenarioExpressionTest, states_are_the_same_with_any_number_of_threads_and_stand_in_the_snapshot) {
    const Scenario scenario = read(kScenario);
    const auto run = [&](Context& context) {
        simulation::Simulation simulation(scenario.model, scenario.start, context);
        simulation.advance(12.0, context);
        return simulation;
    };
    test::same_at_threads({2, 8}, [&](Context& context) { return run(context).hash(); }, [](const std::string& a, const std::string& b) { return a == b; });
    const simulation::Simulation simulation = run(*context_);
    formats::write_h5ad(snapshot(simulation, scenario), folder_ / "snapshot.h5ad", {}, *context_);
    const data::Dataset back = formats::read_h5ad(folder_ / "snapshot.h5ad", *context_);
    ASSERT_EQ(back.n_cells(), 4);
    EXPECT_EQ(back.var.index(), scenario.model.expression->decoded.genes);
    const matrix::Csr x = matrix::read_all(*require_log_values(back), *context_);
    const matrix::Dense<float>& latent = back.obsm.at("X_latent");
    const auto metacells = data::column_numbers(back.obs.at("metacell"));
    const auto types = data::column_texts(back.obs.at("cell_type"));
    const auto programme = data::column_numbers(back.obs.at("programme interferon response"));
    for (std::int64_t row = 0; row < 4; ++row) {
        const auto r = static_cast<std::size_t>(row);
        EXPECT_EQ(metacells[r] < 0.0, types[r] == "bead");
        EXPECT_EQ(std::isnan(latent(row, 0)), types[r] == "bead");
        EXPECT_EQ(x.view().row_values(row).empty(), types[r] == "bead");
        if (types[r] == "bead") continue;
        EXPECT_GT(programme[r], 0.0);
        EXPECT_NEAR(static_cast<double>(x.view().row_values(row)[0]), 3.0 + static_cast<double>(latent(row, 2)), 1e-3);  // CD44
    }
    const data::UnsMap& uns = uns_map(back.uns, "morula_simulation");
    EXPECT_EQ(uns_text(uns, "states"), "transitions are hypotheses; only states are measured");
    EXPECT_EQ(uns_text(uns, "embedding_hash"), scenario.model.expression->kernel.hash());
    EXPECT_TRUE(test::contains(uns_text(uns, "X"), "decoded"));
}

TEST_F(ScenarioExpressionTest, states_come_from_chosen_cells_and_agents_start_as_chosen_ones) {
    data::Dataset with = cells();
    std::vector<std::string> sample, group;
    for (std::int64_t c = 0; c < kCells; ++c) {
        sample.push_back(c < 180 ? "first" : "second");
        group.push_back(with.obsm["X_pca"](c, 0) < 1.0F || c % 3 == 1 ? "low" : "high");
    }
    with.obs.set("sample", data::to_categorical(sample));
    with.obs.set("group", data::to_categorical(group));
    formats::write_h5ad(with, folder_ / "cells.h5ad", {}, *context_);
    const std::string choice = "signalling_min = 2\nonly_column = \"sample\"\nonly = [\"first\"]\nstart_column = \"group\"\nstart = [\"low\"]";
    const std::string text = replaced(kScenario, "signalling_min = 2", choice);
    const Scenario scenario = read(text);
    const simulation::ExpressionModel& model = *scenario.model.expression;
    EXPECT_EQ(model.kernel.n_measured(0), 60);
    EXPECT_EQ(model.kernel.n_measured(1), 60);
    ASSERT_EQ(model.start.size(), 3U);
    EXPECT_EQ(model.start[1].size(), 60U);
    EXPECT_GT(model.start[0].size(), 10U);
    EXPECT_LT(model.start[0].size(), 50U);
    for (const std::int64_t cell : model.start[0]) EXPECT_LT(model.kernel.measured(0, cell).latent[0], 1.0F);
    // Ten T cells begin with one of these.
    simulation::ExpressionStates states(scenario.model.expression);
    simulation::Agents agents;
    for (std::int64_t i = 0; i < 10; ++i) add_agent(agents, simulation::first_id(i), 0, {static_cast<double>(i), 0.0, 0.0}, 8.0F);
    states.settle(agents, 1, *context_);
    std::vector<float> latent(3);
    for (std::size_t i = 0; i < 10; ++i) {
        ASSERT_TRUE(states.latent(agents, i, latent));
        EXPECT_LT(latent[0], 1.001F);
    }
    const auto refused = [&](const std::string& from, const std::string& to) { return test::thrown_by([&] { read(replaced(text, from, to)); }); };
    EXPECT_TRUE(test::contains(refused("only = [\"first\"]", "only = [\"frist\"]").next(), "Did you mean 'first'"));
    EXPECT_TRUE(test::contains(refused("start = [\"low\"]", "").message(), "without start"));
    const Error none = refused("start = [\"low\"]", "start = [\"high\"]");  // no monocyte is
    EXPECT_EQ(none.code(), ErrorCode::not_found);
    EXPECT_TRUE(test::contains(none.message(), "'monocyte' to start as")) << none.message();
}

TEST_F(ScenarioExpressionTest, receptors_that_were_not_measured_have_one_level) {
    const std::string half = "half = { value = 2, unit = \"nM\", source = \"guessed\", prior = [0.1, 10] }";
    const std::string level = half + "\n    receptor_level = { value = 0.8, unit = \"1\", source = \"guessed\", prior = [0.1, 1] }";
    const std::string balance = "strength = { value = 1, unit = \"1\", source = \"guessed\", prior = [0, 3] }\n  balance = { value = 0.25, unit = \"1\", source = \"guessed\", prior = [0, 1] }";
    const std::string text = replaced(replaced(replaced(kScenario, half, level), "strength = { value = 1, unit = \"1\", source = \"guessed\", prior = [0, 3] }", balance), "name = \"IFNB1\"", "name = \"unheard of\"");
    const Scenario scenario = read(text);
    const simulation::SignallingModel& signalling = scenario.model.expression->signalling->model();
    ASSERT_EQ(signalling.links.size(), 2U);
    EXPECT_TRUE(signalling.links[0].receptor.empty());
    EXPECT_EQ(signalling.links[0].receptor_level, 0.8);
    EXPECT_EQ(signalling.programmes[0].balance, 0.25);
    EXPECT_TRUE(test::contains(test::thrown_by([&] { read(replaced(text, "value = 0.8", "value = 1.8")); }).message(), "receptor_level"));
    EXPECT_TRUE(test::contains(test::thrown_by([&] { read(replaced(text, "    substance = \"interferon\"\n", "")); }).message(), "half"));  // of a substance's unit
}

TEST_F(ScenarioExpressionTest, agents_start_as_the_cell_that_was_measured_where_they_stand) {
    data::Dataset with = cells();
    matrix::Dense<float>& spatial = with.obsm["spatial"] = matrix::Dense<float>(kCells, 2);
    for (std::int64_t c = 0; c < kCells; ++c) {
        spatial(c, 0) = static_cast<float>(4 * (c % 15)) + 1000.0F;
        spatial(c, 1) = static_cast<float>(4 * (c / 15));
    }
    formats::write_h5ad(with, folder_ / "cells.h5ad", {}, *context_);
    const std::string place = "file = \"cells.h5ad\"\ntype_column = \"cell_type\"\ntypes = { monocyte = \"Mono\", dust = \"\" }\num_per_unit = 2\ncenter_um = [100, 100, 100]";
    const std::string text = replaced(replaced(kScenario, "file = \"positions.csv\"", place), "signalling_min = 2", "signalling_min = 2\nstart_by = \"position\"");
    Scenario scenario = read(text);
    ASSERT_EQ(scenario.start.size(), 160);
    const simulation::ExpressionModel& model = *scenario.model.expression;
    ASSERT_EQ(model.start_as.size(), 160U);
    simulation::ExpressionStates states(scenario.model.expression);
    states.settle(scenario.start, 1, *context_);
    std::vector<float> latent(3);
    std::size_t agent = 0;
    for (std::int64_t c = 0; c < kCells; ++c) {
        if (c % 3 == 2) continue;  // dust
        ASSERT_TRUE(states.latent(scenario.start, agent++, latent));
        for (std::int64_t d = 0; d < 3; ++d) EXPECT_NEAR(static_cast<double>(latent[static_cast<std::size_t>(d)]), static_cast<double>(with.obsm["X_pca"](c, d)), 1e-3) << c;
    }
    // Where only some may be begun as, the nearest of those.
    std::vector<std::string> row;
    for (std::int64_t c = 0; c < kCells; ++c) row.push_back(c < 15 ? "first" : "others");
    with.obs.set("row", data::to_categorical(row));
    formats::write_h5ad(with, folder_ / "cells.h5ad", {}, *context_);
    const Scenario some = read(replaced(text, "signalling_min = 2", "signalling_min = 2\nstart_column = \"row\"\nstart = [\"first\"]"));
    for (const simulation::StartAs& each : some.model.expression->start_as) EXPECT_LT(each.cell, 5);
    // Nobody stands there, or nobody knows where that is.
    const Error nobody = test::thrown_by([&] { read(replaced(kScenario, "signalling_min = 2", "signalling_min = 2\nstart_by = \"position\"")); });
    EXPECT_TRUE(test::contains(nobody.message(), "none stands where")) << nobody.message();
    const auto line = std::count(kScenario.begin(), kScenario.begin() + static_cast<std::ptrdiff_t>(kScenario.find("signalling_min = 2")), '\n') + 2;
    EXPECT_TRUE(test::contains(nobody.message(), fmt::format("scenario.toml, line {}: expression, start_by: ", line))) << nobody.message();
    formats::write_h5ad(cells(), folder_ / "cells.h5ad", {}, *context_);
    EXPECT_EQ(test::thrown_by([&] { read(replaced(kScenario, "signalling_min = 2", "signalling_min = 2\nstart_by = \"position\"")); }).code(), ErrorCode::not_found);
}

TEST_F(ScenarioExpressionTest, knocked_out_receptors_hear_nothing) {
    const auto knocked = [](const std::string& gene, const std::string& more) { return "\n[[perturbation]]\nkind = \"knock_out\"\ntype = \"T cell\"\ngene = \"" + gene + "\"\n" + more; };
    const auto heard = [&](const std::string& text, double until) {
        const Scenario scenario = read(text);
        simulation::Simulation simulation(scenario.model, scenario.start, *context_);
        simulation.advance(until, *context_);
        std::vector<float> levels(3, 0.0F);  // of a T cell and the two monocytes
        for (std::size_t i = 0; i < 4; ++i) {
            for (std::size_t k = 0; k < 3; ++k) {
                if (simulation.agents().id[i] == simulation::first_id(static_cast<std::int64_t>(k))) levels[k] = simulation.states()->programme(simulation.agents(), i, 0);
            }
        }
        return levels;
    };
    const std::vector<float> before = heard(kScenario, 12.0);
    EXPECT_GT(before[0], 0.0F);
    const std::vector<float> after = heard(kScenario + knocked("IFNAR1", "") + knocked("CD44", ""), 12.0);
    EXPECT_EQ(after[0], 0.0F);
    EXPECT_EQ(after[1], before[1]);  // what its ligand tells the monocytes has not changed
    const std::vector<float> later = heard(kScenario + knocked("IFNAR1", "from_min = 6\n") + knocked("CD44", "from_min = 6\n"), 12.0);
    EXPECT_GT(later[0], 0.0F);
    EXPECT_LT(later[0], before[0]);
    EXPECT_EQ(heard(kScenario + knocked("IFNAR1", "from_min = 6\n"), 4.0)[0], heard(kScenario, 4.0)[0]);
    const std::vector<float> mute = heard(kScenario + knocked("SPP1", ""), 2.0);
    EXPECT_EQ(mute[0], heard(kScenario, 2.0)[0]);
    EXPECT_LT(mute[1], heard(kScenario, 2.0)[1]);  // whom it touches
    const std::string over = "\n[[perturbation]]\nkind = \"over_expression\"\ntype = \"T cell\"\ngene = \"CD44\"\nfactor = 3\n";
    EXPECT_GT(heard(kScenario + over, 2.0)[0], heard(kScenario, 2.0)[0]);
    const auto refused = [&](const std::string& more) {
        const Error error = test::thrown_by([&] { read(kScenario + more); });
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        return error.message() + " " + error.next();
    };
    EXPECT_TRUE(test::contains(refused(knocked("IFNAR", "")), "Did you mean 'IFNAR1'"));
    EXPECT_TRUE(test::contains(refused(knocked("ISG15", "")), "no signal of the scenario goes through 'ISG15'"));  // a target
    EXPECT_TRUE(test::contains(refused(knocked("CD44", "") + knocked("CD44", "from_min = 3\n")), "at one time"));
    EXPECT_TRUE(test::contains(refused(knocked("CD44", "behavior = \"migration speed\"\n")), "beside behavior"));
    EXPECT_TRUE(test::contains(refused(replaced(knocked("CD44", ""), "T cell", "bead")), "no states"));
    EXPECT_TRUE(test::contains(refused(knocked("CD44", "factor = 2\n")), "less of a gene"));
}

TEST_F(ScenarioExpressionTest, ridges_follow_the_table_and_knocked_out_genes_shift_states) {
    write_text_file(folder_ / "regulons.csv", "source,target,weight\nIFNAR1,SPP1,-1\nIFNAR1,IFNAR1,1\nSTAT1,ISG15,1\nSPP1,MX1,1\n");
    const std::string text = kScenario + "\n[expression.ridge]\nregulons = \"regulons.csv\"\ngenes = [\"IFNAR1\", \"SPP1\", \"ISG15\"]\npenalty = 0.001\nrounds = 2\n"
                                         "strength = { value = 1, unit = \"1\", source = \"guessed\", prior = [0, 1] }\n";
    const std::string knocked = "\n[[perturbation]]\nkind = \"knock_out\"\ntype = \"T cell\"\ngene = \"SPP1\"\nfrom_min = 6\n";
    const Scenario scenario = read(text + knocked);
    const simulation::Regulation& regulation = *scenario.model.expression->regulation;
    EXPECT_EQ(regulation.rounds, 2);
    ASSERT_EQ(regulation.of_type.size(), 3U);
    EXPECT_EQ(regulation.of_type[0].regulators, (std::vector<std::vector<std::int32_t>>{{}, {0}, {}}));
    EXPECT_NEAR(regulation.of_type[0].weights[1][0], 0.25, 1e-4);  // the data's sign, whatever the table's
    EXPECT_TRUE(regulation.of_type[2].weights.empty());            // beads have no states
    EXPECT_TRUE(regulated_factors_at(scenario.model, 0.0).empty());
    ASSERT_EQ(regulated_factors_at(scenario.model, 6.0).size(), 1U);
    const auto run = [&](const std::string& of, Context& context) {
        const Scenario whole = read(of);
        simulation::Simulation simulation(whole.model, whole.start, context);
        simulation.advance(60.0, context);
        return simulation.hash();
    };
    EXPECT_NE(run(text + knocked, *context_), run(text, *context_));
    const std::string hash = test::same_at_threads({2, 8}, [&](Context& context) { return run(text + knocked, context); }, [](const std::string& a, const std::string& b) { return a == b; });
    // The same after restarts: before the shift, at the strike that begins it, amid it, and one after the other.
    const Scenario parts = read(text + knocked);
    simulation::Simulation simulation(parts.model, parts.start, *context_);
    for (const double minute : {5.9, 6.0, 6.1, 11.9, 30.0, 54.3}) {
        simulation.advance(minute, *context_);
        simulation.save(folder_ / "ridge.state", "ridge");
        simulation::Simulation alone = simulation::Simulation::load(parts.model, folder_ / "ridge.state", "ridge", *context_);
        alone.advance(60.0, *context_);
        EXPECT_EQ(alone.hash(), hash) << "from minute " << minute;
        simulation = simulation::Simulation::load(parts.model, folder_ / "ridge.state", "ridge", *context_);
    }
    simulation.advance(60.0, *context_);
    EXPECT_EQ(simulation.hash(), hash);
    const Error none = test::thrown_by([&] { read(replaced(text, "\"IFNAR1\", \"SPP1\", \"ISG15\"", "\"CD44\", \"SPP1\"")); });
    EXPECT_TRUE(test::contains(none.message(), "acts on another")) << none.message();
    EXPECT_TRUE(test::contains(test::thrown_by([&] { read(replaced(text, "\"ISG15\"]\npenalty", "\"ISG16\"]\npenalty")); }).next(), "Did you mean 'ISG15'"));
}

TEST_F(ScenarioExpressionTest, a_hash_pins_the_embedding) {
    const std::string hash = read(kScenario).model.expression->kernel.hash();
    const std::string pinned = replaced(kScenario, "signalling_min = 2", "signalling_min = 2\nembedding_hash = \"" + hash + "\"");
    EXPECT_EQ(read(pinned).model.expression->kernel.hash(), hash);
    data::Dataset other = cells();
    for (float& value : other.obsm["X_pca"].values) value = -value;
    formats::write_h5ad(other, folder_ / "cells.h5ad", {}, *context_);
    const Error error = test::thrown_by([&] { read(pinned); });
    EXPECT_EQ(error.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(test::contains(error.message(), "another embedding")) << error.message();
    EXPECT_TRUE(test::contains(error.message(), "line 37")) << error.message();
}

TEST_F(ScenarioExpressionTest, refuses_what_is_not_there) {
    expect_refused("cells_a_metacell = 10", "cells_a_metacell = 10\ndimensions = 4", ErrorCode::invalid_data, {"line 30: expression, dimensions: is 4, and obsm 'X_pca' of", "has 3", "no more than there are"});
    write_text_file(folder_ / "counts.csv", "cell,CD44,MX1\na,1,2\nb,0,3\n");
    expect_refused("data = \"cells.h5ad\"", "data = \"counts.csv\"", ErrorCode::invalid_data, {"expression, data:", "counts.csv holds counts alone", "embedding (obsm) and cell types (obs)", "h5ad"});
    expect_refused("data = \"cells.h5ad\"", "data = \"none.h5ad\"", ErrorCode::not_found, {"none.h5ad"});
    expect_refused("cells_a_metacell = 10", "embedding = \"X_pcs\"", ErrorCode::not_found, {"X_pcs", "X_pca"});
    expect_refused("cells_a_metacell = 10", "cell_type = \"cell_typ\"", ErrorCode::not_found, {"cell_typ", "cell_type"});
    expect_refused("without = [\"bead\"]", "", ErrorCode::not_found, {"'bead'", "without"});
    expect_refused("labels = [\"monocyte\"]", "labels = [\"monocytes\"]", ErrorCode::not_found, {"Did you mean 'monocyte'"});
    expect_refused("labels = [\"monocyte\"]", "labels = [\"monocyte\", \"T cell\"]", ErrorCode::invalid_data, {"more than one"});
    expect_refused("type = \"Mono\"\n  labels", "type = \"Mona\"\n  labels", ErrorCode::invalid_data, {"line 39", "Did you mean 'Mono'"});
    expect_refused("genes = [\"CD44\"]", "genes = [\"CD45\"]", ErrorCode::invalid_data, {"line 33", "Did you mean 'CD44'"});
    expect_refused("targets = [\"ISG15\", \"MX1\"]", "targets = [\"MX1\"]", ErrorCode::invalid_data, {"targets", "no"});
    expect_refused("name = \"IFNB1\"", "name = \"IFNB\"", ErrorCode::invalid_data, {"line 49", "Did you mean 'IFNB1'"});
    expect_refused("name = \"IFNB1\"", "name = \"TNF\"", ErrorCode::invalid_data, {"no one was measured"});
    expect_refused("half = { value = 2, unit = \"nM\"", "half = { value = 2, unit = \"mmHg\"", ErrorCode::invalid_data, {"mmHg"});
    expect_refused("pseudotime = \"time\"", "pseudotime = \"tine\"", ErrorCode::invalid_data, {"line 31: expression, pseudotime: 'tine' is no obs column of", "Did you mean 'time'"});
    expect_refused("pseudotime = \"time\"\n", "", ErrorCode::invalid_data, {"pseudotime"});
    expect_refused("attempts = { value = 1, unit = \"1/h\", source = \"guessed\", prior = [0.1, 10] }", "attempts = 3", ErrorCode::invalid_data, {"line 27", "unit"});
    expect_refused("neighbors = 4", "neighbours = 4", ErrorCode::invalid_data, {"neighbors"});
    expect_refused("signalling_min = 2", "signalling_min = 2\nclock_min = 0", ErrorCode::invalid_data, {"clock_min"});
}

}  // namespace
}  // namespace morula::commands
