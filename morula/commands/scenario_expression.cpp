#include "morula/commands/scenario_expression.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "morula/commands/input.hpp"
#include "morula/commands/measured_states.hpp"
#include "morula/commands/scenario_regulation.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"
#include "morula/core/hash.hpp"
#include "morula/core/schema.hpp"
#include "morula/knowledge/ligand_receptor.hpp"

namespace morula::commands::scenario_detail {
namespace {

namespace fs = std::filesystem;
using namespace simulation;

/// Genes by the names that tables use: symbols, then ids.
class Genes {
public:
    Genes(const data::Dataset& dataset, const fs::path& path) : path_(path) {
        for (const std::vector<std::string>& names : {symbols_of(dataset.var), ids_of(dataset.var)}) {
            for (std::size_t gene = 0; gene < names.size(); ++gene) {
                if (column_.emplace(names[gene], static_cast<std::int64_t>(gene)).second) names_.push_back(names[gene]);
            }
        }
    }
    bool has(const std::string& gene) const { return column_.contains(gene); }
    bool has_all(const std::vector<std::string>& genes) const {
        return !genes.empty() && std::all_of(genes.begin(), genes.end(), [&](const std::string& gene) { return has(gene); });
    }
    std::int64_t column(const std::string& gene) const { return column_.at(gene); }
    /// What to do about a gene that is not there.
    std::string advice(const std::string& gene) const {
        const std::string nearest = nearest_name(gene, names_);
        return nearest.empty() ? fmt::format("Name genes as {} does.", path_.string()) : fmt::format("Did you mean '{}'?", nearest);
    }

private:
    fs::path path_;
    std::map<std::string, std::int64_t> column_;
    std::vector<std::string> names_;
};

/// Genes in the order in which they are first asked for, each once.
struct GeneList {
    const Genes& genes;
    std::vector<std::string> names{};
    std::vector<std::int64_t> columns{};

    std::int32_t number(const std::string& gene) {
        const std::int64_t column = genes.column(gene);
        const auto found = std::find(columns.begin(), columns.end(), column);
        if (found != columns.end()) return static_cast<std::int32_t>(found - columns.begin());
        names.push_back(gene);
        columns.push_back(column);
        return static_cast<std::int32_t>(columns.size() - 1);
    }
    std::vector<std::int32_t> numbers(const std::vector<std::string>& of) {
        std::vector<std::int32_t> all;
        for (const std::string& gene : of) all.push_back(number(gene));
        return all;
    }
};

class ExpressionReader {
public:
    ExpressionReader(Section& section, const Model& model, const fs::path& folder, Hasher& hasher, Context& context)
        : section_(section), model_(model), folder_(folder), hasher_(hasher), context_(context), path_(folder / section.text("data")),
          dataset_(section.kept().get("expression data", [&] { return open(); })), genes_(section.kept().get("expression genes", [&] { return Genes(dataset_, path_); })) {}

