#include "morula/commands/scenario_positions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>

#include "morula/commands/scenario_measured.hpp"
#include "morula/core/error.hpp"
#include "morula/core/random.hpp"
#include "morula/core/schema.hpp"
#include "morula/simulation/solid_section.hpp"

namespace morula::commands::scenario_detail {
namespace {

using namespace simulation;
using Point = std::array<double, 3>;

constexpr double kMostCellsASpot = 1'000.0;
constexpr std::uint16_t kDrawn = 0xFFFF;    // the type is drawn from the mix
constexpr std::uint16_t kLeftOut = 0xFFFE;

struct Placed {
    std::vector<Point> positions;
    std::vector<std::uint16_t> type;
    std::vector<std::size_t> row{};  // in Measured; empty: none
};

/// The cell type of each measured label: of the same name, or as the table `types` says.
class Labels {
public:
    Labels(Section& section, const Model& model) {
        for (const CellType& type : model.types) names_.push_back(type.name);
        if (!section.has("types")) return;
        for (const auto& [label, name] : section.text_table("types")) {
            const auto found = std::find(names_.begin(), names_.end(), name);
            if (found == names_.end() && !name.empty()) {
                const std::string nearest = nearest_name(name, names_);
                section.refuse("types", fmt::format("there is no cell type '{}'", name), nearest.empty() ? "Name a cell type of the scenario, or \"\" to leave the cells out." : fmt::format("Did you mean '{}'?", nearest));
            }
            table_[label] = name.empty() ? kLeftOut : static_cast<std::uint16_t>(found - names_.begin());
        }
    }

