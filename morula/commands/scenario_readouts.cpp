#include "morula/commands/scenario_readouts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "morula/core/schema.hpp"

namespace morula::commands::scenario_detail {
namespace {

using namespace simulation;

std::array<double, 3> corner(Section& section, const std::string& key) {
    const std::vector<double> numbers = section.numbers(key);
    if (numbers.size() != 3) section.refuse(key, "must have three numbers", "Write [0, 0, 0].");
    return {numbers[0], numbers[1], numbers[2]};
}

std::vector<std::uint16_t> read_types(Section& section, const std::string& key, const Model& model) {
    std::vector<std::uint16_t> types;
    if (!section.has(key)) return types;
    std::vector<std::string> names;
    for (const CellType& type : model.types) names.push_back(type.name);
    for (const std::string& name : section.texts(key)) {
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end()) {
            const std::string nearest = nearest_name(name, names);
            section.refuse(key, fmt::format("there is no cell type '{}'", name), nearest.empty() ? fmt::format("The cell types are: {}.", fmt::join(names, ", ")) : fmt::format("Did you mean '{}'?", nearest));
        }
        types.push_back(static_cast<std::uint16_t>(found - names.begin()));
    }
    return types;
}

std::int32_t read_substance(Section& section, const Model& model) {
    section.text("substance");
    std::vector<std::string> substances;
    for (const Substance& substance : model.substances) substances.push_back(substance.name);
    return static_cast<std::int32_t>(section.choice("substance", substances, 0));
}

Readout read_readout(Section& section, const Model& model) {
    Readout readout{.name = section.own_name()};
    section.text("kind");
    readout.kind = static_cast<ReadoutKind>(section.choice("kind", readout_kind_names(), 0));
    if (readout.kind != ReadoutKind::extent) readout.substance = read_substance(section, model);
    readout.types = read_types(section, "cell_types", model);
    readout.region = read_region(section, "");
    switch (readout.kind) {
        case ReadoutKind::oxygenation:
            if (section.has("threshold") || model.substances[static_cast<std::size_t>(readout.substance)].unit != "mmHg") readout.threshold = section.number("threshold");
            break;
        case ReadoutKind::barrier:
            readout.axis = static_cast<std::int32_t>(section.choice("axis", {"x", "y", "z"}, 2));
            readout.cell_permeability_um_per_min = section.rate("cell_permeability", Quantity::speed);
            break;
        case ReadoutKind::exchange:
            readout.others = read_types(section, "vessel_types", model);
            readout.other_region = read_region(section, "vessel_");
            break;
        case ReadoutKind::clearance: readout.others = read_types(section, "targets", model); break;
        case ReadoutKind::cytokine_load:
        case ReadoutKind::secretion:
        case ReadoutKind::extent: break;
    }
    section.done();
    if (const auto fault = find_fault(readout, model)) section.refuse(fault->key, fault->what, fault->next);
    return readout;
}

}  // namespace

std::optional<Region> read_region(Section& section, const std::string& side) {
    const auto has = [&](const std::string& key) { return section.has(side + key); };
    const bool is_box = has("from_um") || has("to_um"), is_ball = has("center_um") || has("radius_um");
    if (!is_box && !is_ball) return std::nullopt;
    if (is_box && is_ball) section.refuse(side + (has("center_um") ? "center_um" : "radius_um"), "stands beside a box", "Keep the box (from_um, to_um) or the ball (center_um, radius_um).");
    if (is_ball) return Region{.shape = Region::Shape::ball, .center_um = corner(section, side + "center_um"), .radius_um = section.number(side + "radius_um")};
    return Region{.from_um = corner(section, side + "from_um"), .to_um = corner(section, side + "to_um")};
}

std::vector<Readout> read_readouts(Section& top, const Model& model) {
    std::vector<Readout> readouts;
    for (Section& section : top.sections("readout")) readouts.push_back(read_readout(section, model));
    return readouts;
}

}  // namespace morula::commands::scenario_detail
