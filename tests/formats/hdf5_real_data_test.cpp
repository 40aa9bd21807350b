// Real files read as their other forms and other readers have them (figures from their PROVENANCE files or from AnnData 0.13).
#include <gtest/gtest.h>

#include <cmath>

#include "morula/formats/hdf5/read_h5ad.hpp"
#include "morula/formats/hdf5/tenx_h5.hpp"
#include "morula/formats/tenx/tenx_folder.hpp"
#include "tests/formats/hdf5_sample.hpp"
#include "tests/support/real_data.hpp"

namespace morula::formats {
namespace {

Context& two_threads() {
    static Context context({.threads = 2});
    return context;
}

struct Sums {
    std::int64_t nnz = 0;
    double sum = 0.0;
};
Sums sums(const matrix::Matrix& source) {
    const matrix::Csr csr = matrix::read_all(*source, two_threads());
    Sums out{static_cast<std::int64_t>(csr.values.size()), 0.0};
    for (const float value : csr.values) out.sum += static_cast<double>(value);
    return out;
}

TEST(RealFiles, pbmc3k_is_the_same_as_folder_and_as_h5ad) {
    MORULA_REAL_DATA(folder, "pbmc3k/10x_mtx");
    MORULA_REAL_DATA(file, "pbmc3k/pbmc3k_raw.h5ad");
    const data::Dataset a = read_tenx_folder(folder, two_threads());
    const data::Dataset b = read_h5ad_checked(file, two_threads());
    EXPECT_EQ(a.obs.index(), b.obs.index());
    test::expect_same(matrix::read_all(*a.layers.at("X"), two_threads()), matrix::read_all(*b.layers.at("X"), two_threads()), "pbmc3k");
    EXPECT_EQ(a.n_genes(), 32738);
    EXPECT_EQ(sums(a.layers.at("X")).nnz, 2286884);
}

TEST(RealFiles, the_counts_layer_of_a_cellxgene_file_is_read) {
    MORULA_REAL_DATA(file, "cellxgene-fetal-brain/test_counts.h5ad");
    const data::Dataset dataset = read_h5ad(file, two_threads());
    const Sums counts = sums(dataset.layers.at("counts"));
    EXPECT_EQ(counts.nnz, 290860);
    EXPECT_EQ(counts.sum, 1302832.0);
    EXPECT_EQ(std::floor(sums(dataset.layers.at("X")).sum), 572078.0);
    EXPECT_EQ(std::get<data::Categorical>(dataset.obs.at("cell_type")).categories.size(), 11U);
    EXPECT_EQ(dataset.obsm.size(), 2U);
}

TEST(RealFiles, kang_keeps_its_four_samples) {
    MORULA_REAL_DATA(file, "kang-ifnb/kang_muscat_1556.h5ad");
    const data::Dataset dataset = read_h5ad(file, two_threads());
    EXPECT_EQ(std::get<data::Categorical>(dataset.obs.at("sample_id")).categories.size(), 4U);
    EXPECT_EQ(sums(dataset.layers.at("X")).nnz, 585251);
    EXPECT_EQ(sums(dataset.layers.at("X")).sum, 2338396.0);
}

TEST(RealFiles, files_of_anndata_0_7_are_read_and_those_of_0_5_refused) {
    MORULA_REAL_DATA(zoo, "formats-zoo/anndata-archives");
    for (const auto& [version, nnz] : std::vector<std::pair<std::string, std::int64_t>>{{"v0.7.0", 228}, {"v0.7.8", 239}}) {
        const data::Dataset dataset = read_h5ad_checked(zoo / version / "adata.h5ad", two_threads());
        EXPECT_EQ(dataset.n_cells(), 30);
        EXPECT_EQ(dataset.n_genes(), 20);
        EXPECT_TRUE(std::holds_alternative<data::Categorical>(dataset.obs.at("obs_cat"))) << version;
        EXPECT_TRUE(std::get<data::Categorical>(dataset.obs.at("cat_ordered")).ordered) << version;
        EXPECT_EQ(dataset.raw->var.n_rows(), 40) << version;
        EXPECT_EQ(sums(dataset.layers.at("X")).nnz, nnz) << version;
        EXPECT_EQ(dataset.obsm.at("array").n_cols, 50) << version;
    }
    EXPECT_EQ(read_h5ad(zoo / "v0.11.4/adata.h5ad", two_threads()).n_genes(), 20);
    EXPECT_NE(test::error_text([&] { read_h5ad(zoo / "v0.5.0/adata.h5ad", two_threads()); }).find("AnnData 0.6 and older"), std::string::npos);
}

TEST(RealFiles, the_zoo_of_other_programs_is_read) {
    MORULA_REAL_DATA(zoo, "formats-zoo");
    EXPECT_EQ(read_h5ad(zoo / "cellrank_velocity_100.h5ad", two_threads()).raw->var.n_rows(), read_h5ad(zoo / "cellrank_velocity_100.h5ad", two_threads()).raw->x->n_cols());
    EXPECT_EQ(sums(read_h5ad(zoo / "cellxgene_schema_example_invalid_CL.h5ad", two_threads()).raw->x).sum, 176783.0);
    EXPECT_EQ(read_h5ad(zoo / "squidpy_visium_49.h5ad", two_threads()).obsp.size(), 2U);
    const data::Dataset visium = read_tenx_h5(zoo / "visium_filtered_feature_bc_matrix.h5", two_threads());
    EXPECT_GT(visium.n_cells(), 0);
    EXPECT_TRUE(visium.var.has("feature_types"));
    EXPECT_GT(sums(visium.layers.at("X")).nnz, 0);
}

}  // namespace
}  // namespace morula::formats
