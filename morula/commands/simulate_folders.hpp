// The folders that runs of `simulate` write into: what there is theirs, what earlier runs have left, and that one process at a time writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/events.hpp"
#include "morula/core/folder_lock.hpp"

namespace morula::commands {

/// Files of a run in its folder; with several seeds, of them all. Beside them: state/, snapshots/, fields.zarr/, seed-K/.
inline const std::initializer_list<std::string_view> kResultFiles{"composition.csv", "events.csv", "lineages.csv", "readouts.csv", "rates.csv", "seeds.csv", "report.html", "run.json"};

enum class RunStart { fresh, resumed };

/// Whether a file lies where a run in `out` keeps its results.
bool is_among_results(const std::filesystem::path& file, const std::filesystem::path& out);
std::filesystem::path state_path(const std::filesystem::path& folder);
/// Whether the folder holds the state of a run that --resume can go on from.
bool has_saved_run(const std::filesystem::path& folder);
/// "seed-7"
std::string seed_folder(std::uint64_t seed);
/// Removes what an earlier run in the folder left: it would stand beside the tables of another one. What no run writes stays, and all of it where the folder is of no run.
void clear_run(const std::filesystem::path& folder);

/// The folders of one call: `out` itself, or `out`/seed-K for every seed.
class RunFolders {
public:
    enum class Earlier { begin_anew, go_on };
    /// Touches no file. Throws usage where runs are to go on and `out` holds some that were not asked for: their tables would be left as they are beside the others; where they are to go on
    /// and the state of a run that left its tables is gone; and where folders that a run would write into are there already and are of no run.
    RunFolders(std::filesystem::path out, const std::vector<std::uint64_t>& seeds, Earlier earlier);

    std::size_t size() const { return folders_.size(); }
    const std::filesystem::path& folder(std::size_t run) const { return folders_[run]; }
    RunStart start(std::size_t run) const { return starts_[run]; }
    /// When the run can begin, before it changes a file: makes its folder and holds it until the end of this object. The first of them says what becomes of earlier runs, and removes
    /// those that were not asked for. From any thread. Throws resource_limit where another process writes there.
    void take(std::size_t run, EventSink& events);

private:
    void check_others() const;
    void check_states() const;
    void take_all(EventSink& events);
    bool is_one() const { return folders_.front() == out_; }

    std::filesystem::path out_;
    Earlier earlier_;
    std::vector<std::filesystem::path> folders_;
    std::vector<RunStart> starts_;
    std::vector<std::filesystem::path> others_;  // of earlier runs
    std::once_flag taken_;
    std::optional<FolderLock> lock_;
    std::vector<std::optional<FolderLock>> own_locks_;  // of seeds
};

}  // namespace morula::commands
