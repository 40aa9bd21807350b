#include "morula/report/svg.hpp"

#include <gtest/gtest.h>

#include <regex>

namespace morula::report {
namespace {

std::vector<std::string> texts_of(const Scale& scale) { return tick_texts(scale.kind(), scale.ticks(8)); }

TEST(Svg, a_linear_axis_has_few_ticks_in_one_form) {
    for (const double high : {1.0, 3.3, 9.9, 11.0, 22.0, 38.0, 220.0, 1'105.0, 5'000.0, 4.1e9}) {
        const Scale scale(ScaleKind::linear, 0.0, high, 0.0, 100.0);
        EXPECT_GE(scale.ticks(8).size(), 4U) << high;
        EXPECT_LE(scale.ticks(8).size(), 9U) << high;
        EXPECT_GE(scale.ticks(3).size(), 2U) << high;
    }
    EXPECT_EQ(texts_of({ScaleKind::linear, 0.0, 16'000.0, 0.0, 1.0}), (std::vector<std::string>{"0", "2k", "4k", "6k", "8k", "10k", "12k", "14k", "16k"}));
    EXPECT_EQ(texts_of({ScaleKind::linear, 0.0, 4e9, 0.0, 1.0}).back(), "4e9");
    EXPECT_EQ(texts_of({ScaleKind::linear, 0.0, 2e-5, 0.0, 1.0}).back(), "2e-5");
    EXPECT_EQ(texts_of({ScaleKind::linear, -1'000.0, 1'000.0, 0.0, 1.0}), (std::vector<std::string>{"-1,000", "-500", "0", "500", "1,000"}));
    EXPECT_EQ(texts_of({ScaleKind::linear, -2.0, 3.0, 0.0, 1.0})[2], "0") << "and no -0 or 1e-17";
    EXPECT_EQ(texts_of({ScaleKind::linear, 122.26, 122.56, 0.0, 1.0}), (std::vector<std::string>{"122.3", "122.35", "122.4", "122.45", "122.5", "122.55"})) << "no number twice";
    EXPECT_EQ(texts_of({ScaleKind::linear, 1'003.2, 1'003.9, 0.0, 1.0}).front(), "1003.2");
    EXPECT_EQ(tick_texts(ScaleKind::log, {1.0, 1'000.0, 100'000.0}), (std::vector<std::string>{"1", "1,000", "100k"}));
}

/// x and text of the labels below an axis.
std::vector<std::pair<double, std::string>> labels(const Svg& svg) {
    const std::string drawn = svg.finish();
    const std::regex label("<text x=\"([\\d.]+)\" y=\"117.0\" text-anchor=\"middle\" class=\"tick\">([^<]*)</text>");
    std::vector<std::pair<double, std::string>> out;
    for (std::sregex_iterator match(drawn.begin(), drawn.end(), label); match != std::sregex_iterator(); ++match) out.emplace_back(std::stod((*match)[1]), (*match)[2]);
    return out;
}

TEST(Svg, labels_of_a_narrow_axis_do_not_touch) {
    for (const auto& [low, high] : {std::pair{0.0, 0.022}, {0.0, 1'990.0}, {-2.25, 0.0}, {0.0, 4.1e9}, {-0.0123, 0.0456}}) {
        Svg svg(360, 140, "");
        svg.x_axis({ScaleKind::linear, low, high, 60.0, 340.0}, 100.0, "");
        const auto found = labels(svg);
        ASSERT_GE(found.size(), 2U);
        for (std::size_t k = 1; k < found.size(); ++k) {
            // 7 pixels a character at 11.5 px, half of each label on its side.
            const double half = 3.5 * static_cast<double>(found[k].second.size() + found[k - 1].second.size());
            EXPECT_GT(found[k].first - found[k - 1].first, half) << found[k - 1].second << " and " << found[k].second;
        }
    }
}

TEST(Svg, the_title_of_a_y_axis_stands_clear_of_long_labels) {
    Svg svg(360, 140, "");
    svg.y_axis({ScaleKind::linear, -250'000.0, 250'000.0, 100.0, 10.0}, 76.0, 340.0, "name");
    const std::string drawn = svg.finish();
    std::smatch title;
    ASSERT_TRUE(std::regex_search(drawn, title, std::regex("translate\\(([\\d.]+) ")));
    EXPECT_LE(std::stod(title[1]), 68.0 - 7.0 * 5.0) << "left of -250k";
    EXPECT_GE(std::stod(title[1]), 11.0) << "and inside of the picture";
}

}  // namespace
}  // namespace morula::report
