// `morula run --condition`: two conditions compared, donors being the replicates.
#include <nlohmann/json.hpp>

#include "tests/pipeline/run_fixture.hpp"

namespace morula::pipeline {
namespace {

using Json = nlohmann::json;

/// Six made-up donors, the last three called diseased; nothing but donors differs.
class ComparisonTest : public RunFolder {
protected:
    Json run_with(const RunOptions& options, std::int32_t threads) { return Json::parse(run_json(options, threads)); }
    RunOptions options() const {
        Context context({.threads = 2});
        const auto made = analysis::generate({.cells = 900, .genes = 1500, .types = 3, .rare_types = 0, .continuum_fraction = 0.0, .donors = 6, .mean_counts = 1500.0}, context);
        data::Dataset dataset;
        dataset.name = "cohort";
        dataset.obs = data::Table(made.cells.names);
        dataset.obs.set("true_type", data::Categorical{made.cells.type, made.type_names, false});
        dataset.obs.set("donor", data::Categorical{made.cells.donor, made.donor_names, false});
        dataset.obs.set("one", data::Categorical{std::vector<std::int32_t>(made.cells.donor.size(), 0), {"everybody"}, false});
        std::vector<std::int32_t> condition;
        for (const std::int32_t donor : made.cells.donor) condition.push_back(donor < 3 ? 0 : 1);
        dataset.obs.set("condition", data::Categorical{condition, {"healthy", "diseased"}, false});
        dataset.obs.set("nothing", data::Categorical{std::vector<std::int32_t>(made.cells.donor.size(), -1), {}, false});  // as a subset of a larger file leaves it
        dataset.obs.set("site", data::Categorical{condition, {"north", "south"}, false});
        dataset.var = data::Table(made.gene_ids);
        dataset.var.set("gene_symbols", made.gene_symbols);
        dataset.layers["X"] = made.counts;
        formats::write_h5ad(dataset, folder_ / "cohort.h5ad", {}, context);
        RunOptions options = options_for((folder_ / "cohort.h5ad").string(), "out");
        options.condition = "condition";
        options.case_name = "diseased";
        options.control_name = "healthy";
        options.donor = "donor";
        options.cell_type = "true_type";
        return options;
    }
};

TEST_F(ComparisonTest, adds_the_chapter_and_the_table_and_keeps_them) {
    run_with(options(), 2);
    const std::string page = read_text_file(folder_ / "out" / "report.html", 1 << 26);
    EXPECT_NE(page.find("<section id=\"comparison\""), std::string::npos);
    EXPECT_NE(page.find("What we cannot tell"), std::string::npos);
    const std::string table = read_text_file(folder_ / "out" / "differences.csv", 1 << 26);
    EXPECT_EQ(table.rfind("cell_type,gene,gene_id,log2fc,log2fc_shrunk,se,p,fdr,n_case,n_control,status", 0), 0u);
    EXPECT_GT(std::count(table.begin(), table.end(), '\n'), 1000);
    EXPECT_NE(table.find(",3,3,tested"), std::string::npos);
    const Json again = run_with(options(), 1);
    for (const Json& step : again["steps"]) {
        if (step["name"] == "differences") {
            EXPECT_TRUE(step["cached"].get<bool>());
        }
    }
    EXPECT_EQ(read_text_file(folder_ / "out" / "differences.csv", 1 << 26), table);
    RunOptions plain = options_for((folder_ / "cohort.h5ad").string(), "out");
    run_with(plain, 2);
    EXPECT_FALSE(fs::exists(folder_ / "out" / "differences.csv")) << "it would be taken for this run's";
}

TEST_F(ComparisonTest, tables_of_programmes_and_pairs_are_compared_and_an_edited_one_is_noticed) {
    RunOptions with_tables = options();
    Context context({.threads = 1});
    const analysis::GenerateResult made = analysis::generate({.cells = 10, .genes = 1500}, context);
    std::string sets;
    for (std::size_t set = 0; set < 4; ++set) {
        sets += "SET_" + std::to_string(set) + "\tmade up";
        for (std::size_t gene = 0; gene < 30; ++gene) sets += "\t" + made.gene_symbols[set * 30 + gene];
        sets += "\n";
    }
    std::string pairs = "ligand,receptor\n";
    for (std::size_t gene = 0; gene < 40; gene += 2) pairs += made.gene_symbols[gene] + "," + made.gene_symbols[gene + 1] + "\n";
    write_text_file(folder_ / "sets.gmt", sets);
    write_text_file(folder_ / "pairs.csv", pairs);
    with_tables.gene_sets = (folder_ / "sets.gmt").string();
    with_tables.interactions = (folder_ / "pairs.csv").string();
    run_with(with_tables, 2);
    const std::string page = read_text_file(folder_ / "out" / "report.html", 1 << 26);
    EXPECT_NE(page.find("<h3>Programmes</h3>"), std::string::npos);
    EXPECT_NE(page.find("4 of 4 sets have genes enough"), std::string::npos);
    EXPECT_NE(page.find("<h3>Communication</h3>"), std::string::npos);
    const std::string programmes = read_text_file(folder_ / "out" / "programmes.csv", 1 << 26);
    EXPECT_EQ(programmes.rfind("name,where,value_case,value_control,effect,low,high,p,fdr,status", 0), 0u);
    EXPECT_NE(programmes.find("SET_3,type-"), std::string::npos) << programmes.substr(0, 300);
    EXPECT_TRUE(fs::exists(folder_ / "out" / "communication.csv"));
    const auto cached = [&](const Json& summary, const std::string& name) {
        for (const Json& step : summary["steps"]) {
            if (step["name"] == name) return step["cached"].get<bool>();
        }
        return false;
    };
    write_text_file(folder_ / "sets.gmt", sets + "SET_4\tmade up\t" + made.gene_symbols[1] + "\t" + made.gene_symbols[2] + "\n");
    const Json again = run_with(with_tables, 1);
    EXPECT_FALSE(cached(again, "programmes")) << "the table was edited";
    EXPECT_TRUE(cached(again, "communication"));
    run_with(options(), 1);
    EXPECT_FALSE(fs::exists(folder_ / "out" / "programmes.csv"));
    RunOptions alone = options_for((folder_ / "cohort.h5ad").string(), "other");
    alone.gene_sets = with_tables.gene_sets;
    EXPECT_EQ(error_code([&] { run_with(alone, 1); }), ErrorCode::usage) << "without a condition";
}

TEST_F(ComparisonTest, wrong_names_and_half_a_comparison_are_refused_before_anything_is_computed) {
    RunOptions wrong = options();
    wrong.donor = "doner";
    EXPECT_EQ(error_code([&] { run_with(wrong, 1); }), ErrorCode::not_found);
    wrong = options();
    wrong.donor = "one";
    EXPECT_EQ(error_code([&] { run_with(wrong, 1); }), ErrorCode::invalid_data);
    wrong = options();
    wrong.case_name = "ill";
    EXPECT_EQ(error_code([&] { run_with(wrong, 1); }), ErrorCode::not_found);
    wrong = options();
    wrong.donor = "";
    EXPECT_EQ(error_code([&] { run_with(wrong, 1); }), ErrorCode::usage);
    wrong = options();
    wrong.condition = "";
    EXPECT_EQ(error_code([&] { run_with(wrong, 1); }), ErrorCode::usage);
    EXPECT_TRUE(std::none_of(listener_.steps.begin(), listener_.steps.end(), [](const StepReport& step) { return step.name == "qc"; }));
}

TEST_F(ComparisonTest, donors_that_allow_no_comparison_leave_a_report_that_says_why) {
    RunOptions two = options();
    two.donor = "site";  // one "donor" a condition
    const Json summary = run_with(two, 2);
    const std::string page = read_text_file(folder_ / "out" / "report.html", 1 << 26);
    EXPECT_NE(page.find("No comparison was made."), std::string::npos);
    EXPECT_FALSE(fs::exists(folder_ / "out" / "differences.csv"));
    for (const Json& output : summary["outputs"]) EXPECT_EQ(output.get<std::string>().find("differences.csv"), std::string::npos);
}

TEST_F(ComparisonTest, without_a_condition_there_is_no_chapter) {
    run_with(options_for(small_sample(), "plain"), 2);
    EXPECT_EQ(read_text_file(folder_ / "plain" / "report.html", 1 << 26).find("<section id=\"comparison\""), std::string::npos);
    EXPECT_FALSE(fs::exists(folder_ / "plain" / "differences.csv"));
}

}  // namespace
}  // namespace morula::pipeline
