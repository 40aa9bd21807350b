// Genes that enough of the kept cells express.
#include "morula/analysis/filter.hpp"

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {

data::Dataset filter_slots(const data::Dataset& in, const analysis::FilterOptions& options, Context& context) {
    const std::vector<std::uint8_t> all(static_cast<std::size_t>(in.n_cells()), 1);
    const analysis::FilterResult result = analysis::filter(*require_counts(in), all, options, context);
    data::Booleans enough{std::vector<std::uint8_t>(static_cast<std::size_t>(in.n_genes()), 0)};
    for (const std::int64_t gene : result.genes) enough.values[static_cast<std::size_t>(gene)] = 1;

    data::Dataset out = slots_like(in);
    out.var.set("in_enough_cells", enough);
    out.var.set("n_kept_cells", result.n_cells_of_gene);
    out.obs.set("kept_counts", result.total_counts);
    return out;
}

}  // namespace morula::commands
