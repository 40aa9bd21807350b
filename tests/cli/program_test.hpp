// The program as a user runs it, in a folder of its own.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "morula/core/file.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::test {

struct Outcome {
    int status = -1;  // exit status, or 128 + signal
    std::string out;
    std::string err;
};

/// What `morula generate` calls its genes: "GENE00012".
inline std::string gene(int number) {
    const std::string digits = std::to_string(number);
    return "GENE" + std::string(5 - digits.size(), '0') + digits;
}

/// Rows of a CSV without quotes, its header first; no row is shorter than the header.
inline std::vector<std::vector<std::string>> rows_of(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::vector<std::vector<std::string>> rows;
    for (std::string line; std::getline(in, line);) {
        rows.emplace_back();
        std::stringstream stream(line);
        for (std::string field; std::getline(stream, field, ',');) rows.back().push_back(field);
        rows.back().resize(std::max(rows.back().size(), rows.front().size()));
    }
    return rows;
}

class ProgramTest : public testing::Test {
protected:
    /// Starts the program; `prepare` runs in the new process before, for limits and rights. The binary is opened first: another user may not reach it.
    pid_t start_after(const std::function<void()>& prepare, const std::vector<std::string>& arguments) const {
        std::fflush(nullptr);  // or the child writes it once more
        const pid_t child = ::fork();
        if (child != 0) return child;
        std::vector<std::string> words{std::string(MORULA_BUILD_DIR) + "/morula"};
        words.insert(words.end(), arguments.begin(), arguments.end());
        std::vector<char*> raw;
        for (std::string& word : words) raw.push_back(word.data());
        raw.push_back(nullptr);
        const int binary = ::open(raw[0], O_RDONLY | O_CLOEXEC);
        ::freopen((folder_ / "stdout").c_str(), "w", stdout);
        ::freopen((folder_ / "stderr").c_str(), "w", stderr);
        const bool there = ::chdir(folder_.path().c_str()) == 0;
        prepare();
        if (there) ::fexecve(binary, raw.data(), environ);
        ::_exit(127);
    }
    pid_t start(const std::vector<std::string>& arguments) const {
        return start_after([] {}, arguments);
    }
    Outcome finish(pid_t child) const {
        int status = 0;
        ::waitpid(child, &status, 0);
        Outcome outcome;
        outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        outcome.out = read_text_file(folder_ / "stdout", 1 << 26);
        outcome.err = read_text_file(folder_ / "stderr", 1 << 26);
        return outcome;
    }
    Outcome morula(const std::vector<std::string>& arguments) const { return finish(start(arguments)); }
    /// The run ended with that status, said what is wrong and what to do next, and left no folder called out.
    void expect_refused(const Outcome& outcome, int status, const std::string& says) const {
        EXPECT_EQ(outcome.status, status) << outcome.err;
        EXPECT_NE(outcome.err.find(says), std::string::npos) << outcome.err;
        EXPECT_NE(outcome.err.find("Next: "), std::string::npos) << outcome.err;
        EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
    }
    void make_sample(const std::string& name, const std::string& cells) const {
        const Outcome made = morula({"generate", "--cells", cells, "--genes", "1500", "--types", "3", "--rare-types", "0", "--mean-counts", "2000", "--seed", "3", "--out", name});
        ASSERT_EQ(made.status, 0) << made.err;
    }

    TemporaryFolder folder_;
};

}  // namespace morula::test
