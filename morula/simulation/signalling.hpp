// What ligands do to cells: receptor and ligand levels read off the latent, occupancies, and programmes that follow them and shift the states.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "morula/matrix/views.hpp"
#include "morula/simulation/expression_kernel.hpp"

namespace morula::simulation {

inline constexpr std::int64_t kMostDecodedGenes = 200;
inline constexpr std::int64_t kMostProgrammes = 16;

/// Levels of genes as linear functions of the latent, cut at 0: level = max(0, intercept + weights . z), in the data's units (log values).
struct Decoder {
    std::vector<std::string> genes{};
    matrix::Dense<float> weights{};   // n_dims x n_genes
    std::vector<float> intercept{};   // n_genes
    std::vector<double> explained{};  // n_genes: share of the measured variance that the levels explain

    void decode(std::span<const float> latent, std::span<float> levels) const;
};

/// A ligand with a receptor, of which the table says that they bind. Partners are numbers of genes of the Decoder; all are needed (complexes: the least of them counts).
struct ReceptorLink {
    std::string name{};
    std::int32_t programme = 0;
    std::int32_t substance = -1;         // the ligand, as a substance of the fields; -1: it stays on the cells that make it
    std::vector<std::int32_t> ligand{};    // of links by contact
    std::vector<std::int32_t> receptor{};  // empty: it was not measured, and every cell is taken to have it at receptor_level
    double receptor_level = 1.0;         // relative to the highest, as levels are
    double half = 1.0;                   // ligand at which half of the receptors are taken: in the substance's unit, or in neighbours at the highest measured level
};

struct Programme {
    std::string name{};
    double relaxation_per_min = 0.0;     // of its level towards the occupancy
    double strength = 0.0;               // for a level of 1: log of the odds of a state one standard deviation (of the type's measured cells) higher in the score
    double balance = 0.0;                // level at which states are as common as among the measured cells; below it they are shifted the other way
    std::vector<std::int32_t> targets{};   // genes whose mean relative level is the score of a state; none: it shifts no states
};

struct SignallingModel {
    Decoder decoder;
    std::vector<ReceptorLink> links;
    std::vector<Programme> programmes;
    double clock_min = 1.0;  // a whole multiple of the mechanics step
};

/// Occupancy of a programme: sum over its links of R L / (half + L) (mass action at equilibrium), R the receptor's and, by contact, L the neighbours' level relative to the
/// highest among the metacells, so from 0 to about 1; of a complex the least of its parts, as CellPhoneDB takes it (Efremova et al. 2020).
/// The level of a programme relaxes to it, exactly over a step. A state's tilt is strength times (level - balance) times score: measured cells that were not all in one condition are at rest
/// in none, so that a programme at level 0 must be able to shift states as well.
class Signalling {
public:
    /// Throws invalid_data for rates or levels that are no numbers, too many genes or programmes, and a receptor that no measured state has.
    Signalling(SignallingModel model, const ExpressionKernel& kernel);

    const SignallingModel& model() const { return model_; }
    std::size_t n_programmes() const { return model_.programmes.size(); }
    std::size_t n_genes() const { return model_.decoder.genes.size(); }
    /// Links by contact, as numbers of links.
    std::span<const std::size_t> contact_links() const { return contact_; }

    /// Levels relative to the highest among the metacells, of all genes.
    void relative_levels(std::span<const float> latent, std::span<float> levels) const;
    /// What a cell with these relative levels shows its neighbours of one link's ligand.
    float ligand_of(std::span<const float> levels, const ReceptorLink& link) const;
    /// Occupancy of every programme. concentrations: of each substance where the cell is; contact: one a link by contact, summed over the neighbours.
    void occupancies(std::span<const float> levels, std::span<const double> concentrations, std::span<const float> contact, std::span<double> occupancy) const;
    /// Score of a metacell in a programme, in standard deviations of its type.
    float score(std::int64_t metacell, std::size_t programme) const { return score_[static_cast<std::size_t>(metacell) * n_programmes() + programme]; }
    /// What is added to the log of the odds of going from one metacell to another, for these levels.
    double tilt(std::int64_t from, std::int64_t to, std::span<const float> programme_levels) const;

private:
    void check(const ExpressionKernel& kernel) const;
    void score_states(const ExpressionKernel& kernel);
    double receptor_of(std::span<const float> levels, const ReceptorLink& link) const;

    SignallingModel model_;
    std::vector<std::size_t> contact_;
    std::vector<float> inverse_highest_;  // one a gene; 0 where no state has it
    std::vector<float> score_;            // metacells x programmes
};

}  // namespace morula::simulation
