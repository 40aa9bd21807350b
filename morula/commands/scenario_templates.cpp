#include "morula/commands/scenario_templates.hpp"

#include <array>
#include <utility>

#include "morula/commands/scenario_text.hpp"

namespace morula::commands {
namespace {

constexpr std::string_view kRulesMark = "@RULES@";

struct Template {
    std::string_view text;
    std::string_view rules;
};

/// What templates share.
constexpr std::string_view kRates = R"(# Every rate has a unit and a source: measured or literature (with citation), fitted (with fitted_to), or guessed (with prior = [low, high]).
)";

constexpr std::string_view kClocks = R"([clocks]  # minutes a step, each a whole multiple of the one before
field_min = 0.1
mechanics_min = 0.1
life_min = 6
)";

constexpr std::string_view kBlood = R"(concentration = { value = 65, unit = "mmHg", source = "literature", citation = "60 to 70 mmHg near the portal triads: Godoy et al. 2013, doi 10.1007/s00204-013-1078-5" }
to_concentration = { value = 30, unit = "mmHg", source = "literature", citation = "25 to 35 mmHg near the central vein: Godoy et al. 2013, doi 10.1007/s00204-013-1078-5" }
)";

constexpr std::string_view kOxygen = R"([[substance]]
name = "oxygen"
unit = "mmHg"
pace = "steady"  # fast beside the cells: solved for, not stepped
diffusion = { value = 1e5, unit = "um2/min", source = "literature", citation = "doi 10.1371/journal.pcbi.1005991" }
decay = { value = 0.1, unit = "1/min", source = "literature", citation = "doi 10.1371/journal.pcbi.1005991" }
)";

constexpr std::string_view kUptake = R"(
  [[cell_type.exchange]]
  substance = "oxygen"
  uptake = { value = 10, unit = "1/min", source = "literature", citation = "doi 10.1371/journal.pcbi.1005991" }
)";

constexpr Template kSpheroid{R"(# A ball of cells in a medium with oxygen. Cells divide where there is much of it and die where there is little.
@RATES@title = "A spheroid in oxygen"
until_min = 1440
every_min = 60
seed = 1
rules = "@RULES@"

[domain]  # um
size_um = [400, 400, 400]
voxel_um = 20
origin_um = [-200, -200, -200]

@CLOCKS@
@OXYGEN@initial = { value = 38, unit = "mmHg", source = "literature", citation = "doi 10.1371/journal.pcbi.1005991" }
walls = { value = 38, unit = "mmHg", source = "literature", citation = "doi 10.1371/journal.pcbi.1005991" }  # the medium around

[[cell_type]]
name = "tumor"
cycle = "live"  # divides at the rate of cycle_entry; others: none, ki67_basic, ki67_advanced
cycle_entry = { value = 0.0, unit = "1/h", source = "guessed", prior = [0.0, 0.005] }  # without oxygen; the rule raises it
necrosis = { value = 0.17, unit = "1/h", source = "guessed", prior = [0.02, 1.0] }  # without oxygen; the rule lowers it
@UPTAKE@
[[rule_source]]  # where the numbers of a rule come from; one of which nobody speaks is a guess that is never drawn
cell_type = "tumor"
signal = "oxygen"
behavior = "cycle entry"
saturation = { source = "literature", citation = "doi 10.1371/journal.pcbi.1005991" }
half_max = { source = "literature", citation = "doi 10.1016/j.cell.2025.06.048" }
hill_power = { source = "literature", citation = "doi 10.1016/j.cell.2025.06.048" }

[[rule_source]]
cell_type = "tumor"
signal = "oxygen"
behavior = "necrosis"
half_max = { source = "literature", citation = "doi 10.1016/j.cell.2025.06.048" }
hill_power = { source = "literature", citation = "doi 10.1016/j.cell.2025.06.048" }

[[cells]]
template = "spheroid"
type = "tumor"
radius_um = 80
center_um = [0, 0, 0]
)",
    R"(// cell type, signal, direction, behaviour, saturation (1/min), half-max (mmHg), Hill power, applies to dead
