#include "morula/commands/scenario_perturbations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "morula/commands/scenario_cells.hpp"
#include "morula/core/error.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/simulation/behaviors.hpp"
#include "morula/simulation/perturbations.hpp"

namespace morula::commands::scenario_detail {
namespace {

using namespace simulation;

const std::vector<std::string> kKinds{"knock_out", "over_expression", "silencing", "drug", "removal", "injection"};

/// Where the entries of Perturbations stand.
class EntryPlaces {
public:
    explicit EntryPlaces(std::vector<Section>& sections) : sections_(sections) {}

    /// Entries that have come since the last call are of this section. points: where those of a drug stand, key by key where they are lists of the section.
    void note(const Perturbations& all, std::size_t section, std::vector<std::string> points) {
        const std::array<std::size_t, 5> sizes{all.factors.size(), all.drugs.size(), all.removals.size(), all.injections.size(), all.genes.size()};
        for (std::size_t kind = 0; kind < sizes.size(); ++kind) of_[kind].resize(sizes[kind], section);
        points_.resize(all.drugs.size(), std::move(points));
    }
    std::size_t section_of(PerturbationFault::Entry entry) const { return of_[static_cast<std::size_t>(entry.kind)][entry.number]; }
    std::size_t section_of_factor(std::size_t number) const { return of_[0][number]; }

    [[noreturn]] void refuse(PerturbationFault fault) const {
        if (fault.earlier && section_of(*fault.earlier) > section_of(fault.entry)) std::swap(fault.entry, *fault.earlier);
        const auto [place, key] = place_of(fault.entry, fault.key);
        std::string what = fault.what;
        if (fault.earlier) {
            std::string other = place_of(*fault.earlier, fault.key).first;
            const std::string file = sections_.front().path().string() + ", ";
            if (other != place) what += fmt::format("; the other is {}, {}", sections_[section_of(*fault.earlier)].name(), other.starts_with(file) ? other.substr(file.size()) : other);
        }
        sections_[section_of(fault.entry)].refuse_at(place, key, what, fault.next);
    }

private:
    /// With the key that it is: where it is not given, `kind` stands for all.
    std::pair<std::string, std::string> place_of(PerturbationFault::Entry entry, std::string_view key) const {
        Section& section = sections_[section_of(entry)];
        if (entry.point && !points_[entry.number].empty()) return {points_[entry.number][*entry.point], "file"};
        const std::string given(section.has(key) ? key : key == "minutes" && section.has("file") ? "file" : "kind");
        return {entry.point ? section.place_of(given, *entry.point) : section.place_of(given), given};
    }

    std::vector<Section>& sections_;
    std::array<std::vector<std::size_t>, 5> of_;   // by PerturbationFault::Kind
    std::vector<std::vector<std::string>> points_;  // one a drug; empty: they are lists of the section
};

class PerturbationReader {
public:
    PerturbationReader(Section& section, Model& model, const std::filesystem::path& folder, Context& context)
        : section_(section), model_(model), folder_(folder), context_(context) {}

    /// number: of the section, from 0.
    ScenarioOnset read(std::size_t number, EntryPlaces& places) {
        const std::size_t n_factors = model_.perturbations.factors.size();
        section_.rename(fmt::format("perturbation {}", number + 1));
        section_.text("kind");
        const std::size_t kind = section_.choice("kind", kKinds, 0);
        section_.rename(fmt::format("perturbation {} ({})", number + 1, kKinds[kind]));
        switch (kind) {
            case 0: read_factor("factor", 0.0); break;
            case 1: read_factor("factor", 2.0); break;
            case 2: read_silencing(); break;
            case 3: read_drug(); break;
            case 4: read_removal(); break;
            default: read_injection(); break;
        }
        section_.done();
        check_keys();
        places.note(model_.perturbations, number, std::move(point_places_));
        std::optional<PerturbationFault> fault;
        section_.at("kind", [&] { fault = find_perturbation_fault(checked(model_)); });
        if (fault) places.refuse(std::move(*fault));
        if (kind == 5) refuse_crowd();
        warn_of_nothing(n_factors);
        onset_.name = section_.name();
        onset_.line = section_.line_of("kind");
        return std::move(onset_);
    }

private:
    template <class Named>
    std::size_t number_of(std::string_view key, const std::vector<Named>& all) {
        std::vector<std::string> names;
        for (const Named& one : all) names.push_back(one.name);
        section_.text(key);
        return section_.choice(key, names, 0);
    }
    std::uint16_t type() { return static_cast<std::uint16_t>(number_of("type", model_.types)); }
    TimeSpan span() { return {.from_min = section_.number_or("from_min", 0.0), .until_min = section_.number_or("until_min", kNeverEnds)}; }

