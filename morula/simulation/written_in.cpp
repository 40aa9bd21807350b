#include "morula/simulation/written_in.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "morula/core/error.hpp"
#include "morula/simulation/behaviors.hpp"
#include "morula/simulation/sub_model.hpp"

namespace morula::simulation {
namespace {

/// A rule, or what a sub-model gives on a signal, with its names as numbers.
struct Link {
    std::size_t type = 0;
    std::optional<Signal> signal{};  // none: of a sub-model, whatever it reads
    Behavior behavior{};
};

std::vector<Link> links_of(const Model& model) {
    std::vector<Link> links;
    if (model.rules.empty() && !has_sub_models(model)) return links;
    const RuleVocabulary words = vocabulary_of(model);
    const std::vector<Signal> signals = signals_of(model);
    const std::vector<Behavior> behaviors = behaviors_of(model);
    for (const knowledge::BehaviorRule& rule : model.rules) {
        const auto type = std::find(words.types.begin(), words.types.end(), rule.cell_type);
        MORULA_ASSERT(type != words.types.end());
        links.push_back({static_cast<std::size_t>(type - words.types.begin()), signals[find_signal(words, rule.signal, model.rules_source)], behaviors[find_behavior(words, rule.behavior, model.rules_source)]});
    }
    const std::vector<AttachedSubModel> attached = attached_sub_models(model, words);
    for (std::size_t type = 0; type < attached.size(); ++type) {
        for (const std::int32_t behavior : attached[type].gives) {
            links.push_back({type, std::nullopt, behaviors[static_cast<std::size_t>(behavior)]});
            for (const std::int32_t signal : attached[type].reads) links.push_back({type, signals[static_cast<std::size_t>(signal)], behaviors[static_cast<std::size_t>(behavior)]});
        }
    }
    return links;
}

bool holds(const std::vector<std::uint16_t>& types, std::size_t type) { return std::find(types.begin(), types.end(), type) != types.end(); }

/// What a layer lets through, what flows between two sides, or how far a body reaches, depends on where cells are, not on what they exchange.
bool is_of_exchange(ReadoutKind kind) { return kind != ReadoutKind::barrier && kind != ReadoutKind::exchange && kind != ReadoutKind::extent; }

bool is_at_type(BehaviorKind kind) {
    return kind == BehaviorKind::eats || kind == BehaviorKind::attacks || kind == BehaviorKind::fuses || kind == BehaviorKind::becomes || kind == BehaviorKind::divides_into;
}

bool is_eating_of_dead(BehaviorKind kind) { return kind == BehaviorKind::eats_dead || kind == BehaviorKind::eats_apoptotic || kind == BehaviorKind::eats_necrotic; }

/// One read-out of a checked model.
class Statements {
public:
    Statements(const Model& model, const Readout& readout) : model_(model), readout_(readout), links_(links_of(model)) {}

    bool counts(std::size_t type, Intervention intervention) const {
        if (holds(readout_.types, type) || holds(readout_.others, type)) return true;
        if (!readout_.types.empty()) return false;
        switch (readout_.kind) {
            case ReadoutKind::barrier:
            case ReadoutKind::extent: return true;
            case ReadoutKind::clearance: return !readout_.others.empty();
            case ReadoutKind::oxygenation: return intervention == Intervention::remove;
            default: return false;
        }
    }

    bool exchanges(std::size_t type) const {
        if (!is_of_exchange(readout_.kind)) return false;
        const SubstanceExchange& own = model_.types[type].exchange[static_cast<std::size_t>(readout_.substance)];
        if (own.secretion_per_min > 0.0 || own.uptake_per_min > 0.0 || own.exported_per_min > 0.0) return true;
        return std::any_of(links_.begin(), links_.end(), [&](const Link& link) { return link.type == type && changes_exchange(link); });
    }

    bool joins(std::size_t type) const {
        for (const Link& link : links_) {
            const bool names_it = link.signal && link.signal->kind == SignalKind::touches_type && static_cast<std::size_t>(link.signal->of) == type;
            const bool is_deed = is_at_type(link.behavior.kind);
            const auto other = static_cast<std::size_t>(link.behavior.of);
            if (names_it && (changes_exchange(link) || is_of(link.type) || (is_deed && is_of(other)))) return true;
            if (is_deed && ((link.type == type && is_of(other)) || (other == type && is_of(link.type)))) return true;
            if (link.type == type && is_eating_of_dead(link.behavior.kind) && counts_dead()) return true;
        }
        const CellEncounters& own = model_.types[type].encounters;
        if (counts_dead() && (own.eats_dead > 0.0 || own.eats_apoptotic > 0.0 || own.eats_necrotic > 0.0)) return true;
        for (std::size_t other = 0; other < model_.types.size(); ++other) {
            if (other != type && is_of(other) && (meets(type, other) || meets(other, type))) return true;
        }
        return false;
    }

private:
    bool changes_exchange(const Link& link) const { return is_of_exchange(readout_.kind) && link.behavior.kind <= BehaviorKind::exported && link.behavior.of == readout_.substance; }
    bool counts_dead() const { return readout_.kind == ReadoutKind::extent || readout_.kind == ReadoutKind::oxygenation || (readout_.kind == ReadoutKind::clearance && !readout_.others.empty()); }
    /// One of the read-out's types: see the header.
    bool is_of(std::size_t type) const {
        if (holds(readout_.types, type) || holds(readout_.others, type)) return true;
        return readout_.types.empty() && (readout_.kind == ReadoutKind::barrier || readout_.kind == ReadoutKind::extent || exchanges(type));
    }
    bool meets(std::size_t from, std::size_t to) const {
        const CellEncounters& own = model_.types[from].encounters;
        return own.eats[to] > 0.0 || own.attacks[to] > 0.0 || own.fuses[to] > 0.0 || own.becomes[to] > 0.0 || own.divides_into[to] > 0.0;
    }

    const Model& model_;
    const Readout& readout_;
    std::vector<Link> links_;
};

}  // namespace

bool is_written_in(const Model& model, std::size_t type, const Readout& readout, Intervention intervention) {
    MORULA_ASSERT(type < model.types.size());
    const Statements statements(model, readout);
    return statements.counts(type, intervention) || statements.exchanges(type) || statements.joins(type);
}

}  // namespace morula::simulation