tumor,oxygen,increases,cycle entry,0.00072,21.5,4,0
tumor,oxygen,decreases,necrosis,0,3.75,8,0
)"};

constexpr Template kCryptRing{R"(# Sixteen stem cells on a ring, the base of a crypt. The ring holds a niche signal; a cell that neighbours push off it is lost. So descendants of one cell replace those
# of others by chance alone, until all come from one.
@RATES@title = "Neutral competition on a crypt ring"
until_min = 10080
every_min = 60
seed = 1
rules = "@RULES@"

[domain]  # um
size_um = [160, 160, 4]
voxel_um = 4
origin_um = [-80, -80, 0]

@CLOCKS@steady_min = 20160  # the niche does not change: solved for once

[[substance]]
name = "niche"
unit = "1"  # of the signal on the ring
pace = "steady"
diffusion = { value = 10, unit = "um2/min", source = "guessed", prior = [1, 100] }
decay = { value = 0.28, unit = "1/min", source = "guessed", prior = [0.1, 1] }  # with the diffusion: the signal falls e-fold in 6 um
initial = { value = 0, unit = "1", source = "guessed", prior = [0, 0] }

[[vessel]]  # what holds a concentration: here the niche below the ring
substance = "niche"
center_um = [0, 0, 2]
ring_radius_um = 41
concentration = { value = 1, unit = "1", source = "guessed", prior = [1, 1] }

[[cell_type]]
name = "stem"
cycle = "live"
cycle_entry = { value = 1.0, unit = "1/day", source = "literature", citation = "about one division a day: Snippert et al. 2010, doi 10.1016/j.cell.2010.09.016" }
apoptosis = { value = 0.1, unit = "1/min", source = "guessed", prior = [0.02, 1] }  # off the niche: a cell that leaves the ring is taken out
speed = { value = 0.2, unit = "um/min", source = "guessed", prior = [0.05, 1] }
persistence = { value = 1, unit = "min", source = "guessed", prior = [0.5, 10] }
follows = "niche"
bias = { value = 1, unit = "1", source = "guessed", prior = [0.5, 1] }

[[cells]]
template = "crypt-ring"
type = "stem"
n_cells = 16
center_um = [0, 0, 2]
)",
    R"(// cell type, signal, direction, behaviour, saturation (1/min), half-max (niche), Hill power, applies to dead
stem,niche,decreases,apoptosis,0,0.25,8,0
)"};

constexpr Template kLiverLobule{R"(# A slice of a liver lobule: portal triads at its corners, the central vein in its middle, sinusoids between them. Blood loses oxygen on its way; liver cells take it up.
@RATES@title = "Oxygen in a liver lobule"
until_min = 60
every_min = 60
seed = 1

[domain]  # um
size_um = [640, 560, 10]
voxel_um = 10
origin_um = [-320, -280, 0]

@CLOCKS@
@OXYGEN@initial = { value = 35, unit = "mmHg", source = "guessed", prior = [10, 65] }

[[vessel]]  # a sinusoid, from a triad to the central vein
substance = "oxygen"
from_um = [300, 0, 5]
to_um = [0, 0, 5]
@BLOOD@
[[vessel]]  # a sinusoid, from a triad to the central vein
substance = "oxygen"
from_um = [150, 259.8, 5]
to_um = [0, 0, 5]
@BLOOD@
[[vessel]]  # a sinusoid, from a triad to the central vein
substance = "oxygen"
from_um = [-150, 259.8, 5]
to_um = [0, 0, 5]
@BLOOD@
[[vessel]]  # a sinusoid, from a triad to the central vein
substance = "oxygen"
from_um = [-300, 0, 5]
to_um = [0, 0, 5]
@BLOOD@
[[vessel]]  # a sinusoid, from a triad to the central vein
substance = "oxygen"
from_um = [-150, -259.8, 5]
to_um = [0, 0, 5]
@BLOOD@
[[vessel]]  # a sinusoid, from a triad to the central vein
substance = "oxygen"
from_um = [150, -259.8, 5]
to_um = [0, 0, 5]
@BLOOD@
[[cell_type]]
name = "hepatocyte"
volume = { value = 5000, unit = "um3", source = "guessed", prior = [3400, 11000] }
nucleus = { value = 400, unit = "um3", source = "guessed", prior = [200, 800] }
@UPTAKE@
[[cells]]
template = "liver-lobule"
hepatocyte = "hepatocyte"
side_um = 300
central_radius_um = 30
portal_radius_um = 20
center_um = [0, 0, 5]
)",
    R"()"};

