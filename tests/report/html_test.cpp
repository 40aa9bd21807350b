#include "morula/report/html.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace morula::report {
namespace {

std::string encode(std::string_view text) { return base64(std::as_bytes(std::span(text.data(), text.size()))); }

TEST(Html, escapes_markup_quotes_and_what_is_not_text) {
    EXPECT_EQ(escape_html("<b a='1' c=\"2\">&"), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;");
    EXPECT_EQ(escape_html("Müller · β-globin 😀"), "Müller · β-globin 😀");
    EXPECT_EQ(escape_html(std::string("a\0b\x1b", 4)), "a\xEF\xBF\xBD" "b\xEF\xBF\xBD");
    EXPECT_EQ(escape_html("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "overlong";
    EXPECT_EQ(escape_html("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "cut off";
    EXPECT_EQ(escape_html("\xF5\x80\x80\x80").substr(0, 3), "\xEF\xBF\xBD") << "beyond Unicode";
}

TEST(Html, json_strings_cannot_close_a_script) {
    EXPECT_EQ(json_string("</script>&\"\\\n"), "\"\\u003c/script\\u003e\\u0026\\\"\\\\\\u000a\"");
    EXPECT_EQ(json_string("<!--"), "\"\\u003c!--\"");
}

TEST(Html, base64_follows_the_vectors_of_rfc_4648) {
    EXPECT_EQ(encode(""), "");
    EXPECT_EQ(encode("f"), "Zg==");
    EXPECT_EQ(encode("fo"), "Zm8=");
    EXPECT_EQ(encode("foo"), "Zm9v");
    EXPECT_EQ(encode("foob"), "Zm9vYg==");
    EXPECT_EQ(encode("fooba"), "Zm9vYmE=");
    EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
}

TEST(Html, numbers_read_as_people_write_them) {
    EXPECT_EQ(count_text(0), "0");
    EXPECT_EQ(count_text(999), "999");
    EXPECT_EQ(count_text(1000), "1,000");
    EXPECT_EQ(count_text(-1234567), "-1,234,567");
    EXPECT_EQ(number_text(0.0, 3), "0");
    EXPECT_EQ(number_text(1234.5, 6), "1,234.5");
    EXPECT_EQ(number_text(0.98765, 3), "0.988");
    EXPECT_EQ(number_text(1.0, 3), "1");
    EXPECT_EQ(number_text(2.5e-7, 2), "2.5e-7");
    EXPECT_EQ(number_text(1e-4, 6), "1e-4");
    EXPECT_EQ(number_text(7.2e-4, 6), "7.2e-4");
    EXPECT_EQ(number_text(-4.088e9, 3), "-4.09e9");
    EXPECT_EQ(number_text(1e-10, 1), "1e-10");
    EXPECT_EQ(shortest_text(5'970'762.0, 3), "5.97e6");
    EXPECT_EQ(shortest_text(-0.2454, 3), "-0.245");
    EXPECT_EQ(shortest_text(4e-12, 3), "4e-12");
    EXPECT_EQ(shortest_text(2.5e-7, 3), "2.5e-7");
    EXPECT_EQ(shortest_text(0.0, 3), "0");
    EXPECT_EQ(rounded_text(5'970'762.0, 3), "5,970,000");
    EXPECT_EQ(rounded_text(-368'333.0, 3), "-368,000");
    EXPECT_EQ(rounded_text(1.23456, 3), "1.23");
    EXPECT_EQ(rounded_text(8.68e7, 3), "8.68e7");
    EXPECT_EQ(rounded_text(0.0, 3), "0");
    EXPECT_EQ(rounded_text(std::numeric_limits<double>::quiet_NaN(), 3), "");
    EXPECT_EQ(number_text(std::numeric_limits<double>::quiet_NaN(), 3), "");
    EXPECT_EQ(number_text(-std::numeric_limits<double>::infinity(), 3), "−∞");
    EXPECT_EQ(share_text(0.0), "0 %");
    EXPECT_EQ(share_text(0.0004), "under 0.1 %");
    EXPECT_EQ(share_text(0.042), "4.2 %");
    EXPECT_EQ(share_text(0.977), "98 %");
    EXPECT_EQ(share_text(0.9977), "99.8 %") << "never 100 % when something is missing";
    EXPECT_EQ(share_text(1.0), "100 %");
    EXPECT_EQ(count_of(1, "cell"), "1 cell");
    EXPECT_EQ(count_of(2, "cell"), "2 cells");
    EXPECT_EQ(list_text({"a"}), "a");
    EXPECT_EQ(list_text({"a", "b", "c"}), "a, b and c");
}

TEST(Html, units_are_written_with_micrometres_and_powers) {
    EXPECT_EQ(unit_text("um"), "µm");
    EXPECT_EQ(unit_text("um2/min"), "µm²/min");
    EXPECT_EQ(unit_text("nM um3/min"), "nM µm³/min");
    EXPECT_EQ(unit_text("min/um"), "min/µm");
    EXPECT_EQ(unit_text("mmHg"), "mmHg");
    EXPECT_EQ(unit_text("lumen"), "lumen");
    EXPECT_EQ(unit_text("um4"), "µm4");
    EXPECT_EQ(unit_behind(", ", "um3"), ", µm³");
    EXPECT_EQ(unit_behind(", ", "1"), "");
}

TEST(Html, file_stems_hold_nothing_that_a_path_could) { EXPECT_EQ(file_stem("knee_a/../b c\".svg"), "knee_a_.._b_c_.svg"); }

TEST(Html, tables_fill_short_rows_and_mark_numbers) {
    const std::string html = table_html({"Cells", "cells", {{"Name"}, {"n", Align::number}}, {{"a", "1"}, {"b"}}});
    EXPECT_NE(html.find("<th scope=\"row\">a</th><td class=\"num\">1</td>"), std::string::npos) << html;
    EXPECT_NE(html.find("<th scope=\"row\">b</th><td class=\"num\"></td>"), std::string::npos) << html;
}

TEST(Html, tables_leave_out_columns_without_text) {
    const std::string html = table_html({"Cells", "cells", {{"Name"}, {"Empty"}, {"n", Align::number}}, {{"a", "", "1"}, {"b"}}});
    EXPECT_EQ(html.find("Empty"), std::string::npos);
    EXPECT_NE(html.find("<th scope=\"row\">a</th><td class=\"num\">1</td>"), std::string::npos) << html;
}

}  // namespace
}  // namespace morula::report
