#include "morula/commands/scenario_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "morula/core/schema.hpp"
#include "morula/knowledge/behavior_rules.hpp"
#include "morula/simulation/behaviors.hpp"

namespace morula::commands::scenario_detail {
namespace {

using knowledge::BehaviorRule;
using knowledge::Response;
using simulation::Model;
using simulation::RuleVocabulary;

/// What tells a rule from all others of a file.
using RuleName = std::tuple<std::string, std::string, Response, std::string>;
RuleName name_of(const BehaviorRule& rule) { return {rule.cell_type, rule.signal, rule.response, rule.behavior}; }

const std::vector<std::string> kResponses{"increases", "decreases"};
const std::string& verb_of(Response response) { return kResponses[static_cast<std::size_t>(response)]; }

/// Of [[rule_source]] sections, by the rules that they speak of.
class RuleSources {
public:
    RuleSources(Section& top, const std::vector<BehaviorRule>& rules) {
        for (Section& section : top.sections("rule_source")) {
            const std::string type = section.text("cell_type"), signal = section.text("signal"), behavior = section.text("behavior");
            section.rename(fmt::format("rule_source of '{}': {}, {}", type, signal, behavior));
            const BehaviorRule& rule = the_rule(section, {type, signal, behavior}, rules);
            section.rename(fmt::format("rule_source of '{}': {} {} {}", type, signal, verb_of(rule.response), behavior));
            section.define("cell_type", "has a rule_source before this one", "Keep one of the two.");
            sections_.emplace(name_of(rule), section);
        }
    }

    /// nullptr: nobody has said where the rule comes from.
    Section* of(const BehaviorRule& rule) {
        const auto found = sections_.find(name_of(rule));
        return found == sections_.end() ? nullptr : &found->second;
    }
    void done() const {
        for (const auto& [rule, section] : sections_) section.done();
    }

private:
    /// wanted: type, signal and behaviour. Refused at the key that goes astray first, as the words of the file are looked through for it.
    static const BehaviorRule& the_rule(Section& section, const std::array<std::string, 3>& wanted, const std::vector<BehaviorRule>& rules) {
        std::vector<const BehaviorRule*> left;
        for (const BehaviorRule& rule : rules) left.push_back(&rule);
        const auto narrow = [&](std::string_view key, const std::string& word, const std::string BehaviorRule::*member) {
            std::vector<std::string> words;
            for (const BehaviorRule* rule : left) words.push_back(rule->*member);
            std::erase_if(left, [&](const BehaviorRule* rule) { return rule->*member != word; });
            if (!left.empty()) return;
            const std::string nearest = nearest_name(word, words);
            section.refuse(key, fmt::format("no rule has '{}' here", word), nearest.empty() ? "Name cell type, signal and behaviour as the file of rules does." : fmt::format("Did you mean '{}'?", nearest));
        };
        narrow("cell_type", wanted[0], &BehaviorRule::cell_type);
        narrow("signal", wanted[1], &BehaviorRule::signal);
        narrow("behavior", wanted[2], &BehaviorRule::behavior);
        if (section.has("response")) {
            const auto response = static_cast<Response>(section.choice("response", kResponses, 0));
            std::erase_if(left, [&](const BehaviorRule* rule) { return rule->response != response; });
            if (left.empty()) section.refuse("response", fmt::format("no rule says that '{}' {} '{}'", wanted[1], verb_of(response), wanted[2]), "Name the other direction.");
        }
        if (left.size() > 1) section.refuse("behavior", "is both raised and lowered by this signal", "Add response = \"increases\" or \"decreases\".");
        return *left.front();
    }

    std::map<RuleName, Section> sections_;
};

class RuleRates {
public:
    RuleRates(const Model& model, RuleSources& sources, Reading& reading)
        : words_(simulation::vocabulary_of(simulation::checked(model))), place_(model.rules_source), file_(std::filesystem::path(place_).filename().string()), sources_(sources), reading_(reading) {}

