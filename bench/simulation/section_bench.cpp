// Does signalling between neighbours tell which state a cell is in? bench_section [DATA_FOLDER [kept|refilled]]: one MERFISH section (mouse preoptic area, bregma -0.29, Moffitt et al. 2018) beside four nulls.
//
// One section of mostly resting tissue: no claim can rest on it. Three questions, each with its nulls, all over types with at least 100 cells:
//   kept       cells start in their own measured state; after a day, how much of it is left? Frozen cells keep all: what does not harm stays near.
//   recovered  cells start in the state of another cell of their type; after a day, how much nearer are they to their own than another cell of the type is?
//   refilled   a fifth of a type is taken out, and nobody sees those cells' states again; into each gap comes a daughter of the nearest cell of the type that is left, in her mother's state. After a day,
//              how much nearer is she to the cell that was taken out than another cell of the type is? (How fast gaps fill is not asked: a section does not tell.)
// Each is 1 - d^2(simulated, measured) / d^2(another of the type, measured); mean and standard error over seeds, for refilled over types and seeds.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <span>
#include <string_view>

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
constexpr std::uint64_t kGapSeeds = 3;
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

/// Who stands where, and as which measured cell of its type each begins.
struct Tissue {
    std::vector<std::array<double, 2>> place;
    std::vector<std::int32_t> type;
    std::vector<std::int64_t> begins;
};

/// Shuffles what cells of one type have among them.
template <class T>
void shuffle_in_types(std::vector<T>& values, const std::vector<std::int32_t>& type, std::int32_t n_types, std::uint64_t seed, std::uint64_t what) {
    for (std::int32_t t = 0; t < n_types; ++t) {
        std::vector<std::size_t> own;
        for (std::size_t i = 0; i < type.size(); ++i) {
            if (type[i] == t) own.push_back(i);
        }
        Random random(seed, Purpose::test, what, static_cast<std::uint32_t>(t));
        for (std::size_t k = own.size(); k > 1; --k) std::swap(values[own[k - 1]], values[own[random.below(k)]]);
    }
}

/// Number of each cell among those of its type.
std::vector<std::int64_t> numbers_in_type(const std::vector<std::int32_t>& type, std::int32_t n_types) {
    std::vector<std::int64_t> next(static_cast<std::size_t>(n_types), 0), number;
    for (const std::int32_t t : type) number.push_back(next[static_cast<std::size_t>(t)]++);
    return number;
}

struct Trials {
    const Section& section;
    const knowledge::LigandReceptorTable& table;
    std::int32_t n_types = 0;

    std::shared_ptr<const ExpressionModel> model_of(Variant variant, const commands::MeasuredStates& states, std::uint64_t seed, Context& context) const {
        const ExpressionKernel kernel(states.cells, {.n_types = n_types, .n_neighbors = 10});
        const StateRates rates = variant == Variant::frozen ? StateRates{} : StateRates{.attempts_per_min = 1.0 / 120.0, .relaxation_per_min = 1.0 / 240.0};
        auto model = std::make_shared<ExpressionModel>(ExpressionModel{.kernel = kernel, .rates = std::vector<StateRates>(static_cast<std::size_t>(n_types), rates)});
        if (variant != Variant::random_walk) model->signalling.emplace(signalling_of(section, states, table, variant == Variant::shuffled_table ? Pairs::shuffled : Pairs::as_listed, seed, context), kernel);
        return model;
    }

