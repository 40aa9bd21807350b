#include "morula/commands/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

#include "morula/commands/scenario_encounters.hpp"
#include "morula/commands/scenario_perturbations.hpp"
#include "morula/commands/scenario_readouts.hpp"
#include "morula/commands/scenario_section.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/hash.hpp"
#include "morula/core/schema.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/formats/text/text_stream.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;
using namespace simulation;
using scenario_detail::Quantity;
using scenario_detail::read_readouts;
using scenario_detail::Reading;
using scenario_detail::Section;

constexpr std::int64_t kLargestFile = 1 << 30;
constexpr std::int64_t kBytesACell = 300;
constexpr double kShortestMin = 1e-6;
constexpr double kLongestMin = 1e8;
constexpr std::string_view kReference = "reference cell of PhysiCell, doi 10.1371/journal.pcbi.1005991";

/// The code point at `at`, which moves behind it; text is valid UTF-8.
std::uint32_t take_code_point(std::string_view text, std::size_t& at) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
    const std::uint32_t first = byte(at);
    const std::size_t n = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    std::uint32_t code = first & (0xFFU >> (n + 1));
    for (std::size_t i = 1; i < n; ++i) code = code << 6 | (byte(at + i) & 0x3FU);
    at += n;
    return code;
}

/// What stands between two quotes, with letters beyond ASCII as escapes; a text in single quotes that has such letters goes into double ones.
std::string ascii_text(std::string_view inside, char quote) {
    const bool is_plain = std::all_of(inside.begin(), inside.end(), [](char c) { return (static_cast<unsigned char>(c) & 0x80U) == 0; });
    if (is_plain) return quote + std::string(inside) + quote;
    std::string out = "\"";
    for (std::size_t at = 0; at < inside.size();) {
        const char c = inside[at];
        if ((static_cast<unsigned char>(c) & 0x80U) != 0) {
            out += fmt::format("\\U{:08X}", take_code_point(inside, at));
            continue;
        }
        if (quote == '\'' && (c == '"' || c == '\\')) out += '\\';
        out += c;
        ++at;
    }
    return out + "\"";
}

/// The scenario in ASCII, line by line the same: toml++ 3.3 is undefined on some letters beyond it wherever they stand in a malformed line. In texts they become escapes and in
/// comments question marks; elsewhere they are refused, and with them texts of several lines, inside of which a line does not tell where it is.
std::string ascii_form(std::string_view text, const fs::path& path) {
    std::int64_t line = 1;
    const auto refuse = [&](std::string_view what, std::string next) { invalid_data(fmt::format("{}, line {}: {}.", path.string(), line, what), std::move(next)); };
    if (const std::size_t bad = formats::find_invalid_utf8(text); bad != std::string_view::npos) {
        line += std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n');
        refuse("is not UTF-8", "Save the file as UTF-8.");
    }
    std::string out;
    for (std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '\n') ++line;
        if ((static_cast<unsigned char>(c) & 0x80U) != 0) refuse("a character that is no ASCII stands outside quotes", "Put texts in quotes.");
        if (c == '#') {
            for (; at < text.size() && text[at] != '\n'; ++at) out += (static_cast<unsigned char>(text[at]) & 0x80U) != 0 ? '?' : text[at];
            --at;
            continue;
        }
        if (c != '"' && c != '\'') {
            out += c;
            continue;
        }
        if (text.substr(at, 3) == std::string(3, c)) refuse("a text over several lines", "Write the text on one line, in single or double quotes.");
        const std::size_t begin = at + 1;
        for (++at; at < text.size() && text[at] != c && text[at] != '\n'; ++at) {
            if (c == '"' && text[at] == '\\') ++at;
        }
        if (at >= text.size() || text[at] == '\n') refuse("a quote is not closed", "Close the quote on the same line.");
        out += ascii_text(text.substr(begin, at - begin), c);
    }
    return out;
}

