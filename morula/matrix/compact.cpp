// A copy of a matrix in memory at about 3 bytes a non-zero: small integers for columns and counts, decoded block by block.
#include <algorithm>
#include <bit>
#include <limits>
#include <utility>
#include <variant>

#include "morula/core/checked_cast.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/block_buffer.hpp"
#include "morula/matrix/block_source.hpp"
#include "morula/matrix/scratch_pool.hpp"
#include "morula/matrix/widen.hpp"

namespace morula::matrix {
namespace {

/// A value that its code cannot hold.
struct Escape {
    std::uint32_t at = 0;  // position in the chunk
    float value = 0.0F;
};

/// Values of a chunk; the largest code stands for "look among the escapes".
template <class Code>
struct Coded {
    std::vector<Code> codes;
    std::vector<Escape> escapes;  // by position
};

using Ids = std::variant<std::vector<std::uint16_t>, std::vector<std::uint32_t>>;
using Values = std::variant<Coded<std::uint8_t>, Coded<std::uint16_t>, std::vector<float>>;

struct Chunk {
    Ids ids;
    Values values;
};

// Escapes hold 32-bit positions: a chunk has at most 2^32 entries, so fewer rows where a row may hold more than 2^22.
constexpr std::int64_t kChunkRows = 1024;
constexpr std::int64_t kChunkEntries = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t kMostShortColumns = 65'536;

/// The code of a value, the largest where none gives back the same bits (fractions, large and negative values, -0, NaN). Without branches, so that
/// the loop over it runs in vectors.
template <class Code>
Code code_of(float value) {
    constexpr auto kEscaped = static_cast<std::int32_t>(std::numeric_limits<Code>::max());
    const float in_range = value > 0.0F && value < static_cast<float>(kEscaped) ? value : 0.0F;
    const auto code = static_cast<std::int32_t>(in_range);
    return static_cast<Code>(std::bit_cast<std::uint32_t>(static_cast<float>(code)) == std::bit_cast<std::uint32_t>(value) ? code : kEscaped);
}

template <class Code>
std::vector<Code> codes_of(std::span<const float> values) {
    std::vector<Code> codes(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) codes[i] = code_of<Code>(values[i]);
    return codes;
}

template <class Code>
std::int64_t count_escapes(const std::vector<Code>& codes) {
    return std::count(codes.begin(), codes.end(), std::numeric_limits<Code>::max());
}

template <class Code>
Coded<Code> with_escapes(std::vector<Code> codes, std::span<const float> values, std::int64_t n_escapes) {
    Coded<Code> coded;
    coded.escapes.reserve(static_cast<std::size_t>(n_escapes));
    for (auto at = codes.begin(); (at = std::find(at, codes.end(), std::numeric_limits<Code>::max())) != codes.end(); ++at) {
        const auto i = static_cast<std::size_t>(at - codes.begin());
        coded.escapes.push_back({static_cast<std::uint32_t>(i), values[i]});
    }
    coded.codes = std::move(codes);
    return coded;
}

/// The smallest of the three forms. Any of them gives back the same bits.
Values encode_values(std::span<const float> values) {
    const auto n = static_cast<std::int64_t>(values.size());
    constexpr auto kEscapeBytes = static_cast<std::int64_t>(sizeof(Escape));
    std::vector<std::uint8_t> bytes = codes_of<std::uint8_t>(values);
    const std::int64_t escapes_8 = count_escapes(bytes);
    const std::int64_t bytes_8 = n + kEscapeBytes * escapes_8;
    if (bytes_8 <= 2 * n) return with_escapes(std::move(bytes), values, escapes_8);
    std::vector<std::uint16_t> shorts = codes_of<std::uint16_t>(values);
    const std::int64_t escapes_16 = count_escapes(shorts);
    const std::int64_t bytes_16 = 2 * n + kEscapeBytes * escapes_16;
    if (bytes_8 <= std::min(bytes_16, 4 * n)) return with_escapes(std::move(bytes), values, escapes_8);
    if (bytes_16 <= 4 * n) return with_escapes(std::move(shorts), values, escapes_16);
    return std::vector<float>(values.begin(), values.end());
}

Ids encode_ids(std::span<const std::uint32_t> ids, std::int64_t n_cols) {
    if (n_cols > kMostShortColumns) return std::vector<std::uint32_t>(ids.begin(), ids.end());
    std::vector<std::uint16_t> shorts(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) shorts[i] = static_cast<std::uint16_t>(ids[i]);
    return shorts;
}

void decode_ids(const Ids& ids, std::int64_t begin, std::int64_t n, std::uint32_t* to) {
    if (const auto* shorts = std::get_if<std::vector<std::uint16_t>>(&ids)) {
        widen(shorts->data() + begin, n, to);
    } else {
        std::copy_n(std::get<std::vector<std::uint32_t>>(ids).data() + begin, n, to);
    }
}

template <class Code>
void decode_coded(const Coded<Code>& coded, std::int64_t begin, std::int64_t n, float* to) {
    widen(coded.codes.data() + begin, n, to);
    auto escape = std::lower_bound(coded.escapes.begin(), coded.escapes.end(), begin, [](const Escape& e, std::int64_t at) { return std::int64_t{e.at} < at; });
    for (; escape != coded.escapes.end() && std::int64_t{escape->at} < begin + n; ++escape) to[std::int64_t{escape->at} - begin] = escape->value;
}

void decode_values(const Values& values, std::int64_t begin, std::int64_t n, float* to) {
    if (const auto* bytes = std::get_if<Coded<std::uint8_t>>(&values)) return decode_coded(*bytes, begin, n, to);
    if (const auto* shorts = std::get_if<Coded<std::uint16_t>>(&values)) return decode_coded(*shorts, begin, n, to);
    std::copy_n(std::get<std::vector<float>>(values).data() + begin, n, to);
}

class CompactSource final : public RowBlockSource {
public:
    CompactSource(const RowBlockSource& source, Context& context)
        : n_cols_(source.n_cols()), chunk_rows_(rows_of_chunk(n_cols_)), indptr_(checked_cast<std::size_t>(source.n_rows() + 1)) {
        const std::int64_t n_rows = source.n_rows();
        chunks_.resize(static_cast<std::size_t>((n_rows + chunk_rows_ - 1) / chunk_rows_));
        ScratchPool<> pool;
        Progress progress(context, "read counts", n_rows, "cells");
        parallel_blocks(context, n_rows, chunk_rows_, [&](Block block) {
            auto scratch = pool.take();
            encode_chunk(source.read({block.begin, block.end}, *scratch), block);
            progress.advance(block.size());
        });
        for (std::size_t r = 1; r < indptr_.size(); ++r) indptr_[r] += indptr_[r - 1];
    }

