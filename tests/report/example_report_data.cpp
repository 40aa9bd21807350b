#include "tests/report/example_report_data.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "morula/core/random.hpp"
#include "morula/report/methods_text.hpp"
#include "morula/report/shown_cells.hpp"
#include "morula/report/summary.hpp"

namespace morula::report {
namespace {

struct Type {
    const char* label;
    double share;
    double x, y, spread;
    std::array<const char*, 4> genes;
};

constexpr std::array<Type, 11> kTypes = {{
    {"CD4 T cell", .27, -6, 2, 1.5, {"IL7R", "LTB", "CD3D", "LDHB"}},
    {"CD14 monocyte", .18, 7, -3, 1.1, {"S100A8", "S100A9", "LYZ", "CD14"}},
    {"naive CD4 T cell", .14, -8, 4.5, 1.1, {"CCR7", "TCF7", "LEF1", "MAL"}},
    {"B cell", .12, -1, 10, 0.9, {"CD79A", "MS4A1", "CD79B", "TCL1A"}},
    {"CD8 T cell", .10, -4, -1.5, 1.0, {"CD8A", "CD8B", "GZMK", "CCL5"}},
    {"NK cell", .07, -2, -6, 0.8, {"GNLY", "NKG7", "GZMB", "PRF1"}},
    {"FCGR3A monocyte", .05, 9, 0.5, 0.6, {"FCGR3A", "MS4A7", "LST1", "CDKN1C"}},
    {"dendritic cell", .03, 4, 1.5, 0.5, {"FCER1A", "CST3", "CD1C", "CLEC10A"}},
    {"", .02, -6.5, -1.2, 0.5, {"MKI67", "TOP2A", "STMN1", "TYMS"}},
    {"platelet", .015, 3, 7, 0.35, {"PPBP", "PF4", "GNG11", "SPARC"}},
    {"plasma cell", .005, 0.8, 12, 0.25, {"MZB1", "JCHAIN", "IGKC", "XBP1"}},
}};

const std::vector<std::string> kSampleNames = {"Donor A, rest", "Donor B, rest", "Donor C, stimulated"};

std::vector<std::int32_t> draw_types(std::int64_t n, Random& random) {
    std::vector<std::int32_t> out;
    for (std::int64_t i = 0; i < n; ++i) {
        double u = random.uniform();
        std::int32_t type = 0;
        while (type + 1 < static_cast<std::int32_t>(kTypes.size()) && u > kTypes[static_cast<std::size_t>(type)].share) u -= kTypes[static_cast<std::size_t>(type++)].share;
        out.push_back(type);
    }
    return out;
}

void fill_samples(ReportData& data, const ExampleOptions& options) {
    data.samples.metadata_columns = {"donor", "condition", "batch"};
    for (std::int32_t s = 0; s < options.n_samples; ++s) {
        const std::string name = s < 3 ? kSampleNames[static_cast<std::size_t>(s)] : "Sample " + std::to_string(s + 1);
        data.samples.rows.push_back({name, {"D" + std::to_string(s + 1), s == 2 ? "stimulated" : "rest", s == 0 ? "run 1" : "run 2"}, 0, 0, 2100.0 + 150 * s, 820.0 + 40 * s, 3.1 + 0.4 * s, 0.031 + 0.01 * s, 0.04 + 0.05 * s});
        data.sex.push_back({name, s == 1 ? 0.02 : 2.4, s == 1 ? 1.9 : 0.01, s == 1 ? "male" : "female", s == 0 ? "female" : s == 1 ? "male" : "male", s == 2 ? "disagrees" : "agrees", s == 2});
    }
    data.sex_text = "Mean counts per 10,000 of XIST and of five Y genes (RPS4Y1, DDX3Y, KDM5D, EIF1AY, UTY). A mismatch points at swapped samples.";
    data.sample_sheet_notes = {"The condition \"stimulated\" has one donor only: differences between the conditions cannot be told from differences between donors."};
}

/// QC of all cells: the kept ones first, then about 6 % removed.
void fill_qc(ReportData& data, const ExampleOptions& options, Random& random) {
    QcData& qc = data.qc;
    qc.reasons = {"too few counts or genes", "high mitochondrial share"};
    qc.reason_counts = {0, 0};
    qc.metrics = {{"total_counts", "Counts per cell", true, {}}, {"n_genes_by_counts", "Genes per cell", true, {}}, {"pct_counts_mt", "Mitochondrial counts, %", false, {}}};
    const std::int64_t n_all = options.n_cells * 106 / 100;
    qc.n_cells = n_all;
    for (std::int64_t i = 0; i < n_all; ++i) {
        const std::int32_t reason = i < options.n_cells ? 0 : random.uniform() < 0.35 ? 1 : 2;
        const auto sample = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(options.n_samples)));
        const double log_counts = reason == 1 ? 4.9 + 0.35 * random.normal() : reason == 2 ? 6.9 + 0.6 * random.normal() : std::max(6.3, 7.65 + 0.1 * sample + 0.42 * random.normal());
        const double counts = std::exp(log_counts);
        const double genes = std::min(counts, 1.9 * std::pow(counts, 0.795) * std::exp(0.08 * random.normal()));
        const double mt = reason == 2 ? 9.0 + 6.0 * random.gamma(2.0, 1.0) : std::min(8.9, random.gamma(4.0, 0.8));
        qc.removed.push_back(reason);
        qc.sample.push_back(sample);
        qc.metrics[0].values.push_back(static_cast<float>(std::floor(counts)));
        qc.metrics[1].values.push_back(static_cast<float>(std::floor(genes)));
        qc.metrics[2].values.push_back(static_cast<float>(mt));
        SampleRow& row = data.samples.rows[static_cast<std::size_t>(sample)];
        ++row.cells_in;
        if (reason == 0) ++row.cells_kept; else ++qc.reason_counts[static_cast<std::size_t>(reason - 1)];
    }
    for (std::int32_t s = 0; s < options.n_samples; ++s) {
        qc.cutoffs.push_back({s, "total_counts", 260.0 + 20 * s, kMissing, 12500.0, 40, 0});
        qc.cutoffs.push_back({s, "n_genes_by_counts", 200.0, kMissing, 3100.0, 40, 0});
        qc.cutoffs.push_back({s, "pct_counts_mt", kMissing, 8.9 + 0.2 * s, kMissing, 0, 60});
    }
    data.n_cells_in = n_all;
    data.n_cells_kept = options.n_cells;
    data.n_genes_in = 32738;
    data.n_genes_kept = 14210;
    KneeCurve knee{data.samples.rows[0].name, {}, {}, {}, 0.9 * static_cast<double>(data.samples.rows[0].cells_in), data.samples.rows[0].cells_in,
                   "Barcodes left of the line are cells by their counts, some of the others because they differ from the ambient RNA (made-up curve)."};
    for (double rank = 1; rank < 7e5; rank *= 1.09) {
        knee.rank.push_back(std::floor(rank));
        knee.counts.push_back(rank < knee.cut_rank ? 14000.0 * std::pow(rank, -0.24) : 14000.0 * std::pow(knee.cut_rank, -0.24) * std::pow(rank / knee.cut_rank, -1.35) + 1.0);
        knee.called.push_back(rank < knee.cut_rank ? 1.0 : std::max(0.0, 1.0 - 4.0 * std::log10(rank / knee.cut_rank)));
    }
    data.knees.push_back(knee);
}

