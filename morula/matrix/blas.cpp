#include "morula/matrix/blas.hpp"

#include <cblas.h>
#include <lapacke.h>

#include <algorithm>
#include <filesystem>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "morula/core/address_space.hpp"
#include "morula/core/checked_cast.hpp"
#include "morula/core/context.hpp"

// OpenBLAS's own: what each of its calls takes its buffer from. Weak, since another build of it may keep them to itself.
extern "C" {
__attribute__((weak)) void* blas_memory_alloc(int);
__attribute__((weak)) void blas_memory_free(void*);
}

namespace morula::matrix {
namespace {

constexpr std::int64_t kBufferBytes = std::int64_t{129} << 20;  // of address space a thread, of which hardly any is touched

std::int64_t n_threads_of_process() {
    std::error_code unknown;
    const std::filesystem::directory_iterator tasks("/proc/self/task", unknown);
    return unknown ? available_threads() : std::distance(begin(tasks), end(tasks));
}

/// OpenBLAS asks for its buffers again and again until it gets them: where address space is limited it would never come back. So they are asked for
/// here, once and for all threads; it keeps them.
void take_buffers_where_space_is_limited() {
    const std::optional<std::int64_t> left = address_space_left();
    if (!left) return;
    const std::int64_t n = n_threads_of_process();
    if (*left < n * kBufferBytes) {
        fail(ErrorCode::resource_limit,
             fmt::format("The address space of this process is limited (ulimit -v, or h_vmem of a batch job): {} are left, and linear algebra takes {} for {} threads.", format_bytes(*left), format_bytes(n * kBufferBytes), n),
             "Raise or lift that limit (`ulimit -v unlimited`), or take fewer threads: --threads 1. A limit on memory that is used, as of Slurm or a container, needs no such care.");
    }
    if (blas_memory_alloc == nullptr || blas_memory_free == nullptr) return;
    std::vector<void*> buffers;
    for (std::int64_t i = 0; i < n; ++i) buffers.push_back(blas_memory_alloc(0));
    for (void* buffer : buffers) blas_memory_free(buffer);
}

/// OpenBLAS would start threads of its own inside our tasks; told once, before the first call.
void keep_blas_on_one_thread() {
    static const bool told = [] {
        openblas_set_num_threads(1);
        take_buffers_where_space_is_limited();
        return true;
    }();
    static_cast<void>(told);
}

int blas_int(std::int64_t size) { return checked_cast<int>(size); }
int leading(std::int64_t size) { return std::max(1, blas_int(size)); }
CBLAS_TRANSPOSE blas_transpose(Transpose transpose) { return transpose == Transpose::yes ? CblasTrans : CblasNoTrans; }

struct GemmShape {
    std::int64_t m = 0;
    std::int64_t n = 0;
    std::int64_t k = 0;
};

template <class T>
GemmShape gemm_shape(DenseView<const T> a, Transpose transpose_a, DenseView<const T> b, Transpose transpose_b, DenseView<T> c) {
    const bool flip_a = transpose_a == Transpose::yes;
    const bool flip_b = transpose_b == Transpose::yes;
    MORULA_ASSERT((flip_a ? a.n_cols : a.n_rows) == c.n_rows);
    MORULA_ASSERT((flip_b ? b.n_rows : b.n_cols) == c.n_cols);
    MORULA_ASSERT((flip_a ? a.n_rows : a.n_cols) == (flip_b ? b.n_cols : b.n_rows));
    return {c.n_rows, c.n_cols, flip_a ? a.n_rows : a.n_cols};
}

/// c = beta * c, which is all that is left of a product over nothing. A beta of zero also clears NaN and junk.
template <class T>
void scale_block(std::int64_t m, std::int64_t n, T beta, T* c, std::int64_t ldc) {
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) c[i * ldc + j] = beta == T{0} ? T{0} : beta * c[i * ldc + j];
    }
}

[[noreturn]] void lapack_failed(const char* routine, lapack_int info) {
    if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR) throw std::bad_alloc();
    if (info < 0) {
        invalid_data(std::string("A matrix given to ") + routine + " holds values that are not finite.", "Look for NaN or infinite values in the input.");
    }
    fail(ErrorCode::internal, std::string(routine) + " did not converge (info " + std::to_string(info) + ").", "Report this as a bug.");
}

}  // namespace

void make_blas_ready() { keep_blas_on_one_thread(); }

void gemm_strided(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, const float* a, std::int64_t lda, Transpose transpose_a, const float* b,
                  std::int64_t ldb, Transpose transpose_b, float beta, float* c, std::int64_t ldc) {
    keep_blas_on_one_thread();
    if (m == 0 || n == 0) return;
    if (k == 0) return scale_block(m, n, beta, c, ldc);
    cblas_sgemm(CblasRowMajor, blas_transpose(transpose_a), blas_transpose(transpose_b), blas_int(m), blas_int(n), blas_int(k), alpha, a, leading(lda), b,
                leading(ldb), beta, c, leading(ldc));
}

