#include "morula/atlas/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "morula/core/error.hpp"
#include "morula/core/hash.hpp"

namespace morula::atlas {
namespace {

using Json = nlohmann::json;

constexpr int kFormat = 1;

[[noreturn]] void damaged(std::string_view where, std::string_view what) {
    invalid_data(fmt::format("{}: {}.", where, what), "This version of the atlas is damaged: open an older one, or copy the file from a backup.");
}

/// A folder or file inside the atlas, never one that leads out of it.
std::string inner_path(const Json& json, const char* name, std::string_view where) {
    const std::string path = json.at(name).get<std::string>();
    if (path.empty()) return path;
    if (path.front() == '/' || path.find("..") != std::string::npos || path.find('\0') != std::string::npos) damaged(where, fmt::format("'{}' leads out of the atlas", path));
    return path;
}

Json sources_json(const std::vector<SourceRecord>& sources) {
    Json list = Json::array();
    for (const SourceRecord& source : sources) list.push_back({{"path", source.path}, {"fingerprint", source.fingerprint}, {"how", source.how}});
    return list;
}

Json dataset_json(const DatasetRecord& d) {
    return {{"id", d.id},           {"counts", d.counts}, {"name", d.name},   {"folder", d.folder},         {"root", d.root},
            {"n_cells", d.n_cells}, {"n_genes", d.n_genes}, {"nnz", d.nnz},   {"remap", d.remap},           {"remap_root", d.remap_root},
            {"sources", sources_json(d.sources)}};
}

DatasetRecord parse_dataset(const Json& json, std::string_view where) {
    DatasetRecord d;
    d.id = json.at("id").get<std::string>();
    d.counts = json.at("counts").get<std::string>();
    d.name = json.at("name").get<std::string>();
    d.folder = inner_path(json, "folder", where);
    d.root = json.at("root").get<std::string>();
    d.n_cells = json.at("n_cells").get<std::int64_t>();
    d.n_genes = json.at("n_genes").get<std::int64_t>();
    d.nnz = json.at("nnz").get<std::int64_t>();
    d.remap = inner_path(json, "remap", where);
    d.remap_root = json.at("remap_root").get<std::string>();
    for (const Json& source : json.at("sources")) {
        d.sources.push_back({source.at("path").get<std::string>(), source.at("fingerprint").get<std::string>(), source.at("how").get<std::string>()});
    }
    return d;
}

Json body_json(const Manifest& m) {
    Json datasets = Json::array();
    for (const DatasetRecord& d : m.datasets) datasets.push_back(dataset_json(d));
    Json derived = Json::array();
    for (const DerivedRecord& d : m.derived) derived.push_back({{"key", d.key}, {"folder", d.folder}, {"root", d.root}});
    return {{"version", m.version},
            {"parent", m.parent},
            {"parent_hash", m.parent_hash},
            {"created", m.created},
            {"change", m.change},
            {"written_by", m.written_by},
            {"datasets", std::move(datasets)},
            {"gene_axis", {{"folder", m.axis}, {"root", m.axis_root}, {"n_genes", m.n_axis_genes}}},
            {"derived", std::move(derived)}};
}

Manifest parse_body(const Json& body, std::string_view where) {
    Manifest m;
    m.version = body.at("version").get<std::int64_t>();
    m.parent = body.at("parent").get<std::int64_t>();
    m.parent_hash = body.at("parent_hash").get<std::string>();
    m.created = body.at("created").get<std::string>();
    m.change = body.at("change").get<std::string>();
    m.written_by = body.at("written_by").get<std::string>();
    for (const Json& d : body.at("datasets")) m.datasets.push_back(parse_dataset(d, where));
    const Json& axis = body.at("gene_axis");
    m.axis = inner_path(axis, "folder", where);
    m.axis_root = axis.at("root").get<std::string>();
    m.n_axis_genes = axis.at("n_genes").get<std::int64_t>();
    for (const Json& d : body.at("derived")) m.derived.push_back({d.at("key").get<std::string>(), inner_path(d, "folder", where), d.at("root").get<std::string>()});
    return m;
}

/// Paths and names may hold any bytes; a text that is not UTF-8 must not stop a commit.
std::string dump(const Json& json, int indent) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

}  // namespace

const DatasetRecord* Manifest::find_dataset(std::string_view id) const {
    const auto found = std::find_if(datasets.begin(), datasets.end(), [&](const DatasetRecord& d) { return d.id == id; });
    return found == datasets.end() ? nullptr : &*found;
}

const DerivedRecord* Manifest::find_derived(std::string_view key) const {
    const auto found = std::find_if(derived.begin(), derived.end(), [&](const DerivedRecord& d) { return d.key == key; });
    return found == derived.end() ? nullptr : &*found;
}

std::string manifest_json(const Manifest& manifest) {
    const Json body = Json::parse(dump(body_json(manifest), -1));
    const Json whole = {{"format", kFormat}, {"checksum", hash_hex(dump(body, -1))}, {"manifest", body}};
    return dump(whole, 1) + "\n";
}

Manifest parse_manifest(std::string_view json, std::string_view where) {
    try {
        const Json whole = Json::parse(json);
        const int format = whole.at("format").get<int>();
        if (format > kFormat) {
            fail(ErrorCode::unsupported, fmt::format("{}: was written in format {}, this program reads up to {}.", where, format, kFormat), "Use a newer Morula.");
        }
        const Json& body = whole.at("manifest");
        if (hash_hex(dump(body, -1)) != whole.at("checksum").get<std::string>()) damaged(where, "its checksum does not fit its contents");
        return parse_body(body, where);
    } catch (const Json::exception&) {
        damaged(where, "is no manifest of an atlas");
    }
}

std::filesystem::path manifest_path(const std::filesystem::path& atlas, std::int64_t version) { return atlas / "versions" / fmt::format("{:06}.json", version); }

}  // namespace morula::atlas