void fill_map(ReportData& data, const ExampleOptions& options, const std::vector<std::int32_t>& types, Random& random) {
    data.map.n_cells = options.n_cells;
    ObsColumn clusters{"leiden", "Cluster", {}, {}, {}}, sample{"sample", "Sample", {}, {}, {}}, phase{"phase", "Cell-cycle phase", {}, {"G1", "S", "G2M"}, {}};
    ObsColumn counts{"total_counts", "Counts per cell", {}, {}, {}}, doublet{"doublet_score", "Doublet score", {}, {}, {}}, mt{"pct_counts_mt", "Mitochondrial counts, %", {}, {}, {}};
    for (std::size_t c = 0; c < kTypes.size(); ++c) {
        const std::string label = kTypes[c].label;
        clusters.categories.push_back(std::to_string(c) + (label.empty() ? "" : " · " + label));
    }
    for (const SampleRow& row : data.samples.rows) sample.categories.push_back(row.name);
    for (std::size_t i = 0; i < types.size(); ++i) {
        const Type& type = kTypes[static_cast<std::size_t>(types[i])];
        const double angle = 6.283 * random.uniform(), radius = type.spread * std::sqrt(random.gamma(1.3, 1.0)) * 0.9;
        data.map.x.push_back(static_cast<float>(type.x + radius * std::cos(angle) * 1.25));
        data.map.y.push_back(static_cast<float>(type.y + radius * std::sin(angle) + 0.15 * std::sin(3 * radius * std::cos(angle))));
        std::string barcode(16, 'A');
        for (char& base : barcode) base = "ACGT"[random.below(4)];
        data.map.cell_names.push_back(barcode + "-1");
        clusters.codes.push_back(types[i]);
        sample.codes.push_back(data.qc.sample[i]);
        phase.codes.push_back(types[i] == 8 ? static_cast<std::int32_t>(1 + random.below(2)) : random.uniform() < 0.9 ? 0 : static_cast<std::int32_t>(random.below(3)));
        counts.values.push_back(data.qc.metrics[0].values[i]);
        mt.values.push_back(data.qc.metrics[2].values[i]);
        doublet.values.push_back(static_cast<float>(std::min(1.0, random.gamma(1.5, 0.05) + (random.uniform() < 0.03 ? 0.35 : 0.0))));
    }
    if (options.n_cells_all > options.n_cells) {
        data.map.n_cells = options.n_cells_all;
        data.map.sample_statement = sample_statement(options.n_cells_all, options.n_cells, 0);
        data.density = density_map(data.map.x, data.map.y, 256, 256);
    }
    ObsColumn flag{"predicted_doublet", "Doublet call", {}, {"single cell", "doublet"}, {}};
    for (const float score : doublet.values) flag.codes.push_back(score > 0.3f ? 1 : 0);
    data.obs = {clusters, sample, phase, flag, counts, mt, doublet};
}

