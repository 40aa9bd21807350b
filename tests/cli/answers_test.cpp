// What the program prints, where, and how it ends.
#include <nlohmann/json.hpp>

#include "tests/cli/program_test.hpp"

namespace morula::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class Answers : public ProgramTest {};

/// A reader that has gone away (`| head -1`, a closed terminal) must not end hours of work.
TEST_F(Answers, a_run_goes_on_when_nobody_reads_what_it_tells) {
    make_sample("a.h5ad", "300");
    const auto close_stderr = [] {
        int ends[2];
        if (::pipe(ends) != 0) ::_exit(126);
        ::dup2(ends[1], STDERR_FILENO);
        ::close(ends[0]);
        ::close(ends[1]);
    };
    EXPECT_EQ(finish(start_after(close_stderr, {"run", "a.h5ad", "--out", "out"})).status, 0);
    EXPECT_TRUE(fs::exists(folder_ / "out" / "report.html"));
    const auto full_stderr = [] { ::dup2(::open("/dev/full", O_WRONLY), STDERR_FILENO); };
    EXPECT_EQ(finish(start_after(full_stderr, {"run", "a.h5ad", "--out", "out", "--progress", "json"})).status, 0);
}

TEST_F(Answers, an_answer_that_cannot_be_printed_is_told) {
    make_sample("a.h5ad", "100");
    const auto full_stdout = [] { ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO); };
    for (const std::vector<std::string>& words : {std::vector<std::string>{"info", "a.h5ad"}, {"--help"}, {"--version"}}) {
        const Outcome outcome = finish(start_after(full_stdout, words));
        EXPECT_EQ(outcome.status, 5) << words[0];
        EXPECT_NE(outcome.err.find("could not be printed"), std::string::npos) << outcome.err;
    }
}

TEST_F(Answers, a_log_keeps_the_call_the_steps_and_the_end) {
    make_sample("a.h5ad", "300");
    ASSERT_EQ(morula({"qc", "a.h5ad", "--out", "qc.h5ad", "--quiet", "--log", "it.log"}).status, 0);
    EXPECT_EQ(morula({"qc", "missing.h5ad", "--out", "no.h5ad", "--log", "it.log"}).status, 3);
    std::istringstream in(read_text_file(folder_ / "it.log", 1 << 20));
    std::vector<Json> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
    ASSERT_GE(lines.size(), 4U);
    EXPECT_EQ(lines.front()["event"], "started");
    EXPECT_NE(lines.front()["text"].get<std::string>().find("morula qc a.h5ad --out qc.h5ad"), std::string::npos);
    EXPECT_EQ(lines.back()["event"], "ended");
    EXPECT_NE(lines.back()["text"].get<std::string>().find("exit status 3: missing.h5ad"), std::string::npos) << lines.back();
}

/// The report's own command must add the matrices and lose nothing.
TEST_F(Answers, matrices_left_out_come_back_by_the_command_that_the_report_prints) {
    make_sample("it's a.h5ad", "300");
    ASSERT_EQ(morula({"run", "it's a.h5ad", "--out", "out", "--matrix", "none"}).status, 0);
    const Json without = Json::parse(morula({"info", "out/cells.h5ad", "--json"}).out);
    EXPECT_TRUE(without["layers"].empty()) << without;
    const std::string page = read_text_file(folder_ / "out" / "report.html", 1 << 26);
    EXPECT_NE(page.find("morula run &#39;it&#39;\\&#39;&#39;s a.h5ad&#39; --out out --matrix full"), std::string::npos);
    ASSERT_EQ(morula({"run", "it's a.h5ad", "--out", "out", "--matrix", "full"}).status, 0);
    const Json with = Json::parse(morula({"info", "out/cells.h5ad", "--json"}).out);
    EXPECT_FALSE(with["layers"].empty()) << with;
    EXPECT_EQ(with["n_cells"], without["n_cells"]);
    EXPECT_EQ(with["obs"], without["obs"]) << "clusters and scores stay";
}

TEST_F(Answers, markers_csv_has_the_columns_that_scripts_rely_on) {
    make_sample("a.h5ad", "300");
    ASSERT_EQ(morula({"run", "a.h5ad", "--out", "out", "--matrix", "none"}).status, 0);
    const auto rows = rows_of(folder_ / "out" / "markers.csv");
    EXPECT_EQ(rows.front(), (std::vector<std::string>{"cluster", "gene", "gene_id", "auc", "min_rank", "cohens_d", "log2fc", "pct_in", "pct_out", "z", "log10_p", "fdr"}));
    ASSERT_GT(rows.size(), 1U);
    EXPECT_GT(std::stod(rows[1][3]), 0.5) << "the best marker of a cluster stands first";
}

}  // namespace
}  // namespace morula::test