    ReadExpression read() {
        const MeasuredStates& states = read_states();
        const std::vector<StateRates> rates(model_.types.size(), {.attempts_per_min = section_.rate("attempts", Quantity::rate), .relaxation_per_min = section_.rate("relaxation", Quantity::rate)});
        ExpressionKernelOptions options{.n_types = static_cast<std::int32_t>(model_.types.size())};
        options.n_neighbors = static_cast<std::int32_t>(within("neighbors", options.n_neighbors, 1, 200));
        if (section_.has("direction")) {
            if (!section_.has("pseudotime")) section_.refuse("direction", "has no pseudotime to tell it by", "Name an obs column: pseudotime = \"dpt_pseudotime\".");
            options.direction = section_.rate("direction", Quantity::ratio);
        }
        ExpressionModel model{.kernel = kernel_of(states, options), .rates = rates};
        model.start = states.start;
        model.clock_min = minutes_or("clock_min", model.clock_min);
        check_hash(model.kernel);
        // A file by its bytes; an atlas, a folder, by the states that were read of it.
        if (section_.kept().get("expression is a file", [&] { return fs::is_regular_file(path_); })) {
            section_.hash_file(path_);
        } else {
            const std::string& hash = section_.kept().get("expression hash", [&] { return model.kernel.hash(); });
            hasher_.update(hash);
            section_.keep_from_outputs(path_, hash);
        }
        read_signalling(model, states);
        read_decoded(model, states);
        if (std::optional<Section> ridge = section_.only_section("ridge")) read_ridge(*ridge, model, states);
        report(model, states);
        std::optional<MeasuredPlaces> places;
        if (section_.choice("start_by", {"chance", "position"}, 0) == 1) places = measured_places(dataset_, states, path_);
        section_.done();
        return {std::make_shared<ExpressionModel>(std::move(model)), std::move(places)};
    }

private:
    data::Dataset open() {
        const InputKind kind = input_kind(path_, context_);
        if (kind != InputKind::h5ad && kind != InputKind::atlas) {
            section_.refuse("data", fmt::format("{} holds counts alone, and states need an embedding (obsm) and cell types (obs)", path_.string()), "Name an h5ad file or an atlas that has both, as `morula run` writes them.");
        }
        std::vector<data::Dataset> all = open_datasets(path_, {}, context_);
        if (all.size() != 1) section_.refuse("data", fmt::format("holds {} data sets, whose embeddings may differ", all.size()), "Write one of them as h5ad (`morula export`) and name that.");
        return std::move(all.front());
    }

    std::int64_t within(std::string_view key, std::int64_t missing, std::int64_t least, std::int64_t most) {
        const std::int64_t value = section_.whole_or(key, missing);
        if (value < least || value > most) section_.refuse(key, fmt::format("is {}, outside {} to {}", value, least, most), "Give a number within these bounds.");
        return value;
    }

    double minutes_or(std::string_view key, double missing) {
        const double value = section_.number_or(key, missing);
        if (!(value >= kShortestMin && value <= kLongestMin)) section_.refuse(key, fmt::format("is {:g} minutes, outside {:g} to {:g}", value, kShortestMin, kLongestMin), "Give minutes within these bounds.");
        return value;
    }

    std::size_t type_number(Section& section, const std::string& key, const std::string& name) const {
        std::vector<std::string> names;
        for (const CellType& type : model_.types) names.push_back(type.name);
        const auto found = std::find(names.begin(), names.end(), name);
        if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
        const std::string nearest = nearest_name(name, names);
        section.refuse(key, fmt::format("there is no cell type '{}'", name), nearest.empty() ? fmt::format("Name one of: {}.", fmt::join(names, ", ")) : fmt::format("Did you mean '{}'?", nearest));
    }

    /// A direction may be a guess, which changes the kernel; kept is that of the first reading.
    ExpressionKernel kernel_of(const MeasuredStates& states, const ExpressionKernelOptions& options) const {
        const auto make = [&] { return std::pair(options.direction, ExpressionKernel(states.cells, options)); };
        const auto& [direction, kernel] = section_.kept().get("expression kernel", make);
        return direction == options.direction ? kernel : make().second;
    }

    const MeasuredStates& read_states() {
        MeasuredStatesOptions options;
        options.embedding = section_.text_or("embedding", options.embedding);
        options.cell_type = section_.text_or("cell_type", options.cell_type);
        options.height = section_.text_or("pseudotime", "");
        if (!options.height.empty() && !dataset_.obs.has(options.height)) {
            const std::string nearest = nearest_name(options.height, dataset_.obs.names());
            section_.refuse("pseudotime", fmt::format("'{}' is no obs column of {}", options.height, path_.string()), nearest.empty() ? fmt::format("Name one of: {}.", listed(dataset_.obs.names())) : fmt::format("Did you mean '{}'?", nearest));
        }
        options.n_dims = within("dimensions", options.n_dims, 1, kMostLatentDims);
        const auto embedding = dataset_.obsm.find(options.embedding);
        if (section_.has("dimensions") && embedding != dataset_.obsm.end() && options.n_dims > embedding->second.n_cols) {
            section_.refuse("dimensions", fmt::format("is {}, and obsm '{}' of {} has {}", options.n_dims, options.embedding, path_.string(), embedding->second.n_cols), "Give no more than there are, or leave the line out.");
        }
        options.cells_a_metacell = within("cells_a_metacell", options.cells_a_metacell, 1, 1'000'000);
        for (const CellType& type : model_.types) options.labels.push_back({type.name});
        for (Section& labels : section_.sections("labels")) {
            const std::string type = labels.text("type");
            labels.rename(fmt::format("labels of '{}'", type));
            labels.define("type", "has labels before these", "Write all labels of the type into one [[expression.labels]].");
            options.labels[type_number(labels, "type", type)] = labels.texts("labels");
            labels.done();
        }
        options.only = cell_choice("only");
        options.start = cell_choice("start");
        if (section_.has("without")) {
            for (const std::string& type : section_.texts("without")) options.labels[type_number(section_, "without", type)].clear();
        }
        return section_.kept().get("expression states", [&] { return measured_states(dataset_, options, context_); });
    }

