// Datasets as AnnData groups in Zarr v3: round trips, lazy rows, damage.
#include <gtest/gtest.h>

#include <numeric>

#include "morula/core/parallel.hpp"
#include "morula/formats/zarr/zarr_anndata.hpp"
#include "tests/formats/zarr_sample.hpp"
#include "tests/support/sources.hpp"

namespace morula::formats {
namespace {

using test::contains;
using test::TemporaryFolder;
using test::thrown_by;

Context& two_threads() {
    static Context context({.threads = 2});
    return context;
}

data::Dataset only_x(matrix::Csr csr) {
    data::Dataset d;
    d.obs = data::Table(test::numbered("c", csr.n_rows));
    d.var = data::Table(test::numbered("g", csr.n_cols));
    d.layers["X"] = matrix::make_source(std::move(csr));
    return d;
}

std::string type_of(const std::filesystem::path& array) { return std::string(zarr_type_name(std::get<ZarrArrayMeta>(read_zarr_node(array)).type)); }

TEST(ZarrAnnData, a_data_set_with_every_slot_reads_back_bit_for_bit) {
    const TemporaryFolder folder;
    const data::Dataset written = test::sample_dataset(137, 23, 5);
    write_zarr(written, folder / "a.zarr", two_threads());
    test::expect_same(written, read_zarr(folder / "a.zarr", two_threads()), two_threads());
    EXPECT_TRUE(is_zarr_anndata(folder / "a.zarr"));
}

TEST(ZarrAnnData, data_sets_without_cells_or_genes_read_back) {
    const TemporaryFolder folder;
    int number = 0;
    for (const auto& [cells, genes] : std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 5}, {5, 0}, {0, 0}, {1, 1}}) {
        const auto path = folder / std::to_string(number++);
        const data::Dataset written = test::sample_dataset(cells, genes, 1);
        write_zarr(written, path, two_threads());
        test::expect_same(written, read_zarr(path, two_threads()), two_threads());
    }
    write_zarr(data::Dataset{}, folder / "nothing", two_threads());
    test::expect_same(data::Dataset{}, read_zarr(folder / "nothing", two_threads()), two_threads());
}

TEST(ZarrAnnData, partial_results_read_back) {
    const TemporaryFolder folder;
    data::Dataset part;
    part.obs = data::Table(test::numbered("cell", 4));
    part.obs.set("leiden", data::Categorical{{0, 1, 0, 1}, {"0", "1"}, false});
    part.obsm["X_umap"] = matrix::Dense<float>(4, 2);
    write_zarr(part, folder / "part", two_threads());
    test::expect_same(part, read_zarr(folder / "part", two_threads()), two_threads());
}

TEST(ZarrAnnData, only_the_slots_named_are_read) {
    const TemporaryFolder folder;
    write_zarr(test::sample_dataset(20, 6, 5), folder / "a", two_threads());
    const data::Dataset some = read_zarr_slots(folder / "a", {"obs/type", "obsm/X_pca", "layers/log1p", "uns"}, two_threads());
    EXPECT_EQ(some.obs.names(), std::vector<std::string>{"type"});
    EXPECT_EQ(some.obs.n_rows(), 20);
    EXPECT_TRUE(some.var.names().empty());
    EXPECT_EQ(some.layers.size(), 1U);
    EXPECT_EQ(some.obsm.size(), 1U);
    EXPECT_TRUE(some.obsp.empty());
    EXPECT_FALSE(some.raw.has_value());
    EXPECT_FALSE(some.uns.empty());
    const Error error = thrown_by([&] { read_zarr_slots(folder / "a", {"obsm/X_pcs"}, two_threads()); });
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_TRUE(contains(error.next(), "X_pca")) << error.next();
}

