// Does signalling between neighbours tell which state a cell is in? bench_section [DATA_FOLDER]: one MERFISH section (mouse preoptic area, bregma -0.29, Moffitt et al. 2018) beside four nulls.
//
// One section of mostly resting tissue: no claim can rest on it. Two questions, each with its nulls:
//   kept       cells start in their own measured state; after a day, how much of it is left? Frozen cells keep all: what does not harm stays near.
//   recovered  cells start in the state of another cell of their type; after a day, how much nearer are they to their own than another cell of the type is?
// Both are 1 - d^2(simulated, own) / d^2(another of the type, own), over the cells of types with at least 100 cells; mean and standard error over seeds.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <numeric>

#include "morula/analysis/pca.hpp"
#include "morula/commands/measured_states.hpp"
#include "morula/core/random.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/formats/text/mtx.hpp"
#include "morula/knowledge/ligand_receptor.hpp"
#include "morula/simulation/expression_states.hpp"

namespace {

using namespace morula;
using namespace morula::simulation;
namespace fs = std::filesystem;

constexpr std::int64_t kLeastCells = 100;
constexpr std::int64_t kDims = 20;
constexpr std::uint64_t kSeeds = 10;
constexpr double kClockMin = 6.0;
constexpr double kHalf = 0.5;  // guessed, like every rate here

struct Section {
    data::Dataset dataset;
    std::vector<std::array<double, 2>> place;
    std::vector<std::string> types;  // with enough cells
};

Section read_section(const fs::path& folder, Context& context) {
    Section section;
    const formats::RawTable cells = formats::read_rows(folder / "cells.csv.gz", {}, context);
    const std::size_t id = cells.column("cell"), type = cells.column("celltype"), x = cells.column("x"), y = cells.column("y");
    std::vector<std::string> index, label;
    std::map<std::string, std::int64_t> n;
    for (const auto& row : cells.rows) {
        index.push_back(row[id]);
        label.push_back(row[type]);
        section.place.push_back({std::stod(row[x]), std::stod(row[y])});
        ++n[row[type]];
    }
    for (const auto& [name, count] : n) {
        if (count >= kLeastCells && name != "Ambiguous") section.types.push_back(name);
    }
    std::vector<std::string> genes;
    std::ifstream list(folder / "genes.txt");
    for (std::string gene; std::getline(list, gene);) {
        std::transform(gene.begin(), gene.end(), gene.begin(), [](unsigned char c) { return std::toupper(c); });  // as the human table names them
        genes.push_back(gene);
    }
    matrix::Csr values = formats::read_mtx_transposed(folder / "volnorm.mtx.gz", context);
    for (float& value : values.values) value = std::log1p(value);
    section.dataset.name = "section";
    section.dataset.obs = data::Table(index);
    section.dataset.obs.set("cell_type", data::to_categorical(label));
    section.dataset.var = data::Table(genes);
    section.dataset.layers["X"] = matrix::make_source(std::move(values));
    section.dataset.obsm["X_pca"] = analysis::pca(*section.dataset.layers["X"], {.n_components = static_cast<std::int32_t>(kDims)}, context).embedding;
    return section;
}

enum class Pairs { as_listed, shuffled };
enum class Start { own, another };

/// Pairs of which both genes were measured, all in one programme that raises genes of activity; receptors permuted where shuffled.
SignallingModel signalling_of(const Section& section, const commands::MeasuredStates& states, const knowledge::LigandReceptorTable& table, Pairs pairs, std::uint64_t seed, Context& context) {
    const std::vector<std::string>& genes = section.dataset.var.index();
    std::vector<std::int64_t> columns;
    std::vector<std::string> names;
    const auto number = [&](const std::string& gene) {
        const auto column = std::find(genes.begin(), genes.end(), gene) - genes.begin();
        if (column == std::ssize(genes)) return std::int32_t{-1};
        const auto found = std::find(columns.begin(), columns.end(), column);
        if (found != columns.end()) return static_cast<std::int32_t>(found - columns.begin());
        columns.push_back(column);
        names.push_back(gene);
        return static_cast<std::int32_t>(columns.size() - 1);
    };
    SignallingModel model;
    model.clock_min = kClockMin;
    for (const knowledge::LigandReceptor& pair : table.interactions) {
        if (pair.ligand_genes.size() != 1 || pair.receptor_genes.size() != 1) continue;
        if (std::find(genes.begin(), genes.end(), pair.ligand_genes[0]) == genes.end() || std::find(genes.begin(), genes.end(), pair.receptor_genes[0]) == genes.end()) continue;
        model.links.push_back({.name = pair.name, .ligand = {number(pair.ligand_genes[0])}, .receptor = {number(pair.receptor_genes[0])}, .half = kHalf});
    }
    if (pairs == Pairs::shuffled) {
        Random random(seed, Purpose::test, 11, 0);
        for (std::size_t k = model.links.size(); k > 1; --k) std::swap(model.links[k - 1].receptor, model.links[random.below(k)].receptor);
    }
    Programme activity{.name = "activity", .relaxation_per_min = 1.0 / 60.0, .strength = 1.0};
    for (const char* gene : {"EGR2", "KLF4", "CYR61", "GEM", "RGS2", "TIPARP", "SGK1"}) activity.targets.push_back(number(gene));
    model.programmes = {activity};
    model.decoder = commands::fit_decoder(section.dataset, states, columns, names, context);
    return model;
}

enum class Variant { scenario, frozen, random_walk, shuffled_positions, shuffled_table };
constexpr std::array<const char*, 5> kNames{"scenario", "null: frozen", "null: random walk", "null: shuffled positions", "null: shuffled pairs"};

struct Trial {
    const Section& section;
    const commands::MeasuredStates& states;
    const knowledge::LigandReceptorTable& table;

