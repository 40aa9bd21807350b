// The cells of `morula ambient`: samples, clusters, empty droplets, marker sets.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "morula/analysis/pseudobulk.hpp"
#include "morula/commands/ambient.hpp"
#include "morula/commands/annotate.hpp"
#include "morula/commands/comparison_cells.hpp"
#include "morula/commands/input.hpp"
#include "morula/commands/made_clusters.hpp"
#include "morula/commands/named_genes.hpp"
#include "morula/commands/shared_genes.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"
#include "morula/knowledge/gmt.hpp"
#include "morula/knowledge/marker_table.hpp"
#include "morula/matrix/held_in_memory.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

constexpr double kFewestEmptyCounts = 1000.0;  // of a sample's empty droplets, as for cell calling
constexpr std::int64_t kFewestCellsToCluster = 60;

data::Categorical samples_among(const data::Dataset& dataset, const std::string& column) {
    if (!column.empty()) return require_groups(dataset, column);
    return dataset.obs.has("capture") ? require_groups(dataset, "capture") : samples_of(dataset);
}

/// Sums over the barcodes with 1 to `below` counts, sample by sample.
std::vector<EmptyDroplets> empty_droplets(const data::Dataset& dataset, const data::Categorical& samples, std::int64_t below, Context& context) {
    const matrix::Matrix counts = require_counts(dataset);
    const std::vector<double> total = matrix::row_sums(*counts, context);
    std::vector<std::int32_t> group(total.size(), -1);
    for (std::size_t i = 0; i < total.size(); ++i) {
        if (total[i] > 0.0 && total[i] <= static_cast<double>(below)) group[i] = samples.codes[i];
    }
    const analysis::Pseudobulk sums = analysis::pseudobulk(*counts, group, static_cast<std::int32_t>(samples.categories.size()), context);
    std::vector<EmptyDroplets> out(samples.categories.size());
    for (std::size_t s = 0; s < out.size(); ++s) {
        const auto row = sums.sums.row(static_cast<std::int64_t>(s));
        out[s].n = sums.n_cells[s];
        out[s].counts.assign(row.begin(), row.end());
    }
    return out;
}

/// Too few counts show no soup: said, and left to the cells.
void drop_thin_soup(const std::vector<std::string>& samples, std::vector<EmptyDroplets>& empty, Context& context) {
    for (std::size_t s = 0; s < empty.size(); ++s) {
        double sum = 0.0;
        for (const double count : empty[s].counts) sum += count;
        if (sum >= kFewestEmptyCounts) continue;
        if (!empty[s].counts.empty()) {
            context.events().warning(fmt::format("{}: {} empty droplets hold {:.0f} counts, too few to show the soup (at least {:.0f}): its profile is taken from all cells together.", samples[s], empty[s].n, sum, kFewestEmptyCounts));
        }
        empty[s] = {};
    }
}

/// Calls the cells of an unfiltered matrix and keeps the counts of its empty droplets.
AmbientCells from_unfiltered(data::Dataset dataset, const AmbientIo& io, Context& context) {
    const data::Categorical captures = samples_among(dataset, io.sample);
    AmbientCells out;
    out.empty = empty_droplets(dataset, captures, io.ambient_below, context);
    dataset.obs.set("capture", captures);
    analysis::CellCallingOptions calling;
    calling.ambient_below = io.ambient_below;
    const std::int64_t n_barcodes = dataset.n_cells();
    merge_slots(dataset, call_cells_slots(dataset, calling, context));
    out.cells = keep_called(dataset);
    out.cells.layers["counts"] = matrix::held_in_memory(out.cells.layers.at("counts"), context);
    context.events().decision(fmt::format("{}: an unfiltered matrix; {} of its {} barcodes were called cells, and those with at most {} counts show the soup.", dataset.name, out.cells.n_cells(), n_barcodes, io.ambient_below));
    if (out.cells.n_cells() == 0) invalid_data(fmt::format("{}: none of its {} barcodes was called a cell.", dataset.name, n_barcodes), "Look at the counts; --ambient-below names what an empty droplet holds at most.");
    out.sample = require_groups(out.cells, "capture");
    out.sample = {out.sample.codes, captures.categories, false};
    return out;
}

