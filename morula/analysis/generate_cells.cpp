#include "morula/analysis/generate_cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "morula/core/checked_cast.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kCellsABlock = 1024;

void resize(GeneratedCells& cells, std::size_t n) {
    cells.names.resize(n);
    for (auto* column : {&cells.type, &cells.second_type, &cells.clone, &cells.sample, &cells.donor, &cells.batch, &cells.total_counts}) column->resize(n);
    for (auto* column : {&cells.is_doublet, &cells.is_damaged, &cells.is_empty}) column->resize(n);
    for (auto* column : {&cells.ambient_fraction, &cells.mitochondrial_fraction, &cells.pseudotime}) column->resize(n);
}

void describe_cell(GeneratedCells& cells, std::size_t i, const CellPlan& plan) {
    cells.type[i] = plan.type;
    cells.second_type[i] = plan.second_type;
    cells.clone[i] = plan.clone;
    cells.sample[i] = plan.sample;
    cells.is_doublet[i] = plan.second_type >= 0;
    cells.is_damaged[i] = plan.is_damaged;
    cells.is_empty[i] = plan.is_empty;
    cells.pseudotime[i] = plan.second_type >= 0 ? std::numeric_limits<float>::quiet_NaN() : plan.pseudotime;
    const auto total = static_cast<double>(plan.total);
    const double own = static_cast<double>(plan.total - plan.n_ambient);
    cells.ambient_fraction[i] = plan.is_empty ? 1.0F : static_cast<float>(static_cast<double>(plan.n_ambient) / total);
    cells.mitochondrial_fraction[i] = static_cast<float>(own > 0.0 ? static_cast<double>(plan.n_mitochondrial) / own : 0.0);
    cells.total_counts[i] = checked_cast<std::int32_t>(plan.total);
}

}  // namespace

void CellPlan::add(const AliasTable& profile, std::int64_t n_counts) {
    parts[static_cast<std::size_t>(n_parts++)] = {&profile, n_counts};
    total += n_counts;
}

std::int64_t take_share(CellPlan& plan, std::int64_t& left, const AliasTable& profile, double share, Random& random) {
    const std::int64_t n_counts = std::min(left, round_at_random(static_cast<double>(left) * share, random));
    plan.add(profile, n_counts);
    left -= n_counts;
    return n_counts;
}

void multiply_effects(std::span<double> factors, double sd, Random random) {
    for (double& factor : factors) factor *= std::exp(sd * random.normal());
}

std::int64_t start_cell(CellPlan& plan, const CellShape& shape, const AliasTable& ambient, double ambient_fraction, const AliasTable& mitochondrial, Random& random) {
    plan.is_damaged = plan.is_damaged || shape.is_damaged;
    std::int64_t left = std::max<std::int64_t>(1, std::llround(shape.depth));
    plan.n_ambient += take_share(plan, left, ambient, std::min(0.9, ambient_fraction * spread(0.5, random)), random);
    plan.n_mitochondrial += take_share(plan, left, mitochondrial, shape.mitochondrial, random);
    return left;
}

void AmbientMix::add(double weight, std::span<const double> rates) {
    for (std::size_t gene = 0; gene < rates_.size(); ++gene) rates_[gene] += weight * rates[gene];
    weight_ += weight;
}

AliasTable AmbientMix::finish(const CellProfiles& profiles) {
    double mitochondrial = 0.0;
    for (const double rate : profiles.mitochondrial) mitochondrial += rate;
    const double odds = profiles.mitochondrial_fraction / (1.0 - profiles.mitochondrial_fraction);
    for (std::size_t gene = 0; gene < rates_.size(); ++gene) rates_[gene] += weight_ * odds * profiles.mitochondrial[gene] / mitochondrial;
    return AliasTable(rates_);
}

matrix::CsrView MadeUpCounts::read(matrix::Range rows, matrix::CsrScratch& scratch) const {
    MORULA_ASSERT(0 <= rows.begin && rows.begin <= rows.end && rows.end <= n_rows());
    const auto n_genes = static_cast<std::size_t>(n_genes_);
    const std::size_t n_words = (n_genes + 63) / 64;
    // Counts and touched genes of one cell; both are zero again after each cell.
    std::vector<std::uint64_t> touched(n_words, 0);
    std::vector<std::uint32_t> counts(n_genes, 0);

    matrix::Csr& out = scratch.csr;
    out.start(rows.size(), n_genes_);
    for (std::int64_t cell = rows.begin; cell < rows.end; ++cell) {
        const CellPlan cell_plan = plan(cell);
        Random random(seed_, Purpose::generate_counts, static_cast<std::uint64_t>(cell), 0);
        for (std::int32_t p = 0; p < cell_plan.n_parts; ++p) {
            const CellPlan::Part& part = cell_plan.parts[static_cast<std::size_t>(p)];
            for (std::int64_t i = 0; i < part.n_counts; ++i) {
                const std::uint32_t gene = part.profile->draw(random.next_u64());
                ++counts[gene];
                touched[gene / 64] |= std::uint64_t{1} << (gene % 64);
            }
        }
        for (std::size_t word = 0; word < n_words; ++word) {
            for (std::uint64_t bits = touched[word]; bits != 0; bits &= bits - 1) {
                const auto gene = static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
                out.indices.push_back(gene);
                out.values.push_back(static_cast<float>(counts[gene]));
                counts[gene] = 0;
            }
            touched[word] = 0;
        }
        out.end_row();
    }
    return out.view();
}

GeneratedCells describe_cells(MadeUpCounts& counts, std::int64_t first_empty, std::span<const std::int32_t> donor_of_sample, std::span<const std::int32_t> batch_of_sample,
                              Context& context) {
    GeneratedCells cells;
    const std::int64_t n_barcodes = counts.n_rows();
    resize(cells, static_cast<std::size_t>(n_barcodes));
    std::vector<std::int64_t> bounds(static_cast<std::size_t>((n_barcodes + kCellsABlock - 1) / kCellsABlock), 0);
    parallel_blocks(context, n_barcodes, kCellsABlock, [&](Block block) {
        std::int64_t bound = 0;
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            const CellPlan plan = counts.plan(cell);
            const auto i = static_cast<std::size_t>(cell);
            cells.names[i] = plan.is_empty ? fmt::format("empty-{:07}", cell + 1 - first_empty) : fmt::format("cell-{:07}", cell + 1);
            describe_cell(cells, i, plan);
            cells.donor[i] = donor_of_sample[static_cast<std::size_t>(plan.sample)];
            cells.batch[i] = batch_of_sample[static_cast<std::size_t>(plan.sample)];
            bound += std::min(plan.total, counts.n_cols());
        }
        bounds[static_cast<std::size_t>(block.index)] = bound;
    });
    std::int64_t nnz_bound = 0;
    for (const std::int64_t bound : bounds) nnz_bound += bound;
    counts.set_nnz_bound(nnz_bound);
    return cells;
}

std::vector<std::string> numbered_names(std::string_view name, std::int32_t n) {
    std::vector<std::string> names;
    for (std::int32_t i = 0; i < n; ++i) names.push_back(fmt::format("{}-{:02}", name, i + 1));
    return names;
}

}  // namespace morula::analysis
