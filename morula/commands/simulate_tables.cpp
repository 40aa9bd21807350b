#include "morula/commands/simulate_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <unordered_map>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/formats/text/csv_writer.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;
using simulation::CellEvent;
using simulation::Simulation;

constexpr std::int64_t kPieceRecords = 16'384;
constexpr std::int64_t kBytesALineage = 120;

struct CountRecord {
    double minute = 0.0;
    std::int64_t n = 0;
    std::int32_t type = 0;
    std::int32_t phase = 0;
};

struct ValueRecord {
    double minute = 0.0;
    double value = 0.0;
    std::int32_t readout = 0;
    std::int32_t part = 0;
};

/// body(record) for all of them, in order. Records lie on the disk as in memory: the version of the state beside them says that this program wrote them.
template <class Record>
void for_records(const RecordFile& file, const std::function<void(const Record&)>& body) {
    static_assert(std::is_trivially_copyable_v<Record>);
    constexpr auto size = static_cast<std::int64_t>(sizeof(Record));
    const InputFile in(file.path());
    const std::int64_t n = file.size() / size;
    std::vector<Record> piece;
    for (std::int64_t at = 0; at < n; at += kPieceRecords) {
        piece.resize(static_cast<std::size_t>(std::min(kPieceRecords, n - at)));
        in.read_at(at * size, std::as_writable_bytes(std::span(piece)));
        for (const Record& record : piece) body(record);
    }
}

std::string id_text(std::uint64_t id) { return id == 0 ? "" : std::to_string(id); }

void write_composition(const fs::path& path, const RecordFile& counts, const Scenario& scenario) {
    formats::CsvWriter csv(path, {"minute", "type", "state", "n"});
    for_records<CountRecord>(counts, [&](const CountRecord& record) {
        const simulation::CellType& type = scenario.model.types[static_cast<std::size_t>(record.type)];
        csv.number(record.minute).text(type.name).text(type.life.phases[static_cast<std::size_t>(record.phase)].name).integer(record.n).end_row();
    });
    csv.commit();
}

void write_readouts(const fs::path& path, const RecordFile& values, const Scenario& scenario) {
    std::vector<std::vector<std::string>> names;
    for (const simulation::Readout& readout : scenario.readouts) names.push_back(readout_names(readout));
    formats::CsvWriter csv(path, {"minute", "readout", "value", "unit"});
    for_records<ValueRecord>(values, [&](const ValueRecord& record) {
        const auto r = static_cast<std::size_t>(record.readout), part = static_cast<std::size_t>(record.part);
        csv.number(record.minute).text(names[r][part]).number(record.value).text(readout_unit(scenario.readouts[r], part, scenario.model)).end_row();
    });
    csv.commit();
}

void write_events(const fs::path& path, const RecordFile& events, const Scenario& scenario) {
    formats::CsvWriter csv(path, {"minute", "event", "id", "parent", "type", "by"});
    for_records<CellEvent>(events, [&](const CellEvent& event) {
        csv.number(event.minute).text(event_name(event.kind)).text(std::to_string(event.id)).text(id_text(event.parent)).text(scenario.model.types[event.type].name).text(id_text(event.by)).end_row();
    });
    csv.commit();
}

/// One row for every cell that has ever lived, in the order of births: those of the start first.
void write_lineages(const fs::path& path, const RecordFile& events, const Scenario& scenario, Context& context) {
    struct Cell {
        std::uint64_t id, parent;
        double born, gone;
        std::uint16_t type;
    };
    const double none = std::numeric_limits<double>::quiet_NaN();
    context.require_memory(kBytesALineage * (scenario.start.size() + events.size() / static_cast<std::int64_t>(sizeof(CellEvent))), "the lineages");
    std::vector<Cell> cells;
    std::unordered_map<std::uint64_t, std::size_t> place;
    const auto add = [&](const Cell& cell) {
        place[cell.id] = cells.size();
        cells.push_back(cell);
    };
    for (std::size_t i = 0; i < scenario.start.id.size(); ++i) add({scenario.start.id[i], scenario.start.parent[i], 0.0, none, scenario.start.type[i]});
    for_records<CellEvent>(events, [&](const CellEvent& event) {
        if (event.kind == CellEvent::Kind::became) return;  // the type is that at birth
        if (event.kind == CellEvent::Kind::born || event.kind == CellEvent::Kind::put_in) {
            add({event.id, event.parent, event.minute, none, event.type});
            return;
        }
        const auto found = place.find(event.id);
        MORULA_ASSERT(found != place.end());
        cells[found->second].gone = event.minute;
    });
    formats::CsvWriter csv(path, {"id", "parent", "type", "born", "gone"});
    for (const Cell& cell : cells) csv.text(std::to_string(cell.id)).text(id_text(cell.parent)).text(scenario.model.types[cell.type].name).number(cell.born).number(cell.gone).end_row();
    csv.commit();
}

}  // namespace

