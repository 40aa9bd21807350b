#include "morula/formats/zarr/zarr_codec.hpp"

#include <blosc.h>
#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "morula/core/checked_cast.hpp"
#include "morula/core/error.hpp"
#include "morula/formats/zarr/crc32c.hpp"

namespace morula::formats {
namespace {

constexpr int kBloscLevel = 5;
constexpr int kZstdLevel = 3;
constexpr std::int64_t kLargestTextChunk = std::int64_t{1} << 30;
constexpr std::int64_t kMostOverhead = 64;  // bytes that blosc and crc32c add to data they cannot compress

void encode_blosc(int shuffle, std::int64_t type_size, std::span<const std::byte> raw, std::vector<std::byte>& out) {
    // Room that keeps its size: to make out large enough each time is to fill it with zeros first.
    static thread_local std::vector<std::byte> room;
    // blosc is told of just as much as it needs, because what it writes depends on that.
    const std::size_t most = raw.size() + BLOSC_MAX_OVERHEAD;
    if (room.size() < most) room.resize(most);
    const int size = blosc_compress_ctx(kBloscLevel, shuffle, static_cast<std::size_t>(type_size), raw.size(), raw.data(), room.data(), most, "lz4", 0, 1);
    MORULA_ASSERT(size > 0);
    out.reserve(static_cast<std::size_t>(size) + 4);  // for a checksum
    out.assign(room.begin(), room.begin() + size);
}

void encode_zstd(std::span<const std::byte> raw, std::vector<std::byte>& out) {
    const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> stream(ZSTD_createCCtx(), ZSTD_freeCCtx);
    ZSTD_CCtx_setParameter(stream.get(), ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(stream.get(), ZSTD_c_checksumFlag, 1);
    out.resize(ZSTD_compressBound(raw.size()));
    const std::size_t size = ZSTD_compress2(stream.get(), out.data(), out.size(), raw.data(), raw.size());
    MORULA_ASSERT(ZSTD_isError(size) == 0);
    out.resize(size);
}

void put_u32(std::uint32_t value, std::vector<std::byte>& out) {
    const std::size_t at = out.size();
    out.resize(at + 4);
    std::memcpy(out.data() + at, &value, 4);
}

std::uint32_t get_u32(std::span<const std::byte> bytes, std::size_t at) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, 4);
    return value;
}

std::string decode_blosc(std::span<const std::byte> in, std::int64_t most, std::vector<std::byte>& out) {
    std::size_t size = 0;
    if (blosc_cbuffer_validate(in.data(), in.size(), &size) != 0) return "its blosc header is damaged";
    if (static_cast<std::int64_t>(size) > most) return fmt::format("it would unpack to {} bytes where at most {} are possible", size, most);
    out.resize(size);
    if (size == 0) return "";
    const int got = blosc_decompress_ctx(in.data(), out.data(), out.size(), 1);
    return got == static_cast<int>(size) ? "" : "its blosc data are damaged";
}

/// Grows with the data, so that a lie about the size costs nothing.
std::string decode_zstd(std::span<const std::byte> in, std::int64_t most, std::vector<std::byte>& out) {
    const std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(), ZSTD_freeDStream);
    ZSTD_initDStream(stream.get());
    const unsigned long long declared = ZSTD_getFrameContentSize(in.data(), in.size());
    if (declared == ZSTD_CONTENTSIZE_ERROR) return "its zstd header is damaged";
    if (declared != ZSTD_CONTENTSIZE_UNKNOWN && declared > static_cast<unsigned long long>(most)) return fmt::format("it would unpack to {} bytes where at most {} are possible", declared, most);
    const std::size_t first = declared == ZSTD_CONTENTSIZE_UNKNOWN ? in.size() * 4 : std::min<std::size_t>(declared, std::size_t{1} << 26);
    out.resize(std::max<std::size_t>(first, 64));
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    for (;;) {
        const std::size_t left = ZSTD_decompressStream(stream.get(), &output, &input);
        if (ZSTD_isError(left) != 0) return fmt::format("its zstd data are damaged ({})", ZSTD_getErrorName(left));
        if (left == 0) break;
        if (output.pos == output.size) {
            if (static_cast<std::int64_t>(out.size()) >= most) return "it unpacks to more bytes than possible";
            out.resize(std::min<std::size_t>(out.size() * 2, static_cast<std::size_t>(most)));
            output.dst = out.data();
            output.size = out.size();
        } else if (input.pos == input.size) {
            return "its zstd data end early";
        }
    }
    out.resize(output.pos);
    return "";
}

std::string decode_crc32c(std::span<const std::byte>& in) {
    if (in.size() < 4) return "it is shorter than its checksum";
    const auto body = in.first(in.size() - 4);
    if (crc32c(body) != get_u32(in, body.size())) return "its checksum (crc32c) does not fit its bytes";
    in = body;
    return "";
}

}  // namespace

