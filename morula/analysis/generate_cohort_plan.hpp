// The plan of a made-up cohort: who is who, and what is planted. It holds all of the truth but the cells.
#pragma once

#include "morula/analysis/generate_cohort.hpp"

namespace morula::analysis {

/// The streams of Purpose::generate_cohort and generate_clones that belong to one item.
enum class CohortStream : std::uint32_t { donor, sample, donor_composition, sample_composition, state_genes, donor_effects, sample_effects, clone_changes };

/// Number of diseased donors. Throws usage when the options contradict one another.
std::int32_t check_cohort(const GenerateCohortOptions& options);
std::vector<CohortDonor> plan_donors(const GenerateCohortOptions& options, std::int32_t n_diseased);
/// Without their cells' shares.
std::vector<CohortSample> plan_samples(const GenerateCohortOptions& options, const std::vector<CohortDonor>& donors);
/// Nothing is planted in the genes of `spared`.
std::vector<TypeTruth> plan_types(const GenerateCohortOptions& options, const CellProfiles& profiles, std::span<const std::int64_t> spared);
std::vector<CohortClone> plan_clones(const GenerateCohortOptions& options, const std::vector<CohortDonor>& donors, const GenePlaces& places);
/// Fills type_share and clone_share.
void share_out_cells(const GenerateCohortOptions& options, const CellProfiles& profiles, const std::vector<TypeTruth>& types, const std::vector<CohortClone>& clones,
                     std::vector<CohortSample>& samples);
/// XIST and genes of Y get names and rates, in every type alike; returns their genes, XIST first.
std::vector<std::int64_t> name_sex_genes(CellProfiles& profiles, const GenePlaces& places);

}  // namespace morula::analysis
