#include "morula/formats/hdf5/h5_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

#include "morula/core/checked_cast.hpp"
#include "morula/core/error.hpp"
#include "morula/formats/hdf5/h5_array.hpp"
#include "morula/matrix/entry_scans.hpp"

namespace morula::formats::h5 {

namespace {

using matrix::CsrScratch;
using matrix::CsrView;
using matrix::Range;

constexpr std::int64_t kDensePieceBytes = std::int64_t{16} << 20;
constexpr std::size_t kMostChunkCacheBytes = std::size_t{256} << 20;

// Offsets that start at 0, never fall, and end at the number of entries.
std::vector<std::int64_t> read_offsets(const Object& group, std::int64_t n_major, std::int64_t n_entries) {
    const Array array(open(group, "indptr"));
    if (array.size() != n_major + 1) {
        invalid_data(array.place() + " has " + std::to_string(array.size()) + " offsets, but " + std::to_string(n_major + 1) + " are needed for " + std::to_string(n_major) + " rows or columns.",
                     "The file is inconsistent: write it again.");
    }
    std::vector<std::int64_t> offsets(static_cast<std::size_t>(array.size()));
    array.read(0, std::span<std::int64_t>(offsets));
    for (std::size_t i = 0; i < offsets.size(); ++i) {
        if (offsets[i] < (i == 0 ? 0 : offsets[i - 1]) || offsets[i] > n_entries || (i == 0 && offsets[i] != 0)) {
            invalid_data(array.place() + ": offset " + std::to_string(i + 1) + " is " + std::to_string(offsets[i]) + "; offsets must start at 0, never fall, and end at " +
                             std::to_string(n_entries) + ".",
                         "The file may be damaged: copy or download it again.");
        }
    }
    return offsets;
}

void check_lengths(const Array& indices, const Array& values) {
    if (indices.size() != values.size()) {
        invalid_data(values.place() + " has " + std::to_string(values.size()) + " values, but " + std::to_string(indices.size()) + " indices.", "The file is inconsistent: write it again.");
    }
}

void check_extent(const Object& object, std::int64_t n_rows, std::int64_t n_cols) {
    constexpr std::int64_t limit = std::numeric_limits<std::uint32_t>::max();
    if (n_rows < 0 || n_cols < 0 || n_rows > (std::int64_t{1} << 40) || n_cols > limit) {
        invalid_data(object.place() + " declares a shape of " + std::to_string(n_rows) + " x " + std::to_string(n_cols) + ".", "The file may be damaged: copy or download it again.");
    }
}

// Rows [begin, end) of a compressed-row group.
class H5CsrSource : public matrix::RowBlockSource {
public:
    // row_word, col_word: what the file calls our rows and columns.
    H5CsrSource(const Object& group, std::int64_t n_rows, std::int64_t n_cols, const char* row_word, const char* col_word)
        : place_(group.place()), row_word_(row_word), col_word_(col_word), n_cols_(n_cols), indices_(open(group, "indices")), values_(open(group, "data")) {
        check_lengths(indices_, values_);
        offsets_ = read_offsets(group, n_rows, indices_.size());
    }

    std::int64_t n_rows() const override { return static_cast<std::int64_t>(offsets_.size()) - 1; }
    std::int64_t n_cols() const override { return n_cols_; }
    std::int64_t nnz() const override { return offsets_.back(); }