    /// The score after a day.
    double run(Variant variant, Start start, std::uint64_t seed, Context& context) const {
        const auto n_types = static_cast<std::int32_t>(section.types.size());
        const ExpressionKernel kernel(states.cells, {.n_types = n_types, .n_neighbors = 10});
        const StateRates rates = variant == Variant::frozen ? StateRates{} : StateRates{.attempts_per_min = 1.0 / 120.0, .relaxation_per_min = 1.0 / 240.0};
        auto model = std::make_shared<ExpressionModel>(ExpressionModel{.kernel = kernel, .rates = std::vector<StateRates>(section.types.size(), rates)});
        if (variant != Variant::random_walk) model->signalling.emplace(signalling_of(section, states, table, variant == Variant::shuffled_table ? Pairs::shuffled : Pairs::as_listed, seed, context), kernel);
        ExpressionStates simulated(model);

        const std::size_t n = states.row.size();
        std::vector<std::size_t> stands(n);  // whose place each cell has
        std::iota(stands.begin(), stands.end(), std::size_t{0});
        if (variant == Variant::shuffled_positions) shuffle_in_types(stands, seed, 12);
        Agents agents;
        for (std::size_t i = 0; i < n; ++i) {
            const auto& place = section.place[static_cast<std::size_t>(states.row[stands[i]])];
            add_agent(agents, first_id(static_cast<std::int64_t>(i)), static_cast<std::uint16_t>(states.cells.type[i]), {place[0], place[1], 0.0}, 10.0F);
        }
        NeighborLists lists(2.0, std::vector<float>(section.types.size(), 1.5F));  // neighbours: up to 30 um
        Workspace workspace;
        lists.build(agents, workspace, context);
        std::map<std::uint64_t, std::size_t> cell_of;
        for (std::size_t i = 0; i < n; ++i) cell_of[first_id(static_cast<std::int64_t>(i))] = i;
        std::vector<std::size_t> begins(n);
        std::iota(begins.begin(), begins.end(), std::size_t{0});
        if (start == Start::another) shuffle_in_types(begins, seed, 13);
        simulated.settle(agents, seed, context);
        for (std::size_t i = 0; i < n; ++i) simulated.start_as(agents, i, number_in_type(begins[cell_of.at(agents.id[i])]));

        const simulation::Field field({.n = {1, 1, 1}, .voxel_um = 1e4}, {}, 0.1, context);
        const std::vector<Life> lives(section.types.size(), standard_life(CycleModel::none));
        for (std::uint32_t strike = 0; strike < static_cast<std::uint32_t>(1'440.0 / kClockMin); ++strike) {
            if (model->signalling) simulated.signal(agents, lives, field, lists, context);
            simulated.advance(agents, lives, seed, strike, context);
        }
        double away = 0.0, others = 0.0;
        std::vector<std::size_t> other(n);
        std::iota(other.begin(), other.end(), std::size_t{0});
        shuffle_in_types(other, seed, 14);
        std::vector<float> latent(static_cast<std::size_t>(kDims));
        for (std::size_t i = 0; i < n; ++i) {
            const std::size_t own = cell_of.at(agents.id[i]);
            simulated.latent(agents, i, latent);
            for (std::int64_t d = 0; d < kDims; ++d) {
                const auto c = static_cast<std::int64_t>(own), o = static_cast<std::int64_t>(other[own]);
                away += std::pow(static_cast<double>(latent[static_cast<std::size_t>(d)] - states.cells.latent(c, d)), 2.0);
                others += std::pow(static_cast<double>(states.cells.latent(o, d) - states.cells.latent(c, d)), 2.0);
            }
        }
        return 1.0 - away / others;
    }

    /// Number of a cell among the measured of its type.
    std::int64_t number_in_type(std::size_t cell) const { return std::count(states.cells.type.begin(), states.cells.type.begin() + static_cast<std::ptrdiff_t>(cell), states.cells.type[cell]); }

    void shuffle_in_types(std::vector<std::size_t>& order, std::uint64_t seed, std::uint64_t what) const {
        for (std::int32_t type = 0; type < static_cast<std::int32_t>(section.types.size()); ++type) {
            std::vector<std::size_t> own;
            for (std::size_t i = 0; i < order.size(); ++i) {
                if (states.cells.type[i] == type) own.push_back(i);
            }
            Random random(seed, Purpose::test, what, static_cast<std::uint32_t>(type));
            for (std::size_t k = own.size(); k > 1; --k) std::swap(order[own[k - 1]], order[own[random.below(k)]]);
        }
    }
};

std::string mean_and_error(const std::vector<double>& values) {
    const auto n = static_cast<double>(values.size());
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
    double squares = 0.0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    return fmt::format("{:8.4f} +- {:.4f}", mean, std::sqrt(squares / (n - 1.0) / n));
}

}  // namespace

int main(int argc, char** argv) {
    const fs::path data = argc > 1 ? argv[1] : "../shared/data";
    Context context({.threads = 0, .memory_bytes = 0, .events = nullptr, .cancel = nullptr});
    const Section section = read_section(data / "spatial-merfish-preoptic", context);
    const fs::path pairs = data / "ligand-receptor" / "cellphonedb";
    const std::vector<fs::path> parts{pairs / "gene_input.csv"};  // single genes are enough here
    const knowledge::LigandReceptorTable table = knowledge::read_ligand_receptor(pairs / "interaction_input.csv", knowledge::read_name_parts(parts, context), context);
    commands::MeasuredStatesOptions options;
    for (const std::string& type : section.types) options.labels.push_back({type});
    const commands::MeasuredStates states = commands::measured_states(section.dataset, options, context);
    const Trial trial{section, states, table};
    const std::size_t n_pairs = signalling_of(section, states, table, Pairs::as_listed, 0, context).links.size();
    fmt::print("{} cells of {} types, {} pairs, {} seeds; {}\n{:28}{:>20}{:>22}\n", states.row.size(), section.types.size(), n_pairs, kSeeds, kStatesAreHypotheses, "", "kept", "recovered");
    for (std::size_t v = 0; v < kNames.size(); ++v) {
        std::vector<double> kept, recovered;
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
            kept.push_back(trial.run(static_cast<Variant>(v), Start::own, seed, context));
            recovered.push_back(trial.run(static_cast<Variant>(v), Start::another, seed, context));
        }
        fmt::print("{:28}{:>20}{:>22}\n", kNames[v], mean_and_error(kept), mean_and_error(recovered));
    }
}
