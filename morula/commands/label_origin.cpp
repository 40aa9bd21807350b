#include "morula/commands/label_origin.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace morula::commands {
namespace {

/// Entry of a map of maps, or null.
const data::Uns* entry(const data::UnsMap& map, std::string_view name) {
    const auto found = map.find(std::string(name));
    return found == map.end() ? nullptr : &found->second;
}
const data::UnsMap* map_of(const data::Uns* node) { return node == nullptr ? nullptr : std::get_if<data::UnsMap>(&node->value); }

std::string text_or(const data::UnsMap& map, std::string_view name, std::string other) {
    const data::Uns* node = entry(map, name);
    const std::string* text = node == nullptr ? nullptr : std::get_if<std::string>(&node->value);
    return text == nullptr ? std::move(other) : *text;
}

/// Whether uns holds the record of a clustering of that name.
bool is_recorded_clustering(const data::Dataset& dataset, std::string_view column) {
    const data::UnsMap* record = map_of(entry(dataset.uns, column));
    const data::UnsMap* params = record == nullptr ? nullptr : map_of(entry(*record, "params"));
    return params != nullptr && params->contains("resolution");
}

/// The embedding of the graph that was clustered; "" where there is no record of a graph.
std::string clustered_embedding(const data::Dataset& dataset, std::string_view column) {
    const data::UnsMap* record = map_of(entry(dataset.uns, column));
    const data::UnsMap* params = record == nullptr ? nullptr : map_of(entry(*record, "params"));
    const std::string graph = params == nullptr ? "neighbors" : text_or(*params, "neighbors_key", "neighbors");
    const data::UnsMap* neighbors = map_of(entry(dataset.uns, graph));
    const data::UnsMap* how = neighbors == nullptr ? nullptr : map_of(entry(*neighbors, "params"));
    return how == nullptr ? "" : text_or(*how, "use_rep", "X_pca");
}

/// Whether two slots hold the same numbers in the components that both have: `integrate` leaves X_integrated as the leading components of X_pca where batches mix already.
bool are_same_values(const data::Dataset& dataset, const std::string& a, const std::string& b) {
    const auto first = dataset.obsm.find(a), second = dataset.obsm.find(b);
    if (first == dataset.obsm.end() || second == dataset.obsm.end() || first->second.n_rows != second->second.n_rows) return false;
    const auto n_dims = static_cast<std::size_t>(std::min(first->second.n_cols, second->second.n_cols));
    for (std::int64_t cell = 0; cell < first->second.n_rows; ++cell) {
        if (!std::ranges::equal(first->second.row(cell).first(n_dims), second->second.row(cell).first(n_dims))) return false;
    }
    return n_dims > 0;
}

bool looks_like_clusters(const data::Dataset& dataset, const std::string& column) {
    for (const std::string_view start : {"leiden", "louvain", "seurat_clusters"}) {
        if (column.starts_with(start)) return true;
    }
    const std::vector<std::string> names = data::as_categorical(dataset.obs.at(column)).categories;
    return !names.empty() && std::ranges::all_of(names, [](const std::string& name) { return !name.empty() && name.find_first_not_of("0123456789,.") == std::string::npos; });
}

}  // namespace

std::string_view label_origin_name(LabelOrigin origin) {
    switch (origin) {
        case LabelOrigin::scored_embedding: return "scored embedding";
        case LabelOrigin::other_embedding: return "other embedding";
        case LabelOrigin::looks_like_clusters: return "looks like clusters";
        case LabelOrigin::not_known: return "not known";
    }
    return "not known";
}

LabelOriginFound label_origin(const data::Dataset& dataset, const std::string& column, const std::string& embedding) {
    const bool is_suggested = column == "suggested_label" && dataset.uns.contains("suggested_labels");
    if (is_suggested || is_recorded_clustering(dataset, column)) {
        const std::string what = is_suggested ? "names given to clusters" : "clusters";
        const std::string from = clustered_embedding(dataset, is_suggested ? "leiden" : column);
        if (from.empty()) return {LabelOrigin::looks_like_clusters, fmt::format("The labels '{}' are {}, and the file does not say of which embedding.", column, what)};
        if (from == embedding) return {LabelOrigin::scored_embedding, fmt::format("The labels '{}' are {} of {}, the embedding that is scored: they agree with it by construction.", column, what, from)};
        if (are_same_values(dataset, from, embedding)) {
            return {LabelOrigin::scored_embedding, fmt::format("The labels '{}' are {} of {}, and {}, the embedding that is scored, holds the same values: they agree with it by construction.", column, what, from, embedding)};
        }
        return {LabelOrigin::other_embedding, fmt::format("The labels '{}' are {} of {}: an embedding that resembles it scores higher, for whatever reason.", column, what, from)};
    }
    if (looks_like_clusters(dataset, column)) return {LabelOrigin::looks_like_clusters, fmt::format("The labels '{}' look like clusters, and the file does not say of which embedding.", column)};
    return {LabelOrigin::not_known, fmt::format("Nothing in the file says how the labels '{}' were made. Where they were drawn on a map of {}, or took part in making it, the scores of labels are too high.", column, embedding)};
}

}  // namespace morula::commands
