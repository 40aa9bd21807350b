// Any bytes as zarr.json, as a chunk, as texts, as a manifest and as a file list: an Error or a value, never a crash, a hang or a huge allocation.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/expect.hpp"
#include "morula/atlas/file_list.hpp"
#include "morula/atlas/manifest.hpp"
#include "morula/formats/zarr/zarr_codec.hpp"
#include "morula/formats/zarr/zarr_node.hpp"

namespace {

using morula::formats::ZarrCodec;
using morula::fuzz::expect_value_or_error;

/// What is parsed must survive being written and parsed again.
void parse_node(std::string_view text) {
    const morula::formats::ZarrNode node = morula::formats::parse_zarr_node(text, "fuzz");
    if (std::holds_alternative<morula::formats::ZarrGroupMeta>(node)) morula::formats::parse_zarr_node(morula::formats::zarr_node_json(node), "again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::uint8_t kind = data[0];
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
    std::vector<std::byte> decoded;
    std::vector<std::string> texts;
    switch (kind % 6) {
        case 0: expect_value_or_error([&] { parse_node(text); }); break;
        case 1: expect_value_or_error([&] { morula::atlas::parse_manifest(text, "fuzz"); }); break;
        case 2: expect_value_or_error([&] { morula::atlas::parse_file_list(text, "fuzz"); }); break;
        case 3: morula::formats::decode_chunk(std::vector<ZarrCodec>{ZarrCodec::bytes, ZarrCodec::blosc}, bytes, 4'096, decoded); break;
        case 4:
            if (morula::formats::decode_chunk(std::vector<ZarrCodec>{ZarrCodec::vlen_utf8, ZarrCodec::zstd}, bytes, -1, decoded).empty()) {
                morula::formats::bytes_to_texts(decoded, 3, texts);
            }
            break;
        default: morula::formats::bytes_to_texts(bytes, kind / 6, texts); break;
    }
    return 0;
}
