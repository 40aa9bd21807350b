#include "morula/simulation/encounters.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"

namespace morula::simulation {
namespace {

constexpr std::int64_t kBlockAgents = 4'096;

bool is_alive(const Agents& agents, std::size_t i) { return agents.death[i] == Death::none; }

/// Of one kind of behaviour towards each type.
std::vector<Behaviors::View> views_by_type(const Agents& agents, const Behaviors& behaviors, BehaviorKind kind, std::size_t n_types) {
    std::vector<Behaviors::View> views;
    for (std::size_t type = 0; type < n_types; ++type) views.push_back(behaviors.view(agents, {kind, static_cast<std::int32_t>(type)}));
    return views;
}

/// Whether the agent does it to some type.
bool does_any(const std::vector<Behaviors::View>& views, const Agents& agents, std::size_t i) {
    return std::any_of(views.begin(), views.end(), [&](const Behaviors::View& view) { return view.at(agents, i) > 0.0; });
}

/// Rates of attack of everybody on everybody.
class Attacks {
public:
    Attacks(const Agents& agents, const Behaviors& behaviors, std::size_t n_types)
        : agents_(agents), rate_(views_by_type(agents, behaviors, BehaviorKind::attacks, n_types)), immunogenicity_(views_by_type(agents, behaviors, BehaviorKind::immunogenicity, n_types)) {}

    bool by(std::size_t attacker) const { return does_any(rate_, agents_, attacker); }
    bool on_type(std::size_t type) const { return !rate_[type].is_nothing(); }
    double rate(std::size_t attacker, std::size_t attacked) const {
        const double rate = rate_[agents_.type[attacked]].at(agents_, attacker);
        return rate == 0.0 ? 0.0 : rate * immunogenicity_[agents_.type[attacker]].at(agents_, attacked);
    }

private:
    const Agents& agents_;
    std::vector<Behaviors::View> rate_;            // one a type that is attacked
    std::vector<Behaviors::View> immunogenicity_;  // one a type that attacks
};

/// Of each living agent: minutes that it spends on an agent that it attacks, for each unit of its rate for it.
std::vector<float> attack_minutes(const Agents& agents, const Behaviors& behaviors, const Attacks& attacks, const Contacts& contacts, double dt_min, Context& context) {
    std::vector<float> minutes(agents.id.size(), 0.0F);
    parallel_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            if (!is_alive(agents, i) || !attacks.by(i)) continue;
            double rate = 0.0;
            contacts.of(i, [&](std::uint32_t j) { rate += is_alive(agents, j) ? attacks.rate(i, j) : 0.0; });
            if (rate == 0.0) continue;
            const double lasts = behaviors.value(agents, i, {BehaviorKind::attack_min, 0});
            minutes[i] = static_cast<float>(dt_min * lasts / (1.0 + rate * lasts));
        }
    });
    return minutes;
}

/// A deed that an agent may do, and its rate.
struct Choice {
    Encounter deed;
    double rate = 0.0;
    std::uint64_t id = 0;  // of the other
};

class Chooser {
public:
    Chooser(const Agents& agents, const Behaviors& behaviors, const Contacts& contacts, std::span<const std::uint8_t> is_busy, std::size_t n_types)
        : agents_(agents), behaviors_(behaviors), contacts_(contacts), is_busy_(is_busy), n_types_(n_types) {
        const auto may = [&](BehaviorKind kind) { return behaviors.may_happen(kind); };
        may_eat_dead_ = may(BehaviorKind::eats_dead) || may(BehaviorKind::eats_apoptotic) || may(BehaviorKind::eats_necrotic);
        may_eat_ = may(BehaviorKind::eats);
        may_fuse_ = may(BehaviorKind::fuses);
        may_become_ = may(BehaviorKind::becomes);
        for (const BehaviorKind kind : {BehaviorKind::eats_dead, BehaviorKind::eats_apoptotic, BehaviorKind::eats_necrotic}) {
            if (may_eat_dead_) to_touched_.push_back(behaviors.view(agents, {kind, 0}));
        }
        for (const BehaviorKind kind : {BehaviorKind::eats, BehaviorKind::fuses}) {
            if (!may(kind)) continue;
            const std::vector<Behaviors::View> views = views_by_type(agents, behaviors, kind, n_types);
            to_touched_.insert(to_touched_.end(), views.begin(), views.end());
        }
    }

    bool nothing_happens() const { return !may_eat_dead_ && !may_eat_ && !may_fuse_ && !may_become_; }