    /// Notes the three numbers of a rule, and draws what is to be drawn.
    void note(BehaviorRule& rule) {
        const std::string place = fmt::format("{}, line {}", place_, rule.line);
        const std::size_t behavior = simulation::find_behavior(words_, rule.behavior, place), signal = simulation::find_signal(words_, rule.signal, place);
        note_number(rule, "saturation", rule.saturation, words_.behavior_units[behavior], words_.range[behavior]);
        note_number(rule, "half_max", rule.half_max, words_.signal_units[signal], kAny);
        note_number(rule, "hill_power", rule.hill_power, "1", kAny);
        directions_[{rule.cell_type, signal, behavior}].insert(rule.response);
    }
    /// Of behaviours that one signal, under whatever names, both raises and lowers.
    void warn_of_both_ways() const {
        const auto n = std::count_if(directions_.begin(), directions_.end(), [](const auto& each) { return each.second.size() > 1; });
        if (n == 0) return;
        reading_.context.events().warning(fmt::format("{}: {} behaviour{} both raised and lowered by one signal. Both rules count; some versions of PhysiCell keep the first of them alone.", place_, n, n == 1 ? " is" : "s are"));
    }
    std::int64_t n_without_source() const { return n_without_source_; }

private:
    static constexpr std::array kAny{0.0, std::numeric_limits<double>::infinity()};

    /// range: what is physical.
    void note_number(const BehaviorRule& rule, std::string_view key, double& value, const std::string& unit, const std::array<double, 2>& range) {
        ScenarioRate rate{.name = fmt::format("rule of '{}': {} {} {}, {}", rule.cell_type, rule.signal, verb_of(rule.response), rule.behavior, key), .value = value, .unit = unit, .line = rule.line, .file = file_};
        Section* section = sources_.of(rule);
        if (section != nullptr && section->has(key)) section->source_of(key, rate);
        else ++n_without_source_;
        if (key != "saturation" && rate.prior && !((*rate.prior)[0] > 0.0)) section->refuse(key, "has a prior that reaches 0 or below", "Let the prior begin above 0.");
        if (rate.prior && !((*rate.prior)[0] >= range[0] && (*rate.prior)[1] <= range[1])) section->refuse(key, "has a prior beyond what is physical", fmt::format("Let it lie from {:g} to {:g}.", range[0], range[1]));
        value = rate.value;
        add(rate);
    }
    void add(ScenarioRate& rate) {
        reading_.rate_names.insert(rate.name);
        reading_.rates.push_back(std::move(rate));
    }

    RuleVocabulary words_;
    const std::string& place_;
    std::string file_;
    RuleSources& sources_;
    Reading& reading_;
    std::int64_t n_without_source_ = 0;
    std::map<std::tuple<std::string, std::size_t, std::size_t>, std::set<Response>> directions_;  // of a type's signal and behaviour, by their numbers
};

}  // namespace

std::int64_t read_rules(Section& top, Model& model, Reading& reading) {
    if (!top.has("rules")) {
        for (const Section& section : top.sections("rule_source")) section.refuse("cell_type", "speaks of a rule, and the scenario names no rules", "Add rules = \"rules.csv\", or take it out.");
        return 0;
    }
    const std::filesystem::path path = reading.beside(top.text("rules"));
    model.rules = reading.kept.get("rules", [&] { return knowledge::read_behavior_rules(path, reading.context); });
    model.rules_source = path.string();
    reading.hash_file(path);
    RuleSources sources(top, model.rules);
    RuleRates rates(model, sources, reading);
    for (BehaviorRule& rule : model.rules) rates.note(rule);
    sources.done();
    rates.warn_of_both_ways();
    // Their names and saturations are those of this model.
    simulation::Behaviors{simulation::checked(model)};
    return rates.n_without_source();
}

}  // namespace morula::commands::scenario_detail
