// Which cell types, and which neighbourhoods of cells, are more frequent in one condition.
#include "morula/commands/abundance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/analysis/cohort.hpp"
#include "morula/commands/input.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/step_command.hpp"
#include "morula/commands/verb_record.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

ComparisonColumns columns_of(const AbundanceIo& io) { return {io.condition, io.case_name, io.control_name, io.donor, io.batch, io.cell_type}; }

DonorsInBoth donors_in_both(const analysis::AbundanceOptions& options) { return options.design == analysis::AbundanceDesign::automatic ? DonorsInBoth::settle : DonorsInBoth::keep; }

data::Dataset open_cells(const AbundanceIo& io, Context& context) {
    if (io.input.size() != 1) fail(ErrorCode::usage, fmt::format("{} inputs were given, and they are no tables of counts.", io.input.size()), "Name one file with labelled cells, or several tables (CSV, TSV).");
    std::vector<data::Dataset> found = open_datasets(io.input[0], formats::TextOrientation::automatic, context);
    if (found.size() != 1) fail(ErrorCode::unsupported, fmt::format("{}: holds {} data sets; abundance compares within one.", io.input[0], found.size()), "Export the one to compare: morula export.");
    if (io.cell_type.empty()) fail(ErrorCode::usage, "`morula abundance` needs --cell-type for a file of cells.", fmt::format("Columns of {} are: {}.", found.front().name, fmt::join(found.front().obs.names(), ", ")));
    return std::move(found.front());
}

AbundanceCounts count_cells(const data::Dataset& dataset, const AbundanceIo& io, const analysis::AbundanceOptions& options, Context& context) {
    AbundanceCounts out;
    out.columns = columns_of(io);
    out.units = comparison_units(dataset, out.columns, donors_in_both(options), context);
    if (!io.sample.empty()) require_samples_within_units(dataset, io.sample, out.columns, out.units);
    const data::Categorical types = type_groups(dataset, io.cell_type, "--cell-type", context);
    out.type_names = types.categories;
    out.type_of_cell = types.codes;
    out.counts = matrix::Dense<double>(out.units.n_units(), std::ssize(types.categories));
    for (std::size_t cell = 0; cell < types.codes.size(); ++cell) {
        if (out.units.of_cell[cell] >= 0 && types.codes[cell] >= 0) out.counts(out.units.of_cell[cell], types.codes[cell]) += 1.0;
    }
    return out;
}

AbundanceCounts sum_tables(const CountTables& tables, const AbundanceIo& io, const analysis::AbundanceOptions& options, Context& context) {
    AbundanceCounts out;
    out.columns = columns_of(io);
    out.units = comparison_units(tables.rows, out.columns, donors_in_both(options), context);
    out.type_names = tables.type_names;
    out.counts = matrix::Dense<double>(out.units.n_units(), std::ssize(tables.type_names));
    for (std::int64_t row = 0; row < tables.counts.n_rows; ++row) {
        const std::int32_t unit = out.units.of_cell[static_cast<std::size_t>(row)];
        if (unit < 0) continue;
        for (std::int64_t type = 0; type < out.counts.n_cols; ++type) out.counts(unit, type) += tables.counts(row, type);
    }
    return out;
}

std::int32_t reference_type(const AbundanceCounts& counts, const std::string& name) {
    if (name.empty()) return -1;
    const auto found = std::find(counts.type_names.begin(), counts.type_names.end(), name);
    if (found != counts.type_names.end()) return static_cast<std::int32_t>(found - counts.type_names.begin());
    const std::string nearest = nearest_name(name, counts.type_names);
    fail(ErrorCode::not_found, fmt::format("--reference {}: there is no such cell type.", name), nearest.empty() ? fmt::format("Types are: {}.", fmt::join(counts.type_names, ", ")) : fmt::format("Did you mean '{}'?", nearest));
}

