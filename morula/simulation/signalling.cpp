#include "morula/simulation/signalling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/core/error.hpp"

namespace morula::simulation {

void Decoder::decode(std::span<const float> latent, std::span<float> levels) const {
    std::copy(intercept.begin(), intercept.end(), levels.begin());
    for (std::size_t d = 0; d < latent.size(); ++d) {
        const std::span<const float> weight = weights.row(static_cast<std::int64_t>(d));
        for (std::size_t gene = 0; gene < genes.size(); ++gene) levels[gene] += weight[gene] * latent[d];
    }
    for (float& level : levels) level = std::max(0.0F, level);
}

Signalling::Signalling(SignallingModel model, const ExpressionKernel& kernel) : model_(std::move(model)), inverse_highest_(model_.decoder.genes.size(), 0.0F) {
    check(kernel);
    std::vector<float> levels(n_genes()), highest(n_genes(), 0.0F);
    for (std::int64_t m = 0; m < kernel.n_metacells(); ++m) {
        model_.decoder.decode(kernel.center(m), levels);
        for (std::size_t gene = 0; gene < levels.size(); ++gene) highest[gene] = std::max(highest[gene], levels[gene]);
    }
    for (std::size_t gene = 0; gene < highest.size(); ++gene) inverse_highest_[gene] = highest[gene] > 0.0F ? 1.0F / highest[gene] : 0.0F;
    for (std::size_t k = 0; k < model_.links.size(); ++k) {
        const ReceptorLink& link = model_.links[k];
        if (link.substance < 0) contact_.push_back(k);
        for (const std::int32_t gene : link.receptor) {
            if (highest[static_cast<std::size_t>(gene)] == 0.0F) {
                invalid_data(fmt::format("'{}': no measured state has its receptor '{}'.", link.name, model_.decoder.genes[static_cast<std::size_t>(gene)]), "Leave the pair out: nothing would come of it.");
            }
        }
    }
    score_states(kernel);
}

void Signalling::check(const ExpressionKernel& kernel) const {
    const auto genes = static_cast<std::int64_t>(n_genes());
    MORULA_ASSERT((genes == 0 || (model_.decoder.weights.n_rows == kernel.n_dims() && model_.decoder.weights.n_cols == genes)) && std::ssize(model_.decoder.intercept) == genes);
    if (genes > kMostDecodedGenes) invalid_data(fmt::format("{} genes are read off the states; at most {} may be.", genes, kMostDecodedGenes), "Name fewer genes, or a smaller table of ligands and receptors.");
    if (std::ssize(model_.programmes) > kMostProgrammes) invalid_data(fmt::format("There are {} programmes; at most {} may be.", model_.programmes.size(), kMostProgrammes), "Describe fewer.");
    for (const std::vector<float>* values : {&model_.decoder.weights.values, &model_.decoder.intercept}) {
        if (!std::all_of(values->begin(), values->end(), [](float value) { return std::isfinite(value); })) invalid_data("Levels of genes cannot be read off the states: a weight is no number.", "Look for NaN in the data.");
    }
    for (const Programme& programme : model_.programmes) {
        if (!(programme.relaxation_per_min >= 0.0) || !std::isfinite(programme.relaxation_per_min) || !std::isfinite(programme.strength) || !std::isfinite(programme.balance)) {
            invalid_data(fmt::format("Programme '{}' has a relaxation of {} / min, a strength of {} and a balance of {}.", programme.name, programme.relaxation_per_min, programme.strength, programme.balance),
                         "Give numbers, the relaxation not negative.");
        }
    }
    for (const ReceptorLink& link : model_.links) {
        MORULA_ASSERT(link.programme >= 0 && static_cast<std::size_t>(link.programme) < n_programmes() && (link.substance >= 0 || !link.ligand.empty()));
        if (!(link.half > 0.0) || !std::isfinite(link.half)) invalid_data(fmt::format("'{}': half of the receptors are taken at {}.", link.name, link.half), "Give a number above 0.");
        if (link.receptor.empty() && !(link.receptor_level > 0.0 && link.receptor_level <= 1.0)) {
            invalid_data(fmt::format("'{}': its receptor, which was not measured, is taken to have the level {}.", link.name, link.receptor_level), "Give a number above 0, and 1 at most.");
        }
    }
}

void Signalling::score_states(const ExpressionKernel& kernel) {
    score_.assign(static_cast<std::size_t>(kernel.n_metacells()) * n_programmes(), 0.0F);
    std::vector<float> levels(n_genes());
    std::vector<double> raw(score_.size(), 0.0);
    for (std::int64_t m = 0; m < kernel.n_metacells(); ++m) {
        relative_levels(kernel.center(m), levels);
        for (std::size_t p = 0; p < n_programmes(); ++p) {
            const std::vector<std::int32_t>& targets = model_.programmes[p].targets;
            for (const std::int32_t gene : targets) raw[static_cast<std::size_t>(m) * n_programmes() + p] += static_cast<double>(levels[static_cast<std::size_t>(gene)]) / static_cast<double>(targets.size());
        }
    }
    for (std::int32_t type = 0; type < kernel.n_types(); ++type) {
        for (std::size_t p = 0; p < n_programmes(); ++p) {
            double n = 0.0, sum = 0.0, squares = 0.0;
            const auto for_each = [&](const auto& body) {
                for (std::int64_t m = kernel.type_begin(type); m < kernel.type_end(type); ++m) body(static_cast<std::size_t>(m) * n_programmes() + p, static_cast<double>(kernel.n_cells(m)));
            };
            for_each([&](std::size_t at, double cells) {
                n += cells;
                sum += cells * raw[at];
            });
            for_each([&](std::size_t at, double cells) { squares += cells * (raw[at] - sum / n) * (raw[at] - sum / n); });
            if (!(squares > 0.0)) continue;
            for_each([&](std::size_t at, double) { score_[at] = static_cast<float>((raw[at] - sum / n) / std::sqrt(squares / n)); });
        }
    }
}

void Signalling::relative_levels(std::span<const float> latent, std::span<float> levels) const {
    model_.decoder.decode(latent, levels);
    for (std::size_t gene = 0; gene < levels.size(); ++gene) levels[gene] *= inverse_highest_[gene];
}

float Signalling::ligand_of(std::span<const float> levels, const ReceptorLink& link) const {
    float least = levels[static_cast<std::size_t>(link.ligand.front())];
    for (const std::int32_t gene : link.ligand) least = std::min(least, levels[static_cast<std::size_t>(gene)]);
    return least;
}

double Signalling::receptor_of(std::span<const float> levels, const ReceptorLink& link) const {
    if (link.receptor.empty()) return link.receptor_level;
    float least = levels[static_cast<std::size_t>(link.receptor.front())];
    for (const std::int32_t gene : link.receptor) least = std::min(least, levels[static_cast<std::size_t>(gene)]);
    return static_cast<double>(least);
}

void Signalling::occupancies(std::span<const float> levels, std::span<const double> concentrations, std::span<const float> contact, std::span<double> occupancy) const {
    std::fill(occupancy.begin(), occupancy.end(), 0.0);
    std::size_t at = 0;
    for (const ReceptorLink& link : model_.links) {
        const double ligand = std::max(0.0, link.substance < 0 ? static_cast<double>(contact[at++]) : concentrations[static_cast<std::size_t>(link.substance)]);
        occupancy[static_cast<std::size_t>(link.programme)] += receptor_of(levels, link) * ligand / (link.half + ligand);
    }
}

double Signalling::tilt(std::int64_t from, std::int64_t to, std::span<const float> programme_levels) const {
    double sum = 0.0;
    for (std::size_t p = 0; p < n_programmes(); ++p) {
        const Programme& programme = model_.programmes[p];
        sum += programme.strength * (static_cast<double>(programme_levels[p]) - programme.balance) * static_cast<double>(score(to, p) - score(from, p));
    }
    return sum;
}

}  // namespace morula::simulation
