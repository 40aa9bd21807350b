// The examples of examples/tissue against what is known in closed form.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <set>

#include "morula/commands/scenario.hpp"
#include "morula/core/file.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;
using simulation::Simulation;

fs::path example(const std::string& name) { return fs::path(MORULA_SOURCE_DIR) / "examples" / "tissue" / name; }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(tissue_examples, oxygen_around_a_capillary_is_that_of_krogh_and_erlang) {
    const auto context = test::make_context(2);
    Scenario scenario = read_scenario(example("krogh_cylinder.toml"), *context);
    Simulation simulation(scenario.model, std::move(scenario.start), *context);
    simulation.advance(scenario.model.clocks.mechanics_min, *context);
    const simulation::Grid& box = simulation.model().box;
    // Cells fill 5 to 69 um; consumption of the tissue by their volume in it. At 50 mmHg uptake is 50 / 51 of its most, and 98 % nearly everywhere.
    const double inner = 5.0, outer = 5.0 + 4.0 * 0.95 * 2.0 * std::cbrt(0.75 * 2494.0 / std::numbers::pi), height = box.size_um(2);
    const double share = 2494.0 * static_cast<double>(simulation.agents().size()) / (std::numbers::pi * (outer * outer - inner * inner) * height);
    const double capillary = 50.0, diffusion = 1e5, rate = 700.0 * share;
    const auto closed = [&](double r) { return capillary + rate / (4.0 * diffusion) * (r * r - inner * inner) - rate * outer * outer / (2.0 * diffusion) * std::log(r / inner); };
    std::map<std::int64_t, std::array<double, 2>> rings;  // sum, number
    for (std::int64_t z = 0; z < box.n[2]; ++z) {
        for (std::int64_t y = 0; y < box.n[1]; ++y) {
            for (std::int64_t x = 0; x < box.n[0]; ++x) {
                const double r = std::hypot(box.center_um(0, x), box.center_um(1, y));
                if (r < 10.0 || r > outer) continue;
                auto& ring = rings[static_cast<std::int64_t>(r / 5.0)];
                ring[0] += simulation.field().values(0)[static_cast<std::size_t>(box.place(x, y, z))] - closed(r);
                ring[1] += 1.0;
            }
        }
    }
    const double drop = capillary - closed(outer);
    EXPECT_GT(drop, 15.0);
    EXPECT_GT(closed(outer), 10.0) << "uptake saturates everywhere";
    // What is left: the capillary on the grid (3 % too deep everywhere) and uptake that saturates (3 % too shallow at the rim); see docs/scenarios.md.
    for (const auto& [ring, sum] : rings) EXPECT_LT(std::abs(sum[0] / sum[1]), 0.03 * drop) << 5 * ring << " um from the middle: " << 100.0 * sum[0] / sum[1] / drop << " % of the drop";
}

TEST(tissue_examples, the_emt6_spheroid_begins_as_the_measured_one) {
    // What it grows to is compared by scripts/bench --growth: docs/scenarios.md.
    const auto context = test::make_context(2);
    Scenario scenario = read_scenario(example("emt6_spheroid.toml"), *context);
    ASSERT_EQ(scenario.readouts.size(), 1U);
    const Simulation simulation(scenario.model, std::move(scenario.start), *context);
    EXPECT_NEAR(static_cast<double>(simulation.agents().size()), 600.0, 0.05 * 600.0);
    EXPECT_NEAR(simulation::read_out(scenario.readouts.front(), simulation, *context).front().value, 154.47, 0.05 * 154.47);
}

TEST(tissue_examples, oxygen_in_a_lobule_falls_from_the_triads_to_the_central_vein) {
    const auto context = test::make_context(2);
    Scenario scenario = read_scenario(example("liver_lobule.toml"), *context);
    Simulation simulation(scenario.model, std::move(scenario.start), *context);
    simulation.advance(scenario.model.clocks.mechanics_min, *context);
    const simulation::Grid& box = simulation.model().box;
    std::array<double, 4> sum{}, n{};
    for (std::size_t i = 0; i < simulation.agents().id.size(); ++i) {
        const double x = simulation.agents().x[i], y = simulation.agents().y[i];
        const double c = simulation.field().values(0)[static_cast<std::size_t>(box.place(nearest_voxel(box, 0, x), nearest_voxel(box, 1, y), 0))];
        const auto zone = static_cast<std::size_t>(std::min(3.0, std::hypot(x, y) / 75.0));
        sum[zone] += c;
        n[zone] += 1.0;
        // No cell has more oxygen than blood anywhere, none has none: sinusoids are nearer than Krogh's critical distance.
        EXPECT_LE(c, 65.0);
        EXPECT_GT(c, 1.0);
    }
    for (std::size_t zone = 0; zone + 1 < 4; ++zone) EXPECT_LT(sum[zone] / n[zone], sum[zone + 1] / n[zone + 1]) << "zone " << zone;
    EXPECT_LT(sum[0] / n[0], 40.0);
    EXPECT_GT(sum[3] / n[3], 40.0);
}

