#include "morula/commands/scenario_section.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/schema.hpp"

namespace morula::commands::scenario_detail {
namespace {

constexpr std::string_view kRateForm = "Write { value = 1.0, unit = \"1/min\", source = \"guessed\", prior = [0.5, 2.0] }; source is measured or literature (with citation), fitted (with fitted_to) or guessed (with prior = [low, high]).";
const std::vector<std::string> kSources{"measured", "literature", "fitted", "guessed"};

constexpr double kShortestMin = 1e-6;
constexpr double kLongestMin = 1e8;

struct Units {
    std::vector<std::pair<std::string_view, double>> factor;  // to um and min; the first is the one that we compute in
    double highest;                                           // in that unit: beyond it no cell or molecule
};
const Units& units_of(Quantity quantity) {
    static const Units rate{{{"1/min", 1.0}, {"1/h", 1.0 / 60.0}, {"1/s", 60.0}, {"1/day", 1.0 / 1440.0}}, 1e6};
    static const Units speed{{{"um/min", 1.0}, {"um/h", 1.0 / 60.0}}, 1e3};
    static const Units diffusion{{{"um2/min", 1.0}, {"um2/s", 60.0}}, 1e7};
    static const Units time{{{"min", 1.0}, {"h", 60.0}, {"day", 1440.0}, {"s", 1.0 / 60.0}}, 1e7};
    static const Units volume{{{"um3", 1.0}}, 1e7};
    static const Units ratio{{{"1", 1.0}}, 1e3};
    static const Units share{{{"1", 1.0}}, 1.0};
    switch (quantity) {
        case Quantity::rate: return rate;
        case Quantity::speed: return speed;
        case Quantity::diffusion: return diffusion;
        case Quantity::time: return time;
        case Quantity::volume: return volume;
        case Quantity::ratio: return ratio;
        case Quantity::share: break;
    }
    return share;
}

/// What bears the rate: of measured and literature the citation, of fitted what it was fitted to (and a citation, where there is one), of a guess a citation perhaps.
std::string reference_of(Section& rate, Evidence source) {
    const auto seen = [&](std::string_view key) {
        std::string text = rate.text(key);
        if (text.find_first_not_of(" \t\r\n") == std::string::npos) rate.refuse(key, "is blank", "Write down what it is, or make the rate a guess: source = \"guessed\" with prior = [low, high].");
        return text;
    };
    const bool has_citation = rate.has("citation");
    switch (source) {
        case Evidence::measured:
            if (!has_citation) rate.refuse("citation", "is missing: what is measured says where", "Add citation = \"the paper, data set or experiment\", or make it a guess: source = \"guessed\" with prior = [low, high].");
            return seen("citation");
        case Evidence::literature: return seen("citation");
        case Evidence::fitted: {
            const bool has_aim = rate.has("fitted_to");
            if (!has_aim && !has_citation) rate.refuse("fitted_to", "is missing: what is fitted says to what", "Add fitted_to = \"the data that it was fitted to\", or make it a guess: source = \"guessed\" with prior = [low, high].");
            if (!has_aim) return seen("citation");
            return has_citation ? fmt::format("{}; {}", seen("fitted_to"), seen("citation")) : seen("fitted_to");
        }
        case Evidence::guessed: break;
    }
    return has_citation ? seen("citation") : "";
}

}  // namespace

void Reading::hash_file(const std::filesystem::path& file) {
    const std::string& hash = kept.get("hash of " + file.string(), [&] { return hash_of_file(file); });
    hasher.update(hash);
    files.push_back({file, hash});
}

void Section::rename_apart(const std::string& name) {
    name_ = name;
    for (int number = 2; !reading_.section_names.insert(name_).second; ++number) name_ = fmt::format("{} ({})", name, number);
}

std::string Section::kept_name(std::string_view part) const { return fmt::format("{} of {}", part, static_cast<const void*>(&table_)); }

std::string Section::own_name() {
    const std::string name = name_text("name");
    const std::string kind = std::exchange(name_, fmt::format("{} '{}'", name_, name));
    define("name", fmt::format("there is another {} of this name", kind), "Give each its own name.");
    return name;
}

void Section::define(std::string_view key, const std::string& complaint, std::string next) {
    const auto [first, is_new] = reading_.defined.emplace(name_, line_of(key));
    if (!is_new) refuse(key, fmt::format("{}, on line {}", complaint, first->second), std::move(next));
}

void Section::refuse(std::string_view key, const std::string& what, std::string next) const { refuse_at(place_of(key), key, what, std::move(next)); }

void Section::refuse_at(const std::string& place, std::string_view key, const std::string& what, std::string next) const {
    invalid_data(fmt::format("{}: {}, {}: {}.", place, name_, key, what), std::move(next));
}

void Section::refuse_again(std::string_view key, const Error& error) const {
    const bool names_a_file = error.message().find(", line ") != std::string::npos || error.message().starts_with(reading_.path.string());
    if (names_a_file || error.code() == ErrorCode::internal || error.code() == ErrorCode::cancelled) throw error;
    std::string what = error.message();
    if (what.ends_with('.')) what.pop_back();
    fail(error.code(), fmt::format("{}: {}, {}: {}.", place_of(key), name_, key, what), error.next());
}

void Section::require_memory(std::string_view key, std::int64_t bytes, const std::string& what) const {
    if (bytes <= reading_.context.memory_bytes()) return;
    fail(ErrorCode::resource_limit,
         fmt::format("{}: {} needs about {} of memory ({} bytes), the limit is {}.", place_of(key), what, format_bytes(bytes), bytes, format_bytes(reading_.context.memory_bytes())),
         "Raise the limit with --memory, or use a machine with more memory.");
}

std::int64_t Section::line_of(std::string_view key) const {
    const toml::node* node = table_.get(key);
    return static_cast<std::int64_t>((node != nullptr ? node->source() : table_.source()).begin.line);
}

std::string Section::place_of(std::string_view key) const { return fmt::format("{}, line {}", reading_.path.string(), line_of(key)); }

std::string Section::place_of(std::string_view key, std::size_t item) const {
    const toml::array* list = table_.get_as<toml::array>(key);
    if (list == nullptr || item >= list->size()) return place_of(key);
    return fmt::format("{}, line {}", reading_.path.string(), static_cast<std::int64_t>(list->get(item)->source().begin.line));
}

const toml::node& Section::require(std::string_view key) {
    known_.emplace(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr) refuse(key, "is missing", fmt::format("Add {} to {}.", key, name_));
    return *node;
}

std::string Section::glimpse(std::string_view key) const {
    const toml::node* node = table_.get(key);
    return node == nullptr ? "" : node->value<std::string>().value_or("");
}

std::string Section::text(std::string_view key) {
    const auto value = require(key).value<std::string>();
    if (!value) refuse(key, "must be a text", "Write it in quotes.");
    if (value->empty()) refuse(key, "is empty", "Write something between the quotes.");
    return *value;
}

std::string Section::name_text(std::string_view key) {
    std::string name = text(key);
    if (name.find_first_not_of(' ') == std::string::npos) refuse(key, "is blank", "Give it a name.");
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::any_of(name.begin(), name.end(), is_control)) refuse(key, "holds a control character", "Name it with letters that can be seen.");
    return name;
}

