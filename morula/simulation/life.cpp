#include "morula/simulation/life.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"

namespace morula::simulation {
namespace {

constexpr std::int64_t kBlockAgents = 4'096;
constexpr double kHour = 60.0;
/// A cell bursts when it has swollen to so many times its volume at death.
constexpr double kRupture = 2.0;
constexpr double kRounding = 1e-6;

void enter(Agents& agents, std::size_t i, const Life& life, std::int32_t phase, double already_min) {
    const Phase& next = life.phases[static_cast<std::size_t>(phase)];
    agents.phase[i] = static_cast<std::uint8_t>(phase);
    agents.phase_min[i] = static_cast<float>(already_min);
    agents.death[i] = death_in(life, phase);
    if (next.doubles_target) agents.target_nucleus[i] *= 2.0F;
}

void die(Agents& agents, std::size_t i, const Life& life, std::int32_t phase) {
    enter(agents, i, life, phase, 0.0);
    agents.target_nucleus[i] = 0.0F;
    agents.rupture_volume[i] = static_cast<float>(kRupture * volume_of(agents, i));
}

void relax_volume(Agents& agents, std::size_t i, const Life& life, double dt) {
    const VolumeRates& rates = life.phases[agents.phase[i]].volume;
    const auto relax = [&](double value, double aim, double rate) { return aim + (value - aim) * std::exp(-rate * dt); };
    const double target = static_cast<double>(agents.target_nucleus[i]);
    const double nucleus = relax(static_cast<double>(agents.nucleus[i]), target, rates.nucleus_per_min);
    const double cytoplasm = relax(static_cast<double>(agents.cytoplasm[i]), life.cytoplasmic_ratio() * target, rates.cytoplasm_per_min);
    // fluid' = rate (share (fluid + solids) - fluid)
    const double solids = nucleus + cytoplasm;
    const double own = 1.0 - rates.fluid_share;
    const double fluid = static_cast<double>(agents.fluid[i]);
    agents.fluid[i] = static_cast<float>(own > 0.0 ? relax(fluid, rates.fluid_share * solids / own, rates.fluid_per_min * own) : fluid + rates.fluid_per_min * solids * dt);
    agents.nucleus[i] = static_cast<float>(nucleus);
    agents.cytoplasm[i] = static_cast<float>(cytoplasm);
    set_radius(agents, i);
}

double own_or(std::span<const float> own, std::size_t i, double of_type) { return own.empty() ? of_type : static_cast<double>(own[i]); }

/// True where the agent died.
bool perhaps_dies(Agents& agents, std::size_t i, const Life& life, const LifeRates& rates, double dt, Random& random) {
    const double apoptosis = life.apoptosis >= 0 ? own_or(rates.apoptosis, i, life.apoptosis_per_min) : 0.0;
    const double necrosis = life.necrosis >= 0 ? own_or(rates.necrosis, i, life.necrosis_per_min) : 0.0;
    const double rate = apoptosis + necrosis;
    if (rate == 0.0 || random.uniform() >= -std::expm1(-rate * dt)) return false;
    die(agents, i, life, random.uniform() * rate < apoptosis ? life.apoptosis : life.necrosis);
    return true;
}

enum class Fate { stays, moves_on, divides, leaves };

/// The duration of a phase over its mean. Drawn by (id, number of divisions, phase) alone, so that it need not be kept.
double relative_duration(const Agents& agents, std::size_t i, double spread, std::uint64_t seed) {
    if (spread == 0.0) return 1.0;
    const std::uint32_t which = agents.divisions[i] << 8 | agents.phase[i];
    return 1.0 + spread * (2.0 * Random(seed, Purpose::simulation_phase, agents.id[i], which).uniform() - 1.0);
}

Fate leave_phase(Agents& agents, std::size_t i, const Life& life, const LifeRates& rates, double dt, std::uint64_t seed, Random& random) {
    const Phase& phase = life.phases[agents.phase[i]];
    agents.phase_min[i] += static_cast<float>(dt);
    const std::size_t number = agents.phase[i];
    const std::span<const float> own = number < rates.exit.size() && !phase.is_dead ? rates.exit[number] : std::span<const float>();
    double already = 0.0, lasts = 0.0;
    switch (phase.exit) {
        case PhaseExit::never: return Fate::stays;
        case PhaseExit::at_rate:
            if (random.uniform() >= -std::expm1(-dt * own_or(own, i, phase.rate_per_min))) return Fate::stays;
            break;
        case PhaseExit::after_time:
            lasts = (own.empty() ? phase.duration_min : 1.0 / static_cast<double>(own[i])) * relative_duration(agents, i, phase.spread, seed);
            // Rates are floats: 1 / (1 / 930) may lie a little above 930.
            if (!(static_cast<double>(agents.phase_min[i]) >= (1.0 - kRounding) * lasts)) return Fate::stays;
            already = std::clamp(static_cast<double>(agents.phase_min[i]) - lasts, 0.0, dt);  // a rule may have shortened the phase to less than was spent in it
            break;
        case PhaseExit::at_rupture:
            if (volume_of(agents, i) < static_cast<double>(agents.rupture_volume[i])) return Fate::stays;
            break;
    }
    if (phase.next < 0) return Fate::leaves;
    enter(agents, i, life, phase.next, already);
    return phase.divides ? Fate::divides : Fate::moves_on;
}

Phase dead_phase(std::string name, PhaseExit exit, double duration, std::int32_t next, VolumeRates volume) {
    return {.name = std::move(name), .exit = exit, .rate_per_min = 0.0, .duration_min = duration, .next = next, .divides = false, .doubles_target = false, .is_dead = true, .volume = volume};
}

}  // namespace

bool can_divide(const Life& life) { return std::any_of(life.phases.begin(), life.phases.end(), [](const Phase& phase) { return phase.divides; }); }

Death death_in(const Life& life, std::int32_t phase) {
    if (!life.phases[static_cast<std::size_t>(phase)].is_dead) return Death::none;
    return phase == life.apoptosis ? Death::apoptotic : Death::necrotic;
}

double exit_rate(const Phase& phase) {
    if (phase.exit == PhaseExit::at_rate) return phase.rate_per_min;
    if (phase.exit == PhaseExit::after_time) return 1.0 / phase.duration_min;
    return std::numeric_limits<double>::quiet_NaN();
}

Life standard_life(CycleModel model) {
    Life life;
    const auto add = [&](Phase phase) { life.phases.push_back(std::move(phase)); };
    switch (model) {
        case CycleModel::none: add({.name = "alive"}); break;
        case CycleModel::live: add({.name = "live", .exit = PhaseExit::at_rate, .rate_per_min = 0.0432 / kHour, .next = 0, .divides = true, .doubles_target = true}); break;
        case CycleModel::ki67_basic:
            add({.name = "Ki67-", .exit = PhaseExit::at_rate, .rate_per_min = 1.0 / (4.59 * kHour), .next = 1});
            add({.name = "Ki67+", .exit = PhaseExit::after_time, .duration_min = 15.5 * kHour, .next = 0, .divides = true, .doubles_target = true});
            break;
        case CycleModel::ki67_advanced:
            add({.name = "Ki67-", .exit = PhaseExit::at_rate, .rate_per_min = 1.0 / (3.62 * kHour), .next = 1});
            add({.name = "Ki67+ premitotic", .exit = PhaseExit::after_time, .duration_min = 13.0 * kHour, .next = 2, .divides = true, .doubles_target = true});
            add({.name = "Ki67+ postmitotic", .exit = PhaseExit::after_time, .duration_min = 2.5 * kHour, .next = 0});
            break;
    }
    life.apoptosis = static_cast<std::int32_t>(life.phases.size());
    life.necrosis = life.apoptosis + 1;
    const VolumeRates shrinking{.fluid_per_min = 3.0 / kHour, .cytoplasm_per_min = 1.0 / kHour, .nucleus_per_min = 0.35 / kHour, .fluid_share = 0.0};
    const VolumeRates swelling{.fluid_per_min = 0.67 / kHour, .cytoplasm_per_min = 0.0032 / kHour, .nucleus_per_min = 0.013 / kHour, .fluid_share = 1.0};
    const VolumeRates burst{.fluid_per_min = 0.05 / kHour, .cytoplasm_per_min = 0.0032 / kHour, .nucleus_per_min = 0.013 / kHour, .fluid_share = 0.0};
    add(dead_phase("apoptotic", PhaseExit::after_time, 8.6 * kHour, -1, shrinking));
    add(dead_phase("necrotic, swelling", PhaseExit::at_rupture, 0.0, life.necrosis + 1, swelling));
    add(dead_phase("necrotic, burst", PhaseExit::after_time, 60.0 * 24.0 * kHour, -1, burst));
    return life;
}

void check_life(const Life& life, std::string_view type) {
    const auto refuse = [&](const std::string& what, std::string next) { invalid_data(fmt::format("Cell type '{}': {}.", type, what), std::move(next)); };
    const auto n = static_cast<std::int32_t>(life.phases.size());
    if (n < 1 || n > 255) refuse(fmt::format("it has {} phases", n), "Give 1 to 255 phases.");
    const auto check = [&](std::string_view what, double value) {
        if (!(value >= 0.0) || !std::isfinite(value)) refuse(fmt::format("{} is {}", what, value), "Give a number that is not negative.");
    };
    for (const Phase& phase : life.phases) {
        check(fmt::format("the rate of phase '{}'", phase.name), phase.rate_per_min);
        check(fmt::format("the duration of phase '{}'", phase.name), phase.duration_min);
        for (const double rate : {phase.volume.fluid_per_min, phase.volume.cytoplasm_per_min, phase.volume.nucleus_per_min}) check(fmt::format("a rate of volume in phase '{}'", phase.name), rate);
        if (!(phase.volume.fluid_share >= 0.0 && phase.volume.fluid_share <= 1.0)) refuse(fmt::format("the share of fluid in phase '{}' is {}", phase.name, phase.volume.fluid_share), "Give a number from 0 to 1.");
        if (!(phase.spread >= 0.0 && phase.spread <= 1.0)) refuse(fmt::format("the spread of phase '{}' is {}", phase.name, phase.spread), "Give a number from 0 to 1.");
        if (phase.next < -1 || phase.next >= n) refuse(fmt::format("phase '{}' leads to phase number {}", phase.name, phase.next), fmt::format("Name one of the {} phases.", n));
        if (phase.divides && phase.next < 0) refuse(fmt::format("phase '{}' divides and leads nowhere", phase.name), "Name the phase that daughters enter.");
    }
    for (const std::int32_t death : {life.apoptosis, life.necrosis}) {
        if (death < -1 || death >= n) refuse(fmt::format("dying leads to phase number {}", death), fmt::format("Name one of the {} phases.", n));
    }
    check("the rate of apoptosis", life.apoptosis_per_min);
    check("the rate of necrosis", life.necrosis_per_min);
    if (!(life.nuclear_um3 > 0.0 && life.volume_um3 > life.nuclear_um3 && std::isfinite(life.volume_um3) && life.fluid_share >= 0.0 && life.fluid_share < 1.0)) {
        refuse(fmt::format("a volume of {} um^3 with a nucleus of {} um^3 and {} fluid is no cell", life.volume_um3, life.nuclear_um3, life.fluid_share), "Give volumes above 0, the nucleus smaller than the cell.");
    }
}

void enter_life(Agents& agents, std::size_t agent, const Life& life) {
    agents.target_nucleus[agent] = static_cast<float>(life.nuclear_solid_um3());
    enter(agents, agent, life, 0, 0.0);
}

double radius_of_volume(double volume_um3) { return std::cbrt(0.75 * volume_um3 / std::numbers::pi); }

void set_radius(Agents& agents, std::size_t agent) { agents.radius[agent] = static_cast<float>(radius_of_volume(volume_of(agents, agent))); }

void begin_life(Agents& agents, std::size_t agent, const Life& life) {
    agents.phase[agent] = 0;
    agents.phase_min[agent] = 0.0F;
    agents.death[agent] = Death::none;
    agents.nucleus[agent] = agents.target_nucleus[agent] = static_cast<float>(life.nuclear_solid_um3());
    agents.cytoplasm[agent] = static_cast<float>(life.nuclear_solid_um3() * life.cytoplasmic_ratio());
    agents.fluid[agent] = static_cast<float>(life.volume_um3 * life.fluid_share);
    agents.radius[agent] = static_cast<float>(radius_of_volume(life.volume_um3));
}

PopulationEvents advance_life(Agents& agents, std::span<const Life> life, const LifeRates& rates, double dt_min, std::uint64_t seed, std::uint32_t step, Context& context) {
    std::vector<PopulationEvents> parts(static_cast<std::size_t>((agents.size() + kBlockAgents - 1) / kBlockAgents));
    parallel_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
        PopulationEvents& part = parts[static_cast<std::size_t>(block.index)];
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            const Life& own = life[agents.type[i]];
            relax_volume(agents, i, own, dt_min);
            Random random(seed, Purpose::simulation_life, agents.id[i], step);
            if (agents.death[i] == Death::none && perhaps_dies(agents, i, own, rates, dt_min, random)) {
                part.dying.push_back(static_cast<std::uint32_t>(i));
                continue;
            }
            const Fate fate = leave_phase(agents, i, own, rates, dt_min, seed, random);
            if (fate == Fate::divides) part.dividing.push_back(static_cast<std::uint32_t>(i));
            if (fate == Fate::leaves) part.leaving.push_back(static_cast<std::uint32_t>(i));
        }
    });
    PopulationEvents events;
    for (const PopulationEvents& part : parts) {
        events.dividing.insert(events.dividing.end(), part.dividing.begin(), part.dividing.end());
        events.leaving.insert(events.leaving.end(), part.leaving.begin(), part.leaving.end());
        events.dying.insert(events.dying.end(), part.dying.begin(), part.dying.end());
    }
    return events;
}

}  // namespace morula::simulation
