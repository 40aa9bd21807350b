#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "morula/analysis/p_values.hpp"
#include "morula/commands/comparison_commands.hpp"
#include "morula/core/file.hpp"
#include "morula/core/random.hpp"
#include "morula/data/dataset.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "morula/formats/text/delimited.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/real_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;
using test::contains;

constexpr std::int64_t kGenes = 120;

/// One sample of a made-up study: 25 cells of type T and `b_cells` of type B.
struct Sample {
    std::string donor;
    std::string group;
    std::string batch;
    double age = 40.0;
    std::int64_t b_cells = 25;
};

/// Genes 0 to 9 are four times as high in "sick", and twice as high in "mild".
data::Dataset study(const std::vector<Sample>& samples, std::uint64_t seed = 11) {
    data::Dataset out;
    out.name = "study";
    matrix::Csr counts;
    counts.n_cols = kGenes;
    std::vector<std::string> names, donor, group, batch, type;
    std::vector<double> age, noise;
    for (std::size_t s = 0; s < samples.size(); ++s) {
        for (std::int64_t cell = 0; cell < 25 + samples[s].b_cells; ++cell) {
            Random random(seed, Purpose::test, s, static_cast<std::uint32_t>(cell));
            Random of_donor(seed + 1, Purpose::test, s, 0);
            for (std::int64_t gene = 0; gene < kGenes; ++gene) {
                const double fold = gene >= 10 ? 1.0 : samples[s].group == "sick" ? 4.0 : samples[s].group == "mild" ? 2.0 : 1.0;
                const double mean = fold * std::exp(0.3 * of_donor.normal());
                const std::int64_t count = random.poisson(mean);
                if (count == 0) continue;
                counts.indices.push_back(static_cast<std::uint32_t>(gene));
                counts.values.push_back(static_cast<float>(count));
            }
            counts.indptr.push_back(static_cast<std::int64_t>(counts.indices.size()));
            ++counts.n_rows;
            names.push_back(samples[s].donor + samples[s].group + samples[s].batch + "_" + std::to_string(cell));
            donor.push_back(samples[s].donor);
            group.push_back(samples[s].group);
            batch.push_back(samples[s].batch);
            type.emplace_back(cell < 25 ? "T" : "B");
            age.push_back(samples[s].age);
            noise.push_back(0.5 + static_cast<double>(cell));
        }
    }
    out.obs = data::Table(names);
    out.obs.set("donor", data::to_categorical(donor));
    out.obs.set("group", data::to_categorical(group));
    out.obs.set("batch", data::to_categorical(batch));
    out.obs.set("type", data::to_categorical(type));
    out.obs.set("age", age);
    out.obs.set("noise", noise);
    std::vector<std::string> genes;
    for (std::int64_t gene = 0; gene < kGenes; ++gene) genes.push_back("G" + std::to_string(gene));
    out.var = data::Table(genes);
    out.layers["X"] = matrix::make_source(std::move(counts));
    return out;
}

class De : public testing::Test {
protected:
    std::string write(const data::Dataset& dataset) {
        const fs::path path = folder_ / ("study" + std::to_string(n_++) + ".h5ad");
        formats::write_h5ad(dataset, path, {}, *context_);
        return path.string();
    }
    CommandResult run(const std::string& input, FieldValues more) { return run_all({input}, std::move(more)); }
    CommandResult run_all(const std::vector<std::string>& inputs, FieldValues more) {
        FieldValues values{{"input", inputs}, {"out", (folder_ / "out").string()}, {"condition", std::string("group")}, {"case", std::string("sick")}, {"control", std::string("well")}, {"donor", std::string("donor")}};
        for (auto& [name, value] : more) {
            std::erase_if(values, [name = name](const auto& entry) { return entry.first == name; });
            values.emplace_back(name, value);
        }
        return de_command().run(values, *context_);
    }
    Error refusal(const std::string& input, FieldValues more) {
        fs::remove_all(folder_ / "out");
        const Error error = test::thrown_by([&] { run(input, std::move(more)); });
        EXPECT_FALSE(fs::exists(folder_ / "out")) << "nothing is left behind";
        return error;
    }
    formats::RawTable table(const std::string& name) { return formats::read_rows(folder_ / "out" / name, {.delimiter = formats::Delimiter::comma}, *context_); }

    test::TemporaryFolder folder_;
    std::unique_ptr<Context> context_ = test::make_context(2);
    int n_ = 0;
};

