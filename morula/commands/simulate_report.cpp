#include "morula/commands/simulate_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "morula/commands/readout_words.hpp"
#include "morula/core/error.hpp"
#include "morula/core/random.hpp"
#include "morula/core/version.hpp"
#include "morula/report/html.hpp"
#include "morula/simulation/profiles.hpp"

namespace morula::commands {
namespace {

using report::SimulationStory;
using simulation::Agents;
using simulation::Grid;
using simulation::Model;
using simulation::Profile;
using simulation::Simulation;
using simulation::StateReader;
using simulation::StateWriter;

constexpr std::int64_t kMostRows = 1000;
constexpr std::int64_t kMostShells = 30;
constexpr std::int64_t kMostPixels = 120;  // a side of a field map

/// Items of equally spaced moments: every one, and once there are too many every second, every fourth ...
template <class T>
class ThinnedSeries {
public:
    ThinnedSeries(std::int64_t most_items, std::int64_t most_weight) : most_items_(most_items), most_weight_(most_weight) {}

    /// make() gives the item of the next moment, if it is wanted; weight(item) its share of most_weight.
    template <class Make, class Weight>
    void next(const Make& make, const Weight& weight) {
        const std::int64_t moment = n_moments_++;
        if (moment % every_ != 0) return;
        add(moment, make(), weight);
        while (items_.size() > 1 && (std::ssize(items_) > most_items_ || weight_ > most_weight_)) thin();
    }
    /// The last moment, which next() may have passed over.
    template <class Make, class Weight>
    void last(const Make& make, const Weight& weight) {
        if (n_moments_ > 0 && (items_.empty() || items_.back().moment != n_moments_ - 1)) add(n_moments_ - 1, make(), weight);
    }
    std::int64_t every() const { return every_; }
    /// put(value) for each.
    template <class Put>
    void save(StateWriter& out, const Put& put) const {
        out.put(n_moments_);
        out.put(every_);
        out.put(std::ssize(items_));
        for (const Item& item : items_) {
            out.put(item.moment);
            out.put(item.weight);
            put(item.value);
        }
    }
    /// get() gives the value that put got.
    template <class Get>
    void load(StateReader& in, const Get& get) {
        std::int64_t n = 0;
        in.get(n_moments_);
        in.get(every_);
        in.get(n);
        if (every_ < 1 || n < 0) in.damaged("what its page has seen is not whole");
        items_.clear();
        weight_ = 0;
        for (std::int64_t k = 0; k < n; ++k) {
            Item item{};
            in.get(item.moment);
            in.get(item.weight);
            item.value = get();
            weight_ += item.weight;
            items_.push_back(std::move(item));
        }
    }
    std::vector<T> take() {
        std::vector<T> out;
        for (Item& item : items_) out.push_back(std::move(item.value));
        items_.clear();
        return out;
    }

private:
    struct Item {
        std::int64_t moment;
        std::int64_t weight;
        T value;
    };
    template <class Weight>
    void add(std::int64_t moment, T value, const Weight& weight) {
        const std::int64_t own = weight(value);
        items_.push_back({moment, own, std::move(value)});
        weight_ += own;
    }
    void thin() {
        every_ *= 2;
        std::erase_if(items_, [&](const Item& item) {
            const bool goes = item.moment % every_ != 0;
            if (goes) weight_ -= item.weight;
            return goes;
        });
    }

