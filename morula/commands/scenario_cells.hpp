// Where the cells of a scenario start: [[cells]], from a template or from measured positions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morula/commands/scenario_section.hpp"
#include "morula/simulation/crowding.hpp"
#include "morula/simulation/simulation.hpp"

namespace morula::commands::scenario_detail {

/// Cell types with the sums of their shares up to and with each: the last is 1.
struct TypeShare {
    std::uint16_t type = 0;
    double up_to = 1.0;
};
using TypeMix = std::vector<TypeShare>;
/// A key that names one cell type, or several with their shares. Refused where there is no such type.
TypeMix type_mix(Section& section, std::string_view key, const simulation::Model& model);
/// The type that a draw from [0, 1) falls on.
std::uint16_t drawn_type(const TypeMix& mix, double draw);

/// Where the cells from number `first` on come from, for messages.
struct CellOrigin {
    std::size_t first = 0;
    std::string section{};             // "scenario.toml, line 40: cells of template 'islet'"
    std::vector<std::string> places{}; // "cells.csv, line 3", one a cell; empty where a cell has no line of its own
};
using CellOrigins = std::vector<CellOrigin>;

/// Adds the cells of one [[cells]] section, in the order of its file or layout, and where they come from. model: box and cell types. Throws what read_scenario says, and
/// invalid_data, with the file and line, for a cell outside of the domain.
void read_cells(Section& section, const simulation::Model& model, simulation::Agents& start, CellOrigins& origins, Reading& reading);
/// Throws invalid_data, with the files and lines of both, where two cells are at one place.
void refuse_twins(const simulation::Agents& start, const CellOrigins& origins);

/// "overlaps 120 others, which would push it ...": what is wrong with a crowd, for after "the cell at ...".
std::string crowd_text(const simulation::Crowd& crowd);
/// What to do about it.
inline constexpr std::string_view kLessCrowded = "Put the cells further apart (spacing_um, a larger radius, fewer of them), or give a shorter mechanics_min.";
/// Throws invalid_data, with the file and line of the first cell, where cells crowd so that mechanics cannot tell them apart; warns where they overlap far beyond what tissue does.
void refuse_crowds(const simulation::Model& model, const simulation::Agents& start, const CellOrigins& origins, Context& context);

}  // namespace morula::commands::scenario_detail
