#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/formats/zarr/crc32c.hpp"
#include "morula/formats/zarr/zarr_codec.hpp"
#include "morula/formats/zarr/zarr_numbers.hpp"
#include "morula/formats/zarr/zarr_output.hpp"
#include "morula/formats/zarr/zarr_writer.hpp"

namespace morula::formats {
namespace {

constexpr std::int64_t kChunksAThread = 8;  // encoded at once

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
    std::vector<std::byte> pending;              // less than a chunk
    std::vector<std::span<const std::byte>> staged;  // whole chunks, not yet written
    std::deque<std::vector<std::byte>> joined;   // those of them that came in parts
    std::vector<std::vector<std::byte>> encoded; // of the staged; keeps its memory
    std::vector<std::byte> stored;               // elements that append() was given
    std::optional<ZarrOutputFile> shard;
    std::vector<std::uint64_t> index;            // of the open shard
    std::int64_t n_shards = 0;
    std::vector<WrittenFile> files;              // closed shards
    bool finished = false;

    std::int64_t chunk_bytes() const { return chunk_rows * n_cols * type_size; }
    std::string shard_path(std::int64_t number) const { return fmt::format("{}/c/{}{}", path, number, is_matrix ? "/0" : ""); }

    void stage_pending();
    void write_chunk(std::span<const std::byte> chunk);
    void close_shard(std::int64_t n_slots);
};

void ZarrArrayWriter::State::write_chunk(std::span<const std::byte> chunk) {
    if (!shard) shard.emplace(tree.folder(), shard_path(n_shards));
    index.push_back(static_cast<std::uint64_t>(shard->size()));
    index.push_back(chunk.size());
    shard->write(chunk);
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

void ZarrArrayWriter::State::stage_pending() {
    joined.push_back(std::exchange(pending, {}));
    staged.emplace_back(joined.back());
    if (encoded.size() < staged.size()) encoded.resize(staged.size());
}

ZarrArrayWriter::ZarrArrayWriter(ZarrTreeWriter& tree, std::string path, ZarrType type, std::int64_t n_cols, Shuffle shuffle, ZarrAttributes attributes) {
    MORULA_ASSERT(type != ZarrType::text);
    const bool is_matrix = n_cols > 0;
    const std::int64_t cols = std::max<std::int64_t>(n_cols, 1);
    const std::int64_t chunk_rows = std::max<std::int64_t>(1, kZarrChunkElements / cols);
    const std::int64_t chunks_a_shard = std::max<std::int64_t>(1, tree.shard_elements() / (chunk_rows * cols));
    ZarrArrayMeta meta;
    meta.type = type;
    meta.codecs = {ZarrCodec::bytes, shuffle == Shuffle::bits ? ZarrCodec::blosc_bits : ZarrCodec::blosc, ZarrCodec::crc32c};
    meta.sharded = true;
    meta.attributes = std::move(attributes);
    meta.attributes.emplace(kWrittenWhole, true);
    state_.reset(new State{tree, std::move(path), std::move(meta), is_matrix, cols, zarr_type_size(type), chunk_rows, chunks_a_shard, 0, {}, {}, {}, {}, {}, {}, {}, 0, {}, false});
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

void ZarrArrayWriter::stage(std::span<const std::byte> elements) {
    State& s = *state_;
    const auto chunk = static_cast<std::size_t>(s.chunk_bytes());
    s.n_elements += static_cast<std::int64_t>(elements.size()) / s.type_size;
    if (!s.pending.empty()) {
        const auto piece = elements.first(std::min(elements.size(), chunk - s.pending.size()));
        s.pending.insert(s.pending.end(), piece.begin(), piece.end());
        elements = elements.subspan(piece.size());
        if (s.pending.size() == chunk) s.stage_pending();
    }
    for (; elements.size() >= chunk; elements = elements.subspan(chunk)) s.staged.push_back(elements.first(chunk));
    s.pending.insert(s.pending.end(), elements.begin(), elements.end());
    if (s.encoded.size() < s.staged.size()) s.encoded.resize(s.staged.size());
}

std::int64_t ZarrArrayWriter::n_staged() const { return static_cast<std::int64_t>(state_->staged.size()); }

void ZarrArrayWriter::encode_staged(std::int64_t chunk) {
    const auto i = static_cast<std::size_t>(chunk);
    encode_chunk(state_->meta.codecs, state_->type_size, state_->staged[i], state_->encoded[i]);
}

void ZarrArrayWriter::write_staged() {
    State& s = *state_;
    for (std::size_t i = 0; i < s.staged.size(); ++i) s.write_chunk(s.encoded[i]);
    s.staged.clear();
    s.joined.clear();
}

template <class T>
void ZarrArrayWriter::append(std::span<const T> values) {
    State& s = *state_;
    const auto batch = static_cast<std::size_t>(kChunksAThread * s.tree.context().threads() * s.chunk_rows * s.n_cols);
    while (!values.empty()) {
        const auto piece = values.first(std::min(values.size(), batch));
        s.stored.resize(piece.size() * static_cast<std::size_t>(s.type_size));
        if (!numbers_to_bytes(s.meta.type, piece, s.stored.data())) {
            fail(ErrorCode::internal, fmt::format("{}: a value does not fit the type {}.", s.path, zarr_type_name(s.meta.type)), "Report this as a bug.");
        }
        stage(s.stored);
        parallel_blocks(s.tree.context(), n_staged(), 1, [&](Block block) { encode_staged(block.begin); });
        write_staged();
        values = values.subspan(piece.size());
    }
}

void ZarrArrayWriter::finish() {
    State& s = *state_;
    MORULA_ASSERT(!s.finished && s.staged.empty() && s.n_elements % s.n_cols == 0);
    const std::int64_t n_rows = s.n_elements / s.n_cols;
    // An array smaller than one chunk is a chunk of its own size.
    if (n_rows < s.chunk_rows) s.chunk_rows = std::max<std::int64_t>(1, n_rows);
    if (!s.pending.empty()) {
        s.pending.resize(static_cast<std::size_t>(s.chunk_bytes()));  // the last chunk is filled up with zeros
        s.stage_pending();
        encode_staged(0);
        write_staged();
    }
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
