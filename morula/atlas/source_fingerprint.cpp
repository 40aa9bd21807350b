#include "morula/atlas/source_fingerprint.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <system_error>
#include <vector>

#include "morula/core/hash.hpp"

namespace morula::atlas {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> look_at_file(const fs::path& file, const std::string& name) {
    struct stat info{};
    if (::stat(file.c_str(), &info) != 0) return std::nullopt;
    return fmt::format("{}\t{}\t{}.{:09}\t{}\n", name, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ino);
}

}  // namespace

std::optional<SourceRecord> look_at_source(const fs::path& source) {
    std::error_code problem;
    const fs::path path = fs::canonical(source, problem);
    if (problem) return std::nullopt;
    std::vector<fs::path> files;
    if (fs::is_directory(path)) {
        for (fs::recursive_directory_iterator it(path, problem), end; !problem && it != end; it.increment(problem)) {
            if (it->is_regular_file()) files.push_back(it->path());
        }
        if (problem) return std::nullopt;
        std::sort(files.begin(), files.end());
    } else {
        files.push_back(path);
    }
    Hasher hasher;
    for (const fs::path& file : files) {
        const auto line = look_at_file(file, file.lexically_relative(path).string());
        if (!line) return std::nullopt;
        hasher.update(*line);
    }
    return SourceRecord{path.string(), hasher.hex(), ""};
}

}  // namespace morula::atlas