void encode_chunk(std::span<const ZarrCodec> codecs, std::int64_t type_size, std::span<const std::byte> raw, std::vector<std::byte>& out) {
    std::vector<std::byte> last;
    std::span<const std::byte> in = raw;
    for (const ZarrCodec codec : codecs.subspan(1)) {
        const bool in_is_raw = in.data() == raw.data();
        if (codec == ZarrCodec::crc32c) {
            const std::uint32_t sum = crc32c(in);
            if (in_is_raw) out.assign(raw.begin(), raw.end());
            put_u32(sum, out);
        } else {
            if (!in_is_raw) {  // keep the input alive while out is filled again
                std::swap(out, last);
                in = last;
            }
            if (codec == ZarrCodec::zstd) encode_zstd(in, out);
            else encode_blosc(codec == ZarrCodec::blosc ? BLOSC_SHUFFLE : BLOSC_BITSHUFFLE, type_size, in, out);
        }
        in = out;
    }
    if (codecs.size() == 1) out.assign(raw.begin(), raw.end());
}

std::string decode_chunk(std::span<const ZarrCodec> codecs, std::span<const std::byte> encoded, std::int64_t expected_bytes, std::vector<std::byte>& out) {
    const std::int64_t most = expected_bytes < 0 ? kLargestTextChunk : expected_bytes + kMostOverhead;
    std::vector<std::byte> last;
    std::span<const std::byte> in = encoded;
    bool in_is_out = false;
    for (std::size_t i = codecs.size(); i-- > 1;) {
        std::string problem;
        if (codecs[i] == ZarrCodec::crc32c) {
            problem = decode_crc32c(in);
        } else {
            if (in_is_out) {  // keep the input alive while out is filled again
                last.assign(in.begin(), in.end());
                in = last;
            }
            problem = codecs[i] == ZarrCodec::zstd ? decode_zstd(in, most, out) : decode_blosc(in, most, out);
            in = out;
            in_is_out = true;
        }
        if (!problem.empty()) return problem;
    }
    if (expected_bytes >= 0 && static_cast<std::int64_t>(in.size()) != expected_bytes) return fmt::format("it holds {} bytes, {} are expected", in.size(), expected_bytes);
    if (in_is_out) out.resize(in.size());
    else out.assign(in.begin(), in.end());
    return "";
}

std::vector<std::byte> texts_to_bytes(std::span<const std::string> texts, std::int64_t n_elements) {
    std::vector<std::byte> bytes;
    std::size_t total = 4 + 4 * static_cast<std::size_t>(n_elements);
    for (const std::string& text : texts) total += text.size();
    if (static_cast<std::int64_t>(total) > kLargestTextChunk) {
        fail(ErrorCode::resource_limit, fmt::format("{} texts come to {} bytes, more than a chunk of texts can hold.", texts.size(), total), "Leave the column with the long texts out.");
    }
    bytes.reserve(total);
    put_u32(checked_cast<std::uint32_t>(n_elements), bytes);
    for (const std::string& text : texts) {
        put_u32(checked_cast<std::uint32_t>(text.size()), bytes);
        const auto* begin = reinterpret_cast<const std::byte*>(text.data());
        bytes.insert(bytes.end(), begin, begin + text.size());
    }
    bytes.resize(total);  // lengths 0 of the padding
    return bytes;
}

std::string bytes_to_texts(std::span<const std::byte> bytes, std::int64_t n_elements, std::vector<std::string>& out) {
    if (bytes.size() < 4 || get_u32(bytes, 0) != n_elements) return fmt::format("it does not hold {} texts", n_elements);
    std::size_t at = 4;
    for (std::int64_t i = 0; i < n_elements; ++i) {
        if (bytes.size() - at < 4) return "its texts end early";
        const std::size_t length = get_u32(bytes, at);
        at += 4;
        if (bytes.size() - at < length) return "its texts end early";
        out.emplace_back(reinterpret_cast<const char*>(bytes.data() + at), length);
        if (!is_utf8(out.back())) return fmt::format("text {} is not UTF-8", i);
        at += length;
    }
    return "";
}

bool is_utf8(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned char first = byte(i);
        if (first < 0x80) {
            ++i;
            continue;
        }
        const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
        if (first < 0xC2 || first > 0xF4 || i + length > text.size()) return false;
        for (std::size_t k = 1; k < length; ++k) {
            if ((byte(i + k) & 0xC0) != 0x80) return false;
        }
        const unsigned char second = byte(i + 1);
        const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
        const bool surrogate_or_beyond = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
        if (overlong || surrogate_or_beyond) return false;
        i += length;
    }
    return true;
}

}  // namespace morula::formats
