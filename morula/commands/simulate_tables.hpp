// The tables of one run of a scenario: what they hold is added below state/, can be cut back to where it was at a saved state, and is put in place as whole files.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "morula/commands/scenario.hpp"
#include "morula/core/context.hpp"
#include "morula/core/hash.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/simulation/simulation.hpp"

namespace morula::commands {

/// How far a file of records was when a state was saved, and the hash of what it held.
struct RecordMark {
    std::int64_t bytes = 0;
    std::array<char, 32> hash{};
};

/// A file of records that grows, and can be cut back.
class RecordFile {
public:
    /// Goes on behind the mark and cuts off what follows; a mark at 0 makes the file anew. Throws invalid_data where the file is shorter or does not hold what it held.
    RecordFile(std::filesystem::path path, const RecordMark& mark);

    const std::filesystem::path& path() const { return path_; }
    std::int64_t size() const { return size_ + static_cast<std::int64_t>(waiting_.size()); }
    /// Of what is synced.
    RecordMark mark() const;
    void append(const void* bytes, std::size_t n) { waiting_.append(static_cast<const char*>(bytes), n); }
    /// What was appended is on the disk afterwards.
    void sync();

private:
    std::filesystem::path path_;
    std::string waiting_;
    std::int64_t size_ = 0;
    Hasher hasher_;  // of the first size_ bytes
};

/// All values of all read-outs, in the order of the scenario.
std::vector<simulation::ReadoutValue> read_all(const Scenario& scenario, const simulation::Simulation& simulation, Context& context);

/// Of all files, when a state was saved.
struct TableMarks {
    RecordMark composition;
    RecordMark readouts;
    RecordMark events;
};

/// Cells that perturbations have put in and taken out.
struct MovedCells {
    std::int64_t put_in = 0;
    std::int64_t taken_out = 0;  // among the removals too

    void count(const simulation::CellEvent& event);
};

class RunTables {
public:
    /// folder: of the run. marks: of the saved state, all at 0 for a new run. Throws invalid_data where a file is not what it was.
    RunTables(const std::filesystem::path& folder, const TableMarks& marks, const Scenario& scenario);

    /// Rows of this minute for composition.csv and readouts.csv; readouts: of read_all.
    void add_report(const simulation::Simulation& simulation, const std::vector<simulation::ReadoutValue>& readouts);
    /// Takes what has happened since the last call.
    void add_events(simulation::Simulation& simulation);
    /// Forces all to disk; what a state that is saved now has to remember.
    TableMarks sync();
    /// Since the start of the run, as far as add_events was told.
    const MovedCells& moved() const { return moved_; }
    /// Puts composition.csv, events.csv, lineages.csv and readouts.csv in place; all must be synced.
    void publish(Context& context) const;

    static std::vector<std::string> names() { return {"composition.csv", "events.csv", "lineages.csv", "readouts.csv"}; }

private:
    std::filesystem::path folder_;
    const Scenario& scenario_;
    RecordFile composition_;
    RecordFile readouts_;
    RecordFile events_;
    MovedCells moved_;
};

/// FOLDER/NAME: the table of that name of every seed's folder, one below the other, with a column `seed` before the others. look: at each table, in the same order.
void join_seeds(const std::filesystem::path& folder, const std::vector<std::pair<std::uint64_t, std::filesystem::path>>& seeds, const std::string& name, const std::function<void(const formats::RawTable&)>& look, Context& context);

}  // namespace morula::commands
