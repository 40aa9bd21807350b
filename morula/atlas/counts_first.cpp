#include "morula/atlas/counts_first.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "morula/core/error.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::atlas {
namespace {

/// Place of each gene of var among raw's genes, by name.
std::vector<std::int64_t> places_in_raw(const data::Dataset& dataset) {
    std::unordered_map<std::string, std::int64_t> place;
    const auto& raw_names = dataset.raw->var.index();
    for (std::size_t g = 0; g < raw_names.size(); ++g) place.emplace(raw_names[g], static_cast<std::int64_t>(g));
    std::vector<std::int64_t> places;
    for (const std::string& name : dataset.var.index()) {
        const auto found = place.find(name);
        if (found == place.end()) invalid_data(fmt::format("{}: X has the gene '{}', raw does not.", dataset.name, name), "Name the layer that holds the counts with --layer.");
        places.push_back(found->second);
    }
    return places;
}

void put_raw_first(data::Dataset& out, const data::Dataset& dataset, Context& context) {
    const std::vector<std::int64_t> places = places_in_raw(dataset);
    const std::int64_t n_genes = dataset.raw->var.n_rows();
    const bool same_genes = dataset.raw->var.index() == dataset.var.index();
    if (!same_genes) {
        // Rows stay sorted only when the order of genes is kept.
        const bool keeps_order = std::is_sorted(places.begin(), places.end());
        for (auto& entry : out.layers) {
            if (!keeps_order) break;
            entry.second = matrix::remap_cols(entry.second, places, n_genes);
        }
        if (!keeps_order) {
            context.events().warning(fmt::format("{}: raw lists its genes in another order than X; only raw's counts were stored.", dataset.name));
            out.layers.clear();
        }
        if (!out.varm.empty()) context.events().warning(fmt::format("{}: varm belongs to fewer genes than raw has and was left out.", dataset.name));
        out.varm.clear();
        out.var = dataset.raw->var;
        data::Booleans in_x{std::vector<std::uint8_t>(static_cast<std::size_t>(n_genes))};
        for (const std::int64_t place : places) in_x.values[static_cast<std::size_t>(place)] = 1;
        out.var.set("in_X_as_given", in_x);
    }
    out.raw.reset();
    out.layers["X"] = dataset.raw->x;
}

}  // namespace

data::Dataset with_counts_as_x(const data::Dataset& dataset, const std::string& layer, Context& context) {
    const matrix::Matrix counts = data::find_matrix(dataset, layer);
    data::Dataset out = dataset;
    if (layer == "X") return out;
    const auto x = out.layers.find("X");
    if (x != out.layers.end()) {
        out.layers[kFormerX] = x->second;
        out.layers.erase("X");
    }
    if (layer == "raw.X" || layer == "raw") {
        put_raw_first(out, dataset, context);
    } else {
        out.layers.erase(layer);
        out.layers["X"] = counts;
    }
    return out;
}

}  // namespace morula::atlas
