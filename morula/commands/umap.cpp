// UMAP layout of the neighbour graph.
#include "morula/analysis/umap.hpp"

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {

namespace {

/// The graph with fuzzy weights; neighbors_slots() names it where clusters follow other weights.
std::string graph_key(const data::Dataset& in) {
    const auto neighbors = in.uns.find("neighbors");
    if (neighbors == in.uns.end()) return "connectivities";
    const auto* map = std::get_if<data::UnsMap>(&neighbors->second.value);
    return map != nullptr && map->count("umap_connectivities_key") != 0 ? uns_text(*map, "umap_connectivities_key") : "connectivities";
}

}  // namespace

data::Dataset umap_slots(const data::Dataset& in, const analysis::UmapOptions& options, const std::string& embedding, Context& context) {
    analysis::UmapResult result =
        analysis::umap(require_obsp(in, graph_key(in), "neighbors").view(), require_obsm(in, embedding, "pca").view(), options, context);
    data::Dataset out = slots_like(in);
    out.obsm["X_umap"] = std::move(result.embedding);
    out.uns["umap"] = uns_of(data::UnsMap{{"params", uns_of(data::UnsMap{{"a", uns_of(result.curve.a)}, {"b", uns_of(result.curve.b)}})},
                                          {"n_epochs", uns_of(std::int64_t{result.n_epochs})}});
    return out;
}

}  // namespace morula::commands
