#include "morula/analysis/generate_cohort.hpp"

#include <algorithm>
#include <memory>

#include "morula/analysis/generate_cohort_plan.hpp"
#include "morula/core/checked_cast.hpp"
#include "morula/core/parallel.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kMitochondrialGenes = 13;
constexpr double kMitochondrialSd = 0.35;  // of ln of its share
constexpr std::size_t kClonalType = 0;

/// The plan of the cohort that cells are drawn from.
struct CohortPlan {
    GenerateCohortOptions options;
    CellProfiles profiles;
    std::vector<std::int64_t> sex_genes;  // XIST, then those of Y
    std::vector<CohortDonor> donors;
    std::vector<CohortSample> samples;
    std::vector<CohortClone> clones;
    std::vector<TypeTruth> types;
};

class CohortCounts final : public MadeUpCounts {
public:
    CohortCounts(CohortPlan plan, Context& context);
    CellPlan plan(std::int64_t cell) const override;

private:
    /// Profiles of one sample under all that acts on it.
    struct Sample {
        AliasTable type_draw;
        AliasTable clone_draw;             // item 0: no clone; i + 1: clone i
        std::vector<AliasTable> types;
        std::vector<AliasTable> clones;    // n_clones, those of other donors empty
        AliasTable ambient;
    };

    void build(std::size_t index);
    void add_cell(CellPlan& plan, bool is_second, Random& random) const;
    /// Rates of one type in one sample, adding to one. factors: what acts on all types.
    std::vector<double> rates_of(std::size_t sample, std::size_t type, std::span<const double> factors) const;

    CohortPlan plan_;
    ShapePlan shape_;
    AliasTable mitochondrial_;
    std::vector<Sample> samples_;
};

void normalize(std::vector<double>& rates) {
    double sum = 0.0;
    for (const double rate : rates) sum += rate;
    for (double& rate : rates) rate /= sum;
}

CohortCounts::CohortCounts(CohortPlan plan, Context& context)
    : MadeUpCounts(plan.samples.back().first_cell + plan.samples.back().n_cells, plan.options.genes, plan.options.seed), plan_(std::move(plan)),
      shape_{plan_.profiles.mitochondrial_fraction, kMitochondrialSd, plan_.options.damaged_fraction}, mitochondrial_(plan_.profiles.mitochondrial) {
    std::int64_t n_tables = 0;
    for (const CohortSample& sample : plan_.samples) n_tables += static_cast<std::int64_t>(plan_.types.size()) + 1 + std::count_if(sample.clone_share.begin(), sample.clone_share.end(), [](double share) { return share > 0.0; });
    context.require_memory(checked_size_product(checked_size_product(n_cols(), n_tables), 8), "generate cohort");
    samples_.resize(plan_.samples.size());
    parallel_blocks(context, static_cast<std::int64_t>(samples_.size()), 1, [&](Block block) { build(static_cast<std::size_t>(block.index)); });
}

std::vector<double> CohortCounts::rates_of(std::size_t sample, std::size_t type, std::span<const double> factors) const {
    const GenerateCohortOptions& options = plan_.options;
    const auto n_types = plan_.types.size();
    const auto effects = [&](CohortStream step, std::size_t item) { return Random(options.seed, Purpose::generate_cohort, item * n_types + type, static_cast<std::uint32_t>(step)); };
    std::vector<double> rates(factors.begin(), factors.end());
    if (options.donor_sd > 0.0) multiply_effects(rates, options.donor_sd, effects(CohortStream::donor_effects, static_cast<std::size_t>(plan_.samples[sample].donor)));
    if (options.sample_sd > 0.0) multiply_effects(rates, options.sample_sd, effects(CohortStream::sample_effects, sample));
    const std::vector<float>& planted = plan_.types[type].log2_fold_change;
    const bool has_state = plan_.samples[sample].is_diseased && !planted.empty();
    for (std::size_t gene = 0; gene < rates.size(); ++gene) {
        rates[gene] *= plan_.profiles.types[type][gene];
        if (has_state) rates[gene] *= std::exp2(static_cast<double>(planted[gene]));
    }
    const bool is_female = plan_.donors[static_cast<std::size_t>(plan_.samples[sample].donor)].is_female;
    for (std::size_t i = 0; i < plan_.sex_genes.size(); ++i) {
        if ((i == 0) != is_female) rates[static_cast<std::size_t>(plan_.sex_genes[i])] = 0.0;
    }
    normalize(rates);
    return rates;
}

