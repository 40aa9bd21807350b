// The static charts of the report, drawn as SVG with the table behind each. An empty `svg` means there was nothing to draw.
#pragma once

#include <string>
#include <vector>

#include "morula/report/html.hpp"
#include "morula/report/report_data.hpp"

namespace morula::report {

struct Figure {
    std::string id;       // file name of downloads
    std::string title;
    std::string caption;
    std::string svg;
    HtmlTable table;      // may have no rows
    std::string narrow_svg{};  // the same as wide as a phone, which shows it instead; "": there is none, and the wide one is moved to the side
};

/// <figure> with heading, drawing, caption, and a closed table behind it.
std::string figure_html(const Figure& figure);

// charts_quality.cpp
/// Histogram of one metric, one strip a sample, cut-offs drawn and what they remove shaded.
Figure qc_figure(const QcData& qc, const QcMetric& metric, const SampleTable& samples);
Figure knee_figure(const KneeCurve& knee);

// charts_comparison.cpp
/// Share of each type in each donor, cases above controls.
Figure composition_figure(const Comparison& comparison);
/// Genes that rise and fall, type by type.
Figure changed_genes_figure(const Comparison& comparison);
Figure volcano_figure(const Comparison& comparison, const ComparedType& type);
/// The strongest genes, donor by donor.
Figure donor_strips_figure(const Comparison& comparison, const ComparedType& type);
/// One gene over all types: effect and 95 % interval.
Figure forest_figure(const Comparison& comparison, const std::string& gene);

// charts_genome.cpp
/// Clones and the cells without a change, pooled, along the genome.
Figure clone_genome_figure(const AcquiredChanges& changes);
/// Single cells along the genome, group by group, reference cells last.
Figure cell_genome_figure(const AcquiredChanges& changes);

// charts_analysis.cpp
Figure variable_genes_figure(const VariableGenes& genes);
Figure elbow_figure(const Elbow& elbow);
Figure resolution_figure(const std::vector<ResolutionRow>& resolutions);
/// Bars of cluster shares, one a sample.
Figure cluster_size_figure(const Clusters& clusters, const SampleTable& samples);
Figure dot_plot_figure(const Markers& markers, const Clusters& clusters);
/// The map as a still picture, for pages without scripts: coloured by the first categorical obs column.
Figure map_figure(const MapData& map, const std::vector<ObsColumn>& obs);
Figure step_cost_figure(const std::vector<StepCost>& steps);

/// CSS class of category `code`: "c0" ... "c19", then again from c0.
std::string color_class(std::int32_t code);
inline constexpr std::int32_t kColors = 20;

/// "3 · NK cell" or "3"
std::string cluster_title(const Clusters& clusters, std::int32_t cluster);

}  // namespace morula::report
