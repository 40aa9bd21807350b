// Are planted gains and losses found, by size of the change and of the clone, and what is called where nothing is planted? bench_cnv [COHORTS [clones|cohorts|changes|scores]] prints tables; bench_cnv speed [CELLS] times one run.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "tests/analysis/cnv_cases.hpp"
#include "tests/analysis/cnv_cohort.hpp"

namespace {

using namespace morula;
using namespace morula::analysis;

GenerateCohortOptions cohort_options(std::uint64_t seed, std::int32_t clone_donors) {
    GenerateCohortOptions options;
    options.donors = 6;
    options.cells = 500;
    options.genes = 10000;
    options.types = 6;
    options.clone_donors = clone_donors;
    options.seed = seed;
    return options;
}

void add(cnv_cases::Agreement& to, const cnv_cases::Agreement& more) {
    to.planted += more.planted;
    to.found += more.found;
    to.called += more.called;
    to.wrong += more.wrong;
}

/// Genes of called stretches against the planted ones.
cnv_cases::Agreement compare_genes(const cnv_cases::CloneCohort& cohort, const CnvResult& result) {
    cnv_cases::Agreement out;
    const std::vector<std::int32_t> matched = cnv_cases::matched_clones(cohort, result);
    for (std::size_t truth = 0; truth < matched.size(); ++truth) {
        const std::vector<int> states = cnv_cases::true_states(cohort, result, truth);
        for (std::size_t g = 0; g < states.size(); ++g) {
            const int called = matched[truth] < 0 ? 0 : static_cast<int>(result.clones[static_cast<std::size_t>(matched[truth])].calls.state[g]);
            out.planted += states[g] != 0;
            out.found += states[g] != 0 && called == states[g];
            out.called += called != 0;
            out.wrong += called != 0 && called != states[g];
        }
    }
    return out;
}

/// Planted focal changes of which at least half of the genes are called rightly.
cnv_cases::Agreement compare_focal(const cnv_cases::CloneCohort& cohort, const CnvResult& result) {
    cnv_cases::Agreement out;
    const std::vector<std::int32_t> matched = cnv_cases::matched_clones(cohort, result);
    std::map<std::int64_t, std::size_t> place;
    for (std::size_t g = 0; g < result.genes.size(); ++g) place[cohort.gene[static_cast<std::size_t>(result.genes[g])]] = g;
    for (std::size_t truth = 0; truth < matched.size(); ++truth) {
        for (const CopyChange& change : cohort.made.clones[truth].changes) {
            if (change.is_arm) continue;
            out.planted += 1.0;
            double n = 0.0, right = 0.0;
            for (const std::int64_t g : change.genes) {
                if (!place.contains(g)) continue;
                n += 1.0;
                right += matched[truth] >= 0 && static_cast<int>(result.clones[static_cast<std::size_t>(matched[truth])].calls.state[place[g]]) == (change.copies < 2 ? -1 : 1);
            }
            out.found += n > 0.0 && 2.0 * right >= n;
        }
    }
    return out;
}

void cohorts(int n, Context& context) {
    cnv_cases::Agreement arms, genes, focal;
    std::vector<double> areas;
    double n_planted = 0.0, n_found = 0.0, n_false = 0.0;
    for (int i = 0; i < n; ++i) {
        const cnv_cases::CloneCohort with(cohort_options(100 + static_cast<std::uint64_t>(i), 3), context);
        const CnvResult result = with.run({}, context);
        add(arms, cnv_cases::compare_arms(with, result));
        add(genes, compare_genes(with, result));
        add(focal, compare_focal(with, result));
        n_planted += static_cast<double>(with.made.clones.size());
        n_found += static_cast<double>(result.clones.size());
        std::vector<std::pair<double, bool>> scores;
        for (std::size_t cell = 0; cell < result.clone.size(); ++cell) {
            if (with.role[cell] == CnvRole::query && result.fit[cell].clone >= 0) scores.emplace_back(static_cast<double>(result.fit[cell].score), with.made.cells.clone[cell] >= 0);
        }
        areas.push_back(cnv_cases::auroc(scores));
        const cnv_cases::CloneCohort without(cohort_options(500 + static_cast<std::uint64_t>(i), 0), context);
        n_false += static_cast<double>(without.run({}, context).clones.size());
    }
    double area = 0.0;
    for (const double each : areas) area += each / static_cast<double>(areas.size());
    fmt::print("{} cohorts of 3 donors with 2 clones each: {} clones planted, {} found; arms recall {:.3f}, precision {:.3f}, F1 {:.3f}; focal (25 Mb, 4 copies) found {:.3f}; genes F1 {:.3f} (recall {:.3f}, precision {:.3f}); cells AUROC {:.3f}\n", n,
               n_planted, n_found, arms.recall(), arms.precision(), arms.f1(), focal.recall(), genes.f1(), genes.recall(), genes.precision(), area);
    fmt::print("{} cohorts without clones: {} clones called\n", n, n_false);
}

/// Stretches of a planted clone that are found (at least half of the genes read in them are called alike in the matched clone), and called stretches, wrong ones being those of which less than half is planted alike.
cnv_cases::Agreement compare_segments(const cnv_cases::CloneCohort& cohort, const CnvResult& result, std::size_t truth, std::int32_t found) {
    cnv_cases::Agreement out;
    const std::vector<int> states = cnv_cases::true_states(cohort, result, truth);
    const auto called = [&](std::size_t g) { return found < 0 ? 0 : static_cast<int>(result.clones[static_cast<std::size_t>(found)].calls.state[g]); };
    for (std::size_t begin = 0; begin < states.size();) {
        std::size_t end = begin + 1;
        while (end < states.size() && states[end] == states[begin] && result.genome.arm[end] == result.genome.arm[begin]) ++end;
        if (states[begin] != 0) {
            std::size_t right = 0;
            for (std::size_t g = begin; g < end; ++g) right += called(g) == states[g];
            out.planted += 1.0;
            out.found += 2 * right >= end - begin;
        }
        begin = end;
    }
    if (found < 0) return out;
    for (const CnvSegment& segment : result.clones[static_cast<std::size_t>(found)].calls.segments) {
        if (segment.state == CopyState::neutral) continue;
        std::int64_t right = 0;
        for (std::int64_t g = segment.first_gene; g <= segment.last_gene; ++g) right += states[static_cast<std::size_t>(g)] == static_cast<int>(segment.state);
        out.called += 1.0;
        out.wrong += 2 * right < segment.last_gene - segment.first_gene + 1;
    }
    return out;
}

/// What came of clones of about one size.
struct OfSize {
    int clones = 0;
    int found = 0;
    double cells = 0.0;
    double held = 0.0;  // cells of planted clones that are in any found one
    cnv_cases::Agreement segments;
};

/// Clones of all sizes among 700 cells of several types in each sample, a parent and its child in each of two donors: is the clone found, its stretches, and its cells?
void by_clone_size(int n, Context& context) {
    constexpr std::array<std::int64_t, 7> kBorders{10, 20, 40, 80, 160, 320, 1'000'000};
    std::array<OfSize, kBorders.size()> bins;
    double wrong_cells = 0.0, other_cells = 0.0, n_samples = 0.0, unmatched = 0.0;
    for (int i = 0; i < n; ++i) {
        for (const double fraction : {0.06, 0.12, 0.25, 0.5, 0.9}) {
            GenerateCohortOptions options = cohort_options(900 + static_cast<std::uint64_t>(i), 2);
            options.donors = 4;
            options.cells = 700;
            options.genes = 5000;
            options.mean_counts = 3000.0;
            options.clone_fraction = fraction;
            const cnv_cases::CloneCohort cohort(options, context);
            const CnvResult result = cohort.run({}, context);
            const std::vector<std::int32_t> matched = cnv_cases::matched_clones(cohort, result);
            std::vector<double> cells(matched.size(), 0.0), held = cells;
            for (std::size_t cell = 0; cell < result.clone.size(); ++cell) {
                if (cohort.role[cell] != CnvRole::query) continue;
                const std::int32_t truth = cohort.made.cells.clone[cell];
                const bool is_in = result.clone[cell] >= 0;
                other_cells += truth < 0;
                wrong_cells += truth < 0 && is_in;
                if (truth < 0) continue;
                cells[static_cast<std::size_t>(truth)] += 1.0;
                held[static_cast<std::size_t>(truth)] += is_in;
            }
            for (std::size_t truth = 0; truth < matched.size(); ++truth) {
                const auto bin = static_cast<std::size_t>(std::upper_bound(kBorders.begin(), kBorders.end(), static_cast<std::int64_t>(cells[truth])) - kBorders.begin());
                OfSize& to = bins[bin];
                ++to.clones;
                to.found += matched[truth] >= 0;
                to.cells += cells[truth];
                to.held += held[truth];
                add(to.segments, compare_segments(cohort, result, truth, matched[truth]));
            }
            for (std::int32_t clone = 0; clone < static_cast<std::int32_t>(result.clones.size()); ++clone) unmatched += std::find(matched.begin(), matched.end(), clone) == matched.end();
            n_samples += 2.0;
        }
    }
    fmt::print("{:>14} {:>8} {:>8} {:>8} {:>12} {:>10} {:>10} {:>8} {:>14}\n", "cells of clone", "clones", "matched", "in any", "stretches", "recall", "precision", "F1", "wrong a clone");
    for (std::size_t bin = 0; bin < bins.size(); ++bin) {
        const OfSize& each = bins[bin];
        if (each.clones == 0) continue;
        fmt::print("{:>6} to {:>4} {:>8} {:>8} {:>8.2f} {:>12} {:>10.2f} {:>10.2f} {:>8.2f} {:>14.3f}\n", bin == 0 ? 1 : kBorders[bin - 1], bin + 1 < bins.size() ? fmt::to_string(kBorders[bin] - 1) : "", each.clones, each.found, each.held / std::max(1.0, each.cells),
                   each.segments.planted, each.segments.recall(), each.segments.precision(), each.segments.f1(), each.segments.wrong / each.clones);
    }
    fmt::print("{} samples: {} of {} normal cells in a clone, {} called clones that hold most cells of none planted\n", n_samples, wrong_cells, other_cells, unmatched);
}

/// One clone with one changed stretch in the middle of an arm, beside as many normal cells of its type; reference of the same type.
void by_size(int n, Context& context) {
    fmt::print("{:>6} {:>7} {:>7} {:>8} {:>11} {:>10} {:>14}\n", "genes", "copies", "cells", "found", "segment F1", "gene F1", "false stretches");
    const CnvGenome genome = cnv_cases::genome(20, 200);
    for (const std::int64_t size : {20, 40, 80, 200}) {
        for (const double copies : {1.0, 3.0}) {
            for (const std::int64_t cells : {20, 100}) {
                double found = 0.0, f1 = 0.0, wrong = 0.0;
                for (int i = 0; i < n; ++i) {
                    const auto seed = static_cast<std::uint64_t>(i);
                    const std::vector<double> rate = cnv_cases::rates(genome.n_genes(), 1, 0.5);
                    const std::int64_t begin = 200 * (2 * i + 1) % 7600 + (200 - size) / 2;
                    matrix::Csr csr;
                    cnv_cases::add_cells(csr, rate, 200, 4000.0, cnv_cases::normal_copies, 10 * seed + 1);
                    cnv_cases::add_cells(csr, rate, cells, 4000.0, [&](std::int64_t g) { return g >= begin && g < begin + size ? copies : 2.0; }, 10 * seed + 2);
                    cnv_cases::add_cells(csr, rate, cells, 4000.0, cnv_cases::normal_copies, 10 * seed + 3);
                    std::vector<CnvRole> role(static_cast<std::size_t>(csr.n_rows), CnvRole::query);
                    std::fill(role.begin(), role.begin() + 200, CnvRole::reference);
                    const std::vector<std::int32_t> donor(role.size(), 0);
                    const matrix::Matrix counts = matrix::make_view_source(csr.view());
                    const CnvResult result = cnv({*counts, genome, role, donor}, {}, context);
                    cnv_cases::Agreement best;
                    best.planted = static_cast<double>(size);
                    for (const CnvClone& clone : result.clones) {
                        cnv_cases::Agreement each;
                        each.planted = 0.0;
                        for (std::size_t g = 0; g < result.genes.size(); ++g) {
                            const std::int64_t gene = result.genes[g];
                            const int truth = gene >= begin && gene < begin + size ? (copies < 2.0 ? -1 : 1) : 0;
                            const int called = static_cast<int>(clone.calls.state[g]);
                            each.planted += truth != 0;
                            each.found += truth != 0 && called == truth;
                            each.called += called != 0;
                            each.wrong += called != 0 && called != truth;
                        }
                        if (each.f1() > best.f1()) best = each;
                        for (const CnvSegment& segment : clone.calls.segments) {
                            const bool touches = result.genes[static_cast<std::size_t>(segment.last_gene)] >= begin && result.genes[static_cast<std::size_t>(segment.first_gene)] < begin + size;
                            wrong += segment.state != CopyState::neutral && !touches;
                        }
                    }
                    found += best.recall() >= 0.5;
                    f1 += best.found > 0.0 ? best.f1() : 0.0;
                }
                const cnv_cases::Agreement segments{static_cast<double>(n), found, found + wrong, wrong};
                fmt::print("{:>6} {:>7} {:>7} {:>8.2f} {:>11.2f} {:>10.2f} {:>14.2f}\n", size, copies, cells, found / n, segments.f1(), f1 / n, wrong / n);
            }
        }
    }
}

/// Cells of one kind whose interval should hold one value.
struct Coverage {
    double n = 0.0, held = 0.0, width = 0.0, score = 0.0;
    std::vector<double> of_cohort{};  // shares
    double n_here = 0.0, held_here = 0.0;