const std::vector<Sample> kThreeAgainstThree{{"d1", "well", "1"}, {"d2", "well", "1"}, {"d3", "well", "2"}, {"d4", "sick", "1"}, {"d5", "sick", "2"}, {"d6", "sick", "2", 40.0, 4}};

TEST_F(De, three_against_three_donors_are_tested) {
    const CommandResult result = run(write(study(kThreeAgainstThree)), {{"cell_type", std::string("type")}});
    const formats::RawTable genes = table("de.csv");
    EXPECT_EQ(genes.names, (std::vector<std::string>{"cell_type", "gene", "gene_id", "log2fc", "log2fc_shrunk", "se", "p", "fdr", "n_case", "n_control", "status"}));
    std::size_t n_found = 0, n_wrong = 0, n_exploratory = 0;
    for (const auto& row : genes.rows) {
        if (row[0] == "B") {
            EXPECT_EQ(row[7], "") << "two donors with B cells enough: no FDR";
            EXPECT_FALSE(row[6].empty()) << "p stays for ranking";
            EXPECT_EQ(row[8], "2");
            EXPECT_TRUE(contains(row[10], "exploratory: fewer than 3 donors in a group (2 sick, 3 well)")) << row[10];
            ++n_exploratory;
            continue;
        }
        EXPECT_EQ(row[10], "tested");
        const bool real = row[1].size() == 2;  // G0 .. G9
        if (std::stod(row[7]) <= 0.05) ++(real ? n_found : n_wrong);
        if (real) {
            EXPECT_NEAR(std::stod(row[3]), 2.0, 0.9);
        }
    }
    EXPECT_GE(n_found, 8U);
    EXPECT_LE(n_wrong, 2U);
    EXPECT_GT(n_exploratory, 100U);
    const formats::RawTable donors = table("donors.csv");
    EXPECT_EQ(donors.rows.size(), 12U);
    bool said_why = false;
    for (const auto& row : donors.rows) said_why = said_why || (row[0] == "d6" && row[3] == "B" && row[6] == "false" && row[7] == "4 cells, fewer than 10");
    EXPECT_TRUE(said_why);
    const auto json = nlohmann::json::parse(result.json);
    EXPECT_EQ(json["design"], "~ group");
    EXPECT_EQ(json["n_types_tested"], 1);
    EXPECT_EQ(json["n_types_exploratory"], 1);
    EXPECT_EQ(json["cell_types"].size(), 2U);
    EXPECT_TRUE(contains(result.text, "Exploratory means"));
    const auto record = nlohmann::json::parse(read_text_file(folder_ / "out" / "run.json", 1 << 20));
    EXPECT_EQ(record["options"]["condition"], "group");
    EXPECT_TRUE(contains(record["decisions"].dump(), "each donor is in one condition"));
}

const std::vector<Sample> kThreeGrades{{"d1", "well", "1"}, {"d2", "well", "1"}, {"d3", "well", "2"}, {"d4", "mild", "1"}, {"d5", "mild", "2"}, {"d6", "mild", "2"}, {"d7", "sick", "1"}, {"d8", "sick", "1"}, {"d9", "sick", "2", 40.0, 4}};
const FieldValues kGrades{{"case", std::string("mild,sick")}, {"contrast", std::vector<std::string>{"sick - mild"}}, {"cell_type", std::string("type")}};

FieldValues with(FieldValues values, FieldValues more) {
    for (auto& entry : more) values.push_back(std::move(entry));
    return values;
}

