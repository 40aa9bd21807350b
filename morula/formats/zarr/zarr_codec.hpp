// One chunk's bytes through its chain of codecs, both ways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morula/formats/zarr/zarr_node.hpp"

namespace morula::formats {

/// raw -> out through codecs after the first (which says how elements became bytes). type_size: bytes of an element, for the shuffle.
void encode_chunk(std::span<const ZarrCodec> codecs, std::int64_t type_size, std::span<const std::byte> raw, std::vector<std::byte>& out);

/// encoded -> out. expected_bytes: what numbers must come to; -1 for texts, whose size is not known. Returns what is wrong, or "".
std::string decode_chunk(std::span<const ZarrCodec> codecs, std::span<const std::byte> encoded, std::int64_t expected_bytes, std::vector<std::byte>& out);

/// Texts as vlen-utf8 bytes: a count, then length and bytes of each, lengths as little-endian uint32; padded with empty texts to n_elements.
std::vector<std::byte> texts_to_bytes(std::span<const std::string> texts, std::int64_t n_elements);
/// The reverse, appended to out; returns what is wrong, or "". Checks that each text is UTF-8.
std::string bytes_to_texts(std::span<const std::byte> bytes, std::int64_t n_elements, std::vector<std::string>& out);

/// Whether text is well-formed UTF-8.
bool is_utf8(std::string_view text);

}  // namespace morula::formats