/// Share of clones in a row that are still there when the two boundaries of each have made x steps on average: two random walks that start one apart and have not met, on a ring so large that
/// others do not matter: exp(-x) (I0(x) + I1(x)), in the end sqrt(2 / (pi x)) (Bramson & Griffeath 1980, Ann. Probab. 8:183; Lopez-Garcia et al. 2010 for crypts).
double survival(double x) { return std::exp(-x) * (std::cyl_bessel_i(0.0, x) + std::cyl_bessel_i(1.0, x)); }

struct Drift {
    std::vector<double> minute;
    std::vector<double> clones;  // mean over seeds, as a share of the first
    std::vector<double> cells;   // mean number of living cells
};

/// Clones of cells on a ring of n, by who descends from whom.
Drift drift_on_ring(std::int64_t n, const std::vector<double>& minutes, const std::vector<std::uint64_t>& seeds) {
    const test::TemporaryFolder folder;
    fs::copy_file(example("crypt_ring_rules.csv"), folder / "crypt_ring_rules.csv");
    std::string text = read_text_file(example("crypt_ring.toml"), 1 << 20);
    const double radius = 15.98 / (2.0 * std::sin(std::numbers::pi / static_cast<double>(n)));
    const auto half = static_cast<std::int64_t>(std::ceil((radius + 32.0) / 4.0)) * 4;
    text = replaced(text, "value = 1.0, unit = \"1/day\"", "value = 3.0, unit = \"1/day\"");
    text = replaced(text, "n_cells = 16", "n_cells = " + std::to_string(n));
    text = replaced(text, "ring_radius_um = 41", "ring_radius_um = " + std::to_string(radius));
    text = replaced(text, "size_um = [160, 160, 4]", "size_um = [" + std::to_string(2 * half) + ", " + std::to_string(2 * half) + ", 4]");
    text = replaced(text, "origin_um = [-80, -80, 0]", "origin_um = [-" + std::to_string(half) + ", -" + std::to_string(half) + ", 0]");
    write_text_file(folder / "ring.toml", text);
    const auto context = test::make_context(2);
    Drift drift{.minute = minutes, .clones = std::vector<double>(minutes.size()), .cells = std::vector<double>(minutes.size())};
    for (const std::uint64_t seed : seeds) {
        Scenario scenario = read_scenario(folder / "ring.toml", *context);
        scenario.model.seed = seed;
        Simulation simulation(scenario.model, std::move(scenario.start), *context);
        std::map<std::uint64_t, std::uint64_t> clone;
        for (const std::uint64_t id : simulation.agents().id) clone[id] = id;
        for (std::size_t k = 0; k < minutes.size(); ++k) {
            simulation.advance(minutes[k], *context);
            for (const auto& event : simulation.take_events()) {
                if (event.parent != 0) clone[event.id] = clone.at(event.parent);
            }
            std::set<std::uint64_t> left;
            for (std::size_t i = 0; i < simulation.agents().id.size(); ++i) {
                if (simulation.model().types[0].life.phases[simulation.agents().phase[i]].is_dead) continue;
                left.insert(clone.at(simulation.agents().id[i]));
                drift.cells[k] += 1.0 / static_cast<double>(seeds.size());
            }
            drift.clones[k] += static_cast<double>(left.size()) / static_cast<double>(n) / static_cast<double>(seeds.size());
        }
    }
    return drift;
}

double slope(const std::vector<double>& x, const std::vector<double>& y) {
    const double n = static_cast<double>(x.size());
    double sx = 0.0, sy = 0.0, sxx = 0.0, sxy = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        sx += std::log(x[i]);
        sy += std::log(y[i]);
        sxx += std::log(x[i]) * std::log(x[i]);
        sxy += std::log(x[i]) * std::log(y[i]);
    }
    return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

/// Largest ratio between a law of one rate and what was found, at the rate where it is least.
template <class Law>
double misfit(const Drift& drift, const Law& law) {
    double best = std::numeric_limits<double>::infinity();
    for (double rate = 1e-5; rate < 1e-2; rate *= 1.01) {
        double largest = 0.0;
        for (std::size_t k = 0; k < drift.minute.size(); ++k) largest = std::max(largest, std::abs(std::log(law(rate * drift.minute[k]) / drift.clones[k])));
        best = std::min(best, largest);
    }
    return std::exp(best);
}

/// A longer ring and three divisions a day, so that there are enough clones for statistics and enough turnover for the test's time.
TEST(tissue_examples, clones_on_a_crypt_ring_drift_as_in_one_dimension) {
    const Drift drift = drift_on_ring(128, {1920.0, 3840.0, 7680.0, 15'360.0, 30'720.0}, {1, 2});
    // Surviving clones fall as t^-1/2, their size grows as t^1/2: the ring holds as many cells throughout.
    EXPECT_NEAR(slope(drift.minute, drift.clones), -0.5, 0.1);
    std::vector<double> size;
    for (std::size_t k = 0; k < drift.minute.size(); ++k) size.push_back(drift.cells[k] / (128.0 * drift.clones[k]));
    EXPECT_NEAR(slope(drift.minute, size), 0.5, 0.1);
    // One rate fits all times, within the chance of so few clones. (The law without neighbours, 1 / (1 + rate t), fits these five times to 12 % too: the slope tells them apart, not this.)
    EXPECT_LT(misfit(drift, survival), 1.2);
}

}  // namespace
}  // namespace morula::commands
