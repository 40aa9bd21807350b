// The page's data islands: JSON blocks in which columns are base64 of little-endian numbers. assets/data.js reads them.
#pragma once

#include <cstdint>
#include <string>

#include "morula/report/report_data.hpp"
#include "morula/report/simulation_story.hpp"

namespace morula::report {

// Each returns a whole <script type="application/json" id="..."> element, or "" when there is nothing to say.

/// "data-map": positions of the shown cells as uint16 over their box. with_names: also the cells' names.
enum class CellNames { include, leave_out };
std::string map_island(const ReportData& data, CellNames names);
/// "data-density": the density map in 256 levels of the square root of the counts.
std::string density_island(const DensityMap& density);
/// "data-obs": categorical columns as uint8 or uint16 codes, numeric ones as uint16 over their range (65535 = missing).
std::string obs_island(const std::vector<ObsColumn>& obs);
/// "data-qc": every metric as uint16 over its range (of log(1 + value) where log_scale).
std::string qc_island(const QcData& qc, const SampleTable& samples);
/// "data-markers": the marker table by column.
std::string marker_island(const Markers& markers, const Clusters& clusters);

struct GeneIsland {
    std::string html;
    std::int64_t n_genes = 0;  // genes that fitted
};
/// "data-genes": genes in order while the island stays within max_bytes. A gene is a bitmap of its non-zero cells, then one byte for each.
GeneIsland gene_island(const std::vector<GeneExpression>& expression, std::int64_t max_bytes);

struct PlayerIsland {
    std::string html;
    std::int64_t n_frames = 0;  // that fitted
};
/// "data-player": frames of cells. A frame's data are, for its n cells and little-endian: x, y and (where the tissue is solid) z as uint16 over `box`, which holds the centres of
/// all cells of all frames, the level of each
/// substance as uint16 over its range, the kind as uint8 (uint16 where there are more than 256), the radius as uint8 of `radius`. Every second frame is left out, but for the last, until all stay within max_bytes.
PlayerIsland player_island(const SimulationStory& story, std::int64_t max_bytes);

}  // namespace morula::report
