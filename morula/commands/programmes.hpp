// What the parts of `morula programmes` share: its options, the programmes that can be looked at, and what came of them.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/analysis/gene_scores.hpp"
#include "morula/analysis/over_representation.hpp"
#include "morula/analysis/programmes.hpp"
#include "morula/commands/condition_contrast.hpp"
#include "morula/commands/gene_names.hpp"
#include "morula/commands/log_cells.hpp"
#include "morula/commands/verb_record.hpp"
#include "morula/core/describe.hpp"
#include "morula/formats/text/text_matrix.hpp"
#include "morula/knowledge/regulons.hpp"

namespace morula::commands {

enum class ProgrammeMethod { automatic, score, ulm, mlm };
enum class CellsTable { automatic, yes, no };

struct ProgrammesIo {
    std::string input;
    std::string sets;
    std::string regulons;
    std::string gene_table;
    std::string differences;
    std::string by;
    ProgrammeMethod method = ProgrammeMethod::automatic;
    std::string out;
    CellsTable cells_table = CellsTable::automatic;
    std::int64_t min_cells = 10;
    std::string layer;
    formats::TextOrientation orientation = formats::TextOrientation::automatic;
};
constexpr auto describe(const ProgrammesIo*) {
    using O = ProgrammesIo;
    return std::tuple{
        field("input", &O::input, "An h5ad file, a 10x folder or h5 file, a text matrix, or an atlas, with raw counts; may be left out with --differences or --genes.", {.positional = true}),
        field("sets", &O::sets, "Gene sets (GMT)."),
        field("regulons", &O::regulons, "Regulons (CSV, TSV): columns source, target, weight."),
        field("gene_table", &O::gene_table, kGeneTableHelp),
        field("differences", &O::differences, "A de.csv of `morula de`: tells which programmes its genes are enriched in."),
        field("by", &O::by, "obs column with the cell types, each looked at on its own; all cells together when not given."),
        field("method", &O::method, "score: mean of a set's genes less that of control genes; ulm, mlm: t of a linear model on the weights; auto: score for sets, ulm for regulons.", {.choices = "auto|score|ulm|mlm"}),
        field("out", &O::out, "Folder for cells.csv, groups.csv, donors.csv, contrast.csv, enrichment.csv, overlap.csv and run.json.", {.required = true}),
        field("cells_table", &O::cells_table, "Whether to write cells.csv; auto: up to five million values.", {.choices = "auto|yes|no"}),
        field("min_cells", &O::min_cells, "A donor with fewer cells of a type is left out of the comparison there.", {.minimum = 1.0}),
        field("layer", &O::layer, "Matrix with raw counts (X, raw.X or a layer); found by looking when not given."),
        field("orientation", &O::orientation, "Of a text matrix: whether its rows are genes or cells; auto: by looking at the names.", {.choices = "auto|genes-in-rows|cells-in-rows"}),
    };
}

/// Gene sets and regulons alike: names with weights. method: as the table wants it when the user did not say.
struct ProgrammeTable {
    std::string file;
    std::vector<knowledge::Regulon> programmes;
    ProgrammeMethod method = ProgrammeMethod::score;
    knowledge::GeneTable genes{};  // other names of genes; may know none
};
/// Throws usage unless exactly one of sets and regulons is named, for --method score with regulons, and for --confidence with sets.
ProgrammeTable read_programmes(const ProgrammesIo& io, const knowledge::RegulonsOptions& regulons, Context& context);

/// Programmes with min_genes genes among those of `dataset` (var alone is looked at), as columns of it; the others are named. May be none.
/// Throws what find_named_genes throws.
std::vector<analysis::WeightedGenes> placed_programmes(const ProgrammeTable& table, const data::Dataset& dataset, std::int64_t min_genes, Context& context);

/// A programme in a cell type, compared between conditions.
struct ProgrammeContrast {
    std::int32_t type = 0;
    std::int32_t programme = 0;
    double value_case = 0.0;     // mean over donors
    double value_control = 0.0;
    std::int64_t n_case = 0;
    std::int64_t n_control = 0;
    analysis::LogRatioTest test{};  // p is Student's
    double fdr = 0.0;
    bool is_exploratory = false;
    std::string status;
};

struct ProgrammeActivity {
    ProgrammeMethod method = ProgrammeMethod::score;
    std::vector<analysis::WeightedGenes> programmes;
    std::vector<std::string> cells;
    std::vector<std::string> types;
    std::vector<std::int32_t> type_of_cell;      // -1: none
    matrix::Dense<float> of_cells;               // n_cells x n_programmes
    std::optional<ConditionContrast> contrast;
    matrix::Dense<double> of_groups;             // unit * n_types + type x n_programmes; NaN without cells enough
    std::vector<std::int64_t> n_cells_of_group;
    std::vector<ProgrammeContrast> compared;
};
/// What is looked at in which cells. by: obs column with types, "" for all cells together.
struct ProgrammeQuestion {
    std::string by;
    std::int64_t min_cells = 10;
    analysis::ProgrammesOptions options{};
    analysis::GeneScoresOptions scores{};
};
/// Throws invalid_data where no programme has genes enough, and what the contrast throws.
ProgrammeActivity programme_activity(const ProgrammeTable& table, const LogCells& cells, const ContrastIo& contrast, const ProgrammeQuestion& question, Context& context);

/// Genes of one cell type that were compared, as `morula de` wrote them.
struct ComparedGenes {
    std::vector<std::string> symbols;
    std::vector<std::string> ids;
    std::vector<double> z;      // with the sign of the fold change
    std::vector<double> fdr;    // NaN where the comparison gave none
    std::string status;         // of the comparison
};
/// Cell types in order of the file.
struct Differences {
    std::string file;
    std::vector<std::string> types;
    std::map<std::string, ComparedGenes> of_type;
};
/// Throws not_found (no such column) and invalid_data: values that are no numbers, no gene compared.
Differences read_differences(const std::filesystem::path& path, Context& context);

/// The programmes of a table among the genes of one list.
struct PlacedProgrammes {
    std::string cell_type;
    std::vector<analysis::WeightedGenes> programmes;  // places in the list
};
/// For each cell type; those without a programme are left out. Throws invalid_data where none is left.
std::vector<PlacedProgrammes> programmes_in_differences(const ProgrammeTable& table, const Differences& differences, std::int64_t min_genes, Context& context);

struct EnrichedProgramme {
    std::string cell_type;
    std::string programme;
    std::int64_t n_genes = 0;  // of the programme, among the genes compared
    analysis::Enrichment found;
    double fdr = 0.0;          // within the cell type; NaN where the comparison was exploratory
    std::string status;
};
std::vector<EnrichedProgramme> enriched_programmes(const Differences& differences, std::span<const PlacedProgrammes> placed, double correlation);

struct OverlapIo {
    std::string genes;
    std::string background;
    double list_fdr = 0.05;
};
constexpr auto describe(const OverlapIo*) {
    using O = OverlapIo;
    return std::tuple{
        field("genes", &O::genes, "A list of genes, one a line, that is tested for programmes it is rich in, against --background."),
        field("background", &O::background, "The genes that could have been on the list of --genes, one a line: those that were tested, not all genes there are."),
        field("list_fdr", &O::list_fdr, "Genes of --differences up to this fdr are the lists (risen, fallen) that are tested for programmes they are rich in.", {.minimum = 0.0, .maximum = 1.0}),
    };
}

/// A programme and a list of genes: how many are on both, against chance.
struct Overlap {
    std::string cell_type;
    std::string list;             // "up", "down", "list"
    std::string programme;
    std::int64_t n_background = 0;
    std::int64_t n_listed = 0;
    analysis::OverRepresentation found;
    double fdr = 0.0;             // within the cell type and list
    std::vector<std::string> genes;
};
/// Lists of genes that rose and that fell, at an FDR of list_fdr, against all genes compared. Types whose comparison was exploratory have no such lists, which is said.
std::vector<Overlap> overlaps_with_differences(const Differences& differences, std::span<const PlacedProgrammes> placed, double list_fdr, Context& context);
/// Throws invalid_data: an empty list, genes that are not of the background (named), no programme with min_genes genes there.
std::vector<Overlap> overlaps_with_list(const ProgrammeTable& table, const OverlapIo& io, std::int64_t min_genes, Context& context);

/// overlap.csv.
void write_overlaps(const std::filesystem::path& folder, const std::vector<Overlap>& overlaps);
std::string overlap_text(const std::vector<Overlap>& overlaps);

void write_programme_activity(const std::filesystem::path& folder, const ProgrammesIo& io, const ProgrammeActivity& activity, VerbRecord& record);
void write_enrichment(const std::filesystem::path& folder, const std::vector<EnrichedProgramme>& enriched);
std::string activity_text(const ProgrammesIo& io, const ProgrammeActivity& activity);
std::string enrichment_text(const ProgrammesIo& io, const std::vector<EnrichedProgramme>& enriched, double correlation);
std::string method_name(ProgrammeMethod method);

}  // namespace morula::commands
