// A made-up cohort with the truth beside it: donors, healthy and diseased, that differ in composition, state and chromosomes as asked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "morula/analysis/generate_cells.hpp"
#include "morula/analysis/generate_genome.hpp"
#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

/// unpaired: a donor is healthy or diseased. paired: each donor gives a healthy and a diseased sample, as in a stimulation or biopsies of two places.
enum class CohortDesign { unpaired, paired };

struct GenerateCohortOptions {
    std::int32_t donors = 8;
    CohortDesign design = CohortDesign::unpaired;
    std::optional<std::int32_t> diseased = std::nullopt;  // donors; unpaired: half of them
    std::int64_t cells = 1000;           // of a sample, on average
    double cells_sd = 0.35;              // of ln cells between samples
    std::int64_t genes = 10000;
    std::int32_t types = 8;
    std::int32_t composition_types = 2;  // rise and fall by turns
    double composition_effect = 1.0;     // ln ratio to the types that do not change
    double composition_sd = 0.3;         // of ln share between donors; between samples of a donor half of it
    std::int32_t state_types = 3;
    std::int32_t state_genes = 50;       // up, and as many down, in each of them
    double state_effect = 1.0;           // mean |log2 fold change|
    double donor_sd = 0.15;              // of ln expression, by gene and type
    double sample_sd = 0.1;              // the same between samples of a donor
    std::int32_t batches = 1;
    double batch_sd = 0.2;
    double confounding = 0.0;            // 0: each batch holds both conditions; 1: condition decides the batch
    std::int32_t clone_donors = 0;       // diseased donors with acquired gains and losses
    double clone_fraction = 0.6;         // of the cells of the first type in their diseased samples
    std::int32_t followed = 0;           // diseased donors with a second time point
    double mean_counts = 4000.0;
    double depth_sd = 0.4;
    double ambient_fraction = 0.05;
    double doublet_fraction = 0.0;
    double damaged_fraction = 0.02;
    std::uint64_t seed = 0;
};

constexpr auto describe(const GenerateCohortOptions*) {
    using O = GenerateCohortOptions;
    return std::tuple{
        field("donors", &O::donors, "Number of donors.", {.minimum = 1.0, .maximum = 10000.0}),
        field("design", &O::design, "unpaired: a donor is healthy or diseased; paired: each donor gives a sample of both.", {.choices = "unpaired|paired"}),
        field("diseased", &O::diseased, "How many donors are diseased (half of them when not given; not with --design paired).", {.minimum = 0.0, .maximum = 10000.0}),
        field("cells", &O::cells, "Cells of a sample, on average.", {.minimum = 1.0, .maximum = 1e7}),
        field("cells_sd", &O::cells_sd, "Spread of the samples' numbers of cells; 0: all alike.", {.minimum = 0.0, .maximum = 2.0, .unit = "ln cells"}),
        field("genes", &O::genes, "Number of genes.", {.minimum = 500.0, .maximum = 1e6}),
        field("types", &O::types, "Number of cell types.", {.minimum = 1.0, .maximum = 1000.0}),
        field("composition_types", &O::composition_types, "Types that become more or less frequent in disease, by turns.", {.minimum = 0.0, .maximum = 1000.0}),
        field("composition_effect", &O::composition_effect, "How much: ln of the ratio to the types that do not change.", {.minimum = 0.0, .maximum = 10.0, .unit = "ln ratio"}),
        field("composition_sd", &O::composition_sd, "How much donors differ in composition; samples of one donor half as much.", {.minimum = 0.0, .maximum = 3.0, .unit = "ln share"}),
        field("state_types", &O::state_types, "Types whose cells express other genes in disease.", {.minimum = 0.0, .maximum = 1000.0}),
        field("state_genes", &O::state_genes, "Genes that rise in each of them, and as many that fall.", {.minimum = 0.0, .maximum = 10000.0}),
        field("state_effect", &O::state_effect, "How much, on average; each gene's between half and one and a half of it.", {.minimum = 0.0, .maximum = 10.0, .unit = "log2 fold change"}),
        field("donor_sd", &O::donor_sd, "How much donors differ in expression, gene by gene in each type.", {.minimum = 0.0, .maximum = 3.0, .unit = "ln expression"}),
        field("sample_sd", &O::sample_sd, "The same between samples of one donor.", {.minimum = 0.0, .maximum = 3.0, .unit = "ln expression"}),
        field("batches", &O::batches, "Number of batches.", {.minimum = 1.0, .maximum = 10000.0}),
        field("batch_sd", &O::batch_sd, "Strength of the batch effects.", {.minimum = 0.0, .maximum = 3.0, .unit = "ln expression"}),
        field("confounding", &O::confounding, "Share of the samples whose condition decides their batch; 1: healthy and diseased share no batch.", {.minimum = 0.0, .maximum = 1.0}),
        field("clone_donors", &O::clone_donors, "Diseased donors some of whose cells have gained and lost parts of chromosomes.", {.minimum = 0.0, .maximum = 10000.0}),
        field("clone_fraction", &O::clone_fraction, "Share of such cells among those of the first type.", {.minimum = 0.0, .maximum = 1.0}),
        field("followed", &O::followed, "Diseased donors with a second sample at a later time, in which one clone is gone and one is new.", {.minimum = 0.0, .maximum = 10000.0}),
        field("mean_counts", &O::mean_counts, "Mean counts of an intact single cell.", {.minimum = 1.0, .maximum = 1e6, .unit = "counts"}),
        field("depth_sd", &O::depth_sd, "Spread of the counts of a cell.", {.minimum = 0.0, .maximum = 2.0, .unit = "ln counts"}),
        field("ambient_fraction", &O::ambient_fraction, "Mean share of a cell's counts that come from ambient RNA.", {.minimum = 0.0, .maximum = 0.9}),
        field("doublet_fraction", &O::doublet_fraction, "Share of the barcodes that hold two cells of one sample.", {.minimum = 0.0, .maximum = 1.0}),
        field("damaged_fraction", &O::damaged_fraction, "Share of the cells with few, mostly mitochondrial counts.", {.minimum = 0.0, .maximum = 1.0}),
        field("seed", &O::seed, "Seed of the random choices."),
    };
}