TEST_F(De, three_grades_are_compared_in_one_fit_contrast_by_contrast_and_together) {
    const CommandResult result = run(write(study(kThreeGrades)), kGrades);
    const formats::RawTable genes = table("de.csv");
    EXPECT_EQ(genes.names, (std::vector<std::string>{"cell_type", "gene", "gene_id", "log2fc", "log2fc_shrunk", "se", "p", "fdr", "n_case", "n_control", "status", "contrast"})) << "those of two conditions keep their places";
    const std::map<std::string, double> truth{{"mild - well", 1.0}, {"sick - well", 2.0}, {"sick - mild", 1.0}};
    std::map<std::string, std::int64_t> n_rows, n_found, n_wrong;
    std::map<std::string, double> effect;
    for (const auto& row : genes.rows) {
        if (row[0] != "T") continue;
        EXPECT_EQ(row[10], "tested");
        EXPECT_EQ(row[8] + row[9], "33");
        const bool real = row[1].size() == 2;  // G0 .. G9
        ++n_rows[row[11]];
        ++(real ? n_found : n_wrong)[std::stod(row[7]) <= 0.05 ? row[11] : "not"];
        if (real) effect[row[11]] += std::stod(row[3]) / 10.0;
    }
    ASSERT_EQ(n_rows.size(), 3U);
    for (const auto& [contrast, log2fc] : truth) {
        EXPECT_EQ(n_rows[contrast], n_rows["sick - well"]) << "one fit has the same genes for all";
        EXPECT_NEAR(effect[contrast], log2fc, 0.4) << contrast;
        EXPECT_LE(n_wrong[contrast], 2) << contrast;
    }
    EXPECT_GE(n_found["sick - well"], 9);
    EXPECT_NEAR(effect["sick - mild"], effect["sick - well"] - effect["mild - well"], 1e-6);

    const formats::RawTable together = table("together.csv");
    EXPECT_EQ(together.names, (std::vector<std::string>{"cell_type", "gene", "gene_id", "f", "df", "p", "fdr", "log2fc_mild", "log2fc_sick", "n_well", "n_mild", "n_sick", "status"}));
    std::int64_t n_together = 0;
    for (const auto& row : together.rows) {
        EXPECT_EQ(row[4], "2") << "two coefficients";
        if (row[0] == "B") {
            EXPECT_EQ(row[6], "") << "two donors with B cells enough in one of the grades";
            EXPECT_TRUE(contains(row[12], "exploratory: fewer than 3 donors in a group (2 sick, 3 well) (sick - well)")) << row[12];
        } else if (row[1].size() == 2) {
            n_together += std::stod(row[6]) <= 0.05;
        }
    }
    EXPECT_GE(n_together, 8);
    // Of B cells the two contrasts with "sick" are exploratory, the other is tested in the same fit.
    std::map<std::string, std::set<std::string>> of_b;
    for (const auto& row : genes.rows) {
        if (row[0] == "B") of_b[row[11]].insert(row[10] + (row[7].empty() ? "" : "; with an FDR"));
    }
    EXPECT_EQ(of_b["mild - well"], (std::set<std::string>{"tested; with an FDR"}));
    EXPECT_EQ(of_b["sick - mild"], (std::set<std::string>{"exploratory: fewer than 3 donors in a group (2 sick, 3 mild)"}));

    const auto json = nlohmann::json::parse(result.json);
    EXPECT_EQ(json["cell_types"].size(), 6U);
    EXPECT_EQ(json["n_types_tested"], 2);
    EXPECT_EQ(json["together"].size(), 2U);
    EXPECT_GE(json["together"][1]["n_changed"].get<int>(), 8) << json["together"];
    EXPECT_EQ(table("donors.csv").rows.size(), 18U) << "a sample stands once a type, whatever it was compared with";
    EXPECT_TRUE(contains(result.text, "mild, sick against well")) << result.text;
    EXPECT_TRUE(contains(result.text, "T, sick - mild (3 against 3 donors)")) << result.text;
    EXPECT_TRUE(contains(result.text, "genes differ between some of them at FDR 5 %")) << result.text;
    // Two conditions into the same folder: together.csv would be taken for theirs.
    run(write(study(kThreeGrades)), {});
    EXPECT_FALSE(fs::exists(folder_ / "out" / "together.csv"));
    EXPECT_EQ(table("de.csv").names.back(), "status");
}

TEST_F(De, several_grades_without_a_difference_are_told_in_full) {
    data::Dataset dataset = study({{"d1", "well", "1"}, {"d2", "well", "1"}, {"d3", "well", "1"}, {"d4", "well", "1"}, {"d5", "well", "1"}, {"d6", "well", "1"}, {"d7", "well", "1"}, {"d8", "well", "1"}, {"d9", "well", "1"}});
    std::vector<std::string> groups;
    for (const std::string& donor : data::column_texts(dataset.obs.at("donor"))) groups.emplace_back(donor < "d4" ? "well" : donor < "d7" ? "mild" : "sick");
    dataset.obs.set("group", data::to_categorical(groups));
    const CommandResult result = run(write(dataset), {{"case", std::string("mild, sick")}});
    EXPECT_TRUE(contains(result.text, "all conditions together (3, 3, 3 donors): no gene differs between any of them at FDR 5 % among 120 tested")) << result.text;
    for (const char* contrast : {"mild - well", "sick - well"}) EXPECT_TRUE(contains(result.text, std::string("all, ") + contrast + " (3 against 3 donors): no gene at FDR 5 % among 120 tested")) << result.text;
}

