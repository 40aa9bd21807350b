#include "morula/commands/scenario.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "morula/commands/scenario_cells.hpp"
#include "morula/commands/scenario_encounters.hpp"
#include "morula/commands/scenario_expression.hpp"
#include "morula/commands/scenario_perturbations.hpp"
#include "morula/commands/scenario_readouts.hpp"
#include "morula/commands/scenario_rules.hpp"
#include "morula/commands/scenario_section.hpp"
#include "morula/commands/scenario_sources.hpp"
#include "morula/commands/scenario_text.hpp"
#include "morula/commands/scenario_vessels.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/simulation/prospects.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;
using namespace simulation;
using namespace scenario_detail;

/// Each type has an affinity for, and encounters with, each other one. No tissue has a thousandth of the types that would fit into Agents::type.
constexpr std::size_t kMostCellTypes = 1'000;
constexpr double kMostVoxels = static_cast<double>(std::int64_t{1} << 40);  // as check_grid
/// Of a substance that is given none, um2/min: 50 um2/s, as of a protein of some tens of kDa in tissue. From a protein that the matrix holds back (1 um2/s) to a small molecule in water (1,000 um2/s).
constexpr double kGuessedDiffusion = 3'000.0;
constexpr std::array<double, 2> kGuessedDiffusionWithin{60.0, 60'000.0};
constexpr std::array<std::string_view, 25> kSubstanceUnits{"nM", "fM", "pM", "uM", "mM", "M", "mol/m3", "mol/l", "mmol/l", "umol/l", "nmol/l", "pg/ml", "ng/ml", "ug/ml", "mg/ml", "mg/dl", "g/l", "U/ml", "U/l", "IU/ml", "mmHg", "kPa", "Pa", "%", "1"};
constexpr std::string_view kReference = "reference cell of PhysiCell, doi 10.1371/journal.pcbi.1005991";

/// What perturbations change by, give, take and put in, 0 and everything apart, which say that there is nothing left.
UnsourcedNumbers unsourced_numbers(const Model& model, std::int64_t n_of_rules, std::int64_t n_shares) {
    UnsourcedNumbers numbers{.rules = n_of_rules, .perturbations = std::ssize(model.perturbations.injections), .shares = n_shares};
    const auto is_number = [](const auto& change) { return change.factor != 0.0; };
    numbers.perturbations += std::count_if(model.perturbations.factors.begin(), model.perturbations.factors.end(), is_number);
    numbers.perturbations += std::count_if(model.perturbations.genes.begin(), model.perturbations.genes.end(), is_number);
    numbers.perturbations += std::count_if(model.perturbations.removals.begin(), model.perturbations.removals.end(), [](const Removal& removal) { return removal.share < 1.0; });
    for (const Drug& drug : model.perturbations.drugs) numbers.perturbations += std::ssize(drug.points);
    return numbers;
}

class ScenarioReader {
public:
    ScenarioReader(const fs::path& path, RateValues instead, KeptParts& kept, Context& context)
        : reading_{.path = path, .context = context, .kept = kept, .instead = std::move(instead)}, text_(kept.get("text", [&] { return read_text_file(path, kLargestScenarioFile); })) {
        reading_.hasher.update(text_);
    }

    Scenario read() {
        const toml::table& table = reading_.kept.get("table", [&] { return parse(); });
        Section top(table, "the scenario", reading_);
        scenario_.title = top.text("title");
        scenario_.until_min = top.minutes("until_min");
        scenario_.every_min = top.minutes_or("every_min", 60.0);
        if (top.has("snapshot_every_min")) {
            scenario_.snapshot_every_min = top.positive("snapshot_every_min");
            const double ratio = scenario_.snapshot_every_min / scenario_.every_min;
            if (!(ratio < 1e9) || ratio < 0.5 || std::abs(ratio - std::round(ratio)) > 1e-9 * ratio) {
                top.refuse("snapshot_every_min", fmt::format("is no whole multiple of every_min, {}", scenario_.every_min), "Give a whole multiple of every_min.");
            }
        }
        model_.seed = static_cast<std::uint64_t>(top.whole_or("seed", 0));
        const Model outline = outlined(top);
        if (std::optional<Section> domain = top.only_section("domain")) read_domain(*domain, outline);
        else top.refuse("domain", "is missing", "Add [domain] with size_um and voxel_um.");
        require_room(top, bytes_of_voxel(outline) * model_.box.n_stored(), outline, 0);
        require_few_types(top);
        if (std::optional<Section> clocks = top.only_section("clocks")) read_clocks(*clocks);
        for (Section& substance : top.sections("substance")) read_substance(substance);
        for (Section& vessel : top.sections("vessel")) read_vessel(vessel, model_);
        for (Section& source : top.sections("source")) read_source(source, model_);
        for (Section& type : top.sections("cell_type")) read_type(type);
        if (!top.has("cell_type")) top.refuse("cell_type", "is missing", "Describe at least one type of cells: [[cell_type]].");
        std::size_t number = 0;
        for (Section& type : top.sections("cell_type")) scenario_detail::read_encounters(type, model_, number++);
        model_.affinity.assign(model_.types.size() * model_.types.size(), 1.0);
        for (Section& pair : top.sections("affinity")) read_affinity(pair);
        check_vocabulary(top);
        const ReadExpression expression = read_expression(top, model_, reading_.path.parent_path(), reading_.hasher, reading_.context);
        model_.expression = expression.model;
        if (model_.expression) check_expression_clocks(top);
        read_all_cells(top);
        if (expression.places) {
            for (const Section& section : top.sections("expression")) section.at("start_by", [&] { start_where_measured(*expression.places, scenario_.start, reading_, *expression.model); });
        }
        const std::int64_t n_of_rules = read_rules(top, model_, reading_);
        const ReadPerturbations perturbations = scenario_detail::read_perturbations(top, model_, reading_.path.parent_path(), reading_.context);
        scenario_.onsets = perturbations.onsets;
        if (scenario_.start.size() == 0 && model_.perturbations.injections.empty()) top.refuse("cells", "is missing: there are no cells, and nobody puts any in", "Add [[cells]], or a [[perturbation]] that injects some.");
        scenario_.readouts = read_readouts(top, model_);
        top.done();
        require_room(top, expected_bytes(model_, scenario_.start.size()), model_, scenario_.start.size());
        check_step(top, perturbations);
        check_steady(top);
        require_guessed(reading_.instead);
        scenario_.hash = reading_.hasher.hex();
        scenario_.model = std::move(model_);
        scenario_.rates = std::move(reading_.rates);
        scenario_.unsourced = unsourced_numbers(scenario_.model, n_of_rules, reading_.n_shares);
        scenario_.files = std::move(reading_.files);
        scenario_.files.push_back({reading_.path, hash_hex(text_)});
        return std::move(scenario_);
    }

private:
    /// The substances as far as their memory goes, before anything of that size is allocated: those that walls, vessels or stirring hold have one array more.
    Model outlined(Section& top) {
        Model outline;
        std::vector<std::string> held;
        for (const Section& vessel : top.sections("vessel")) held.push_back(vessel.glimpse("substance"));
        for (Section& section : top.sections("substance")) {
            const std::string name = section.glimpse("name");
            outline.substances.push_back({.name = name});
            outline.pace.push_back(section.glimpse("pace") == "steady" ? FieldPace::steady : FieldPace::stepped);
            const bool is_held = section.has("walls") || section.has("medium") || std::find(held.begin(), held.end(), name) != held.end();
            outline.medium.push_back(is_held ? std::optional(0.0) : std::nullopt);
        }
        outline.fixed.resize(outline.substances.size());
        return outline;
    }

    /// Without substances nothing is kept a voxel, but cells are counted by them for a while.
    static std::int64_t bytes_of_voxel(const Model& outline) { return std::max(std::int64_t{8}, bytes_a_voxel(outline)); }

    std::string domain_text(const Model& substances) const {
        const auto& n = model_.box.n;
        const std::size_t n_substances = substances.substances.size();
        return fmt::format("a domain of {} x {} x {} voxels with {} substance{}", n[0], n[1], n[2], n_substances, n_substances == 1 ? "" : "s");
    }

    /// n_cells: 0 where they are not known yet.
    void require_room(Section& top, std::int64_t bytes, const Model& substances, std::int64_t n_cells) {
        const std::string cells = n_cells == 0 ? "" : fmt::format(", {} cell type{} and {} cells", model_.types.size(), model_.types.size() == 1 ? "" : "s", n_cells);
        for (const Section& domain : top.sections("domain")) domain.require_memory("size_um", bytes, domain_text(substances) + cells);
    }

    void require_few_types(Section& top) {
        const std::vector<Section> types = top.sections("cell_type");
        if (types.size() > kMostCellTypes) types[kMostCellTypes].refuse("name", fmt::format("there are {} cell types, and at most {} can be simulated", types.size(), kMostCellTypes), "Describe fewer: each has an affinity for, and encounters with, each other one.");
        if (!types.empty()) types.front().require_memory("name", bytes_of_types(std::ssize(types)), fmt::format("a scenario of {} cell types", types.size()));
    }

    void read_all_cells(Section& top) {
        CellOrigins origins;
        for (Section& cells : top.sections("cells")) read_cells(cells, model_, scenario_.start, origins, reading_);
        refuse_twins(scenario_.start, origins);
        refuse_crowds(model_, scenario_.start, origins, reading_.context);
    }

    /// Cells of which type would overshoot, and what makes them push so hard? Simulation asks each cell; here the line is known.
    void check_step(Section& top, const ReadPerturbations& perturbations) {
        const std::vector<StrongestPush> pushes = strongest_pushes(model_);
        for (const std::uint16_t type : types_to_come(model_, scenario_.start)) {
            const CellType& own = model_.types[type];
            const StrongestPush& push = pushes[type];
            const double radius = radius_of_volume(own.life.volume_um3), step = model_.clocks.mechanics_min, limit = longest_step_min(radius, push.repulsion_um_per_min);
            if (step <= limit) continue;
            const std::string shorter = fmt::format("a mechanics_min of at most {:.3g}", limit);
            if (step > longest_step_min(radius, own.mechanics.repulsion_um_per_min)) {
                std::vector<Section> clocks = top.sections("clocks");
                (clocks.empty() ? top : clocks.front()).refuse(clocks.empty() ? "clocks" : "mechanics_min", fmt::format("is {:g} min, too long: cells of '{}' would overshoot above {:.3g} min", step, own.name, limit), fmt::format("Give {}.", shorter));
            }
            const std::string what = fmt::format("lets the cell-cell repulsion of '{}' rise to {:g} um/min, and with that cells would overshoot in mechanics steps of more than {:.3g} min (mechanics_min is {:g})", own.name, push.repulsion_um_per_min, limit, step);
            if (push.factor) top.sections("perturbation")[perturbations.of_factor[*push.factor]].refuse("factor", what, fmt::format("Give a smaller factor, or {}.", shorter));
            invalid_data(fmt::format("{}, line {}: the rule {}.", model_.rules_source, model_.rules[push.rule.value()].line, what), fmt::format("Give a smaller saturation, or {}.", shorter));
        }
    }

    /// What takes a steady substance away from the start on? Simulation looks at each cell; here the line is known.
    void check_steady(Section& top) {
        std::vector<Section> sections = top.sections("substance");
        for (std::size_t s = 0; s < sections.size(); ++s) {
            if (model_.pace[s] != FieldPace::steady || model_.substances[s].decay_per_min > 0.0 || !model_.fixed[s].places.empty() || model_.medium[s] || decay_of_drugs(model_, static_cast<std::int32_t>(s)) > 0.0) continue;
            const auto takes = [&](std::uint16_t type) {
                const SubstanceExchange& exchange = model_.types[type].exchange[s];
                return exchange.uptake_per_min + exchange.secretion_per_min > 0.0;
            };
            const auto& injections = model_.perturbations.injections;
            if (std::any_of(scenario_.start.type.begin(), scenario_.start.type.end(), takes)) continue;
            if (std::any_of(injections.begin(), injections.end(), [&](const Injection& injection) { return injection.minute == 0.0 && takes(injection.type); })) continue;
            sections[s].rename(fmt::format("substance '{}'", model_.substances[s].name));
            sections[s].refuse("pace", "has no steady field: nothing takes it away", "Give it a decay, uptake by cells that are there from the start, or voxels of a fixed concentration (walls, vessels); or step it (pace = \"stepped\").");
        }
    }

    void require_guessed(const RateValues& names) const {
        for (const auto& [name, value] : names) {
            const auto is_it = [&wanted = name](const ScenarioRate& rate) { return rate.name == wanted && rate.prior; };
            if (std::any_of(reading_.rates.begin(), reading_.rates.end(), is_it)) continue;
            fail(ErrorCode::not_found, fmt::format("{} has no guessed rate '{}'.", reading_.path.string(), name), "Name a rate that is guessed there.");
        }
    }

    toml::table parse() const {
        const std::string ascii = ascii_form(text_, reading_.path);
        try {
            return toml::parse(ascii, reading_.path.string());
        } catch (const toml::parse_error& error) {
            invalid_data(fmt::format("{}, line {}: {}", reading_.path.string(), static_cast<std::int64_t>(error.source().begin.line), std::string(error.description())), "Correct the line; scenarios are TOML.");
        }
    }

    void read_domain(Section& domain, const Model& outline) {
        const std::vector<double> size = domain.numbers("size_um");
        model_.box.voxel_um = domain.positive_or("voxel_um", 20.0);
        if (size.size() != 3) domain.refuse("size_um", "must have three numbers", "Write [400, 400, 400]; for a flat tissue the last is the size of a voxel.");
        for (std::size_t axis = 0; axis < 3; ++axis) {
            const double n = size[axis] / model_.box.voxel_um;
            if (!(size[axis] > 0.0)) domain.refuse("size_um", fmt::format("{} is no size", size[axis]), "Give three sizes above 0; for a flat tissue the last is the size of a voxel.");
            if (!(n >= 1.0 && n < 1e9) || std::abs(n - std::round(n)) > 1e-6) {
                domain.refuse("size_um", fmt::format("{} is no whole multiple of voxel_um, {}", size[axis], model_.box.voxel_um), "Give sizes that are whole multiples of voxel_um.");
            }
            model_.box.n[axis] = std::llround(n);
        }
        if (domain.has("origin_um")) model_.box.origin_um = domain.place("origin_um", "[0, 0, 0]");
        const double n_voxels = static_cast<double>(model_.box.n[0]) * static_cast<double>(model_.box.n[1]) * static_cast<double>(model_.box.n[2]);
        if (n_voxels > kMostVoxels) {
            const double bytes = static_cast<double>(bytes_of_voxel(outline)) * n_voxels;
            const std::string needed = bytes < 1e18 ? format_bytes(static_cast<std::int64_t>(bytes)) : fmt::format("{:.1e} bytes", bytes);
            domain.refuse("size_um", fmt::format("{} needs about {} of memory, and has more than 2^40 voxels", domain_text(outline), needed), "Give a smaller domain, or larger voxels.");
        }
        domain.at("size_um", [&] { check_grid(model_.box); });
        domain.done();
    }

    void read_clocks(Section& clocks) {
        model_.clocks.field_min = clocks.minutes_or("field_min", model_.clocks.field_min);
        model_.clocks.mechanics_min = clocks.minutes_or("mechanics_min", model_.clocks.mechanics_min);
        model_.clocks.life_min = clocks.minutes_or("life_min", model_.clocks.life_min);
        if (clocks.has("steady_min")) model_.clocks.steady_min = clocks.minutes("steady_min");
        const auto named = [&](std::string_view key, std::string_view name) { return clocks.has(key) ? fmt::format("{} (line {})", name, clocks.line_of(key)) : fmt::format("{} (not given)", name); };
        const auto check = [&](std::string_view key, std::string_view name, double minutes) {
            const std::string mechanics = named("mechanics_min", "mechanics");
            const bool is_shorter = key == "field_min";
            const std::string names = is_shorter ? fmt::format("{} and {}", named(key, name), mechanics) : fmt::format("{} and {}", mechanics, named(key, name));
            const double step = model_.clocks.mechanics_min;
            clocks.at(clocks.has(key) ? key : "mechanics_min", [&] { strikes(is_shorter ? minutes : step, is_shorter ? step : minutes, names); });
        };
        check("field_min", "fields", model_.clocks.field_min);
        check("life_min", "life", model_.clocks.life_min);
        if (model_.clocks.steady_min) check("steady_min", "steady fields", *model_.clocks.steady_min);
        clocks.done();
    }

    void check_expression_clocks(Section& top) const {
        const double step = model_.clocks.mechanics_min;
        for (const Section& section : top.sections("expression")) {
            section.at("clock_min", [&] { strikes(step, model_.expression->clock_min, "mechanics and expression"); });
            if (model_.expression->signalling) section.at("signalling_min", [&] { strikes(step, model_.expression->signalling->model().clock_min, "mechanics and signalling"); });
        }
    }

    /// Names that mean two things in rules: that of the substance or type is to blame without which none would.
    void check_vocabulary(Section& top) const {
        Model model;
        top.at("cell_type", [&] { model = checked(model_); });
        const auto is_good = [](const Model& other) {
            try {
                vocabulary_of(other);
                return true;
            } catch (const Error&) {
                return false;
            }
        };
        if (is_good(model)) return;
        const auto blame = [&](std::string_view kind, std::size_t number, const std::string& name, const Model& renamed) {
            Section section = top.sections(kind)[number];
            section.rename(fmt::format("{} '{}'", kind, name));
            if (is_good(renamed)) section.at("name", [&] { vocabulary_of(model); });
        };
        for (std::size_t k = model.types.size(); k-- > 0;) {
            Model renamed = model;
            renamed.types[k].name = "\n";  // as no name can be
            blame("cell_type", k, model.types[k].name, renamed);
        }
        for (std::size_t k = model.substances.size(); k-- > 0;) {
            Model renamed = model;
            renamed.substances[k].name = "\n";
            blame("substance", k, model.substances[k].name, renamed);
        }
        top.at("cell_type", [&] { vocabulary_of(model); });
    }

    void read_substance(Section& section) {
        Substance substance{.name = section.own_name()};
        substance.unit = unit_of(section);
        substance.diffusion_um2_per_min = section.rate_or_guess("diffusion", Quantity::diffusion, kGuessedDiffusion, kGuessedDiffusionWithin);
        substance.decay_per_min = section.rate("decay", Quantity::rate);
        substance.initial = section.concentration("initial", substance.unit);
        model_.pace.push_back(section.choice("pace", {"stepped", "steady"}, 0) == 0 ? FieldPace::stepped : FieldPace::steady);
        if (model_.pace.back() == FieldPace::steady && substance.diffusion_um2_per_min == 0.0) section.refuse("diffusion", "is 0, and a steady substance must spread", "Give a diffusion constant, or step it (pace = \"stepped\").");
        std::optional<double>& medium = model_.medium.emplace_back();
        if (section.has("medium")) {
            medium = section.concentration("medium", substance.unit);
            if (model_.pace.back() != FieldPace::steady) section.refuse("medium", "needs pace \"steady\"", "Stirred medium is for substances that are fast beside the cells.");
        }
        FixedVoxels& fixed = model_.fixed.emplace_back();
        if (section.has("walls")) fix_walls(fixed, section.concentration("walls", substance.unit));
        section.done();
        model_.substances.push_back(std::move(substance));
    }

    /// Names of amounts are checked, and not computed with: all concentrations of a substance are in the one unit.
    static std::string unit_of(Section& section) {
        const std::string unit = section.text_or("unit", "nM");
        if (std::find(kSubstanceUnits.begin(), kSubstanceUnits.end(), unit) != kSubstanceUnits.end()) return unit;
        section.refuse("unit", fmt::format("'{}' is no unit of a concentration", unit), fmt::format("Write one of: {} (1: relative to some level).", fmt::join(kSubstanceUnits, ", ")));
    }

    /// The outermost voxels; of a flat tissue those of its four sides.
    void fix_walls(FixedVoxels& fixed, double concentration) const {
        const auto& n = model_.box.n;
        for (std::int64_t z = 0; z < n[2]; ++z) {
            for (std::int64_t y = 0; y < n[1]; ++y) {
                const bool is_wall = y == 0 || y == n[1] - 1 || (!model_.box.is_flat() && (z == 0 || z == n[2] - 1));
                for (std::int64_t x = 0; x < n[0]; x += is_wall ? 1 : std::max<std::int64_t>(1, n[0] - 1)) fixed.places.push_back(model_.box.place(x, y, z));
            }
        }
        fixed.concentrations.assign(fixed.places.size(), concentration);
    }

    void read_type(Section& section) {
        CellType type{.name = section.own_name(), .mechanics = {}, .life = {}, .exchange = {}};
        type.life = standard_life(static_cast<CycleModel>(section.choice("cycle", {"none", "live", "ki67_basic", "ki67_advanced"}, 0)));
        Phase& first = type.life.phases.front();
        if (first.exit == PhaseExit::at_rate) first.rate_per_min = section.rate_or("cycle_entry", Quantity::rate, first.rate_per_min, "standard cycle models of PhysiCell (MCF-10A), doi 10.1371/journal.pcbi.1005991");
        // A death that the scenario does not name is off: no rate, and so nobody's.
        type.life.apoptosis_per_min = section.has("apoptosis") ? section.rate("apoptosis", Quantity::rate) : 0.0;
        type.life.necrosis_per_min = section.has("necrosis") ? section.rate("necrosis", Quantity::rate) : 0.0;
        type.life.volume_um3 = section.rate_or("volume", Quantity::volume, type.life.volume_um3, kReference);
        type.life.nuclear_um3 = section.rate_or("nucleus", Quantity::volume, type.life.nuclear_um3, kReference);
        CellMechanics& mechanics = type.mechanics;
        mechanics.repulsion_um_per_min = section.rate_or("repulsion", Quantity::speed, mechanics.repulsion_um_per_min, kReference);
        mechanics.adhesion_um_per_min = section.rate_or("adhesion", Quantity::speed, mechanics.adhesion_um_per_min, kReference);
        mechanics.adhesion_reach = section.rate_or("adhesion_reach", Quantity::ratio, mechanics.adhesion_reach, kReference);
        if (mechanics.adhesion_reach < 1.0) section.refuse("adhesion_reach", fmt::format("is {:g} radii", mechanics.adhesion_reach), "Give at least 1: cells touch where they hold each other.");
        if (section.has("speed")) {
            mechanics.speed_um_per_min = section.rate("speed", Quantity::speed);
            mechanics.persistence_min = section.rate("persistence", Quantity::time);
            if (section.has("follows") && section.has("flees")) section.refuse("flees", "stands beside follows", "Keep one of the two.");
            for (const char* key : {"follows", "flees"}) {
                if (!section.has(key)) continue;
                mechanics.chemotaxis_substance = substance_number(section, key, model_);
                mechanics.chemotaxis_sign = std::string_view(key) == "follows" ? 1.0 : -1.0;
                mechanics.bias = section.rate("bias", Quantity::ratio);
                if (mechanics.bias > 1.0) section.refuse("bias", fmt::format("is {:g}", mechanics.bias), "Give a number from 0 (turns anywhere) to 1 (follows exactly).");
            }
        }
        section.at(section.has("nucleus") ? "nucleus" : "volume", [&] { check_life(type.life, type.name); });
        type.exchange.resize(model_.substances.size());
        for (Section& exchange : section.sections("exchange")) read_exchange(exchange, type);
        scenario_detail::expect_encounters(section);
        section.done();
        model_.types.push_back(std::move(type));
    }

    void read_exchange(Section& section, CellType& type) {
        const auto number = static_cast<std::size_t>(substance_number(section, "substance", model_));
        const Substance& substance = model_.substances[number];
        section.rename(fmt::format("cell_type '{}', exchange of '{}'", type.name, substance.name));
        section.define("substance", "stands in an exchange before this one", "Write all that the type does to a substance into one exchange.");
        SubstanceExchange& exchange = type.exchange[number];
        if (section.has("secretion")) {
            exchange.secretion_per_min = section.rate("secretion", Quantity::rate);
            exchange.aim = section.concentration("aim", substance.unit);
        }
        if (section.has("uptake")) exchange.uptake_per_min = section.rate("uptake", Quantity::rate);
        if (section.has("export")) exchange.exported_per_min = section.concentration("export", substance.unit + " um3/min");
        if (section.has("uptake_half")) {
            exchange.half_uptake = section.concentration("uptake_half", substance.unit);
            if (!section.has("uptake") || !(exchange.half_uptake > 0.0)) section.refuse("uptake_half", "needs an uptake, and must be above 0", "Give the uptake where there is little of the substance, or leave uptake_half out.");
        }
        section.done();
    }

    void read_affinity(Section& section) {
        const std::size_t from = type_number(section, "from", model_);
        const std::size_t to = type_number(section, "to", model_);
        section.rename(fmt::format("affinity of '{}' for '{}'", model_.types[from].name, model_.types[to].name));
        section.define("to", "stands in an affinity of the same type before this one", "Keep one of the two.");
        model_.affinity[from * model_.types.size() + to] = section.rate("value", Quantity::ratio);
        section.done();
    }

    Reading reading_;
    const std::string& text_;
    Model model_;
    Scenario scenario_;
};

}  // namespace

