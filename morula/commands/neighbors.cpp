// Neighbour graphs of an embedding.
#include "morula/analysis/neighbors.hpp"

#include <fmt/format.h>

#include "morula/analysis/connectivities.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {

data::Dataset neighbors_slots(const data::Dataset& in, const GraphOptions& options, Context& context) {
    const matrix::Dense<float> embedding = leading_columns(require_obsm(in, options.embedding, "pca"), options.n_dims);
    const analysis::NeighborsResult neighbors = analysis::neighbors(embedding.view(), options.neighbors, context);
    context.events().decision(fmt::format("Neighbours by method {}: {:.2f} % of the true neighbours found.", neighbors.method, 100.0 * neighbors.recall));

    data::Dataset out = slots_like(in);
    out.obsp["distances"] = analysis::distances_graph(neighbors, context);
    out.obsp["connectivities"] = analysis::connectivities(neighbors, options.connectivities, context);
    const bool shared = options.connectivities.graph_weights == analysis::GraphWeights::shared;
    const std::string map_key = shared ? "umap_connectivities" : "connectivities";
    if (shared) out.obsp[map_key] = analysis::fuzzy_connectivities(neighbors, context);
    out.uns["neighbors"] = uns_of(data::UnsMap{{"connectivities_key", uns_of(std::string("connectivities"))},
                                               {"umap_connectivities_key", uns_of(map_key)},
                                               {"distances_key", uns_of(std::string("distances"))},
                                               {"params", uns_of(data::UnsMap{{"n_neighbors", uns_of(std::int64_t{options.neighbors.n_neighbors})},
                                                                              {"method", uns_of(std::string(shared ? "snn" : "umap"))},
                                                                              {"metric", uns_of(std::string("euclidean"))},
                                                                              {"n_pcs", uns_of(embedding.n_cols)},
                                                                              {"use_rep", uns_of(options.embedding)}})},
                                               {"search", uns_of(neighbors.method)},
                                               {"recall", uns_of(neighbors.recall)}});
    return out;
}

}  // namespace morula::commands