    std::int64_t most_items_, most_weight_;
    std::int64_t n_moments_ = 0, every_ = 1, weight_ = 0;
    std::vector<Item> items_;
};

struct CountRow {
    double minute = 0.0;
    std::vector<std::int64_t> counts;
    std::int64_t births = 0, removals = 0;
    std::vector<double> readouts;
};

template <class T>
void put_rows(StateWriter& out, const std::vector<std::vector<T>>& rows) {
    out.put(std::ssize(rows));
    for (const std::vector<T>& row : rows) out.put(row);
}
template <class T>
std::vector<std::vector<T>> get_rows(StateReader& in) {
    std::int64_t n = 0;
    in.get(n);
    std::vector<std::vector<T>> rows;
    for (std::int64_t k = 0; k < n; ++k) in.get(rows.emplace_back());
    return rows;
}

void put_row(StateWriter& out, const CountRow& row) {
    out.put(row.minute);
    out.put(row.counts);
    out.put(row.births);
    out.put(row.removals);
    out.put(row.readouts);
}
CountRow get_row(StateReader& in) {
    CountRow row;
    in.get(row.minute);
    in.get(row.counts);
    in.get(row.births);
    in.get(row.removals);
    in.get(row.readouts);
    return row;
}

void put_frame(StateWriter& out, const report::Frame& frame) {
    out.put(frame.minute);
    out.put(frame.n_cells);
    for (const auto* column : {&frame.x, &frame.y, &frame.z, &frame.radius}) out.put(*column);
    out.put(frame.kind);
    put_rows(out, frame.levels);
}
report::Frame get_frame(StateReader& in) {
    report::Frame frame;
    in.get(frame.minute);
    in.get(frame.n_cells);
    for (auto* column : {&frame.x, &frame.y, &frame.z, &frame.radius}) in.get(*column);
    in.get(frame.kind);
    frame.levels = get_rows<float>(in);
    return frame;
}

void put_profile(StateWriter& out, const Profile& profile) {
    out.put(profile.shell_um);
    out.put(profile.size);
    put_rows(out, profile.cells);
    put_rows(out, profile.concentration);
}
Profile get_profile(StateReader& in) {
    Profile profile;
    in.get(profile.shell_um);
    in.get(profile.size);
    profile.cells = get_rows<std::int64_t>(in);
    profile.concentration = get_rows<double>(in);
    return profile;
}

/// Every phase of every type, in their order; first_kind[type] + phase is the kind of an agent.
std::vector<report::CellKind> kinds_of(const Model& model) {
    std::vector<report::CellKind> kinds;
    for (const simulation::CellType& type : model.types) {
        for (const simulation::Phase& phase : type.life.phases) kinds.push_back({type.name, phase.name, phase.is_dead});
    }
    return kinds;
}

std::vector<std::size_t> first_kinds(const Model& model) {
    std::vector<std::size_t> first;
    std::size_t n = 0;
    for (const simulation::CellType& type : model.types) {
        first.push_back(n);
        n += type.life.phases.size();
    }
    return first;
}

CountRow count_row(const Simulation& simulation, const std::vector<simulation::ReadoutValue>& readouts) {
    CountRow row{simulation.minute(), {}, simulation.tally().births, simulation.tally().removals, {}};
    for (const simulation::ReadoutValue& value : readouts) row.readouts.push_back(value.value);
    for (const auto& of_type : simulation.composition()) row.counts.insert(row.counts.end(), of_type.begin(), of_type.end());
    return row;
}

/// All agents, or those of the lowest random keys, so that a cell that is shown once is shown as long as the crowd lets it.
std::vector<std::size_t> drawn_agents(const Agents& agents, std::int64_t most, std::uint64_t seed) {
    std::vector<std::size_t> chosen(agents.id.size());
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
    if (agents.size() <= most) return chosen;
    std::vector<std::uint64_t> key(agents.id.size());
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = Random(seed, Purpose::subsample, agents.id[i], 0).next_u64();
    std::nth_element(chosen.begin(), chosen.begin() + most, chosen.end(), [&](std::size_t a, std::size_t b) { return std::pair(key[a], agents.id[a]) < std::pair(key[b], agents.id[b]); });
    chosen.resize(static_cast<std::size_t>(most));
    std::sort(chosen.begin(), chosen.end());
    return chosen;
}

std::int64_t place_of(const Grid& grid, const Agents& agents, std::size_t i) {
    return grid.place(nearest_voxel(grid, 0, agents.x[i]), nearest_voxel(grid, 1, agents.y[i]), nearest_voxel(grid, 2, agents.z[i]));
}

report::Frame frame_of(const Simulation& simulation, const std::vector<std::size_t>& first_kind, const std::vector<std::int32_t>& substances) {
    const Agents& agents = simulation.agents();
    report::Frame frame;
    frame.minute = simulation.minute();
    frame.n_cells = agents.size();
    frame.levels.resize(substances.size());
    for (const std::size_t i : drawn_agents(agents, report::kMostFrameCells, simulation.model().seed)) {
        frame.x.push_back(static_cast<float>(agents.x[i]));
        frame.y.push_back(static_cast<float>(agents.y[i]));
        frame.z.push_back(static_cast<float>(agents.z[i]));
        frame.radius.push_back(agents.radius[i]);
        frame.kind.push_back(static_cast<std::uint16_t>(first_kind[agents.type[i]] + agents.phase[i]));
        const auto place = static_cast<std::size_t>(place_of(simulation.field().grid(), agents, i));
        for (std::size_t s = 0; s < substances.size(); ++s) frame.levels[s].push_back(static_cast<float>(simulation.field().values(substances[s])[place]));
    }
    return frame;
}

std::int64_t bytes_of(const report::Frame& frame) { return std::ssize(frame.x) * report::frame_bytes_a_cell(frame.levels.size()); }

/// Fixed voxels of all substances, each once.
std::vector<std::int64_t> fixed_places(const Model& model) {
    std::vector<std::int64_t> places;
    for (const simulation::FixedVoxels& fixed : model.fixed) places.insert(places.end(), fixed.places.begin(), fixed.places.end());
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    return places;
}

bool is_at_wall(const Grid& grid, std::int64_t place) {
    const std::int64_t x = place % grid.stride(), row = place / grid.stride();
    const std::array<std::int64_t, 3> voxel{x, row % grid.n[1], row / grid.n[1]};
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(grid.dimensions()); ++axis) {
        if (voxel[axis] == 0 || voxel[axis] == grid.n[axis] - 1) return true;
    }
    return false;
}

/// Living cells by type, and the dead of all types as one group more.
std::vector<std::int32_t> group_codes(const Simulation& simulation) {
    const Agents& agents = simulation.agents();
    const auto& types = simulation.model().types;
    std::vector<std::int32_t> codes;
    codes.reserve(agents.id.size());
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        const bool is_dead = types[agents.type[i]].life.phases[agents.phase[i]].is_dead;
        codes.push_back(is_dead ? static_cast<std::int32_t>(types.size()) : static_cast<std::int32_t>(agents.type[i]));
    }
    return codes;
}

