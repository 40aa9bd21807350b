// Lines, delimited tables and their writer.
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <cmath>
#include <limits>

#include "morula/core/file.hpp"
#include "morula/formats/text/csv_rows.hpp"
#include "morula/formats/text/csv_writer.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/formats/text/text_stream.hpp"
#include "tests/formats/hdf5_sample.hpp"

namespace morula::formats {
namespace {

using test::error_text;
using test::TemporaryFolder;

Context& one_thread() {
    static Context context({.threads = 1});
    return context;
}

std::string gzipped(std::string_view text) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string zstd_compressed(std::string_view text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
    return out;
}

class TextFiles : public ::testing::Test {
protected:
    std::filesystem::path write(const std::string& name, std::string_view text) const {
        write_text_file(folder_ / name, text);
        return folder_ / name;
    }
    RawTable rows(std::string_view text) const { return read_rows(write("t.csv", text), {}, one_thread()); }
    std::string refusal(std::string_view text) const {
        return error_text([&] { rows(text); });
    }
    std::vector<std::string> lines(const std::filesystem::path& path) const {
        LineReader reader(path);
        std::vector<std::string> out;
        std::string_view line;
        while (reader.next(line)) out.emplace_back(line);
        return out;
    }
    TemporaryFolder folder_;
};

TEST_F(TextFiles, lines_are_the_same_with_any_ending_and_compression) {
    const std::vector<std::string> wanted{"a", "", "b c", "d"};
    EXPECT_EQ(lines(write("unix", "a\n\nb c\nd\n")), wanted);
    EXPECT_EQ(lines(write("dos", "a\r\n\r\nb c\r\nd")), wanted);
    EXPECT_EQ(lines(write("mark", "\xEF\xBB\xBF" "a\n\nb c\nd")), wanted);
    EXPECT_EQ(lines(write("gz", gzipped("a\n\nb c\nd\n"))), wanted);
    EXPECT_EQ(lines(write("members", gzipped("a\n\nb") + gzipped(" c\nd\n") + std::string(512, '\0'))), wanted);
    EXPECT_TRUE(lines(write("empty", "")).empty());
    EXPECT_TRUE(lines(write("empty_gz", gzipped(""))).empty());
}

TEST_F(TextFiles, long_lines_and_many_lines_pass_the_buffer) {
    const std::string long_line(3'000'000, 'x');
    std::string text = long_line + "\n";
    for (int i = 0; i < 300000; ++i) text += "line " + std::to_string(i) + "\n";
    for (const std::string& stored : {text, gzipped(text)}) {
        const std::vector<std::string> found = lines(write("long", stored));
        ASSERT_EQ(found.size(), 300001U);
        EXPECT_EQ(found[0], long_line);
        EXPECT_EQ(found[300000], "line 299999");
    }
}

TEST_F(TextFiles, a_damaged_or_cut_gzip_file_is_refused) {
    std::string text;
    for (int i = 0; i < 20000; ++i) text += std::to_string(i * 7919) + "\n";
    const std::string whole = gzipped(text);
    const std::string cut = error_text([&] { lines(write("cut.gz", std::string_view(whole).substr(0, whole.size() / 2))); });
    EXPECT_NE(cut.find("cut.gz: the gzip file ends early"), std::string::npos) << cut;
    std::string changed = whole;
    changed[whole.size() / 2] = static_cast<char>(~changed[whole.size() / 2]);
    const std::string damaged = error_text([&] { lines(write("bad.gz", changed)); });
    EXPECT_NE(damaged.find("bad.gz: the gzip data are damaged"), std::string::npos) << damaged;
}

TEST_F(TextFiles, zstd_files_are_read_as_their_text_and_refused_when_damaged) {
    const std::vector<std::string> wanted{"a", "", "b c", "d"};
    EXPECT_EQ(lines(write("z", zstd_compressed("a\n\nb c\nd\n"))), wanted);
    EXPECT_EQ(lines(write("frames", zstd_compressed("a\n\nb") + zstd_compressed(" c\nd\n"))), wanted);
    EXPECT_TRUE(lines(write("empty_zst", zstd_compressed(""))).empty());
    std::string text;
    for (int i = 0; i < 200000; ++i) text += std::to_string(i * 7919) + "\n";
    const std::string whole = zstd_compressed(text);
    EXPECT_EQ(lines(write("long.zst", whole)).size(), 200000U);
    const std::string cut = error_text([&] { lines(write("cut.zst", std::string_view(whole).substr(0, whole.size() / 2))); });
    EXPECT_NE(cut.find("cut.zst: the zstd file ends early"), std::string::npos) << cut;
    const std::string damaged = error_text([&] { lines(write("bad.zst", whole.substr(0, 20) + std::string(200, '\xff') + whole.substr(220))); });
    EXPECT_NE(damaged.find("bad.zst: the zstd data are damaged"), std::string::npos) << damaged;
}

TEST_F(TextFiles, quotes_follow_rfc_4180) {
    const RawTable table = rows("name,note\n\"a,b\",\"say \"\"hi\"\"\"\nc,\"two\nlines\"\n\"\",d\n");
    EXPECT_EQ(table.names, (std::vector<std::string>{"name", "note"}));
    ASSERT_EQ(table.rows.size(), 3U);
    EXPECT_EQ(table.rows[0], (std::vector<std::string>{"a,b", "say \"hi\""}));
    EXPECT_EQ(table.rows[1], (std::vector<std::string>{"c", "two\nlines"}));
    EXPECT_EQ(table.rows[2], (std::vector<std::string>{"", "d"}));
    EXPECT_EQ(table.lines, (std::vector<std::int64_t>{2, 3, 5}));
    EXPECT_NE(table.place(2, 1).find("t.csv, line 5, column 'note'"), std::string::npos);
}

TEST_F(TextFiles, the_delimiter_is_found_outside_quotes) {
    EXPECT_EQ(rows("a\tb\tc\n1\t2\t3\n").names.size(), 3U);
    EXPECT_EQ(rows("\"a,b,c\"\td\n1\t2\n").names.size(), 2U);
    EXPECT_EQ(rows("a;b\n1,5;2\n").rows[0][0], "1,5");
    EXPECT_EQ(rows("alone\nx\n").names.size(), 1U);
}

TEST_F(TextFiles, a_header_without_the_name_of_the_row_names_is_understood_where_rows_have_names) {
    const auto path = write("r.tsv", "cell\tgene\nr1\t1\t2\n");
    EXPECT_EQ(read_rows(path, {.row_names = RowNames::without_header}, one_thread()).names, (std::vector<std::string>{"", "cell", "gene"}));
    EXPECT_EQ(read_table(path, {}, one_thread()).index(), (std::vector<std::string>{"r1"}));
    EXPECT_NE(error_text([&] { read_table(path, {.index = Index::row_numbers}, one_thread()); }).find("r.tsv, line 2"), std::string::npos);
}

TEST_F(TextFiles, a_field_more_than_the_header_names_moves_no_column) {
    // A delimiter at the end of each row, and a header that lacks a name.
    EXPECT_NE(refusal("x,y\n\n1,2,\n3,4,\n").find("t.csv, line 3: the row has 3 fields, but the header names 2 columns"), std::string::npos);
    EXPECT_NE(refusal("x,y,type\n1,2,3,a\n").find("t.csv, line 2: the row has 4 fields, but the header names 3 columns"), std::string::npos);
}

TEST_F(TextFiles, what_is_wrong_with_a_table_is_told_with_its_line) {
    EXPECT_NE(refusal("").find("t.csv is empty"), std::string::npos);
    EXPECT_NE(refusal("a,b\n1,2\n1,2,3\n").find("line 3: the row has 3 fields, but the table has 2 columns"), std::string::npos);
    EXPECT_NE(refusal("a,b\n1,\"2\n3,4\n").find("line 2, column 2: the quote that opens here is never closed"), std::string::npos);
    EXPECT_NE(refusal("a,b\n\"1\"x,2\n").find("line 2, column 1: text follows the closing quote"), std::string::npos);
    EXPECT_NE(refusal("a,b\n1,\xFF\n").find("line 2: byte 3 is not valid UTF-8"), std::string::npos);
    EXPECT_NE(refusal(std::string_view("a,b\n1,\0\n", 8)).find("line 2: the line holds zero bytes"), std::string::npos);
    EXPECT_NE(refusal("a,b,a\n1,2,3\n").find("line 1: columns 1 and 3 are both called 'a'"), std::string::npos);
    EXPECT_NE(refusal("\xFF\xFE" "a").find("UTF-8"), std::string::npos);
}

TEST_F(TextFiles, a_missing_column_names_its_nearest) {
    const RawTable table = rows("sample,donor\na,b\n");
    const std::string message = error_text([&] { table.column("doner"); });
    EXPECT_NE(message.find("no column 'doner'"), std::string::npos);
    EXPECT_NE(message.find("'donor'"), std::string::npos);
}

TEST_F(TextFiles, columns_get_their_types) {
    const auto path = write("typed.csv", "id,count,share,plate,yes,word,gap\nx,1,0.5,007,True,a,1\ny,-2,NA,008,False,2,\n");
    const data::Table table = read_table(path, {}, one_thread());
    EXPECT_EQ(table.index_name, "id");
    EXPECT_EQ(table.index(), (std::vector<std::string>{"x", "y"}));
    EXPECT_EQ(std::get<std::vector<std::int64_t>>(table.at("count")), (std::vector<std::int64_t>{1, -2}));
    EXPECT_TRUE(std::isnan(std::get<std::vector<double>>(table.at("share"))[1]));
    EXPECT_EQ(std::get<std::vector<std::string>>(table.at("plate"))[0], "007");
    EXPECT_EQ(std::get<data::Booleans>(table.at("yes")).values, (std::vector<std::uint8_t>{1, 0}));
    EXPECT_EQ(std::get<std::vector<std::string>>(table.at("word"))[1], "2");
    EXPECT_TRUE(std::isnan(std::get<std::vector<double>>(table.at("gap"))[1]));
    const std::string twice = error_text([&] { read_table(write("twice.csv", "id,n\nx,1\ny,2\nx,3\n"), {}, one_thread()); });
    EXPECT_NE(twice.find("line 4: the name 'x' stands on line 2 already"), std::string::npos) << twice;
}

TEST_F(TextFiles, utf8_is_checked_byte_by_byte) {
    EXPECT_EQ(find_invalid_utf8("plain \xc3\xa4 \xe2\x9c\x93 \xf0\x9f\xa7\xac"), std::string_view::npos);
    EXPECT_EQ(find_invalid_utf8("ab\xc3"), 2U);                  // cut
    EXPECT_EQ(find_invalid_utf8("\xc0\xaf"), 0U);                // too long a form
    EXPECT_EQ(find_invalid_utf8("a\xed\xa0\x80"), 1U);           // half of a surrogate pair
    EXPECT_EQ(find_invalid_utf8("\xf4\x90\x80\x80"), 0U);        // above U+10FFFF
    EXPECT_EQ(find_invalid_utf8("\x80"), 0U);
}

TEST_F(TextFiles, numbers_are_written_so_that_they_read_back) {
    EXPECT_EQ(number_text(0.1), "0.1");
    EXPECT_EQ(number_text(0.1F), "0.1");
    EXPECT_EQ(number_text(3.0), "3");
    EXPECT_EQ(number_text(1e-300), "1e-300");
    EXPECT_EQ(number_text(std::nan("")), "");
    EXPECT_EQ(std::stod(number_text(1.0 / 3.0)), 1.0 / 3.0);
}

TEST_F(TextFiles, a_written_table_reads_back_and_appears_whole_or_not_at_all) {
    data::Table table({"c,1", "c\"2", "c3"});
    table.set("x", std::vector<double>{0.1, std::numeric_limits<double>::quiet_NaN(), -1e300});
    table.set("n", std::vector<std::int64_t>{1, -2, std::int64_t{1} << 60});
    table.set("note", std::vector<std::string>{"two\nlines", "a;b", " x "});
    write_table(table, folder_ / "out.csv", one_thread());
    const data::Table back = read_table(folder_ / "out.csv", {}, one_thread());
    EXPECT_EQ(back.index(), table.index());
    EXPECT_EQ(std::get<std::vector<std::int64_t>>(back.at("n")), std::get<std::vector<std::int64_t>>(table.at("n")));
    EXPECT_EQ(std::get<std::vector<std::string>>(back.at("note")), std::get<std::vector<std::string>>(table.at("note")));
    EXPECT_EQ(std::get<std::vector<double>>(back.at("x"))[2], -1e300);
    {
        CsvWriter half(folder_ / "half.csv", {"a"});
        half.text("").end_row();
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / "half.csv"));
    CsvWriter whole(folder_ / "whole.csv", {"a"});
    whole.text("").end_row();
    whole.commit();
    EXPECT_EQ(read_text_file(folder_ / "whole.csv", 100), "a\n\"\"\n");
}

TEST_F(TextFiles, a_table_made_by_several_threads_is_the_one_that_is_written_row_by_row) {
    constexpr std::int64_t kRows = 70'000;  // more than is made at once
    const auto name = [](std::int64_t row) { return row % 7 == 0 ? "a,\"" + std::to_string(row) : "cell " + std::to_string(row); };
    CsvWriter plain(folder_ / "plain.csv", {"name", "x", "f", "n"});
    for (std::int64_t row = 0; row < kRows; ++row) {
        plain.text(name(row)).number(row == 3 ? std::numeric_limits<double>::quiet_NaN() : 0.1 * static_cast<double>(row)).number(static_cast<float>(row) / 3.0F).integer(-row).end_row();
    }
    plain.commit();
    const std::string wanted = read_text_file(folder_ / "plain.csv", 10'000'000);
    for (const std::int32_t threads : {1, 2, 4}) {
        Context context({.threads = threads});
        const auto file = csv_in_blocks(folder_ / "blocks.csv", {"name", "x", "f", "n"}, kRows, [&](CsvRows& rows, Block block) {
            for (std::int64_t row = block.begin; row < block.end; ++row) {
                rows.text(name(row)).number(row == 3 ? std::numeric_limits<double>::quiet_NaN() : 0.1 * static_cast<double>(row)).number(static_cast<float>(row) / 3.0F).integer(-row).end_row();
            }
        }, context);
        EXPECT_FALSE(std::filesystem::exists(folder_ / "blocks.csv")) << "not before it is put in place";
        file->commit();
        EXPECT_TRUE(read_text_file(folder_ / "blocks.csv", 10'000'000) == wanted) << threads;
        std::filesystem::remove(folder_ / "blocks.csv");
    }
    csv_in_blocks(folder_ / "none.csv", {"a"}, 0, [](CsvRows&, Block) {}, one_thread())->commit();
    EXPECT_EQ(read_text_file(folder_ / "none.csv", 100), "a\n");
    EXPECT_EQ(test::error_code([&] { csv_in_blocks(folder_ / "short.csv", {"a", "b"}, 1, [](CsvRows& rows, Block) { rows.text("x").end_row(); }, one_thread()); }), ErrorCode::internal);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "short.csv"));
}

}  // namespace
}  // namespace morula::formats
