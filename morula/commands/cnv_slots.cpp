#include "morula/commands/cnv_slots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "morula/commands/comparison_cells.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

using analysis::CnvClone;
using analysis::CnvPicture;
using analysis::CnvResult;
using analysis::CnvRole;
using analysis::CopyState;

/// Numbers of anything, as uns keeps them.
template <class Range, class Pick>
data::Uns integers_of(const Range& range, const Pick& pick) {
    std::vector<std::int64_t> out;
    for (const auto& each : range) out.push_back(static_cast<std::int64_t>(pick(each)));
    return uns_of(std::move(out));
}
template <class Range, class Pick>
data::Uns numbers_of(const Range& range, const Pick& pick) {
    std::vector<double> out;
    for (const auto& each : range) out.push_back(static_cast<double>(pick(each)));
    return uns_of(std::move(out));
}
constexpr auto kItself = [](const auto& each) { return each; };

std::int64_t uns_count(const data::UnsMap& map, std::string_view name) { return std::get<std::int64_t>(map.at(std::string(name)).value); }

data::UnsMap map_of(const analysis::CnvGenome& genome) {
    return {{"chromosome", integers_of(genome.chromosome, kItself)}, {"arm", integers_of(genome.arm, kItself)}, {"start", uns_of(genome.start)}, {"end", uns_of(genome.end)}, {"chromosome_names", uns_of(genome.chromosome_names)},
            {"arm_names", uns_of(genome.arm_names)}};
}

std::vector<std::int32_t> codes_in(const data::UnsMap& map, std::string_view name) {
    std::vector<std::int32_t> codes;
    for (const std::int64_t each : uns_integers(map, name)) codes.push_back(static_cast<std::int32_t>(each));
    return codes;
}

analysis::CnvGenome genome_in(const data::UnsMap& map) {
    return {codes_in(map, "chromosome"), codes_in(map, "arm"), uns_integers(map, "start"), uns_integers(map, "end"), uns_texts(map, "chromosome_names"), uns_texts(map, "arm_names")};
}

/// A segment or an arm with the clone it belongs to.
template <class Part>
using OfClone = std::pair<std::size_t, const Part*>;

data::UnsMap clones_map(const std::vector<CnvClone>& clones) {
    std::vector<OfClone<analysis::CnvSegment>> segments;
    std::vector<OfClone<analysis::CnvArm>> arms;
    for (std::size_t clone = 0; clone < clones.size(); ++clone) {
        for (const analysis::CnvSegment& segment : clones[clone].calls.segments) segments.emplace_back(clone, &segment);
        for (const analysis::CnvArm& arm : clones[clone].calls.arms) arms.emplace_back(clone, &arm);
    }
    const auto clone_of = [](const auto& each) { return each.first; };
    data::UnsMap map;
    map["donor"] = integers_of(clones, [](const CnvClone& each) { return each.donor; });
    map["n_cells"] = integers_of(clones, [](const CnvClone& each) { return each.n_cells; });
    map["inflation"] = numbers_of(clones, [](const CnvClone& each) { return each.inflation; });
    map["segments"] = uns_of(data::UnsMap{{"clone", integers_of(segments, clone_of)},
                                          {"first_gene", integers_of(segments, [](const auto& each) { return each.second->first_gene; })},
                                          {"last_gene", integers_of(segments, [](const auto& each) { return each.second->last_gene; })},
                                          {"chromosome", integers_of(segments, [](const auto& each) { return each.second->chromosome; })},
                                          {"state", integers_of(segments, [](const auto& each) { return static_cast<int>(each.second->state); })},
                                          {"mean", numbers_of(segments, [](const auto& each) { return each.second->mean; })},
                                          {"z", numbers_of(segments, [](const auto& each) { return each.second->z; })},
                                          {"posterior", numbers_of(segments, [](const auto& each) { return each.second->posterior; })},
                                          {"n_genes", integers_of(segments, [](const auto& each) { return each.second->n_genes; })}});
    map["arms"] = uns_of(data::UnsMap{{"clone", integers_of(arms, clone_of)},
                                      {"arm", integers_of(arms, [](const auto& each) { return each.second->arm; })},
                                      {"state", integers_of(arms, [](const auto& each) { return static_cast<int>(each.second->state); })},
                                      {"mean", numbers_of(arms, [](const auto& each) { return each.second->mean; })},
                                      {"z", numbers_of(arms, [](const auto& each) { return each.second->z; })},
                                      {"log10_p", numbers_of(arms, [](const auto& each) { return each.second->log10_p; })},
                                      {"n_genes", integers_of(arms, [](const auto& each) { return each.second->n_genes; })},
                                      {"is_tested", integers_of(arms, [](const auto& each) { return each.second->is_tested ? 1 : 0; })}});
    return map;
}

