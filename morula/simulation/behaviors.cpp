#include "morula/simulation/behaviors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::simulation {
namespace {

constexpr std::int64_t kBlockAgents = 4'096;

enum class Per { model, substance, phase, type, programme };
/// acts: between strikes of the life clock too, so that its values are kept.
enum class Acts { at_strikes, always };
enum class AtDeath { stays, ends };

struct BehaviorWord {
    std::string_view name;  // {}: the substance, type or phase
    Per per;
    Acts acts;
    AtDeath at_death;
    struct Values {
        std::array<double, 2> range;  // what is physical; the bounds of rates are those of scenarios (commands/scenario_section)
        std::string_view unit;        // {}: that of the substance
    } values;
};
using Values = BehaviorWord::Values;
constexpr Values kPerMin{{0.0, 1e6}, "1/min"};
constexpr Values kConcentrations{{0.0, 1e12}, "{}"};
constexpr Values kAmountsPerMin{{0.0, 1e12}, "{} um3/min"};
constexpr Values kUmPerMin{{0.0, 1e3}, "um/min"};
constexpr Values kMinutes{{0.0, 1e7}, "min"};
constexpr Values kShare{{0.0, 1.0}, "1"};
constexpr Values kRatio{{0.0, 1e3}, "1"};
/// In the order of BehaviorKind.
constexpr std::array<BehaviorWord, 28> kBehaviors{{
    {"{} secretion", Per::substance, Acts::always, AtDeath::ends, kPerMin},
    {"{} secretion target", Per::substance, Acts::always, AtDeath::stays, kConcentrations},
    {"{} uptake", Per::substance, Acts::always, AtDeath::ends, kPerMin},
    {"{} export", Per::substance, Acts::always, AtDeath::ends, kAmountsPerMin},
    {"exit from cycle phase {}", Per::phase, Acts::at_strikes, AtDeath::stays, kPerMin},
    {"apoptosis", Per::model, Acts::at_strikes, AtDeath::stays, kPerMin},
    {"necrosis", Per::model, Acts::at_strikes, AtDeath::stays, kPerMin},
    {"migration speed", Per::model, Acts::always, AtDeath::ends, kUmPerMin},
    {"migration bias", Per::model, Acts::always, AtDeath::stays, kShare},
    {"migration persistence time", Per::model, Acts::always, AtDeath::stays, kMinutes},
    {"chemotactic response to {}", Per::substance, Acts::always, AtDeath::stays, {{-1e3, 1e3}, "1"}},
    {"cell-cell adhesion", Per::model, Acts::always, AtDeath::stays, kUmPerMin},
    {"adhesive affinity to {}", Per::type, Acts::always, AtDeath::stays, kRatio},
    {"relative maximum adhesion distance", Per::model, Acts::always, AtDeath::stays, {{1.0, 1e3}, "1"}},
    {"cell-cell repulsion", Per::model, Acts::always, AtDeath::stays, kUmPerMin},
    {"phagocytose dead cell", Per::model, Acts::at_strikes, AtDeath::ends, kPerMin},
    {"phagocytose apoptotic cell", Per::model, Acts::at_strikes, AtDeath::ends, kPerMin},
    {"phagocytose necrotic cell", Per::model, Acts::at_strikes, AtDeath::ends, kPerMin},
    {"phagocytose {}", Per::type, Acts::at_strikes, AtDeath::ends, kPerMin},
    {"attack {}", Per::type, Acts::at_strikes, AtDeath::ends, kPerMin},
    {"fuse to {}", Per::type, Acts::at_strikes, AtDeath::ends, kPerMin},
    {"transition to {}", Per::type, Acts::at_strikes, AtDeath::ends, kPerMin},
    {"attack duration", Per::model, Acts::at_strikes, AtDeath::stays, kMinutes},
    {"attack damage rate", Per::model, Acts::at_strikes, AtDeath::stays, kPerMin},
    {"damage rate", Per::model, Acts::at_strikes, AtDeath::ends, kPerMin},
    {"damage repair rate", Per::model, Acts::at_strikes, AtDeath::ends, kPerMin},
    {"immunogenicity to {}", Per::type, Acts::at_strikes, AtDeath::stays, kRatio},
    {"asymmetric division to {}", Per::type, Acts::at_strikes, AtDeath::stays, kShare},
}};

struct SignalWord {
    std::string_view name;
    Per per;
    std::string_view unit;  // {}: that of the substance
};
/// In the order of SignalKind.
constexpr std::array<SignalWord, 16> kSignals{{
    {"{}", Per::substance, "{}"},
    {"{} gradient", Per::substance, "{}/um"},
    {"contact with {}", Per::type, "cells"},
    {"contact with live cell", Per::model, "cells"},
    {"contact with dead cell", Per::model, "cells"},
    {"contact with apoptotic cell", Per::model, "cells"},
    {"contact with necrotic cell", Per::model, "cells"},
    {"pressure", Per::model, "1"},
    {"volume", Per::model, "um3"},
    {"damage", Per::model, "1"},
    {"total attack time", Per::model, "min"},
    {"dead", Per::model, "1"},
    {"apoptotic", Per::model, "1"},
    {"necrotic", Per::model, "1"},
    {"time", Per::model, "min"},
    {"programme:{}", Per::programme, "1"},
}};

struct OtherName {
    std::string_view other;
    std::string_view name;
    Per per;
};
constexpr std::array<OtherName, 25> kOtherNames{{
    {"grad({})", "{} gradient", Per::substance},
    {"gradient of {}", "{} gradient", Per::substance},
    {"{} secretion saturation density", "{} secretion target", Per::substance},
    {"chemotactic sensitivity to {}", "chemotactic response to {}", Per::substance},
    {"transform to {}", "transition to {}", Per::type},
    {"phagocytosis of {}", "phagocytose {}", Per::type},
    {"divide asymmetrically to {}", "asymmetric division to {}", Per::type},
    {"exit from cycle phase 0", "cycle entry", Per::model},
    {"contact with live cells", "contact with live cell", Per::model},
    {"contact with dead cells", "contact with dead cell", Per::model},
    {"contact with apoptotic cells", "contact with apoptotic cell", Per::model},
    {"contact with necrotic cells", "contact with necrotic cell", Per::model},
    {"is dead", "dead", Per::model},
    {"is_apoptotic", "apoptotic", Per::model},
    {"is_necrotic", "necrotic", Per::model},
    {"current time", "time", Per::model},
    {"global time", "time", Per::model},
    {"phagocytosis of dead cell", "phagocytose dead cell", Per::model},
    {"phagocytosis of dead cells", "phagocytose dead cell", Per::model},
    {"phagocytosis of apoptotic cell", "phagocytose apoptotic cell", Per::model},
    {"phagocytosis of apoptotic cells", "phagocytose apoptotic cell", Per::model},
    {"phagocytosis of necrotic cell", "phagocytose necrotic cell", Per::model},
    {"phagocytosis of necrotic cells", "phagocytose necrotic cell", Per::model},
    {"phagocytose dead cells", "phagocytose dead cell", Per::model},
    {"phagocytose apoptotic cells", "phagocytose apoptotic cell", Per::model},
}};

constexpr std::string_view kNoSprings = "cells are not tied to one another by springs";
constexpr std::string_view kNoMembrane = "there is no basement membrane";
constexpr std::string_view kNamedTypes = "cell types are known by their names, not by numbers";
constexpr std::array<std::array<std::string_view, 2>, 25> kNotModelled{{
    {"intracellular *", "cells keep no account of what they took up"},
    {"internalized *", "cells keep no account of what they took up"},
    {"contact with basement membrane", kNoMembrane},
    {"contact with BM", kNoMembrane},
    {"cell-BM *", kNoMembrane},
    {"cell-membrane *", kNoMembrane},
    {"contact with other dead cell*", "every death is apoptotic or necrotic"},
    {"phagocytose other dead cell*", "every death is apoptotic or necrotic"},
    {"phagocytosis of other dead cell*", "every death is apoptotic or necrotic"},
    {"damage delivered", "damage is kept by the cell that takes it"},
    {"total damage delivered", "damage is kept by the cell that takes it"},
    {"attacking", "an attack is spread over all whom a cell touches, in the mean"},
    {"is attacking", "an attack is spread over all whom a cell touches, in the mean"},
    {"cell-cell adhesion elastic constant", kNoSprings},
    {"cell attachment rate", kNoSprings},
    {"cell detachment rate", kNoSprings},
    {"maximum number of cell attachments", kNoSprings},
    {"extended asymmetric division to *", "one daughter stays of her mother's type"},
    {"is_movable", "every cell can move; give it no speed and it is only pushed"},
    {"is movable", "every cell can move; give it no speed and it is only pushed"},
    {"movable", "every cell can move; give it no speed and it is only pushed"},
    {"custom*", "custom variables belong to code that a scenario does not have"},
    {"contact with cell type *", kNamedTypes},
    {"attack cell type *", kNamedTypes},
    {"phagocytose cell type *", kNamedTypes},
}};

std::string named(std::string_view pattern, const std::string& name) {
    const std::size_t at = pattern.find("{}");
    return at == std::string_view::npos ? std::string(pattern) : std::string(pattern.substr(0, at)) + name + std::string(pattern.substr(at + 2));
}

std::size_t n_programmes_of(const Model& model) {
    const bool has_any = model.expression != nullptr && model.expression->signalling.has_value();
    return has_any ? model.expression->signalling->model().programmes.size() : 0;
}

/// Phases of the living, of the type that has most.
std::size_t n_phases_of(const Model& model) {
    std::size_t most = 0;
    for (const CellType& type : model.types) {
        most = std::max(most, static_cast<std::size_t>(std::count_if(type.life.phases.begin(), type.life.phases.end(), [](const Phase& phase) { return !phase.is_dead; })));
    }
    return most;
}

std::size_t count_of(const Model& model, Per per) {
    switch (per) {
        case Per::substance: return model.substances.size();
        case Per::phase: return n_phases_of(model);
        case Per::type: return model.types.size();
        case Per::programme: return n_programmes_of(model);
        case Per::model: break;
    }
    return 1;
}

std::string name_of(const Model& model, Per per, std::size_t of) {
    if (per == Per::substance) return model.substances[of].name;
    if (per == Per::programme) return model.expression->signalling->model().programmes[of].name;
    return per == Per::type ? model.types[of].name : std::to_string(of);
}

std::string unit_in(const Model& model, Per per, std::string_view unit, std::int32_t of) { return per == Per::substance ? named(unit, model.substances[static_cast<std::size_t>(of)].unit) : std::string(unit); }

void check_names(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end()) invalid_data(fmt::format("'{}' would mean two things in rules: a substance or cell type is called like a signal of its own.", *twice), "Give the substance or cell type another name.");
}

