// Tridiagonal systems of one implicit diffusion sweep, many lines side by side (Thomas's algorithm, one line a SIMD lane).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace morula::simulation::line_sweep {

/// Lines come in multiples of this.
inline constexpr std::int64_t kLines = 8;

/// Elimination of a line of n voxels, done once: row i of (1 + loss + coupling * neighbours) c_i - coupling * (c_(i-1) + c_(i+1)) = d_i,
/// and c_i = d_i where the voxel is fixed. forward: t_i = gain_i d_i + below_i t_(i-1); backward: c_i = t_i + above_i c_(i+1).
struct LineFactors {
    std::vector<double> gain;
    std::vector<double> below;
    std::vector<double> above;
};
/// fixed: n flags.
LineFactors line_factors(double coupling, double loss, std::span<const std::uint8_t> fixed);

/// Solves `lines` lines in place. Voxel i of line l is values[i * row_step + l]. scratch: at least scratch_size(n) doubles.
void solve_lines(const LineFactors& factors, double* values, std::int64_t row_step, std::int64_t lines, double* scratch);

/// The same for lines with fixed voxels in different places, eliminated as they are met: a division a voxel. is_free: 1 where solved for and 0 where fixed, laid out as values.
void solve_masked_lines(double coupling, double loss, std::int64_t n, const double* is_free, double* values, std::int64_t row_step, std::int64_t lines, double* scratch);

std::int64_t scratch_size(std::int64_t n);

/// out[i * lines + l] = rows[l * row_step + i] for n voxels of n_rows lines; lines n_rows and above get 0.
void gather_lines(const double* rows, std::int64_t row_step, std::int64_t n_rows, std::int64_t n, std::int64_t lines, double* out);
/// The way back, for the first n_rows lines.
void scatter_lines(const double* in, std::int64_t lines, std::int64_t n, std::int64_t n_rows, double* rows, std::int64_t row_step);

}  // namespace morula::simulation::line_sweep