void gemm(float alpha, DenseView<const float> a, Transpose transpose_a, DenseView<const float> b, Transpose transpose_b, float beta, DenseView<float> c) {
    const GemmShape shape = gemm_shape(a, transpose_a, b, transpose_b, c);
    gemm_strided(shape.m, shape.n, shape.k, alpha, a.values.data(), a.n_cols, transpose_a, b.values.data(), b.n_cols, transpose_b, beta, c.values.data(), c.n_cols);
}

void gemm(double alpha, DenseView<const double> a, Transpose transpose_a, DenseView<const double> b, Transpose transpose_b, double beta, DenseView<double> c) {
    keep_blas_on_one_thread();
    const GemmShape shape = gemm_shape(a, transpose_a, b, transpose_b, c);
    if (shape.m == 0 || shape.n == 0) return;
    if (shape.k == 0) return scale_block(shape.m, shape.n, beta, c.values.data(), c.n_cols);
    cblas_dgemm(CblasRowMajor, blas_transpose(transpose_a), blas_transpose(transpose_b), blas_int(shape.m), blas_int(shape.n), blas_int(shape.k), alpha,
                a.values.data(), leading(a.n_cols), b.values.data(), leading(b.n_cols), beta, c.values.data(), leading(c.n_cols));
}

SymmetricEigen largest_eigenpairs(Dense<double> symmetric, std::int64_t n_wanted) {
    keep_blas_on_one_thread();
    MORULA_ASSERT(symmetric.n_rows == symmetric.n_cols);
    const std::int64_t n = symmetric.n_rows;
    MORULA_ASSERT(n_wanted >= 0 && n_wanted <= n);
    SymmetricEigen eigen{std::vector<double>(static_cast<std::size_t>(n_wanted)), Dense<double>(n, n_wanted)};
    if (n_wanted == 0) return eigen;
    std::vector<double> ascending(static_cast<std::size_t>(n));
    std::vector<double> columns(static_cast<std::size_t>(checked_size_product(n, n_wanted)));
    std::vector<lapack_int> support(static_cast<std::size_t>(2 * n_wanted));
    lapack_int found = 0;
    // The upper triangle of rows is the lower triangle of columns: column-major needs no transposed copy.
    const lapack_int info = LAPACKE_dsyevr(LAPACK_COL_MAJOR, 'V', 'I', 'L', blas_int(n), symmetric.values.data(), leading(n), 0.0, 0.0, blas_int(n - n_wanted + 1),
                                           blas_int(n), 0.0, &found, ascending.data(), columns.data(), leading(n), support.data());
    if (info != 0) lapack_failed("DSYEVR", info);
    MORULA_ASSERT(found == n_wanted);
    for (std::int64_t j = 0; j < n_wanted; ++j) {
        const std::int64_t from = n_wanted - 1 - j;
        eigen.values[static_cast<std::size_t>(j)] = ascending[static_cast<std::size_t>(from)];
        for (std::int64_t i = 0; i < n; ++i) eigen.vectors(i, j) = columns[static_cast<std::size_t>(from * n + i)];
    }
    return eigen;
}

void solve_spd(Dense<double> a, Dense<double>& b) {
    keep_blas_on_one_thread();
    MORULA_ASSERT(a.n_rows == a.n_cols && a.n_rows == b.n_rows);
    if (b.values.empty()) return;
    const lapack_int info =
        LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', blas_int(a.n_rows), blas_int(b.n_cols), a.values.data(), leading(a.n_cols), b.values.data(), leading(b.n_cols));
    if (info > 0) {
        invalid_data("A system of " + std::to_string(a.n_rows) + " equations has no unique solution: its matrix is not positive definite.",
                     "Look for covariates that repeat one another or are constant.");
    }
    if (info != 0) lapack_failed("DPOSV", info);
}

Dense<double> least_squares(Dense<double> a, Dense<double> b) {
    keep_blas_on_one_thread();
    MORULA_ASSERT(a.n_rows == b.n_rows && a.n_rows >= a.n_cols);
    Dense<double> solution(a.n_cols, b.n_cols);
    if (solution.values.empty()) return solution;
    const lapack_int info = LAPACKE_dgels(LAPACK_ROW_MAJOR, 'N', blas_int(a.n_rows), blas_int(a.n_cols), blas_int(b.n_cols), a.values.data(), leading(a.n_cols),
                                          b.values.data(), leading(b.n_cols));
    if (info > 0) {
        invalid_data("A regression on " + std::to_string(a.n_cols) + " columns has no unique solution: column " + std::to_string(info - 1) + " depends on the others.",
                     "Leave out covariates that repeat one another.");
    }
    if (info != 0) lapack_failed("DGELS", info);
    std::copy_n(b.values.begin(), solution.values.size(), solution.values.begin());
    return solution;
}

NumericProfile numeric_profile() {
    NumericProfile profile = core_numeric_profile();
    profile.blas = std::string(openblas_get_config()) + " core " + openblas_get_corename();
    return profile;
}

}  // namespace morula::matrix