    CsrView read(Range rows, CsrScratch& scratch) const override {
        MORULA_ASSERT(rows.begin >= 0 && rows.begin <= rows.end && rows.end <= n_rows());
        matrix::Csr& csr = scratch.csr;
        const std::int64_t first = offsets_[static_cast<std::size_t>(rows.begin)];
        const auto n = static_cast<std::size_t>(offsets_[static_cast<std::size_t>(rows.end)] - first);
        csr.n_rows = rows.size();
        csr.n_cols = n_cols_;
        csr.indptr.resize(static_cast<std::size_t>(rows.size()) + 1);
        for (std::int64_t r = rows.begin; r <= rows.end; ++r) {
            csr.indptr[static_cast<std::size_t>(r - rows.begin)] = offsets_[static_cast<std::size_t>(r)] - first;
        }
        csr.indices.resize(n);
        csr.values.resize(n);
        indices_.read(first, std::span<std::uint32_t>(csr.indices));
        values_.read(first, std::span<float>(csr.values));
        order_rows(rows.begin, csr);
        drop_zeros(csr);
        return csr.view();
    }
    bool cheap_in_pieces() const override { return indices_.is_contiguous() && values_.is_contiguous(); }

private:
    void order_rows(std::int64_t first_row, matrix::Csr& csr) const {
        for (std::int64_t r = 0; r < csr.n_rows; ++r) {
            const auto begin = static_cast<std::size_t>(csr.indptr[static_cast<std::size_t>(r)]);
            const auto end = static_cast<std::size_t>(csr.indptr[static_cast<std::size_t>(r) + 1]);
            if (!matrix::strictly_increasing(std::span(csr.indices).subspan(begin, end - begin))) {
                sort_row(first_row, first_row + r, begin, end, csr);
            }
            if (begin < end && csr.indices[end - 1] >= n_cols_) {
                invalid_data(place_ + ": " + row_word_ + " " + std::to_string(first_row + r + 1) + " names " + col_word_ + " " + std::to_string(csr.indices[end - 1] + std::int64_t{1}) + "; the matrix has " +
                                 std::to_string(n_cols_) + ".",
                             "The file may be damaged: copy or download it again.");
            }
        }
    }

    void sort_row(std::int64_t first_row, std::int64_t row, std::size_t begin, std::size_t end, matrix::Csr& csr) const {
        csr.sort_row(row - first_row);
        for (std::size_t i = begin + 1; i < end; ++i) {
            if (csr.indices[i] == csr.indices[i - 1]) {
                invalid_data(place_ + ": " + row_word_ + " " + std::to_string(row + 1) + " names " + col_word_ + " " + std::to_string(csr.indices[i] + std::int64_t{1}) + " twice.",
                             "In Python, call X.sum_duplicates() if the values are meant to be added, and save the file again.");
            }
        }
    }

    // Explicit zeros count as entries in some programs and not in others; here an entry is a value.
    static void drop_zeros(matrix::Csr& csr) {
        if (!matrix::has_zero(csr.values)) {
            return;
        }
        std::size_t to = 0;
        std::size_t from = 0;
        for (std::int64_t r = 0; r < csr.n_rows; ++r) {
            const auto end = static_cast<std::size_t>(csr.indptr[static_cast<std::size_t>(r) + 1]);
            for (; from < end; ++from) {
                if (csr.values[from] != 0.0F) {
                    csr.indices[to] = csr.indices[from];
                    csr.values[to++] = csr.values[from];
                }
            }
            csr.indptr[static_cast<std::size_t>(r) + 1] = static_cast<std::int64_t>(to);
        }
        csr.indices.resize(to);
        csr.values.resize(to);
    }

    std::string place_;
    const char* row_word_;
    const char* col_word_;
    std::int64_t n_cols_;
    Array indices_;
    Array values_;
    std::vector<std::int64_t> offsets_;
};

// A compressed-column group, turned around in memory when first read.
class H5CscSource : public matrix::RowBlockSource {
public:
    H5CscSource(const Object& group, std::int64_t n_rows, std::int64_t n_cols) : columns_(group, n_cols, n_rows, "column", "row"), n_rows_(n_rows) {}

    std::int64_t n_rows() const override { return n_rows_; }
    std::int64_t n_cols() const override { return columns_.n_rows(); }
    std::int64_t nnz() const override { return columns_.nnz(); }

    CsrView read(Range rows, CsrScratch&) const override {
        MORULA_ASSERT(rows.begin >= 0 && rows.begin <= rows.end && rows.end <= n_rows_);
        std::call_once(turned_, [this] { turn(); });
        CsrView view = rows_.view();
        view.indptr = view.indptr.subspan(static_cast<std::size_t>(rows.begin), static_cast<std::size_t>(rows.size()) + 1);
        view.n_rows = rows.size();
        return view;
    }

private:
    static constexpr std::int64_t kColumnsAtOnce = 256;

    template <class Body>
    void for_each_block(const Body& body) const {
        CsrScratch scratch;
        for (std::int64_t c = 0; c < n_cols(); c += kColumnsAtOnce) {
            body(c, columns_.read({c, std::min(c + kColumnsAtOnce, n_cols())}, scratch));
        }
    }

