// Does grade 2 tell a perturbation that it has not seen? bench_ridge [DATA_FOLDER]: interferon-beta on blood cells (Kang et al. 2018, five types of two donors) and dexamethasone on A549 (sci-CAR), beside nulls.
//
// Ridges are fitted on untreated cells alone, along the arrows of DoRothEA (confidence A to C). Given how much the genes of the regulators changed under treatment, how much does the table carry of what their targets did? (The model's
// own question, "gene times factor, what follows", with the factors measured.) Targets are genes that regulators act on and that are none themselves.
//   told     1 - sum (predicted - measured)^2 / sum measured^2 over targets, changes of mean log values: 1 all of it, 0 as much as saying that nothing changes, below 0 worse than that
//   cosine   of predicted and measured changes
// Nulls: frozen (nothing changes: 0 by definition); noise (what two random halves of the untreated cells differ by, as a random walk would); regulators' changes shuffled among them; the table shuffled (targets' regulators permuted among
// targets); and every target changes as much as regulators did on average. Twenty draws where chance decides. Perturbations of genes (Norman et al. 2019) cannot be asked: the set has 500 genes, and none of the regulators that were perturbed is among them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "morula/core/random.hpp"
#include "morula/formats/hdf5/read_h5ad.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/matrix/block_source.hpp"
#include "morula/simulation/expression_ridge.hpp"

namespace {

using namespace morula;
using namespace morula::simulation;
namespace fs = std::filesystem;
using Arrows = std::vector<std::vector<std::int32_t>>;  // regulators of each gene

constexpr std::uint64_t kDraws = 20;
const std::vector<std::string> kNames{"grade 2", "null: frozen", "null: noise of the controls", "null: shuffled changes", "null: shuffled table", "null: all as the mean"};

struct Cells {
    std::vector<std::string> genes;
    matrix::Dense<float> values;  // ln(1 + counts over the cell's total times the median total)
    std::vector<std::string> group;
    std::vector<std::uint8_t> is_treated;
};

Cells read_cells(const fs::path& path, Context& context) {
    const data::Dataset dataset = formats::read_h5ad(path, context);
    const matrix::Csr counts = matrix::read_all(*dataset.layers.at("X"), context);
    Cells cells{.genes = dataset.var.index(), .values = matrix::Dense<float>(counts.n_rows, counts.n_cols), .group = {}, .is_treated = {}};
    std::vector<double> total(static_cast<std::size_t>(counts.n_rows), 0.0);
    const auto for_each = [&](const auto& body) {
        for (std::int64_t c = 0; c < counts.n_rows; ++c) {
            for (std::int64_t k = counts.indptr[static_cast<std::size_t>(c)]; k < counts.indptr[static_cast<std::size_t>(c) + 1]; ++k) body(c, static_cast<std::int64_t>(counts.indices[static_cast<std::size_t>(k)]), static_cast<double>(counts.values[static_cast<std::size_t>(k)]));
        }
    };
    for_each([&](std::int64_t c, std::int64_t, double count) { total[static_cast<std::size_t>(c)] += count; });
    std::vector<double> sorted = total;
    std::nth_element(sorted.begin(), sorted.begin() + std::ssize(sorted) / 2, sorted.end());
    const double median = sorted[sorted.size() / 2];
    for_each([&](std::int64_t c, std::int64_t gene, double count) { cells.values(c, gene) = static_cast<float>(std::log1p(count / total[static_cast<std::size_t>(c)] * median)); });
    if (!dataset.obs.has("group_id")) {  // hours under dexamethasone
        cells.group = data::column_texts(dataset.obs.at("hours_dex"));
        for (const std::string& hours : cells.group) cells.is_treated.push_back(hours == "0" ? 0 : 1);
        return cells;
    }
    const std::vector<std::string> type = data::column_texts(dataset.obs.at("cluster_id")), sample = data::column_texts(dataset.obs.at("sample_id"));
    for (std::size_t c = 0; c < type.size(); ++c) {
        cells.group.push_back(type[c] + " of " + sample[c].substr(4));  // "ctrl101", "stim101"
        cells.is_treated.push_back(sample[c].starts_with("stim") ? 1 : 0);
    }
    return cells;
}

Arrows read_arrows(const fs::path& path, const std::vector<std::string>& genes, Context& context) {
    std::map<std::string, std::int32_t> number;
    for (std::size_t g = 0; g < genes.size(); ++g) number.emplace(genes[g], static_cast<std::int32_t>(g));
    const formats::RawTable table = formats::read_rows(path, {}, context);
    const std::size_t tf = table.column("tf"), target = table.column("target"), confidence = table.column("confidence");
    Arrows regulators(genes.size());
    for (const auto& row : table.rows) {
        const auto from = number.find(row[tf]), to = number.find(row[target]);
        if (from != number.end() && to != number.end() && from != to && row[confidence] <= "C") regulators[static_cast<std::size_t>(to->second)].push_back(from->second);
    }
    return regulators;
}

std::vector<double> mean_of(const Cells& cells, const std::vector<std::size_t>& rows) {
    std::vector<double> mean(cells.genes.size(), 0.0);
    for (const std::size_t row : rows) {
        for (std::size_t g = 0; g < mean.size(); ++g) mean[g] += static_cast<double>(cells.values(static_cast<std::int64_t>(row), static_cast<std::int64_t>(g))) / static_cast<double>(rows.size());
    }
    return mean;
}

std::vector<double> difference(const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> change(a.size());
    std::transform(a.begin(), a.end(), b.begin(), change.begin(), std::minus<>());
    return change;
}

template <class T>
void shuffle(std::vector<T>& values, std::uint64_t what, std::uint64_t draw) {
    Random random(draw, Purpose::test, what, 0);
    for (std::size_t k = values.size(); k > 1; --k) std::swap(values[k - 1], values[random.below(k)]);
}

struct Score {
    double told = 0.0, cosine = 0.0;
};

/// One comparison: untreated and treated cells of one group.
class Comparison {
public:
    Comparison(const Cells& cells, const Arrows& arrows, const std::vector<std::size_t>& before, const std::vector<std::size_t>& after, Context& context)
        : cells_(cells), arrows_(arrows), before_(before), context_(context), change_(difference(mean_of(cells, after), mean_of(cells, before))) {
        std::set<std::int32_t> all;
        for (const auto& own : arrows) all.insert(own.begin(), own.end());
        regulators_.assign(all.begin(), all.end());
        for (std::size_t g = 0; g < arrows.size(); ++g) {
            if (!arrows[g].empty() && !all.contains(static_cast<std::int32_t>(g))) targets_.push_back(g);
        }
        levels_ = matrix::Dense<float>(std::ssize(before), std::ssize(cells.genes));
        for (std::size_t row = 0; row < before.size(); ++row) std::copy_n(cells.values.row(static_cast<std::int64_t>(before[row])).begin(), levels_.n_cols, levels_.row(static_cast<std::int64_t>(row)).begin());
    }