void fill_expression(ReportData& data, const ExampleOptions& options, const std::vector<std::int32_t>& types, Random& random) {
    std::vector<std::pair<std::string, std::int32_t>> genes;
    for (std::size_t t = 0; t < kTypes.size(); ++t) {
        for (const char* gene : kTypes[t].genes) genes.emplace_back(gene, static_cast<std::int32_t>(t));
    }
    while (std::ssize(genes) < options.n_genes_held) genes.emplace_back("GENE" + std::to_string(genes.size()), static_cast<std::int32_t>(genes.size() % kTypes.size()));
    std::vector<float> values(types.size());
    for (std::size_t g = 0; g < genes.size(); ++g) {
        for (std::size_t i = 0; i < types.size(); ++i) {
            const bool own = types[i] == genes[g].second;
            values[i] = random.uniform() < (own ? 0.85 : 0.1) ? static_cast<float>(std::max(0.3, (own ? 2.4 : 0.9) + 0.55 * random.normal())) : 0.0f;
        }
        data.expression.push_back(quantize_expression(genes[g].first, "ENSG" + std::to_string(100000 + g), values));
    }
}

/// A clone that has lost 1p and gained 7, beside the donor's other cells.
AcquiredChanges example_acquired_changes() {
    AcquiredChanges out;
    out.is_asked = true;
    out.reference = "cell_type=B & T cell";
    out.calibration = "16 random parts of the reference cells against one another";
    out.null_inflation = 1.1;
    out.n_reference = 120;
    out.n_query = 200;
    out.n_in_clones = 80;
    out.n_genes = 4400;
    out.within_donors = true;
    out.clones = {{"P<1>-clone-1", "P<1>", 80, "1p", "7p, 7q", 1}};
    out.arms = {{"P<1>-clone-1", "1p", "loss", -0.9, 1e-40}, {"P<1>-clone-1", "7p", "gain", 0.5, 1e-12}, {"P<1>, no change found", "1p", "", 0.01, 0.6}};
    for (int chromosome = 1; chromosome <= 22; ++chromosome) {
        for (int w = 0; w < 6; ++w) out.windows.push_back({std::to_string(chromosome), std::to_string(chromosome) + (w < 2 ? "p" : "q"), 20'000'000L * w, 20'000'000L * (w + 1), 101});
    }
    GenomeRow clone{"P<1>-clone-1", "", {}, {}, kMissing}, others{"P<1>, no change found", "", {}, {}, kMissing};
    for (const GenomeWindow& window : out.windows) {
        const int state = window.arm == "1p" ? -1 : window.chromosome == "7" ? 1 : 0;
        clone.value.push_back(state < 0 ? -0.9F : 0.55F * static_cast<float>(state));
        clone.called.push_back(static_cast<std::int8_t>(state));
        others.value.push_back(0.04F);
        others.called.push_back(0);
    }
    out.groups = {clone, others};
    for (const char* group : {"P<1>-clone-1", "P<1>, no change found", "reference"}) {
        for (int cell = 0; cell < 12; ++cell) {
            GenomeRow row{"cell <" + std::to_string(cell) + ">", group, {}, {}, 0.9};
            for (std::size_t w = 0; w < out.windows.size(); ++w) row.value.push_back(0.1F * static_cast<float>(std::sin(7.0 * static_cast<double>(w + 13) * (cell + 1))));
            out.cells.push_back(row);
        }
    }
    return out;
}

