// Places cells on principal components from their non-zeros alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/analysis/pca.hpp"
#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::models {

/// (values - mean) * loadings, as analysis::project() gives it, but nothing is made dense: what the mean cell has is one constant a component. Sums in float32, entries in order: of n non-zeros
/// within n / 2^24 of the sum of their products' sizes; the same bits on every processor.
class Projection {
public:
    explicit Projection(const analysis::PcaResult& pca);

    std::int64_t n_genes() const { return loadings_.n_rows; }
    std::int64_t n_components() const { return n_components_; }
    /// genes, values: of one cell; room: scratch; out: n_components. From any thread.
    void place(std::span<const std::uint32_t> genes, std::span<const float> values, std::vector<float>& room, std::span<float> out) const;
    /// Every row of values.
    matrix::Dense<float> place_all(const matrix::CsrView& values, Context& context) const;

private:
    std::int64_t n_components_;
    matrix::Dense<float> loadings_;  // columns padded with zeros
    std::vector<float> start_;       // minus the mean cell's place
};

}  // namespace morula::models
