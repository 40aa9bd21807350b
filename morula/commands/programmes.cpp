// Scores, activity and enrichment of gene sets and regulons.
#include "morula/commands/programmes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "morula/commands/comparison_commands.hpp"
#include "morula/commands/step_command.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

Schema options_of_programmes() { return joined_schema<ProgrammesIo, knowledge::RegulonsOptions, ContrastIo, OverlapIo, analysis::ProgrammesOptions, analysis::GeneScoresOptions>(); }

/// Options that say something of cells, where none are given: the answer would not be what was asked.
void refuse_options_of_cells(const FieldValues& values) {
    constexpr std::array<std::string_view, 13> kOfCells{"by", "method", "layer", "orientation", "cells_table", "min_cells", "condition", "case", "control", "donor", "batch", "design", "derive"};
    for (const FieldSchema& field : options_of_programmes()) {
        const bool is_given = std::ranges::any_of(values, [&](const auto& value) { return value.first == field.name; });
        if (!is_given || std::find(kOfCells.begin(), kOfCells.end(), field.name) == kOfCells.end()) continue;
        fail(ErrorCode::usage, fmt::format("{} says something of cells, and none are given.", flag_of(field)), "Leave it out, or name the cells too.");
    }
}

void check_programmes(const ProgrammesIo& io, const OverlapIo& overlap, const FieldValues& values) {
    if (io.input.empty() && io.differences.empty() && overlap.genes.empty()) fail(ErrorCode::usage, "`morula programmes` needs cells or a list of differences.", "Name an h5ad file, or give --differences de.csv or --genes list.txt.");
    if (!io.differences.empty() && !overlap.genes.empty()) fail(ErrorCode::usage, "--differences and --genes were both given.", "Give one of them: both are tested for the programmes they are rich in.");
    if (overlap.genes.empty() != overlap.background.empty()) {
        fail(ErrorCode::usage, overlap.genes.empty() ? "--background is that of --genes, and none are given." : "--genes needs --background.",
             "Give both: a list is rich in something only against the genes that could have been on it (those that were tested).");
    }
    if (io.input.empty()) refuse_options_of_cells(values);
}

/// Enrichment and overlaps, where they are asked for, and what is said of them.
std::string add_lists(const ProgrammesIo& io, const OverlapIo& overlap, const analysis::ProgrammesOptions& options, const std::vector<EnrichedProgramme>& enriched, const std::vector<Overlap>& overlaps, VerbRecord& record) {
    std::string text;
    if (!enriched.empty()) {
        write_enrichment(io.out, enriched);
        record.add_output("enrichment.csv");
        record.add_number("correlation", options.correlation);
        text += enrichment_text(io, enriched, options.correlation);
    }
    if (io.differences.empty() && overlap.genes.empty()) return text;
    write_overlaps(io.out, overlaps);
    record.add_output("overlap.csv");
    record.add_count("n_overlaps_at_fdr_5", std::count_if(overlaps.begin(), overlaps.end(), [](const Overlap& each) { return each.fdr < 0.05; }));
    return text + (overlaps.empty() ? "No list of genes could be cut, so that none is tested for what it is rich in.\n" : overlap_text(overlaps));
}

CommandResult run_programmes(const FieldValues& values, Context& context) {
    const auto io = options_among<ProgrammesIo>(values);
    const auto contrast = options_among<ContrastIo>(values);
    const auto overlap = options_among<OverlapIo>(values);
    const auto options = options_among<analysis::ProgrammesOptions>(values);
    check_programmes(io, overlap, values);
    VerbRecord record("programmes", values, context);
    const ProgrammeTable table = read_programmes(io, options_among<knowledge::RegulonsOptions>(values), context);
    std::optional<ProgrammeActivity> activity;
    if (!io.input.empty()) {
        LogCells cells = open_log_cells(io.input, io.layer, io.orientation, context);
        record.add_input(io.input, cells.dataset);
        add_derived_columns(cells.dataset, contrast.derive, context);
        activity = programme_activity(table, cells, contrast, {io.by, io.min_cells, options, options_among<analysis::GeneScoresOptions>(values)}, context);
    }
    std::vector<EnrichedProgramme> enriched;
    std::vector<Overlap> overlaps;
    if (!io.differences.empty()) {
        const Differences differences = read_differences(io.differences, context);
        const std::vector<PlacedProgrammes> placed = programmes_in_differences(table, differences, options.min_genes, context);
        enriched = enriched_programmes(differences, placed, options.correlation);
        overlaps = overlaps_with_differences(differences, placed, overlap.list_fdr, context);
    } else if (!overlap.genes.empty()) {
        overlaps = overlaps_with_list(table, overlap, options.min_genes, context);
    }
    make_output_folder(io.out, {"cells.csv", "groups.csv", "donors.csv", "contrast.csv", "enrichment.csv", "overlap.csv"});
    std::string text;
    if (activity) {
        write_programme_activity(io.out, io, *activity, record);
        text += activity_text(io, *activity);
    }
    text += add_lists(io, overlap, options, enriched, overlaps, record);
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
        "condition there is no fdr. With --differences the genes of a comparison are tested for programmes they are enriched in, reckoning with correlated genes, and lists of risen and fallen genes (or one of your own, --genes) for "
        "programmes they are rich in.";
    command.examples = {{"Hallmark sets by cell type", "morula programmes cells.h5ad --sets hallmarks.gmt --by cell_type --out programmes"},
                        {"Activity of transcription factors, diseased against healthy", "morula programmes cells.h5ad --regulons collectri.csv --by cell_type --condition condition --case diseased --control healthy --donor donor --out regulons"},
                        {"What the genes of a comparison have in common", "morula programmes --differences de/de.csv --sets hallmarks.gmt --out enrichment"},
                        {"What a list of genes is rich in", "morula programmes --genes list.txt --background tested.txt --sets hallmarks.gmt --out enrichment"}};
    command.options = options_of_programmes();
    command.run = run_programmes;
    return command;
}

}  // namespace morula::commands