/// Six donors, three types: one changes, one is too rare to compare, one has too few donors.
Comparison example_comparison() {
    Comparison out;
    out.column = "condition";
    out.case_name = "stimulated";
    out.control_name = "rest";
    out.donor_column = "donor";
    out.type_column = "cell_type";
    out.design = "~ condition";
    for (int donor = 0; donor < 6; ++donor) out.samples.push_back({"donor <" + std::to_string(donor) + ">", donor % 2 == 0, ""});
    out.donors.columns = {"site", "age"};
    for (int donor = 0; donor < 6; ++donor) out.donors.rows.push_back({"donor <" + std::to_string(donor) + ">", donor % 2 == 0, 250 + donor, {donor % 2 == 0 ? "north & west" : "south", std::to_string(30 + donor)}});
    out.donors.by = {{"site", "north & west", "3", "0"}, {"site", "south", "0", "3"}, {"age", "mean (range)", "32 (30 to 34)", "33 (31 to 35)"}};
    out.donors.together = {"site"};
    out.donors.findings = {"'site' cannot be told from 'condition': no group of it links the conditions. What differs may come from it."};
    for (const char* name : {"B & T cell", "monocyte", "mast cell"}) {
        ComparedType type;
        type.name = name;
        type.is_tested = type.name == "B & T cell";
        type.is_compared = type.name != "mast cell";
        type.status = type.is_tested ? "tested" : type.is_compared ? "exploratory: fewer than 3 donors a group" : "not compared: too few cells";
        type.n_case = type.is_tested ? 3 : 2;
        type.n_control = 3;
        type.n_cells = {100, 120, 90, 80, 130, 70};
        if (type.is_compared) {
            type.n_genes = 2000;
            type.n_up = type.is_tested ? 2 : 0;
            type.detectable_log2fc = 1.2;
            for (int g = 0; g < 2000; ++g) {
                type.volcano_log2fc.push_back(static_cast<float>(std::sin(g)));
                type.volcano_minus_log10_p.push_back(g < 2 ? 8.0F : 1.0F);
                type.volcano_found.push_back(type.is_tested && g < 2 ? 1 : 0);
            }
            for (int g = 0; g < 4; ++g) type.genes.push_back({"GENE" + std::to_string(g), "ENSG" + std::to_string(g), 1.5, 1.2, 0.2, g < 2 ? 1e-8 : 0.1, type.is_tested ? 1e-4 : kMissing, {5, 3, 5.2, 3.1, 5.1, kMissing}});
        }
        out.types.push_back(std::move(type));
    }
    out.composition = {{"B & T cell", 0.5, 0.1, 0.9, 0.01, 0.03, "tested"}};
    out.programmes = {"sets.gmt", "", "2 of 3 sets have genes enough.", 4, 2, 1, {{"INTERFERON <ALPHA>", "B & T cell", 0.5, 0.1, 0.4, 0.3, 0.5, 1e-4, 0.001, "tested"}, {"HYPOXIA", "monocyte", 0.1, 0.2, -0.1, -0.4, 0.2, 0.4, kMissing, "exploratory: few donors"}}};
    out.communication = {"pairs.csv", "", "9 of 20 pairs have their genes measured.", 7, 0, 0, {{"CXCL12 -> CXCR4", "monocyte -> B & T cell", 0.5, 0.4, 0.1, -0.1, 0.3, 0.2, 0.6, "tested"}}};
    out.acquired = example_acquired_changes();
    out.cannot_tell = {"Whether <monocytes> hold for other donors."};
    return out;
}

