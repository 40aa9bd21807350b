// How many agents a second does a mechanics step move? bench_mechanics [THREADS [MILLIONS]]: cells of 8.4 um radius, 14.5 um apart, four types, adhesion by pair, motility.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "bench/simulation/shaken_lattice.hpp"
#include "morula/core/hash.hpp"
#include "morula/simulation/mechanics.hpp"

namespace {

using namespace morula;
using namespace morula::simulation;

void run(std::int64_t a_side, Context& context) {
    const double spacing = 14.5;
    const auto n_voxels = static_cast<std::int64_t>(std::ceil(static_cast<double>(a_side) * spacing / 20.0));
    const Grid box{.n = {n_voxels, n_voxels, n_voxels}, .voxel_um = 20.0};
    Field field(box, {{.name = "lure", .initial = 1.0}}, 0.1, context);
    for (std::int64_t v = 0; v < box.n_stored(); ++v) field.values(0)[static_cast<std::size_t>(v)] = static_cast<double>(v % box.stride());
    const CellMechanics still{};
    const CellMechanics crawls{.speed_um_per_min = 0.5, .persistence_min = 5.0, .bias = 0.5, .chemotaxis_substance = 0};
    Mechanics mechanics(box, {still, still, crawls, crawls}, {1, .5, 1, 1, .5, 1, 1, 1, 1, 1, 1, .3, 1, 1, .3, 1}, {});
    Agents agents = bench::shaken_lattice(a_side, spacing, 8.4F);
    const std::uint32_t n_warm = 30, n_timed = 60;
    for (std::uint32_t step = 0; step < n_warm; ++step) mechanics.step(agents, &field, 1, step, context);
    int built = 0;
    const auto start = std::chrono::steady_clock::now();
    for (std::uint32_t step = n_warm; step < n_warm + n_timed; ++step) built += mechanics.step(agents, &field, 1, step, context).built_lists ? 1 : 0;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    Hasher hasher;
    agents.for_each_column([&]<class T>(const std::vector<T>& values) { hasher.update_values(std::span<const T>(values)); });
    const auto n = static_cast<double>(agents.size());
    fmt::print("{:>9} agents, {} threads: {:.2f} M agent-steps/s, lists built {} times in {} steps, {:.1f} listed neighbours, {:.0f} bytes an agent, state {}\n", agents.size(), context.threads(),
               n * n_timed / seconds * 1e-6, built, n_timed, static_cast<double>(mechanics.lists().n_listed()) / n, static_cast<double>(agents.bytes() + mechanics.bytes()) / n,
               hasher.hex());
}

}  // namespace

int main(int argc, char** argv) {
    Context context({.threads = argc > 1 ? std::atoi(argv[1]) : 0, .memory_bytes = 0, .events = nullptr, .cancel = nullptr});
    if (argc > 2) run(std::lround(std::cbrt(1e6 * std::atof(argv[2]))), context);
    else for (const std::int64_t a_side : {22, 46, 100, 159}) run(a_side, context);
}
