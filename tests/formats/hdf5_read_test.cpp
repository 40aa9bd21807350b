// Reading h5ad and 10x h5 files that AnnData, h5py and their elders wrote (oracles/h5ad_files.py): right values, and a sentence for each kind of damage.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <thread>

#include "morula/core/file.hpp"
#include "morula/core/parallel.hpp"
#include "morula/data/checked_counts.hpp"
#include "morula/formats/hdf5/check_in_child.hpp"
#include "morula/formats/hdf5/read_h5ad.hpp"
#include "morula/formats/hdf5/tenx_h5.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "tests/formats/hdf5_sample.hpp"
#include "tests/support/listener.hpp"

namespace morula::formats {
namespace {

using test::contains;
using test::error_text;
using test::expect_rows;
using test::fixture;
using test::made_up_counts;
using test::TemporaryFolder;
using test::thrown_by;

Context& two_threads() {
    static Context context({.threads = 2});
    return context;
}

data::Dataset read_fixture(const std::string& name) { return read_h5ad(fixture(name + ".h5ad"), two_threads()); }

matrix::Csr read_x(const data::Dataset& dataset) { return matrix::read_all(*dataset.layers.at("X"), two_threads()); }

/// The sentence with which opening the fixture and reading all of X ends; it must name the file.
std::string refusal(const std::string& name, ErrorCode code) {
    const Error error = thrown_by([&] { read_x(read_fixture(name)); });
    EXPECT_EQ(error_code_name(error.code()), error_code_name(code)) << error.what();
    EXPECT_TRUE(contains(error.message(), name + ".h5ad")) << error.what();
    return error.message();
}

TEST(ReadH5ad, every_way_of_storing_a_matrix_gives_the_same_rows) {
    for (const char* name : {"lzf", "gzip", "csc", "dense", "dense_float64", "int64", "uint8", "unsorted", "explicit_zeros", "big_endian", "float16", "checksum", "fixed_texts", "anndata_0.7",
                             "user_block", "repeated_genes"}) {
        SCOPED_TRACE(name);
        const data::Dataset dataset = read_fixture(name);
        EXPECT_EQ(dataset.n_cells(), test::kMadeUpCells);
        EXPECT_EQ(dataset.n_genes(), test::kMadeUpGenes);
        EXPECT_EQ(dataset.obs.index(), test::numbered("c", test::kMadeUpCells));
        expect_rows(*dataset.layers.at("X"), made_up_counts(), name);
    }
}

TEST(ReadH5ad, four_threads_read_the_rows_that_one_reads) {
    for (const char* name : {"gzip", "csc", "dense", "checksum"}) {
        for (const std::int32_t threads : {1, 4}) {
            Context context({.threads = threads});
            const data::Dataset dataset = read_h5ad(fixture(std::string(name) + ".h5ad"), context);
            std::vector<matrix::Csr> rows(test::kMadeUpCells);
            parallel_blocks(context, test::kMadeUpCells, 1, [&](Block block) {
                matrix::CsrScratch scratch;
                const matrix::CsrView row = dataset.layers.at("X")->read({block.begin, block.end}, scratch);
                rows[static_cast<std::size_t>(block.begin)].indices.assign(row.row_indices(0).begin(), row.row_indices(0).end());
            });
            const matrix::Csr wanted = made_up_counts();
            for (std::int64_t r = 0; r < test::kMadeUpCells; ++r) {
                const auto row = wanted.view().row_indices(r);
                EXPECT_EQ(rows[static_cast<std::size_t>(r)].indices, std::vector<std::uint32_t>(row.begin(), row.end())) << name << " row " << r;
            }
        }
    }
}

TEST(ReadH5ad, every_kind_of_column_is_read) {
    const data::Dataset dataset = read_fixture("everything");
    const data::Table& obs = dataset.obs;
    EXPECT_EQ(obs.names(), (std::vector<std::string>{"type", "stage", "plate", "score", "small", "n", "kept", "note", "age", "smoker", "donor"}));
    const auto& type = std::get<data::Categorical>(obs.at("type"));
    EXPECT_EQ(type.categories, (std::vector<std::string>{"B", "T", "NK"}));
    const auto& stage = std::get<data::Categorical>(obs.at("stage"));
    EXPECT_TRUE(stage.ordered);
    EXPECT_FALSE(type.ordered);
    EXPECT_EQ(std::get<data::Categorical>(obs.at("plate")).categories, (std::vector<std::string>{"10", "11"}));
    const auto& age = std::get<data::NullableIntegers>(obs.at("age"));
    const auto& smoker = std::get<data::NullableBooleans>(obs.at("smoker"));
    const auto& donor = std::get<data::Categorical>(obs.at("donor"));
    for (std::size_t i = 0; i < 30; ++i) {
        const auto k = static_cast<std::int64_t>(i);
        EXPECT_EQ(type.codes[i], i % 5 == 0 ? -1 : static_cast<std::int32_t>(i % 3));
        EXPECT_EQ(stage.codes[i], i < 10 ? 1 : 0);
        EXPECT_EQ(std::isnan(std::get<std::vector<double>>(obs.at("score"))[i]), i == 3);
        if (i != 3) { EXPECT_EQ(std::get<std::vector<double>>(obs.at("score"))[i], static_cast<double>(k) / 4); }
        EXPECT_EQ(std::get<std::vector<float>>(obs.at("small"))[i], static_cast<float>(k) / 8);
        EXPECT_EQ(std::get<std::vector<std::int64_t>>(obs.at("n"))[i], k);
        EXPECT_EQ(std::get<data::Booleans>(obs.at("kept")).values[i], i % 2 == 0 ? 1 : 0);
        EXPECT_EQ(std::get<std::vector<std::string>>(obs.at("note"))[i], i == 0 ? "" : "\xc3\xa4 " + std::to_string(i));
        EXPECT_EQ(age.present[i], i == 1 ? 0 : 1);
        if (i != 1) { EXPECT_EQ(age.values[i], -k); }
        EXPECT_EQ(smoker.present[i], i == 2 ? 0 : 1);
        if (i != 2) { EXPECT_EQ(smoker.values[i], i % 2 == 0 ? 1 : 0); }
        EXPECT_EQ(donor.codes[i], i == 4 ? -1 : static_cast<std::int32_t>(i % 2));
    }
    EXPECT_EQ(dataset.var.index_name, "gene");
}

TEST(ReadH5ad, layers_raw_embeddings_and_graphs_are_read) {
    const data::Dataset dataset = read_fixture("everything");
    for (const char* layer : {"X", "csc", "dense"}) expect_rows(*dataset.layers.at(layer), made_up_counts(), layer);
    ASSERT_TRUE(dataset.raw.has_value());
    EXPECT_EQ(dataset.raw->var.index(), test::numbered("r", 40));
    const matrix::Csr raw = matrix::read_all(*dataset.raw->x, two_threads());
    EXPECT_EQ(raw.n_cols, 40);
    EXPECT_EQ(raw.values.size(), 2 * made_up_counts().values.size());
    const matrix::Dense<float>& pca = dataset.obsm.at("X_pca");
    EXPECT_EQ(pca.n_cols, 3);
    EXPECT_EQ(pca(10, 2), 32.0F);
    EXPECT_EQ(dataset.varm.at("PCs")(19, 1), 39.0F);
    EXPECT_EQ(dataset.obsm.count("frame"), 0U);
    const matrix::Csr& graph = dataset.obsp.at("graph");
    EXPECT_EQ(graph.indices.size(), 29U);
    EXPECT_EQ(graph.indices[4], 5U);
}

TEST(ReadH5ad, the_tree_of_uns_is_read_and_what_has_no_place_is_told_once) {
    test::Listener sink;
    Context context({.threads = 1, .events = &sink});
    const data::Dataset dataset = read_h5ad(fixture("everything.h5ad"), context);
    const data::UnsMap& uns = dataset.uns;
    EXPECT_EQ(std::get<std::int64_t>(uns.at("n").value), 3);
    EXPECT_EQ(std::get<double>(uns.at("rate").value), 2.5);
    EXPECT_EQ(std::get<std::string>(uns.at("text").value), "hey");
    EXPECT_TRUE(std::get<bool>(uns.at("flag").value));
    EXPECT_EQ(std::get<std::vector<std::int64_t>>(uns.at("list").value), (std::vector<std::int64_t>{0, 1, 2}));
    EXPECT_EQ(std::get<std::vector<double>>(uns.at("numbers").value), (std::vector<double>{0.5, 1.5}));
    EXPECT_EQ(std::get<std::vector<std::string>>(uns.at("names").value), (std::vector<std::string>{"p", "q"}));
    EXPECT_EQ(std::get<matrix::Dense<float>>(uns.at("matrix").value).values, (std::vector<float>{0, 1, 2, 3}));
    EXPECT_EQ(std::get<data::Categorical>(uns.at("category").value).codes, (std::vector<std::int32_t>{0, 1, 0}));
    const auto& inner = std::get<data::UnsMap>(uns.at("inner").value);
    EXPECT_EQ(std::get<std::int64_t>(std::get<data::UnsMap>(inner.at("deep").value).at("x").value), 1);
    const auto& records = std::get<data::RecordArray>(uns.at("records").value);
    EXPECT_EQ(records.fields, (std::vector<std::string>{"B", "T"}));
    EXPECT_EQ(std::get<std::vector<std::string>>(records.columns[0]), (std::vector<std::string>{"g1", "g2"}));
    EXPECT_EQ(std::get<std::vector<float>>(records.columns[1]), (std::vector<float>{1.5F, -2.0F}));
    ASSERT_EQ(sink.warnings.size(), 1U);
    for (const char* part : {"obsm/frame", "uns/cube", "uns/sparse"}) EXPECT_NE(sink.warnings[0].find(part), std::string::npos) << sink.warnings[0];
}

TEST(ReadH5ad, categories_of_anndata_0_7_are_read) {
    const data::Dataset dataset = read_fixture("anndata_0.7");
    const auto& type = std::get<data::Categorical>(dataset.obs.at("type"));
    EXPECT_EQ(type.categories, (std::vector<std::string>{"B", "T"}));
    EXPECT_EQ(type.codes[2], 1);
    EXPECT_EQ(type.codes[0], -1);
    EXPECT_FALSE(type.ordered);
    EXPECT_TRUE(std::get<data::Categorical>(dataset.obs.at("stage")).ordered);
}

TEST(ReadH5ad, files_without_cells_genes_or_matrix_are_read) {
    EXPECT_EQ(read_fixture("no_cells").n_cells(), 0);
    EXPECT_EQ(read_x(read_fixture("no_cells")).n_cols, 20);
    EXPECT_EQ(read_fixture("no_genes").n_genes(), 0);
    EXPECT_EQ(read_x(read_fixture("no_genes")).n_rows, 30);
    EXPECT_TRUE(read_fixture("no_x").layers.empty());
}

TEST(ReadH5ad, gene_names_that_repeat_are_kept_apart_and_reported) {
    test::Listener sink;
    Context context({.threads = 1, .events = &sink});
    const data::Dataset dataset = read_h5ad(fixture("repeated_genes.h5ad"), context);
    EXPECT_EQ(dataset.var.index()[0], "g1");
    EXPECT_EQ(dataset.var.index()[1], "g1-1");
    ASSERT_EQ(sink.warnings.size(), 1U);
    EXPECT_NE(sink.warnings[0].find("'g1'"), std::string::npos) << sink.warnings[0];
}

TEST(ReadH5ad, the_listing_needs_no_values) {
    const H5adInfo listing = info(fixture("everything.h5ad"));
    EXPECT_EQ(listing.n_cells, 30);
    EXPECT_EQ(listing.n_genes, 20);
    EXPECT_EQ(listing.layers, (std::vector<std::string>{"X", "csc", "dense", "raw.X"}));
    EXPECT_EQ(listing.obs.size(), 11U);
    EXPECT_EQ(info(fixture("gzip.h5ad")).nnz, static_cast<std::int64_t>(made_up_counts().values.size()));
    // AnnData 0.13 keeps names as nullable strings and 0.7 as plain ones.
    EXPECT_EQ(info(fixture("anndata_0.7.h5ad")).n_cells, 30);
}

TEST(ReadH5ad, kinds_of_hdf5_are_told_apart) {
    EXPECT_EQ(probe_hdf5(fixture("gzip.h5ad")), Hdf5Kind::h5ad);
    EXPECT_EQ(probe_hdf5(fixture("user_block.h5ad")), Hdf5Kind::h5ad);
    EXPECT_EQ(probe_hdf5(fixture("tenx_v3.h5")), Hdf5Kind::tenx_h5);
    EXPECT_EQ(probe_hdf5(fixture("tenx_v2.h5")), Hdf5Kind::tenx_h5);
    EXPECT_EQ(probe_hdf5(fixture("loom.loom")), Hdf5Kind::loom);
    EXPECT_EQ(probe_hdf5(fixture("bad_not_anndata.h5ad")), Hdf5Kind::other);
    EXPECT_EQ(probe_hdf5(std::filesystem::path(MORULA_SOURCE_DIR) / "CMakeLists.txt"), Hdf5Kind::not_hdf5);
}

TEST(ReadH5ad, each_inconsistency_is_refused_with_its_place) {
    struct Case {
        const char* name;
        ErrorCode code;
        const char* says;
    };
    const ErrorCode data = ErrorCode::invalid_data;
    const ErrorCode unsupported = ErrorCode::unsupported;
    for (const Case& c : std::vector<Case>{{"bad_column_out_of_range", data, "X: row 1 names column 21; the matrix has 20"},
                                           {"bad_column_negative", data, "X/indices: entry 6 holds -1"},
                                           {"bad_column_twice", data, "X: row 1 names column"},
                                           {"bad_offsets_fall", data, "X/indptr: offset 4 is 0"},
                                           {"bad_offsets_beyond", data, "X/indptr: offset 31 is 1000000"},
                                           {"bad_offsets_short", data, "X/indptr has 30 offsets, but 31 are needed"},
                                           {"bad_lengths_differ", data, "X/data has"},
                                           {"bad_value_huge", data, "X/data: entry 5 holds 1099511627776"},
                                           {"bad_no_indptr", data, "X has no 'indptr'"},
                                           {"bad_data_is_text", data, "X/data does not hold numbers"},
                                           {"bad_shape", data, "X is 30 x 21, but there are 30 cells and 20 genes"},
                                           {"bad_encoding", unsupported, "X is encoded as 'awkward-array'"},
                                           {"bad_repeated_cells", data, "obs: the name 'c0' stands in rows 1 and 3"},
                                           {"bad_name_not_utf8", data, "obs/_index, row 2: byte 2"},
                                           {"bad_missing_column", data, "obs has no 'gone'"},
                                           {"bad_short_column", data, "obs/short has 3 rows, the table 30"},
                                           {"bad_code", data, "obs/type/codes: row 1 has code 7, but there are 1 categories"},
                                           {"bad_absurd_size", data, "X/data declares 1000000000000000 values"},
                                           {"bad_loop", data, "circle"},
                                           {"bad_link_to_other_file", unsupported, "X is neither a group nor a data set of this file"},
                                           {"bad_values_in_other_file", unsupported, "X/data keeps its values in other files"},
                                           {"bad_anndata_0.6", unsupported, "obs is written as AnnData 0.6 and older did"},
                                           {"bad_not_anndata", data, "no AnnData file: it has no obs and var (it has temperature)"}}) {
        const std::string message = refusal(c.name, c.code);
        EXPECT_NE(message.find(c.says), std::string::npos) << c.name << ": " << message;
    }
}

TEST(ReadH5ad, values_that_are_no_counts_are_refused_by_cell_and_gene) {
    struct Case {
        const char* name;
        const char* says;
    };
    for (const Case& c : std::vector<Case>{{"bad_value_negative", "-3"}, {"bad_value_nan", "NaN"}, {"bad_value_infinite", "inf"}, {"bad_value_fraction", "1.5"}}) {
        const data::Dataset dataset = read_fixture(c.name);
        const matrix::Matrix counts = data::checked_counts(dataset.layers.at("X"), "file.h5ad, X", dataset.obs.index(), dataset.var.index());
        const std::string message = error_text([&] { matrix::read_all(*counts, two_threads()); });
        EXPECT_NE(message.find(std::string("cell 'c0', gene 'g15' holds ") + c.says), std::string::npos) << message;
    }
    const data::Dataset good = read_fixture("gzip");
    expect_rows(*data::checked_counts(good.layers.at("X"), "X", {}, {}), made_up_counts(), "checked");
}

TEST(ReadH5ad, files_that_are_none_are_refused) {
    const TemporaryFolder folder;
    const auto code_of = [&](const std::filesystem::path& path) {
        const Error error = thrown_by([&] { read_h5ad_checked(path, two_threads()); });
        EXPECT_TRUE(contains(error.message(), path.filename().string())) << error.what();
        return error.code();
    };
    EXPECT_EQ(code_of(folder / "missing.h5ad"), ErrorCode::not_found);
    EXPECT_EQ(code_of(folder.path()), ErrorCode::invalid_data);
    write_text_file(folder / "empty.h5ad", "");
    EXPECT_EQ(code_of(folder / "empty.h5ad"), ErrorCode::invalid_data);
    write_text_file(folder / "text.h5ad", "cell,gene\n");
    EXPECT_EQ(code_of(folder / "text.h5ad"), ErrorCode::invalid_data);
    if (::geteuid() != 0) {
        write_text_file(folder / "locked.h5ad", "x");
        ::chmod((folder / "locked.h5ad").c_str(), 0);
        EXPECT_EQ(code_of(folder / "locked.h5ad"), ErrorCode::permission);
    }
}

std::string bytes_of(const std::filesystem::path& path) { return read_text_file(path, std::int64_t{1} << 30); }

TEST(ReadH5ad, a_file_cut_anywhere_says_how_much_is_missing) {
    const TemporaryFolder folder;
    const std::string whole = bytes_of(fixture("gzip.h5ad"));
    for (const std::size_t n : {whole.size() - 1, whole.size() / 2, std::size_t{100}, std::size_t{9}}) {
        write_text_file(folder / "cut.h5ad", std::string_view(whole).substr(0, n));
        const std::string message = error_text([&] { read_h5ad(folder / "cut.h5ad", two_threads()); });
        EXPECT_NE(message.find("ends early: it holds " + std::to_string(n) + " bytes"), std::string::npos) << n << ": " << message;
    }
}

TEST(ReadH5ad, texts_of_any_length_come_out_as_they_were) {
    const TemporaryFolder folder;
    data::Dataset written;
    std::vector<std::string> names, notes;
    for (int i = 0; i < 3000; ++i) {
        names.push_back("cell-" + std::to_string(i));
        notes.push_back(i % 5 == 0 ? "" : i % 997 == 0 ? std::string(20'000, 'x') + std::to_string(i) : "\u00e4-" + std::to_string(i * 7919));
    }
    written.obs = data::Table(names);
    written.obs.set("note", notes);
    written.var = data::Table({"g"});
    write_h5ad(written, folder / "texts.h5ad", {}, two_threads());
    const data::Dataset back = read_h5ad(folder / "texts.h5ad", two_threads());
    EXPECT_EQ(back.obs.index(), names);
    EXPECT_EQ(data::column_texts(back.obs.at("note")), notes);
    // Collections that are none are an error.
    std::string bytes = bytes_of(folder / "texts.h5ad");
    for (std::size_t at = bytes.find("GCOL"); at != std::string::npos; at = bytes.find("GCOL", at)) bytes[at] = 'x';
    write_text_file(folder / "broken.h5ad", bytes);
    EXPECT_NE(error_text([&] { read_h5ad_checked(folder / "broken.h5ad", two_threads()); }), "");
}

TEST(CheckInChild, a_crash_or_a_hang_becomes_a_sentence) {
    const std::filesystem::path path = fixture("gzip.h5ad");
    const std::string crash = error_text([&] { check_in_child(path, 10, [](Context&) { std::raise(SIGSEGV); }, two_threads()); });
    EXPECT_NE(crash.find("gzip.h5ad is damaged: reading it ended in a crash"), std::string::npos) << crash;
    const std::string hang = error_text([&] { check_in_child(path, 1, [](Context&) { std::this_thread::sleep_for(std::chrono::minutes(5)); }, two_threads()); });
    EXPECT_NE(hang.find("did not end within 1 seconds"), std::string::npos) << hang;
    EXPECT_EQ(error_text([&] { check_in_child(path, 10, [](Context&) { invalid_data("A sentence.", "A step."); }, two_threads()); }), "");
    std::atomic<bool> cancel{true};
    Context cancelled({.threads = 1, .cancel = &cancel});
    EXPECT_EQ(test::error_code([&] { check_in_child(path, 10, [](Context&) { std::this_thread::sleep_for(std::chrono::minutes(5)); }, cancelled); }), ErrorCode::cancelled);
}

TEST(CheckInChild, files_are_looked_at_beside_each_other_and_a_look_nobody_waits_for_ends) {
    const auto started = std::chrono::steady_clock::now();
    {
        const FileCheck abandoned("slow.h5ad", 300, [](Context&) { std::this_thread::sleep_for(std::chrono::minutes(5)); });
        CheckedFile first(fixture("gzip.h5ad"), read_h5ad);
        CheckedFile second(fixture("tenx_v3.h5"), read_tenx_h5);
        EXPECT_GT(second.read(two_threads()).n_cells(), 0);
        EXPECT_GT(first.read(two_threads()).n_cells(), 0);
        FileCheck crash("crash.h5ad", 10, [](Context&) { std::raise(SIGSEGV); });
        EXPECT_NE(error_text([&] { crash.wait(two_threads()); }).find("crash.h5ad is damaged"), std::string::npos);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(60));
}

// Whatever one changed byte breaks, the answer is data or an Error; a crash of the library stays in the child process.
TEST(ReadH5ad, a_changed_byte_never_crashes_the_program) {
    const TemporaryFolder folder;
    const std::string whole = bytes_of(fixture("gzip.h5ad"));
    int refused = 0;
    int tried = 0;
    for (std::size_t at = 3; at < whole.size(); at += 307) {
        std::string changed = whole;
        changed[at] = static_cast<char>(~changed[at]);
        std::ofstream(folder / "changed.h5ad", std::ios::binary) << changed;
        ++tried;
        try {
            const data::Dataset dataset = read_h5ad_checked(folder / "changed.h5ad", two_threads());
            read_x(dataset);
        } catch (const Error& error) {
            ++refused;
            EXPECT_NE(error_code_name(error.code()), "internal") << at << ": " << error.what();
            EXPECT_FALSE(error.message().empty());
        } catch (const std::out_of_range&) {
            ++refused;  // X is gone: layers.at in this test
        }
    }
    EXPECT_GT(tried, 100);
    EXPECT_GT(refused, 0);
}

// Two damaged parts at once: an ordinary error in the one must not keep the child from meeting the crash in the other.
TEST(ReadH5ad, many_changed_bytes_never_crash_the_program) {
    const TemporaryFolder folder;
    const std::string whole = bytes_of(fixture("anndata_0.7.h5ad"));
    for (std::uint64_t seed = 4; seed < 32; ++seed) {  // 3 and 32 make the library loop: 10 seconds each
        Random random(seed, Purpose::test, 0, 0);
        std::string changed = whole;
        for (std::uint64_t n = 2 + 4 * (seed % 10); n > 0; --n) changed[48 + random.below(whole.size() - 48)] = static_cast<char>(random.below(256));
        std::ofstream(folder / "changed.h5ad", std::ios::binary) << changed;
        try {
            const data::Dataset dataset = read_h5ad_checked(folder / "changed.h5ad", two_threads());
            if (dataset.layers.count("X") != 0) read_x(dataset);
        } catch (const Error& error) {
            EXPECT_NE(error_code_name(error.code()), "internal") << seed << ": " << error.what();
        }
    }
}

TEST(ReadTenxH5, version_3_is_read_with_its_feature_types) {
    test::Listener sink;
    Context context({.threads = 2, .events = &sink});
    const data::Dataset dataset = read_tenx_h5_checked(fixture("tenx_v3.h5"), context);
    expect_rows(*dataset.layers.at("X"), made_up_counts(), "tenx_v3");
    EXPECT_EQ(dataset.obs.index()[29], "AAAC29-1");
    EXPECT_EQ(dataset.var.index()[7], "ENSG00000000007");
    EXPECT_EQ(std::get<std::vector<std::string>>(dataset.var.at("gene_symbols"))[1], "MT-ND1");
    EXPECT_EQ(data::column_texts(dataset.var.at("feature_types"))[18], "Antibody Capture");
    EXPECT_EQ(data::column_texts(dataset.var.at("genome"))[0], "GRCh38");
}

TEST(ReadTenxH5, two_genomes_of_version_2_stand_side_by_side) {
    const data::Dataset dataset = read_tenx_h5(fixture("tenx_v2.h5"), two_threads());
    expect_rows(*dataset.layers.at("X"), made_up_counts(), "tenx_v2");
    EXPECT_EQ(data::column_texts(dataset.var.at("genome"))[11], "hg19");
    EXPECT_EQ(data::column_texts(dataset.var.at("genome"))[12], "mm10");
    EXPECT_EQ(dataset.var.index()[12], "mm10_ENS0");
}

TEST(ReadTenxH5, a_file_whose_parts_disagree_is_refused) {
    const std::string message = error_text([] { read_tenx_h5(fixture("bad_tenx_barcodes.h5"), two_threads()); });
    EXPECT_NE(message.find("declares 20 genes x 30 cells, but names 20 genes and 2 cells"), std::string::npos) << message;
    EXPECT_NE(error_text([] { read_tenx_h5(fixture("gzip.h5ad"), two_threads()); }).find("no Cell Ranger matrix"), std::string::npos);
    EXPECT_NE(error_text([] { read_h5ad(fixture("tenx_v3.h5"), two_threads()); }).find("Cell Ranger matrix"), std::string::npos);
}

}  // namespace
}  // namespace morula::formats
