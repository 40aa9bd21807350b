#include "morula/report/simulation_report.hpp"

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <regex>

#include <gtest/gtest.h>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/report/charts_simulation.hpp"
#include "morula/report/islands.hpp"
#include "tests/report/example_story.hpp"

namespace morula::report {
namespace {

using Json = nlohmann::json;

std::string between(const std::string& text, const std::string& from, const std::string& to) {
    const std::size_t begin = text.find(from);
    if (begin == std::string::npos) return "";
    return text.substr(begin + from.size(), text.find(to, begin + from.size()) - begin - from.size());
}

std::int64_t count(const std::string& text, const std::string& part) {
    std::int64_t n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
    return n;
}

/// Cells of the table of that file name, row by row, the heading first.
std::vector<std::vector<std::string>> table_of(const std::string& page, const std::string& file) {
    const std::string table = between(page, "data-file=\"" + file + "\">", "</table>") + between(page, "data-file=\"" + file + "\" class", "</table>");
    std::vector<std::vector<std::string>> rows;
    const std::regex row_pattern("<tr>(.*?)</tr>"), cell_pattern("<t[hd][^>]*>(.*?)</t[hd]>");
    for (std::sregex_iterator row(table.begin(), table.end(), row_pattern); row != std::sregex_iterator(); ++row) {
        const std::string inside = (*row)[1];
        rows.emplace_back();
        for (std::sregex_iterator cell(inside.begin(), inside.end(), cell_pattern); cell != std::sregex_iterator(); ++cell) rows.back().push_back((*cell)[1]);
    }
    return rows;
}

std::vector<std::uint8_t> decoded(const std::string& base64) {
    const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::vector<std::uint8_t> out;
    std::uint32_t group = 0;
    int n_bits = 0;
    for (const char c : base64) {
        if (c == '=') break;
        group = (group << 6 | static_cast<std::uint32_t>(alphabet.find(c))) & 0xFFFFFFU;
        n_bits += 6;
        if (n_bits >= 8) out.push_back(static_cast<std::uint8_t>(group >> (n_bits -= 8) & 0xFFU));
    }
    return out;
}

Json player_of(const std::string& html) { return Json::parse(between(html, "id=\"data-player\">", "</script>")); }

/// Numbers of one 16-bit column of a frame.
std::vector<double> column(const std::vector<std::uint8_t>& bytes, std::size_t n, std::size_t place, const Json& range) {
    std::vector<double> out;
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t at = 2 * (place * n + i);
        const int level = bytes[at] | bytes[at + 1] << 8;
        out.push_back(range[0].get<double>() + level / 65534.0 * (range[1].get<double>() - range[0].get<double>()));
    }
    return out;
}

void expect_near_all(const std::vector<double>& got, const std::vector<float>& wanted, double off, const char* what) {
    ASSERT_EQ(got.size(), wanted.size()) << what;
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], wanted[i], off) << what << ' ' << i;
}