    /// Nothing: empty. The order of the choices does not depend on that of the arrays.
    const std::vector<Choice>& of(std::size_t i) {
        choices_.clear();
        if (!is_alive(agents_, i) || is_busy_[i] != 0) return choices_;
        // Most agents do nothing to those whom they touch: then nobody need be looked for.
        if (does_any(to_touched_, agents_, i)) contacts_.of(i, [&](std::uint32_t j) { add_touched(i, j); });
        std::sort(choices_.begin(), choices_.end(), [](const Choice& a, const Choice& b) { return a.id != b.id ? a.id < b.id : a.deed.kind < b.deed.kind; });
        for (std::size_t type = 0; may_become_ && type < n_types_; ++type) {
            if (type != agents_.type[i]) add(i, {Encounter::Kind::becomes, 0, 0, static_cast<std::uint16_t>(type)}, value(i, BehaviorKind::becomes, type));
        }
        return choices_;
    }

private:
    double value(std::size_t i, BehaviorKind kind, std::size_t of) const { return behaviors_.value(agents_, i, {kind, static_cast<std::int32_t>(of)}); }

    void add_touched(std::size_t i, std::uint32_t j) {
        if (is_busy_[j] != 0) return;
        const Encounter eats{Encounter::Kind::eats, 0, j, 0};
        if (!is_alive(agents_, j)) {
            if (may_eat_dead_) add(i, eats, value(i, BehaviorKind::eats_dead, 0) + value(i, agents_.death[j] == Death::apoptotic ? BehaviorKind::eats_apoptotic : BehaviorKind::eats_necrotic, 0));
            return;
        }
        if (may_eat_) add(i, eats, value(i, BehaviorKind::eats, agents_.type[j]));
        if (may_fuse_) add(i, {Encounter::Kind::fuses, 0, j, 0}, value(i, BehaviorKind::fuses, agents_.type[j]));
    }
    void add(std::size_t i, Encounter deed, double rate) {
        if (!(rate > 0.0)) return;
        deed.actor = static_cast<std::uint32_t>(i);
        choices_.push_back({deed, rate, agents_.id[deed.other]});
    }

    const Agents& agents_;
    const Behaviors& behaviors_;
    const Contacts& contacts_;
    std::span<const std::uint8_t> is_busy_;
    std::size_t n_types_;
    bool may_eat_dead_ = false, may_eat_ = false, may_fuse_ = false, may_become_ = false;
    std::vector<Behaviors::View> to_touched_;
    std::vector<Choice> choices_;
};

void choose(const std::vector<Choice>& choices, double dt_min, Random random, std::vector<Encounter>& found) {
    double rate = 0.0;
    for (const Choice& choice : choices) rate += choice.rate;
    if (rate == 0.0 || random.uniform() >= -std::expm1(-rate * dt_min)) return;
    double left = random.uniform() * rate;
    std::size_t k = 0;
    for (; k + 1 < choices.size() && left >= choices[k].rate; ++k) left -= choices[k].rate;
    found.push_back(choices[k].deed);
}

/// Those that are in time: nobody acts or suffers once gone.
std::vector<Encounter> first_come(std::vector<Encounter> all, const Agents& agents) {
    std::sort(all.begin(), all.end(), [&](const Encounter& a, const Encounter& b) { return agents.id[a.actor] < agents.id[b.actor]; });
    std::vector<std::uint8_t> is_gone(agents.id.size(), 0);
    std::vector<Encounter> kept;
    for (const Encounter& deed : all) {
        const bool takes = deed.kind != Encounter::Kind::becomes;
        if (is_gone[deed.actor] != 0 || (takes && is_gone[deed.other] != 0)) continue;
        if (takes) is_gone[deed.other] = 1;
        kept.push_back(deed);
    }
    return kept;
}

void fuse(Agents& agents, std::size_t i, std::size_t j) {
    const double own = volume_of(agents, i), other = volume_of(agents, j);
    for (std::vector<double>* at : {&agents.x, &agents.y, &agents.z}) (*at)[i] = (own * (*at)[i] + other * (*at)[j]) / (own + other);
    for (std::vector<float>* volume : {&agents.fluid, &agents.nucleus, &agents.cytoplasm, &agents.target_nucleus}) (*volume)[i] += (*volume)[j];
}

}  // namespace

