// Quality control: counts -> metrics, cut-offs and the reason why a cell goes.
#include "morula/analysis/qc.hpp"

#include <cmath>
#include <limits>

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

data::Booleans flags(const std::vector<std::uint8_t>& values) { return {values}; }

std::vector<double> of_samples(const analysis::QcCutoffs& cutoffs, std::optional<double> analysis::SampleCutoffs::*member) {
    std::vector<double> out;
    for (const analysis::SampleCutoffs& sample : cutoffs.samples) out.push_back((sample.*member).value_or(kNone));
    return out;
}
std::vector<double> of_samples(const analysis::QcCutoffs& cutoffs, double analysis::SampleCutoffs::*member) {
    std::vector<double> out;
    for (const analysis::SampleCutoffs& sample : cutoffs.samples) out.push_back(sample.*member);
    return out;
}
std::vector<std::int64_t> of_samples(const analysis::QcCutoffs& cutoffs, std::int64_t analysis::SampleCutoffs::*member) {
    std::vector<std::int64_t> out;
    for (const analysis::SampleCutoffs& sample : cutoffs.samples) out.push_back(sample.*member);
    return out;
}

data::UnsMap cutoffs_map(const analysis::QcCutoffs& cutoffs, const data::Categorical& samples) {
    using analysis::SampleCutoffs;
    data::UnsMap map;
    map["samples"] = uns_of(samples.categories);
    map["n_cells"] = uns_of(of_samples(cutoffs, &SampleCutoffs::n_cells));
    map["n_kept"] = uns_of(of_samples(cutoffs, &SampleCutoffs::n_kept));
    map["n_flagged_high"] = uns_of(of_samples(cutoffs, &SampleCutoffs::n_flagged_high));
    map["median_counts"] = uns_of(of_samples(cutoffs, &SampleCutoffs::median_counts));
    map["median_genes"] = uns_of(of_samples(cutoffs, &SampleCutoffs::median_genes));
    map["median_pct_mt"] = uns_of(of_samples(cutoffs, &SampleCutoffs::median_pct_mt));
    map["min_counts"] = uns_of(of_samples(cutoffs, &SampleCutoffs::min_counts));
    map["min_genes"] = uns_of(of_samples(cutoffs, &SampleCutoffs::min_genes));
    map["max_pct_mt"] = uns_of(of_samples(cutoffs, &SampleCutoffs::max_pct_mt));
    map["high_counts"] = uns_of(of_samples(cutoffs, &SampleCutoffs::high_counts));
    map["high_genes"] = uns_of(of_samples(cutoffs, &SampleCutoffs::high_genes));
    for (std::int32_t reason = 0; reason < analysis::kQcReasons; ++reason) {
        std::vector<std::int64_t> n;
        for (const SampleCutoffs& sample : cutoffs.samples) n.push_back(sample.n_by_reason[static_cast<std::size_t>(reason)]);
        map["n " + std::string(analysis::qc_reason_name(static_cast<analysis::QcReason>(reason)))] = uns_of(n);
    }
    return map;
}

data::Categorical reasons(const analysis::QcCutoffs& cutoffs) {
    data::Categorical column;
    for (std::int32_t reason = 0; reason < analysis::kQcReasons; ++reason) {
        column.categories.emplace_back(analysis::qc_reason_name(static_cast<analysis::QcReason>(reason)));
    }
    column.codes.reserve(cutoffs.reason.size());
    for (const analysis::QcReason reason : cutoffs.reason) column.codes.push_back(static_cast<std::int32_t>(reason));
    return column;
}

}  // namespace

data::Dataset qc_slots(const data::Dataset& in, const analysis::QcOptions& options, Context& context) {
    const matrix::Matrix counts = require_counts(in);
    const data::Categorical samples = samples_of(in);
    const analysis::GeneFlags genes = analysis::gene_flags(symbols_of(in.var));
    const analysis::QcMetrics metrics = analysis::qc_metrics(*counts, genes, context);
    const analysis::QcCutoffs cutoffs = analysis::qc_cutoffs(metrics, samples.codes, static_cast<std::int32_t>(samples.categories.size()), options);
    for (std::size_t i = 0; i < cutoffs.warnings.size(); ++i) {
        context.events().warning(samples.categories[static_cast<std::size_t>(cutoffs.warning_sample[i])] + ": " + cutoffs.warnings[i]);
    }

    data::Dataset out = slots_like(in);
    out.obs.set("total_counts", metrics.total_counts);
    out.obs.set("n_genes_by_counts", std::vector<std::int64_t>(metrics.n_genes_by_counts.begin(), metrics.n_genes_by_counts.end()));
    out.obs.set("pct_counts_mt", metrics.pct_counts_mt);
    out.obs.set("pct_counts_ribo", metrics.pct_counts_ribo);
    out.obs.set("pct_counts_hb", metrics.pct_counts_hb);
    out.obs.set("pct_counts_stress", metrics.pct_counts_stress);
    out.obs.set("pct_counts_in_top_50_genes", metrics.pct_counts_in_top_50_genes);
    out.obs.set("qc", reasons(cutoffs));
    out.obs.set("qc_high", flags(cutoffs.flagged_high));
    out.var.set("n_cells_by_counts", metrics.n_cells_by_counts);
    out.var.set("total_counts", metrics.total_counts_of_gene);
    out.var.set("mean_counts", metrics.mean_counts_of_gene);
    out.var.set("mt", flags(genes.mitochondrial));
    out.var.set("ribo", flags(genes.ribosomal));
    out.var.set("hb", flags(genes.hemoglobin));
    out.var.set("stress", flags(genes.stress));
    out.uns["qc"] = uns_of(cutoffs_map(cutoffs, samples));
    return out;
}

data::Dataset keep_cells(const data::Dataset& in) {
    const data::Categorical reason = require_groups(in, "qc");
    std::vector<std::int64_t> cells;
    for (std::size_t cell = 0; cell < reason.codes.size(); ++cell) {
        if (reason.codes[cell] == static_cast<std::int32_t>(analysis::QcReason::kept)) cells.push_back(static_cast<std::int64_t>(cell));
    }
    std::vector<std::int64_t> genes(static_cast<std::size_t>(in.n_genes()));
    for (std::size_t gene = 0; gene < genes.size(); ++gene) genes[gene] = static_cast<std::int64_t>(gene);
    data::Dataset kept = data::select(in, cells, genes);
    kept.uns = in.uns;
    return kept;
}

}  // namespace morula::commands
