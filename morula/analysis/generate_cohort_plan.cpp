#include "morula/analysis/generate_cohort_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

constexpr double kSampleShareSd = 0.5;      // of composition_sd
constexpr double kHighestShare = 0.02;      // of the genes, by rate: too high to plant in, for one would move all others
constexpr double kLowestShare = 0.3;        // below, too little is seen
constexpr double kArmShareOfGenes = 0.008;  // of the genes, at the least, in an arm that is gained or lost
constexpr std::int64_t kFocalBases = 25'000'000;
constexpr std::size_t kFocalGenes = 10;     // at the least
constexpr std::array kNamedOnY = {"RPS4Y1", "DDX3Y", "EIF1AY", "KDM5D", "UTY", "USP9Y"};
constexpr double kSexGeneRate = 2e-4;       // of the counts

Random stream(const GenerateCohortOptions& options, CohortStream step, std::size_t item) {
    return Random(options.seed, Purpose::generate_cohort, item, static_cast<std::uint32_t>(step));
}

[[noreturn]] void contradiction(std::string message, std::string next) { fail(ErrorCode::usage, std::move(message), std::move(next)); }

/// Batch of the i-th of n samples of a condition: the first `confounding` of them go to the condition's own batches, the rest to all in turn.
std::int32_t batch_of(const GenerateCohortOptions& options, std::int32_t i, std::int32_t n, bool is_diseased) {
    const auto n_own = static_cast<std::int32_t>(std::lround(options.confounding * n));
    const std::int32_t n_healthy = options.batches / 2;
    if (i >= n_own) return (i - n_own) % options.batches;
    return is_diseased ? n_healthy + i % (options.batches - n_healthy) : i % n_healthy;
}

/// Genes of a type with rates worth planting in, in random order.
std::vector<std::int64_t> plantable_genes(const std::vector<double>& rates, Random& random) {
    std::vector<std::int64_t> order(rates.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return rates[static_cast<std::size_t>(a)] > rates[static_cast<std::size_t>(b)]; });
    const auto n = static_cast<double>(rates.size());
    std::vector<std::int64_t> genes(order.begin() + static_cast<std::ptrdiff_t>(kHighestShare * n), order.begin() + static_cast<std::ptrdiff_t>(kLowestShare * n));
    for (std::size_t i = genes.size(); i > 1; --i) std::swap(genes[i - 1], genes[random.below(i)]);
    return genes;
}

void plant_state(const GenerateCohortOptions& options, const std::vector<double>& rates, std::span<const std::int64_t> spared, std::size_t type, TypeTruth& truth) {
    truth.log2_fold_change.assign(rates.size(), 0.0F);
    Random random = stream(options, CohortStream::state_genes, type);
    std::vector<double> open = rates;
    for (const std::int64_t gene : spared) open[static_cast<std::size_t>(gene)] = 0.0;
    const std::vector<std::int64_t> genes = plantable_genes(open, random);
    const auto n_planted = static_cast<std::size_t>(2 * options.state_genes);
    if (n_planted > genes.size()) {
        contradiction(fmt::format("{} genes up and {} down do not fit into the {} genes of {} that are expressed enough to plant in.", options.state_genes, options.state_genes, genes.size(), options.genes),
                      "Lower --state-genes, or give more --genes.");
    }
    double before = 0.0;
    double after = 0.0;
    for (std::size_t i = 0; i < n_planted; ++i) {
        const auto gene = static_cast<std::size_t>(genes[i]);
        const double size = options.state_effect * (0.5 + random.uniform());
        truth.log2_fold_change[gene] = static_cast<float>(i < n_planted / 2 ? size : -size);
    }
    for (std::size_t gene = 0; gene < rates.size(); ++gene) {
        before += rates[gene];
        after += rates[gene] * std::exp2(static_cast<double>(truth.log2_fold_change[gene]));
    }
    truth.state_shift = std::log2(before / after);
}

