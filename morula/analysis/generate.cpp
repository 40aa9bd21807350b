#include "morula/analysis/generate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "morula/analysis/alias_table.hpp"
#include "morula/analysis/cell_profiles.hpp"
#include "morula/core/checked_cast.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"

namespace morula::analysis {
namespace {

constexpr std::int32_t kProgrammes = 10;
constexpr double kMaxProgrammeShare = 0.2;
constexpr double kEmptySd = 0.5;  // of ln counts of empty droplets
constexpr double kMitochondrialSd = 0.35;  // of ln of its share
constexpr double kOwnGeneRate = 1e-3;      // of the sum of a type's rates
constexpr std::uint32_t kOwnGenesStep = 1000;  // of Purpose::generate_genes; far from those of the profiles and the genome

/// Options with the preset's own values filled in.
struct Settings {
    GenerateOptions options;
    double mean_counts = 0.0;
    double depth_sd = 0.0;
    std::int32_t n_samples = 0;
    bool is_homogeneous = false;
};

[[noreturn]] void fixed_by_preset(std::string_view option, std::string_view preset) {
    fail(ErrorCode::usage, fmt::format("--{} cannot be given with preset {}, which has its own.", option, preset), fmt::format("Leave out --{}.", option));
}

Settings resolve(const GenerateOptions& options) {
    check_fields(options);
    const bool is_blood = options.preset == GeneratePreset::blood;
    const bool is_homogeneous = options.preset == GeneratePreset::homogeneous;
    if (is_blood && options.genes) fixed_by_preset("genes", "blood");
    if (is_blood && options.types) fixed_by_preset("types", "blood");
    if (is_homogeneous && options.types) fixed_by_preset("types", "homogeneous");
    if (is_homogeneous && options.depth_sd) fixed_by_preset("depth-sd", "homogeneous");
    if (options.own_genes > 0 && options.preset != GeneratePreset::types) fixed_by_preset("own-genes", is_blood ? "blood" : "homogeneous");

    Settings settings;
    settings.options = options;
    settings.mean_counts = options.mean_counts.value_or(is_blood ? 2400.0 : 6000.0);
    settings.depth_sd = options.depth_sd.value_or(is_blood ? 0.3 : 0.45);
    settings.n_samples = std::max(options.batches, options.donors);
    settings.is_homogeneous = is_homogeneous;
    if (is_homogeneous) settings.options.damaged_fraction = 0.0;
    return settings;
}

CellProfiles profiles_for(const Settings& settings) {
    const GenerateOptions& options = settings.options;
    if (options.preset == GeneratePreset::blood) return profiles_from_means(blood_means_tsv());

    MadeUpProfilesPlan plan{.n_genes = options.genes.value_or(20000), .n_types = 1, .seed = options.seed};
    if (!settings.is_homogeneous) {
        plan.n_types = options.types.value_or(12);
        plan.n_rare_types = std::clamp(plan.n_types - 2, 0, options.rare_types);
        plan.rare_fraction = options.rare_fraction;
        plan.continuum_fraction = plan.n_types >= 2 ? options.continuum_fraction : 0.0;
        plan.n_programmes = kProgrammes;
    }
    if (plan.n_rare_types * plan.rare_fraction + plan.continuum_fraction >= 1.0) {
        fail(ErrorCode::usage, fmt::format("{} rare types of {} of the cells each and a continuum of {} leave no cell for the other types.", plan.n_rare_types,
                                           plan.rare_fraction, plan.continuum_fraction),
             "Lower --rare-fraction, --rare-types or --continuum-fraction.");
    }
    return made_up_profiles(plan);
}

/// Takes genes for each type, silences them elsewhere and names them ("TYPE01-OWN001"). Returns the type of each gene, -1 for all others.
std::vector<std::int32_t> plant_own_genes(CellProfiles& profiles, std::int32_t n_each, std::uint64_t seed) {
    if (n_each == 0) return {};
    const std::size_t n_genes = profiles.gene_symbols.size();
    const auto n_types = static_cast<std::int32_t>(profiles.types.size());
    if (static_cast<std::size_t>(n_each) * profiles.types.size() > n_genes / 4) {
        fail(ErrorCode::usage, fmt::format("{} own genes of {} types are more than a quarter of {} genes.", n_each, n_types, n_genes), "Lower --own-genes, or raise --genes.");
    }
    std::vector<std::int32_t> type_of(n_genes, -1);
    Random random(seed, Purpose::generate_genes, 0, kOwnGenesStep);
    for (std::int32_t type = 0; type < n_types; ++type) {
        double rate = 0.0;
        for (const double each : profiles.types[static_cast<std::size_t>(type)]) rate += kOwnGeneRate * each;
        for (std::int32_t planted = 0; planted < n_each;) {
            const auto gene = static_cast<std::size_t>(random.below(n_genes));
            if (type_of[gene] >= 0 || profiles.mitochondrial[gene] > 0.0) continue;
            type_of[gene] = type;
            for (auto* profile : {&profiles.types, &profiles.programmes}) {
                for (std::vector<double>& rates : *profile) rates[gene] = 0.0;
            }
            if (!profiles.continuum.empty()) profiles.continuum[gene] = 0.0;
            profiles.types[static_cast<std::size_t>(type)][gene] = rate;
            profiles.gene_symbols[gene] = fmt::format("TYPE{:02}-OWN{:03}", type + 1, ++planted);
        }
    }
    return type_of;
}

class SampleCounts final : public MadeUpCounts {
public:
    SampleCounts(const Settings& settings, const CellProfiles& profiles, Context& context)
        : MadeUpCounts(settings.options.cells + settings.options.empty_droplets, static_cast<std::int64_t>(profiles.gene_symbols.size()), settings.options.seed),
          settings_(settings), n_types_(profiles.types.size()), type_depth_(profiles.type_depth), has_continuum_(!profiles.continuum.empty()) {
        shape_ = {profiles.mitochondrial_fraction, settings.is_homogeneous ? 0.0 : kMitochondrialSd, settings.options.damaged_fraction};
        std::vector<double> kinds = profiles.type_share;
        if (has_continuum_) kinds.push_back(profiles.continuum_share);
        kinds_ = AliasTable(kinds);
        mitochondrial_ = AliasTable(profiles.mitochondrial);
        for (const auto& programme : profiles.programmes) programmes_.emplace_back(programme);
        build_samples(profiles, context);
    }