void take_damage(Agents& agents, const Behaviors& behaviors, const Contacts& contacts, std::size_t n_types, double dt_min, Context& context) {
    const bool some_attack = behaviors.may_happen(BehaviorKind::attacks);
    if (!some_attack && !behaviors.may_happen(BehaviorKind::damage)) return;
    std::optional<Attacks> attacks;
    if (some_attack) attacks.emplace(agents, behaviors, n_types);
    const std::vector<float> minutes = attacks ? attack_minutes(agents, behaviors, *attacks, contacts, dt_min, context) : std::vector<float>();
    const Behaviors::View attack_damage = behaviors.view(agents, {BehaviorKind::attack_damage, 0}), own_damage = behaviors.view(agents, {BehaviorKind::damage, 0}), own_repair = behaviors.view(agents, {BehaviorKind::repair, 0});
    parallel_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            if (!is_alive(agents, i)) continue;
            double attacked = 0.0, damage = static_cast<double>(agents.damage[i]);
            if (attacks && attacks->on_type(agents.type[i])) {
                contacts.of(i, [&](std::uint32_t j) {
                    if (minutes[j] == 0.0F) return;
                    const double here = static_cast<double>(minutes[j]) * attacks->rate(j, i);
                    attacked += here;
                    damage += here * attack_damage.at(agents, j);
                });
            }
            const double rate = own_damage.at(agents, i);
            const double repair = own_repair.at(agents, i);
            damage = repair > 0.0 ? rate / repair + (damage - rate / repair) * std::exp(-repair * dt_min) : damage + rate * dt_min;
            agents.damage[i] = static_cast<float>(damage);
            agents.attacked_min[i] += static_cast<float>(attacked);
        }
    });
}

std::vector<Encounter> find_encounters(const Agents& agents, const Behaviors& behaviors, const Contacts& contacts, const PopulationEvents& busy, std::size_t n_types, double dt_min, std::uint64_t seed,
                                       std::uint32_t step, Context& context) {
    std::vector<std::uint8_t> is_busy;
    if (Chooser(agents, behaviors, contacts, is_busy, n_types).nothing_happens()) return {};
    is_busy.assign(agents.id.size(), 0);
    for (const auto* places : {&busy.dividing, &busy.leaving, &busy.dying}) {
        for (const std::uint32_t place : *places) is_busy[place] = 1;
    }
    std::vector<std::vector<Encounter>> parts(static_cast<std::size_t>((agents.size() + kBlockAgents - 1) / kBlockAgents));
    parallel_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
        Chooser chooser(agents, behaviors, contacts, is_busy, n_types);
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            const std::vector<Choice>& choices = chooser.of(i);
            if (!choices.empty()) choose(choices, dt_min, Random(seed, Purpose::simulation_encounter, agents.id[i], step), parts[static_cast<std::size_t>(block.index)]);
        }
    });
    std::vector<Encounter> all;
    for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
    return first_come(std::move(all), agents);
}

void turn_into(Agents& agents, std::size_t agent, std::uint16_t type, const Model& model, const Behaviors& behaviors) {
    agents.type[agent] = type;
    enter_life(agents, agent, model.types[type].life);
    behaviors.begin(agents, agent);
}

std::map<std::uint64_t, std::uint16_t> types_of_daughters(const Agents& agents, const Behaviors& behaviors, std::span<const std::uint32_t> dividing, std::size_t n_types, std::uint64_t seed, std::uint32_t step) {
    std::map<std::uint64_t, std::uint16_t> types;
    if (dividing.empty() || !behaviors.may_happen(BehaviorKind::divides_into)) return types;
    const std::vector<Behaviors::View> views = views_by_type(agents, behaviors, BehaviorKind::divides_into, n_types);
    std::vector<double> share(n_types);
    for (const std::uint32_t mother : dividing) {
        double sum = 0.0;
        for (std::size_t type = 0; type < n_types; ++type) sum += share[type] = type == agents.type[mother] ? 0.0 : views[type].at(agents, mother);
        if (sum == 0.0) continue;
        double left = Random(seed, Purpose::simulation_encounter, agents.id[mother], step).uniform() * std::max(1.0, sum);
        for (std::size_t type = 0; type < n_types; left -= share[type++]) {
            if (left >= share[type]) continue;
            types[agents.id[mother]] = static_cast<std::uint16_t>(type);
            break;
        }
    }
    return types;
}

void apply_encounters(Agents& agents, std::span<const Encounter> encounters, const Model& model, const Behaviors& behaviors, PopulationEvents& events) {
    for (const Encounter& deed : encounters) {
        const std::size_t i = deed.actor, j = deed.other;
        switch (deed.kind) {
            case Encounter::Kind::eats:
                agents.fluid[i] += agents.fluid[j];
                agents.cytoplasm[i] += agents.nucleus[j] + agents.cytoplasm[j];
                break;
            case Encounter::Kind::fuses: fuse(agents, i, j); break;
            case Encounter::Kind::becomes:
                turn_into(agents, i, deed.type, model, behaviors);
                continue;
        }
        set_radius(agents, i);
        events.leaving.push_back(deed.other);
    }
}

}  // namespace morula::simulation
