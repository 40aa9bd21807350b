#include "morula/analysis/cnv_segments.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace morula::analysis {
namespace {

constexpr std::size_t kStates = 3;  // loss, neutral, gain
constexpr std::size_t kNeutral = 1;
constexpr double kHeld = 3.0;
constexpr int kMostRounds = 10;
constexpr std::int64_t kFewestArmGenes = 15;
constexpr double kBlockGenes = 25.0;
constexpr double kMostOfAnArm = 0.75;  // of its genes: what is shorter is a stretch
// Means of lost and gained stretches to begin with: of clones with some RNA of other cells among theirs, and of pure ones.
constexpr std::array<double, kStates> kStartLevel{-0.7, 0.0, 0.5};
constexpr std::array<double, kStates> kPureLevel{-1.0, 0.0, 0.58};
constexpr double kMostLevel = 2.0;

using Levels = std::array<double, kStates>;
using Evidence = std::vector<std::array<double, kStates>>;

CopyState state_of(std::size_t index) { return static_cast<CopyState>(static_cast<int>(index) - 1); }
std::size_t index_of(CopyState state) { return static_cast<std::size_t>(static_cast<int>(state) + 1); }

/// ln likelihood of each gene in each state, but for a constant.
Evidence evidence_of(const CnvRatios& ratios, const Levels& levels, double null_inflation) {
    const double widened = ratios.inflation * null_inflation;
    Evidence evidence(ratios.weight.size());
    for (std::size_t g = 0; g < evidence.size(); ++g) {
        for (std::size_t s = 0; s < kStates; ++s) {
            const double deviation = std::min(kHeld, std::abs(ratios.log2_ratio[g] - levels[s]) * std::sqrt(ratios.weight[g]) / widened);
            evidence[g][s] = -0.5 * deviation * deviation;
        }
    }
    return evidence;
}

/// Chances of a state beside the same and beside each other one.
struct Step {
    double stay = 0.0;
    double move = 0.0;
};
struct Chain {
    std::span<const std::int32_t> arm;  // n_genes
    Step within;
    Step between_arms;
    std::array<double, kStates> start{};
};
Chain chain_of(const CnvGenome& genome) {
    const double move = 1.0 / static_cast<double>(std::max<std::int64_t>(genome.n_genes(), 10));
    Chain chain;
    chain.arm = genome.arm;
    chain.within = {1.0 - move, 0.5 * move};
    // Changes end at centromeres far more often than at any other place (Beroukhim et al. 2010): what holds on one side says little of the other.
    chain.between_arms = {0.8, 0.1};
    chain.start = {0.1, 0.8, 0.1};
    return chain;
}

/// The likeliest states of genes [begin, end); returns their ln likelihood, but for a constant.
double viterbi(const Evidence& evidence, const Chain& chain, std::size_t begin, std::size_t end, std::vector<std::size_t>& path) {
    std::vector<std::array<std::uint8_t, kStates>> from(end - begin);
    std::array<double, kStates> best{};
    for (std::size_t s = 0; s < kStates; ++s) best[s] = std::log(chain.start[s]) + evidence[begin][s];
    const auto logs = [](const Step& step) { return Step{std::log(step.stay), std::log(step.move)}; };
    const Step within = logs(chain.within), between_arms = logs(chain.between_arms);
    for (std::size_t g = begin + 1; g < end; ++g) {
        const Step& step = chain.arm[g] == chain.arm[g - 1] ? within : between_arms;
        std::array<double, kStates> next{};
        for (std::size_t s = 0; s < kStates; ++s) {
            std::size_t source = s;
            double value = best[s] + step.stay;
            for (std::size_t other = 0; other < kStates; ++other) {
                if (other != s && best[other] + step.move > value) {
                    value = best[other] + step.move;
                    source = other;
                }
            }
            from[g - begin][s] = static_cast<std::uint8_t>(source);
            next[s] = value + evidence[g][s];
        }
        best = next;
    }
    std::size_t state = kNeutral;
    for (std::size_t s = 0; s < kStates; ++s) {
        if (best[s] > best[state]) state = s;
    }
    const double likelihood = best[state];
    for (std::size_t g = end; g-- > begin;) {
        path[g] = state;
        state = from[g - begin][state];
    }
    return likelihood;
}

/// Probabilities of the states of genes [begin, end), by forward and backward sums scaled at each gene.
void posteriors(const Evidence& evidence, const Chain& chain, std::size_t begin, std::size_t end, Evidence& probability) {
    const auto scaled = [](std::array<double, kStates> values) {
        double sum = 0.0;
        for (const double value : values) sum += value;
        for (double& value : values) value /= sum;
        return values;
    };
    const auto stepped = [&](const std::array<double, kStates>& values, std::size_t g) {
        const Step& step = chain.arm[g] == chain.arm[g - 1] ? chain.within : chain.between_arms;
        const double sum = values[0] + values[1] + values[2];
        std::array<double, kStates> next{};
        for (std::size_t s = 0; s < kStates; ++s) next[s] = step.stay * values[s] + step.move * (sum - values[s]);
        return next;
    };
    for (std::size_t g = begin; g < end; ++g) {
        std::array<double, kStates> value{};
        if (g > begin) value = stepped(probability[g - 1], g);
        for (std::size_t s = 0; s < kStates; ++s) value[s] = (g > begin ? value[s] : chain.start[s]) * std::exp(evidence[g][s]);
        probability[g] = scaled(value);
    }
    std::array<double, kStates> backward{1.0, 1.0, 1.0};
    for (std::size_t g = end; g-- > begin;) {
        std::array<double, kStates> behind = backward;
        for (std::size_t s = 0; s < kStates; ++s) {
            behind[s] *= std::exp(evidence[g][s]);
            probability[g][s] *= backward[s];
        }
        probability[g] = scaled(probability[g]);
        if (g > begin) backward = scaled(stepped(behind, g));
    }
}

/// Calls body(begin, end) for each run of genes of one chromosome and, where states are given, one state.
template <class Body>
void for_each_run(const CnvGenome& genome, const std::vector<CopyState>* states, const Body& body) {
    const auto n = static_cast<std::size_t>(genome.n_genes());
    for (std::size_t begin = 0; begin < n;) {
        std::size_t end = begin + 1;
        while (end < n && genome.chromosome[end] == genome.chromosome[begin] && (states == nullptr || (*states)[end] == (*states)[begin])) ++end;
        body(begin, end);
        begin = end;
    }
}

/// Mean of the genes in each state, by weight, where that keeps the states apart.
Levels levels_of(const CnvRatios& ratios, const std::vector<std::size_t>& path, double min_shift) {
    Levels sum{}, weight{};
    for (std::size_t g = 0; g < path.size(); ++g) {
        const double sd = ratios.weight[g] > 0.0 ? kHeld / std::sqrt(ratios.weight[g]) : 0.0;
        const double start = kStartLevel[path[g]];
        sum[path[g]] += ratios.weight[g] * (start + std::clamp(ratios.log2_ratio[g] - start, -sd, sd));
        weight[path[g]] += ratios.weight[g];
    }
    Levels levels = kStartLevel;
    const double least = std::max(0.05, min_shift);
    if (weight[0] > 0.0) levels[0] = std::clamp(sum[0] / weight[0], -kMostLevel, -least);
    if (weight[2] > 0.0) levels[2] = std::clamp(sum[2] / weight[2], least, kMostLevel);
    return levels;
}

struct Path {
    std::vector<std::size_t> states;  // n_genes, as indices of levels
    Levels levels{};
    double likelihood = 0.0;          // ln, but for a constant
};
/// Path and levels in turn, from `levels`, until the path stays.
Path settled_path(const CnvRatios& ratios, const CnvGenome& genome, double null_inflation, double min_shift, const Levels& levels) {
    const Chain chain = chain_of(genome);
    Path path{std::vector<std::size_t>(ratios.weight.size(), kNeutral), levels, 0.0};
    for (int round = 0; round < kMostRounds; ++round) {
        const Evidence evidence = evidence_of(ratios, path.levels, null_inflation);
        const std::vector<std::size_t> before = path.states;
        path.likelihood = 0.0;
        for_each_run(genome, nullptr, [&](std::size_t begin, std::size_t end) { path.likelihood += viterbi(evidence, chain, begin, end, path.states); });
        if (round > 0 && path.states == before) break;
        if (round + 1 < kMostRounds) path.levels = levels_of(ratios, path.states, min_shift);
    }
    return path;
}

/// The likelier of the paths from two starts: shallow levels take a normal arm beside a lost one for lost, and stay there.
Path likeliest_path(const CnvRatios& ratios, const CnvGenome& genome, double null_inflation, double min_shift) {
    Path path = settled_path(ratios, genome, null_inflation, min_shift, kStartLevel);
    Path pure = settled_path(ratios, genome, null_inflation, min_shift, kPureLevel);
    return pure.likelihood > path.likelihood ? pure : path;
}

/// Whether the whole arm moved: both halves, and no part of less than three quarters of it explains the shift better, by more than the best of so many parts does by chance.
bool whole_arm_moved(const CnvRatios& ratios, const CnvStretch& arm, std::int64_t begin, std::int64_t end, double null_inflation, double min_shift) {
    const double sign = arm.mean < 0.0 ? -1.0 : 1.0;
    const std::int64_t middle = begin + (end - begin) / 2;
    for (const auto& [from, to] : {std::pair{begin, middle}, {middle, end}}) {
        if (!(sign * cnv_stretch(ratios, from, to).mean >= 0.5 * min_shift)) return false;
    }
    const auto n = static_cast<double>(arm.n_genes);
    return cnv_part_gain(ratios, begin, end, kMostOfAnArm) / (null_inflation * null_inflation) <= 2.0 * std::log(0.5 * n * n);
}

std::vector<CnvArm> test_arms(const CnvRatios& ratios, const CnvGenome& genome, double null_inflation, const CnvCallOptions& options) {
    const std::vector<std::int64_t> borders = arm_borders(genome);
    std::vector<CnvArm> arms;
    std::vector<CnvStretch> measured;
    std::int64_t n_tested = 0;
    for (std::int32_t arm = 0; arm < genome.n_arms(); ++arm) {
        const CnvStretch stretch = cnv_stretch(ratios, borders[static_cast<std::size_t>(arm)], borders[static_cast<std::size_t>(arm) + 1]);
        CnvArm each{arm, CopyState::neutral, stretch.mean, stretch.z / null_inflation, std::numeric_limits<double>::quiet_NaN(), stretch.n_genes, stretch.n_genes >= kFewestArmGenes};
        if (each.is_tested) {
            each.log10_p = cnv_log10_p(stretch.z, ratios, null_inflation);
            ++n_tested;
        }
        arms.push_back(each);
        measured.push_back(stretch);
    }
    for (std::size_t i = 0; i < arms.size(); ++i) {
        CnvArm& arm = arms[i];
        if (!arm.is_tested || arm.log10_p > std::log10(options.alpha / static_cast<double>(n_tested)) || std::abs(arm.mean) < options.min_shift) continue;
        if (whole_arm_moved(ratios, measured[i], borders[i], borders[i + 1], null_inflation, options.min_shift)) arm.state = arm.mean < 0.0 ? CopyState::loss : CopyState::gain;
    }
    return arms;
}

}  // namespace

