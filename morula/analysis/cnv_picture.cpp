#include "morula/analysis/cnv_picture.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "morula/analysis/normalize.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kWantedWindows = 150;
constexpr std::int64_t kMostCells = 150;
constexpr std::int64_t kFewestCellsOfGroup = 2;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

CnvWindowPlan plan_of(const CnvGenome& genome, CnvWindowsOptions windows) {
    windows.step = static_cast<std::int32_t>(std::max<std::int64_t>(1, genome.n_genes() / kWantedWindows));
    return plan_windows(genome.chromosome, windows);
}

void describe_windows(const CnvGenome& genome, const CnvWindowPlan& plan, CnvPicture& out) {
    for (std::size_t w = 0; w < plan.begin.size(); ++w) {
        const auto first = static_cast<std::size_t>(plan.begin[w]), last = static_cast<std::size_t>(plan.end[w] - 1);
        out.chromosome.push_back(plan.chromosome[w]);
        out.arm.push_back(genome.arm[first + (last - first) / 2]);
        out.start.push_back(genome.start[first]);
        out.end.push_back(*std::max_element(genome.end.begin() + plan.begin[w], genome.end.begin() + plan.end[w]));
        out.n_genes.push_back(plan.end[w] - plan.begin[w]);
    }
}

/// Groups, and the group of each cell; -1 for cells in none.
std::vector<std::int32_t> group_cells(const CnvInput& input, const CnvResult& result, std::int64_t min_cells, CnvPicture& out) {
    for (std::size_t clone = 0; clone < result.clones.size(); ++clone) out.groups.push_back({static_cast<std::int32_t>(clone), result.clones[clone].donor, 0});
    std::map<std::int32_t, std::int64_t> n_others;
    const auto is_other = [&](std::size_t cell) { return input.role[cell] == CnvRole::query && input.donor[cell] >= 0 && result.clone[cell] < 0; };
    for (std::size_t cell = 0; cell < input.role.size(); ++cell) {
        if (is_other(cell)) ++n_others[input.donor[cell]];
    }
    std::erase_if(n_others, [&](const auto& each) { return each.second < min_cells; });
    std::map<std::int32_t, std::int32_t> group_of_others;
    for (const auto& [donor, n] : n_others) {
        group_of_others.emplace(donor, static_cast<std::int32_t>(out.groups.size()));
        out.groups.push_back({-1, donor, 0});
    }
    std::vector<std::int32_t> group(input.role.size(), -1);
    for (std::size_t cell = 0; cell < group.size(); ++cell) {
        if (result.clone[cell] >= 0) {
            group[cell] = result.clone[cell];
        } else if (is_other(cell)) {
            const auto found = group_of_others.find(input.donor[cell]);
            if (found != group_of_others.end()) group[cell] = found->second;
        }
        if (group[cell] >= 0) ++out.groups[static_cast<std::size_t>(group[cell])].n_cells;
    }
    return group;
}

/// Sums of the groups, the reference's in the last row.
matrix::Dense<double> pooled_with_reference(const CnvInput& input, const matrix::RowBlockSource& counts, std::vector<std::int32_t> group, std::int32_t n_groups, Context& context) {
    for (std::size_t cell = 0; cell < group.size(); ++cell) {
        if (input.role[cell] == CnvRole::reference) group[cell] = n_groups;
    }
    return pooled_values(counts, group, n_groups + 1, context);
}

void fill_groups(const CnvResult& result, const CnvWindowPlan& plan, const matrix::Dense<double>& sums, const CnvOptions& options, CnvPicture& out, Context& context) {
    const std::int64_t n_groups = std::ssize(out.groups), n_arms = result.genome.n_arms();
    out.pooled = matrix::Dense<double>(n_groups, plan.n_windows());
    out.called = matrix::Dense<double>(n_groups, plan.n_windows());
    out.arm_mean = matrix::Dense<double>(n_groups, n_arms);
    out.arm_log10_p = matrix::Dense<double>(n_groups, n_arms);
    parallel_blocks(context, n_groups, 1, [&](Block block) {
        const std::int64_t group = block.begin;
        const CnvRatios ratios = cnv_ratios(sums.row(group), sums.row(n_groups), result.genome);
        const std::int32_t clone = out.groups[static_cast<std::size_t>(group)].clone;
        for (std::int64_t w = 0; w < plan.n_windows(); ++w) {
            const std::int64_t begin = plan.begin[static_cast<std::size_t>(w)], end = plan.end[static_cast<std::size_t>(w)];
            out.pooled(group, w) = cnv_stretch(ratios, begin, end).mean;
            out.called(group, w) = clone < 0 ? 0.0 : static_cast<double>(static_cast<int>(result.clones[static_cast<std::size_t>(clone)].calls.state[static_cast<std::size_t>(begin + (end - 1 - begin) / 2)]));
        }
        for (const CnvArm& arm : call_changes(ratios, result.genome, result.null_inflation, options.calls).arms) {
            out.arm_mean(group, arm.arm) = arm.n_genes > 0 ? arm.mean : kNaN;
            out.arm_log10_p(group, arm.arm) = arm.log10_p;
        }
    });
}

