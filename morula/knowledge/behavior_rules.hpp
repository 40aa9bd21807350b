// Rules of cell behaviour in the CSV of PhysiCell's cell behaviour hypothesis grammar, version 3: "oxygen decreases necrosis of tumour cells".
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "morula/core/context.hpp"

namespace morula::knowledge {

enum class Response { increases, decreases };

/// In `cell_type`, `signal` increases or decreases `behavior` from what it is without signals towards `saturation`; half of the way at `half_max`.
struct BehaviorRule {
    std::string cell_type;
    std::string signal;
    Response response = Response::increases;
    std::string behavior;
    double saturation = 0.0;
    double half_max = 0.5;    // > 0
    double hill_power = 1.0;  // > 0
    bool applies_to_dead = false;
    std::int64_t line = 0;    // of the file, from 1
};

/// No header; one line a rule: cell type, signal, increases or decreases, behaviour, saturation, half-max, Hill power, applies to dead (0 or 1)
/// (Johnson et al., Cell 2025, doi 10.1016/j.cell.2025.06.048). Lines that begin with // and empty lines are passed over; spaces around a field do not count.
/// Throws not_found, or invalid_data with file, line and column: another number of fields, an empty name, a number that is none, a half-max or power that is not
/// above 0, and a signal that stands twice, in one direction, for one behaviour of a type. What signals and behaviours there are is for the simulation to know.
std::vector<BehaviorRule> read_behavior_rules(const std::filesystem::path& path, Context& context);

}  // namespace morula::knowledge
