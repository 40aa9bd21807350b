#include "morula/formats/zarr/zarr_node.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"

namespace morula::formats {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<std::string_view, std::int64_t>, 12> kTypes = {{{"bool", 1},
                                                                               {"int8", 1},
                                                                               {"int16", 2},
                                                                               {"int32", 4},
                                                                               {"int64", 8},
                                                                               {"uint8", 1},
                                                                               {"uint16", 2},
                                                                               {"uint32", 4},
                                                                               {"uint64", 8},
                                                                               {"float32", 4},
                                                                               {"float64", 8},
                                                                               {"string", 0}}};
constexpr std::int64_t kLargestMetadata = 256'000'000;       // bytes of a zarr.json with consolidated metadata
constexpr std::int64_t kLargestArray = std::int64_t{1} << 58;  // elements
constexpr std::int64_t kLargestChunk = std::int64_t{1} << 28;  // elements of an inner chunk

[[noreturn]] void damaged(std::string_view where, std::string_view what) {
    invalid_data(fmt::format("{}: {}.", where, what), "The Zarr metadata is damaged or not Zarr v3; write or copy the folder again.");
}

[[noreturn]] void not_known(std::string_view where, std::string_view what) {
    fail(ErrorCode::unsupported, fmt::format("{}: {}, which this reader does not know.", where, what),
         "Write it with the codecs bytes, blosc, zstd, crc32c, vlen-utf8 or sharding_indexed, or convert it to h5ad with AnnData.");
}

const Json& member(const Json& object, const char* name, std::string_view where) {
    if (!object.is_object() || !object.contains(name)) damaged(where, fmt::format("the entry '{}' is missing", name));
    return object[name];
}

std::string text_member(const Json& object, const char* name, std::string_view where) {
    const Json& value = member(object, name, where);
    if (!value.is_string()) damaged(where, fmt::format("the entry '{}' is not a text", name));
    return value.get<std::string>();
}

std::vector<std::int64_t> sizes_member(const Json& object, const char* name, std::int64_t smallest, std::string_view where) {
    const Json& value = member(object, name, where);
    if (!value.is_array()) damaged(where, fmt::format("'{}' is not a list of sizes", name));
    std::vector<std::int64_t> sizes;
    std::int64_t product = 1;
    for (const Json& size : value) {
        const bool fits = size.is_number_unsigned() ? size.get<std::uint64_t>() <= static_cast<std::uint64_t>(kLargestArray) : size.is_number_integer();
        const std::int64_t number = fits ? size.get<std::int64_t>() : -1;
        if (number < smallest) damaged(where, fmt::format("'{}' holds {}, which is no possible size", name, size.dump()));
        if (number > 0 && product > kLargestArray / number) damaged(where, fmt::format("'{}' declares more elements than any array can have", name));
        product *= std::max<std::int64_t>(number, 1);
        sizes.push_back(number);
    }
    if (sizes.size() > 2) not_known(where, fmt::format("an array of {} dimensions", sizes.size()));
    return sizes;
}

ZarrType parse_type(const Json& value, std::string_view where) {
    if (value.is_string()) {
        const auto name = value.get<std::string>();
        for (std::size_t i = 0; i < kTypes.size(); ++i) {
            if (kTypes[i].first == name) return static_cast<ZarrType>(i);
        }
    }
    not_known(where, "the data type " + value.dump());
}

std::vector<ZarrCodec> parse_codecs(const Json& list, std::string_view where) {
    if (!list.is_array()) damaged(where, "'codecs' is not a list");
    std::vector<ZarrCodec> codecs;
    for (const Json& codec : list) {
        const std::string name = text_member(codec, "name", where);
        const Json configuration = codec.value("configuration", Json::object());
        if (name == "bytes") {
            if (configuration.is_object() && configuration.value("endian", Json("little")) != "little") not_known(where, "big-endian numbers");
            codecs.push_back(ZarrCodec::bytes);
        } else if (name == "blosc") {
            codecs.push_back(configuration.is_object() && configuration.value("shuffle", Json()) == "bitshuffle" ? ZarrCodec::blosc_bits : ZarrCodec::blosc);
        } else if (name == "zstd") {
            codecs.push_back(ZarrCodec::zstd);
        } else if (name == "crc32c") {
            codecs.push_back(ZarrCodec::crc32c);
        } else if (name == "vlen-utf8") {
            codecs.push_back(ZarrCodec::vlen_utf8);
        } else {
            not_known(where, "the codec '" + name + "'");
        }
    }
    return codecs;
}

void check_codecs(const ZarrArrayMeta& meta, std::string_view where) {
    const ZarrCodec first = meta.type == ZarrType::text ? ZarrCodec::vlen_utf8 : ZarrCodec::bytes;
    const auto makes_bytes = [](ZarrCodec codec) { return codec == ZarrCodec::vlen_utf8 || codec == ZarrCodec::bytes; };
    if (meta.codecs.empty() || meta.codecs.front() != first || std::any_of(meta.codecs.begin() + 1, meta.codecs.end(), makes_bytes)) {
        damaged(where, "the codecs do not fit the data type");
    }
}

void parse_sharding(const Json& codec, ZarrArrayMeta& meta, std::string_view where) {
    const Json& configuration = member(codec, "configuration", where);
    meta.sharded = true;
    meta.inner_shape = sizes_member(configuration, "chunk_shape", 1, where);
    meta.codecs = parse_codecs(member(configuration, "codecs", where), where);
    const auto index_codecs = parse_codecs(member(configuration, "index_codecs", where), where);
    meta.index_has_crc32c = index_codecs.size() == 2;
    const bool index_known = !index_codecs.empty() && index_codecs[0] == ZarrCodec::bytes && (index_codecs.size() == 1 || (index_codecs.size() == 2 && index_codecs[1] == ZarrCodec::crc32c));
    if (!index_known) not_known(where, "a compressed shard index");
    const Json location = configuration.value("index_location", Json("end"));
    if (location != "end" && location != "start") damaged(where, "'index_location' is neither start nor end");
    meta.index_at_end = location == "end";
    if (meta.inner_shape.size() != meta.shape.size()) damaged(where, "shape and chunk shape differ in dimensions");
    for (std::size_t d = 0; d < meta.shape.size(); ++d) {
        if (meta.chunk_shape[d] % meta.inner_shape[d] != 0) damaged(where, "the shard's shape is no multiple of its chunks' shape");
    }
}

double parse_fill_value(const Json& value, ZarrType type, std::string_view where) {
    if (type == ZarrType::text) return 0.0;
    if (value.is_number()) return value.get<double>();
    if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
    if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (value == "Infinity") return std::numeric_limits<double>::infinity();
    if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
    not_known(where, "the fill value " + value.dump());
}

template <class T, class Test>
bool fill_list(const Json& list, Test is_right, std::vector<T>& out) {
    for (const Json& item : list) {
        if (!is_right(item)) return false;
        out.push_back(item.get<T>());
    }
    return true;
}

ZarrAttributes parse_attributes(const Json& node) {
    ZarrAttributes attributes;
    const auto found = node.find("attributes");
    if (found == node.end() || !found->is_object()) return attributes;
    for (const auto& [name, value] : found->items()) {
        std::vector<std::int64_t> integers;
        std::vector<std::string> texts;
        if (value.is_boolean()) attributes[name] = value.get<bool>();
        else if (value.is_number_integer()) attributes[name] = value.get<std::int64_t>();
        else if (value.is_number_float()) attributes[name] = value.get<double>();
        else if (value.is_string()) attributes[name] = value.get<std::string>();
        else if (value.is_array() && !value.empty() && fill_list(value, [](const Json& item) { return item.is_number_integer(); }, integers)) attributes[name] = integers;
        else if (value.is_array() && fill_list(value, [](const Json& item) { return item.is_string(); }, texts)) attributes[name] = texts;
    }
    return attributes;
}

ZarrArrayMeta parse_array(const Json& node, std::string_view where) {
    ZarrArrayMeta meta;
    meta.type = parse_type(member(node, "data_type", where), where);
    meta.shape = sizes_member(node, "shape", 0, where);
    const Json& grid = member(node, "chunk_grid", where);
    if (text_member(grid, "name", where) != "regular") not_known(where, "a chunk grid that is not regular");
    meta.chunk_shape = sizes_member(member(grid, "configuration", where), "chunk_shape", 1, where);
    if (meta.chunk_shape.size() != meta.shape.size()) damaged(where, "shape and chunk shape differ in dimensions");
    const Json keys = node.value("chunk_key_encoding", Json{{"name", "default"}});
    if (text_member(keys, "name", where) != "default") not_known(where, "chunk names in the style of Zarr v2");
    const Json separator = keys.value("configuration", Json::object()).value("separator", Json("/"));
    if (separator != "/" && separator != ".") damaged(where, "the separator of chunk names is neither '/' nor '.'");
    meta.separator = separator == "/" ? '/' : '.';
    meta.fill_value = parse_fill_value(member(node, "fill_value", where), meta.type, where);
    const Json& codecs = member(node, "codecs", where);
    if (codecs.is_array() && codecs.size() == 1 && text_member(codecs[0], "name", where) == "sharding_indexed") {
        parse_sharding(codecs[0], meta, where);
    } else {
        meta.inner_shape = meta.chunk_shape;
        meta.codecs = parse_codecs(codecs, where);
    }
    check_codecs(meta, where);
    std::int64_t chunk_elements = 1;
    for (const std::int64_t size : meta.inner_shape) chunk_elements *= size;
    if (chunk_elements > kLargestChunk) {
        fail(ErrorCode::resource_limit, fmt::format("{}: declares chunks of {} elements.", where, chunk_elements), "Check the file; write it with smaller chunks.");
    }
    meta.attributes = parse_attributes(node);
    return meta;
}

Json attributes_json(const ZarrAttributes& attributes) {
    Json json = Json::object();
    for (const auto& [name, value] : attributes) {
        std::visit([&, key = &name](const auto& v) { json[*key] = v; }, value);
    }
    return json;
}

Json codecs_json(const ZarrArrayMeta& meta) {
    Json list = Json::array();
    for (const ZarrCodec codec : meta.codecs) {
        switch (codec) {
            case ZarrCodec::bytes: list.push_back({{"name", "bytes"}, {"configuration", {{"endian", "little"}}}}); break;
            case ZarrCodec::blosc:
            case ZarrCodec::blosc_bits:
                list.push_back({{"name", "blosc"},
                                {"configuration",
                                 {{"typesize", zarr_type_size(meta.type)}, {"cname", "lz4"}, {"clevel", 5}, {"shuffle", codec == ZarrCodec::blosc ? "shuffle" : "bitshuffle"}, {"blocksize", 0}}}});
                break;
            case ZarrCodec::zstd: list.push_back({{"name", "zstd"}, {"configuration", {{"level", 3}, {"checksum", true}}}}); break;
            case ZarrCodec::crc32c: list.push_back({{"name", "crc32c"}}); break;
            case ZarrCodec::vlen_utf8: list.push_back({{"name", "vlen-utf8"}}); break;
        }
    }
    return list;
}

Json array_json(const ZarrArrayMeta& meta) {
    Json fill = meta.fill_value;
    if (meta.type == ZarrType::text) fill = "";
    else if (std::isnan(meta.fill_value)) fill = "NaN";
    else if (std::isinf(meta.fill_value)) fill = meta.fill_value > 0.0 ? "Infinity" : "-Infinity";
    else if (meta.type == ZarrType::boolean) fill = meta.fill_value != 0.0;
    else if (meta.type != ZarrType::float32 && meta.type != ZarrType::float64) fill = static_cast<std::int64_t>(meta.fill_value);
    Json codecs = codecs_json(meta);
    if (meta.sharded) {
        const Json index_codecs = {{{"name", "bytes"}, {"configuration", {{"endian", "little"}}}}, {{"name", "crc32c"}}};
        codecs = {{{"name", "sharding_indexed"},
                   {"configuration", {{"chunk_shape", meta.inner_shape}, {"codecs", codecs}, {"index_codecs", index_codecs}, {"index_location", "end"}}}}};
    }
    return {{"zarr_format", 3},
            {"node_type", "array"},
            {"shape", meta.shape},
            {"data_type", zarr_type_name(meta.type)},
            {"chunk_grid", {{"name", "regular"}, {"configuration", {{"chunk_shape", meta.chunk_shape}}}}},
            {"chunk_key_encoding", {{"name", "default"}, {"configuration", {{"separator", "/"}}}}},
            {"fill_value", fill},
            {"codecs", codecs},
            {"attributes", attributes_json(meta.attributes)},
            {"storage_transformers", Json::array()}};
}

Json group_json(const ZarrGroupMeta& meta) { return {{"zarr_format", 3}, {"node_type", "group"}, {"attributes", attributes_json(meta.attributes)}}; }

Json node_json(const ZarrNode& node) {
    if (const auto* group = std::get_if<ZarrGroupMeta>(&node)) return group_json(*group);
    return array_json(std::get<ZarrArrayMeta>(node));
}

}  // namespace

