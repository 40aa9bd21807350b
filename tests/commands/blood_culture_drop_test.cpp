// examples/tissue/blood_culture_drop.toml on the cells of Kang et al. (2018): states of one donor, and where they end beside the stimulated cells of the other donor, whom nobody has seen.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "morula/analysis/normalize.hpp"
#include "morula/analysis/pca.hpp"
#include "morula/commands/scenario.hpp"
#include "morula/core/file.hpp"
#include "morula/core/random.hpp"
#include "morula/formats/hdf5/read_h5ad.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/real_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kTypes{"B cells", "CD14+ Monocytes", "CD4 T cells", "CD8 T cells", "FCGR3A+ Monocytes"};

/// Cells in the embedding, by type.
using Points = std::vector<std::vector<float>>;
using ByType = std::map<std::string, Points>;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    for (; at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
    return text;
}

std::vector<double> mean_of(const Points& points) {
    std::vector<double> mean(points.front().size(), 0.0);
    for (const auto& point : points) {
        for (std::size_t d = 0; d < mean.size(); ++d) mean[d] += static_cast<double>(point[d]) / static_cast<double>(points.size());
    }
    return mean;
}

template <class A, class B>
double distance(const A& a, const B& b) {
    double sum = 0.0;
    for (std::size_t d = 0; d < a.size(); ++d) sum += std::pow(static_cast<double>(a[d]) - static_cast<double>(b[d]), 2.0);
    return std::sqrt(sum);
}

double mean_distance(const Points& a, const Points& b) {
    double sum = 0.0;
    for (const auto& p : a) {
        for (const auto& q : b) sum += distance(p, q);
    }
    return sum / static_cast<double>(a.size()) / static_cast<double>(b.size());
}

/// Between means, and between distributions (energy distance, Szekely & Rizzo 2013).
std::array<double, 2> away(const Points& a, const Points& b) { return {distance(mean_of(a), mean_of(b)), 2.0 * mean_distance(a, b) - mean_distance(a, a) - mean_distance(b, b)}; }

Points shifted(Points points, const std::vector<double>& from, const std::vector<double>& to) {
    for (auto& point : points) {
        for (std::size_t d = 0; d < point.size(); ++d) point[d] += static_cast<float>(to[d] - from[d]);
    }
    return points;
}

Points all_of(const ByType& cells) {
    Points all;
    for (const auto& [type, points] : cells) all.insert(all.end(), points.begin(), points.end());
    return all;
}

/// What one donor's cells say of the other's.
struct Donors {
    ByType control, stimulated;            // of the donor whose states the agents take
    ByType other_control, other_stimulated;
    ByType ended, ended_without;           // agents after six hours, with and without interferon
    ByType frozen;                         // the same agents as they began
    ByType walked;                         // programmes shift nothing
    ByType moved;                          // agents at each other's places
    std::vector<ByType> mistaken;          // interferon raises other genes than those that answer to it
};

/// Draws of genes in place of the targets.
constexpr std::uint64_t kDraws = 3;
const std::vector<std::string> kTargets{"ISG15", "IFI6", "IFIT1", "IFIT2", "IFIT3", "MX1", "MX2", "OAS1", "IRF7", "RSAD2"};

std::string quoted_list(const std::vector<std::string>& names) { return fmt::format("[\"{}\"]", fmt::join(names, "\", \"")); }

/// Ten genes of the data that are not among the targets.
std::vector<std::string> other_genes(const std::vector<std::string>& genes, std::uint64_t draw) {
    std::vector<std::string> drawn;
    Random random(draw, Purpose::test, 0, 0);
    while (drawn.size() < kTargets.size()) {
        const std::string& gene = genes[static_cast<std::size_t>(random.below(genes.size()))];
        const auto is_in = [&](const std::vector<std::string>& list) { return std::find(list.begin(), list.end(), gene) != list.end(); };
        if (!is_in(kTargets) && !is_in(drawn)) drawn.push_back(gene);
    }
    return drawn;
}

/// Every agent at the place of another one.
void shuffle_places(simulation::Agents& agents) {
    Random random(1, Purpose::test, 1, 0);
    for (std::size_t i = agents.id.size() - 1; i > 0; --i) {
        const auto j = static_cast<std::size_t>(random.below(i + 1));
        std::swap(agents.x[i], agents.x[j]);
        std::swap(agents.y[i], agents.y[j]);
        std::swap(agents.z[i], agents.z[j]);
    }
}

class Drop {
public:
    explicit Drop(const fs::path& path) : kang_(formats::read_h5ad(path, *context_)) {}

