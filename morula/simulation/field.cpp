#include "morula/simulation/field.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <set>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::simulation {
namespace {

constexpr std::int64_t kBlockVoxels = 16'384;

void check_substances(const std::vector<Substance>& substances, double dt_min) {
    if (!(dt_min > 0.0) || !std::isfinite(dt_min)) invalid_data(fmt::format("The field step is {} min.", dt_min), "Give a step above 0.");
    std::set<std::string_view> names;
    for (const Substance& s : substances) {
        if (s.name.empty()) invalid_data("A substance has no name.", "Name every substance.");
        if (!names.insert(s.name).second) invalid_data(fmt::format("There are two substances '{}'.", s.name), "Give each substance its own name.");
        const auto check = [&](std::string_view what, double value) {
            if (!(value >= 0.0) || !std::isfinite(value)) {
                invalid_data(fmt::format("Substance '{}': {} is {}.", s.name, what, value), "Give a number that is not negative.");
            }
        };
        check("the diffusion constant (um^2/min)", s.diffusion_um2_per_min);
        check("the decay (1/min)", s.decay_per_min);
        check("the initial concentration", s.initial);
    }
}

}  // namespace

Field::Field(const Grid& grid, std::vector<Substance> substances, double dt_min, Context& context)
    : grid_(grid), substances_(std::move(substances)), dt_min_(dt_min) {
    check_grid(grid_);
    check_substances(substances_, dt_min_);
    context.require_memory(8 * grid_.n_stored() * n_substances(), "the concentrations");
    for (const Substance& substance : substances_) {
        std::vector<double>& values = values_.emplace_back(static_cast<std::size_t>(grid_.n_stored()), 0.0);
        Plan& plan = plans_.emplace_back();
        for (int axis = 0; axis < grid_.dimensions(); ++axis) plan.axis[static_cast<std::size_t>(axis)] = plan_axis(axis, substance, {});
        for (std::int64_t row = 0; row < grid_.n[1] * grid_.n[2]; ++row) {
            std::fill_n(values.begin() + row * grid_.stride(), grid_.n[0], substance.initial);
        }
    }
}

std::int32_t Field::find(std::string_view name) const {
    std::vector<std::string_view> names;
    for (std::size_t s = 0; s < substances_.size(); ++s) {
        if (substances_[s].name == name) return static_cast<std::int32_t>(s);
        names.push_back(substances_[s].name);
    }
    fail(ErrorCode::not_found, fmt::format("There is no substance '{}'.", name), fmt::format("The substances are: {}.", fmt::join(names, ", ")));
}

void Field::fix(std::int32_t s, std::span<const std::int64_t> places, std::span<const double> concentrations, Context& context) {
    MORULA_ASSERT(places.size() == concentrations.size());
    const Substance& substance = this->substance(s);
    Plan& plan = plans_[static_cast<std::size_t>(s)];
    plan.is_free.clear();
    if (!places.empty()) {
        context.require_memory(8 * grid_.n_stored(), "the fixed voxels");
        plan.is_free.assign(static_cast<std::size_t>(grid_.n_stored()), 1.0);
    }
    for (std::size_t k = 0; k < places.size(); ++k) {
        const std::int64_t place = places[k];
        MORULA_ASSERT(place >= 0 && place < grid_.n_stored() && place % grid_.stride() < grid_.n[0]);
        if (!std::isfinite(concentrations[k])) {
            invalid_data(fmt::format("Substance '{}': a voxel is fixed at {}.", substance.name, concentrations[k]), "Give a concentration.");
        }
        plan.is_free[static_cast<std::size_t>(place)] = 0.0;
        values(s)[static_cast<std::size_t>(place)] = concentrations[k];
    }
    for (int axis = 0; axis < grid_.dimensions(); ++axis) plan.axis[static_cast<std::size_t>(axis)] = plan_axis(axis, substance, plan.is_free);
}

bool Field::is_fixed(std::int32_t s, std::int64_t place) const {
    const std::vector<double>& is_free = plans_[static_cast<std::size_t>(s)].is_free;
    return !is_free.empty() && is_free[static_cast<std::size_t>(place)] == 0.0;
}

void Field::set_exchange(std::int32_t s, std::span<const double> source, std::span<const double> sink, Context& context) {
    MORULA_ASSERT(static_cast<std::int64_t>(source.size()) == grid_.n_stored() && sink.size() == source.size());
    Plan& plan = plans_[static_cast<std::size_t>(s)];
    plan.add.resize(source.size());
    plan.keep.resize(source.size());
    parallel_blocks(context, grid_.n_stored(), kBlockVoxels, [&](Block block) {
        for (auto v = static_cast<std::size_t>(block.begin); v < static_cast<std::size_t>(block.end); ++v) {
            const double is_free = plan.is_free.empty() ? 1.0 : plan.is_free[v];
            plan.add[v] = is_free * dt_min_ * source[v];
            plan.keep[v] = 1.0 / (1.0 + is_free * dt_min_ * sink[v]);
        }
    });
}

void Field::exchange(std::int32_t s, Context& context) {
    const Plan& plan = plans_[static_cast<std::size_t>(s)];
    if (plan.add.empty()) return;
    const std::span<double> c = values(s);
    parallel_blocks(context, grid_.n_stored(), kBlockVoxels, [&](Block block) {
        for (auto v = static_cast<std::size_t>(block.begin); v < static_cast<std::size_t>(block.end); ++v) c[v] = (c[v] + plan.add[v]) * plan.keep[v];
    });
}

std::int64_t Field::bytes() const {
    std::int64_t n = 0;
    for (const std::vector<double>& of_substance : values_) n += std::ssize(of_substance);
    for (const Plan& plan : plans_) n += std::ssize(plan.is_free) + std::ssize(plan.add) + std::ssize(plan.keep);
    return 8 * n;
}

double Field::total(std::int32_t s, Context& context) const {
    const std::span<const double> c = values(s);
    return grid_.voxel_volume_um3() * sum_blocks(context, grid_.n_stored(), kBlockVoxels, [&](Block block) {
        double sum = 0.0;
        for (std::int64_t v = block.begin; v < block.end; ++v) sum += c[static_cast<std::size_t>(v)];
        return sum;
    });
}

std::array<double, 3> Field::gradient(std::int32_t s, std::array<std::int64_t, 3> voxel) const {
    const std::span<const double> c = values(s);
    std::array<double, 3> slope{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
        auto low = voxel;
        auto high = voxel;
        low[axis] = std::max<std::int64_t>(0, voxel[axis] - 1);
        high[axis] = std::min(grid_.n[axis] - 1, voxel[axis] + 1);
        if (high[axis] == low[axis]) continue;
        const auto at = [&](const std::array<std::int64_t, 3>& v) { return c[static_cast<std::size_t>(grid_.place(v[0], v[1], v[2]))]; };
        slope[axis] = (at(high) - at(low)) / (static_cast<double>(high[axis] - low[axis]) * grid_.voxel_um);
    }
    return slope;
}

}  // namespace morula::simulation