TEST_F(De, donors_in_several_grades_are_compared_with_themselves) {
    std::vector<Sample> samples;
    for (const char* donor : {"d1", "d2", "d3", "d4"}) {
        for (const char* group : {"well", "mild", "sick"}) samples.push_back({donor, group, "1"});
    }
    samples.erase(samples.begin() + 2);          // d1 has no "sick"
    samples.push_back({"d5", "sick", "1"});      // and d5 nothing else
    const auto json = nlohmann::json::parse(run(write(study(samples)), {{"case", std::string("mild,sick")}}).json);
    EXPECT_EQ(json["design"], "~ donor + group");
    EXPECT_EQ(json["cell_types"][0]["n_case"], 4);
    EXPECT_EQ(json["cell_types"][1]["n_case"], 3) << "d5 tells nothing of a difference";
    EXPECT_EQ(json["cell_types"][1]["status"], "tested") << "three donors have both";
    EXPECT_TRUE(contains(json["warnings"].dump(), "1 donors are in one condition only"));
    const auto mean = nlohmann::json::parse(run(write(study(samples)), {{"case", std::string("mild,sick")}, {"contrast", std::vector<std::string>{"(mild + sick) / 2 - well"}}}).json);
    EXPECT_EQ(mean["cell_types"][2]["contrast"], "(mild + sick) / 2 - well");
}

