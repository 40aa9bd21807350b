// Several samples as one data set.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "morula/atlas/gene_axis.hpp"
#include "morula/commands/input.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"
#include "morula/formats/text/delimited.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

void annotate(data::Dataset& sample, const SampleRow& row, bool several) {
    const auto n = static_cast<std::size_t>(sample.n_cells());
    if (several || !row.annotation.empty() || !sample.obs.has("sample")) sample.obs.set("sample", data::Categorical{std::vector<std::int32_t>(n, 0), {row.name}, false});
    for (const auto& [column, value] : row.annotation) sample.obs.set(column, data::Categorical{std::vector<std::int32_t>(n, value.empty() ? -1 : 0), {value}, false});
    if (!several) return;
    std::vector<std::string> names = sample.obs.index();
    for (std::string& name : names) name = fmt::format("{}_{}", row.name, name);
    sample.obs.set_index(std::move(names));
}

/// Gene table of the union: each gene's row is taken from the first sample that has it.
data::Table joined_genes(const std::vector<data::Dataset>& samples, const std::vector<std::vector<std::int64_t>>& places, std::int64_t n_genes) {
    constexpr std::int64_t kNobody = -1;
    std::vector<std::pair<std::int64_t, std::int64_t>> first(static_cast<std::size_t>(n_genes), {kNobody, kNobody});
    std::vector<std::int64_t> measured_in(static_cast<std::size_t>(n_genes), 0);
    for (std::size_t s = 0; s < samples.size(); ++s) {
        for (std::size_t gene = 0; gene < places[s].size(); ++gene) {
            auto& owner = first[static_cast<std::size_t>(places[s][gene])];
            if (owner.first == kNobody) owner = {static_cast<std::int64_t>(s), static_cast<std::int64_t>(gene)};
            ++measured_in[static_cast<std::size_t>(places[s][gene])];
        }
    }
    std::vector<std::string> index;
    std::vector<std::string> symbols;
    std::vector<std::string> ids;
    std::vector<std::vector<std::string>> all_symbols;
    std::vector<std::vector<std::string>> all_ids;
    for (const data::Dataset& sample : samples) {
        all_symbols.push_back(symbols_of(sample.var));
        all_ids.push_back(ids_of(sample.var));
    }
    for (const auto& [s, gene] : first) {
        index.push_back(samples[static_cast<std::size_t>(s)].var.index()[static_cast<std::size_t>(gene)]);
        symbols.push_back(all_symbols[static_cast<std::size_t>(s)][static_cast<std::size_t>(gene)]);
        ids.push_back(all_ids[static_cast<std::size_t>(s)][static_cast<std::size_t>(gene)]);
    }
    data::make_unique(index);
    data::Table var(std::move(index));
    var.set("gene_symbols", symbols);
    var.set("gene_ids", ids);
    var.set("measured_in", measured_in);
    return var;
}

bool same_genes(const std::vector<data::Dataset>& samples) {
    return std::all_of(samples.begin(), samples.end(), [&](const data::Dataset& sample) { return sample.var.index() == samples.front().var.index(); });
}

data::Dataset stack(std::vector<data::Dataset> samples, data::Table var, std::vector<matrix::Matrix> counts) {
    data::Dataset out;
    out.name = samples.size() == 1 ? samples.front().name : fmt::format("{} samples", samples.size());
    std::vector<data::Table> tables;
    for (data::Dataset& sample : samples) tables.push_back(std::move(sample.obs));
    out.obs = data::stack_tables(tables);
    out.var = std::move(var);
    out.layers["counts"] = matrix::stack_rows(std::move(counts));
    return out;
}

}  // namespace

std::vector<SampleRow> read_sample_sheet(const fs::path& path, Context& context) {
    const formats::RawTable table = formats::read_rows(path, {}, context);
    const std::size_t path_column = table.column("path");
    const std::size_t sample_column = table.column("sample");
    std::vector<SampleRow> rows;
    std::set<std::string> seen;
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
        SampleRow row;
        row.path = table.rows[r][path_column];
        row.name = table.rows[r][sample_column];
        if (row.path.empty()) invalid_data(fmt::format("{}: is empty.", table.place(r, path_column)), "Give the path of the sample's matrix.");
        if (row.name.empty()) invalid_data(fmt::format("{}: is empty.", table.place(r, sample_column)), "Give the sample a name.");
        if (!seen.insert(row.name).second) invalid_data(fmt::format("{}: the sample '{}' is there twice.", table.place(r, sample_column), row.name), "Give each sample its own name.");
        if (fs::path(row.path).is_relative()) row.path = (path.parent_path() / row.path).string();
        for (std::size_t c = 0; c < table.names.size(); ++c) {
            if (c != path_column && c != sample_column) row.annotation.emplace_back(table.names[c], table.rows[r][c]);
        }
        rows.push_back(std::move(row));
    }
    if (rows.empty()) invalid_data(fmt::format("{}: names no sample.", path.string()), "Write one line a sample: path,sample,donor,condition,batch.");
    return rows;
}

data::Dataset join_samples(std::vector<data::Dataset> samples, const std::vector<SampleRow>& rows, Context& context) {
    MORULA_ASSERT(samples.size() == rows.size() && !samples.empty());
    const bool several = samples.size() > 1;
    for (std::size_t s = 0; s < samples.size(); ++s) annotate(samples[s], rows[s], several);
    if (!several) {
        data::Dataset only = std::move(samples.front());
        std::erase_if(only.layers, [](const auto& layer) { return layer.first != "counts"; });
        return only;
    }
    std::vector<matrix::Matrix> counts;
    for (const data::Dataset& sample : samples) counts.push_back(require_counts(sample));
    if (same_genes(samples)) {
        data::Table var = samples.front().var;
        var.set("measured_in", std::vector<std::int64_t>(static_cast<std::size_t>(var.n_rows()), static_cast<std::int64_t>(samples.size())));
        return stack(std::move(samples), std::move(var), std::move(counts));
    }
    atlas::GeneAxis axis;
    std::vector<std::vector<std::int64_t>> places;
    for (const data::Dataset& sample : samples) places.push_back(axis.add(atlas::axis_gene_ids(sample.var, "")));
    for (std::size_t s = 0; s < samples.size(); ++s) counts[s] = matrix::remap_cols(counts[s], places[s], axis.n_genes());
    data::Table var = joined_genes(samples, places, axis.n_genes());
    const std::vector<double> measured_in = data::column_numbers(var.at("measured_in"));
    const auto everywhere = std::count(measured_in.begin(), measured_in.end(), static_cast<double>(samples.size()));
    context.events().decision(fmt::format("{} genes in all, {} of them measured in every sample; only those can become variable genes.", axis.n_genes(), everywhere));
    if (everywhere == 0) invalid_data("The samples share no gene.", "Check that all use the same gene ids (all Ensembl ids, or all symbols) and the same species.");
    return stack(std::move(samples), std::move(var), std::move(counts));
}

}  // namespace morula::commands
