// Several data sets as one, for integration.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "morula/atlas/gene_axis.hpp"
#include "morula/commands/input.hpp"
#include "morula/commands/integrate.hpp"
#include "morula/commands/shared_genes.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

/// "pbmc" of "pbmc.h5ad" and "pbmc.csv.gz"; names that stand twice get numbers.
std::vector<std::string> names_of(const std::vector<data::Dataset>& parts) {
    std::vector<std::string> names;
    for (const data::Dataset& part : parts) {
        std::string name = part.name;
        for (const std::string_view end : {".gz", ".zst", ".h5ad", ".h5", ".csv", ".tsv", ".txt", ".atlas"}) {
            if (name.size() > end.size() && name.ends_with(end)) name.resize(name.size() - end.size());
        }
        names.push_back(name);
    }
    data::make_unique(names);
    return names;
}

void refuse_twins(const std::vector<data::Dataset>& parts) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (parts[i].n_cells() == 0 || parts[i].obs.index() != parts[j].obs.index()) continue;
            invalid_data(fmt::format("{} and {} hold cells of the same names, all {} of them.", parts[j].name, parts[i].name, parts[i].n_cells()), "Name each data set once; two measurements of the same cells are no batches.");
        }
    }
}

/// Genes that the first and this one share by symbol, or by the table, alone get the first's ids, so that they meet on one axis.
void take_ids_of_first(const data::Dataset& first, data::Dataset& part, const knowledge::GeneTable& table, Context& context) {
    const SharedGenes shared = shared_genes(first, part, table, context);
    const std::vector<std::string> ids_of_first = atlas::axis_gene_ids(first.var, "");
    std::vector<std::string> ids = atlas::axis_gene_ids(part.var, "");
    bool changed = false;
    for (std::size_t i = 0; i < shared.in_reference.size(); ++i) {
        std::string& id = ids[static_cast<std::size_t>(shared.in_query[i])];
        const std::string& wanted = ids_of_first[static_cast<std::size_t>(shared.in_reference[i])];
        changed = changed || id != wanted;
        id = wanted;
    }
    if (!changed) return;
    part.var.set("gene_symbols", symbols_of(part.var));
    part.var.set("gene_ids", ids);
}

/// Batches that two inputs name alike are taken for one: said, because both may count from 1.
void warn_of_shared_batches(const std::vector<data::Dataset>& parts, const std::vector<std::string>& names, const std::string& batch, Context& context) {
    std::map<std::string, std::vector<std::string>> where;
    for (std::size_t p = 0; p < parts.size(); ++p) {
        const data::Column* column = parts[p].obs.find(batch);
        if (column == nullptr) continue;
        const data::Categorical groups = data::as_categorical(*column);
        std::set<std::int32_t> seen(groups.codes.begin(), groups.codes.end());
        for (const std::int32_t code : seen) {
            if (code >= 0) where[groups.categories[static_cast<std::size_t>(code)]].push_back(names[p]);
        }
    }
    for (const auto& [value, inputs] : where) {
        if (inputs.size() > 1) context.events().warning(fmt::format("Batch '{}' of column '{}' is in {}: taken for one batch. Where it is not, name another column.", value, batch, fmt::join(inputs, " and ")));
    }
}

/// Inputs without the column get their name as batch.
void add_batches(std::vector<data::Dataset>& parts, const std::vector<std::string>& names, const std::string& batch, Context& context) {
    std::vector<std::string> named;
    for (std::size_t p = 0; p < parts.size(); ++p) {
        if (parts[p].obs.has(batch)) continue;
        parts[p].obs.set(batch, data::Categorical{std::vector<std::int32_t>(static_cast<std::size_t>(parts[p].n_cells()), 0), {names[p]}, false});
        named.push_back(names[p]);
    }
    if (!named.empty()) context.events().decision(fmt::format("Inputs without a column '{}' are batches of their own: {}.", batch, fmt::join(named, ", ")));
}

/// The column sample of every part below one another; none where a part lacks it.
std::optional<data::Column> own_samples(const std::vector<data::Dataset>& parts) {
    std::vector<data::Column> columns;
    for (const data::Dataset& part : parts) {
        const data::Column* column = part.obs.find("sample");
        if (column == nullptr) return std::nullopt;
        columns.push_back(*column);
    }
    return data::stack_columns(columns);
}

}  // namespace

data::Dataset join_for_integration(std::vector<data::Dataset> parts, const std::string& batch, const knowledge::GeneTable& table, Context& context) {
    refuse_twins(parts);
    const std::vector<std::string> names = names_of(parts);
    for (std::size_t p = 1; p < parts.size(); ++p) take_ids_of_first(parts.front(), parts[p], table, context);
    const bool batch_is_sample = batch == "sample";
    const std::optional<data::Column> samples = own_samples(parts);
    if (!batch_is_sample || samples) {
        warn_of_shared_batches(parts, names, batch, context);
        add_batches(parts, names, batch, context);
    }
    for (data::Dataset& part : parts) {
        if (!samples && part.obs.has("sample")) part.obs.set("own_sample", data::Column(part.obs.at("sample")));
    }
    std::vector<SampleRow> rows;
    for (std::size_t p = 0; p < parts.size(); ++p) rows.push_back({parts[p].name, names[p], {}});
    data::Dataset joined = join_samples(std::move(parts), rows, context);
    if (samples) {
        joined.obs.set("input", joined.obs.at("sample"));
        joined.obs.set("sample", *samples);
    }
    return joined;
}

}  // namespace morula::commands
