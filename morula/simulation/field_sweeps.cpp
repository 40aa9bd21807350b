// Field: how lines are grouped, and the sweeps of a diffusion step.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/scratch_pool.hpp"
#include "morula/simulation/field.hpp"

namespace morula::simulation {
namespace {

using line_sweep::kLines;

/// Groups swept by one call: enough lines to fill the vectors, few enough that their scratch stays in the first-level cache.
constexpr std::int64_t kGroupsAtOnce = 4;
/// Groups of a flat tissue that make one task.
constexpr std::int64_t kGroupsATask = 8;

static_assert(kLines == kRowUnit, "a group of lines is one unit of a row");

}  // namespace

std::int64_t Field::groups_a_plane(int axis) const { return (axis == 0 ? grid_.n[1] + kLines - 1 : grid_.stride()) / kLines; }

std::int64_t Field::place_on_line(int axis, std::int64_t plane, std::int64_t line, std::int64_t i) const {
    if (axis == 0) return grid_.place(i, line, plane);
    return axis == 1 ? grid_.place(line, i, plane) : grid_.place(line, plane, i);
}

void Field::plan_group(AxisPlan& plan, int axis, std::int64_t plane, std::int64_t group, std::span<const double> is_free,
                       std::vector<std::vector<std::uint8_t>>& known) const {
    const std::int64_t n = grid_.n[static_cast<std::size_t>(axis)];
    const std::int64_t first = group * kLines;
    const std::int64_t end = std::min(first + kLines, axis == 0 ? grid_.n[1] : grid_.n[0]);
    std::vector<std::uint8_t> fixed(static_cast<std::size_t>(n));
    std::int32_t& pattern = plan.pattern_of.emplace_back(-1);
    for (std::int64_t i = 0; i < n; ++i) {
        const auto free_on = [&](std::int64_t line) { return is_free[static_cast<std::size_t>(place_on_line(axis, plane, line, i))]; };
        for (std::int64_t line = first + 1; line < end; ++line) {
            if (free_on(line) != free_on(first)) return;
        }
        fixed[static_cast<std::size_t>(i)] = free_on(first) == 0.0 ? 1 : 0;
    }
    const auto found = std::find(known.begin(), known.end(), fixed);
    pattern = static_cast<std::int32_t>(found - known.begin());
    if (found != known.end()) return;
    plan.patterns.push_back(line_sweep::line_factors(plan.coupling, plan.loss, fixed));
    known.push_back(std::move(fixed));
}

Field::AxisPlan Field::plan_axis(int axis, const Substance& substance, std::span<const double> is_free) const {
    const std::int64_t n = grid_.n[static_cast<std::size_t>(axis)];
    AxisPlan plan;
    plan.coupling = dt_min_ * substance.diffusion_um2_per_min / (grid_.voxel_um * grid_.voxel_um);
    plan.loss = std::expm1(dt_min_ * substance.decay_per_min / grid_.dimensions());
    if (is_free.empty()) {
        plan.patterns.push_back(line_sweep::line_factors(plan.coupling, plan.loss, std::vector<std::uint8_t>(static_cast<std::size_t>(n), 0)));
        return plan;
    }
    // Real vessels give many patterns of one use each: then the lines are eliminated as they are met, which costs a division a voxel.
    constexpr std::size_t kMostPatterns = 64;
    std::vector<std::vector<std::uint8_t>> known;
    for (std::int64_t plane = 0; plane < n_planes(axis); ++plane) {
        for (std::int64_t group = 0; group < groups_a_plane(axis); ++group) {
            if (known.size() < kMostPatterns) plan_group(plan, axis, plane, group, is_free, known);
            else plan.pattern_of.push_back(-1);
        }
    }
    return plan;
}

/// One substance's sweep along one axis.
class Field::Sweep {
public:
    Sweep(Field& field, std::int32_t substance, int axis)
        : field_(field), plan_(field.plans_[static_cast<std::size_t>(substance)].axis[static_cast<std::size_t>(axis)]), axis_(axis),
          values_(field.values(substance).data()), is_free_(field.plans_[static_cast<std::size_t>(substance)].is_free.data()) {}

