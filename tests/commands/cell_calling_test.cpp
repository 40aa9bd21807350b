#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "morula/analysis/generate.hpp"
#include "morula/commands/input.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

/// Cells among empty droplets; `n_antibodies` features of another type follow the genes, with 300 counts in every barcode.
data::Dataset unfiltered(std::int64_t cells, std::int64_t empty, std::uint32_t n_antibodies) {
    const auto context = test::make_context(2);
    const analysis::GenerateResult made = analysis::generate({.cells = cells, .genes = 1000, .types = 3, .rare_types = 0, .continuum_fraction = 0.0, .mean_counts = 2000.0, .damaged_fraction = 0.0, .empty_droplets = empty}, *context);
    const matrix::Csr genes = matrix::read_all(*made.counts, *context);
    matrix::Csr all;
    all.n_rows = genes.n_rows;
    all.n_cols = genes.n_cols + n_antibodies;
    for (std::int64_t row = 0; row < genes.n_rows; ++row) {
        all.indices.insert(all.indices.end(), genes.view().row_indices(row).begin(), genes.view().row_indices(row).end());
        all.values.insert(all.values.end(), genes.view().row_values(row).begin(), genes.view().row_values(row).end());
        for (std::uint32_t a = 0; a < n_antibodies; ++a) {
            all.indices.push_back(static_cast<std::uint32_t>(genes.n_cols) + a);
            all.values.push_back(300.0F);
        }
        all.indptr.push_back(static_cast<std::int64_t>(all.indices.size()));
    }
    data::Dataset out;
    out.name = "made";
    out.obs = data::Table(made.cells.names);
    std::vector<std::string> ids = made.gene_ids;
    std::vector<std::string> types(ids.size(), "Gene Expression");
    for (std::uint32_t a = 0; a < n_antibodies; ++a) {
        ids.push_back("AB" + std::to_string(a));
        types.emplace_back("Antibody Capture");
    }
    out.var = data::Table(ids);
    out.var.set("feature_types", types);
    out.layers["counts"] = matrix::make_source(std::move(all));
    return out;
}

TEST(cell_calling, features_of_other_types_do_not_count) {
    const auto context = test::make_context(2);
    const data::Dataset plain = unfiltered(200, 4000, 0);
    const data::Dataset tagged = unfiltered(200, 4000, 2);
    EXPECT_TRUE(look_at_barcodes(tagged, "made.h5ad", 100).is_unfiltered);
    const data::Dataset a = call_cells_slots(plain, {.n_simulations = 500}, *context);
    const data::Dataset b = call_cells_slots(tagged, {.n_simulations = 500}, *context);
    EXPECT_EQ(data::column_texts(a.obs.at("is_cell")), data::column_texts(b.obs.at("is_cell")));
    EXPECT_EQ(data::column_texts(a.obs.at("cell_fdr")), data::column_texts(b.obs.at("cell_fdr")));
}

TEST(cell_calling, only_called_barcodes_are_kept_with_all_their_features) {
    const auto context = test::make_context(2);
    data::Dataset dataset = unfiltered(200, 4000, 2);
    dataset.uns["source"] = uns_of(std::string("made up"));
    merge_slots(dataset, call_cells_slots(dataset, {.n_simulations = 500}, *context));
    const data::Dataset kept = keep_called(dataset);
    EXPECT_EQ(kept.n_cells(), 200);
    EXPECT_EQ(kept.n_genes(), 1002);
    EXPECT_EQ(kept.obs.index().front(), "cell-0000001");
    EXPECT_FALSE(kept.obs.has("is_cell"));
    EXPECT_EQ(uns_text(kept.uns, "source"), "made up");
    const std::vector<CalledCapture> captures = stored_cell_calling(kept.uns);
    ASSERT_EQ(captures.size(), 1u);
    EXPECT_EQ(captures[0].name, "made");
    EXPECT_EQ(captures[0].n_barcodes, 4200);
    EXPECT_EQ(captures[0].n_cells, 200);
    EXPECT_EQ(captures[0].n_by_total + captures[0].n_by_profile, 200);
    EXPECT_NE(cell_calling_sentence(captures[0]).find("200 of 4200 barcodes called cells"), std::string::npos);
}

