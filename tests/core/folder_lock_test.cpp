#include "morula/core/folder_lock.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <memory>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula {
namespace {

namespace fs = std::filesystem;

std::string refusal(const fs::path& folder) {
    try {
        const FolderLock lock(folder, "Name another folder.");
        return "";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::resource_limit);
        EXPECT_EQ(error.next(), "Name another folder.");
        return error.message();
    }
}

TEST(FolderLock, the_second_is_refused_and_told_who_holds_it_until_the_first_lets_go) {
    const test::TemporaryFolder folder;
    {
        const FolderLock first(folder.path(), "");
        const std::string words = refusal(folder.path());
        EXPECT_NE(words.find("process " + std::to_string(::getpid()) + " on "), std::string::npos) << words;
        EXPECT_NE(words.find(folder.path().string()), std::string::npos) << words;
        EXPECT_TRUE(fs::exists(folder / "LOCK"));
    }
    EXPECT_FALSE(fs::exists(folder / "LOCK"));
    EXPECT_EQ(refusal(folder.path()), "");
}

TEST(FolderLock, what_a_killed_process_left_locks_nothing) {
    const test::TemporaryFolder folder;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const FolderLock lock(folder.path(), "");
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_TRUE(fs::exists(folder / "LOCK"));
    EXPECT_EQ(refusal(folder.path()), "");
}

TEST(FolderLock, a_folder_that_cannot_be_written_to_says_so) {
    const test::TemporaryFolder folder;
    EXPECT_EQ(test::error_code([&] { FolderLock(folder / "none", ""); }), ErrorCode::not_found);
}

}  // namespace
}  // namespace morula
