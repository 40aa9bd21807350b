// The expression profiles that made-up cells are drawn from: relative rates of the genes, before batch and donor effects.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace morula::analysis {

struct CellProfiles {
    std::vector<std::string> gene_symbols;
    std::vector<std::string> gene_ids;
    std::vector<std::string> type_names;
    std::vector<double> type_share;                // of the cells; adds to one with continuum_share
    std::vector<double> type_depth;                // relative to a mean of one over the cells
    std::vector<std::vector<double>> types;        // each n_genes, without mitochondrial genes
    std::vector<double> continuum;                 // midway between the first two types; empty: none
    double continuum_share = 0.0;
    std::vector<std::vector<double>> programmes;   // cut across types; empty: none
    std::vector<double> mitochondrial;             // n_genes, zero elsewhere
    double mitochondrial_fraction = 0.0;           // of a typical cell's counts
    std::string source;
};

struct MadeUpProfilesPlan {
    std::int64_t n_genes = 0;  // 13 of them mitochondrial
    std::int32_t n_types = 0;
    std::int32_t n_rare_types = 0;
    double rare_fraction = 0.0;
    double continuum_fraction = 0.0;
    std::int32_t n_programmes = 0;
    std::uint64_t seed = 0;
};

/// Log-normal rates (sd 1.9 of ln, which gives about 2,600 genes in a cell of 6,000 counts at 20,000 genes), lineages of a few types each.
/// The rare types are the last; common types become rarer in steps.
CellProfiles made_up_profiles(const MadeUpProfilesPlan& plan);

/// Profiles from a table of mean expression by type, in the form of tables/blood_means.tsv. Throws invalid_data naming the line.
CellProfiles profiles_from_means(std::string_view tsv);

/// The table that is built in.
std::string_view blood_means_tsv();

}  // namespace morula::analysis
