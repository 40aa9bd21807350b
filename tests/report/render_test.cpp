#include "morula/report/render.hpp"

#include <algorithm>
#include <filesystem>
#include <regex>

#include <gtest/gtest.h>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "tests/report/example_report_data.hpp"

namespace morula::report {
namespace {

const std::string& example_page() {
    static const std::string page = render_report(example_report_data({}));
    return page;
}

std::int64_t count(const std::string& text, const std::string& part) {
    std::int64_t n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
    return n;
}

TEST(Render, holds_every_section_in_order) {
    std::size_t last = 0;
    for (const std::string_view id : kSectionIds) {
        const std::size_t at = example_page().find("<section id=\"" + std::string(id) + "\"");
        ASSERT_NE(at, std::string::npos) << id;
        EXPECT_GT(at, last) << id;
        last = at;
        EXPECT_NE(example_page().find("<a href=\"#" + std::string(id) + "\">"), std::string::npos) << "contents lack " << id;
    }
}

std::string comparison_of(const ReportData& data) {
    const std::string page = render_report(data);
    const std::size_t begin = page.find("<section id=\"comparison\"");
    return begin == std::string::npos ? "" : page.substr(begin, page.find("</section>", begin) - begin);
}

TEST(Render, the_chapter_of_a_comparison_goes_from_donors_to_what_cannot_be_told) {
    const std::string chapter = comparison_of(example_report_data({}));
    std::size_t last = 0;
    for (const char* part : {"Donors</h3>", "Composition</h3>", "State of each type</h3>", "Genes</h3>", "Programmes</h3>", "Communication</h3>", "Acquired changes</h3>", "What we cannot tell</h3>"}) {
        const std::size_t at = chapter.find(part);
        ASSERT_NE(at, std::string::npos) << part;
        EXPECT_GT(at, last) << part;
        last = at;
    }
    EXPECT_NE(chapter.find("not compared: too few cells"), std::string::npos);
    EXPECT_NE(chapter.find("donor &lt;0&gt;"), std::string::npos) << "names are escaped";
    EXPECT_EQ(chapter.find("<monocytes>"), std::string::npos);
    EXPECT_NE(chapter.find("2.3-fold"), std::string::npos) << "what could have been seen";
    EXPECT_EQ(chapter.find("No gene differs"), std::string::npos);
}

TEST(Render, donors_stand_beside_what_else_sets_them_apart) {
    ReportData data = example_report_data({});
    const std::string chapter = comparison_of(data);
    EXPECT_NE(chapter.find("What else sets these donors apart"), std::string::npos);
    EXPECT_NE(chapter.find("&#39;site&#39; cannot be told from &#39;condition&#39;: no group of it links the conditions."), std::string::npos);
    EXPECT_NE(chapter.find("Donors by condition"), std::string::npos);
    EXPECT_NE(chapter.find("32 (30 to 34)"), std::string::npos);
    EXPECT_GE(count(chapter, "north &amp; west"), 4) << "three donors, and a row of the table";
    data.comparison.donors.findings.clear();
    EXPECT_NE(comparison_of(data).find("No column is shared out strongly unevenly"), std::string::npos);
    data.comparison.donors.by.clear();
    EXPECT_NE(comparison_of(data).find("The file holds nothing else of donors"), std::string::npos);
    data = example_report_data({});
    data.comparison.refused = "study: 'condition' and 'site' cannot be told apart. Donors in each:\nsite   rest   stimulated\nsouth     3            0\nCompare samples that share batches.";
    const std::string refused = comparison_of(data);
    EXPECT_NE(refused.find("<pre>site   rest   stimulated\nsouth     3            0</pre>"), std::string::npos) << "the lines of the table stay lines";
    EXPECT_NE(refused.find("Compare samples that share batches."), std::string::npos);
    EXPECT_NE(refused.find("Donors by condition"), std::string::npos);
}

TEST(Render, programmes_and_pairs_say_what_was_found_and_what_was_not) {
    ReportData data = example_report_data({});
    const std::string chapter = comparison_of(data);
    EXPECT_NE(chapter.find("1 of 4 tests at a false discovery rate of 5 %"), std::string::npos);
    EXPECT_NE(chapter.find("INTERFERON &lt;ALPHA&gt;"), std::string::npos);
    EXPECT_NE(chapter.find("No pair differs between stimulated and rest at a false discovery rate of 5 % in 7 tests"), std::string::npos);
    EXPECT_NE(chapter.find("Co-expressed known pairs, not measured signals"), std::string::npos);
    data.comparison.programmes.n_tests = 0;
    data.comparison.communication.refused = "No donor has both types.";
    const std::string few = comparison_of(data);
    EXPECT_NE(few.find("No programme has enough donors"), std::string::npos);
    EXPECT_NE(few.find("No comparison was made. No donor has both types."), std::string::npos);
    data.comparison.programmes = {};
    EXPECT_EQ(comparison_of(data).find("Programmes</h3>"), std::string::npos) << "not asked for";
}

TEST(Render, acquired_changes_say_what_was_called_against_what_and_with_what_caution) {
    ReportData data = example_report_data({});
    const std::string chapter = comparison_of(data);
    for (const char* part : {"1 clone with gains or losses; 80 of 200 compared cells are in it", "120 reference cells (cell_type=B &amp; T cell), each donor&#39;s on their own", "7p, 7q", "id=\"fig-clones_along_the_genome\"", "id=\"fig-cells_along_the_genome\"", "Expression is no count of DNA",
                             "P&lt;1&gt;-clone-1", "Every arm of every group", "confirmed in DNA"}) {
        EXPECT_NE(chapter.find(part), std::string::npos) << part;
    }
    EXPECT_EQ(chapter.find("P<1>"), std::string::npos) << "names are escaped";
    const std::size_t figure = chapter.find("id=\"fig-clones_along_the_genome\"");
    const std::string drawing = chapter.substr(figure, chapter.find("</svg>", figure) - figure);
    EXPECT_EQ(count(drawing, "class=\"called\""), 2) << "1p and chromosome 7";
    EXPECT_EQ(count(drawing, "class=\"border\""), 21) << "between 22 chromosomes";
    EXPECT_EQ(count(drawing, "class=\"border arm\""), 22);
    EXPECT_NE(chapter.find("-0.9 (lost)"), std::string::npos) << "the table behind the map";
}

TEST(Render, without_a_clone_or_a_reference_that_is_what_the_page_says) {
    ReportData data = example_report_data({});
    data.comparison.acquired.clones.clear();
    data.comparison.acquired.groups.erase(data.comparison.acquired.groups.begin());
    const std::string nothing = comparison_of(data);
    EXPECT_NE(nothing.find("No gain or loss of an arm or a part of one was found in 200 cells against 120 reference cells. That is a result"), std::string::npos);
    EXPECT_NE(nothing.find("Every arm of every group"), std::string::npos) << "a null result is printed in full";
    EXPECT_NE(nothing.find("id=\"fig-clones_along_the_genome\""), std::string::npos);
    data.comparison.acquired.null_inflation = 2.5;
    data.comparison.acquired.has_arms = false;
    EXPECT_NE(comparison_of(data).find("only large changes can be called"), std::string::npos);
    EXPECT_NE(comparison_of(data).find("whole chromosomes are called"), std::string::npos);
    const AcquiredChanges alone = example_report_data({}).comparison.acquired;
    data.comparison.acquired = {};
    data.comparison.acquired.is_asked = true;
    data.comparison.acquired.refused = "No reference cells are named.";
    EXPECT_NE(comparison_of(data).find("Nothing is called. No reference cells are named."), std::string::npos);
    EXPECT_EQ(comparison_of(data).find("fig-clones_along_the_genome"), std::string::npos);
    // Asked without conditions: the chapter is there, and says that none were compared.
    data.comparison = {};
    data.comparison.acquired = alone;
    const std::string chapter = comparison_of(data);
    EXPECT_NE(chapter.find("No conditions were compared"), std::string::npos);
    EXPECT_NE(chapter.find("Acquired changes</h3>"), std::string::npos);
    EXPECT_EQ(chapter.find("Donors</h3>"), std::string::npos);
    data.comparison.acquired = {};
    EXPECT_EQ(comparison_of(data), "");
}

TEST(Render, types_that_only_one_condition_has_are_told_with_the_composition) {
    ReportData data = example_report_data({});
    Comparison& comparison = data.comparison;
    comparison.composition = {{"B & T cell", 0.1, -0.5, 0.7, 0.8, 0.9, "tested"}, {"monocyte", 6.0, 5.0, 7.0, 0.1, 0.2, "tested"}, {"mast cell", kMissing, kMissing, kMissing, kMissing, kMissing, "not tested: 7 cells in all"}};
    comparison.types[1].n_cells = {100, 0, 90, 0, 0, 0};
    comparison.types[2].n_cells = {0, 4, 0, 0, 0, 3};
    const std::string chapter = comparison_of(data);
    EXPECT_NE(chapter.find("monocyte: in 2 of 3 donors of &#39;stimulated&#39; and in none of 3 of &#39;rest&#39; (p 0.1, FDR 0.2)."), std::string::npos);
    EXPECT_NE(chapter.find("mast cell: in 2 of 3 donors of &#39;rest&#39; and in none of 3 of &#39;stimulated&#39; (not tested: 7 cells in all)."), std::string::npos);
    EXPECT_EQ(chapter.find("cell: in 3 of 3"), std::string::npos);
    EXPECT_EQ(comparison_of(example_report_data({})).find("Types that only one condition has (their ratio"), std::string::npos);
    comparison.composition.clear();
    comparison.composition_refused = "Only 1 of 3 types has cells enough.";
    EXPECT_NE(comparison_of(data).find("Composition was not tested. Only 1 of 3 types has cells enough."), std::string::npos);
}

TEST(Render, a_null_result_is_printed_and_shows_no_genes_donor_by_donor) {
    ReportData data = example_report_data({});
    for (ComparedType& type : data.comparison.types) {
        type.is_tested = type.is_compared;
        type.n_up = type.n_down = 0;
        std::fill(type.volcano_found.begin(), type.volcano_found.end(), std::uint8_t{0});
    }
    const std::string chapter = comparison_of(data);
    EXPECT_NE(chapter.find("No gene differs between stimulated and rest"), std::string::npos);
    EXPECT_NE(chapter.find("the first of a null result"), std::string::npos);
    EXPECT_EQ(chapter.find("donor by donor"), std::string::npos);
}

TEST(Render, too_few_donors_claim_no_rate_and_a_refusal_says_why) {
    ReportData data = example_report_data({});
    for (ComparedType& type : data.comparison.types) type.is_tested = false;
    data.comparison.composition_least_p = 0.1;
    EXPECT_NE(comparison_of(data).find("No type has enough donors for a false discovery rate"), std::string::npos);
    EXPECT_EQ(comparison_of(data).find("-fold"), std::string::npos) << "what cannot be found has no size from which it is found";
    EXPECT_NE(comparison_of(data).find("allow no p below 0.1"), std::string::npos);
    data.comparison.refused = "Condition and batch cannot be told apart.";
    const std::string refused = comparison_of(data);
    EXPECT_NE(refused.find("No comparison was made. Condition and batch cannot be told apart."), std::string::npos);
    EXPECT_EQ(refused.find("Composition</h3>"), std::string::npos);
    data.comparison = {};
    EXPECT_EQ(comparison_of(data), "");
}

TEST(Render, asks_nothing_of_the_network) {
    const std::string& page = example_page();
    for (const char* part : {"http://", "https://", " src=", "url(", "@import", "fetch(", "XMLHttpRequest", "import(", "<link", "<iframe", "WebSocket"}) EXPECT_EQ(page.find(part), std::string::npos) << part;
    EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
    EXPECT_EQ(page.find("unsafe-"), std::string::npos);
    EXPECT_EQ(count(page, "<script>"), 1) << "one script, the one whose hash the policy allows";
    EXPECT_EQ(count(page, " style=\""), 0) << "the policy forbids style attributes";
    EXPECT_TRUE(std::regex_search(page.substr(0, 1000), std::regex("script-src 'sha256-[A-Za-z0-9+/]{43}='; style-src 'sha256-[A-Za-z0-9+/]{43}='")));
}

TEST(Render, keeps_three_thousand_cells_within_5_mb_and_holds_all_genes) {
    EXPECT_LE(std::ssize(example_page()), 5'000'000);
    EXPECT_EQ(count(example_page(), "\"scale\":"), 300);
}

TEST(Render, keeps_a_hundred_thousand_cells_within_20_mb) {
    ExampleOptions options;
    options.n_cells = 100'000;
    options.n_genes_held = 500;
    const std::string page = render_report(example_report_data(options));
    EXPECT_LE(std::ssize(page), 20'000'000);
    EXPECT_GE(count(page, "\"scale\":"), 100) << "there must be room for the markers";
    EXPECT_NE(page.find("To keep this file small it holds the expression of"), std::string::npos);
    write_text_file(std::filesystem::path(MORULA_BUILD_DIR) / "example_report_100k.html", page);
}

TEST(Render, names_the_sample_and_keeps_a_density_map_above_a_hundred_thousand_cells) {
    ExampleOptions options;
    options.n_cells = 20'000;
    options.n_cells_all = 1'306'127;
    options.n_genes_held = 60;
    const std::string page = render_report(example_report_data(options));
    EXPECT_NE(page.find("id=\"data-density\""), std::string::npos);
    EXPECT_NE(page.find("20,000 of 1,306,127 cells, drawn at random (seed 0)"), std::string::npos);
    EXPECT_EQ(example_page().find("id=\"data-density\""), std::string::npos);
    write_text_file(std::filesystem::path(MORULA_BUILD_DIR) / "example_report_million.html", page);
}

TEST(Render, draws_every_cut_off_where_it_lies) {
    ReportData data = example_report_data({.n_samples = 2, .n_cells = 400, .n_cells_all = 0, .n_genes_held = 50, .seed = 1});
    data.qc.cutoffs = {{1, "total_counts", 432.0, kMissing, 7654.0, 1, 0}};
    const std::string page = render_report(data);
    const std::size_t figure = page.find("id=\"fig-qc_total_counts\"");
    const std::string drawing = page.substr(figure, page.find("</svg>", figure) - figure);
    EXPECT_EQ(count(drawing, "class=\"cut\""), 1);
    EXPECT_EQ(count(drawing, "class=\"flag\""), 1);
    EXPECT_NE(drawing.find(">432<"), std::string::npos);
    EXPECT_NE(drawing.find(">7,654<"), std::string::npos);
    const auto x_of = [&](const std::string& css) {
        const std::size_t line = drawing.rfind("<line x1=\"", drawing.find("class=\"" + css + "\""));
        return std::stod(drawing.substr(line + 10));
    };
    EXPECT_LT(x_of("cut"), x_of("flag"));
}

TEST(Render, names_clusters_on_the_map_by_their_labels) {
    ReportData data = example_report_data({.n_samples = 1, .n_cells = 200, .n_cells_all = 0, .n_genes_held = 50, .seed = 1});
    data.obs[0] = {"leiden", "", data.obs[0].codes, data.clusters.names, {}};
    const std::string page = render_report(data);
    EXPECT_NE(page.find("\"title\":\"Cluster\",\"categories\":[\"0 · CD4 T cell\",\"1 · CD14 monocyte\""), std::string::npos);
}

TEST(Render, links_only_to_sections_that_are_there) {
    ReportData data;
    data.title = "few sections";
    data.summary.checks = {{Severity::care, "Soup.", "Look at it.", "ambient"}, {Severity::care, "Markers.", "Look.", "no-such-section"}};
    EXPECT_EQ(count(render_report(data), "class=\"jump\""), 0);
}

TEST(Render, leaves_genes_out_rather_than_pass_the_limit) {
    ExampleOptions options;
    options.n_genes_held = 6000;
    const std::string page = render_report(example_report_data(options));
    EXPECT_LE(std::ssize(page), report_size_limit(3000));
    EXPECT_LT(count(page, "\"scale\":"), 6000);
}

TEST(Render, escapes_every_text_that_a_user_can_name) {
    const std::string attack = "</script><img src=x onerror=alert(1)>\"'&";
    ReportData data = example_report_data({});
    const auto poison = [&](std::string& text) { text += attack; };
    poison(data.title);
    poison(data.created);
    poison(data.source.statement);
    poison(data.summary.paragraph);
    for (CheckItem& item : data.summary.checks) { poison(item.title); poison(item.text); poison(item.section); }
    for (SampleRow& row : data.samples.rows) { poison(row.name); for (std::string& value : row.metadata) poison(value); }
    for (std::string& column : data.samples.metadata_columns) poison(column);
    for (std::string& note : data.sample_sheet_notes) poison(note);
    for (std::string& reason : data.qc.reasons) poison(reason);
    for (QcMetric& metric : data.qc.metrics) { poison(metric.name); poison(metric.title); }
    for (KneeCurve& knee : data.knees) { poison(knee.sample); poison(knee.method); }
    for (SexRow& row : data.sex) { poison(row.sample); poison(row.stated); poison(row.verdict); poison(row.expressed); }
    for (SoupGene& gene : data.soup) { poison(gene.gene); poison(gene.gene_id); poison(gene.sample); poison(gene.marker_of); }
    for (ScoreTable& table : data.scores) { poison(table.title); poison(table.text); for (ScoreRow& row : table.rows) poison(row.group); }
    for (std::string& name : data.map.cell_names) poison(name);
    for (ObsColumn& column : data.obs) { poison(column.name); poison(column.title); for (std::string& category : column.categories) poison(category); }
    for (GeneExpression& gene : data.expression) { poison(gene.gene); poison(gene.gene_id); }
    for (std::string& name : data.clusters.names) poison(name);
    for (std::string& label : data.clusters.labels) poison(label);
    for (std::string& name : data.variable_genes.top_names) poison(name);
    for (std::string& gene : data.markers.dot_genes) poison(gene);
    for (std::string& gene : data.markers.heatmap_genes) poison(gene);
    for (MarkerRow& row : data.markers.rows) { poison(row.gene); poison(row.gene_id); }
    for (LabelRow& row : data.labels.rows) { poison(row.label); poison(row.runner_up); poison(row.reason); for (std::string& gene : row.found) poison(gene); }
    for (SensitivityRow& row : data.sensitivity) { poison(row.change); poison(row.sentence); }
    for (Parameter& row : data.parameters) { poison(row.step); poison(row.name); poison(row.value); poison(row.help); }
    for (Decision& decision : data.decisions) { poison(decision.step); poison(decision.text); }
    for (Warning& warning : data.warnings) { poison(warning.text); poison(warning.section); }
    for (NameValue& row : data.versions) { poison(row.name); poison(row.value); }
    for (StepCost& step : data.steps) poison(step.name);
    for (CodeSnippet& snippet : data.snippets) { poison(snippet.title); poison(snippet.code); poison(snippet.note); }
    poison(data.reproduce);
    poison(data.recipe);
    poison(data.integration.text);
    poison(data.no_split_text);
    poison(data.markers.method);
    poison(data.labels.source);
    const std::string page = render_report(data);
    EXPECT_EQ(page.find("<img"), std::string::npos);
    EXPECT_EQ(count(page, "</script>"), count(page, "<script"));
    write_text_file(std::filesystem::path(MORULA_BUILD_DIR) / "example_report_hostile.html", page);
}

TEST(Render, survives_text_that_is_not_utf8) {
    ReportData data = example_report_data({.n_samples = 1, .n_cells = 200, .n_cells_all = 0, .n_genes_held = 50, .seed = 1});
    data.title = "bad \xff\xfe bytes \xc3";
    data.samples.rows[0].name = std::string("\xed\xa0\x80", 3);
    const std::string page = render_report(data);
    EXPECT_EQ(page.find('\xff'), std::string::npos);
    EXPECT_NE(page.find("bad \xEF\xBF\xBD\xEF\xBF\xBD bytes \xEF\xBF\xBD"), std::string::npos);
}

TEST(Render, says_on_the_page_when_cells_were_never_measured) {
    ReportData data = example_report_data({.n_samples = 1, .n_cells = 200, .n_cells_all = 0, .n_genes_held = 50, .seed = 1});
    data.source.kind = SourceKind::simulated;
    EXPECT_NE(render_report(data).find("Simulated sample: these cells were never measured"), std::string::npos);
    data.source.kind = SourceKind::real;
    EXPECT_EQ(render_report(data).find("class=\"banner\""), std::string::npos);
}

TEST(Render, is_whole_with_nothing_but_a_title) {
    ReportData data;
    data.title = "empty";
    const std::string page = render_report(data);
    EXPECT_NE(page.find("</html>"), std::string::npos);
    EXPECT_EQ(page.find("<section id=\"map\""), std::string::npos);
}

TEST(Render, names_the_vector_of_wrong_length) {
    ReportData data = example_report_data({.n_samples = 1, .n_cells = 200, .n_cells_all = 0, .n_genes_held = 50, .seed = 1});
    data.obs[1].codes.pop_back();
    try {
        render_report(data);
        FAIL() << "accepted a short column";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::internal);
        EXPECT_NE(error.message().find("obs column sample"), std::string::npos) << error.message();
    }
}

TEST(Render, refuses_codes_out_of_range) {
    ReportData data = example_report_data({.n_samples = 1, .n_cells = 200, .n_cells_all = 0, .n_genes_held = 50, .seed = 1});
    data.obs[0].codes[7] = 99;
    EXPECT_THROW(render_report(data), Error);
    data = example_report_data({.n_samples = 1, .n_cells = 200, .n_cells_all = 0, .n_genes_held = 50, .seed = 1});
    data.qc.removed[3] = 12;
    EXPECT_THROW(render_report(data), Error);
    data = example_report_data({.n_samples = 1, .n_cells = 200, .n_cells_all = 0, .n_genes_held = 50, .seed = 1});
    data.markers.rows[0].cluster = -1;
    EXPECT_THROW(render_report(data), Error);
}

TEST(Render, gives_the_same_bytes_for_the_same_data) { EXPECT_EQ(render_report(example_report_data({})), example_page()); }

TEST(Render, writes_the_file_whole) {
    const std::filesystem::path path = std::filesystem::path(MORULA_BUILD_DIR) / "example_report.html";
    write_report(example_report_data({}), path);
    EXPECT_EQ(read_text_file(path, 6'000'000), example_page());
}

}  // namespace
}  // namespace morula::report
