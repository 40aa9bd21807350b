// The examples of examples/tissue against what is known in closed form.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <map>
#include <memory>
#include <numbers>

#include "morula/commands/scenario.hpp"
#include "morula/core/file.hpp"
#include "morula/core/parallel.hpp"
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
    // As wide as measured; the model's cells take up less room than the measured ones, so that more of them fit in.
    EXPECT_NEAR(simulation::read_out(scenario.readouts.front(), simulation, *context).front().value, 154.47, 0.015 * 154.47);
    EXPECT_NEAR(static_cast<double>(simulation.agents().size()), 600.0, 0.15 * 600.0);
}

TEST(tissue_examples, what_was_fitted_stands_in_the_table_of_rates) {
    const auto context = test::make_context(1);
    const auto of_rules = [&](const char* name) {
        std::map<Evidence, std::vector<std::string>> names;
        for (const ScenarioRate& rate : read_scenario(example(name), *context).rates) {
            if (rate.name.starts_with("rule of ")) names[rate.source].push_back(rate.name);
        }
        return names;
    };
    auto emt6 = of_rules("emt6_spheroid.toml"), c6 = of_rules("c6_monolayer.toml");
    EXPECT_EQ(emt6[Evidence::fitted], (std::vector<std::string>{"rule of 'EMT6': oxygen increases cycle entry, saturation", "rule of 'EMT6': pressure decreases cycle entry, half_max"}));
    EXPECT_EQ(emt6[Evidence::literature].size(), 5U);
    EXPECT_EQ(emt6[Evidence::guessed].size(), 2U) << "that necrosis and division stop altogether";
    EXPECT_EQ(c6[Evidence::fitted], std::vector<std::string>{"rule of 'C6': pressure decreases cycle entry, half_max"});
}

TEST(tissue_examples, oxygen_in_a_lobule_falls_from_the_triads_to_the_central_vein) {
    const auto context = test::make_context(2);
    Scenario scenario = read_scenario(example("liver_lobule.toml"), *context);
    simulation::Model without_uptake = scenario.model;
    without_uptake.types[0].exchange[0] = {};
    const Simulation still(without_uptake, scenario.start, *context);
    Simulation simulation(scenario.model, std::move(scenario.start), *context);
    simulation.advance(scenario.model.clocks.mechanics_min, *context);
    const simulation::Grid& box = simulation.model().box;
    std::array<double, 4> sum{}, untouched{}, n{};
    for (std::size_t i = 0; i < simulation.agents().id.size(); ++i) {
        const double x = simulation.agents().x[i], y = simulation.agents().y[i];
        const double c = simulation.field().values(0)[static_cast<std::size_t>(box.place(nearest_voxel(box, 0, x), nearest_voxel(box, 1, y), 0))];
        const auto zone = static_cast<std::size_t>(std::min(3.0, std::hypot(x, y) / 75.0));
        sum[zone] += c;
        n[zone] += 1.0;
        const double left = still.field().values(0)[static_cast<std::size_t>(box.place(nearest_voxel(box, 0, x), nearest_voxel(box, 1, y), 0))];
        untouched[zone] += left;
        EXPECT_LE(c, left + 1e-3) << "what is taken up is gone";
        // None has none: sinusoids are nearer than Krogh's critical distance.
        EXPECT_GT(c, 1.0);
    }
    for (std::size_t zone = 0; zone < 4; ++zone) EXPECT_LT(sum[zone] / n[zone], untouched[zone] / n[zone] - 0.5) << "zone " << zone << ": that cells take up shows";
    for (std::size_t zone = 0; zone + 1 < 4; ++zone) EXPECT_LT(sum[zone] / n[zone], sum[zone + 1] / n[zone + 1]) << "zone " << zone;
    EXPECT_LT(sum[0] / n[0], 40.0);
    EXPECT_GT(sum[3] / n[3], 40.0);
}

/// Clones on a line whose boundaries are independent random walks that vanish where they meet (Bramson & Griffeath 1980, Ann. Probab. 8:183; Lopez-Garcia et al. 2010 for crypts): the share that is left when
/// a boundary has moved by a mean square of `shift`, in squares of the width that a clone begins with. Two walks that start one width apart have not met: erf(1 / (2 sqrt(shift))), in the end (pi shift)^-1/2.
double surviving(double shift) { return std::erf(0.5 / std::sqrt(shift)); }

