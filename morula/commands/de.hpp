// What the parts of `morula de` share: its options, the cells it compares, what came of each cell type, and what several data sets say together.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include "morula/analysis/cohort.hpp"
#include "morula/analysis/de.hpp"
#include "morula/analysis/meta_analysis.hpp"
#include "morula/analysis/pseudobulk.hpp"
#include "morula/commands/derived_columns.hpp"
#include "morula/commands/verb_record.hpp"
#include "morula/core/describe.hpp"
#include "morula/data/dataset.hpp"
#include "morula/formats/text/text_matrix.hpp"

namespace morula::commands {

struct DeIo {
    std::vector<std::string> input;
    std::string out;
    std::string condition;
    std::string case_name;
    std::string control_name;
    std::vector<std::string> contrast;
    std::string donor;
    std::string cell_type;
    std::string design;
    std::string batch;
    std::vector<std::string> derive;
    std::int64_t min_cells = 10;
    bool all_genes = false;
    std::string layer;
    formats::TextOrientation orientation = formats::TextOrientation::automatic;
};
constexpr auto describe(const DeIo*) {
    return std::tuple{
        field("input", &DeIo::input, "h5ad files, 10x folders or h5 files, text matrices, or an atlas, with raw counts. Several data sets are compared one by one, then pooled.", {.positional = true, .required = true}),
        field("out", &DeIo::out, "Folder for de.csv, donors.csv and run.json, with several cases together.csv; with several data sets a folder for each, and pooled.csv.", {.required = true}),
        field("condition", &DeIo::condition, "obs column with the conditions.", {.required = true}),
        field("case", &DeIo::case_name, "Value of the condition that is compared, for instance disease; several with commas between (mild,severe): each is compared with the control, in one fit of all samples, and all are tested together.", {.required = true}),
        field("control", &DeIo::control_name, "Value that it is compared with, for instance healthy.", {.required = true}),
        field("contrast", &DeIo::contrast, "A further contrast of these values, 'severe - mild' or '(mild + severe) / 2 - healthy'; may be given several times."),
        field("donor", &DeIo::donor, "obs column that names the donor (patient, animal, independent culture) of each cell: donors are the replicates.", {.required = true}),
        field("cell_type", &DeIo::cell_type, "obs column with cell types, each compared on its own; all cells together when not given."),
        field("design", &DeIo::design, "Formula of obs columns, '~ batch + condition'; found when not given: ~ donor + condition where donors are in both conditions, else ~ condition, with the batch where one is named."),
        field("batch", &DeIo::batch, "obs column with batches: a condition that is confounded with them is refused, as it is where the file's own column batch says so; none: it is compared all the same."),
        field("derive", &DeIo::derive, kDeriveHelp),
        field("min_cells", &DeIo::min_cells, "Fewest cells of a donor and type that are used; under 20 there is a warning.", {.minimum = 1.0}),
        field("all_genes", &DeIo::all_genes, "List genes with too few counts to be tested in de.csv as well."),
        field("layer", &DeIo::layer, "Matrix with raw counts (X, raw.X or a layer); found by looking when not given."),
        field("orientation", &DeIo::orientation, "Of a text matrix: whether its rows are genes or cells; auto: by looking at the names.", {.choices = "auto|genes-in-rows|cells-in-rows"}),
    };
}

/// The cells of a data set that take part.
struct DeCells {
    analysis::Cohort cohort;
    std::vector<std::string> types;
    std::vector<std::int32_t> group_of_cell;  // type * n_samples + sample; -1: takes no part
    std::int32_t group(std::size_t type, std::int64_t sample) const { return static_cast<std::int32_t>(static_cast<std::int64_t>(type) * cohort.n_samples() + sample); }
    std::int32_t n_groups() const { return group(types.size(), 0); }
};
/// Reads and checks the columns, finds the design, says which it is. Throws not_found, invalid_data, usage.
DeCells de_cells(const data::Dataset& dataset, const DeIo& io, Context& context);

/// What came of one cell type by one contrast.
struct DeType {
    std::string name;
    std::string contrast;                // "severe - mild"
    analysis::ComparisonPlan plan;
    analysis::DeResult result;
    std::vector<std::int64_t> n_cells;   // of each sample of the cohort
    std::vector<std::int64_t> n_counts;
    std::int64_t n_up = 0;               // at FDR 5 %; 0 where nothing may be claimed
    std::int64_t n_down = 0;
    double detectable_log2fc = 0.0;      // of a gene of median precision, see the docs
};
/// Whether any level of the condition differs from the control in one cell type: several cases only.
struct DeLevels {
    std::string name;
    analysis::TogetherPlan plan;
    analysis::DeTogether result;
    std::int64_t n_found = 0;            // at FDR 5 %
};
struct ComparedType {
    std::vector<DeType> contrasts;
    std::vector<DeLevels> levels;        // one, or none with a single case
};

inline constexpr double kDeFdr = 0.05;
inline constexpr std::int64_t kDeFewCells = 20;

/// One data set, compared.
struct DeStudy {
    std::string name;
    data::Table var;
    DeCells cells;
    std::vector<DeType> types;      // type by type, the contrasts of each in order
    std::vector<DeLevels> levels;   // one a type, with several cases
    std::string refused;  // why it was not compared; "" where it was
    std::size_t n_contrasts() const { return cells.cohort.contrasts.size(); }
    /// Whether donors are compared with themselves: controls are then samples beside the disease, not people without it.
    bool is_within_donors() const { return cells.cohort.donor_term >= 0; }
};

/// Compares cell type `number`; sums: of cells.group_of_cell.
ComparedType compare_type(const DeCells& cells, std::size_t number, const analysis::Pseudobulk& sums, const DeIo& io, const analysis::DeOptions& options, Context& context);
/// Names of the tables of a data set: de.csv, donors.csv, and together.csv with several cases.
std::vector<std::string> de_tables(const DeStudy& study);
void write_de_tables(const std::filesystem::path& folder, const DeIo& io, const DeStudy& study);

/// A gene of a cell type in the data sets that tested it.
struct PooledGene {
    std::string gene;
    std::string gene_id;
    analysis::PooledEffect effect;
    std::int64_t n_studies = 0;
    double log10_fdr = 0.0;
    double log10_fdr_two = 0.0;
};
/// One cell type and contrast against one kind of control.
struct PooledType {
    std::string cell_type;
    std::string contrast;  // "" where there is one
    bool is_within_donors = false;
    std::vector<std::string> studies;  // those that tested the type
    std::int64_t n_case = 0;           // donors
    std::int64_t n_control = 0;
    std::vector<PooledGene> genes;     // tested in two data sets or more; none where one data set alone tested the type
};
/// Random-effects means of the types that were tested in several data sets. Data sets that compare donors with themselves (normal tissue beside the disease) and
/// data sets that compare them with other people are pooled apart. Only tested types enter, not exploratory ones. Genes meet by id or symbol, whichever the data sets share.
std::vector<PooledType> pool_studies(const std::vector<DeStudy>& studies, Context& context);
/// pooled.csv in `folder`.
void write_pooled_table(const std::filesystem::path& folder, const std::vector<PooledType>& pooled);
/// "other donors" or "the same donors".
std::string_view control_kind(bool is_within_donors);

/// What the terminal says of one data set.
std::string de_text(const DeIo& io, const DeStudy& study);
std::string pooled_text(const std::vector<PooledType>& pooled);
/// The --json object: what `record` says, and an entry a cell type; with several data sets these stand in an entry a data set, beside "pooled".
std::string de_json(const DeIo& io, const std::vector<DeStudy>& studies, const std::vector<PooledType>& pooled, const VerbRecord& record);

}  // namespace morula::commands
