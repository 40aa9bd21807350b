#include "morula/commands/simulate_folders.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "morula/commands/result_folder.hpp"
#include "morula/commands/verb_record.hpp"
#include "morula/core/error.hpp"
#include "morula/report/html.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSeedPrefix = "seed-";
constexpr const char* kWhenHeld = "Wait until it has ended, or name another folder with --out.";

/// What a run keeps in state/.
constexpr std::array<std::string_view, 4> kStateFiles{"composition", "readouts", "events", "run.state"};
/// Of these a run's own tables are made when it ends or is stopped.
constexpr std::array<std::string_view, 4> kTables{"composition.csv", "events.csv", "lineages.csv", "readouts.csv"};

/// Of AtomicFile, where the process was killed while it wrote.
bool is_unfinished(const std::string& name) { return name.starts_with('.') && name.ends_with(".tmp"); }

/// A state, or what a run that was killed before its first one has left: its own files and no others.
bool holds_state(const fs::path& folder) {
    std::error_code ignored;
    const fs::path state = folder / "state";
    if (fs::exists(state / "run.state", ignored)) return true;
    if (!fs::exists(state / kStateFiles.front(), ignored)) return false;
    for (const auto& entry : fs::directory_iterator(state, ignored)) {
        const std::string name = entry.path().filename().string();
        if (std::find(kStateFiles.begin(), kStateFiles.end(), name) == kStateFiles.end() && !is_unfinished(name)) return false;
    }
    return true;
}

bool begins_as_seeds_table(const fs::path& file) {
    std::ifstream in(file);
    std::string line;
    return std::getline(in, line) && line.starts_with("seed,final_hash,");
}

bool is_of_a_run(const fs::path& folder) {
    if (holds_state(folder) || begins_as_seeds_table(folder / "seeds.csv") || verb_of_results(folder) == "simulate") return true;
    return folder.filename().string().starts_with(kSeedPrefix) && verb_of_results(folder.parent_path()) == "simulate";
}

bool holds_tables(const fs::path& folder) {
    std::error_code ignored;
    return std::any_of(kTables.begin(), kTables.end(), [&](std::string_view name) { return fs::exists(folder / name, ignored); });
}

/// Files of a Zarr store: metadata, and chunks below a folder c.
void clear_fields(const fs::path& store) {
    std::error_code ignored;
    std::vector<fs::path> files, folders;
    for (const auto& entry : fs::recursive_directory_iterator(store, ignored)) {
        const fs::path inside = entry.path().lexically_relative(store);
        const std::string name = inside.filename().string();
        if (entry.is_directory(ignored) && !entry.is_symlink(ignored)) folders.push_back(entry.path());
        else if (name == "zarr.json" || is_unfinished(name) || std::find(inside.begin(), inside.end(), "c") != inside.end()) files.push_back(entry.path());
    }
    for (const fs::path& file : files) fs::remove(file, ignored);
    // Those within come after their own: from the last on, each is empty unless there is something else in it.
    for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) fs::remove(*folder, ignored);
    fs::remove(store, ignored);
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
    const auto is_a_result = [](const fs::path& inside) {
        const std::string first = inside.begin()->string();
        if (first == "state" || first == "snapshots" || first == "fields.zarr" || first == "LOCK" || first.starts_with(kSeedPrefix)) return true;
        return std::find(kResultFiles.begin(), kResultFiles.end(), inside.string()) != kResultFiles.end();
    };
    const std::vector<fs::path> places = paths_below(out, file);
    return std::any_of(places.begin(), places.end(), is_a_result);
}

void clear_run(const fs::path& folder) {
    if (!is_of_a_run(folder)) return;
    std::error_code ignored;
    clear_fields(folder / "fields.zarr");
    for (const std::string_view name : kResultFiles) {
        if (name != "run.json") fs::remove(folder / name, ignored);
    }
    std::vector<fs::path> snapshots, unfinished;
    for (const auto& entry : fs::directory_iterator(folder / "snapshots", ignored)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("minute-") && name.ends_with(".h5ad")) snapshots.push_back(entry.path());
    }
    for (const auto& entry : fs::directory_iterator(folder / "state", ignored)) {
        if (is_unfinished(entry.path().filename().string())) unfinished.push_back(entry.path());
    }
    for (const auto* files : {&snapshots, &unfinished}) {
        for (const fs::path& file : *files) fs::remove(file, ignored);
    }
    // These last: they tell that the rest is of a run.
    for (const std::string_view name : kStateFiles) fs::remove(folder / "state" / name, ignored);
    fs::remove(folder / "state", ignored);  // where nothing else is in it
    fs::remove(folder / "run.json", ignored);
}