[[noreturn]] void refuse_given(const AttachedSubModel& own, std::size_t given, double value) {
    invalid_data(fmt::format("{} gave {} for '{}'.", own.place, value, own.model->gives()[given]), "Let its step give every cell of the block a number, whatever the signals.");
}

double death_rate(std::int32_t phase, double rate) { return phase < 0 ? std::numeric_limits<double>::quiet_NaN() : rate; }

double phase_exit_of(const Life& life, std::size_t phase) {
    const bool is_there = phase < life.phases.size() && !life.phases[phase].is_dead;
    return is_there ? exit_rate(life.phases[phase]) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

std::vector<Behavior> behaviors_of(const Model& model) {
    std::vector<Behavior> all;
    for (std::size_t k = 0; k < kBehaviors.size(); ++k) {
        for (std::size_t of = 0; of < count_of(model, kBehaviors[k].per); ++of) all.push_back({static_cast<BehaviorKind>(k), static_cast<std::int32_t>(of)});
    }
    return all;
}

std::vector<Signal> signals_of(const Model& model) {
    std::vector<Signal> all;
    for (std::size_t k = 0; k < kSignals.size(); ++k) {
        for (std::size_t of = 0; of < count_of(model, kSignals[k].per); ++of) all.push_back({static_cast<SignalKind>(k), static_cast<std::int32_t>(of)});
    }
    return all;
}

double behavior_of_type(const Model& model, std::size_t type, Behavior behavior) {
    const CellType& own = model.types[type];
    const auto of = static_cast<std::size_t>(behavior.of);
    const CellEncounters& encounters = own.encounters;
    switch (behavior.kind) {
        case BehaviorKind::secretion: return own.exchange[of].secretion_per_min;
        case BehaviorKind::secretion_target: return own.exchange[of].aim;
        case BehaviorKind::uptake: return own.exchange[of].uptake_per_min;
        case BehaviorKind::exported: return own.exchange[of].exported_per_min;
        case BehaviorKind::phase_exit: return phase_exit_of(own.life, of);
        case BehaviorKind::apoptosis: return death_rate(own.life.apoptosis, own.life.apoptosis_per_min);
        case BehaviorKind::necrosis: return death_rate(own.life.necrosis, own.life.necrosis_per_min);
        case BehaviorKind::speed: return own.mechanics.speed_um_per_min;
        case BehaviorKind::bias: return own.mechanics.bias;
        case BehaviorKind::persistence: return own.mechanics.persistence_min;
        case BehaviorKind::chemotaxis: return own.mechanics.chemotaxis_substance == behavior.of ? own.mechanics.chemotaxis_sign : 0.0;
        case BehaviorKind::adhesion: return own.mechanics.adhesion_um_per_min;
        case BehaviorKind::affinity: return model.affinity[type * model.types.size() + of];
        case BehaviorKind::reach: return own.mechanics.adhesion_reach;
        case BehaviorKind::repulsion: return own.mechanics.repulsion_um_per_min;
        case BehaviorKind::eats_dead: return encounters.eats_dead;
        case BehaviorKind::eats_apoptotic: return encounters.eats_apoptotic;
        case BehaviorKind::eats_necrotic: return encounters.eats_necrotic;
        case BehaviorKind::eats: return encounters.eats[of];
        case BehaviorKind::attacks: return encounters.attacks[of];
        case BehaviorKind::fuses: return encounters.fuses[of];
        case BehaviorKind::becomes: return encounters.becomes[of];
        case BehaviorKind::attack_min: return encounters.attack_min;
        case BehaviorKind::attack_damage: return encounters.attack_damage_per_min;
        case BehaviorKind::damage: return encounters.damage_per_min;
        case BehaviorKind::repair: return encounters.repair_per_min;
        case BehaviorKind::immunogenicity: return encounters.immunogenicity[of];
        case BehaviorKind::divides_into: break;
    }
    return can_divide(own.life) && of != type ? encounters.divides_into[of] : std::numeric_limits<double>::quiet_NaN();
}

RuleVocabulary vocabulary_of(const Model& model) {
    RuleVocabulary words;
    for (const CellType& type : model.types) words.types.push_back(type.name);
    for (const Signal& signal : signals_of(model)) {
        const SignalWord& word = kSignals[static_cast<std::size_t>(signal.kind)];
        words.signals.push_back(named(word.name, name_of(model, word.per, static_cast<std::size_t>(signal.of))));
        words.signal_units.push_back(unit_in(model, word.per, word.unit, signal.of));
    }
    const std::vector<Behavior> behaviors = behaviors_of(model);
    for (const Behavior& behavior : behaviors) {
        const BehaviorWord& word = kBehaviors[static_cast<std::size_t>(behavior.kind)];
        const bool is_entry = behavior.kind == BehaviorKind::phase_exit && behavior.of == 0;
        words.behaviors.push_back(is_entry ? "cycle entry" : named(word.name, name_of(model, word.per, static_cast<std::size_t>(behavior.of))));
        words.ends_with_life.push_back(word.at_death == AtDeath::ends ? 1 : 0);
        words.range.push_back(word.values.range);
        words.behavior_units.push_back(unit_in(model, word.per, word.values.unit, behavior.of));
    }
    check_names(words.signals);
    check_names(words.behaviors);
    for (std::size_t type = 0; type < model.types.size(); ++type) {
        for (const Behavior& behavior : behaviors) words.base.push_back(behavior_of_type(model, type, behavior));
    }
    for (const OtherName& other : kOtherNames) {
        for (std::size_t of = 0; of < count_of(model, other.per); ++of) words.other_names.emplace(named(other.other, name_of(model, other.per, of)), named(other.name, name_of(model, other.per, of)));
    }
    for (const auto& [name, why] : kNotModelled) words.not_modelled.emplace_back(name, why);
    return words;
}

/// What one agent after the other senses.
class Behaviors::Senses {
public:
    Senses(const Agents& agents, const Field& field, const Contacts& contacts, const ExpressionStates* states, double minute, std::size_t n_types)
        : agents_(agents), field_(field), contacts_(contacts), states_(states), minute_(minute), of_type_(n_types), of_death_(3) {}

    void measure(std::size_t i, std::span<const std::int32_t> looked_at, std::span<const Signal> all, std::span<double> values) {
        has_voxel_ = has_contacts_ = false;
        for (const std::int32_t number : looked_at) values[static_cast<std::size_t>(number)] = one(i, all[static_cast<std::size_t>(number)]);
    }

private:
    double one(std::size_t i, Signal signal) {
        const auto of = static_cast<std::size_t>(signal.of);
        switch (signal.kind) {
            case SignalKind::concentration: return field_.values(signal.of)[static_cast<std::size_t>(place_of(i))];
            case SignalKind::gradient: return steepness(i, signal.of);
            case SignalKind::touches_type: return touched(i).of_type_[of];
            case SignalKind::touches_living: return touched(i).of_death_[0];
            case SignalKind::touches_dead: return touched(i).of_death_[1] + of_death_[2];
            case SignalKind::touches_apoptotic: return touched(i).of_death_[1];
            case SignalKind::touches_necrotic: return touched(i).of_death_[2];
            case SignalKind::pressure: return static_cast<double>(agents_.pressure[i]);
            case SignalKind::volume: return volume_of(agents_, i);
            case SignalKind::damage: return static_cast<double>(agents_.damage[i]);
            case SignalKind::attacked_min: return static_cast<double>(agents_.attacked_min[i]);
            case SignalKind::is_dead: return agents_.death[i] != Death::none ? 1.0 : 0.0;
            case SignalKind::is_apoptotic: return agents_.death[i] == Death::apoptotic ? 1.0 : 0.0;
            case SignalKind::is_necrotic: return agents_.death[i] == Death::necrotic ? 1.0 : 0.0;
            case SignalKind::programme: return static_cast<double>(states_->programme(agents_, i, of));
            case SignalKind::minute: break;
        }
        return minute_;
    }
    std::int64_t place_of(std::size_t i) {
        if (!has_voxel_) {
            const Grid& grid = field_.grid();
            voxel_ = {nearest_voxel(grid, 0, agents_.x[i]), nearest_voxel(grid, 1, agents_.y[i]), nearest_voxel(grid, 2, agents_.z[i])};
            has_voxel_ = true;
        }
        return field_.grid().place(voxel_[0], voxel_[1], voxel_[2]);
    }
    double steepness(std::size_t i, std::int32_t substance) {
        place_of(i);
        const std::array<double, 3> slope = field_.gradient(substance, voxel_);
        return std::sqrt(slope[0] * slope[0] + slope[1] * slope[1] + slope[2] * slope[2]);
    }
    const Senses& touched(std::size_t i) {
        if (has_contacts_) return *this;
        has_contacts_ = true;
        std::fill(of_type_.begin(), of_type_.end(), 0.0);
        std::fill(of_death_.begin(), of_death_.end(), 0.0);
        contacts_.of(i, [&](std::uint32_t j) {
            ++of_type_[agents_.type[j]];
            ++of_death_[static_cast<std::size_t>(agents_.death[j])];
        });
        return *this;
    }

    const Agents& agents_;
    const Field& field_;
    const Contacts& contacts_;
    const ExpressionStates* states_;
    double minute_;
    std::vector<double> of_type_;   // agents touched
    std::vector<double> of_death_;  // by Death
    std::array<std::int64_t, 3> voxel_{};
    bool has_voxel_ = false;
    bool has_contacts_ = false;
};

Behaviors::Behaviors(const Model& model)
    : n_types_(model.types.size()), n_substances_(model.substances.size()), n_phases_(n_phases_of(model)), signals_(signals_of(model)), rules_(model.rules, model.rules_source, vocabulary_of(model)),
      sub_models_(has_sub_models(model) ? attached_sub_models(model, vocabulary_of(model)) : std::vector<AttachedSubModel>()), life_min_(model.clocks.life_min), seed_(model.seed) {
    const std::vector<Behavior> all = behaviors_of(model);
    n_behaviors_ = all.size();
    for (std::size_t k = 0, before = 0; k < kBehaviors.size(); before += count_of(model, kBehaviors[k++].per)) first_.push_back(static_cast<std::int32_t>(before));
    for (std::size_t type = 0; type < n_types_; ++type) {
        for (const Behavior& behavior : all) base_.push_back(behavior_of_type(model, type, behavior));
    }
    add_slots(model);
    for (const BehaviorKind kind : {BehaviorKind::eats_dead, BehaviorKind::eats_apoptotic, BehaviorKind::eats_necrotic, BehaviorKind::eats, BehaviorKind::attacks, BehaviorKind::fuses}) {
        asks_for_contacts_ = asks_for_contacts_ || may_happen(kind);
    }
    const auto ask = [&](std::span<const std::int32_t> looked_at) {
        for (const std::int32_t signal : looked_at) {
            const SignalKind kind = signals_[static_cast<std::size_t>(signal)].kind;
            asks_for_contacts_ = asks_for_contacts_ || (kind >= SignalKind::touches_type && kind <= SignalKind::touches_necrotic);
        }
    };
    for (std::size_t type = 0; type < n_types_; ++type) ask(rules_.looked_at(type));
    for (const AttachedSubModel& own : sub_models_) ask(own.reads);
}

void Behaviors::add_slots(const Model& model) {
    const std::vector<Behavior> all = behaviors_of(model);
    slot_of_.assign(n_behaviors_, -1);
    const auto slot_for = [&](std::int32_t number) -> Slot& {
        std::int32_t& slot = slot_of_[static_cast<std::size_t>(number)];
        if (slot < 0) {
            slot = static_cast<std::int32_t>(slots_.size());
            slots_.push_back({.behavior = number, .has_rule = std::vector<std::uint8_t>(n_types_, 0), .given = std::vector<std::int32_t>(n_types_, -1)});
        }
        return slots_[static_cast<std::size_t>(slot)];
    };
    for (std::size_t type = 0; type < n_types_; ++type) {
        for (const std::int32_t number : rules_.changed(type)) slot_for(number).has_rule[type] = 1;
    }
    for (std::size_t type = 0; type < sub_models_.size(); ++type) {
        const AttachedSubModel& own = sub_models_[type];
        for (std::size_t g = 0; g < own.gives.size(); ++g) slot_for(own.gives[g]).given[type] = static_cast<std::int32_t>(g);
        n_state_ = std::max(n_state_, own.n_state);
        n_given_ = std::max(n_given_, own.gives.size());
    }
    for (Slot& slot : slots_) {
        const BehaviorWord& word = kBehaviors[static_cast<std::size_t>(all[static_cast<std::size_t>(slot.behavior)].kind)];
        slot.is_kept = word.acts == Acts::always;
        slot.ends_with_life = word.at_death == AtDeath::ends;
        slot.array = static_cast<std::int32_t>(slot.is_kept ? n_kept_++ : n_momentary_++);
    }
    momentary_.resize(static_cast<std::size_t>(n_momentary_));
}

std::int32_t Behaviors::kept(Behavior behavior) const {
    const std::int32_t slot = slot_of_[number(behavior)];
    return slot < 0 ? -1 : slots_[static_cast<std::size_t>(slot)].array;
}

OwnMechanics Behaviors::own_mechanics() const {
    const auto one = [&](BehaviorKind kind) { return kept({kind, 0}); };
    const auto each = [&](BehaviorKind kind, std::size_t n) {
        std::vector<std::int32_t> arrays;
        for (std::size_t of = 0; of < n; ++of) arrays.push_back(kept({kind, static_cast<std::int32_t>(of)}));
        const bool has_any = std::any_of(arrays.begin(), arrays.end(), [](std::int32_t array) { return array >= 0; });
        return has_any ? arrays : std::vector<std::int32_t>();
    };
    return {.repulsion = one(BehaviorKind::repulsion), .adhesion = one(BehaviorKind::adhesion), .reach = one(BehaviorKind::reach), .speed = one(BehaviorKind::speed),
            .persistence = one(BehaviorKind::persistence), .bias = one(BehaviorKind::bias), .chemotaxis = each(BehaviorKind::chemotaxis, n_substances_), .affinity = each(BehaviorKind::affinity, n_types_)};
}

bool Behaviors::may_happen(BehaviorKind kind) const {
    const std::size_t from = number({kind, 0});
    const std::size_t n = kBehaviors[static_cast<std::size_t>(kind)].per == Per::type ? n_types_ : 1;
    for (std::size_t b = from; b < from + n; ++b) {
        if (slot_of_[b] >= 0) return true;
        for (std::size_t type = 0; type < n_types_; ++type) {
            if (base_of(type, b) > 0.0) return true;
        }
    }
    return false;
}

void Behaviors::begin(Agents& agents, std::size_t agent) const {
    for (const Slot& slot : slots_) {
        if (!slot.is_kept) continue;
        const bool is_over = slot.ends_with_life && agents.death[agent] != Death::none;
        agents.behavior[static_cast<std::size_t>(slot.array)][agent] = is_over ? 0.0F : static_cast<float>(base_of(agents.type[agent], static_cast<std::size_t>(slot.behavior)));
    }
    if (n_state_ == 0) return;
    std::vector<float> state(n_state_, 0.0F);
    const AttachedSubModel& own = sub_models_[agents.type[agent]];
    if (own.model != nullptr) own.model->begin(seed_, agents.id[agent], std::span(state).first(own.n_state));
    for (std::size_t c = 0; c < n_state_; ++c) agents.behavior[n_kept_ + c][agent] = state[c];
}

void Behaviors::end(Agents& agents, std::span<const std::uint32_t> dead) const {
    for (const Slot& slot : slots_) {
        if (!slot.is_kept || !slot.ends_with_life) continue;
        for (const std::uint32_t agent : dead) agents.behavior[static_cast<std::size_t>(slot.array)][agent] = 0.0F;
    }
}

std::vector<double> Behaviors::step_sub_models(Agents& agents, Block block, std::uint32_t strike, Senses& senses, std::span<double> signals) const {
    const auto first = static_cast<std::size_t>(block.begin);
    std::vector<double> given(static_cast<std::size_t>(block.size()) * n_given_);
    for (std::size_t type = 0; type < sub_models_.size(); ++type) {
        const AttachedSubModel& own = sub_models_[type];
        if (own.model == nullptr) continue;
        std::vector<std::size_t> places;
        std::vector<std::uint64_t> ids;
        for (auto i = first; i < static_cast<std::size_t>(block.end); ++i) {
            if (agents.type[i] != type || agents.death[i] != Death::none) continue;
            places.push_back(i);
            ids.push_back(agents.id[i]);
        }
        const std::size_t n = places.size();
        if (n == 0) continue;
        std::vector<double> read(own.reads.size() * n), gives(own.gives.size() * n, std::numeric_limits<double>::quiet_NaN());
        std::vector<float> state(own.n_state * n);
        for (std::size_t k = 0; k < n; ++k) {
            senses.measure(places[k], own.reads, signals_, signals);
            for (std::size_t s = 0; s < own.reads.size(); ++s) read[s * n + k] = signals[static_cast<std::size_t>(own.reads[s])];
            for (std::size_t c = 0; c < own.n_state; ++c) state[c * n + k] = agents.behavior[n_kept_ + c][places[k]];
        }
        own.model->step({.n = n, .id = ids, .signals = read, .state = state, .behaviors = gives, .dt_min = life_min_, .seed = seed_, .strike = strike});
        for (std::size_t k = 0; k < n; ++k) {
            for (std::size_t c = 0; c < own.n_state; ++c) agents.behavior[n_kept_ + c][places[k]] = state[c * n + k];
            for (std::size_t g = 0; g < own.gives.size(); ++g) {
                if (!std::isfinite(gives[g * n + k])) refuse_given(own, g, gives[g * n + k]);
                given[(places[k] - first) * n_given_ + g] = gives[g * n + k];
            }
        }
    }
    return given;
}

void Behaviors::set_agent(Agents& agents, std::size_t agent, std::span<const double> signals, std::span<const double> given) {
    const std::size_t type = agents.type[agent];
    const Vitality vitality = agents.death[agent] == Death::none ? Vitality::alive : Vitality::dead;
    for (const Slot& slot : slots_) {
        const auto b = static_cast<std::size_t>(slot.behavior);
        const bool is_given = !given.empty() && slot.given[type] >= 0 && vitality == Vitality::alive;
        const double base = is_given ? given[static_cast<std::size_t>(slot.given[type])] : 0.0;
        double value = 0.0;
        if (slot.has_rule[type] != 0) value = (is_given ? rules_.respond_from(base, type, slot.behavior, signals) : rules_.respond(type, slot.behavior, signals, vitality)) * factor_of(type, b);
        else if (is_given) value = base * factor_of(type, b);
        else if (vitality == Vitality::alive || !slot.ends_with_life) value = base_of(type, b);
        // What a saturation below 0 or above 1 would make of a rate, a bias or a reach is no behaviour. NaN (a phase that the type has not) stays: nobody asks for it.
        if (!(b >= number({BehaviorKind::chemotaxis, 0}) && b < number({BehaviorKind::adhesion, 0}))) value = std::max(value, 0.0);
        if (b == number({BehaviorKind::bias, 0})) value = std::min(value, 1.0);
        if (b == number({BehaviorKind::reach, 0})) value = std::max(value, 1.0);
        const auto array = static_cast<std::size_t>(slot.array);
        const std::span<float> values = slot.is_kept ? std::span<float>(agents.behavior[array]) : momentary_[array];
        values[agent] = static_cast<float>(value);
    }
}

void Behaviors::follow(Agents& agents, const Field& field, const Contacts& contacts, const ExpressionStates* states, Strike strike, Context& context) {
    if (slots_.empty() && sub_models_.empty()) return;
    MORULA_ASSERT(strike.room.size() == static_cast<std::size_t>(n_momentary_ * agents.size()));
    for (std::size_t array = 0; array < momentary_.size(); ++array) momentary_[array] = strike.room.subspan(array * agents.id.size(), agents.id.size());
    parallel_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
        Senses senses(agents, field, contacts, states, strike.minute, n_types_);
        std::vector<double> signals(signals_.size(), 0.0);
        const std::vector<double> given = step_sub_models(agents, block, strike.number, senses, signals);
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            senses.measure(i, rules_.looked_at(agents.type[i]), signals_, signals);
            set_agent(agents, i, signals, std::span(given).subspan((i - static_cast<std::size_t>(block.begin)) * n_given_, n_given_));
        }
    });
}

