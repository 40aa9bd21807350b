// Gains and losses of chromosomes as slots of a run: what `morula cnv` finds, kept so that tables and pictures can be made of it again.
#pragma once

#include <string>
#include <vector>

#include "morula/analysis/cnv_picture.hpp"
#include "morula/commands/cnv.hpp"

namespace morula::commands {

/// Throws usage, not_found where the choice names no cells or donors of the data set; the run's own column leiden is not there yet and not looked for.
void check_cnv(const data::Dataset& dataset, const CnvChoice& choice);

/// counts and the choice's columns -> obs cnv_clone, cnv_score (both absent where nothing was called), uns copy_number: refused (why nothing was called, else ""), reference_cells, donor, and what stored_cnv and
/// stored_cnv_picture read. Without reference cells nothing is called; without positions or with too few cells or genes neither, with a warning.
data::Dataset cnv_slots(const data::Dataset& in, const CnvChoice& choice, const CnvPositions& positions, const analysis::CnvOptions& options, Context& context);

/// What cnv_slots kept. In the calls `state` and `level` are left empty.
struct StoredCnv {
    bool is_there = false;
    std::string refused;
    std::string reference_cells;
    std::string donor;  // column
    bool has_arms = false;
    CnvCells cells;
    analysis::CnvResult result;
    std::vector<std::string> clone_names;
    analysis::CnvPicture picture;
};
/// is_there false where the run was not asked; the rest is empty where it was refused.
StoredCnv stored_cnv(const data::Dataset& dataset);

}  // namespace morula::commands
