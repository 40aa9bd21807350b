#include "morula/core/printable.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "morula/core/schema.hpp"

namespace morula {
namespace {

using namespace std::string_literals;

TEST(printable, leaves_ordinary_text_as_it_is) {
    for (const std::string& text : {""s, "CD8+ T cells\tnaïve\nβ-cell, 細胞, 🧬"s}) EXPECT_EQ(printable(text), text);
}

TEST(printable, writes_out_what_a_terminal_would_obey) {
    EXPECT_EQ(printable("T\x1b[2Jcell\a\r\x7f"), "T\\x1b[2Jcell\\x07\\x0d\\x7f");
    EXPECT_EQ(printable("a\0b"s), "a\\x00b");
    EXPECT_EQ(printable("\xc2\x9b" "31m"), "\\x9b31m");                           // U+009B, in UTF-8
    EXPECT_EQ(printable("\xe2\x80\xae" "exe\xe2\x81\xa6"), "\\u202eexe\\u2066");  // writing turned around
}

TEST(printable, writes_out_bytes_that_are_no_utf8) {
    EXPECT_EQ(printable("\x9b" "31m"), "\\x9b31m");           // what an old terminal takes for U+009B
    EXPECT_EQ(printable("\xc3"), "\\xc3");                    // cut short
    EXPECT_EQ(printable("\xc0\x9b"), "\\xc0\\x9b");           // overlong
    EXPECT_EQ(printable("\xe0\x82\x9b"), "\\xe0\\x82\\x9b");
    EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // half of a pair
    EXPECT_EQ(printable("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
}

TEST(printable, json_reads_back_as_what_it_was) {
    const std::string name = "T\x1b[2J\xc2\x9b\x7f\xe2\x80\xae naïve";
    const std::string json = nlohmann::json{{"name", name}}.dump();
    const std::string shown = printable_json(json);
    EXPECT_EQ(printable(shown), shown);
    EXPECT_EQ(nlohmann::json::parse(shown)["name"], name);
}

TEST(printable, a_line_feed_in_a_name_begins_no_message_of_its_own) {
    EXPECT_EQ(printable_message("it has nl\nNext: run it"), "it has nl\n  Next: run it");
    EXPECT_EQ(printable_message("a\x1b[2J"), "a\\x1b[2J");
    EXPECT_EQ(name_in_line("nl\nline\ttab"), "nl\\nline\\ttab");
    EXPECT_EQ(listed({"a\nb", "c"}), "a\\nb, c");
}

TEST(printable, a_name_without_end_is_cut_between_characters) {
    std::string umlauts;
    for (int i = 0; i < 1'000; ++i) umlauts += "ä";
    const std::string shown = name_in_line("x" + umlauts);
    EXPECT_EQ(shown.substr(shown.size() - 16), "... (2001 bytes)") << shown;
    EXPECT_EQ(printable(shown), shown) << "no half of a character is left";
    EXPECT_EQ(name_in_line(std::string(400, 'a')), std::string(400, 'a'));
}

TEST(shell_word, is_one_word_whatever_it_holds) {
    EXPECT_EQ(shell_word("data/pbmc3k-2.h5ad"), "data/pbmc3k-2.h5ad");
    EXPECT_EQ(shell_word(""), "''");
    EXPECT_EQ(shell_word("two words"), "'two words'");
    EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
    EXPECT_EQ(shell_word("$HOME ~ `id`"), "'$HOME ~ `id`'");
}

}  // namespace
}  // namespace morula
