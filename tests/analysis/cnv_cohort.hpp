// A made-up cohort with clones, as `morula cnv` reads it, and how well found clones agree with planted ones: for the tests and the benchmark.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "morula/analysis/cnv.hpp"
#include "morula/analysis/generate_cohort.hpp"

namespace morula::analysis::cnv_cases {

/// A made-up cohort with its genes in the order of the genome: autosomes, arms with at least 20 genes.
struct CloneCohort {
    GenerateCohortResult made;
    CnvGenome genome;
    matrix::Matrix counts;
    std::vector<std::int64_t> gene;  // of the cohort
    std::vector<CnvRole> role;
    std::vector<std::int32_t> donor;

    CloneCohort(const GenerateCohortOptions& options, Context& context) : made(generate_cohort(options, context)) {
        std::vector<std::int64_t> new_column(made.gene_ids.size(), -1);
        for (const ChromosomeArm& arm : autosome_arms(made.places, 20)) {
            if (genome.chromosome_names.empty() || genome.chromosome_names.back() != arm.chromosome) genome.chromosome_names.push_back(arm.chromosome);
            genome.arm_names.push_back(arm.name);
            for (const std::int64_t g : arm.genes) {
                new_column[static_cast<std::size_t>(g)] = std::ssize(gene);
                gene.push_back(g);
                genome.chromosome.push_back(static_cast<std::int32_t>(genome.chromosome_names.size()) - 1);
                genome.arm.push_back(static_cast<std::int32_t>(genome.arm_names.size()) - 1);
                genome.start.push_back(made.places.start[static_cast<std::size_t>(g)]);
                genome.end.push_back(made.places.end[static_cast<std::size_t>(g)]);
            }
        }
        counts = matrix::remap_cols(made.counts, new_column, std::ssize(gene));
        for (std::size_t cell = 0; cell < made.cells.donor.size(); ++cell) {
            const bool healthy = !made.samples[static_cast<std::size_t>(made.cells.sample[cell])].is_diseased;
            role.push_back(healthy ? CnvRole::reference : CnvRole::query);
            donor.push_back(made.cells.donor[cell]);
        }
    }
    CnvResult run(const CnvOptions& options, Context& context) const { return cnv({*counts, genome, role, donor}, options, context); }
};

/// Area under the ROC curve, ties a half.
inline double auroc(std::vector<std::pair<double, bool>> score_and_truth) {
    std::sort(score_and_truth.begin(), score_and_truth.end());
    double n_true = 0.0, n_false = 0.0, wins = 0.0;
    for (std::size_t i = 0; i < score_and_truth.size();) {
        std::size_t end = i;
        double trues = 0.0, falses = 0.0;
        for (; end < score_and_truth.size() && score_and_truth[end].first == score_and_truth[i].first; ++end) ++(score_and_truth[end].second ? trues : falses);
        wins += trues * (n_false + 0.5 * falses);
        n_true += trues;
        n_false += falses;
        i = end;
    }
    return wins / (n_true * n_false);
}

/// The found clone that holds most cells of each planted one; -1 where none holds any.
inline std::vector<std::int32_t> matched_clones(const CloneCohort& cohort, const CnvResult& result) {
    std::vector<std::int32_t> out;
    for (std::size_t truth = 0; truth < cohort.made.clones.size(); ++truth) {
        std::map<std::int32_t, int> n;
        for (std::size_t cell = 0; cell < result.clone.size(); ++cell) {
            if (cohort.made.cells.clone[cell] == static_cast<std::int32_t>(truth) && result.clone[cell] >= 0) ++n[result.clone[cell]];
        }
        const auto best = std::max_element(n.begin(), n.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
        out.push_back(best == n.end() ? -1 : best->first);
    }
    return out;
}

struct Agreement {
    double planted = 0.0;
    double found = 0.0;   // of the planted
    double called = 0.0;
    double wrong = 0.0;   // of the called
    double recall() const { return planted > 0.0 ? found / planted : 0.0; }
    double precision() const { return called > 0.0 ? 1.0 - wrong / called : 1.0; }
    double f1() const { return recall() + precision() > 0.0 ? 2.0 * recall() * precision() / (recall() + precision()) : 0.0; }
};

/// Arms of the matched clones.
inline Agreement compare_arms(const CloneCohort& cohort, const CnvResult& result) {
    Agreement out;
    const std::vector<std::int32_t> matched = matched_clones(cohort, result);
    for (std::size_t truth = 0; truth < matched.size(); ++truth) {
        std::map<std::string, int> arms;
        for (const CopyChange& change : cohort.made.clones[truth].changes) {
            if (change.is_arm) arms[change.arm] = change.copies < 2 ? -1 : 1;
        }
        out.planted += static_cast<double>(arms.size());
        if (matched[truth] < 0) continue;
        for (const CnvArm& arm : result.clones[static_cast<std::size_t>(matched[truth])].calls.arms) {
            if (arm.state == CopyState::neutral) continue;
            out.called += 1.0;
            const auto there = arms.find(result.genome.arm_names[static_cast<std::size_t>(arm.arm)]);
            const bool right = there != arms.end() && there->second == static_cast<int>(arm.state);
            ++(right ? out.found : out.wrong);
        }
    }
    return out;
}

/// Genes changed by more or less than two copies in a planted clone: -1, 0 or 1, by the genes that the result reads.
inline std::vector<int> true_states(const CloneCohort& cohort, const CnvResult& result, std::size_t clone) {
    std::map<std::int64_t, int> of_gene;
    for (const CopyChange& change : cohort.made.clones[clone].changes) {
        for (const std::int64_t g : change.genes) of_gene[g] = change.copies < 2 ? -1 : 1;
    }
    std::vector<int> out;
    for (const std::int64_t place : result.genes) {
        const auto found = of_gene.find(cohort.gene[static_cast<std::size_t>(place)]);
        out.push_back(found == of_gene.end() ? 0 : found->second);
    }
    return out;
}

}  // namespace morula::analysis::cnv_cases
