#include "morula/commands/simulate_folders.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "morula/commands/verb_record.hpp"
#include "morula/core/error.hpp"
#include "morula/report/html.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSeedPrefix = "seed-";
constexpr const char* kWhenHeld = "Wait until it has ended, or name another folder with --out.";

bool is_of_a_run(const fs::path& folder) {
    std::error_code ignored;
    return fs::exists(folder / "state", ignored) || fs::exists(folder / "seeds.csv", ignored);
}

/// Folders seed-K that hold a state, in the order of their seeds.
std::vector<fs::path> seed_folders(const fs::path& out) {
    std::vector<std::pair<std::string, fs::path>> found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(out, ignored)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(kSeedPrefix) || !has_saved_run(entry.path())) continue;
        const std::string number = name.substr(kSeedPrefix.size());
        if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) continue;
        found.emplace_back(std::string(20 - std::min<std::size_t>(20, number.size()), '0') + number, entry.path());
    }
    std::sort(found.begin(), found.end());
    std::vector<fs::path> out_paths;
    for (auto& each : found) out_paths.push_back(std::move(each.second));
    return out_paths;
}

std::string names_of(const std::vector<fs::path>& folders) {
    constexpr std::size_t most = 5;
    std::vector<std::string> names;
    for (std::size_t k = 0; k < std::min(most, folders.size()); ++k) names.push_back(folders[k].filename().string());
    if (folders.size() > most) names.push_back(fmt::format("{} more", folders.size() - most));
    return report::list_text(names);
}

}  // namespace

fs::path state_path(const fs::path& folder) { return folder / "state" / "run.state"; }

bool has_saved_run(const fs::path& folder) {
    std::error_code ignored;
    return fs::exists(state_path(folder), ignored);
}

std::string seed_folder(std::uint64_t seed) { return fmt::format("{}{}", kSeedPrefix, seed); }

bool is_among_results(const fs::path& file, const fs::path& out) {
    std::error_code ignored;
    const fs::path inside = fs::weakly_canonical(file, ignored).lexically_relative(fs::weakly_canonical(out, ignored));
    if (inside.empty()) return false;
    const std::string first = inside.begin()->string();
    if (first == "state" || first == "snapshots" || first == "fields.zarr" || first == "LOCK" || first.starts_with(kSeedPrefix)) return true;
    return std::find(kResultFiles.begin(), kResultFiles.end(), inside.string()) != kResultFiles.end();
}

void clear_run(const fs::path& folder) {
    std::error_code ignored;
    const bool is_mine = is_of_a_run(folder);
    fs::remove_all(folder / "fields.zarr", ignored);
    if (is_mine) {
        for (const std::string_view name : kResultFiles) fs::remove(folder / name, ignored);
        for (const auto& entry : fs::directory_iterator(folder / "snapshots", ignored)) {
            const std::string name = entry.path().filename().string();
            if (name.starts_with("minute-") && name.ends_with(".h5ad")) fs::remove(entry.path(), ignored);
        }
    }
    fs::remove_all(folder / "state", ignored);  // last: it tells that the rest is of a run
}

RunFolders::RunFolders(fs::path out, const std::vector<std::uint64_t>& seeds, Earlier earlier) : out_(std::move(out)), earlier_(earlier), own_locks_(seeds.size()) {
    for (const std::uint64_t seed : seeds) folders_.push_back(out_ / seed_folder(seed));
    if (seeds.empty()) folders_.push_back(out_);
    std::error_code ignored;
    for (const fs::path& folder : folders_) starts_.push_back(earlier == Earlier::go_on && has_saved_run(folder) ? RunStart::resumed : RunStart::fresh);
    for (fs::path& folder : seed_folders(out_)) {
        if (std::find(folders_.begin(), folders_.end(), folder) == folders_.end()) others_.push_back(std::move(folder));
    }
    if (earlier == Earlier::begin_anew) return;
    if (!others_.empty()) {
        fail(ErrorCode::usage, fmt::format("{} holds runs of other seeds too ({}), which would be left behind.", out_.string(), names_of(others_)), "Go on with all of them (--seed, --seeds), or name another folder with --out.");
    }
    if (!is_one() && has_saved_run(out_)) {
        fail(ErrorCode::usage, fmt::format("{} holds one run that was made without --seeds, which would be left behind.", out_.string()), "Go on with it, without --seeds, or name another folder with --out.");
    }
}

void RunFolders::take_all(EventSink& events) {
    make_output_folder(out_, kResultFiles);
    lock_.emplace(out_, kWhenHeld);
    std::vector<fs::path> here, fresh;
    std::error_code ignored;
    for (std::size_t run = 0; run < size(); ++run) {
        if (starts_[run] != RunStart::fresh) continue;
        fresh.push_back(folders_[run]);
        if (has_saved_run(folders_[run])) here.push_back(folders_[run]);
    }
    if (earlier_ == Earlier::go_on) {
        if (!fresh.empty() && is_one()) events.decision(fmt::format("{} holds no state to go on from; the run begins at its start.", out_.string()));
        else if (!fresh.empty()) events.decision(fmt::format("{} holds no state of {} to go on from; {} at the start.", out_.string(), names_of(fresh), fresh.size() == 1 ? "it begins" : "they begin"));
        return;
    }
    if (is_one() && !here.empty()) events.warning(fmt::format("The run in {} is begun anew; --resume goes on from its state.", out_.string()));
    if (!is_one() && !here.empty()) events.warning(fmt::format("Runs in {} are begun anew ({}); --resume goes on from their states.", out_.string(), names_of(here)));
    if (!others_.empty()) events.warning(fmt::format("{} held runs of other seeds ({}); they are removed.", out_.string(), names_of(others_)));
    if (!is_one() && has_saved_run(out_)) events.warning(fmt::format("{} held one run that was made without --seeds; it is removed.", out_.string()));
    for (const fs::path& other : others_) {
        const FolderLock lock(other, kWhenHeld);
        clear_run(other);
        fs::remove(other / "snapshots", ignored);
    }
    for (const fs::path& other : others_) fs::remove(other, ignored);  // where nothing else is in it
    if (!is_one() && is_of_a_run(out_)) clear_run(out_);
}

void RunFolders::take(std::size_t run, EventSink& events) {
    std::call_once(taken_, [&] { take_all(events); });
    if (is_one()) return;
    make_output_folder(folders_[run], kResultFiles);
    own_locks_[run].emplace(folders_[run], kWhenHeld);
}

}  // namespace morula::commands