std::size_t Section::choice(std::string_view key, const std::vector<std::string>& names, std::size_t missing) {
    if (!has(key)) return missing;
    const std::string value = text(key);
    const auto found = std::find(names.begin(), names.end(), value);
    if (found == names.end()) refuse(key, fmt::format("'{}' is not known", value), fmt::format("Write one of: {}.", fmt::join(names, ", ")));
    return static_cast<std::size_t>(found - names.begin());
}

double Section::number(std::string_view key) {
    const auto value = require(key).value<double>();
    if (!value) refuse(key, "must be a number", "Write a number.");
    if (!std::isfinite(*value)) refuse(key, fmt::format("is {}, which is no finite number", *value), "Write a finite number.");
    return *value;
}

std::int64_t Section::whole(std::string_view key) {
    const auto value = require(key).value<std::int64_t>();
    if (!value || *value < 0) refuse(key, "must be a whole number, 0 or more", "Write a whole number.");
    return *value;
}

double Section::positive(std::string_view key) {
    const double value = number(key);
    if (!(value > 0.0)) refuse(key, "must be above 0", "Give a number above 0.");
    return value;
}

double Section::minutes(std::string_view key) {
    const double value = positive(key);
    if (!(value >= kShortestMin && value <= kLongestMin)) refuse(key, fmt::format("is {:g} minutes, outside {:g} to {:g}", value, kShortestMin, kLongestMin), "Give minutes within these bounds.");
    return value;
}

std::array<double, 3> Section::place(std::string_view key, std::string_view example) {
    const std::vector<double> values = numbers(key);
    if (values.size() != 3) refuse(key, "must have three numbers", fmt::format("Write {}.", example));
    return {values[0], values[1], values[2]};
}

std::vector<double> Section::numbers(std::string_view key) {
    const toml::array* list = require(key).as_array();
    std::vector<double> values;
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) values.push_back(list->get(i)->value<double>().value_or(std::nan("")));
    if (list != nullptr && list->empty()) refuse(key, "is an empty list", "Write [1.0, 2.0].");
    if (values.empty() || std::any_of(values.begin(), values.end(), [](double value) { return !std::isfinite(value); })) refuse(key, "must be a list of finite numbers", "Write [1.0, 2.0].");
    return values;
}

