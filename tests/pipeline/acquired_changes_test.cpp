// `morula run --reference-cells`: gains and losses of chromosomes in the report and as tables.
#include <nlohmann/json.hpp>

#include "morula/analysis/generate_cohort.hpp"
#include "tests/pipeline/run_fixture.hpp"

namespace morula::pipeline {
namespace {

using Json = nlohmann::json;

/// Two healthy donors, and two of whose cells many have lost and gained arms.
class AcquiredChangesTest : public RunFolder {
protected:
    RunOptions options() const {
        Context context({.threads = 2});
        analysis::GenerateCohortOptions wanted;
        wanted.donors = 4;
        wanted.cells = 350;
        wanted.cells_sd = 0.0;
        wanted.genes = 4000;
        wanted.types = 5;
        wanted.composition_types = 0;
        wanted.state_types = 0;
        wanted.clone_donors = 2;
        wanted.clone_fraction = 0.9;
        wanted.mean_counts = 3000.0;
        wanted.seed = 4;
        const auto made = analysis::generate_cohort(wanted, context);
        data::Dataset dataset;
        dataset.name = "tumour";
        dataset.obs = data::Table(made.cells.names);
        std::vector<std::string> condition, patient, few;
        for (std::size_t cell = 0; cell < made.cells.sample.size(); ++cell) {
            condition.emplace_back(made.samples[static_cast<std::size_t>(made.cells.sample[cell])].is_diseased ? "tumour" : "normal");
            patient.push_back(made.donors[static_cast<std::size_t>(made.cells.donor[cell])].name);
            few.emplace_back(cell < 5 ? "few" : "many");
        }
        dataset.obs.set("tissue", data::to_categorical(condition));
        dataset.obs.set("patient", data::to_categorical(patient));
        dataset.obs.set("few", data::to_categorical(few));
        dataset.var = data::Table(made.gene_ids);
        dataset.var.set("gene_symbols", made.gene_symbols);
        dataset.var.set("chromosome", data::to_categorical(made.places.chromosome));
        dataset.var.set("arm", data::to_categorical(made.places.arm));
        dataset.var.set("start", made.places.start);
        dataset.var.set("end", made.places.end);
        dataset.layers["X"] = made.counts;
        formats::write_h5ad(dataset, folder_ / "tumour.h5ad", {}, context);
        RunOptions options = options_for((folder_ / "tumour.h5ad").string(), "out");
        options.reference_cells = "tissue=normal";
        options.donor = "patient";
        return options;
    }
    std::string page() const { return read_text_file(folder_ / "out" / "report.html", 1 << 26); }
    std::string table(const char* name) const { return read_text_file(folder_ / "out" / name, 1 << 26); }
    bool said(const std::string& part) const {
        return std::any_of(listener_.texts.begin(), listener_.texts.end(), [&](const std::string& text) { return text.find(part) != std::string::npos; });
    }
};

TEST_F(AcquiredChangesTest, clones_stand_in_the_chapter_and_in_tables_and_are_kept) {
    const RunOptions asked = options();
    run_json(asked, 2);
    const std::string first = page();
    EXPECT_NE(first.find("<section id=\"comparison\""), std::string::npos) << "no condition is needed";
    EXPECT_NE(first.find("Acquired changes</h3>"), std::string::npos);
    EXPECT_NE(first.find("with gains or losses"), std::string::npos);
    EXPECT_NE(first.find("fig-clones_along_the_genome"), std::string::npos);
    EXPECT_NE(first.find("(&#39;tissue=normal&#39;) as the reference"), std::string::npos) << "the methods";
    EXPECT_NE(first.find("no condition was named (--condition)"), std::string::npos);
    const std::string cells = table("cnv_cells.csv"), arms = table("cnv_arms.csv"), segments = table("cnv_segments.csv"), clones = table("cnv_clones.csv");
    EXPECT_EQ(cells.rfind("cell,score,clone,low,high\n", 0), 0U);
    EXPECT_NE(cells.find("-clone-1,"), std::string::npos);
    EXPECT_NE(cells.find(",reference,"), std::string::npos);
    EXPECT_NE(arms.find(",loss,"), std::string::npos);
    EXPECT_EQ(segments.rfind("clone,chromosome,start,end,state,mean", 0), 0U);
    const Json again = Json::parse(run_json(asked, 1));
    for (const Json& step : again["steps"]) {
        if (step["name"] == "cnv") {
            EXPECT_TRUE(step["cached"].get<bool>());
        }
    }
    EXPECT_NE(again["outputs"].dump().find("cnv_segments.csv"), std::string::npos);
    EXPECT_EQ(table("cnv_cells.csv"), cells) << "what is kept gives the same tables";
    EXPECT_EQ(table("cnv_arms.csv"), arms);
    EXPECT_EQ(table("cnv_segments.csv"), segments);
    EXPECT_EQ(table("cnv_clones.csv"), clones);
    RunOptions plain = asked;
    plain.reference_cells = std::nullopt;
    plain.donor = "";
    run_json(plain, 2);
    EXPECT_EQ(page().find("Acquired changes</h3>"), std::string::npos);
    for (const char* name : {"cnv_cells.csv", "cnv_segments.csv", "cnv_arms.csv", "cnv_clones.csv"}) EXPECT_FALSE(fs::exists(folder_ / "out" / name)) << "it would be taken for this run's";
}

TEST_F(AcquiredChangesTest, without_a_reference_or_with_too_small_a_one_nothing_is_called_and_the_page_says_why) {
    RunOptions without = options();
    without.reference_cells = std::nullopt;
    std::string order = "gene,chromosome,start,end\n";
    for (int gene = 0; gene < 300; ++gene) order += "NONE" + std::to_string(gene) + ",1," + std::to_string(1000 * gene) + "," + std::to_string(1000 * gene + 10) + "\n";
    write_text_file(folder_ / "genes.csv", order);
    without.gene_order = (folder_ / "genes.csv").string();
    listener_.stop_at = "ingest";
    EXPECT_EQ(error_code([&] { run_json(without, 2); }), ErrorCode::cancelled);
    EXPECT_TRUE(said("No reference cells are named, so nothing is called")) << "at the start, when it can be mended";
    listener_.stop_at.clear();
    listener_.cancel = false;
    run_json(without, 2);
    EXPECT_NE(page().find("Nothing is called. No reference cells are named"), std::string::npos);
    EXPECT_FALSE(fs::exists(folder_ / "out" / "cnv_cells.csv"));
    RunOptions few = options();
    few.reference_cells = "few=few";
    run_json(few, 2);
    EXPECT_NE(page().find("reference cells; at least 10 are needed"), std::string::npos);
    RunOptions strange = options();
    strange.gene_order = without.gene_order;  // of another species, say
    run_json(strange, 2);
    EXPECT_NE(page().find("positions of 0 of its"), std::string::npos);
    EXPECT_FALSE(fs::exists(folder_ / "out" / "cnv_cells.csv"));
}

TEST_F(AcquiredChangesTest, wrong_names_are_refused_before_anything_is_computed) {
    RunOptions wrong = options();
    wrong.reference_cells = "tissue=healthy";
    EXPECT_EQ(error_code([&] { run_json(wrong, 1); }), ErrorCode::not_found);
    EXPECT_FALSE(fs::exists(folder_ / "out")) << "the obs of an h5ad file is known before it is stored";
    wrong.reference_cells = "tisue=normal";
    EXPECT_EQ(error_code([&] { run_json(wrong, 1); }), ErrorCode::not_found);
    EXPECT_FALSE(fs::exists(folder_ / "out"));
    wrong.reference_cells = "";
    EXPECT_EQ(error_code([&] { run_json(wrong, 1); }), ErrorCode::usage);
    wrong = options();
    wrong.donor = "patients";
    EXPECT_EQ(error_code([&] { run_json(wrong, 1); }), ErrorCode::not_found);
    wrong = options();
    wrong.reference_cells = std::nullopt;
    wrong.arms = "bands.txt";
    EXPECT_EQ(error_code([&] { run_json(wrong, 1); }), ErrorCode::usage) << "arms without a question, and a donor without one";
    wrong = options();
    wrong.gene_order = (folder_ / "none.csv").string();
    EXPECT_EQ(error_code([&] { run_json(wrong, 1); }), ErrorCode::not_found);
    // Two samples: the value need be in one of them only, and columns of the sheet count.
    const std::string other = small_sample();
    write_text_file(folder_ / "sheet.csv", "path,sample,site\n" + options().input.front() + ",a,skin\n" + other + ",b,blood\n");
    wrong = options();
    wrong.input = {};
    wrong.samples = (folder_ / "sheet.csv").string();
    wrong.reference_cells = "tissue=healthy";
    EXPECT_EQ(error_code([&] { run_json(wrong, 1); }), ErrorCode::not_found);
    EXPECT_FALSE(fs::exists(folder_ / "out"));
    for (const char* right : {"tissue=normal", "site=blood", "leiden=0"}) {
        wrong.reference_cells = right;
        listener_.stop_at = "ingest";
        EXPECT_EQ(error_code([&] { run_json(wrong, 1); }), ErrorCode::cancelled) << right;
        listener_.cancel = false;
    }
    EXPECT_TRUE(std::none_of(listener_.steps.begin(), listener_.steps.end(), [](const StepReport& step) { return step.name == "qc"; }));
}

}  // namespace
}  // namespace morula::pipeline
