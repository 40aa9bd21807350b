// Simulation: which substances are due in a step, and how they are stepped or solved for.
#include <vector>

#include "morula/simulation/multigrid.hpp"
#include "morula/simulation/simulation.hpp"

namespace morula::simulation {
namespace {

/// Of steady fields, solved anew from the last ones: far below what their voxels resolve.
constexpr double kSteadyTolerance = 1e-6;

}  // namespace

bool Simulation::is_due(std::size_t substance) const {
    return model_.pace[substance] == FieldPace::stepped || step_ == 0 || (step_ + 1) % steps_a_solution_[substance] == 0;
}

void Simulation::step_fields(Context& context) {
    std::vector<std::int32_t> due, stepped;
    for (std::int32_t s = 0; s < field_.n_substances(); ++s) {
        if (is_due(static_cast<std::size_t>(s))) due.push_back(s);
        if (model_.pace[static_cast<std::size_t>(s)] == FieldPace::stepped) stepped.push_back(s);
    }
    if (due.empty()) return;
    // Cells that lie together in space, as they do once lists are built, are added up together.
    mechanics_.current_lists(agents_, context);
    const auto rates_of = [&](std::int32_t s, std::int64_t begin, std::span<float> secretion, std::span<float> clearance) { find_rates(s, begin, secretion, clearance); };
    const std::vector<VoxelRates>& rates = voxel_sums_.add_up(model_.box, agents_, due, rates_of, context);
    for (std::size_t k = 0; k < due.size(); ++k) {
        if (model_.pace[static_cast<std::size_t>(due[k])] == FieldPace::stepped) field_.set_exchange(due[k], rates[k].source, rates[k].sink, context);
    }
    for (std::int64_t f = 0; !stepped.empty() && f < fields_a_step_; ++f) {
        for (const std::int32_t s : stepped) field_.exchange(s, context);
        field_.diffuse(stepped, context);
    }
    for (std::size_t k = 0; k < due.size(); ++k) {
        if (model_.pace[static_cast<std::size_t>(due[k])] == FieldPace::steady) solve_steady(field_, due[k], rates[k].source, rates[k].sink, {.tolerance = kSteadyTolerance}, context);
    }
}

}  // namespace morula::simulation
