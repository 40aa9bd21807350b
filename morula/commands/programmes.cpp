// Scores, activity and enrichment of gene sets and regulons.
#include "morula/commands/programmes.hpp"

#include "morula/commands/comparison_commands.hpp"
#include "morula/commands/step_command.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

CommandResult run_programmes(const FieldValues& values, Context& context) {
    const auto io = options_among<ProgrammesIo>(values);
    const auto contrast = options_among<ContrastIo>(values);
    const auto options = options_among<analysis::ProgrammesOptions>(values);
    if (io.input.empty() && io.differences.empty()) fail(ErrorCode::usage, "`morula programmes` needs cells or a list of differences.", "Name an h5ad file, or give --differences de.csv.");
    VerbRecord record("programmes", values, context);
    const ProgrammeTable table = read_programmes(io, context);
    std::optional<ProgrammeActivity> activity;
    std::vector<EnrichedProgramme> enriched;
    if (!io.input.empty()) {
        LogCells cells = open_log_cells(io.input, io.layer, io.orientation, context);
        record.add_input(io.input, cells.dataset);
        add_derived_columns(cells.dataset, contrast.derive, context);
        activity = programme_activity(table, cells, contrast, {io.by, io.min_cells, options, options_among<analysis::GeneScoresOptions>(values)}, context);
    }
    if (!io.differences.empty()) enriched = enriched_programmes(table, io.differences, options, context);
    make_output_folder(io.out);
    std::string text;
    if (activity) {
        write_programme_activity(io.out, io, *activity, record);
        text += activity_text(io, *activity);
    }
    if (!enriched.empty()) {
        write_enrichment(io.out, enriched);
        record.add_output("enrichment.csv");
        record.add_number("correlation", options.correlation);
        text += enrichment_text(io, enriched, options.correlation);
    }
    record.add_output("run.json");
    record.write(io.out);
    return {text + io.out + ": the tables, run.json.\n", record.summary_json(io.out)};
}

}  // namespace

Command programmes_command() {
    Command command;
    command.name = "programmes";
    command.summary = "Score gene sets and regulons in cells, compare them between conditions, test lists of differences for them.";
    command.help =
        "Gene sets are scored against control genes, regulons by linear models on their signed weights (ulm, mlm). With --condition, --case, --control and --donor the donors' values are compared, type by type; under three donors a "
        "condition there is no fdr. With --differences the genes of a comparison are tested for programmes they are enriched in, reckoning with correlated genes.";
    command.examples = {{"Hallmark sets by cell type", "morula programmes cells.h5ad --sets hallmarks.gmt --by cell_type --out programmes"},
                        {"Activity of transcription factors, diseased against healthy", "morula programmes cells.h5ad --regulons collectri.csv --by cell_type --condition condition --case diseased --control healthy --donor donor --out regulons"},
                        {"What the genes of a comparison have in common", "morula programmes --differences de/de.csv --sets hallmarks.gmt --out enrichment"}};
    command.options = joined_schema<ProgrammesIo, ContrastIo, analysis::ProgrammesOptions, analysis::GeneScoresOptions>();
    command.run = run_programmes;
    return command;
}

}  // namespace morula::commands
