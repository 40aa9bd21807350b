// Cells, or spots of cells, with their positions as they were measured: CSV, h5ad with obsm spatial, a Visium folder.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "morula/core/context.hpp"

namespace morula::commands::scenario_detail {

struct MeasuredOptions {
    std::string x = "x";  // columns of a CSV
    std::string y = "y";
    std::string z = "z";  // may be missing
    std::string type;     // column of the CSV or of obs; "": no labels wanted. Of a Visium folder: column of `labels`
    std::filesystem::path labels;  // CSV with the columns barcode and `type`, for a Visium folder
};

struct Measured {
    std::vector<std::array<double, 3>> positions;  // in the file's unit; z is 0 where there is none
    bool has_z = false;
    std::vector<std::string> labels;               // one a position, or empty
    std::vector<std::string> states;               // of a snapshot of simulate: phase of each cell's life; else empty
    std::vector<std::string> places;               // one a position, for messages: "cells.csv, line 3", "cell 'AAAC-1'"
    std::optional<double> um_per_unit;             // where the file tells
    std::optional<double> spot_um;                 // diameter of spots that hold several cells
};

/// Diameter of a spot of Visium, and from centre to centre (10x Genomics, Visium Spatial Gene Expression, 6.5 and 11 mm slides).
inline constexpr double kVisiumSpotUm = 55.0;
inline constexpr double kVisiumPitchUm = 100.0;

/// A CSV has columns x, y and maybe z. An h5ad file has obsm spatial of two or three columns. A folder is Space Ranger's: spatial/tissue_positions.csv (or tissue_positions_list.csv, which has
/// no header) with spots under tissue, y downwards as in the image; pixels become um by the distance between spots of a row.
/// Throws not_found for what is not there, with the nearest name; invalid_data for positions that are no finite numbers, with the place, and for files that are damaged.
Measured read_measured(const std::filesystem::path& path, const MeasuredOptions& options, Context& context);

}  // namespace morula::commands::scenario_detail