/// Draws arms that no change touches yet.
class ChangeDrawer {
public:
    ChangeDrawer(const std::vector<ChromosomeArm>& arms, Random random) : random_(random) {
        for (const ChromosomeArm& arm : arms) free_.push_back(&arm);
    }
    void add_arm(CohortClone& clone, std::int32_t copies) {
        if (const ChromosomeArm* arm = take()) clone.changes.push_back({arm->chromosome, arm->name, true, arm->begin, arm->end, copies, arm->genes});
    }
    /// A stretch of about 25 million bases, with ten genes at the least.
    void add_focal(CohortClone& clone, std::int32_t copies) {
        const ChromosomeArm* arm = take();
        if (arm == nullptr) return;
        const std::size_t n = arm->genes.size();
        const double bases = static_cast<double>(arm->end - arm->begin);
        const std::size_t n_focal = std::clamp<std::size_t>(static_cast<std::size_t>(static_cast<double>(n) * kFocalBases / bases), std::min(kFocalGenes, n), std::max<std::size_t>(1, n / 2));
        const std::size_t first = random_.below(n - n_focal + 1);
        CopyChange change{arm->chromosome, arm->name, false, 0, 0, copies, {arm->genes.begin() + static_cast<std::ptrdiff_t>(first), arm->genes.begin() + static_cast<std::ptrdiff_t>(first + n_focal)}};
        clone.changes.push_back(std::move(change));
    }

private:
    const ChromosomeArm* take() {
        if (free_.empty()) return nullptr;
        const std::size_t i = random_.below(free_.size());
        const ChromosomeArm* arm = free_[i];
        free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(i));
        return arm;
    }
    Random random_;
    std::vector<const ChromosomeArm*> free_;
};

/// A focal change begins and ends with its outer genes.
void set_focal_ends(std::vector<CohortClone>& clones, const GenePlaces& places) {
    for (CohortClone& clone : clones) {
        for (CopyChange& change : clone.changes) {
            if (change.is_arm || change.genes.empty()) continue;
            change.begin = places.start[static_cast<std::size_t>(change.genes.front())];
            change.end = places.end[static_cast<std::size_t>(change.genes.back())];
        }
    }
}

std::vector<double> softmax(const std::vector<double>& log_share) {
    std::vector<double> share;
    double sum = 0.0;
    for (const double each : log_share) {
        share.push_back(std::exp(each));
        sum += share.back();
    }
    for (double& each : share) each /= sum;
    return share;
}

}  // namespace

std::int32_t check_cohort(const GenerateCohortOptions& options) {
    check_fields(options);
    const bool is_paired = options.design == CohortDesign::paired;
    if (is_paired && options.diseased) contradiction("--diseased cannot be given with --design paired, where each donor gives a diseased sample.", "Leave out --diseased.");
    const std::int32_t n_diseased = is_paired ? options.donors : options.diseased.value_or(options.donors / 2);
    if (n_diseased > options.donors) contradiction(fmt::format("{} diseased donors of {}.", n_diseased, options.donors), "Lower --diseased, or give more --donors.");
    for (const auto& [name, n] : {std::pair{"clone-donors", options.clone_donors}, std::pair{"followed", options.followed}}) {
        if (n > n_diseased) contradiction(fmt::format("--{} {}: {} of the donors are diseased.", name, n, n_diseased), "Lower it, or give more --donors or --diseased.");
    }
    if (options.confounding > 0.0 && options.batches < 2) contradiction("--confounding needs two batches at the least.", "Add --batches 2.");
    const std::int32_t n_changed = options.composition_types + options.state_types - (options.composition_types > 0 && options.state_types > 0 ? 1 : 0);
    if (n_changed >= options.types && n_changed > 0) {
        contradiction(fmt::format("{} types that change in composition and {} that change in state do not fit into {}, one of which stays as it is.", options.composition_types, options.state_types, options.types),
                      fmt::format("Give --types {} or more, or lower --composition-types or --state-types.", n_changed + 1));
    }
    return n_diseased;
}

