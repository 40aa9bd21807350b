#include "morula/atlas/file_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/hash.hpp"

namespace morula::atlas {
namespace {

using Json = nlohmann::json;
constexpr std::int64_t kLargestList = 1'000'000'000;
constexpr std::int64_t kPiece = 4 << 20;

}  // namespace

std::string file_list_json(const std::vector<formats::WrittenFile>& files) {
    Json list = Json::array();
    for (const auto& file : files) list.push_back({{"path", file.path}, {"size", file.size}, {"xxh3_128", file.hash}});
    return Json{{"files", std::move(list)}}.dump(1) + "\n";
}

std::vector<formats::WrittenFile> parse_file_list(std::string_view json, std::string_view where) {
    std::vector<formats::WrittenFile> files;
    try {
        const Json whole = Json::parse(json);
        for (const Json& entry : whole.at("files")) {
            files.push_back({entry.at("path").get<std::string>(), entry.at("size").get<std::int64_t>(), entry.at("xxh3_128").get<std::string>()});
            const std::filesystem::path path(files.back().path);
            if (path.is_absolute() || std::any_of(path.begin(), path.end(), [](const auto& part) { return part == ".."; })) {
                invalid_data(fmt::format("{}: '{}' leads out of the folder.", where, files.back().path), "The list is damaged: ingest or compute again.");
            }
        }
    } catch (const Json::exception&) {
        invalid_data(fmt::format("{}: is no list of files.", where), "The list is damaged: ingest or compute again.");
    }
    return files;
}

std::vector<formats::WrittenFile> read_file_list(const std::filesystem::path& folder) {
    const auto path = folder / kFileList;
    return parse_file_list(read_text_file(path, kLargestList), path.string());
}

std::string hash_of_file(const std::filesystem::path& path) {
    const InputFile file(path);
    Hasher hasher;
    std::vector<std::byte> piece(static_cast<std::size_t>(std::min(kPiece, file.size())));
    for (std::int64_t at = 0; at < file.size(); at += kPiece) {
        piece.resize(static_cast<std::size_t>(std::min(kPiece, file.size() - at)));
        file.read_at(at, piece);
        hasher.update(std::span<const std::byte>(piece));
    }
    return hasher.hex();
}

std::string check_file(const std::filesystem::path& folder, const formats::WrittenFile& file, FileCheck check) {
    const auto path = folder / file.path;
    std::error_code problem;
    const auto size = std::filesystem::file_size(path, problem);
    if (problem) return problem == std::errc::no_such_file_or_directory ? "is missing" : "cannot be read: " + problem.message();
    if (static_cast<std::int64_t>(size) < file.size) return fmt::format("ends early: {} of {} bytes", size, file.size);
    if (static_cast<std::int64_t>(size) > file.size) return fmt::format("is too long: {} bytes where {} were written", size, file.size);
    if (check == FileCheck::size) return "";
    try {
        return hash_of_file(path) == file.hash ? "" : "differs from what was written";
    } catch (const Error& error) {
        return "cannot be read: " + error.message();
    }
}

}  // namespace morula::atlas