RecordFile::RecordFile(fs::path path, const RecordMark& mark) : path_(std::move(path)), size_(mark.bytes) {
    if (size_ == 0) {
        write_text_file(path_, "");
        return;
    }
    const std::int64_t there = InputFile(path_).size();
    const std::string_view next = "Run the scenario from its start, without --resume.";
    if (there < size_) invalid_data(fmt::format("{}: the file ends early, {} bytes are needed and {} are there.", path_.string(), size_, there), std::string(next));
    std::error_code problem;
    fs::resize_file(path_, static_cast<std::uintmax_t>(size_), problem);
    if (problem) fail_from_errno(problem.value(), "write it", path_.string());
    std::ifstream in(path_, std::ios::binary);
    std::string piece(1 << 20, '\0');
    while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())), in.gcount() > 0) hasher_.update(std::string_view(piece).substr(0, static_cast<std::size_t>(in.gcount())));
    if (this->mark().hash != mark.hash) invalid_data(fmt::format("{} is damaged: it does not hold what it held when the state was saved.", path_.string()), std::string(next));
}

RecordMark RecordFile::mark() const {
    RecordMark mark{.bytes = size_};
    const std::string hex = hasher_.hex();
    MORULA_ASSERT(hex.size() == mark.hash.size());
    std::copy(hex.begin(), hex.end(), mark.hash.begin());
    return mark;
}

void RecordFile::sync() {
    if (waiting_.empty()) return;
    std::ofstream out(path_, std::ios::binary | std::ios::app);
    out.write(waiting_.data(), static_cast<std::streamsize>(waiting_.size()));
    out.close();
    if (!out) fail_from_errno(errno, "write it", path_.string());
    sync_file(path_);
    size_ += static_cast<std::int64_t>(waiting_.size());
    hasher_.update(waiting_);
    waiting_.clear();
}

void MovedCells::count(const CellEvent& event) {
    put_in += event.kind == CellEvent::Kind::put_in ? 1 : 0;
    taken_out += event.kind == CellEvent::Kind::taken_out ? 1 : 0;
}

RunTables::RunTables(const fs::path& folder, const TableMarks& marks, const Scenario& scenario)
    : folder_(folder), scenario_(scenario), composition_(folder / "state" / "composition", marks.composition), readouts_(folder / "state" / "readouts", marks.readouts),
      events_(folder / "state" / "events", marks.events) {
    for_records<CellEvent>(events_, [&](const CellEvent& event) { moved_.count(event); });
}

std::vector<simulation::ReadoutValue> read_all(const Scenario& scenario, const Simulation& simulation, Context& context) {
    std::vector<simulation::ReadoutValue> values;
    for (const simulation::Readout& readout : scenario.readouts) {
        for (simulation::ReadoutValue& value : read_out(readout, simulation, context)) values.push_back(std::move(value));
    }
    return values;
}

void RunTables::add_report(const Simulation& simulation, const std::vector<simulation::ReadoutValue>& readouts) {
    const auto count = simulation.composition();
    for (std::size_t type = 0; type < count.size(); ++type) {
        for (std::size_t phase = 0; phase < count[type].size(); ++phase) {
            const CountRecord record{.minute = simulation.minute(), .n = count[type][phase], .type = static_cast<std::int32_t>(type), .phase = static_cast<std::int32_t>(phase)};
            composition_.append(&record, sizeof(record));
        }
    }
    std::size_t k = 0;
    for (std::size_t r = 0; r < scenario_.readouts.size(); ++r) {
        const auto n_parts = static_cast<std::int32_t>(readout_names(scenario_.readouts[r]).size());
        for (std::int32_t part = 0; part < n_parts; ++part, ++k) {
            const ValueRecord record{.minute = simulation.minute(), .value = readouts[k].value, .readout = static_cast<std::int32_t>(r), .part = part};
            readouts_.append(&record, sizeof(record));
        }
    }
    MORULA_ASSERT(k == readouts.size());
}

void RunTables::add_events(Simulation& simulation) {
    for (const CellEvent& event : simulation.take_events()) {
        CellEvent record;
        std::memset(static_cast<void*>(&record), 0, sizeof(record));  // the gaps between members too: the file is hashed
        record.minute = event.minute;
        record.kind = event.kind;
        record.id = event.id;
        record.parent = event.parent;
        record.type = event.type;
        record.by = event.by;
        events_.append(&record, sizeof(record));
        moved_.count(event);
    }
}

TableMarks RunTables::sync() {
    for (RecordFile* file : {&composition_, &readouts_, &events_}) file->sync();
    return {.composition = composition_.mark(), .readouts = readouts_.mark(), .events = events_.mark()};
}

void RunTables::publish(Context& context) const {
    write_composition(folder_ / "composition.csv", composition_, scenario_);
    write_events(folder_ / "events.csv", events_, scenario_);
    write_lineages(folder_ / "lineages.csv", events_, scenario_, context);
    write_readouts(folder_ / "readouts.csv", readouts_, scenario_);
}

void join_seeds(const fs::path& folder, const std::vector<std::pair<std::uint64_t, fs::path>>& seeds, const std::string& name, const std::function<void(const formats::RawTable&)>& look, Context& context) {
    std::optional<formats::CsvWriter> csv;
    for (const auto& [seed, path] : seeds) {
        const formats::RawTable table = formats::read_rows(path / name, {}, context);
        if (!csv) {
            std::vector<std::string> header{"seed"};
            header.insert(header.end(), table.names.begin(), table.names.end());
            csv.emplace(folder / name, header);
        }
        for (const std::vector<std::string>& row : table.rows) {
            csv->text(std::to_string(seed));
            for (const std::string& field : row) csv->text(field);
            csv->end_row();
        }
        look(table);
    }
    if (csv) csv->commit();
}

}  // namespace morula::commands