    /// Latents after a day, in the order of the tissue.
    matrix::Dense<float> after_a_day(const Tissue& tissue, const std::shared_ptr<const ExpressionModel>& model, std::uint64_t seed, Context& context) const {
        ExpressionStates simulated(model);
        const std::size_t n = tissue.type.size();
        Agents agents;
        std::map<std::uint64_t, std::size_t> cell_of;
        for (std::size_t i = 0; i < n; ++i) {
            const std::uint64_t id = first_id(static_cast<std::int64_t>(i));
            add_agent(agents, id, static_cast<std::uint16_t>(tissue.type[i]), {tissue.place[i][0], tissue.place[i][1], 0.0}, 10.0F);
            cell_of[id] = i;
        }
        NeighborLists lists(2.0, std::vector<float>(static_cast<std::size_t>(n_types), 1.5F));  // neighbours: up to 30 um
        Workspace workspace;
        lists.build(agents, workspace, context);
        simulated.settle(agents, seed, context);
        for (std::size_t i = 0; i < n; ++i) simulated.start_as(agents, i, tissue.begins[cell_of.at(agents.id[i])]);
        const simulation::Field field({.n = {1, 1, 1}, .voxel_um = 1e4}, {}, 0.1, context);
        const std::vector<Life> lives(static_cast<std::size_t>(n_types), standard_life(CycleModel::none));
        for (std::uint32_t strike = 0; strike < static_cast<std::uint32_t>(1'440.0 / kClockMin); ++strike) {
            if (model->signalling) simulated.signal(agents, lives, field, lists, workspace, context);
            simulated.advance(agents, lives, seed, strike, context);
        }
        matrix::Dense<float> latent(static_cast<std::int64_t>(n), kDims);
        for (std::size_t i = 0; i < n; ++i) simulated.latent(agents, i, latent.row(static_cast<std::int64_t>(cell_of.at(agents.id[i]))));
        return latent;
    }

    std::array<double, 2> place_of(std::int64_t row) const { return section.place[static_cast<std::size_t>(row)]; }

    /// kept and recovered.
    double score(Variant variant, Start start, const commands::MeasuredStates& states, std::uint64_t seed, Context& context) const {
        const std::vector<std::int32_t>& type = states.cells.type;
        Tissue tissue{.place = {}, .type = type, .begins = numbers_in_type(type, n_types)};
        for (const std::int64_t row : states.row) tissue.place.push_back(place_of(row));
        if (variant == Variant::shuffled_positions) shuffle_in_types(tissue.place, type, n_types, seed, 12);
        if (start == Start::another) shuffle_in_types(tissue.begins, type, n_types, seed, 13);
        const matrix::Dense<float> latent = after_a_day(tissue, model_of(variant, states, seed, context), seed, context);
        std::vector<std::int64_t> other(type.size());
        std::iota(other.begin(), other.end(), std::int64_t{0});
        shuffle_in_types(other, type, n_types, seed, 14);
        double away = 0.0, others = 0.0;
        for (std::int64_t i = 0; i < std::ssize(type); ++i) {
            away += squared(latent.row(i), states.cells.latent.row(i));
            others += squared(states.cells.latent.row(other[static_cast<std::size_t>(i)]), states.cells.latent.row(i));
        }
        return 1.0 - away / others;
    }

    /// refilled, for each variant: a fifth of the cells of a type are taken out.
    std::array<double, kNames.size()> refilled(std::int32_t emptied, commands::MeasuredStatesOptions options, std::uint64_t seed, Context& context) const {
        const std::vector<std::string> labels = data::column_texts(section.dataset.obs.at("cell_type"));
        std::vector<std::int64_t> own;
        for (std::size_t c = 0; c < labels.size(); ++c) {
            if (labels[c] == section.types[static_cast<std::size_t>(emptied)]) own.push_back(static_cast<std::int64_t>(c));
        }
        shuffle_in_types(own, std::vector<std::int32_t>(own.size(), 0), 1, seed, 15);
        const std::vector<std::int64_t> gone(own.begin(), own.begin() + std::ssize(own) / 5);
        Section left = section;
        std::vector<std::string> is_there(labels.size(), "yes");
        for (const std::int64_t row : gone) is_there[static_cast<std::size_t>(row)] = "no";
        left.dataset.obs.set("is_there", data::to_categorical(is_there));
        options.only = {"is_there", {"yes"}};
        const commands::MeasuredStates states = commands::measured_states(left.dataset, options, context);
        const matrix::Dense<float>& measured = section.dataset.obsm.at("X_pca");

        std::array<double, kNames.size()> scores{};
        for (std::size_t v = 0; v < kNames.size(); ++v) {
            const auto variant = static_cast<Variant>(v);
            Tissue tissue{.place = {}, .type = states.cells.type, .begins = numbers_in_type(states.cells.type, n_types)};
            for (const std::int64_t row : states.row) tissue.place.push_back(place_of(row));
            for (const std::int64_t row : gone) {
                tissue.place.push_back(place_of(row));
                tissue.type.push_back(emptied);
            }
            if (variant == Variant::shuffled_positions) shuffle_in_types(tissue.place, tissue.type, n_types, seed, 12);
            for (std::size_t i = states.row.size(); i < tissue.type.size(); ++i) tissue.begins.push_back(tissue.begins[nearest_left(tissue, states.row.size(), i)]);
            const matrix::Dense<float> latent = after_a_day(tissue, model_of(variant, states, seed, context), seed, context);
            double away = 0.0, others = 0.0;
            for (std::size_t k = 0; k < gone.size(); ++k) {
                const auto truth = measured.row(gone[k]).first(static_cast<std::size_t>(kDims));
                away += squared(latent.row(std::ssize(states.row) + static_cast<std::int64_t>(k)), truth);
                // Of all that are left, so that chance does not enter.
                double sum = 0.0, n = 0.0;
                for (std::int64_t i = 0; i < std::ssize(states.row); ++i) {
                    if (states.cells.type[static_cast<std::size_t>(i)] != emptied) continue;
                    sum += squared(states.cells.latent.row(i), truth);
                    n += 1.0;
                }
                others += sum / n;
            }
            scores[v] = 1.0 - away / others;
        }
        return scores;
    }

    /// The cell of the same type, among the first n_left, that is nearest to cell i.
    static std::size_t nearest_left(const Tissue& tissue, std::size_t n_left, std::size_t i) {
        std::size_t nearest = n_left;
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t j = 0; j < n_left; ++j) {
            if (tissue.type[j] != tissue.type[i]) continue;
            const double far = std::hypot(tissue.place[j][0] - tissue.place[i][0], tissue.place[j][1] - tissue.place[i][1]);
            if (far < least) {
                least = far;
                nearest = j;
            }
        }
        return nearest;
    }

