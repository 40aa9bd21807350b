// Activity of programmes in cells, in the donors' cells of each type, and between conditions.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "morula/analysis/donor_contrast.hpp"
#include "morula/analysis/pseudobulk.hpp"
#include "morula/commands/programmes.hpp"
#include "morula/commands/reading_memory.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::commands {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

/// Genes that some cell expresses: the others would only add zeros to every regression, as decoupler has it too.
std::vector<std::int64_t> expressed_genes(const matrix::RowBlockSource& counts, Context& context) {
    const std::vector<std::int64_t> n_nonzero = matrix::column_moments(counts, context).n_nonzero;
    std::vector<std::int64_t> genes;
    for (std::size_t gene = 0; gene < n_nonzero.size(); ++gene) {
        if (n_nonzero[gene] > 0) genes.push_back(static_cast<std::int64_t>(gene));
    }
    return genes;
}

data::Dataset with_genes_of(const data::Dataset& dataset, const std::vector<std::int64_t>& genes) {
    data::Dataset out;
    out.name = dataset.name;
    out.var = dataset.var.select(genes);
    return out;
}

matrix::Dense<float> activity_of(const matrix::RowBlockSource& values, const ProgrammeActivity& activity, const analysis::GeneScoresOptions& scores, Context& context) {
    if (activity.method == ProgrammeMethod::ulm) return analysis::ulm(values, activity.programmes, context).t;
    if (activity.method == ProgrammeMethod::mlm) return analysis::mlm(values, activity.programmes, context).t;
    std::vector<std::vector<std::int64_t>> sets;
    for (const analysis::WeightedGenes& programme : activity.programmes) sets.push_back(programme.genes);
    return analysis::gene_scores(values, sets, scores, context).score;
}

/// Sums of counts of each group over `genes`, as log values of the scale that the cells have. A group without counts has no values.
matrix::Csr pseudobulk_profiles(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& genes, std::span<const std::int32_t> group_of_cell, std::int32_t n_groups, double target, Context& context) {
    const analysis::Pseudobulk sums = analysis::pseudobulk(counts, group_of_cell, n_groups, context);
    matrix::Csr out;
    out.start(n_groups, std::ssize(genes));
    for (std::int64_t group = 0; group < n_groups; ++group) {
        const auto row = sums.sums.row(group);
        const double total = static_cast<double>(std::accumulate(row.begin(), row.end(), std::int64_t{0}));
        for (std::size_t i = 0; i < genes.size(); ++i) {
            const std::int64_t count = row[static_cast<std::size_t>(genes[i])];
            if (count == 0) continue;
            out.indices.push_back(static_cast<std::uint32_t>(i));
            out.values.push_back(static_cast<float>(std::log1p(static_cast<double>(count) * target / total)));
        }
        out.end_row();
    }
    return out;
}

/// Mean of the cells' values in each group.
matrix::Dense<double> mean_of_groups(const matrix::Dense<float>& of_cells, std::span<const std::int32_t> group_of_cell, std::span<const std::int64_t> n_cells) {
    matrix::Dense<double> out(std::ssize(n_cells), of_cells.n_cols);
    for (std::size_t cell = 0; cell < group_of_cell.size(); ++cell) {
        if (group_of_cell[cell] < 0) continue;
        const auto from = of_cells.row(static_cast<std::int64_t>(cell));
        const auto to = out.row(group_of_cell[cell]);
        for (std::size_t k = 0; k < from.size(); ++k) to[k] += static_cast<double>(from[k]) / static_cast<double>(n_cells[static_cast<std::size_t>(group_of_cell[cell])]);
    }
    return out;
}

ProgrammeContrast compare_one(const ProgrammeActivity& activity, std::int32_t type, std::int32_t programme, const analysis::AbundancePlan& plan) {
    const auto n_types = std::ssize(activity.types);
    std::vector<double> values;
    for (std::int64_t unit = 0; unit < activity.contrast->units.n_units(); ++unit) values.push_back(activity.of_groups(unit * n_types + type, programme));
    const auto mean = [&](const std::vector<std::int64_t>& units) {
        double sum = 0.0;
        for (const std::int64_t unit : units) sum += values[static_cast<std::size_t>(unit)];
        return sum / static_cast<double>(units.size());
    };
    ProgrammeContrast out;
    out.type = type;
    out.programme = programme;
    out.value_case = mean(plan.case_rows);
    out.value_control = mean(plan.control_rows);
    out.n_case = std::ssize(plan.case_rows);
    out.n_control = std::ssize(plan.control_rows);
    out.test = analysis::test_difference(values, plan, 0);
    out.is_exploratory = plan.is_exploratory;
    out.status = plan.status;
    return out;
}

