// Are p values of null cohorts uniform, is the FDR kept where there are effects, and what is found? bench_de [COHORTS] prints a table, recipe beside recipe.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "morula/analysis/de.hpp"
#include "tests/analysis/nb_cohorts.hpp"
#include "tests/support/means.hpp"

namespace {

using namespace morula;

using analysis::DeRecipe;

const char* name_of(DeRecipe recipe) { return recipe == DeRecipe::edger_4 ? "edger-4   " : "edger-3.40"; }

analysis::DeResult compare(const analysis::nb_cohorts::Made& made, DeRecipe recipe, Context& context) {
    return analysis::de(made.counts.view(), made.design, {{{0.0, 1.0}}, {}}, {.recipe = recipe}, context).contrasts.front();
}

void null_cohorts(int n_cohorts, std::int64_t n_case, std::int64_t n_control, DeRecipe recipe, Context& context) {
    std::vector<double> at_5, at_1;
    for (int cohort = 0; cohort < n_cohorts; ++cohort) {
        const auto r = compare(analysis::nb_cohorts::make({.n_case = n_case, .n_control = n_control, .seed = static_cast<std::uint64_t>(1000 + cohort)}), recipe, context);
        const auto share = [&](double level) {
            return static_cast<double>(std::count_if(r.log10_p.begin(), r.log10_p.end(), [&](double p) { return p < std::log10(level); })) / static_cast<double>(r.log10_p.size());
        };
        at_5.push_back(share(0.05));
        at_1.push_back(share(0.01));
    }
    const test::Mean five = test::mean_of(at_5);
    const test::Mean one = test::mean_of(at_1);
    fmt::print("{} null {} v {}: p < .05 in {:.2f} % +- {:.2f}, p < .01 in {:.2f} % +- {:.2f} of genes\n", name_of(recipe), n_case, n_control, 100 * five.mean, 100 * five.se, 100 * one.mean, 100 * one.se);
}

void cohorts_with_effects(int n_cohorts, std::int64_t n_each, DeRecipe recipe, Context& context) {
    std::vector<double> false_share, power, shrunk_error, plain_error;
    for (int cohort = 0; cohort < n_cohorts; ++cohort) {
        const auto made = analysis::nb_cohorts::make({.n_case = n_each, .n_control = n_each, .effect_share = 0.1, .seed = static_cast<std::uint64_t>(5000 + cohort)});
        const auto r = compare(made, recipe, context);
        double found = 0.0, wrong = 0.0, real = 0.0, plain = 0.0, shrunk = 0.0;
        for (std::size_t i = 0; i < r.gene.size(); ++i) {
            const double truth = made.true_log2fc[static_cast<std::size_t>(r.gene[i])];
            const bool called = r.log10_fdr[i] <= std::log10(0.05);
            real += truth != 0.0 ? 1.0 : 0.0;
            found += called && truth != 0.0 ? 1.0 : 0.0;
            wrong += called && truth == 0.0 ? 1.0 : 0.0;
            plain += (r.log2fc[i] - truth) * (r.log2fc[i] - truth) / static_cast<double>(r.gene.size());
            shrunk += (r.log2fc_shrunk[i] - truth) * (r.log2fc_shrunk[i] - truth) / static_cast<double>(r.gene.size());
        }
        false_share.push_back(found + wrong > 0.0 ? wrong / (found + wrong) : 0.0);
        power.push_back(found / real);
        plain_error.push_back(std::sqrt(plain));
        shrunk_error.push_back(std::sqrt(shrunk));
    }
    const test::Mean fdr = test::mean_of(false_share);
    const test::Mean share = test::mean_of(power);
    fmt::print("{} effects {} v {}: realised FDR {:.2f} % +- {:.2f} at 5 %, found {:.1f} % +- {:.1f}; root mean square error of log2fc {:.3f}, shrunk {:.3f}\n", name_of(recipe), n_each, n_each, 100 * fdr.mean, 100 * fdr.se,
               100 * share.mean, 100 * share.se, test::mean_of(plain_error).mean, test::mean_of(shrunk_error).mean);
}

}  // namespace

int main(int argc, char** argv) {
    const int n_cohorts = argc > 1 ? std::atoi(argv[1]) : 200;
    Context context({});
    for (const auto& [n_case, n_control] : {std::pair{2, 2}, {3, 3}, {2, 6}, {4, 6}, {6, 6}}) {
        for (const DeRecipe recipe : {DeRecipe::edger_3_40, DeRecipe::edger_4}) null_cohorts(n_cohorts, n_case, n_control, recipe, context);
    }
    for (const std::int64_t n_each : {2, 3, 6}) {
        for (const DeRecipe recipe : {DeRecipe::edger_3_40, DeRecipe::edger_4}) cohorts_with_effects(n_cohorts, n_each, recipe, context);
    }
    return 0;
}
