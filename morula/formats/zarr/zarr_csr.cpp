#include "morula/formats/zarr/zarr_csr.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"

namespace morula::formats {
namespace {


[[noreturn]] void damaged(const std::filesystem::path& folder, std::string_view what) {
    invalid_data(fmt::format("{}: {}.", folder.string(), what), "The matrix is damaged: write or copy the folder again (`morula verify` lists all damage of an atlas).");
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
    const std::int64_t bad = matrix::first_bad_row(csr.view());
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

}  // namespace morula::formats
