#include "morula/commands/scenario_cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "morula/commands/scenario_layouts.hpp"
#include "morula/commands/scenario_positions.hpp"
#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"

namespace morula::commands::scenario_detail {

TypeMix type_mix(Section& section, std::string_view key, const simulation::Model& model) {
    std::vector<std::string> names;
    for (const simulation::CellType& type : model.types) names.push_back(type.name);
    if (names.empty()) section.refuse(key, "names a cell type, and there are none", "Add [[cell_type]].");
    TypeMix mix;
    double sum = 0.0;
    for (const auto& [name, share] : section.shares(key)) {
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end()) {
            const std::string nearest = nearest_name(name, names);
            section.refuse(key, fmt::format("'{}' is not known", name), nearest.empty() ? "Name a cell type of the scenario." : fmt::format("Did you mean '{}'?", nearest));
        }
        sum += share;
        mix.push_back({static_cast<std::uint16_t>(found - names.begin()), sum});
    }
    mix.back().up_to = 1.0;
    return mix;
}

std::uint16_t drawn_type(const TypeMix& mix, double draw) {
    return std::find_if(mix.begin(), mix.end() - 1, [&](const TypeShare& share) { return draw < share.up_to; })->type;
}

namespace {

std::string origin_of(const CellOrigins& origins, std::size_t cell) {
    const auto next = std::find_if(origins.begin(), origins.end(), [&](const CellOrigin& origin) { return origin.first > cell; });
    const CellOrigin& own = *std::prev(next);
    return own.places.empty() ? own.section : own.places[cell - own.first];
}

/// Cells fill at most .74 of a space without being squeezed, and as templates pack them .86; scattered at random at that density a few meet 1.5.
constexpr double kPackingToWarnOf = 2.0;

std::string position_text(const simulation::Agents& cells, std::size_t i) { return fmt::format("({:g}, {:g}, {:g}) um", cells.x[i], cells.y[i], cells.z[i]); }

}  // namespace

void read_cells(Section& section, const simulation::Model& model, simulation::Agents& start, CellOrigins& origins, Reading& reading) {
    CellOrigin own{.first = start.id.size()};
    if (section.has("file")) own.places = place_measured(section, model, start, reading);
    else fill_template(section, model, start, reading.context);
    section.done();
    own.section = fmt::format("{}, line {}: {}", reading.path.string(), section.line_of("file"), section.name());
    origins.push_back(std::move(own));
    const simulation::Grid& box = model.box;
    for (std::size_t i = origins.back().first; i < start.id.size(); ++i) {
        if (simulation::is_inside(box, {start.x[i], start.y[i], start.z[i]})) continue;
        invalid_data(fmt::format("{}: the cell at {} is outside of the domain, ({:g}, {:g}, {:g}) to ({:g}, {:g}, {:g}) um.", origin_of(origins, i), position_text(start, i), box.origin_um[0], box.origin_um[1], box.origin_um[2],
                                 box.origin_um[0] + box.size_um(0), box.origin_um[1] + box.size_um(1), box.origin_um[2] + box.size_um(2)),
                     "Move the cell or the whole tissue (center_um), or give a larger domain.");
    }
}

void refuse_twins(const simulation::Agents& start, const CellOrigins& origins) {
    const auto twins = simulation::first_at_one_place(start);
    if (!twins) return;
    const auto [later, earlier] = *twins;
    invalid_data(fmt::format("{}: the cell at {} stands where another does, that of {}.", origin_of(origins, later), position_text(start, later), origin_of(origins, earlier)),
                 "Cells on top of each other do not push: move one of them, or take it out.");
}

std::string crowd_text(const simulation::Crowd& crowd) {
    return fmt::format("overlaps {} others, which would push it {:.3g} um in the first mechanics step (its radius is {:.3g} um); cells fill the room around it {:.3g} times, and mechanics resolves {:g} times at most", crowd.n_overlapping,
                       crowd.push_um, crowd.radius_um, crowd.packing, simulation::kMostPacking);
}

void refuse_crowds(const simulation::Model& model, const simulation::Agents& start, const CellOrigins& origins, Context& context) {
    const simulation::Crowding crowding = simulation::find_crowding(model, start, context);
    if (const auto& crowd = crowding.beyond_mechanics) {
        invalid_data(fmt::format("{}: the cell at {} {}.", origin_of(origins, crowd->agent), position_text(start, crowd->agent), crowd_text(*crowd)), std::string(kLessCrowded));
    }
    if (crowding.densest.packing <= kPackingToWarnOf) return;
    const std::size_t cell = crowding.densest.agent;
    context.events().warning(fmt::format("{}: cells overlap: those around the one at {} fill their room {:.2g} times (tissue .6 to .9). They will push each other apart from the first step on.", origin_of(origins, cell), position_text(start, cell),
                                         crowding.densest.packing));
}

}  // namespace morula::commands::scenario_detail
