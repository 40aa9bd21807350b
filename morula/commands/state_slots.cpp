#include "morula/commands/state_slots.hpp"

#include <fmt/format.h>

#include "morula/commands/slots.hpp"

namespace morula::commands {
namespace {

using simulation::ExpressionStates;

/// The bound is set so that of the measured cells themselves one in a hundred lies beyond it: such a share says nothing, and more of it is told.
constexpr double kOfMeasured = 0.01;
/// Far from what chance makes of that share within a run.
constexpr double kTooOften = 0.02;

/// Genes read off the latents; what is 0 is left out.
matrix::Csr decoded_genes(const matrix::Dense<float>& latent, const simulation::Decoder& decoder) {
    matrix::Csr genes;
    std::vector<float> levels(decoder.genes.size());
    genes.start(latent.n_rows, std::ssize(decoder.genes));
    for (std::int64_t row = 0; row < latent.n_rows; ++row) {
        decoder.decode(latent.row(row), levels);
        for (std::size_t gene = 0; gene < levels.size(); ++gene) {
            if (!(levels[gene] > 0.0F)) continue;
            genes.indices.push_back(static_cast<std::uint32_t>(gene));
            genes.values.push_back(levels[gene]);
        }
        genes.end_row();
    }
    return genes;
}

}  // namespace

void add_state_slots(data::Dataset& cells, const simulation::Simulation& simulation, const std::vector<std::size_t>& order) {
    const ExpressionStates* states = simulation.states();
    if (states == nullptr) return;
    const simulation::Agents& agents = simulation.agents();
    matrix::Dense<float>& latent = cells.obsm["X_latent"] = matrix::Dense<float>(std::ssize(order), states->model().kernel.n_dims());
    std::vector<std::int64_t> metacell, pulls;
    for (std::size_t row = 0; row < order.size(); ++row) {
        states->latent(agents, order[row], latent.row(static_cast<std::int64_t>(row)));
        metacell.push_back(states->metacell(agents, order[row]));
        pulls.push_back(states->pulls(agents, order[row]));
    }
    cells.obs.set("metacell", std::move(metacell));
    cells.obs.set("state_unlike_data", std::move(pulls));
    if (states->model().signalling) {
        for (std::size_t p = 0; p < states->model().signalling->n_programmes(); ++p) {
            std::vector<float> levels;
            for (const std::size_t agent : order) levels.push_back(states->programme(agents, agent, p));
            cells.obs.set("programme " + states->model().signalling->model().programmes[p].name, std::move(levels));
        }
    }
    const simulation::Decoder& decoder = states->model().decoded;
    cells.var = data::Table(decoder.genes);
    cells.var.set("explained_variance", decoder.explained);
    if (!decoder.genes.empty()) cells.layers["X"] = matrix::make_source(decoded_genes(latent, decoder));
    auto& uns = std::get<data::UnsMap>(cells.uns.at("morula_simulation").value);
    uns["states"] = uns_of(std::string(simulation::kStatesAreHypotheses));
    uns["embedding_hash"] = uns_of(states->model().kernel.hash());
    uns["X"] = uns_of(std::string("decoded: log values read off X_latent by linear functions fitted to the measured cells; not measured"));
}

StateSummary summary_of_states(const simulation::Simulation& simulation) {
    const ExpressionStates* states = simulation.states();
    if (states == nullptr) return {};
    return {states->model().kernel.n_metacells(), states->model().kernel.hash(), states->guard().share()};
}

std::string unlike_data_text(const StateSummary& states) {
    if (states.n_metacells == 0 || states.share_unlike_data <= kOfMeasured) return {};
    const std::string share = fmt::format("{:.2f} % of the steps of states led to where cells are unlike any measured cell, and were pulled back; of the measured cells 1 % lie there.", 100.0 * states.share_unlike_data);
    return states.share_unlike_data <= kTooOften ? share : share + " Slower attempts or a faster relaxation keep them nearer.";
}

void record_states(VerbRecord& record, const StateSummary& states, Context& context) {
    if (states.n_metacells == 0) return;
    record.add_text("states", std::string(simulation::kStatesAreHypotheses));
    record.add_count("n_metacells", states.n_metacells);
    record.add_text("embedding_hash", states.embedding_hash);
    record.add_number("share_unlike_data", states.share_unlike_data);
    const std::string text = unlike_data_text(states);
    if (text.empty()) return;
    record.add_text("unlike_measured_cells", text);
    if (states.share_unlike_data > kTooOften) context.events().warning(text);
    else context.events().decision(text);
}

}  // namespace morula::commands