TEST(SimulationReport, frames_decode_to_the_positions_that_were_given) {
    for (const bool is_flat : {false, true}) {
        SimulationStory story = example_story(257, 3);
        story.is_flat = is_flat;
        const Json player = player_of(render_simulation(story));
        ASSERT_EQ(player["frames"].size(), 3U);
        for (std::size_t k = 0; k < 3; ++k) {
            const Frame& frame = story.player.frames[k];
            const Json& held = player["frames"][k];
            EXPECT_EQ(held["minute"].get<double>(), frame.minute);
            EXPECT_EQ(held["all"].get<std::int64_t>(), 257);
            const std::size_t n = held["n"].get<std::size_t>();
            ASSERT_EQ(n, 257U);
            const std::vector<std::uint8_t> bytes = decoded(held["data"].get<std::string>());
            const std::size_t axes = is_flat ? 2 : 3;
            ASSERT_EQ(bytes.size(), n * (2 * axes + 2 * 2 + 2));
            const double off = 300.0 / 65534.0;  // half a level is half of that; the ends are written with nine digits
            expect_near_all(column(bytes, n, 0, player["box"][0]), frame.x, off, "x");
            expect_near_all(column(bytes, n, 1, player["box"][1]), frame.y, off, "y");
            if (!is_flat) expect_near_all(column(bytes, n, 2, player["box"][2]), frame.z, off, "z");
            expect_near_all(column(bytes, n, axes, player["substances"][0]["range"]), frame.levels[0], 38.0 / 65534.0, "oxygen");
            expect_near_all(column(bytes, n, axes + 1, player["substances"][1]["range"]), frame.levels[1], 1e-3 / 65534.0, "IL-2");
            const std::size_t behind = 2 * (axes + 2) * n;
            for (std::size_t i = 0; i < n; ++i) {
                ASSERT_EQ(bytes[behind + i], frame.kind[i]);
                ASSERT_NEAR(bytes[behind + n + i] / 255.0 * player["radius"].get<double>(), frame.radius[i], 9.0 / 255.0);
            }
        }
        EXPECT_EQ(player["flat"].get<bool>(), is_flat);
        EXPECT_EQ(player["kinds"][3]["title"], "T <cell>");
        EXPECT_EQ(player["kinds"][1]["title"], "tumor, apoptotic");
        EXPECT_EQ(player["domain"][0], Json({-300.0, 300.0}));
    }
}

TEST(SimulationReport, more_than_256_kinds_are_told_apart) {
    SimulationStory story = example_story(300, 1);
    story.kinds.resize(300, {"type", "state", false});
    for (auto& row : story.composition.counts) row.resize(300, 0);
    for (std::size_t i = 0; i < 300; ++i) story.player.frames[0].kind[i] = static_cast<std::uint16_t>(i);
    const Json player = player_of(render_simulation(story));
    EXPECT_EQ(player["bits"], 16);
    const std::vector<std::uint8_t> bytes = decoded(player["frames"][0]["data"].get<std::string>());
    for (std::size_t i = 0; i < 300; ++i) ASSERT_EQ(bytes[2 * (5 * 300 + i)] | bytes[2 * (5 * 300 + i) + 1] << 8, static_cast<int>(i));
}

TEST(SimulationReport, frames_that_do_not_fit_are_left_out_and_the_page_says_so) {
    const SimulationStory story = example_story(500, 9);
    const PlayerIsland whole = player_island(story, 10'000'000);
    EXPECT_EQ(whole.n_frames, 9);
    const auto bytes = static_cast<std::int64_t>(whole.html.size());
    const PlayerIsland half = player_island(story, bytes * 6 / 10);
    EXPECT_EQ(half.n_frames, 5);
    EXPECT_LE(static_cast<std::int64_t>(half.html.size()), bytes * 6 / 10 + 2000);
    const Json player = player_of(half.html);
    EXPECT_EQ(player["frames"][0]["minute"], 0.0);
    EXPECT_EQ(player["frames"][1]["minute"], 120.0);
    EXPECT_EQ(player["frames"].back()["minute"], 480.0);
    const PlayerIsland one = player_island(story, 10);
    EXPECT_EQ(one.n_frames, 1);
    EXPECT_EQ(player_of(one.html)["frames"][0]["minute"], 480.0) << "the end stays";
}

TEST(SimulationReport, a_page_of_full_frames_stays_below_twenty_million_bytes) {
    SimulationStory story = example_story(kMostFrameCells, 1);
    story.player.frames.resize(90, story.player.frames[0]);  // 90 x 20,000 x 12 bytes: 29 MB as base64
    const std::string page = render_simulation(story);
    EXPECT_LE(static_cast<std::int64_t>(page.size()), kSimulationPageLimit);
    EXPECT_EQ(player_of(page)["frames"].size(), 46U);
    EXPECT_NE(page.find("46 frames of the run (90 were kept; the others are left out to keep this page below 20 MB), one every 120 min"), std::string::npos);
}