/// The cells of each list that come first by a random number of their own, in the order of the cells.
void choose_cells(const CnvInput& input, const std::vector<std::int32_t>& group, std::uint64_t seed, CnvPicture& out) {
    std::vector<std::vector<std::pair<std::uint64_t, std::int64_t>>> of_group(out.groups.size() + 1);  // the last: reference
    for (std::size_t cell = 0; cell < group.size(); ++cell) {
        const bool is_reference = input.role[cell] == CnvRole::reference;
        if (!is_reference && group[cell] < 0) continue;
        const std::uint64_t draw = Random(seed, Purpose::subsample, cell, 0).next_u64();
        of_group[is_reference ? out.groups.size() : static_cast<std::size_t>(group[cell])].emplace_back(draw, static_cast<std::int64_t>(cell));
    }
    const std::int64_t n_each = std::max(kFewestCellsOfGroup, kMostCells / std::ssize(of_group));
    for (std::size_t g = 0; g < of_group.size(); ++g) {
        if (g < out.groups.size() && std::ssize(out.cells) + n_each > kMostCells - n_each) continue;  // room for the reference
        auto& list = of_group[g];
        std::sort(list.begin(), list.end());
        list.resize(std::min(list.size(), static_cast<std::size_t>(n_each)));
        std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
        for (const auto& [draw, cell] : list) {
            out.cells.push_back(cell);
            out.cell_group.push_back(g < out.groups.size() ? static_cast<std::int32_t>(g) : -1);
        }
    }
}

void fill_cells(const CnvInput& input, const CnvWindowPlan& plan, const matrix::Matrix& counts, const CnvOptions& options, CnvPicture& out, Context& context) {
    const matrix::Matrix log_values = matrix::log1p_scaled(counts, normalize(matrix::row_sums(input.counts, context), {}, context).scale);
    std::vector<std::int64_t> reference;
    for (std::size_t cell = 0; cell < input.role.size(); ++cell) {
        if (input.role[cell] == CnvRole::reference) reference.push_back(static_cast<std::int64_t>(cell));
    }
    const std::vector<double> baseline = matrix::column_moments(*matrix::select_rows(log_values, reference), context).mean;
    std::vector<std::int64_t> rising = out.cells;
    std::sort(rising.begin(), rising.end());
    const matrix::Dense<float> windows = cnv_windows(*matrix::select_rows(log_values, rising), baseline, plan, options.windows, context);
    out.cell_windows = matrix::Dense<float>(std::ssize(out.cells), plan.n_windows());
    for (std::size_t i = 0; i < out.cells.size(); ++i) {
        const auto row = std::lower_bound(rising.begin(), rising.end(), out.cells[i]) - rising.begin();
        std::ranges::copy(windows.row(row), out.cell_windows.row(static_cast<std::int64_t>(i)).begin());
    }
}

}  // namespace

CnvPicture cnv_picture(const CnvInput& input, const CnvResult& result, const CnvOptions& options, Context& context) {
    MORULA_ASSERT(std::ssize(input.role) == input.counts.n_rows() && std::ssize(result.clone) == input.counts.n_rows());
    CnvPicture out;
    const CnvWindowPlan plan = plan_of(result.genome, options.windows);
    describe_windows(result.genome, plan, out);
    const std::vector<std::int32_t> group = group_cells(input, result, options.clones.min_cells, out);
    const matrix::Matrix view(&input.counts, [](const matrix::RowBlockSource*) {});
    const matrix::Matrix counts = matrix::select_cols(view, result.genes);
    fill_groups(result, plan, pooled_with_reference(input, *counts, group, static_cast<std::int32_t>(out.groups.size()), context), options, out, context);
    choose_cells(input, group, options.clones.seed, out);
    fill_cells(input, plan, counts, options, out, context);
    return out;
}

}  // namespace morula::analysis