void fill_clusters(ReportData& data, const std::vector<std::int32_t>& types) {
    const std::size_t n_samples = data.samples.rows.size();
    data.clusters.sizes.assign(kTypes.size(), 0);
    data.clusters.by_sample.assign(kTypes.size() * n_samples, 0);
    for (std::size_t c = 0; c < kTypes.size(); ++c) {
        data.clusters.names.push_back(std::to_string(c));
        data.clusters.labels.emplace_back(kTypes[c].label);
    }
    for (std::size_t i = 0; i < types.size(); ++i) {
        ++data.clusters.sizes[static_cast<std::size_t>(types[i])];
        ++data.clusters.by_sample[static_cast<std::size_t>(types[i]) * n_samples + static_cast<std::size_t>(data.qc.sample[i])];
    }
    for (const double resolution : {0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0}) data.resolutions.push_back({resolution, static_cast<std::int32_t>(5 + 6 * resolution), 0.86 - 0.09 * resolution, 0.97 - 0.16 * resolution, resolution == 1.0});
    data.merges = {{0, 2, 2, "CCR7", 0.74}};
    data.comparison = example_comparison();
    data.sensitivity = {{"Resolution 0.5", 8, 0.81, "Clusters 0 and 2 become one, 4 and 8 become one."}, {"Resolution 1.5", 14, 0.78, "Cluster 1 splits in two."}, {"Seed 1", 11, 0.96, "Some cells move between 0 and 2."}, {"Without flagged doublets", 11, 0.97, "Nothing that has a name changes."}};
}

void fill_markers(ReportData& data, Random& random) {
    for (std::size_t c = 0; c < kTypes.size(); ++c) {
        for (std::int32_t k = 0; k < 60; ++k) {
            MarkerRow row;
            row.cluster = static_cast<std::int32_t>(c);
            row.gene = k < 4 ? kTypes[c].genes[static_cast<std::size_t>(k)] : "GENE" + std::to_string(44 + (static_cast<std::size_t>(k) * kTypes.size() + c) % 400);
            row.gene_id = "ENSG" + std::to_string(100000 + static_cast<std::int64_t>(c) * 60 + k);
            row.auc = 0.97 - 0.006 * k - 0.004 * random.uniform();
            row.min_rank = 1 + k / 2;
            row.cohens_d = 2.6 * (row.auc - 0.5) * 2;
            row.log2fc = 4.2 - 0.06 * k;
            row.pct_in = 92 - 0.8 * k;
            row.pct_out = 6 + 0.4 * k;
            row.z = 30 - 0.3 * k;
            row.log10_p = -200 + 3 * k;
            row.fdr = std::pow(10.0, std::max(-300.0, row.log10_p + 2));
            row.soup = row.gene == "S100A8" || row.gene == "LYZ";
            data.markers.rows.push_back(row);
        }
        for (std::size_t k = 0; k < 3; ++k) data.markers.dot_genes.emplace_back(kTypes[c].genes[k]);
        for (std::size_t k = 0; k < 3; ++k) data.markers.heatmap_genes.emplace_back(kTypes[c].genes[k]);
        std::vector<std::string> found(kTypes[c].genes.begin(), kTypes[c].genes.end());
        const std::string label = kTypes[c].label;
        data.labels.rows.push_back({static_cast<std::int32_t>(c), label, label.empty() ? 0.21 : 0.82 - 0.03 * static_cast<double>(c), label.empty() ? "CD4 T cell" : "", label.empty() ? 0.02 : 0.35, label.empty() ? std::vector<std::string>{} : found, label.empty() ? std::vector<std::string>{"CD3D"} : std::vector<std::string>{}, {}, label.empty() ? "No set of marker genes stands out; cell-cycle genes lead." : ""});
    }
    data.labels.source = "made-up marker table of the example";
    for (std::size_t c = 0; c < kTypes.size(); ++c) {
        for (std::size_t g = 0; g < data.markers.dot_genes.size(); ++g) {
            const bool own = g / 3 == c;
            data.markers.dot_mean.push_back(own ? 1.6 + 0.8 * random.uniform() : 0.25 * random.uniform());
            data.markers.dot_pct.push_back(own ? 70 + 25 * random.uniform() : 18 * random.uniform());
        }
    }
    data.markers.method = "Genes of each cluster against all other cells, on log-normalised counts, ranked by AUC.";
}