class ScenarioReader {
public:
    ScenarioReader(const fs::path& path, Context& context) : reading_{.path = path}, context_(context), text_(read_text_file(path, kLargestFile)) { hasher_.update(text_); }

    Scenario read() {
        const toml::table table = parse();
        Section top(table, "the scenario", reading_);
        scenario_.title = top.text("title");
        scenario_.until_min = minutes(top, "until_min", 0.0);
        scenario_.every_min = minutes(top, "every_min", 60.0);
        if (top.has("snapshot_every_min")) {
            scenario_.snapshot_every_min = positive(top, "snapshot_every_min", 0.0);
            const double ratio = scenario_.snapshot_every_min / scenario_.every_min;
            if (!(ratio < 1e9) || ratio < 0.5 || std::abs(ratio - std::round(ratio)) > 1e-9 * ratio) {
                top.refuse("snapshot_every_min", fmt::format("is no whole multiple of every_min, {}", scenario_.every_min), "Give a whole multiple of every_min.");
            }
        }
        model_.seed = static_cast<std::uint64_t>(top.whole_or("seed", 0));
        for (Section& domain : top.sections("domain")) read_domain(domain);
        if (!top.has("domain")) top.refuse("domain", "is missing", "Add [domain] with size_um and voxel_um.");
        for (Section& clocks : top.sections("clocks")) read_clocks(clocks);
        for (Section& substance : top.sections("substance")) read_substance(substance);
        for (Section& type : top.sections("cell_type")) read_type(type);
        std::size_t number = 0;
        for (Section& type : top.sections("cell_type")) scenario_detail::read_encounters(type, model_, number++);
        model_.affinity.assign(model_.types.size() * model_.types.size(), 1.0);
        for (Section& pair : top.sections("affinity")) read_affinity(pair);
        for (Section& cells : top.sections("cells")) read_cells(cells);
        if (top.has("rules")) read_rules(top);
        scenario_detail::read_perturbations(top, model_, reading_.path.parent_path(), hasher_, context_);
        scenario_.readouts = read_readouts(top, model_);
        top.done();
        scenario_.hash = hasher_.hex();
        scenario_.model = std::move(model_);
        scenario_.rates = std::move(reading_.rates);
        return std::move(scenario_);
    }

private:
    toml::table parse() const {
        const std::string ascii = ascii_form(text_, reading_.path);
        try {
            return toml::parse(ascii, reading_.path.string());
        } catch (const toml::parse_error& error) {
            invalid_data(fmt::format("{}, line {}: {}", reading_.path.string(), static_cast<std::int64_t>(error.source().begin.line), std::string(error.description())), "Correct the line; scenarios are TOML.");
        }
    }

    /// Minutes of a clock or a table: shorter ones could not be told from none, and a run of 2^32 steps would not end.
    static double minutes(Section& section, std::string_view key, double missing) {
        const double value = positive(section, key, missing);
        if (!(value >= kShortestMin && value <= kLongestMin)) section.refuse(key, fmt::format("is {:g} minutes, outside {:g} to {:g}", value, kShortestMin, kLongestMin), "Give minutes within these bounds.");
        return value;
    }

    static double positive(Section& section, std::string_view key, double missing) {
        const double value = missing > 0.0 ? section.number_or(key, missing) : section.number(key);
        if (!(value > 0.0)) section.refuse(key, "must be above 0", "Give a number above 0.");
        return value;
    }

