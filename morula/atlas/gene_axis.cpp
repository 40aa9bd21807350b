#include "morula/atlas/gene_axis.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace morula::atlas {
namespace {

/// "ENSG00000141510.18" -> "ENSG00000141510"; other ids, and suffixes such as "_PAR_Y", stay.
std::string without_version(const std::string& id) {
    if (id.compare(0, 3, "ENS") != 0) return id;
    const std::size_t dot = id.rfind('.');
    if (dot == std::string::npos || dot + 1 == id.size()) return id;
    const bool is_version = std::all_of(id.begin() + static_cast<std::ptrdiff_t>(dot) + 1, id.end(), [](char c) { return c >= '0' && c <= '9'; });
    return is_version ? id.substr(0, dot) : id;
}

}  // namespace

GeneAxis::GeneAxis(std::vector<std::string> ids) : ids_(std::move(ids)) {
    for (std::size_t i = 0; i < ids_.size(); ++i) position_.emplace(ids_[i], static_cast<std::int64_t>(i));
}

std::int64_t GeneAxis::find(std::string_view id) const {
    const auto found = position_.find(std::string(id));
    return found == position_.end() ? -1 : found->second;
}

std::vector<std::int64_t> GeneAxis::add(const std::vector<std::string>& ids) {
    std::vector<std::int64_t> places;
    places.reserve(ids.size());
    std::unordered_map<std::string, int> times;
    for (const std::string& id : ids) {
        const int seen = ++times[id];
        const std::string unique = seen == 1 ? id : id + "#" + std::to_string(seen);
        const auto [at, is_new] = position_.emplace(unique, n_genes());
        if (is_new) ids_.push_back(unique);
        places.push_back(at->second);
    }
    return places;
}

std::vector<std::string> axis_gene_ids(const data::Table& var, std::string_view column) {
    std::vector<std::string> ids = var.index();
    if (!column.empty()) {
        ids = data::column_texts(var.at(column));
    } else {
        for (const char* name : {"gene_ids", "gene_id", "ensembl_id", "feature_id"}) {
            const data::Column* found = var.find(name);
            if (found == nullptr) continue;
            ids = data::column_texts(*found);
            break;
        }
    }
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = ids[i].empty() ? var.index()[i] : without_version(ids[i]);
    return ids;
}

GenePresence::GenePresence(const std::vector<std::int64_t>& remap, std::int64_t n_axis_genes)
    : n_genes_(n_axis_genes), words_(static_cast<std::size_t>((n_axis_genes + 63) / 64)) {
    for (const std::int64_t gene : remap) words_[static_cast<std::size_t>(gene / 64)] |= std::uint64_t{1} << (gene % 64);
}

std::int64_t GenePresence::count() const {
    std::int64_t total = 0;
    for (const std::uint64_t word : words_) total += std::popcount(word);
    return total;
}

}  // namespace morula::atlas