struct CohortDonor {
    std::string name;
    bool is_female = false;
    std::int32_t age = 0;  // years
    bool is_diseased = false;  // paired: always true
};

/// One capture.
struct CohortSample {
    std::string name;
    std::int32_t donor = 0;
    std::int32_t batch = 0;
    std::int32_t time_point = 1;
    bool is_diseased = false;
    std::int64_t first_cell = 0;
    std::int64_t n_cells = 0;
    std::vector<double> type_share;   // n_types, adds to one; the cells are drawn from it
    std::vector<double> clone_share;  // n_clones: of the cells of the first type
};

/// A part of a chromosome that a clone's cells have in another number of copies than two.
struct CopyChange {
    std::string chromosome;
    std::string arm;
    bool is_arm = false;  // the whole arm; else focal
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::int32_t copies = 2;
    std::vector<std::int64_t> genes;
};

/// Cells of one donor that share all their copy-number changes, those of the parent included.
struct CohortClone {
    std::string name;
    std::int32_t donor = 0;
    std::int32_t parent = -1;  // index of the clone it came from
    std::vector<CopyChange> changes;
};

/// What is planted in one type.
struct TypeTruth {
    double composition_effect = 0.0;    // ln ratio, diseased to healthy, to the types that do not change
    double healthy_share = 0.0;         // of the cells, without the donors' own differences
    double diseased_share = 0.0;
    std::vector<float> log2_fold_change;  // n_genes; empty where the type's state does not change
    /// log2 by which every gene's share of the counts moves because the planted ones take up more or less: what a gene that does not change shows.
    double state_shift = 0.0;
};

struct GenerateCohortResult {
    matrix::Matrix counts;  // n_cells x n_genes, made as it is read
    GeneratedCells cells;
    std::vector<CohortDonor> donors;
    std::vector<CohortSample> samples;
    std::vector<CohortClone> clones;
    std::vector<TypeTruth> types;
    std::vector<std::string> type_names;
    std::vector<std::string> batch_names;
    std::vector<std::string> gene_symbols;  // GENE00001 ...; XIST and six genes of Y carry their real names
    std::vector<std::string> gene_ids;
    GenePlaces places;
    std::string source;
};

/// Rates of a gene in a sample and type: the type's profile, times log-normal factors of the batch (all types), of the donor and of the sample (gene by gene
/// in each type), times the planted effects of the condition; copies / 2 in a clone; XIST and Y by the donor's sex. Counts are multinomial given those
/// rates, so that sums over a sample's cells are close to negative binomial with dispersion exp(donor_sd^2 + sample_sd^2) - 1.
/// Composition: ln share = the type's own + the condition's effect + normal deviates of donor and sample, scaled to add to one.
/// Types: the first carries the clones; then those that change in composition; those that change in state begin with the last of these, so that one type changes
/// in both ways, and at least the first and, with enough types, the last change in neither.
/// A donor with clones: one with three arms changed, and a second that came from it with one focal change and one arm more. At a second time point the
/// first is gone and a third, which came from the second, is new. Cost and memory as `generate`, with a profile for each sample and type.
/// Throws usage when the options contradict one another; resource_limit.
GenerateCohortResult generate_cohort(const GenerateCohortOptions& options, Context& context);

}  // namespace morula::analysis