LifeRates Behaviors::life_rates() const {
    const auto values = [&](Behavior behavior) {
        const std::int32_t slot = slot_of_[number(behavior)];
        return slot < 0 ? std::span<const float>() : std::span<const float>(momentary_[static_cast<std::size_t>(slots_[static_cast<std::size_t>(slot)].array)]);
    };
    LifeRates rates;
    for (std::size_t phase = 0; phase < n_phases_; ++phase) rates.exit.push_back(values({BehaviorKind::phase_exit, static_cast<std::int32_t>(phase)}));
    rates.apoptosis = values({BehaviorKind::apoptosis, 0});
    rates.necrosis = values({BehaviorKind::necrosis, 0});
    return rates;
}

double Behaviors::value(const Agents& agents, std::size_t agent, Behavior behavior) const {
    const std::size_t b = number(behavior);
    if (slot_of_[b] >= 0) {
        const Slot& slot = slots_[static_cast<std::size_t>(slot_of_[b])];
        return static_cast<double>(slot.is_kept ? agents.behavior[static_cast<std::size_t>(slot.array)][agent] : momentary_[static_cast<std::size_t>(slot.array)][agent]);
    }
    const bool is_over = agents.death[agent] != Death::none && kBehaviors[static_cast<std::size_t>(behavior.kind)].at_death == AtDeath::ends;
    return is_over ? 0.0 : base_of(agents.type[agent], b);
}

Behaviors::View Behaviors::view(const Agents& agents, Behavior behavior) const {
    View view{.ends_with_life = kBehaviors[static_cast<std::size_t>(behavior.kind)].at_death == AtDeath::ends};
    const std::size_t b = number(behavior);
    if (slot_of_[b] >= 0) {
        const Slot& slot = slots_[static_cast<std::size_t>(slot_of_[b])];
        const auto array = static_cast<std::size_t>(slot.array);
        view.own = slot.is_kept ? agents.behavior[array].data() : momentary_[array].data();
    }
    for (std::size_t type = 0; type < n_types_; ++type) view.of_type.push_back(base_of(type, b));
    return view;
}

}  // namespace morula::simulation
