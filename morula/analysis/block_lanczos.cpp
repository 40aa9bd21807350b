#include "morula/analysis/block_lanczos.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "morula/analysis/sixteen_columns_simd.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

using matrix::Dense;
using matrix::DenseView;
using matrix::Transpose;

static_assert(kLanczosBlock == kSixteenColumns);
constexpr std::int64_t kTaskRows = 128;
constexpr double kNothingLeft = 1e-20;  // of the squared length: what rounding leaves of a direction that is in the space already

/// Numbers in [-1/2, 1/2) without a pattern that a matrix could share: multiples of the square roots of primes, less their whole part (Weyl 1916).
Dense<double> start_block(std::int64_t n) {
    constexpr std::array<int, kLanczosBlock> kPrimes{2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53};
    Dense<double> out(n, kLanczosBlock);
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t k = 0; k < kLanczosBlock; ++k) {
            const double multiple = static_cast<double>(i + 1) * std::sqrt(static_cast<double>(kPrimes[static_cast<std::size_t>(k)]));
            out(i, k) = multiple - std::floor(multiple) - 0.5;
        }
    }
    return out;
}

Dense<double> product(const Dense<double>& a, const Dense<double>& b) {
    Dense<double> out(a.n_rows, b.n_cols);
    matrix::gemm(1.0, a.view(), Transpose::no, b.view(), Transpose::no, 0.0, out.view());
    return out;
}

/// a' b
Dense<double> inner(const Dense<double>& a, const Dense<double>& b) {
    Dense<double> out(a.n_cols, b.n_cols);
    matrix::gemm(1.0, a.view(), Transpose::yes, b.view(), Transpose::no, 0.0, out.view());
    return out;
}

template <class View>
View rows_of(View view, Block rows) {
    view.values = view.values.subspan(static_cast<std::size_t>(rows.begin * view.n_cols), static_cast<std::size_t>(rows.size() * view.n_cols));
    view.n_rows = rows.size();
    return view;
}

Dense<double> times(const Dense<double>& symmetric, const Dense<double>& block, Context& context) {
    Dense<double> out(symmetric.n_rows, block.n_cols);
    parallel_blocks(context, symmetric.n_rows, kTaskRows, [&](Block rows) {
        const auto from = rows_of(symmetric.view(), rows);
        const auto to = rows_of(out.view(), rows);
        if (block.n_cols == kSixteenColumns) times_sixteen_columns(from.values.data(), rows.size(), from.n_cols, block.values.data(), to.values.data());
        else matrix::gemm(1.0, from, Transpose::no, block.view(), Transpose::no, 0.0, to);
    });
    return out;
}

/// The directions of a block, of unit length and at right angles; fewer where some depend on others. scale: the squared length that counts as a whole one.
Dense<double> orthonormal(const Dense<double>& block, double scale) {
    const matrix::SymmetricEigen eigen = matrix::largest_eigenpairs(inner(block, block), block.n_cols);
    const auto n = std::count_if(eigen.values.begin(), eigen.values.end(), [&](double value) { return value > kNothingLeft * scale; });
    Dense<double> turn(block.n_cols, static_cast<std::int64_t>(n));
    for (std::int64_t i = 0; i < turn.n_rows; ++i) {
        for (std::int64_t j = 0; j < turn.n_cols; ++j) turn(i, j) = eigen.vectors(i, j) / std::sqrt(eigen.values[static_cast<std::size_t>(j)]);
    }
    return product(block, turn);
}

/// The space, block by block, and the matrix within it.
class KrylovSpace {
public:
    explicit KrylovSpace(std::int64_t n) : within_(kLanczosSpace, kLanczosSpace) { add(orthonormal(orthonormal(start_block(n), static_cast<double>(n)), 1.0)); }

    const Dense<double>& last() const { return blocks_.back(); }
    std::int64_t size() const { return begin_.back(); }

