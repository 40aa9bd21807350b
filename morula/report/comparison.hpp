// The chapter "Healthy and diseased": what a comparison of two conditions found, with donors as the replicates.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "morula/report/acquired_changes.hpp"

namespace morula::report {

/// A donor's cells in one condition.
struct ComparedSample {
    std::string donor;
    bool is_case = false;
    std::string batch;  // "" where none is known
};

/// A donor in a condition, with what the file holds of it once.
struct ComparedDonor {
    std::string donor;
    bool is_case = false;
    std::int64_t n_cells = 0;
    std::vector<std::string> values;  // of each column of ComparedDonors
};
/// Donors of a group in each condition; for numbers their means and ranges.
struct ConditionBy {
    std::string column;
    std::string group;
    std::string in_case;
    std::string in_control;
};
/// Who is compared, and what else sets them apart.
struct ComparedDonors {
    std::vector<std::string> columns;   // "batch", "sex", "age"
    std::vector<ComparedDonor> rows;
    std::vector<ConditionBy> by;
    std::vector<std::string> together;  // columns that cannot be told from the condition
    std::vector<std::string> uneven;    // columns that are shared out unevenly
    std::vector<std::string> findings;  // a sentence for each of both
    std::int64_t n_more = 0;            // columns that are not shown
};

/// The share of one type among a sample's cells, compared between conditions.
struct CompositionRow {
    std::string type;
    double effect = std::numeric_limits<double>::quiet_NaN();  // log2 ratio of shares, relative to the other types
    double low = std::numeric_limits<double>::quiet_NaN();     // 95 % interval
    double high = std::numeric_limits<double>::quiet_NaN();
    double p = std::numeric_limits<double>::quiet_NaN();
    double fdr = std::numeric_limits<double>::quiet_NaN();     // NaN where nothing may be claimed
    std::string status;
};

struct ComparedGene {
    std::string gene;
    std::string gene_id;
    double log2fc = 0.0;
    double log2fc_shrunk = 0.0;
    double se = 0.0;
    double p = 1.0;
    double fdr = std::numeric_limits<double>::quiet_NaN();  // NaN where nothing may be claimed
    std::vector<double> log2_cpm;                           // of each sample of the comparison; NaN where it took no part; may be empty
};

struct ComparedType {
    std::string name;
    std::string status;           // "tested", "exploratory: ...", "not compared: ..."
    bool is_tested = false;       // an FDR is claimed
    bool is_compared = false;
    std::int64_t n_case = 0;      // donors
    std::int64_t n_control = 0;
    std::int64_t n_genes = 0;     // compared
    std::int64_t n_up = 0;        // at FDR 5 %
    std::int64_t n_down = 0;
    double detectable_log2fc = std::numeric_limits<double>::quiet_NaN();
    std::vector<std::int64_t> n_cells;     // of each sample
    std::vector<ComparedGene> genes;       // smallest p first
    std::vector<float> volcano_log2fc;     // every compared gene
    std::vector<float> volcano_minus_log10_p;
    std::vector<std::uint8_t> volcano_found;
};

/// A programme of a cell type, or a ligand-receptor pair of two types, in donors of both conditions.
struct ComparedScore {
    std::string what;           // "HALLMARK_HYPOXIA", "CXCL12 -> CXCR4"
    std::string where;          // "monocyte", "B cell -> monocyte"
    double value_case = 0.0;    // mean over donors
    double value_control = 0.0;
    double effect = 0.0;        // their difference
    double low = std::numeric_limits<double>::quiet_NaN();   // 95 % interval
    double high = std::numeric_limits<double>::quiet_NaN();
    double p = std::numeric_limits<double>::quiet_NaN();
    double fdr = std::numeric_limits<double>::quiet_NaN();   // NaN where nothing may be claimed
    std::string status;
};

/// What a table of programmes or pairs gave.
struct ComparedScores {
    std::string table;               // name of the user's file; "" where none was given
    std::string refused;             // why nothing was compared; "" where it was
    std::string context;             // "41 of 50 sets have genes enough."
    std::int64_t n_tests = 0;        // with an FDR
    std::int64_t n_exploratory = 0;
    std::int64_t n_found = 0;        // at FDR 5 %
    std::vector<ComparedScore> rows; // smallest p first, the first of them
    bool is_asked() const { return !table.empty(); }
};

struct Comparison {
    std::string column;        // of obs
    std::string case_name;
    std::string control_name;
    std::string donor_column;
    std::string type_column;
    std::string design;        // "~ donor + condition"
    std::string refused;       // why no comparison was made; "" where it was
    ComparedDonors donors;
    std::vector<ComparedSample> samples;
    std::vector<ComparedType> types;
    std::vector<CompositionRow> composition;  // may be empty: then only shares are shown
    std::string composition_refused;          // why only shares are shown; "" where they were tested
    double composition_least_p = 0.0;         // the smallest p that so few donors allow; 0 where there is no such floor
    ComparedScores programmes;
    ComparedScores regulons;
    ComparedScores communication;
    AcquiredChanges acquired;                 // may be asked without conditions
    std::vector<std::string> cannot_tell;     // sentences

    bool is_compared() const { return !column.empty(); }
    bool is_empty() const { return !is_compared() && !acquired.is_asked; }
};

}  // namespace morula::report
