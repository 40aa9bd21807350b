// What a run says when it cannot go on, or goes on with what is no longer as it was; and where the counts of an atlas stay.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "morula/analysis/generate.hpp"
#include "morula/analysis/pca.hpp"
#include "morula/atlas/atlas.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/matrix/block_source.hpp"
#include "tests/pipeline/run_fixture.hpp"

namespace morula::pipeline {
namespace {

using Json = nlohmann::json;

class RunRefusals : public RunFolder {
protected:
    Json record() const { return Json::parse(read_text_file(folder_ / "out" / "run.json", 1 << 24)); }
    /// Message and next step.
    std::string refusal(const RunOptions& options) {
        try {
            run_json(options, 2);
        } catch (const Error& error) {
            return error.what();
        }
        return "no refusal";
    }
    bool said(const std::string& words) const {
        return std::any_of(listener_.texts.begin(), listener_.texts.end(), [&](const std::string& text) { return text.find(words) != std::string::npos; });
    }
    RunOptions resumed() const {
        RunOptions options;
        options.out = (folder_ / "out").string();
        options.resume = true;
        return options;
    }
};

TEST_F(RunRefusals, what_a_run_killed_at_its_start_left_is_its_own) {
    fs::create_directories(folder_ / "out" / ".data.atlas.4711.tmp" / "versions");
    write_text_file(folder_ / "out" / ".run.json.4711-0.tmp", "{");
    run_json(options_for(small_sample(), "out"), 2);
    EXPECT_EQ(record()["status"], "finished");
    EXPECT_FALSE(fs::exists(folder_ / "out" / ".data.atlas.4711.tmp"));
    EXPECT_FALSE(fs::exists(folder_ / "out" / ".run.json.4711-0.tmp"));
    fs::create_directories(folder_ / "foreign");
    write_text_file(folder_ / "foreign" / ".letter.txt.4711-0.tmp", "dear");
    EXPECT_EQ(error_code([&] { run_json(options_for(small_sample(), "foreign"), 1); }), ErrorCode::usage);
}

TEST_F(RunRefusals, a_sample_without_a_good_cell_is_named) {
    const std::string good = small_sample();
    const std::string poor = made_up("poor", {.cells = 100, .genes = 1500, .types = 2, .rare_types = 0, .mean_counts = 20.0});
    write_text_file(folder_ / "samples.csv", "path,sample\nsmall.h5ad,a\npoor.h5ad,b\n");
    RunOptions options;
    options.samples = (folder_ / "samples.csv").string();
    options.out = (folder_ / "out").string();
    const std::string not_called = refusal(options);
    EXPECT_NE(not_called.find(poor + " (sample b): "), std::string::npos) << not_called;
    options.call_cells = CallCells::never;
    const std::string filtered = refusal(options);
    EXPECT_NE(filtered.find("samples.csv"), std::string::npos) << filtered;
    EXPECT_NE(filtered.find("sample 'b' has no cell left"), std::string::npos) << filtered;
    options.batch = "bach";
    const std::string no_column = refusal(options);
    EXPECT_NE(no_column.find("samples.csv: obs has no column 'bach'"), std::string::npos) << no_column;
}

TEST_F(RunRefusals, a_refusal_about_one_of_several_samples_says_how_to_go_on_without_it) {
    small_sample();
    made_up("poor", {.cells = 100, .genes = 1500, .types = 2, .rare_types = 0, .mean_counts = 20.0});
    RunOptions options;
    options.samples = (folder_ / "samples.csv").string();
    options.out = (folder_ / "out").string();
    for (const char* other : {"gone.h5ad", "poor.h5ad", "empty"}) {
        fs::create_directories(folder_ / "empty");
        write_text_file(folder_ / "samples.csv", fmt::format("path,sample\nsmall.h5ad,a\n{},b\n", other));
        const std::string text = refusal(options);
        EXPECT_NE(text.find("go on without sample 'b': --skip-failed-samples"), std::string::npos) << text;
        EXPECT_EQ(text.find("--skip-failed-samples"), text.rfind("--skip-failed-samples")) << text;
    }
    options.call_cells = CallCells::never;
    write_text_file(folder_ / "samples.csv", "path,sample\nsmall.h5ad,a\npoor.h5ad,b\n");
    const std::string text = refusal(options);
    EXPECT_NE(text.find("go on without sample 'b': --skip-failed-samples"), std::string::npos) << text;
    // Alone it can only be mended.
    EXPECT_EQ(refusal(options_for((folder_ / "gone.h5ad").string(), "alone")).find("--skip-failed-samples"), std::string::npos);
}

/// What a run without the failed lines of its sheet gives.
TEST_F(RunRefusals, skipping_failed_samples_gives_what_a_sheet_without_them_gives) {
    small_sample();
    made_up("other", {.cells = 400, .genes = 1500, .types = 4, .rare_types = 0, .continuum_fraction = 0.0, .mean_counts = 2000.0, .seed = 3});
    made_up("poor", {.cells = 100, .genes = 1500, .types = 2, .rare_types = 0, .mean_counts = 20.0});
    write_text_file(folder_ / "broken.h5ad", "no HDF5");
    fs::create_directories(folder_ / "empty");
    write_text_file(folder_ / "whole.csv", "path,sample,condition\nsmall.h5ad,a,healthy\nother.h5ad,b,ill\n");
    write_text_file(folder_ / "samples.csv", "path,sample,condition\nempty,e,ill\nsmall.h5ad,a,healthy\npoor.h5ad,p,ill\nother.h5ad,b,ill\nbroken.h5ad,x,ill\ngone.h5ad,g,ill\n");
    RunOptions options;
    options.samples = (folder_ / "whole.csv").string();
    options.out = (folder_ / "whole").string();
    options.call_cells = CallCells::never;
    run_json(options, 2);
    options.samples = (folder_ / "samples.csv").string();
    options.out = (folder_ / "out").string();
    options.skip_failed_samples = true;
    const Json summary = Json::parse(run_json(options, 2));
    EXPECT_EQ(read_text_file(folder_ / "out" / "markers.csv", 1 << 26), read_text_file(folder_ / "whole" / "markers.csv", 1 << 26));
    const Json skipped = record()["skipped_samples"];
    ASSERT_EQ(skipped.size(), 4U) << skipped;
    EXPECT_EQ(summary["skipped_samples"], skipped);
    for (const auto& [sample, why] : {std::pair{"e", "empty"}, {"x", "not an HDF5 file"}, {"g", "does not exist"}, {"p", "quality control keeps 0 of 100 cells"}}) {
        const std::string name = sample;
        const auto found = std::find_if(skipped.begin(), skipped.end(), [&](const Json& entry) { return entry["sample"] == name; });
        ASSERT_NE(found, skipped.end()) << name;
        EXPECT_NE((*found)["why"].get<std::string>().find(why), std::string::npos) << *found;
        EXPECT_TRUE(said(fmt::format("Sample {} is left out: ", name)));
    }
    const std::string page = read_text_file(folder_ / "out" / "report.html", 1 << 26);
    EXPECT_NE(page.find("Samples e, x, g and p were left out: not usable, as said below."), std::string::npos);
    EXPECT_NE(page.find("usable with care: samples e, x, g and p were left out"), std::string::npos);
    // Again, with the good ones taken from the store.
    listener_.steps.clear();
    run_json(options, 2);
    EXPECT_TRUE(std::any_of(listener_.steps.begin(), listener_.steps.end(), [](const StepReport& step) { return step.name == "umap" && step.cached; }));
    EXPECT_EQ(record()["skipped_samples"].size(), 4U);
    EXPECT_EQ(record()["status"], "finished");
}

TEST_F(RunRefusals, a_study_of_failed_samples_alone_is_refused_with_the_first_reason) {
    write_text_file(folder_ / "broken.h5ad", "no HDF5");
    write_text_file(folder_ / "samples.csv", "path,sample\ngone.h5ad,a\nbroken.h5ad,b\n");
    RunOptions options;
    options.samples = (folder_ / "samples.csv").string();
    options.out = (folder_ / "out").string();
    options.skip_failed_samples = true;
    const std::string text = refusal(options);
    EXPECT_NE(text.find("None of the 2 samples can be used"), std::string::npos) << text;
    EXPECT_NE(text.find("gone.h5ad: does not exist"), std::string::npos) << text;
    EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(RunRefusals, an_option_that_is_wrong_is_no_failed_sample) {
    small_sample();
    made_up("other", {.cells = 100, .genes = 1500, .types = 2, .rare_types = 0, .mean_counts = 2000.0});
    write_text_file(folder_ / "samples.csv", "path,sample\nsmall.h5ad,a\nother.h5ad,b\n");
    RunOptions options;
    options.samples = (folder_ / "samples.csv").string();
    options.out = (folder_ / "out").string();
    options.skip_failed_samples = true;
    options.batch = "bach";
    EXPECT_NE(refusal(options).find("obs has no column 'bach'"), std::string::npos);
}

/// The recipe ranks 2,000 variable genes of one sample and 3,000 of several.
TEST_F(RunRefusals, several_samples_are_held_to_the_memory_of_their_own_number_of_variable_genes) {
    const std::string one = made_up("one", {.cells = 120, .genes = 3000, .types = 2, .rare_types = 0, .mean_counts = 2000.0});
    made_up("two", {.cells = 120, .genes = 3000, .types = 2, .rare_types = 0, .mean_counts = 2000.0, .seed = 2});
    write_text_file(folder_ / "samples.csv", "path,sample\none.h5ad,a\ntwo.h5ad,b\n");
    RunOptions several;
    several.samples = (folder_ / "samples.csv").string();
    several.out = (folder_ / "several").string();
    const std::int64_t between = (analysis::pca_memory(2000) + analysis::pca_memory(3000)) / 2;
    Context context({.threads = 1, .memory_bytes = between, .events = &listener_});
    EXPECT_EQ(error_code([&] { run(several, context); }), ErrorCode::resource_limit);
    EXPECT_FALSE(fs::exists(folder_ / "several" / "data.atlas" / "datasets"));
    run(options_for(one, "alone"), context);
}

TEST_F(RunRefusals, a_panel_of_few_genes_is_told_of_the_floor_and_of_the_verbs) {
    Context context({.threads = 2});
    analysis::GenerateResult made = analysis::generate({.cells = 300, .genes = 1500, .types = 2, .rare_types = 0, .mean_counts = 1000.0}, context);
    constexpr std::int64_t kPanel = 300;
    std::vector<std::int64_t> genes(kPanel);
    for (std::int64_t gene = 0; gene < kPanel; ++gene) genes[static_cast<std::size_t>(gene)] = gene;
    made.counts = matrix::select_cols(made.counts, genes);
    made.gene_ids.resize(kPanel);
    made.gene_symbols.resize(kPanel);
    const std::string text = refusal(options_for(written("panel", made), "out"));
    EXPECT_NE(text.find("the floor of recipe morula-1; 300 genes were measured"), std::string::npos) << text;
    EXPECT_NE(text.find("`morula qc INPUT --min-genes"), std::string::npos) << text;
    EXPECT_NE(text.find("panel.h5ad"), std::string::npos) << text;
    EXPECT_FALSE(said("unfiltered matrix")) << "few genes give good cells few counts";
}

TEST_F(RunRefusals, too_little_memory_is_told_before_anything_is_stored) {
    const RunOptions options = options_for(small_sample(), "out");
    Context context({.threads = 1, .memory_bytes = 1'000'000, .events = &listener_});
    EXPECT_EQ(error_code([&] { run(options, context); }), ErrorCode::resource_limit);
    EXPECT_FALSE(fs::exists(folder_ / "out" / "data.atlas" / "datasets"));
}

TEST_F(RunRefusals, counts_that_are_gone_from_the_store_are_read_from_the_input_again) {
    const RunOptions options = options_for(small_sample(), "out");
    run_json(options, 2);
    const std::string page = read_text_file(folder_ / "out" / "markers.csv", 1 << 26);
    fs::remove_all(folder_ / "out" / "data.atlas" / "datasets" / record()["inputs"][0]["id"].get<std::string>());
    run_json(options, 2);
    EXPECT_EQ(read_text_file(folder_ / "out" / "markers.csv", 1 << 26), page);
    EXPECT_TRUE(fs::exists(folder_ / "out" / "data.atlas" / "datasets" / record()["inputs"][0]["id"].get<std::string>() / "files.json"));
}

TEST_F(RunRefusals, a_store_without_its_current_version_says_how_to_mend_it) {
    const RunOptions options = options_for(small_sample(), "out");
    run_json(options, 2);
    fs::remove(folder_ / "out" / "data.atlas" / "CURRENT");
    const std::string text = refusal(options);
    EXPECT_NE(text.find("CURRENT: is missing"), std::string::npos) << text;
    EXPECT_NE(text.find("newest file in"), std::string::npos) << text;
}

TEST_F(RunRefusals, resume_tells_that_an_input_has_changed) {
    const std::string input = small_sample();
    run_json(options_for(input, "out"), 2);
    run_json(resumed(), 2);
    EXPECT_FALSE(said("has changed since"));
    made_up("small", {.cells = 400, .genes = 1500, .types = 4, .rare_types = 0, .continuum_fraction = 0.0, .mean_counts = 2000.0, .seed = 9});
    run_json(resumed(), 2);
    EXPECT_TRUE(said(input + ": has changed since the run that goes on here was started"));
    EXPECT_EQ(record()["inputs"][0]["n_cells"], 400);
}

TEST_F(RunRefusals, resume_without_the_input_says_where_it_was_read) {
    const std::string input = small_sample();
    run_json(options_for(input, "out"), 2);
    fs::rename(input, folder_ / "moved.h5ad");
    const std::string text = refusal(resumed());
    EXPECT_NE(text.find("small.h5ad: does not exist; the run of"), std::string::npos) << text;
    EXPECT_NE(text.find("the folder in which that run was started"), std::string::npos) << text;
}

TEST_F(RunRefusals, a_cell_without_a_name_is_told) {
    Context context({.threads = 2});
    analysis::GenerateResult made = analysis::generate({.cells = 300, .genes = 1500, .types = 3, .rare_types = 0, .mean_counts = 2000.0}, context);
    made.cells.names[6] = "";
    run_json(options_for(written("nameless", made), "out"), 2);
    EXPECT_TRUE(said("1 cell has no name, the first at place 7"));
}

TEST_F(RunRefusals, a_link_that_leads_nowhere_is_no_folder_for_results) {
    fs::create_symlink(folder_ / "nowhere", folder_ / "out");
    const std::string text = refusal(options_for(small_sample(), "out"));
    EXPECT_NE(text.find("is a link to"), std::string::npos) << text;
}

TEST_F(RunRefusals, counts_of_an_atlas_stay_where_they_lie) {
    Context context({.threads = 2});
    run_json(options_for(small_sample(), "first"), 2);
    const std::string cells = read_text_file(folder_ / "first" / "markers.csv", 1 << 26);
    const std::string input = (folder_ / "first" / "data.atlas").string();
    run_json(options_for(input, "out"), 2);
    EXPECT_EQ(read_text_file(folder_ / "out" / "markers.csv", 1 << 26), cells);
    EXPECT_TRUE(atlas::Atlas::open(folder_ / "out" / "data.atlas").dataset_ids().empty());
    EXPECT_FALSE(atlas::Atlas::open(folder_ / "out" / "data.atlas").info(context).derived.empty());
    EXPECT_EQ(record()["inputs"][0]["atlas"], input);
    EXPECT_NE(read_text_file(folder_ / "out" / "report.html", 1 << 26).find("the raw counts lie in"), std::string::npos);
    const Json again = Json::parse(run_json(options_for(input, "out"), 2));
    for (const Json& step : again["steps"]) {
        const std::string name = step["name"];
        if (name.rfind("write", 0) != 0) {
            EXPECT_TRUE(step["cached"].get<bool>()) << name;
        }
    }
}

}  // namespace
}  // namespace morula::pipeline
