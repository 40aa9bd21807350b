#include "morula/simulation/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"

namespace morula::simulation {
namespace {

std::size_t find(const std::string& name, const std::vector<std::string>& names, std::string_view what, const std::string& place) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    const std::string nearest = nearest_name(name, names);
    std::string all;
    for (const std::string& known : names) all += (all.empty() ? "" : ", ") + known;
    invalid_data(fmt::format("{}: there is no {} '{}'.", place, what, name), nearest.empty() ? fmt::format("Name one of: {}.", all) : fmt::format("Did you mean '{}'?", nearest));
}

}  // namespace

Rules::Rules(const std::vector<knowledge::BehaviorRule>& rules, const std::string& source, const RuleVocabulary& vocabulary)
    : n_behaviors_(vocabulary.behaviors.size()), behaviors_(vocabulary.types.size() * n_behaviors_), changed_(vocabulary.types.size()) {
    MORULA_ASSERT(vocabulary.base.size() == behaviors_.size());
    for (std::size_t k = 0; k < behaviors_.size(); ++k) behaviors_[k].base = behaviors_[k].highest = behaviors_[k].lowest = vocabulary.base[k];
    for (const knowledge::BehaviorRule& rule : rules) {
        const std::string place = fmt::format("{}, line {}", source, rule.line);
        const std::size_t type = find(rule.cell_type, vocabulary.types, "cell type", place);
        const std::size_t number = find(rule.behavior, vocabulary.behaviors, "behaviour", place);
        const auto signal = static_cast<std::int32_t>(find(rule.signal, vocabulary.signals, "signal", place));
        Behavior& behavior = behaviors_[type * n_behaviors_ + number];
        const bool up = rule.response == knowledge::Response::increases;
        if (up ? rule.saturation < behavior.base : rule.saturation > behavior.base) {
            invalid_data(fmt::format("{}: '{}' {} '{}' of '{}' towards {}, and without signals it is {}.", place, rule.signal, up ? "increases" : "decreases", rule.behavior, rule.cell_type, rule.saturation,
                                     behavior.base),
                         fmt::format("Give a saturation of at {} {}, or the other direction.", up ? "least" : "most", behavior.base));
        }
        (up ? behavior.up : behavior.down).push_back({signal, rule.half_max, rule.hill_power, rule.applies_to_dead});
        behavior.highest = std::max(behavior.highest, up ? rule.saturation : behavior.base);
        behavior.lowest = std::min(behavior.lowest, up ? behavior.base : rule.saturation);
        changed_[type].push_back(static_cast<std::int32_t>(number));
    }
    for (std::vector<std::int32_t>& numbers : changed_) {
        std::sort(numbers.begin(), numbers.end());
        numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    }
}

double Rules::saturated(const std::vector<Term>& terms, std::span<const double> signals, Vitality vitality) {
    double sum = 0.0;
    for (const Term& term : terms) {
        if (vitality == Vitality::dead && !term.applies_to_dead) continue;
        sum += std::pow(std::max(0.0, signals[static_cast<std::size_t>(term.signal)]) / term.half_max, term.power);
    }
    return std::isinf(sum) ? 1.0 : sum / (1.0 + sum);
}

double Rules::respond(std::size_t type, std::int32_t behavior, std::span<const double> signals, Vitality vitality) const {
    const Behavior& own = behaviors_[type * n_behaviors_ + static_cast<std::size_t>(behavior)];
    const double up = saturated(own.up, signals, vitality);
    const double down = saturated(own.down, signals, vitality);
    return (1.0 - down) * ((1.0 - up) * own.base + up * own.highest) + down * own.lowest;
}

}  // namespace morula::simulation
