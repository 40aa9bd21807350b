// Two samples of one patient: which gains and losses, and which clones, are new, which are gone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morula/analysis/cnv_segments.hpp"

namespace morula::analysis {

/// A stretch of a chromosome in one clone.
struct CnvSpan {
    std::string clone;
    std::string chromosome;
    std::int64_t start = 0;
    std::int64_t end = 0;
    CopyState state = CopyState::neutral;
    double mean = 0.0;
};

/// unclear: the other sample shows the same shift, but less than what was called.
enum class CnvVerdict { kept, added, gone, unclear };
/// "kept", "new", "gone", "unclear".
std::string_view verdict_name(CnvVerdict verdict);

struct CnvSpanChange {
    CnvSpan span;             // of the sample that has it
    CnvVerdict verdict = CnvVerdict::kept;
    double share_in_other = 0.0;  // of its bases that are called in the same way in some clone of the other sample
    double mean_in_other = 0.0;   // of the other sample's clone in which it is most alike; NaN where that sample tells nothing of the place
};
struct CnvCloneChange {
    std::string clone;
    CnvVerdict verdict = CnvVerdict::kept;
    std::string nearest;      // clone of the other sample, "" where it has none
    double similarity = 0.0;  // bases changed in the same way in both / bases changed in either
    double inherited = 0.0;   // of the nearest clone's changed bases the share that this one has too
};
struct CnvChanges {
    std::vector<CnvSpanChange> spans;   // altered ones: those of now in order, then those of before that are not kept
    std::vector<CnvCloneChange> clones; // those of now, then those of before that are gone
};

/// A span is kept where at least half of its bases are called in the same way in some clone of the other sample. Else it is unclear where a clone of the other sample is shifted there in the
/// same direction by at least half as much; else new (of now) or gone (of before). A clone is kept where its nearest one has a similarity of at least .7; a new clone that
/// inherits at least .8 of its nearest one's changes came from it. Spans of one clone and chromosome must not overlap.
CnvChanges compare_samples(std::span<const CnvSpan> before, std::span<const CnvSpan> now);

}  // namespace morula::analysis
