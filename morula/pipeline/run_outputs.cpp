#include "morula/pipeline/run_outputs.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <system_error>

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/core/file.hpp"
#include "morula/formats/text/csv_writer.hpp"
#include "morula/pipeline/report_data.hpp"
#include "morula/pipeline/timed_step.hpp"
#include "morula/report/render.hpp"

namespace morula::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kAutomaticMatrixBytes = 8'000'000'000;
constexpr std::int64_t kRankedGenes = 100;
constexpr std::size_t kMostRankedClusters = 500;
constexpr double kListedFdr = 0.05;

/// What scanpy looks for, under its names; our own results stay in the atlas and the report.
data::Dataset cells_for_scanpy(const RunState& state, Context& context) {
    data::Dataset out = state.kept;
    std::erase_if(out.varm, [](const auto& entry) { return entry.first.rfind("markers_", 0) == 0; });
    const data::Categorical leiden = commands::require_groups(out, "leiden");
    data::UnsMap uns;
    for (const char* name : {"log1p", "pca", "neighbors", "umap", "leiden"}) uns[name] = out.uns.at(name);
    // Its tables have a field a cluster, and what HDF5 can say of a table's fields ends at 64 KB.
    if (leiden.categories.size() > kMostRankedClusters) {
        context.events().decision(fmt::format("cells.h5ad: {} clusters are more than a table rank_genes_groups can hold; markers.csv has them all.", leiden.categories.size()));
    } else {
        uns["rank_genes_groups"] = commands::rank_genes_groups(commands::stored_markers(state.kept), out.var, leiden.categories, std::min(kRankedGenes, out.n_genes()), "leiden");
    }
    uns["hvg"] = commands::uns_of(data::UnsMap{{"flavor", commands::uns_of(out.var.has("variances_norm") ? std::string("seurat_v3") : std::string("seurat"))}});
    out.uns = std::move(uns);
    return out;
}

void write_markers(const fs::path& path, const RunState& state) {
    const analysis::MarkersResult markers = commands::stored_markers(state.kept);
    const data::Categorical leiden = commands::require_groups(state.kept, "leiden");
    const std::vector<std::string> symbols = commands::symbols_of(state.kept.var);
    const std::vector<std::string> ids = commands::ids_of(state.kept.var);
    formats::CsvWriter csv(path, {"cluster", "gene", "gene_id", "auc", "min_rank", "cohens_d", "log2fc", "pct_in", "pct_out", "z", "log10_p", "fdr"});
    for (std::size_t cluster = 0; cluster < leiden.categories.size(); ++cluster) {
        for (const analysis::MarkerRow& row : analysis::top_markers(markers, static_cast<std::int32_t>(cluster), state.kept.n_genes(), analysis::MarkerOrder::auc)) {
            if (!(row.auc > 0.5) || !(row.fdr <= kListedFdr)) continue;
            const auto gene = static_cast<std::size_t>(row.gene);
            csv.text(leiden.categories[cluster]).text(symbols[gene]).text(ids[gene]).number(row.auc).integer(row.min_rank).number(row.cohens_d).number(row.log2fc);
            csv.number(row.pct_in).number(row.pct_out).number(row.z).number(row.log10_p).number(row.fdr).end_row();
        }
    }
    csv.commit();
}

std::string spoken_summary(const RunState& state, const fs::path& folder, const RunRecord& record) {
    return fmt::format("{} of {} cells kept, {} clusters, {:.1f} s.\nReport: {}\n", state.kept.n_cells(), state.all.n_cells(), state.n_clusters, record.seconds(), (folder / "report.html").string());
}

}  // namespace

CellsFile::CellsFile(const fs::path& path, const RunOptions& options, const data::Dataset& kept, Context& context) {
    data::Dataset matrices = commands::slots_like(kept);
    matrices.layers = kept.layers;
    formats::WriteH5adOptions write;
    write.layers_sharing_index_with_x = {"counts"};
    const std::int64_t bytes = formats::estimate_h5ad_bytes(matrices, write);
    has_matrices_ = options.matrix == MatrixOutput::full || (options.matrix == MatrixOutput::automatic && bytes <= kAutomaticMatrixBytes);
    if (!has_matrices_) {
        matrices.layers.clear();
        write.layers_sharing_index_with_x.clear();
        context.events().decision(fmt::format("{}: written without matrices ({} with them); the counts are in the atlas. The same command with `--matrix full` adds them, with all steps from the cache.", path.string(), format_bytes(bytes)));
    } else {
        require_disk_space(path, bytes, path.filename().string());  // told now, not after the analysis
    }
    const auto write_them = [this, matrices = std::move(matrices), path, write = std::move(write), memory = context.memory_bytes()] {
        try {
            Context beside({.threads = 1, .memory_bytes = memory, .cancel = &stop_});
            file_.emplace(matrices, path, write, beside);
        } catch (...) {
            error_ = std::current_exception();
        }
    };
    try {
        writer_ = std::thread(write_them);
    } catch (const std::system_error&) {  // no thread to be had
        write_them();
    }
}

CellsFile::~CellsFile() {
    stop_ = true;
    if (writer_.joinable()) writer_.join();
}

void CellsFile::finish(const RunState& state, Context& context) {
    if (writer_.joinable()) writer_.join();
    if (error_) std::rethrow_exception(error_);
    data::Dataset cells = cells_for_scanpy(state, context);
    cells.layers.clear();
    file_->finish(cells, context);
}

commands::CommandResult write_outputs(const fs::path& folder, const RunOptions& options, const Recipe& recipe, const knowledge::MarkerTable& table, const RunState& state, CellsFile& cells,
                                      RunRecord& record, Context& context) {
    timed_step("write cells.h5ad", {}, record, context, [&] { cells.finish(state, context); });
    timed_step("write markers.csv", {}, record, context, [&] { write_markers(folder / "markers.csv", state); });
    std::vector<std::string> compared;
    if (write_differences(folder / "differences.csv", state)) compared.emplace_back("differences.csv");
    for (const auto& [name, slot] : {std::pair{"programmes.csv", "programme_differences"}, {"regulons.csv", "regulon_differences"}, {"communication.csv", "communication_differences"}}) {
        if (write_compared_scores(folder / name, state, slot)) compared.emplace_back(name);
    }
    for (std::string& name : write_acquired_changes(folder, state, context)) compared.push_back(std::move(name));
    timed_step("write report.html", {}, record, context, [&] { report::write_report(compose_report({options, recipe, table, state, record, cells.has_matrices()}, context), folder / "report.html"); });
    for (const char* name : kOutputNames) record.add_output((folder / name).string());
    for (const std::string& name : compared) record.add_output((folder / name).string());
    record.close(RunStatus::finished, "");
    return {spoken_summary(state, folder, record), record.summary_json()};
}

}  // namespace morula::pipeline
