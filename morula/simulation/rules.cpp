#include "morula/simulation/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"

namespace morula::simulation {
namespace {

constexpr double kLargestWholePower = 16.0;

bool is_called(const std::string& name, const std::string& pattern) {
    return pattern.ends_with('*') ? name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1)) : name == pattern;
}

std::size_t find(const std::string& given, const std::vector<std::string>& names, const RuleVocabulary& words, std::string_view what, const std::string& place) {
    const auto other = words.other_names.find(given);
    const bool is_other = other != words.other_names.end() && std::find(names.begin(), names.end(), given) == names.end();
    const std::string& name = is_other ? other->second : given;
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    for (const auto& [pattern, why] : words.not_modelled) {
        if (is_called(name, pattern)) fail(ErrorCode::unsupported, fmt::format("{}: the {} '{}' is known and not modelled: {}.", place, what, given, why), "Leave it out.");
    }
    const std::string nearest = nearest_name(name, names);
    invalid_data(fmt::format("{}: there is no {} '{}'.", place, what, given), nearest.empty() ? fmt::format("Name one of: {}.", listed(names)) : fmt::format("Did you mean '{}'?", nearest));
}

void keep_each_once(std::vector<std::int32_t>& numbers) {
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

}  // namespace

std::size_t find_behavior(const RuleVocabulary& words, const std::string& name, const std::string& place) { return find(name, words.behaviors, words, "behaviour", place); }

std::size_t find_signal(const RuleVocabulary& words, const std::string& name, const std::string& place) { return find(name, words.signals, words, "signal", place); }

Rules::Rules(const std::vector<knowledge::BehaviorRule>& rules, const std::string& source, const RuleVocabulary& vocabulary)
    : n_behaviors_(vocabulary.behaviors.size()), behaviors_(vocabulary.types.size() * n_behaviors_), ends_with_life_(vocabulary.ends_with_life), changed_(vocabulary.types.size()),
      looked_at_(vocabulary.types.size()) {
    MORULA_ASSERT(vocabulary.base.size() == behaviors_.size());
    ends_with_life_.resize(n_behaviors_, 0);
    for (std::size_t k = 0; k < behaviors_.size(); ++k) behaviors_[k].base = behaviors_[k].highest = behaviors_[k].lowest = vocabulary.base[k];
    for (const knowledge::BehaviorRule& rule : rules) {
        const std::string place = fmt::format("{}, line {}", source, rule.line);
        const std::size_t type = find(rule.cell_type, vocabulary.types, vocabulary, "cell type", place);
        const std::size_t number = find_behavior(vocabulary, rule.behavior, place);
        const auto signal = static_cast<std::int32_t>(find_signal(vocabulary, rule.signal, place));
        Behavior& behavior = behaviors_[type * n_behaviors_ + number];
        if (std::isnan(behavior.base)) {
            invalid_data(fmt::format("{}: cells of type '{}' have no behaviour '{}'.", place, rule.cell_type, rule.behavior), "Give the type a cycle with that phase or division, or take the rule out of the file.");
        }
        const bool up = rule.response == knowledge::Response::increases;
        if (up ? rule.saturation < behavior.base : rule.saturation > behavior.base) {
            invalid_data(fmt::format("{}: '{}' {} '{}' of '{}' towards {}, and without signals it is {}.", place, rule.signal, up ? "increases" : "decreases", rule.behavior, rule.cell_type, rule.saturation,
                                     behavior.base),
                         fmt::format("Give a saturation of at {} {}, or the other direction.", up ? "least" : "most", behavior.base));
        }
        if (!vocabulary.range.empty() && !(rule.saturation >= vocabulary.range[number][0] && rule.saturation <= vocabulary.range[number][1])) {
            const auto& [lowest, highest] = vocabulary.range[number];
            invalid_data(fmt::format("{}: the saturation of '{}' is {:g}, beyond what is physical.", place, rule.behavior, rule.saturation), fmt::format("Give a value from {:g} to {:g}.", lowest, highest));
        }
        std::vector<Term>& terms = up ? behavior.up : behavior.down;
        if (std::any_of(terms.begin(), terms.end(), [&](const Term& term) { return term.signal == signal; })) {
            invalid_data(fmt::format("{}: '{}' is another name of a signal that {} '{}' of '{}' already.", place, rule.signal, up ? "increases" : "decreases", rule.behavior, rule.cell_type), "Keep one of the two rules.");
        }
        const bool is_whole = rule.hill_power == std::floor(rule.hill_power) && rule.hill_power <= kLargestWholePower;
        terms.push_back({signal, rule.half_max, rule.hill_power, is_whole ? static_cast<std::int32_t>(rule.hill_power) : 0, rule.applies_to_dead});
        behavior.highest = std::max(behavior.highest, up ? rule.saturation : behavior.base);
        behavior.lowest = std::min(behavior.lowest, up ? behavior.base : rule.saturation);
        changed_[type].push_back(static_cast<std::int32_t>(number));
        looked_at_[type].push_back(signal);
    }
    for (std::vector<std::int32_t>& numbers : changed_) keep_each_once(numbers);
    for (std::vector<std::int32_t>& numbers : looked_at_) keep_each_once(numbers);
}

double Rules::raised(double ratio, const Term& term) {
    if (term.whole_power == 0) return std::pow(ratio, term.power);
    // Most powers are small whole numbers, and multiplying is many times faster than pow.
    double result = 1.0;
    for (std::int32_t power = term.whole_power; power > 0; power >>= 1) {
        if ((power & 1) != 0) result *= ratio;
        ratio *= ratio;
    }
    return result;
}

double Rules::saturated(const std::vector<Term>& terms, std::span<const double> signals, Vitality vitality) {
    double sum = 0.0;
    for (const Term& term : terms) {
        if (vitality == Vitality::dead && !term.applies_to_dead) continue;
        sum += raised(std::max(0.0, signals[static_cast<std::size_t>(term.signal)]) / term.half_max, term);
    }
    return std::isinf(sum) ? 1.0 : sum / (1.0 + sum);
}

double Rules::respond(std::size_t type, std::int32_t behavior, std::span<const double> signals, Vitality vitality) const {
    const auto number = static_cast<std::size_t>(behavior);
    const Behavior& own = behaviors_[type * n_behaviors_ + number];
    const double up = saturated(own.up, signals, vitality);
    const double down = saturated(own.down, signals, vitality);
    const double base = vitality == Vitality::dead && ends_with_life_[number] != 0 ? 0.0 : own.base;
    return (1.0 - down) * ((1.0 - up) * base + up * own.highest) + down * own.lowest;
}

double Rules::respond_from(double base, std::size_t type, std::int32_t behavior, std::span<const double> signals) const {
    const Behavior& own = behaviors_[type * n_behaviors_ + static_cast<std::size_t>(behavior)];
    const double up = saturated(own.up, signals, Vitality::alive);
    const double down = saturated(own.down, signals, Vitality::alive);
    return (1.0 - down) * ((1.0 - up) * base + up * std::max(base, own.highest)) + down * std::min(base, own.lowest);
}

}  // namespace morula::simulation