    void read_domain(Section& domain) {
        const std::vector<double> size = domain.numbers("size_um");
        model_.box.voxel_um = positive(domain, "voxel_um", 20.0);
        if (size.size() != 3) domain.refuse("size_um", "must have three numbers", "Write [400, 400, 400]; for a flat tissue the last is the size of a voxel.");
        for (std::size_t axis = 0; axis < 3; ++axis) {
            const double n = size[axis] / model_.box.voxel_um;
            if (!(n >= 1.0 && n < 1e9) || std::abs(n - std::round(n)) > 1e-6) {
                domain.refuse("size_um", fmt::format("{} is no whole multiple of voxel_um, {}", size[axis], model_.box.voxel_um), "Give sizes that are whole multiples of voxel_um.");
            }
            model_.box.n[axis] = std::llround(n);
        }
        if (domain.has("origin_um")) {
            const std::vector<double> origin = domain.numbers("origin_um");
            if (origin.size() != 3) domain.refuse("origin_um", "must have three numbers", "Write [0, 0, 0].");
            std::copy(origin.begin(), origin.end(), model_.box.origin_um.begin());
        }
        check_grid(model_.box);
        context_.require_memory(16 * model_.box.n_stored(), "the domain");
        domain.done();
    }

    void read_clocks(Section& clocks) {
        model_.clocks.field_min = minutes(clocks, "field_min", model_.clocks.field_min);
        model_.clocks.mechanics_min = minutes(clocks, "mechanics_min", model_.clocks.mechanics_min);
        model_.clocks.life_min = minutes(clocks, "life_min", model_.clocks.life_min);
        clocks.done();
    }

    void read_substance(Section& section) {
        Substance substance{.name = section.text("name")};
        section.rename(fmt::format("substance '{}'", substance.name));
        substance.unit = section.text_or("unit", "nM");
        substance.diffusion_um2_per_min = section.rate("diffusion", Quantity::diffusion);
        substance.decay_per_min = section.rate("decay", Quantity::rate);
        substance.initial = section.concentration("initial", substance.unit);
        model_.pace.push_back(section.choice("pace", {"stepped", "steady"}, 0) == 0 ? FieldPace::stepped : FieldPace::steady);
        FixedVoxels& fixed = model_.fixed.emplace_back();
        if (section.has("walls")) fix_walls(fixed, section.concentration("walls", substance.unit));
        section.done();
        model_.substances.push_back(std::move(substance));
    }

    /// The outermost voxels; of a flat tissue those of its four sides.
    void fix_walls(FixedVoxels& fixed, double concentration) const {
        const auto& n = model_.box.n;
        for (std::int64_t z = 0; z < n[2]; ++z) {
            for (std::int64_t y = 0; y < n[1]; ++y) {
                for (std::int64_t x = 0; x < n[0]; ++x) {
                    const bool is_wall = x == 0 || x == n[0] - 1 || y == 0 || y == n[1] - 1 || (!model_.box.is_flat() && (z == 0 || z == n[2] - 1));
                    if (is_wall) fixed.places.push_back(model_.box.place(x, y, z));
                }
            }
        }
        fixed.concentrations.assign(fixed.places.size(), concentration);
    }

    std::int32_t substance_number(Section& section, std::string_view key) {
        std::vector<std::string> names;
        for (const Substance& substance : model_.substances) names.push_back(substance.name);
        if (names.empty()) section.refuse(key, "names a substance, and there are none", "Add [[substance]].");
        return static_cast<std::int32_t>(section.choice(key, names, 0));
    }

    std::size_t type_number(Section& section, std::string_view key) {
        std::vector<std::string> names;
        for (const CellType& type : model_.types) names.push_back(type.name);
        if (names.empty()) section.refuse(key, "names a cell type, and there are none", "Add [[cell_type]].");
        if (!section.has(key)) section.text(key);
        return section.choice(key, names, 0);
    }