RunFolders::RunFolders(fs::path out, const std::vector<std::uint64_t>& seeds, Earlier earlier) : out_(std::move(out)), earlier_(earlier), own_locks_(seeds.size()) {
    for (const std::uint64_t seed : seeds) folders_.push_back(out_ / seed_folder(seed));
    if (seeds.empty()) folders_.push_back(out_);
    std::error_code ignored;
    for (const fs::path& folder : folders_) starts_.push_back(earlier == Earlier::go_on && has_saved_run(folder) ? RunStart::resumed : RunStart::fresh);
    for (fs::path& folder : seed_folders(out_)) {
        if (std::find(folders_.begin(), folders_.end(), folder) == folders_.end()) others_.push_back(std::move(folder));
    }
    if (earlier == Earlier::go_on) check_others();
    check_states();
}

void RunFolders::check_others() const {
    if (!others_.empty()) {
        fail(ErrorCode::usage, fmt::format("{} holds runs of other seeds too ({}), which would be left behind.", out_.string(), names_of(others_)), "Go on with all of them (--seed, --seeds), or name another folder with --out.");
    }
    if (!is_one() && has_saved_run(out_)) {
        fail(ErrorCode::usage, fmt::format("{} holds one run that was made without --seeds, which would be left behind.", out_.string()), "Go on with it, without --seeds, or name another folder with --out.");
    }
}

void RunFolders::check_states() const {
    std::error_code ignored;
    for (std::size_t run = 0; run < size(); ++run) {
        const fs::path& folder = folders_[run];
        if (starts_[run] == RunStart::resumed) continue;
        if (earlier_ == Earlier::go_on && !holds_state(folder) && holds_tables(folder)) {
            fail(ErrorCode::usage, fmt::format("{} holds the tables of a run and no state to go on from.", folder.string()), "Name another folder with --out, or leave --resume out to begin anew.");
        }
        if (is_of_a_run(folder)) continue;
        for (const char* name : {"state", "fields.zarr"}) {
            const fs::path own = folder / name;
            if (!fs::exists(own, ignored) || (fs::is_directory(own, ignored) && fs::is_empty(own, ignored))) continue;
            fail(ErrorCode::usage, fmt::format("{} is there, and no run of `morula simulate` has left it: a run would write into it.", own.string()), "Name another folder with --out, or move it away.");
        }
    }
}

void RunFolders::take_all(EventSink& events) {
    make_output_folder(out_, kResultFiles);
    lock_.emplace(out_, kWhenHeld);
    std::vector<fs::path> here, fresh, replaced;
    std::error_code ignored;
    for (std::size_t run = 0; run < size(); ++run) {
        if (starts_[run] != RunStart::fresh) continue;
        fresh.push_back(folders_[run]);
        if (has_saved_run(folders_[run])) here.push_back(folders_[run]);
        else if (holds_tables(folders_[run])) replaced.push_back(folders_[run]);
    }
    if (earlier_ == Earlier::go_on) {
        if (!fresh.empty() && is_one()) events.decision(fmt::format("{} holds no state to go on from; the run begins at its start.", out_.string()));
        else if (!fresh.empty()) events.decision(fmt::format("{} holds no state of {} to go on from; {} at the start.", out_.string(), names_of(fresh), fresh.size() == 1 ? "it begins" : "they begin"));
        return;
    }
    if (!replaced.empty() && others_.empty()) events.warning(fmt::format("{} held tables of an earlier run, without a state to go on from{}; they are replaced.", out_.string(), is_one() ? "" : " (" + names_of(replaced) + ")"));
    if (is_one() && !here.empty()) events.warning(fmt::format("The run in {} is begun anew; --resume goes on from its state.", out_.string()));
    if (!is_one() && !here.empty()) events.warning(fmt::format("Runs in {} are begun anew ({}); --resume goes on from their states.", out_.string(), names_of(here)));
    if (!others_.empty()) events.warning(fmt::format("{} held runs of other seeds ({}); they are removed.", out_.string(), names_of(others_)));
    if (!is_one() && has_saved_run(out_)) events.warning(fmt::format("{} held one run that was made without --seeds; it is removed.", out_.string()));
    // Seeds without a state: that they are of a run is known from the record of all.
    for (const fs::path& folder : replaced) {
        if (is_one()) break;
        const FolderLock lock(folder, kWhenHeld);
        clear_run(folder);
    }
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
