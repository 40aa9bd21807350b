// gene_flags(): which genes are mitochondrial, ribosomal, haemoglobin or stress genes, read from their symbols.
#include <algorithm>
#include <array>
#include <cctype>

#include "morula/analysis/qc.hpp"

namespace morula::analysis {
namespace {

constexpr std::array<std::string_view, 25> kStressGenes{"ATF3", "BTG1", "BTG2", "DNAJA1", "DNAJB1", "DUSP1", "EGR1", "FOS", "FOSB", "HSP90AA1", "HSP90AB1", "HSPA1A", "HSPA1B",
                                                        "HSPA8", "HSPB1", "HSPE1", "HSPH1", "IER2", "IER3", "JUN", "JUNB", "JUND", "NFKBIA", "NR4A1", "SOCS3"};

/// Upper case, without a genome prefix as in "GRCh38_MT-ND1" or "mm10___Rps6".
std::string plain_symbol(std::string_view symbol) {
    const auto underscore = symbol.rfind('_');
    std::string plain(underscore == std::string_view::npos ? symbol : symbol.substr(underscore + 1));
    for (char& c : plain) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return plain;
}

bool all_of(std::string_view text, std::string_view allowed) { return text.find_first_not_of(allowed) == std::string_view::npos; }

constexpr std::string_view kDigits = "0123456789";

/// "MT-ND1"; "MT.ND1" where R changed the names; "mt:ND1" in the fly. Not the metallothioneins MT1A, MT2A.
bool is_mitochondrial(std::string_view symbol) { return symbol.size() > 3 && symbol.starts_with("MT") && (symbol[2] == '-' || symbol[2] == '.' || symbol[2] == ':'); }

/// RPS4X, RPL36AL, RPSA, RPLP0; not kinases (RPS6KA1), binding proteins (RPS19BP1) or pseudogenes (RPL13AP5, Rpl3-ps1).
bool is_ribosomal(std::string_view symbol) {
    if (!symbol.starts_with("RPS") && !symbol.starts_with("RPL")) return false;
    const std::string_view rest = symbol.substr(3);
    if (rest.empty()) return false;
    if (symbol[2] == 'L' && rest.size() == 2 && rest[0] == 'P') return rest[1] >= '0' && rest[1] <= '2';
    if (symbol[2] == 'S' && rest[0] == 'A') return all_of(rest.substr(1), kDigits);
    return std::isdigit(static_cast<unsigned char>(rest[0])) != 0 && all_of(rest, "0123456789AXYL");
}

/// HBA1, HBB, HBG2, Hba-a1, Hbq1b; not HBEGF, HBP1, HBS1L, HBBP1.
bool is_hemoglobin(std::string_view symbol) {
    if (symbol.size() < 3 || !symbol.starts_with("HB") || std::string_view("ABDEGMQZ").find(symbol[2]) == std::string_view::npos) return false;
    std::string_view rest = symbol.substr(3);
    if (rest.starts_with("-")) return true;
    if (rest.size() > 1 && (rest.back() == 'A' || rest.back() == 'B')) rest.remove_suffix(1);
    return all_of(rest, kDigits);
}

}  // namespace

GeneFlags gene_flags(std::span<const std::string> symbols) {
    GeneFlags flags;
    for (const std::string& symbol : symbols) {
        const std::string plain = plain_symbol(symbol);
        flags.mitochondrial.push_back(is_mitochondrial(plain) ? 1 : 0);
        flags.ribosomal.push_back(is_ribosomal(plain) ? 1 : 0);
        flags.hemoglobin.push_back(is_hemoglobin(plain) ? 1 : 0);
        flags.stress.push_back(std::binary_search(kStressGenes.begin(), kStressGenes.end(), std::string_view(plain)) ? 1 : 0);
    }
    return flags;
}

}  // namespace morula::analysis