    Donors follow(const std::string& donor, const std::string& other) const {
        const data::Dataset own = of_donor(donor), held_out = of_donor(other);
        const analysis::NormalizeResult scale = analysis::normalize(totals(own), {}, *context_);
        const matrix::Matrix log = matrix::log1p_scaled(own.layers.at("X"), scale.scale);
        const analysis::PcaResult pca = analysis::pca(*log, {.n_components = 32}, *context_);
        data::Dataset prepared = own;
        prepared.layers.clear();
        prepared.layers["X"] = matrix::make_source(matrix::read_all(*log, *context_));
        prepared.obsm["X_pca"] = pca.embedding;
        const test::TemporaryFolder folder;
        formats::write_h5ad(prepared, folder / "kang_ifnb.h5ad", {}, *context_);
        std::string text = read_text_file(fs::path(MORULA_SOURCE_DIR) / "examples" / "tissue" / "blood_culture_drop.toml", 1 << 20);
        text = replaced(replaced(text, "\"ctrl101\"", "\"ctrl" + donor + "\""), "\"stim101\"", "\"stim" + donor + "\"");
        write_text_file(folder / "drop.toml", text);
        write_text_file(folder / "without.toml", replaced(text, "initial = { value = 100,", "initial = { value = 0,"));
        write_text_file(folder / "walk.toml", replaced(text, "strength = { value = 5, unit = \"1\", source = \"guessed\", prior = [2, 10] }", "strength = { value = 0, unit = \"1\", source = \"guessed\", prior = [0, 10] }"));
        std::vector<ByType> mistaken;
        for (std::uint64_t draw = 0; draw < kDraws; ++draw) {
            write_text_file(folder / "mistaken.toml", replaced(text, "targets = " + quoted_list(kTargets), "targets = " + quoted_list(other_genes(own.var.index(), draw))));
            mistaken.push_back(run(folder / "mistaken.toml", {}));
        }
        // The other donor, scaled to the same total and put on this donor's components: nothing of him went into them.
        const analysis::NormalizeResult other_scale = analysis::normalize(totals(held_out), {.target_sum = scale.target}, *context_);
        const matrix::Dense<float> projected = analysis::project(*matrix::log1p_scaled(held_out.layers.at("X"), other_scale.scale), pca, *context_);
        return {by_type(own, pca.embedding, "ctrl"), by_type(own, pca.embedding, "stim"), by_type(held_out, projected, "ctrl"), by_type(held_out, projected, "stim"),
                run(folder / "drop.toml", {.most_pulled = 0.01}), run(folder / "without.toml", {.most_pulled = 0.01}), run(folder / "drop.toml", {.until_min = 0.0}), run(folder / "walk.toml", {}),
                run(folder / "drop.toml", {.places = Places::shuffled}), std::move(mistaken)};
    }

private:
    data::Dataset of_donor(const std::string& donor) const {
        const std::vector<std::string> samples = data::column_texts(kang_.obs.at("sample_id"));
        std::vector<std::int64_t> cells, genes(static_cast<std::size_t>(kang_.n_genes()));
        for (std::size_t c = 0; c < samples.size(); ++c) {
            if (samples[c].ends_with(donor)) cells.push_back(static_cast<std::int64_t>(c));
        }
        std::iota(genes.begin(), genes.end(), std::int64_t{0});
        return data::select(kang_, cells, genes);
    }

    std::vector<double> totals(const data::Dataset& dataset) const {
        const matrix::Csr counts = matrix::read_all(*dataset.layers.at("X"), *context_);
        std::vector<double> total;
        for (std::int64_t row = 0; row < counts.view().n_rows; ++row) {
            const auto values = counts.view().row_values(row);
            total.push_back(std::accumulate(values.begin(), values.end(), 0.0));
        }
        return total;
    }

    static ByType by_type(const data::Dataset& dataset, const matrix::Dense<float>& latent, const std::string& group) {
        const std::vector<std::string> types = data::column_texts(dataset.obs.at("cluster_id")), groups = data::column_texts(dataset.obs.at("group_id"));
        ByType cells;
        for (std::size_t c = 0; c < types.size(); ++c) {
            const auto row = latent.row(static_cast<std::int64_t>(c));
            if (groups[c] == group) cells[types[c]].emplace_back(row.begin(), row.end());
        }
        return cells;
    }

    enum class Places { own, shuffled };
    static constexpr double kSixHours = 360.0;

    struct How {
        double until_min = kSixHours;
        Places places = Places::own;
        double most_pulled = 1.0;  // share of states that the guard may pull back: of the scenario itself, not of the nulls
    };

    ByType run(const fs::path& path, const How& how) const {
        Scenario scenario = read_scenario(path, *context_);
        EXPECT_EQ(scenario.until_min, kSixHours);
        if (how.places == Places::shuffled) shuffle_places(scenario.start);
        simulation::Simulation simulation(scenario.model, std::move(scenario.start), *context_);
        simulation.advance(how.until_min, *context_);
        ByType cells;
        std::vector<float> latent(static_cast<std::size_t>(simulation.states()->model().kernel.n_dims()));
        for (std::size_t i = 0; i < simulation.agents().id.size(); ++i) {
            if (simulation.states()->latent(simulation.agents(), i, latent)) cells[simulation.model().types[simulation.agents().type[i]].name].push_back(latent);
        }
        EXPECT_LE(simulation.states()->guard().share(), how.most_pulled);
        return cells;
    }