TEST(cell_calling, what_is_stored_reads_back_and_what_others_wrote_is_left_alone) {
    CalledCapture first;
    first.name = "a";
    first.n_cells = 5;
    first.knee = 1200.5;
    first.precision = std::numeric_limits<double>::infinity();
    first.curve = {{1, 2, 9}, {500, 400, 1}, {1, 1, 0}};
    CalledCapture second = first;
    second.name = "b/c";
    second.note = "Care.";
    second.curve = {{1}, {7}, {0}};
    data::UnsMap uns;
    uns["cell_calling"] = cell_calling_uns({first, second});
    const std::vector<CalledCapture> back = stored_cell_calling(uns);
    ASSERT_EQ(back.size(), 2u);
    EXPECT_EQ(back[0].knee, 1200.5);
    EXPECT_TRUE(std::isinf(back[0].precision));
    EXPECT_EQ(back[0].curve.total, first.curve.total);
    EXPECT_EQ(back[1].name, "b/c");
    EXPECT_EQ(back[1].note, "Care.");
    EXPECT_EQ(back[1].curve.rank, second.curve.rank);

    auto broken = std::get<data::UnsMap>(uns["cell_calling"].value);
    broken["curve_rank"] = uns_of(std::vector<double>{1.0});
    EXPECT_TRUE(stored_cell_calling({{"cell_calling", uns_of(broken)}}).empty());
    broken = std::get<data::UnsMap>(uns["cell_calling"].value);
    broken["curve_capture"] = uns_of(std::vector<std::int64_t>{0, 0, 0, 7});
    EXPECT_TRUE(stored_cell_calling({{"cell_calling", uns_of(broken)}}).empty());
    EXPECT_TRUE(stored_cell_calling({{"cell_calling", uns_of(std::string("EmptyDrops"))}}).empty());
    EXPECT_TRUE(stored_cell_calling({}).empty());
}

TEST(cell_calling, an_unfiltered_matrix_is_known_by_its_barcodes_and_its_name) {
    EXPECT_TRUE(look_at_barcodes(unfiltered(200, 300, 0), "made.h5ad", 100).is_unfiltered);
    const data::Dataset quarter = unfiltered(300, 100, 0);
    EXPECT_FALSE(look_at_barcodes(quarter, "made.h5ad", 100).is_unfiltered);
    EXPECT_TRUE(look_at_barcodes(quarter, "pbmc_raw_feature_bc_matrix.h5", 100).is_unfiltered);
    EXPECT_FALSE(look_at_barcodes(unfiltered(300, 0, 0), "raw_feature_bc_matrix", 100).is_unfiltered);
    const BarcodeLook look = look_at_barcodes(unfiltered(300, 100, 0), "made.h5ad", 100);
    EXPECT_EQ(look.n_looked, 400);
    EXPECT_NEAR(static_cast<double>(look.n_nearly_empty), 100.0, 5.0);
}

TEST(cell_calling, the_filtered_matrix_beside_a_raw_one_is_named) {
    const test::TemporaryFolder folder;
    fs::create_directories(folder / "raw_feature_bc_matrix");
    const data::Dataset dataset = unfiltered(20, 50, 0);
    EXPECT_EQ(look_at_barcodes(dataset, folder / "raw_feature_bc_matrix", 100).filtered, "");
    fs::create_directories(folder / "filtered_feature_bc_matrix");
    for (const char* name : {"raw_feature_bc_matrix", "raw_feature_bc_matrix/"}) {
        EXPECT_EQ(look_at_barcodes(dataset, folder / name, 100).filtered, (folder / "filtered_feature_bc_matrix").string()) << name;
    }
}

}  // namespace
}  // namespace morula::commands
