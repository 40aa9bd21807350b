#include "morula/commands/scenario_layouts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "morula/core/error.hpp"
#include "morula/core/random.hpp"
#include "morula/simulation/layouts.hpp"

namespace morula::commands::scenario_detail {
namespace {

using namespace simulation;

const std::vector<std::string> kTemplates{"spheroid", "crypt-ring", "liver-lobule", "islet", "vessel", "alveolus", "skin"};
enum TemplateNumber : std::size_t { spheroid, crypt_ring, liver_lobule, islet, vessel, alveolus, skin };

/// Parts of each template, by the keys that name their cell types.
const std::vector<std::string>& parts_of(std::size_t number) {
    static const std::array<std::vector<std::string>, 7> parts{{{"type"}, {"type"}, {"hepatocyte"}, {"core", "mantle"}, {"endothelium", "muscle"}, {"epithelium", "endothelium"}, {"dermis", "basal", "suprabasal"}}};
    return parts[number];
}

/// The layout of a template, its sizes read from the section.
Layout lay_out(std::size_t number, Section& section, const LayoutFrame& frame, Context& context) {
    switch (number) {
        case spheroid: return spheroid_layout(frame, section.positive(section.has("spheroid_radius_um") ? "spheroid_radius_um" : "radius_um"), context);
        case crypt_ring: return crypt_ring_layout(frame, section.whole("n_cells"), context);
        case liver_lobule: {
            LobuleSizes sizes;
            sizes.side_um = section.positive_or("side_um", sizes.side_um);
            sizes.height_um = section.positive_or("height_um", sizes.height_um);
            sizes.central_radius_um = section.positive_or("central_radius_um", sizes.central_radius_um);
            sizes.portal_radius_um = section.positive_or("portal_radius_um", sizes.portal_radius_um);
            return lobule_layout(frame, sizes, context);
        }
        case islet: {
            IsletSizes sizes;
            sizes.radius_um = section.positive_or("radius_um", sizes.radius_um);
            sizes.mantle_um = section.positive_or("mantle_um", sizes.mantle_um);
            return islet_layout(frame, sizes, context);
        }
        case vessel: {
            VesselSizes sizes;
            sizes.lumen_radius_um = section.positive_or("lumen_radius_um", sizes.lumen_radius_um);
            sizes.length_um = section.positive_or("length_um", sizes.length_um);
            sizes.muscle_layers = section.whole_or("muscle_layers", sizes.muscle_layers);
            return vessel_layout(frame, sizes, context);
        }
        case alveolus: return alveolus_layout(frame, section.positive("radius_um"), context);
        default: {
            SkinSizes sizes;
            sizes.width_um = section.positive_or("width_um", sizes.width_um);
            sizes.dermis_um = section.positive_or("dermis_um", sizes.dermis_um);
            sizes.suprabasal_layers = section.whole_or("suprabasal_layers", sizes.suprabasal_layers);
            return skin_layout(frame, sizes, context);
        }
    }
}

}  // namespace

void fill_template(Section& section, const Model& model, Agents& start, Context& context) {
    const bool is_short = section.has("spheroid_radius_um");
    if (!is_short && !section.has("template")) section.refuse("template", "is missing", fmt::format("Name a file of cells, or a template: {}.", fmt::join(kTemplates, ", ")));
    const std::size_t number = section.choice("template", kTemplates, spheroid);
    if (is_short && number != spheroid) section.refuse("spheroid_radius_um", "is no size of this template", "Keep one of the two.");
    section.rename_apart(fmt::format("cells of template '{}'", kTemplates[number]));
    std::vector<TypeMix> mixes;
    double largest = 0.0;
    for (const std::string& part : parts_of(number)) {
        mixes.push_back(section.has(part) ? type_mix(section, part, model) : TypeMix{});
        for (const TypeShare& share : mixes.back()) largest = std::max(largest, radius_of_volume(model.types[share.type].life.volume_um3));
    }
    if (largest == 0.0) section.refuse(parts_of(number).front(), "is missing", fmt::format("Give a cell type to at least one of: {}.", fmt::join(parts_of(number), ", ")));
    const LayoutFrame frame{.center_um = section.place("center_um", "[200, 200, 200]"), .space = model.box.is_flat() ? Space::flat : Space::solid, .spacing_um = section.positive_or("spacing_um", 0.95 * 2.0 * largest)};
    Layout layout;
    section.at("template", [&] { layout = lay_out(number, section, frame, context); });
    for (const PlacedCell& cell : layout) {
        const TypeMix& mix = mixes[static_cast<std::size_t>(cell.part)];
        if (mix.empty()) continue;
        const double draw = mix.size() == 1 ? 0.0 : Random(model.seed, Purpose::simulation_layout, static_cast<std::uint64_t>(start.size()), 0).uniform();
        add_agent(start, first_id(start.size()), drawn_type(mix, draw), cell.position_um, 0.0F);
    }
}

}  // namespace morula::commands::scenario_detail
