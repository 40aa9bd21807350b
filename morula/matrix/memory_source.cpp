// Matrices that lie in memory as they are, and reading any source into memory.
#include <algorithm>
#include <utility>

#include "morula/core/checked_cast.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/block_buffer.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::matrix {
namespace {

class ViewSource final : public RowBlockSource {
public:
    explicit ViewSource(CsrView csr) : csr_(csr) {}

    std::int64_t n_rows() const override { return csr_.n_rows; }
    std::int64_t n_cols() const override { return csr_.n_cols; }
    std::int64_t nnz() const override { return csr_.nnz(); }
    bool cheap_in_pieces() const override { return true; }
    CsrView read(Range rows, CsrScratch&) const override {
        check_range(rows, csr_.n_rows);
        return {rows.size(), csr_.n_cols, csr_.indptr.subspan(static_cast<std::size_t>(rows.begin), static_cast<std::size_t>(rows.size() + 1)), csr_.indices, csr_.values};
    }

private:
    CsrView csr_;
};

class OwningSource final : public RowBlockSource {
public:
    explicit OwningSource(Csr csr) : csr_(std::move(csr)), source_(csr_.view()) {}

    std::int64_t n_rows() const override { return source_.n_rows(); }
    std::int64_t n_cols() const override { return source_.n_cols(); }
    std::int64_t nnz() const override { return source_.nnz(); }
    bool cheap_in_pieces() const override { return true; }
    CsrView read(Range rows, CsrScratch& scratch) const override { return source_.read(rows, scratch); }

private:
    Csr csr_;
    ViewSource source_;
};

constexpr std::int64_t kEntryBytes = sizeof(std::uint32_t) + sizeof(float);
constexpr std::int64_t kReadRows = 256;      // rows a task reads at once
constexpr std::int64_t kBlocksOfGroup = 16;  // blocks in memory beside the result

}  // namespace

CsrScratch& CsrScratch::below() {
    if (!below_) below_ = std::make_unique<CsrScratch>();
    return *below_;
}

Matrix make_source(Csr csr) { return std::make_shared<OwningSource>(std::move(csr)); }
Matrix make_view_source(CsrView csr) { return std::make_shared<ViewSource>(csr); }

Csr read_all(const RowBlockSource& source, Context& context) {
    Csr all;
    all.n_rows = source.n_rows();
    all.n_cols = source.n_cols();
    all.indptr.resize(checked_cast<std::size_t>(all.n_rows + 1));
    // nnz may be an estimate, or what a file claims: room is taken ahead only where it could be there at all.
    if (source.nnz() > 0 && source.nnz() <= context.memory_bytes() / kEntryBytes) {
        reserve_large(all.indices, source.nnz());
        reserve_large(all.values, source.nnz());
    }
    std::vector<CsrScratch> scratch(static_cast<std::size_t>(kBlocksOfGroup));
    std::vector<CsrView> views(scratch.size());
    for (std::int64_t group = 0; group < all.n_rows; group += kReadRows * kBlocksOfGroup) {
        const std::int64_t group_rows = std::min(kReadRows * kBlocksOfGroup, all.n_rows - group);
        parallel_blocks(context, group_rows, kReadRows, [&](Block block) {
            const auto i = static_cast<std::size_t>(block.index);
            views[i] = source.read({group + block.begin, group + block.end}, scratch[i]);
        });
        const std::int64_t n_blocks = (group_rows + kReadRows - 1) / kReadRows;
        std::int64_t row = group;
        for (std::int64_t block = 0; block < n_blocks; ++block) {
            const CsrView& view = views[static_cast<std::size_t>(block)];
            for (std::int64_t r = 0; r < view.n_rows; ++r, ++row) {
                const auto at = static_cast<std::size_t>(r);
                all.indptr[static_cast<std::size_t>(row + 1)] = all.indptr[static_cast<std::size_t>(row)] + view.indptr[at + 1] - view.indptr[at];
            }
        }
        const auto nnz = static_cast<std::size_t>(all.indptr[static_cast<std::size_t>(row)]);
        all.indices.resize(nnz);
        all.values.resize(nnz);
        parallel_blocks(context, n_blocks, 1, [&](Block block) {
            const CsrView& view = views[static_cast<std::size_t>(block.begin)];
            const std::int64_t to = all.indptr[static_cast<std::size_t>(group + block.begin * kReadRows)];
            std::copy_n(view.indices.begin() + view.indptr[0], view.nnz(), all.indices.begin() + to);
            std::copy_n(view.values.begin() + view.indptr[0], view.nnz(), all.values.begin() + to);
        });
    }
    return all;
}

}  // namespace morula::matrix
