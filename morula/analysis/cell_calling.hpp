// Cell calling in unfiltered droplet matrices: the barcode-rank curve, and a test of each barcode that it leaves open against the ambient RNA.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "morula/analysis/barcode_ranks.hpp"
#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// How empty droplets vary: more than draws from one profile, by an amount that they show themselves, or as draws.
enum class AmbientVariation { dirichlet_multinomial, multinomial };

struct CellCallingOptions {
    std::int64_t ambient_below = 100;
    std::int64_t n_simulations = 10000;
    double fdr = 0.01;
    AmbientVariation variation = AmbientVariation::dirichlet_multinomial;
    std::uint64_t seed = 0;
};

constexpr auto describe(const CellCallingOptions*) {
    return std::tuple{
        field("ambient_below", &CellCallingOptions::ambient_below, "Barcodes with at most this many counts are empty: they give the ambient profile and are never called.",
              {.minimum = 1, .maximum = 1e6, .unit = "counts"}),
        field("n_simulations", &CellCallingOptions::n_simulations, "Simulated ambient droplets; the smallest p value is 1 / (this + 1).", {.minimum = 99, .maximum = 1e6}),
        field("fdr", &CellCallingOptions::fdr, "Barcodes up to this false discovery rate are called cells.", {.minimum = 0.0, .maximum = 1.0}),
        field("variation", &CellCallingOptions::variation, "How empty droplets vary around their profile.", {.choices = "dirichlet-multinomial|multinomial"}),
        field("seed", &CellCallingOptions::seed, "Seed of the simulated droplets."),
    };
}

struct CellCallingResult {
    BarcodeRanks ranks;                   // of the barcodes above ambient_below
    double always_from = 0.0;             // barcodes with at least so many counts are called untested; 0: none
    std::vector<std::int64_t> total;      // n_barcodes
    std::vector<std::uint8_t> is_cell;    // n_barcodes
    std::vector<float> log_probability;   // n_barcodes; of its counts as ambient RNA; NaN where not tested (empty by total, or from always_from on)
    std::vector<float> p;                 // n_barcodes; NaN where not tested
    std::vector<float> fdr;               // n_barcodes; 0 from always_from on, NaN for the empty
    std::vector<double> ambient;          // n_genes; the smoothed profile of the empty barcodes, adds to one; empty when there was none to be had
    double precision = 0.0;               // of the Dirichlet-multinomial; infinity for the multinomial
    std::int64_t n_cells = 0;
    std::int64_t n_by_total = 0;          // called because of their total
    std::int64_t n_by_profile = 0;        // called because their counts are not ambient RNA
    std::int64_t n_ambient_barcodes = 0;  // with 1 to ambient_below counts
    std::int64_t n_tested = 0;
    std::int64_t n_limited = 0;           // not called, though no simulated droplet was less likely
    bool profile_tested = false;          // false: too few empty barcodes, called by the inflection alone
    std::string note;                     // sentences when the call deserves care; else empty
};

/// EmptyDrops (Lun et al. 2019, Genome Biol 20:63). counts: raw, every barcode of one capture, gene expression alone. Two passes; memory 40 bytes a barcode and
/// 8 bytes a (barcode, gene) seen twice or more in an empty barcode. p = (1 + simulated droplets of the same total that are no likelier) / (1 + n_simulations);
/// FDR by Benjamini-Hochberg over all barcodes above ambient_below, those called untested with p = 0.
/// Called untested: from a tenth of the 99th percentile of the barcodes above the knee on (Cell Ranger), but never below the inflection nor only above the knee
/// or 50,000 counts.
/// Differs from DropletUtils::emptyDrops in that (theirs: the knee), in how the knee is found (see barcode_ranks), in the range of the precision (up to 10^7 and the
/// multinomial, theirs to 10^4) and in the random numbers.
/// Throws invalid_data when no barcode has more than ambient_below counts.
CellCallingResult call_cells(const matrix::RowBlockSource& counts, const CellCallingOptions& options, Context& context);

}  // namespace morula::analysis