std::vector<CohortDonor> plan_donors(const GenerateCohortOptions& options, std::int32_t n_diseased) {
    std::vector<CohortDonor> donors;
    const std::vector<std::string> names = numbered_names("donor", options.donors);
    for (std::int32_t i = 0; i < options.donors; ++i) {
        Random random = stream(options, CohortStream::donor, static_cast<std::size_t>(i));
        // Women and men by turns in each condition, and not in step with the batches.
        const bool is_diseased = i < n_diseased;
        const std::int32_t of_condition = is_diseased ? i : i - n_diseased;
        donors.push_back({names[static_cast<std::size_t>(i)], of_condition / options.batches % 2 == 0, 25 + static_cast<std::int32_t>(random.below(56)), is_diseased});
    }
    return donors;
}

std::vector<CohortSample> plan_samples(const GenerateCohortOptions& options, const std::vector<CohortDonor>& donors) {
    std::vector<CohortSample> samples;
    const bool is_paired = options.design == CohortDesign::paired;
    const auto n_diseased = static_cast<std::int32_t>(std::count_if(donors.begin(), donors.end(), [](const CohortDonor& donor) { return donor.is_diseased; }));
    const std::int32_t n_healthy = is_paired ? options.donors : options.donors - n_diseased;
    std::int64_t first_cell = 0;
    const auto add = [&](std::int32_t donor, bool is_diseased, std::int32_t time_point, std::int32_t batch) {
        CohortSample sample;
        const char* condition = is_diseased ? "-diseased" : "-healthy";
        sample.name = donors[static_cast<std::size_t>(donor)].name + (is_paired ? condition : "") + (time_point > 1 ? "-later" : "");
        sample.donor = donor;
        sample.batch = batch;
        sample.time_point = time_point;
        sample.is_diseased = is_diseased;
        Random random = stream(options, CohortStream::sample, samples.size());
        sample.n_cells = std::max<std::int64_t>(1, std::llround(static_cast<double>(options.cells) * spread(options.cells_sd, random)));
        sample.first_cell = first_cell;
        first_cell += sample.n_cells;
        samples.push_back(std::move(sample));
    };
    for (std::int32_t donor = 0; donor < options.donors; ++donor) {
        const bool is_diseased = donor < n_diseased;
        if (is_paired || !is_diseased) {
            const std::int32_t of_condition = is_paired ? donor : donor - n_diseased;
            add(donor, false, 1, batch_of(options, of_condition, n_healthy, false));
        }
        if (!is_diseased) continue;
        const std::int32_t batch = batch_of(options, donor, n_diseased, true);
        add(donor, true, 1, batch);
        if (donor < options.followed) add(donor, true, 2, batch);
    }
    return samples;
}

std::vector<TypeTruth> plan_types(const GenerateCohortOptions& options, const CellProfiles& profiles, std::span<const std::int64_t> spared) {
    std::vector<TypeTruth> types(profiles.types.size());
    for (std::int32_t i = 0; i < options.composition_types; ++i) {
        types[static_cast<std::size_t>(1 + i)].composition_effect = i % 2 == 0 ? options.composition_effect : -options.composition_effect;
    }
    const std::int32_t first_state = std::max(1, options.composition_types);
    for (std::int32_t i = 0; i < options.state_types; ++i) {
        const auto type = static_cast<std::size_t>(first_state + i);
        plant_state(options, profiles.types[type], spared, type, types[type]);
    }
    std::vector<double> diseased;
    for (std::size_t type = 0; type < types.size(); ++type) diseased.push_back(std::log(profiles.type_share[type]) + types[type].composition_effect);
    diseased = softmax(diseased);
    for (std::size_t type = 0; type < types.size(); ++type) {
        types[type].healthy_share = profiles.type_share[type];
        types[type].diseased_share = diseased[type];
    }
    return types;
}

