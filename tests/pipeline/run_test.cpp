#include "morula/pipeline/run.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "morula/analysis/generate.hpp"
#include "morula/atlas/atlas.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/hash.hpp"
#include "morula/formats/hdf5/read_h5ad.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "tests/pipeline/run_fixture.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/real_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::pipeline {
namespace {

using Json = nlohmann::json;

class RunTest : public RunFolder {
protected:
    Json run_with(const RunOptions& options, std::int32_t threads) { return Json::parse(run_json(options, threads)); }
    Json record(const std::string& out) const { return Json::parse(read_text_file(folder_ / out / "run.json", 1 << 24)); }
};

std::string hash_of(const fs::path& path) { return hash_hex(std::string_view(read_text_file(path, std::int64_t{1} << 32))); }

TEST_F(RunTest, says_which_columns_of_the_input_make_way) {
    run_with(options_for(small_sample(), "first"), 2);
    const auto said = [&] { return std::count_if(listener_.texts.begin(), listener_.texts.end(), [](const std::string& text) { return text.find("of the input") != std::string::npos; }); };
    EXPECT_EQ(said(), 0) << "a step that reads what an earlier step of the run wrote is no news";
    run_with(options_for((folder_ / "first" / "cells.h5ad").string(), "second"), 2);
    EXPECT_TRUE(std::any_of(listener_.texts.begin(), listener_.texts.end(), [](const std::string& text) { return text.find("obs leiden of the input is replaced") != std::string::npos; }));
    EXPECT_EQ(record("second")["status"], "finished");
}

TEST_F(RunTest, a_folder_in_the_place_of_an_output_is_refused_before_anything_is_done) {
    fs::create_directories(folder_ / "out" / "report.html");
    std::ofstream(folder_ / "out" / "run.json") << "{}";
    EXPECT_EQ(error_code([&] { run_with(options_for(small_sample(), "out"), 1); }), ErrorCode::invalid_data);
    EXPECT_FALSE(fs::exists(folder_ / "out" / "data.atlas"));
    EXPECT_TRUE(listener_.steps.empty());
}

TEST_F(RunTest, gives_every_output_and_a_record) {
    const Json summary = run_with(options_for(small_sample(), "out"), 2);
    EXPECT_GT(summary["cells"].get<std::int64_t>(), 400);
    EXPECT_GE(summary["clusters"].get<std::int64_t>(), 4);
    for (const char* name : {"report.html", "cells.h5ad", "markers.csv", "run.json", "data.atlas"}) EXPECT_TRUE(fs::exists(folder_ / "out" / name)) << name;
    EXPECT_EQ(record("out")["status"], "finished");
    EXPECT_EQ(record("out")["options"]["recipe"], "morula-1");
    EXPECT_EQ(record("out")["inputs"].size(), 1u);
    Context context({.threads = 1});
    const data::Dataset cells = formats::read_h5ad(folder_ / "out" / "cells.h5ad", context);
    EXPECT_EQ(cells.n_genes(), 1500);
    for (const char* name : {"leiden", "total_counts", "n_genes_by_counts", "pct_counts_mt", "doublet_score"}) EXPECT_TRUE(cells.obs.has(name)) << name;
    EXPECT_TRUE(cells.var.has("highly_variable"));
    EXPECT_EQ(cells.obsm.count("X_pca"), 1u);
    EXPECT_EQ(cells.obsm.count("X_umap"), 1u);
    EXPECT_EQ(cells.varm.count("PCs"), 1u);
    EXPECT_EQ(cells.obsp.count("connectivities"), 1u);
    EXPECT_EQ(cells.obsp.count("distances"), 1u);
    EXPECT_EQ(cells.layers.count("counts"), 1u);
    for (const char* name : {"log1p", "rank_genes_groups"}) EXPECT_EQ(cells.uns.count(name), 1u) << name;
}

TEST_F(RunTest, a_second_run_takes_every_step_from_the_store_and_gives_the_same) {
    const RunOptions options = options_for(small_sample(), "out");
    run_with(options, 2);
    const std::string first = hash_of(folder_ / "out" / "cells.h5ad");
    const Json summary = run_with(options, 2);
    for (const Json& step : summary["steps"]) {
        const std::string name = step["name"];
        if (name.rfind("write", 0) != 0) {
            EXPECT_TRUE(step["cached"].get<bool>()) << name;
        }
    }
    EXPECT_EQ(hash_of(folder_ / "out" / "cells.h5ad"), first);
}

TEST_F(RunTest, any_number_of_threads_gives_the_same_bits) {
    const std::string input = small_sample();
    run_with(options_for(input, "one"), 1);
    run_with(options_for(input, "two"), 2);
    run_with(options_for(input, "four"), 4);
    EXPECT_EQ(hash_of(folder_ / "one" / "cells.h5ad"), hash_of(folder_ / "two" / "cells.h5ad"));
    EXPECT_EQ(hash_of(folder_ / "one" / "cells.h5ad"), hash_of(folder_ / "four" / "cells.h5ad"));
    EXPECT_EQ(hash_of(folder_ / "one" / "markers.csv"), hash_of(folder_ / "four" / "markers.csv"));
}

TEST_F(RunTest, resume_goes_on_after_a_stop_and_loses_only_the_step_under_way) {
    const std::string input = small_sample();
    listener_.stop_at = "umap";
    EXPECT_EQ(error_code([&] { run_with(options_for(input, "out"), 2); }), ErrorCode::cancelled);
    EXPECT_EQ(record("out")["status"], "cancelled");
    EXPECT_FALSE(fs::exists(folder_ / "out" / "report.html"));
    for (const auto& entry : fs::directory_iterator(folder_ / "out")) EXPECT_EQ(entry.path().filename().string().find("cells.h5ad"), std::string::npos) << entry.path();
    write_text_file(folder_ / "out" / ".cells.h5ad.1-0.tmp", "what a killed run left");
    listener_.stop_at = "";
    listener_.cancel = false;
    RunOptions again;
    again.out = (folder_ / "out").string();
    again.resume = true;
    const Json summary = run_with(again, 2);
    bool umap_seen = false;
    for (const Json& step : summary["steps"]) {
        if (step["name"] == "umap") umap_seen = true;
        if (!umap_seen) {
            EXPECT_TRUE(step["cached"].get<bool>()) << step["name"];
        }
    }
    EXPECT_TRUE(umap_seen);
    EXPECT_FALSE(fs::exists(folder_ / "out" / ".cells.h5ad.1-0.tmp"));
    run_with(options_for(input, "straight"), 2);
    EXPECT_EQ(hash_of(folder_ / "out" / "cells.h5ad"), hash_of(folder_ / "straight" / "cells.h5ad"));
}

TEST_F(RunTest, resume_refuses_options_that_the_recorded_run_did_not_have) {
    const std::string input = small_sample();
    run_with(options_for(input, "out"), 2);
    RunOptions again;
    again.out = (folder_ / "out").string();
    again.resume = true;
    run_with(again, 2);
    again.resolution = 3.0;
    EXPECT_EQ(error_code([&] { run_with(again, 2); }), ErrorCode::usage);
    again.resolution.reset();
    again.input = {input + "x"};
    EXPECT_EQ(error_code([&] { run_with(again, 2); }), ErrorCode::usage);
    again.input = {input};
    run_with(again, 2);
}

TEST_F(RunTest, the_same_cells_under_two_names_are_refused) {
    RunOptions options = options_for(small_sample(), "out");
    options.input.push_back(options.input.front());
    EXPECT_EQ(error_code([&] { run_with(options, 2); }), ErrorCode::invalid_data);
}

/// Flips one bit in the middle of a file.
void damage(const fs::path& file) {
    std::string bytes = read_text_file(file, std::int64_t{1} << 32);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
    fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
    write_text_file(file, bytes);
}

TEST_F(RunTest, a_damaged_result_is_dropped_with_a_warning_and_computed_again) {
    const RunOptions options = options_for(small_sample(), "out");
    run_with(options, 2);
    const std::string first = hash_of(folder_ / "out" / "cells.h5ad");
    std::string pca_key;
    const Json steps = record("out")["steps"];
    for (const Json& step : steps) {
        if (step["name"] == "pca") pca_key = step["key"];
    }
    const fs::path result = folder_ / "out" / "data.atlas" / "derived" / pca_key;
    ASSERT_TRUE(fs::exists(result));
    damage(result / "obsm" / "X_pca" / "c" / "0" / "0");
    listener_.texts.clear();
    const Json summary = run_with(options, 2);
    for (const Json& step : summary["steps"]) {
        const std::string name = step["name"];
        if (name.rfind("write", 0) != 0) {
            EXPECT_EQ(step["cached"].get<bool>(), name != "pca") << name;
        }
    }
    EXPECT_EQ(hash_of(folder_ / "out" / "cells.h5ad"), first);
    const Json warnings = record("out")["warnings"];
    const auto is_told = [](const Json& text) { return text.get<std::string>().find("result of step 'pca' was damaged") != std::string::npos; };
    EXPECT_TRUE(std::any_of(warnings.begin(), warnings.end(), is_told)) << warnings;
    run_with(options, 2);  // the warning is about that run alone
    const Json later = record("out")["warnings"];
    EXPECT_FALSE(std::any_of(later.begin(), later.end(), is_told)) << later;
}

TEST_F(RunTest, damaged_counts_are_read_from_the_input_again) {
    const RunOptions options = options_for(small_sample(), "out");
    run_with(options, 2);
    const std::string first = hash_of(folder_ / "out" / "cells.h5ad");
    const std::string id = record("out")["inputs"][0]["id"];
    damage(folder_ / "out" / "data.atlas" / "datasets" / id / "X" / "data" / "c" / "0");
    const Json summary = run_with(options, 2);
    EXPECT_EQ(summary["steps"][0]["name"], "ingest");
    EXPECT_FALSE(summary["steps"][0]["cached"].get<bool>());
    EXPECT_TRUE(summary["steps"][1]["cached"].get<bool>());
    EXPECT_EQ(hash_of(folder_ / "out" / "cells.h5ad"), first);
    const Json warnings = record("out")["warnings"];
    ASSERT_FALSE(warnings.empty());
    EXPECT_NE(warnings[0].get<std::string>().find("read from the input again"), std::string::npos) << warnings;
    run_with(options, 2);
    EXPECT_TRUE(record("out")["warnings"].empty() || record("out")["warnings"][0] != warnings[0]);
}

TEST_F(RunTest, damaged_counts_of_an_atlas_that_is_the_input_are_refused_with_the_way_out) {
    run_with(options_for(small_sample(), "out"), 2);
    const std::string id = record("out")["inputs"][0]["id"];
    damage(folder_ / "out" / "data.atlas" / "datasets" / id / "X" / "data" / "c" / "0");
    try {
        run_with(options_for((folder_ / "out" / "data.atlas").string(), "second"), 2);
        FAIL() << "should have been refused";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_NE(error.message().find("Data set 'small.h5ad' is damaged"), std::string::npos) << error.message();
        EXPECT_NE(error.next().find("small.h5ad' again"), std::string::npos) << error.next();
    }
}

TEST_F(RunTest, shared_neighbour_weights_change_the_clusters_graph_and_leave_the_map) {
    const std::string input = small_sample();
    run_with(options_for(input, "fuzzy"), 2);
    RunOptions options = options_for(input, "shared");
    options.graph_weights = analysis::GraphWeights::shared;
    options.umap_3d = true;
    run_with(options, 2);
    Context context({.threads = 1});
    const data::Dataset fuzzy = formats::read_h5ad(folder_ / "fuzzy" / "cells.h5ad", context);
    const data::Dataset shared = formats::read_h5ad(folder_ / "shared" / "cells.h5ad", context);
    for (const float weight : shared.obsp.at("connectivities").values) {
        const double n_shared = 30.0 * static_cast<double>(weight) / (1.0 + static_cast<double>(weight));  // of s / (2 * 15 - s)
        EXPECT_NEAR(n_shared, std::round(n_shared), 1e-4);
        EXPECT_GE(weight, 1.0F / 15.0F);
    }
    EXPECT_EQ(shared.obsp.at("umap_connectivities").values, fuzzy.obsp.at("connectivities").values);
    EXPECT_EQ(shared.obsm.at("X_umap").values, fuzzy.obsm.at("X_umap").values);
    EXPECT_EQ(shared.obsm.at("X_umap").n_cols, 2);
    EXPECT_EQ(shared.obsm.at("X_umap_3d").n_cols, 3);
    EXPECT_EQ(fuzzy.obsm.count("X_umap_3d"), 0u);
    EXPECT_NE(read_text_file(folder_ / "shared" / "report.html", 1 << 24).find("weighted by shared neighbours"), std::string::npos);
}

TEST_F(RunTest, a_kind_of_cell_that_a_cut_off_takes_is_told_with_the_cut_off) {
    Context context({.threads = 2});
    analysis::GenerateResult made = analysis::generate({.cells = 800, .genes = 1500, .types = 4, .rare_types = 0, .continuum_fraction = 0.0, .mean_counts = 3000.0}, context);
    // Three of four cells of the third type get ten times their mitochondrial counts.
    matrix::Csr counts = matrix::read_all(*made.counts, context);
    std::int64_t n_changed = 0;
    for (std::int64_t cell = 0; cell < counts.n_rows; ++cell) {
        if (made.cells.type[static_cast<std::size_t>(cell)] != 2 || cell % 4 == 0) continue;
        ++n_changed;
        for (std::int64_t i = counts.indptr[static_cast<std::size_t>(cell)]; i < counts.indptr[static_cast<std::size_t>(cell) + 1]; ++i) {
            if (made.gene_symbols[counts.indices[static_cast<std::size_t>(i)]].rfind("MT-", 0) == 0) counts.values[static_cast<std::size_t>(i)] *= 10.0F;
        }
    }
    made.counts = matrix::make_source(std::move(counts));
    run_with(options_for(written("muscle", made), "out"), 2);
    std::string told;
    const Json warnings = record("out")["warnings"];
    for (const Json& warning : warnings) {
        if (warning.get<std::string>().find("cells like those of cluster") != std::string::npos) told = warning;
    }
    ASSERT_FALSE(told.empty()) << warnings;
    EXPECT_NE(told.find("too many mitochondrial counts"), std::string::npos) << told;
    EXPECT_NEAR(std::stod(told.substr(std::string("About ").size())), static_cast<double>(n_changed), 0.15 * static_cast<double>(n_changed)) << told;
    const std::string page = read_text_file(folder_ / "out" / "report.html", 1 << 24);
    EXPECT_NE(page.find("of the cells like cluster"), std::string::npos);
    EXPECT_NE(page.find("data-file=\"removed_kinds\""), std::string::npos);
    EXPECT_NE(page.find("href=\"#qc\">Look"), std::string::npos);
}

TEST_F(RunTest, several_samples_are_joined_and_batches_mixed) {
    const std::string a = made_up("a", {.cells = 300, .genes = 1200, .types = 3, .rare_types = 0, .continuum_fraction = 0.0, .mean_counts = 2000.0, .seed = 1});
    const std::string b = made_up("b", {.cells = 350, .genes = 1200, .types = 3, .rare_types = 0, .continuum_fraction = 0.0, .mean_counts = 2500.0, .seed = 1});
    write_text_file(folder_ / "samples.csv", "path,sample,donor,condition,batch\na.h5ad,first,d1,healthy,b1\nb.h5ad,second,d2,healthy,b2\n");
    RunOptions options;
    options.samples = (folder_ / "samples.csv").string();
    options.batch = "batch";
    options.out = (folder_ / "out").string();
    const Json summary = run_with(options, 2);
    EXPECT_GT(summary["cells"].get<std::int64_t>(), 500);
    Context context({.threads = 1});
    const data::Dataset cells = formats::read_h5ad(folder_ / "out" / "cells.h5ad", context);
    EXPECT_EQ(cells.obsm.count("X_pca_harmony"), 1u);
    EXPECT_EQ(cells.obs.index().front().rfind("first_", 0), 0u);
    EXPECT_TRUE(cells.obs.has("donor"));
    const Json measures = record("out")["measures"];
    EXPECT_GE(measures["ilisi_before"].get<double>(), 1.0);
    EXPECT_GE(measures["ilisi_after"].get<double>(), measures["ilisi_before"].get<double>() - 0.05);
    EXPECT_NEAR(measures["ilisi_expected"].get<double>(), 2.0, 0.05);
    EXPECT_NE(read_text_file(folder_ / "out" / "report.html", 1 << 24).find("median iLISI"), std::string::npos);
}

/// 400 cells among 6,000 empty droplets.
analysis::GenerateOptions unfiltered(std::uint64_t seed) {
    return {.cells = 400, .genes = 1500, .types = 4, .rare_types = 0, .continuum_fraction = 0.0, .mean_counts = 3000.0, .damaged_fraction = 0.0, .empty_droplets = 6000, .seed = seed};
}

std::int64_t n_true(const data::Table& obs, const char* column) {
    std::int64_t n = 0;
    for (const double value : data::column_numbers(obs.at(column))) n += value != 0.0 ? 1 : 0;
    return n;
}

bool said(const Listener& listener, const std::string& words) {
    return std::any_of(listener.texts.begin(), listener.texts.end(), [&](const std::string& text) { return text.find(words) != std::string::npos; });
}

TEST_F(RunTest, cells_of_an_unfiltered_matrix_are_called_and_the_empty_ones_are_not_stored) {
    const RunOptions options = options_for(made_up("all", unfiltered(1)), "out");
    run_with(options, 2);
    Context context({.threads = 1});
    const data::Dataset cells = formats::read_h5ad(folder_ / "out" / "cells.h5ad", context);
    EXPECT_GT(cells.n_cells(), 380);
    EXPECT_EQ(n_true(cells.obs, "true_empty"), 0);
    EXPECT_EQ(record("out")["inputs"][0]["n_barcodes"], 6400);
    EXPECT_LT(record("out")["inputs"][0]["n_cells"], 410);
    EXPECT_TRUE(said(listener_, "an unfiltered matrix, so cells are called"));
    EXPECT_TRUE(said(listener_, "of 6400 barcodes called cells"));
    const std::string page = read_text_file(folder_ / "out" / "report.html", 1 << 26);
    EXPECT_NE(page.find("Barcodes by rank: all"), std::string::npos);
    EXPECT_NE(page.find("EmptyDrops"), std::string::npos);
    EXPECT_NE(page.find("6,400 barcodes x 1,500 genes"), std::string::npos);
    const atlas::Atlas store = atlas::Atlas::open(folder_ / "out" / "data.atlas");
    EXPECT_LT(store.info(context).n_cells, 410);

    // Again: from the store, with the same words and the same page.
    const std::string first = hash_of(folder_ / "out" / "cells.h5ad");
    listener_.texts.clear();
    const Json summary = run_with(options, 4);
    for (const Json& step : summary["steps"]) EXPECT_TRUE(step["cached"].get<bool>() || step["name"].get<std::string>().rfind("write", 0) == 0) << step["name"];
    EXPECT_EQ(hash_of(folder_ / "out" / "cells.h5ad"), first);
    EXPECT_TRUE(said(listener_, "of 6400 barcodes called cells"));
    EXPECT_NE(read_text_file(folder_ / "out" / "report.html", 1 << 26).find("Barcodes by rank: all"), std::string::npos);
}

TEST_F(RunTest, two_unfiltered_samples_are_called_apart_and_named_as_in_the_sheet) {
    made_up("a", unfiltered(2));
    analysis::GenerateOptions second = unfiltered(3);
    second.cells = 250;
    made_up("b", second);
    write_text_file(folder_ / "samples.csv", "path,sample,donor\na.h5ad,first,d1\nb.h5ad,second,d2\n");
    RunOptions options;
    options.samples = (folder_ / "samples.csv").string();
    options.out = (folder_ / "out").string();
    run_with(options, 2);
    const std::string page = read_text_file(folder_ / "out" / "report.html", 1 << 26);
    EXPECT_NE(page.find("Barcodes by rank: first"), std::string::npos);
    EXPECT_NE(page.find("Barcodes by rank: second"), std::string::npos);
    EXPECT_GT(record("out")["inputs"][0]["n_cells"], 380);
    EXPECT_LT(record("out")["inputs"][1]["n_cells"], 260);
    // Renamed in the sheet: nothing is read again, and the curves bear the new names.
    write_text_file(folder_ / "samples.csv", "path,sample,donor\na.h5ad,one,d1\nb.h5ad,two,d2\n");
    listener_.texts.clear();
    run_with(options, 2);
    EXPECT_TRUE(said(listener_, "unchanged since it was stored"));
    EXPECT_NE(read_text_file(folder_ / "out" / "report.html", 1 << 26).find("Barcodes by rank: two"), std::string::npos);
}

TEST_F(RunTest, captures_within_one_file_are_called_apart) {
    analysis::GenerateOptions two = unfiltered(4);
    two.donors = 2;
    run_with(options_for(made_up("both", two), "out"), 2);
    const std::string page = read_text_file(folder_ / "out" / "report.html", 1 << 26);
    EXPECT_NE(page.find("Barcodes by rank: sample-01"), std::string::npos);
    EXPECT_NE(page.find("Barcodes by rank: sample-02"), std::string::npos);
}

TEST_F(RunTest, calling_follows_its_option_and_other_choices_are_another_data_set) {
    RunOptions options = options_for(made_up("all", unfiltered(5)), "out");
    options.call_cells = CallCells::never;
    run_with(options, 2);
    EXPECT_EQ(record("out")["inputs"][0]["n_cells"], 6400);
    options.out = (folder_ / "out").string();
    options.call_cells = CallCells::automatic;
    run_with(options, 2);
    EXPECT_LT(record("out")["inputs"][0]["n_cells"], 410);
    EXPECT_FALSE(said(listener_, "unchanged since it was stored"));
}

TEST_F(RunTest, a_batch_that_is_the_condition_is_refused_with_the_table) {
    made_up("a", {.cells = 200, .genes = 1000, .types = 3, .rare_types = 0, .mean_counts = 1500.0, .seed = 1});
    made_up("b", {.cells = 200, .genes = 1000, .types = 3, .rare_types = 0, .mean_counts = 1500.0, .seed = 2});
    write_text_file(folder_ / "samples.csv", "path,sample,condition,batch\na.h5ad,a,healthy,b1\nb.h5ad,b,ill,b2\n");
    RunOptions options;
    options.samples = (folder_ / "samples.csv").string();
    options.batch = "batch";
    options.out = (folder_ / "out").string();
    try {
        run_with(options, 2);
        FAIL() << "should have been refused";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_NE(error.message().find("b1 / healthy: 200 cells"), std::string::npos) << error.message();
    }
    EXPECT_EQ(record("out")["status"], "failed");
}

TEST_F(RunTest, a_missing_batch_column_suggests_the_nearest_name) {
    RunOptions options = options_for(small_sample(), "out");
    options.batch = "true_tpye";
    try {
        run_with(options, 2);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::not_found);
        EXPECT_NE(std::string(error.what()).find("'true_type'"), std::string::npos) << error.what();
    }
}

