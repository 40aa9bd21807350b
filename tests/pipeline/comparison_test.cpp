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
        data::Categorical with_new{made.cells.type, made.type_names, false};
        with_new.categories.push_back("new");
        for (std::size_t cell = 0; cell < condition.size(); cell += 4) {
            if (condition[cell] == 1) with_new.codes[cell] = static_cast<std::int32_t>(made.type_names.size());
        }
        dataset.obs.set("with_new", with_new);
        if (batches_are_conditions_) dataset.obs.set("batch", data::Categorical{condition, {"plate 1", "plate 2"}, false});
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
    bool batches_are_conditions_ = false;
};

TEST_F(ComparisonTest, adds_the_chapter_and_the_table_and_keeps_them) {
    run_with(options(), 2);
    const std::string page = read_text_file(folder_ / "out" / "report.html", 1 << 26);
    EXPECT_NE(page.find("<section id=\"comparison\""), std::string::npos);
    EXPECT_NE(page.find("What we cannot tell"), std::string::npos);
    EXPECT_NE(page.find("&#39;site&#39; cannot be told from &#39;condition&#39;: no group of it links the conditions."), std::string::npos) << "whatever its name, the file holds it";
    EXPECT_NE(page.find("Whether what differs is &#39;condition&#39; or site: in these donors they go together."), std::string::npos);
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

TEST_F(ComparisonTest, a_type_that_only_the_diseased_have_is_a_finding_of_the_composition) {
    RunOptions with_new = options();
    with_new.cell_type = "with_new";
    run_with(with_new, 2);
    const std::string page = read_text_file(folder_ / "out" / "report.html", 1 << 26);
    EXPECT_NE(page.find("new: in 3 of 3 donors of &#39;diseased&#39; and in none of 3 of &#39;healthy&#39; (p 0.1, FDR"), std::string::npos);
    EXPECT_NE(page.find("How the state of new differs: too few donors have enough of these cells in both conditions. Whether they are more or less frequent is in the composition."), std::string::npos);
    EXPECT_EQ(page.find("Anything about new"), std::string::npos);
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
    std::string regulons = "source,target,weight\n";
    for (std::size_t gene = 0; gene < 40; ++gene) regulons += std::string(gene < 20 ? "TF1," : "TF2,") + made.gene_symbols[gene] + (gene % 3 == 0 ? ",-1\n" : ",1\n");
    write_text_file(folder_ / "regulons.csv", regulons);
    with_tables.regulons = (folder_ / "regulons.csv").string();
    with_tables.interactions = (folder_ / "pairs.csv").string();
    run_with(with_tables, 2);
    const std::string page = read_text_file(folder_ / "out" / "report.html", 1 << 26);
    EXPECT_NE(page.find("<h3>Programmes</h3>"), std::string::npos);
    EXPECT_NE(page.find("4 of 4 sets have genes enough"), std::string::npos);
    EXPECT_NE(page.find("<h3>Regulons</h3>"), std::string::npos);
    EXPECT_NE(page.find("2 of 2 regulons have genes enough"), std::string::npos);
    EXPECT_NE(page.find("Regulons (regulons.csv) were scored"), std::string::npos) << "the methods text";
    EXPECT_NE(page.find("morula programmes --sets FILE.gmt --differences differences.csv"), std::string::npos);
    EXPECT_EQ(read_text_file(folder_ / "out" / "regulons.csv", 1 << 26).rfind("name,where,value_case,value_control,effect,low,high,p,fdr,status\nTF", 0), 0u);
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
    EXPECT_FALSE(fs::exists(folder_ / "out" / "regulons.csv"));
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

TEST_F(ComparisonTest, a_condition_that_decides_the_batch_leaves_a_report_with_the_table_that_shows_it) {
    batches_are_conditions_ = true;
    RunOptions confounded = options();
    run_with(confounded, 2);
    const std::string page = read_text_file(folder_ / "out" / "report.html", 1 << 26);
    EXPECT_NE(page.find("No comparison was made. "), std::string::npos);
    EXPECT_NE(page.find("&#39;condition&#39; and &#39;batch&#39; cannot be told apart"), std::string::npos);
    EXPECT_NE(page.find("plate 2                            0               3</pre>"), std::string::npos) << "the table";
    EXPECT_FALSE(fs::exists(folder_ / "out" / "differences.csv"));
    confounded.batch = "none";
    run_with(confounded, 2);
    EXPECT_TRUE(fs::exists(folder_ / "out" / "differences.csv"));
    const std::string compared = read_text_file(folder_ / "out" / "report.html", 1 << 26);
    EXPECT_NE(compared.find("<h3>Composition</h3>"), std::string::npos);
    EXPECT_NE(compared.find("No batches were mixed"), std::string::npos);
}

TEST_F(ComparisonTest, without_a_condition_there_is_no_chapter) {
    run_with(options_for(small_sample(), "plain"), 2);
    EXPECT_EQ(read_text_file(folder_ / "plain" / "report.html", 1 << 26).find("<section id=\"comparison\""), std::string::npos);
    EXPECT_FALSE(fs::exists(folder_ / "plain" / "differences.csv"));
}

}  // namespace
}  // namespace morula::pipeline
