#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "morula/atlas/atlas_state.hpp"
#include "morula/core/clock.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/hash.hpp"
#include "morula/core/version.hpp"

namespace morula::atlas {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t kLargestManifest = 1'000'000'000;

/// CURRENT, ".CURRENT.123-0.tmp" and the like: what AtomicFile leaves when its process is killed.
void remove_temporary_files(const fs::path& folder) {
    for (const auto& entry : fs::directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        if (entry.is_regular_file() && name.front() == '.' && entry.path().extension() == ".tmp") fs::remove(entry.path());
    }
}

constexpr const char* kUnforced = "UNFORCED";

std::optional<std::int64_t> whole_number(const std::string& text) {
    if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    return std::stoll(text);
}

std::int64_t forced_version(const fs::path& atlas) {
    const fs::path path = atlas / "CURRENT";
    if (!fs::exists(path)) {
        invalid_data(fmt::format("{}: is missing, so nothing says which version of the atlas holds.", path.string()),
                     fmt::format("Write the number of the newest file in {} into it; nothing else is lost.", (atlas / "versions").string()));
    }
    std::string text = read_text_file(path, 1'000);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    const auto number = whole_number(text);
    if (!number) invalid_data(fmt::format("{}: does not hold the number of a version.", path.string()), "Write the number of the newest file in versions/ into it.");
    return *number;
}

/// The version of UNFORCED ("17 5": version 17, on CURRENT's 5), unless a loss of power took anything of it.
std::optional<std::int64_t> unforced_version(const fs::path& atlas, std::int64_t forced) {
    if (!fs::exists(atlas / kUnforced)) return std::nullopt;
    try {
        const std::string text = read_text_file(atlas / kUnforced, 1'000);
        const auto blank = text.find(' ');
        const auto end = text.find('\n');
        if (blank == std::string::npos || end == std::string::npos || end < blank) return std::nullopt;
        const auto version = whole_number(text.substr(0, blank));
        const auto base = whole_number(text.substr(blank + 1, end - blank - 1));
        if (!version || !base || *base != forced || *version <= forced) return std::nullopt;
        for (std::int64_t v = forced + 1; v <= *version; ++v) read_manifest(atlas, v);
        return version;
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::int64_t version_of(const fs::path& file) {
    const std::string stem = file.stem().string();
    return file.extension() == ".json" ? whole_number(stem).value_or(-1) : -1;
}

std::int64_t size_of_tree(const fs::path& folder) {
    std::int64_t total = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        // A file shared with another data set frees nothing.
        if (entry.is_regular_file() && entry.hard_link_count() == 1) total += static_cast<std::int64_t>(entry.file_size());
    }
    return total;
}

}  // namespace

std::int64_t read_current(const fs::path& atlas) {
    const std::int64_t forced = forced_version(atlas);
    return unforced_version(atlas, forced).value_or(forced);
}

void settle(const fs::path& atlas) {
    if (!fs::exists(atlas / kUnforced)) return;
    const std::int64_t newest = read_current(atlas);
    formats::sync_tree(atlas);
    write_text_file(atlas / "CURRENT", fmt::format("{}\n", newest));
    std::error_code ignored;
    fs::remove(atlas / kUnforced, ignored);  // one that stays builds on a version that is no longer CURRENT
}

std::vector<std::int64_t> version_numbers(const fs::path& atlas, std::int64_t current) {
    std::vector<std::int64_t> numbers;
    for (const auto& entry : fs::directory_iterator(atlas / "versions")) {
        const std::int64_t number = version_of(entry.path());
        if (number >= 0 && number <= current) numbers.push_back(number);
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

Manifest read_manifest(const fs::path& atlas, std::int64_t version) {
    const fs::path path = manifest_path(atlas, version);
    Manifest manifest = parse_manifest(read_text_file(path, kLargestManifest), path.string());
    if (manifest.version != version) invalid_data(fmt::format("{}: holds version {}.", path.string(), manifest.version), "Copy the file from a backup.");
    return manifest;
}

void add_references(const Manifest& manifest, std::set<std::string>& folders) {
    for (const DatasetRecord& d : manifest.datasets) {
        folders.insert(d.folder);
        folders.insert(d.remap);
    }
    folders.insert(manifest.axis);
    for (const DerivedRecord& d : manifest.derived) folders.insert(d.folder);
}

std::vector<std::string> unreferenced_folders(const fs::path& atlas, std::int64_t current) {
    std::vector<std::string> candidates;
    for (const char* kind : {"datasets", "axis", "derived"}) {
        if (!fs::exists(atlas / kind)) continue;
        for (const auto& entry : fs::directory_iterator(atlas / kind)) candidates.push_back(std::string(kind) + "/" + entry.path().filename().string());
    }
    // Nearly always everything belongs to the newest version; older manifests are read only for what is left.
    const auto versions = version_numbers(atlas, current);
    for (auto version = versions.rbegin(); version != versions.rend() && !candidates.empty(); ++version) {
        std::set<std::string> referenced;
        add_references(read_manifest(atlas, *version), referenced);
        candidates.erase(std::remove_if(candidates.begin(), candidates.end(), [&](const std::string& folder) { return referenced.count(folder) != 0; }), candidates.end());
    }
    std::sort(candidates.begin(), candidates.end());
    return candidates;
}

std::int64_t remove_folder(const fs::path& atlas, const std::string& folder) {
    const std::int64_t bytes = size_of_tree(atlas / folder);
    std::string flat = folder;
    std::replace(flat.begin(), flat.end(), '/', '-');
    fs::create_directories(atlas / "tmp");
    const fs::path aside = atlas / "tmp" / (flat + ".removed");
    fs::remove_all(aside);
    fs::rename(atlas / folder, aside);
    fs::remove_all(aside);
    return bytes;
}

void clean_up(const fs::path& atlas) {
    const std::int64_t current = read_current(atlas);
    fs::remove_all(atlas / "tmp");
    remove_temporary_files(atlas);
    remove_temporary_files(atlas / "versions");
    for (const auto& entry : fs::directory_iterator(atlas / "versions")) {
        if (version_of(entry.path()) > current) fs::remove(entry.path());
    }
    for (const std::string& folder : unreferenced_folders(atlas, current)) remove_folder(atlas, folder);
}

std::string Atlas::State::free_folder(const std::string& wanted) const {
    std::string folder = wanted;
    for (int number = 1; fs::exists(path / folder); ++number) folder = fmt::format("{}.{}", wanted, number);
    return folder;
}

Transaction::Transaction(Atlas::State& state, Durability durability, Context& context) : state_(state), durability_(durability), context_(context) {}

Transaction::~Transaction() {
    if (committed_) return;
    try {
        if (tree_) abandon();
        for (const std::string& folder : placed_) remove_folder(state_.path, folder);
    } catch (const std::exception&) {  // what stays is invisible, and the next writer deletes it
    }
}

formats::ZarrTreeWriter& Transaction::begin() {
    MORULA_ASSERT(!tree_);
    const fs::path folder = state_.path / "tmp" / fmt::format("{}-{}", ::getpid(), placed_.size());
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    tree_ = std::make_unique<formats::ZarrTreeWriter>(folder, context_);
    return *tree_;
}

void Transaction::abandon() {
    std::error_code ignored;
    fs::remove_all(tree_->folder(), ignored);
    tree_.reset();
}

Transaction::Written Transaction::place(const std::string& wanted) {
    const std::string list = file_list_json(tree_->files());
    write_text_file_unforced(tree_->folder() / kFileList, list);
    const std::string folder = state_.free_folder(wanted);
    fs::create_directories((state_.path / folder).parent_path());
    if (durability_ == Durability::forced) {
        formats::sync_tree(tree_->folder());
        rename_atomically(tree_->folder(), state_.path / folder);
    } else {
        rename_unforced(tree_->folder(), state_.path / folder);
    }
    placed_.push_back(folder);
    tree_.reset();
    return {folder, hash_hex(list)};
}

void Transaction::commit(Manifest next, std::string change) {
    next.version = state_.manifest.version + 1;
    next.parent = state_.manifest.version;
    next.parent_hash = hash_of_file(manifest_path(state_.path, next.parent));
    next.created = utc_now();
    next.change = std::move(change);
    next.written_by = "morula " + std::string(kVersion);
    const fs::path manifest = manifest_path(state_.path, next.version);
    try {
        if (durability_ == Durability::forced) {
            settle(state_.path);  // what CURRENT names stands on versions that are on the disk
            write_text_file(manifest, manifest_json(next));
            write_text_file(state_.path / "CURRENT", fmt::format("{}\n", next.version));
        } else {
            write_text_file_unforced(manifest, manifest_json(next));
            write_text_file_unforced(state_.path / kUnforced, fmt::format("{} {}\n", next.version, forced_version(state_.path)));
        }
    } catch (...) {
        // The rename may have happened before the failure: then the new version stands.
        if (read_current(state_.path) != next.version) {
            std::error_code ignored;
            fs::remove(manifest, ignored);
            throw;
        }
        committed_ = true;
        throw;
    }
    committed_ = true;
    state_.manifest = std::move(next);
}

}  // namespace morula::atlas
