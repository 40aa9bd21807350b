#include "morula/simulation/readouts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/core/error.hpp"
#include "morula/simulation/readouts_parts.hpp"

namespace morula::simulation {
namespace {

struct Part {
    std::string_view name;
    std::string_view unit;  // "{}" stands for the substance's unit
};

struct Kind {
    std::string_view name;
    std::vector<Part> parts;
    std::vector<double> (*find)(const Readout&, const Simulation&, Context&);
};

/// In the order of ReadoutKind.
const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all{
        {"oxygenation", {{"low", "1"}, {"p05", "{}"}, {"p50", "{}"}, {"p95", "{}"}, {"rim", "um"}}, readout_detail::oxygenation},
        {"barrier", {{"permeability", "um/min"}, {"gaps", "1"}, {"resistance", "min/um"}}, readout_detail::barrier},
        {"cytokine_load", {{"total", "{} um3"}, {"peak", "{}"}, {"half_radius", "um"}}, readout_detail::cytokine_load},
        {"exchange", {{"area_per_thickness", "um"}, {"capacity", "um3/min"}}, readout_detail::exchange},
        {"secretion", {{"flux", "{} um3/min"}, {"net", "{} um3/min"}}, readout_detail::secretion},
        {"clearance", {{"taken_up", "{} um3/min"}, {"half_life", "min"}, {"contacts", "pairs"}}, readout_detail::clearance},
    };
    return all;
}

const Kind& kind_of(const Readout& readout) { return kinds()[static_cast<std::size_t>(readout.kind)]; }

using Fault = std::optional<ReadoutFault>;

Fault region_fault(const Region& region, const std::string& side, const Grid& box) {
    const bool is_ball = region.shape == Region::Shape::ball;
    const std::string key = side + (is_ball ? "center_um" : "from_um"), next = "Give a box or a ball that has an extent and lies in the domain.";
    if (is_ball && !(region.radius_um > 0.0 && std::isfinite(region.radius_um))) return ReadoutFault{side + "radius_um", "must be above 0", next};
    for (int axis = 0; axis < 3; ++axis) {
        const auto a = static_cast<std::size_t>(axis);
        const double from = is_ball ? region.center_um[a] - region.radius_um : region.from_um[a], to = is_ball ? region.center_um[a] + region.radius_um : region.to_um[a];
        if (!std::isfinite(from) || !std::isfinite(to)) return ReadoutFault{key, "is no number", next};
        if (!(from < to)) return ReadoutFault{key, "begins a region without extent", next};
        if (to <= box.origin_um[a] || from >= box.origin_um[a] + box.size_um(axis)) return ReadoutFault{key, "is that of a region outside the domain", next};
    }
    return std::nullopt;
}

Fault barrier_fault(const Readout& readout, const Model& model) {
    if (!readout.region || readout.region->shape != Region::Shape::box) return ReadoutFault{"from_um", "is missing: a barrier needs the box of its layer", "Give from_um and to_um of the layer; its extent along the axis is its thickness."};
    if (readout.axis < 0 || readout.axis > 2) return ReadoutFault{"axis", fmt::format("{} is not there", readout.axis), "Give x, y or z."};
    if (!(readout.cell_permeability_um_per_min >= 0.0) || !std::isfinite(readout.cell_permeability_um_per_min)) return ReadoutFault{"cell_permeability", "is below 0 or no number", "Give it in um/min."};
    const Substance& substance = model.substances[static_cast<std::size_t>(readout.substance)];
    if (!(substance.diffusion_um2_per_min > 0.0)) return ReadoutFault{"substance", fmt::format("'{}' does not diffuse", substance.name), "Name a substance that does."};
    return std::nullopt;
}

}  // namespace

const std::vector<std::string>& readout_kind_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all;
        for (const Kind& kind : kinds()) all.emplace_back(kind.name);
        return all;
    }();
    return names;
}

bool Region::contains(std::array<double, 3> position_um) const {
    if (shape == Shape::ball) return std::hypot(position_um[0] - center_um[0], position_um[1] - center_um[1], position_um[2] - center_um[2]) <= radius_um;
    for (std::size_t a = 0; a < 3; ++a) {
        if (position_um[a] < from_um[a] || position_um[a] > to_um[a]) return false;
    }
    return true;
}

Fault find_fault(const Readout& readout, const Model& model) {
    if (readout.name.empty()) return ReadoutFault{"name", "is missing", "Name the read-out."};
    if (readout.substance < 0 || readout.substance >= static_cast<std::int32_t>(model.substances.size())) return ReadoutFault{"substance", "is not there", "Name a substance of the scenario."};
    for (const std::vector<std::uint16_t>* types : {&readout.types, &readout.others}) {
        for (const std::uint16_t type : *types) {
            if (type >= model.types.size()) return ReadoutFault{"cell_types", "name one that is not there", "Name cell types of the scenario."};
        }
    }
    for (const auto& [region, side] : {std::pair{&readout.region, ""}, {&readout.other_region, "vessel_"}}) {
        if (!*region) continue;
        if (Fault fault = region_fault(**region, side, model.box)) return fault;
    }
    if (!(readout.threshold >= 0.0) || !std::isfinite(readout.threshold)) return ReadoutFault{"threshold", "is below 0 or no number", "Give a concentration."};
    if (readout.kind == ReadoutKind::barrier) return barrier_fault(readout, model);
    const bool has_lumen = !readout.types.empty() || readout.region, has_vessel = !readout.others.empty() || readout.other_region;
    if (readout.kind == ReadoutKind::exchange && !(has_lumen && has_vessel)) {
        return ReadoutFault{has_lumen ? "vessel_types" : "cell_types", "is missing: an exchange has two sides", "Give cell types or a region for the lumen (cell_types, from_um, ...) and for the vessels (vessel_types, vessel_from_um, ...)."};
    }
    return std::nullopt;
}

void check_readout(const Readout& readout, const Model& model) {
    if (const Fault fault = find_fault(readout, model)) invalid_data(fmt::format("Read-out '{}', {}: {}.", readout.name, fault->key, fault->what), fault->next);
}

std::vector<std::string> readout_names(const Readout& readout) {
    std::vector<std::string> names;
    for (const Part& part : kind_of(readout).parts) names.push_back(fmt::format("{}.{}", readout.name, part.name));
    return names;
}

std::string readout_unit(const Readout& readout, std::size_t part, const Model& model) {
    return fmt::format(fmt::runtime(kind_of(readout).parts[part].unit), model.substances[static_cast<std::size_t>(readout.substance)].unit);
}

std::vector<ReadoutValue> read_out(const Readout& readout, const Simulation& simulation, Context& context) {
    const Kind& kind = kind_of(readout);
    const std::vector<double> values = kind.find(readout, simulation, context);
    const std::vector<std::string> names = readout_names(readout);
    MORULA_ASSERT(values.size() == names.size());
    std::vector<ReadoutValue> out;
    for (std::size_t k = 0; k < values.size(); ++k) out.push_back({names[k], values[k], readout_unit(readout, k, simulation.model())});
    return out;
}

}  // namespace morula::simulation