TEST_F(De, what_cannot_be_told_of_some_grades_is_refused_and_named) {
    const std::string input = write(study(kThreeGrades));
    const auto of = [&](const std::string& cases, std::vector<std::string> contrasts) { return refusal(input, {{"case", cases}, {"contrast", std::move(contrasts)}}); };
    EXPECT_EQ(of("mild,sik", {}).code(), ErrorCode::not_found);
    EXPECT_TRUE(contains(of("mild,sik", {}).next(), "'sick'"));
    EXPECT_EQ(of("mild,sick,mild", {}).code(), ErrorCode::usage);
    EXPECT_EQ(of("mild,well", {}).code(), ErrorCode::usage);
    EXPECT_EQ(of("mild,", {}).code(), ErrorCode::not_found);
    EXPECT_TRUE(contains(of("mild,sick", {"sick - well"}).message(), "asks the same as 'sick - well'"));
    EXPECT_TRUE(contains(of("mild,sick", {"sick"}).message(), "add up to 1"));
    EXPECT_TRUE(contains(of("mild", {"sick - mild"}).message(), "'sick' is no level that is compared"));
    // A grade of its own batch: it cannot be told, the other can.
    std::vector<Sample> apart = kThreeGrades;
    for (Sample& sample : apart) sample.batch = sample.group == "sick" ? "2" : "1";
    const std::string batches = write(study(apart));
    const Error confounded = refusal(batches, {{"case", std::string("mild,sick")}, {"batch", std::string("batch")}});
    EXPECT_EQ(confounded.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(contains(confounded.message(), "the contrast 'sick - well' is confounded with batch 'batch'")) << confounded.message();
    EXPECT_TRUE(contains(confounded.message(), "2          0      0      3")) << confounded.message();
    EXPECT_TRUE(contains(confounded.next(), "name fewer with --case")) << confounded.next();
    EXPECT_EQ(nlohmann::json::parse(run(batches, {{"case", std::string("mild")}, {"batch", std::string("batch")}}).json)["n_types_tested"], 1);
}

TEST_F(De, a_type_that_one_grade_lacks_is_compared_among_the_others) {
    std::vector<Sample> samples = kThreeGrades;
    for (Sample& sample : samples) sample.b_cells = sample.group == "well" ? 0 : 25;
    const auto json = nlohmann::json::parse(run(write(study(samples)), kGrades).json);
    std::map<std::string, std::string> status;
    for (const auto& entry : json["cell_types"]) {
        if (entry["cell_type"] == "B") status[entry["contrast"]] = entry["status"];
    }
    EXPECT_EQ(status["sick - mild"], "tested");
    EXPECT_EQ(status["sick - well"], "not compared: no donor with enough cells in 'well'");
    std::size_t n_used = 0;
    for (const auto& row : table("donors.csv").rows) n_used += row[3] == "B" && row[6] == "true";
    EXPECT_EQ(n_used, 6U);
    for (const auto& row : table("together.csv").rows) EXPECT_EQ(row[0], "T");
}

TEST_F(De, values_with_commas_stay_whole) {
    data::Dataset dataset = study(kThreeGrades);
    std::vector<std::string> groups = data::column_texts(dataset.obs.at("group"));
    for (std::string& group : groups) group = group == "well" ? "none" : group == "mild" ? "colitis, mild" : "colitis, severe";
    dataset.obs.set("group", data::to_categorical(groups));
    const std::string input = write(dataset);
    const FieldValues control{{"control", std::string("none")}};
    EXPECT_EQ(nlohmann::json::parse(run(input, with(control, {{"case", std::string("colitis, mild")}})).json)["cell_types"].size(), 1U);
    const auto json = nlohmann::json::parse(run(input, with(control, {{"case", std::string("colitis, mild, colitis, severe")}, {"contrast", std::vector<std::string>{"colitis, severe - colitis, mild"}}})).json);
    EXPECT_EQ(json["cell_types"][2]["contrast"], "colitis, severe - colitis, mild");
}

TEST_F(De, grades_of_several_data_sets_are_pooled_contrast_by_contrast) {
    const std::vector<std::string> inputs{write(study(kThreeGrades, 21)), write(study(kThreeGrades, 31))};
    const CommandResult result = run_all(inputs, kGrades);
    std::map<std::string, double> effect;
    for (const auto& row : table("pooled.csv").rows) {
        if (row[0] == "T" && row[2].size() == 2) effect[row[18]] += std::stod(row[4]) / 10.0;
    }
    ASSERT_EQ(effect.size(), 3U);
    EXPECT_NEAR(effect["sick - well"], 2.0, 0.3);
    EXPECT_NEAR(effect["sick - mild"], 1.0, 0.3);
    EXPECT_TRUE(fs::exists(folder_ / "out" / "study1.h5ad" / "together.csv"));
    EXPECT_TRUE(contains(result.text, "T, sick - mild against other donors, 2 data sets")) << result.text;
}

TEST_F(De, tables_are_the_same_at_any_number_of_threads) {
    const std::string input = write(study(kThreeAgainstThree));
    const std::string grades = write(study(kThreeGrades));
    std::set<std::string> tables, of_grades;
    for (const std::int32_t threads : {1, 2, 4}) {
        context_ = test::make_context(threads);
        run(input, {{"cell_type", std::string("type")}});
        tables.insert(read_text_file(folder_ / "out" / "de.csv", 1 << 24) + read_text_file(folder_ / "out" / "donors.csv", 1 << 24));
        run(grades, kGrades);
        of_grades.insert(read_text_file(folder_ / "out" / "de.csv", 1 << 24) + read_text_file(folder_ / "out" / "together.csv", 1 << 24));
    }
    EXPECT_EQ(tables.size(), 1U);
    EXPECT_EQ(of_grades.size(), 1U);
}

TEST_F(De, a_null_result_is_told_in_full) {
    const std::vector<Sample> same{{"d1", "well", "1"}, {"d2", "well", "1"}, {"d3", "well", "1"}, {"d4", "sick", "1"}, {"d5", "sick", "1"}, {"d6", "sick", "1"}};
    data::Dataset dataset = study(same);
    std::vector<std::string> shuffled;  // each donor's label turned so that the effect is in one of each three
    for (const std::string& donor : data::column_texts(dataset.obs.at("donor"))) shuffled.emplace_back(donor == "d1" || donor == "d2" || donor == "d4" ? "sick" : "well");
    dataset.obs.set("group", data::to_categorical(shuffled));
    const CommandResult result = run(write(dataset), {});
    EXPECT_TRUE(contains(result.text, "no gene at FDR 5 % among 120 tested")) << result.text;
    EXPECT_TRUE(contains(result.text, "-fold change on")) << result.text;
}

TEST_F(De, donors_in_both_conditions_are_compared_with_themselves) {
    std::vector<Sample> samples;
    for (const char* donor : {"d1", "d2", "d3", "d4"}) {
        samples.push_back({donor, "well", "1"});
        samples.push_back({donor, "sick", "1"});
    }
    samples.push_back({"d5", "sick", "1"});
    const std::string input = write(study(samples));
    const auto json = nlohmann::json::parse(run(input, {}).json);
    EXPECT_EQ(json["design"], "~ donor + group");
    EXPECT_EQ(json["cell_types"][0]["n_case"], 4);
    EXPECT_TRUE(contains(json["warnings"].dump(), "1 donors are in one condition only"));
    const Error error = refusal(input, {{"design", std::string("~ group")}});
    EXPECT_EQ(error.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(contains(error.message(), "'d1' is in both conditions"));
}

TEST_F(De, one_donor_in_both_conditions_does_not_turn_a_study_of_many_into_pairs) {
    std::vector<Sample> samples = kThreeAgainstThree;
    samples.push_back({"d1", "sick", "1"});
    const auto json = nlohmann::json::parse(run(write(study(samples)), {}).json);
    EXPECT_EQ(json["design"], "~ group") << "two and three donors with one condition outnumber the one with both";
    EXPECT_EQ(json["cell_types"][0]["n_control"], 2);
    EXPECT_TRUE(contains(json["warnings"].dump(), "one donor of 'donor' with cells in both well and sick take no part")) << json["warnings"].dump();
    EXPECT_TRUE(contains(json["warnings"].dump(), "d1"));
}

TEST_F(De, the_recipes_are_two_tests_of_the_same_genes) {
    const std::string input = write(study(kThreeAgainstThree));
    const auto older = nlohmann::json::parse(run(input, {}).json);
    const formats::RawTable of_older = table("de.csv");
    const auto newer = nlohmann::json::parse(run(input, {{"recipe", std::string("edger-4")}}).json);
    const formats::RawTable of_newer = table("de.csv");
    EXPECT_EQ(older["cell_types"][0]["n_genes"], newer["cell_types"][0]["n_genes"]);
    EXPECT_NE(older["cell_types"][0]["prior_df"], newer["cell_types"][0]["prior_df"]);
    ASSERT_EQ(of_older.rows.size(), of_newer.rows.size());
    EXPECT_NE(of_older.rows, of_newer.rows);
}

TEST_F(De, cells_without_a_donor_take_no_part_and_are_counted) {
    data::Dataset dataset = study(kThreeAgainstThree);
    std::vector<std::string> donors = data::column_texts(dataset.obs.at("donor"));
    data::Categorical with_gaps = data::to_categorical(donors);
    for (std::size_t cell = 0; cell < 7; ++cell) with_gaps.codes[cell] = -1;
    dataset.obs.set("donor", with_gaps);
    const auto json = nlohmann::json::parse(run(write(dataset), {}).json);
    EXPECT_TRUE(contains(json["warnings"].dump(), "7 rows of the two conditions have no value in 'donor'")) << json["warnings"].dump();
    EXPECT_EQ(refusal(write(dataset), {{"donor", std::string("group")}}).code(), ErrorCode::usage) << "the condition is no donor";
}

TEST_F(De, a_blank_is_no_donor_and_no_type) {
    data::Dataset dataset = study({{"d1", "well", "1"}, {"", "well", "1"}, {"d3", "well", "2"}, {"d4", "sick", "1"}, {"d5", "sick", "2"}, {"d6", "sick", "2"}});
    const auto json = nlohmann::json::parse(run(write(dataset), {}).json);
    EXPECT_EQ(json["n_types_tested"], 0) << "two named donors are two";
    EXPECT_EQ(json["cell_types"][0]["n_control"], 2);
}

TEST_F(De, a_folder_that_cannot_be_is_refused_before_anything_is_computed) {
    const std::string input = write(study(kThreeAgainstThree));
    EXPECT_EQ(test::error_code([&] { run(input, {{"out", input}}); }), ErrorCode::invalid_data);
    EXPECT_EQ(test::error_code([&] { run(input, {{"out", input + "/below"}}); }), ErrorCode::invalid_data);
    EXPECT_EQ(test::error_code([&] { run(input, {{"out", std::string()}}); }), ErrorCode::usage);
}

TEST_F(De, several_data_sets_are_compared_one_by_one_and_pooled) {
    std::vector<Sample> paired;
    for (const char* donor : {"p1", "p2", "p3", "p4"}) {
        paired.push_back({donor, "well", "1"});
        paired.push_back({donor, "sick", "1"});
    }
    const std::vector<Sample> confounded{{"c1", "well", "1"}, {"c2", "sick", "1"}};
    const std::vector<std::string> inputs{write(study(kThreeAgainstThree, 21)), write(study(kThreeAgainstThree, 31)), write(study(paired, 41)), write(study(confounded, 51))};
    std::set<std::string> tables;
    CommandResult result;
    for (const std::int32_t threads : {1, 2, 4}) {
        context_ = test::make_context(threads);
        result = run_all(inputs, {{"cell_type", std::string("type")}});
        tables.insert(read_text_file(folder_ / "out" / "pooled.csv", 1 << 24));
    }
    EXPECT_EQ(tables.size(), 1U) << "the same bits at any number of threads";
    const auto json = nlohmann::json::parse(result.json);
    ASSERT_EQ(json["datasets"].size(), 4U);
    EXPECT_TRUE(contains(json["datasets"][3]["refused"].get<std::string>(), "one donor in each condition"));
    EXPECT_EQ(json["datasets"][2]["controls"], "the same donors");
    EXPECT_EQ(json["n_datasets_compared"], 3);
    // Type T: two data sets against other donors, one against the same donors, which is kept apart and alone.
    std::size_t n_found = 0, n_wrong = 0;
    for (const auto& row : table("pooled.csv").rows) {
        ASSERT_EQ(row[0], "T") << "B cells were tested in one data set of each kind";
        EXPECT_EQ(row[1], "other donors");
        EXPECT_EQ(row[12], "2");
        EXPECT_EQ(row[16], "6") << "donors of both data sets";
        const bool real = row[2].size() == 2;  // G0 .. G9
        if (std::stod(row[15]) <= 0.05) ++(real ? n_found : n_wrong);
        if (real) {
            EXPECT_NEAR(std::stod(row[4]), 2.0, 0.8);
        }
    }
    EXPECT_GE(n_found, 8U);
    EXPECT_LE(n_wrong, 1U);
    EXPECT_TRUE(contains(result.text, "T against the same donors: tested in")) << result.text;
    for (const char* name : {"study0.h5ad", "study1.h5ad", "study2.h5ad"}) EXPECT_TRUE(fs::exists(folder_ / "out" / name / "de.csv")) << name;
    EXPECT_FALSE(fs::exists(folder_ / "out" / "study3.h5ad"));
    // One data set into the same folder: what the several left is gone, and nothing else.
    write_text_file(folder_ / "out" / "mine.txt", "kept");
    run(inputs[0], {{"cell_type", std::string("type")}});
    EXPECT_TRUE(fs::exists(folder_ / "out" / "de.csv"));
    EXPECT_TRUE(fs::exists(folder_ / "out" / "mine.txt"));
    EXPECT_FALSE(fs::exists(folder_ / "out" / "pooled.csv"));
    EXPECT_FALSE(fs::exists(folder_ / "out" / "study1.h5ad")) << "the folders of the data sets too";
    FieldValues twice{{"cell_type", std::string("type")}};
    EXPECT_EQ(test::thrown_by([&] { run_all({inputs[0], inputs[0]}, twice); }).code(), ErrorCode::usage);
}

TEST_F(De, designs_with_batch_numbers_and_factors) {
    std::vector<Sample> samples = kThreeAgainstThree;
    for (std::size_t s = 0; s < samples.size(); ++s) samples[s].age = 30.0 + 7.0 * static_cast<double>(s * s % 5);
    const std::string input = write(study(samples));
    EXPECT_EQ(nlohmann::json::parse(run(input, {{"batch", std::string("batch")}}).json)["design"], "~ batch + group");
    EXPECT_EQ(nlohmann::json::parse(run(input, {{"design", std::string("~age+group")}}).json)["design"], "~ age + group");
    const Error differs = refusal(input, {{"design", std::string("~ noise + group")}});
    EXPECT_EQ(differs.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(contains(differs.message(), "'noise' of the design differs among the cells of donor 'd1'")) << differs.message();
    samples[2].age = std::numeric_limits<double>::infinity();
    const Error endless = refusal(write(study(samples)), {{"design", std::string("~ age + group")}});
    EXPECT_TRUE(contains(endless.message(), "column 'age' of the design holds inf for donor 'd3'")) << endless.message();
}

TEST_F(De, what_cannot_be_told_is_refused) {
    const std::string input = write(study(kThreeAgainstThree));
    EXPECT_EQ(refusal(input, {{"condition", std::string("grup")}}).code(), ErrorCode::not_found);
    const Error value = refusal(input, {{"case", std::string("sik")}});
    EXPECT_EQ(value.code(), ErrorCode::not_found);
    EXPECT_TRUE(contains(value.next(), "'sick'"));
    EXPECT_EQ(refusal(input, {{"case", std::string("well")}}).code(), ErrorCode::usage);
    EXPECT_EQ(refusal(input, {{"design", std::string("~ batch")}}).code(), ErrorCode::usage) << "the condition is not in the design";
    EXPECT_EQ(refusal(input, {{"design", std::string("~ donor*group")}}).code(), ErrorCode::usage);
    EXPECT_EQ(refusal(input, {{"design", std::string("~ donor + group")}}).code(), ErrorCode::invalid_data) << "unpaired pairs";
    EXPECT_TRUE(contains(refusal(input, {{"cell_type", std::string("noise")}}).message(), "name no cell types"));
    EXPECT_EQ(refusal(input, {{"recipe", std::string("edger-5")}}).code(), ErrorCode::usage);
    EXPECT_TRUE(contains(refusal(input, {{"layer", std::string("scVI_denoised")}}).message(), "denoised or corrected"));
    EXPECT_TRUE(contains(refusal(input, {{"min_cells", std::int64_t{1000}}}).message(), "no cell type can be compared"));

    const Error batch = refusal(write(study({{"d1", "well", "b1"}, {"d2", "well", "b1"}, {"d3", "well", "b1"}, {"d4", "sick", "b2"}, {"d5", "sick", "b2"}, {"d6", "sick", "b2"}})), {{"batch", std::string("batch")}});
    EXPECT_TRUE(contains(batch.message(), "confounded with batch 'batch'")) << batch.message();
    EXPECT_TRUE(contains(batch.message(), "b2         0      3")) << batch.message();
    EXPECT_TRUE(contains(refusal(write(study({{"d1", "well", "1"}, {"d1", "sick", "1"}})), {}).message(), "one donor"));
    EXPECT_TRUE(contains(refusal(write(study({{"d1", "well", "1"}, {"d2", "well", "1"}})), {}).message(), "only one value, 'well'"));

    data::Dataset logged = study(kThreeAgainstThree);
    logged.layers["X"] = matrix::log1p_scaled(logged.layers["X"], std::vector<double>(static_cast<std::size_t>(logged.n_cells()), 0.7));
    const Error log_values = refusal(write(logged), {});
    EXPECT_EQ(log_values.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(contains(log_values.message(), "counts")) << log_values.message();
}

/// Interferon-beta on blood cells of two donors: of ten genes that interferon raises, in five types, at least 44 of 50 rise with a BH-adjusted p below .05. The
/// tool itself, with two donors, must not claim a false discovery rate.
TEST_F(De, interferon_genes_rise_in_the_cells_of_kang) {
    MORULA_REAL_DATA(kang, "kang-ifnb/kang_muscat_1556.h5ad");
    const CommandResult result = run(kang.string(), {{"condition", std::string("group_id")}, {"case", std::string("stim")}, {"control", std::string("ctrl")}, {"cell_type", std::string("cluster_id")},
                                                     {"derive", std::vector<std::string>{"donor=sample_id:[0-9]+"}}, {"design", std::string("~ donor + group_id")}});
    std::map<std::string, std::vector<std::vector<std::string>>> types;
    for (const auto& row : table("de.csv").rows) {
        EXPECT_EQ(row[7], "");
        EXPECT_TRUE(contains(row[10], "exploratory"));
        types[row[0]].push_back(row);
    }
    EXPECT_EQ(types.size(), 5U);
    const std::set<std::string> interferon{"ISG15", "IFI6", "IFIT1", "IFIT2", "IFIT3", "MX1", "OAS1", "IFITM1", "LY6E", "ISG20"};
    std::size_t n_rising = 0;
    for (const auto& [name, rows] : types) {
        std::vector<double> log10_p;
        for (const auto& row : rows) log10_p.push_back(std::log10(std::stod(row[6])));
        const std::vector<double> fdr = analysis::log10_fdr(log10_p);
        for (std::size_t i = 0; i < rows.size(); ++i) n_rising += interferon.count(rows[i][1]) != 0 && std::stod(rows[i][3]) > 0.0 && fdr[i] < std::log10(0.05) ? 1U : 0U;
    }
    EXPECT_GE(n_rising, 44U);
    EXPECT_TRUE(contains(result.text, "Exploratory means"));
}

}  // namespace
}  // namespace morula::commands
