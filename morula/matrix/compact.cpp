// A copy of a matrix in memory at about 3 bytes a non-zero: small integers for columns and counts, decoded block by block.
#include <algorithm>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "morula/core/checked_cast.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/block_buffer.hpp"
#include "morula/matrix/block_source.hpp"
#include "morula/matrix/compact_values.hpp"
#include "morula/matrix/huge_pages.hpp"
#include "morula/matrix/row_sizes.hpp"
#include "morula/matrix/scratch_pool.hpp"
#include "morula/matrix/widen.hpp"

namespace morula::matrix {
namespace {

struct Chunk {
    std::span<const std::uint16_t> short_ids;  // in the arena; empty above kMostShortColumns
    std::vector<std::uint32_t> long_ids;
    CompactValues values;
};

// Escapes hold 32-bit positions: a chunk has at most 2^32 entries, so fewer rows where a row may hold more than 2^22.
constexpr std::int64_t kChunkRows = 1024;
constexpr std::int64_t kChunkEntries = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t kCheapEntries = 65'536;  // read and packed at once where pieces are cheap: half a megabyte, which stays in the cache in between
constexpr std::int64_t kMostShortColumns = 65'536;

std::int64_t rows_of_chunk(const RowBlockSource& source) {
    const std::int64_t most = std::clamp<std::int64_t>(kChunkEntries / std::max<std::int64_t>(source.n_cols(), 1), 1, kChunkRows);
    if (!source.cheap_in_pieces()) return most;
    return std::clamp<std::int64_t>(kCheapEntries / (source.nnz() / std::max<std::int64_t>(source.n_rows(), 1) + 1), 1, most);
}

void decode_ids(const Chunk& chunk, std::int64_t begin, std::int64_t n, std::uint32_t* to) {
    if (chunk.long_ids.empty()) {
        widen(chunk.short_ids.data() + begin, n, to);
    } else {
        std::copy_n(chunk.long_ids.data() + begin, n, to);
    }
}

class CompactSource final : public RowBlockSource, public RowSizes {
public:
    CompactSource(const RowBlockSource& source, Context& context)
        : n_cols_(source.n_cols()), chunk_rows_(rows_of_chunk(source)), indptr_(checked_cast<std::size_t>(source.n_rows() + 1)) {
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

    bool knows_row_sizes() const override { return true; }
    void row_sizes(Range rows, std::span<std::int64_t> out) const override {
        check_range(rows, n_rows());
        for (std::int64_t row = rows.begin; row < rows.end; ++row) out[static_cast<std::size_t>(row - rows.begin)] = offset(row + 1) - offset(row);
    }

    bool cheap_in_pieces() const override { return true; }
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
            decode_ids(from, in_chunk, n, to.indices.data() + (offset(begin) - first));
            decode_values(from.values, in_chunk, n, to.values.data() + (offset(begin) - first));
            begin = end;
        }
        return view_of_rows(to, rows.size(), n_cols_);
    }

private:
    std::int64_t offset(std::int64_t row) const { return indptr_[static_cast<std::size_t>(row)]; }

    /// Leaves the length of each row in indptr_; the offsets follow when all are known.
    void encode_chunk(const CsrView& rows, Block block) {
        for (std::int64_t r = 0; r < rows.n_rows; ++r) {
            const auto at = static_cast<std::size_t>(r);
            indptr_[static_cast<std::size_t>(block.begin + r + 1)] = rows.indptr[at + 1] - rows.indptr[at];
        }
        const auto begin = static_cast<std::size_t>(rows.n_rows == 0 ? 0 : rows.indptr[0]);
        const auto n = static_cast<std::size_t>(rows.nnz());
        Chunk& chunk = chunks_[static_cast<std::size_t>(block.index)];
        chunk.values = encode_values(rows.values.subspan(begin, n));
        const auto ids = rows.indices.subspan(begin, n);
        if (n_cols_ > kMostShortColumns) {
            chunk.long_ids.assign(ids.begin(), ids.end());
            return;
        }
        const std::span<std::uint16_t> shorts = ids_.take<std::uint16_t>(static_cast<std::int64_t>(n));
        for (std::size_t i = 0; i < n; ++i) shorts[i] = static_cast<std::uint16_t>(ids[i]);
        chunk.short_ids = shorts;
    }

    std::int64_t n_cols_;
    std::int64_t chunk_rows_;
    std::vector<std::int64_t> indptr_;
    HugeArena ids_;
    std::vector<Chunk> chunks_;
};

}  // namespace

Matrix compact_copy(const RowBlockSource& source, Context& context) { return std::make_shared<CompactSource>(source, context); }

}  // namespace morula::matrix
