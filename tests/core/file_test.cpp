#include "morula/core/file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "morula/core/error.hpp"
#include "morula/core/hash.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula {
namespace {

namespace fs = std::filesystem;
using test::error_code;

class FileTest : public testing::Test {
protected:
    std::int64_t n_files() const { return std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()); }
    test::TemporaryFolder folder_;
};

TEST_F(FileTest, a_file_appears_whole_or_not_at_all) {
    const fs::path path = folder_ / "a.txt";
    {
        AtomicFile file(path);
        file.write("half");
    }
    EXPECT_EQ(n_files(), 0);
    write_text_file(path, "first");
    {
        AtomicFile file(path);
        file.write("second, but never finished");
    }
    EXPECT_EQ(read_text_file(path, 100), "first");
    EXPECT_EQ(n_files(), 1);
}

TEST_F(FileTest, a_file_synced_in_the_background_is_whole_and_left_overs_go) {
    const fs::path path = folder_ / "a";
    write_text_file(folder_ / ".a.99-0.tmp", "left by a killed run");
    write_text_file(folder_ / ".ab.99-0.tmp", "of another file");
    {
        AtomicFile file(path);
        file.write("first, ");
        file.sync_in_background();
        file.write("second");
        EXPECT_FALSE(fs::exists(path));
        file.commit();
    }
    EXPECT_EQ(read_text_file(path, 100), "first, second");
    {
        AtomicFile dropped(path);
        dropped.write("never");
        dropped.sync_in_background();
    }
    EXPECT_EQ(read_text_file(path, 100), "first, second");
    fs::create_directories(folder_ / ".a.98.tmp" / "inner");
    remove_left_over(path);
    EXPECT_FALSE(fs::exists(folder_ / ".a.99-0.tmp"));
    EXPECT_FALSE(fs::exists(folder_ / ".a.98.tmp")) << "a folder that was to become the file's place goes with all it holds";
    EXPECT_TRUE(fs::exists(folder_ / ".ab.99-0.tmp"));
}

TEST_F(FileTest, reading_past_the_end_says_so) {
    write_text_file(folder_ / "a", "12345");
    const InputFile file(folder_ / "a");
    std::vector<std::byte> bytes(10);
    EXPECT_EQ(error_code([&] { file.read_at(0, bytes); }), ErrorCode::invalid_data);
    EXPECT_EQ(file.read_some(2, bytes), 3);
}

TEST_F(FileTest, missing_files_folders_and_large_files_are_told_apart) {
    EXPECT_EQ(error_code([&] { InputFile(folder_ / "none"); }), ErrorCode::not_found);
    EXPECT_EQ(error_code([&] { InputFile file(folder_.path()); }), ErrorCode::invalid_data);
    write_text_file(folder_ / "a", "12345");
    EXPECT_EQ(error_code([&] { read_text_file(folder_ / "a", 4); }), ErrorCode::resource_limit);
    EXPECT_EQ(error_code([&] { AtomicFile(folder_ / "no" / "b"); }), ErrorCode::not_found);
}

TEST_F(FileTest, disk_space_is_checked_beforehand) {
    require_disk_space(folder_.path(), 1, "a test");
    EXPECT_EQ(error_code([&] { require_disk_space(folder_ / "new" / "deeper", std::int64_t{1} << 60, "a test"); }), ErrorCode::resource_limit);
}

TEST(hash, is_xxh3_of_128_bits) {
    // Reference value of the empty input from the xxHash project.
    EXPECT_EQ(hash_hex(std::string_view("")), "99aa06d3014798d86001c324468d497f");
    Hasher parts;
    parts.update("ab");
    parts.update("c");
    EXPECT_EQ(parts.hex(), hash_hex(std::string_view("abc")));
}

TEST(error, each_code_has_its_own_exit_status) {
    EXPECT_EQ(exit_status(ErrorCode::internal), 1);
    EXPECT_EQ(exit_status(ErrorCode::invalid_data), 2);
    EXPECT_EQ(exit_status(ErrorCode::not_found), 3);
    EXPECT_EQ(exit_status(ErrorCode::permission), 4);
    EXPECT_EQ(exit_status(ErrorCode::resource_limit), 5);
    EXPECT_EQ(exit_status(ErrorCode::unsupported), 6);
    EXPECT_EQ(exit_status(ErrorCode::usage), 64);
    EXPECT_EQ(exit_status(ErrorCode::cancelled), 130);
    EXPECT_EQ(http_status(ErrorCode::not_found), 404);
}

}  // namespace
}  // namespace morula
