#include "morula/knowledge/gene_sets.hpp"

#include <array>

namespace morula::knowledge {
namespace {

using namespace std::string_view_literals;

constexpr std::array kSPhase = {
    "MCM5"sv, "PCNA"sv, "TYMS"sv, "FEN1"sv, "MCM2"sv, "MCM4"sv, "RRM1"sv, "UNG"sv, "GINS2"sv, "MCM6"sv, "CDCA7"sv, "DTL"sv, "PRIM1"sv, "UHRF1"sv, "MLF1IP"sv,
    "HELLS"sv, "RFC2"sv, "RPA2"sv, "NASP"sv, "RAD51AP1"sv, "GMNN"sv, "WDR76"sv, "SLBP"sv, "CCNE2"sv, "UBR7"sv, "POLD3"sv, "MSH2"sv, "ATAD2"sv, "RAD51"sv, "RRM2"sv,
    "CDC45"sv, "CDC6"sv, "EXO1"sv, "TIPIN"sv, "DSCC1"sv, "BLM"sv, "CASP8AP2"sv, "USP1"sv, "CLSPN"sv, "POLA1"sv, "CHAF1B"sv, "BRIP1"sv, "E2F8"sv};
static_assert(kSPhase.size() == 43);

constexpr std::array kG2mPhase = {
    "HMGB2"sv, "CDK1"sv, "NUSAP1"sv, "UBE2C"sv, "BIRC5"sv, "TPX2"sv, "TOP2A"sv, "NDC80"sv, "CKS2"sv, "NUF2"sv, "CKS1B"sv, "MKI67"sv, "TMPO"sv, "CENPF"sv, "TACC3"sv,
    "FAM64A"sv, "SMC4"sv, "CCNB2"sv, "CKAP2L"sv, "CKAP2"sv, "AURKB"sv, "BUB1"sv, "KIF11"sv, "ANP32E"sv, "TUBB4B"sv, "GTSE1"sv, "KIF20B"sv, "HJURP"sv, "CDCA3"sv, "HN1"sv,
    "CDC20"sv, "TTK"sv, "CDC25C"sv, "KIF2C"sv, "RANGAP1"sv, "NCAPD2"sv, "DLGAP5"sv, "CDCA2"sv, "CDCA8"sv, "ECT2"sv, "KIF23"sv, "HMMR"sv, "AURKA"sv, "PSRC1"sv, "ANLN"sv,
    "LBR"sv, "CKAP5"sv, "CENPE"sv, "CTCF"sv, "NEK2"sv, "G2E3"sv, "GAS2L3"sv, "CBX5"sv, "CENPA"sv};
static_assert(kG2mPhase.size() == 54);

constexpr std::array kDissociation = {"FOS"sv, "FOSB"sv, "JUN"sv, "JUNB"sv, "JUND"sv, "EGR1"sv, "ATF3"sv, "IER2"sv, "IER3"sv, "DUSP1"sv, "ZFP36"sv, "NR4A1"sv, "SOCS3"sv, "BTG2"sv, "HSPA1A"sv, "HSPA1B"sv,
                                      "HSPA8"sv, "HSPB1"sv, "HSP90AA1"sv, "HSP90AB1"sv, "HSPE1"sv, "HSPH1"sv, "DNAJA1"sv, "DNAJB1"sv, "UBC"sv, "NFKBIA"sv, "KLF6"sv};

constexpr std::array kYGenes = {"RPS4Y1"sv, "DDX3Y"sv, "EIF1AY"sv, "KDM5D"sv, "UTY"sv, "USP9Y"sv, "ZFY"sv, "TMSB4Y"sv, "NLGN4Y"sv};

}  // namespace

const GeneSet& s_phase_genes() {
    static const GeneSet set{"S phase", "Tirosh et al. 2016, Science 352:189", kSPhase};
    return set;
}

const GeneSet& g2m_phase_genes() {
    static const GeneSet set{"G2/M phase", "Tirosh et al. 2016, Science 352:189", kG2mPhase};
    return set;
}

const GeneSet& dissociation_genes() {
    static const GeneSet set{"dissociation stress", "van den Brink et al. 2017, Nat Methods 14:935; O'Flanagan et al. 2019, Genome Biol 20:210", kDissociation};
    return set;
}

const GeneSet& y_genes() {
    static const GeneSet set{"male-specific Y", "Skaletsky et al. 2003, Nature 423:825", kYGenes};
    return set;
}

}  // namespace morula::knowledge