    std::uint16_t type_of(const std::string& label, const std::string& place) const {
        if (const auto known = table_.find(label); known != table_.end()) return known->second;
        const auto found = std::find(names_.begin(), names_.end(), label);
        if (found != names_.end()) return static_cast<std::uint16_t>(found - names_.begin());
        const std::string nearest = nearest_name(label, names_);
        invalid_data(fmt::format("{}: there is no cell type '{}'.", place, label),
                     nearest.empty() ? fmt::format("Name a cell type of the scenario, or map it: types = {{ \"{}\" = \"...\" }}, with \"\" to leave it out.", label) : fmt::format("Did you mean '{}'?", nearest));
    }

private:
    std::vector<std::string> names_;
    std::map<std::string, std::uint16_t> table_;
};

/// The dead of a snapshot of simulate. They are left out: a start has no place for how a cell died and how far it has shrunk, and to begin as living cells would bring them back.
std::vector<std::uint8_t> dead_of(const Measured& measured, const Model& model) {
    std::vector<std::uint8_t> is_dead(measured.positions.size(), 0);
    for (std::size_t i = 0; i < measured.states.size(); ++i) {
        const auto names_it = [&](const Phase& phase) { return phase.is_dead && phase.name == measured.states[i]; };
        is_dead[i] = std::any_of(model.types.begin(), model.types.end(), [&](const CellType& type) { return std::any_of(type.life.phases.begin(), type.life.phases.end(), names_it); }) ? 1 : 0;
    }
    return is_dead;
}

/// In um, cut to the window, with the types that labels name; cells whose label is left out are gone, and those that are dead.
Placed scaled(const Measured& measured, Section& section, const Labels& labels, const Model& model, double um_per_unit) {
    std::vector<double> window;
    if (section.has("window_um")) {
        window = section.numbers("window_um");
        if (window.size() != 4 || !(window[0] < window[2] && window[1] < window[3])) section.refuse("window_um", "must be [x0, y0, x1, y1] with x0 < x1 and y0 < y1", "Write [0, 0, 500, 500].");
    }
    Placed placed;
    const std::vector<std::uint8_t> is_dead = dead_of(measured, model);
    for (std::size_t i = 0; i < measured.positions.size(); ++i) {
        if (is_dead[i] != 0) continue;
        Point at = measured.positions[i];
        for (double& value : at) value *= um_per_unit;
        if (!window.empty() && !(at[0] >= window[0] && at[0] <= window[2] && at[1] >= window[1] && at[1] <= window[3])) continue;
        const std::uint16_t type = measured.labels.empty() ? kDrawn : labels.type_of(measured.labels[i], measured.places[i]);
        if (type == kLeftOut) continue;
        placed.positions.push_back(at);
        placed.type.push_back(type);
        placed.row.push_back(i);
    }
    return placed;
}

void warn_of_snapshot(const Measured& measured, const Section& section, const Model& model, Context& context) {
    const std::vector<std::uint8_t> is_dead = dead_of(measured, model);
    const auto n_dead = std::count(is_dead.begin(), is_dead.end(), 1);
    const std::string dead = n_dead == 0 ? "" : fmt::format("{} dead cell{} {} left out; ", n_dead, n_dead == 1 ? "" : "s", n_dead == 1 ? "is" : "are");
    context.events().warning(fmt::format("{}: of a snapshot of a run places and types are taken. {}{} in the first phase of their types' lives, at these types' volumes. To go on from a run's own state, use `morula simulate --resume`.", section.name(), dead,
                                         n_dead == 0 ? "Cells begin" : "the others begin"));
}

/// Cells at even random places within each spot, all of the spot's type.
Placed scattered(const Placed& spots, std::int64_t cells_a_spot, double spot_um, std::uint64_t seed) {
    Placed cells;
    for (std::size_t spot = 0; spot < spots.positions.size(); ++spot) {
        for (std::int64_t k = 0; k < cells_a_spot; ++k) {
            Random random(seed, Purpose::simulation_layout, spot, static_cast<std::uint32_t>(k) + 1);
            const double far = spot_um / 2.0 * std::sqrt(random.uniform()), angle = 2.0 * std::numbers::pi * random.uniform();
            const Point& middle = spots.positions[spot];
            cells.positions.push_back({middle[0] + far * std::cos(angle), middle[1] + far * std::sin(angle), middle[2]});
            cells.type.push_back(spots.type[spot]);
            cells.row.push_back(spots.row[spot]);
        }
    }
    return cells;
}

void draw_types(Placed& placed, const TypeMix& mix, std::uint64_t seed) {
    for (std::size_t i = 0; i < placed.type.size(); ++i) {
        if (placed.type[i] == kDrawn) placed.type[i] = drawn_type(mix, mix.size() == 1 ? 0.0 : Random(seed, Purpose::simulation_layout, i, 0).uniform());
    }
}

Placed made_solid(const Placed& flat, Section& section, const Model& model, Context& context) {
    SolidSectionOptions options{.depth_um = section.positive("depth_um"), .seed = model.seed};
    options.reach_um = section.positive_or("reach_um", options.reach_um);
    if (section.has("layer_um")) options.layer_um = section.positive("layer_um");
    std::vector<std::array<double, 2>> positions;
    for (const Point& p : flat.positions) positions.push_back({p[0], p[1]});
    const std::vector<std::int32_t> type(flat.type.begin(), flat.type.end());
    const SolidSection solid = solid_from_section(positions, type, static_cast<std::int32_t>(model.types.size()), options, context);
    const auto percent = [](double difference) { return std::isnan(difference) ? std::string("unknown") : fmt::format("{:.1f} %", 100.0 * difference); };
    context.events().decision(fmt::format("{}: {} cells of a section became {} in {} sheets; in space the shares of no type's neighbours differ by more than {} from those in the section; in slices {:.3g} um thick the numbers of neighbours "
                                          "differ by at most {} where they are cut horizontally and {} where vertically (types with at least {} cells that meet at least {} times in the section).",
                                          section.name(), flat.positions.size(), solid.positions.size(), solid.n_layers, percent(solid.difference), solid.slice_um, percent(solid.horizontal_difference),
                                          percent(solid.vertical_difference), kLeastCells, kLeastPairs));
    return {solid.positions, {solid.type.begin(), solid.type.end()}};
}

/// Moves the middle of what the cells span to the place.
void center(std::vector<Point>& positions, const Point& to, std::size_t n_axes) {
    for (std::size_t axis = 0; axis < n_axes; ++axis) {
        double low = std::numeric_limits<double>::infinity(), high = -low;
        for (const Point& p : positions) {
            low = std::min(low, p[axis]);
            high = std::max(high, p[axis]);
        }
        for (Point& p : positions) p[axis] += to[axis] - (low + high) / 2.0;
    }
}

void hash_measured(Reading& reading, const std::filesystem::path& path) {
    namespace fs = std::filesystem;
    if (!fs::is_directory(path)) return reading.hash_file(path);
    for (const char* name : {"tissue_positions.csv", "tissue_positions_list.csv"}) {
        if (fs::exists(path / "spatial" / name)) reading.hash_file(path / "spatial" / name);
    }
}

}  // namespace

std::vector<std::string> place_measured(Section& section, const Model& model, Agents& start, Reading& reading) {
    Context& context = reading.context;
    const std::filesystem::path path = reading.beside(section.text("file"));
    section.rename_apart(fmt::format("cells of '{}'", path.filename().string()));
    TypeMix mix;
    if (section.has("type")) mix = type_mix(section, "type", model);
    MeasuredOptions options{.x = section.text_or("x_column", "x"), .y = section.text_or("y_column", "y"), .z = section.text_or("z_column", "z"), .type = {}, .labels = {}};
    if (section.has("labels")) {
        options.labels = reading.beside(section.text("labels"));
        reading.hash_file(options.labels);
    }
    if (mix.empty()) options.type = section.text_or("type_column", "type");
    else if (section.has("type_column")) section.refuse("type_column", "stands beside type", "Keep one of the two.");
    const Measured& measured = reading.kept.get(section.kept_name("cells"), [&] { return read_measured(path, options, context); });
    if (measured.positions.empty()) section.refuse("file", "holds no cells", "Name a file with cells.");
    if (measured.labels.empty() && mix.empty()) section.refuse("type", "is missing", "Name a cell type, shares of several, or labels of the spots.");
    if (!measured.has_z && !model.box.is_flat() && !section.has("depth_um") && !section.has("center_um")) section.refuse("file", "has no z, and the domain is solid", "Add the column z, or give depth_um or center_um.");
    hash_measured(reading, path);
    const Labels labels(section, model);
    const double um_per_unit = measured.um_per_unit ? section.positive_or("um_per_unit", *measured.um_per_unit) : measured.spot_um ? section.positive("um_per_unit") : section.positive_or("um_per_unit", 1.0);
    Placed placed = scaled(measured, section, labels, model, um_per_unit);
    if (!measured.states.empty()) warn_of_snapshot(measured, section, model, context);
    if (measured.spot_um) {
        const double n = section.rate("cells_per_spot", Quantity::ratio);
        if (!(n >= 1.0 && n <= kMostCellsASpot) || n != std::round(n)) section.refuse("cells_per_spot", "is no whole number from 1 to 1000", "Give a whole number.");
        const double spot_um = section.positive_or("spot_um", *measured.spot_um);
        section.require_memory("cells_per_spot", kBytesAnAgent * std::ssize(placed.positions) * std::llround(n), fmt::format("{} cells", std::ssize(placed.positions) * std::llround(n)));
        placed = scattered(placed, std::llround(n), spot_um, model.seed);
        context.events().warning(fmt::format("{}: {} spots hold several cells each; {:g} cells were put at random places within each, {:g} um wide. Which cell lies where is not measured.", section.name(), placed.positions.size() / static_cast<std::size_t>(n), n, spot_um));
    }
    if (placed.positions.empty()) section.refuse("file", "leaves no cells", "Name another file, or a larger window.");
    draw_types(placed, mix, model.seed);
    if (section.has("depth_um")) {
        if (model.box.is_flat()) section.refuse("depth_um", "needs a solid domain", "Give the domain a third size of more than a voxel.");
        const auto block = [&] { return made_solid(placed, section, model, context); };
        // How many cells each spot holds may be a guess; all else of a block is the same in every reading.
        placed = measured.spot_um ? block() : reading.kept.get(section.kept_name("block"), block);
    }
    reading.origins.push_back({.file = path, .first = start.size(), .at = placed.positions});
    for (Point& at : reading.origins.back().at) at = {at[0] / um_per_unit, at[1] / um_per_unit, measured.has_z ? at[2] / um_per_unit : 0.0};
    if (section.has("center_um")) center(placed.positions, section.place("center_um", "[200, 200, 200]"), model.box.is_flat() ? 2 : 3);
    section.require_memory("file", kBytesAnAgent * std::ssize(placed.positions), fmt::format("{} cells", placed.positions.size()));
    for (std::size_t i = 0; i < placed.positions.size(); ++i) {
        Point at = placed.positions[i];
        if (model.box.is_flat() && !measured.has_z) at[2] = model.box.center_um(2, 0);
        add_agent(start, first_id(start.size()), placed.type[i], at, 0.0F);
    }
    std::vector<std::string> places;
    // Of a text file the line tells; which column a label or an x stands in does not matter here.
    for (const std::size_t row : placed.row) places.push_back(measured.places[row].substr(0, measured.places[row].find(", column ")));
    return places;
}

}  // namespace morula::commands::scenario_detail
