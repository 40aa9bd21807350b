// One version of an atlas: what it holds, and the hash of every part. Immutable once written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace morula::atlas {

/// Where a data set came from, to skip reading the same file twice: a file's (or all of a folder's files') name, size, change time and inode.
struct SourceRecord {
    std::string path;         // absolute
    std::string fingerprint;  // of the names, sizes, times and inodes
    std::string how;          // options that decide what is read from it, for instance "layer=counts"
};

struct DatasetRecord {
    std::string id;      // XXH3-128 of the content, see dataset_id.hpp
    std::string counts;  // XXH3-128 of X alone
    std::string name;
    std::string folder;  // relative, "datasets/ID"
    std::string root;    // hash of files.json, which lists the hash of every file
    std::int64_t n_cells = 0;
    std::int64_t n_genes = 0;
    std::int64_t nnz = 0;
    std::string remap;       // relative folder of the vector gene -> position on the axis
    std::string remap_root;
    std::vector<SourceRecord> sources;
};

struct DerivedRecord {
    std::string key;     // the step's key
    std::string folder;  // relative, "derived/KEY"
    std::string root;
};

struct Manifest {
    std::int64_t version = 0;
    std::int64_t parent = 0;    // 0: none
    std::string parent_hash;    // of the parent's file
    std::string created;        // UTC, ISO 8601
    std::string change;         // one line: what this version did
    std::string written_by;     // "morula 0.1.0"
    std::vector<DatasetRecord> datasets;
    std::string axis;           // relative folder of the gene table; "" while empty
    std::string axis_root;
    std::int64_t n_axis_genes = 0;
    std::vector<DerivedRecord> derived;

    const DatasetRecord* find_dataset(std::string_view id) const;
    const DerivedRecord* find_derived(std::string_view key) const;
};

/// JSON with a checksum over itself.
std::string manifest_json(const Manifest& manifest);
/// Throws invalid_data when the text is damaged (checksum), unsupported when a newer format wrote it.
Manifest parse_manifest(std::string_view json, std::string_view where);

/// "versions/000017.json"
std::filesystem::path manifest_path(const std::filesystem::path& atlas, std::int64_t version);

}  // namespace morula::atlas
