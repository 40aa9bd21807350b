#include "morula/commands/readout_words.hpp"

#include <fmt/format.h>

#include "morula/report/html.hpp"

namespace morula::commands {
namespace {

using simulation::Model;
using simulation::Readout;
using simulation::ReadoutKind;

std::string names_of(const std::vector<std::uint16_t>& types, const Model& model) {
    std::vector<std::string> names;
    for (const std::uint16_t type : types) names.push_back(model.types[type].name);
    return report::list_text(names);
}

/// What sentences speak of.
struct Words {
    Words(const Readout& readout, const Model& model)
        : cells(readout.types.empty() ? "living cells" : fmt::format("living cells of {}", names_of(readout.types, model))), region(readout.region ? " in its region" : ""), axis("xyz"[readout.axis]), others(names_of(readout.others, model)) {
        if (readout.substance < 0) return;
        const simulation::Substance& own = model.substances[static_cast<std::size_t>(readout.substance)];
        substance = own.name;
        bound = report::number_text(readout.threshold, 4) + report::unit_behind(" ", own.unit);
        // 1e-9 mol a litre in 1e-15 litres.
        if (own.unit == "nM") amol = " 1e6 nM µm³ are 1 amol.";
    }
    std::string cells, region, substance, bound, amol;
    char axis;
    std::string others;
};

}  // namespace

std::vector<std::string> readout_words(const Readout& readout, const Model& model) {
    const Words w(readout, model);
    switch (readout.kind) {
        case ReadoutKind::oxygenation:
            return {fmt::format("Share of {}{} that have less than {} of {}.", w.cells, w.region, w.bound, w.substance),
                    fmt::format("The {} that one in twenty {}{} does not exceed: those that have least.", w.substance, w.cells, w.region),
                    fmt::format("The {} that half of the {}{} do not exceed: their median.", w.substance, w.cells, w.region),
                    fmt::format("The {} that nineteen in twenty {}{} do not exceed.", w.substance, w.cells, w.region),
                    fmt::format("How deep, from the outside, cells{} live with {} of {} or more, taken as {}.", w.region, w.bound, w.substance, model.box.is_flat() ? "an even disc" : "an even ball")};
        case ReadoutKind::barrier:
            return {fmt::format("Permeability of the layer across {} for {}: what flows through an area, for each unit of difference.", w.axis, w.substance), fmt::format("Share of the layer's area that none of the {} covers.", w.cells),
                    fmt::format("Resistance of the layer's cells to {}: that of the layer less that of the medium alone.", w.substance)};
        case ReadoutKind::cytokine_load:
            return {fmt::format("Amount of {}{}.{}", w.substance, w.region, w.amol), fmt::format("Highest concentration of {}{}.", w.substance, w.region),
                    fmt::format("Distance from the nearest of the {} within which half of the {} lies.", w.cells, w.substance)};
        case ReadoutKind::exchange:
            return {fmt::format("How well {} passes between lumen and vessels: area over thickness of the wall between them.", w.substance), fmt::format("The same times the diffusion constant of {}: the volume that is cleared in a minute.", w.substance)};
        case ReadoutKind::secretion:
            return {fmt::format("Amount of {} that {}{} secrete in a minute.{}", w.substance, w.cells, w.region, w.amol), fmt::format("The same, less what these cells take up.{}", w.amol)};
        case ReadoutKind::clearance:
            return {fmt::format("Amount of {} that {}{} take up in a minute.{}", w.substance, w.cells, w.region, w.amol), fmt::format("How long uptake by these cells and decay would take to halve {}, were it well mixed.", w.substance),
                    readout.others.empty() ? "Pairs of cells that touch: no targets are named, so that there are none." : fmt::format("Pairs of one of the {}{} and a cell of {} that touch.", w.cells, w.region, w.others)};
        case ReadoutKind::extent: return {"Diameter of the body of cells, dead ones included: twice its mean reach from its middle."};
    }
    return {};
}

}  // namespace morula::commands
