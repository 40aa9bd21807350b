// Summary, methods, parameters and how to go on: the words of the report.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "morula/analysis/averages.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/core/printable.hpp"
#include "morula/core/version.hpp"
#include "morula/pipeline/report_data.hpp"
#include "morula/report/charts.hpp"
#include "morula/report/methods_text.hpp"
#include "morula/report/summary.hpp"

namespace morula::pipeline {
namespace {

using commands::uns_map;
using commands::uns_number;
using commands::uns_numbers;
using commands::uns_texts;

double median_of(const std::vector<double>& values) {
    std::vector<double> finite;
    for (const double value : values) {
        if (!std::isnan(value)) finite.push_back(value);
    }
    if (finite.empty()) return report::kMissing;
    return analysis::median(std::move(finite));
}

double share(std::int64_t part, std::int64_t whole) { return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : report::kMissing; }

void add_cell_facts(const ReportInput& input, const report::ReportData& page, report::ReportFacts& facts) {
    const data::Dataset& kept = input.state.kept;
    facts.n_samples = static_cast<std::int32_t>(page.samples.rows.size());
    facts.n_cells_in = page.n_cells_in;
    facts.n_cells_kept = page.n_cells_kept;
    facts.n_genes_kept = page.n_genes_kept;
    facts.median_counts = median_of(data::column_numbers(kept.obs.at("total_counts")));
    facts.median_genes = median_of(data::column_numbers(kept.obs.at("n_genes_by_counts")));
    facts.median_pct_mt = median_of(data::column_numbers(kept.obs.at("pct_counts_mt")));
    std::vector<std::pair<std::int64_t, std::size_t>> removed;
    for (std::size_t i = 0; i < page.qc.reasons.size(); ++i) {
        if (page.qc.reason_counts[i] > 0) removed.emplace_back(-page.qc.reason_counts[i], i);
    }
    std::sort(removed.begin(), removed.end());
    for (const auto& [n, i] : removed) facts.removed.push_back({page.qc.reasons[i], std::to_string(-n)});
    for (const report::SampleRow& row : page.samples.rows) {
        const double lost = share(row.cells_in - row.cells_kept, row.cells_in);
        if (facts.worst_sample.empty() || lost > facts.worst_sample_lost) {
            facts.worst_sample = row.name;
            facts.worst_sample_lost = lost;
        }
        if (!std::isnan(row.ambient_share) && !(row.ambient_share <= facts.ambient_share)) {
            facts.ambient_share = row.ambient_share;
            facts.ambient_sample = row.name;
        }
    }
    for (const std::int64_t n : page.clusters.doublets) facts.n_doublets += n;
    facts.doublet_share = share(facts.n_doublets, page.n_cells_kept);
}

void add_cluster_facts(const ReportInput& input, const report::ReportData& page, report::ReportFacts& facts) {
    const data::Dataset& kept = input.state.kept;
    facts.n_clusters = static_cast<std::int32_t>(page.clusters.names.size());
    std::map<std::string, std::int64_t> cells_of_label;
    std::int64_t n_unassigned_cells = 0;
    for (std::size_t i = 0; i < page.clusters.labels.size(); ++i) {
        if (page.clusters.labels[i].empty()) {
            ++facts.n_unassigned;
            n_unassigned_cells += page.clusters.sizes[i];
        } else {
            cells_of_label[page.clusters.labels[i]] += page.clusters.sizes[i];
        }
    }
    facts.unassigned_share = share(n_unassigned_cells, page.n_cells_kept);
    std::vector<std::pair<std::int64_t, std::string>> order;
    for (const auto& [label, n] : cells_of_label) order.emplace_back(-n, label);
    std::sort(order.begin(), order.end());
    for (const auto& [n, label] : order) facts.largest_labels.push_back({label, fmt::format("{:.0f} %", 100.0 * share(-n, page.n_cells_kept))});
    for (std::size_t i = 0; i < page.clusters.removed.size(); ++i) {
        const double removed = page.clusters.removed[i];
        const double lost = removed / (removed + static_cast<double>(page.clusters.sizes[i]));
        if (removed < input.recipe.removed_cells.warn_min_cells || !(facts.worst_cluster.empty() || lost > facts.worst_cluster_lost)) continue;
        facts.worst_cluster = report::cluster_title(page.clusters, static_cast<std::int32_t>(i));
        facts.worst_cluster_lost = lost;
        facts.worst_cluster_removed = std::llround(removed);
        facts.worst_cluster_reason = page.clusters.removed_for[i];
    }
    facts.no_supported_split = !page.no_split_text.empty();
    for (const report::ResolutionRow& row : page.resolutions) {
        if (row.used) facts.stability = row.stability;
    }
    for (const report::SensitivityRow& row : page.sensitivity) {
        if (!(row.ari >= facts.smallest_sensitivity_ari)) {
            facts.smallest_sensitivity_ari = row.ari;
            facts.smallest_sensitivity_change = row.change;
        }
    }
    facts.n_merge_offers = static_cast<std::int32_t>(page.merges.size());
    for (const report::ComponentNote& note : page.components) {
        if (note.warning) facts.odd_components.push_back(fmt::format("component {} {}", note.component, note.note));
    }
    facts.neighbor_recall = uns_number(uns_map(kept.uns, "neighbors"), "recall");
    const std::size_t n_samples = page.samples.rows.size();
    for (std::size_t cluster = 0; n_samples > 1 && cluster < page.clusters.sizes.size(); ++cluster) {
        const auto first = page.clusters.by_sample.begin() + static_cast<std::ptrdiff_t>(cluster * n_samples);
        const std::int64_t most = *std::max_element(first, first + static_cast<std::ptrdiff_t>(n_samples));
        if (share(most, page.clusters.sizes[cluster]) > 0.9) ++facts.n_single_sample_clusters;
    }
}

report::ReportFacts facts_of(const ReportInput& input, const report::ReportData& page) {
    report::ReportFacts facts;
    facts.source = page.source.kind;
    facts.title = page.title;
    add_cell_facts(input, page, facts);
    add_cluster_facts(input, page, facts);
    for (const SkippedSample& skipped : input.record.skipped_samples()) facts.skipped_samples.push_back({skipped.sample, skipped.why});
    for (const report::SexRow& row : page.sex) {
        if (row.warning) facts.sex_mismatches.push_back(row.sample);
    }
    const data::UnsMap& uns = input.state.all.uns;
    if (uns.count("confounding") != 0 && commands::uns_text(uns_map(uns, "confounding"), "verdict") == "complete") facts.confounded.push_back(commands::uns_text(uns_map(uns, "confounding"), "sentence"));
    facts.several_batches = page.samples.rows.size() > 1;
    facts.integrated = page.integration.done;
    facts.n_soup_genes = static_cast<std::int32_t>(page.n_soup_genes);
    for (std::size_t i = 0; i < std::min<std::size_t>(5, page.soup.size()); ++i) facts.soup_genes.push_back(page.soup[i].gene);
    const std::vector<double> stress = data::column_numbers(input.state.kept.obs.at("pct_counts_stress"));
    facts.stress_share = share(std::count_if(stress.begin(), stress.end(), [](double value) { return value >= 5.0; }), static_cast<std::int64_t>(stress.size()));
    return facts;
}

/// Empty where no cells were called; without the stop and the reference.
std::string cell_calling_words(const ReportInput& input) {
    const std::vector<commands::CalledCapture> captures = commands::stored_cell_calling(input.state.all.uns);
    if (captures.empty()) return "";
    std::int64_t n_barcodes = 0;
    std::int64_t n_cells = 0;
    for (const commands::CalledCapture& capture : captures) {
        n_barcodes += capture.n_barcodes;
        n_cells += capture.n_cells;
    }
    const commands::CalledCapture& first = captures.front();
    return fmt::format("Of {} barcodes {} were called cells{}: those above a line on the barcode-rank curve, and those whose counts differed from the ambient RNA of the barcodes with at most {} counts at a false discovery rate of {:g} % ({} simulated droplets)",
                       n_barcodes, n_cells, captures.size() > 1 ? ", capture by capture" : "", first.ambient_below, 100.0 * first.fdr, first.n_simulations);
}

report::MethodsFacts methods_of(const ReportInput& input, const report::ReportData& page) {
    const Recipe& recipe = input.recipe;
    const data::UnsMap& uns = input.state.kept.uns;
    report::MethodsFacts facts;
    facts.morula_version = std::string(kVersion);
    facts.recipe = recipe.name;
    facts.numeric_profile = input.record.numeric_profile();
    facts.seed = input.options.seed;
    facts.n_samples = static_cast<std::int32_t>(page.samples.rows.size());
    facts.n_cells_in = page.n_cells_in;
    facts.n_cells_kept = page.n_cells_kept;
    facts.n_genes_in = page.n_genes_in;
    facts.n_genes_kept = page.n_genes_kept;
    facts.simulated = page.source.kind != report::SourceKind::real;
    facts.cell_calling = cell_calling_words(input);
    facts.mad_counts = recipe.qc.mads_low.value_or(report::kMissing);
    facts.min_genes = recipe.qc.min_genes;
    facts.mad_mt = recipe.qc.mads_mitochondrial.value_or(report::kMissing);
    facts.nuclei = recipe.qc.kind == analysis::SampleKind::nuclei;
    facts.min_pct_mt = facts.nuclei ? recipe.qc.min_pct_mitochondrial_nuclei : recipe.qc.min_pct_mitochondrial_cells;
    facts.min_cells = recipe.filter.min_cells;
    facts.target_sum = recipe.normalize.target_sum.value_or(0.0);
    facts.hvg_flavor = std::get<std::string>(values_of(recipe.hvg)[0].second);
    facts.n_hvg = recipe.hvg.n_top;
    facts.hvg_by_batch = recipe.hvg_per_sample;
    facts.doublets = true;
    facts.cell_cycle = true;
    facts.stress = true;
    facts.n_components = recipe.pca.n_components;
    facts.n_components_used = page.elbow.used;
    facts.harmony_batch = input.options.mixed_batch();
    facts.n_neighbors = recipe.neighbors.n_neighbors;
    facts.exact_neighbors = commands::uns_text(uns_map(uns, "neighbors"), "search") == "exact";
    facts.neighbor_recall = uns_number(uns_map(uns, "neighbors"), "recall");
    facts.graph_weights = recipe.connectivities.graph_weights == analysis::GraphWeights::shared ? "shared" : "fuzzy";
    facts.resolution = recipe.leiden.resolution;
    facts.n_clusters = static_cast<std::int32_t>(page.clusters.names.size());
    for (const report::ResolutionRow& row : page.resolutions) {
        if (row.used) facts.stability = row.stability;
    }
    facts.umap_min_dist = recipe.umap.min_dist;
    facts.umap_epochs = static_cast<std::int32_t>(std::get<std::int64_t>(uns_map(uns, "umap").at("n_epochs").value));
    facts.pairwise_markers = recipe.markers.pairwise != analysis::PairwiseEffect::none;
    facts.label_source = input.table.name;
    if (page.comparison.is_compared() && page.comparison.refused.empty()) {
        facts.comparison = page.comparison.case_name + " with " + page.comparison.control_name;
        facts.comparison_types = page.comparison.type_column;
        facts.comparison_design = page.comparison.design;
        if (page.comparison.programmes.refused.empty()) facts.programme_table = page.comparison.programmes.table;
        if (page.comparison.regulons.refused.empty()) facts.regulon_table = page.comparison.regulons.table;
        if (page.comparison.communication.refused.empty()) facts.pair_table = page.comparison.communication.table;
    }
    const report::AcquiredChanges& acquired = page.comparison.acquired;
    if (acquired.is_asked && acquired.refused.empty()) facts.copy_number_reference = fmt::format("{} ('{}')", report::count_of(acquired.n_reference, "cell"), acquired.reference);
    return facts;
}

std::string text_of(const FieldValue& value) {
    if (std::holds_alternative<std::monostate>(value)) return "not given";
    if (std::holds_alternative<bool>(value)) return std::get<bool>(value) ? "yes" : "no";
    if (std::holds_alternative<std::int64_t>(value)) return std::to_string(std::get<std::int64_t>(value));
    if (std::holds_alternative<double>(value)) return fmt::format("{:g}", std::get<double>(value));
    if (std::holds_alternative<std::string>(value)) return std::get<std::string>(value);
    if (std::holds_alternative<std::vector<double>>(value)) return fmt::format("{:g}", fmt::join(std::get<std::vector<double>>(value), ", "));
    return fmt::format("{}", fmt::join(std::get<std::vector<std::string>>(value), ", "));
}

template <class Options>
void add_parameters(const std::string& step, const Options& options, report::ReportData& page) {
    const Schema schema = schema_of<Options>();
    const FieldValues values = values_of(options);
    for (std::size_t i = 0; i < schema.size(); ++i) page.parameters.push_back({step, schema[i].name, text_of(values[i].second), text_of(schema[i].default_value), schema[i].help});
}

void add_all_parameters(const Recipe& recipe, report::ReportData& page) {
    if (!page.knees.empty()) add_parameters("call cells", recipe.cell_calling, page);
    add_parameters("qc", recipe.qc, page);
    add_parameters("filter", recipe.filter, page);
    add_parameters("doublets", recipe.doublets, page);
    add_parameters("normalize", recipe.normalize, page);
    add_parameters("hvg", recipe.hvg, page);
    add_parameters("pca", recipe.pca, page);
    if (page.integration.done) add_parameters("harmony", recipe.harmony, page);
    add_parameters("neighbors", recipe.neighbors, page);
    add_parameters("neighbors", recipe.connectivities, page);
    add_parameters("leiden", recipe.leiden, page);
    add_parameters("umap", recipe.umap, page);
    add_parameters("removed cells", recipe.removed_cells, page);
    add_parameters("markers", recipe.markers, page);
    add_parameters("merge clusters", recipe.merge_clusters, page);
    add_parameters("labels", recipe.labels, page);
    add_parameters("ambient", recipe.ambient, page);
}

/// The section of the page that shows what a remark is about.
std::string section_about(const std::string& subject) {
    static const std::map<std::string, std::string> sections = {{"input", "samples"}, {"sample checks", "samples"}, {"call cells", "qc"}, {"qc", "qc"}, {"removed cells", "qc"}, {"filter", "qc"}, {"doublets", "map"},
                                                                {"umap", "map"}, {"umap before harmony", "map"}, {"normalize", "genes"}, {"hvg", "genes"}, {"pca", "genes"}, {"component checks", "genes"},
                                                                {"cnv", "comparison"}, {"harmony", "clusters"}, {"integration", "clusters"}, {"neighbors", "clusters"}, {"leiden", "clusters"}, {"leiden sweep", "clusters"}, {"merge clusters", "clusters"},
                                                                {"markers", "markers"}, {"labels", "labels"}, {"ambient", "ambient"}, {"cell cycle", "ambient"}, {"sensitivity", "sensitivity"}};
    const auto found = sections.find(subject);
    return found == sections.end() ? "run" : found->second;
}

/// The command that makes this report again: every option that differs from its default.
std::string reproduce_command(const RunOptions& options) {
    std::string line = "morula run";
    const Schema schema = schema_of<RunOptions>();
    const FieldValues values = values_of(options);
    for (std::size_t i = 0; i < schema.size(); ++i) {
        if (schema[i].name == "resume") continue;  // how it went on, not what it is
        const std::string text = text_of(values[i].second);
        if (schema[i].is_positional) {
            for (const std::string& path : std::get<std::vector<std::string>>(values[i].second)) line += " " + shell_word(path);
        } else if (schema[i].type == FieldType::boolean) {
            if (text == "yes") line += " " + flag_of(schema[i]);
        } else if (values[i].second != schema[i].default_value) {
            line += fmt::format(" {} {}", flag_of(schema[i]), shell_word(text));
        }
    }
    return line;
}

}  // namespace

void add_words(const ReportInput& input, report::ReportData& page) {
    page.summary = report::compose_summary(facts_of(input, page));
    page.methods = report::compose_methods(methods_of(input, page));
    page.recipe = input.recipe.name;
    add_all_parameters(input.recipe, page);
    for (const Remark& remark : input.record.decisions()) page.decisions.push_back({remark.subject, remark.text});
    for (const Remark& remark : input.record.warnings()) page.warnings.push_back({report::Severity::care, remark.text, section_about(remark.subject)});
    page.versions = {{"Morula", std::string(kVersion)}, {"Numeric profile", input.record.numeric_profile()}};
    for (const StepRecord& step : input.record.steps()) page.steps.push_back({step.report.name, step.report.seconds, step.report.peak_bytes, step.report.cached});
    RunOptions with_matrices = input.options;
    with_matrices.matrix = MatrixOutput::full;
    page.snippets = report::load_snippets({"cells.h5ad", input.has_matrix ? "" : reproduce_command(with_matrices)});
    const std::string& atlas = input.record.inputs().front().atlas;
    page.reproduce = reproduce_command(input.options);
    page.outputs = {{"cells.h5ad", input.has_matrix ? "cells with counts, log values, embedding, clusters" : "cells with embedding and clusters, without matrices"},
                    {"markers.csv", "marker genes of every cluster"},
                    {"data.atlas", atlas == kOwnAtlas ? "the raw counts as they came, and every step's result" : "every step's result; the raw counts lie in " + atlas},
                    {"run.json", "what ran, with which options"}};
}

}  // namespace morula::pipeline
