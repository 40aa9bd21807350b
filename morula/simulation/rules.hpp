// What signals do to behaviours: evaluation of the cell behaviour hypothesis grammar.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "morula/knowledge/behavior_rules.hpp"

namespace morula::simulation {

/// What a simulation offers to rules: signals that it can measure and behaviours that it can change, by the names that rule files use.
struct RuleVocabulary {
    std::vector<std::string> types;
    std::vector<std::string> signals;
    std::vector<std::string> behaviors;
    std::vector<double> base;  // types x behaviours: the value without signals; NaN: cells of the type have no such behaviour
    std::vector<std::array<double, 2>> range{};  // one a behaviour: the lowest and highest value that is physical; empty: any
    std::vector<std::uint8_t> ends_with_life{};  // one a behaviour; 1: the dead have it at 0, unless a rule for the dead says otherwise; empty: none
    std::vector<std::string> behavior_units{};   // one a behaviour; empty: not told
    std::vector<std::string> signal_units{};     // one a signal
    std::map<std::string, std::string> other_names{};       // of signals and behaviours, to the name above
    std::vector<std::pair<std::string, std::string>> not_modelled{};  // names that rule files may hold and a simulation has not (with * for any end), and why

    double base_of(std::size_t type, std::size_t behavior) const { return base[type * behaviors.size() + behavior]; }
};

/// Number of a behaviour by its name or one of its other names. place: for messages. Throws as Rules does.
std::size_t find_behavior(const RuleVocabulary& words, const std::string& name, const std::string& place);
/// The same of a signal.
std::size_t find_signal(const RuleVocabulary& words, const std::string& name, const std::string& place);

enum class Vitality { alive, dead };

/// A behaviour of base b0 with rules that increase it towards the largest of their saturations bM and rules that decrease it towards the smallest of theirs, bm:
///   (1 - D) ((1 - U) b0 + U bM) + D bm,  U = u / (1 + u),  u = sum over increasing rules of (signal / half-max)^power,  D the same for decreasing rules
/// (Johnson et al., Cell 2025, doi 10.1016/j.cell.2025.06.048). One signal may do both: raise a behaviour where it is high and lower it where it is higher still. Signals below 0 count as 0.
/// In a dead cell only rules that apply to the dead count.
class Rules {
public:
    /// source: name of the rule file, for messages.
    /// Throws unsupported, with the line and the reason, for a signal or behaviour that the grammar knows and the vocabulary has not; invalid_data, with the line and the nearest
    /// name, for a type, signal or behaviour that neither knows, for a behaviour that the type has not, for a rule that goes the wrong way (increases towards less than the base,
    /// or decreases towards more), for a saturation that is not physical, and for two names of one signal in one direction.
    Rules(const std::vector<knowledge::BehaviorRule>& rules, const std::string& source, const RuleVocabulary& vocabulary);

    /// Behaviours of a type that rules change, ascending.
    std::span<const std::int32_t> changed(std::size_t type) const { return changed_[type]; }
    /// Signals that rules of a type look at, ascending.
    std::span<const std::int32_t> looked_at(std::size_t type) const { return looked_at_[type]; }
    /// signals: values in the order of the vocabulary, of which those that the type looks at must be there. The base where no rule counts; of the dead 0 for what ends with life.
    double respond(std::size_t type, std::int32_t behavior, std::span<const double> signals, Vitality vitality) const;
    /// The same of a living cell whose base is this one, not its type's. Where it lies beyond the saturations of one direction already, rules of that direction leave it there.
    double respond_from(double base, std::size_t type, std::int32_t behavior, std::span<const double> signals) const;

private:
    struct Term {
        std::int32_t signal;
        double half_max;
        double power;
        std::int32_t whole_power;  // 0: power is no small whole number
        bool applies_to_dead;
    };
    struct Behavior {
        double base = 0.0;
        double highest = 0.0;
        double lowest = 0.0;
        std::vector<Term> up;
        std::vector<Term> down;
    };
    static double raised(double ratio, const Term& term);
    static double saturated(const std::vector<Term>& terms, std::span<const double> signals, Vitality vitality);

    std::size_t n_behaviors_;
    std::vector<Behavior> behaviors_;  // types x behaviours
    std::vector<std::uint8_t> ends_with_life_;
    std::vector<std::vector<std::int32_t>> changed_;
    std::vector<std::vector<std::int32_t>> looked_at_;
};

}  // namespace morula::simulation