std::string_view evidence_name(Evidence evidence) {
    constexpr std::array<std::string_view, 4> names{"measured", "literature", "fitted", "guessed"};
    return names[static_cast<std::size_t>(evidence)];
}

std::string unsourced_text(const UnsourcedNumbers& numbers) {
    std::string text;
    if (numbers.rules > 0) {
        text = fmt::format("{} number{} of rules (saturations, half-maxima, Hill powers) {} no source: among the rates {} a guess without a prior, which nobody draws; [[rule_source]] gives {} one.", numbers.rules,
                           numbers.rules == 1 ? "" : "s", numbers.rules == 1 ? "has" : "have", numbers.rules == 1 ? "it is" : "each is", numbers.rules == 1 ? "it" : "them");
    }
    if (numbers.hidden() == 0) return text;
    std::vector<std::string> parts;
    if (numbers.perturbations > 0) parts.push_back(fmt::format("{} of perturbations (factors, doses, shares, numbers of cells)", numbers.perturbations));
    if (numbers.shares > 0) parts.push_back(fmt::format("{} of shares of cell types", numbers.shares));
    return text + fmt::format("{}{} more number{} {} no source and no prior and {} in no table of rates: {}.", text.empty() ? "" : " ", numbers.hidden(), numbers.hidden() == 1 ? "" : "s", numbers.hidden() == 1 ? "has" : "have",
                              numbers.hidden() == 1 ? "stands" : "stand", fmt::join(parts, ", "));
}

