// The part "Acquired changes" of the chapter "Healthy and diseased": gains and losses of chromosomes against normal cells.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace morula::report {

struct AcquiredClone {
    std::string name;
    std::string donor;
    std::int64_t n_cells = 0;
    std::string lost;            // "1p, 19q"
    std::string gained;
    std::int64_t n_stretches = 0;  // called beside whole arms
};

/// One arm of a clone, or of the cells in which nothing was found.
struct AcquiredArm {
    std::string group;
    std::string arm;
    std::string state;  // "loss", "gain", "" where nothing is called
    double mean = 0.0;  // log2
    double p = std::numeric_limits<double>::quiet_NaN();  // calibrated, not corrected for the number of arms; NaN where it was not tested
};

struct GenomeWindow {
    std::string chromosome;
    std::string arm;   // equal to chromosome where arms are not known
    std::int64_t start = 0;  // bases
    std::int64_t end = 0;
    std::int64_t n_genes = 0;
};

/// A row of the map along the genome.
struct GenomeRow {
    std::string name;
    std::string group;                     // of a cell: its clone, "none" or "reference"
    std::vector<float> value;              // of each window; NaN where there is none
    std::vector<std::int8_t> called;       // of each window: -1 loss, 1 gain; empty for cells
    double score = std::numeric_limits<double>::quiet_NaN();
};

struct AcquiredChanges {
    bool is_asked = false;
    std::string refused;      // why nothing was called; "" where the question was answered
    std::string reference;    // "cell_type=T cell"
    std::string calibration;  // "16 random parts of the reference cells"
    double null_inflation = 1.0;
    std::int64_t n_reference = 0;
    std::int64_t n_query = 0;
    std::int64_t n_in_clones = 0;
    std::int64_t n_genes = 0;
    bool has_arms = true;
    bool within_donors = false;
    std::vector<AcquiredClone> clones;
    std::vector<AcquiredArm> arms;       // called ones of clones first, then all
    std::vector<GenomeWindow> windows;
    std::vector<GenomeRow> groups;       // clones, then the cells without a change, by donor: log2 of pooled shares
    std::vector<GenomeRow> cells;        // some of each group, reference cells last: ln, centred
};

}  // namespace morula::report
