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
        {"extent", {{"diameter", "um"}}, readout_detail::extent},
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

/// Whether the centre of a voxel lies in `in` and, where there is an `out`, not in that.
bool has_voxel(const Grid& box, const Region& in, const std::optional<Region>& out) {
    std::array<std::int64_t, 3> first{}, last{};
    for (int axis = 0; axis < 3; ++axis) {
        const auto a = static_cast<std::size_t>(axis);
        const bool is_ball = in.shape == Region::Shape::ball;
        first[a] = nearest_voxel(box, axis, is_ball ? in.center_um[a] - in.radius_um : in.from_um[a]);
        last[a] = nearest_voxel(box, axis, is_ball ? in.center_um[a] + in.radius_um : in.to_um[a]);
    }
    for (std::int64_t z = first[2]; z <= last[2]; ++z) {
        for (std::int64_t y = first[1]; y <= last[1]; ++y) {
            for (std::int64_t x = first[0]; x <= last[0]; ++x) {
                const std::array<double, 3> center{box.center_um(0, x), box.center_um(1, y), box.center_um(2, z)};
                if (in.contains(center) && !(out && out->contains(center))) return true;
            }
        }
    }
    return false;
}

/// Sides that can never be there, whatever cells do: of these an exchange would be undefined in every row.
Fault exchange_fault(const Readout& readout, const Model& model) {
    const bool has_lumen = !readout.types.empty() || readout.region, has_vessel = !readout.others.empty() || readout.other_region;
    if (!has_lumen || !has_vessel) {
        return ReadoutFault{has_lumen ? "vessel_types" : "cell_types", "is missing: an exchange has two sides", "Give cell types or a region for the lumen (cell_types, from_um, ...) and for the vessels (vessel_types, vessel_from_um, ...)."};
    }
    const auto key_of = [](const std::string& side, const Region& region) { return side + (region.shape == Region::Shape::ball ? "center_um" : "from_um"); };
    const std::string next = "A side is the voxels whose centres lie in its region; where both have a voxel it is the lumen's. Give regions that lie apart.";
    const bool lumen_is_region = readout.types.empty(), vessel_is_region = readout.others.empty();
    if (lumen_is_region && !has_voxel(model.box, *readout.region, std::nullopt)) return ReadoutFault{key_of("", *readout.region), "begins a region without the centre of a voxel", next};
    if (vessel_is_region && !has_voxel(model.box, *readout.other_region, std::nullopt)) return ReadoutFault{key_of("vessel_", *readout.other_region), "begins a region without the centre of a voxel", next};
    if (lumen_is_region && vessel_is_region && !has_voxel(model.box, *readout.other_region, readout.region)) {
        return ReadoutFault{key_of("vessel_", *readout.other_region), "begins a region that lies within the lumen's, so that nothing is left of the vessels", next};
    }
    const auto is_lumen = [&](std::uint16_t type) { return std::find(readout.types.begin(), readout.types.end(), type) != readout.types.end(); };
    if (!vessel_is_region && !readout.region && std::all_of(readout.others.begin(), readout.others.end(), is_lumen)) {
        return ReadoutFault{"vessel_types", "are all of the lumen too, so that nothing is left of the vessels", "Name other types for the two sides, or give the lumen a region."};
    }
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
    if (readout.kind != ReadoutKind::extent && (readout.substance < 0 || readout.substance >= static_cast<std::int32_t>(model.substances.size()))) return ReadoutFault{"substance", "is not there", "Name a substance of the scenario."};
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
    return readout.kind == ReadoutKind::exchange ? exchange_fault(readout, model) : std::nullopt;
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
    if (readout.kind == ReadoutKind::extent) return std::string(kind_of(readout).parts[part].unit);  // no substance has to do with it
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