TEST_F(RunTest, bad_calls_are_told_apart) {
    EXPECT_EQ(error_code([&] { run_with(options_for((folder_ / "nothing.h5ad").string(), "out"), 1); }), ErrorCode::not_found);
    EXPECT_EQ(error_code([&] { run_with(RunOptions{}, 1); }), ErrorCode::usage);
    RunOptions no_input;
    no_input.out = (folder_ / "o2").string();
    EXPECT_EQ(error_code([&] { run_with(no_input, 1); }), ErrorCode::usage);
    no_input.resume = true;
    EXPECT_EQ(error_code([&] { run_with(no_input, 1); }), ErrorCode::not_found);
    write_text_file(folder_ / "text.h5ad", "this is no h5ad");
    EXPECT_EQ(error_code([&] { run_with(options_for((folder_ / "text.h5ad").string(), "out"), 1); }), ErrorCode::invalid_data);
    fs::create_directories(folder_ / "foreign");
    write_text_file(folder_ / "foreign" / "letter.txt", "dear");
    EXPECT_EQ(error_code([&] { run_with(options_for(small_sample(), "foreign"), 1); }), ErrorCode::usage);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "foreign"), fs::directory_iterator()), 1);
}

TEST_F(RunTest, too_few_cells_and_cells_all_filtered_are_told) {
    const std::string few = made_up("few", {.cells = 30, .genes = 1000, .types = 2, .rare_types = 0, .mean_counts = 2000.0});
    EXPECT_EQ(error_code([&] { run_with(options_for(few, "few"), 1); }), ErrorCode::invalid_data);
    const std::string empty = made_up("poor", {.cells = 100, .genes = 1000, .types = 2, .rare_types = 0, .mean_counts = 40.0});
    EXPECT_EQ(error_code([&] { run_with(options_for(empty, "poor"), 1); }), ErrorCode::invalid_data);
    EXPECT_EQ(record("poor")["status"], "failed");
    EXPECT_FALSE(fs::exists(folder_ / "poor" / "cells.h5ad"));
}