TEST(SimulationReport, the_composition_table_and_the_drawing_hold_the_counts) {
    const SimulationStory story = example_story(50, 2);
    const std::string page = render_simulation(story);
    const auto rows = table_of(page, "composition");
    ASSERT_EQ(rows.size(), 5U);
    EXPECT_EQ(rows[0], (std::vector<std::string>{"Minute", "tumor, live", "tumor, apoptotic", "tumor, necrotic", "T &lt;cell&gt;", "All", "Born so far", "Removed so far"}));
    EXPECT_EQ(rows[1], (std::vector<std::string>{"0", "100", "0", "0", "20", "120", "0", "0"}));
    EXPECT_EQ(rows[4], (std::vector<std::string>{"180", "1,180", "8", "2", "20", "1,210", "1,090", "0"}));
    // A phone shows the same bands and words in its own width.
    const Figure narrow = composition_over_time_figure(story);
    EXPECT_TRUE(narrow.narrow_svg.starts_with("<svg viewBox=\"0 0 360 ")) << narrow.narrow_svg.substr(0, 60);
    EXPECT_EQ(count(narrow.narrow_svg, "<polygon"), count(narrow.svg, "<polygon"));
    EXPECT_EQ(count(narrow.narrow_svg, "row-label"), count(narrow.svg, "row-label"));
    EXPECT_TRUE(types_over_time_figure(story).narrow_svg.starts_with("<svg viewBox=\"0 0 360 "));
    // Bands as drawn: heights at the last time are as the counts.
    const std::string svg = composition_over_time_figure(story).svg;
    const std::regex polygon("<polygon class=\"fill c(\\d)\" points=\"([^\"]*)\"");
    std::vector<double> heights;
    for (std::sregex_iterator match(svg.begin(), svg.end(), polygon); match != std::sregex_iterator(); ++match) {
        std::vector<double> y;
        const std::string points = (*match)[2];
        const std::regex point("([\\d.]+),([\\d.]+)");
        for (std::sregex_iterator p(points.begin(), points.end(), point); p != std::sregex_iterator(); ++p) y.push_back(std::stod((*p)[2]));
        ASSERT_EQ(y.size(), 8U);
        heights.push_back(y[3] - y[4]);  // base and top at the last time
    }
    ASSERT_EQ(heights.size(), 4U);
    EXPECT_NEAR(heights[3] / heights[0], 20.0 / 1180.0, 0.001);
    EXPECT_NEAR(heights[0], 294.0 / (1.05 * 1210.0) * 1180.0, 0.2);
}

TEST(SimulationReport, turnover_is_by_hour_and_types_are_counted_without_the_dead) {
    const SimulationStory story = example_story(50, 2);
    const std::string page = render_simulation(story);
    const auto turnover = table_of(page, "turnover");
    ASSERT_EQ(turnover.size(), 5U);
    EXPECT_EQ(turnover[4][1], "1,034");
    EXPECT_EQ(turnover[1][1], "") << "nothing was counted before the start";
    const auto types = table_of(page, "types_over_time");
    EXPECT_EQ(types[0], (std::vector<std::string>{"Time, min", "tumor", "T &lt;cell&gt;", "dead, of all types"}));
    EXPECT_EQ(types[4], (std::vector<std::string>{"180", "1,180", "20", "10"}));
}

TEST(SimulationReport, profiles_show_numbers_at_shell_middles_with_the_start_beside) {
    const std::string page = render_simulation(example_story(50, 2));
    const auto density = table_of(page, "radial_density");
    EXPECT_EQ(density[0], (std::vector<std::string>{"Distance, µm", "tumor", "tumor, start", "T &lt;cell&gt;", "dead cells", "dead cells, start"}));
    EXPECT_EQ(density[2], (std::vector<std::string>{"30", "200,000", "100,000", "10,000", "0", "0"}));
    const auto level = table_of(page, "vessel_IL-2");
    ASSERT_EQ(level.size(), 5U);
    EXPECT_EQ(level[3][1], "") << "a shell without voxels is a gap";
    EXPECT_NE(page.find("Cells against distance from the nearest vessel"), std::string::npos);
}