std::vector<std::string> Section::texts(std::string_view key) {
    const toml::array* list = require(key).as_array();
    std::vector<std::string> values;
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) values.push_back(list->get(i)->value<std::string>().value_or(""));
    if (list != nullptr && list->empty()) refuse(key, "is an empty list", "Write [\"one\", \"two\"], or leave the line out.");
    if (values.empty() || std::any_of(values.begin(), values.end(), [](const std::string& value) { return value.empty(); })) refuse(key, "must be a list of texts, none of them empty", "Write [\"one\", \"two\"].");
    return values;
}

std::vector<std::pair<std::string, std::string>> Section::text_table(std::string_view key) {
    const toml::table* table = require(key).as_table();
    if (table == nullptr) refuse(key, "must be a table", fmt::format("Write {} = {{ name = \"text\" }}.", key));
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& [name, node] : *table) {
        const auto value = node.value<std::string>();
        if (!value) refuse(key, fmt::format("'{}' must be a text", std::string(name.str())), "Write it in quotes.");
        found.emplace_back(std::string(name.str()), *value);
    }
    return found;
}

std::vector<std::pair<std::string, double>> Section::shares(std::string_view key) {
    const toml::node& node = require(key);
    if (node.is_string()) return {{text(key), 1.0}};
    const toml::table* table = node.as_table();
    if (table == nullptr || table->empty()) refuse(key, "must be a name, or a table of shares", fmt::format("Write {0} = \"a\", or {0} = {{ a = 0.8, b = 0.2 }}.", key));
    std::vector<std::pair<std::string, double>> found;
    double sum = 0.0;
    for (const auto& [name, share] : *table) {
        const auto value = share.value<double>();
        if (!value || !(*value > 0.0 && *value <= 1.0)) refuse(key, fmt::format("the share of '{}' is not above 0 and at most 1", std::string(name.str())), "Give shares whose sum is 1.");
        found.emplace_back(std::string(name.str()), *value);
        sum += *value;
    }
    if (std::abs(sum - 1.0) > 1e-6) refuse(key, fmt::format("the sum of its shares is {:g}", sum), "Give shares whose sum is 1.");
    reading_.n_shares += std::ssize(found);
    return found;
}

void Section::add_rate(std::string_view key, ScenarioRate rate) {
    if (!reading_.rate_names.insert(rate.name).second) {
        const auto first = std::find_if(reading_.rates.begin(), reading_.rates.end(), [&](const ScenarioRate& other) { return other.name == rate.name; });
        refuse(key, fmt::format("is given a second time, after line {}", first->line), "Keep one of the two.");
    }
    reading_.rates.push_back(std::move(rate));
}

void Section::read_source(ScenarioRate& rate) {
    if (!has("source")) refuse("source", "is missing", std::string(kRateForm));
    rate.source = static_cast<Evidence>(choice("source", kSources, 0));
    rate.citation = reference_of(*this, rate.source);
    if (rate.source != Evidence::guessed) return;
    const std::vector<double> prior = numbers("prior");
    if (prior.size() != 2 || !(prior[0] <= rate.value && rate.value <= prior[1])) refuse("prior", "must be a lowest and a highest value around the guess", "Write prior = [low, high].");
    rate.prior = std::array{prior[0], prior[1]};
    if (const auto found = reading_.instead.find(rate.name); found != reading_.instead.end()) rate.value = found->second;
}

void Section::source_of(std::string_view key, ScenarioRate& rate) {
    const toml::table* table = require(key).as_table();
    if (table == nullptr) refuse(key, "must be a table", "Write { source = \"guessed\", prior = [0.5, 2.0] }; source is measured or literature (with citation), fitted (with fitted_to) or guessed (with prior = [low, high]).");
    Section own(*table, fmt::format("{}, {}", name_, key), reading_);
    own.read_source(rate);
    own.done();
}

double Section::rate_of_units(std::string_view key, const std::vector<std::pair<std::string_view, double>>& units, double highest) {
    const toml::table* table = require(key).as_table();
    if (table == nullptr) refuse(key, "has no unit and no source", std::string(kRateForm));
    Section own(*table, fmt::format("{}, {}", name_, key), reading_);
    ScenarioRate rate{.name = own.name(), .value = own.number("value"), .unit = own.text("unit"), .line = line_of(key)};
    const auto unit = std::find_if(units.begin(), units.end(), [&](const auto& known) { return known.first == rate.unit; });
    if (unit == units.end()) {
        std::vector<std::string_view> names;
        for (const auto& known : units) names.push_back(known.first);
        own.refuse("unit", fmt::format("'{}' is no unit of it", rate.unit), fmt::format("Write one of: {}.", fmt::join(names, ", ")));
    }
    const double written = rate.value;
    own.read_source(rate);
    const auto require_physical = [&](const char* at, double value) {
        if (value >= 0.0 && value * unit->second <= highest) return;
        const std::string in_unit = rate.unit == "1" ? "" : " " + rate.unit;
        own.refuse(at, fmt::format("{}{} is beyond what is physical", value, in_unit), fmt::format("Give values from 0 to {}{}.", highest / unit->second, in_unit));
    };
    require_physical("value", written);
    for (const double bound : rate.prior.value_or(std::array{written, written})) require_physical("prior", bound);
    require_physical("value", rate.value);
    own.done();
    const double value = rate.value * unit->second;
    add_rate(key, std::move(rate));
    return value;
}