    void read_type(Section& section) {
        CellType type{.name = section.text("name"), .mechanics = {}, .life = {}, .exchange = {}};
        section.rename(fmt::format("cell_type '{}'", type.name));
        type.life = standard_life(static_cast<CycleModel>(section.choice("cycle", {"none", "live", "ki67_basic", "ki67_advanced"}, 0)));
        Phase& first = type.life.phases.front();
        if (first.exit == PhaseExit::at_rate) first.rate_per_min = section.rate_or("cycle_entry", Quantity::rate, first.rate_per_min, "standard cycle models of PhysiCell (MCF-10A), doi 10.1371/journal.pcbi.1005991");
        type.life.apoptosis_per_min = section.rate_or("apoptosis", Quantity::rate, 0.0, "none: the scenario gives none");
        type.life.necrosis_per_min = section.rate_or("necrosis", Quantity::rate, 0.0, "none: the scenario gives none");
        type.life.volume_um3 = section.rate_or("volume", Quantity::volume, type.life.volume_um3, kReference);
        type.life.nuclear_um3 = section.rate_or("nucleus", Quantity::volume, type.life.nuclear_um3, kReference);
        CellMechanics& mechanics = type.mechanics;
        mechanics.repulsion_um_per_min = section.rate_or("repulsion", Quantity::speed, mechanics.repulsion_um_per_min, kReference);
        mechanics.adhesion_um_per_min = section.rate_or("adhesion", Quantity::speed, mechanics.adhesion_um_per_min, kReference);
        mechanics.adhesion_reach = section.rate_or("adhesion_reach", Quantity::ratio, mechanics.adhesion_reach, kReference);
        if (section.has("speed")) {
            mechanics.speed_um_per_min = section.rate("speed", Quantity::speed);
            mechanics.persistence_min = section.rate("persistence", Quantity::time);
            if (section.has("follows") && section.has("flees")) section.refuse("flees", "stands beside follows", "Keep one of the two.");
            for (const char* key : {"follows", "flees"}) {
                if (!section.has(key)) continue;
                mechanics.chemotaxis_substance = substance_number(section, key);
                mechanics.chemotaxis_sign = std::string_view(key) == "follows" ? 1.0 : -1.0;
                mechanics.bias = section.rate("bias", Quantity::ratio);
            }
        }
        check_life(type.life, type.name);
        type.exchange.resize(model_.substances.size());
        for (Section& exchange : section.sections("exchange")) read_exchange(exchange, type);
        scenario_detail::expect_encounters(section);
        section.done();
        model_.types.push_back(std::move(type));
    }

    void read_exchange(Section& section, CellType& type) {
        section.text("substance");
        const auto number = static_cast<std::size_t>(substance_number(section, "substance"));
        const Substance& substance = model_.substances[number];
        section.rename(fmt::format("cell_type '{}', exchange of '{}'", type.name, substance.name));
        SubstanceExchange& exchange = type.exchange[number];
        if (section.has("secretion")) {
            exchange.secretion_per_min = section.rate("secretion", Quantity::rate);
            exchange.aim = section.concentration("aim", substance.unit);
        }
        if (section.has("uptake")) exchange.uptake_per_min = section.rate("uptake", Quantity::rate);
        if (section.has("export")) exchange.exported_per_min = section.concentration("export", substance.unit + " um3/min");
        section.done();
    }

    void read_affinity(Section& section) {
        const std::size_t from = type_number(section, "from");
        const std::size_t to = type_number(section, "to");
        section.rename(fmt::format("affinity of '{}' for '{}'", model_.types[from].name, model_.types[to].name));
        model_.affinity[from * model_.types.size() + to] = section.rate("value", Quantity::ratio);
        section.done();
    }

    void add(std::size_t type, std::array<double, 3> place) { add_agent(scenario_.start, first_id(scenario_.start.size()), static_cast<std::uint16_t>(type), place, 0.0F); }

    void read_cells(Section& section) {
        if (section.has("file")) read_positions(section);
        else fill_spheroid(section);
        section.done();
    }

