#include "morula/formats/text/gene_names.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace morula::formats {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

constexpr std::array<std::string_view, 20> kEverywhere{"ACTB", "ACTG1", "ATP5F1E", "B2M", "CD74", "EEF1A1", "EIF1", "FTH1", "FTL", "GAPDH",
                                                       "HSP90AA1", "MALAT1", "PTMA", "TMSB4X", "TMSB10", "TPT1", "TUBA1B", "UBA52", "UBC", "VIM"};

/// RPL3, RPS27A, RPLP0; not RPL alone.
bool is_ribosomal(std::string_view name) {
    if (name.size() < 4 || name.substr(0, 2) != "RP" || (name[2] != 'L' && name[2] != 'S')) return false;
    return is_digit(name[3]) || (name[3] == 'P' && name.size() > 4 && is_digit(name[4])) || name == "RPSA";
}

/// ENSG00000141510, ENSMUSG00000059552.4: letters, a G, at least 6 digits.
bool is_stable_id(std::string_view name) {
    if (name.substr(0, 4) == "FBGN" || name.substr(0, 6) == "WBGENE") return std::any_of(name.begin(), name.end(), is_digit);
    if (name.substr(0, 3) != "ENS") return false;
    const auto digits = static_cast<std::size_t>(std::find_if(name.begin(), name.end(), is_digit) - name.begin());
    const std::size_t end = std::min(name.find('.'), name.size());
    return digits > 3 && name[digits - 1] == 'G' && end >= digits + 6 && std::all_of(name.begin() + static_cast<std::ptrdiff_t>(digits), name.begin() + static_cast<std::ptrdiff_t>(end), is_digit);
}

}  // namespace

bool looks_like_gene(std::string_view given) {
    std::string name(given);
    std::transform(name.begin(), name.end(), name.begin(), upper);
    if (is_stable_id(name) || is_ribosomal(name)) return true;
    if (name.rfind("MT-", 0) == 0 && name.size() > 4) return true;
    return std::find(kEverywhere.begin(), kEverywhere.end(), name) != kEverywhere.end();
}

bool looks_like_barcode(std::string_view name) {
    constexpr int kShortest = 8;
    int run = 0;
    for (const char c : name) {
        run = std::string_view("ACGTN").find(c) != std::string_view::npos ? run + 1 : 0;
        if (run == kShortest) return true;
    }
    return false;
}

}  // namespace morula::formats