/// A box of a field map: what it reaches under its neighbours, half a pixel below and, but for the last of a row, to the right, is taken off.
struct DrawnBox {
    double x, y, width, height;
    int band;
};
std::vector<DrawnBox> boxes_of(const std::string& svg, double right_edge) {
    const std::regex path("<path class=\"ramp band r(\\d)\" d=\"([^\"]*)\""), box("M([\\d.]+) ([\\d.]+)h([\\d.]+)v([\\d.]+)");
    std::vector<DrawnBox> out;
    for (std::sregex_iterator band(svg.begin(), svg.end(), path); band != std::sregex_iterator(); ++band) {
        const std::string boxes = (*band)[2];
        for (std::sregex_iterator match(boxes.begin(), boxes.end(), box); match != std::sregex_iterator(); ++match) {
            DrawnBox own{std::stod((*match)[1]), std::stod((*match)[2]) + 0.5, std::stod((*match)[3]), std::stod((*match)[4]) - 0.5, std::stoi((*band)[1])};
            EXPECT_LE(own.x + own.width, right_edge + 0.1);
            if (own.x + own.width < right_edge - 0.1) own.width -= 0.5;
            out.push_back(own);
        }
    }
    return out;
}

TEST(SimulationReport, field_maps_draw_each_voxel_once_with_scale_bar_and_unit) {
    const SimulationStory story = example_story(50, 2);
    const Figure figure = field_map_figure(story, story.maps[0]);
    double area = 0.0;
    const double left_edge = 8.0, scale = std::min(600.0 / 600.0, 460.0 / 400.0);
    double sum_y = 0.0, n_low = 0.0;
    for (const DrawnBox& box : boxes_of(figure.svg, left_edge + 600.0 * scale)) {
        area += box.width * box.height;
        if (box.band != 0) continue;
        sum_y += box.y + box.height / 2.0;
        n_low += 1.0;
    }
    EXPECT_NEAR(area, 600.0 * 400.0 * scale * scale, 50.0);
    EXPECT_NEAR(sum_y / n_low, 8.0 + 190.0 * scale, 1.0) << "the lowest values lie around row 10 of 20, counted from below";
    EXPECT_NE(figure.svg.find("oxygen, mmHg"), std::string::npos);
    EXPECT_NE(figure.svg.find("200 µm"), std::string::npos) << "scale bar";
    EXPECT_NE(figure.caption.find("From 18 to 37.22 mmHg"), std::string::npos) << figure.caption;
    EXPECT_EQ(figure.table.rows.size(), 30U);
}

TEST(SimulationReport, field_maps_fit_a_phone) {
    const SimulationStory story = example_story(50, 2);
    const std::string& svg = field_map_figure(story, story.maps[0]).narrow_svg;
    EXPECT_NE(svg.find("viewBox=\"0 0 360 "), std::string::npos) << svg.substr(0, 300);
    double area = 0.0;
    for (const DrawnBox& box : boxes_of(svg, 352.0)) area += box.width * box.height;
    const double scale = 344.0 / 600.0;
    EXPECT_NEAR(area, 600.0 * 400.0 * scale * scale, 600.0) << "each voxel once, to the rounding of pixels";
    EXPECT_NE(svg.find("oxygen, mmHg"), std::string::npos);
    EXPECT_NE(svg.find("200 µm"), std::string::npos) << "scale bar";
}

