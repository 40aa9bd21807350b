#include "morula/commands/score_differences.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"
#include "morula/core/hash.hpp"

namespace morula::commands {
namespace {

/// Columns of uns, one entry a comparison; names of programmes or pairs, and of where, stand once.
class ScoreColumns {
public:
    void add(const std::string& what, const std::string& where, double value_case, double value_control, const analysis::LogRatioTest& test, double fdr, bool is_exploratory, const std::string& status) {
        what_.push_back(place_of(what, names_));
        where_.push_back(place_of(where, places_));
        status_.push_back(place_of(status, statuses_));
        value_case_.push_back(value_case);
        value_control_.push_back(value_control);
        effect_.push_back(test.effect);
        low_.push_back(test.low);
        high_.push_back(test.high);
        p_.push_back(test.p);
        fdr_.push_back(fdr);
        is_exploratory_.push_back(is_exploratory ? 1 : 0);
    }
    void write(data::UnsMap& map) {
        map["names"] = uns_of(names_.texts);
        map["places"] = uns_of(places_.texts);
        map["statuses"] = uns_of(statuses_.texts);
        map["what"] = uns_of(what_);
        map["where"] = uns_of(where_);
        map["status"] = uns_of(status_);
        map["value_case"] = uns_of(value_case_);
        map["value_control"] = uns_of(value_control_);
        map["effect"] = uns_of(effect_);
        map["low"] = uns_of(low_);
        map["high"] = uns_of(high_);
        map["p"] = uns_of(p_);
        map["fdr"] = uns_of(fdr_);
        map["is_exploratory"] = uns_of(is_exploratory_);
    }

private:
    struct Texts {
        std::vector<std::string> texts;
        std::map<std::string, std::int64_t> place;
    };
    static std::int64_t place_of(const std::string& text, Texts& known) {
        const auto [at, fresh] = known.place.emplace(text, std::ssize(known.texts));
        if (fresh) known.texts.push_back(text);
        return at->second;
    }
    Texts names_, places_, statuses_;
    std::vector<std::int64_t> what_, where_, status_, is_exploratory_;
    std::vector<double> value_case_, value_control_, effect_, low_, high_, p_, fdr_;
};

ContrastIo contrast_of(const DifferencesChoice& choice) { return {choice.condition, choice.case_name, choice.control_name, choice.donor, choice.batch, analysis::AbundanceDesign::automatic, {}}; }

/// Cells with counts and obs alone: values are normalised anew, over all genes.
LogCells cells_of(const data::Dataset& in, Context& context) {
    data::Dataset cells;
    cells.name = in.name;
    cells.obs = in.obs;
    cells.var = in.var;
    cells.layers["counts"] = require_counts(in);
    return log_cells_of(std::move(cells), context);
}

std::string programme_columns(const data::Dataset& in, const DifferencesChoice& choice, const ProgrammeTable& table, ScoreColumns& columns, Context& context) {
    const ProgrammeActivity activity = programme_activity(table, cells_of(in, context), contrast_of(choice), {.by = choice.cell_type}, context);
    for (const ProgrammeContrast& each : activity.compared) {
        columns.add(activity.programmes[static_cast<std::size_t>(each.programme)].name, activity.types[static_cast<std::size_t>(each.type)], each.value_case, each.value_control, each.test, each.fdr, each.is_exploratory, each.status);
    }
    return fmt::format("{} of {} {} have genes enough among those measured.", activity.programmes.size(), table.programmes.size(), table.method == ProgrammeMethod::score ? "sets" : "regulons");
}

std::string communication_columns(const data::Dataset& in, const DifferencesChoice& choice, const PairTable& table, ScoreColumns& columns, Context& context) {
    const Communication found = communication_in(cells_of(in, context), table, choice.cell_type, contrast_of(choice), {}, context);
    for (const analysis::CommunicationContrast& each : found.compared) {
        const knowledge::LigandReceptor& pair = found.pairs.pairs[static_cast<std::size_t>(each.pair)];
        columns.add(pair.ligand + " -> " + pair.receptor, found.types[static_cast<std::size_t>(each.sender)] + " -> " + found.types[static_cast<std::size_t>(each.receiver)], each.score_case, each.score_control, each.test, each.fdr,
                    each.is_exploratory, each.status);
    }
    return fmt::format("{} of {} pairs have all their genes measured; {} times two types co-express one, {} of these are specific to their types (FDR 5 % among shuffled labels).", found.pairs.pairs.size(), found.pairs.n_in_table, found.result.found.size(),
                       std::count_if(found.result.found.begin(), found.result.found.end(), [](const analysis::CoExpression& each) { return each.fdr <= 0.05; }));
}

/// A table that fits no gene, or donors that allow nothing, are an answer and no reason to lose a run.
template <class Fill>
data::Dataset slots_of(const data::Dataset& in, std::string_view name, const std::string& file, Context& context, const Fill& fill) {
    data::UnsMap map;
    ScoreColumns columns;
    std::string said, refused;
    try {
        said = fill(columns);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::invalid_data) throw;
        context.events().warning(fmt::format("{} was not compared. {}", file, error.message()));
        refused = error.message() + " " + error.next();
        columns = {};
    }
    columns.write(map);
    map["table"] = uns_of(file);
    map["context"] = uns_of(said);
    map["refused"] = uns_of(refused);
    data::Dataset out = slots_like(in);
    out.uns[std::string(name)] = uns_of(std::move(map));
    return out;
}

}  // namespace

DifferencesTables read_differences_tables(const std::string& gene_sets, const std::string& regulons, const std::string& interactions, const std::vector<std::string>& parts, Context& context) {
    DifferencesTables out;
    if (!gene_sets.empty()) {
        ProgrammesIo io;
        io.sets = gene_sets;
        out.sets = read_programmes(io, {}, context);
        out.sets_hash = hash_of_file(gene_sets);
    }
    if (!regulons.empty()) {
        ProgrammesIo io;
        io.regulons = regulons;
        out.regulons = read_programmes(io, {}, context);
        out.regulons_hash = hash_of_file(regulons);
    }
    if (!interactions.empty()) {
        out.pairs = read_pairs(interactions, parts, context);
        out.pairs_hash = hash_of_file(interactions);
        for (const std::string& part : parts) out.pairs_hash += "+" + hash_of_file(part);
    }
    return out;
}

data::Dataset programme_differences_slots(const data::Dataset& in, std::string_view name, const DifferencesChoice& choice, const ProgrammeTable& table, Context& context) {
    return slots_of(in, name, table.file, context, [&](ScoreColumns& columns) { return programme_columns(in, choice, table, columns, context); });
}

data::Dataset communication_differences_slots(const data::Dataset& in, const DifferencesChoice& choice, const PairTable& table, Context& context) {
    return slots_of(in, "communication_differences", table.file, context, [&](ScoreColumns& columns) { return communication_columns(in, choice, table, columns, context); });
}

}  // namespace morula::commands