void CohortCounts::build(std::size_t index) {
    const CohortSample& truth = plan_.samples[index];
    Sample& sample = samples_[index];
    std::vector<double> factors(static_cast<std::size_t>(n_cols()), 1.0);
    if (plan_.options.batches > 1) multiply_effects(factors, plan_.options.batch_sd, Random(plan_.options.seed, Purpose::generate_batch, static_cast<std::uint64_t>(truth.batch), 0));

    AmbientMix ambient(factors.size());
    std::vector<double> kinds{1.0};
    kinds.insert(kinds.end(), truth.clone_share.begin(), truth.clone_share.end());
    for (const double share : truth.clone_share) kinds[0] -= share;
    kinds[0] = std::max(0.0, kinds[0]);
    sample.type_draw = AliasTable(truth.type_share);
    sample.clone_draw = AliasTable(kinds);
    sample.clones.resize(plan_.clones.size());
    for (std::size_t type = 0; type < plan_.types.size(); ++type) {
        const std::vector<double> rates = rates_of(index, type, factors);
        sample.types.emplace_back(rates);
        const double weight = truth.type_share[type] * plan_.profiles.type_depth[type];
        ambient.add(type == kClonalType ? weight * kinds[0] : weight, rates);
        if (type != kClonalType) continue;
        for (std::size_t clone = 0; clone < plan_.clones.size(); ++clone) {
            if (truth.clone_share[clone] <= 0.0) continue;
            std::vector<double> changed = rates;
            for (const CopyChange& change : plan_.clones[clone].changes) {
                for (const std::int64_t gene : change.genes) changed[static_cast<std::size_t>(gene)] *= change.copies / 2.0;
            }
            normalize(changed);
            sample.clones[clone] = AliasTable(changed);
            ambient.add(weight * truth.clone_share[clone], changed);
        }
    }
    sample.ambient = ambient.finish(plan_.profiles);
}

void CohortCounts::add_cell(CellPlan& plan, bool is_second, Random& random) const {
    const GenerateCohortOptions& options = plan_.options;
    const Sample& sample = samples_[static_cast<std::size_t>(plan.sample)];
    const std::uint32_t type = sample.type_draw.draw(random.next_u64());
    const std::uint32_t kind = type == kClonalType ? sample.clone_draw.draw(random.next_u64()) : 0;
    const double depth = options.mean_counts * plan_.profiles.type_depth[type];
    const CellShape shape = draw_shape(shape_, [&](Random& own) { return depth * spread(options.depth_sd, own); }, random);
    if (is_second) plan.second_type = static_cast<std::int32_t>(type);
    else plan.type = static_cast<std::int32_t>(type);
    if (kind > 0) plan.clone = static_cast<std::int32_t>(kind) - 1;
    const std::int64_t left = start_cell(plan, shape, sample.ambient, options.ambient_fraction, mitochondrial_, random);
    plan.add(kind > 0 ? sample.clones[kind - 1] : sample.types[type], left);
}

CellPlan CohortCounts::plan(std::int64_t cell) const {
    Random random(plan_.options.seed, Purpose::generate_cell, static_cast<std::uint64_t>(cell), 0);
    CellPlan plan;
    const auto after = std::upper_bound(plan_.samples.begin(), plan_.samples.end(), cell, [](std::int64_t at, const CohortSample& sample) { return at < sample.first_cell; });
    plan.sample = static_cast<std::int32_t>(after - plan_.samples.begin()) - 1;
    const bool is_doublet = random.uniform() < plan_.options.doublet_fraction;
    add_cell(plan, false, random);
    if (is_doublet) add_cell(plan, true, random);
    return plan;
}

}  // namespace

GenerateCohortResult generate_cohort(const GenerateCohortOptions& options, Context& context) {
    const std::int32_t n_diseased = check_cohort(options);
    CohortPlan plan;
    plan.options = options;
    plan.profiles = made_up_profiles({.n_genes = options.genes, .n_types = options.types, .seed = options.seed});
    const GenePlaces places = place_genes(options.genes, kMitochondrialGenes, options.seed);
    plan.sex_genes = name_sex_genes(plan.profiles, places);
    plan.donors = plan_donors(options, n_diseased);
    plan.samples = plan_samples(options, plan.donors);
    plan.types = plan_types(options, plan.profiles, plan.sex_genes);
    plan.clones = plan_clones(options, plan.donors, places);
    share_out_cells(options, plan.profiles, plan.types, plan.clones, plan.samples);
    context.require_memory(checked_size_product(plan.samples.back().first_cell + plan.samples.back().n_cells, 96), "generate cohort");

    GenerateCohortResult result;
    result.donors = plan.donors;
    result.samples = plan.samples;
    result.clones = plan.clones;
    result.types = plan.types;
    result.type_names = plan.profiles.type_names;
    result.batch_names = numbered_names("batch", options.batches);
    result.gene_symbols = plan.profiles.gene_symbols;
    result.gene_ids = plan.profiles.gene_ids;
    result.places = places;
    result.source = "A made-up cohort: its donors, cells, types and genes exist nowhere but in this file.";

    std::vector<std::int32_t> donors, batches;
    for (const CohortSample& sample : plan.samples) {
        donors.push_back(sample.donor);
        batches.push_back(sample.batch);
    }
    const auto counts = std::make_shared<CohortCounts>(std::move(plan), context);
    result.cells = describe_cells(*counts, counts->n_rows(), donors, batches, context);
    result.counts = counts;
    return result;
}

}  // namespace morula::analysis