void fill_genes(ReportData& data, Random& random) {
    VariableGenes& genes = data.variable_genes;
    genes.x_title = "Mean counts per cell";
    genes.y_title = "Variance, standardised";
    for (std::int32_t g = 0; g < 14210; ++g) {
        const double mean = std::exp(-4.5 + 2.1 * random.normal());
        const bool chosen = g < 2000;
        genes.x.push_back(static_cast<float>(mean));
        genes.y.push_back(static_cast<float>(chosen ? 1.35 + random.gamma(1.1, 0.8) + (g < 14 ? 5.0 : 0.0) : std::max(0.3, 0.98 + 0.13 * random.normal())));
        genes.selected.push_back(chosen ? 1 : 0);
    }
    for (std::int32_t g = 0; g < 12; ++g) {
        genes.top.push_back(g);
        genes.top_names.emplace_back(kTypes[static_cast<std::size_t>(g) % kTypes.size()].genes[static_cast<std::size_t>(g) / kTypes.size()]);
    }
    genes.method = "2,000 genes (green) with the largest variance of standardised counts around the fitted mean-variance curve (seurat_v3).";
    for (std::int32_t k = 0; k < 50; ++k) data.elbow.variance_ratio.push_back(0.06 * std::exp(-0.42 * k) + 0.0042 * std::exp(-0.012 * k));
    data.elbow.used = 30;
    data.components = {{1, {"LYZ", "S100A9", "S100A8", "CST3", "TYROBP"}, {"CD3D", "IL7R", "LTB", "CD3E"}, "", false}, {2, {"CD79A", "MS4A1", "CD79B"}, {"NKG7", "GZMB", "PRF1"}, "", false}, {3, {"MKI67", "TOP2A", "STMN1"}, {"CCR7", "MAL"}, "cell cycle", true}};
}

void fill_record(ReportData& data, const ExampleOptions& options) {
    MethodsFacts facts;
    facts.morula_version = "0.1.0";
    facts.recipe = data.recipe = "morula-1";
    facts.n_samples = options.n_samples;
    facts.n_cells_in = data.n_cells_in;
    facts.n_cells_kept = data.n_cells_kept;
    facts.n_genes_in = data.n_genes_in;
    facts.n_genes_kept = data.n_genes_kept;
    facts.simulated = true;
    facts.mad_counts = 5;
    facts.min_genes = 200;
    facts.mad_mt = 3;
    facts.min_pct_mt = 8;
    facts.min_cells = 3;
    facts.target_sum = 0;
    facts.hvg_flavor = "seurat_v3";
    facts.n_hvg = 2000;
    facts.hvg_by_batch = options.n_samples > 1;
    facts.doublets = facts.cell_cycle = facts.stress = true;
    facts.n_components = 50;
    facts.n_components_used = 30;
    facts.n_neighbors = 15;
    facts.graph_weights = "fuzzy";
    facts.resolution = 1;
    facts.n_clusters = static_cast<std::int32_t>(kTypes.size());
    facts.stability = 0.81;
    facts.umap_min_dist = 0.5;
    facts.umap_epochs = 200;
    facts.label_source = "made-up table";
    data.methods = compose_methods(facts);
    data.snippets = load_snippets({});
    data.reproduce = "morula run donor_a/ donor_b/ donor_c/ --samples samples.csv --out results --recipe morula-1 --seed 0";
    data.outputs = {{"report.html", "this page"}, {"cells.h5ad", "cells, genes, counts, map, clusters and markers, with scanpy's names"}, {"markers.csv", "every gene of every cluster"}, {"data.atlas", "the checked counts, ready for further steps"}, {"run.json", "options, versions, seed, time and memory"}};
    data.parameters = {{"quality control", "mad-counts", "5", "5", "cells below this many MADs of log counts or genes are removed"}, {"quality control", "min-genes", "200", "200", "floor of genes per cell"}, {"clusters", "resolution", "1.0", "1.0", "higher gives more clusters"}, {"neighbours", "k", "20", "15", "neighbours a cell, itself not counted"}};
    data.decisions = {{"Input.", "Raw counts were found in X (integers); no other matrix was considered."}, {"Integration.", "No batch column was named, so batches were not integrated."}};
    data.versions = {{"Morula", "0.1.0"}, {"Numeric profile", "AVX2, OpenBLAS 0.3.21 (Haswell), glibc 2.36"}, {"Processor", "example"}};
    const std::vector<std::pair<std::string, double>> steps = {{"read", 0.31}, {"quality control", 0.12}, {"doublets", 0.9}, {"normalise", 0.08}, {"variable genes", 0.2}, {"pca", 0.61}, {"neighbours", 0.15}, {"clusters", 0.4}, {"umap", 1.1}, {"markers", 0.35}, {"report", 0.1}};
    for (const auto& [name, seconds] : steps) data.steps.push_back({name, seconds, static_cast<std::int64_t>(2.1e8 + seconds * 1e8), name == "read"});
    data.warnings = {{Severity::care, "Component 3 is mostly cell-cycle genes.", "genes"}};
}

}  // namespace

