#include "morula/analysis/cell_profiles.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

std::size_t gene(const CellProfiles& profiles, std::string_view symbol) {
    const auto at = std::find(profiles.gene_symbols.begin(), profiles.gene_symbols.end(), symbol);
    EXPECT_NE(at, profiles.gene_symbols.end()) << symbol;
    return static_cast<std::size_t>(at - profiles.gene_symbols.begin());
}

std::string highest_type(const CellProfiles& profiles, std::string_view symbol) {
    const std::size_t g = gene(profiles, symbol);
    std::size_t best = 0;
    for (std::size_t type = 1; type < profiles.types.size(); ++type) {
        if (profiles.types[type][g] > profiles.types[best][g]) best = type;
    }
    return profiles.type_names[best];
}

TEST(cell_profiles, the_built_in_blood_table_has_textbook_markers_in_their_types) {
    const CellProfiles blood = profiles_from_means(blood_means_tsv());
    ASSERT_EQ(blood.types.size(), 9U);
    EXPECT_EQ(highest_type(blood, "MS4A1"), "B");
    EXPECT_EQ(highest_type(blood, "GNLY"), "NK");
    EXPECT_EQ(highest_type(blood, "CD8A"), "CD8 T");
    EXPECT_EQ(highest_type(blood, "CD14"), "CD14+ Mono");
    EXPECT_EQ(highest_type(blood, "FCGR3A"), "FCGR3A+ Mono");
    EXPECT_EQ(highest_type(blood, "FCER1A"), "DC");
    EXPECT_EQ(highest_type(blood, "PPBP"), "Platelet");
    EXPECT_NEAR(std::accumulate(blood.type_share.begin(), blood.type_share.end(), 0.0), 1.0, 1e-12);
    EXPECT_NEAR(blood.mitochondrial_fraction, 0.022, 0.008);
    EXPECT_EQ(blood.types[0][gene(blood, "MT-CO1")], 0.0);
    EXPECT_GT(blood.mitochondrial[gene(blood, "MT-CO1")], 0.0);
    EXPECT_NE(blood.source.find("Simulated"), std::string::npos);
}

TEST(cell_profiles, a_table_is_read_field_by_field) {
    const CellProfiles profiles = profiles_from_means(
        "# comment\ngene\tother\tA\tB\nshare\t\t3\t1\ncounts\t\t1000\t3000\nG1\t10\t\t25\nG2\t5\t0\t\nMT-1\t1\t\t\n");
    EXPECT_EQ(profiles.type_names, (std::vector<std::string>{"A", "B"}));
    EXPECT_DOUBLE_EQ(profiles.type_share[0], 0.75);
    // Mean depth is .75 * 1000 + .25 * 3000 = 1500.
    EXPECT_DOUBLE_EQ(profiles.type_depth[0], 2.0 / 3.0);
    EXPECT_DOUBLE_EQ(profiles.type_depth[1], 2.0);
    EXPECT_EQ(profiles.types[0], (std::vector<double>{10.0, 0.0, 0.0}));
    EXPECT_EQ(profiles.types[1], (std::vector<double>{25.0, 5.0, 0.0}));
    // Rates are 11 in A and 31 in B; 1 of them mitochondrial in both: 1 / (.75 * 11 + .25 * 31).
    EXPECT_DOUBLE_EQ(profiles.mitochondrial_fraction, 1.0 / 16.0);
}

TEST(cell_profiles, a_broken_table_is_refused_with_its_line) {
    const auto message = [](std::string_view tsv) -> std::string {
        try {
            profiles_from_means(tsv);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::invalid_data);
            return error.message();
        }
        return "";
    };
    EXPECT_NE(message("gene\tother\tA\nshare\t\t1\ncounts\t\t1\nG1\tx\t\n").find("line 4: 'x'"), std::string::npos);
    EXPECT_NE(message("gene\tother\tA\nG1\t1\n").find("line 2: 2 fields"), std::string::npos);
    EXPECT_NE(message("nothing\n").find("line 1"), std::string::npos);
    EXPECT_NE(message("").find("ends early"), std::string::npos);
    EXPECT_NE(message("gene\tother\tA\nshare\t\t1\ncounts\t\t1\nG1\t1\t\n").find("mitochondrial"), std::string::npos);
}

TEST(cell_profiles, made_up_types_differ_in_their_own_genes_and_share_those_of_the_lineage) {
    const CellProfiles profiles = made_up_profiles({.n_genes = 5000, .n_types = 6, .n_rare_types = 2, .rare_fraction = 0.005, .continuum_fraction = 0.1, .seed = 1});
    EXPECT_EQ(profiles.gene_symbols.front(), "GENE00001");
    EXPECT_EQ(profiles.gene_symbols.back(), "MT-GENE13");
    EXPECT_EQ(std::count_if(profiles.gene_symbols.begin(), profiles.gene_symbols.end(), [](const std::string& name) { return name.starts_with("MT-"); }), 13);
    EXPECT_EQ(profiles.type_names.back(), "rare-type-06");
    EXPECT_DOUBLE_EQ(profiles.type_share[5], 0.005);
    EXPECT_NEAR(std::accumulate(profiles.type_share.begin(), profiles.type_share.end(), profiles.continuum_share), 1.0, 1e-12);

    const auto n_different = [&](std::size_t a, std::size_t b) {
        std::int64_t n = 0;
        for (std::size_t g = 0; g < 5000; ++g) n += profiles.types[a][g] != profiles.types[b][g];
        return n;
    };
    EXPECT_LE(n_different(0, 1), 160);  // 80 genes of each type
    EXPECT_GE(n_different(0, 1), 140);  // less a few drawn twice
    EXPECT_GE(n_different(0, 2), 400);  // and 200 of each lineage
}

}  // namespace
}  // namespace morula::analysis
