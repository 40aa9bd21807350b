#include "morula/report/reliability_diagram.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace morula::report {
namespace {

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(reliability_diagram, shows_points_with_cells_and_intervals_where_there_are_some) {
    const std::string svg = reliability_diagram({{kNaN, kNaN, kNaN, kNaN, 0}, {0.55, 0.6, 0.5, 0.7, 40}, {0.95, 0.9, kNaN, kNaN, 400}});
    EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=")) << svg.substr(0, 80);
    EXPECT_EQ(count(svg, "class=\"point\""), 2U);
    EXPECT_EQ(count(svg, "class=\"interval\""), 1U);
    EXPECT_NE(svg.find("confidence 55.0 %, right 60.0 %, 40 cells"), std::string::npos);
    EXPECT_NE(svg.find("at most 400."), std::string::npos);
    EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(reliability_diagram, without_points_is_still_a_picture) { EXPECT_NE(reliability_diagram({}).find("</svg>"), std::string::npos); }

}  // namespace
}  // namespace morula::report
