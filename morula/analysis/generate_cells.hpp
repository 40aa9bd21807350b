// Made-up cells as plans: how many counts of a cell come from which profile. They are drawn when they are read.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "morula/analysis/alias_table.hpp"
#include "morula/analysis/cell_profiles.hpp"
#include "morula/core/context.hpp"
#include "morula/core/random.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// What is true of each barcode; the empty droplets, if any, stand last.
struct GeneratedCells {
    std::vector<std::string> names;            // "cell-0000001", "empty-0000001"
    std::vector<std::int32_t> type;            // index into type_names; on the continuum the nearer end; -1 where empty
    std::vector<std::int32_t> second_type;     // of a doublet; else -1
    std::vector<std::int32_t> clone;           // index into the cohort's clones; -1: none
    std::vector<std::int32_t> sample;          // index into sample_names: one capture of one donor in one batch
    std::vector<std::int32_t> donor;
    std::vector<std::int32_t> batch;
    std::vector<std::uint8_t> is_doublet;
    std::vector<std::uint8_t> is_damaged;
    std::vector<std::uint8_t> is_empty;
    std::vector<float> ambient_fraction;       // of the counts
    std::vector<float> mitochondrial_fraction; // of the counts that are not ambient
    std::vector<float> pseudotime;             // 0 to 1 from the first type to the second; NaN off the continuum
    std::vector<std::int32_t> total_counts;    // exact sum of the cell's counts
};

/// One barcode before it is drawn.
struct CellPlan {
    struct Part {
        const AliasTable* profile;
        std::int64_t n_counts;
    };
    std::int32_t type = 0;
    std::int32_t second_type = -1;
    std::int32_t clone = -1;
    std::int32_t sample = 0;
    bool is_damaged = false;
    bool is_empty = false;
    float pseudotime = std::numeric_limits<float>::quiet_NaN();
    std::int64_t total = 0;
    std::int64_t n_ambient = 0;
    std::int64_t n_mitochondrial = 0;
    std::array<Part, 16> parts{};
    std::int32_t n_parts = 0;

    void add(const AliasTable& profile, std::int64_t n_counts);
};

/// Log-normal with mean one.
inline double spread(double sd, Random& random) { return std::exp(sd * random.normal() - 0.5 * sd * sd); }
/// A whole number whose expectation is x.
inline std::int64_t round_at_random(double x, Random& random) { return static_cast<std::int64_t>(x + random.uniform()); }
/// The counts of a cell that go to a profile of the given share: at most what is left, which shrinks.
std::int64_t take_share(CellPlan& plan, std::int64_t& left, const AliasTable& profile, double share, Random& random);

/// Gene-wise log-normal factors (median one) of a batch, donor or sample.
void multiply_effects(std::span<double> factors, double sd, Random random);

struct CellShape {
    double depth = 0.0;          // counts
    double mitochondrial = 0.0;  // share of them
    bool is_damaged = false;
};
struct ShapePlan {
    double mitochondrial_fraction = 0.0;
    double mitochondrial_sd = 0.0;  // of its logarithm between cells
    double damaged_fraction = 0.0;
};
/// A damaged cell keeps a quarter of its counts, 25 to 75 % of them mitochondrial. draw_depth(random): counts of an intact cell.
template <class DrawDepth>
CellShape draw_shape(const ShapePlan& plan, DrawDepth draw_depth, Random& random) {
    CellShape shape;
    shape.is_damaged = random.uniform() < plan.damaged_fraction;
    shape.mitochondrial = plan.mitochondrial_fraction;
    if (plan.mitochondrial_sd > 0.0) shape.mitochondrial = std::min(0.5, shape.mitochondrial * spread(plan.mitochondrial_sd, random));
    shape.depth = draw_depth(random);
    if (shape.is_damaged) {
        shape.depth *= 0.25;
        shape.mitochondrial = 0.25 + 0.5 * random.uniform();
    }
    return shape;
}

/// Draws the ambient and mitochondrial counts of one cell into the plan and returns how many are left for its type.
std::int64_t start_cell(CellPlan& plan, const CellShape& shape, const AliasTable& ambient, double ambient_fraction, const AliasTable& mitochondrial, Random& random);

/// What leaks out of the cells of one capture: the mean of their profiles, weighed by their counts, and the mitochondrial genes.
class AmbientMix {
public:
    explicit AmbientMix(std::size_t n_genes) : rates_(n_genes, 0.0) {}
    /// weight: share of the cells x their relative depth; rates: n_genes that add to one.
    void add(double weight, std::span<const double> rates);
    AliasTable finish(const CellProfiles& profiles);

private:
    std::vector<double> rates_;
    double weight_ = 0.0;
};

/// Counts as a source: any block, any thread, the same bits, for a cell is drawn from random numbers that belong to it alone.
class MadeUpCounts : public matrix::RowBlockSource {
public:
    MadeUpCounts(std::int64_t n_cells, std::int64_t n_genes, std::uint64_t seed) : n_cells_(n_cells), n_genes_(n_genes), seed_(seed) {}

    virtual CellPlan plan(std::int64_t cell) const = 0;

    std::int64_t n_rows() const override { return n_cells_; }
    std::int64_t n_cols() const override { return n_genes_; }
    std::int64_t nnz() const override { return nnz_bound_; }
    void set_nnz_bound(std::int64_t bound) { nnz_bound_ = bound; }
    matrix::CsrView read(matrix::Range rows, matrix::CsrScratch& scratch) const final;

private:
    std::int64_t n_cells_;
    std::int64_t n_genes_;
    std::uint64_t seed_;
    std::int64_t nnz_bound_ = 0;
};

/// The truth of every barcode, and the bound of the counts' non-zeros. Barcodes from first_empty on are empty droplets.
/// donor_of_sample, batch_of_sample: one a sample.
GeneratedCells describe_cells(MadeUpCounts& counts, std::int64_t first_empty, std::span<const std::int32_t> donor_of_sample, std::span<const std::int32_t> batch_of_sample,
                              Context& context);

/// "name-01", "name-02", ...
std::vector<std::string> numbered_names(std::string_view name, std::int32_t n);

}  // namespace morula::analysis
