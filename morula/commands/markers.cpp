// Marker genes of groups of cells.
#include "morula/analysis/markers.hpp"

#include <cmath>
#include <limits>

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

struct StoredMatrix {
    const char* name;
    matrix::Dense<float> analysis::MarkersResult::*member;
};
constexpr StoredMatrix kFloats[] = {
    {"markers_z", &analysis::MarkersResult::z},
    {"markers_log10_p", &analysis::MarkersResult::log10_p},
    {"markers_t", &analysis::MarkersResult::t},
    {"markers_log10_p_t", &analysis::MarkersResult::log10_p_t},
    {"markers_log10_fdr", &analysis::MarkersResult::log10_fdr},
    {"markers_cohens_d", &analysis::MarkersResult::cohens_d},
    {"markers_log2fc", &analysis::MarkersResult::log2fc},
    {"markers_log2fc_scanpy1", &analysis::MarkersResult::log2fc_scanpy1},
    {"markers_mean_in", &analysis::MarkersResult::mean_in},
    {"markers_mean_out", &analysis::MarkersResult::mean_out},
    {"markers_pct_in", &analysis::MarkersResult::pct_in},
    {"markers_pct_out", &analysis::MarkersResult::pct_out},
};

/// Rows of the genes that took part, at their places among all genes; NaN elsewhere.
template <class T>
matrix::Dense<float> spread(const matrix::Dense<T>& values, const std::vector<std::int64_t>& genes, std::int64_t n_genes) {
    matrix::Dense<float> out(n_genes, values.n_cols);
    std::fill(out.values.begin(), out.values.end(), std::numeric_limits<float>::quiet_NaN());
    for (std::size_t i = 0; i < genes.size(); ++i) {
        for (std::int64_t group = 0; group < values.n_cols; ++group) out(genes[i], group) = static_cast<float>(values(static_cast<std::int64_t>(i), group));
    }
    return out;
}

std::vector<std::int64_t> genes_in_enough_cells(const data::Table& var) {
    std::vector<std::int64_t> genes;
    const data::Column* column = var.find("in_enough_cells");
    const std::vector<double> enough = column != nullptr ? data::column_numbers(*column) : std::vector<double>(static_cast<std::size_t>(var.n_rows()), 1.0);
    for (std::size_t gene = 0; gene < enough.size(); ++gene) {
        if (enough[gene] != 0.0) genes.push_back(static_cast<std::int64_t>(gene));
    }
    return genes;
}

const matrix::Dense<float>& stored(const data::Dataset& dataset, const std::string& name) {
    const auto found = dataset.varm.find(name);
    if (found == dataset.varm.end()) fail(ErrorCode::not_found, dataset.name + ": holds no markers.", "Run `morula markers` first.");
    return found->second;
}

template <class To>
matrix::Dense<To> converted(const matrix::Dense<float>& from) {
    matrix::Dense<To> out(from.n_rows, from.n_cols);
    for (std::size_t i = 0; i < from.values.size(); ++i) {
        // A gene that took no part has no rank.
        if constexpr (std::is_integral_v<To>) out.values[i] = std::isnan(from.values[i]) ? To{0} : static_cast<To>(from.values[i]);
        else out.values[i] = static_cast<To>(from.values[i]);
    }
    return out;
}

}  // namespace

