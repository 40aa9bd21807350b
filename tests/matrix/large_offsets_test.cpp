// Offsets above 2^32, faked: a matrix whose entries lie far out in address space that is reserved but never touched.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>

#include "morula/matrix/compact_columns.hpp"
#include "morula/matrix/tiles.hpp"
#include "tests/support/sources.hpp"

namespace morula::matrix {
namespace {

constexpr std::int64_t kFar = (std::int64_t{1} << 32) + 12'345;

/// Room for `size` four-byte elements of which only the touched pages cost memory.
template <class T>
class FarMemory {
public:
    explicit FarMemory(std::int64_t size) : bytes_(static_cast<std::size_t>(size) * sizeof(T)) {
        at_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    ~FarMemory() {
        if (good()) munmap(at_, bytes_);
    }
    FarMemory(const FarMemory&) = delete;
    FarMemory& operator=(const FarMemory&) = delete;
    bool good() const { return at_ != MAP_FAILED; }
    T* data() const { return static_cast<T*>(at_); }

private:
    std::size_t bytes_;
    void* at_;
};

TEST(LargeOffsets, a_matrix_far_out_reads_like_one_at_the_start) {
    const Csr csr = test::random_counts(3000, 30, 0.3, 1);
    const auto nnz = static_cast<std::int64_t>(csr.values.size());
    const FarMemory<std::uint32_t> indices(kFar + nnz);
    const FarMemory<float> values(kFar + nnz);
    if (!indices.good() || !values.good()) GTEST_SKIP() << "this system does not lend 2 x 17 GB of address space";
    std::copy(csr.indices.begin(), csr.indices.end(), indices.data() + kFar);
    std::copy(csr.values.begin(), csr.values.end(), values.data() + kFar);
    std::vector<std::int64_t> indptr = csr.indptr;
    for (std::int64_t& offset : indptr) offset += kFar;
    const auto size = static_cast<std::size_t>(kFar + nnz);
    const CsrView far_view{csr.n_rows, csr.n_cols, indptr, {indices.data(), size}, {values.data(), size}};

    EXPECT_EQ(far_view.nnz(), nnz);
    EXPECT_NO_THROW(check_csr(far_view, "far"));
    const Matrix far_out = make_view_source(far_view);
    const Matrix near = make_source(csr);
    const auto context = test::make_context(2);
    const auto expect_same = [&](const Matrix& a, const Matrix& b) { EXPECT_TRUE(test::same_csr(read_all(*a, *context), read_all(*b, *context))); };
    expect_same(far_out, near);
    expect_same(test::read_seven_rows(far_out), near);
    expect_same(compact_copy(*far_out, *context), near);
    expect_same(select(far_out, {3, 4, 9, 2000}, {1, 5, 29}), select(near, {3, 4, 9, 2000}, {1, 5, 29}));
    expect_same(log1p_scaled(far_out, std::vector<double>(3000, 0.5)), log1p_scaled(near, std::vector<double>(3000, 0.5)));
    expect_same(stack_rows({far_out, far_out}), stack_rows({near, near}));
    expect_same(remap_cols(far_out, std::vector<std::int64_t>(30, -1), 3), remap_cols(near, std::vector<std::int64_t>(30, -1), 3));
    ColumnEntries far_column, near_column;
    CompactColumns(*far_out, {2, 20}, *context).read(7, far_column);
    CompactColumns(*near, {2, 20}, *context).read(7, near_column);
    EXPECT_EQ(far_column.values, near_column.values);
    EXPECT_EQ(column_moments(*far_out, *context).sum_of_squares, column_moments(*near, *context).sum_of_squares);
}

}  // namespace
}  // namespace morula::matrix
