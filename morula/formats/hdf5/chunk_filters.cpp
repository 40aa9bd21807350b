#include "morula/formats/hdf5/chunk_filters.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "morula/core/error.hpp"

namespace morula::formats::h5 {

namespace {

struct FreeDecompressor {
    void operator()(libdeflate_decompressor* p) const { libdeflate_free_decompressor(p); }
};
struct FreeCompressor {
    void operator()(libdeflate_compressor* p) const { libdeflate_free_compressor(p); }
};

bool decode_deflate(std::span<const std::byte> in, std::span<std::byte> out) {
    static thread_local const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(libdeflate_alloc_decompressor());
    std::size_t written = 0;
    return libdeflate_zlib_decompress(decompressor.get(), in.data(), in.size(), out.data(), out.size(), &written) == LIBDEFLATE_SUCCESS && written == out.size();
}

// Blocks keep the inner loop's reads within one cache line a byte plane.
template <std::size_t Bytes>
void unshuffle_fixed(const std::byte* in, std::size_t n, std::byte* out) {
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t b = 0; b < Bytes; ++b) {
            out[i * Bytes + b] = in[b * n + i];
        }
    }
}

}  // namespace

void unshuffle(std::span<const std::byte> in, std::int64_t element_bytes, std::span<std::byte> out) {
    const auto width = static_cast<std::size_t>(element_bytes);
    const std::size_t n = in.size() / width;
    if (width == 4) {
        unshuffle_fixed<4>(in.data(), n, out.data());
    } else if (width == 8) {
        unshuffle_fixed<8>(in.data(), n, out.data());
    } else {
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t b = 0; b < width; ++b) {
                out[i * width + b] = in[b * n + i];
            }
        }
    }
    std::copy(in.begin() + static_cast<std::ptrdiff_t>(n * width), in.end(), out.begin() + static_cast<std::ptrdiff_t>(n * width));
}

void shuffle(std::span<const std::byte> in, std::int64_t element_bytes, std::span<std::byte> out) {
    const auto width = static_cast<std::size_t>(element_bytes);
    const std::size_t n = in.size() / width;
    for (std::size_t b = 0; b < width; ++b) {
        for (std::size_t i = 0; i < n; ++i) {
            out[b * n + i] = in[i * width + b];
        }
    }
    std::copy(in.begin() + static_cast<std::ptrdiff_t>(n * width), in.end(), out.begin() + static_cast<std::ptrdiff_t>(n * width));
}

bool decode_lzf(std::span<const std::byte> in, std::span<std::byte> out) {
    std::size_t from = 0;
    std::size_t to = 0;
    while (from < in.size()) {
        const auto control = static_cast<std::size_t>(in[from++]);
        if (control < 32) {  // a run of control + 1 bytes as they are
            const std::size_t length = control + 1;
            if (from + length > in.size() || to + length > out.size()) {
                return false;
            }
            std::memcpy(out.data() + to, in.data() + from, length);
            from += length;
            to += length;
            continue;
        }
        std::size_t length = control >> 5;  // a copy of length + 2 bytes from further back
        if (length == 7) {
            if (from >= in.size()) {
                return false;
            }
            length += static_cast<std::size_t>(in[from++]);
        }
        if (from >= in.size()) {
            return false;
        }
        const std::size_t back = ((control & 31) << 8) + static_cast<std::size_t>(in[from++]) + 1;
        length += 2;
        if (back > to || to + length > out.size()) {
            return false;
        }
        for (std::size_t i = 0; i < length; ++i, ++to) {  // byte by byte: source and target may overlap
            out[to] = out[to - back];
        }
    }
    return to == out.size();
}

std::int64_t lzf_decoded_size(std::span<const std::byte> in) {
    std::size_t from = 0;
    std::int64_t size = 0;
    while (from < in.size()) {
        const auto control = static_cast<std::size_t>(in[from++]);
        if (control < 32) {
            from += control + 1;
            size += static_cast<std::int64_t>(control) + 1;
            continue;
        }
        std::size_t length = control >> 5;
        if (length == 7 && from < in.size()) {
            length += static_cast<std::size_t>(in[from++]);
        }
        ++from;
        size += static_cast<std::int64_t>(length) + 2;
    }
    return from == in.size() ? size : -1;
}

void encode_deflate(std::span<const std::byte> in, int level, std::vector<std::byte>& out) {
    static thread_local std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor;
    static thread_local int compressor_level = -1;
    if (compressor_level != level) {
        compressor.reset(libdeflate_alloc_compressor(level));
        compressor_level = level;
    }
    out.resize(libdeflate_zlib_compress_bound(compressor.get(), in.size()));
    const std::size_t n = libdeflate_zlib_compress(compressor.get(), in.data(), in.size(), out.data(), out.size());
    MORULA_ASSERT(n > 0);
    out.resize(n);
}

bool decode_chunk(std::span<const std::byte> stored, std::span<const Filter> filters, std::uint32_t skip_mask, std::int64_t element_bytes, std::span<std::byte> out,
                  std::vector<std::byte>& spare) {
    std::span<const std::byte> current = stored;
    for (std::size_t i = filters.size(); i-- > 0;) {
        if ((skip_mask >> i & 1U) != 0) {
            continue;
        }
        if (filters[i] == Filter::fletcher32) {
            if (current.size() < 4) {
                return false;
            }
            current = current.first(current.size() - 4);
            continue;
        }
        // Every further filter yields out.size() bytes; the last one writes where they belong.
        const bool last = i == 0 || std::all_of(filters.begin(), filters.begin() + static_cast<std::ptrdiff_t>(i), [](Filter f) { return f == Filter::fletcher32; });
        if (!last && current.data() == spare.data()) {
            return false;  // three and more transforming filters: nobody writes that
        }
        if (!last) {
            spare.resize(out.size());
        }
        const std::span<std::byte> target = last ? out : std::span<std::byte>(spare);
        if (filters[i] == Filter::shuffle) {
            if (current.size() != out.size()) {
                return false;
            }
            unshuffle(current, element_bytes, target);
        } else if (!(filters[i] == Filter::deflate ? decode_deflate(current, target) : decode_lzf(current, target))) {
            return false;
        }
        current = target;
    }
    if (current.size() != out.size()) {
        return false;
    }
    if (current.data() != out.data()) {
        std::memcpy(out.data(), current.data(), out.size());
    }
    return true;
}

}  // namespace morula::formats::h5
