#include "morula/report/contribution_report.hpp"

#include <filesystem>
#include <regex>

#include <gtest/gtest.h>

#include "morula/core/file.hpp"

namespace morula::report {
namespace {

ContributionStory example_contribution() {
    ContributionStory story;
    story.title = "A made-up islet";
    story.minutes = 600.0;
    story.n_seeds = 20;
    story.n_draws = 100;
    story.interventions = {{"inert", "swapped for cells of equal size that do nothing"}};
    ContributionReadout insulin{"insulin.flux", "amount/min", 12.0, {}, {}};
    insulin.rows = {{"beta", "inert", 10.0, 4.0, 17.0, 9.5, 10.5, 9.0, 0.4, true, 20, 100}, {"alpha <x>", "inert", -2.0, -6.0, 1.0, -2.2, -1.8, -1.5, 0.3, false, 20, 99}, {"none", "inert", kMissing, kMissing, kMissing, kMissing, kMissing, kMissing, kMissing, false, 0, 0}};
    insulin.drivers = {{"", "", "uptake", 0.9, 0.1}, {"beta", "inert", "uptake", 0.2, 0.1}, {"alpha <x>", "inert", "uptake", 0.6, 0.1}, {"beta", "inert", "death", 0.05, 0.1}};
    story.readouts = {insulin};
    story.rates = {{"uptake", 1.0, "1/min", "guessed", "", 0.1, 10.0, "3"}, {"death", 1.0, "1/h", "guessed", "", 0.1, 2.0, "4"}, {"volume", 2494.0, "um3", "literature", "doi", kMissing, kMissing, ""}};
    story.record.reproduce = "morula contribute islet.toml --seeds 20 --out islet";
    return story;
}

std::vector<double> numbers_of(const std::string& svg, const std::string& pattern) {
    std::vector<double> out;
    const std::regex regex(pattern);
    for (std::sregex_iterator match(svg.begin(), svg.end(), regex); match != std::sregex_iterator(); ++match) {
        for (std::size_t k = 1; k < match->size(); ++k) out.push_back(std::stod((*match)[k]));
    }
    return out;
}

TEST(ContributionReport, bars_and_intervals_are_drawn_to_one_scale) {
    const Figure figure = effects_figure(example_contribution().readouts[0]);
    const auto zero = numbers_of(figure.svg, "<line x1=\"([\\d.]+)\" y1=\"8.0\" x2=\"[\\d.]+\" y2=\"[\\d.]+\" class=\"axis\"");
    ASSERT_EQ(zero.size(), 1U);
    const auto written = numbers_of(figure.svg, "<rect x=\"([\\d.]+)\" y=\"[\\d.]+\" width=\"([\\d.]+)\" height=\"16.00\" class=\"bar-muted\"");
    const auto other = numbers_of(figure.svg, "<rect x=\"([\\d.]+)\" y=\"[\\d.]+\" width=\"([\\d.]+)\" height=\"16.00\" class=\"bar-strong\"");
    ASSERT_EQ(written.size(), 2U);
    ASSERT_EQ(other.size(), 2U);
    EXPECT_NEAR(written[0], zero[0], 0.11) << "a positive effect begins at zero";
    EXPECT_NEAR(other[0] + other[1], zero[0], 0.11) << "a negative one ends there";
    EXPECT_NEAR(written[1] / other[1], 5.0, 0.02);
    const double pixels = written[1] / 10.0;
    const auto outer = numbers_of(figure.svg, "<line x1=\"([\\d.]+)\" y1=\"29.0\" x2=\"([\\d.]+)\" y2=\"29.0\" class=\"interval\"");
    ASSERT_EQ(outer.size(), 2U);
    EXPECT_NEAR(outer[0], zero[0] + 4.0 * pixels, 0.2);
    EXPECT_NEAR(outer[1], zero[0] + 17.0 * pixels, 0.2);
    const auto inner = numbers_of(figure.svg, "<line x1=\"([\\d.]+)\" y1=\"29.0\" x2=\"([\\d.]+)\" y2=\"29.0\" class=\"interval inner\"");
    ASSERT_EQ(inner.size(), 2U);
    EXPECT_NEAR(inner[1] - inner[0], 1.0 * pixels, 0.2);
    ASSERT_EQ(figure.table.rows.size(), 3U);
    EXPECT_EQ(figure.table.rows[1], (std::vector<std::string>{"alpha <x>", "inert", "-2", "-6 to 1", "-2.2 to -1.8", "-1.5", "0.3", "no", "20", "99"}));
    EXPECT_EQ(figure.table.rows[2][2], "");
    EXPECT_NE(figure.caption.find("put in by hand"), std::string::npos);
}

/// Every x of lines, bars and dots, and where texts begin or end.
std::vector<double> all_x(const std::string& svg) {
    std::vector<double> out;
    for (const char* pattern : {" x=\"(-?[\\d.]+)\"", " x1=\"(-?[\\d.]+)\"", " x2=\"(-?[\\d.]+)\"", " cx=\"(-?[\\d.]+)\""}) {
        for (const double x : numbers_of(svg, pattern)) out.push_back(x);
    }
    return out;
}

TEST(ContributionReport, charts_fit_a_phone) {
    const ContributionReadout readout = example_contribution().readouts[0];
    for (const Figure& figure : {effects_figure(readout), shapley_figure(readout), drivers_figure(readout)}) {
        EXPECT_TRUE(figure.narrow_svg.starts_with("<svg viewBox=\"0 0 360 ")) << figure.narrow_svg.substr(0, 60);
        const std::vector<double> x = all_x(figure.narrow_svg);
        EXPECT_GT(x.size(), 8U) << figure.title;
        for (const double each : x) EXPECT_TRUE(each >= 0.0 && each <= 360.0) << figure.title << ' ' << each;
        // The same bars and words as in the wide one.
        for (const char* part : {"<rect", "<circle", ">written in<", ">beta<", ">alpha &lt;x&gt;<", ">uptake<"}) {
            EXPECT_EQ(figure.narrow_svg.find(part) == std::string::npos, figure.svg.find(part) == std::string::npos) << figure.title << part;
        }
    }
    const auto zero = numbers_of(effects_figure(readout).narrow_svg, "<line x1=\"([\\d.]+)\" y1=\"8.0\" x2=\"[\\d.]+\" y2=\"[\\d.]+\" class=\"axis\"");
    ASSERT_EQ(zero.size(), 1U);
    EXPECT_TRUE(zero[0] > 20.0 && zero[0] < 338.0);
    const std::string page = render_contribution(example_contribution());
    EXPECT_NE(page.find("<div class=\"drawing wide\""), std::string::npos);
    EXPECT_NE(page.find("<div class=\"drawing narrow\""), std::string::npos);
}

TEST(ContributionReport, numbers_without_a_source_are_told) {
    ContributionStory story = example_contribution();
    story.unsourced = "6 more numbers have no source.";
    const std::string page = render_contribution(story);
    EXPECT_NE(page.find("a default of the program. 6 more numbers have no source.</p>"), std::string::npos);
    EXPECT_NE(page.find("6 more numbers have no source. They were held at what the scenario says"), std::string::npos);
}

TEST(ContributionReport, drivers_show_each_rate_once_with_its_largest_share) {
    const Figure figure = drivers_figure(example_contribution().readouts[0]);
    EXPECT_EQ(figure.table.rows.size(), 4U);
    const auto strong = numbers_of(figure.svg, "width=\"([\\d.]+)\" height=\"16.00\" class=\"bar-strong\"");
    const auto muted = numbers_of(figure.svg, "width=\"([\\d.]+)\" height=\"16.00\" class=\"bar-muted\"");
    ASSERT_EQ(strong.size(), 1U) << "uptake, of the effect of alpha";
    ASSERT_EQ(muted.size(), 1U) << "death is within chance";
    EXPECT_NEAR(strong[0] / muted[0], 12.0, 0.05);
    ContributionReadout without = example_contribution().readouts[0];
    without.drivers.clear();
    EXPECT_EQ(drivers_figure(without).svg, "");
}

TEST(ContributionReport, says_which_way_a_type_changes_a_read_out_and_when_none_does) {
    ContributionStory story = example_contribution();
    story.readouts[0].unit = "1";
    story.readouts[0].rows[0].effect = -10.0;
    EXPECT_NE(render_contribution(story).find("insulin.flux: beta changes it most, by -10 (4 to 17 over the guesses)"), std::string::npos);
    EXPECT_NE(render_contribution(story).find("With all types as they are: 12. Bar: effect. Thin line"), std::string::npos);
    for (ContributionRow& row : story.readouts[0].rows) row.effect = 0.0;
    EXPECT_NE(render_contribution(story).find("insulin.flux: no type changes it with the rates at their guesses."), std::string::npos);
    EXPECT_NE(effects_figure(story.readouts[0]).svg, "") << "some of the draws do";
    for (ContributionRow& row : story.readouts[0].rows) row.low = row.high = row.seed_low = row.seed_high = row.shapley = row.shapley_se = 0.0;
    EXPECT_NE(render_contribution(story).find("No type changes insulin.flux: it is not drawn below."), std::string::npos);
    EXPECT_EQ(effects_figure(story.readouts[0]).svg, "");
    EXPECT_EQ(shapley_figure(story.readouts[0]).svg, "");
}

TEST(ContributionReport, names_of_rates_are_short_and_keep_what_tells_them_apart) {
    EXPECT_EQ(short_rate_name("cell_type 'macrophage', exchange of 'oxygen', uptake"), "macrophage: oxygen uptake");
    EXPECT_EQ(short_rate_name("cell_type 'T cell', cycle_entry"), "T cell: cycle entry");
    EXPECT_EQ(short_rate_name("substance 'factor', decay"), "factor: decay");
    EXPECT_EQ(short_rate_name("rule of 'tumor': factor increases cycle entry, half_max"), "tumor: factor increases cycle entry, half max");
    for (const char* other : {"uptake", "vessel of 'oxygen' (2)", "readout 'wall', cell_permeability", "", "cell_type 'a', b, 'c'"}) EXPECT_EQ(short_rate_name(other), other);
    // The last word decides, and stands also where the name is too long.
    ContributionReadout readout = example_contribution().readouts[0];
    readout.drivers = {{"beta", "inert", "rule of 'a type with a long name': another substance decreases migration speed, saturation", 0.2, 0.1}, {"beta", "inert", "rule of 'a type with a long name': another substance decreases migration speed, half_max", 0.3, 0.1}};
    const Figure figure = drivers_figure(readout);
    for (const std::string* svg : {&figure.svg, &figure.narrow_svg}) {
        EXPECT_NE(svg->find("saturation</text>"), std::string::npos);
        EXPECT_NE(svg->find("half max</text>"), std::string::npos);
    }
}

TEST(ContributionReport, a_type_alone_needs_no_shares) {
    ContributionReadout readout = example_contribution().readouts[0];
    EXPECT_NE(shapley_figure(readout).svg, "");
    readout.rows.resize(1);
    EXPECT_EQ(shapley_figure(readout).svg, "");
}

TEST(ContributionReport, says_what_it_is_and_what_it_cannot_tell) {
    ContributionStory story = example_contribution();
    std::string page = render_contribution(story);
    for (const char* words : {"What this scenario implies", "it is no measurement", "Transitions are hypotheses; only states are measured.", "insulin.flux: beta adds most, 10 amount/min (4 to 17 over the guesses). The scenario says so itself: the link is written in.",
                              "alpha &lt;x&gt;", "2 of 3 rates are guessed", "morula contribute islet.toml"}) {
        EXPECT_NE(page.find(words), std::string::npos) << words;
    }
    EXPECT_EQ(page.find("is no headline"), std::string::npos);
    story.n_draws = 20;
    EXPECT_NE(render_contribution(story).find("fewer than 100"), std::string::npos);
    story.readouts[0].rows[0].effect = 1.0;
    EXPECT_NE(render_contribution(story).find("the guesses leave its sign open"), std::string::npos) << "alpha is the strongest now and its interval holds 0";
}

TEST(ContributionReport, hostile_names_stay_text_and_an_empty_story_is_whole) {
    ContributionStory story = example_contribution();
    const std::string evil = "\"><img src=x></script><script>alert(1)</script>\xff";
    story.title += evil;
    for (ContributionReadout& readout : story.readouts) {
        readout.name += evil;
        readout.unit += evil;
        for (ContributionRow& row : readout.rows) { row.type += evil; row.intervention += evil; }
        for (RateDriver& driver : readout.drivers) { driver.rate += evil; driver.type += evil; }
    }
    story.notes.push_back(evil);
    story.measured_states = evil;
    story.interventions[0].value += evil;
    const std::string page = render_contribution(story);
    EXPECT_EQ(page.find("<img"), std::string::npos);
    EXPECT_EQ(page.find('\xff'), std::string::npos);
    const std::string empty = render_contribution({});
    EXPECT_NE(empty.find("</html>"), std::string::npos);
    write_contribution_report(example_contribution(), std::filesystem::path(MORULA_BUILD_DIR) / "example_contribution.html");
}

}  // namespace
}  // namespace morula::report