double Section::rate(std::string_view key, Quantity quantity) { return rate_of_units(key, units_of(quantity).factor, units_of(quantity).highest); }

double Section::highest_of(std::string_view key) const {
    const auto found = std::find_if(reading_.rates.begin(), reading_.rates.end(), [name = fmt::format("{}, {}", name_, key)](const ScenarioRate& rate) { return rate.name == name; });
    MORULA_ASSERT(found != reading_.rates.end());
    return found->prior ? (*found->prior)[1] : found->value;
}

double Section::rate_or(std::string_view key, Quantity quantity, double missing, std::string_view citation) {
    if (has(key)) return rate(key, quantity);
    add_rate(key, {.name = fmt::format("{}, {}", name_, key), .value = missing, .unit = std::string(units_of(quantity).factor.front().first), .source = Evidence::literature, .citation = std::string(citation)});
    return missing;
}

double Section::rate_or_guess(std::string_view key, Quantity quantity, double missing, std::array<double, 2> prior) {
    if (has(key)) return rate(key, quantity);
    ScenarioRate guess{.name = fmt::format("{}, {}", name_, key), .value = missing, .unit = std::string(units_of(quantity).factor.front().first), .source = Evidence::guessed, .prior = prior};
    if (const auto found = reading_.instead.find(guess.name); found != reading_.instead.end()) guess.value = found->second;
    else reading_.context.events().warning(fmt::format("{}, line {}: {} has no {}; {:g} {} is guessed, between {:g} and {:g}.", reading_.path.string(), line_of(key), name_, key, missing, guess.unit, prior[0], prior[1]));
    add_rate(key, guess);
    return guess.value;
}

double Section::concentration(std::string_view key, const std::string& unit) { return rate_of_units(key, {{unit, 1.0}}, 1e12); }

std::vector<Section> Section::sections(std::string_view key) {
    std::vector<Section> found;
    if (!has(key)) return found;
    const toml::node& node = require(key);
    if (const toml::table* table = node.as_table()) found.emplace_back(*table, std::string(key), reading_);
    if (const toml::array* list = node.as_array()) {
        for (const toml::node& each : *list) {
            if (each.as_table() == nullptr) refuse(key, "must be tables", fmt::format("Write [[{}]].", key));
            found.emplace_back(*each.as_table(), std::string(key), reading_);
        }
    }
    if (found.empty()) refuse(key, "must be a table", fmt::format("Write [{}].", key));
    return found;
}

std::optional<Section> Section::only_section(std::string_view key) {
    std::vector<Section> all = sections(key);
    const auto line = [](const Section& section) { return static_cast<std::int64_t>(section.table_.source().begin.line); };
    if (all.size() > 1) invalid_data(fmt::format("{}, line {}: a second [{}]; the first stands on line {}.", reading_.path.string(), line(all[1]), key, line(all[0])), "Keep one of the two.");
    return all.empty() ? std::nullopt : std::optional(all.front());
}

void Section::done() const {
    for (const auto& [key, node] : table_) {
        if (known_.count(key.str()) != 0) continue;
        const std::string nearest = nearest_name(std::string(key.str()), {known_.begin(), known_.end()});
        refuse(key.str(), "is not known", nearest.empty() ? fmt::format("Remove it; {} may have: {}.", name_, fmt::join(known_, ", ")) : fmt::format("Did you mean '{}'?", nearest));
    }
}

std::int32_t substance_number(Section& section, std::string_view key, const simulation::Model& model) {
    std::vector<std::string> names;
    for (const simulation::Substance& substance : model.substances) names.push_back(substance.name);
    if (names.empty()) section.refuse(key, "names a substance, and there are none", "Add [[substance]].");
    if (!section.has(key)) section.text(key);
    return static_cast<std::int32_t>(section.choice(key, names, 0));
}

std::size_t type_number(Section& section, std::string_view key, const simulation::Model& model) {
    std::vector<std::string> names;
    for (const simulation::CellType& type : model.types) names.push_back(type.name);
    if (names.empty()) section.refuse(key, "names a cell type, and there are none", "Add [[cell_type]].");
    if (!section.has(key)) section.text(key);
    return section.choice(key, names, 0);
}

}  // namespace morula::commands::scenario_detail