/// The same, were every division to take the place of a neighbour: each cell has divided so often, exp(-x) (I0(x) + I1(x)), x twice that.
double surviving_divisions(double divisions) { return std::exp(-2.0 * divisions) * (std::cyl_bessel_i(0.0, 2.0 * divisions) + std::cyl_bessel_i(1.0, 2.0 * divisions)); }

constexpr std::int64_t kRing = 64;
constexpr double kPeriodMin = 480.0;
constexpr std::size_t kPeriods = 16;

/// One entry a period.
struct Drift {
    std::vector<double> clones;     // that are left, as a share of the first
    std::vector<double> cells;      // living
    std::vector<double> spread;     // of clones: mean of the squared size over the square of the mean
    std::vector<double> divisions;  // so far, for each of the first cells
    std::array<double, 2> shift{};  // mean square of how far cells that live on move along the ring, over one and two periods, in widths that clones begin with
};

/// The scenario as it is shipped, on a longer ring and with three divisions a day, so that there are enough clones for statistics and enough turnover for the test's time.
fs::path longer_ring(const test::TemporaryFolder& folder) {
    fs::copy_file(example("crypt_ring_rules.csv"), folder / "crypt_ring_rules.csv");
    std::string text = read_text_file(example("crypt_ring.toml"), 1 << 20);
    const double radius = 15.98 / (2.0 * std::sin(std::numbers::pi / static_cast<double>(kRing)));
    const auto half = static_cast<std::int64_t>(std::ceil((radius + 32.0) / 4.0)) * 4;
    text = replaced(text, "value = 1.0, unit = \"1/day\"", "value = 3.0, unit = \"1/day\"");
    text = replaced(text, "n_cells = 16", "n_cells = " + std::to_string(kRing));
    text = replaced(text, "ring_radius_um = 41", "ring_radius_um = " + std::to_string(radius));
    text = replaced(text, "size_um = [160, 160, 4]", "size_um = [" + std::to_string(2 * half) + ", " + std::to_string(2 * half) + ", 4]");
    text = replaced(text, "origin_um = [-80, -80, 0]", "origin_um = [-" + std::to_string(half) + ", -" + std::to_string(half) + ", 0]");
    write_text_file(folder / "ring.toml", text);
    return folder / "ring.toml";
}

/// Clones by who descends from whom; angles of the living, by id.
class Ring {
public:
    Ring(const fs::path& path, std::uint64_t seed) : simulation_(begun(path, seed)) {
        for (const std::uint64_t id : simulation_.agents().id) clone_[id] = id;
    }
    Drift follow() {
        Drift drift;
        for (std::size_t period = 1; period <= kPeriods; ++period) {
            simulation_.advance(kPeriodMin * static_cast<double>(period), *context_);
            record(drift);
        }
        for (const std::size_t lag : {std::size_t{1}, std::size_t{2}}) drift.shift[lag - 1] = mean_square_shift(lag);
        return drift;
    }

private:
    Simulation begun(const fs::path& path, std::uint64_t seed) {
        Scenario scenario = read_scenario(path, *context_);
        scenario.model.seed = seed;
        return {scenario.model, std::move(scenario.start), *context_};
    }
    void record(Drift& drift) {
        for (const auto& event : simulation_.take_events()) {
            if (event.parent != 0) clone_[event.id] = clone_.at(event.parent);
        }
        std::map<std::uint64_t, double> sizes;
        auto& angles = angles_.emplace_back();
        const simulation::Agents& agents = simulation_.agents();
        for (std::size_t i = 0; i < agents.id.size(); ++i) {
            if (simulation_.is_dead(i)) continue;
            sizes[clone_.at(agents.id[i])] += 1.0;
            angles[agents.id[i]] = std::atan2(agents.y[i], agents.x[i]);
        }
        double squares = 0.0;
        for (const auto& [id, size] : sizes) squares += size * size;
        const auto n_cells = static_cast<double>(angles.size()), n_clones = static_cast<double>(sizes.size());
        drift.clones.push_back(n_clones / static_cast<double>(kRing));
        drift.cells.push_back(n_cells);
        drift.spread.push_back(squares * n_clones / (n_cells * n_cells));
        drift.divisions.push_back(static_cast<double>(simulation_.tally().births) / static_cast<double>(kRing));
    }
    double mean_square_shift(std::size_t lag) const {
        double sum = 0.0, n = 0.0;
        for (std::size_t from = 0; from + lag < angles_.size(); ++from) {
            for (const auto& [id, angle] : angles_[from]) {
                const auto later = angles_[from + lag].find(id);
                if (later == angles_[from + lag].end()) continue;
                sum += std::pow(std::remainder(later->second - angle, 2.0 * std::numbers::pi) * static_cast<double>(kRing) / (2.0 * std::numbers::pi), 2.0);
                n += 1.0;
            }
        }
        return sum / n;
    }