    std::int64_t n_rows() const override { return static_cast<std::int64_t>(indptr_.size()) - 1; }
    std::int64_t n_cols() const override { return n_cols_; }
    std::int64_t nnz() const override { return indptr_.back(); }

    CsrView read(Range rows, CsrScratch& scratch) const override {
        check_range(rows, n_rows());
        Csr& to = scratch.csr;
        const std::int64_t first = offset(rows.begin);
        grow_to(to.indptr, rows.size() + 1);
        grow_to(to.indices, offset(rows.end) - first);
        grow_to(to.values, offset(rows.end) - first);
        for (std::int64_t r = 0; r <= rows.size(); ++r) to.indptr[static_cast<std::size_t>(r)] = offset(rows.begin + r) - first;
        for (std::int64_t begin = rows.begin; begin < rows.end;) {
            const std::int64_t chunk = begin / chunk_rows_;
            const std::int64_t end = std::min(rows.end, (chunk + 1) * chunk_rows_);
            const std::int64_t in_chunk = offset(begin) - offset(chunk * chunk_rows_);
            const std::int64_t n = offset(end) - offset(begin);
            const Chunk& from = chunks_[static_cast<std::size_t>(chunk)];
            decode_ids(from.ids, in_chunk, n, to.indices.data() + (offset(begin) - first));
            decode_values(from.values, in_chunk, n, to.values.data() + (offset(begin) - first));
            begin = end;
        }
        return view_of_rows(to, rows.size(), n_cols_);
    }

private:
    static std::int64_t rows_of_chunk(std::int64_t n_cols) { return std::clamp<std::int64_t>(kChunkEntries / std::max<std::int64_t>(n_cols, 1), 1, kChunkRows); }
    std::int64_t offset(std::int64_t row) const { return indptr_[static_cast<std::size_t>(row)]; }

    /// Leaves the length of each row in indptr_; the offsets follow when all are known.
    void encode_chunk(const CsrView& rows, Block block) {
        for (std::int64_t r = 0; r < rows.n_rows; ++r) {
            const auto at = static_cast<std::size_t>(r);
            indptr_[static_cast<std::size_t>(block.begin + r + 1)] = rows.indptr[at + 1] - rows.indptr[at];
        }
        const auto begin = static_cast<std::size_t>(rows.n_rows == 0 ? 0 : rows.indptr[0]);
        const auto n = static_cast<std::size_t>(rows.nnz());
        chunks_[static_cast<std::size_t>(block.index)] = {encode_ids(rows.indices.subspan(begin, n), n_cols_), encode_values(rows.values.subspan(begin, n))};
    }

    std::int64_t n_cols_;
    std::int64_t chunk_rows_;
    std::vector<std::int64_t> indptr_;
    std::vector<Chunk> chunks_;
};

}  // namespace

Matrix compact_copy(const RowBlockSource& source, Context& context) { return std::make_shared<CompactSource>(source, context); }

}  // namespace morula::matrix