    void add(const CnvFit& fit, double truth) {
        const bool holds = static_cast<double>(fit.low) <= truth && truth <= static_cast<double>(fit.high);
        n += 1.0;
        held += holds;
        n_here += 1.0;
        held_here += holds;
        width += static_cast<double>(fit.high - fit.low);
        score += static_cast<double>(fit.score);
    }
    void end_cohort() {
        if (n_here > 0.0) of_cohort.push_back(held_here / n_here);
        n_here = held_here = 0.0;
    }
    void print(std::string_view name) const {
        if (n == 0.0) return;
        fmt::print("{:>44} {:>8} {:>8.2f} {:>8.2f} {:>9.3f} {:>9.3f} {:>9.3f}\n", name, n, score / n, width / n, held / n, *std::min_element(of_cohort.begin(), of_cohort.end()), *std::max_element(of_cohort.begin(), of_cohort.end()));
    }
};

/// How often the interval of a cell's score holds the truth: 1 for cells of a planted clone that was found, 0 for normal cells of donors with a clone. Damaged cells are left out.
void score_intervals(int n, Context& context) {
    for (const double mean_counts : {1500.0, 4000.0}) {
        Coverage clone, other_clone, same_type, other_types;
        for (int i = 0; i < n; ++i) {
            GenerateCohortOptions options = cohort_options(300 + static_cast<std::uint64_t>(i), 3);
            options.mean_counts = mean_counts;
            const cnv_cases::CloneCohort cohort(options, context);
            const CnvResult result = cohort.run({}, context);
            const std::vector<std::int32_t> matched = cnv_cases::matched_clones(cohort, result);
            for (std::size_t cell = 0; cell < result.fit.size(); ++cell) {
                const CnvFit& fit = result.fit[cell];
                if (cohort.role[cell] != CnvRole::query || cohort.made.cells.is_damaged[cell] != 0 || fit.clone < 0) continue;
                const std::int32_t truth = cohort.made.cells.clone[cell];
                if (truth < 0) (cohort.made.cells.type[cell] == 0 ? same_type : other_types).add(fit, 0.0);
                else (matched[static_cast<std::size_t>(truth)] == fit.clone ? clone : other_clone).add(fit, 1.0);
            }
            for (Coverage* each : {&clone, &other_clone, &same_type, &other_types}) each->end_cohort();
        }
        fmt::print("{} counts a cell, {} cohorts of 3 donors with clones\n{:>44} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9}\n", mean_counts, n, "", "cells", "score", "width", "covered", "least", "most");
        clone.print("clone cells, scored by their clone: 1");
        other_clone.print("clone cells, scored by another: 1");
        same_type.print("normal cells of the clone's type: 0");
        other_types.print("normal cells of other types: 0");
    }
}

void speed(std::int64_t n_cells, Context& context) {
    GenerateCohortOptions options;
    options.donors = 10;
    options.cells = n_cells / 10;
    options.cells_sd = 0.0;
    options.genes = 20000;
    options.clone_donors = 3;
    options.seed = 1;
    cnv_cases::CloneCohort cohort(options, context);
    cohort.counts = matrix::compact_copy(*cohort.counts, context);
    const auto started = std::chrono::steady_clock::now();
    const CnvResult result = cohort.run({}, context);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    const cnv_cases::Agreement arms = cnv_cases::compare_arms(cohort, result);
    fmt::print("{} made-up cells ({} query) x {} genes read, {} non-zeros, {} threads: {:.1f} s; {} clones of {}, arms recall {:.2f}, {} wrong; peak {}\n", result.n_query + result.n_reference, result.n_query, result.genes.size(), cohort.counts->nnz(),
               context.threads(), seconds, result.clones.size(), cohort.made.clones.size(), arms.recall(), arms.wrong, format_bytes(peak_memory_bytes()));
}

}  // namespace

int main(int argc, char** argv) {
    Context context({});
    if (argc > 1 && std::string_view(argv[1]) == "speed") {
        speed(argc > 2 ? std::atoll(argv[2]) : 100'000, context);
        return 0;
    }
    const int n = argc > 1 ? std::atoi(argv[1]) : 5;
    const std::string_view only = argc > 2 ? argv[2] : "";
    if (only.empty() || only == "clones") by_clone_size(n, context);
    if (only.empty() || only == "cohorts") cohorts(n, context);
    if (only.empty() || only == "changes") by_size(n, context);
    if (only.empty() || only == "scores") score_intervals(n, context);
    return 0;
}