    /// only = ["ctrl"] with only_column = "condition".
    CellChoice cell_choice(const std::string& key) {
        const std::string column = key + "_column";
        if (section_.has(key)) return {section_.text(column), section_.texts(key)};
        if (section_.has(column)) section_.refuse(column, fmt::format("stands without {}", key), fmt::format("Add the labels, {} = [\"...\"], or leave the column out.", key));
        return {};
    }

    void check_hash(const ExpressionKernel& kernel) {
        if (!section_.has("embedding_hash")) return;
        const std::string wanted = section_.text("embedding_hash");
        if (wanted != kernel.hash()) {
            section_.refuse("embedding_hash", fmt::format("is {}, and the states of {} have {}: they are of another embedding, other cells or other metacells", wanted, path_.string(), kernel.hash()),
                            "Name the data that belong to it, or take the line out to accept these.");
        }
    }

    void read_decoded(ExpressionModel& model, const MeasuredStates& states) {
        GeneList list{genes_};
        if (section_.has("genes")) {
            for (const std::string& gene : section_.texts("genes")) {
                if (!genes_.has(gene)) section_.refuse("genes", fmt::format("'{}' is no gene of {}", gene, path_.string()), genes_.advice(gene));
                list.number(gene);
            }
        }
        if (model.signalling) {
            for (const std::string& gene : model.signalling->model().decoder.genes) list.number(gene);
        }
        if (std::ssize(list.columns) > kMostDecodedGenes) section_.refuse("genes", fmt::format("{} genes with those of signalling; at most {} are read off states", list.columns.size(), kMostDecodedGenes), "Name fewer.");
        model.decoded = section_.kept().get("genes of snapshots", [&] { return decoder_of(states, list); });
    }

    /// A scenario names no layer of its data: X must hold the values.
    Decoder decoder_of(const MeasuredStates& states, const GeneList& list) const {
        try {
            return fit_decoder(dataset_, states, list.columns, list.names, context_);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::invalid_data) throw;
            const bool is_other_layer = error.next().find("--layer") != std::string::npos;
            section_.refuse("data", error.message().substr(0, error.message().size() - 1), is_other_layer ? "Name data whose X holds log-normalized values; `morula normalize` writes them." : error.next());
        }
    }

    void read_ridge(Section& section, ExpressionModel& model, const MeasuredStates& states) {
        GeneList list{genes_};
        for (const std::string& gene : section.texts("genes")) {
            if (!genes_.has(gene)) section.refuse("genes", fmt::format("'{}' is no gene of {}", gene, path_.string()), genes_.advice(gene));
            list.number(gene);
        }
        if (std::ssize(list.columns) > kMostDecodedGenes) section.refuse("genes", fmt::format("are {}; at most {} are read off states", list.columns.size(), kMostDecodedGenes), "Name fewer.");
        model.regulation = read_regulation(section, dataset_, states, model.kernel, list.columns, list.names, folder_, context_);
    }

