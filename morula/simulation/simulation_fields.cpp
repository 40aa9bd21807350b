// Simulation: which substances are due in a step, and how they are stepped or solved for.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/simulation/medium.hpp"
#include "morula/simulation/multigrid.hpp"
#include "morula/simulation/perturbations.hpp"
#include "morula/simulation/simulation.hpp"

namespace morula::simulation {
namespace {

/// Of steady fields, solved anew from the last ones: far below what their voxels resolve.
constexpr double kSteadyTolerance = 1e-6;
/// Of uptake that saturates: Newton's rounds go on until no voxel changes by more of the highest concentration. The law is concave: from the second round on they come from below.
constexpr double kSaturationTolerance = 1e-5;
constexpr std::int32_t kMostRounds = 60;
constexpr std::int64_t kBlockAgents = 4'096;
constexpr std::int64_t kBlockRows = 64;

/// What the scenario's own sources bring in, on top of what cells do.
void add_sources(const Model& model, std::int32_t substance, const VoxelRates& rates, Context& context) {
    const Grid& box = model.box;
    for (const BulkSource& source : model.sources) {
        if (source.substance != substance) continue;
        for (const std::int64_t place : source.places) rates.source[static_cast<std::size_t>(place)] += source.rate_per_min;
        if (!source.places.empty()) continue;
        parallel_blocks(context, box.n[1] * box.n[2], kBlockRows, [&](Block rows) {
            for (std::int64_t row = rows.begin; row < rows.end; ++row) {
                for (double& rate : rates.source.subspan(static_cast<std::size_t>(row * box.stride()), static_cast<std::size_t>(box.n[0]))) rate += source.rate_per_min;
            }
        });
    }
}

}  // namespace

bool Simulation::is_due(std::size_t substance) const {
    return model_.pace[substance] == FieldPace::stepped || (step_ > 0 && (step_ + 1) % steps_a_solution_[substance] == 0);
}

bool Simulation::saturates(std::size_t substance) const {
    return std::any_of(model_.types.begin(), model_.types.end(), [&](const CellType& type) { return type.exchange[substance].half_uptake > 0.0; });
}

void Simulation::saturate(UptakeLaw law, std::int32_t substance, std::int64_t begin, std::span<float> secretion, std::span<float> clearance) const {
    const Behaviors::View uptake = behaviors_.view(agents_, {BehaviorKind::uptake, substance});
    const Grid& box = model_.box;
    for (std::size_t k = 0; k < secretion.size(); ++k) {
        const std::size_t i = static_cast<std::size_t>(begin) + k;
        const double half = model_.types[agents_.type[i]].exchange[static_cast<std::size_t>(substance)].half_uptake;
        if (half == 0.0) continue;
        const double c = field_.values(substance)[static_cast<std::size_t>(box.place(nearest_voxel(box, 0, agents_.x[i]), nearest_voxel(box, 1, agents_.y[i]), nearest_voxel(box, 2, agents_.z[i])))];
        const double whole = volume_of(agents_, i) * uptake.at(agents_, i), left = half / (half + c);
        // u c / (1 + c / h) = u left c; its slope is u left^2, and the tangent meets c = 0 at u left (1 - left) c.
        clearance[k] -= static_cast<float>(whole * (1.0 - (law == UptakeLaw::chord ? left : left * left)));
        if (law == UptakeLaw::tangent) secretion[k] -= static_cast<float>(whole * left * (1.0 - left) * c);
    }
}

/// The scenario's own fixed voxels come last: they hold against the medium, at what drugs make of them.
void Simulation::hold_medium(std::int32_t substance, Context& context) {
    const auto s = static_cast<std::size_t>(substance);
    std::vector<std::int64_t> places = medium_voxels(model_.box, bin_agents(model_.box, agents_.x, agents_.y, agents_.z, context).place, context);
    std::vector<double> concentrations(places.size(), *model_.medium[s]);
    places.insert(places.end(), model_.fixed[s].places.begin(), model_.fixed[s].places.end());
    const double drugs = vessel_concentration(model_, substance, minute()).value_or(0.0);
    for (const double concentration : model_.fixed[s].concentrations) concentrations.push_back(concentration + drugs);
    field_.fix(substance, places, concentrations, context);
}

void Simulation::solve_field(std::int32_t substance, Context& context) {
    const auto s = static_cast<std::size_t>(substance);
    if (model_.medium[s]) hold_medium(substance, context);
    const bool saturates = this->saturates(s);
    const auto rates_of = [&](std::int32_t of, std::int64_t begin, std::span<float> secretion, std::span<float> clearance) {
        find_rates(of, begin, secretion, clearance);
        if (saturates) saturate(UptakeLaw::tangent, of, begin, secretion, clearance);
    };
    std::vector<double> before;
    for (std::int32_t round = 0; round < kMostRounds; ++round) {
        const VoxelRates rates = add_up_voxels(model_.box, agents_, std::span(&substance, 1), rates_of, mechanics_.workspace(), context).front();
        add_sources(model_, substance, rates, context);
        before.assign(field_.values(substance).begin(), field_.values(substance).end());
        solve_steady(field_, substance, rates.source, rates.sink, {.tolerance = kSteadyTolerance}, context);
        if (!saturates) return;
        double change = 0.0, highest = 0.0;
        for (std::size_t v = 0; v < before.size(); ++v) {
            double& value = field_.values(substance)[v];
            value = std::max(0.0, value);
            change = std::max(change, std::abs(value - before[v]));
            highest = std::max(highest, value);
        }
        if (change <= kSaturationTolerance * highest) return;
    }
    invalid_data(fmt::format("The steady field of '{}' was not found: its uptake saturates so sharply that {} rounds were not enough.", model_.substances[s].name, kMostRounds), "Give a larger uptake_half.");
}

/// So that minute 0 can be read, and what has no solution is known before anything is written. The first step finds what it would have solved for.
void Simulation::solve_start(Context& context) {
    hold_vessels();
    for (std::int32_t s = 0; s < field_.n_substances(); ++s) {
        if (model_.pace[static_cast<std::size_t>(s)] != FieldPace::steady) continue;
        mechanics_.current_lists(agents_, context);
        solve_field(s, context);
    }
}

/// Of the start, in the scenario's words.
void Simulation::check_steady(Context& context) const {
    for (std::int32_t substance = 0; substance < field_.n_substances(); ++substance) {
        const auto s = static_cast<std::size_t>(substance);
        if (model_.pace[s] != FieldPace::steady || field_.substance(substance).decay_per_min > 0.0 || !model_.fixed[s].places.empty() || model_.medium[s]) continue;
        const double cleared = sum_blocks(context, agents_.size(), kBlockAgents, [&](Block block) {
            std::vector<float> secretion(static_cast<std::size_t>(block.size())), clearance(secretion.size());
            find_rates(substance, block.begin, secretion, clearance);
            return std::accumulate(clearance.begin(), clearance.end(), 0.0);
        });
        if (cleared > 0.0) continue;
        invalid_data(fmt::format("'{}' has no steady field: nothing takes it away.", model_.substances[s].name), "Give it a decay, uptake by cells, or voxels of a fixed concentration.");
    }
}

void Simulation::step_fields(Context& context) {
    std::vector<std::int32_t> stepped, solved;
    for (std::int32_t s = 0; s < field_.n_substances(); ++s) {
        if (!is_due(static_cast<std::size_t>(s))) continue;
        (model_.pace[static_cast<std::size_t>(s)] == FieldPace::stepped ? stepped : solved).push_back(s);
    }
    if (stepped.empty() && solved.empty()) return;
    // Cells that lie together in space, as they do once lists are built, are added up together.
    mechanics_.current_lists(agents_, context);
    if (!stepped.empty()) {
        const auto rates_of = [&](std::int32_t s, std::int64_t begin, std::span<float> secretion, std::span<float> clearance) {
            find_rates(s, begin, secretion, clearance);
            if (saturates(static_cast<std::size_t>(s))) saturate(UptakeLaw::chord, s, begin, secretion, clearance);
        };
        const std::vector<VoxelRates> rates = add_up_voxels(model_.box, agents_, stepped, rates_of, mechanics_.workspace(), context);
        for (std::size_t k = 0; k < stepped.size(); ++k) {
            add_sources(model_, stepped[k], rates[k], context);
            field_.set_exchange(stepped[k], rates[k].source, rates[k].sink, context);
        }
        for (std::int64_t f = 0; f < fields_a_step_; ++f) {
            for (const std::int32_t s : stepped) field_.exchange(s, context);
            field_.diffuse(stepped, context);
        }
    }
    for (const std::int32_t s : solved) solve_field(s, context);
}

}  // namespace morula::simulation
