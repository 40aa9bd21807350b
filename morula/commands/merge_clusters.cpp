// Neighbouring clusters that lack genes to tell them apart.
#include "morula/analysis/merge_clusters.hpp"

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {

data::Dataset merge_clusters_slots(const data::Dataset& in, const analysis::MergeClustersOptions& options, Context& context) {
    const data::Categorical cluster = require_groups(in, "leiden");
    const analysis::MergeClustersResult result = analysis::merge_clusters(*require_counts(in), require_obsp(in, "connectivities", "neighbors").view(), cluster.codes,
                                                                          static_cast<std::int32_t>(cluster.categories.size()), options, context);
    const std::vector<std::string> symbols = symbols_of(in.var);
    std::vector<std::int64_t> first;
    std::vector<std::int64_t> second;
    std::vector<std::int64_t> up_first;
    std::vector<std::int64_t> up_second;
    std::vector<double> link;
    std::vector<std::int64_t> offered;
    std::vector<std::string> genes;
    for (const analysis::ClusterPair& pair : result.pairs) {
        first.push_back(pair.first);
        second.push_back(pair.second);
        up_first.push_back(pair.n_up_first);
        up_second.push_back(pair.n_up_second);
        link.push_back(pair.link);
        offered.push_back(pair.offered ? 1 : 0);
        std::string names;
        for (const std::int64_t gene : pair.genes) names += (names.empty() ? "" : ", ") + symbols[static_cast<std::size_t>(gene)];
        genes.push_back(names);
    }
    data::Dataset out = slots_like(in);
    out.uns["merge_clusters"] = uns_of(data::UnsMap{{"first", uns_of(first)}, {"second", uns_of(second)}, {"n_up_first", uns_of(up_first)}, {"n_up_second", uns_of(up_second)},
                                                    {"link", uns_of(link)}, {"offered", uns_of(offered)}, {"genes", uns_of(genes)},
                                                    {"merged", uns_of(std::vector<std::int64_t>(result.merged.begin(), result.merged.end()))},
                                                    {"no_supported_split", uns_of(result.no_supported_split)}, {"sentence", uns_of(result.sentence)}});
    return out;
}

}  // namespace morula::commands