TEST_F(RunTest, real_blood_gives_the_known_types) {
    MORULA_REAL_DATA(path, "pbmc3k/10x_mtx");
    const Json summary = run_with(options_for(path.string(), "pbmc"), 2);
    EXPECT_GT(summary["cells"].get<std::int64_t>(), 2400);
    EXPECT_GE(summary["clusters"].get<std::int64_t>(), 6);
    Context context({.threads = 1});
    const data::Dataset cells = formats::read_h5ad(folder_ / "pbmc" / "cells.h5ad", context);
    const auto& labels = std::get<data::Categorical>(cells.obs.at("suggested_label")).categories;
    const auto has = [&](const std::string& part) { return std::any_of(labels.begin(), labels.end(), [&](const std::string& label) { return label.find(part) != std::string::npos; }); };
    EXPECT_TRUE(has("B cell"));
    EXPECT_TRUE(has("onocyte"));
    EXPECT_TRUE(has("NK") || has("atural killer"));
    // The cells of the largest cluster are naive T cells: a T cell, or a kind of it, and not "unassigned".
    const auto& leiden = std::get<data::Categorical>(cells.obs.at("leiden"));
    const auto& of_cell = std::get<data::Categorical>(cells.obs.at("suggested_label"));
    const auto first = static_cast<std::size_t>(std::find(leiden.codes.begin(), leiden.codes.end(), 0) - leiden.codes.begin());
    EXPECT_NE(of_cell.categories[static_cast<std::size_t>(of_cell.codes[first])].find("T cell"), std::string::npos);
    EXPECT_LE(fs::file_size(folder_ / "pbmc" / "report.html"), 5'000'000u);
}

TEST_F(RunTest, real_folder_and_file_of_the_same_cells_agree) {
    MORULA_REAL_DATA(folder, "pbmc3k/10x_mtx");
    MORULA_REAL_DATA(file, "pbmc3k/pbmc3k_raw.h5ad");
    const Json a = run_with(options_for(folder.string(), "folder"), 2);
    const Json b = run_with(options_for(file.string(), "file"), 2);
    EXPECT_EQ(a["cells"], b["cells"]);
    EXPECT_EQ(a["clusters"], b["clusters"]);
}

}  // namespace
}  // namespace morula::pipeline
