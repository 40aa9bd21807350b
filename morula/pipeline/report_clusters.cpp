// Map, clusters, variable genes, components, resolutions and sensitivity of the report.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "morula/commands/slots.hpp"
#include "morula/pipeline/report_data.hpp"
#include "morula/report/shown_cells.hpp"

namespace morula::pipeline {
namespace {

using commands::uns_integers;
using commands::uns_map;
using commands::uns_numbers;
using commands::uns_texts;

std::vector<float> column_of(const matrix::Dense<float>& dense, std::int64_t column) {
    std::vector<float> out(static_cast<std::size_t>(dense.n_rows));
    for (std::int64_t row = 0; row < dense.n_rows; ++row) out[static_cast<std::size_t>(row)] = dense(row, column);
    return out;
}

template <class T>
std::vector<T> picked(const std::vector<T>& values, const std::vector<std::int64_t>& cells) {
    std::vector<T> out;
    out.reserve(cells.size());
    for (const std::int64_t cell : cells) out.push_back(values[static_cast<std::size_t>(cell)]);
    return out;
}

void add_map(const ReportInput& input, const std::vector<std::int64_t>& shown, report::ReportData& page) {
    const data::Dataset& kept = input.state.kept;
    const std::vector<float> x = column_of(kept.obsm.at("X_umap"), 0);
    const std::vector<float> y = column_of(kept.obsm.at("X_umap"), 1);
    page.map.n_cells = kept.n_cells();
    page.map.sample_statement = report::sample_statement(kept.n_cells(), static_cast<std::int64_t>(shown.size()), input.options.seed);
    page.map.x = picked(x, shown);
    page.map.y = picked(y, shown);
    constexpr std::int64_t kNamedCells = 20'000;  // names of more cells would take most of the page
    if (kept.n_cells() <= kNamedCells) page.map.cell_names = picked(kept.obs.index(), shown);
    constexpr std::int32_t kDensityBins = 256;
    if (static_cast<std::int64_t>(shown.size()) < kept.n_cells()) page.density = report::density_map(x, y, kDensityBins, kDensityBins);
    if (kept.obsm.count("X_umap_before") != 0) {
        page.integration.before_x = picked(column_of(kept.obsm.at("X_umap_before"), 0), shown);
        page.integration.before_y = picked(column_of(kept.obsm.at("X_umap_before"), 1), shown);
    }
}

report::ObsColumn obs_column(const std::string& name, const data::Column& column, const std::vector<std::int64_t>& shown) {
    report::ObsColumn out;
    out.name = name;
    if (const auto* groups = std::get_if<data::Categorical>(&column)) {
        out.codes = picked(groups->codes, shown);
        out.categories = groups->categories;
        return out;
    }
    if (column_type(column) == "bool") {
        const std::vector<double> flags = data::column_numbers(column);
        for (const std::int64_t cell : shown) out.codes.push_back(flags[static_cast<std::size_t>(cell)] != 0.0 ? 1 : 0);
        out.categories = {"no", "yes"};
        return out;
    }
    for (const double value : picked(data::column_numbers(column), shown)) out.values.push_back(static_cast<float>(value));
    return out;
}

/// Why a column of obs cannot colour the map; empty where it can.
std::string why_no_colour(const data::Column& column) {
    constexpr std::size_t kMostCategories = 200;
    if (std::holds_alternative<std::vector<std::string>>(column)) return "text";
    const auto* groups = std::get_if<data::Categorical>(&column);
    if (groups != nullptr && groups->categories.empty()) return "empty";
    if (groups != nullptr && groups->categories.size() > kMostCategories) return fmt::format("{} groups", groups->categories.size());
    return "";
}

/// Clusters first, then what the checks speak of, then the other columns in their order. What is left out is named.
void add_obs(const data::Dataset& kept, const std::vector<std::int64_t>& shown, report::ReportData& page) {
    constexpr std::size_t kMostColumns = 40;
    std::vector<std::string> order{"leiden", "suggested_label", "sample", "doublet_score", "doublet", "phase"};
    for (const auto& [name, column] : kept.obs.columns()) {
        if (std::find(order.begin(), order.end(), name) == order.end()) order.push_back(name);
    }
    for (const std::string& name : order) {
        const data::Column* column = kept.obs.find(name);
        if (column == nullptr || name == "qc" || name == "kept_counts" || name == "size_factor") continue;
        const std::string why = page.obs.size() >= kMostColumns ? fmt::format("more than {} columns", kMostColumns) : why_no_colour(*column);
        if (why.empty()) page.obs.push_back(obs_column(name, *column, shown));
        else page.obs_left_out.push_back(fmt::format("{} ({})", name, why));
    }
}

void add_cluster_table(const data::Dataset& kept, report::ReportData& page) {
    const data::Categorical leiden = commands::require_groups(kept, "leiden");
    const data::Categorical samples = commands::samples_of(kept);
    const std::vector<double> doublet = data::column_numbers(kept.obs.at("doublet"));
    const std::size_t n_samples = samples.categories.size();
    report::Clusters& out = page.clusters;
    out.names = leiden.categories;
    for (const std::string& label : uns_texts(uns_map(kept.uns, "suggested_labels"), "label")) out.labels.push_back(label == "unassigned" ? "" : label);
    out.sizes.assign(out.names.size(), 0);
    out.doublets.assign(out.names.size(), 0);
    out.by_sample.assign(out.names.size() * n_samples, 0);
    const data::UnsMap& removed = uns_map(kept.uns, "removed_cells");
    out.removed = uns_numbers(removed, "n_removed");
    out.removed_for = uns_texts(removed, "main_reason");
    out.removed_ambient = commands::uns_number(removed, "n_ambient");
    out.removed_unclear = static_cast<double>(std::get<std::int64_t>(removed.at("n_too_few_counts").value));
    for (std::size_t cell = 0; cell < leiden.codes.size(); ++cell) {
        const auto cluster = static_cast<std::size_t>(leiden.codes[cell]);
        ++out.sizes[cluster];
        ++out.by_sample[cluster * n_samples + static_cast<std::size_t>(samples.codes[cell])];
        if (doublet[cell] == 1.0) ++out.doublets[cluster];
    }
}

void add_variable_genes(const data::Dataset& kept, const Recipe& recipe, report::ReportData& page) {
    const bool from_counts = kept.var.has("variances_norm");
    const std::vector<double> mean = data::column_numbers(kept.var.at("means"));
    const std::vector<double> spread = data::column_numbers(kept.var.at(from_counts ? "variances_norm" : "dispersions_norm"));
    const std::vector<double> chosen = data::column_numbers(kept.var.at("highly_variable"));
    const std::vector<std::string> symbols = commands::symbols_of(kept.var);
    report::VariableGenes& out = page.variable_genes;
    out.x_title = from_counts ? "Mean counts" : "Mean log expression";
    out.y_title = from_counts ? "Standardised variance" : "Normalised dispersion";
    out.log_x = from_counts;
    out.method = fmt::format("{} variable genes by flavor {}.", static_cast<std::int64_t>(std::accumulate(chosen.begin(), chosen.end(), 0.0)), std::get<std::string>(values_of(recipe.hvg)[0].second));
    std::vector<std::pair<double, std::int32_t>> best;
    for (std::size_t gene = 0; gene < mean.size(); ++gene) {
        if (std::isnan(mean[gene]) || std::isnan(spread[gene])) continue;
        if (chosen[gene] != 0.0) best.emplace_back(-spread[gene], static_cast<std::int32_t>(out.x.size()));
        out.x.push_back(static_cast<float>(mean[gene]));
        out.y.push_back(static_cast<float>(spread[gene]));
        out.selected.push_back(chosen[gene] != 0.0 ? 1 : 0);
        if (chosen[gene] != 0.0) out.top_names.push_back(symbols[gene]);  // reordered below
    }
    // top_names holds the chosen genes in gene order; keep the named ones, best first.
    constexpr std::size_t kNamed = 15;
    std::vector<std::string> all_names = std::move(out.top_names);
    out.top_names.clear();
    std::vector<std::size_t> order(best.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return best[a] < best[b]; });
    for (std::size_t i = 0; i < std::min(kNamed, order.size()); ++i) {
        out.top.push_back(best[order[i]].second);
        out.top_names.push_back(all_names[order[i]]);
    }
}

/// Genes of the largest loadings of either sign.
std::vector<std::string> leading_genes(const matrix::Dense<float>& loadings, const std::vector<std::string>& symbols, std::int64_t component, float sign) {
    constexpr std::size_t kGenes = 8;
    std::vector<std::pair<float, std::int64_t>> order;
    for (std::int64_t gene = 0; gene < loadings.n_rows; ++gene) {
        const float value = sign * loadings(gene, component);
        if (value > 0.0f) order.emplace_back(-value, gene);
    }
    const std::size_t n = std::min(kGenes, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end());
    std::vector<std::string> names;
    for (std::size_t i = 0; i < n; ++i) names.push_back(symbols[static_cast<std::size_t>(order[i].second)]);
    return names;
}

void add_components(const data::Dataset& kept, const Recipe& recipe, report::ReportData& page) {
    const data::UnsMap& pca = uns_map(kept.uns, "pca");
    page.elbow.variance_ratio = uns_numbers(pca, "variance_ratio");
    page.elbow.used = static_cast<std::int32_t>(std::min<std::int64_t>(recipe.n_pcs_used, static_cast<std::int64_t>(page.elbow.variance_ratio.size())));
    const data::UnsMap& checks = uns_map(kept.uns, "pca_checks");
    const std::vector<std::string> symbols = commands::symbols_of(kept.var);
    const matrix::Dense<float>& loadings = kept.varm.at("PCs");
    constexpr std::int64_t kShown = 5;
    for (std::int64_t c = 0; c < std::min(kShown, loadings.n_cols); ++c) {
        report::ComponentNote note;
        note.component = static_cast<std::int32_t>(c + 1);
        note.positive = leading_genes(loadings, symbols, c, 1.0f);
        note.negative = leading_genes(loadings, symbols, c, -1.0f);
        for (std::size_t i = 0; i < uns_integers(checks, "component").size(); ++i) {
            if (uns_integers(checks, "component")[i] != c + 1) continue;
            note.note += fmt::format("{}follows {} (r = {:.2f})", note.note.empty() ? "" : "; ", uns_texts(checks, "follows")[i], uns_numbers(checks, "r")[i]);
            note.warning = true;
        }
        page.components.push_back(std::move(note));
    }
}

void add_stability(const data::Dataset& kept, const Recipe& recipe, report::ReportData& page) {
    const data::UnsMap& sweep = uns_map(kept.uns, "leiden_sweep");
    for (std::size_t i = 0; i < uns_numbers(sweep, "resolution").size(); ++i) {
        const double resolution = uns_numbers(sweep, "resolution")[i];
        page.resolutions.push_back({resolution, static_cast<std::int32_t>(uns_integers(sweep, "n_clusters")[i]), uns_numbers(sweep, "modularity")[i], uns_numbers(sweep, "stability")[i],
                                    resolution == recipe.leiden.resolution});
    }
    const data::UnsMap& merge = uns_map(kept.uns, "merge_clusters");
    for (std::size_t i = 0; i < uns_integers(merge, "first").size(); ++i) {
        if (uns_integers(merge, "offered")[i] == 0) continue;
        report::MergeOffer offer;
        offer.a = static_cast<std::int32_t>(uns_integers(merge, "first")[i]);
        offer.b = static_cast<std::int32_t>(uns_integers(merge, "second")[i]);
        offer.n_genes = static_cast<std::int32_t>(std::max(uns_integers(merge, "n_up_first")[i], uns_integers(merge, "n_up_second")[i]));
        offer.best_gene = uns_texts(merge, "genes")[i];
        page.merges.push_back(std::move(offer));
    }
    if (std::get<bool>(merge.at("no_supported_split").value)) page.no_split_text = commands::uns_text(merge, "sentence");
    const data::UnsMap& sensitivity = uns_map(kept.uns, "sensitivity");
    for (std::size_t i = 0; i < uns_texts(sensitivity, "what").size(); ++i) {
        const double ari = uns_numbers(sensitivity, "agreement")[i];
        page.sensitivity.push_back({uns_texts(sensitivity, "what")[i], static_cast<std::int32_t>(uns_integers(sensitivity, "n_clusters")[i]), ari,
                                    ari > 0.9 ? "almost the same clusters" : ari > 0.7 ? "the same main groups, some borders move" : "the groups change: read them with care"});
    }
}

void add_integration(const ReportInput& input, report::ReportData& page) {
    report::Integration& out = page.integration;
    out.done = !input.options.mixed_batch().empty();
    if (!out.done) {
        out.text = "No batches were mixed: --batch named none.";
        return;
    }
    const data::UnsMap& measured = uns_map(input.state.kept.uns, "integration");
    out.text = fmt::format("Harmony mixed the levels of '{}' in the components that clusters and map are made from; counts and markers are not corrected. iLISI (Korsunsky 2019) counts the batches among a cell's neighbours: 1 means "
                           "none but its own, and {:.2f} is what {} batches of these sizes would give if cells lay in no order at all. A rise shows mixing, not that it was right: cell types that only one batch holds should stay apart.",
                           input.options.batch, commands::uns_number(measured, "ilisi_expected"), std::get<std::int64_t>(measured.at("n_batches").value));
    out.row_names = {fmt::format("Batches around a cell (median iLISI, {} cells)", std::get<std::int64_t>(measured.at("n_cells").value))};
    out.before = {commands::uns_number(measured, "ilisi_before")};
    out.after = {commands::uns_number(measured, "ilisi_after")};
}

}  // namespace

void add_map_and_clusters(const ReportInput& input, const std::vector<std::int64_t>& shown, report::ReportData& page, Context&) {
    const data::Dataset& kept = input.state.kept;
    add_map(input, shown, page);
    add_obs(kept, shown, page);
    add_cluster_table(kept, page);
    add_variable_genes(kept, input.recipe, page);
    add_components(kept, input.recipe, page);
    add_stability(kept, input.recipe, page);
    add_integration(input, page);
}

}  // namespace morula::pipeline
