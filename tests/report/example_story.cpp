#include "tests/report/example_story.hpp"

#include <cmath>

#include "morula/core/random.hpp"

namespace morula::report {
namespace {

Frame example_frame(std::int64_t n_cells, std::uint32_t number) {
    Frame frame;
    frame.minute = 60.0 * number;
    frame.n_cells = n_cells;
    frame.levels.resize(2);
    Random random(5, Purpose::test, number, 0);
    for (std::int64_t i = 0; i < n_cells; ++i) {
        frame.x.push_back(static_cast<float>(300.0 * random.uniform() - 150.0));
        frame.y.push_back(static_cast<float>(300.0 * random.uniform() - 150.0));
        frame.z.push_back(static_cast<float>(300.0 * random.uniform() - 150.0));
        frame.radius.push_back(static_cast<float>(5.0 + 4.0 * random.uniform()));
        frame.kind.push_back(static_cast<std::uint16_t>(random.below(4)));
        frame.levels[0].push_back(static_cast<float>(38.0 * random.uniform()));
        frame.levels[1].push_back(static_cast<float>(1e-3 * random.uniform()));
    }
    return frame;
}

DistanceProfile example_profile() {
    DistanceProfile out;
    out.shell_um = 20.0;
    out.groups = {"tumor", "T <cell>", std::string(kDeadCells)};
    out.density = {{3e5, 2e5, 1e5, 0.0}, {0.0, 1e4, 2e4, 3e4}, {5e4, 0.0, 0.0, 0.0}};
    out.density_start = {{2e5, 1e5, 0.0, 0.0}, {0.0, 1e4, 2e4, 3e4}, {0.0, 0.0, 0.0, 0.0}};
    out.level = {{10.0, 20.0, 30.0, 38.0}, {1e-3, 5e-4, kMissing, 1e-4}};
    out.level_start = {{38.0, 38.0, 38.0, 38.0}, {0.0, 0.0, kMissing, 0.0}};
    out.caption = "Distance from the mean position of all cells.";
    return out;
}

FieldMap example_map() {
    FieldMap map{0, 30, 20, 20.0, {-300.0, -200.0}, {}};
    for (std::int64_t y = 0; y < map.ny; ++y) {
        for (std::int64_t x = 0; x < map.nx; ++x) map.values.push_back(static_cast<float>(38.0 - 20.0 * std::exp(-0.01 * static_cast<double>((x - 15) * (x - 15) + (y - 10) * (y - 10)))));
    }
    return map;
}

}  // namespace

SimulationStory example_story(std::int64_t n_cells, std::int64_t n_frames) {
    SimulationStory story;
    story.title = "A made-up ball";
    story.box_um = {600.0, 400.0, 400.0};
    story.origin_um = {-300.0, -200.0, -200.0};
    story.minutes = 180.0;
    story.seed = 4;
    story.notes = {"2 of 4 rates are guessed; the result holds for these guesses alone."};
    story.kinds = {{"tumor", "live", false}, {"tumor", "apoptotic", true}, {"tumor", "necrotic", true}, {"T <cell>", "alive", false}};
    story.substances = {{"oxygen", "mmHg"}, {"IL-2", "nM"}};
    story.composition = {{0.0, 60.0, 120.0, 180.0}, {{100, 0, 0, 20}, {120, 3, 0, 20}, {150, 5, 1, 20}, {1180, 8, 2, 20}}, {0, 23, 56, 1090}, {0, 0, 0, 0}, 1};
    for (std::int64_t k = 0; k < n_frames; ++k) story.player.frames.push_back(example_frame(n_cells, static_cast<std::uint32_t>(k)));
    story.player.substances = {0, 1};
    story.player.every_min = 60.0;
    story.radial = example_profile();
    story.vessel = example_profile();
    story.vessel_name = "nearest vessel";
    story.slice_caption = "The plane z = 0 µm, x to the right and y upwards.";
    story.maps = {example_map()};
    story.readouts = {{"oxygenation", "mmHg", "Mean oxygen where cells live.", {0.0, 60.0, 120.0, 180.0}, {38.0, 30.0, 28.0, kMissing}}};
    story.rates = {{"uptake of oxygen", 10.0, "1/min", "literature", "doi 10.1/x", kMissing, kMissing, "12"},
                   {"necrosis", 0.17, "1/h", "guessed", "", 0.02, 1.0, "17"},
                   {"apoptosis", 0.0001, "1/h", "guessed", "", 0.0, 0.01, "18"},
                   {"volume", 2494.0, "um3", "measured", "a lab", kMissing, kMissing, ""}};
    story.record.outputs = {{"composition.csv", "minute, type, state, number of cells"}};
    story.record.snippets = {{"A snapshot in scanpy (Python)", "python", "ad.read_h5ad(\"ball/snapshots/minute-000180.h5ad\")", ""}};
    story.record.reproduce = "morula simulate ball.toml --out ball";
    story.record.versions = {{"Morula", "0"}};
    return story;
}

}  // namespace morula::report
