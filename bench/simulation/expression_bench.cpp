// How many agents a second does a step of expression states move, and one of signalling? bench_expression [THREADS [MILLIONS]]: 1,000 metacells in 32 dimensions, ten ligands of the fields, four programmes.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "bench/simulation/made_up_states.hpp"
#include "morula/core/hash.hpp"
#include "morula/simulation/expression_states.hpp"

namespace {

using namespace morula;
using namespace morula::simulation;

constexpr std::int64_t kSubstances = 10;

double seconds_of(const auto& body) {
    const auto start = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void run(std::int64_t n, Context& context) {
    const auto model = bench::made_up_states(kSubstances, 0);
    const std::vector<Life> lives(4, standard_life(CycleModel::live));
    const auto side = static_cast<std::int64_t>(std::ceil(std::cbrt(static_cast<double>(n))));
    const Grid box{.n = {(3 * side + 3) / 4, (3 * side + 3) / 4, (3 * side + 3) / 4}, .voxel_um = 20.0};
    std::vector<Substance> substances;
    for (std::int64_t s = 0; s < kSubstances; ++s) substances.push_back({.name = fmt::format("ligand {}", s), .initial = 0.5});
    const Field field(box, substances, 0.1, context);
    Agents agents;
    for (std::int64_t i = 0; i < n; ++i) {
        add_agent(agents, first_id(i), static_cast<std::uint16_t>(i % 4), {14.5 * static_cast<double>(i % side), 14.5 * static_cast<double>(i / side % side), 14.5 * static_cast<double>(i / side / side)}, 8.4F);
    }
    ExpressionStates states(model);
    const double settling = seconds_of([&] { states.settle(agents, 1, context); });
    const NeighborLists lists(2.0, {1.25F, 1.25F, 1.25F, 1.25F});
    Workspace workspace;
    std::vector<double> step, signal, settled;
    for (std::uint32_t strike = 0; strike < 9; ++strike) {
        settled.push_back(seconds_of([&] { states.settle(agents, 1, context); }));
        signal.push_back(seconds_of([&] { states.signal(agents, lives, field, lists, workspace, context); }));
        step.push_back(seconds_of([&] { states.advance(agents, lives, 1, strike, context); }));
    }
    std::vector<std::size_t> order(agents.id.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    Hasher hasher;
    states.hash(agents, order, hasher);
    const auto median_rate = [&](std::vector<double>& seconds) {
        std::sort(seconds.begin(), seconds.end());
        return static_cast<double>(n) / seconds[seconds.size() / 2] * 1e-6;
    };
    fmt::print("{:>9} agents, {} threads: state step {:.2f} M agents/s, signalling {:.2f} M agents/s, settling {:.1f} M agents/s (drawing the start {:.2f} s), {:.0f} bytes an agent, guard {:.2f} %, state {}\n", n,
               context.threads(), median_rate(step), median_rate(signal), median_rate(settled), settling, static_cast<double>(states.bytes() - model->kernel.bytes()) / static_cast<double>(n) + 4.0, 100.0 * states.guard().share(),
               hasher.hex());
}

}  // namespace

int main(int argc, char** argv) {
    Context context({.threads = argc > 1 ? std::atoi(argv[1]) : 0, .memory_bytes = 0, .events = nullptr, .cancel = nullptr});
    run(static_cast<std::int64_t>(1e6 * (argc > 2 ? std::atof(argv[2]) : 1.0)), context);
}