    /// A ball of cells in cubic close packing, neighbours as far apart as 95 % of a diameter.
    void fill_spheroid(Section& section) {
        const std::size_t type = type_number(section, "type");
        const double radius = positive(section, "spheroid_radius_um", 0.0);
        const std::vector<double> center = section.numbers("center_um");
        if (center.size() != 3) section.refuse("center_um", "must have three numbers", "Write [200, 200, 200].");
        if (model_.box.is_flat()) section.refuse("spheroid_radius_um", "needs a solid domain", "Give cells of a flat tissue as a file.");
        const double apart = 0.95 * 2.0 * std::cbrt(0.75 * model_.types[type].life.volume_um3 / std::numbers::pi);
        const double half = apart / std::numbers::sqrt2;
        if (!(radius / half < 2'000.0)) section.refuse("spheroid_radius_um", "is too large for its cells", "Give a smaller radius.");
        const auto most = static_cast<std::int64_t>(radius / half) + 1;
        // Half of the places of a cube hold a cell, and about half of those lie in the ball: 2 most^3.
        context_.require_memory(2 * most * most * most * kBytesACell, "the cells");
        for (std::int64_t z = -most; z <= most; ++z) {
            for (std::int64_t y = -most; y <= most; ++y) {
                for (std::int64_t x = -most; x <= most; ++x) {
                    const std::array<double, 3> from{half * static_cast<double>(x), half * static_cast<double>(y), half * static_cast<double>(z)};
                    if ((x + y + z) % 2 != 0 || std::hypot(from[0], from[1], from[2]) > radius) continue;
                    add(type, {center[0] + from[0], center[1] + from[1], center[2] + from[2]});
                }
            }
        }
    }

    /// Columns x, y, z in um (z may be missing where the tissue is flat) and type, or all of the type that the section names.
    void read_positions(Section& section) {
        const fs::path path = reading_.path.parent_path() / section.text("file");
        const formats::RawTable table = formats::read_rows(path, {}, context_);
        hasher_.update(read_text_file(path, kLargestFile));
        const std::size_t of_all = section.has("type") ? type_number(section, "type") : model_.types.size();
        const std::size_t type_column = table.find("type");
        if (of_all == model_.types.size() && type_column == std::string::npos) invalid_data(fmt::format("{} has no column 'type'.", path.string()), "Add it, or name a type beside the file.");
        const std::array<std::size_t, 3> columns{table.column("x"), table.column("y"), model_.box.is_flat() ? table.find("z") : table.column("z")};
        std::vector<std::string> names;
        for (const CellType& type : model_.types) names.push_back(type.name);
        for (std::size_t row = 0; row < table.rows.size(); ++row) {
            std::array<double, 3> place{0.0, 0.0, model_.box.center_um(2, 0)};
            for (std::size_t axis = 0; axis < 3; ++axis) {
                if (columns[axis] == std::string::npos) continue;
                const std::string& text = table.rows[row][columns[axis]];
                const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), place[axis]);
                if (error != std::errc{} || end != text.data() + text.size()) invalid_data(fmt::format("{}: '{}' is no number.", table.place(row, columns[axis]), text), "Give positions in um.");
            }
            std::size_t type = of_all;
            if (of_all == model_.types.size()) {
                const std::string& name = table.rows[row][type_column];
                type = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
                if (type == names.size()) {
                    const std::string nearest = nearest_name(name, names);
                    invalid_data(fmt::format("{}: there is no cell type '{}'.", table.place(row, type_column), name), nearest.empty() ? "Name a cell type of the scenario." : fmt::format("Did you mean '{}'?", nearest));
                }
            }
            add(type, place);
        }
    }

    void read_rules(Section& top) {
        const fs::path path = reading_.path.parent_path() / top.text("rules");
        model_.rules = knowledge::read_behavior_rules(path, context_);
        model_.rules_source = path.string();
        hasher_.update(read_text_file(path, kLargestFile));
    }

    Reading reading_;
    Context& context_;
    std::string text_;
    Hasher hasher_;
    Model model_;
    Scenario scenario_;
};

}  // namespace

std::string_view evidence_name(Evidence evidence) {
    constexpr std::array<std::string_view, 4> names{"measured", "literature", "fitted", "guessed"};
    return names[static_cast<std::size_t>(evidence)];
}

Scenario read_scenario(const fs::path& path, Context& context) { return ScenarioReader(path, context).read(); }

}  // namespace morula::commands
