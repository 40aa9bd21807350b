#include "morula/analysis/generate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
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
constexpr std::int64_t kCellsABlock = 1024;

/// Options with the preset's own values filled in.
struct Settings {
    GenerateOptions options;
    double mean_counts = 0.0;
    double depth_sd = 0.0;
    std::int32_t n_samples = 0;
    bool is_homogeneous = false;
};

/// Log-normal with mean one.
double spread(double sd, Random& random) { return std::exp(sd * random.normal() - 0.5 * sd * sd); }

/// A whole number whose expectation is x.
std::int64_t round_at_random(double x, Random& random) { return static_cast<std::int64_t>(x + random.uniform()); }

[[noreturn]] void fixed_by_preset(std::string_view option, std::string_view preset) {
    fail(ErrorCode::usage, fmt::format("--{} cannot be given with preset {}, which has its own.", option, preset), fmt::format("Leave out --{}.", option));
}

Settings resolve(const GenerateOptions& options) {
    for (const auto& [name, value] : values_of(options)) {
        if (!std::holds_alternative<std::monostate>(value)) check_field(find_field(schema_of<GenerateOptions>(), name), value);
    }
    const bool is_blood = options.preset == GeneratePreset::blood;
    const bool is_homogeneous = options.preset == GeneratePreset::homogeneous;
    if (is_blood && options.genes) fixed_by_preset("genes", "blood");
    if (is_blood && options.types) fixed_by_preset("types", "blood");
    if (is_homogeneous && options.types) fixed_by_preset("types", "homogeneous");
    if (is_homogeneous && options.depth_sd) fixed_by_preset("depth-sd", "homogeneous");

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

/// Gene-wise factors of a batch or donor; one batch or donor alone has none.
void multiply_effects(std::vector<double>& factors, std::uint64_t seed, Purpose purpose, std::int32_t item, double sd) {
    Random random(seed, purpose, static_cast<std::uint64_t>(item), 0);
    for (double& factor : factors) factor *= std::exp(sd * random.normal());
}

/// The counts of a cell that come from one profile.
struct Part {
    const AliasTable* profile;
    std::int64_t n_counts;
};

/// One cell before it is drawn: who it is and how many counts come from which profile.
struct CellPlan {
    std::int32_t type = 0;
    std::int32_t second_type = -1;
    std::int32_t sample = 0;
    bool is_damaged = false;
    bool is_empty = false;
    float pseudotime = std::numeric_limits<float>::quiet_NaN();
    std::int64_t total = 0;
    std::int64_t n_ambient = 0;
    std::int64_t n_mitochondrial = 0;
    std::array<Part, 16> parts{};
    std::int32_t n_parts = 0;

    void add(const AliasTable& profile, std::int64_t n_counts) {
        parts[static_cast<std::size_t>(n_parts++)] = {&profile, n_counts};
        total += n_counts;
    }
};

/// Counts as a source: a cell is drawn when it is read, from random numbers that belong to it alone.
class MadeUpCounts final : public matrix::RowBlockSource {
public:
    MadeUpCounts(const Settings& settings, const CellProfiles& profiles, Context& context)
        : settings_(settings), n_genes_(static_cast<std::int64_t>(profiles.gene_symbols.size())), n_types_(profiles.types.size()),
          type_depth_(profiles.type_depth), has_continuum_(!profiles.continuum.empty()), mitochondrial_fraction_(profiles.mitochondrial_fraction) {
        std::vector<double> kinds = profiles.type_share;
        if (has_continuum_) kinds.push_back(profiles.continuum_share);
        kinds_ = AliasTable(kinds);
        mitochondrial_ = AliasTable(profiles.mitochondrial);
        for (const auto& programme : profiles.programmes) programmes_.emplace_back(programme);
        build_samples(profiles, context);
    }

    std::int64_t n_rows() const override { return settings_.options.cells + settings_.options.empty_droplets; }
    std::int64_t n_cols() const override { return n_genes_; }
    std::int64_t nnz() const override { return nnz_bound_; }
    void set_nnz_bound(std::int64_t bound) { nnz_bound_ = bound; }

    matrix::CsrView read(matrix::Range rows, matrix::CsrScratch& scratch) const override;
    CellPlan plan(std::int64_t cell) const;

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
    std::int64_t n_genes_;
    std::size_t n_types_;
    std::vector<double> type_depth_;
    bool has_continuum_;
    double mitochondrial_fraction_;
    std::int64_t nnz_bound_ = 0;
    AliasTable kinds_;
    AliasTable mitochondrial_;
    std::vector<AliasTable> programmes_;
    std::vector<Sample> samples_;
};

void MadeUpCounts::build_samples(const CellProfiles& profiles, Context& context) {
    const GenerateOptions& options = settings_.options;
    const std::int64_t bytes = checked_size_product(checked_size_product(n_genes_, static_cast<std::int64_t>(n_types_) + 2), 8L * settings_.n_samples);
    context.require_memory(bytes, "generate");

    samples_.resize(static_cast<std::size_t>(settings_.n_samples));
    parallel_blocks(context, settings_.n_samples, 1, [&](Block block) {
        const auto index = static_cast<std::int32_t>(block.index);
        std::vector<double> effects(static_cast<std::size_t>(n_genes_), 1.0);
        if (options.batches > 1) multiply_effects(effects, options.seed, Purpose::generate_batch, index % options.batches, options.batch_sd);
        if (options.donors > 1) multiply_effects(effects, options.seed, Purpose::generate_donor, index % options.donors, options.donor_sd);

        Sample& sample = samples_[static_cast<std::size_t>(index)];
        std::vector<double> ambient(effects.size(), 0.0);
        std::vector<double> rates(effects.size());
        const auto scaled = [&](const std::vector<double>& profile) {
            double sum = 0.0;
            for (std::size_t gene = 0; gene < rates.size(); ++gene) sum += rates[gene] = profile[gene] * effects[gene];
            for (double& rate : rates) rate /= sum;
        };
        double share = 0.0;
        for (std::size_t type = 0; type < n_types_; ++type) {
            scaled(profiles.types[type]);
            sample.types.emplace_back(rates);
            for (std::size_t gene = 0; gene < rates.size(); ++gene) ambient[gene] += profiles.type_share[type] * profiles.type_depth[type] * rates[gene];
            share += profiles.type_share[type] * profiles.type_depth[type];
        }
        if (has_continuum_) {
            scaled(profiles.continuum);
            sample.continuum = AliasTable(rates);
        }
        double mitochondrial = 0.0;
        for (const double rate : profiles.mitochondrial) mitochondrial += rate;
        const double odds = mitochondrial_fraction_ / (1.0 - mitochondrial_fraction_);
        for (std::size_t gene = 0; gene < ambient.size(); ++gene) ambient[gene] += share * odds * profiles.mitochondrial[gene] / mitochondrial;
        sample.ambient = AliasTable(ambient);
    });
}

double MadeUpCounts::draw_depth(std::int32_t type, Random& random) const {
    if (settings_.is_homogeneous) {
        // Even in ln over a factor of ten; (sqrt 10 - 1 / sqrt 10) / ln 10 is the mean of 10^(u - 1/2).
        const double mean = (std::sqrt(10.0) - 1.0 / std::sqrt(10.0)) / std::log(10.0);
        return settings_.mean_counts * std::pow(10.0, random.uniform() - 0.5) / mean;
    }
    return settings_.mean_counts * type_depth_[static_cast<std::size_t>(type)] * spread(settings_.depth_sd, random);
}

/// Bernstein weights of second degree: the first type, the profile between, the second type.
void MadeUpCounts::add_continuum(CellPlan& plan, const Sample& sample, std::int64_t n_counts, double pseudotime, Random& random) const {
    const double rest = 1.0 - pseudotime;
    const std::int64_t first = std::min(n_counts, round_at_random(static_cast<double>(n_counts) * rest * rest, random));
    const std::int64_t between = std::min(n_counts - first, round_at_random(2.0 * static_cast<double>(n_counts) * rest * pseudotime, random));
    plan.add(sample.types[0], first);
    plan.add(sample.continuum, between);
    plan.add(sample.types[1], n_counts - first - between);
}

void MadeUpCounts::add_cell(CellPlan& plan, bool is_second, Random& random) const {
    const GenerateOptions& options = settings_.options;
    const Sample& sample = samples_[static_cast<std::size_t>(plan.sample)];
    const std::uint32_t kind = kinds_.draw(random.next_u64());
    const bool on_continuum = kind == n_types_;
    const double pseudotime = on_continuum ? random.uniform() : 0.0;
    const std::int32_t type = on_continuum ? (pseudotime < 0.5 ? 0 : 1) : static_cast<std::int32_t>(kind);
    const bool is_damaged = random.uniform() < options.damaged_fraction;
    double mitochondrial = mitochondrial_fraction_;
    if (!settings_.is_homogeneous) mitochondrial = std::min(0.5, mitochondrial * spread(0.35, random));
    double depth = draw_depth(type, random);
    if (is_damaged) {
        depth *= 0.25;
        mitochondrial = 0.25 + 0.5 * random.uniform();
    }
    if (is_second) {
        plan.second_type = type;
    } else {
        plan.type = type;
        if (on_continuum) plan.pseudotime = static_cast<float>(pseudotime);
    }
    plan.is_damaged = plan.is_damaged || is_damaged;

    std::int64_t left = std::max<std::int64_t>(1, std::llround(depth));
    const auto take = [&](const AliasTable& profile, double fraction) {
        const std::int64_t n_counts = std::min(left, round_at_random(static_cast<double>(left) * fraction, random));
        plan.add(profile, n_counts);
        left -= n_counts;
        return n_counts;
    };
    plan.n_ambient += take(sample.ambient, std::min(0.9, options.ambient_fraction * spread(0.5, random)));
    plan.n_mitochondrial += take(mitochondrial_, mitochondrial);
    if (!programmes_.empty()) take(programmes_[random.below(programmes_.size())], kMaxProgrammeShare * random.uniform());
    if (on_continuum) add_continuum(plan, sample, left, pseudotime, random);
    else plan.add(sample.types[kind], left);
}

CellPlan MadeUpCounts::plan(std::int64_t cell) const {
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
        Random random(settings_.options.seed, Purpose::generate_counts, static_cast<std::uint64_t>(cell), 0);
        for (std::int32_t p = 0; p < cell_plan.n_parts; ++p) {
            const Part& part = cell_plan.parts[static_cast<std::size_t>(p)];
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

void resize(GeneratedCells& cells, std::size_t n) {
    cells.names.resize(n);
    for (auto* column : {&cells.type, &cells.second_type, &cells.sample, &cells.donor, &cells.batch, &cells.total_counts}) column->resize(n);
    for (auto* column : {&cells.is_doublet, &cells.is_damaged, &cells.is_empty}) column->resize(n);
    for (auto* column : {&cells.ambient_fraction, &cells.mitochondrial_fraction, &cells.pseudotime}) column->resize(n);
}

void describe_cell(GeneratedCells& cells, std::int64_t cell, const CellPlan& plan, const GenerateOptions& options) {
    const auto i = static_cast<std::size_t>(cell);
    cells.names[i] = plan.is_empty ? fmt::format("empty-{:07}", cell + 1 - options.cells) : fmt::format("cell-{:07}", cell + 1);
    cells.type[i] = plan.type;
    cells.second_type[i] = plan.second_type;
    cells.sample[i] = plan.sample;
    cells.donor[i] = plan.sample % options.donors;
    cells.batch[i] = plan.sample % options.batches;
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

std::vector<std::string> numbered(std::string_view name, std::int32_t n) {
    std::vector<std::string> names;
    for (std::int32_t i = 0; i < n; ++i) names.push_back(fmt::format("{}-{:02}", name, i + 1));
    return names;
}

}  // namespace

GenerateResult generate(const GenerateOptions& options, Context& context) {
    const Settings settings = resolve(options);
    // Names, truth and what holds them.
    const std::int64_t n_barcodes = options.cells + options.empty_droplets;
    context.require_memory(checked_size_product(n_barcodes, 96), "generate");
    CellProfiles profiles = profiles_for(settings);
    const auto counts = std::make_shared<MadeUpCounts>(settings, profiles, context);

    GenerateResult result;
    resize(result.cells, static_cast<std::size_t>(n_barcodes));
    const auto n_genes = static_cast<std::int64_t>(profiles.gene_symbols.size());
    std::vector<std::int64_t> bounds(static_cast<std::size_t>((n_barcodes + kCellsABlock - 1) / kCellsABlock), 0);
    parallel_blocks(context, n_barcodes, kCellsABlock, [&](Block block) {
        std::int64_t bound = 0;
        for (std::int64_t cell = block.begin; cell < block.end; ++cell) {
            const CellPlan plan = counts->plan(cell);
            describe_cell(result.cells, cell, plan, options);
            bound += std::min(plan.total, n_genes);
        }
        bounds[static_cast<std::size_t>(block.index)] = bound;
    });
    std::int64_t nnz_bound = 0;
    for (const std::int64_t bound : bounds) nnz_bound += bound;
    counts->set_nnz_bound(nnz_bound);

    result.counts = counts;
    result.type_names = std::move(profiles.type_names);
    result.sample_names = numbered("sample", settings.n_samples);
    result.donor_names = numbered("donor", options.donors);
    result.batch_names = numbered("batch", options.batches);
    result.gene_symbols = std::move(profiles.gene_symbols);
    result.gene_ids = std::move(profiles.gene_ids);
    result.source = std::move(profiles.source);
    return result;
}

}  // namespace morula::analysis
