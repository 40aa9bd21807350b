#include "morula/commands/made_clusters.hpp"

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {

data::Dataset with_made_clusters(data::Dataset dataset, Context& context) {
    merge_slots(dataset, filter_slots(dataset, {}, context));
    merge_slots(dataset, normalize_slots(dataset, {}, context));
    add_log_values(dataset);
    merge_slots(dataset, hvg_slots(dataset, {}, "", context));
    merge_slots(dataset, pca_slots(dataset, {}, context));
    merge_slots(dataset, neighbors_slots(dataset, {}, context));
    analysis::KnownClusters none;
    merge_slots(dataset, leiden_slots(dataset, {}, none, context));
    return dataset;
}

}  // namespace morula::commands
