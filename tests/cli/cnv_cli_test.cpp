// `morula cnv` as a user meets it: a made-up patient seen twice, no reference, and what is refused.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/program_test.hpp"

namespace morula {
namespace {

using Json = nlohmann::json;
using test::Outcome;
using test::rows_of;

class CnvCliTest : public test::ProgramTest {
protected:
    void SetUp() override {
        const Outcome made = morula({"generate", "cohort", "--donors", "3", "--diseased", "1", "--cells", "700", "--cells-sd", "0", "--genes", "4000", "--types", "5", "--clone-donors", "1", "--followed", "1", "--clone-fraction", "0.9", "--mean-counts",
                                     "3000", "--seed", "5", "--out", "cohort.h5ad"});
        ASSERT_EQ(made.status, 0) << made.err;
    }
    Outcome cnv(const std::string& cells, const std::string& out, std::vector<std::string> more) const {
        std::vector<std::string> arguments{"cnv", "cohort.h5ad", "--reference-cells", "condition=healthy", "--cells", cells, "--donor", "donor", "--resolution", "3", "--out", out};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return morula(arguments);
    }
};

TEST_F(CnvCliTest, two_samples_of_one_patient) {
    const Outcome first = cnv("time_point=first", "first", {"--json"});
    ASSERT_EQ(first.status, 0) << first.err;
    const Json json = Json::parse(first.out);
    EXPECT_EQ(json["status"], "clones found");
    EXPECT_EQ(json["resolution"], "arms");
    EXPECT_GE(json["n_clones"].get<int>(), 1);
    const auto cells = rows_of(folder_ / "first/cnv_cells.csv");
    EXPECT_EQ(cells[0], (std::vector<std::string>{"cell", "score", "clone", "low", "high"}));
    EXPECT_EQ(cells.size(), 2801U);
    const auto segments = rows_of(folder_ / "first/cnv_segments.csv");
    EXPECT_EQ((std::vector<std::string>(segments[0].begin(), segments[0].begin() + 6)), (std::vector<std::string>{"clone", "chromosome", "start", "end", "state", "mean"}));
    EXPECT_GT(rows_of(folder_ / "first/cnv_arms.csv").size(), 30U);

    const Outcome later = cnv("time_point=later", "later", {"--previous", "first"});
    ASSERT_EQ(later.status, 0) << later.err;
    // The child of the first clone is there still, with a child of its own: the arms of the first are kept, the last one's are new.
    std::map<std::string, int> stretches, clones;
    for (const auto& row : rows_of(folder_ / "later/cnv_changes.csv")) ++(row[0] == "clone" ? clones : stretches)[row[1]];
    EXPECT_GE(stretches["kept"], 3) << later.out;
    EXPECT_GE(stretches["new"], 1) << later.out;
    EXPECT_GE(clones["kept"] + clones["new"], 1) << later.out;
    EXPECT_NE(later.out.find("Against the earlier sample:"), std::string::npos) << later.out;
    // The same sample twice: nothing is new or gone.
    const Outcome same = cnv("time_point=first", "again", {"--previous", "first/cnv_segments.csv", "--threads", "1"});
    ASSERT_EQ(same.status, 0) << same.err;
    EXPECT_NE(same.out.find("no stretch is new or gone"), std::string::npos) << same.out;
    for (const char* name : {"cnv_cells.csv", "cnv_segments.csv", "cnv_arms.csv"}) {
        EXPECT_EQ(read_text_file(folder_ / "first" / name, 1 << 26), read_text_file(folder_ / "again" / name, 1 << 26)) << name << " differs with one thread";
    }
    // Cells of a type that holds no clone: what the patient had is gone.
    const Outcome cured = cnv("true_type=type-02", "cured", {"--previous", "first"});
    ASSERT_EQ(cured.status, 0) << cured.err;
    std::map<std::string, int> of_stretches, of_clones;
    for (const auto& row : rows_of(folder_ / "cured/cnv_changes.csv")) {
        if (row[0] != "what") ++(row[0] == "clone" ? of_clones : of_stretches)[row[1]];
    }
    EXPECT_EQ(of_clones, (std::map<std::string, int>{{"gone", json["n_clones"].get<int>()}})) << cured.out;
    EXPECT_GE(of_stretches["gone"], 3) << cured.out;
    EXPECT_EQ(of_stretches.size(), 1U) << cured.out;
    // Without an earlier sample there is no table of changes, and that of the run before does not stay.
    ASSERT_TRUE(std::filesystem::exists(folder_ / "again/cnv_changes.csv"));
    ASSERT_EQ(cnv("time_point=first", "again", {}).status, 0);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "again/cnv_changes.csv"));
}

TEST_F(CnvCliTest, without_a_reference_nothing_is_called_and_it_says_so) {
    const Outcome outcome = morula({"cnv", "cohort.h5ad", "--out", "out", "--json"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.err.find("No reference cells are named, so nothing is called"), std::string::npos) << outcome.err;
    EXPECT_EQ(rows_of(folder_ / "out/cnv_segments.csv").size(), 1U);
    EXPECT_EQ(rows_of(folder_ / "out/cnv_arms.csv").size(), 1U);
    const auto cells = rows_of(folder_ / "out/cnv_cells.csv");
    EXPECT_EQ(cells.size(), 2801U);
    EXPECT_EQ(cells[1].at(1), "");
    EXPECT_EQ(cells[1].at(2), "");
    EXPECT_EQ(Json::parse(outcome.out)["n_clones"], 0);
}

TEST_F(CnvCliTest, what_cannot_be_read_is_refused_with_the_next_step) {
    make_sample("plain.h5ad", "60");
    expect_refused(morula({"cnv", "plain.h5ad", "--reference-cells", "true_type=type-01", "--out", "out"}), 2, "has no gene positions");
    std::ofstream(folder_ / "genes.tsv") << "TP53\tchr17\t7661779\t7687550\n";
    expect_refused(cnv("time_point=first", "out", {"--gene-order", "genes.tsv"}), 2, "positions of 0 of its 4000 genes are in genes.tsv");
    expect_refused(cnv("time_point=first", "out", {"--gene-order", "none.tsv"}), 3, "none.tsv");
    expect_refused(cnv("time_point=first", "out", {"--arms", "genes.tsv"}), 2, "holds no arms or bands");
    expect_refused(cnv("time_point=last", "out", {}), 3, "no value 'last'");
    expect_refused(morula({"cnv", "cohort.h5ad", "--reference-cells", "healthy", "--out", "out"}), 64, "not of the form COLUMN=VALUE");
    expect_refused(morula({"cnv", "cohort.h5ad", "--reference-cells", "", "--out", "out"}), 64, "not of the form COLUMN=VALUE");  // a variable of the shell that is empty
    expect_refused(morula({"cnv", "cohort.h5ad", "--reference-cells", "condition=healthy", "--cells", "", "--out", "out"}), 64, "not of the form COLUMN=VALUE");
    std::ofstream(folder_ / "cnv_segments.csv") << "clone,chromosome,start,end,state,mean\na,1,5,x,loss,-1\n";
    expect_refused(cnv("time_point=first", "out", {"--previous", "cnv_segments.csv"}), 2, "'x' is not a number");
    const Outcome logs = morula({"normalize", "cohort.h5ad", "--out", "logs.h5ad"});
    ASSERT_EQ(logs.status, 0) << logs.err;
    expect_refused(morula({"cnv", "logs.h5ad", "--layer", "X", "--reference-cells", "condition=healthy", "--out", "out"}), 2, "X");
}

}  // namespace
}  // namespace morula