    /// multiplied: the matrix times the last block. Notes what of it lies in the space, and takes that away.
    void note_and_take_out(Dense<double>& multiplied, Context& context) {
        const std::int64_t col = begin_[blocks_.size() - 1];
        const std::vector<Dense<double>> shares = take_out(multiplied, context);
        for (std::size_t b = 0; b < blocks_.size(); ++b) {
            for (std::int64_t i = 0; i < shares[b].n_rows; ++i) std::ranges::copy(shares[b].row(i), within_.row(begin_[b] + i).begin() + col);
        }
    }
    /// Takes away what of a block lies in the space, and returns it by the blocks of the space: all are measured before any is taken (classical Gram-Schmidt, which is as
    /// good as taking one after the other where it is done twice; Giraud 2005), so that threads can share them.
    std::vector<Dense<double>> take_out(Dense<double>& block, Context& context) const {
        std::vector<Dense<double>> shares(blocks_.size());
        parallel_blocks(context, std::ssize(blocks_), 1, [&](Block at) { shares[static_cast<std::size_t>(at.begin)] = inner(blocks_[static_cast<std::size_t>(at.begin)], block); });
        parallel_blocks(context, block.n_rows, kTaskRows, [&](Block rows) {
            for (std::size_t b = 0; b < blocks_.size(); ++b) matrix::gemm(-1.0, rows_of(blocks_[b].view(), rows), Transpose::no, std::as_const(shares[b]).view(), Transpose::no, 1.0, rows_of(block.view(), rows));
        });
        return shares;
    }
    void add(Dense<double> block) {
        begin_.push_back(begin_.back() + block.n_cols);
        blocks_.push_back(std::move(block));
    }
    /// The matrix seen in the space; only the upper triangle counts.
    Dense<double> within() const {
        Dense<double> out(size(), size());
        for (std::int64_t i = 0; i < size(); ++i) std::copy_n(within_.row(i).begin(), size(), out.row(i).begin());
        return out;
    }
    /// Vectors given in the space's own coordinates.
    Dense<double> outside(const Dense<double>& vectors) const {
        Dense<double> out(last().n_rows, vectors.n_cols);
        for (std::size_t b = 0; b < blocks_.size(); ++b) {
            const auto first = static_cast<std::size_t>(begin_[b] * vectors.n_cols);
            const DenseView<const double> part{blocks_[b].n_cols, vectors.n_cols, std::span(vectors.values).subspan(first, static_cast<std::size_t>(blocks_[b].n_cols * vectors.n_cols))};
            matrix::gemm(1.0, blocks_[b].view(), Transpose::no, part, Transpose::no, 1.0, out.view());
        }
        return out;
    }

private:
    std::vector<Dense<double>> blocks_;
    std::vector<std::int64_t> begin_{0};
    Dense<double> within_;
};

double squared_length(const Dense<double>& block) {
    double sum = 0.0;
    for (const double x : block.values) sum += x * x;
    return sum;
}

}  // namespace

matrix::SymmetricEigen leading_eigenpairs(const matrix::Dense<double>& symmetric, std::int64_t n_wanted, Context& context) {
    MORULA_ASSERT(symmetric.n_rows == symmetric.n_cols && symmetric.n_rows >= kLanczosSpace && n_wanted >= 0 && n_wanted <= kLanczosSpace / 4);
    KrylovSpace space(symmetric.n_rows);
    for (std::int64_t step = 1;; ++step) {
        Dense<double> next = times(symmetric, space.last(), context);
        const double scale = squared_length(next);
        space.note_and_take_out(next, context);
        if (step == kLanczosSteps || !(scale > 0.0)) break;
        next = orthonormal(next, scale);
        if (next.n_cols == 0) break;
        space.take_out(next, context);
        space.add(orthonormal(next, 1.0));
    }
    matrix::SymmetricEigen found = matrix::largest_eigenpairs(space.within(), std::min(n_wanted, space.size()));
    found.vectors = space.outside(found.vectors);
    return found;
}

}  // namespace morula::analysis
