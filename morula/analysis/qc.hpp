// Quality control: per-cell and per-gene metrics in one pass, and per-sample cut-offs that say why a cell goes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// 1 where a gene belongs to the set, n_genes each.
struct GeneFlags {
    std::vector<std::uint8_t> mitochondrial;  // encoded by the mitochondrion: MT-ND1, mt-Nd1
    std::vector<std::uint8_t> ribosomal;      // cytoplasmic ribosomal proteins: RPS6, RPL13A, Rpl13a; not RPS6KA1
    std::vector<std::uint8_t> hemoglobin;     // HBA1, HBB, Hba-a1; not HBEGF, HBP1, HBS1L
    std::vector<std::uint8_t> stress;         // early response to dissociation: FOS, JUN, HSPA1A, ...
};

/// Reads the sets from gene symbols of human, mouse or rat, also behind a genome prefix such as "GRCh38_MT-ND1".
/// Stress genes: immediate early and heat shock genes that rise during dissociation (van den Brink et al. 2017, Nat Methods 14:935; O'Flanagan et al. 2019, Genome Biol 20:210).
GeneFlags gene_flags(std::span<const std::string> symbols);

/// scanpy's names (calculate_qc_metrics, log1p=False, percent_top=(50,)), float64.
struct QcMetrics {
    // n_cells each
    std::vector<double> total_counts;
    std::vector<std::int32_t> n_genes_by_counts;
    std::vector<double> total_counts_mt;
    std::vector<double> pct_counts_mt;      // 0 to 100; 0 for a cell without counts (scanpy gives NaN)
    std::vector<double> pct_counts_ribo;
    std::vector<double> pct_counts_hb;
    std::vector<double> pct_counts_stress;
    std::vector<double> pct_counts_in_top_50_genes;
    // n_genes each, over all cells given
    std::vector<std::int64_t> n_cells_by_counts;
    std::vector<double> total_counts_of_gene;
    std::vector<double> mean_counts_of_gene;
};

/// One pass over raw counts. A stored zero counts as not expressed.
/// Throws invalid_data when flags do not have one entry a gene.
QcMetrics qc_metrics(const matrix::RowBlockSource& counts, const GeneFlags& flags, Context& context);

enum class SampleKind { cells, nuclei };

/// Defaults are recipe morula-1.
struct QcOptions {
    SampleKind kind = SampleKind::cells;
    std::optional<double> mads_low = 5.0;            // none: no lower cut-off other than min_genes
    std::optional<double> mads_high = 5.0;           // flags only, never removes; none: no flags
    std::int32_t min_genes = 200;
    std::optional<double> mads_mitochondrial = 3.0;  // none: no mitochondrial cut-off
    double min_pct_mitochondrial_cells = 8.0;        // a mitochondrial cut-off is never below this
    double min_pct_mitochondrial_nuclei = 3.0;
    double warn_removed_percent = 30.0;
};

constexpr auto describe(const QcOptions*) {
    return std::tuple{
        field("kind", &QcOptions::kind, "Whole cells or nuclei; nuclei are held to less mitochondrial RNA.", {.choices = "cells|nuclei"}),
        field("mads_low", &QcOptions::mads_low, "Remove cells whose log counts or log genes lie this many scaled MADs below the sample's median.", {.minimum = 0.0}),
        field("mads_high", &QcOptions::mads_high, "Flag (never remove) cells this many scaled MADs above the median.", {.minimum = 0.0}),
        field("min_genes", &QcOptions::min_genes, "Remove cells with fewer genes, whatever the median.", {.minimum = 0.0, .unit = "genes"}),
        field("mads_mitochondrial", &QcOptions::mads_mitochondrial, "Remove cells whose mitochondrial share lies this many scaled MADs above the median.", {.minimum = 0.0}),
        field("min_pct_mitochondrial_cells", &QcOptions::min_pct_mitochondrial_cells, "Never remove a cell at or below this mitochondrial share.", {.minimum = 0.0, .maximum = 100.0, .unit = "%"}),
        field("min_pct_mitochondrial_nuclei", &QcOptions::min_pct_mitochondrial_nuclei, "Never remove a nucleus at or below this mitochondrial share.", {.minimum = 0.0, .maximum = 100.0, .unit = "%"}),
        field("warn_removed_percent", &QcOptions::warn_removed_percent, "Warn when more of a sample is removed.", {.minimum = 0.0, .maximum = 100.0, .unit = "%"}),
    };
}

/// scanpy 1.11 has no automatic cut-offs; this is its "Preprocessing and clustering" tutorial: cells with at least 100 genes, nothing else removed or flagged.
QcOptions qc_options_scanpy_1_11();

/// Why a cell was removed; the first that applies, in this order. Values are stored: never renumber.
enum class QcReason : std::uint8_t { kept = 0, no_counts = 1, few_genes = 2, low_counts = 3, low_genes = 4, mitochondrial = 5 };
inline constexpr std::int32_t kQcReasons = 6;
/// As in obs and in sentences ("5 cells went for ..."): "too few genes" (below the floor), "unusually few genes" (below the sample's cut-off), ...
std::string_view qc_reason_name(QcReason reason);

/// What was decided for one sample, on the scale of the metrics (counts, genes, percent), to be drawn.
struct SampleCutoffs {
    std::int64_t n_cells = 0;
    std::int64_t n_kept = 0;
    double median_counts = 0.0;
    double median_genes = 0.0;
    double median_pct_mt = 0.0;
    std::optional<double> min_counts;   // removed below
    std::optional<double> min_genes;    // removed below
    std::optional<double> max_pct_mt;   // removed above
    std::optional<double> high_counts;  // flagged above
    std::optional<double> high_genes;   // flagged above
    std::vector<std::int64_t> n_by_reason;  // kQcReasons
    std::int64_t n_flagged_high = 0;        // kept and above high_counts or high_genes
};

struct QcCutoffs {
    std::vector<SampleCutoffs> samples;      // n_samples
    std::vector<std::uint8_t> keep;          // n_cells, 1 = kept
    std::vector<QcReason> reason;            // n_cells
    std::vector<std::uint8_t> flagged_high;  // n_cells, 1 = unusually many counts or genes
    std::vector<std::string> warnings;         // sentences for the report; the caller puts the sample's name before each
    std::vector<std::int32_t> warning_sample;  // the sample that warnings[i] is about
};

/// Cut-offs per sample. MAD = median |x - median|, scaled by 1.4826; totals and genes are compared as ln(1 + x); cells without counts take no part in medians.
/// A MAD of 0 sets no cut-off (more than half of the cells are equal, so their spread says nothing); the floors still hold.
/// sample: n_cells codes in [0, n_samples). Throws invalid_data when sizes or codes are wrong.
QcCutoffs qc_cutoffs(const QcMetrics& metrics, std::span<const std::int32_t> sample, std::int32_t n_samples, const QcOptions& options);

}  // namespace morula::analysis