data::Dataset markers_slots(const data::Dataset& in, const analysis::MarkersOptions& options, const std::string& groups, Context& context) {
    const data::Categorical cluster = require_groups(in, groups);
    const std::vector<std::int64_t> genes = genes_in_enough_cells(in.var);
    const matrix::Matrix values = matrix::select_cols(require_log_values(in), genes);
    const analysis::MarkersResult result = analysis::markers(*values, cluster.codes, static_cast<std::int32_t>(cluster.categories.size()), options, context);

    data::Dataset out = slots_like(in);
    for (const StoredMatrix& each : kFloats) out.varm[each.name] = spread(result.*(each.member), genes, in.n_genes());
    out.varm["markers_auc"] = spread(result.auc, genes, in.n_genes());
    out.varm["markers_min_rank"] = spread(result.min_rank, genes, in.n_genes());
    out.uns["markers"] = uns_of(data::UnsMap{{"groups", uns_of(cluster.categories)},
                                             {"column", uns_of(groups)},
                                             {"n_cells", uns_of(result.n_cells)},
                                             {"min_rank_effect", uns_of(std::int64_t{static_cast<std::int64_t>(result.min_rank_effect)})}});
    return out;
}

analysis::MarkersResult stored_markers(const data::Dataset& dataset) {
    analysis::MarkersResult result;
    for (const StoredMatrix& each : kFloats) result.*(each.member) = stored(dataset, each.name);
    result.auc = converted<double>(stored(dataset, "markers_auc"));
    result.min_rank = converted<std::int32_t>(stored(dataset, "markers_min_rank"));
    const data::UnsMap& map = uns_map(dataset.uns, "markers");
    result.n_cells = uns_integers(map, "n_cells");
    const auto effect = map.find("min_rank_effect");
    result.min_rank_effect = static_cast<analysis::PairwiseEffect>(std::get<std::int64_t>(effect->second.value));
    return result;
}

data::Uns rank_genes_groups(const analysis::MarkersResult& markers, const data::Table& var, const std::vector<std::string>& groups, std::int64_t n, const std::string& group_column) {
    data::RecordArray names;
    data::RecordArray scores;
    data::RecordArray pvals;
    data::RecordArray pvals_adj;
    data::RecordArray log2fc;
    for (std::size_t g = 0; g < groups.size(); ++g) {
        const std::vector<analysis::MarkerRow> rows = analysis::top_markers(markers, static_cast<std::int32_t>(g), n, analysis::MarkerOrder::z);
        std::vector<std::string> name;
        std::vector<float> score;
        std::vector<double> p;
        std::vector<double> p_adj;
        std::vector<float> change;
        for (const analysis::MarkerRow& row : rows) {
            name.push_back(var.index()[static_cast<std::size_t>(row.gene)]);
            score.push_back(static_cast<float>(row.z));
            p.push_back(std::pow(10.0, row.log10_p));
            p_adj.push_back(row.fdr);
            change.push_back(static_cast<float>(row.log2fc_scanpy1));
        }
        // A record array is a rectangle: a group without cells gets blanks.
        name.resize(static_cast<std::size_t>(n), "");
        score.resize(static_cast<std::size_t>(n), 0.0f);
        p.resize(static_cast<std::size_t>(n), 1.0);
        p_adj.resize(static_cast<std::size_t>(n), 1.0);
        change.resize(static_cast<std::size_t>(n), 0.0f);
        for (data::RecordArray* array : {&names, &scores, &pvals, &pvals_adj, &log2fc}) array->fields.push_back(groups[g]);
        names.columns.emplace_back(std::move(name));
        scores.columns.emplace_back(std::move(score));
        pvals.columns.emplace_back(std::move(p));
        pvals_adj.columns.emplace_back(std::move(p_adj));
        log2fc.columns.emplace_back(std::move(change));
    }
    data::UnsMap params{{"groupby", uns_of(group_column)}, {"reference", uns_of(std::string("rest"))}, {"method", uns_of(std::string("wilcoxon"))},
                        {"use_raw", uns_of(false)}, {"corr_method", uns_of(std::string("benjamini-hochberg"))}};
    return uns_of(data::UnsMap{{"params", uns_of(std::move(params))}, {"names", {std::move(names)}}, {"scores", {std::move(scores)}}, {"pvals", {std::move(pvals)}},
                               {"pvals_adj", {std::move(pvals_adj)}}, {"logfoldchanges", {std::move(log2fc)}}});
}

}  // namespace morula::commands
