#include "morula/analysis/communication.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "morula/analysis/communication_permutations.hpp"
#include "morula/analysis/donor_contrast.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::analysis {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kHalfEffect = 0.5;  // CellChat's Kh

/// The least of the genes' values in a group.
double least_of(const matrix::Dense<double>& values, const std::vector<std::int64_t>& genes, std::int64_t group) {
    double least = std::numeric_limits<double>::infinity();
    for (const std::int64_t gene : genes) least = std::min(least, values(gene, group));
    return least;
}

double score_of(double ligand, double receptor) { return ligand > 0.0 && receptor > 0.0 ? 0.5 * (ligand + receptor) : 0.0; }

/// Pairs of used types in which both partners are expressed widely enough.
std::vector<CoExpression> co_expressed(const GroupExpression& expression, std::span<const PairGenes> pairs, const std::vector<std::uint8_t>& is_used, double min_fraction) {
    std::vector<CoExpression> found;
    const auto n_types = std::ssize(is_used);
    std::vector<double> ligand_fraction(is_used.size()), receptor_fraction(is_used.size());
    for (std::size_t pair = 0; pair < pairs.size(); ++pair) {
        for (std::int64_t type = 0; type < n_types; ++type) {
            const auto t = static_cast<std::size_t>(type);
            ligand_fraction[t] = is_used[t] != 0 ? least_of(expression.fraction, pairs[pair].ligand, type) : -1.0;
            receptor_fraction[t] = is_used[t] != 0 ? least_of(expression.fraction, pairs[pair].receptor, type) : -1.0;
        }
        const auto passes = [&](double fraction) { return fraction > 0.0 && fraction >= min_fraction; };
        for (std::int64_t sender = 0; sender < n_types; ++sender) {
            if (!passes(ligand_fraction[static_cast<std::size_t>(sender)])) continue;
            for (std::int64_t receiver = 0; receiver < n_types; ++receiver) {
                if (!passes(receptor_fraction[static_cast<std::size_t>(receiver)])) continue;
                CoExpression each;
                each.pair = static_cast<std::int32_t>(pair);
                each.sender = static_cast<std::int32_t>(sender);
                each.receiver = static_cast<std::int32_t>(receiver);
                each.ligand_mean = least_of(expression.mean, pairs[pair].ligand, sender);
                each.receptor_mean = least_of(expression.mean, pairs[pair].receptor, receiver);
                each.ligand_fraction = ligand_fraction[static_cast<std::size_t>(sender)];
                each.receptor_fraction = receptor_fraction[static_cast<std::size_t>(receiver)];
                each.score = score_of(each.ligand_mean, each.receptor_mean);
                each.cofactors = cofactor_factor(expression, pairs[pair], sender, receiver);
                found.push_back(each);
            }
        }
    }
    return found;
}

/// What is compared between conditions in one pair of types.
struct Comparable {
    std::int32_t pair;
    std::int32_t sender;
    std::int32_t receiver;
};

/// Whether a partner is expressed widely enough in half of the given units or more.
bool expressed_in_half(const GroupExpression& expression, const PairGenes& pair, const Comparable& where, const std::vector<std::int64_t>& units, std::int32_t n_types, double min_fraction) {
    std::int64_t n = 0;
    for (const std::int64_t unit : units) {
        const double least = std::min(least_of(expression.fraction, pair.ligand, unit * n_types + where.sender), least_of(expression.fraction, pair.receptor, unit * n_types + where.receiver));
        n += least > 0.0 && least >= min_fraction;
    }
    return n > 0 && 2 * n >= std::ssize(units);
}

double mean_over(const std::vector<double>& values, const std::vector<std::int64_t>& units) {
    double sum = 0.0;
    for (const std::int64_t unit : units) sum += values[static_cast<std::size_t>(unit)];
    return sum / static_cast<double>(units.size());
}