std::vector<double> totals_of(const AbundanceCounts& counts) {
    std::vector<double> totals;
    for (std::int64_t unit = 0; unit < counts.counts.n_rows; ++unit) {
        double sum = 0.0;
        for (const double cells : counts.counts.row(unit)) sum += cells;
        totals.push_back(sum);
    }
    return totals;
}

/// The embedding in which neighbours are looked for; "" where there is none and none was asked for.
std::string embedding_name(const data::Dataset& dataset, const AbundanceIo& io) {
    if (io.neighborhoods == NeighborhoodsWanted::no) return "";
    if (!io.embedding.empty()) return io.embedding;
    for (const char* name : {"X_integrated", "X_pca_harmony", "X_pca"}) {
        if (dataset.obsm.count(name) != 0) return name;
    }
    return io.neighborhoods == NeighborhoodsWanted::yes ? "X_pca" : "";
}

/// Rows of the cells that take part, and their units in the plan.
struct CellsInPlan {
    std::vector<std::int64_t> cell;
    std::vector<std::int32_t> unit;
};
CellsInPlan cells_in_plan(const AbundanceCounts& counts, const analysis::AbundancePlan& plan) {
    std::vector<std::uint8_t> used(static_cast<std::size_t>(counts.units.n_units()), 0);
    for (const auto* rows : {&plan.case_rows, &plan.control_rows}) {
        for (const std::int64_t row : *rows) used[static_cast<std::size_t>(row)] = 1;
    }
    CellsInPlan out;
    for (std::size_t cell = 0; cell < counts.units.of_cell.size(); ++cell) {
        const std::int32_t unit = counts.units.of_cell[cell];
        if (unit < 0 || used[static_cast<std::size_t>(unit)] == 0 || counts.type_of_cell[cell] < 0) continue;
        out.cell.push_back(static_cast<std::int64_t>(cell));
        out.unit.push_back(unit);
    }
    return out;
}

/// The most frequent type of a neighbourhood's cells, and its share.
NeighborhoodRow describe_row(const data::Dataset& dataset, const AbundanceCounts& counts, const CellsInPlan& cells, std::span<const std::uint32_t> members) {
    std::vector<std::int64_t> n(counts.type_names.size(), 0);
    for (const std::uint32_t member : members) ++n[static_cast<std::size_t>(counts.type_of_cell[static_cast<std::size_t>(cells.cell[member])])];
    const auto most = std::max_element(n.begin(), n.end());
    return {dataset.obs.index()[static_cast<std::size_t>(cells.cell[members[0]])], counts.type_names[static_cast<std::size_t>(most - n.begin())], static_cast<double>(*most) / static_cast<double>(members.size())};
}

NeighborhoodOutcome compare_neighborhoods(const data::Dataset& dataset, const AbundanceCounts& counts, const analysis::AbundancePlan& plan, std::span<const double> reference, const std::string& embedding,
                                          const analysis::NeighborhoodsOptions& options, Context& context) {
    const matrix::Dense<float>& positions = require_obsm(dataset, embedding, "pca");
    const CellsInPlan cells = cells_in_plan(counts, plan);
    matrix::Dense<float> used(std::ssize(cells.cell), positions.n_cols);
    for (std::int64_t row = 0; row < used.n_rows; ++row) {
        const auto from = positions.row(cells.cell[static_cast<std::size_t>(row)]);
        std::copy(from.begin(), from.end(), used.row(row).begin());
    }
    NeighborhoodOutcome out;
    out.embedding = embedding;
    out.neighborhoods = analysis::make_neighborhoods(used.view(), std::ssize(plan.case_rows) + std::ssize(plan.control_rows), options, context);
    const matrix::Dense<double> by_unit = analysis::count_neighborhoods(out.neighborhoods, cells.unit, counts.units.n_units(), context);
    out.tests = analysis::test_neighborhoods(by_unit.view(), plan, totals_of(counts), reference, context);
    out.spatial_fdr = analysis::spatial_fdr(out.tests.p, out.neighborhoods.reach);
    for (std::int64_t i = 0; i < by_unit.n_rows; ++i) {
        out.rows.push_back(describe_row(dataset, counts, cells, out.neighborhoods.cells.row(i)));
        double n_case = 0.0, n_control = 0.0;
        for (const std::int64_t row : plan.case_rows) n_case += by_unit(i, row);
        for (const std::int64_t row : plan.control_rows) n_control += by_unit(i, row);
        out.n_case.push_back(std::llround(n_case));
        out.n_control.push_back(std::llround(n_control));
    }
    return out;
}

