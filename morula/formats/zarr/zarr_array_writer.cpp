#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "morula/core/checked_cast.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/formats/zarr/crc32c.hpp"
#include "morula/formats/zarr/zarr_codec.hpp"
#include "morula/formats/zarr/zarr_output.hpp"
#include "morula/formats/zarr/zarr_writer.hpp"

namespace morula::formats {
namespace {

constexpr std::int64_t kChunksAThread = 8;  // encoded at once
const std::vector<ZarrCodec> kNumberCodecs = {ZarrCodec::bytes, ZarrCodec::blosc, ZarrCodec::crc32c};

/// Stores values as S; false where one does not fit exactly.
template <class S, class T>
bool store_values(std::span<const T> values, std::byte* out) {
    bool fits = true;
    // The limits of S are powers of two, so exact as T.
    constexpr T kLowest = static_cast<T>(std::numeric_limits<S>::min());
    [[maybe_unused]] const T limit = std::is_floating_point_v<T> ? static_cast<T>(std::ldexp(1.0, std::numeric_limits<S>::digits)) : T{0};
    for (std::size_t i = 0; i < values.size(); ++i) {
        S stored{};
        if constexpr (std::is_integral_v<S> && std::is_floating_point_v<T>) {
            const bool in_range = values[i] >= kLowest && values[i] < limit;
            stored = static_cast<S>(in_range ? values[i] : T{0});
            fits &= in_range && static_cast<T>(stored) == values[i];
        } else if constexpr (std::is_integral_v<S>) {
            fits = fits && std::in_range<S>(values[i]);
            stored = static_cast<S>(values[i]);
        } else {
            stored = static_cast<S>(values[i]);
            if constexpr (!std::is_same_v<S, T>) fits = fits && (static_cast<T>(stored) == values[i] || values[i] != values[i]);
        }
        std::memcpy(out + i * sizeof(S), &stored, sizeof(S));
    }
    return fits;
}

template <class T>
bool store(ZarrType type, std::span<const T> values, std::byte* out) {
    switch (type) {
        case ZarrType::boolean:
        case ZarrType::uint8: return store_values<std::uint8_t>(values, out);
        case ZarrType::int8: return store_values<std::int8_t>(values, out);
        case ZarrType::int16: return store_values<std::int16_t>(values, out);
        case ZarrType::int32: return store_values<std::int32_t>(values, out);
        case ZarrType::int64: return store_values<std::int64_t>(values, out);
        case ZarrType::uint16: return store_values<std::uint16_t>(values, out);
        case ZarrType::uint32: return store_values<std::uint32_t>(values, out);
        case ZarrType::uint64: return store_values<std::uint64_t>(values, out);
        case ZarrType::float32: return store_values<float>(values, out);
        case ZarrType::float64: return store_values<double>(values, out);
        case ZarrType::text: break;
    }
    return false;
}

}  // namespace

struct ZarrArrayWriter::State {
    ZarrTreeWriter& tree;
    std::string path;
    ZarrArrayMeta meta;
    bool is_matrix;
    std::int64_t n_cols;          // 1 for one dimension
    std::int64_t type_size;
    std::int64_t chunk_rows;      // of an inner chunk
    std::int64_t chunks_a_shard;
    std::int64_t n_elements = 0;
    std::vector<std::byte> pending;              // raw, not yet encoded
    std::optional<ZarrOutputFile> shard;
    std::vector<std::uint64_t> index;            // of the open shard
    std::int64_t n_shards = 0;
    std::vector<WrittenFile> files;              // closed shards
    bool finished = false;

    std::int64_t chunk_bytes() const { return chunk_rows * n_cols * type_size; }
    std::string shard_path(std::int64_t number) const { return fmt::format("{}/c/{}{}", path, number, is_matrix ? "/0" : ""); }

    void encode_pending(std::int64_t n_chunks);
    void write_chunk(std::span<const std::byte> encoded);
    void close_shard(std::int64_t n_slots);
};

void ZarrArrayWriter::State::write_chunk(std::span<const std::byte> encoded) {
    if (!shard) shard.emplace(tree.folder(), shard_path(n_shards));
    index.push_back(static_cast<std::uint64_t>(shard->size()));
    index.push_back(encoded.size());
    shard->write(encoded);
    if (static_cast<std::int64_t>(index.size()) == 2 * chunks_a_shard) close_shard(chunks_a_shard);
}

/// Ends the open shard with its index of n_slots chunks; slots without a chunk lie beyond the array's end.
void ZarrArrayWriter::State::close_shard(std::int64_t n_slots) {
    index.resize(static_cast<std::size_t>(2 * n_slots), ~std::uint64_t{0});
    const auto bytes = std::as_bytes(std::span<const std::uint64_t>(index));
    const std::uint32_t sum = crc32c(bytes);
    shard->write(bytes);
    shard->write(std::as_bytes(std::span<const std::uint32_t>(&sum, 1)));
    files.push_back(shard->close());
    shard.reset();
    index.clear();
    ++n_shards;
}

void ZarrArrayWriter::State::encode_pending(std::int64_t n_chunks) {
    std::vector<std::vector<std::byte>> encoded(static_cast<std::size_t>(n_chunks));
    parallel_blocks(tree.context(), n_chunks, 1, [&](Block block) {
        const auto raw = std::span<const std::byte>(pending).subspan(static_cast<std::size_t>(block.begin * chunk_bytes()), static_cast<std::size_t>(chunk_bytes()));
        encode_chunk(kNumberCodecs, type_size, raw, encoded[static_cast<std::size_t>(block.index)]);
    });
    for (const auto& chunk : encoded) write_chunk(chunk);
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(n_chunks * chunk_bytes()));
}