std::string line_text(const ScenarioRate& rate) {
    if (rate.line == 0) return "";
    return rate.file.empty() ? std::to_string(rate.line) : fmt::format("{}, {}", rate.file, rate.line);
}

std::array<std::int64_t, 4> count_sources(const Scenario& scenario) {
    std::array<std::int64_t, 4> n{};
    for (const ScenarioRate& rate : scenario.rates) ++n[static_cast<std::size_t>(rate.source)];
    return n;
}

double last_minute(const Scenario& scenario, double until_min, const fs::path& path) {
    const double step = scenario.model.clocks.mechanics_min;
    const double until = std::round(until_min / step) * step;
    if (until / step >= static_cast<double>(std::numeric_limits<std::uint32_t>::max())) {
        invalid_data(fmt::format("{}: {:g} minutes are more than 2^32 steps of {:g} minutes.", path.string(), until, step), "Stop earlier (until_min, --until), or give a longer mechanics_min.");
    }
    return until;
}

ScenarioSource::ScenarioSource(fs::path path) : path_(std::move(path)), kept_(std::make_shared<KeptParts>()) {}

Scenario ScenarioSource::read(const RateValues& instead, Context& context) const { return ScenarioReader(path_, instead, *kept_, context).read(); }

Scenario read_scenario(const fs::path& path, Context& context) { return ScenarioSource(path).read({}, context); }

}  // namespace morula::commands