    void turn() const {
        matrix::Csr csr;
        csr.n_rows = n_rows_;
        csr.n_cols = n_cols();
        csr.indptr.assign(static_cast<std::size_t>(n_rows_) + 1, 0);
        for_each_block([&](std::int64_t, const CsrView& block) {
            for (const std::uint32_t row : block.indices.first(static_cast<std::size_t>(block.nnz()))) {
                ++csr.indptr[row + std::size_t{1}];
            }
        });
        for (std::size_t r = 1; r < csr.indptr.size(); ++r) {
            csr.indptr[r] += csr.indptr[r - 1];
        }
        csr.indices.resize(static_cast<std::size_t>(csr.indptr.back()));
        csr.values.resize(csr.indices.size());
        std::vector<std::int64_t> next(csr.indptr.begin(), csr.indptr.end() - 1);
        for_each_block([&](std::int64_t first, const CsrView& block) {
            for (std::int64_t c = 0; c < block.n_rows; ++c) {
                const std::span<const std::uint32_t> cells = block.row_indices(c);
                const std::span<const float> values = block.row_values(c);
                for (std::size_t i = 0; i < cells.size(); ++i) {
                    const auto to = static_cast<std::size_t>(next[cells[i]]++);
                    csr.indices[to] = static_cast<std::uint32_t>(first + c);
                    csr.values[to] = values[i];
                }
            }
        });
        rows_ = std::move(csr);
    }

    H5CsrSource columns_;  // the transposed matrix by its rows
    std::int64_t n_rows_;
    mutable std::once_flag turned_;
    mutable matrix::Csr rows_;
};

// A dense data set, read in pieces by the library with a chunk cache that holds one band of chunks.
class H5DenseSource : public matrix::RowBlockSource {
public:
    H5DenseSource(const Object& object, const MatrixInfo& info) : dataset_{object.file, object.path, Id()}, info_(info) {
        const Lock lock;
        integers_ = dataset_info(object).type == TypeClass::integer;
        const Id creation(H5Dget_create_plist(object.id));
        const Id access(H5Pcreate(H5P_DATASET_ACCESS));
        hsize_t chunk[2] = {1, 1};
        if (H5Pget_layout(creation) == H5D_CHUNKED && H5Pget_chunk(creation, 2, chunk) == 2) {
            const auto band = static_cast<std::size_t>(std::min<std::int64_t>(static_cast<std::int64_t>(chunk[0]), info.n_rows + 1) * (info.n_cols + static_cast<std::int64_t>(chunk[1])) * 8);
            H5Pset_chunk_cache(access, 12421, std::clamp(band, std::size_t{1} << 20, kMostChunkCacheBytes), 1.0);
        }
        dataset_.id = Id(H5Dopen2(object.file->id, object.path.c_str(), access));
        if (!dataset_.id.valid()) {
            damaged(object.place(), "cannot be opened");
        }
    }

    std::int64_t n_rows() const override { return info_.n_rows; }
    std::int64_t n_cols() const override { return info_.n_cols; }
    std::int64_t nnz() const override { return info_.nnz; }

    CsrView read(Range rows, CsrScratch& scratch) const override {
        MORULA_ASSERT(rows.begin >= 0 && rows.begin <= rows.end && rows.end <= n_rows());
        matrix::Csr& csr = scratch.csr;
        csr.start(rows.size(), info_.n_cols);
        const std::int64_t piece = std::max<std::int64_t>(1, kDensePieceBytes / (4 * std::max<std::int64_t>(1, info_.n_cols)));
        std::vector<float> dense;
        for (std::int64_t r = rows.begin; r < rows.end; r += piece) {
            const std::int64_t n = std::min(piece, rows.end - r);
            dense.resize(static_cast<std::size_t>(n * info_.n_cols));
            read_dense(r, n, dense.data());
            for (std::int64_t i = 0; i < n; ++i) {
                append_row(r + i, std::span<const float>(dense).subspan(static_cast<std::size_t>(i * info_.n_cols), static_cast<std::size_t>(info_.n_cols)), csr);
            }
        }
        return csr.view();
    }

private:
    void read_dense(std::int64_t first, std::int64_t n, float* out) const {
        if (info_.n_cols == 0) {
            return;
        }
        const Lock lock;
        const hsize_t start[2] = {static_cast<hsize_t>(first), 0};
        const hsize_t count[2] = {static_cast<hsize_t>(n), static_cast<hsize_t>(info_.n_cols)};
        const Id space(H5Dget_space(dataset_.id));
        const Id memory(H5Screate_simple(2, count, nullptr));
        if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, count, nullptr) < 0 || H5Dread(dataset_.id, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, out) < 0) {
            damaged(dataset_.place(), "rows " + std::to_string(first + 1) + " to " + std::to_string(first + n) + " cannot be read");
        }
    }