    /// Groups [begin, end) of a plane.
    void groups(std::int64_t plane, std::int64_t begin, std::int64_t end, std::vector<double>& scratch) const {
        const std::int64_t n = field_.grid_.n[static_cast<std::size_t>(axis_)];
        scratch.resize(static_cast<std::size_t>(line_sweep::scratch_size(n) + 2 * kGroupsAtOnce * kLines * n));
        std::int64_t group = begin;
        while (group < end) {
            const std::int32_t pattern = pattern_of(plane, group);
            std::int64_t next = group + 1;
            while (next < end && next < group + kGroupsAtOnce && pattern_of(plane, next) == pattern) ++next;
            if (axis_ == 0) along_x(plane, group, next - group, pattern, scratch);
            else across(plane, group, next - group, pattern, scratch);
            group = next;
        }
    }

private:
    std::int32_t pattern_of(std::int64_t plane, std::int64_t group) const {
        if (plan_.pattern_of.empty()) return 0;
        return plan_.pattern_of[static_cast<std::size_t>(plane * field_.groups_a_plane(axis_) + group)];
    }

    /// Lines along x lie one behind the other: they are turned so that they lie side by side.
    void along_x(std::int64_t plane, std::int64_t group, std::int64_t n_groups, std::int32_t pattern, std::vector<double>& scratch) const {
        const Grid& grid = field_.grid_;
        const std::int64_t n = grid.n[0];
        const std::int64_t lines = n_groups * kLines;
        const std::int64_t there = std::min(lines, grid.n[1] - group * kLines);
        const std::int64_t place = grid.place(0, group * kLines, plane);
        double* turned = scratch.data() + line_sweep::scratch_size(n);
        line_sweep::gather_lines(values_ + place, grid.stride(), there, n, lines, turned);
        if (pattern >= 0) {
            line_sweep::solve_lines(plan_.patterns[static_cast<std::size_t>(pattern)], turned, lines, lines, scratch.data());
        } else {
            double* turned_free = turned + n * lines;
            line_sweep::gather_lines(is_free_ + place, grid.stride(), there, n, lines, turned_free);
            line_sweep::solve_masked_lines(plan_.coupling, plan_.loss, n, turned_free, turned, lines, lines, scratch.data());
        }
        line_sweep::scatter_lines(turned, lines, n, there, values_ + place, grid.stride());
    }

    void across(std::int64_t plane, std::int64_t group, std::int64_t n_groups, std::int32_t pattern, std::vector<double>& scratch) const {
        const Grid& grid = field_.grid_;
        const std::int64_t place = field_.place_on_line(axis_, plane, group * kLines, 0);
        const std::int64_t row_step = axis_ == 1 ? grid.stride() : grid.stride() * grid.n[1];
        if (pattern >= 0) {
            line_sweep::solve_lines(plan_.patterns[static_cast<std::size_t>(pattern)], values_ + place, row_step, n_groups * kLines, scratch.data());
        } else {
            line_sweep::solve_masked_lines(plan_.coupling, plan_.loss, grid.n[static_cast<std::size_t>(axis_)], is_free_ + place, values_ + place, row_step, n_groups * kLines, scratch.data());
        }
    }

    const Field& field_;
    const AxisPlan& plan_;
    int axis_;
    double* values_;
    const double* is_free_;
};

void Field::diffuse(Context& context) {
    std::vector<std::int32_t> all(substances_.size());
    std::iota(all.begin(), all.end(), 0);
    diffuse(all, context);
}

void Field::diffuse(std::span<const std::int32_t> substances, Context& context) {
    const std::int64_t n = std::ssize(substances);
    const auto number = [&](std::int64_t k) { return substances[static_cast<std::size_t>(k)]; };
    matrix::ScratchPool<std::vector<double>> scratch;
    if (grid_.is_flat()) {
        for (const int axis : {0, 1}) {
            const std::int64_t n_groups = groups_a_plane(axis);
            const std::int64_t n_tasks = (n_groups + kGroupsATask - 1) / kGroupsATask;
            parallel_blocks(context, n * n_tasks, 1, [&](Block block) {
                const std::int64_t task = block.begin % n_tasks;
                auto lease = scratch.take();
                Sweep(*this, number(block.begin / n_tasks), axis).groups(0, task * kGroupsATask, std::min(n_groups, (task + 1) * kGroupsATask), *lease);
            });
        }
        return;
    }
    // x and y while a plane is in the cache, then z: two passes over memory a step.
    parallel_blocks(context, n * grid_.n[2], 1, [&](Block block) {
        const std::int32_t s = number(block.begin / grid_.n[2]);
        auto lease = scratch.take();
        for (const int axis : {0, 1}) Sweep(*this, s, axis).groups(block.begin % grid_.n[2], 0, groups_a_plane(axis), *lease);
    });
    parallel_blocks(context, n * grid_.n[1], 1, [&](Block block) {
        auto lease = scratch.take();
        Sweep(*this, number(block.begin / grid_.n[1]), 2).groups(block.begin % grid_.n[1], 0, groups_a_plane(2), *lease);
    });
}

}  // namespace morula::simulation