    /// Programmes and the ligands that drive them.
    void read_signalling(ExpressionModel& model, const MeasuredStates& states) {
        SignallingModel signalling;
        signalling.clock_min = minutes_or("signalling_min", signalling.clock_min);
        knowledge::LigandReceptorTable table;
        if (section_.has("ligand_receptor")) {
            const fs::path path = folder_ / section_.text("ligand_receptor");
            std::vector<fs::path> parts;
            if (section_.has("complexes")) {
                for (const std::string& name : section_.texts("complexes")) parts.push_back(folder_ / name);
            }
            table = section_.kept().get("ligands", [&] { return knowledge::read_ligand_receptor(path, knowledge::read_name_parts(parts, context_), context_); });
            section_.hash_file(path);
            for (const fs::path& part : parts) section_.hash_file(part);
        }
        GeneList list{genes_};
        for (Section& programme : section_.sections("programme")) read_programme(programme, table, list, signalling);
        if (signalling.programmes.empty()) return;
        if (std::ssize(list.columns) > kMostDecodedGenes) {
            section_.refuse("programme", fmt::format("the programmes need {} genes; at most {} are read off states", list.columns.size(), kMostDecodedGenes), "Name fewer targets or ligands.");
        }
        signalling.decoder = section_.kept().get("genes of programmes", [&] { return decoder_of(states, list); });
        model.signalling.emplace(std::move(signalling), model.kernel);
    }

    void read_programme(Section& section, const knowledge::LigandReceptorTable& table, GeneList& list, SignallingModel& signalling) {
        Programme programme{.name = section.own_name()};
        programme.relaxation_per_min = section.rate("relaxation", Quantity::rate);
        if (section.has("targets")) {
            programme.strength = section.rate("strength", Quantity::ratio);
            if (section.has("balance")) programme.balance = section.rate("balance", Quantity::ratio);
            std::vector<std::string> missing;
            for (const std::string& gene : section.texts("targets")) {
                if (genes_.has(gene)) programme.targets.push_back(list.number(gene));
                else missing.push_back(gene);
            }
            if (programme.targets.empty()) section.refuse("targets", fmt::format("none of them is a gene of {}", path_.string()), genes_.advice(missing.front()));
            if (!missing.empty()) context_.events().warning(fmt::format("{}: {} targets were not measured and are left out: {}.", section.name(), missing.size(), fmt::join(missing, ", ")));
        }
        const auto number = static_cast<std::int32_t>(signalling.programmes.size());
        for (Section& ligand : section.sections("ligand")) read_ligand(ligand, section.name(), table, number, list, signalling.links);
        section.done();
        signalling.programmes.push_back(std::move(programme));
    }

    void read_ligand(Section& section, const std::string& programme, const knowledge::LigandReceptorTable& table, std::int32_t number, GeneList& list, std::vector<ReceptorLink>& links) {
        const std::string name = section.text("name");
        section.rename_apart(fmt::format("{}, ligand '{}'", programme, name));
        std::int32_t substance = -1;
        double half = 0.0;
        if (section.has("substance")) {
            std::vector<std::string> names;
            for (const Substance& known : model_.substances) names.push_back(known.name);
            if (names.empty()) section.refuse("substance", "names a substance, and there are none", "Add [[substance]].");
            substance = static_cast<std::int32_t>(section.choice("substance", names, 0));
            half = section.concentration("half", model_.substances[static_cast<std::size_t>(substance)].unit);
        } else {
            half = section.rate("half", Quantity::ratio);
        }
        if (!(half > 0.0)) section.refuse("half", "must be above 0", "Give the ligand at which half of the receptors are taken.");
        if (section.has("receptor_level")) return read_unmeasured_receptor(section, {.name = name, .programme = number, .substance = substance, .half = half}, links);
        std::set<std::string> known;
        std::int64_t n_known = 0, n_used = 0;
        for (const knowledge::LigandReceptor& pair : table.interactions) {
            known.insert(pair.ligand);
            if (pair.ligand != name && pair.ligand_genes != std::vector<std::string>{name}) continue;
            ++n_known;
            if (!genes_.has_all(pair.receptor_genes) || (substance < 0 && !genes_.has_all(pair.ligand_genes))) continue;
            ++n_used;
            links.push_back({.name = pair.name, .programme = number, .substance = substance, .ligand = substance < 0 ? list.numbers(pair.ligand_genes) : std::vector<std::int32_t>{}, .receptor = list.numbers(pair.receptor_genes), .half = half});
        }
        if (n_known == 0) {
            const std::string nearest = nearest_name(name, std::vector<std::string>(known.begin(), known.end()));
            section.refuse("name", known.empty() ? "needs a table of ligands and receptors" : "is no ligand of the table", known.empty() ? "Add ligand_receptor = \"pairs.csv\" to [expression]." : nearest.empty() ? "Name a ligand as the table does." : fmt::format("Did you mean '{}'?", nearest));
        }
        if (n_used == 0) section.refuse("name", fmt::format("has {} receptors in the table, and no one was measured in {}", n_known, path_.string()), "Use data that hold the receptor's genes, named as in the table.");
        if (n_used < n_known) context_.events().warning(fmt::format("{}: {} of {} receptors of the table were not measured and are left out.", section.name(), n_known - n_used, n_known));
        section.done();
    }

