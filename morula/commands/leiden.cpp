// Clusters of the neighbour graph.
#include "morula/analysis/leiden.hpp"

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {
namespace {

data::Categorical cluster_column(const analysis::LeidenResult& result) {
    data::Categorical column;
    column.codes = result.cluster;
    for (std::int32_t cluster = 0; cluster < result.n_clusters; ++cluster) column.categories.push_back(std::to_string(cluster));
    return column;
}

}  // namespace

data::Dataset leiden_slots(const data::Dataset& in, const analysis::LeidenOptions& options, analysis::KnownClusters& known, Context& context) {
    const analysis::LeidenResult result = analysis::leiden(require_obsp(in, "connectivities", "neighbors").view(), options, known, context);
    data::Dataset out = slots_like(in);
    out.obs.set("leiden", cluster_column(result));
    out.uns["leiden"] = uns_of(data::UnsMap{{"params", uns_of(data::UnsMap{{"resolution", uns_of(options.resolution)}, {"random_state", uns_of(static_cast<std::int64_t>(options.seed))}})},
                                            {"modularity", uns_of(result.modularity)},
                                            {"converged", uns_of(result.converged)}});
    return out;
}

data::Dataset leiden_sweep_slots(const data::Dataset& in, const analysis::LeidenSweepOptions& options, analysis::KnownClusters& known, Context& context) {
    const std::vector<analysis::LeidenSweepStep> steps = analysis::leiden_sweep(require_obsp(in, "connectivities", "neighbors").view(), options, known, context);
    data::Dataset out = slots_like(in);
    std::vector<double> resolution;
    std::vector<double> modularity;
    std::vector<double> stability;
    std::vector<std::int64_t> n_clusters;
    std::vector<std::int64_t> fewest;
    std::vector<std::int64_t> most;
    for (const analysis::LeidenSweepStep& step : steps) {
        resolution.push_back(step.resolution);
        modularity.push_back(step.clusters.modularity);
        stability.push_back(step.stability);
        n_clusters.push_back(step.clusters.n_clusters);
        fewest.push_back(step.fewest_clusters);
        most.push_back(step.most_clusters);
    }
    out.uns["leiden_sweep"] = uns_of(data::UnsMap{{"resolution", uns_of(resolution)}, {"modularity", uns_of(modularity)}, {"stability", uns_of(stability)},
                                                  {"n_clusters", uns_of(n_clusters)}, {"fewest_clusters", uns_of(fewest)}, {"most_clusters", uns_of(most)}});
    return out;
}

}  // namespace morula::commands
