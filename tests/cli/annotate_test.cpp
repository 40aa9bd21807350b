// `morula annotate` and `morula knowledge add` as a user runs them, on made-up cells.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/program_test.hpp"

namespace morula {
namespace {

using Json = nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

class Annotate : public test::ProgramTest {
protected:
    void make_blood(const std::string& name, const std::string& cells, const std::string& donors, const std::string& seed) const {
        const test::Outcome made = morula({"generate", "--preset", "blood", "--cells", cells, "--donors", donors, "--seed", seed, "--out", name});
        ASSERT_EQ(made.status, 0) << made.err;
    }
    /// Fields of a CSV file without quotes; the header first.
    Rows csv(const std::string& name) const {
        Rows rows;
        std::stringstream lines(read_text_file(folder_ / name, 1 << 26));
        for (std::string line; std::getline(lines, line);) {
            rows.emplace_back();
            std::string field;
            std::stringstream fields(line);
            while (std::getline(fields, field, ',')) rows.back().push_back(field);
            if (line.ends_with(',')) rows.back().emplace_back();
        }
        return rows;
    }
    Json refusal(const std::vector<std::string>& arguments, int status) const {
        std::vector<std::string> words = arguments;
        words.emplace_back("--json");
        const test::Outcome outcome = morula(words);
        EXPECT_EQ(outcome.status, status) << outcome.out << outcome.err;
        const Json json = Json::parse(outcome.out, nullptr, false);
        if (!json.is_object() || !json.contains("error")) {
            ADD_FAILURE() << outcome.out << outcome.err;
            return {{"message", ""}, {"next", ""}};
        }
        return json["error"];
    }
    static bool has(const Json& error, const char* key, const std::string& text) { return error[key].get<std::string>().find(text) != std::string::npos; }
};

TEST_F(Annotate, writes_the_promised_columns_and_no_percentage_without_calibration) {
    make_blood("reference.h5ad", "900", "3", "1");
    make_blood("query.h5ad", "500", "1", "2");
    const test::Outcome outcome = morula({"annotate", "query.h5ad", "--reference", "reference.h5ad", "--label", "true_type", "--donor", "donor", "--out", "out"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("uncalibrated score"), std::string::npos) << outcome.out;
    EXPECT_EQ(outcome.out.find('%'), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.err.find("3 donors; 9 are needed"), std::string::npos) << outcome.err;
    const Rows labels = csv("out/labels.csv");
    ASSERT_EQ(labels.size(), 501U);
    EXPECT_EQ(labels[0], (std::vector<std::string>{"cell", "label", "confidence", "label_set", "novelty_p", "ontology_id"}));
    for (std::size_t row = 1; row < labels.size(); ++row) {
        ASSERT_EQ(labels[row].size(), 6U);
        EXPECT_LE(std::stod(labels[row][2]), 1.0);
        EXPECT_GT(std::stod(labels[row][4]), 0.0);
        EXPECT_FALSE(labels[row][3].empty());
        EXPECT_TRUE(labels[row][5].empty());
    }
    EXPECT_EQ(csv("out/reliability.csv").size(), 1U);
    EXPECT_EQ(csv("out/agreement.csv")[0][0], "label");
    EXPECT_EQ(csv("out/opinions.csv").size(), 501U);
    const Json record = Json::parse(read_text_file(folder_ / "out/run.json", 1 << 24));
    EXPECT_EQ(record["command"], "annotate");
    EXPECT_EQ(record["results"]["confidence"], "uncalibrated score");
    EXPECT_EQ(record["inputs"].size(), 2U);
}

TEST_F(Annotate, says_that_a_file_cannot_be_its_own_reference) {
    make_blood("reference.h5ad", "600", "3", "1");
    make_blood("query.h5ad", "300", "1", "2");
    const test::Outcome own = morula({"annotate", "reference.h5ad", "--reference", "./reference.h5ad", "--label", "true_type", "--donor", "donor", "--out", "out"});
    ASSERT_EQ(own.status, 0) << own.err;
    EXPECT_NE(own.err.find("reference.h5ad: query and reference are one: each labelled cell finds itself"), std::string::npos) << own.err;
    EXPECT_EQ(morula({"annotate", "query.h5ad", "--reference", "reference.h5ad", "--label", "true_type", "--donor", "donor", "--out", "out"}).err.find("finds itself"), std::string::npos);
}

TEST_F(Annotate, gives_the_same_files_at_any_thread_count) {
    make_blood("reference.h5ad", "900", "10", "1");
    make_blood("query.h5ad", "400", "1", "2");
    for (const std::string threads : {"1", "2", "4"}) {
        ASSERT_EQ(morula({"annotate", "query.h5ad", "--reference", "reference.h5ad", "--label", "true_type", "--donor", "donor", "--threads", threads, "--out", "out" + threads}).status, 0);
        for (const char* name : {"/labels.csv", "/agreement.csv", "/opinions.csv", "/reliability.csv", "/label_set_thresholds.csv"}) {
            EXPECT_EQ(read_text_file(folder_ / ("out" + threads + name), 1 << 24), read_text_file(folder_ / (std::string("out1") + name), 1 << 24)) << name << " with " << threads;
        }
    }
    EXPECT_EQ(csv("out1/reliability.csv").size(), 11U);
    const Rows thresholds = csv("out1/label_set_thresholds.csv");
    EXPECT_EQ(thresholds.size(), 10U);
    EXPECT_EQ(Json::parse(read_text_file(folder_ / "out1/run.json", 1 << 24))["results"]["n_calibration_donors"], 10);
}

TEST_F(Annotate, gives_terms_of_an_ontology_and_stops_at_a_parent) {
    make_blood("reference.h5ad", "1500", "1", "1");
    make_blood("query.h5ad", "800", "1", "2");
    std::string obo = "format-version: 1.2\n";
    const auto term = [&](const std::string& id, const std::string& name, const std::string& parent) {
        obo += "\n[Term]\nid: " + id + "\nname: " + name + "\n" + (parent.empty() ? "" : "is_a: " + parent + "\n");
    };
    term("CL:0000000", "cell", "");
    term("CL:0000084", "T cell", "CL:0000000");
    term("CL:0000624", "CD4 T cell", "CL:0000084");
    term("CL:0000895", "naive CD4 T cell", "CL:0000624");
    term("CL:0000897", "memory CD4 T cell", "CL:0000624");
    term("CL:0000236", "B cell", "CL:0000000");
    for (int i = 0; i < 40; ++i) term("CL:1" + std::to_string(i), "other cell " + std::to_string(i), "CL:0000000");
    write_text_file(folder_ / "small.obo", obo);
    ASSERT_EQ(morula({"knowledge", "add", "small.obo", "--kind", "cell-ontology", "--to", "knowledge"}).status, 0);
    const test::Outcome outcome = morula({"annotate", "query.h5ad", "--reference", "reference.h5ad", "--label", "true_type", "--ontology", "knowledge", "--out", "out"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.err.find("has no term named"), std::string::npos) << outcome.err;
    std::map<std::string, std::string> id_of;
    const Rows labels = csv("out/labels.csv");
    for (std::size_t row = 1; row < labels.size(); ++row) {
        const auto [found, fresh] = id_of.emplace(labels[row][1], labels[row][5]);
        EXPECT_EQ(found->second, labels[row][5]);
        if (labels[row][1] == "CD4 T cell") {
            EXPECT_NE(labels[row][3].find('|'), std::string::npos);
        }
    }
    EXPECT_EQ(id_of["B"], "CL:0000236");
    EXPECT_EQ(id_of["CD4 T cell"], "CL:0000624");  // between naive and memory
    EXPECT_EQ(id_of["NK"], "");
}

TEST_F(Annotate, without_a_reference_labels_clusters_by_markers) {
    make_blood("query.h5ad", "1500", "1", "2");
    const test::Outcome outcome = morula({"annotate", "query.h5ad", "--out", "out"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.out.find('%'), std::string::npos) << outcome.out;
    const Rows labels = csv("out/labels.csv");
    ASSERT_EQ(labels.size(), 1501U);
    EXPECT_EQ(labels[0][4], "novelty_p");
    std::map<std::string, int> n;
    for (std::size_t row = 1; row < labels.size(); ++row) ++n[labels[row][1]];
    EXPECT_GT(n["B cell"], 100);
    EXPECT_GE(csv("out/clusters.csv").size(), 5U);
}

TEST_F(Annotate, bad_input_is_refused_with_what_to_do) {
    make_blood("reference.h5ad", "300", "1", "1");
    const auto of = [](const std::string& query, const std::string& reference, const std::string& label) {
        return std::vector<std::string>{"annotate", query, "--reference", reference, "--label", label, "--out", "out"};
    };
    Json error = refusal(of("reference.h5ad", "reference.h5ad", "true_pseudotime"), 2);
    EXPECT_TRUE(has(error, "message", "holds numbers")) << error;
    EXPECT_TRUE(has(error, "next", "true_type")) << error;
    error = refusal(of("reference.h5ad", "reference.h5ad", "true_tipe"), 3);
    EXPECT_TRUE(has(error, "message", "reference.h5ad: obs has no column 'true_tipe'")) << error;
    EXPECT_TRUE(has(error, "next", "true_type")) << error;
    error = refusal(of("reference.h5ad", "reference.h5ad", "batch"), 2);
    EXPECT_TRUE(has(error, "message", "all cells have the label")) << error;
    make_sample("made-up.h5ad", "200");
    error = refusal(of("made-up.h5ad", "reference.h5ad", "true_type"), 2);
    EXPECT_TRUE(has(error, "message", "share 0 genes of 7039 and 1500")) << error;
    std::string fractions = "gene,c1,c2,c3\n";
    for (int gene = 0; gene < 300; ++gene) fractions += "GENE" + std::to_string(gene) + ",0.5,1.25,0\n";
    write_text_file(folder_ / "log.csv", fractions);
    error = refusal({"annotate", "log.csv", "--orientation", "genes-in-rows", "--reference", "reference.h5ad", "--label", "true_type", "--out", "out"}, 2);
    EXPECT_TRUE(has(error, "message", "log.csv")) << error;
    write_text_file(folder_ / "terms.csv", "label,ontology_id\nB,CL:0000003\n");
    write_text_file(folder_ / "small.obo", "[Term]\nid: CL:0000000\nname: cell\n[Term]\nid: CL:0000003\nname: obsolete native cell\nis_obsolete: true\nreplaced_by: CL:0000000\n");
    std::vector<std::string> words = of("reference.h5ad", "reference.h5ad", "true_type");
    words.insert(words.end(), {"--ontology", "small.obo", "--terms", "terms.csv"});
    error = refusal(words, 2);
    EXPECT_TRUE(has(error, "message", "CL:0000000 (cell) replaces it")) << error;
    EXPECT_TRUE(has(error, "next", "CL:0000000")) << error;
    write_text_file(folder_ / "terms.csv", "label,ontology_id\nB,CL:0000999\n");
    error = refusal(words, 2);
    EXPECT_TRUE(has(error, "message", "line 2")) << error;
    EXPECT_TRUE(has(error, "message", "is not in small.obo")) << error;
    EXPECT_EQ(refusal({"annotate", "reference.h5ad", "--reference", "reference.h5ad", "--out", "out"}, 64)["code"], "usage");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

}  // namespace
}  // namespace morula