    /// missing: 0 for a knock-out, whose factor must be below 1, and above 1 for an over-expression, whose factor must be given.
    void read_factor(std::string_view key, double missing) {
        const std::uint16_t whom = type();
        const bool is_gene = section_.has("gene");
        if (is_gene && section_.has("behavior")) section_.refuse("gene", "stands beside behavior", "Keep one of the two, or write two perturbations.");
        const std::string what = section_.text(is_gene ? "gene" : "behavior");
        const double factor = missing > 1.0 ? section_.number(key) : section_.number_or(key, missing);
        const TimeSpan when = span();
        const std::string_view of = is_gene ? "gene" : "behaviour";
        if (missing < 1.0 && !(factor < 1.0)) section_.refuse(key, fmt::format("is {}, and a knock-out makes less of a {}", factor, of), "Give a factor from 0 to 1, or write over_expression.");
        if (missing > 1.0 && !(factor > 1.0)) section_.refuse(key, fmt::format("is {}, and an over-expression makes more of a {}", factor, of), "Give a factor above 1, or write knock_out.");
        set_onset(when.from_min, is_gene ? when.from_min : strike_at(when.from_min));
        if (is_gene) model_.perturbations.genes.push_back({.type = whom, .gene = what, .factor = factor, .span = when});
        else model_.perturbations.factors.push_back({.type = whom, .behavior = what, .factor = factor, .span = when});
    }

    void read_silencing() {
        const std::uint16_t whom = type();
        const std::size_t what = section_.choice("what", {"all", "secretion", "uptake"}, 0);
        const TimeSpan when = span();
        set_onset(when.from_min, strike_at(when.from_min));
        for (const Substance& substance : model_.substances) {
            std::vector<const char*> words;
            if (what != 2) words.insert(words.end(), {"secretion", "export"});
            if (what != 1) words.push_back("uptake");
            for (const char* word : words) model_.perturbations.factors.push_back({.type = whom, .behavior = fmt::format("{} {}", substance.name, word), .factor = 0.0, .span = when});
        }
    }

    void read_drug() {
        Drug drug{.substance = static_cast<std::int32_t>(number_of("substance", model_.substances)), .shape = Drug::Shape::doses, .route = Drug::Route::bath, .points = {}};
        if (section_.choice("shape", {"doses", "curve"}, 0) == 1) drug.shape = Drug::Shape::curve;
        if (section_.choice("route", {"bath", "vessels"}, drug.shape == Drug::Shape::curve ? 1 : 0) == 1) drug.route = Drug::Route::vessels;
        if (section_.has("half_life")) drug.half_life_min = section_.rate("half_life", Quantity::time);
        if (section_.has("file") && section_.has("minutes")) section_.refuse("file", "stands beside minutes", "Keep one of the two.");
        drug.points = section_.has("file") ? points_of_file() : points_of_lists();
        for (const auto& [minute, concentration] : drug.points) {
            if (drug.shape == Drug::Shape::curve && !onset_.minutes.empty()) break;  // what comes later shapes the line up to there
            set_onset(minute, minute);
        }
        model_.perturbations.drugs.push_back(std::move(drug));
    }