/// Profiles of one moment: around the middle of all cells, and from fixed voxels.
struct Profiles {
    Profile radial;
    Profile vessel;
    std::array<double, 3> center{};
};

Profiles profiles_of(const Simulation& simulation, const std::vector<std::int64_t>& fixed, std::array<double, 3> center, Context& context) {
    const std::vector<std::int32_t> codes = group_codes(simulation);
    const simulation::CellGroups groups{codes, static_cast<std::int32_t>(simulation.model().types.size()) + 1};
    return {radial_profile(simulation.field(), simulation.agents(), groups, center, kMostShells, context), distance_profile(simulation.field(), simulation.agents(), groups, fixed, kMostShells, context), center};
}

std::array<double, 3> middle_of_cells(const Simulation& simulation) {
    const std::vector<std::int32_t> codes(simulation.agents().id.size(), 0);
    return center_of_cells(simulation.field().grid(), simulation.agents(), {codes, 1});
}

/// The numbers of a profile on the shells of the end; the start's reach may be another, then only what both have is comparable.
report::DistanceProfile shown_profile(const Profile& end, const Profile& start, const Model& model) {
    report::DistanceProfile out;
    if (end.n_shells() == 0) return out;
    const simulation::Space space = model.box.is_flat() ? simulation::Space::flat : simulation::Space::solid;
    const bool has_start = start.shell_um == end.shell_um;
    out.shell_um = end.shell_um;
    const auto densities = [&](const Profile& profile, std::size_t group) {
        std::vector<double> row(end.size.size(), report::kMissing);
        for (std::size_t shell = 0; shell < std::min(row.size(), profile.size.size()); ++shell) row[shell] = profile.density(group, shell, space);
        return row;
    };
    const auto levels = [&](const Profile& profile, std::size_t substance) {
        std::vector<double> row = profile.concentration[substance];
        row.resize(end.size.size(), report::kMissing);
        return row;
    };
    const auto any = [](const Profile& profile, std::size_t group) { return std::any_of(profile.cells[group].begin(), profile.cells[group].end(), [](std::int64_t n) { return n > 0; }); };
    for (std::size_t group = 0; group < end.cells.size(); ++group) {
        const bool is_dead = group == model.types.size();
        if (is_dead && !any(end, group) && !(has_start && any(start, group))) continue;
        out.groups.push_back(is_dead ? std::string(report::kDeadCells) : model.types[group].name);
        out.density.push_back(densities(end, group));
        if (has_start) out.density_start.push_back(densities(start, group));
    }
    for (std::size_t s = 0; s < end.concentration.size(); ++s) {
        out.level.push_back(levels(end, s));
        if (has_start) out.level_start.push_back(levels(start, s));
    }
    return out;
}

