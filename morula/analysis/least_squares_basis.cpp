#include "morula/analysis/least_squares_basis.hpp"

#include <cmath>

namespace morula::analysis {
namespace {

constexpr double kRankTolerance = 1e-7;

double dot(std::span<const double> a, std::span<const double> b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

/// Takes the parts along the unit vectors away, twice, since rounding leaves some the first time.
void remove_parts(const std::vector<std::vector<double>>& units, std::span<double> column) {
    for (int round = 0; round < 2; ++round) {
        for (const auto& unit : units) {
            const double part = dot(unit, column);
            for (std::size_t i = 0; i < column.size(); ++i) column[i] -= part * unit[i];
        }
    }
}

}  // namespace

OrthonormalBasis orthonormal_basis(matrix::DenseView<const double> x) {
    OrthonormalBasis basis;
    std::vector<std::vector<double>> units;
    for (std::int64_t col = 0; col < x.n_cols; ++col) {
        std::vector<double> column;
        for (std::int64_t row = 0; row < x.n_rows; ++row) column.push_back(x(row, col));
        const double before = std::sqrt(dot(column, column));
        remove_parts(units, column);
        const double after = std::sqrt(dot(column, column));
        if (!(after > kRankTolerance * before)) continue;
        for (double& value : column) value /= after;
        units.push_back(std::move(column));
        basis.columns.push_back(col);
    }
    basis.q = matrix::Dense<double>(x.n_rows, std::ssize(units));
    for (std::size_t k = 0; k < units.size(); ++k) {
        for (std::int64_t row = 0; row < x.n_rows; ++row) basis.q(row, static_cast<std::int64_t>(k)) = units[k][static_cast<std::size_t>(row)];
    }
    return basis;
}

std::vector<double> leverages(const OrthonormalBasis& basis) {
    std::vector<double> out;
    for (std::int64_t row = 0; row < basis.q.n_rows; ++row) out.push_back(dot(basis.q.row(row), basis.q.row(row)));
    return out;
}

std::vector<double> projected(const OrthonormalBasis& basis, std::span<const double> y) {
    std::vector<double> out(y.size(), 0.0);
    for (std::int64_t k = 0; k < basis.rank(); ++k) {
        double part = 0.0;
        for (std::int64_t row = 0; row < basis.q.n_rows; ++row) part += basis.q(row, k) * y[static_cast<std::size_t>(row)];
        for (std::int64_t row = 0; row < basis.q.n_rows; ++row) out[static_cast<std::size_t>(row)] += part * basis.q(row, k);
    }
    return out;
}

bool is_estimable(matrix::DenseView<const double> x, std::span<const double> weights) {
    const std::vector<double> inside = projected(orthonormal_basis(transposed(x).view()), weights);
    double outside = 0.0;
    for (std::size_t i = 0; i < inside.size(); ++i) outside += (weights[i] - inside[i]) * (weights[i] - inside[i]);
    return std::sqrt(outside) <= kRankTolerance * std::sqrt(dot(weights, weights));
}

matrix::Dense<double> take_columns(matrix::DenseView<const double> x, std::span<const std::int64_t> columns) {
    matrix::Dense<double> out(x.n_rows, std::ssize(columns));
    for (std::int64_t row = 0; row < x.n_rows; ++row) {
        for (std::size_t k = 0; k < columns.size(); ++k) out(row, static_cast<std::int64_t>(k)) = x(row, columns[k]);
    }
    return out;
}

matrix::Dense<double> transposed(matrix::DenseView<const double> x) {
    matrix::Dense<double> out(x.n_cols, x.n_rows);
    for (std::int64_t row = 0; row < x.n_rows; ++row) {
        for (std::int64_t col = 0; col < x.n_cols; ++col) out(col, row) = x(row, col);
    }
    return out;
}

}  // namespace morula::analysis
