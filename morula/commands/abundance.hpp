// What the parts of `morula abundance` share: its options, what is compared, and what came of it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "morula/analysis/abundance.hpp"
#include "morula/analysis/neighborhood_tests.hpp"
#include "morula/analysis/neighborhoods.hpp"
#include "morula/commands/comparison_cells.hpp"
#include "morula/commands/derived_columns.hpp"
#include "morula/core/describe.hpp"

namespace morula::commands {

enum class NeighborhoodsWanted { automatic, yes, no };

struct AbundanceIo {
    std::vector<std::string> input;
    std::string condition;
    std::string case_name;
    std::string control_name;
    std::string donor;
    std::string cell_type;
    std::string sample;
    std::string batch;
    std::vector<std::string> derive;
    std::string reference;
    NeighborhoodsWanted neighborhoods = NeighborhoodsWanted::automatic;
    std::string embedding;
    std::string out;
};
constexpr auto describe(const AbundanceIo*) {
    using O = AbundanceIo;
    return std::tuple{
        field("input", &O::input, "One h5ad file or atlas with labelled cells; or tables of cell counts (CSV, TSV: a row a sample, a column a type), stacked.", {.positional = true, .required = true}),
        field("condition", &O::condition, "obs column with the conditions.", {.required = true}),
        field("case", &O::case_name, "Value of the condition that is compared, for instance diseased.", {.required = true}),
        field("control", &O::control_name, "Value that it is compared with, for instance healthy.", {.required = true}),
        field("donor", &O::donor, "obs column with the donors: they are the replicates.", {.required = true}),
        field("cell_type", &O::cell_type, "obs column with the cell types (not for tables of counts)."),
        field("sample", &O::sample, "obs column with the samples: checked to hold one donor and condition each. Samples of one donor and condition are summed."),
        field("batch", &O::batch, "obs column with the batches: a condition that cannot be told from them is refused, as it is where the file's own column batch says so; none: it is compared all the same."),
        field("derive", &O::derive, kDeriveHelp),
        field("reference", &O::reference, "Type that the others are compared with; not given: the median type."),
        field("neighborhoods", &O::neighborhoods, "Whether to test neighbourhoods of cells as well; auto: where there is an embedding.", {.choices = "auto|yes|no"}),
        field("embedding", &O::embedding, "obsm slot in which neighbours are near (X_integrated, X_pca_harmony or X_pca when not given)."),
        field("out", &O::out, "Folder for abundance.csv, neighbourhoods.csv and run.json.", {.required = true}),
    };
}

/// Cells by unit and type.
struct AbundanceCounts {
    ComparisonColumns columns;
    ComparisonUnits units;
    std::vector<std::string> type_names;
    std::vector<std::int32_t> type_of_cell;  // empty for tables of counts
    matrix::Dense<double> counts;            // n_units x n_types
};

/// Whether the inputs are tables of counts, by their names.
bool are_count_tables(const std::vector<std::string>& inputs);
/// Tables below one another: obs of the result are their rows (index: the first column, which is also column "sample"), obs columns all that are no types;
/// type_names and counts of the rows in `counts` (n_rows x n_types). Throws invalid_data naming the place of what is no count.
struct CountTables {
    data::Dataset rows;
    std::vector<std::string> type_names;
    matrix::Dense<double> counts;
};
CountTables read_count_tables(const AbundanceIo& io, Context& context);

/// One neighbourhood as it is written.
struct NeighborhoodRow {
    std::string cell;
    std::string cell_type;
    double type_share = 0.0;
};
struct NeighborhoodOutcome {
    std::string embedding;
    analysis::Neighborhoods neighborhoods;
    std::vector<NeighborhoodRow> rows;
    analysis::NeighborhoodTests tests;
    std::vector<double> spatial_fdr;
    std::vector<std::int64_t> n_case;     // cells
    std::vector<std::int64_t> n_control;
};

void write_abundance_csv(const std::filesystem::path& folder, const AbundanceCounts& counts, const analysis::AbundancePlan& plan, const analysis::AbundanceResult& result);
void write_neighborhoods_csv(const std::filesystem::path& folder, const NeighborhoodOutcome& outcome, const analysis::AbundancePlan& plan);
std::string abundance_text(const AbundanceCounts& counts, const analysis::AbundancePlan& plan, const analysis::AbundanceResult& result, const std::optional<NeighborhoodOutcome>& neighborhoods);
std::string abundance_json(const std::string& out, const AbundanceCounts& counts, const analysis::AbundancePlan& plan, const analysis::AbundanceResult& result,
                           const std::optional<NeighborhoodOutcome>& neighborhoods);

}  // namespace morula::commands
