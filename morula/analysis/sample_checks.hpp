// Checks of samples against what their metadata say: sex, stress, and conditions confounded with batches.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

enum class Sex { unknown, female, male, mixed };
std::string_view sex_name(Sex sex);
/// "F", "female", "XX", "woman", "M", "male" ... -> sex; anything else unknown.
Sex parse_sex(std::string_view text);

enum class SexVerdict { agrees, disagrees, no_metadata, cannot_tell };

struct SampleSex {
    std::int64_t n_cells = 0;
    double xist_cpm = 0.0;       // counts per million of all the sample's counts
    double y_cpm = 0.0;          // all measured Y genes together
    double pct_cells_xist = 0.0; // 0 to 100
    double pct_cells_y = 0.0;
    Sex seen = Sex::unknown;     // mixed: clear evidence of both (pooled donors, or XXY)
    Sex told = Sex::unknown;     // from metadata
    SexVerdict verdict = SexVerdict::cannot_tell;
    std::string evidence;        // one sentence
};

struct SexCheckResult {
    std::vector<SampleSex> samples;  // n_samples
    std::int32_t n_y_genes = 0;      // measured
    bool xist_measured = false;
};

/// XIST (X inactivation, female cells) against genes of the male-specific Y region, per sample. Mouse spelling is understood.
/// sample: n_cells codes in [0, n_samples). told: n_samples texts from metadata, or empty. One pass over the raw counts.
/// Throws invalid_data when sizes or codes are wrong.
SexCheckResult sex_check(const matrix::RowBlockSource& counts, std::span<const std::string> symbols, std::span<const std::int32_t> sample, std::int32_t n_samples,
                         std::span<const std::string> told, Context& context);

struct SampleStress {
    std::int64_t n_cells = 0;
    double median_pct = 0.0;     // percent of a cell's counts in dissociation genes
    double pct_stressed = 0.0;   // percent of cells at or above kStressedPct
    bool flagged = false;        // more than a quarter of the cells are stressed
};
inline constexpr double kStressedPct = 5.0;

/// Share of counts in genes that tissue dissociation switches on (van den Brink et al. 2017; O'Flanagan et al. 2019), summed up per sample.
std::vector<SampleStress> stress_summary(std::span<const double> pct_counts_stress, std::span<const std::int32_t> sample, std::int32_t n_samples);

enum class Confounding {
    none,      // every batch holds every condition
    partial,   // some batches lack conditions, but batches link all conditions
    complete,  // conditions cannot be compared within batches
    not_applicable,  // one batch or one condition
};
std::string_view confounding_name(Confounding verdict);

struct ConfoundingResult {
    matrix::Dense<std::int64_t> n_units;  // n_batches x n_conditions: how many (samples or cells) have both
    Confounding verdict = Confounding::not_applicable;
    double cramers_v = 0.0;               // association, 0 to 1; NaN when not applicable
    std::string sentence;                 // the verdict in words
};

/// batch, condition: one code a unit (sample or cell), -1 leaves it out. Complete: the bipartite graph of batches and conditions falls apart into parts
/// (so that batch effects cannot be told from condition effects). Throws invalid_data when sizes or codes are wrong.
ConfoundingResult confounding(std::span<const std::int32_t> batch, std::int32_t n_batches, std::span<const std::int32_t> condition, std::int32_t n_conditions);

}  // namespace morula::analysis
