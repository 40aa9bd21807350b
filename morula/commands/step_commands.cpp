// The verbs of the single steps.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "morula/analysis/gene_scores.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/step_command.hpp"
#include "morula/commands/steps.hpp"
#include "morula/core/error.hpp"
#include "morula/formats/text/csv_writer.hpp"

namespace morula::commands {
namespace {

using data::Dataset;

Command named(std::string name, std::string summary, std::string line, std::vector<std::string> reads, std::vector<std::string> writes) {
    Command command;
    command.examples = {{summary, "morula " + name + " " + line}};
    command.name = std::move(name);
    command.summary = std::move(summary);
    command.reads = std::move(reads);
    command.writes = std::move(writes);
    return command;
}

struct BatchColumn {
    std::string batch;
};
constexpr auto describe(const BatchColumn*) { return std::tuple{field("batch", &BatchColumn::batch, "Column of obs that names the batches.")}; }

struct RequiredBatch {
    std::string batch;
};
constexpr auto describe(const RequiredBatch*) { return std::tuple{field("batch", &RequiredBatch::batch, "Column of obs whose levels are mixed.", {.required = true})}; }

struct EmbeddingChoice {
    std::string embedding = "X_pca";
    std::int64_t n_dims = 30;
};
constexpr auto describe(const EmbeddingChoice*) {
    return std::tuple{field("embedding", &EmbeddingChoice::embedding, "Embedding in obsm to read."),
                      field("n_dims", &EmbeddingChoice::n_dims, "Leading dimensions to use.", {.minimum = 1})};
}

struct GraphChoice {
    std::string embedding = "X_pca";
    std::int64_t n_dims = 30;
    analysis::GraphWeights graph_weights = analysis::GraphWeights::fuzzy;
};
constexpr auto describe(const GraphChoice*) {
    return std::tuple{field("embedding", &GraphChoice::embedding, "Embedding in obsm to read."),
                      field("n_dims", &GraphChoice::n_dims, "Leading dimensions to use.", {.minimum = 1}),
                      field("graph_weights", &GraphChoice::graph_weights, "Weights of the graph that is clustered: fuzzy as UMAP and scanpy, shared as Seurat (neighbours that two cells share).", {.choices = "fuzzy|shared"})};
}

struct GroupColumn {
    std::string groups = "leiden";
};
constexpr auto describe(const GroupColumn*) { return std::tuple{field("groups", &GroupColumn::groups, "Column of obs whose groups are compared.")}; }

struct BarcodeChoice {
    bool keep_all = false;
};
constexpr auto describe(const BarcodeChoice*) { return std::tuple{field("keep_all", &BarcodeChoice::keep_all, "Write every barcode, with the call in obs is_cell, and not the called ones alone.")}; }

struct ScoreChoice {
    std::vector<std::string> genes;
    std::string name = "score";
};
constexpr auto describe(const ScoreChoice*) {
    return std::tuple{field("genes", &ScoreChoice::genes, "Symbols of the set, commas between.", {.required = true}),
                      field("name", &ScoreChoice::name, "Column of obs to write.")};
}

/// Totals over all genes where no filter ran before.
void ensure_totals(Dataset& dataset, Context& context) {
    if (!dataset.obs.has("kept_counts")) merge_slots(dataset, filter_slots(dataset, {.min_cells = 0}, context));
}

void score_genes(Dataset& dataset, const analysis::GeneScoresOptions& options, const ScoreChoice& choice, Context& context) {
    const std::vector<std::string> symbols = symbols_of(dataset.var);
    const std::vector<std::string_view> wanted(choice.genes.begin(), choice.genes.end());
    const std::vector<std::vector<std::int64_t>> sets{analysis::find_genes(symbols, wanted)};
    if (sets[0].empty()) fail(ErrorCode::not_found, fmt::format("{}: has none of the genes {}.", dataset.name, fmt::join(choice.genes, ", ")), "Check the symbols.");
    const analysis::GeneScoresResult result = analysis::gene_scores(*require_log_values(dataset), sets, options, context);
    dataset.obs.set(choice.name, result.score.values);
}

void call_cells(Dataset& dataset, const analysis::CellCallingOptions& options, const BarcodeChoice& choice, Context& context) {
    merge_slots(dataset, call_cells_slots(dataset, options, context));
    for (const CalledCapture& capture : stored_cell_calling(dataset.uns)) {
        context.events().decision(cell_calling_sentence(capture));
        if (!capture.note.empty()) context.events().warning(capture.name + ": " + capture.note);
    }
    if (!choice.keep_all) dataset = keep_called(dataset);
}

/// doublets writes a table, not a data set.
Command doublets_command() {
    Command base = named("doublets", "Score doublets, capture by capture.", "filtered_feature_bc_matrix --out doublets.csv", {"layer counts", "obs capture or sample"}, {"table cell, score, call"});
    base.options = schema_of<StepIo>();
    for (FieldSchema& field : base.options) {
        if (field.name == "out") field.help = "The CSV file to write: cell, score, call.";
    }
    for (FieldSchema& field : schema_of<analysis::DoubletsOptions>()) base.options.push_back(std::move(field));
    base.run = [](const FieldValues& values, Context& context) -> CommandResult {
        const auto io = options_among<StepIo>(values);
        const Dataset dataset = open_step_input(io, StepReads::counts, context);
        const Dataset slots = doublets_slots(dataset, options_among<analysis::DoubletsOptions>(values), context);
        const std::vector<double> score = data::column_numbers(slots.obs.at("doublet_score"));
        const std::vector<double> call = data::column_numbers(slots.obs.at("doublet"));
        formats::CsvWriter csv(io.out, {"cell", "score", "call"});
        std::int64_t n_called = 0;
        for (std::size_t cell = 0; cell < score.size(); ++cell) {
            const bool called = call[cell] != 0.0;
            n_called += called ? 1 : 0;
            csv.text(dataset.obs.index()[cell]).number(score[cell]).text(std::isnan(score[cell]) ? "not scored" : called ? "doublet" : "singlet").end_row();
        }
        csv.commit();
        const nlohmann::ordered_json json = {{"out", io.out}, {"n_cells", dataset.n_cells()}, {"n_doublets", n_called}};
        return {fmt::format("{}: {} of {} cells called doublets.", io.out, n_called, dataset.n_cells()), json.dump()};
    };
    return base;
}

std::vector<Command> count_commands() {
    return {
        make_step_command<analysis::CellCallingOptions, BarcodeChoice>(
            named("call-cells", "Find the barcodes that hold a cell in an unfiltered matrix.", "raw_feature_bc_matrix --out cells.h5ad", {"layer counts", "obs capture or sample"},
                  {"obs cell_fdr, ambient_log_probability", "uns cell_calling"}), StepReads::counts, call_cells),
        make_step_command<analysis::QcOptions, NoExtra>(
            named("qc", "Quality metrics of cells and genes, and why a cell should go.", "counts.h5ad --out qc.h5ad", {"layer counts"}, {"obs total_counts, n_genes_by_counts, pct_counts_mt, qc", "uns qc"}), StepReads::counts,
            [](Dataset& d, const analysis::QcOptions& o, const NoExtra&, Context& c) { merge_slots(d, qc_slots(d, o, c)); }),
        make_step_command<analysis::FilterOptions, NoExtra>(
            named("filter", "Keep the cells that qc kept, and mark genes seen in enough of them.", "qc.h5ad --out kept.h5ad", {"layer counts", "obs qc"}, {"var in_enough_cells", "obs kept_counts"}), StepReads::counts,
            [](Dataset& d, const analysis::FilterOptions& o, const NoExtra&, Context& c) {
                if (d.obs.has("qc")) d = keep_cells(d);
                merge_slots(d, filter_slots(d, o, c));
            }),
        doublets_command(),
        make_step_command<analysis::NormalizeOptions, NoExtra>(
            named("normalize", "Scale cells to one total and take the logarithm.", "kept.h5ad --out log.h5ad", {"layer counts"}, {"layer X", "obs size_factor"}), StepReads::counts,
            [](Dataset& d, const analysis::NormalizeOptions& o, const NoExtra&, Context& c) {
                ensure_totals(d, c);
                merge_slots(d, normalize_slots(d, o, c));
                add_log_values(d);
            }),
        make_step_command<analysis::HvgOptions, BatchColumn>(
            named("hvg", "Find highly variable genes.", "log.h5ad --out hvg.h5ad", {"layer counts (seurat_v3) or X"}, {"var highly_variable"}), StepReads::neither,
            [](Dataset& d, const analysis::HvgOptions& o, const BatchColumn& b, Context& c) { merge_slots(d, hvg_slots(d, o, b.batch, c)); }),
    };
}

std::vector<Command> embedding_commands() {
    return {
        make_step_command<analysis::PcaOptions, NoExtra>(
            named("pca", "Principal components of the highly variable genes.", "hvg.h5ad --out pca.h5ad", {"layer X", "var highly_variable"}, {"obsm X_pca", "varm PCs"}), StepReads::log_values,
            [](Dataset& d, const analysis::PcaOptions& o, const NoExtra&, Context& c) { merge_slots(d, pca_slots(d, o, c)); }),
        make_step_command<analysis::HarmonyOptions, RequiredBatch>(
            named("harmony", "Mix batches in the PCA.", "pca.h5ad --batch batch --out mixed.h5ad", {"obsm X_pca"}, {"obsm X_pca_harmony"}), StepReads::neither,
            [](Dataset& d, const analysis::HarmonyOptions& o, const RequiredBatch& b, Context& c) { merge_slots(d, harmony_slots(d, o, b.batch, c)); }),
        make_step_command<analysis::NeighborsOptions, GraphChoice>(
            named("neighbors", "Nearest neighbours and the weights of their graph.", "pca.h5ad --out graph.h5ad", {"obsm X_pca"}, {"obsp distances, connectivities"}), StepReads::neither,
            [](Dataset& d, const analysis::NeighborsOptions& o, const GraphChoice& g, Context& c) { merge_slots(d, neighbors_slots(d, {o, g.embedding, g.n_dims, {g.graph_weights}}, c)); }),
        make_step_command<analysis::LeidenOptions, NoExtra>(
            named("leiden", "Clusters of the neighbour graph.", "graph.h5ad --resolution 1 --out clusters.h5ad", {"obsp connectivities"}, {"obs leiden"}), StepReads::neither,
            [](Dataset& d, const analysis::LeidenOptions& o, const NoExtra&, Context& c) {
                analysis::KnownClusters none;
                merge_slots(d, leiden_slots(d, o, none, c));
            }),
        make_step_command<analysis::UmapOptions, EmbeddingChoice>(
            named("umap", "Layout of the neighbour graph in two or three dimensions.", "graph.h5ad --out map.h5ad", {"obsp connectivities", "obsm X_pca"}, {"obsm X_umap"}), StepReads::neither,
            [](Dataset& d, const analysis::UmapOptions& o, const EmbeddingChoice& e, Context& c) { merge_slots(d, umap_slots(d, o, e.embedding, c)); }),
    };
}

std::vector<Command> meaning_commands() {
    return {
        make_step_command<analysis::MarkersOptions, GroupColumn>(
            named("markers", "Genes that tell groups of cells apart.", "clusters.h5ad --groups leiden --out markers.h5ad", {"layer X", "obs leiden"}, {"varm markers_auc, ...", "uns rank_genes_groups"}), StepReads::log_values,
            [](Dataset& d, const analysis::MarkersOptions& o, const GroupColumn& g, Context& c) {
                merge_slots(d, markers_slots(d, o, g.groups, c));
                constexpr std::int64_t kRanked = 100;
                d.uns["rank_genes_groups"] = rank_genes_groups(stored_markers(d), d.var, require_groups(d, g.groups).categories, std::min(kRanked, d.n_genes()), g.groups);
            }),
        make_step_command<analysis::GeneScoresOptions, ScoreChoice>(
            named("score-genes", "Score a set of genes in every cell.", "log.h5ad --genes CD3D,CD3E --name t_cell --out scored.h5ad", {"layer X"}, {"obs score"}), StepReads::log_values, score_genes),
        make_step_command<analysis::CellCycleOptions, NoExtra>(
            named("cell-cycle", "Cell-cycle scores and phase.", "log.h5ad --out phase.h5ad", {"layer X"}, {"obs S_score, G2M_score, phase"}), StepReads::log_values,
            [](Dataset& d, const analysis::CellCycleOptions& o, const NoExtra&, Context& c) { merge_slots(d, cell_cycle_slots(d, o, c)); }),
    };
}

}  // namespace

std::vector<Command> step_commands() {
    std::vector<Command> all;
    for (auto group : {count_commands, embedding_commands, meaning_commands}) {
        for (Command& command : group()) all.push_back(std::move(command));
    }
    return all;
}

}  // namespace morula::commands