    void append_row(std::int64_t row, std::span<const float> values, matrix::Csr& csr) const {
        for (std::size_t c = 0; c < values.size(); ++c) {
            if (values[c] == 0.0F) {
                continue;
            }
            if (integers_ && std::fabs(values[c]) > 4294967296.0F) {
                invalid_data(dataset_.place() + ": row " + std::to_string(row + 1) + ", column " + std::to_string(c + 1) + " holds a number above 2^32.", "Check the counts.");
            }
            csr.indices.push_back(static_cast<std::uint32_t>(c));
            csr.values.push_back(values[c]);
        }
        csr.end_row();
    }

    Object dataset_;
    MatrixInfo info_;
    bool integers_ = false;
};

std::string sparse_form(const Object& object) {
    const std::string encoding = text_attribute(object, "encoding-type");
    if (!encoding.empty()) {
        return encoding;
    }
    const std::string older = text_attribute(object, "h5sparse_format");  // AnnData before 0.7
    return older.empty() ? "" : older + "_matrix";
}

MatrixInfo sparse_info(const Object& group) {
    MatrixInfo info;
    const std::string form = sparse_form(group);
    if (form != "csr_matrix" && form != "csc_matrix") {
        fail(ErrorCode::unsupported, group.place() + " is encoded as '" + form + "', which is not a matrix that is read here.", "Save the matrix as scipy.sparse.csr_matrix.");
    }
    info.form = form == "csr_matrix" ? MatrixForm::csr : MatrixForm::csc;
    const std::vector<std::int64_t> shape = integers_attribute(group, has_attribute(group, "shape") ? "shape" : "h5sparse_shape");
    if (shape.size() != 2) {
        invalid_data(group.place() + " declares no shape.", "The file is inconsistent: write it again.");
    }
    info.n_rows = shape[0];
    info.n_cols = shape[1];
    const DatasetInfo data = dataset_info(open(group, "data"));
    info.nnz = data.n_elements;
    return info;
}

}  // namespace

MatrixInfo matrix_info(const Object& object) {
    const Lock lock;
    MatrixInfo info;
    if (H5Iget_type(object.id) == H5I_GROUP) {
        info = sparse_info(object);
    } else {
        const DatasetInfo dataset = dataset_info(object);
        if (dataset.shape.size() != 2 || (dataset.type != TypeClass::integer && dataset.type != TypeClass::real)) {
            invalid_data(object.place() + " is not a matrix of numbers (it has " + std::to_string(dataset.shape.size()) + " dimensions).", "Save the file again with AnnData 0.8 or newer.");
        }
        info = {MatrixForm::dense, dataset.shape[0], dataset.shape[1], dataset.n_elements};
    }
    check_extent(object, info.n_rows, info.n_cols);
    return info;
}

matrix::Matrix open_csr(const Object& group, std::int64_t n_rows, std::int64_t n_cols) {
    check_extent(group, n_rows, n_cols);
    return std::make_shared<H5CsrSource>(group, n_rows, n_cols, "row", "column");
}

matrix::Matrix open_matrix(const Object& object, Context& context) {
    const MatrixInfo info = matrix_info(object);
    switch (info.form) {
        case MatrixForm::csr:
            return open_csr(object, info.n_rows, info.n_cols);
        case MatrixForm::csc:
            check_extent(object, info.n_cols, info.n_rows);
            context.require_memory(checked_size_product(info.nnz, 8) + checked_size_product(info.n_rows, 16), "Turning the column matrix " + object.place() + " into rows");
            return std::make_shared<H5CscSource>(object, info.n_rows, info.n_cols);
        case MatrixForm::dense:
            break;
    }
    return std::make_shared<H5DenseSource>(object, info);
}

}  // namespace morula::formats::h5
