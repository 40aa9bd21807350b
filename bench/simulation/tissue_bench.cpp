// How many agent-steps a second does a whole tissue run at: fields, mechanics, life, and rules of every kind? bench_tissue [THREADS [MILLIONS [rules|states|all [FIELD_MIN]]]]
// Cells of 8.4 um radius, 14.5 um apart, four types, two stepped substances in voxels of 20 um, one day's rules, made up; timed over whole periods of the life clock. states: and with states of 32
// dimensions and four programmes, 4 of 20 pairs by contact. all: and with oxygen solved for (steady) and taken up by a law that saturates.
// Without MILLIONS: four sizes with rules, and beside them what the memory of the machine gives (triad a = b + s c); with it, nothing else takes memory, so that the process can be measured.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "bench/simulation/made_up_states.hpp"
#include "bench/simulation/shaken_lattice.hpp"
#include "morula/core/parallel.hpp"
#include "morula/simulation/simulation.hpp"

namespace {

using namespace morula;
using namespace morula::simulation;
using knowledge::BehaviorRule;
using knowledge::Response;

double seconds_since(std::chrono::steady_clock::time_point start) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }

/// Of the process so far.
double peak_bytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return 1024.0 * static_cast<double>(usage.ru_maxrss);
}

/// GB/s of the best of five runs over 3 x 256 MB.
double triad(Context& context) {
    const std::int64_t n = 32 << 20;
    std::vector<double> a(static_cast<std::size_t>(n), 0.0), b(a.size(), 1.0), c(a.size(), 2.0);
    double best = 0.0;
    for (int run = 0; run < 5; ++run) {
        const auto start = std::chrono::steady_clock::now();
        parallel_blocks(context, n, n / context.threads(), [&](Block block) {
            for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) a[i] = b[i] + 3.0 * c[i];
        });
        best = std::max(best, 24.0 * static_cast<double>(n) / seconds_since(start) * 1e-9);
    }
    return a[7] == 7.0 ? best : 0.0;
}

BehaviorRule rule(const char* type, const char* signal, Response response, const char* behavior, double saturation, double half_max, double power) {
    return {.cell_type = type, .signal = signal, .response = response, .behavior = behavior, .saturation = saturation, .half_max = half_max, .hill_power = power, .applies_to_dead = false, .line = 1};
}

enum class With { rules, states, all };

Model tissue_model(With with, std::int64_t n_voxels, double field_min) {
    Model model;
    model.box = {.n = {n_voxels, n_voxels, n_voxels}, .voxel_um = 20.0};
    model.substances = {{.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = 1e5, .decay_per_min = 0.1, .initial = 38.0}, {.name = "lure", .diffusion_um2_per_min = 1e3, .decay_per_min = 0.1}};
    const auto type = [&](const char* name, CycleModel cycle, double speed) {
        CellType own{.name = name, .mechanics = {}, .life = standard_life(cycle), .exchange = {{.uptake_per_min = 1.0}, {.uptake_per_min = 0.1}}};
        own.life.phases[0].rate_per_min *= 0.1;
        if (speed > 0.0) own.mechanics = {.speed_um_per_min = speed, .persistence_min = 5.0, .bias = 0.5, .chemotaxis_substance = 1};
        return own;
    };
    model.types = {type("tumor", CycleModel::live, 0.0), type("stroma", CycleModel::ki67_basic, 0.0), type("T cell", CycleModel::none, 0.5), type("macrophage", CycleModel::none, 0.3)};
    model.types[0].exchange[1].secretion_per_min = 0.5;
    model.types[0].exchange[1].aim = 10.0;
    model.types[3].encounters.eats_dead = 0.05;
    model.affinity = {1, .5, 1, 1, .5, 1, 1, 1, 1, 1, 1, .3, 1, 1, .3, 1};
    model.rules = {rule("tumor", "oxygen", Response::increases, "cycle entry", 0.00072, 21.5, 4.0), rule("tumor", "pressure", Response::decreases, "cycle entry", 0.0, 1.0, 4.0),
                   rule("tumor", "oxygen", Response::decreases, "lure secretion", 0.1, 10.0, 2.0), rule("tumor", "damage", Response::increases, "apoptosis", 0.001, 5.0, 2.0),
                   rule("stroma", "pressure", Response::decreases, "cycle entry", 0.0, 1.5, 4.0), rule("stroma", "contact with tumor", Response::increases, "oxygen uptake", 2.0, 4.0, 2.0),
                   rule("T cell", "lure gradient", Response::increases, "migration bias", 0.9, 0.01, 2.0), rule("T cell", "contact with tumor", Response::increases, "attack tumor", 0.05, 3.0, 2.0),
                   rule("T cell", "contact with tumor", Response::decreases, "migration speed", 0.05, 3.0, 2.0), rule("macrophage", "contact with dead cell", Response::increases, "lure secretion", 1.0, 1.0, 2.0)};
    model.clocks.field_min = field_min;
    if (with != With::rules) model.expression = bench::made_up_states(2, 4);
    if (with == With::all) {
        model.pace = {FieldPace::steady, FieldPace::stepped};
        for (CellType& each : model.types) each.exchange[0].half_uptake = 1.0;
    }
    return model;
}

void run(With with, std::int64_t a_side, double field_min, Context& context) {
    const double spacing = 14.5;
    const auto n_voxels = static_cast<std::int64_t>(std::ceil(static_cast<double>(a_side) * spacing / 20.0));
    Simulation simulation(tissue_model(with, n_voxels, field_min), bench::shaken_lattice(a_side, spacing, 0.0F), context);
    simulation.advance(6.0, context);
    const std::int64_t before = simulation.tally().agent_steps;
    const double minutes = simulation.agents().size() < 200'000 ? 60.0 : 12.0;
    const auto start = std::chrono::steady_clock::now();
    simulation.advance(6.0 + minutes, context);
    const double seconds = seconds_since(start);
    const double peak = peak_bytes();  // before the hash, which sorts columns aside
    const auto n = static_cast<double>(simulation.agents().size());
    fmt::print("{:>9} agents, {} threads, field step {} min: {:.2f} M agent-steps/s, {:.0f} bytes an agent, process at its peak {:.1f} MB, {} born, {} gone, state {}\n", simulation.agents().size(), context.threads(), field_min,
               static_cast<double>(simulation.tally().agent_steps - before) / seconds * 1e-6, static_cast<double>(simulation.bytes()) / n, peak * 1e-6, simulation.tally().births, simulation.tally().removals, simulation.hash());
}

}  // namespace

int main(int argc, char** argv) {
    return_freed_memory();  // as morula simulate does
    Context context({.threads = argc > 1 ? std::atoi(argv[1]) : 0, .memory_bytes = 0, .events = nullptr, .cancel = nullptr});
    const std::string_view what = argc > 3 ? argv[3] : "rules";
    const With with = what == "all" ? With::all : what == "states" ? With::states : With::rules;
    const double field_min = argc > 4 ? std::atof(argv[4]) : 0.1;
    if (argc > 2) {
        run(with, std::lround(std::cbrt(1e6 * std::atof(argv[2]))), field_min, context);
        return 0;
    }
    fmt::print("triad: {:.1f} GB/s\n", triad(context));
    for (const std::int64_t a_side : {22, 46, 100, 159}) run(with, a_side, field_min, context);
}
