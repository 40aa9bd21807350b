// Checking an atlas for damage, and deleting old versions.
#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "morula/atlas/atlas.hpp"
#include "morula/atlas/atlas_state.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/parallel.hpp"

namespace morula::atlas {
namespace {

namespace fs = std::filesystem;

struct FileToCheck {
    std::string folder;
    formats::WrittenFile file;
};

/// The files of a folder, or damage when its list does not fit the root.
void list_folder(const fs::path& atlas, const std::string& folder, const std::string& root, std::vector<FileToCheck>& files, std::vector<Damage>& damage) {
    const std::string list = folder + "/" + std::string(kFileList);
    try {
        if (!fs::exists(atlas / list)) {
            damage.push_back({list, "is missing"});
            return;
        }
        if (hash_of_file(atlas / list) != root) {
            damage.push_back({list, "differs from what was written"});
            return;
        }
        for (auto& file : read_file_list(atlas / folder)) files.push_back({folder, std::move(file)});
    } catch (const Error& error) {
        damage.push_back({list, "cannot be read: " + error.message()});
    }
}

/// Compares every file with its hash; adds the damaged ones in order. Returns the bytes.
std::int64_t check_files(const fs::path& atlas, const std::vector<FileToCheck>& files, std::vector<Damage>& damage, Context& context) {
    Progress progress(context, "verify", static_cast<std::int64_t>(files.size()), "files");
    std::vector<std::string> problems(files.size());
    parallel_blocks(context, static_cast<std::int64_t>(files.size()), 1, [&](Block block) {
        const auto i = static_cast<std::size_t>(block.index);
        problems[i] = check_file(atlas / files[i].folder, files[i].file, FileCheck::hash);
        progress.advance(1);
    });
    std::int64_t n_bytes = 0;
    for (std::size_t i = 0; i < files.size(); ++i) {
        n_bytes += files[i].file.size;
        if (!problems[i].empty()) damage.push_back({files[i].folder + "/" + files[i].file.path, problems[i]});
    }
    return n_bytes;
}

/// Each manifest holds the hash of its parent's file.
void check_history(const fs::path& atlas, const Manifest& newest, std::vector<Damage>& damage) {
    Manifest manifest = newest;
    for (;;) {
        const fs::path parent = manifest_path(atlas, manifest.parent);
        if (manifest.parent == 0 || !fs::exists(parent)) return;  // the first, or the older ones were vacuumed away
        const std::string name = fs::path(parent).lexically_relative(atlas).string();
        try {
            if (hash_of_file(parent) != manifest.parent_hash) damage.push_back({name, "differs from what was written"});
            manifest = read_manifest(atlas, manifest.parent);
        } catch (const Error& error) {
            damage.push_back({name, "cannot be read: " + error.message()});
            return;
        }
    }
}

}  // namespace

VerifyReport Atlas::verify(Context& context) const {
    const State& s = *state_;
    VerifyReport report;
    report.version = s.manifest.version;
    std::vector<FileToCheck> files;
    for (const DatasetRecord& d : s.manifest.datasets) {
        list_folder(s.path, d.folder, d.root, files, report.damage);
        list_folder(s.path, d.remap, d.remap_root, files, report.damage);
    }
    if (!s.manifest.axis.empty()) list_folder(s.path, s.manifest.axis, s.manifest.axis_root, files, report.damage);
    for (const DerivedRecord& d : s.manifest.derived) list_folder(s.path, d.folder, d.root, files, report.damage);

    report.n_bytes = check_files(s.path, files, report.damage, context);
    check_history(s.path, s.manifest, report.damage);
    report.n_files = static_cast<std::int64_t>(files.size());
    report.ok = report.damage.empty();
    return report;
}

std::vector<Damage> Atlas::dataset_damage(std::string_view id, Context& context) const {
    const DatasetRecord& record = state_->dataset_record(id);
    std::vector<FileToCheck> files;
    std::vector<Damage> damage;
    list_folder(state_->path, record.folder, record.root, files, damage);
    list_folder(state_->path, record.remap, record.remap_root, files, damage);
    check_files(state_->path, files, damage, context);
    return damage;
}

std::vector<Damage> Atlas::derived_damage(std::string_view key, Context& context) const {
    const DerivedRecord* record = state_->manifest.find_derived(key);
    if (record == nullptr) fail(ErrorCode::not_found, fmt::format("{}: version {} holds no result '{}'.", state_->path.string(), state_->manifest.version, key), "See `morula info --json` for the results it holds.");
    std::vector<FileToCheck> files;
    std::vector<Damage> damage;
    list_folder(state_->path, record->folder, record->root, files, damage);
    check_files(state_->path, files, damage, context);
    return damage;
}

VacuumReport Atlas::vacuum(const VacuumOptions& options, Context& context) {
    if (options.keep_versions < 1) fail(ErrorCode::usage, "Vacuum must keep at least one version.", "Give a number of 1 or more.");
    settle();
    State& s = *state_;
    VacuumReport report;
    const auto versions = version_numbers(s.path, s.manifest.version);
    const auto n_remove = std::max<std::int64_t>(0, static_cast<std::int64_t>(versions.size()) - options.keep_versions);
    for (std::int64_t i = 0; i < n_remove; ++i) {
        const fs::path file = manifest_path(s.path, versions[static_cast<std::size_t>(i)]);
        std::error_code problem;
        fs::remove(file, problem);
        if (problem) fail_from_errno(problem.value(), "delete it", file.string());
        ++report.versions_removed;
    }
    sync_folder(s.path / "versions");  // first the versions are gone for good, then what only they needed
    const auto folders = unreferenced_folders(s.path, s.manifest.version);
    Progress progress(context, "vacuum", static_cast<std::int64_t>(folders.size()), "folders");
    for (const std::string& folder : folders) {
        report.bytes_freed += remove_folder(s.path, folder);
        ++report.folders_removed;
        progress.advance(1);
    }
    return report;
}

}  // namespace morula::atlas
