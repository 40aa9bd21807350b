#include "morula/analysis/simulated_doublets.hpp"

#include <algorithm>
#include <memory>

namespace morula::analysis {
namespace {

class PairSums : public matrix::RowBlockSource {
public:
    PairSums(matrix::CsrView counts, std::vector<std::pair<std::int64_t, std::int64_t>> pairs) : counts_(counts), pairs_(std::move(pairs)) {
        for (const auto& [a, b] : pairs_) nnz_ += static_cast<std::int64_t>(counts_.row_indices(a).size() + counts_.row_indices(b).size());
    }
    std::int64_t n_rows() const override { return static_cast<std::int64_t>(pairs_.size()); }
    std::int64_t n_cols() const override { return counts_.n_cols; }
    std::int64_t nnz() const override { return nnz_; }
    matrix::CsrView read(matrix::Range rows, matrix::CsrScratch& scratch) const override {
        matrix::Csr& out = scratch.csr;
        out.n_rows = rows.size();
        out.n_cols = counts_.n_cols;
        out.indptr.assign(1, 0);
        out.indices.clear();
        out.values.clear();
        for (std::int64_t r = rows.begin; r < rows.end; ++r) {
            const auto& pair = pairs_[static_cast<std::size_t>(r)];
            merge(pair.first, pair.second, out);
            out.indptr.push_back(static_cast<std::int64_t>(out.indices.size()));
        }
        return out.view();
    }

private:
    /// Appends the sum of two rows, columns increasing. Which row is ahead cannot be foreseen, so nothing branches on it.
    void merge(std::int64_t a, std::int64_t b, matrix::Csr& out) const {
        const auto genes_a = counts_.row_indices(a), genes_b = counts_.row_indices(b);
        const auto values_a = counts_.row_values(a), values_b = counts_.row_values(b);
        const std::size_t begin = out.indices.size();
        out.indices.resize(begin + genes_a.size() + genes_b.size());
        out.values.resize(out.indices.size());
        std::uint32_t* genes = out.indices.data() + begin;
        float* values = out.values.data() + begin;
        std::size_t i = 0, j = 0, n = 0;
        for (; i < genes_a.size() && j < genes_b.size(); ++n) {
            const std::uint32_t gene_a = genes_a[i], gene_b = genes_b[j];
            genes[n] = std::min(gene_a, gene_b);
            values[n] = (gene_a <= gene_b ? values_a[i] : 0.0f) + (gene_b <= gene_a ? values_b[j] : 0.0f);
            i += gene_a <= gene_b ? 1 : 0;
            j += gene_b <= gene_a ? 1 : 0;
        }
        const auto take_rest = [&](std::span<const std::uint32_t> rest, std::span<const float> counts, std::size_t from) {
            std::copy(rest.begin() + static_cast<std::ptrdiff_t>(from), rest.end(), genes + n);
            std::copy(counts.begin() + static_cast<std::ptrdiff_t>(from), counts.end(), values + n);
            n += rest.size() - from;
        };
        take_rest(genes_a, values_a, i);
        take_rest(genes_b, values_b, j);
        out.indices.resize(begin + n);
        out.values.resize(begin + n);
    }

    matrix::CsrView counts_;
    std::vector<std::pair<std::int64_t, std::int64_t>> pairs_;
    std::int64_t nnz_ = 0;
};

}  // namespace

matrix::Matrix simulated_doublets(matrix::CsrView counts, std::vector<std::pair<std::int64_t, std::int64_t>> pairs) {
    return std::make_shared<PairSums>(counts, std::move(pairs));
}

}  // namespace morula::analysis