    /// Where the data do not hold the genes of a ligand's receptors: every cell is taken to have them at one level. No table is asked.
    void read_unmeasured_receptor(Section& section, ReceptorLink link, std::vector<ReceptorLink>& links) const {
        if (link.substance < 0) section.refuse("receptor_level", "needs a substance", "Name the substance that is this ligand, or leave receptor_level out and take its receptors from the table.");
        link.receptor_level = section.rate("receptor_level", Quantity::ratio);
        if (!(link.receptor_level > 0.0 && link.receptor_level <= 1.0)) section.refuse("receptor_level", fmt::format("is {}", link.receptor_level), "Give a number above 0, and 1 at most.");
        context_.events().warning(fmt::format("{}: its receptors are not read off the states; every cell is taken to have them at level {:g}.", section.name(), link.receptor_level));
        section.done();
        links.push_back(std::move(link));
    }

    void report(const ExpressionModel& model, const MeasuredStates& states) const {
        EventSink& events = context_.events();
        const ExpressionKernel& kernel = model.kernel;
        events.decision(fmt::format("States: {} metacells of {} measured cells ({} of other types left out) in {} dimensions. {}.", kernel.n_metacells(), states.row.size(),
                                    dataset_.n_cells() - std::ssize(states.row), kernel.n_dims(), sentence()));
        if (states.n_dims_left_out > 0) events.decision(fmt::format("The last {} dimensions of the embedding are left out.", states.n_dims_left_out));
        for (std::int32_t type = 0; type < kernel.n_types(); ++type) {
            if (kernel.n_parts(type) > 1) {
                events.warning(fmt::format("The states of '{}' fall into {} parts that no path joins; cells stay in the part they start in. More neighbors would join them.", model_.types[static_cast<std::size_t>(type)].name,
                                           kernel.n_parts(type)));
            }
        }
        std::vector<std::string> poor;
        for (std::size_t gene = 0; gene < model.decoded.genes.size(); ++gene) {
            if (model.decoded.explained[gene] < kPoorlyRead) poor.push_back(model.decoded.genes[gene]);
        }
        if (!poor.empty()) {
            events.warning(fmt::format("The embedding explains less than {:.0f} % of the variance of {} of {} genes that are read off it: {}.", 100.0 * kPoorlyRead, poor.size(), model.decoded.genes.size(), fmt::join(poor, ", ")));
        }
    }

    static std::string sentence() {
        std::string text(kStatesAreHypotheses);
        text.front() = 'T';
        return text;
    }

    static constexpr double kPoorlyRead = 0.05;
    static constexpr double kShortestMin = 1e-6;
    static constexpr double kLongestMin = 1e8;

    Section& section_;
    const Model& model_;
    const fs::path& folder_;
    Hasher& hasher_;
    Context& context_;
    fs::path path_;
    const data::Dataset& dataset_;
    const Genes& genes_;
};

}  // namespace

ReadExpression read_expression(Section& top, const Model& model, const fs::path& folder, Hasher& hasher, Context& context) {
    ReadExpression expression;
    if (std::optional<Section> section = top.only_section("expression")) expression = ExpressionReader(*section, model, folder, hasher, context).read();
    return expression;
}

}  // namespace morula::commands::scenario_detail
