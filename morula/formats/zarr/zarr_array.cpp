#include "morula/formats/zarr/zarr_array.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "morula/core/checked_cast.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/parallel.hpp"
#include "morula/formats/zarr/crc32c.hpp"
#include "morula/formats/zarr/zarr_codec.hpp"
#include "morula/formats/zarr/zarr_numbers.hpp"

namespace morula::formats {
namespace {

constexpr std::uint64_t kMissing = ~std::uint64_t{0};
constexpr std::size_t kMostOpenShards = 64;  // file handles an array may hold

[[noreturn]] void damaged(const std::filesystem::path& file, std::string_view what) {
    invalid_data(fmt::format("{}: {}.", file.string(), what), "The file is damaged: write or copy the folder again (`morula verify` lists all damage of an atlas).");
}

/// Rows and columns of an array of 0 to 2 dimensions.
struct Extent {
    std::int64_t rows = 1;
    std::int64_t cols = 1;
};
Extent extent_of(const std::vector<std::int64_t>& shape) { return {shape.empty() ? 1 : shape[0], shape.size() < 2 ? 1 : shape[1]}; }

ZarrArrayMeta array_meta(const std::filesystem::path& folder) {
    ZarrNode node = read_zarr_node(folder);
    auto* meta = std::get_if<ZarrArrayMeta>(&node);
    if (meta == nullptr) invalid_data(fmt::format("{}: is a group where an array is expected.", folder.string()), "Check that the folder is complete.");
    return std::move(*meta);
}

/// An open shard with its index: offset and size of every inner chunk.
struct Shard {
    explicit Shard(const std::filesystem::path& path) : file(path) {}
    InputFile file;
    std::vector<std::uint64_t> index;
};

}  // namespace

struct ZarrArray::State {
    std::filesystem::path folder;
    ZarrArrayMeta meta;
    Extent size;       // of the array
    Extent chunk;      // of a file
    Extent inner;      // of an inner chunk
    bool whole = false;  // a missing chunk is damage
    std::mutex mutex;
    std::map<std::pair<std::int64_t, std::int64_t>, std::shared_ptr<const Shard>> shards;

    std::filesystem::path chunk_path(std::int64_t row, std::int64_t col) const {
        std::string key = "c";
        if (!meta.shape.empty()) key += meta.separator + std::to_string(row);
        if (meta.shape.size() == 2) key += meta.separator + std::to_string(col);
        return folder / key;
    }
    std::int64_t inner_elements() const { return inner.rows * inner.cols; }
    std::int64_t expected_bytes() const { return meta.type == ZarrType::text ? -1 : inner_elements() * zarr_type_size(meta.type); }

