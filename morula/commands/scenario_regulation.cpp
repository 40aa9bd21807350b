#include "morula/commands/scenario_regulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "morula/core/error.hpp"
#include "morula/knowledge/regulons.hpp"

namespace morula::commands::scenario_detail {
namespace {

using namespace simulation;

/// Who may act on whom, by the table; signs and weights are left to the data.
std::vector<std::vector<std::int32_t>> arrows_among(const std::vector<knowledge::Regulon>& regulons, const std::vector<std::string>& names) {
    std::map<std::string, std::int32_t> number;
    for (std::size_t gene = 0; gene < names.size(); ++gene) number.emplace(names[gene], static_cast<std::int32_t>(gene));
    std::vector<std::vector<std::int32_t>> regulators(names.size());
    for (const knowledge::Regulon& regulon : regulons) {
        const auto source = number.find(regulon.source);
        if (source == number.end()) continue;
        for (const knowledge::RegulonTarget& target : regulon.targets) {
            const auto found = number.find(target.gene);
            if (found != number.end() && found != source) regulators[static_cast<std::size_t>(found->second)].push_back(source->second);
        }
    }
    return regulators;
}

/// Levels of the cells of one type, read off their latents.
matrix::Dense<float> levels_of(const ExpressionKernel& kernel, std::int32_t type, const Decoder& decoder) {
    matrix::Dense<float> levels(kernel.n_measured(type), std::ssize(decoder.genes));
    for (std::int64_t cell = 0; cell < levels.n_rows; ++cell) decoder.decode(kernel.measured(type, cell).latent, levels.row(cell));
    return levels;
}

}  // namespace

Regulation read_regulation(Section& section, const data::Dataset& dataset, const MeasuredStates& states, const ExpressionKernel& kernel, const std::vector<std::int64_t>& columns, const std::vector<std::string>& names,
                           const std::filesystem::path& folder, Context& context) {
    const std::filesystem::path path = folder / section.text("regulons");
    const std::vector<std::vector<std::int32_t>> regulators = arrows_among(knowledge::read_regulons(path, {section.text_or("confidence", "")}, context), names);
    section.hash_file(path);
    std::size_t n_arrows = 0;
    for (const auto& own : regulators) n_arrows += own.size();
    if (n_arrows == 0) section.refuse("regulons", "says of none of the genes that it acts on another", "Name genes as the table does, regulators among them.");
    Regulation regulation{.genes = names, .of_type = {}, .levels = matrix::Dense<float>(kernel.n_metacells(), std::ssize(names))};
    RidgeOptions options;
    options.penalty = section.positive_or("penalty", options.penalty);
    options.rounds = static_cast<std::int32_t>(std::clamp<std::int64_t>(section.whole_or("rounds", options.rounds), 0, 100));
    regulation.rounds = options.rounds;
    regulation.strength = section.rate("strength", Quantity::ratio);
    const Decoder decoder = fit_decoder(dataset, states, columns, names, context);
    for (std::int64_t m = 0; m < kernel.n_metacells(); ++m) decoder.decode(kernel.center(m), regulation.levels.row(m));
    std::vector<double> explained;
    for (std::int32_t type = 0; type < kernel.n_types(); ++type) {
        regulation.of_type.emplace_back();
        if (!kernel.has_states(type)) continue;
        regulation.of_type.back() = fit_regulators(levels_of(kernel, type, decoder).view(), regulators, options, context);
        for (std::size_t gene = 0; gene < names.size(); ++gene) {
            if (!regulation.of_type.back().regulators[gene].empty()) explained.push_back(regulation.of_type.back().explained[gene]);
        }
    }
    std::sort(explained.begin(), explained.end());
    context.events().warning(fmt::format("[expression.ridge] is experimental: {} arrows of the table among {} genes, which explain {:.2f} of a gene's variance (median). Regressions on cells that were measured once tell what goes "
                                         "together; who acts on whom is the table's word, and no rate is learned.",
                                         n_arrows, names.size(), explained.empty() ? 0.0 : explained[explained.size() / 2]));
    section.done();
    return regulation;
}

}  // namespace morula::commands::scenario_detail
