#include "morula/report/seeds_report.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "morula/core/error.hpp"
#include "tests/support/errors.hpp"

namespace morula::report {
namespace {

SeedsStory example() {
    SeedsStory story;
    story.title = "A made-up <ball>";
    story.minutes = 120.0;
    story.notes = {"1 of 2 rates are guessed; the result holds for these guesses alone."};
    for (std::uint64_t k = 0; k < 3; ++k) story.seeds.push_back({5 + k, "seed-" + std::to_string(5 + k) + "/report.html", 100 + static_cast<std::int64_t>(k), 7, 2, 0, 0, "abc"});
    story.minute = {0.0, 60.0, 120.0};
    story.types = {{"tumor", "", {{90.0, 91.0, 92.0}, {90.0, 93.0, 99.0}, {90.0, 90.0, 97.0}}}};
    story.dead = {"dead cells", "", {{0.0, 0.0, 8.0}, {0.0, 1.0, 2.0}, {0.0, 0.0, 5.0}}};
    story.readouts = {{"oxygen.p50", "mmHg", {{kMissing, 10.0, 20.0}, {kMissing, 12.0, kMissing}, {kMissing, 14.0, 24.0}}}};
    story.rates = {{"necrosis", 0.17, "1/h", "guessed", "", 0.02, 1.0, "17"}, {"uptake", 10.0, "1/min", "literature", "doi", kMissing, kMissing, "9"}};
    story.record.outputs = {{"seeds.csv", "one row a seed"}};
    story.record.reproduce = "morula simulate ball.toml --out ball --seeds 3";
    return story;
}

TEST(SeedSpread, of_known_numbers_leaves_out_what_is_not_defined) {
    const std::vector<std::vector<double>> value = {{1.0, kMissing}, {2.0, 8.0}, {9.0, kMissing}, {4.0, kMissing}};
    const SeedSpread all = spread_of(value, 0);
    EXPECT_EQ(all.n, 4);
    EXPECT_EQ(all.mean, 4.0);
    EXPECT_EQ(all.median, 3.0);
    EXPECT_EQ(all.low, 1.0);
    EXPECT_EQ(all.high, 9.0);
    EXPECT_NEAR(all.sd, std::sqrt(38.0 / 3.0), 1e-12);
    const SeedSpread one = spread_of(value, 1);
    EXPECT_EQ(one.n, 1);
    EXPECT_EQ(one.median, 8.0);
    EXPECT_TRUE(std::isnan(one.sd));
    const SeedSpread none = spread_of({{kMissing}, {kMissing}}, 0);
    EXPECT_EQ(none.n, 0);
    EXPECT_TRUE(std::isnan(none.mean) && std::isnan(none.low) && std::isnan(none.median));
}

TEST(SeedsReport, says_how_far_the_seeds_lie_apart_and_leads_to_each) {
    const std::string page = render_seeds(example());
    for (const char* words : {"<a href=\"seed-5/report.html\">5</a>", "<a href=\"seed-7/report.html\">7</a>", "run 3 times, each time with another seed (5 to 7), from the same start for 120 min", "Transitions are hypotheses; only states are measured.",
                              "1 of 2 rates are guessed", "A made-up &lt;ball&gt;", "no interval of confidence", "3 seeds show the middle, not the tails", "morula contribute"}) {
        EXPECT_NE(page.find(words), std::string::npos) << words;
    }
    // Mean 96, SD sqrt(13), lowest, median, highest, seeds; of the read-out two seeds have a value.
    EXPECT_NE(page.find("<th scope=\"row\">living cells of tumor</th><td></td><td class=\"num\">96</td><td class=\"num\">3.6</td><td class=\"num\">92</td><td class=\"num\">97</td><td class=\"num\">99</td><td class=\"num\">3</td>"), std::string::npos);
    EXPECT_NE(page.find("<th scope=\"row\">oxygen.p50</th><td>mmHg</td><td class=\"num\">22</td><td class=\"num\">2.8</td><td class=\"num\">20</td><td class=\"num\">22</td><td class=\"num\">24</td><td class=\"num\">2</td>"), std::string::npos);
    // One band of types, one of the dead, one of the read-out, which begins where there are values; each drawn for wide and for narrow screens.
    std::size_t n_bands = 0;
    for (std::size_t at = page.find("<polygon class=\"spread"); at != std::string::npos; at = page.find("<polygon class=\"spread", at + 1)) ++n_bands;
    EXPECT_EQ(n_bands, 6U);
    EXPECT_EQ(page.find("Put in"), std::string::npos) << "nobody was put in";
    // Of a read-out between 10 and 24 small differences are shown; counts of cells begin at 0.
    std::size_t n_axes = 0;
    for (std::size_t at = page.find("The axis does not begin at 0."); at != std::string::npos; at = page.find("The axis does not begin at 0.", at + 1)) ++n_axes;
    EXPECT_EQ(n_axes, 1U);
}

TEST(SeedsReport, asks_nothing_of_the_network) {
    const std::string page = render_seeds(example());
    for (const char* address : {"http://", "https://", "src=\"/", "<link", "<iframe"}) EXPECT_EQ(page.find(address), std::string::npos) << address;
}

TEST(SeedsReport, what_perturbations_moved_has_columns_of_its_own) {
    SeedsStory story = example();
    story.seeds[1].put_in = 40;
    story.seeds[1].taken_out = 3;
    const std::string page = render_seeds(story);
    EXPECT_NE(page.find("Put in"), std::string::npos);
    EXPECT_NE(page.find("Taken out"), std::string::npos);
}

TEST(SeedsReport, parts_that_do_not_fit_together_are_an_error_of_ours) {
    SeedsStory story = example();
    story.readouts[0].value[2].pop_back();
    EXPECT_EQ(test::error_code([&] { render_seeds(story); }), ErrorCode::internal);
    story = example();
    story.types[0].value.pop_back();
    EXPECT_EQ(test::error_code([&] { render_seeds(story); }), ErrorCode::internal);
    EXPECT_EQ(test::error_code([&] { render_seeds({}); }), ErrorCode::internal);
}

TEST(SeedsReport, of_one_seed_and_of_many_can_be_drawn) {
    SeedsStory story = example();
    story.seeds.resize(1);
    for (SeedSeries* series : {&story.types[0], &story.dead, &story.readouts[0]}) series->value.resize(1);
    EXPECT_NE(render_seeds(story).find("run once, with seed 5,"), std::string::npos);
    for (SeedSeries* series : {&story.types[0], &story.dead, &story.readouts[0]}) series->value.resize(40, series->value[0]);
    story.seeds.resize(40, story.seeds[0]);
    const std::string page = render_seeds(story);
    EXPECT_EQ(page.find("thin: each seed"), std::string::npos);
    EXPECT_EQ(page.find("not the tails"), std::string::npos);
}

}  // namespace
}  // namespace morula::report
