#include "morula/formats/zarr/zarr_csr.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::formats {
namespace {

constexpr std::int64_t kMostColumns = std::int64_t{1} << 32;
constexpr std::int64_t kBlockBytes = 16'000'000;      // of rows read at once, a thread
constexpr std::int64_t kCopyElements = 1 << 20;

[[noreturn]] void damaged(const std::filesystem::path& folder, std::string_view what) {
    invalid_data(fmt::format("{}: {}.", folder.string(), what), "The matrix is damaged: write or copy the folder again (`morula verify` lists all damage of an atlas).");
}

/// The smallest type that holds all values: uint8, uint16, uint32 or float32. Works on the bits, whose order is that of the values where the sign is clear,
/// so that the loop has no branch and no order (it is run over every stored value).
ZarrType smallest_type(std::span<const float> values) {
    constexpr auto kWholeFrom = std::bit_cast<std::uint32_t>(8'388'608.0F);  // 2^23: floats from here on are whole numbers
    std::uint32_t not_whole = 0;
    std::uint32_t all_bits = 0;
    std::uint32_t largest = 0;
    for (const float value : values) {
        const auto bits = std::bit_cast<std::uint32_t>(value);
        const float part = bits < kWholeFrom ? value : 0.0F;
        not_whole |= static_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(part)) != part);
        all_bits |= bits;
        largest = std::max(largest, bits);
    }
    const bool has_sign = (all_bits >> 31) != 0;  // negative, or -0, which only a float keeps
    if (not_whole != 0 || has_sign || largest >= std::bit_cast<std::uint32_t>(4'294'967'296.0F)) return ZarrType::float32;  // also infinite and NaN
    if (largest < std::bit_cast<std::uint32_t>(256.0F)) return ZarrType::uint8;
    return largest < std::bit_cast<std::uint32_t>(65'536.0F) ? ZarrType::uint16 : ZarrType::uint32;
}

int width_of(ZarrType type) { return type == ZarrType::float32 ? 5 : static_cast<int>(zarr_type_size(type)); }

/// Values of a matrix whose type is found while they pass: starts with uint8 and writes what is there again when a value needs more.
/// That happens at most three times, early in real data, so no extra pass over the source is needed.
class ValuesWriter {
public:
    ValuesWriter(ZarrTreeWriter& tree, std::string path, ValueStorage storage)
        : tree_(tree), path_(std::move(path)), storage_(storage), type_(storage == ValueStorage::float32 ? ZarrType::float32 : ZarrType::uint8) {
        start();
    }

    void append(std::span<const float> values) {
        if (storage_ == ValueStorage::smallest && type_ != ZarrType::float32) {
            const ZarrType needed = smallest_type(values);
            if (width_of(needed) > width_of(type_)) widen(needed);
        }
        writer_->append(values);
    }
    void finish() { writer_->finish(); }

private:
    void start() { writer_ = std::make_unique<ZarrArrayWriter>(tree_, path_, type_, 0, ZarrAttributes{}); }

    void widen(ZarrType type) {
        type_ = type;
        if (writer_->size() == 0) {
            writer_.reset();
            start();
            return;
        }
        writer_->finish();
        const std::string old_path = path_ + ".narrow";
        std::filesystem::rename(tree_.folder() / path_, tree_.folder() / old_path);
        const ZarrArray old(tree_.folder() / old_path, writer_->meta());
        tree_.remove_array(path_);
        start();
        std::vector<float> piece;
        for (std::int64_t at = 0; at < old.size(); at += kCopyElements) {
            piece.resize(static_cast<std::size_t>(std::min(kCopyElements, old.size() - at)));
            old.read(at, std::span<float>(piece));
            writer_->append(std::span<const float>(piece));
        }
        std::filesystem::remove_all(tree_.folder() / old_path);
    }

    ZarrTreeWriter& tree_;
    std::string path_;
    ValueStorage storage_;
    ZarrType type_;
    std::unique_ptr<ZarrArrayWriter> writer_;
};

/// Rows read at once: a power of two up to a tile, about kBlockBytes.
std::int64_t rows_a_block(const matrix::RowBlockSource& source) {
    const std::int64_t bytes_a_row = 8 * source.nnz() / std::max<std::int64_t>(1, source.n_rows()) + 8;
    std::int64_t rows = matrix::kTileCells;
    while (rows > 16 && rows * bytes_a_row > kBlockBytes) rows /= 2;
    return rows;
}

/// The first row whose columns do not increase or lie outside, or -1.
std::int64_t first_bad_row(const matrix::CsrView& rows) {
    for (std::int64_t r = 0; r < rows.n_rows; ++r) {
        const auto ids = rows.row_indices(r);
        bool bad = !ids.empty() && ids.back() >= static_cast<std::uint64_t>(rows.n_cols);
        for (std::size_t i = 1; i < ids.size(); ++i) bad |= ids[i] <= ids[i - 1];
        if (bad) return r;
    }
    return -1;
}

ZarrGroupMeta read_group(const std::filesystem::path& folder) {
    ZarrNode node = read_zarr_node(folder);
    auto* group = std::get_if<ZarrGroupMeta>(&node);
    if (group == nullptr) damaged(folder, "is an array where a group is expected");
    return std::move(*group);
}

/// A dense matrix on disk, delivered without its zeros.
class ZarrDenseSource final : public matrix::RowBlockSource {
public:
    explicit ZarrDenseSource(const std::filesystem::path& folder) : array_(folder) {
        if (array_.meta().shape.size() != 2 || array_.meta().type == ZarrType::text) damaged(folder, "is no matrix of numbers");
        if (array_.n_cols() > kMostColumns) damaged(folder, "declares too many columns");
    }
    std::int64_t n_rows() const override { return array_.n_rows(); }
    std::int64_t n_cols() const override { return array_.n_cols(); }
    std::int64_t nnz() const override { return array_.size(); }

    matrix::CsrView read(matrix::Range rows, matrix::CsrScratch& scratch) const override {
        matrix::Csr& csr = scratch.csr;
        csr.start(rows.size(), n_cols());
        std::vector<float> row(static_cast<std::size_t>(n_cols()));
        for (std::int64_t r = rows.begin; r < rows.end; ++r) {
            array_.read(r, std::span<float>(row));
            for (std::size_t c = 0; c < row.size(); ++c) {
                if (row[c] == 0.0F) continue;
                csr.indices.push_back(static_cast<std::uint32_t>(c));
                csr.values.push_back(row[c]);
            }
            csr.end_row();
        }
        return csr.view();
    }

private:
    ZarrArray array_;
};

}  // namespace

ZarrCsrSource::ZarrCsrSource(const std::filesystem::path& folder, Context& context) {
    const ZarrGroupMeta group = read_group(folder);
    const std::string encoding = text_attribute(group.attributes, "encoding-type");
    if (encoding != "csr_matrix") damaged(folder, fmt::format("its encoding-type is '{}' where 'csr_matrix' is expected", encoding));
    const auto shape = group.attributes.find("shape");
    const auto* sizes = shape == group.attributes.end() ? nullptr : std::get_if<std::vector<std::int64_t>>(&shape->second);
    if (sizes == nullptr || sizes->size() != 2 || (*sizes)[0] < 0 || (*sizes)[1] < 0 || (*sizes)[1] > kMostColumns) damaged(folder, "its attribute 'shape' is no shape of a matrix");
    n_rows_ = (*sizes)[0];
    n_cols_ = (*sizes)[1];
    const ZarrArray indptr(folder / "indptr");
    indices_ = std::make_unique<ZarrArray>(folder / "indices");
    values_ = std::make_unique<ZarrArray>(folder / "data");
    if (indptr.size() - 1 != n_rows_) damaged(folder, fmt::format("indptr holds {} offsets, {} rows need one more than their number", indptr.size(), n_rows_));
    indptr_ = indptr.read_all<std::int64_t>(context);
    if (indptr_.front() != 0 || !std::is_sorted(indptr_.begin(), indptr_.end())) damaged(folder, "indptr does not rise from 0");
    if (indptr_.back() != indices_->size() || indptr_.back() != values_->size()) {
        damaged(folder, fmt::format("indptr ends at {}, indices holds {} and data {} entries", indptr_.back(), indices_->size(), values_->size()));
    }
}

matrix::CsrView ZarrCsrSource::read(matrix::Range rows, matrix::CsrScratch& scratch) const {
    MORULA_ASSERT(rows.begin >= 0 && rows.begin <= rows.end && rows.end <= n_rows_);
    matrix::Csr& csr = scratch.csr;
    const std::int64_t first = indptr_[static_cast<std::size_t>(rows.begin)];
    const std::int64_t last = indptr_[static_cast<std::size_t>(rows.end)];
    csr.n_rows = rows.size();
    csr.n_cols = n_cols_;
    csr.indptr.resize(static_cast<std::size_t>(rows.size() + 1));
    for (std::size_t i = 0; i < csr.indptr.size(); ++i) csr.indptr[i] = indptr_[static_cast<std::size_t>(rows.begin) + i] - first;
    csr.indices.resize(static_cast<std::size_t>(last - first));
    csr.values.resize(static_cast<std::size_t>(last - first));
    indices_->read(first, std::span<std::uint32_t>(csr.indices));
    values_->read(first, std::span<float>(csr.values));
    const std::int64_t bad = first_bad_row(csr.view());
    if (bad >= 0) damaged(indices_->folder(), fmt::format("the columns of row {} do not increase or lie outside the {} columns", rows.begin + bad, n_cols_));
    return csr.view();
}

matrix::Matrix open_zarr_matrix(const std::filesystem::path& folder, Context& context) {
    const ZarrNode node = read_zarr_node(folder);
    if (std::holds_alternative<ZarrArrayMeta>(node)) return std::make_shared<ZarrDenseSource>(folder);
    if (text_attribute(std::get<ZarrGroupMeta>(node).attributes, "encoding-type") == "csc_matrix") {
        fail(ErrorCode::unsupported, fmt::format("{}: is stored by genes (csc_matrix), which is not read from Zarr.", folder.string()),
             "Convert it in Python (adata.X = adata.X.tocsr()) and write it again.");
    }
    return std::make_shared<ZarrCsrSource>(folder, context);
}

void write_zarr_csr(ZarrTreeWriter& tree, const std::string& path, const matrix::RowBlockSource& source, ValueStorage storage, const RowObserver& observer) {
    Context& context = tree.context();
    const std::int64_t n_rows = source.n_rows();
    if (source.n_cols() > kMostColumns) invalid_data(fmt::format("{}: has {} columns, at most {} can be stored.", path, source.n_cols(), kMostColumns), "Check the input.");
    const ZarrType id_type = source.n_cols() <= 65'536 ? ZarrType::uint16 : ZarrType::uint32;
    ZarrArrayWriter indptr(tree, path + "/indptr", ZarrType::int64, 0, {});
    ZarrArrayWriter indices(tree, path + "/indices", id_type, 0, {});
    ValuesWriter values(tree, path + "/data", storage);
    std::int64_t offset = 0;
    indptr.append(std::span<const std::int64_t>(&offset, 1));

    const std::int64_t block_rows = rows_a_block(source);
    const std::int64_t batch_rows = block_rows * std::max(1, context.threads());
    std::vector<matrix::CsrScratch> scratch(static_cast<std::size_t>(batch_rows / block_rows));
    std::vector<matrix::CsrView> views(scratch.size());
    std::vector<std::int64_t> offsets;
    Progress progress(context, "store " + path, n_rows, "cells");
    for (std::int64_t begin = 0; begin < n_rows; begin += batch_rows) {
        const std::int64_t end = std::min(n_rows, begin + batch_rows);
        parallel_blocks(context, end - begin, block_rows, [&](Block block) {
            const auto slot = static_cast<std::size_t>(block.index);
            views[slot] = source.read({begin + block.begin, begin + block.end}, scratch[slot]);
            const std::int64_t bad = first_bad_row(views[slot]);
            if (bad >= 0) {
                invalid_data(fmt::format("{}: the columns of row {} do not increase or lie outside the {} columns.", path, begin + block.begin + bad, source.n_cols()),
                             "The input is damaged or not sorted; write it again with sorted indices.");
            }
        });
        for (std::int64_t first = begin; first < end; first += block_rows) {
            const matrix::CsrView& rows = views[static_cast<std::size_t>((first - begin) / block_rows)];
            if (observer) observer(rows, first);
            offsets.clear();
            for (std::int64_t r = 0; r < rows.n_rows; ++r) {
                offset += static_cast<std::int64_t>(rows.row_indices(r).size());
                offsets.push_back(offset);
            }
            indptr.append(std::span<const std::int64_t>(offsets));
            const auto at = static_cast<std::size_t>(rows.n_rows == 0 ? 0 : rows.indptr[0]);
            const auto count = static_cast<std::size_t>(rows.nnz());
            indices.append(rows.indices.subspan(at, count));
            values.append(rows.values.subspan(at, count));
            progress.advance(rows.n_rows);
        }
    }
    indptr.finish();
    indices.finish();
    values.finish();
    tree.group(path, {{"encoding-type", std::string("csr_matrix")}, {"encoding-version", std::string("0.1.0")}, {"shape", std::vector<std::int64_t>{n_rows, source.n_cols()}}});
}

}  // namespace morula::formats
