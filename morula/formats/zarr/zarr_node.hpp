// Zarr v3 metadata: what stands in a zarr.json. Parsing checks every size before anything is allocated.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace morula::formats {

enum class ZarrType { boolean, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, float64, text };

/// "uint16", "float32", "string" ... as in zarr.json.
std::string_view zarr_type_name(ZarrType type);
/// Bytes of one element; 0 for text.
std::int64_t zarr_type_size(ZarrType type);

/// Attribute of the arrays written here: no chunk was left out, so a missing one is damage and not fill values.
inline constexpr std::string_view kWrittenWhole = "written-whole";

/// The attribute values that AnnData's encodings need. Others (null, nested objects) are skipped when reading.
using ZarrAttribute = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<std::string>>;
using ZarrAttributes = std::map<std::string, ZarrAttribute, std::less<>>;

/// The codecs that this reader and writer know; all are standard. blosc_bits: blosc with bitshuffle.
enum class ZarrCodec { bytes, blosc, blosc_bits, zstd, crc32c, vlen_utf8 };

struct ZarrArrayMeta {
    ZarrType type = ZarrType::float32;
    std::vector<std::int64_t> shape;        // 0, 1 or 2 dimensions
    std::vector<std::int64_t> chunk_shape;  // of the files: shards where sharded
    std::vector<std::int64_t> inner_shape;  // of the chunks within a shard; equals chunk_shape where not sharded
    bool sharded = false;
    bool index_has_crc32c = true;           // of a shard
    bool index_at_end = true;               // of a shard
    std::vector<ZarrCodec> codecs;          // of an inner chunk, in the order of encoding
    double fill_value = 0.0;                // text: always ""
    char separator = '/';                   // of chunk keys: c/0/1
    ZarrAttributes attributes;
};

struct ZarrGroupMeta {
    ZarrAttributes attributes;
};

using ZarrNode = std::variant<ZarrGroupMeta, ZarrArrayMeta>;

/// Reads the text of a zarr.json. `where` names it in messages. Throws invalid_data when it is not Zarr v3 or damaged,
/// unsupported for codecs, data types or layouts that this reader does not know.
ZarrNode parse_zarr_node(std::string_view json, std::string_view where);
/// The zarr.json of folder; throws invalid_data or not_found.
ZarrNode read_zarr_node(const std::filesystem::path& folder);
std::string zarr_node_json(const ZarrNode& node);
/// The root's zarr.json with all nodes below it inline (zarr-python's consolidated metadata); keys are paths such as "obs/_index".
std::string consolidated_zarr_json(const ZarrGroupMeta& root, const std::map<std::string, ZarrNode>& nodes);

/// The text attribute of that name, or "" where it is missing or of another type.
std::string text_attribute(const ZarrAttributes& attributes, std::string_view name);

}  // namespace morula::formats