CommunicationContrast compare_one(const GroupExpression& expression, const PairGenes& pair, const Comparable& where, std::int32_t n_types, const AbundancePlan& plan) {
    std::vector<double> score(expression.n_cells.size() / static_cast<std::size_t>(n_types), kMissing);
    for (const auto* units : {&plan.case_rows, &plan.control_rows}) {
        for (const std::int64_t unit : *units) {
            score[static_cast<std::size_t>(unit)] = score_of(least_of(expression.mean, pair.ligand, unit * n_types + where.sender), least_of(expression.mean, pair.receptor, unit * n_types + where.receiver));
        }
    }
    CommunicationContrast out;
    out.pair = where.pair;
    out.sender = where.sender;
    out.receiver = where.receiver;
    out.n_case = std::ssize(plan.case_rows);
    out.n_control = std::ssize(plan.control_rows);
    out.is_exploratory = plan.is_exploratory;
    out.status = plan.status;
    out.score_case = mean_over(score, plan.case_rows);
    out.score_control = mean_over(score, plan.control_rows);
    out.test = test_difference(score, plan, 0);
    return out;
}

}  // namespace

matrix::CompactColumns expression_columns(const matrix::Matrix& log_values, const std::vector<std::int64_t>& columns, Context& context) {
    constexpr double kUneven = 2.0;
    const double share = static_cast<double>(columns.size()) / static_cast<double>(std::max<std::int64_t>(1, log_values->n_cols()));
    const double bytes = std::min(1.0, kUneven * share) * static_cast<double>(log_values->nnz()) * matrix::CompactColumns::kBytesPerFloat;
    context.require_memory(static_cast<std::int64_t>(bytes), "genes of pairs");
    return {*matrix::select_cols(log_values, columns), {0, std::ssize(columns)}, context};
}

GroupExpression group_expression(const matrix::CompactColumns& genes, std::span<const std::int32_t> group_of_cell, std::int32_t n_groups, Context& context) {
    MORULA_ASSERT(std::ssize(group_of_cell) == genes.n_rows());
    context.require_memory(2 * static_cast<std::int64_t>(sizeof(double)) * genes.n_cols() * n_groups, "expression by groups");
    GroupExpression out{matrix::Dense<double>(genes.n_cols(), n_groups), matrix::Dense<double>(genes.n_cols(), n_groups), std::vector<std::int64_t>(static_cast<std::size_t>(n_groups), 0)};
    for (const std::int32_t group : group_of_cell) {
        MORULA_ASSERT(group < n_groups);
        if (group >= 0) ++out.n_cells[static_cast<std::size_t>(group)];
    }
    matrix::ScratchPool<matrix::ColumnEntries> pool;
    parallel_blocks(context, genes.n_cols(), 1, [&](Block block) {
        auto entries = pool.take();
        genes.read(block.begin, *entries);
        const auto mean = out.mean.row(block.begin);
        const auto fraction = out.fraction.row(block.begin);
        std::fill(mean.begin(), mean.end(), 0.0);
        std::fill(fraction.begin(), fraction.end(), 0.0);
        for (std::size_t i = 0; i < entries->rows.size(); ++i) {
            const std::int32_t group = group_of_cell[entries->rows[i]];
            if (group < 0) continue;
            mean[static_cast<std::size_t>(group)] += static_cast<double>(entries->values[i]);
            fraction[static_cast<std::size_t>(group)] += entries->values[i] > 0.0F ? 1.0 : 0.0;
        }
        for (std::size_t group = 0; group < mean.size(); ++group) {
            const auto n = static_cast<double>(out.n_cells[group]);
            mean[group] = n > 0.0 ? mean[group] / n : kMissing;
            fraction[group] = n > 0.0 ? fraction[group] / n : kMissing;
        }
    });
    return out;
}

double pair_score(const GroupExpression& expression, const PairGenes& pair, std::int64_t sender, std::int64_t receiver) {
    return score_of(least_of(expression.mean, pair.ligand, sender), least_of(expression.mean, pair.receptor, receiver));
}

double cofactor_factor(const GroupExpression& expression, const PairGenes& pair, std::int64_t sender, std::int64_t receiver) {
    if (pair.agonists.empty() && pair.antagonists.empty() && pair.co_activators.empty() && pair.co_inhibitors.empty()) return kMissing;
    double factor = 1.0;
    for (const std::int64_t gene : pair.co_activators) factor *= 1.0 + expression.mean(gene, receiver);
    for (const std::int64_t gene : pair.co_inhibitors) factor /= 1.0 + expression.mean(gene, receiver);
    for (const std::int64_t type : {sender, receiver}) {
        for (const std::int64_t gene : pair.agonists) factor *= 1.0 + expression.mean(gene, type) / (kHalfEffect + expression.mean(gene, type));
        for (const std::int64_t gene : pair.antagonists) factor *= kHalfEffect / (kHalfEffect + expression.mean(gene, type));
    }
    return factor;
}

