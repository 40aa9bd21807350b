// Where the labels of cells came from, as far as a file says.
#pragma once

#include <string>
#include <string_view>

#include "morula/data/dataset.hpp"

namespace morula::commands {

enum class LabelOrigin {
    scored_embedding,     // a record says: clusters of this embedding, or of one with the same values, or names given to them
    other_embedding,      // the same of another one
    looks_like_clusters,  // no record, but the names are those of clusters
    not_known,
};
std::string_view label_origin_name(LabelOrigin origin);  // "scored embedding", ...

struct LabelOriginFound {
    LabelOrigin origin = LabelOrigin::not_known;
    std::string sentence;  // what says so, and what cannot be known
};

/// What is looked at: uns[column]["params"] as Leiden and Louvain of Morula and scanpy leave it, uns "suggested_labels" for the column suggested_label, and uns "neighbors" for
/// the embedding of the graph ("use_rep"; scanpy leaves it away for its default, X_pca). Where that one and the scored one have other names, their values are compared: one that holds the
/// leading components of the other is the same. The graph's record is that of the last one: labels of an earlier graph look like labels of it.
/// Labels made by other programs, by hand from a map, or by a model that was trained with them leave no record.
LabelOriginFound label_origin(const data::Dataset& dataset, const std::string& column, const std::string& embedding);

}  // namespace morula::commands