    std::unique_ptr<Context> context_ = test::make_context(2);
    data::Dataset kang_;
};

enum Column : std::size_t { simulated, no_change, frozen, random_walk, shuffled_places, other_targets, shift_of_all, other_types, shift_of_type, its_stimulated, kN };
constexpr std::array<const char*, kN> kColumns{"simulated", "no change", "frozen", "random walk", "other places", "other targets", "shift of all", "other types", "shift of type", "its stimulated"};
using Scores = std::array<std::array<double, 2>, kN>;

/// How far each prediction of the other donor's stimulated cells is from them. The last two know which type answers how: what a simulation that only has this donor's cells cannot be asked to beat.
Scores score(const Donors& donors, const std::string& type) {
    const Points& truth = donors.other_stimulated.at(type);
    Scores all{};
    all[simulated] = away(donors.ended.at(type), truth);
    all[no_change] = away(donors.control.at(type), truth);
    all[frozen] = away(donors.frozen.at(type), truth);
    all[random_walk] = away(donors.walked.at(type), truth);
    all[shuffled_places] = away(donors.moved.at(type), truth);
    for (const ByType& ended : donors.mistaken) {
        const auto from = away(ended.at(type), truth);
        for (std::size_t k = 0; k < 2; ++k) all[other_targets][k] += from[k] / static_cast<double>(donors.mistaken.size());
    }
    all[shift_of_all] = away(shifted(donors.control.at(type), mean_of(all_of(donors.control)), mean_of(all_of(donors.stimulated))), truth);
    for (const std::string& other : kTypes) {
        if (other == type) continue;
        const auto from = away(donors.ended.at(other), truth);
        for (std::size_t k = 0; k < 2; ++k) all[other_types][k] += from[k] / static_cast<double>(kTypes.size() - 1);
    }
    all[shift_of_type] = away(shifted(donors.control.at(type), mean_of(donors.control.at(type)), mean_of(donors.stimulated.at(type))), truth);
    all[its_stimulated] = away(donors.stimulated.at(type), truth);
    return all;
}

void expect_end_nearer_than_the_nulls(const Donors& donors, const std::string& what) {
    for (std::size_t k = 0; k < 2; ++k) {
        std::cout << fmt::format("{}, {}\n{:20}", what, k == 0 ? "distance of means" : "energy distance", "");
        for (const char* column : kColumns) std::cout << fmt::format("{:>16}", column);
        std::cout << "\n";
        std::array<double, kN> mean{};
        for (const std::string& type : kTypes) {
            const Scores all = score(donors, type);
            std::string won;
            std::cout << fmt::format("{:20}", type);
            for (std::size_t c = 0; c < all.size(); ++c) {
                std::cout << fmt::format("{:16.3f}", all[c][k]);
                mean[c] += all[c][k] / static_cast<double>(kTypes.size());
                if (c > 0 && all[c][k] < all[0][k]) won += fmt::format("  {} is nearer", kColumns[c]);
            }
            std::cout << won << "\n";
            for (const Column null : {no_change, frozen, shift_of_all, other_types}) EXPECT_LT(all[simulated][k], all[null][k]) << type << ": " << kColumns[null];
            // Equal where so few cells of a type were measured that there is one metacell, and no state to go to (CD8 T cells of donor 107).
            for (const Column null : {random_walk, other_targets}) EXPECT_LE(all[simulated][k], all[null][k] + 1e-9) << type << ": " << kColumns[null];
            // In an even bath a cell's place tells nothing: this null does as well, and is no more than the chance of another run.
            EXPECT_LT(std::abs(all[simulated][k] - all[shuffled_places][k]), 0.1 * all[frozen][k]) << type;
        }
        std::cout << fmt::format("{:20}", "mean");
        for (const double value : mean) std::cout << fmt::format("{:16.3f}", value);
        std::cout << "\n";
        for (const Column null : {random_walk, other_targets}) EXPECT_LT(mean[simulated], mean[null]) << kColumns[null];
    }
    // Without interferon they stay what controls are.
    for (const std::string& type : kTypes) {
        const Points& without = donors.ended_without.at(type);
        EXPECT_LT(away(without, donors.other_control.at(type))[0], away(without, donors.other_stimulated.at(type))[0]) << type << " without interferon";
    }
}

TEST(blood_culture_drop, cells_of_one_donor_end_near_the_stimulated_cells_of_the_other) {
    MORULA_REAL_DATA(path, "kang-ifnb/kang_muscat_1556.h5ad");
    const Drop drop(path);
    expect_end_nearer_than_the_nulls(drop.follow("101", "107"), "states of donor 101, tested on 107");
    expect_end_nearer_than_the_nulls(drop.follow("107", "101"), "states of donor 107, tested on 101");
}

}  // namespace
}  // namespace morula::commands
