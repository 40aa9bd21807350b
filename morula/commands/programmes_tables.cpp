// Gene sets and regulons, placed among measured genes.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "morula/commands/named_genes.hpp"
#include "morula/commands/programmes.hpp"
#include "morula/core/error.hpp"
#include "morula/knowledge/gmt.hpp"

namespace morula::commands {

std::string method_name(ProgrammeMethod method) {
    switch (method) {
        case ProgrammeMethod::score: return "score";
        case ProgrammeMethod::ulm: return "ulm";
        case ProgrammeMethod::mlm: return "mlm";
        case ProgrammeMethod::automatic: break;
    }
    return "auto";
}

ProgrammeTable read_programmes(const ProgrammesIo& io, const knowledge::RegulonsOptions& regulons, Context& context) {
    if (io.sets.empty() == io.regulons.empty()) {
        fail(ErrorCode::usage, io.sets.empty() ? "`morula programmes` needs gene sets or regulons." : "--sets and --regulons were both given.", "Give one of --sets FILE.gmt and --regulons FILE.csv.");
    }
    const bool is_regulons = io.sets.empty();
    if (!is_regulons && !regulons.confidence.empty()) fail(ErrorCode::usage, "--confidence is of regulons, and gene sets have none.", "Leave it out.");
    if (is_regulons && io.method == ProgrammeMethod::score) fail(ErrorCode::usage, "--method score knows no weights, and regulons have them.", "Take --method ulm or mlm.");
    const std::filesystem::path path = is_regulons ? io.regulons : io.sets;
    ProgrammeTable table{path.filename().string(), {}, io.method, open_gene_table(io.gene_table, context)};
    if (io.method == ProgrammeMethod::automatic) table.method = is_regulons ? ProgrammeMethod::ulm : ProgrammeMethod::score;
    if (is_regulons) {
        table.programmes = knowledge::read_regulons(path, regulons, context);
        return table;
    }
    for (knowledge::GmtSet& set : knowledge::read_gmt(path, context)) {
        knowledge::Regulon programme{std::move(set.name), {}};
        for (std::string& gene : set.genes) programme.targets.push_back({std::move(gene), 1.0});
        table.programmes.push_back(std::move(programme));
    }
    return table;
}

std::vector<analysis::WeightedGenes> placed_programmes(const ProgrammeTable& table, const data::Dataset& dataset, std::int64_t min_genes, Context& context) {
    std::vector<std::string> names;
    for (const knowledge::Regulon& programme : table.programmes) {
        for (const knowledge::RegulonTarget& target : programme.targets) names.push_back(target.gene);
    }
    const NamedGenes genes = find_named_genes(dataset, names, table.file, table.genes, context);
    std::vector<analysis::WeightedGenes> placed;
    std::vector<std::string> small;
    for (const knowledge::Regulon& programme : table.programmes) {
        analysis::WeightedGenes own{programme.source, {}, {}};
        std::set<std::int64_t> seen;
        for (const knowledge::RegulonTarget& target : programme.targets) {
            const std::int64_t place = genes.find(target.gene);
            if (place < 0 || !seen.insert(place).second) continue;
            own.genes.push_back(place);
            own.weights.push_back(target.weight);
        }
        if (std::ssize(own.genes) >= min_genes) placed.push_back(std::move(own));
        else small.push_back(programme.source);
    }
    constexpr std::size_t shown = 5;
    if (!small.empty()) {
        const std::vector<std::string> first(small.begin(), small.begin() + static_cast<std::ptrdiff_t>(std::min(small.size(), shown)));
        context.events().decision(fmt::format("{}: {} of {} programmes have fewer than {} genes in {} and are left out ({}{}).", table.file, small.size(), table.programmes.size(), min_genes, dataset.name, fmt::join(first, ", "),
                                              small.size() > shown ? ", ..." : ""));
    }
    return placed;
}

}  // namespace morula::commands
