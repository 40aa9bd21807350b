// Small cited gene sets that steps need: cell cycle, dissociation stress, X inactivation and the male-specific Y.
#pragma once

#include <span>
#include <string_view>

namespace morula::knowledge {

/// Human symbols; mouse symbols differ by case only, for all but a few genes.
struct GeneSet {
    std::string_view name;
    std::string_view source;  // citation
    std::span<const std::string_view> symbols;
};

/// 43 S and 54 G2/M genes of Tirosh et al. 2016 (Science 352:189), with the symbols of that paper.
const GeneSet& s_phase_genes();
const GeneSet& g2m_phase_genes();
/// Immediate-early and heat-shock genes that enzymatic dissociation switches on: the common core of van den Brink et al. 2017 (Nat Methods 14:935)
/// and O'Flanagan et al. 2019 (Genome Biol 20:210).
const GeneSet& dissociation_genes();
/// Broadly expressed genes of the male-specific region of the Y chromosome (Skaletsky et al. 2003, Nature 423:825), without the pseudoautosomal regions.
const GeneSet& y_genes();

}  // namespace morula::knowledge