/// SAMPLE=PATH, or a path alone where there is one sample.
std::pair<std::size_t, std::string> sample_and_path(const std::string& text, const std::vector<std::string>& samples) {
    const std::size_t equals = text.find('=');
    if (samples.size() == 1 && (equals == std::string::npos || fs::exists(text))) return {0, text};
    const std::string name = text.substr(0, equals);
    const auto found = std::find(samples.begin(), samples.end(), name);
    if (equals == std::string::npos) fail(ErrorCode::usage, fmt::format("--unfiltered {}: there are {} samples, and it does not say whose it is.", text, samples.size()), fmt::format("Write --unfiltered {}={}.", samples.front(), text));
    if (found == samples.end()) {
        const std::string nearest = nearest_name(name, samples);
        fail(ErrorCode::not_found, fmt::format("--unfiltered {}: there is no sample '{}'.", text, name), nearest.empty() ? fmt::format("Samples are: {}.", fmt::join(samples, ", ")) : fmt::format("Did you mean '{}'?", nearest));
    }
    return {static_cast<std::size_t>(found - samples.begin()), text.substr(equals + 1)};
}

/// The empty droplets of another file, on the genes of the cells.
EmptyDroplets read_empty_droplets(const std::string& path, const AmbientIo& io, const data::Dataset& cells, const knowledge::GeneTable& table, VerbRecord& record, Context& context) {
    const data::Dataset raw = open_cells(path, "", io.orientation, context);
    record.add_input(path, raw);
    const SharedGenes shared = shared_genes(cells, raw, table, context);
    const data::Categorical one{std::vector<std::int32_t>(static_cast<std::size_t>(raw.n_cells()), 0), {raw.name}, false};
    const EmptyDroplets found = empty_droplets(raw, one, io.ambient_below, context).front();
    EmptyDroplets out{found.n, std::vector<double>(static_cast<std::size_t>(cells.n_genes()), 0.0)};
    for (std::size_t i = 0; i < shared.in_query.size(); ++i) out.counts[static_cast<std::size_t>(shared.in_reference[i])] = found.counts[static_cast<std::size_t>(shared.in_query[i])];
    return out;
}

AmbientCells from_cells(data::Dataset dataset, const AmbientIo& io, const knowledge::GeneTable& table, VerbRecord& record, Context& context) {
    AmbientCells out;
    out.sample = samples_among(dataset, io.sample);
    out.empty.resize(out.sample.categories.size());
    for (const std::string& text : io.unfiltered) {
        const auto [sample, path] = sample_and_path(text, out.sample.categories);
        if (!out.empty[sample].counts.empty()) fail(ErrorCode::usage, fmt::format("--unfiltered {}: sample '{}' has an unfiltered matrix already.", text, out.sample.categories[sample]), "Name one for each sample.");
        out.empty[sample] = read_empty_droplets(path, io, dataset, table, record, context);
    }
    out.cells = std::move(dataset);
    return out;
}

/// Clusters of all cells by the default steps: they need only part what expresses a gene from what does not.
data::Categorical made_clusters(const data::Dataset& cells, Context& context) {
    if (cells.n_cells() < kFewestCellsToCluster) {
        invalid_data(fmt::format("{}: has no column of clusters, and its {} cells are too few to make some (at least {}).", cells.name, cells.n_cells(), kFewestCellsToCluster), "Name a column of clusters or cell types with --clusters.");
    }
    const data::Categorical clusters = require_groups(with_made_clusters(cells, context), "leiden");
    context.events().decision(fmt::format("{}: no column of clusters was named, so {} were made (variable genes, PCA, neighbours, Leiden by their defaults).", cells.name, clusters.categories.size()));
    return clusters;
}

