// How many agents a second does a step of expression states move, and one of signalling? bench_expression [THREADS [MILLIONS]]: 1,000 metacells in 32 dimensions, ten ligands of the fields, four programmes.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "morula/core/hash.hpp"
#include "morula/core/random.hpp"
#include "morula/simulation/expression_states.hpp"

namespace {

using namespace morula;
using namespace morula::simulation;

constexpr std::int64_t kDims = 32, kMetacells = 1'000, kGenes = 40, kSubstances = 10;

/// Made up: 30 cells a metacell around centers that lie about a curved sheet.
MeasuredCells cells() {
    MeasuredCells made;
    made.latent = matrix::Dense<float>(30 * kMetacells, kDims);
    for (std::int64_t c = 0; c < made.latent.n_rows; ++c) {
        const std::int64_t metacell = c / 30;
        Random center(1, Purpose::test, static_cast<std::uint64_t>(metacell), 0), own(2, Purpose::test, static_cast<std::uint64_t>(c), 0);
        const double u = 6.0 * center.uniform(), v = 3.0 * center.uniform();
        for (std::int64_t d = 0; d < kDims; ++d) made.latent(c, d) = static_cast<float>(std::sin(u + 0.2 * static_cast<double>(d)) * v + 0.1 * own.normal());
        made.type.push_back(static_cast<std::int32_t>(metacell % 4));
        made.metacell.push_back(static_cast<std::int32_t>(metacell));
    }
    return made;
}

SignallingModel signalling() {
    SignallingModel model;
    model.decoder.weights = matrix::Dense<float>(kDims, kGenes);
    Random random(3, Purpose::test, 0, 0);
    for (float& weight : model.decoder.weights.values) weight = static_cast<float>(0.1 * random.normal());
    for (std::int64_t gene = 0; gene < kGenes; ++gene) {
        model.decoder.genes.push_back(fmt::format("gene {}", gene));
        model.decoder.intercept.push_back(1.0F);
    }
    for (std::int32_t k = 0; k < 20; ++k) model.links.push_back({.name = fmt::format("pair {}", k), .programme = k % 4, .substance = k % static_cast<std::int32_t>(kSubstances), .receptor = {k, k + 1}, .half = 1.0});
    for (std::int32_t p = 0; p < 4; ++p) model.programmes.push_back({.name = fmt::format("programme {}", p), .relaxation_per_min = 0.01, .strength = 0.5, .targets = {20 + p, 30 + p}});
    return model;
}

double seconds_of(const auto& body) {
    const auto start = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void run(std::int64_t n, Context& context) {
    const ExpressionKernel kernel(cells(), {.n_types = 4, .n_neighbors = 15});
    auto model = std::make_shared<ExpressionModel>(ExpressionModel{.kernel = kernel, .rates = std::vector<StateRates>(4, {.attempts_per_min = 1.0 / 60.0, .relaxation_per_min = 1.0 / 30.0}), .signalling = Signalling(signalling(), kernel)});
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
    std::vector<double> step, signal, settled;
    for (std::uint32_t strike = 0; strike < 9; ++strike) {
        settled.push_back(seconds_of([&] { states.settle(agents, 1, context); }));
        signal.push_back(seconds_of([&] { states.signal(agents, lives, field, lists, context); }));
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
               context.threads(), median_rate(step), median_rate(signal), median_rate(settled), settling, static_cast<double>(states.bytes() - kernel.bytes()) / static_cast<double>(n) + 4.0, 100.0 * states.guard().share(),
               hasher.hex());
}

}  // namespace

int main(int argc, char** argv) {
    Context context({.threads = argc > 1 ? std::atoi(argv[1]) : 0, .memory_bytes = 0, .events = nullptr, .cancel = nullptr});
    run(static_cast<std::int64_t>(1e6 * (argc > 2 ? std::atof(argv[2]) : 1.0)), context);
}