    std::size_t n_targets() const { return targets_.size(); }

    Score score(const std::vector<double>& predicted) const {
        double wrong = 0.0, measured = 0.0, own = 0.0, both = 0.0;
        for (const std::size_t g : targets_) {
            wrong += std::pow(predicted[g] - change_[g], 2.0);
            measured += change_[g] * change_[g];
            own += predicted[g] * predicted[g];
            both += predicted[g] * change_[g];
        }
        return {1.0 - wrong / measured, own > 0.0 ? both / std::sqrt(own * measured) : 0.0};
    }

    /// Of grade 2 and each null, in the order of kNames.
    std::vector<Score> all() const {
        const RegulatorWeights weights = fit_regulators(levels_.view(), arrows_, {}, context_);
        std::vector<Score> scores{score(carried(weights, regulator_changes())), Score{}};
        scores.push_back(mean_over_draws([&](std::uint64_t draw) {
            std::vector<std::size_t> order = before_;
            shuffle(order, 1, draw);
            const auto half = order.begin() + std::ssize(order) / 2;
            return difference(mean_of(cells_, {order.begin(), half}), mean_of(cells_, {half, order.end()}));
        }));
        scores.push_back(mean_over_draws([&](std::uint64_t draw) {
            std::vector<double> changes = regulator_changes();
            shuffle(changes, 2, draw);
            return carried(weights, changes);
        }));
        scores.push_back(mean_over_draws([&](std::uint64_t draw) {
            std::vector<std::size_t> order = targets_;
            shuffle(order, 3, draw);
            Arrows shuffled = arrows_;
            for (std::size_t k = 0; k < targets_.size(); ++k) shuffled[targets_[k]] = arrows_[order[k]];
            return carried(fit_regulators(levels_.view(), shuffled, {}, context_), regulator_changes());
        }));
        const std::vector<double> changes = regulator_changes();
        scores.push_back(score(std::vector<double>(change_.size(), std::accumulate(changes.begin(), changes.end(), 0.0) / static_cast<double>(changes.size()))));
        return scores;
    }

private:
    std::vector<double> regulator_changes() const {
        std::vector<double> changes;
        for (const std::int32_t r : regulators_) changes.push_back(change_[static_cast<std::size_t>(r)]);
        return changes;
    }
    std::vector<double> carried(const RegulatorWeights& weights, const std::vector<double>& changes) const {
        std::vector<double> given(change_.size(), 0.0);
        for (std::size_t k = 0; k < regulators_.size(); ++k) given[static_cast<std::size_t>(regulators_[k])] = changes[k];
        return carried_change(weights, given, regulators_, RidgeOptions{}.rounds);
    }
    template <class Predict>
    Score mean_over_draws(const Predict& predict) const {
        Score mean;
        for (std::uint64_t draw = 1; draw <= kDraws; ++draw) {
            const Score one = score(predict(draw));
            mean.told += one.told / static_cast<double>(kDraws);
            mean.cosine += one.cosine / static_cast<double>(kDraws);
        }
        return mean;
    }