    std::unique_ptr<Context> context_ = test::make_context(1);
    Simulation simulation_;
    std::map<std::uint64_t, std::uint64_t> clone_;
    std::vector<std::map<std::uint64_t, double>> angles_;
};

double mean_over(const std::vector<Drift>& drifts, const auto& value) {
    double sum = 0.0;
    for (const Drift& drift : drifts) sum += value(drift) / static_cast<double>(drifts.size());
    return sum;
}

TEST(tissue_examples, clones_on_a_crypt_ring_drift_as_in_one_dimension) {
    const test::TemporaryFolder folder;
    const fs::path path = longer_ring(folder);
    std::vector<Drift> drifts(10);
    const auto context = test::make_context(2);
    parallel_blocks(*context, std::ssize(drifts), 1, [&](Block block) { drifts[static_cast<std::size_t>(block.begin)] = Ring(path, 1 + static_cast<std::uint64_t>(block.begin)).follow(); });
    // Cells are shifted along the ring as walks are: twice as far in the mean square in twice the time.
    const double shift = mean_over(drifts, [](const Drift& drift) { return drift.shift[0]; });
    EXPECT_NEAR(mean_over(drifts, [](const Drift& drift) { return drift.shift[1]; }) / shift, 2.0, 0.35);
    std::vector<double> found, expected;
    for (const std::size_t period : {std::size_t{2}, std::size_t{4}, std::size_t{8}, std::size_t{16}}) {
        const std::size_t k = period - 1;
        const double clones = mean_over(drifts, [&](const Drift& drift) { return drift.clones[k]; });
        const double variance = mean_over(drifts, [&](const Drift& drift) { return std::pow(drift.clones[k] - clones, 2.0); });
        const double error = std::sqrt(variance / static_cast<double>(drifts.size() - 1));
        const double divisions = mean_over(drifts, [&](const Drift& drift) { return drift.divisions[k]; }), spread = mean_over(drifts, [&](const Drift& drift) { return drift.spread[k]; });
        found.push_back(clones);
        expected.push_back(surviving(shift * static_cast<double>(period)));
        // Nothing is fitted: how far cells are shifted tells how many clones are left. 1 %: the shift's own error.
        EXPECT_NEAR(found.back(), expected.back(), 4.0 * error + 0.01 * expected.back()) << "period " << period;
        // It does not follow from how often they divide: most divisions push out a cell of the same clone.
        EXPECT_GT(clones, 1.5 * surviving_divisions(divisions)) << "period " << period;
        std::cout << "crypt ring, minute " << kPeriodMin * static_cast<double>(period) << ": clones " << clones << " +- " << error << ", by the shift " << expected.back() << ", by " << divisions << " divisions " << surviving_divisions(divisions)
                  << "; squared sizes " << spread << "\n";
        if (period < 8) continue;
        // Sizes of clones that are left tend to Rayleigh's distribution (the distance of two walks that have not met), whose mean square is 4 / pi of the squared mean; without neighbours, or where any cell
        // may replace any other, they would be exponential, with 2.
        EXPECT_NEAR(spread, 4.0 / std::numbers::pi, 0.3) << "period " << period;
    }
    // On the way to t^-1/2, as steeply as the law. The mean size grows as the number of clones falls, which says no more than that the ring holds as many cells throughout.
    const auto slope = [](const std::vector<double>& clones) { return std::log(clones[3] / clones[1]) / std::log(4.0); };
    EXPECT_NEAR(slope(found), slope(expected), 0.1);
    EXPECT_LT(slope(found), -0.35);
    for (std::size_t k = 0; k < kPeriods; ++k) {
        const auto cells = [&](std::size_t at) { return mean_over(drifts, [&](const Drift& drift) { return drift.cells[at]; }); };
        EXPECT_NEAR(cells(k) / cells(0), 1.0, 0.06);
    }
}