std::vector<CnvClone> clones_in(const data::UnsMap& map) {
    std::vector<CnvClone> clones(uns_integers(map, "donor").size());
    for (std::size_t i = 0; i < clones.size(); ++i) {
        clones[i].donor = static_cast<std::int32_t>(uns_integers(map, "donor")[i]);
        clones[i].n_cells = uns_integers(map, "n_cells")[i];
        clones[i].inflation = uns_numbers(map, "inflation")[i];
    }
    const data::UnsMap& segments = uns_map(map, "segments");
    const auto& of_segment = uns_integers(segments, "clone");
    for (std::size_t i = 0; i < of_segment.size(); ++i) {
        clones[static_cast<std::size_t>(of_segment[i])].calls.segments.push_back({uns_integers(segments, "first_gene")[i], uns_integers(segments, "last_gene")[i], static_cast<std::int32_t>(uns_integers(segments, "chromosome")[i]),
                                                                                  static_cast<CopyState>(uns_integers(segments, "state")[i]), uns_numbers(segments, "mean")[i], uns_numbers(segments, "z")[i], uns_numbers(segments, "posterior")[i],
                                                                                  uns_integers(segments, "n_genes")[i]});
    }
    const data::UnsMap& arms = uns_map(map, "arms");
    const auto& of_arm = uns_integers(arms, "clone");
    for (std::size_t i = 0; i < of_arm.size(); ++i) {
        clones[static_cast<std::size_t>(of_arm[i])].calls.arms.push_back({static_cast<std::int32_t>(uns_integers(arms, "arm")[i]), static_cast<CopyState>(uns_integers(arms, "state")[i]), uns_numbers(arms, "mean")[i], uns_numbers(arms, "z")[i],
                                                                          uns_numbers(arms, "log10_p")[i], uns_integers(arms, "n_genes")[i], uns_integers(arms, "is_tested")[i] != 0});
    }
    return clones;
}

data::UnsMap map_of(const CnvPicture& picture) {
    data::UnsMap map;
    map["chromosome"] = integers_of(picture.chromosome, kItself);
    map["arm"] = integers_of(picture.arm, kItself);
    map["start"] = uns_of(picture.start);
    map["end"] = uns_of(picture.end);
    map["n_genes"] = uns_of(picture.n_genes);
    map["group_clone"] = integers_of(picture.groups, [](const auto& each) { return each.clone; });
    map["group_donor"] = integers_of(picture.groups, [](const auto& each) { return each.donor; });
    map["group_cells"] = integers_of(picture.groups, [](const auto& each) { return each.n_cells; });
    map["pooled"] = uns_of(picture.pooled.values);
    map["called"] = uns_of(picture.called.values);
    map["arm_mean"] = uns_of(picture.arm_mean.values);
    map["arm_log10_p"] = uns_of(picture.arm_log10_p.values);
    map["cells"] = uns_of(picture.cells);
    map["cell_group"] = integers_of(picture.cell_group, kItself);
    map["cell_windows"] = numbers_of(picture.cell_windows.values, kItself);
    return map;
}