std::vector<CohortClone> plan_clones(const GenerateCohortOptions& options, const std::vector<CohortDonor>& donors, const GenePlaces& places) {
    std::vector<CohortClone> clones;
    const std::vector<ChromosomeArm> arms = autosome_arms(places, static_cast<std::size_t>(std::max(10.0, kArmShareOfGenes * static_cast<double>(options.genes))));
    for (std::int32_t donor = 0; donor < options.clone_donors; ++donor) {
        const std::string& name = donors[static_cast<std::size_t>(donor)].name;
        ChangeDrawer drawer(arms, Random(options.seed, Purpose::generate_clones, static_cast<std::uint64_t>(donor), static_cast<std::uint32_t>(CohortStream::clone_changes)));
        const auto first = static_cast<std::int32_t>(clones.size());
        clones.push_back({name + "-clone-1", donor, -1, {}});
        drawer.add_arm(clones.back(), 1);
        drawer.add_arm(clones.back(), 1);
        drawer.add_arm(clones.back(), 3);
        clones.push_back({name + "-clone-2", donor, first, clones.back().changes});
        drawer.add_focal(clones.back(), 4);
        drawer.add_arm(clones.back(), 3);
        if (donor >= options.followed) continue;
        clones.push_back({name + "-clone-3", donor, first + 1, clones.back().changes});
        drawer.add_arm(clones.back(), 1);
        drawer.add_focal(clones.back(), 1);
    }
    set_focal_ends(clones, places);
    return clones;
}

void share_out_cells(const GenerateCohortOptions& options, const CellProfiles& profiles, const std::vector<TypeTruth>& types, const std::vector<CohortClone>& clones,
                     std::vector<CohortSample>& samples) {
    for (std::size_t s = 0; s < samples.size(); ++s) {
        CohortSample& sample = samples[s];
        Random donor = stream(options, CohortStream::donor_composition, static_cast<std::size_t>(sample.donor));
        Random own = stream(options, CohortStream::sample_composition, s);
        std::vector<double> log_share;
        for (std::size_t type = 0; type < types.size(); ++type) {
            const double deviation = options.composition_sd * (donor.normal() + kSampleShareSd * own.normal());
            log_share.push_back(std::log(profiles.type_share[type]) + deviation + (sample.is_diseased ? types[type].composition_effect : 0.0));
        }
        sample.type_share = softmax(log_share);

        sample.clone_share.assign(clones.size(), 0.0);
        std::int32_t number = 0;  // of the donor's clone
        for (std::size_t clone = 0; clone < clones.size(); ++clone) {
            if (clones[clone].donor != sample.donor || !sample.is_diseased) continue;
            ++number;
            // First time: 60 % of the clonal cells are of the first clone and 40 % of the second; later half are of the second and half of the third.
            const double early = number == 1 ? 0.6 : number == 2 ? 0.4 : 0.0;
            const double later = number == 1 ? 0.0 : 0.5;
            sample.clone_share[clone] = options.clone_fraction * (sample.time_point == 1 ? early : later);
        }
    }
}

std::vector<std::int64_t> name_sex_genes(CellProfiles& profiles, const GenePlaces& places) {
    std::vector<std::int64_t> genes;
    const std::vector<std::int64_t> on_x = genes_on(places, "chrX");
    const std::vector<std::int64_t> on_y = genes_on(places, "chrY");
    genes.push_back(on_x[on_x.size() / 2]);
    profiles.gene_symbols[static_cast<std::size_t>(genes[0])] = "XIST";
    for (std::size_t i = 0; i < on_y.size(); ++i) {
        genes.push_back(on_y[i]);
        if (i < kNamedOnY.size()) profiles.gene_symbols[static_cast<std::size_t>(on_y[i])] = kNamedOnY[i];
    }
    for (std::vector<double>& rates : profiles.types) {
        double sum = 0.0;
        for (const double rate : rates) sum += rate;
        for (std::size_t i = 0; i < std::min(genes.size(), kNamedOnY.size() + 1); ++i) rates[static_cast<std::size_t>(genes[i])] = kSexGeneRate * sum;
    }
    return genes;
}

}  // namespace morula::analysis
