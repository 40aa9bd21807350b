// ExpressionStates: its step on the signalling clock.
#include <algorithm>
#include <array>
#include <cmath>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/simulation/expression_states.hpp"

namespace morula::simulation {
namespace {

constexpr std::int64_t kBlockAgents = 1'024;
static_assert(kBlockAgents == kListChunk, "a block is a chunk of the lists");

bool is_alive(const Agents& agents, std::span<const Life> lives, std::size_t agent) { return !lives[agents.type[agent]].phases[agents.phase[agent]].is_dead; }

bool touch(const Agents& agents, const NeighborLists& lists, std::size_t a, std::size_t b) {
    const double x = agents.x[a] - agents.x[b], y = agents.y[a] - agents.y[b], z = agents.z[a] - agents.z[b];
    const auto reach = static_cast<double>(lists.reach(agents, a) + lists.reach(agents, b));
    return x * x + y * y + z * z < reach * reach;
}

}  // namespace

void ExpressionStates::signal_levels(std::size_t type, std::span<const float> latent, std::span<float> levels) const {
    model_->signalling->relative_levels(latent, levels);
    if (gene_factors_.empty()) return;
    MORULA_ASSERT(gene_factors_.size() == static_cast<std::size_t>(model_->kernel.n_types()) * levels.size());
    for (std::size_t gene = 0; gene < levels.size(); ++gene) levels[gene] *= gene_factors_[type * levels.size() + gene];
}

/// shown: agents x links by contact, what each shows its neighbours; 0 of the dead, of those without a state and of types that show none.
void ExpressionStates::show_ligands(const Agents& agents, std::span<const Life> lives, std::span<float> shown, Context& context) const {
    const Signalling& signalling = *model_->signalling;
    const std::size_t n_links = signalling.contact_links().size();
    parallel_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
        std::vector<float> z(static_cast<std::size_t>(model_->kernel.n_dims())), levels(signalling.n_genes());
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            const std::span<float> own = shown.subspan(i * n_links, n_links);
            std::fill(own.begin(), own.end(), 0.0F);
            const bool is_mute = !model_->shows_no_ligands.empty() && model_->shows_no_ligands[agents.type[i]] != 0;
            if (is_mute || !is_alive(agents, lives, i) || !latent(agents, i, z)) continue;
            signal_levels(agents.type[i], z, levels);
            for (std::size_t k = 0; k < n_links; ++k) own[k] = signalling.ligand_of(levels, signalling.model().links[signalling.contact_links()[k]]);
        }
    });
}

void ExpressionStates::signal(const Agents& agents, std::span<const Life> lives, const Field& field, const NeighborLists& lists, Workspace& workspace, Context& context) {
    const Signalling& signalling = *model_->signalling;
    const std::size_t n_links = signalling.contact_links().size();
    const auto n_shown = agents.size() * static_cast<std::int64_t>(n_links);
    context.require_memory(static_cast<std::int64_t>(sizeof(float)) * n_shown, "ligands that cells show their neighbours");
    const std::span<float> shown = std::get<0>(workspace.lend<float>(n_shown));
    if (n_links > 0) show_ligands(agents, lives, shown, context);
    std::vector<float> approach;
    for (const Programme& programme : signalling.model().programmes) approach.push_back(static_cast<float>(std::exp(-programme.relaxation_per_min * signalling.model().clock_min)));
    MORULA_ASSERT(lists.is_built() || n_links == 0);
    parallel_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
        std::vector<float> z(static_cast<std::size_t>(model_->kernel.n_dims())), levels(signalling.n_genes()), contact(n_links);
        std::vector<double> concentrations(static_cast<std::size_t>(field.n_substances())), occupancy(n_programmes_);
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            if (!is_alive(agents, lives, i) || !latent(agents, i, z)) continue;
            signal_levels(agents.type[i], z, levels);
            const Grid& grid = field.grid();
            const auto place = static_cast<std::size_t>(grid.place(nearest_voxel(grid, 0, agents.x[i]), nearest_voxel(grid, 1, agents.y[i]), nearest_voxel(grid, 2, agents.z[i])));
            for (std::size_t s = 0; s < concentrations.size(); ++s) concentrations[s] = field.values(static_cast<std::int32_t>(s))[place];
            std::fill(contact.begin(), contact.end(), 0.0F);
            if (n_links > 0) {
                const ListChunk& chunk = lists.chunk(block.index);
                const std::size_t own = i - static_cast<std::size_t>(block.begin);
                for (std::size_t at = kListGroup * chunk.begin[own]; at < kListGroup * chunk.begin[own + 1]; ++at) {
                    const std::uint32_t other = chunk.list[at];
                    if (other >= agents.id.size() || !touch(agents, lists, i, other)) continue;
                    for (std::size_t k = 0; k < n_links; ++k) contact[k] += shown[other * n_links + k];
                }
            }
            signalling.occupancies(levels, concentrations, contact, occupancy);
            float* own = programmes_.data() + agents.expression[i] * n_programmes_;
            for (std::size_t p = 0; p < n_programmes_; ++p) own[p] = static_cast<float>(occupancy[p]) + (own[p] - static_cast<float>(occupancy[p])) * approach[p];
        }
    });
}

float ExpressionStates::programme(const Agents& agents, std::size_t agent, std::size_t programme) const { return programmes_[agents.expression[agent] * n_programmes_ + programme]; }

}  // namespace morula::simulation
