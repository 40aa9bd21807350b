#include "morula/commands/scenario_sources.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "morula/commands/scenario_readouts.hpp"

namespace morula::commands::scenario_detail {
namespace {

using namespace simulation;

std::vector<std::int64_t> voxels_in(const Region& region, const Grid& grid) {
    std::vector<std::int64_t> places;
    for (std::int64_t z = 0; z < grid.n[2]; ++z) {
        for (std::int64_t y = 0; y < grid.n[1]; ++y) {
            for (std::int64_t x = 0; x < grid.n[0]; ++x) {
                if (region.contains({grid.center_um(0, x), grid.center_um(1, y), grid.center_um(2, z)})) places.push_back(grid.place(x, y, z));
            }
        }
    }
    return places;
}

}  // namespace

void read_source(Section& section, Model& model) {
    BulkSource source{.substance = substance_number(section, "substance", model)};
    const Substance& substance = model.substances[static_cast<std::size_t>(source.substance)];
    section.rename_apart(fmt::format("source of '{}'", substance.name));
    source.rate_per_min = section.concentration("rate", substance.unit + "/min");
    const std::optional<Region> region = read_region(section, "");
    if (region) {
        const char* key = section.has("center_um") ? "center_um" : "from_um";
        section.require_memory("substance", 8 * model.box.n_voxels(), "the list of the source's voxels");
        source.places = voxels_in(*region, model.box);
        if (source.places.empty()) section.refuse(key, "holds the middle of no voxel", "Give a region in the domain that is as large as a voxel, or leave it out: then the source is everywhere.");
        std::vector<std::int64_t> fixed = model.fixed[static_cast<std::size_t>(source.substance)].places;
        std::sort(fixed.begin(), fixed.end());
        const auto is_fixed = [&](std::int64_t place) { return std::binary_search(fixed.begin(), fixed.end(), place); };
        if (std::all_of(source.places.begin(), source.places.end(), is_fixed)) section.refuse(key, "lies where walls or vessels hold the concentration", "Move the source, or take the vessel out: nothing would come of it.");
    }
    section.done();
    model.sources.push_back(std::move(source));
}

}  // namespace morula::commands::scenario_detail
