// Ambient ("soup") genes, sample by sample.
#include "morula/analysis/ambient.hpp"

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {
namespace {

std::vector<std::int64_t> cells_of(const data::Categorical& groups, std::int32_t group) {
    std::vector<std::int64_t> cells;
    for (std::size_t cell = 0; cell < groups.codes.size(); ++cell) {
        if (groups.codes[cell] == group) cells.push_back(static_cast<std::int64_t>(cell));
    }
    return cells;
}

}  // namespace

data::Dataset ambient_slots(const data::Dataset& in, const analysis::AmbientOptions& options, Context& context) {
    const data::Categorical samples = samples_of(in);
    const data::Categorical cluster = require_groups(in, "leiden");
    const std::vector<std::string> symbols = symbols_of(in.var);
    data::Booleans soup{std::vector<std::uint8_t>(static_cast<std::size_t>(in.n_genes()), 0)};
    std::vector<double> share;
    std::vector<double> low;
    std::vector<double> high;
    std::vector<std::string> gene_sample;
    std::vector<std::string> gene;
    std::vector<std::int64_t> source;
    std::vector<double> source_cpm;
    std::vector<double> elsewhere_cpm;
    std::vector<double> gene_share;
    for (std::size_t s = 0; s < samples.categories.size(); ++s) {
        const std::vector<std::int64_t> cells = cells_of(samples, static_cast<std::int32_t>(s));
        std::vector<std::int32_t> codes;
        for (const std::int64_t cell : cells) codes.push_back(cluster.codes[static_cast<std::size_t>(cell)]);
        const analysis::AmbientResult result =
            analysis::ambient(*matrix::select_rows(require_counts(in), cells), codes, static_cast<std::int32_t>(cluster.categories.size()), {}, options, context);
        share.push_back(result.ambient_share);
        low.push_back(result.share_low);
        high.push_back(result.share_high);
        for (const analysis::SoupGene& each : result.genes) {
            soup.values[static_cast<std::size_t>(each.gene)] = 1;
            gene_sample.push_back(samples.categories[s]);
            gene.push_back(symbols[static_cast<std::size_t>(each.gene)]);
            source.push_back(each.source_cluster);
            source_cpm.push_back(each.source_cpm);
            elsewhere_cpm.push_back(each.elsewhere_cpm);
            gene_share.push_back(each.share);
        }
    }
    data::Dataset out = slots_like(in);
    out.var.set("soup", soup);
    out.uns["ambient"] = uns_of(data::UnsMap{{"samples", uns_of(samples.categories)}, {"share", uns_of(share)}, {"share_low", uns_of(low)}, {"share_high", uns_of(high)},
                                             {"gene_sample", uns_of(gene_sample)}, {"gene", uns_of(gene)}, {"gene_source_cluster", uns_of(source)}, {"gene_source_cpm", uns_of(source_cpm)},
                                             {"gene_elsewhere_cpm", uns_of(elsewhere_cpm)}, {"gene_share", uns_of(gene_share)}});
    return out;
}

}  // namespace morula::commands
