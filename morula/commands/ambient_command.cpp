// The verb `ambient`: how much of a sample's counts is ambient RNA, and of which genes.
#include <fmt/format.h>

#include <cmath>

#include "morula/commands/ambient.hpp"
#include "morula/commands/comparison_commands.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/step_command.hpp"

namespace morula::commands {
namespace {

struct CellsOfSample {
    matrix::Matrix counts;
    std::vector<std::int32_t> cluster;
};

CellsOfSample cells_of(const AmbientCells& cells, std::size_t sample) {
    std::vector<std::int64_t> rows;
    CellsOfSample out;
    for (std::size_t cell = 0; cell < cells.sample.codes.size(); ++cell) {
        if (cells.sample.codes[cell] != static_cast<std::int32_t>(sample)) continue;
        rows.push_back(static_cast<std::int64_t>(cell));
        out.cluster.push_back(cells.cluster.codes[cell]);
    }
    out.counts = matrix::select_rows(require_counts(cells.cells), std::move(rows));
    return out;
}

AmbientSample look_at_sample(const AmbientCells& cells, std::size_t s, std::span<const analysis::AmbientSet> sets, const analysis::AmbientOptions& options, Context& context) {
    const CellsOfSample own = cells_of(cells, s);
    const auto n_clusters = static_cast<std::int32_t>(cells.cluster.categories.size());
    AmbientSample out;
    out.name = cells.sample.categories[s];
    out.n_cells = own.counts->n_rows();
    out.n_empty = cells.empty[s].counts.empty() ? 0 : cells.empty[s].n;
    out.found = analysis::ambient(*own.counts, own.cluster, n_clusters, cells.empty[s].counts, options, context);
    if (!sets.empty()) out.by_sets = analysis::ambient_sets(*own.counts, own.cluster, n_clusters, out.found.soup, sets, options.max_fraction, context);
    return out;
}

CommandResult run_ambient(const FieldValues& values, Context& context) {
    const auto io = options_among<AmbientIo>(values);
    const auto options = options_among<analysis::AmbientOptions>(values);
    VerbRecord record("ambient", values, context);
    const knowledge::GeneTable table = open_gene_table(io.gene_table, context);
    const AmbientCells cells = open_ambient_cells(io, table, record, context);
    AmbientOutcome outcome;
    outcome.sets = ambient_sets_of(io.markers, cells.cells, table, context);
    outcome.cluster_names = cells.cluster.categories;
    for (std::size_t s = 0; s < cells.sample.categories.size(); ++s) {
        with_named_errors(io.input, cells.sample.categories[s], [&] { outcome.samples.push_back(look_at_sample(cells, s, outcome.sets, options, context)); });
        const AmbientSample& sample = outcome.samples.back();
        if (std::isnan(sample.fraction())) context.events().warning(fmt::format("{}: {}.", sample.name, sample.status()));
        outcome.genes.push_back(ambient_gene_rows(sample));
    }
    make_output_folder(io.out, {"ambient.csv", "ambient_genes.csv", "ambient_sets.csv"});
    write_ambient_tables(io.out, outcome, cells.cells.var, record);
    record.write(io.out);
    return {ambient_text(outcome, cells.cells.var), ambient_json(io.out, outcome, cells.cells.var)};
}

}  // namespace

Command ambient_command() {
    Command command;
    command.name = "ambient";
    command.summary = "Tell how much of each sample's counts is ambient RNA, and flag its genes.";
    command.help =
        "Clusters that do not express a set of genes have its counts from the soup: what they hold of it, over what soup alone would give them, is the ambient share. Sets that one type expresses and the others do not are given with "
        "--markers; else such genes are looked for, and the share is an upper limit. The soup's profile is that of the empty droplets of an unfiltered matrix, else that of all cells together. Counts are never changed.";
    command.examples = {{"An unfiltered matrix of 10x", "morula ambient raw_feature_bc_matrix --out ambient"},
                        {"Clustered cells, sets of genes that one type alone expresses, and the unfiltered matrix they came from",
                         "morula ambient cells.h5ad --clusters cell_type --markers sets.gmt --unfiltered raw_feature_bc_matrix --out ambient"}};
    command.options = joined_schema<AmbientIo, analysis::AmbientOptions>();
    command.run = run_ambient;
    return command;
}

}  // namespace morula::commands