std::string_view copy_state_name(CopyState state) { return state == CopyState::loss ? "loss" : state == CopyState::gain ? "gain" : "neutral"; }

bool CnvCalls::any() const {
    return std::any_of(state.begin(), state.end(), [](CopyState each) { return each != CopyState::neutral; });
}

CnvCalls call_changes(const CnvRatios& ratios, const CnvGenome& genome, double null_inflation, const CnvCallOptions& options) {
    check_fields(options);
    const Path path = likeliest_path(ratios, genome, null_inflation, options.min_shift);
    CnvCalls calls;
    for (const std::size_t index : path.states) calls.state.push_back(state_of(index));
    const double most_log10_p = std::log10(options.alpha / std::max(1.0, static_cast<double>(genome.n_genes()) / kBlockGenes));
    std::vector<CopyState> kept = calls.state;
    for_each_run(genome, &calls.state, [&](std::size_t begin, std::size_t end) {
        const CnvStretch stretch = cnv_stretch(ratios, static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end));
        const double sign = static_cast<double>(static_cast<int>(calls.state[begin]));
        const bool holds = sign * stretch.mean >= options.min_shift && cnv_log10_p(stretch.z, ratios, null_inflation) <= most_log10_p;
        if (!holds) std::fill(kept.begin() + static_cast<std::ptrdiff_t>(begin), kept.begin() + static_cast<std::ptrdiff_t>(end), CopyState::neutral);
    });
    calls.state = std::move(kept);

    calls.arms = test_arms(ratios, genome, null_inflation, options);
    for (std::size_t g = 0; g < calls.state.size(); ++g) {
        const CopyState of_arm = calls.arms[static_cast<std::size_t>(genome.arm[g])].state;
        if (calls.state[g] == CopyState::neutral) calls.state[g] = of_arm;
    }

    Evidence probability(ratios.weight.size());
    const Evidence evidence = evidence_of(ratios, path.levels, null_inflation);
    for_each_run(genome, nullptr, [&](std::size_t begin, std::size_t end) { posteriors(evidence, chain_of(genome), begin, end, probability); });
    calls.level.assign(calls.state.size(), 0.0);
    for_each_run(genome, &calls.state, [&](std::size_t begin, std::size_t end) {
        const CnvStretch stretch = cnv_stretch(ratios, static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end));
        double sum = 0.0;
        for (std::size_t g = begin; g < end; ++g) sum += probability[g][index_of(calls.state[g])];
        calls.segments.push_back({static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end) - 1, genome.chromosome[begin], calls.state[begin], stretch.mean, stretch.z / null_inflation,
                                  sum / static_cast<double>(end - begin), stretch.n_genes});
        if (calls.state[begin] != CopyState::neutral) std::fill(calls.level.begin() + static_cast<std::ptrdiff_t>(begin), calls.level.begin() + static_cast<std::ptrdiff_t>(end), stretch.mean);
    });
    return calls;
}

}  // namespace morula::analysis