    CellPlan plan(std::int64_t cell) const override;

private:
    /// Profiles under the effects of one sample's batch and donor.
    struct Sample {
        std::vector<AliasTable> types;
        AliasTable continuum;
        AliasTable ambient;
    };

    void build_samples(const CellProfiles& profiles, Context& context);
    void add_cell(CellPlan& plan, bool is_second, Random& random) const;
    void add_continuum(CellPlan& plan, const Sample& sample, std::int64_t n_counts, double pseudotime, Random& random) const;
    double draw_depth(std::int32_t type, Random& random) const;

    Settings settings_;
    std::size_t n_types_;
    std::vector<double> type_depth_;
    bool has_continuum_;
    ShapePlan shape_;
    AliasTable kinds_;
    AliasTable mitochondrial_;
    std::vector<AliasTable> programmes_;
    std::vector<Sample> samples_;
};

void SampleCounts::build_samples(const CellProfiles& profiles, Context& context) {
    const GenerateOptions& options = settings_.options;
    const std::int64_t bytes = checked_size_product(checked_size_product(n_cols(), static_cast<std::int64_t>(n_types_) + 2), 8L * settings_.n_samples);
    context.require_memory(bytes, "generate");

    samples_.resize(static_cast<std::size_t>(settings_.n_samples));
    parallel_blocks(context, settings_.n_samples, 1, [&](Block block) {
        const auto index = static_cast<std::int32_t>(block.index);
        std::vector<double> effects(static_cast<std::size_t>(n_cols()), 1.0);
        const auto item = [](std::int32_t each) { return static_cast<std::uint64_t>(each); };
        if (options.batches > 1) multiply_effects(effects, options.batch_sd, Random(options.seed, Purpose::generate_batch, item(index % options.batches), 0));
        if (options.donors > 1) multiply_effects(effects, options.donor_sd, Random(options.seed, Purpose::generate_donor, item(index % options.donors), 0));

        Sample& sample = samples_[static_cast<std::size_t>(index)];
        AmbientMix ambient(effects.size());
        std::vector<double> rates(effects.size());
        const auto scaled = [&](const std::vector<double>& profile) {
            double sum = 0.0;
            for (std::size_t gene = 0; gene < rates.size(); ++gene) sum += rates[gene] = profile[gene] * effects[gene];
            for (double& rate : rates) rate /= sum;
        };
        for (std::size_t type = 0; type < n_types_; ++type) {
            scaled(profiles.types[type]);
            sample.types.emplace_back(rates);
            ambient.add(profiles.type_share[type] * profiles.type_depth[type], rates);
        }
        if (has_continuum_) {
            scaled(profiles.continuum);
            sample.continuum = AliasTable(rates);
        }
        sample.ambient = ambient.finish(profiles);
    });
}

double SampleCounts::draw_depth(std::int32_t type, Random& random) const {
    if (settings_.is_homogeneous) {
        // Even in ln over a factor of ten; (sqrt 10 - 1 / sqrt 10) / ln 10 is the mean of 10^(u - 1/2).
        const double mean = (std::sqrt(10.0) - 1.0 / std::sqrt(10.0)) / std::log(10.0);
        return settings_.mean_counts * std::pow(10.0, random.uniform() - 0.5) / mean;
    }
    return settings_.mean_counts * type_depth_[static_cast<std::size_t>(type)] * spread(settings_.depth_sd, random);
}

/// Bernstein weights of second degree: the first type, the profile between, the second type.
void SampleCounts::add_continuum(CellPlan& plan, const Sample& sample, std::int64_t n_counts, double pseudotime, Random& random) const {
    const double rest = 1.0 - pseudotime;
    const std::int64_t first = std::min(n_counts, round_at_random(static_cast<double>(n_counts) * rest * rest, random));
    const std::int64_t between = std::min(n_counts - first, round_at_random(2.0 * static_cast<double>(n_counts) * rest * pseudotime, random));
    plan.add(sample.types[0], first);
    plan.add(sample.continuum, between);
    plan.add(sample.types[1], n_counts - first - between);
}

void SampleCounts::add_cell(CellPlan& plan, bool is_second, Random& random) const {
    const GenerateOptions& options = settings_.options;
    const Sample& sample = samples_[static_cast<std::size_t>(plan.sample)];
    const std::uint32_t kind = kinds_.draw(random.next_u64());
    const bool on_continuum = kind == n_types_;
    const double pseudotime = on_continuum ? random.uniform() : 0.0;
    const std::int32_t type = on_continuum ? (pseudotime < 0.5 ? 0 : 1) : static_cast<std::int32_t>(kind);
    const CellShape shape = draw_shape(shape_, [&](Random& own) { return draw_depth(type, own); }, random);
    if (is_second) {
        plan.second_type = type;
    } else {
        plan.type = type;
        if (on_continuum) plan.pseudotime = static_cast<float>(pseudotime);
    }

    std::int64_t left = start_cell(plan, shape, sample.ambient, options.ambient_fraction, mitochondrial_, random);
    if (!programmes_.empty()) {
        const double share = kMaxProgrammeShare * random.uniform();
        take_share(plan, left, programmes_[random.below(programmes_.size())], share, random);
    }
    if (on_continuum) add_continuum(plan, sample, left, pseudotime, random);
    else plan.add(sample.types[kind], left);
}

CellPlan SampleCounts::plan(std::int64_t cell) const {
    Random random(settings_.options.seed, Purpose::generate_cell, static_cast<std::uint64_t>(cell), 0);
    CellPlan plan;
    plan.sample = static_cast<std::int32_t>(random.below(samples_.size()));
    if (cell >= settings_.options.cells) {
        plan.is_empty = true;
        plan.type = -1;
        plan.n_ambient = random.poisson(settings_.options.empty_counts * spread(kEmptySd, random));
        plan.add(samples_[static_cast<std::size_t>(plan.sample)].ambient, plan.n_ambient);
        return plan;
    }
    const bool is_doublet = random.uniform() < settings_.options.doublet_fraction;
    add_cell(plan, false, random);
    if (is_doublet) add_cell(plan, true, random);
    return plan;
}

}  // namespace

GenerateResult generate(const GenerateOptions& options, Context& context) {
    const Settings settings = resolve(options);
    // Names, truth and what holds them.
    const std::int64_t n_barcodes = options.cells + options.empty_droplets;
    context.require_memory(checked_size_product(n_barcodes, 96), "generate");
    CellProfiles profiles = profiles_for(settings);
    std::vector<std::int32_t> own_of_type = plant_own_genes(profiles, options.own_genes, options.seed);
    const auto counts = std::make_shared<SampleCounts>(settings, profiles, context);
    std::vector<std::int32_t> donors, batches;
    for (std::int32_t sample = 0; sample < settings.n_samples; ++sample) {
        donors.push_back(sample % options.donors);
        batches.push_back(sample % options.batches);
    }

    GenerateResult result;
    result.cells = describe_cells(*counts, options.cells, donors, batches, context);
    result.counts = counts;
    result.type_names = std::move(profiles.type_names);
    result.sample_names = numbered_names("sample", settings.n_samples);
    result.donor_names = numbered_names("donor", options.donors);
    result.batch_names = numbered_names("batch", options.batches);
    result.gene_symbols = std::move(profiles.gene_symbols);
    result.gene_ids = std::move(profiles.gene_ids);
    result.own_of_type = std::move(own_of_type);
    result.source = std::move(profiles.source);
    return result;
}

}  // namespace morula::analysis
