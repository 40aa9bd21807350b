#include "morula/simulation/prospects.hpp"

#include <algorithm>

#include "morula/simulation/behaviors.hpp"
#include "morula/simulation/perturbations.hpp"
#include "morula/simulation/sub_model.hpp"

namespace morula::simulation {
namespace {

/// Names to numbers, made once: a vocabulary takes longer than all that is asked of it.
class Words {
public:
    explicit Words(const Model& model) : words_(vocabulary_of(model)), behaviors_(behaviors_of(model)) {}

    Behavior behavior(const std::string& name) const { return behaviors_[find_behavior(words_, name, "Prospects")]; }
    /// What each type's sub-model gives.
    std::vector<std::vector<Behavior>> given(const Model& model) const {
        std::vector<std::vector<Behavior>> all;
        for (const AttachedSubModel& own : attached_sub_models(model, words_)) {
            all.emplace_back();
            for (const std::int32_t number : own.gives) all.back().push_back(behaviors_[static_cast<std::size_t>(number)]);
        }
        return all;
    }
    /// Of a rule whose type is known.
    std::size_t type(const std::string& name) const { return static_cast<std::size_t>(std::find(words_.types.begin(), words_.types.end(), name) - words_.types.begin()); }

private:
    RuleVocabulary words_;
    std::vector<Behavior> behaviors_;
};

/// Makes a cell, or a daughter, of another type.
bool makes_another(BehaviorKind kind) { return kind == BehaviorKind::becomes || kind == BehaviorKind::divides_into; }

bool acts_always(const FactorChange& change) { return change.span.from_min == 0.0 && change.span.until_min == kNeverEnds; }

}  // namespace

std::vector<std::uint16_t> types_to_come(const Model& model, const Agents& start) {
    const std::size_t n = model.types.size();
    std::vector<std::uint8_t> turns_into(n * n, 0), is_there(n, 0);
    for (std::size_t from = 0; from < n; ++from) {
        const CellType& own = model.types[from];
        const auto makes = [&](const std::vector<double>& rates) {
            for (std::size_t to = 0; to < rates.size(); ++to) {
                if (rates[to] > 0.0) turns_into[from * n + to] = 1;
            }
        };
        makes(own.encounters.becomes);
        if (can_divide(own.life)) makes(own.encounters.divides_into);
    }
    if (!model.rules.empty() || has_sub_models(model)) {
        const Words words(model);
        const std::vector<std::vector<Behavior>> given = words.given(model);
        for (std::size_t from = 0; from < n; ++from) {
            for (const Behavior& behavior : given[from]) {
                if (makes_another(behavior.kind)) turns_into[from * n + static_cast<std::size_t>(behavior.of)] = 1;
            }
        }
        for (const knowledge::BehaviorRule& rule : model.rules) {
            const Behavior behavior = words.behavior(rule.behavior);
            if (makes_another(behavior.kind) && rule.saturation > 0.0) turns_into[words.type(rule.cell_type) * n + static_cast<std::size_t>(behavior.of)] = 1;
        }
    }
    std::vector<std::uint16_t> types(start.type.begin(), start.type.end());
    for (const Injection& injection : model.perturbations.injections) types.push_back(injection.type);
    std::sort(types.begin(), types.end());
    types.erase(std::unique(types.begin(), types.end()), types.end());
    for (const std::uint16_t type : types) is_there[type] = 1;
    for (std::size_t k = 0; k < types.size(); ++k) {
        for (std::size_t to = 0; to < n; ++to) {
            if (turns_into[types[k] * n + to] == 0 || is_there[to] != 0) continue;
            is_there[to] = 1;
            types.push_back(static_cast<std::uint16_t>(to));
        }
    }
    std::sort(types.begin(), types.end());
    return types;
}

std::vector<StrongestPush> strongest_pushes(const Model& model) {
    std::vector<StrongestPush> pushes;
    for (const CellType& type : model.types) pushes.push_back({.repulsion_um_per_min = type.mechanics.repulsion_um_per_min});
    const std::vector<FactorChange>& factors = model.perturbations.factors;
    if (model.rules.empty() && factors.empty()) return pushes;
    const Words words(model);
    for (std::size_t k = 0; k < model.rules.size(); ++k) {
        const knowledge::BehaviorRule& rule = model.rules[k];
        if (words.behavior(rule.behavior).kind != BehaviorKind::repulsion) continue;
        StrongestPush& push = pushes[words.type(rule.cell_type)];
        if (rule.saturation <= push.repulsion_um_per_min) continue;
        push.repulsion_um_per_min = rule.saturation;
        push.rule = k;
    }
    for (std::size_t type = 0; type < pushes.size(); ++type) {
        double largest = 1.0;
        for (std::size_t k = 0; k < factors.size(); ++k) {
            if (factors[k].type != type || words.behavior(factors[k].behavior).kind != BehaviorKind::repulsion) continue;
            // Nothing else acts beside one that acts always; without it there are moments of no factor.
            largest = acts_always(factors[k]) ? factors[k].factor : std::max(largest, factors[k].factor);
            if (largest > 1.0 && factors[k].factor == largest) pushes[type].factor = k;
        }
        pushes[type].repulsion_um_per_min *= largest;
    }
    return pushes;
}

}  // namespace morula::simulation