data::Categorical clusters_of(const data::Dataset& cells, const std::string& column, Context& context) {
    if (!column.empty()) return type_groups(cells, column, "--clusters", context);
    if (!cells.obs.has("leiden")) return made_clusters(cells, context);
    context.events().decision(fmt::format("{}: clusters are those of column 'leiden'.", cells.name));
    return groups_with_gaps(cells, "leiden");
}

/// Names and genes of a file of sets.
std::vector<std::pair<std::string, std::vector<std::string>>> read_sets(const fs::path& path, Context& context) {
    std::vector<std::pair<std::string, std::vector<std::string>>> sets;
    if (path.filename().string().find(".gmt") != std::string::npos) {
        for (knowledge::GmtSet& set : knowledge::read_gmt(path, context)) sets.emplace_back(std::move(set.name), std::move(set.genes));
        return sets;
    }
    for (const knowledge::MarkerType& type : knowledge::read_marker_table(path, context).types) {
        std::vector<std::string> genes;
        for (const knowledge::MarkerGene& gene : type.genes) {
            if (!gene.negative) genes.push_back(gene.symbol);
        }
        sets.emplace_back(type.name, std::move(genes));
    }
    return sets;
}

}  // namespace

AmbientCells open_ambient_cells(const AmbientIo& io, const knowledge::GeneTable& table, VerbRecord& record, Context& context) {
    data::Dataset dataset = open_cells(io.input, io.layer, io.orientation, context);
    record.add_input(io.input, dataset);
    if (dataset.n_cells() == 0 || dataset.n_genes() == 0) invalid_data(fmt::format("{}: holds no cells.", dataset.name), "Check that the file was written to its end.");
    const BarcodeLook look = look_at_barcodes(dataset, io.input, io.ambient_below);
    if (look.is_unfiltered && !io.unfiltered.empty()) fail(ErrorCode::usage, fmt::format("{}: holds its own empty droplets, and --unfiltered names others.", io.input), "Leave out --unfiltered, or name the file with the cells alone.");
    AmbientCells out = look.is_unfiltered ? from_unfiltered(std::move(dataset), io, context) : from_cells(std::move(dataset), io, table, record, context);
    drop_thin_soup(out.sample.categories, out.empty, context);
    out.cluster = clusters_of(out.cells, io.clusters, context);
    return out;
}

std::vector<analysis::AmbientSet> ambient_sets_of(const std::string& markers, const data::Dataset& cells, const knowledge::GeneTable& table, Context& context) {
    if (markers.empty()) return {};
    const auto named = read_sets(markers, context);
    std::vector<std::string> names;
    for (const auto& [set, genes] : named) names.insert(names.end(), genes.begin(), genes.end());
    const std::string file = fs::path(markers).filename().string();
    const NamedGenes genes = find_named_genes(cells, names, file, table, context);
    std::vector<analysis::AmbientSet> sets;
    std::set<std::string> missing;
    std::vector<std::string> without;
    for (const auto& [set, own] : named) {
        for (const std::string& gene : own) {
            if (genes.find(gene) < 0) missing.insert(gene);
        }
        analysis::AmbientSet placed{set, genes.measured(own)};
        if (placed.genes.empty()) without.push_back(set);
        else sets.push_back(std::move(placed));
    }
    constexpr std::size_t kShown = 10;
    if (!missing.empty()) {
        const std::vector<std::string> first(missing.begin(), std::next(missing.begin(), static_cast<std::ptrdiff_t>(std::min(kShown, missing.size()))));
        context.events().warning(fmt::format("{}: {} of its genes were not measured in {}: {}{}.", file, missing.size(), cells.name, fmt::join(first, ", "), missing.size() > kShown ? ", ..." : ""));
    }
    if (!without.empty()) context.events().warning(fmt::format("{}: sets without a measured gene are left out: {}.", file, fmt::join(without, ", ")));
    return sets;
}

}  // namespace morula::commands