template <class T>
matrix::Dense<T> dense_in(const data::UnsMap& map, std::string_view name, std::int64_t n_rows) {
    const std::vector<double>& values = uns_numbers(map, name);
    matrix::Dense<T> out(n_rows, n_rows == 0 ? 0 : std::ssize(values) / n_rows);
    std::transform(values.begin(), values.end(), out.values.begin(), [](double value) { return static_cast<T>(value); });
    return out;
}

CnvPicture picture_in(const data::UnsMap& map) {
    CnvPicture out{codes_in(map, "chromosome"), codes_in(map, "arm"), uns_integers(map, "start"), uns_integers(map, "end"), uns_integers(map, "n_genes"), {}, {}, {}, {}, {}, uns_integers(map, "cells"), codes_in(map, "cell_group"), {}};
    for (std::size_t i = 0; i < uns_integers(map, "group_clone").size(); ++i) {
        out.groups.push_back({static_cast<std::int32_t>(uns_integers(map, "group_clone")[i]), static_cast<std::int32_t>(uns_integers(map, "group_donor")[i]), uns_integers(map, "group_cells")[i]});
    }
    const std::int64_t n_groups = std::ssize(out.groups);
    out.pooled = dense_in<double>(map, "pooled", n_groups);
    out.called = dense_in<double>(map, "called", n_groups);
    out.arm_mean = dense_in<double>(map, "arm_mean", n_groups);
    out.arm_log10_p = dense_in<double>(map, "arm_log10_p", n_groups);
    out.cell_windows = dense_in<float>(map, "cell_windows", std::ssize(out.cells));
    return out;
}

data::UnsMap map_of(const CnvResult& result) {
    data::UnsMap map;
    map["genome"] = uns_of(map_of(result.genome));
    map["clones"] = uns_of(clones_map(result.clones));
    map["fit_clone"] = integers_of(result.fit, [](const analysis::CnvFit& fit) { return fit.clone; });
    map["score"] = numbers_of(result.fit, [](const analysis::CnvFit& fit) { return fit.score; });
    map["low"] = numbers_of(result.fit, [](const analysis::CnvFit& fit) { return fit.low; });
    map["high"] = numbers_of(result.fit, [](const analysis::CnvFit& fit) { return fit.high; });
    map["clone"] = integers_of(result.clone, kItself);
    for (const auto& [name, n] : {std::pair{"n_reference", result.n_reference}, {"n_query", result.n_query}, {"n_groups", result.n_groups}, {"n_chunks", result.n_chunks}}) map[name] = uns_of(n);
    map["chunks_are_donors"] = uns_of(std::int64_t{result.chunks_are_donors ? 1 : 0});
    map["null_inflation"] = uns_of(result.null_inflation);
    return map;
}

CnvResult result_in(const data::UnsMap& map) {
    CnvResult result;
    result.genome = genome_in(uns_map(map, "genome"));
    result.clones = clones_in(uns_map(map, "clones"));
    result.clone = codes_in(map, "clone");
    const std::vector<std::int32_t> fit_clone = codes_in(map, "fit_clone");
    const auto at = [&](std::string_view name, std::size_t i) { return static_cast<float>(uns_numbers(map, name)[i]); };
    for (std::size_t i = 0; i < fit_clone.size(); ++i) result.fit.push_back({fit_clone[i], 0.0F, at("score", i), at("low", i), at("high", i)});
    result.n_reference = uns_count(map, "n_reference");
    result.n_query = uns_count(map, "n_query");
    result.n_groups = uns_count(map, "n_groups");
    result.n_chunks = uns_count(map, "n_chunks");
    result.chunks_are_donors = uns_count(map, "chunks_are_donors") != 0;
    result.null_inflation = uns_number(map, "null_inflation");
    return result;
}

