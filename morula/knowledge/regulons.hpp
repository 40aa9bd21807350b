// Regulons: transcription factors (or pathways) with the genes they act on, each with a signed weight.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "morula/core/context.hpp"

namespace morula::knowledge {

struct RegulonTarget {
    std::string gene;
    double weight = 1.0;  // not 0; below 0: the gene falls when the source is active
};

struct Regulon {
    std::string source;
    std::vector<RegulonTarget> targets;
};

/// CSV or TSV with a header and one line a source and target, as CollecTRI, DoRothEA and PROGENy are shared: source (or tf, regulator), target (or gene), weight (or mor:
/// mode of regulation); without a weight all count 1. Regulons in order of first appearance.
/// Throws not_found, or invalid_data with file, line and column: a column missing, an empty name, a weight of 0 or that is no number, a source and target that stand there twice.
std::vector<Regulon> read_regulons(const std::filesystem::path& path, Context& context);

}  // namespace morula::knowledge