ReportData example_report_data(const ExampleOptions& options) {
    Random random(options.seed, Purpose::test, 0, 0);
    ReportData data;
    data.title = options.n_samples == 1 ? "Example blood sample" : "Example blood, three donors";
    data.created = "2026-01-05 10:00 UTC";
    data.source = {SourceKind::made_up, "Made-up cells of the page's own test: blood-like types, no measurement."};
    const std::vector<std::int32_t> types = draw_types(options.n_cells, random);
    fill_samples(data, options);
    fill_qc(data, options, random);
    fill_map(data, options, types, random);
    fill_expression(data, options, types, random);
    fill_clusters(data, types);
    fill_markers(data, random);
    fill_genes(data, random);
    data.soup_text = "Genes that are abundant in the ambient RNA and appear at low level in almost every cluster. Where the type that makes them is common, low levels elsewhere are more likely soup than expression.";
    data.soup = {{"S100A8", "ENSG100004", "", "1 · CD14 monocyte", 10133.2, 45.3}, {"LYZ", "ENSG100006", "", "1 · CD14 monocyte", 20276.0, 322.4}, {"PPBP", "ENSG100036", "", "9 · platelet", 4021.0, 12.0}};
    ScoreTable stress{"Dissociation stress", "Mean of immediate-early and heat-shock genes against control genes of like expression; high means above the 99th percentile of the controls.", {}};
    for (const SampleRow& row : data.samples.rows) stress.rows.push_back({row.name, row.cells_kept, 0.03, 2.1});
    data.scores = {stress};
    data.integration.text = "No batch column was named, so the batches were not integrated.";
    ReportFacts facts;
    facts.source = SourceKind::made_up;
    facts.n_samples = options.n_samples;
    facts.n_cells_in = data.n_cells_in;
    facts.n_cells_kept = data.n_cells_kept;
    facts.median_counts = 2143;
    facts.median_genes = 851;
    facts.median_pct_mt = 3.2;
    facts.removed = {{"a high mitochondrial share", std::to_string(data.qc.reason_counts[1])}, {"too few counts or genes", std::to_string(data.qc.reason_counts[0])}};
    facts.n_doublets = options.n_cells * 3 / 100;
    facts.doublet_share = 0.03;
    facts.n_clusters = static_cast<std::int32_t>(kTypes.size());
    facts.n_unassigned = 1;
    facts.largest_labels = {{"CD4 T cells", "27 %"}, {"CD14 monocytes", "18 %"}, {"naive CD4 T cells", "14 %"}, {"B cells", "12 %"}};
    facts.stability = 0.81;
    facts.n_merge_offers = 1;
    facts.sex_mismatches = options.n_samples > 2 ? std::vector<std::string>{kSampleNames[2]} : std::vector<std::string>{};
    facts.n_soup_genes = 3;
    facts.soup_genes = {"S100A8", "LYZ", "PPBP"};
    data.summary = compose_summary(facts);
    fill_record(data, options);
    return data;
}

}  // namespace morula::report
