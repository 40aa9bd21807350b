#include "morula/commands/scenario_cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"
#include "morula/formats/text/delimited.hpp"

namespace morula::commands::scenario_detail {
namespace {

using namespace simulation;

constexpr std::int64_t kBytesACell = 300;

void add(Agents& start, std::size_t type, std::array<double, 3> place) { add_agent(start, first_id(start.size()), static_cast<std::uint16_t>(type), place, 0.0F); }

/// A ball of cells in cubic close packing, neighbours as far apart as 95 % of a diameter.
void fill_spheroid(Section& section, const Model& model, Agents& start, Context& context) {
    const std::size_t type = type_number(section, "type", model);
    const double radius = section.positive("spheroid_radius_um");
    const std::array<double, 3> center = section.place("center_um", "[200, 200, 200]");
    if (model.box.is_flat()) section.refuse("spheroid_radius_um", "needs a solid domain", "Give cells of a flat tissue as a file.");
    const double apart = 0.95 * 2.0 * std::cbrt(0.75 * model.types[type].life.volume_um3 / std::numbers::pi);
    const double half = apart / std::numbers::sqrt2;
    if (!(radius / half < 2'000.0)) section.refuse("spheroid_radius_um", "is too large for its cells", "Give a smaller radius.");
    const auto most = static_cast<std::int64_t>(radius / half) + 1;
    // Half of the places of a cube hold a cell, and about half of those lie in the ball: 2 most^3.
    context.require_memory(2 * most * most * most * kBytesACell, "the cells");
    for (std::int64_t z = -most; z <= most; ++z) {
        for (std::int64_t y = -most; y <= most; ++y) {
            for (std::int64_t x = -most; x <= most; ++x) {
                const std::array<double, 3> from{half * static_cast<double>(x), half * static_cast<double>(y), half * static_cast<double>(z)};
                if ((x + y + z) % 2 != 0 || std::hypot(from[0], from[1], from[2]) > radius) continue;
                add(start, type, {center[0] + from[0], center[1] + from[1], center[2] + from[2]});
            }
        }
    }
}

/// Columns x, y, z in um (z may be missing where the tissue is flat) and type, or all of the type that the section names.
void read_positions(Section& section, const Model& model, Agents& start, Reading& reading) {
    const std::filesystem::path path = reading.beside(section.text("file"));
    const formats::RawTable table = formats::read_rows(path, {}, reading.context);
    reading.hash_file(path);
    const std::size_t of_all = section.has("type") ? type_number(section, "type", model) : model.types.size();
    const std::size_t type_column = table.find("type");
    if (of_all == model.types.size() && type_column == std::string::npos) invalid_data(fmt::format("{} has no column 'type'.", path.string()), "Add it, or name a type beside the file.");
    const std::array<std::size_t, 3> columns{table.column("x"), table.column("y"), model.box.is_flat() ? table.find("z") : table.column("z")};
    std::vector<std::string> names;
    for (const CellType& type : model.types) names.push_back(type.name);
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        std::array<double, 3> place{0.0, 0.0, model.box.center_um(2, 0)};
        for (std::size_t axis = 0; axis < 3; ++axis) {
            if (columns[axis] == std::string::npos) continue;
            const std::string& text = table.rows[row][columns[axis]];
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), place[axis]);
            if (error != std::errc{} || end != text.data() + text.size()) invalid_data(fmt::format("{}: '{}' is no number.", table.place(row, columns[axis]), text), "Give positions in um.");
        }
        std::size_t type = of_all;
        if (of_all == model.types.size()) {
            const std::string& name = table.rows[row][type_column];
            type = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
            if (type == names.size()) {
                const std::string nearest = nearest_name(name, names);
                invalid_data(fmt::format("{}: there is no cell type '{}'.", table.place(row, type_column), name), nearest.empty() ? "Name a cell type of the scenario." : fmt::format("Did you mean '{}'?", nearest));
            }
        }
        add(start, type, place);
    }
}

}  // namespace

void read_cells(Section& section, const Model& model, Agents& start, Reading& reading) {
    if (section.has("file")) read_positions(section, model, start, reading);
    else fill_spheroid(section, model, start, reading.context);
    section.done();
}

}  // namespace morula::commands::scenario_detail
