// Regulons: transcription factors (or pathways) with the genes they act on, each with a signed weight.
#pragma once

#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"

namespace morula::knowledge {

struct RegulonTarget {
    std::string gene;
    double weight = 1.0;  // not 0; below 0: the gene falls when the source is active
};

struct Regulon {
    std::string source;
    std::vector<RegulonTarget> targets;
};

struct RegulonsOptions {
    std::string confidence;  // "": see its help
};

constexpr auto describe(const RegulonsOptions*) {
    return std::tuple{
        field("confidence", &RegulonsOptions::confidence,
              "Which lines of a table of regulons are read, by its column confidence: levels with commas between. Not given: A,B,C of a table with DoRothEA's levels A to E, else all lines."),
    };
}

/// CSV or TSV with a header and one line a source and target, as CollecTRI, DoRothEA and PROGENy are shared: source (or tf, regulator), target (or gene), weight (or mor:
/// mode of regulation); without a weight all count 1. Regulons in order of first appearance.
/// DoRothEA (Garcia-Alonso et al. 2019) has a column confidence, from A (curated, or found by several kinds of evidence) to E (predicted alone); A, B and C are what its authors' package and decoupler
/// take. Lines left out are reported as a decision.
/// Throws not_found (a column; a level that no line has), or invalid_data with file, line and column: an empty name, a weight of 0 or that is no number, a source and target that stand there twice.
std::vector<Regulon> read_regulons(const std::filesystem::path& path, const RegulonsOptions& options, Context& context);

}  // namespace morula::knowledge