CommandResult run_abundance(const FieldValues& values, Context& context) {
    const auto io = options_among<AbundanceIo>(values);
    const auto options = options_among<analysis::AbundanceOptions>(values);
    VerbRecord record("abundance", values, context);
    const bool from_tables = are_count_tables(io.input);
    data::Dataset dataset;
    AbundanceCounts counts;
    if (from_tables) {
        CountTables tables = read_count_tables(io, context);
        record.add_input(fmt::format("{}", fmt::join(io.input, ", ")), tables.rows);
        add_derived_columns(tables.rows, io.derive, context);
        counts = sum_tables(tables, io, options, context);
    } else {
        dataset = open_cells(io, context);
        record.add_input(io.input[0], dataset);
        add_derived_columns(dataset, io.derive, context);
        counts = count_cells(dataset, io, options, context);
    }
    analysis::check_donors(counts.units.donor, counts.units.is_case, {io.case_name, io.control_name, io.input[0]});
    const analysis::AbundancePlan plan = analysis::plan_abundance({counts.units.donor, counts.units.is_case}, totals_of(counts), io.case_name, io.control_name, options);
    if (!plan.left_out.empty()) context.events().warning(fmt::format("Left out: {}.", fmt::join(plan.left_out, "; ")));
    const analysis::AbundanceResult result = analysis::abundance(counts.counts.view(), plan, reference_type(counts, io.reference), options, context);

    std::optional<NeighborhoodOutcome> neighborhoods;
    const std::string embedding = from_tables ? "" : embedding_name(dataset, io);
    if (!embedding.empty()) neighborhoods = compare_neighborhoods(dataset, counts, plan, result.reference, embedding, options_among<analysis::NeighborhoodsOptions>(values), context);

    make_output_folder(io.out, {"abundance.csv", "neighbourhoods.csv"});
    write_abundance_csv(io.out, counts, plan, result);
    record.add_output("abundance.csv");
    if (neighborhoods) {
        write_neighborhoods_csv(io.out, *neighborhoods, plan);
        record.add_output("neighbourhoods.csv");
    }
    record.add_text("status", plan.status);
    record.add_count("n_case", std::ssize(plan.case_rows));
    record.add_count("n_control", std::ssize(plan.control_rows));
    record.write(io.out);
    return {abundance_text(counts, plan, result, neighborhoods), abundance_json(io.out, counts, plan, result, neighborhoods)};
}

}  // namespace

Command abundance_command() {
    Command command;
    command.name = "abundance";
    command.summary = "Find cell types and neighbourhoods that are more frequent in one condition.";
    command.help =
        "Donors are the replicates. Each type is compared with the median type within its donor, because shares add to one; p is exact where donors are few (sign flips where each donor has both conditions). Under three donors "
        "a condition everything is exploratory and fdr stays empty. Where there is an embedding, neighbourhoods of cells are compared as well, with a spatial FDR.";
    command.examples = {{"Healthy and diseased donors", "morula abundance cells.h5ad --condition condition --case diseased --control healthy --donor donor --cell-type cell_type --out abundance"},
                        {"Counts of cells in two tables, donor and condition within the row names",
                         "morula abundance ctrl.csv stim.csv --derive condition=sample:^[a-z]+ --derive donor=sample:[0-9]+ --condition condition --case stim --control ctrl --donor donor --out abundance"}};
    command.options = joined_schema<AbundanceIo, analysis::AbundanceOptions, analysis::NeighborhoodsOptions>();
    command.run = run_abundance;
    return command;
}

}  // namespace morula::commands
