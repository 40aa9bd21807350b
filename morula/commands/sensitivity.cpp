// How much the clusters change with other choices.
#include <fmt/format.h>

#include "morula/analysis/cluster_comparison.hpp"
#include "morula/analysis/leiden.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {
namespace {

/// The graph of the given cells alone; cells are increasing.
matrix::Csr subgraph(const matrix::Csr& graph, const std::vector<std::int64_t>& cells) {
    constexpr std::uint32_t kGone = 0xffffffffu;
    std::vector<std::uint32_t> place(static_cast<std::size_t>(graph.n_rows), kGone);
    for (std::size_t i = 0; i < cells.size(); ++i) place[static_cast<std::size_t>(cells[i])] = static_cast<std::uint32_t>(i);
    matrix::Csr out;
    out.n_rows = out.n_cols = static_cast<std::int64_t>(cells.size());
    const matrix::CsrView view = graph.view();
    for (const std::int64_t cell : cells) {
        const auto neighbors = view.row_indices(cell);
        const auto weights = view.row_values(cell);
        for (std::size_t k = 0; k < neighbors.size(); ++k) {
            if (place[neighbors[k]] == kGone) continue;
            out.indices.push_back(place[neighbors[k]]);
            out.values.push_back(weights[k]);
        }
        out.indptr.push_back(static_cast<std::int64_t>(out.indices.size()));
    }
    return out;
}

struct Changes {
    std::vector<std::string> what;
    std::vector<std::int64_t> n_clusters;
    std::vector<double> agreement;

    void add(std::string text, const analysis::LeidenResult& other, std::span<const std::int32_t> base) {
        what.push_back(std::move(text));
        n_clusters.push_back(other.n_clusters);
        agreement.push_back(analysis::adjusted_rand_index(base, other.cluster));
    }
};

}  // namespace

data::Dataset sensitivity_slots(const data::Dataset& in, const analysis::LeidenOptions& leiden, const SensitivityOptions& options, analysis::KnownClusters& known, Context& context) {
    const matrix::Csr& graph = require_obsp(in, "connectivities", "neighbors");
    const data::Categorical base = require_groups(in, "leiden");
    Changes changes;

    analysis::LeidenOptions other = leiden;
    other.resolution = options.other_resolution;
    changes.add(fmt::format("resolution {:g} instead of {:g}", other.resolution, leiden.resolution), analysis::leiden(graph.view(), other, known, context), base.codes);

    other = leiden;
    other.seed = leiden.seed + options.other_seed;
    changes.add("another seed", analysis::leiden(graph.view(), other, known, context), base.codes);

    if (const data::Column* column = in.obs.find("doublet")) {
        const std::vector<double> doublet = data::column_numbers(*column);
        std::vector<std::int64_t> singlets;
        std::vector<std::int32_t> base_of_singlets;
        for (std::size_t cell = 0; cell < doublet.size(); ++cell) {
            if (doublet[cell] != 0.0) continue;
            singlets.push_back(static_cast<std::int64_t>(cell));
            base_of_singlets.push_back(base.codes[cell]);
        }
        changes.add(fmt::format("without the {} cells called doublets", doublet.size() - singlets.size()), analysis::leiden(subgraph(graph, singlets).view(), leiden, context), base_of_singlets);
    }
    data::Dataset out = slots_like(in);
    out.uns["sensitivity"] = uns_of(data::UnsMap{{"what", uns_of(changes.what)}, {"n_clusters", uns_of(changes.n_clusters)}, {"agreement", uns_of(changes.agreement)}});
    return out;
}

}  // namespace morula::commands