std::string_view zarr_type_name(ZarrType type) { return kTypes[static_cast<std::size_t>(type)].first; }
std::int64_t zarr_type_size(ZarrType type) { return kTypes[static_cast<std::size_t>(type)].second; }

ZarrNode parse_zarr_node(std::string_view json, std::string_view where) {
    Json node;
    try {
        node = Json::parse(json);
    } catch (const Json::exception&) {
        damaged(where, "is not JSON");
    }
    try {
        if (member(node, "zarr_format", where) != 3) not_known(where, "the Zarr format " + node["zarr_format"].dump());
        const std::string type = text_member(node, "node_type", where);
        if (type == "group") return ZarrGroupMeta{parse_attributes(node)};
        if (type == "array") return parse_array(node, where);
        damaged(where, "is neither a group nor an array");
    } catch (const Json::exception&) {
        damaged(where, "holds an entry of the wrong type");
    }
}

ZarrNode read_zarr_node(const std::filesystem::path& folder) {
    const auto path = folder / "zarr.json";
    return parse_zarr_node(read_text_file(path, kLargestMetadata), path.string());
}

std::string zarr_node_json(const ZarrNode& node) { return node_json(node).dump(2) + "\n"; }

std::string consolidated_zarr_json(const ZarrGroupMeta& root, const std::map<std::string, ZarrNode>& nodes) {
    Json metadata = Json::object();
    for (const auto& [path, node] : nodes) metadata[path] = node_json(node);
    Json json = group_json(root);
    json["consolidated_metadata"] = {{"kind", "inline"}, {"must_understand", false}, {"metadata", std::move(metadata)}};
    return json.dump(2) + "\n";
}

std::string text_attribute(const ZarrAttributes& attributes, std::string_view name) {
    const auto found = attributes.find(name);
    if (found == attributes.end()) return "";
    const auto* text = std::get_if<std::string>(&found->second);
    return text == nullptr ? "" : *text;
}

}  // namespace morula::formats