ZarrArrayWriter::ZarrArrayWriter(ZarrTreeWriter& tree, std::string path, ZarrType type, std::int64_t n_cols, ZarrAttributes attributes) {
    MORULA_ASSERT(type != ZarrType::text);
    const bool is_matrix = n_cols > 0;
    const std::int64_t cols = std::max<std::int64_t>(n_cols, 1);
    const std::int64_t chunk_rows = std::max<std::int64_t>(1, kZarrChunkElements / cols);
    const std::int64_t chunks_a_shard = std::max<std::int64_t>(1, tree.shard_elements() / (chunk_rows * cols));
    ZarrArrayMeta meta;
    meta.type = type;
    meta.codecs = kNumberCodecs;
    meta.sharded = true;
    meta.attributes = std::move(attributes);
    meta.attributes.emplace(kWrittenWhole, true);
    state_.reset(new State{tree, std::move(path), std::move(meta), is_matrix, cols, zarr_type_size(type), chunk_rows, chunks_a_shard, 0, {}, {}, {}, 0, {}, false});
}

ZarrArrayWriter::ZarrArrayWriter(ZarrArrayWriter&&) noexcept = default;

ZarrArrayWriter::~ZarrArrayWriter() {
    if (!state_ || state_->finished) return;
    std::error_code ignored;
    state_->shard.reset();
    std::filesystem::remove_all(state_->tree.folder() / state_->path, ignored);
}

std::int64_t ZarrArrayWriter::size() const { return state_->n_elements; }
const ZarrArrayMeta& ZarrArrayWriter::meta() const { return state_->meta; }

template <class T>
void ZarrArrayWriter::append(std::span<const T> values) {
    State& s = *state_;
    const std::int64_t batch = kChunksAThread * s.tree.context().threads() * s.chunk_bytes();
    while (!values.empty()) {
        const std::int64_t room = std::max<std::int64_t>(1, (batch - static_cast<std::int64_t>(s.pending.size())) / s.type_size);
        const auto piece = values.first(std::min(values.size(), static_cast<std::size_t>(room)));
        const std::size_t at = s.pending.size();
        s.pending.resize(at + piece.size() * static_cast<std::size_t>(s.type_size));
        if (!store(s.meta.type, piece, s.pending.data() + at)) {
            fail(ErrorCode::internal, fmt::format("{}: a value does not fit the type {}.", s.path, zarr_type_name(s.meta.type)), "Report this as a bug.");
        }
        s.n_elements += static_cast<std::int64_t>(piece.size());
        values = values.subspan(piece.size());
        const std::int64_t full = static_cast<std::int64_t>(s.pending.size()) / s.chunk_bytes();
        if (static_cast<std::int64_t>(s.pending.size()) >= batch) s.encode_pending(full);
    }
}

void ZarrArrayWriter::finish() {
    State& s = *state_;
    MORULA_ASSERT(!s.finished && s.n_elements % s.n_cols == 0);
    const std::int64_t n_rows = s.n_elements / s.n_cols;
    // An array smaller than one chunk is a chunk of its own size.
    if (n_rows < s.chunk_rows) s.chunk_rows = std::max<std::int64_t>(1, n_rows);
    const std::int64_t left = static_cast<std::int64_t>(s.pending.size());
    const std::int64_t n_chunks = (left + s.chunk_bytes() - 1) / s.chunk_bytes();
    s.pending.resize(static_cast<std::size_t>(n_chunks * s.chunk_bytes()));  // the last chunk is filled up with zeros
    if (n_chunks > 0) s.encode_pending(n_chunks);
    const std::int64_t all_chunks = std::max<std::int64_t>(1, (n_rows + s.chunk_rows - 1) / s.chunk_rows);
    const std::int64_t slots = std::min(all_chunks, s.chunks_a_shard);  // one shard: just the chunks there are
    if (s.shard) s.close_shard(slots);
    s.meta.shape = {n_rows};
    s.meta.inner_shape = {s.chunk_rows};
    s.meta.chunk_shape = {s.chunk_rows * slots};
    if (s.is_matrix) {
        s.meta.shape.push_back(s.n_cols);
        s.meta.inner_shape.push_back(s.n_cols);
        s.meta.chunk_shape.push_back(s.n_cols);
    }
    for (auto& file : s.files) s.tree.add_file(std::move(file));
    s.tree.array(s.path, s.meta);
    s.finished = true;
}

template void ZarrArrayWriter::append(std::span<const std::uint8_t>);
template void ZarrArrayWriter::append(std::span<const std::int32_t>);
template void ZarrArrayWriter::append(std::span<const std::int64_t>);
template void ZarrArrayWriter::append(std::span<const std::uint32_t>);
template void ZarrArrayWriter::append(std::span<const float>);
template void ZarrArrayWriter::append(std::span<const double>);

}  // namespace morula::formats
