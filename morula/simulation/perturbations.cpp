#include "morula/simulation/perturbations.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/random.hpp"
#include "morula/core/schema.hpp"
#include "morula/simulation/behaviors.hpp"
#include "morula/simulation/model.hpp"
#include "morula/simulation/rules.hpp"

namespace morula::simulation {
namespace {

constexpr double kSameMinute = 1e-9;
constexpr double kLargestFactor = 1e6;
constexpr double kLargestDose = 1e12;  // as the highest concentration of a scenario
constexpr std::int64_t kMostInjected = 100'000'000;

using Fault = std::optional<PerturbationFault>;
using Entry = PerturbationFault::Entry;
using Kind = PerturbationFault::Kind;

bool is_time(double minute) { return minute >= 0.0 && std::isfinite(minute); }
bool is_same_minute(double a, double b) { return std::abs(a - b) < kSameMinute; }
bool is_between(double minute, double after, double until) { return minute > after + kSameMinute && minute <= until + kSameMinute; }

PerturbationFault fault(Entry entry, std::string_view key, std::string what, std::string next) { return {.entry = entry, .earlier = std::nullopt, .key = key, .what = std::move(what), .next = std::move(next)}; }
PerturbationFault fault_of_two(Entry entry, Entry earlier, std::string_view key, std::string what, std::string next) {
    return {.entry = entry, .earlier = earlier, .key = key, .what = std::move(what), .next = std::move(next)};
}

Fault fault_of_type(const Model& model, Entry entry, std::uint16_t type) {
    if (type < model.types.size()) return std::nullopt;
    return fault(entry, "type", fmt::format("one is for cell type number {}, and there are {}", type, model.types.size()), "Name a cell type of the scenario.");
}

Fault fault_of_time(Entry entry, std::string_view key, double minute) {
    if (is_time(minute)) return std::nullopt;
    return fault(entry, key, fmt::format("one is at minute {}", minute), "Give minutes of 0 or more.");
}

/// whose: "'oxygen uptake' of 'tumor'".
Fault fault_of_span(Entry entry, const TimeSpan& span, const std::string& whose) {
    if (Fault found = fault_of_time(entry, "from_min", span.from_min)) return found;
    if (span.until_min > span.from_min) return std::nullopt;
    return fault(entry, "until_min", fmt::format("that of {} ends at minute {} and begins at {}", whose, span.until_min, span.from_min), "Let it end after it begins.");
}

bool overlap(const TimeSpan& a, const TimeSpan& b) { return a.from_min < b.until_min && b.from_min < a.until_min; }

PerturbationFault two_at_a_time(Entry entry, Entry earlier, std::string_view key, const std::string& whose, double first, double second) {
    return fault_of_two(entry, earlier, key, fmt::format("two act on {} at one time, by the factors {} and {}", whose, first, second), "Keep one, or let one end before the other begins.");
}

Fault fault_of_factors(const Model& model) {
    const RuleVocabulary words = vocabulary_of(model);
    const std::vector<FactorChange>& all = model.perturbations.factors;
    for (std::size_t k = 0; k < all.size(); ++k) {
        const FactorChange& own = all[k];
        const Entry entry{Kind::factor, k};
        if (Fault found = fault_of_type(model, entry, own.type)) return found;
        const std::string& type = model.types[own.type].name;
        const std::string whose = fmt::format("'{}' of '{}'", own.behavior, type);
        if (Fault found = fault_of_span(entry, own.span, whose)) return found;
        if (!(own.factor >= 0.0) || !(own.factor <= kLargestFactor)) return fault(entry, "factor", fmt::format("the factor on {} is {:g}", whose, own.factor), fmt::format("Give a factor from 0 to {:g}.", kLargestFactor));
        const std::size_t number = find_behavior(words, own.behavior, "Perturbations");
        if (std::isnan(words.base_of(own.type, number))) return fault(entry, "behavior", fmt::format("cells of type '{}' have no behaviour '{}'", type, own.behavior), "Name a behaviour that they have.");
        for (std::size_t other = 0; other < k; ++other) {
            if (own.type != all[other].type || !overlap(own.span, all[other].span) || find_behavior(words, all[other].behavior, "Perturbations") != number) continue;
            return two_at_a_time(entry, {Kind::factor, other}, "behavior", whose, all[other].factor, own.factor);
        }
    }
    return std::nullopt;
}

/// Genes of the Regulation, and those that signals go through.
std::vector<std::string> genes_that_matter(const Model& model) {
    std::vector<std::string> names;
    if (model.expression && model.expression->regulation) names = model.expression->regulation->genes;
    if (!model.expression || !model.expression->signalling) return names;
    const SignallingModel& signals = model.expression->signalling->model();
    std::vector<std::uint8_t> is_used(signals.decoder.genes.size(), 0);
    for (const ReceptorLink& link : signals.links) {
        for (const auto* partners : {&link.ligand, &link.receptor}) {
            for (const std::int32_t gene : *partners) is_used[static_cast<std::size_t>(gene)] = 1;
        }
    }
    for (std::size_t gene = 0; gene < is_used.size(); ++gene) {
        if (is_used[gene] != 0) names.push_back(signals.decoder.genes[gene]);
    }
    return names;
}

PerturbationFault unheard_gene(Entry entry, const std::string& gene, const std::vector<std::string>& known) {
    const std::string nearest = nearest_name(gene, known);
    return fault(entry, "gene", fmt::format("no signal of the scenario goes through '{}'", gene), known.empty() ? "Name a receptor or a ligand by contact of a programme; this scenario has none that are read off states."
                                                                                                : nearest.empty() ? fmt::format("Name one of: {}.", fmt::join(known, ", "))
                                                                                                                  : fmt::format("Did you mean '{}'?", nearest));
}

Fault fault_of_genes(const Model& model) {
    const std::vector<GeneChange>& all = model.perturbations.genes;
    const std::vector<std::string> known = all.empty() ? std::vector<std::string>() : genes_that_matter(model);
    for (std::size_t k = 0; k < all.size(); ++k) {
        const GeneChange& own = all[k];
        const Entry entry{Kind::gene, k};
        if (Fault found = fault_of_type(model, entry, own.type)) return found;
        const std::string& type = model.types[own.type].name;
        const std::string whose = fmt::format("'{}' of '{}'", own.gene, type);
        if (std::find(known.begin(), known.end(), own.gene) == known.end()) return unheard_gene(entry, own.gene, known);
        if (!model.expression->kernel.has_states(own.type)) return fault(entry, "type", fmt::format("cells of type '{}' have no states to read '{}' off", type, own.gene), "Name a type that has states.");
        if (Fault found = fault_of_span(entry, own.span, whose)) return found;
        if (!(own.factor >= 0.0) || !std::isfinite(own.factor)) return fault(entry, "factor", fmt::format("the factor on {} is {}", whose, own.factor), "Give 0 or more.");
        for (std::size_t other = 0; other < k; ++other) {
            if (own.type != all[other].type || own.gene != all[other].gene || !overlap(own.span, all[other].span)) continue;
            return two_at_a_time(entry, {Kind::gene, other}, "gene", whose, all[other].factor, own.factor);
        }
    }
    return std::nullopt;
}

PerturbationFault two_doses(Entry entry, Entry earlier, const std::string& name, double minute, double first, double second) {
    return fault_of_two(entry, earlier, "minutes", fmt::format("'{}' has two doses at minute {}: {} and {}", name, minute, first, second), "Keep one of the two.");
}

Fault fault_of_points(std::size_t number, const std::string& name, const Drug& drug) {
    if (drug.points.empty()) return fault({Kind::drug, number}, "minutes", fmt::format("a drug '{}' is never given", name), "Give its doses, minute and concentration.");
    for (std::size_t k = 0; k < drug.points.size(); ++k) {
        const auto& [minute, dose] = drug.points[k];
        const Entry entry{Kind::drug, number, k};
        if (Fault found = fault_of_time(entry, "minutes", minute)) return found;
        if (!(dose >= 0.0) || !(dose <= kLargestDose)) return fault(entry, "concentrations", fmt::format("a dose of '{}' at minute {} is {:g}", name, minute, dose), fmt::format("Give a concentration from 0 to {:g}.", kLargestDose));
        if (k == 0) continue;
        const auto& [before, dose_before] = drug.points[k - 1];
        const Entry earlier{Kind::drug, number, k - 1};
        if (is_same_minute(minute, before)) return two_doses(entry, earlier, name, minute, dose_before, dose);
        if (minute < before) return fault_of_two(entry, earlier, "minutes", fmt::format("the doses of '{}' are not in the order of time: minute {} stands after {}", name, minute, before), "Sort them by minute.");
    }
    return std::nullopt;
}

/// own: number k among the drugs; other: before it.
Fault fault_of_two_drugs(const std::string& name, std::size_t k, const Drug& own, std::size_t before, const Drug& other) {
    const Entry entry{Kind::drug, k}, earlier{Kind::drug, before};
    if (own.half_life_min && other.half_life_min && *own.half_life_min != *other.half_life_min) {
        return fault_of_two(entry, earlier, "half_life", fmt::format("'{}' has two half-lives, {} and {} min", name, *other.half_life_min, *own.half_life_min), "Keep one of the two.");
    }
    if (own.route != other.route) return std::nullopt;
    if (own.shape == Drug::Shape::curve || other.shape == Drug::Shape::curve) return fault_of_two(entry, earlier, "shape", fmt::format("a curve of '{}' stands beside another curve or doses", name), "Keep one of the two.");
    for (std::size_t a = 0; a < other.points.size(); ++a) {
        for (std::size_t b = 0; b < own.points.size(); ++b) {
            if (is_same_minute(other.points[a][0], own.points[b][0])) return two_doses({Kind::drug, k, b}, {Kind::drug, before, a}, name, other.points[a][0], other.points[a][1], own.points[b][1]);
        }
    }
    return std::nullopt;
}

Fault fault_of_drugs(const Model& model) {
    const std::vector<Drug>& all = model.perturbations.drugs;
    for (std::size_t k = 0; k < all.size(); ++k) {
        const Drug& own = all[k];
        const Entry entry{Kind::drug, k};
        const auto s = static_cast<std::size_t>(own.substance);
        if (own.substance < 0 || s >= model.substances.size()) return fault(entry, "substance", "a drug is a substance that is not there", "Name a substance of the scenario.");
        const std::string& name = model.substances[s].name;
        if (Fault found = fault_of_points(k, name, own)) return found;
        if (own.half_life_min && !(*own.half_life_min > 0.0)) return fault(entry, "half_life", fmt::format("the half-life of '{}' is {} min", name, *own.half_life_min), "Give a time above 0.");
        if (own.shape == Drug::Shape::curve && own.route == Drug::Route::bath) return fault(entry, "route", fmt::format("'{}' follows a curve in the bath", name), "Let vessels or walls follow a curve, or give doses.");
        if (own.route == Drug::Route::vessels && model.fixed[s].places.empty()) return fault(entry, "route", fmt::format("'{}' comes by vessels, and no voxel holds it", name), "Give the substance walls or vessels, or give doses into the bath.");
        if (own.route == Drug::Route::bath && model.pace[s] == FieldPace::steady) return fault(entry, "route", fmt::format("'{}' is given into the bath, and as a steady substance it has no memory of doses", name), "Let its pace be stepped.");
        for (std::size_t other = 0; other < k; ++other) {
            if (all[other].substance != own.substance) continue;
            if (Fault found = fault_of_two_drugs(name, k, own, other, all[other])) return found;
        }
    }
    return std::nullopt;
}

/// Of a type at a time, in billionths of a minute, the number of the removal.
using RemovedAt = std::map<std::pair<std::uint16_t, std::int64_t>, std::size_t>;
std::int64_t tick(double minute) { return std::llround(minute / kSameMinute); }

Fault fault_of_removals(const Model& model, RemovedAt& removed_at) {
    const std::vector<Removal>& all = model.perturbations.removals;
    for (std::size_t k = 0; k < all.size(); ++k) {
        const Removal& own = all[k];
        const Entry entry{Kind::removal, k};
        if (Fault found = fault_of_type(model, entry, own.type)) return found;
        if (Fault found = fault_of_time(entry, "minute", own.minute)) return found;
        const std::string& name = model.types[own.type].name;
        if (!(own.share > 0.0 && own.share <= 1.0)) return fault(entry, "share", fmt::format("a share of {} of '{}' is taken out", own.share, name), "Give a share above 0, and 1 at most.");
        const auto [other, fresh] = removed_at.emplace(std::pair{own.type, tick(own.minute)}, k);
        if (!fresh) return fault_of_two(entry, {Kind::removal, other->second}, "minute", fmt::format("'{}' is taken out twice at minute {}", name, own.minute), "Keep one of the two.");
    }
    return std::nullopt;
}

Fault fault_of_place(Entry entry, const Injection& injection, const Grid& box, const std::string& name) {
    for (int axis = 0; axis < box.dimensions(); ++axis) {
        const auto a = static_cast<std::size_t>(axis);
        const double low = box.origin_um[a], high = low + box.size_um(axis);
        if (injection.center_um[a] - injection.radius_um >= low && injection.center_um[a] + injection.radius_um <= high) continue;
        return fault(entry, "center_um", fmt::format("cells of '{}' are put into a ball around ({}, {}, {}) um of radius {} um, which is not in the box", name, injection.center_um[0], injection.center_um[1], injection.center_um[2], injection.radius_um),
                     "Move it, make it smaller, or give a larger box.");
    }
    return std::nullopt;
}

Fault fault_of_injections(const Model& model, const RemovedAt& removed_at) {
    const std::vector<Injection>& all = model.perturbations.injections;
    for (std::size_t k = 0; k < all.size(); ++k) {
        const Injection& own = all[k];
        const Entry entry{Kind::injection, k};
        if (Fault found = fault_of_type(model, entry, own.type)) return found;
        if (Fault found = fault_of_time(entry, "minute", own.minute)) return found;
        const std::string& name = model.types[own.type].name;
        if (const auto removal = removed_at.find({own.type, tick(own.minute)}); removal != removed_at.end()) {
            return fault_of_two(entry, {Kind::removal, removal->second}, "minute", fmt::format("'{}' is taken out and put in at minute {}", name, own.minute), "Move one of the two to another minute, or keep one.");
        }
        if (own.n < 1 || own.n > kMostInjected) return fault(entry, "n", fmt::format("{} cells of '{}' are put in", own.n, name), fmt::format("Give 1 to {} cells.", kMostInjected));
        if (!(own.radius_um > 0.0) || !std::isfinite(own.radius_um)) return fault(entry, "radius_um", fmt::format("cells of '{}' are put into a ball of radius {} um", name, own.radius_um), "Give a radius above 0.");
        if (Fault found = fault_of_place(entry, own, model.box, name)) return found;
    }
    return std::nullopt;
}

double strike_of(const Model& model, double minute) { return std::ceil(minute / model.clocks.life_min - kSameMinute) * model.clocks.life_min; }

/// Factors on behaviours act from strike to strike of the life clock.
bool acts_at(const Model& model, const FactorChange& change, double minute) {
    const bool has_begun = strike_of(model, change.span.from_min) <= minute + kSameMinute;
    return has_begun && (change.span.until_min == kNeverEnds || strike_of(model, change.span.until_min) > minute + kSameMinute);
}

bool acts_at(const GeneChange& change, double minute) { return minute >= change.span.from_min - kSameMinute && minute < change.span.until_min - kSameMinute; }

/// Even in a ball, or in a disc in the plane of a flat tissue.
std::array<double, 3> place_in(const Injection& injection, const Grid& box, Random& random) {
    for (;;) {
        std::array<double, 3> from{};
        double squared = 0.0;
        for (int axis = 0; axis < box.dimensions(); ++axis) {
            from[static_cast<std::size_t>(axis)] = 2.0 * random.uniform() - 1.0;
            squared += from[static_cast<std::size_t>(axis)] * from[static_cast<std::size_t>(axis)];
        }
        if (squared > 1.0) continue;
        std::array<double, 3> place{};
        for (std::size_t axis = 0; axis < 3; ++axis) place[axis] = injection.center_um[axis] + injection.radius_um * from[axis];
        if (box.is_flat()) place[2] = box.center_um(2, 0);
        return place;
    }
}

}  // namespace

std::optional<PerturbationFault> find_perturbation_fault(const Model& model) {
    if (Fault found = fault_of_factors(model)) return found;
    if (Fault found = fault_of_genes(model)) return found;
    if (Fault found = fault_of_drugs(model)) return found;
    RemovedAt removed_at;
    if (Fault found = fault_of_removals(model, removed_at)) return found;
    return fault_of_injections(model, removed_at);
}

void check_perturbations(const Model& model) {
    if (Fault found = find_perturbation_fault(model)) invalid_data(fmt::format("Perturbations: {}.", found->what), std::move(found->next));
}

std::vector<double> factors_at(const Model& model, double minute) {
    const RuleVocabulary words = vocabulary_of(model);
    std::vector<double> factors(words.base.size(), 1.0);
    for (const FactorChange& change : model.perturbations.factors) {
        if (acts_at(model, change, minute)) factors[change.type * words.behaviors.size() + find_behavior(words, change.behavior, "Perturbations")] = change.factor;
    }
    return factors;
}

std::vector<float> gene_factors_at(const Model& model, double minute) {
    if (model.perturbations.genes.empty() || !model.expression->signalling) return {};
    const std::vector<std::string>& genes = model.expression->signalling->model().decoder.genes;
    std::vector<float> factors(model.types.size() * genes.size(), 1.0F);
    for (const GeneChange& change : model.perturbations.genes) {
        const auto gene = static_cast<std::size_t>(std::find(genes.begin(), genes.end(), change.gene) - genes.begin());
        if (acts_at(change, minute) && gene < genes.size()) factors[change.type * genes.size() + gene] = static_cast<float>(change.factor);
    }
    return factors;
}

std::vector<GeneFactor> regulated_factors_at(const Model& model, double minute) {
    std::vector<GeneFactor> factors;
    if (!model.expression || !model.expression->regulation) return factors;
    const std::vector<std::string>& genes = model.expression->regulation->genes;
    for (const GeneChange& change : model.perturbations.genes) {
        const auto gene = std::find(genes.begin(), genes.end(), change.gene) - genes.begin();
        if (acts_at(change, minute) && gene < std::ssize(genes)) factors.push_back({.type = change.type, .gene = static_cast<std::int32_t>(gene), .factor = change.factor});
    }
    return factors;
}

bool factors_change(const Model& model, double earlier_min, double later_min) {
    const auto& all = model.perturbations.factors;
    return std::any_of(all.begin(), all.end(), [&](const FactorChange& change) { return acts_at(model, change, earlier_min) != acts_at(model, change, later_min); });
}

double decay_of_drugs(const Model& model, std::int32_t substance) {
    for (const Drug& drug : model.perturbations.drugs) {
        if (drug.substance == substance && drug.half_life_min) return std::numbers::ln2 / *drug.half_life_min;
    }
    return 0.0;
}

double bath_dose(const Model& model, std::int32_t substance, double from_min, double to_min) {
    double dose = 0.0;
    for (const Drug& drug : model.perturbations.drugs) {
        if (drug.substance != substance || drug.route != Drug::Route::bath) continue;
        for (const auto& [minute, amount] : drug.points) dose += is_between(minute, from_min - 2.0 * kSameMinute, to_min - 2.0 * kSameMinute) ? amount : 0.0;
    }
    return dose;
}

std::optional<double> vessel_concentration(const Model& model, std::int32_t substance, double minute) {
    std::optional<double> sum;
    const double cleared_per_min = decay_of_drugs(model, substance);
    for (const Drug& drug : model.perturbations.drugs) {
        if (drug.substance != substance || drug.route != Drug::Route::vessels) continue;
        sum = sum.value_or(0.0);
        if (drug.shape == Drug::Shape::doses) {
            for (const auto& [at, dose] : drug.points) *sum += at <= minute + kSameMinute ? dose * std::exp(-cleared_per_min * std::max(0.0, minute - at)) : 0.0;
            continue;
        }
        const auto next = std::find_if(drug.points.begin(), drug.points.end(), [&](const auto& point) { return point[0] > minute; });
        if (next == drug.points.begin()) continue;
        const auto& [at, here] = *std::prev(next);
        *sum += next == drug.points.end() ? here : here + ((*next)[1] - here) * (minute - at) / ((*next)[0] - at);
    }
    return sum;
}

std::vector<std::uint32_t> taken_out(const Model& model, const Agents& agents, double after_min, double until_min) {
    std::vector<std::uint8_t> leaves;
    for (std::size_t k = 0; k < model.perturbations.removals.size(); ++k) {
        const Removal& removal = model.perturbations.removals[k];
        if (!is_between(removal.minute, after_min, until_min)) continue;
        leaves.resize(agents.id.size(), 0);
        std::vector<std::array<std::uint64_t, 3>> drawn;  // number, id, place
        for (std::size_t i = 0; i < agents.id.size(); ++i) {
            if ((agents.type[i] != removal.type && agents.type[i] != removal.inert) || leaves[i] != 0) continue;
            drawn.push_back({Random(model.seed, Purpose::simulation_perturbation, agents.id[i], static_cast<std::uint32_t>(k)).next_u64(), agents.id[i], i});
        }
        std::sort(drawn.begin(), drawn.end());
        drawn.resize(static_cast<std::size_t>(std::llround(removal.share * static_cast<double>(drawn.size()))));
        for (const auto& [number, id, place] : drawn) leaves[place] = 1;
    }
    std::vector<std::uint32_t> places;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        if (leaves[i] != 0) places.push_back(static_cast<std::uint32_t>(i));
    }
    return places;
}

std::int64_t put_in(const Model& model, Agents& agents, double after_min, double until_min) {
    const std::int64_t before = agents.size();
    for (std::size_t k = 0; k < model.perturbations.injections.size(); ++k) {
        const Injection& injection = model.perturbations.injections[k];
        if (!is_between(injection.minute, after_min, until_min)) continue;
        const std::int64_t own = injection.number.value_or(static_cast<std::int64_t>(k));
        for (std::int64_t number = 0; number < injection.n; ++number) {
            const std::uint64_t id = injected_id(own, number);
            // Those of other perturbations of the model are kept apart by the injection's own step.
            Random random(model.seed, Purpose::simulation_perturbation, id, static_cast<std::uint32_t>(own));
            add_agent(agents, id, injection.type, place_in(injection, model.box, random), 0.0F);
        }
    }
    return agents.size() - before;
}

}  // namespace morula::simulation
