// What an open Atlas holds, and the parts that its methods share. Used by atlas*.cpp only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "morula/atlas/atlas.hpp"
#include "morula/atlas/file_list.hpp"
#include "morula/core/folder_lock.hpp"
#include "morula/formats/zarr/zarr_writer.hpp"

namespace morula::atlas {

struct Atlas::State {
    std::filesystem::path path;
    std::string name;
    Manifest manifest;
    bool is_newest = true;  // opened without naming a version
    std::optional<FolderLock> lock;
    mutable std::mutex axis_mutex;
    mutable std::shared_ptr<const GeneAxis> axis;  // read on first use
    mutable std::string axis_folder;               // that `axis` was read from

    const DatasetRecord& dataset_record(std::string_view id) const;
    std::shared_ptr<const GeneAxis> load_axis() const;
    /// A folder that no version refers to yet: wanted, or wanted.1, wanted.2 ...
    std::string free_folder(const std::string& wanted) const;
};

/// Whether a commit is forced to disk before it counts. `later`: only results, which can be computed again; settle() forces them all at once.
enum class Durability { forced, later };

/// The newest version: that of UNFORCED when it builds on CURRENT and nothing of it is missing, else that of CURRENT. Throws invalid_data.
std::int64_t read_current(const std::filesystem::path& atlas);
/// Versions with a manifest, up to the current one, rising.
std::vector<std::int64_t> version_numbers(const std::filesystem::path& atlas, std::int64_t current);
Manifest read_manifest(const std::filesystem::path& atlas, std::int64_t version);
/// Folders (relative) that a manifest refers to.
void add_references(const Manifest& manifest, std::set<std::string>& folders);
/// Folders below datasets/, axis/ and derived/ that no version refers to.
std::vector<std::string> unreferenced_folders(const std::filesystem::path& atlas, std::int64_t current);
/// Takes a folder out of sight at once, then deletes it. Returns its bytes.
std::int64_t remove_folder(const std::filesystem::path& atlas, const std::string& folder);
/// Forces everything to disk and makes the newest version that of CURRENT, where commits were left for later.
void settle(const std::filesystem::path& atlas);
/// Deletes what a writer that was killed left: tmp/, manifests beyond CURRENT, temporary files, unreferenced folders.
void clean_up(const std::filesystem::path& atlas);

/// Folders written for the next version. Each is written under tmp/ and moved to its place when whole; without commit() all are deleted again.
class Transaction {
public:
    Transaction(Atlas::State& state, Durability durability, Context& context);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    struct Written {
        std::string folder;  // relative
        std::string root;    // hash of its files.json
    };
    /// A tree to write into, under tmp/.
    formats::ZarrTreeWriter& begin();
    /// Ends the tree begun last, adds files.json, moves it to a place of the wanted name.
    Written place(const std::string& wanted);
    /// Drops the tree begun last.
    void abandon();
    /// Makes `next` the current version (its number, parent and time are filled in here).
    void commit(Manifest next, std::string change);

private:
    Atlas::State& state_;
    Durability durability_;
    Context& context_;
    std::unique_ptr<formats::ZarrTreeWriter> tree_;
    std::vector<std::string> placed_;
    bool committed_ = false;
};

}  // namespace morula::atlas