constexpr Template kIslet{R"(# An islet of Langerhans as in mice: a core of beta cells, a mantle of alpha and delta cells. Oxygen comes from the rim; beta cells secrete insulin.
@RATES@title = "An islet that secretes insulin"
until_min = 120
every_min = 60
seed = 1

[domain]  # um
size_um = [240, 240, 240]
voxel_um = 10
origin_um = [-120, -120, -120]

@CLOCKS@
@OXYGEN@initial = { value = 40, unit = "mmHg", source = "guessed", prior = [20, 60] }
walls = { value = 40, unit = "mmHg", source = "guessed", prior = [20, 60] }

[[substance]]
name = "insulin"
unit = "nM"
pace = "steady"
diffusion = { value = 6000, unit = "um2/min", source = "guessed", prior = [3000, 9000] }
decay = { value = 0, unit = "1/min", source = "guessed", prior = [0, 0.1] }
initial = { value = 0, unit = "nM", source = "guessed", prior = [0, 0] }
walls = { value = 0, unit = "nM", source = "guessed", prior = [0, 0] }  # carried away

[[cell_type]]
name = "beta"
volume = { value = 1000, unit = "um3", source = "guessed", prior = [800, 1500] }
nucleus = { value = 150, unit = "um3", source = "guessed", prior = [100, 300] }
@UPTAKE@
  [[cell_type.exchange]]
  substance = "insulin"
  secretion = { value = 0.01, unit = "1/min", source = "guessed", prior = [0.001, 0.1] }
  aim = { value = 1000, unit = "nM", source = "guessed", prior = [100, 10000] }

[[cell_type]]
name = "alpha"
volume = { value = 1000, unit = "um3", source = "guessed", prior = [500, 1500] }
nucleus = { value = 150, unit = "um3", source = "guessed", prior = [100, 300] }
@UPTAKE@
[[cell_type]]
name = "delta"
volume = { value = 1000, unit = "um3", source = "guessed", prior = [500, 1500] }
nucleus = { value = 150, unit = "um3", source = "guessed", prior = [100, 300] }
@UPTAKE@
[[cells]]
template = "islet"
core = "beta"
mantle = { alpha = 0.75, delta = 0.25 }  # shares; drawn with the seed
radius_um = 75
mantle_um = 12
center_um = [0, 0, 0]
)",
    R"()"};

constexpr Template kVessel{R"(# A small artery: endothelium around the lumen, two layers of muscle around that. Blood in the lumen holds the oxygen.
@RATES@title = "A vessel and its wall"
until_min = 120
every_min = 60
seed = 1

[domain]  # um
size_um = [200, 200, 160]
voxel_um = 10
origin_um = [-100, -100, -80]

@CLOCKS@
@OXYGEN@initial = { value = 40, unit = "mmHg", source = "guessed", prior = [20, 60] }

[[vessel]]  # the blood
substance = "oxygen"
from_um = [0, 0, -80]
to_um = [0, 0, 80]
radius_um = 30
concentration = { value = 90, unit = "mmHg", source = "guessed", prior = [70, 100] }

[[cell_type]]
name = "endothelium"
@UPTAKE@
[[cell_type]]
name = "muscle"
@UPTAKE@
[[cells]]
template = "vessel"
endothelium = "endothelium"
muscle = "muscle"
lumen_radius_um = 30
length_um = 140
muscle_layers = 2
center_um = [0, 0, 0]
)",
    R"()"};