TEST(ZarrAnnData, the_same_bytes_for_any_number_of_threads) {
    const data::Dataset written = test::sample_dataset(700, 200, 5);
    std::map<std::string, std::string> first;
    for (const std::int32_t threads : {1, 2, 4}) {
        const TemporaryFolder folder;
        Context context({.threads = threads});
        write_zarr(written, folder / "a", context);
        const auto bytes = test::folder_bytes(folder.path());
        if (first.empty()) first = bytes;
        EXPECT_EQ(bytes, first) << threads;
    }
}

/// Rows of a tile in one piece or in many (a stack of sources is read by whole blocks, memory by pieces), with values that widen the type on the way.
TEST(ZarrAnnData, the_same_bytes_however_rows_are_read) {
    matrix::Csr csr = test::sample_counts(3'000, 900, 200.0F, 5);
    csr.values[csr.values.size() - 3] = 70'000.0F;
    const matrix::Matrix whole = matrix::make_source(csr);
    std::vector<matrix::Matrix> parts;
    for (std::int64_t first = 0; first < 3'000; first += 600) {
        std::vector<std::int64_t> rows(600);
        std::iota(rows.begin(), rows.end(), first);
        parts.push_back(matrix::select_rows(whole, rows));
    }
    const matrix::Matrix stacked = test::read_seven_rows(matrix::stack_rows(parts));
    ASSERT_TRUE(whole->cheap_in_pieces() && !stacked->cheap_in_pieces());
    std::map<std::string, std::string> first;
    for (const std::int32_t threads : {1, 2, 4}) {
        for (const matrix::Matrix& source : {whole, stacked}) {
            const TemporaryFolder folder;
            Context context({.threads = threads});
            data::Dataset written = only_x(csr);
            written.layers["X"] = source;
            write_zarr(written, folder / "a", context);
            const auto bytes = test::folder_bytes(folder.path());
            if (first.empty()) first = bytes;
            EXPECT_EQ(bytes, first) << threads;
            test::expect_same(csr, matrix::read_all(*read_zarr(folder / "a", context).layers.at("X"), context), "X");
        }
    }
}

TEST(ZarrAnnData, a_matrix_under_two_names_is_stored_once) {
    const TemporaryFolder folder;
    data::Dataset written = only_x(test::sample_counts(300, 40, 300.0F, 5));
    written.layers["counts"] = written.layers.at("X");
    data::Dataset apart = written;
    apart.layers["counts"] = matrix::make_source(test::sample_counts(300, 40, 300.0F, 5));
    write_zarr(written, folder / "once", two_threads());
    write_zarr(apart, folder / "twice", two_threads());
    EXPECT_EQ(test::folder_bytes(folder / "once"), test::folder_bytes(folder / "twice"));
    EXPECT_EQ(std::filesystem::hard_link_count(folder / "once/X/data/c/0"), 2U);
    EXPECT_EQ(std::filesystem::hard_link_count(folder / "twice/X/data/c/0"), 1U);
    test::expect_same(written, read_zarr(folder / "once", two_threads()), two_threads());
}

/// The other way round: a group that AnnData wrote (oracles/zarr_anndata.py), with its codecs and without the chunks that hold only zeros.
TEST(ZarrAnnData, a_group_written_by_anndata_reads_as_it_does_there) {
    const data::Dataset d = read_zarr(std::filesystem::path(MORULA_SOURCE_DIR) / "tests/formats/fixtures/anndata.zarr", two_threads());
    EXPECT_EQ(d.obs.index(), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(d.var.index(), (std::vector<std::string>{"w", "x", "y", "z"}));
    const matrix::Csr x{3, 4, {0, 2, 2, 4}, {1, 3, 0, 3}, {1.5F, 2.0F, 3.0F, 70'000.0F}};
    test::expect_same(x, matrix::read_all(*d.layers.at("X"), two_threads()), "X");
    test::expect_same(x, matrix::read_all(*d.layers.at("dense"), two_threads()), "dense");
    test::expect_same(x, matrix::read_all(*d.raw->x, two_threads()), "raw");
    EXPECT_EQ(data::column_texts(d.obs.at("type")), (std::vector<std::string>{"T", "", "B"}));
    EXPECT_EQ(std::get<data::NullableIntegers>(d.obs.at("age")).values.at(2), -3);
    EXPECT_EQ(std::get<data::NullableIntegers>(d.obs.at("age")).present, (std::vector<std::uint8_t>{1, 0, 1}));
    EXPECT_EQ(std::get<data::NullableBooleans>(d.obs.at("smoker")).present, (std::vector<std::uint8_t>{1, 0, 1}));
    EXPECT_EQ(std::get<std::vector<std::string>>(d.obs.at("note")), (std::vector<std::string>{"x", "", "\xc3\xa4"}));
    EXPECT_EQ(std::get<data::Booleans>(d.obs.at("kept")).values, (std::vector<std::uint8_t>{1, 0, 1}));
    EXPECT_TRUE(std::isnan(std::get<std::vector<double>>(d.obs.at("score")).at(1)));
    EXPECT_EQ(d.obsm.at("X_pca").values, (std::vector<float>{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(d.obsp.at("graph").indices, (std::vector<std::uint32_t>{0, 1, 2}));
    EXPECT_TRUE(std::holds_alternative<std::monostate>(d.uns.at("none").value));
    EXPECT_EQ(std::get<std::int64_t>(d.uns.at("n").value), 3);
    EXPECT_EQ(std::get<double>(d.uns.at("rate").value), 2.5);
    EXPECT_EQ(std::get<std::string>(d.uns.at("text").value), "hey");
    EXPECT_TRUE(std::get<bool>(d.uns.at("flag").value));
    EXPECT_EQ(std::get<std::vector<std::int64_t>>(d.uns.at("list").value), (std::vector<std::int64_t>{0, 1, 2}));
    EXPECT_EQ(std::get<std::vector<std::string>>(std::get<data::UnsMap>(d.uns.at("inner").value).at("names").value), (std::vector<std::string>{"p", "q"}));
}

TEST(ZarrAnnData, an_existing_folder_is_left_alone) {
    const TemporaryFolder folder;
    std::filesystem::create_directories(folder / "a");
    EXPECT_EQ(thrown_by([&] { write_zarr(test::sample_dataset(3, 3, 1), folder / "a", two_threads()); }).code(), ErrorCode::invalid_data);
    EXPECT_TRUE(std::filesystem::is_empty(folder / "a"));
    data::Dataset bad = test::sample_dataset(3, 3, 1);
    bad.uns["a/b"].value = true;
    EXPECT_NE(thrown_by([&] { write_zarr(bad, folder / "b", two_threads()); }).message(), "");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);  // nothing half-written stays
}

TEST(ZarrCsr, values_take_the_smallest_type_that_holds_them) {
    const TemporaryFolder folder;
    const std::vector<std::pair<float, std::string>> cases = {{1.0F, "uint8"},   {255.0F, "uint8"},          {256.0F, "uint16"},          {65'535.0F, "uint16"},
                                                              {65'536.0F, "uint32"}, {4'294'967'040.0F, "uint32"}, {4'294'967'296.0F, "float32"}, {0.5F, "float32"},
                                                              {-1.0F, "float32"},  {-0.0F, "float32"},         {std::numeric_limits<float>::quiet_NaN(), "float32"},
                                                              {std::numeric_limits<float>::infinity(), "float32"}};
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const auto path = folder / std::to_string(i);
        matrix::Csr csr = test::sample_counts(40, 30, cases[i].first, 3);
        write_zarr(only_x(csr), path, two_threads());
        EXPECT_EQ(type_of(path / "X/data"), cases[i].second) << cases[i].first;
        EXPECT_EQ(type_of(path / "X/indices"), "uint16");
        EXPECT_EQ(type_of(path / "X/indptr"), "int64");
        test::expect_same(csr, matrix::read_all(*read_zarr(path, two_threads()).layers.at("X"), two_threads()), path.string());
    }
}

/// Widening in the middle: what was written in the narrow type is written again.
TEST(ZarrCsr, a_large_value_far_down_widens_what_was_written) {
    const TemporaryFolder folder;
    matrix::Csr csr = test::sample_counts(6'000, 300, 1.0F, 3);
    csr.values[csr.values.size() / 2] = 1'000.0F;
    csr.values[csr.values.size() - 5] = 100'000.0F;
    write_zarr(only_x(csr), folder / "a", two_threads());
    EXPECT_EQ(type_of(folder / "a/X/data"), "uint32");
    test::expect_same(csr, matrix::read_all(*read_zarr(folder / "a", two_threads()).layers.at("X"), two_threads()), "X");
    csr.values[csr.values.size() - 2] = 0.25F;
    write_zarr(only_x(csr), folder / "b", two_threads());
    EXPECT_EQ(type_of(folder / "b/X/data"), "float32");
    test::expect_same(csr, matrix::read_all(*read_zarr(folder / "b", two_threads()).layers.at("X"), two_threads()), "X");
    for (const auto& entry : std::filesystem::directory_iterator(folder / "b/X")) EXPECT_FALSE(contains(entry.path().string(), "narrow"));
}

TEST(ZarrCsr, more_genes_than_16_bits_take_32_bit_ids) {
    const TemporaryFolder folder;
    for (const std::int64_t n_genes : {std::int64_t{65'536}, std::int64_t{65'537}}) {
        matrix::Csr csr;
        csr.n_rows = 1;
        csr.n_cols = n_genes;
        csr.indices = {0, static_cast<std::uint32_t>(n_genes - 1)};
        csr.values = {1.0F, 2.0F};
        csr.indptr = {0, 2};
        const auto path = folder / std::to_string(n_genes);
        write_zarr(only_x(csr), path, two_threads());
        EXPECT_EQ(type_of(path / "X/indices"), n_genes == 65'536 ? "uint16" : "uint32");
        test::expect_same(csr, matrix::read_all(*read_zarr(path, two_threads()).layers.at("X"), two_threads()), "X");
    }
}

TEST(ZarrCsr, any_rows_read_alike_seven_at_a_time_and_from_many_threads) {
    const TemporaryFolder folder;
    const matrix::Csr csr = test::sample_counts(1'000, 500, 300.0F, 3);
    write_zarr(only_x(csr), folder / "a", two_threads());
    const data::Dataset read = read_zarr(folder / "a", two_threads());
    const matrix::Matrix x = read.layers.at("X");
    Context four({.threads = 4});
    std::vector<int> wrong(1'000 / 7 + 1);
    parallel_blocks(four, 1'000, 7, [&](Block block) {
        matrix::CsrScratch scratch;
        const matrix::CsrView view = x->read({block.begin, block.end}, scratch);
        for (std::int64_t r = 0; r < view.n_rows; ++r) {
            const auto ids = view.row_indices(r);
            const auto values = view.row_values(r);
            const auto expected_ids = csr.view().row_indices(block.begin + r);
            const auto expected_values = csr.view().row_values(block.begin + r);
            const bool same = std::equal(ids.begin(), ids.end(), expected_ids.begin(), expected_ids.end()) &&
                              std::equal(values.begin(), values.end(), expected_values.begin(), expected_values.end());
            if (!same) ++wrong[static_cast<std::size_t>(block.index)];
        }
    });
    for (const int count : wrong) EXPECT_EQ(count, 0);
}

TEST(ZarrCsr, unsorted_rows_and_columns_out_of_range_are_refused) {
    const TemporaryFolder folder;
    matrix::Csr csr = test::sample_counts(50, 20, 2.0F, 3);
    std::swap(csr.indices[0], csr.indices[1]);
    EXPECT_EQ(thrown_by([&] { write_zarr(only_x(csr), folder / "a", two_threads()); }).code(), ErrorCode::invalid_data);
    std::swap(csr.indices[0], csr.indices[1]);
    csr.n_cols = 19;
    const Error error = thrown_by([&] { write_zarr(only_x(csr), folder / "a", two_threads()); });
    EXPECT_EQ(error.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(contains(error.message(), "row")) << error.message();
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ZarrCsr, column_ids_out_of_range_on_disk_are_noticed) {
    const TemporaryFolder folder;
    write_zarr(only_x(test::sample_counts(50, 20, 2.0F, 3)), folder / "a", two_threads());
    std::string node = test::file_bytes(folder / "a/X/zarr.json");
    const auto at = node.find("20");
    node.replace(at, 2, "10");
    test::replace_file(folder / "a/X/zarr.json", node);
    const ZarrCsrSource x(folder / "a/X", two_threads());
    matrix::CsrScratch scratch;
    const Error error = thrown_by([&] { x.read({0, 50}, scratch); });
    EXPECT_EQ(error.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(contains(error.message(), "indices")) << error.message();
}

TEST(ZarrDamage, each_file_of_a_group_when_broken_gives_a_sentence_with_its_name) {
    const TemporaryFolder folder;
    const data::Dataset written = test::sample_dataset(60, 12, 5);
    write_zarr(written, folder / "a", two_threads());
    for (const auto& [name, bytes] : test::folder_bytes(folder / "a")) {
                // Nobody reads the group that holds the column "pct/mito %" together, the (empty) varm of raw, or the value of a null.
        if (bytes.empty() || name == "obs/pct/zarr.json" || name == "raw/varm/zarr.json" || name == "uns/params/base/c") continue;
        for (const bool cut : {false, true}) {
            std::string broken = bytes;
            if (cut) broken.resize(broken.size() / 2);
            else broken[broken.size() / 2] = static_cast<char>(broken[broken.size() / 2] ^ 0x55);
            test::replace_file(folder / "a" / name, broken);
            const bool is_node = name.size() >= 9 && name.compare(name.size() - 9, 9, "zarr.json") == 0;
            try {
                const data::Dataset read = read_zarr(folder / "a", two_threads());
                for (const auto& [layer, x] : read.layers) matrix::read_all(*x, two_threads());
                if (read.raw) matrix::read_all(*read.raw->x, two_threads());
                EXPECT_TRUE(is_node && !cut) << name << " was broken and nobody noticed";  // a flipped letter in metadata may be harmless
            } catch (const Error& error) {
                EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
                const std::string array = std::filesystem::path(name).parent_path().string();
                EXPECT_TRUE(is_node || contains(error.message(), array.substr(0, array.rfind("/c")))) << error.what();
            }
        }
        test::replace_file(folder / "a" / name, bytes);
    }
    test::expect_same(written, read_zarr(folder / "a", two_threads()), two_threads());
}

TEST(ZarrDamage, a_column_name_cannot_lead_out_of_the_folder) {
    const TemporaryFolder folder;
    write_zarr(test::sample_dataset(5, 5, 5), folder / "a", two_threads());
    std::string node = test::file_bytes(folder / "a/obs/zarr.json");
    const auto at = node.find("\"score\"");
    node.replace(at, 7, "\"../../b\"");
    test::replace_file(folder / "a/obs/zarr.json", node);
    EXPECT_EQ(thrown_by([&] { read_zarr(folder / "a", two_threads()); }).code(), ErrorCode::invalid_data);
}

TEST(ZarrDamage, other_folders_are_told_apart) {
    const TemporaryFolder folder;
    EXPECT_EQ(thrown_by([&] { read_zarr(folder / "none", two_threads()); }).code(), ErrorCode::not_found);
    EXPECT_EQ(thrown_by([&] { read_zarr(folder.path(), two_threads()); }).code(), ErrorCode::invalid_data);
    EXPECT_FALSE(is_zarr_anndata(folder.path()));
}

}  // namespace
}  // namespace morula::formats
