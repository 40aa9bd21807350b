// Labels by rank correlation with the mean profile of each label, with fine tuning between the best: a second opinion that no fitted model takes part in.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::models {

struct CorrelationLabelsOptions {
    std::int32_t n_markers = 20;
    double fine_tune_margin = 0.05;
};

constexpr auto describe(const CorrelationLabelsOptions*) {
    return std::tuple{
        field("n_markers", &CorrelationLabelsOptions::n_markers, "Genes that tell one label from another, for each ordered pair of labels.", {.minimum = 1, .maximum = 1000, .unit = "genes"}),
        field("fine_tune_margin", &CorrelationLabelsOptions::fine_tune_margin, "Labels within so much of the best correlation are compared again, on their own genes.", {.minimum = 0.0, .maximum = 2.0}),
    };
}

/// Mean log value of each label, and the genes that tell pairs of labels apart.
struct LabelProfiles {
    std::vector<std::int64_t> genes;                          // columns in use, increasing
    matrix::Dense<float> mean;                                // n_labels x genes.size()
    std::vector<std::vector<std::int32_t>> markers_of_pair;   // [a * n_labels + b]: places in `genes` that are higher in a than in b, increasing
    std::int32_t n_labels() const { return static_cast<std::int32_t>(mean.n_rows); }
};

/// values: n_cells x n_genes, log-normalized; label: codes in [0, n_labels). A pair's genes are the n_markers with the largest difference of the means, above 0.
/// Labels without cells have no genes and are never called.
LabelProfiles label_profiles(const matrix::RowBlockSource& values, std::span<const std::int32_t> label, std::int32_t n_labels, const CorrelationLabelsOptions& options, Context& context);

struct CorrelationLabels {
    std::vector<std::int32_t> label;          // n_cells; -1 where a cell has none of the genes
    std::vector<float> correlation;           // Spearman's, with the called label over the genes of all pairs
    std::vector<float> lead;                  // over the next label there
    std::vector<std::uint8_t> is_fine_tuned;  // whether labels were compared again

    CorrelationLabels() = default;
    /// Every cell without a label.
    explicit CorrelationLabels(std::int64_t n_cells);
    /// Cell `from` of another becomes cell `to`.
    void take(const CorrelationLabels& other, std::size_t from, std::size_t to);
};

/// SingleR's procedure (Aran 2019) with mean profiles: Spearman's correlation, ties by mean rank, over the genes of all pairs; labels within the margin of the best are compared again over the
/// genes of their own pairs alone, until one is left or none is dropped. Differs from SingleR: means of log values by label, not quantiles over reference samples.
/// Zeros are ranked in closed form: cost is by non-zeros.
class CorrelationCaller {
public:
    /// n_columns: of the cells to come, those that the profiles were made from. Throws invalid_data when the profiles name a column beyond them. profiles must outlive this.
    CorrelationCaller(const LabelProfiles& profiles, std::int64_t n_columns, const CorrelationLabelsOptions& options);
    ~CorrelationCaller();
    /// values: log values of the cells from first_row on, whose places in `out` are filled. From any thread.
    void call(const matrix::CsrView& values, std::int64_t first_row, CorrelationLabels& out);

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// All rows of values, n_cells x n_genes.
CorrelationLabels correlation_labels(const LabelProfiles& profiles, const matrix::CsrView& values, const CorrelationLabelsOptions& options, Context& context);

}  // namespace morula::models