report::FieldMap field_map(const Simulation& simulation, std::int32_t substance) {
    const Grid& grid = simulation.field().grid();
    const auto values = simulation.field().values(substance);
    const std::int64_t block = (std::max(grid.n[0], grid.n[1]) + kMostPixels - 1) / kMostPixels, z = grid.n[2] / 2;
    report::FieldMap map{substance, (grid.n[0] + block - 1) / block, (grid.n[1] + block - 1) / block, grid.voxel_um * static_cast<double>(block), {grid.origin_um[0], grid.origin_um[1]}, {}};
    for (std::int64_t row = 0; row < map.ny; ++row) {
        for (std::int64_t column = 0; column < map.nx; ++column) {
            double sum = 0.0;
            std::int64_t n = 0;
            for (std::int64_t y = row * block; y < std::min(grid.n[1], (row + 1) * block); ++y) {
                for (std::int64_t x = column * block; x < std::min(grid.n[0], (column + 1) * block); ++x, ++n) sum += values[static_cast<std::size_t>(grid.place(x, y, z))];
            }
            map.values.push_back(static_cast<float>(sum / static_cast<double>(n)));
        }
    }
    return map;
}

report::CompositionOverTime composition_of(std::vector<CountRow> rows, std::int64_t every) {
    report::CompositionOverTime out;
    out.every = every;
    for (CountRow& row : rows) {
        out.minute.push_back(row.minute);
        out.counts.push_back(std::move(row.counts));
        out.births.push_back(row.births);
        out.removals.push_back(row.removals);
    }
    return out;
}

/// meanings: of the values, in their order; what is beyond has none.
std::vector<report::ReadoutSeries> readout_series(const std::vector<CountRow>& rows, const std::vector<simulation::ReadoutValue>& names, const std::vector<std::string>& meanings) {
    std::vector<report::ReadoutSeries> out;
    for (std::size_t k = 0; k < names.size(); ++k) {
        report::ReadoutSeries series{names[k].name, names[k].unit, k < meanings.size() ? meanings[k] : "", {}, {}};
        for (const CountRow& row : rows) {
            series.minute.push_back(row.minute);
            series.value.push_back(row.readouts[k]);
        }
        out.push_back(std::move(series));
    }
    return out;
}

std::string position_text(const Grid& grid, const std::array<double, 3>& at) {
    std::string out = report::number_text(std::round(at[0]), 6) + ", " + report::number_text(std::round(at[1]), 6);
    return grid.is_flat() ? out : out + ", " + report::number_text(std::round(at[2]), 6);
}

}  // namespace

std::vector<report::RateRow> rate_rows(const Scenario& scenario) {
    std::vector<report::RateRow> rows;
    for (const ScenarioRate& rate : scenario.rates) {
        rows.push_back({rate.name, rate.value, rate.unit, std::string(evidence_name(rate.source)), rate.citation, rate.prior ? (*rate.prior)[0] : report::kMissing, rate.prior ? (*rate.prior)[1] : report::kMissing,
                        line_text(rate)});
    }
    return rows;
}

std::string measured_states_text(const Scenario& scenario) {
    if (!scenario.model.expression) return "";
    return fmt::format("The states that cells may be in are {} groups of measured cells, those of the file that [expression] names in the scenario.", scenario.model.expression->kernel.n_metacells());
}

struct StoryCollector::Parts {
    explicit Parts(const Scenario& scenario, double interval_min)
        : title(scenario.title), rates(rate_rows(scenario)), every_min(interval_min), first_kind(first_kinds(scenario.model)), fixed(fixed_places(scenario.model)) {
        for (std::size_t s = 0; s < std::min(scenario.model.substances.size(), report::kMostFrameSubstances); ++s) substances.push_back(static_cast<std::int32_t>(s));
        for (const simulation::Readout& readout : scenario.readouts) {
            for (std::string& words : readout_words(readout, scenario.model)) readout_meanings.push_back(std::move(words));
        }
    }