    const Cells& cells_;
    const Arrows& arrows_;
    const std::vector<std::size_t>& before_;
    Context& context_;
    std::vector<double> change_;
    std::vector<std::int32_t> regulators_;
    std::vector<std::size_t> targets_;
    matrix::Dense<float> levels_;
};

std::string mean_and_error(const std::vector<double>& values) {
    const double n = static_cast<double>(values.size()), mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
    double square = 0.0;
    for (const double value : values) square += (value - mean) * (value - mean);
    return values.size() < 2 ? fmt::format("{:.3f}", mean) : fmt::format("{:.3f} ({:.3f})", mean, std::sqrt(square / (n * (n - 1.0))));
}

/// groups: untreated and treated cells of each comparison.
void print(const std::string& title, const Cells& cells, const Arrows& arrows, const std::vector<std::array<std::vector<std::size_t>, 2>>& groups, Context& context) {
    std::vector<std::vector<double>> told(kNames.size()), cosine(kNames.size());
    std::size_t n_targets = 0;
    for (const auto& [before, after] : groups) {
        const Comparison comparison(cells, arrows, before, after, context);
        n_targets = comparison.n_targets();
        const std::vector<Score> scores = comparison.all();
        for (std::size_t k = 0; k < scores.size(); ++k) {
            told[k].push_back(scores[k].told);
            cosine[k].push_back(scores[k].cosine);
        }
    }
    fmt::print("{}: {} comparisons, {} targets\n{:30}{:>20}{:>20}\n", title, groups.size(), n_targets, "mean (standard error)", "told", "cosine");
    for (std::size_t k = 0; k < kNames.size(); ++k) fmt::print("{:30}{:>20}{:>20}\n", kNames[k], mean_and_error(told[k]), mean_and_error(cosine[k]));
    const auto mean = [](const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()); };
    for (std::size_t k = 1; k < kNames.size(); ++k) fmt::print("{}: {}\n", kNames[k], mean(told[0]) > mean(told[k]) ? "grade 2 is ahead" : "THE NULL WINS");
}

}  // namespace

int main(int argc, char** argv) {
    const fs::path data = argc > 1 ? argv[1] : "../shared/data";
    Context context({.threads = 0, .memory_bytes = 0, .events = nullptr, .cancel = nullptr});
    for (const char* file : {"kang-ifnb/kang_muscat_1556.h5ad", "a549-dexamethasone/a549_dex_2641.h5ad"}) {
        const Cells cells = read_cells(data / file, context);
        const Arrows arrows = read_arrows(data / "regulons" / "dorothea_hs.csv.gz", cells.genes, context);
        std::map<std::string, std::array<std::vector<std::size_t>, 2>> by_group;
        for (std::size_t c = 0; c < cells.group.size(); ++c) by_group[cells.group[c]][cells.is_treated[c]].push_back(c);
        std::vector<std::array<std::vector<std::size_t>, 2>> groups;
        for (const auto& [name, group] : by_group) {
            const bool has_own_controls = !group[0].empty();
            if (!group[1].empty()) groups.push_back({has_own_controls ? group[0] : by_group.at("0")[0], group[1]});
        }
        print(file, cells, arrows, groups, context);
    }
}