/// Clone of each cell by name, and how far it carries its changes.
void add_obs(const CnvResult& result, const CnvCells& cells, const std::vector<std::string>& names, data::Table& obs) {
    data::Categorical clone{{}, names, false};
    clone.categories.insert(clone.categories.end(), {"none", "reference"});
    const auto none = static_cast<std::int32_t>(names.size());
    std::vector<double> score;
    for (std::size_t cell = 0; cell < result.clone.size(); ++cell) {
        const CnvRole role = cells.role[cell];
        clone.codes.push_back(role == CnvRole::none ? -1 : role == CnvRole::reference ? none + 1 : result.clone[cell] >= 0 ? result.clone[cell] : none);
        score.push_back(result.fit[cell].clone >= 0 ? static_cast<double>(result.fit[cell].score) : std::numeric_limits<double>::quiet_NaN());
    }
    obs.set("cnv_clone", std::move(clone));
    obs.set("cnv_score", std::move(score));
}

void fill(const data::Dataset& in, const CnvChoice& choice, const CnvPositions& positions, const analysis::CnvOptions& options, data::UnsMap& map, data::Dataset& out, Context& context) {
    const CnvCells cells = cnv_cells(in, choice, context);
    const PlacedGenes genes = place_genes(in, positions, context);
    const matrix::Matrix placed = in_genome_order(require_counts(in), genes);
    const analysis::CnvInput input{*placed, genes.genome, cells.role, cells.donor};
    const CnvResult result = analysis::cnv(input, options, context);
    say_calibration(result, context);
    const std::vector<std::string> names = clone_names(result, cells);
    add_obs(result, cells, names, out.obs);
    map = map_of(result);
    map["picture"] = uns_of(map_of(analysis::cnv_picture(input, result, options, context)));
    map["role"] = integers_of(cells.role, [](CnvRole role) { return static_cast<int>(role); });
    map["donor_names"] = uns_of(cells.donor_names);
    map["clone_names"] = uns_of(names);
    map["has_arms"] = uns_of(std::int64_t{genes.has_arms ? 1 : 0});
}

}  // namespace

void check_cnv(const data::Dataset& dataset, const CnvChoice& choice) {
    if (!choice.donor.empty()) groups_with_gaps(dataset, choice.donor);
    if (choice.reference_cells && !choice.reference_cells->starts_with("leiden=")) cells_of_expression(dataset, *choice.reference_cells, "--reference-cells");
}

data::Dataset cnv_slots(const data::Dataset& in, const CnvChoice& choice, const CnvPositions& positions, const analysis::CnvOptions& options, Context& context) {
    data::Dataset out = slots_like(in);
    data::UnsMap map;
    std::string refused;
    if (!choice.reference_cells) {
        refused = kNoReference;
    } else {
        // Positions of another species, or a patient without normal cells, are an answer and no reason to lose a run.
        try {
            fill(in, choice, positions, options, map, out, context);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::invalid_data && error.code() != ErrorCode::not_found) throw;
            refused = error.message() + " " + error.next();
            context.events().warning("No gain or loss of chromosomes was looked for. " + error.message());
        }
    }
    map["refused"] = uns_of(refused);
    map["reference_cells"] = uns_of(choice.reference_cells.value_or(""));
    map["donor"] = uns_of(choice.donor);
    out.uns["copy_number"] = uns_of(std::move(map));
    return out;
}

StoredCnv stored_cnv(const data::Dataset& dataset) {
    StoredCnv out;
    const auto found = dataset.uns.find("copy_number");
    if (found == dataset.uns.end()) return out;
    const data::UnsMap& map = uns_map(dataset.uns, "copy_number");
    out.is_there = true;
    out.refused = uns_text(map, "refused");
    out.reference_cells = uns_text(map, "reference_cells");
    out.donor = uns_text(map, "donor");
    if (!out.refused.empty()) return out;
    out.result = result_in(map);
    out.picture = picture_in(uns_map(map, "picture"));
    out.clone_names = uns_texts(map, "clone_names");
    out.has_arms = uns_count(map, "has_arms") != 0;
    out.cells.donor_names = uns_texts(map, "donor_names");
    for (const std::int64_t role : uns_integers(map, "role")) out.cells.role.push_back(static_cast<CnvRole>(role));
    return out;
}

}  // namespace morula::commands