    std::string title;
    std::vector<report::RateRow> rates;
    double every_min;
    std::vector<std::size_t> first_kind;
    std::vector<std::int64_t> fixed;
    std::vector<std::int32_t> substances;
    std::vector<std::string> readout_meanings;  // of all values, in the order of the scenario
    ThinnedSeries<CountRow> rows{kMostRows, kMostRows};
    ThinnedSeries<report::Frame> frames{report::kMostFrames, report::kMostFrameBytes};
    Profiles start;
    bool has_started = false;
    bool is_sampled = false;
    std::vector<simulation::ReadoutValue> last_readouts;  // their names and units are those of all looks
};

StoryCollector::StoryCollector(const Scenario& scenario, double every_min, Context& context) : parts_(std::make_unique<Parts>(scenario, every_min)) {
    if (kPageBytes <= context.memory_bytes()) return;
    fail(ErrorCode::resource_limit, fmt::format("{}: the page of a run needs about {} of memory, the limit is {}.", scenario.files.empty() ? scenario.title : scenario.files.back().path.string(), format_bytes(kPageBytes), format_bytes(context.memory_bytes())),
         "Raise the limit with --memory, or use a machine with more memory.");
}
StoryCollector::~StoryCollector() = default;

void StoryCollector::observe(const Simulation& simulation, const std::vector<simulation::ReadoutValue>& readouts, Context& context) {
    Parts& parts = *parts_;
    if (!std::exchange(parts.has_started, true)) parts.start = profiles_of(simulation, parts.fixed, middle_of_cells(simulation), context);
    parts.is_sampled |= simulation.agents().size() > report::kMostFrameCells;
    parts.last_readouts = readouts;
    parts.rows.next([&] { return count_row(simulation, readouts); }, [](const CountRow&) { return 1; });
    parts.frames.next([&] { return frame_of(simulation, parts.first_kind, parts.substances); }, bytes_of);
}

void StoryCollector::save(StateWriter& out) const {
    const Parts& parts = *parts_;
    out.put(parts.has_started);
    out.put(parts.is_sampled);
    parts.rows.save(out, [&](const CountRow& row) { put_row(out, row); });
    parts.frames.save(out, [&](const report::Frame& frame) { put_frame(out, frame); });
    put_profile(out, parts.start.radial);
    put_profile(out, parts.start.vessel);
    out.put(parts.start.center);
    out.put(std::ssize(parts.last_readouts));
    for (const simulation::ReadoutValue& value : parts.last_readouts) {
        out.put_text(value.name);
        out.put(value.value);
        out.put_text(value.unit);
    }
}

void StoryCollector::load(StateReader& in) {
    Parts& parts = *parts_;
    in.get(parts.has_started);
    in.get(parts.is_sampled);
    parts.rows.load(in, [&] { return get_row(in); });
    parts.frames.load(in, [&] { return get_frame(in); });
    parts.start.radial = get_profile(in);
    parts.start.vessel = get_profile(in);
    in.get(parts.start.center);
    std::int64_t n = 0;
    in.get(n);
    parts.last_readouts.clear();
    for (std::int64_t k = 0; k < n; ++k) {
        simulation::ReadoutValue value;
        value.name = in.get_text();
        in.get(value.value);
        value.unit = in.get_text();
        parts.last_readouts.push_back(std::move(value));
    }
}

