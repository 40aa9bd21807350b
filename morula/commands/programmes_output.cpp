// What `morula programmes` writes and says.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "morula/commands/programmes.hpp"
#include "morula/formats/text/csv_writer.hpp"

namespace morula::commands {
namespace {

constexpr double kSignificant = 0.05;
constexpr std::size_t kShown = 10;
constexpr std::int64_t kMostValues = 5'000'000;  // of cells.csv, unless asked for

std::string short_number(double value) { return std::isnan(value) ? "-" : fmt::format("{:.2g}", value); }

/// A programme called "cell" would be taken for the names of the cells: as with repeated genes, it becomes "cell-1".
void write_cells(const std::filesystem::path& path, const ProgrammeActivity& activity, VerbRecord& record) {
    std::vector<std::string> names{"cell"};
    for (const analysis::WeightedGenes& programme : activity.programmes) names.push_back(programme.name);
    if (data::make_unique(names) > 0) record.decision("cells.csv: columns of programmes whose names stand there twice (cell names the cells) have -1, -2 behind them.");
    formats::CsvWriter csv(path, names);
    for (std::size_t cell = 0; cell < activity.cells.size(); ++cell) {
        csv.text(activity.cells[cell]);
        for (const float value : activity.of_cells.row(static_cast<std::int64_t>(cell))) csv.number(value);
        csv.end_row();
    }
    csv.commit();
}

/// Mean and standard deviation over the cells of each type, those without a value left out.
void write_groups(const std::filesystem::path& path, const ProgrammeActivity& activity) {
    const auto n_types = std::ssize(activity.types);
    const auto n_programmes = std::ssize(activity.programmes);
    matrix::Dense<double> sum(n_types, n_programmes), n(n_types, n_programmes), squares(n_types, n_programmes);
    const auto for_each_value = [&](const auto& body) {
        for (std::size_t cell = 0; cell < activity.cells.size(); ++cell) {
            if (activity.type_of_cell[cell] < 0) continue;
            for (std::int64_t k = 0; k < n_programmes; ++k) {
                const auto value = static_cast<double>(activity.of_cells(static_cast<std::int64_t>(cell), k));
                if (!std::isnan(value)) body(activity.type_of_cell[cell], k, value);
            }
        }
    };
    for_each_value([&](std::int64_t type, std::int64_t k, double value) {
        sum(type, k) += value;
        n(type, k) += 1.0;
    });
    for_each_value([&](std::int64_t type, std::int64_t k, double value) {
        const double difference = value - sum(type, k) / n(type, k);
        squares(type, k) += difference * difference;
    });
    formats::CsvWriter csv(path, {"cell_type", "programme", "n_genes", "n_cells", "mean", "sd", "method"});
    for (std::int64_t type = 0; type < n_types; ++type) {
        for (std::int64_t k = 0; k < n_programmes; ++k) {
            const double count = n(type, k);
            if (count == 0.0) continue;
            const analysis::WeightedGenes& programme = activity.programmes[static_cast<std::size_t>(k)];
            csv.text(activity.types[static_cast<std::size_t>(type)]).text(programme.name).integer(std::ssize(programme.genes)).integer(std::llround(count)).number(sum(type, k) / count);
            csv.number(count > 1.0 ? std::sqrt(squares(type, k) / (count - 1.0)) : std::nan("")).text(method_name(activity.method)).end_row();
        }
    }
    csv.commit();
}

void write_donors(const std::filesystem::path& path, const ProgrammeActivity& activity) {
    const ConditionContrast& contrast = *activity.contrast;
    const auto n_types = std::ssize(activity.types);
    formats::CsvWriter csv(path, {"donor", "condition", "cell_type", "programme", "n_cells", "value"});
    for (std::int64_t unit = 0; unit < contrast.units.n_units(); ++unit) {
        const auto u = static_cast<std::size_t>(unit);
        for (std::int64_t type = 0; type < n_types; ++type) {
            for (std::size_t k = 0; k < activity.programmes.size(); ++k) {
                const std::int64_t group = unit * n_types + type;
                csv.text(contrast.units.donor[u]).text(contrast.units.is_case[u] != 0 ? contrast.columns.case_name : contrast.columns.control_name).text(activity.types[static_cast<std::size_t>(type)]);
                csv.text(activity.programmes[k].name).integer(activity.n_cells_of_group[static_cast<std::size_t>(group)]).number(activity.of_groups(group, static_cast<std::int64_t>(k))).end_row();
            }
        }
    }
    csv.commit();
}

/// Smallest p first, those without behind; ties by place.
template <class Row, class P>
std::vector<std::size_t> sorted_by(const std::vector<Row>& rows, const P& p) {
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto rank = [&](std::size_t i) { return std::isnan(p(rows[i])) ? 2.0 : p(rows[i]); };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
    return order;
}

std::vector<std::size_t> by_p(const std::vector<ProgrammeContrast>& rows) {
    return sorted_by(rows, [](const ProgrammeContrast& row) { return row.test.p; });
}

void write_contrast(const std::filesystem::path& path, const ProgrammeActivity& activity) {
    formats::CsvWriter csv(path, {"cell_type", "programme", "value_case", "value_control", "effect", "se", "low", "high", "p", "fdr", "n_case", "n_control", "status"});
    for (const std::size_t i : by_p(activity.compared)) {
        const ProgrammeContrast& each = activity.compared[i];
        csv.text(activity.types[static_cast<std::size_t>(each.type)]).text(activity.programmes[static_cast<std::size_t>(each.programme)].name).number(each.value_case).number(each.value_control).number(each.test.effect);
        csv.number(each.test.se).number(each.test.low).number(each.test.high).number(each.test.p).number(each.fdr).integer(each.n_case).integer(each.n_control).text(each.status).end_row();
    }
    csv.commit();
}

std::string what_values_are(ProgrammeMethod method) {
    if (method == ProgrammeMethod::score) return "mean of the set's genes less that of control genes of like expression";
    return method == ProgrammeMethod::ulm ? "t of a linear model on one programme's weights" : "t of a linear model on all programmes' weights at once";
}

std::string contrast_text(const ProgrammeActivity& activity) {
    const ConditionContrast& contrast = *activity.contrast;
    std::string text = fmt::format("\n{} against {} in {}: {}. First by p:\n", contrast.columns.case_name, contrast.columns.control_name, contrast.columns.condition, donors_text(contrast.plan));
    if (activity.compared.empty()) return text + "  No cell type could be compared.\n";
    const auto order = by_p(activity.compared);
    for (std::size_t i = 0; i < std::min(kShown, order.size()); ++i) {
        const ProgrammeContrast& each = activity.compared[order[i]];
        text += fmt::format("  {} in {}: {:.3f} against {:.3f}, p {}{}\n", activity.programmes[static_cast<std::size_t>(each.programme)].name, activity.types[static_cast<std::size_t>(each.type)], each.value_case, each.value_control,
                            short_number(each.test.p), std::isnan(each.fdr) ? "" : fmt::format(", fdr {:.2g}", each.fdr));
    }
    const auto n_tested = std::count_if(activity.compared.begin(), activity.compared.end(), [](const auto& each) { return !each.is_exploratory; });
    const auto n_found = std::count_if(activity.compared.begin(), activity.compared.end(), [](const auto& each) { return each.fdr < kSignificant; });
    if (n_tested == 0) return text + "Exploratory: fewer than three donors a condition, so effects and p only rank, and no FDR is given.\n";
    return text + fmt::format("{} of {} programmes in cell types differ at an FDR of 5 %.\n", n_found, n_tested);
}

}  // namespace

void write_programme_activity(const std::filesystem::path& folder, const ProgrammesIo& io, const ProgrammeActivity& activity, VerbRecord& record) {
    const bool writes_cells = io.cells_table == CellsTable::yes || (io.cells_table == CellsTable::automatic && std::ssize(activity.of_cells.values) <= kMostValues);
    if (writes_cells) {
        write_cells(folder / "cells.csv", activity, record);
        record.add_output("cells.csv");
    }
    write_groups(folder / "groups.csv", activity);
    record.add_output("groups.csv");
    record.add_text("method", method_name(activity.method));
    record.add_count("n_programmes", std::ssize(activity.programmes));
    if (!activity.contrast) return;
    write_donors(folder / "donors.csv", activity);
    write_contrast(folder / "contrast.csv", activity);
    record.add_output("donors.csv");
    record.add_output("contrast.csv");
    record.add_text("contrast_status", activity.contrast->plan.status);
    record.add_count("n_compared", std::ssize(activity.compared));
    record.add_count("n_contrasts_at_fdr_5", std::count_if(activity.compared.begin(), activity.compared.end(), [](const auto& each) { return each.fdr < kSignificant; }));
}

void write_enrichment(const std::filesystem::path& folder, const std::vector<EnrichedProgramme>& enriched) {
    formats::CsvWriter csv(folder / "enrichment.csv", {"cell_type", "programme", "n_genes", "effect", "t", "p", "fdr", "p_independent", "status"});
    for (const std::size_t i : sorted_by(enriched, [](const EnrichedProgramme& each) { return each.found.p; })) {
        const EnrichedProgramme& each = enriched[i];
        csv.text(each.cell_type).text(each.programme).integer(each.n_genes).number(each.found.effect).number(each.found.t).number(each.found.p).number(each.fdr).number(each.found.p_independent).text(each.status).end_row();
    }
    csv.commit();
}

std::string activity_text(const ProgrammesIo& io, const ProgrammeActivity& activity) {
    std::string text = fmt::format("{}: {} programmes in {} cells by {} ({}).\n", io.input, activity.programmes.size(), activity.cells.size(), method_name(activity.method), what_values_are(activity.method));
    return activity.contrast ? text + contrast_text(activity) : text;
}

std::string enrichment_text(const ProgrammesIo& io, const std::vector<EnrichedProgramme>& enriched, double correlation) {
    std::string text = fmt::format("{}: enrichment of {} programmes in cell types, reckoning with a correlation of {} between genes of a programme. First by p:\n", io.differences, enriched.size(), correlation);
    const auto order = sorted_by(enriched, [](const EnrichedProgramme& each) { return each.found.p; });
    for (std::size_t i = 0; i < std::min(kShown, order.size()); ++i) {
        const EnrichedProgramme& each = enriched[order[i]];
        text += fmt::format("  {} in {}: {} genes, t {:.2f}, p {}{}\n", each.programme, each.cell_type, each.n_genes, each.found.t, short_number(each.found.p), std::isnan(each.fdr) ? ", no FDR (" + each.status + ")" : fmt::format(", fdr {:.2g}", each.fdr));
    }
    return text;
}

}  // namespace morula::commands