TEST(SimulationReport, a_pure_number_has_no_unit_and_a_flat_tissue_no_cut) {
    SimulationStory story = example_story(50, 2);
    story.substances[0] = {"niche", "1"};
    EXPECT_NE(render_simulation(story).find("a slice shows each cell as the plane cuts it"), std::string::npos);
    EXPECT_NE(render_simulation(story).find("3-D: drag to turn"), std::string::npos);
    story.is_flat = true;
    const std::string page = render_simulation(story);
    EXPECT_EQ(page.find("niche, 1"), std::string::npos);
    EXPECT_NE(page.find("From 18 to 37.22, in ten equal bands"), std::string::npos);
    EXPECT_EQ(page.find("a slice shows each cell"), std::string::npos);
    EXPECT_EQ(page.find("3-D: drag to turn"), std::string::npos);
    EXPECT_NE(page.find("<code>morula contribute</code>"), std::string::npos);
}

TEST(SimulationReport, captions_speak_of_thin_lines_where_there_are_any) {
    SimulationStory story = example_story(50, 2);
    EXPECT_NE(density_profile_figure(story, story.radial, "radial", "centre").caption.find("Thick: at the end; thin: at the start."), std::string::npos);
    story.radial.density_start = story.radial.density;
    EXPECT_EQ(density_profile_figure(story, story.radial, "radial", "centre").caption, "Distance from the mean position of all cells. At the end, as at the start.");
    story.radial.level_start.clear();
    EXPECT_EQ(level_profile_figure(story, story.radial, 0, "radial", "centre").caption, "Mean over the voxels at that distance. At the end.");
}

TEST(SimulationReport, guesses_stand_first_in_the_table_of_rates) {
    const std::string page = render_simulation(example_story(50, 2));
    const auto rates = table_of(page, "rates");
    ASSERT_EQ(rates.size(), 5U);
    EXPECT_EQ(rates[1], (std::vector<std::string>{"necrosis", "0.17", "1/h", "guessed", "", "0.02\u00a0to\u00a01", "17"}));
    EXPECT_EQ(rates[2][0], "apoptosis");
    EXPECT_EQ(rates[3][0], "uptake of oxygen");
    EXPECT_EQ(rates[4][3], "measured");
    EXPECT_EQ(table_of(page, "evidence")[4], (std::vector<std::string>{"guessed", "2"}));
    EXPECT_NE(page.find("Its 4 rates: 1 measured, 1 from the literature, none fitted and 2 guessed."), std::string::npos);
}

TEST(SimulationReport, says_on_the_page_and_on_every_sheet_that_nothing_was_measured) {
    const std::string page = render_simulation(example_story(50, 2));
    EXPECT_EQ(between(page, "<div class=\"banner\" role=\"note\">", "</div>"), "Simulated. Transitions are hypotheses; only states are measured.");
    EXPECT_NE(between(page, "<section id=\"summary\"", "</section>").find("it is no measurement"), std::string::npos);
    EXPECT_NE(page.find("120 cells of 2 types (tumor and T &lt;cell&gt;) in a box of 600 × 400 × 400 µm with oxygen and IL-2, followed for 180 min"), std::string::npos);
    const std::string limits = between(page, "<section id=\"limits\"", "</section>");
    EXPECT_NE(limits.find("2 of 4 rates are guessed"), std::string::npos);
    EXPECT_NE(limits.find("seed 4"), std::string::npos);
}

TEST(SimulationReport, holds_its_sections_in_order_and_leaves_out_what_there_is_not) {
    const std::string page = render_simulation(example_story(50, 2));
    std::size_t last = 0;
    for (const char* id : {"summary", "player", "population", "readouts", "profiles", "fields", "evidence", "limits", "reuse"}) {
        const std::size_t at = page.find("<section id=\"" + std::string(id) + "\"");
        ASSERT_NE(at, std::string::npos) << id;
        EXPECT_GT(at, last) << id;
        last = at;
    }
    SimulationStory bare;
    bare.title = "nothing";
    const std::string empty = render_simulation(bare);
    EXPECT_NE(empty.find("</html>"), std::string::npos);
    for (const char* id : {"player", "population", "readouts", "profiles", "fields", "evidence"}) EXPECT_EQ(empty.find("<section id=\"" + std::string(id) + "\""), std::string::npos) << id;
}