constexpr Template kAlveolus{R"(# An alveolus: air inside, a shell of epithelium, a shell of capillary endothelium around it that takes the oxygen away with the blood.
@RATES@title = "An alveolus"
until_min = 60
every_min = 60
seed = 1

[domain]  # um
size_um = [300, 300, 300]
voxel_um = 10
origin_um = [-150, -150, -150]

@CLOCKS@
@OXYGEN@initial = { value = 40, unit = "mmHg", source = "guessed", prior = [20, 60] }
walls = { value = 40, unit = "mmHg", source = "guessed", prior = [20, 60] }  # venous blood beyond

[[vessel]]  # the air: all voxels within the radius of one point
substance = "oxygen"
from_um = [0, 0, 0]
to_um = [0, 0, 0]
radius_um = 85
concentration = { value = 100, unit = "mmHg", source = "guessed", prior = [90, 110] }

[[cell_type]]
name = "type 1"
@UPTAKE@
[[cell_type]]
name = "type 2"
@UPTAKE@
[[cell_type]]
name = "capillary"
@UPTAKE@
[[cells]]
template = "alveolus"
epithelium = { "type 1" = 0.4, "type 2" = 0.6 }  # shares of the cells, not of the surface
endothelium = "capillary"
radius_um = 100
center_um = [0, 0, 0]
)",
    R"()"};

constexpr Template kSkin{R"(# Skin: a dermis with a capillary, one layer of basal cells that divide, layers above them that do not.
@RATES@title = "Layers of skin"
until_min = 1440
every_min = 60
seed = 1
rules = "@RULES@"

[domain]  # um
size_um = [240, 240, 240]
voxel_um = 20
origin_um = [-120, -120, -120]

@CLOCKS@
@OXYGEN@initial = { value = 40, unit = "mmHg", source = "guessed", prior = [20, 60] }

[[vessel]]  # a capillary in the dermis
substance = "oxygen"
from_um = [-120, 0, -70]
to_um = [120, 0, -70]
concentration = { value = 40, unit = "mmHg", source = "guessed", prior = [20, 60] }

[[cell_type]]
name = "fibroblast"
@UPTAKE@
[[cell_type]]
name = "basal"
cycle = "live"
cycle_entry = { value = 0.3, unit = "1/day", source = "guessed", prior = [0.1, 1.0] }
@UPTAKE@
[[cell_type]]
name = "suprabasal"
apoptosis = { value = 0.1, unit = "1/day", source = "guessed", prior = [0.05, 0.3] }  # stands for what is shed
@UPTAKE@
[[cells]]
template = "skin"
dermis = "fibroblast"
basal = "basal"
suprabasal = "suprabasal"
width_um = 200
dermis_um = 96
suprabasal_layers = 4
center_um = [0, 0, 0]
)",
    R"(// cell type, signal, direction, behaviour, saturation (1/min), half-max, Hill power, applies to dead
basal,pressure,decreases,cycle entry,0,1.5,4,0
)"};

/// Every mark replaced by the text.
std::string filled(std::string text, std::string_view mark, std::string_view by) {
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + by.size())) text.replace(at, mark.size(), by);
    return text;
}

}  // namespace

ScenarioFiles scenario_template(ScenarioTemplate name, std::string_view rules_name) {
    constexpr std::array<Template, 7> templates{kSpheroid, kCryptRing, kLiverLobule, kIslet, kVessel, kAlveolus, kSkin};
    const Template& found = templates[static_cast<std::size_t>(name)];
    std::string text(found.text);
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> shared{{{"@RATES@", kRates}, {"@CLOCKS@", kClocks}, {"@BLOOD@", kBlood}, {"@OXYGEN@", kOxygen}, {"@UPTAKE@", kUptake}}};
    for (const auto& [mark, by] : shared) text = filled(std::move(text), mark, by);
    return {filled(std::move(text), kRulesMark, scenario_detail::between_quotes(rules_name)), std::string(found.rules)};
}

}  // namespace morula::commands