/// As it is shipped, for nine days.
TEST(tissue_examples, the_crypt_ring_keeps_its_stem_cells_and_loses_clones) {
    const auto context = test::make_context(1);
    Scenario scenario = read_scenario(example("crypt_ring.toml"), *context);
    ASSERT_EQ(scenario.start.size(), 16);
    Simulation simulation(scenario.model, std::move(scenario.start), *context);
    std::map<std::uint64_t, std::uint64_t> clone;
    for (const std::uint64_t id : simulation.agents().id) clone[id] = id;
    std::size_t before = 16;
    for (int day = 1; day <= 9; ++day) {
        simulation.advance(1440.0 * day, *context);
        for (const auto& event : simulation.take_events()) {
            if (event.parent != 0) clone[event.id] = clone.at(event.parent);
        }
        std::map<std::uint64_t, int> left;
        int n_living = 0;
        for (std::size_t i = 0; i < simulation.agents().id.size(); ++i) {
            if (simulation.is_dead(i)) continue;
            ++n_living;
            ++left[clone.at(simulation.agents().id[i])];
            EXPECT_NEAR(std::hypot(simulation.agents().x[i], simulation.agents().y[i]), 41.0, 16.0) << "day " << day;
        }
        EXPECT_GE(n_living, 14) << "day " << day;
        EXPECT_LE(n_living, 22) << "day " << day;
        EXPECT_LE(left.size(), before) << "a clone that is gone stays gone";
        before = left.size();
    }
    EXPECT_LT(before, 9U);
    EXPECT_GT(simulation.tally().births, 60);
}

TEST(tissue_examples, an_islet_secretes_what_was_measured_and_breathes_as_a_ball_that_takes_up_at_a_constant_rate) {
    const auto context = test::make_context(2);
    Scenario scenario = read_scenario(example("islet_secretion.toml"), *context);
    const auto readouts = scenario.readouts;
    const Simulation simulation(scenario.model, std::move(scenario.start), *context);
    std::map<std::string, double> value;
    for (const simulation::Readout& readout : readouts) {
        for (const simulation::ReadoutValue& one : simulation::read_out(readout, simulation, *context)) value[one.name] = one.value;
    }
    // Insulin: 23.9 pg a minute and islet (Alcazar and Buchwald 2019), by 5,808 g / mol; 1 nM um3 is 1e-24 mol. Not a prediction: the rate was shared out over the beta cells.
    EXPECT_NEAR(value.at("insulin.flux") * 1e-24 * 5808.0 * 1e12, 23.9, 0.02 * 23.9);
    EXPECT_EQ(value.at("insulin.net"), value.at("insulin.flux")) << "nobody takes it up";
    // Oxygen: as in an even ball of the islet's radius that takes up what all cells do. What is left: cells are no even ball, and the medium begins somewhere within the voxel (10 um) next to the outermost.
    const simulation::Grid& box = simulation.model().box;
    const simulation::Agents& agents = simulation.agents();
    const auto n = static_cast<double>(agents.size());
    const double taken_up = n * 1000.0 * 1994.0, diffusion = 78'600.0;
    std::array<double, 2> sum{}, inside{};  // of the innermost cells, and of those about half way
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        const double r = std::hypot(agents.x[i], agents.y[i], agents.z[i]);
        const double oxygen = simulation.field().values(0)[static_cast<std::size_t>(nearest_place(box, {agents.x[i], agents.y[i], agents.z[i]}))];
        if (r > 15.0 && (r < 35.0 || r > 45.0)) continue;
        sum[r < 20.0 ? 0 : 1] += oxygen;
        inside[r < 20.0 ? 0 : 1] += 1.0;
    }
    const double radius = 75.0;
    const auto closed = [&](double r) { return 140.0 - taken_up / (8.0 * std::numbers::pi * diffusion * radius) * (1.0 - r * r / (radius * radius)); };
    const double depth = 140.0 - closed(0.0);
    EXPECT_GT(depth, 15.0);
    EXPECT_NEAR(sum[0] / inside[0], closed(10.0), 0.1 * depth);
    EXPECT_NEAR(sum[1] / inside[1], closed(40.0), 0.1 * depth);
    EXPECT_LT(value.at("beta_oxygen.p50"), value.at("oxygen.p95")) << "it comes from the rim";
    // What the rates imply: an islet of this size in stirred medium that is in equilibrium with air lacks nothing.
    EXPECT_GT(value.at("oxygen.p05"), 100.0);
    EXPECT_EQ(value.at("oxygen.low"), 0.0);
    std::cout << "islet: middle " << sum[0] / inside[0] << " against " << closed(10.0) << ", half way " << sum[1] / inside[1] << " against " << closed(40.0) << " mmHg, p05 " << value.at("oxygen.p05") << "\n";
}

}  // namespace
}  // namespace morula::commands