    std::shared_ptr<const Shard> shard(std::int64_t row, std::int64_t col);
    std::shared_ptr<const Shard> open_shard(const std::filesystem::path& path) const;
    bool load(std::int64_t inner_row, std::int64_t inner_col, std::vector<std::byte>& out);
    bool load_from_shard(std::int64_t inner_row, std::int64_t inner_col, std::vector<std::byte>& encoded, std::filesystem::path& path);
    void check_can_be_complete() const;
};

std::shared_ptr<const Shard> ZarrArray::State::open_shard(const std::filesystem::path& path) const {
    const std::int64_t n_inner = (chunk.rows / inner.rows) * (chunk.cols / inner.cols);
    auto opened = std::make_shared<Shard>(path);
    const std::int64_t checksum_bytes = meta.index_has_crc32c ? 4 : 0;
    if (n_inner > opened->file.size() / 16) damaged(path, fmt::format("ends early: the index of its {} chunks does not fit in {} bytes", n_inner, opened->file.size()));
    const std::int64_t index_bytes = n_inner * 16 + checksum_bytes;
    if (index_bytes > opened->file.size()) damaged(path, "ends early");
    std::vector<std::byte> bytes(static_cast<std::size_t>(index_bytes));
    opened->file.read_at(meta.index_at_end ? opened->file.size() - index_bytes : 0, bytes);
    const auto body = std::span<const std::byte>(bytes).first(static_cast<std::size_t>(n_inner * 16));
    if (meta.index_has_crc32c) {
        std::uint32_t stored = 0;
        std::memcpy(&stored, bytes.data() + body.size(), 4);
        if (stored != crc32c(body)) damaged(path, "the index at its end is damaged or cut off (its checksum does not fit)");
    }
    opened->index.resize(static_cast<std::size_t>(n_inner * 2));
    std::memcpy(opened->index.data(), body.data(), body.size());
    return opened;
}

std::shared_ptr<const Shard> ZarrArray::State::shard(std::int64_t row, std::int64_t col) {
    const std::lock_guard lock(mutex);
    const auto found = shards.find({row, col});
    if (found != shards.end()) return found->second;
    const auto path = chunk_path(row, col);
    std::shared_ptr<const Shard> opened;
    if (whole || std::filesystem::exists(path)) opened = open_shard(path);
    if (shards.size() >= kMostOpenShards) shards.erase(shards.begin());
    shards[{row, col}] = opened;
    return opened;
}

bool ZarrArray::State::load_from_shard(std::int64_t inner_row, std::int64_t inner_col, std::vector<std::byte>& encoded, std::filesystem::path& path) {
    const std::int64_t per_row = chunk.rows / inner.rows;
    const std::int64_t per_col = chunk.cols / inner.cols;
    const auto opened = shard(inner_row / per_row, inner_col / per_col);
    path = chunk_path(inner_row / per_row, inner_col / per_col);
    if (!opened) return false;
    const std::int64_t slot = (inner_row % per_row) * per_col + inner_col % per_col;
    const std::uint64_t offset = opened->index[static_cast<std::size_t>(2 * slot)];
    const std::uint64_t length = opened->index[static_cast<std::size_t>(2 * slot + 1)];
    if (offset == kMissing && length == kMissing) {
        if (whole) damaged(path, fmt::format("chunk {} is missing", slot));
        return false;
    }
    const auto file_size = static_cast<std::uint64_t>(opened->file.size());
    if (length > file_size || offset > file_size - length) damaged(path, fmt::format("chunk {} would lie outside the file", slot));
    encoded.resize(length);
    opened->file.read_at(static_cast<std::int64_t>(offset), encoded);
    return true;
}

/// One inner chunk, decoded; false where it was left out because it holds fill values only.
bool ZarrArray::State::load(std::int64_t inner_row, std::int64_t inner_col, std::vector<std::byte>& out) {
    thread_local std::vector<std::byte> encoded;
    std::filesystem::path path;
    if (meta.sharded) {
        if (!load_from_shard(inner_row, inner_col, encoded, path)) return false;
    } else {
        path = chunk_path(inner_row, inner_col);
        if (!whole && !std::filesystem::exists(path)) return false;
        const InputFile file(path);
        encoded.resize(static_cast<std::size_t>(file.size()));
        file.read_at(0, encoded);
    }
    const std::string problem = decode_chunk(meta.codecs, encoded, expected_bytes(), out);
    if (!problem.empty()) damaged(path, fmt::format("chunk ({}, {}) is damaged: {}", inner_row, inner_col, problem));
    return true;
}

/// Before memory is asked for: a shape that is a lie lacks the file that would hold its last element.
void ZarrArray::State::check_can_be_complete() const {
    if (!whole || size.rows == 0 || size.cols == 0) return;
    const auto path = chunk_path((size.rows - 1) / chunk.rows, (size.cols - 1) / chunk.cols);
    if (!std::filesystem::exists(path)) damaged(path, "is missing");
    if (meta.sharded) open_shard(path);
}

ZarrArray::ZarrArray(const std::filesystem::path& folder) : ZarrArray(folder, array_meta(folder)) {}

ZarrArray::ZarrArray(const std::filesystem::path& folder, ZarrArrayMeta meta) : state_(std::make_unique<State>()) {
    state_->folder = folder;
    state_->size = extent_of(meta.shape);
    state_->chunk = extent_of(meta.chunk_shape);
    state_->inner = extent_of(meta.inner_shape);
    const auto mark = meta.attributes.find(kWrittenWhole);
    if (mark != meta.attributes.end()) {
        const auto* yes = std::get_if<bool>(&mark->second);
        state_->whole = yes != nullptr && *yes;
    }
    state_->meta = std::move(meta);
}

ZarrArray::~ZarrArray() = default;
ZarrArray::ZarrArray(ZarrArray&&) noexcept = default;
ZarrArray& ZarrArray::operator=(ZarrArray&&) noexcept = default;

const ZarrArrayMeta& ZarrArray::meta() const { return state_->meta; }
const std::filesystem::path& ZarrArray::folder() const { return state_->folder; }
std::int64_t ZarrArray::n_rows() const { return state_->size.rows; }
std::int64_t ZarrArray::n_cols() const { return state_->size.cols; }
std::int64_t ZarrArray::size() const { return n_rows() * n_cols(); }

template <class T>
void ZarrArray::read(std::int64_t first_row, std::span<T> out) const {
    State& s = *state_;
    if (s.meta.type == ZarrType::text) invalid_data(fmt::format("{}: holds texts where numbers are expected.", s.folder.string()), "Check the file's contents.");
    if (out.empty()) return;
    const std::int64_t n_rows_out = static_cast<std::int64_t>(out.size()) / s.size.cols;
    MORULA_ASSERT(n_rows_out * s.size.cols == static_cast<std::int64_t>(out.size()) && first_row >= 0 && first_row + n_rows_out <= s.size.rows);
    const std::int64_t last_row = first_row + n_rows_out;
    const std::int64_t element_bytes = zarr_type_size(s.meta.type);
    T fill{};
    const auto* fill_bytes = reinterpret_cast<const std::byte*>(&s.meta.fill_value);
    const bool fill_fits = bytes_to_numbers(ZarrType::float64, fill_bytes, 1, &fill);
    thread_local std::vector<std::byte> decoded;
    for (std::int64_t r = first_row / s.inner.rows; r * s.inner.rows < last_row; ++r) {
        const std::int64_t begin = std::max(first_row, r * s.inner.rows);
        const std::int64_t end = std::min(last_row, (r + 1) * s.inner.rows);
        for (std::int64_t c = 0; c * s.inner.cols < s.size.cols; ++c) {
            const bool present = s.load(r, c, decoded);
            if (!present && !fill_fits) damaged(s.folder, fmt::format("chunk ({}, {}) is missing and its fill value does not fit where it is needed", r, c));
            const std::int64_t first_col = c * s.inner.cols;
            const std::int64_t width = std::min(s.inner.cols, s.size.cols - first_col);
            const bool full_width = width == s.inner.cols && width == s.size.cols;
            const std::int64_t n_pieces = full_width ? 1 : end - begin;  // pieces that are contiguous on both sides
            const std::int64_t piece = full_width ? (end - begin) * width : width;
            for (std::int64_t i = 0; i < n_pieces; ++i) {
                T* to = out.data() + (begin + i - first_row) * s.size.cols + first_col;
                if (!present) {
                    std::fill_n(to, piece, fill);
                } else if (!bytes_to_numbers(s.meta.type, decoded.data() + (begin + i - r * s.inner.rows) * s.inner.cols * element_bytes, piece, to)) {
                    invalid_data(fmt::format("{}: a value of type {} in chunk ({}, {}) does not fit where it is needed.", s.folder.string(), zarr_type_name(s.meta.type), r, c),
                                 "Check the values: whole numbers within range are expected here.");
                }
            }
        }
    }
}

template <class T>
std::vector<T> ZarrArray::read_all(Context& context) const {
    state_->check_can_be_complete();
    const std::int64_t row_bytes = checked_size_product(n_cols(), static_cast<std::int64_t>(sizeof(T)));
    context.require_memory(checked_size_product(n_rows(), row_bytes), state_->folder.string());
    std::vector<T> values(static_cast<std::size_t>(size()));
    if (values.empty()) return values;
    const std::int64_t rows_a_block = state_->inner.rows;
    parallel_blocks(context, n_rows(), rows_a_block, [&](Block block) {
        read(block.begin, std::span<T>(values).subspan(static_cast<std::size_t>(block.begin * n_cols()), static_cast<std::size_t>(block.size() * n_cols())));
    });
    return values;
}

std::vector<std::string> ZarrArray::read_texts(Context& context) const {
    State& s = *state_;
    if (s.meta.type != ZarrType::text || s.meta.shape.size() > 1) {
        invalid_data(fmt::format("{}: holds {} values where a list of texts is expected.", s.folder.string(), zarr_type_name(s.meta.type)), "Check the file's contents.");
    }
    s.check_can_be_complete();
    context.require_memory(checked_size_product(size(), static_cast<std::int64_t>(sizeof(std::string))), s.folder.string());
    std::vector<std::string> texts;
    std::vector<std::byte> decoded;
    std::vector<std::string> chunk;
    for (std::int64_t r = 0; r * s.inner.rows < s.size.rows; ++r) {
        chunk.clear();
        if (s.load(r, 0, decoded)) {
            const std::string problem = bytes_to_texts(decoded, s.inner.rows, chunk);
            if (!problem.empty()) damaged(s.folder, fmt::format("chunk {} is damaged: {}", r, problem));
        } else {
            chunk.resize(static_cast<std::size_t>(s.inner.rows));
        }
        const auto used = static_cast<std::ptrdiff_t>(std::min(s.inner.rows, s.size.rows - r * s.inner.rows));
        texts.insert(texts.end(), std::make_move_iterator(chunk.begin()), std::make_move_iterator(chunk.begin() + used));
    }
    return texts;
}

template void ZarrArray::read(std::int64_t, std::span<std::uint8_t>) const;
template void ZarrArray::read(std::int64_t, std::span<std::int32_t>) const;
template void ZarrArray::read(std::int64_t, std::span<std::int64_t>) const;
template void ZarrArray::read(std::int64_t, std::span<std::uint32_t>) const;
template void ZarrArray::read(std::int64_t, std::span<float>) const;
template void ZarrArray::read(std::int64_t, std::span<double>) const;
template std::vector<std::uint8_t> ZarrArray::read_all(Context&) const;
template std::vector<std::int32_t> ZarrArray::read_all(Context&) const;
template std::vector<std::int64_t> ZarrArray::read_all(Context&) const;
template std::vector<std::uint32_t> ZarrArray::read_all(Context&) const;
template std::vector<float> ZarrArray::read_all(Context&) const;
template std::vector<double> ZarrArray::read_all(Context&) const;

}  // namespace morula::formats