CommunicationResult communication(const matrix::CompactColumns& genes, std::span<const PairGenes> pairs, std::span<const std::int32_t> types, std::int32_t n_types, const CommunicationOptions& options,
                                  Context& context) {
    const GroupExpression expression = group_expression(genes, types, n_types, context);
    CommunicationResult result;
    for (const std::int64_t n : expression.n_cells) result.type_is_used.push_back(n >= options.min_cells ? 1 : 0);
    const auto n_used = std::count(result.type_is_used.begin(), result.type_is_used.end(), 1);
    if (n_used < 2) {
        invalid_data(fmt::format("{} cell type{} ha{} {} cells or more, and specificity is told from two types on.", n_used, n_used == 1 ? "" : "s", n_used == 1 ? "s" : "ve", options.min_cells), "Name a column with more cell types, or lower --min-cells.");
    }
    result.n_looked_at = std::ssize(pairs) * n_used * n_used;
    result.found = co_expressed(expression, pairs, result.type_is_used, options.min_fraction);
    // Cells of types that take no part are not shuffled either.
    std::vector<std::int32_t> used(types.begin(), types.end());
    for (std::int32_t& type : used) {
        if (type >= 0 && result.type_is_used[static_cast<std::size_t>(type)] == 0) type = -1;
    }
    const std::vector<std::int64_t> n_as_high = permutations_as_high(genes, pairs, used, n_types, result.found, options, context);
    std::vector<double> p;
    for (std::size_t i = 0; i < result.found.size(); ++i) {
        result.found[i].p = (1.0 + static_cast<double>(n_as_high[i])) / (1.0 + static_cast<double>(options.permutations));
        p.push_back(result.found[i].p);
    }
    const std::vector<double> fdr = false_discovery_rates(p);
    for (std::size_t i = 0; i < fdr.size(); ++i) result.found[i].fdr = fdr[i];
    return result;
}

std::vector<CommunicationContrast> compare_communication(const GroupExpression& expression, std::span<const PairGenes> pairs, std::int32_t n_types, const AbundancePlan& plan, const CommunicationOptions& options,
                                                         Context& context) {
    const std::int64_t n_units = std::ssize(expression.n_cells) / n_types;
    std::vector<std::vector<CommunicationContrast>> found(static_cast<std::size_t>(n_types) * static_cast<std::size_t>(n_types));
    parallel_blocks(context, std::ssize(found), 1, [&](Block block) {
        const auto sender = static_cast<std::int32_t>(block.begin / n_types);
        const auto receiver = static_cast<std::int32_t>(block.begin % n_types);
        std::vector<std::uint8_t> has_cells;
        for (std::int64_t unit = 0; unit < n_units; ++unit) {
            const auto n_of = [&](std::int32_t type) { return expression.n_cells[static_cast<std::size_t>(unit * n_types + type)]; };
            has_cells.push_back(std::min(n_of(sender), n_of(receiver)) >= options.min_cells ? 1 : 0);
        }
        const AbundancePlan own = plan_of_units_with_values(plan, has_cells);
        if (!can_compare(own)) return;
        for (std::size_t pair = 0; pair < pairs.size(); ++pair) {
            const Comparable where{static_cast<std::int32_t>(pair), sender, receiver};
            const auto is_expressed = [&](const std::vector<std::int64_t>& units) { return expressed_in_half(expression, pairs[pair], where, units, n_types, options.min_fraction); };
            if (is_expressed(own.case_rows) || is_expressed(own.control_rows)) found[static_cast<std::size_t>(block.begin)].push_back(compare_one(expression, pairs[pair], where, n_types, own));
        }
    });
    std::vector<CommunicationContrast> all;
    for (auto& each : found) all.insert(all.end(), std::make_move_iterator(each.begin()), std::make_move_iterator(each.end()));
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return std::tie(a.pair, a.sender, a.receiver) < std::tie(b.pair, b.sender, b.receiver); });
    std::vector<double> p;
    for (const CommunicationContrast& each : all) p.push_back(each.is_exploratory ? kMissing : each.test.p);
    const std::vector<double> fdr = false_discovery_rates(p);
    for (std::size_t i = 0; i < all.size(); ++i) all[i].fdr = fdr[i];
    return all;
}

}  // namespace morula::analysis
