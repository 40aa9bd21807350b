// CRC-32C (Castagnoli), the checksum of Zarr's crc32c codec.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace morula::formats {

/// By the processor's instruction where it has one (SSE4.2), else by table; same result.
std::uint32_t crc32c(std::span<const std::byte> bytes);
/// The table form, which the test compares with.
std::uint32_t crc32c_by_table(std::span<const std::byte> bytes);

}  // namespace morula::formats