SimulationStory StoryCollector::finish(const Simulation& simulation, Context& context) {
    Parts& parts = *parts_;
    const Model& model = simulation.model();
    const Grid& grid = model.box;
    parts.rows.last([&] { return count_row(simulation, parts.last_readouts); }, [](const CountRow&) { return 1; });
    parts.frames.last([&] { return frame_of(simulation, parts.first_kind, parts.substances); }, bytes_of);
    SimulationStory story;
    story.title = parts.title;
    story.is_flat = grid.is_flat();
    story.box_um = {grid.size_um(0), grid.size_um(1), grid.size_um(2)};
    story.origin_um = grid.origin_um;
    story.minutes = simulation.minute();
    story.seed = model.seed;
    story.kinds = kinds_of(model);
    for (const simulation::Substance& substance : model.substances) story.substances.push_back({substance.name, substance.unit});
    std::vector<CountRow> rows = parts.rows.take();
    story.readouts = readout_series(rows, parts.last_readouts, parts.readout_meanings);
    story.composition = composition_of(std::move(rows), parts.rows.every());
    story.player = {parts.frames.take(), parts.substances, parts.every_min * static_cast<double>(parts.frames.every()), ""};
    if (parts.is_sampled) {
        story.player.sample_statement = fmt::format("At most {} cells of a frame are drawn, taken at random by their ids (seed {}): a cell that is drawn once is drawn again as long as there are not more cells.", report::count_text(report::kMostFrameCells), model.seed);
    }
    const Profiles end = profiles_of(simulation, parts.fixed, middle_of_cells(simulation), context);
    story.radial = shown_profile(end.radial, parts.start.radial, model);
    story.radial.caption = fmt::format("Distance from the mean position of all cells ({} µm at the end).", position_text(grid, end.center));
    story.vessel = shown_profile(end.vessel, parts.start.vessel, model);
    const bool all_walls = std::all_of(parts.fixed.begin(), parts.fixed.end(), [&](std::int64_t place) { return is_at_wall(grid, place); });
    story.vessel_name = all_walls ? "nearest open wall" : "nearest vessel";
    story.vessel.caption = fmt::format("Distance of the cell's voxel from the nearest of {} at a fixed concentration.", report::count_of(std::ssize(parts.fixed), "voxel"));
    story.slice_um = grid.center_um(2, grid.n[2] / 2);
    story.slice_caption = grid.is_flat() ? "x to the right, y upwards." : fmt::format("The plane z = {} µm, x to the right and y upwards.", report::number_text(story.slice_um, 5));
    for (std::int32_t s = 0; s < simulation.field().n_substances(); ++s) story.maps.push_back(field_map(simulation, s));
    story.rates = parts.rates;
    return story;
}

void describe_run(SimulationStory& story, const Simulation& simulation, const RunFacts& facts) {
    story.notes = facts.warnings;
    story.put_in = facts.moved.put_in;
    story.taken_out = facts.moved.taken_out;
    story.record.outputs = {{"composition.csv", "minute, type, state, number of cells"},
                     {"events.csv", "minute, event, id, the mother's id, type, by: the cell that it is gone into"},
                     {"lineages.csv", "id, parent, type, born, gone of every cell that has ever lived"},
                     {"readouts.csv", "minute, read-out, value, unit; without rows where the scenario asks for none"},
                     {"rates.csv", "every rate with unit, source, citation, prior and line of the scenario"},
                     {"snapshots/", "cells as h5ad, as AnnData and the rest of Morula open them"},
                     {"run.json", "options, hashes, speed, warnings"},
                     {"report.html", "this page"}};
    if (!story.substances.empty()) story.record.outputs.insert(story.record.outputs.begin() + 6, {"fields.zarr", "concentrations at the minutes of the snapshots"});
    const std::string color = story.substances.empty() ? "" : fmt::format(", \"{}\"", story.substances[0].name);
    if (!facts.last_snapshot.empty()) story.record.snippets = {{"A snapshot in scanpy (Python)", "python",
                       fmt::format("import anndata as ad\nimport scanpy as sc\n\ncells = ad.read_h5ad(\"{}/{}\")\nsc.pl.embedding(cells, basis=\"spatial\", color=[\"cell_type\", \"state\"{}])", facts.out, facts.last_snapshot, color),
                       "Positions are in obsm[\"spatial\"], um. Cells have no genes unless the scenario gives them measured states."}};
    story.record.reproduce = facts.command;
    const auto agents = static_cast<double>(std::max<std::int64_t>(1, simulation.agents().size()));
    story.record.versions = {{"Morula", std::string(kVersion)},
                      {"seconds of simulation", report::number_text(facts.seconds, 3)},
                      {"agent steps a second", report::number_text(static_cast<double>(simulation.tally().agent_steps) / std::max(1e-9, facts.seconds), 3)},
                      {"bytes an agent, fields included", report::number_text(static_cast<double>(simulation.bytes()) / agents, 4)},
                      {"hash of the scenario", facts.scenario_hash},
                      {"hash of the final state", simulation.hash()}};
}

}  // namespace morula::commands
