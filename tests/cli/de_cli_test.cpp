// `morula de` as a user meets it: three conditions in a text matrix, the columns that scripts rely on, and what is refused.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "morula/core/random.hpp"
#include "tests/cli/program_test.hpp"

namespace morula {
namespace {

using Json = nlohmann::json;
using test::Outcome;

constexpr int kGenes = 40;
constexpr int kCellsOfDonor = 12;

class DeCliTest : public test::ProgramTest {
protected:
    /// Donors "d01", ... with a condition each; the first five genes are four times as high in "severe", twice in "mild". Made up.
    void write_cells(const std::string& name, const std::vector<std::string>& conditions) const {
        std::string counts = "cell", annotation = "cell,donor,condition,age,part\n";
        for (int g = 0; g < kGenes; ++g) counts += "," + test::gene(g);
        counts += "\n";
        for (std::size_t d = 0; d < conditions.size(); ++d) {
            for (int c = 0; c < kCellsOfDonor; ++c) {
                const std::string cell = "cell" + std::to_string(100 * d + static_cast<std::size_t>(c));
                Random random(5, Purpose::test, d, static_cast<std::uint32_t>(c));
                counts += cell;
                for (int g = 0; g < kGenes; ++g) counts += "," + std::to_string(random.poisson(g >= 5 ? 4.0 : conditions[d] == "severe" ? 16.0 : conditions[d] == "mild" ? 8.0 : 4.0));
                counts += "\n";
                annotation += cell + ",d0" + std::to_string(d + 1) + "," + conditions[d] + "," + std::to_string(30 + 7 * (d * d % 5)) + "," + std::to_string(0.5 + c) + "\n";
            }
        }
        write_text_file(folder_ / (name + ".csv"), counts);
        write_text_file(folder_ / (name + ".metadata.csv"), annotation);
    }
    Outcome compare(const std::string& input, const std::string& cases, std::vector<std::string> more) const {
        std::vector<std::string> words{"de", input, "--condition", "condition", "--case", cases, "--control", "healthy", "--orientation", "cells-in-rows", "--out", "out"};
        words.insert(words.end(), more.begin(), more.end());
        if (std::find(more.begin(), more.end(), "--donor") == more.end()) words.insert(words.end(), {"--donor", "donor"});
        return morula(words);
    }
};

const std::vector<std::string> kGrades{"healthy", "healthy", "healthy", "mild", "mild", "mild", "severe", "severe", "severe"};

TEST_F(DeCliTest, three_conditions_are_compared_and_programmes_read_each_contrast) {
    write_cells("cells", kGrades);
    const Outcome outcome = compare("cells.csv", "mild,severe", {"--contrast", "severe - mild", "--contrast", "(mild + severe) / 2 - healthy", "--json"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const Json json = Json::parse(outcome.out);
    EXPECT_EQ(json["cell_types"].size(), 4U);
    EXPECT_EQ(json["together"][0]["n_donors"], (std::vector<int>{3, 3, 3}));
    EXPECT_GE(json["together"][0]["n_changed"], 5);
    const auto rows = test::rows_of(folder_ / "out/de.csv");
    EXPECT_EQ(rows[0].back(), "contrast");
    std::map<std::string, std::set<std::string>> found;
    for (std::size_t i = 1; i < rows.size(); ++i) {
        if (std::stod(rows[i][7]) <= 0.05) found[rows[i][11]].insert(rows[i][1]);
    }
    for (int g = 0; g < 5; ++g) {
        for (const char* contrast : {"severe - healthy", "severe - mild", "(mild + severe) / 2 - healthy"}) EXPECT_EQ(found[contrast].count(test::gene(g)), 1U) << contrast;
    }
    write_text_file(folder_ / "sets.gmt", "RISEN\t\tGENE00000\tGENE00001\tGENE00002\tGENE00003\tGENE00004\n");
    const Outcome sets = morula({"programmes", "--differences", "out/de.csv", "--sets", "sets.gmt", "--out", "enrichment"});
    ASSERT_EQ(sets.status, 0) << sets.err;
    const std::string enriched = read_text_file(folder_ / "enrichment/enrichment.csv", 1 << 16);
    for (const char* contrast : {"mild - healthy", "severe - healthy", "severe - mild", "(mild + severe) / 2 - healthy"}) {
        EXPECT_NE(enriched.find("\"all, " + std::string(contrast) + "\",RISEN,5,"), std::string::npos) << "the contrasts of a type are not mixed: " << contrast;
    }
}

TEST_F(DeCliTest, two_conditions_have_the_columns_that_scripts_rely_on) {
    write_cells("cells", kGrades);
    const Outcome outcome = compare("cells.csv", "severe", {});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const auto rows = test::rows_of(folder_ / "out/de.csv");
    EXPECT_EQ(rows[0], (std::vector<std::string>{"cell_type", "gene", "gene_id", "log2fc", "log2fc_shrunk", "se", "p", "fdr", "n_case", "n_control", "status"}));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out/together.csv"));
    EXPECT_NE(outcome.out.find("all (3 against 3 donors): "), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("at FDR 5 % among 40 tested"), std::string::npos) << outcome.out;
}

TEST_F(DeCliTest, what_donors_and_columns_cannot_tell_is_refused_with_the_next_step) {
    write_cells("cells", kGrades);
    write_cells("same", {"healthy", "healthy", "healthy"});
    write_cells("each", {"healthy", "severe"});
    expect_refused(compare("cells.csv", "mild,sever", {}), 3, "Did you mean 'severe'?");
    expect_refused(compare("cells.csv", "mild,mild", {}), 64, "names 'mild' twice");
    expect_refused(compare("cells.csv", "mild,healthy", {}), 64, "are both 'healthy'");
    expect_refused(compare("cells.csv", "mild,severe", {"--contrast", "severe - sever"}), 64, "did you mean 'severe'?");
    expect_refused(compare("cells.csv", "mild,severe", {"--contrast", "severe + mild"}), 64, "add up to 2 and not to 0");
    expect_refused(compare("cells.csv", "mild,severe", {"--contrast", "healthy - severe"}), 64, "asks the same as 'severe - healthy'");
    expect_refused(compare("cells.csv", "mild,severe", {"--design", "~ donor + condition"}), 2, "no donor has two of them");
    expect_refused(compare("cells.csv", "mild,severe", {"--cell-type", "part"}), 2, "name no cell types");
    expect_refused(compare("cells.csv", "mild,severe", {"--donor", "condition"}), 64, "both name 'condition'");
    expect_refused(compare("cells.csv", "mild,severe", {"--donor", "patient"}), 3, "'patient'");
    expect_refused(compare("same.csv", "severe", {}), 2, "only one value, 'healthy'");
    expect_refused(compare("each.csv", "severe", {}), 2, "one donor in each condition");
}

}  // namespace
}  // namespace morula