void compare(ProgrammeActivity& activity, std::int64_t min_cells, Context& context) {
    const ConditionContrast& contrast = *activity.contrast;
    const auto n_types = static_cast<std::int32_t>(activity.types.size());
    std::vector<std::string> not_compared;
    for (std::int32_t type = 0; type < n_types; ++type) {
        std::vector<std::uint8_t> has_cells;
        for (std::int64_t unit = 0; unit < contrast.units.n_units(); ++unit) has_cells.push_back(activity.n_cells_of_group[static_cast<std::size_t>(unit * n_types + type)] >= min_cells ? 1 : 0);
        const analysis::AbundancePlan plan = analysis::plan_of_units_with_values(contrast.plan, has_cells);
        if (!analysis::can_compare(plan)) {
            not_compared.push_back(fmt::format("{} ({})", activity.types[static_cast<std::size_t>(type)], plan.status));
            continue;
        }
        for (std::size_t k = 0; k < activity.programmes.size(); ++k) activity.compared.push_back(compare_one(activity, type, static_cast<std::int32_t>(k), plan));
    }
    if (!not_compared.empty()) context.events().warning(fmt::format("Types that cannot be compared: {}.", fmt::join(not_compared, "; ")));
    std::vector<double> p;
    for (const ProgrammeContrast& each : activity.compared) p.push_back(each.is_exploratory ? kMissing : each.test.p);
    const std::vector<double> fdr = analysis::false_discovery_rates(p);
    for (std::size_t i = 0; i < fdr.size(); ++i) activity.compared[i].fdr = fdr[i];
}

void add_groups(ProgrammeActivity& activity, const LogCells& cells, const std::vector<std::int64_t>& genes, std::int64_t min_cells, Context& context) {
    const auto n_types = static_cast<std::int32_t>(activity.types.size());
    const auto n_groups = static_cast<std::int32_t>(activity.contrast->units.n_units()) * n_types;
    const std::vector<std::int32_t> group = units_by_types(activity.contrast->units, activity.type_of_cell, n_types);
    activity.n_cells_of_group.assign(static_cast<std::size_t>(n_groups), 0);
    for (const std::int32_t each : group) {
        if (each >= 0) ++activity.n_cells_of_group[static_cast<std::size_t>(each)];
    }
    if (activity.method == ProgrammeMethod::score) {
        activity.of_groups = mean_of_groups(activity.of_cells, group, activity.n_cells_of_group);
    } else {
        const matrix::Csr profiles = pseudobulk_profiles(*require_counts(cells.dataset), genes, group, n_groups, cells.target, context);
        const matrix::Dense<float> t = activity_of(*matrix::make_view_source(profiles.view()), activity, {}, context);
        activity.of_groups = matrix::Dense<double>(t.n_rows, t.n_cols);
        std::copy(t.values.begin(), t.values.end(), activity.of_groups.values.begin());
    }
    for (std::int64_t row = 0; row < activity.of_groups.n_rows; ++row) {
        if (activity.n_cells_of_group[static_cast<std::size_t>(row)] < min_cells) std::ranges::fill(activity.of_groups.row(row), kMissing);
    }
}

/// Asked before the first pass: the values of all cells and groups, the sums of counts of the groups, and what a pass holds.
void require_room(const ProgrammeTable& table, const LogCells& cells, const ProgrammeActivity& activity, Context& context) {
    const matrix::RowBlockSource& counts = *require_counts(cells.dataset);
    const std::int64_t n_programmes = std::ssize(table.programmes);
    const std::int64_t n_groups = activity.contrast ? activity.contrast->units.n_units() * std::ssize(activity.types) : 0;
    std::int64_t bytes = checked_size_product(checked_size_product(counts.n_rows(), n_programmes), static_cast<std::int64_t>(sizeof(float)));
    bytes += checked_size_product(checked_size_product(n_groups, n_programmes + counts.n_cols()), static_cast<std::int64_t>(sizeof(double)));
    bytes += reading_bytes(counts, context) + tile_sums_bytes(counts, 3 * counts.n_cols());
    context.require_memory(bytes, "programmes");
}

}  // namespace

ProgrammeActivity programme_activity(const ProgrammeTable& table, const LogCells& cells, const ContrastIo& contrast, const ProgrammeQuestion& question, Context& context) {
    ProgrammeActivity activity;
    activity.method = table.method;
    activity.cells = cells.dataset.obs.index();
    activity.types = {"all cells"};
    activity.type_of_cell.assign(activity.cells.size(), 0);
    if (!question.by.empty()) {
        data::Categorical types = type_groups(cells.dataset, question.by, "--by", context);
        activity.types = std::move(types.categories);
        activity.type_of_cell = std::move(types.codes);
    }
    activity.contrast = find_contrast(cells, contrast, question.by, question.min_cells, context);
    require_room(table, cells, activity, context);
    const std::vector<std::int64_t> genes = expressed_genes(*require_counts(cells.dataset), context);
    activity.programmes = placed_programmes(table, with_genes_of(cells.dataset, genes), question.options.min_genes, context);
    if (activity.programmes.empty()) {
        invalid_data(fmt::format("{}: no programme has {} genes that are expressed in {}.", table.file, question.options.min_genes, cells.dataset.name), "Lower --min-genes, or give a table for these genes.");
    }
    activity.of_cells = activity_of(*matrix::select_cols(cells.log_values, genes), activity, question.scores, context);
    if (activity.contrast) {
        add_groups(activity, cells, genes, question.min_cells, context);
        compare(activity, question.min_cells, context);
    }
    return activity;
}

}  // namespace morula::commands