    static double squared(std::span<const float> a, std::span<const float> b) {
        double sum = 0.0;
        for (std::size_t d = 0; d < a.size(); ++d) sum += std::pow(static_cast<double>(a[d] - b[d]), 2.0);
        return sum;
    }
};

std::string mean_and_error(const std::vector<double>& values) {
    const auto n = static_cast<double>(values.size());
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
    double squares = 0.0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    return fmt::format("{:8.4f} +- {:.4f}", mean, std::sqrt(squares / (n - 1.0) / n));
}

void print_kept(const Trials& trials, const commands::MeasuredStates& states, Context& context) {
    fmt::print("\n{} seeds\n{:28}{:>20}{:>22}\n", kSeeds, "", "kept", "recovered");
    for (std::size_t v = 0; v < kNames.size(); ++v) {
        std::vector<double> kept, recovered;
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
            kept.push_back(trials.score(static_cast<Variant>(v), Start::own, states, seed, context));
            recovered.push_back(trials.score(static_cast<Variant>(v), Start::another, states, seed, context));
        }
        fmt::print("{:28}{:>20}{:>22}\n", kNames[v], mean_and_error(kept), mean_and_error(recovered));
    }
}

/// How the scenario does at refilling, type by type, and the difference to each null over all of them.
void print_refilled(const Trials& trials, const commands::MeasuredStatesOptions& options, Context& context) {
    fmt::print("\nrefilled after a fifth of a type was taken out, {} seeds\n{:24}", kGapSeeds, "");
    for (const char* name : kNames) fmt::print("{:>26}", name);
    fmt::print("\n");
    std::array<std::vector<double>, kNames.size()> ahead;  // scenario less null
    std::array<std::vector<double>, kNames.size()> all;
    for (std::int32_t type = 0; type < trials.n_types; ++type) {
        std::array<std::vector<double>, kNames.size()> own;
        for (std::uint64_t seed = 1; seed <= kGapSeeds; ++seed) {
            const auto scores = trials.refilled(type, options, seed, context);
            for (std::size_t v = 0; v < kNames.size(); ++v) {
                own[v].push_back(scores[v]);
                all[v].push_back(scores[v]);
                ahead[v].push_back(scores[0] - scores[v]);
            }
        }
        fmt::print("{:24}", trials.section.types[static_cast<std::size_t>(type)]);
        for (const auto& values : own) fmt::print("{:>26}", mean_and_error(values));
        fmt::print("\n");
        std::fflush(stdout);  // minutes go by
    }
    fmt::print("{:24}", "all types");
    for (const auto& values : all) fmt::print("{:>26}", mean_and_error(values));
    fmt::print("\n{:24}{:>26}", "scenario less null", "");
    for (std::size_t v = 1; v < kNames.size(); ++v) fmt::print("{:>26}", mean_and_error(ahead[v]));
    fmt::print("\n");
    for (std::size_t v = 1; v < kNames.size(); ++v) {
        const double mean = std::accumulate(ahead[v].begin(), ahead[v].end(), 0.0);
        fmt::print("{}: {}\n", kNames[v], mean > 0.0 ? "the scenario is ahead" : "THE NULL WINS");
    }
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
    const Trials trials{section, table, static_cast<std::int32_t>(section.types.size())};
    const std::size_t n_pairs = signalling_of(section, states, table, Pairs::as_listed, 0, context).links.size();
    const std::string_view part = argc > 2 ? argv[2] : "";
    fmt::print("{} cells of {} types, {} pairs; {}\n", states.row.size(), section.types.size(), n_pairs, kStatesAreHypotheses);
    if (part != "refilled") print_kept(trials, states, context);
    if (part != "kept") print_refilled(trials, options, context);
}
