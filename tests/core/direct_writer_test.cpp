#include "morula/core/direct_writer.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "morula/core/file.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula {
namespace {

/// Bytes that say where they are.
std::string numbered_bytes(std::size_t n) {
    std::string bytes(n, '\0');
    for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<char>((i * 2654435761U) >> 13U);
    return bytes;
}

void write_in_pieces(const std::filesystem::path& path, std::int64_t offset, const std::string& bytes, std::size_t piece) {
    DirectWriter writer(path, offset);
    const auto all = std::as_bytes(std::span(bytes.data(), bytes.size()));
    for (std::size_t at = 0; at < bytes.size(); at += piece) writer.write(all.subspan(at, std::min(piece, bytes.size() - at)));
    writer.finish();
}

TEST(DirectWriter, a_stretch_of_any_place_and_size_holds_what_was_written_and_no_byte_beside_changes) {
    const test::TemporaryFolder folder;
    const std::filesystem::path path = folder / "a";
    constexpr std::size_t kBefore = 3 << 20;
    for (const std::int64_t offset : {0, 1, 4095, 4096, 123'457}) {
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{70'001}, std::size_t{9'500'003}}) {
            SCOPED_TRACE(std::to_string(offset) + " + " + std::to_string(size));
            std::string expected(kBefore, 'x');
            write_text_file(path, expected);
            const std::string bytes = numbered_bytes(size);
            write_in_pieces(path, offset, bytes, 777'777);
            expected.resize(std::max(expected.size(), static_cast<std::size_t>(offset) + size), '\0');
            expected.replace(static_cast<std::size_t>(offset), size, bytes);
            EXPECT_TRUE(read_text_file(path, 1 << 26) == expected);
        }
    }
}

TEST(DirectWriter, two_stretches_of_one_file_may_grow_by_turns) {
    const test::TemporaryFolder folder;
    const std::filesystem::path path = folder / "a";
    write_text_file(path, "head");
    const std::string bytes = numbered_bytes(12'000'000);
    const auto all = std::as_bytes(std::span(bytes.data(), bytes.size()));
    {
        DirectWriter first(path, 4);
        DirectWriter second(path, 4 + 6'000'000);
        for (std::size_t at = 0; at < 6'000'000; at += 1'000'000) {
            second.write(all.subspan(6'000'000 + at, 1'000'000));
            first.write(all.subspan(at, 1'000'000));
        }
        first.finish();
        second.finish();
    }
    EXPECT_TRUE(read_text_file(path, 1 << 26) == "head" + bytes);
}

TEST(DirectWriter, a_file_that_may_not_grow_and_one_that_is_not_there_are_told) {
    const test::TemporaryFolder folder;
    EXPECT_EQ(test::error_code([&] { DirectWriter(folder / "none", 0); }), ErrorCode::not_found);
    write_text_file(folder / "a", "");
    rlimit old{};
    getrlimit(RLIMIT_FSIZE, &old);
    const rlimit small{1 << 20, old.rlim_max};
    const auto before = std::signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    EXPECT_EQ(test::error_code([&] { write_in_pieces(folder / "a", 0, numbered_bytes(9'000'000), 1 << 20); }), ErrorCode::resource_limit);
    setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, before);
}

}  // namespace
}  // namespace morula
