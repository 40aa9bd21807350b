// Undoing the filters of HDF5 chunks outside the library: shuffle, deflate (gzip), lzf, and passing over fletcher32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace morula::formats::h5 {

enum class Filter { shuffle, deflate, lzf, fletcher32 };

/// `stored` through the filters in reverse order into exactly out.size() bytes. filters: in the order in which they were applied; a bit of skip_mask
/// set: that filter was not applied to this chunk. Returns false when the data are damaged. `spare` is room to work in.
bool decode_chunk(std::span<const std::byte> stored, std::span<const Filter> filters, std::uint32_t skip_mask, std::int64_t element_bytes, std::span<std::byte> out,
                  std::vector<std::byte>& spare);

/// Marc Lehmann's LZF as h5py stores it. False when the data are damaged or do not fill `out` exactly.
bool decode_lzf(std::span<const std::byte> in, std::span<std::byte> out);

/// Bytes that `in` decodes to; -1 when it ends inside a token.
std::int64_t lzf_decoded_size(std::span<const std::byte> in);

void unshuffle(std::span<const std::byte> in, std::int64_t element_bytes, std::span<std::byte> out);
void shuffle(std::span<const std::byte> in, std::int64_t element_bytes, std::span<std::byte> out);

/// zlib stream of `in` (the deflate filter's form); level 1 to 12.
void encode_deflate(std::span<const std::byte> in, int level, std::vector<std::byte>& out);

}  // namespace morula::formats::h5
