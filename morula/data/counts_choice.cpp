// Finding the raw counts of a data set by looking at its values, not by faith in names.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "morula/core/error.hpp"
#include "morula/data/dataset.hpp"
#include "morula/matrix/whole_numbers.hpp"

namespace morula::data {
namespace {

constexpr std::int64_t kCellsLookedAt = 2000;
constexpr std::int64_t kCellsOfRun = 50;  // neighbouring cells lie in one chunk of a file

/// Runs of whole cells spread evenly from the first cell to the last.
std::vector<matrix::Range> spread_runs(std::int64_t n_cells) {
    if (n_cells <= kCellsLookedAt) return {{0, n_cells}};
    constexpr std::int64_t kRuns = kCellsLookedAt / kCellsOfRun;
    std::vector<matrix::Range> runs;
    for (std::int64_t run = 0; run < kRuns; ++run) {
        const std::int64_t begin = (n_cells - kCellsOfRun) * run / (kRuns - 1);
        runs.push_back({begin, begin + kCellsOfRun});
    }
    return runs;
}

ValueSpace space_of(float value) {
    if (!std::isfinite(value)) return ValueSpace::not_finite;
    if (value < 0.0F) return ValueSpace::negative;
    if (std::floor(value) != value) return ValueSpace::fractional;
    return value == 0.0F ? ValueSpace::empty : ValueSpace::counts;
}

/// How much a value says about its matrix: one NaN outweighs any number of integers.
int weight(ValueSpace space) {
    switch (space) {
        case ValueSpace::empty: return 0;
        case ValueSpace::counts: return 1;
        case ValueSpace::fractional: return 2;
        case ValueSpace::negative: return 3;
        case ValueSpace::not_finite: return 4;
    }
    return 0;
}

/// Whether all are counts of at most `most`, as after the first cells nearly always; false too where a value is 2^23 or more.
bool surely_counts_up_to(std::span<const float> values, float most) {
    matrix::WholeNumbers numbers;
    std::int32_t largest = 0;
    for (const float value : values) largest = std::max(largest, static_cast<std::int32_t>(numbers.take(value)));
    return !values.empty() && numbers.all_below_2_to(23) && static_cast<float>(largest) <= most;
}

std::string name_of(const Table& table, std::int64_t i, const char* what) {
    return i < table.n_rows() ? std::string(what) + " '" + table.index()[static_cast<std::size_t>(i)] + "'" : std::string(what) + " " + std::to_string(i);
}

std::string value_text(float value) {
    if (std::isnan(value)) return "NaN";
    char buffer[32];
    return std::string(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr);
}

std::string lower_case(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&](const char* other) { return name == other; });
}

/// Layers of RNA velocity: integers, but each only a part of the counts.
bool is_part_of_counts(const std::string& layer) {
    return is_one_of(lower_case(layer), {"spliced", "unspliced", "ambiguous", "spanning", "mature", "nascent", "new", "old"});
}

bool is_named_counts(const std::string& layer) {
    return is_one_of(lower_case(layer), {"counts", "raw_counts", "rawcounts", "count", "raw", "umi", "umis", "umi_counts"});
}

/// The matrices in the order in which they are believed: layers that say counts, raw.X, X, the others.
std::vector<std::string> candidates(const Dataset& dataset) {
    std::vector<std::string> names;
    const auto add = [&](const std::string& name) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    };
    for (const char* name : {"counts", "raw_counts"}) {
        if (dataset.layers.count(name) != 0) add(name);
    }
    for (const auto& entry : dataset.layers) {
        if (is_named_counts(entry.first)) add(entry.first);
    }
    if (dataset.raw) add("raw.X");
    if (dataset.layers.count("X") != 0) add("X");
    for (const auto& entry : dataset.layers) add(entry.first);
    return names;
}

std::string called(const std::string& layer) { return layer == "X" || layer == "raw.X" ? layer : "layer '" + layer + "'"; }

struct Looked {
    std::string layer;
    ValueLook look;
    bool holds_counts() const { return look.space == ValueSpace::counts; }
};

