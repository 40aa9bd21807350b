// The store: what goes in comes out, once, at every version, with every gene in its place.
#include "morula/atlas/atlas.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include "morula/atlas/dataset_id.hpp"
#include "morula/formats/zarr/zarr_anndata.hpp"
#include "tests/formats/zarr_sample.hpp"

namespace morula::atlas {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::TemporaryFolder;
using test::thrown_by;

Context& two_threads() {
    static Context context({.threads = 2});
    return context;
}

/// A data set as a reader of counts gives it: X, obs, var.
data::Dataset counts(std::int64_t n_cells, std::uint64_t seed) {
    data::Dataset d;
    d.name = "pbmc";
    d.obs = data::Table(test::numbered("cell-", n_cells));
    d.var = data::Table(test::numbered("gene-", 50));
    d.layers["X"] = matrix::make_source(test::sample_counts(n_cells, 50, 300.0F, seed));
    return d;
}

std::size_t n_datasets_on_disk(const fs::path& atlas) { return static_cast<std::size_t>(std::distance(fs::directory_iterator(atlas / "datasets"), {})); }

TEST(Atlas, a_new_atlas_is_empty_and_opens) {
    const TemporaryFolder folder;
    Atlas::init(folder / "a.atlas", "blood");
    const Atlas atlas = Atlas::open(folder / "a.atlas");
    EXPECT_EQ(atlas.name(), "blood");
    EXPECT_EQ(atlas.version(), 1);
    EXPECT_TRUE(atlas.dataset_ids().empty());
    EXPECT_EQ(atlas.gene_axis()->n_genes(), 0);
    EXPECT_TRUE(atlas.verify(two_threads()).ok);
    EXPECT_EQ(thrown_by([&] { Atlas::init(folder / "a.atlas", "again"); }).code(), ErrorCode::invalid_data);
    EXPECT_EQ(thrown_by([&] { Atlas::open(folder / "none.atlas"); }).code(), ErrorCode::not_found);
    EXPECT_EQ(thrown_by([&] { Atlas::open(folder.path()); }).code(), ErrorCode::invalid_data);
    EXPECT_EQ(thrown_by([&] { Atlas::init(folder / "no/such/a.atlas", "x"); }).code(), ErrorCode::not_found);
}

TEST(Atlas, a_data_set_with_every_slot_comes_back_bit_for_bit) {
    const TemporaryFolder folder;
    const data::Dataset given = test::sample_dataset(300, 40, 7);
    Atlas atlas = Atlas::init(folder / "a.atlas", "a");
    const std::string id = atlas.ingest(given, {.name = "lung"}, two_threads());
    EXPECT_EQ(id.size(), 32U);
    const Atlas again = Atlas::open(folder / "a.atlas");
    const data::Dataset read = again.dataset(id, two_threads());
    EXPECT_EQ(read.name, "lung");
    test::expect_same(given, read, two_threads());
    const AtlasInfo info = again.info(two_threads());
    EXPECT_EQ(info.n_cells, 300);
    EXPECT_EQ(info.n_genes, 40);
    EXPECT_EQ(info.nnz, given.layers.at("X")->nnz());
    EXPECT_EQ(info.versions, (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(info.datasets.at(0).layers, (std::vector<std::string>{"X", "log1p", "raw.X"}));
    EXPECT_EQ(info.datasets.at(0).obs, given.obs.names());
    EXPECT_EQ(info.datasets.at(0).obsm, std::vector<std::string>{"X_pca"});
    EXPECT_TRUE(again.verify(two_threads()).ok);
}

TEST(Atlas, data_sets_without_cells_or_genes_are_kept) {
    const TemporaryFolder folder;
    Atlas atlas = Atlas::init(folder / "a.atlas", "a");
    for (const auto& [cells, genes] : std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 5}, {5, 0}, {1, 1}}) {
        const data::Dataset given = test::sample_dataset(cells, genes, 7);
        test::expect_same(given, atlas.dataset(atlas.ingest(given, {}, two_threads()), two_threads()), two_threads());
    }
    EXPECT_EQ(atlas.dataset_ids().size(), 3U);
}

TEST(Atlas, the_same_content_has_one_id_and_one_copy_wherever_it_came_from) {
    const TemporaryFolder folder;
    Atlas atlas = Atlas::init(folder / "a.atlas", "a");
    data::Dataset folder_form = counts(2'500, 7);
    const std::string id = atlas.ingest(folder_form, {.name = "from a folder"}, two_threads());
    const std::int64_t version = atlas.version();
    // The same counts as another reader delivers them: a lazy source in other pieces, another name.
    data::Dataset file_form = folder_form;
    file_form.name = "x.h5ad";
    std::vector<matrix::Matrix> parts;
    for (std::int64_t first = 0; first < 2'500; first += 500) {
        std::vector<std::int64_t> rows;
        for (std::int64_t r = first; r < first + 500; ++r) rows.push_back(r);
        parts.push_back(matrix::select_rows(folder_form.layers.at("X"), rows));
    }
    file_form.layers["X"] = matrix::stack_rows(parts);
    EXPECT_EQ(atlas.ingest(file_form, {}, two_threads()), id);
    EXPECT_EQ(atlas.version(), version);
    EXPECT_EQ(n_datasets_on_disk(folder / "a.atlas"), 1U);
    // And as the counts layer of a file whose X was normalized: X_as_given is extra content, so another id, but the same counts.
    file_form.layers["counts"] = folder_form.layers.at("X");
    file_form.layers["X"] = matrix::log1p_scaled(folder_form.layers.at("X"), std::vector<double>(2'500, 0.5));
    const std::string other = atlas.ingest(file_form, {.layer = "counts"}, two_threads());
    EXPECT_NE(other, id);
    EXPECT_EQ(atlas.manifest().find_dataset(other)->counts, atlas.manifest().find_dataset(id)->counts);
    EXPECT_EQ(atlas.dataset(other, two_threads()).layers.count("X_as_given"), 1U);
}

TEST(Atlas, the_id_changes_with_any_value_name_or_annotation) {
    const TemporaryFolder folder;
    Atlas atlas = Atlas::init(folder / "a.atlas", "a");
    std::set<std::string> ids = {atlas.ingest(counts(1'100, 7), {}, two_threads())};
    matrix::Csr csr = test::sample_counts(1'100, 50, 300.0F, 7);
    csr.values.back() += 1.0F;
    data::Dataset changed = counts(1'100, 7);
    changed.layers["X"] = matrix::make_source(csr);
    ids.insert(atlas.ingest(changed, {}, two_threads()));
    changed = counts(1'100, 7);
    auto names = changed.obs.index();
    names[3] = "other";
    changed.obs.set_index(names);
    ids.insert(atlas.ingest(changed, {}, two_threads()));
    changed = counts(1'100, 7);
    changed.obs.set("batch", std::vector<std::string>(1'100, "1"));
    ids.insert(atlas.ingest(changed, {}, two_threads()));
    changed.obs.set("batch", data::Categorical{std::vector<std::int32_t>(1'100, 0), {"1"}, false});
    ids.insert(atlas.ingest(changed, {}, two_threads()));
    changed = counts(1'100, 7);
    changed.uns["title"].value = std::string("x");
    ids.insert(atlas.ingest(changed, {}, two_threads()));
    EXPECT_EQ(ids.size(), 6U);
}

TEST(Atlas, equal_counts_under_other_annotations_share_their_files) {
    const TemporaryFolder folder;
    Atlas atlas = Atlas::init(folder / "a.atlas", "a");
    const std::string first = atlas.ingest(counts(400, 7), {}, two_threads());
    data::Dataset annotated = counts(400, 7);
    annotated.obs.set("cell_type", std::vector<std::string>(400, "B cell"));
    const std::string second = atlas.ingest(annotated, {}, two_threads());
    struct stat info{};
    ASSERT_EQ(::stat((folder / ("a.atlas/datasets/" + second + "/X/data/c/0")).c_str(), &info), 0);
    EXPECT_EQ(info.st_nlink, 2U);
    EXPECT_TRUE(atlas.verify(two_threads()).ok);
    test::expect_same(annotated, atlas.dataset(second, two_threads()), two_threads());
    EXPECT_NE(first, second);
}

TEST(Atlas, bytes_on_disk_and_ids_do_not_depend_on_threads) {
    const data::Dataset given = test::sample_dataset(2'200, 120, 7);
    std::map<std::string, std::string> first;
    for (const std::int32_t threads : {1, 2, 4}) {
        const TemporaryFolder folder;
        Context context({.threads = threads});
        Atlas atlas = Atlas::init(folder / "a.atlas", "a");
        atlas.ingest(given, {}, context);
        auto bytes = test::folder_bytes(folder / "a.atlas/datasets");
        bytes.merge(test::folder_bytes(folder / "a.atlas/axis"));
        if (first.empty()) first = bytes;
        EXPECT_EQ(bytes, first) << threads;
    }
}

/// The id is part of the format: this value was computed by oracles/dataset_id.py from docs/atlas.md.
TEST(Atlas, the_hash_of_a_small_matrix_is_the_documented_one) {
    MatrixHasher hasher(2, 4);
    const matrix::Csr csr{2, 4, {0, 2, 3}, {0, 3, 1}, {1.0F, 2.0F, 5.0F}};
    hasher.add(csr.view(), 0);
    EXPECT_EQ(hasher.finish(), "8cb7890fa0704736e1acdc95da3001dc");
}

TEST(Atlas, the_hash_of_a_matrix_does_not_depend_on_how_its_rows_come) {
    const matrix::Csr csr = test::sample_counts(2'500, 60, 300.0F, 7);
    const auto rows = [&](std::int64_t begin, std::int64_t end) {
        matrix::CsrView view = csr.view();
        view.n_rows = end - begin;
        view.indptr = view.indptr.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(view.n_rows + 1));
        return view;
    };
    MatrixHasher whole(2'500, 60);
    whole.add(csr.view(), 0);
    EXPECT_EQ(whole.nnz(), csr.view().nnz());
    MatrixHasher last_tile_first(2'500, 60);
    for (const std::int64_t tile : {2, 0, 1}) {
        const std::int64_t end = std::min<std::int64_t>(2'500, (tile + 1) * 1'024);
        for (std::int64_t r = tile * 1'024; r < end; r += 7) last_tile_first.add(rows(r, std::min(end, r + 7)), r);
    }
    EXPECT_EQ(last_tile_first.finish(), whole.finish());
}

/// The counts found in X are X and the former X at once: stored once, under the id that two equal matrices have.
TEST(Atlas, counts_that_are_also_the_former_x_are_stored_once) {
    const TemporaryFolder folder;
    data::Dataset given = counts(1'100, 7);
    given.layers["counts"] = given.layers.at("X");
    data::Dataset apart = counts(1'100, 7);
    apart.layers["counts"] = counts(1'100, 7).layers.at("X");
    Atlas atlas = Atlas::init(folder / "a.atlas", "a");
    Atlas other = Atlas::init(folder / "b.atlas", "b");
    const std::string id = atlas.ingest(given, {.layer = "counts"}, two_threads());
    EXPECT_EQ(other.ingest(apart, {.layer = "counts"}, two_threads()), id);
    EXPECT_EQ(fs::hard_link_count(folder / "a.atlas/datasets" / id / "X/indices/c/0"), 2U);
    EXPECT_TRUE(atlas.verify(two_threads()).ok);
    const data::Dataset read = atlas.dataset(id, two_threads());
    test::expect_same(matrix::read_all(*given.layers.at("X"), two_threads()), matrix::read_all(*read.layers.at("X_as_given"), two_threads()), "X_as_given");
}

TEST(Atlas, an_unchanged_file_is_remembered_and_a_changed_one_is_not) {
    const TemporaryFolder folder;
    Atlas atlas = Atlas::init(folder / "a.atlas", "a");
    const fs::path file = folder / "pbmc.h5ad";
    test::replace_file(file, "not read here");
    EXPECT_FALSE(atlas.remembered(file, "layer=X").has_value());
    const std::string id = atlas.ingest(counts(30, 7), {.source = file, .how = "layer=X"}, two_threads());
    EXPECT_EQ(Atlas::open(folder / "a.atlas").remembered(file, "layer=X"), id);
    EXPECT_FALSE(atlas.remembered(file, "layer=counts").has_value());
    EXPECT_FALSE(atlas.remembered(folder / "other", "layer=X").has_value());
    fs::copy_file(file, folder / "copy");
    EXPECT_EQ(atlas.ingest(counts(30, 7), {.source = folder / "copy", .how = "layer=X"}, two_threads()), id);
    EXPECT_EQ(atlas.remembered(folder / "copy", "layer=X"), id);
    EXPECT_EQ(atlas.remembered(file, "layer=X"), id);
    test::replace_file(file, "other bytes, other size");
    EXPECT_FALSE(atlas.remembered(file, "layer=X").has_value());
    const fs::path run = folder / "filtered_feature_bc_matrix";
    fs::create_directories(run);
    test::replace_file(run / "matrix.mtx", "1");
    atlas.ingest(counts(31, 8), {.source = run, .how = ""}, two_threads());
    EXPECT_TRUE(atlas.remembered(run, "").has_value());
    test::replace_file(run / "barcodes.tsv", "1");
    EXPECT_FALSE(atlas.remembered(run, "").has_value());
}

TEST(Atlas, every_version_stays_readable_until_vacuum) {
    const TemporaryFolder folder;
    const fs::path path = folder / "a.atlas";
    Atlas atlas = Atlas::init(path, "a");
    const std::string a = atlas.ingest(counts(20, 1), {}, two_threads());
    const Atlas reader = Atlas::open(path);
    const std::string b = atlas.ingest(counts(30, 2), {}, two_threads());
    data::Dataset umap;
    umap.obs = data::Table(test::numbered("cell-", 20));
    umap.obsm["X_umap"] = matrix::Dense<float>(20, 2);
    atlas.put_derived("umap-1", umap, "{\"step\": \"umap\"}", two_threads());
    atlas.drop_derived("umap-1");
    EXPECT_EQ(atlas.version(), 5);
    EXPECT_EQ(reader.dataset_ids(), std::vector<std::string>{a});  // a reader sees its version
    EXPECT_EQ(Atlas::open(path).dataset_ids(), (std::vector<std::string>{a, b}));
    EXPECT_TRUE(Atlas::open(path, 1).dataset_ids().empty());
    EXPECT_EQ(Atlas::open(path, 2).dataset_ids(), std::vector<std::string>{a});
    EXPECT_TRUE(Atlas::open(path, 4).get_derived("umap-1", two_threads()).has_value());
    EXPECT_FALSE(Atlas::open(path).get_derived("umap-1", two_threads()).has_value());
    EXPECT_EQ(thrown_by([&] { Atlas::open(path, 6); }).code(), ErrorCode::not_found);
    Atlas old = Atlas::open(path, 2);
    EXPECT_EQ(thrown_by([&] { old.drop_derived("x"); }).code(), ErrorCode::usage);
    const VacuumReport report = atlas.vacuum({.keep_versions = 1}, two_threads());
    EXPECT_EQ(report.versions_removed, 4);
    EXPECT_EQ(report.folders_removed, 1);  // umap-1
    EXPECT_GT(report.bytes_freed, 0);
    EXPECT_EQ(thrown_by([&] { Atlas::open(path, 2); }).code(), ErrorCode::not_found);
    EXPECT_TRUE(Atlas::open(path).verify(two_threads()).ok);
    EXPECT_EQ(Atlas::open(path).dataset_ids(), (std::vector<std::string>{a, b}));
}

TEST(Atlas, derived_results_come_back_with_their_run_record) {
    const TemporaryFolder folder;
    Atlas atlas = Atlas::init(folder / "a.atlas", "a");
    data::Dataset part;
    part.obs = data::Table(test::numbered("cell-", 20));
    part.obs.set("leiden", data::Categorical{std::vector<std::int32_t>(20, 0), {"0"}, false});
    part.obsp["connectivities"] = test::sample_counts(20, 20, 1.0F, 3);
    EXPECT_FALSE(atlas.get_derived("k1", two_threads()).has_value());
    atlas.put_derived("k1", part, "{\"seed\": 0}", two_threads());
    const Atlas again = Atlas::open(folder / "a.atlas");
    test::expect_same(part, *again.get_derived("k1", two_threads()), two_threads());
    EXPECT_EQ(again.derived_run("k1"), "{\"seed\": 0}");
    EXPECT_FALSE(again.derived_run("k2").has_value());
    const std::int64_t version = atlas.version();
    atlas.put_derived("k1", part, "{\"seed\": 1}", two_threads());
    EXPECT_EQ(atlas.version(), version);
    atlas.drop_derived("k1");
    atlas.put_derived("k1", part, "{\"seed\": 2}", two_threads());  // beside the one that version 2 still has
    EXPECT_EQ(atlas.derived_run("k1"), "{\"seed\": 2}");
    EXPECT_EQ(Atlas::open(folder / "a.atlas", 2).derived_run("k1"), "{\"seed\": 0}");
    EXPECT_EQ(thrown_by([&] { atlas.put_derived("../k", part, "{}", two_threads()); }).code(), ErrorCode::internal);
}

TEST(Atlas, raw_counts_become_x_with_raw_genes) {
    const TemporaryFolder folder;
    Atlas atlas = Atlas::init(folder / "a.atlas", "a");
    data::Dataset given = counts(25, 4);  // X: genes 10..49 of raw's 50, log values
    std::vector<std::int64_t> genes;
    for (std::int64_t g = 10; g < 50; ++g) genes.push_back(g);
    const matrix::Matrix all = given.layers.at("X");
    given.raw = data::Raw{all, given.var};
    given.var = given.var.select(genes);
    given.layers["X"] = matrix::log1p_scaled(matrix::select_cols(all, genes), std::vector<double>(25, 1.0));
    given.varm["PCs"] = matrix::Dense<float>(40, 2);
    const data::Dataset read = atlas.dataset(atlas.ingest(given, {.layer = "raw.X"}, two_threads()), two_threads());
    test::expect_same(matrix::read_all(*all, two_threads()), matrix::read_all(*read.layers.at("X"), two_threads()), "X");
    EXPECT_EQ(read.n_genes(), 50);
    EXPECT_FALSE(read.raw.has_value());
    test::expect_same(matrix::read_all(*given.layers.at("X"), two_threads()),
                      matrix::read_all(*matrix::select_cols(read.layers.at("X_as_given"), genes), two_threads()), "X_as_given");
    EXPECT_EQ(thrown_by([&] { atlas.ingest(given, {.layer = "count"}, two_threads()); }).code(), ErrorCode::not_found);
}

TEST(GeneAxis, genes_of_several_data_sets_share_one_axis_by_id) {
    const TemporaryFolder folder;
    Atlas atlas = Atlas::init(folder / "a.atlas", "a");
    const auto with_ids = [](const std::vector<std::string>& ids, std::uint64_t seed) {
        data::Dataset d;
        d.obs = data::Table(test::numbered("c", 4));
        d.var = data::Table(test::numbered("symbol-", static_cast<std::int64_t>(ids.size())));
        d.var.set("gene_ids", ids);
        d.layers["X"] = matrix::make_source(test::sample_counts(4, static_cast<std::int64_t>(ids.size()), 3.0F, seed));
        return d;
    };
    const std::string a = atlas.ingest(with_ids({"ENSG1.5", "ENSG2", "ENSG3_PAR_Y"}, 1), {}, two_threads());
    const std::string b = atlas.ingest(with_ids({"ENSG4", "ENSG2.1", "ENSG1", "ENSG1"}, 2), {}, two_threads());
    EXPECT_EQ(atlas.gene_axis()->ids(), (std::vector<std::string>{"ENSG1", "ENSG2", "ENSG3_PAR_Y", "ENSG4", "ENSG1#2"}));
    EXPECT_EQ(atlas.gene_remap(a, two_threads()), (std::vector<std::int64_t>{0, 1, 2}));
    EXPECT_EQ(atlas.gene_remap(b, two_threads()), (std::vector<std::int64_t>{3, 1, 0, 4}));
    EXPECT_EQ(atlas.gene_axis()->find("ENSG4"), 3);
    EXPECT_EQ(atlas.gene_axis()->find("ENSG9"), -1);
    const GenePresence presence = atlas.gene_presence(a, two_threads());
    EXPECT_EQ(presence.count(), 3);
    EXPECT_TRUE(presence.has(2));
    EXPECT_FALSE(presence.has(3));
    EXPECT_EQ(Atlas::open(folder / "a.atlas", 2).gene_axis()->n_genes(), 3);
    EXPECT_EQ(thrown_by([&] { atlas.ingest(with_ids({"E"}, 3), {.gene_id_column = "gene_idz"}, two_threads()); }).code(), ErrorCode::not_found);
}

}  // namespace
}  // namespace morula::atlas
