// How many voxels a second does a diffusion step take? bench_field [THREADS]: 75^3 voxels x 2 substances in double, and what memory alone would allow.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <vector>

#include "morula/core/parallel.hpp"
#include "morula/simulation/field.hpp"

namespace {

using namespace morula;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// GB/s of a[i] = b[i] + 3 c[i] over three arrays of 64 MB: the most that any step could move.
double triad_gb_per_s(Context& context) {
    const std::int64_t n = 8'000'000;
    std::vector<double> a(static_cast<std::size_t>(n), 1.0), b(a), c(a);
    double best = 1e9;
    for (int round = 0; round < 8; ++round) {
        const auto start = Clock::now();
        parallel_blocks(context, n, n / 16, [&](Block block) {
            for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) a[i] = b[i] + 3.0 * c[i];
        });
        best = std::min(best, seconds_since(start));
    }
    return 24.0 * static_cast<double>(n) / best * 1e-9;
}

struct Case {
    const char* name;
    simulation::Grid grid;
    double vessels;  // share of voxels that are fixed
    int steps;
};

/// The cosine mode that the discrete solution damps by a known factor: the answer is checked before a speed is printed.
void run(const Case& one, Context& context) {
    const simulation::Grid& grid = one.grid;
    simulation::Field field(grid, {{.name = "a", .diffusion_um2_per_min = 1000.0, .decay_per_min = 0.1}, {.name = "b", .diffusion_um2_per_min = 1000.0, .decay_per_min = 0.1}}, 0.01, context);
    const double pi = std::numbers::pi;
    const auto cosine = [&](std::int64_t i, int axis) { return std::cos(pi * (static_cast<double>(i) + 0.5) / static_cast<double>(grid.n[static_cast<std::size_t>(axis)])); };
    const auto each = [&](const auto& body) {
        for (std::int64_t z = 0; z < grid.n[2]; ++z) {
            for (std::int64_t y = 0; y < grid.n[1]; ++y) {
                for (std::int64_t x = 0; x < grid.n[0]; ++x) body(static_cast<std::size_t>(grid.place(x, y, z)), 1.0 + cosine(x, 0) * cosine(y, 1) * (grid.is_flat() ? 1.0 : cosine(z, 2)));
            }
        }
    };
    for (const std::int32_t s : {0, 1}) each([&](std::size_t place, double value) { field.values(s)[place] = value; });
    std::vector<std::int64_t> fixed;
    if (one.vessels > 0.0) {
        for (std::int64_t k = 0; k < grid.n_stored(); k += static_cast<std::int64_t>(1.0 / one.vessels)) {
            if (k % grid.stride() < grid.n[0]) fixed.push_back(k);
        }
        for (const std::int32_t s : {0, 1}) field.fix(s, fixed, std::vector<double>(fixed.size(), 1.0), context);
    }
    std::vector<double> seconds;
    for (int step = 0; step < one.steps; ++step) {
        const auto start = Clock::now();
        field.diffuse(context);
        seconds.push_back(seconds_since(start));
    }
    double worst = 0.0;
    if (fixed.empty()) {
        double gain = 1.0;
        for (int axis = 0; axis < grid.dimensions(); ++axis) {
            gain /= std::exp(0.001 / grid.dimensions()) + 2.0 * 0.01 * 1000.0 / (grid.voxel_um * grid.voxel_um) * (1.0 - std::cos(pi / static_cast<double>(grid.n[static_cast<std::size_t>(axis)])));
        }
        each([&](std::size_t place, double value) { worst = std::max(worst, std::abs(field.values(1)[place] - (std::exp(-0.001 * one.steps) + std::pow(gain, one.steps) * (value - 1.0)))); });
    }
    std::nth_element(seconds.begin(), seconds.begin() + one.steps / 2, seconds.end());
    const double voxels = static_cast<double>(grid.n_voxels()) * 2.0;
    fmt::print("{:<28} median {:.2f} ms a step, {:.3f} G voxel-steps/s (best {:.3f}); largest error {}\n", one.name, seconds[seconds.size() / 2] * 1e3, voxels / seconds[seconds.size() / 2] * 1e-9,
               voxels / *std::min_element(seconds.begin(), seconds.end()) * 1e-9, fixed.empty() ? fmt::format("{:.1e}", worst) : "not known in closed form");
}

}  // namespace

int main(int argc, char** argv) {
    Context context({.threads = argc > 1 ? std::atoi(argv[1]) : 0, .memory_bytes = 0, .events = nullptr, .cancel = nullptr});
    const double gb = triad_gb_per_s(context);
    fmt::print("{} threads; memory moves {:.1f} GB/s, which allows {:.2f} G voxel-steps/s (two reads and two writes of 8 bytes)\n", context.threads(), gb, gb / 32.0);
    run({"75^3 x 2", {.n = {75, 75, 75}}, 0.0, 300}, context);
    run({"75^3 x 2, 1 % vessels", {.n = {75, 75, 75}}, 0.01, 100}, context);
    run({"200^3 x 2", {.n = {200, 200, 200}}, 0.0, 20}, context);
    run({"512^2 x 2, flat", {.n = {512, 512, 1}}, 0.0, 300}, context);
}