Looked look_at(const Dataset& dataset, const std::string& layer) {
    return {layer, look_at_values(*find_matrix(dataset, layer), dataset.obs, find_genes(dataset, layer))};
}

/// "X: cell 'AAAC-1', gene 'MALAT1' holds 1.32"
std::string finding(const Looked& looked) {
    if (looked.look.space == ValueSpace::empty) return called(looked.layer) + " holds only zeros";
    if (looked.holds_counts()) {
        return called(looked.layer) + " holds integers" + (is_part_of_counts(looked.layer) ? ", but only a part of the counts (RNA velocity)" : "");
    }
    return "in " + called(looked.layer) + " " + looked.look.example + ", so it is not raw counts";
}

std::string findings(const std::vector<Looked>& all, const std::string& without) {
    std::string text;
    for (const Looked& looked : all) {
        if (looked.layer != without) text += (text.empty() ? "" : "; ") + finding(looked);
    }
    return text;
}

[[noreturn]] void no_counts(const Dataset& dataset, const std::vector<Looked>& all) {
    if (all.empty()) invalid_data(dataset.name + " holds no matrix.", "Check that this is the right file.");
    for (const Looked& looked : all) {
        if (!looked.holds_counts()) continue;
        invalid_data(dataset.name + " holds no complete raw counts: " + findings(all, "") + ".",
                     "Give a file with raw counts, or pass --layer " + looked.layer + " to use that part alone.");
    }
    invalid_data(dataset.name + " holds no raw counts: " + findings(all, "") + ".",
                 "Give a file with raw counts: integers of 0 or more, as Cell Ranger and similar programs write them.");
}

}  // namespace

ValueLook look_at_values(const matrix::RowBlockSource& matrix, const Table& obs, const Table& var) {
    ValueLook look;
    matrix::CsrScratch scratch;
    float worst = 0.0F;
    for (const matrix::Range run : spread_runs(matrix.n_rows())) {
        const matrix::CsrView block = matrix.read(run, scratch);
        look.cells_looked_at += run.size();
        for (std::int64_t row = 0; row < block.n_rows; ++row) {
            const std::span<const float> values = block.row_values(row);
            if (surely_counts_up_to(values, worst)) continue;  // says nothing new
            for (std::size_t i = 0; i < values.size(); ++i) {
                const ValueSpace space = space_of(values[i]);
                const bool larger = std::isfinite(values[i]) && values[i] > look.largest;
                if (larger) look.largest = values[i];
                // The first value that settles the matter is the example; among counts, the largest.
                if (weight(space) < weight(look.space) || (space == look.space && !(space == ValueSpace::counts && values[i] > worst))) continue;
                look.space = space;
                worst = values[i];
                look.example = name_of(obs, run.begin + row, "cell") + ", " + name_of(var, block.row_indices(row)[i], "gene") + " holds " + value_text(values[i]);
            }
        }
    }
    return look;
}

CountsChoice choose_counts(const Dataset& dataset, std::string_view wanted) {
    if (!wanted.empty()) {
        const Looked looked = look_at(dataset, std::string(wanted));
        if (!looked.holds_counts()) {
            invalid_data(dataset.name + ": " + finding(looked) + "; raw counts are integers of 0 or more.",
                         "Name another matrix with --layer, or leave --layer out to let it be found.");
        }
        return {std::string(wanted), called(std::string(wanted)) + " was asked for and holds integers", {}};
    }
    std::vector<Looked> all;
    for (const std::string& layer : candidates(dataset)) all.push_back(look_at(dataset, layer));
    const auto chosen = std::find_if(all.begin(), all.end(), [](const Looked& looked) { return looked.holds_counts() && !is_part_of_counts(looked.layer); });
    if (chosen == all.end()) no_counts(dataset, all);
    CountsChoice choice{chosen->layer, called(chosen->layer) + " holds integers", {}};
    const std::string rest = findings(all, chosen->layer);
    if (!rest.empty()) choice.reason += "; " + rest;
    for (const Looked& looked : all) {
        if (looked.holds_counts() && looked.layer != chosen->layer) choice.others.push_back(looked.layer);
    }
    return choice;
}

}  // namespace morula::data
