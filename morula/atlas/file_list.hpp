// files.json: every file of a folder of the atlas with its size and hash; the hash of this list is the folder's root in the manifest.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "morula/formats/zarr/zarr_writer.hpp"

namespace morula::atlas {

inline constexpr std::string_view kFileList = "files.json";

std::string file_list_json(const std::vector<formats::WrittenFile>& files);
/// Throws invalid_data when the text is damaged or a path leads out of the folder.
std::vector<formats::WrittenFile> parse_file_list(std::string_view json, std::string_view where);
std::vector<formats::WrittenFile> read_file_list(const std::filesystem::path& folder);

/// XXH3-128 of a file, read in pieces.
std::string hash_of_file(const std::filesystem::path& path);
/// What is wrong with one file ("is missing", "ends early: 10 of 20 bytes", ...), or "". Compares the size, and the hash where asked.
enum class FileCheck { size, hash };
std::string check_file(const std::filesystem::path& folder, const formats::WrittenFile& file, FileCheck check);

}  // namespace morula::atlas