    std::vector<std::array<double, 2>> points_of_lists() {
        const std::vector<double> minutes = section_.numbers("minutes"), concentrations = section_.numbers("concentrations");
        if (minutes.size() != concentrations.size()) {
            section_.refuse("concentrations", fmt::format("has {} numbers, and minutes has {}", concentrations.size(), minutes.size()), "Give one concentration for each minute.");
        }
        std::vector<std::array<double, 2>> points;
        for (std::size_t k = 0; k < minutes.size(); ++k) points.push_back({minutes[k], concentrations[k]});
        return points;
    }

    std::vector<std::array<double, 2>> points_of_file() {
        const std::filesystem::path path = folder_ / section_.text("file");
        const formats::RawTable& table = section_.kept().get("table " + path.string(), [&] { return formats::read_rows(path, {}, context_); });
        section_.hash_file(path);
        const std::array<std::size_t, 2> columns{table.column("minute"), table.column("concentration")};
        std::vector<std::array<double, 2>> points;
        for (std::size_t row = 0; row < table.rows.size(); ++row) {
            std::array<double, 2>& point = points.emplace_back();
            point_places_.push_back(table.place(row));
            for (std::size_t k = 0; k < 2; ++k) {
                const std::string& text = table.rows[row][columns[k]];
                const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), point[k]);
                if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(point[k])) invalid_data(fmt::format("{}: '{}' is no number.", table.place(row, columns[k]), text), "Give minutes and concentrations.");
            }
        }
        return points;
    }

    void read_removal() {
        set_onset(section_.number("minute"), just_before_strike(section_.number("minute")));
        model_.perturbations.removals.push_back({.type = type(), .share = section_.number_or("share", 1.0), .minute = section_.number("minute")});
    }

    void read_injection() {
        set_onset(section_.number("minute"), just_before_strike(section_.number("minute")));
        const std::vector<double> place = section_.numbers("center_um");
        if (place.size() != 3) section_.refuse("center_um", "must have three numbers", "Write [200, 200, 200].");
        const std::array<double, 3> center{place[0], place[1], place[2]};
        model_.perturbations.injections.push_back({.type = type(), .n = section_.whole_or("n", 0), .minute = section_.number("minute"), .center_um = center, .radius_um = section_.number("radius_um")});
    }

    /// Of those that the last injection puts in; who is there already is not asked.
    void refuse_crowd() {
        Model alone{.box = model_.box, .substances = {}, .pace = {}, .fixed = {}, .types = model_.types, .affinity = {}, .rules = {}, .clocks = model_.clocks, .expression = {}, .seed = model_.seed};
        alone.perturbations.injections = {model_.perturbations.injections.back()};
        const std::int64_t n = alone.perturbations.injections.front().n;
        section_.require_memory("n", kBytesAnAgent * n, fmt::format("{} cells", n));
        Agents injected;
        put_in(alone, injected, -1.0, kNeverEnds);
        if (const auto crowd = find_crowding(alone, injected, context_).beyond_mechanics) section_.refuse("radius_um", fmt::format("puts {} cells so close that one of them {}", n, crowd_text(*crowd)), std::string(kLessCrowded));
    }

    /// What is wrong with one key alone is refused at its own line; after done(), so that looking makes no key known.
    void check_keys() {
        const auto require = [&](std::string_view key, const auto& is_good, std::string_view next) {
            if (!section_.has(key)) return;
            const double value = section_.number(key);
            if (!is_good(value)) section_.refuse(key, fmt::format("is {:g}", value), std::string(next));
        };
        for (const char* key : {"minute", "from_min"}) require(key, [](double value) { return value >= 0.0; }, "Give minutes of 0 or more.");
        require("until_min", [&](double value) { return value > section_.number_or("from_min", 0.0); }, "Let it end after it begins.");
        require("share", [](double value) { return value > 0.0 && value <= 1.0; }, "Give a share above 0, and 1 at most.");
        require("n", [](double value) { return value >= 1.0; }, "Put in at least one cell.");
        require("radius_um", [](double value) { return value > 0.0; }, "Give a radius above 0.");
        if (!section_.has("behavior")) return;
        section_.at("behavior", [&] { find_behavior(vocabulary_of(checked(model_)), section_.text("behavior"), fmt::format("cell_type '{}'", section_.text("type"))); });
    }

    /// ends_before: a run that ends at this minute or before shows nothing of it.
    void set_onset(double minute, double ends_before) {
        onset_.minutes.push_back(minute);
        onset_.ends_before.push_back(ends_before);
    }
    /// The first strike of the life clock at or after a minute: factors act in the steps after it.
    double strike_at(double minute) const { return std::ceil(minute / model_.clocks.life_min - 1e-9) * model_.clocks.life_min; }
    /// Cells are moved at the strike itself, which the last step of a run may be.
    double just_before_strike(double minute) const { return strike_at(minute) - 0.5 * model_.clocks.mechanics_min; }

    /// Where all factors from this number on multiply what is 0 and stays it.
    void warn_of_nothing(std::size_t first_factor) const {
        const std::vector<FactorChange>& factors = model_.perturbations.factors;
        if (first_factor == factors.size()) return;
        const Model model = checked(model_);
        const RuleVocabulary words = vocabulary_of(model);
        const std::vector<Behavior> behaviors = behaviors_of(model);
        const auto is_nothing = [&](std::size_t type, std::size_t number) {
            const auto raises = [&](const knowledge::BehaviorRule& rule) { return rule.cell_type == model.types[type].name && rule.saturation != 0.0 && find_behavior(words, rule.behavior, model.rules_source) == number; };
            return words.base_of(type, number) == 0.0 && std::none_of(model.rules.begin(), model.rules.end(), raises);
        };
        const std::size_t speed = find_behavior(words, "migration speed", "Perturbations");
        const auto is_idle = [&](const FactorChange& factor) {
            const std::size_t number = find_behavior(words, factor.behavior, "Perturbations");
            const BehaviorKind kind = behaviors[number].kind;
            const bool is_of_crawling = kind == BehaviorKind::bias || kind == BehaviorKind::persistence || kind == BehaviorKind::chemotaxis;
            const bool is_of_attacks = kind == BehaviorKind::immunogenicity;
            const auto attacker = static_cast<std::size_t>(behaviors[number].of);
            return is_nothing(factor.type, number) || (is_of_crawling && is_nothing(factor.type, speed)) || (is_of_attacks && is_nothing(attacker, find_behavior(words, "attack " + model.types[factor.type].name, "Perturbations")));
        };
        if (!std::all_of(factors.begin() + static_cast<std::ptrdiff_t>(first_factor), factors.end(), is_idle)) return;
        context_.events().warning(fmt::format("{}, line {}: {} changes nothing: cells of '{}' do not do that, and no rule lets them.", section_.path().string(), section_.line_of("kind"), section_.name(), model.types[factors[first_factor].type].name));
    }

    Section& section_;
    Model& model_;
    const std::filesystem::path& folder_;
    Context& context_;
    ScenarioOnset onset_;
    std::vector<std::string> point_places_;  // of a drug's file: "doses.csv, line 3"
};

}  // namespace

ReadPerturbations read_perturbations(Section& top, Model& model, const std::filesystem::path& folder, Context& context) {
    ReadPerturbations read;
    std::vector<Section> sections = top.sections("perturbation");
    EntryPlaces places(sections);
    for (std::size_t number = 0; number < sections.size(); ++number) read.onsets.push_back(PerturbationReader(sections[number], model, folder, context).read(number, places));
    for (std::size_t factor = 0; factor < model.perturbations.factors.size(); ++factor) read.of_factor.push_back(places.section_of_factor(factor));
    return read;
}

}  // namespace morula::commands::scenario_detail
