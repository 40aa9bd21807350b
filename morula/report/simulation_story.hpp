// Everything the page of a simulated tissue shows, as plain structs: the command fills them, render_simulation() draws them.
// A part that was not computed stays empty and its section is left out. Lengths in um, times in min.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "morula/report/report_data.hpp"

namespace morula::report {

/// Stands on the page, in its banner, and on every printed sheet.
inline constexpr std::string_view kHypotheses = "Transitions are hypotheses; only states are measured.";

/// Group of a DistanceProfile for dead cells of all types.
inline constexpr std::string_view kDeadCells = "dead cells";

/// One state of one cell type: the unit in which cells are counted and coloured.
struct CellKind {
    std::string type;
    std::string state;
    bool is_dead = false;
};

/// Who was there when. counts: n_minutes x n_kinds.
struct CompositionOverTime {
    std::vector<double> minute;
    std::vector<std::vector<std::int64_t>> counts;
    std::vector<std::int64_t> births;    // n_minutes: since the start
    std::vector<std::int64_t> removals;
    std::int64_t every = 1;  // one row of so many that composition.csv holds; above 1 the page says so
};

struct SimulatedSubstance {
    std::string name;
    std::string unit;
};

/// Cells of one moment for the player: some or all of those there were. All vectors have one entry a cell, but for levels.
struct Frame {
    double minute = 0.0;
    std::int64_t n_cells = 0;                // that there were; more than are held where they were sampled
    std::vector<float> x, y, z, radius;
    std::vector<std::uint16_t> kind;
    std::vector<std::vector<float>> levels;  // one a substance of Player: concentration in the cell's voxel
};

/// What a page holds of cells over time. Frames are sampled above the first, every second one is left out above the others.
inline constexpr std::int64_t kMostFrameCells = 20'000;
inline constexpr std::int64_t kMostFrames = 200;
inline constexpr std::int64_t kMostFrameBytes = 10'000'000;  // before base64, which makes four of three
inline constexpr std::size_t kMostFrameSubstances = 6;
/// Bytes of one cell of a frame in the page.
constexpr std::int64_t frame_bytes_a_cell(std::size_t n_substances) { return 8 + 2 * static_cast<std::int64_t>(n_substances); }

struct Player {
    std::vector<Frame> frames;             // by minute
    std::vector<std::int32_t> substances;  // those whose levels the frames hold
    double every_min = 0.0;                // between frames, but for the last one
    std::string sample_statement;          // how the cells of a frame were chosen; "" where all are held
};

/// Numbers against distance, at the end and (thin) at the start. Shell k reaches from k to k + 1 times shell_um.
struct DistanceProfile {
    double shell_um = 0.0;
    std::vector<std::string> groups;                         // "tumor", "dead cells"
    std::vector<std::vector<double>> density, density_start;  // n_groups x n_shells, cells a mm^3 (mm^2 where flat); NaN: nothing there
    std::vector<std::vector<double>> level, level_start;      // n_substances x n_shells
    std::string caption;                                      // from where distances are measured, in a sentence
};

/// The plane through the middle of the box at the end, row by row from the lowest y: nx x ny values. Voxels of large boxes are averaged.
struct FieldMap {
    std::int32_t substance = 0;
    std::int64_t nx = 0, ny = 0;
    double pixel_um = 0.0;
    std::array<double, 2> origin_um = {0.0, 0.0};
    std::vector<float> values;
};

/// A read-out of the organ over time.
struct ReadoutSeries {
    std::string name;
    std::string unit;
    std::string meaning;  // one sentence, or ""
    std::vector<double> minute;
    std::vector<double> value;  // NaN: not defined then
};

/// One rate of the scenario, in words as rates.csv has it. source: "measured", "literature", "fitted" or "guessed".
struct RateRow {
    std::string name;
    double value = kMissing;
    std::string unit;
    std::string source;
    std::string citation;
    double prior_low = kMissing, prior_high = kMissing;
    std::string line;
};

/// What a page says about its run.
struct RunRecord {
    std::vector<NameValue> outputs;  // file and what it holds
    std::vector<CodeSnippet> snippets;
    std::string reproduce;           // the command
    std::vector<NameValue> versions;  // speed, memory, hashes, machine
};

struct SimulationStory {
    std::string title;
    bool is_flat = false;
    std::array<double, 3> box_um = {0.0, 0.0, 0.0};     // size
    std::array<double, 3> origin_um = {0.0, 0.0, 0.0};  // lower corner
    double minutes = 0.0;
    std::uint64_t seed = 0;
    std::int64_t put_in = 0, taken_out = 0;  // cells, by perturbations; the latter are among those that are removed
    std::vector<std::string> notes;   // what a reader must know first: warnings of the run, each a sentence
    std::string measured_states;      // where the cells' measured states come from; "": no state was measured

    std::vector<CellKind> kinds;
    std::vector<SimulatedSubstance> substances;
    CompositionOverTime composition;
    Player player;
    DistanceProfile radial;
    DistanceProfile vessel;
    std::string vessel_name;          // "nearest vessel", "nearest open wall"
    double slice_um = 0.0;            // z of the plane that the field maps show
    std::string slice_caption;        // the same in a sentence
    std::vector<FieldMap> maps;
    std::vector<ReadoutSeries> readouts;
    std::vector<RateRow> rates;
    std::string unsourced;            // numbers that are no rates and have no source, in a sentence; "": none
    RunRecord record;
};

}  // namespace morula::report