TEST(SimulationReport, hostile_names_stay_text) {
    SimulationStory story = example_story(50, 2);
    const std::string evil = "\"><img src=x onerror=alert(1)></script><script>alert(1)</script>\xff";
    const auto poison = [&](std::string& text) { text += evil; };
    poison(story.title);
    for (CellKind& kind : story.kinds) { poison(kind.type); poison(kind.state); }
    for (SimulatedSubstance& substance : story.substances) { poison(substance.name); poison(substance.unit); }
    for (std::string& note : story.notes) poison(note);
    for (DistanceProfile* profile : {&story.radial, &story.vessel}) { poison(profile->caption); for (std::string& group : profile->groups) poison(group); }
    for (ReadoutSeries& series : story.readouts) { poison(series.name); poison(series.unit); poison(series.meaning); }
    for (RateRow& rate : story.rates) { poison(rate.name); poison(rate.unit); poison(rate.citation); poison(rate.line); }
    for (NameValue& row : story.record.outputs) { poison(row.name); poison(row.value); }
    for (NameValue& row : story.record.versions) { poison(row.name); poison(row.value); }
    for (CodeSnippet& snippet : story.record.snippets) { poison(snippet.title); poison(snippet.code); poison(snippet.note); }
    poison(story.record.reproduce);
    poison(story.measured_states);
    poison(story.player.sample_statement);
    poison(story.slice_caption);
    poison(story.vessel_name);
    const std::string page = render_simulation(story);
    EXPECT_EQ(page.find("<img"), std::string::npos);
    EXPECT_EQ(count(page, "</script>"), count(page, "<script"));
    EXPECT_EQ(page.find('\xff'), std::string::npos);
    EXPECT_EQ(player_of(page)["kinds"][0]["type"].get<std::string>().substr(0, 11), "tumor\"><img");
    write_text_file(std::filesystem::path(MORULA_BUILD_DIR) / "example_simulation_hostile.html", page);
}

TEST(SimulationReport, names_the_vector_of_wrong_length) {
    const auto refused = [](const std::function<void(SimulationStory&)>& spoil, const std::string& says) {
        SimulationStory story = example_story(50, 2);
        spoil(story);
        try {
            render_simulation(story);
            ADD_FAILURE() << "accepted: " << says;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::internal);
            EXPECT_NE(error.message().find(says), std::string::npos) << error.message();
        }
    };
    refused([](SimulationStory& story) { story.composition.births.pop_back(); }, "births over time");
    refused([](SimulationStory& story) { story.composition.counts[1].pop_back(); }, "composition of a minute");
    refused([](SimulationStory& story) { story.player.frames[1].z.pop_back(); }, "frame");
    refused([](SimulationStory& story) { story.player.frames[0].kind[3] = 4; }, "kind 4 of 4");
    refused([](SimulationStory& story) { story.player.frames[0].levels[1].pop_back(); }, "levels of a frame");
    refused([](SimulationStory& story) { story.radial.level.pop_back(); }, "profile of substances");
    refused([](SimulationStory& story) { story.vessel.density[2].pop_back(); }, "profile");
    refused([](SimulationStory& story) { story.maps[0].values.pop_back(); }, "field map");
    refused([](SimulationStory& story) { story.readouts[0].value.pop_back(); }, "read-out oxygenation");
    refused([](SimulationStory& story) { story.player.substances[1] = 2; }, "substance 2 of 2");
}

TEST(SimulationReport, gives_the_same_bytes_for_the_same_story_and_writes_the_file_whole) {
    const SimulationStory story = example_story(2000, 20);
    const std::filesystem::path path = std::filesystem::path(MORULA_BUILD_DIR) / "example_simulation.html";
    write_simulation_report(story, path);
    EXPECT_EQ(read_text_file(path, kSimulationPageLimit), render_simulation(story));
}

}  // namespace
}  // namespace morula::report
