#include "morula/formats/hdf5/tenx_genes.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>
#include <utility>

#include "morula/core/error.hpp"

namespace morula::formats {

namespace {

// "hg19_" of "hg19_ENSG00000243485", the way Cell Ranger 2 and 3 tell two genomes apart; "" where there is none. The prefix of the first gene
// decides only when all genes carry one of at most eight prefixes.
std::vector<std::string> genomes_of_ids(const std::vector<std::string>& ids) {
    std::vector<std::string> genomes;
    std::set<std::string> distinct;
    for (const std::string& id : ids) {
        // GRCh38______ENSG...: older pads with several underscores.
        const std::size_t gene = id.find("_ENS");
        if (gene == std::string::npos || gene == 0) {
            return {};
        }
        std::string genome = id.substr(0, gene);
        while (!genome.empty() && genome.back() == '_') {
            genome.pop_back();
        }
        distinct.insert(genome);
        if (distinct.size() > 8) {
            return {};
        }
        genomes.push_back(std::move(genome));
    }
    return genomes;
}

void report_repeats(std::vector<std::string>& names, const std::string& what, Context& context) {
    const std::vector<std::string> before = names;
    const std::int64_t n = data::make_unique(names);
    if (n == 0) {
        return;
    }
    std::size_t first = 0;
    while (first < names.size() && names[first] == before[first]) {
        ++first;
    }
    context.events().warning(what + ": " + std::to_string(n) + " gene names repeat an earlier one (the first: '" + before[first] + "') and got -1, -2, ... appended.");
}

}  // namespace

data::Table tenx_gene_table(TenxFeatures features, const std::string& what, Context& context) {
    MORULA_ASSERT(!features.ids.empty() || features.symbols.empty());
    if (features.genomes.empty()) {
        features.genomes = genomes_of_ids(features.ids);
    }
    std::vector<std::string> index = features.ids;
    report_repeats(index, what, context);
    data::Table var(std::move(index));
    var.index_name = "_index";
    const bool ids_are_symbols = features.ids == features.symbols;
    if (!ids_are_symbols) {
        var.set("gene_ids", std::move(features.ids));
    }
    if (!features.symbols.empty()) {
        var.set("gene_symbols", std::move(features.symbols));
    }
    if (!features.types.empty()) {
        var.set("feature_types", data::to_categorical(features.types));
    }
    if (std::any_of(features.genomes.begin(), features.genomes.end(), [](const std::string& g) { return !g.empty(); })) {
        var.set("genome", data::to_categorical(features.genomes));
    }
    return var;
}

}  // namespace morula::formats
