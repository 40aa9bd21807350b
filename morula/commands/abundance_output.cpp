// What `morula abundance` writes and says.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "morula/commands/abundance.hpp"
#include "morula/core/printable.hpp"
#include "morula/formats/text/csv_writer.hpp"

namespace morula::commands {
namespace {

using analysis::TypeAbundance;
using Json = nlohmann::ordered_json;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kSignificant = 0.05;

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string short_number(double value) { return std::isnan(value) ? "-" : fmt::format("{:.2g}", value); }

std::string plural(std::size_t n, std::string_view what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

std::string donors_text(const analysis::AbundancePlan& plan) {
    if (plan.is_paired) return fmt::format("{}, each compared with itself", plural(plan.case_rows.size(), "donor"));
    return fmt::format("{} against {}", plural(plan.case_rows.size(), "donor"), plan.control_rows.size());
}

std::size_t n_significant(const std::vector<double>& fdr) {
    return static_cast<std::size_t>(std::count_if(fdr.begin(), fdr.end(), [](double value) { return value < kSignificant; }));
}

std::string type_lines(const AbundanceCounts& counts, const analysis::AbundanceResult& result) {
    std::vector<std::size_t> order;
    for (std::size_t type = 0; type < result.types.size(); ++type) order.push_back(type);
    const auto rank = [&](std::size_t type) { return std::isnan(result.types[type].test.p) ? 2.0 : result.types[type].test.p; };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
    std::size_t width = 9;
    for (const std::string& name : counts.type_names) width = std::max(width, name_in_line(name).size());
    std::string text = fmt::format("{:<{}}{:>10}{:>10}{:>10}{:>18}{:>9}{:>9}\n", "type", width, counts.columns.control_name.substr(0, 9), counts.columns.case_name.substr(0, 9), "ln ratio", "95 % interval", "p", "fdr");
    for (const std::size_t type : order) {
        const TypeAbundance& each = result.types[type];
        text += fmt::format("{:<{}}{:>9.1f}%{:>9.1f}%{:>10}{:>18}{:>9}{:>9}\n", name_in_line(counts.type_names[type]), width, 100.0 * each.share_control, 100.0 * each.share_case, short_number(each.test.effect),
                            std::isnan(each.test.low) ? "-" : fmt::format("{:.2f} to {:.2f}", each.test.low, each.test.high), short_number(each.test.p), short_number(each.fdr));
    }
    return text;
}

/// What only one condition has is told in full: its ratio is set by the half cell that is added to each count, and a false discovery rate over all types may hide it.
std::string one_sided_lines(const AbundanceCounts& counts, const analysis::AbundancePlan& plan, const analysis::AbundanceResult& result) {
    std::string text;
    for (std::size_t type = 0; type < result.types.size(); ++type) {
        const TypeAbundance& each = result.types[type];
        if (std::isnan(each.test.p) || (each.seen_case > 0 && each.seen_control > 0)) continue;
        const bool of_cases = each.seen_case > 0;
        text += fmt::format("{}: in {} of {} {} samples, {:.1f} % of their cells, and in none of {} {} (p {}, fdr {}).\n", name_in_line(counts.type_names[type]), of_cases ? each.seen_case : each.seen_control,
                            of_cases ? plan.case_rows.size() : plan.control_rows.size(), of_cases ? counts.columns.case_name : counts.columns.control_name, 100.0 * (of_cases ? each.share_case : each.share_control),
                            of_cases ? plan.control_rows.size() : plan.case_rows.size(), of_cases ? counts.columns.control_name : counts.columns.case_name, short_number(each.test.p), short_number(each.fdr));
    }
    return text;
}

}  // namespace

void write_abundance_csv(const std::filesystem::path& folder, const AbundanceCounts& counts, const analysis::AbundancePlan& plan, const analysis::AbundanceResult& result) {
    formats::CsvWriter csv(folder / "abundance.csv", {"cell_type", "n_cells", "share_case", "share_control", "log_ratio", "se", "low", "high", "p", "p_student", "fdr", "n_case", "n_control", "method", "status", "seen_case", "seen_control"});
    for (std::size_t type = 0; type < result.types.size(); ++type) {
        const TypeAbundance& each = result.types[type];
        csv.text(counts.type_names[type]).integer(each.n_cells).number(each.share_case).number(each.share_control).number(each.test.effect).number(each.test.se).number(each.test.low).number(each.test.high);
        csv.number(each.test.p).number(each.test.p_student).number(each.fdr).integer(std::ssize(plan.case_rows)).integer(std::ssize(plan.control_rows));
        const bool is_tested = !std::isnan(each.test.p);
        csv.text(!is_tested ? "" : !each.test.is_exact ? "Student's t" : plan.is_paired ? "exact sign flips" : "exact permutations").text(each.status).integer(each.seen_case).integer(each.seen_control);
        csv.end_row();
    }
    csv.commit();
}

void write_neighborhoods_csv(const std::filesystem::path& folder, const NeighborhoodOutcome& outcome, const analysis::AbundancePlan& plan) {
    formats::CsvWriter csv(folder / "neighbourhoods.csv", {"neighbourhood", "index_cell", "cell_type", "cell_type_share", "n_cells", "cells_case", "cells_control", "log2fc", "se", "p", "spatial_fdr", "status"});
    for (std::size_t i = 0; i < outcome.rows.size(); ++i) {
        csv.integer(static_cast<std::int64_t>(i)).text(outcome.rows[i].cell).text(outcome.rows[i].cell_type).number(outcome.rows[i].type_share).integer(outcome.neighborhoods.cells.n_cols);
        csv.integer(outcome.n_case[i]).integer(outcome.n_control[i]).number(outcome.tests.log2fc[i]).number(outcome.tests.se[i]).number(outcome.tests.p[i]);
        csv.number(plan.is_exploratory ? kMissing : outcome.spatial_fdr[i]).text(plan.status);
        csv.end_row();
    }
    csv.commit();
}

std::string abundance_text(const AbundanceCounts& counts, const analysis::AbundancePlan& plan, const analysis::AbundanceResult& result, const std::optional<NeighborhoodOutcome>& neighborhoods) {
    std::vector<double> fdr;
    for (const TypeAbundance& type : result.types) fdr.push_back(type.fdr);
    std::string text = fmt::format("{} against {} in {}: {}.\n\n", counts.columns.case_name, counts.columns.control_name, counts.columns.condition, donors_text(plan));
    text += type_lines(counts, result) + "\n";
    const auto n_tested = std::count_if(fdr.begin(), fdr.end(), [](double value) { return !std::isnan(value); });
    if (plan.is_exploratory) text += fmt::format("{}{}: effects and p only rank the types, and no FDR is given.\n", static_cast<char>(std::toupper(plan.status[0])), plan.status.substr(1));
    else text += fmt::format("{} of {} types differ at an FDR of 5 %.\n", n_significant(fdr), n_tested);
    if (!plan.is_exploratory && result.least_p * static_cast<double>(n_tested) > kSignificant) {
        text += fmt::format("So few donors give no p below {:.2g}: one type of {} that alone differs reaches an FDR of {:.2g} at best.\n", result.least_p, n_tested, std::min(1.0, result.least_p * static_cast<double>(n_tested)));
    }
    text += one_sided_lines(counts, plan, result);
    if (neighborhoods) {
        const auto n = neighborhoods->rows.size();
        text += plan.is_exploratory ? fmt::format("{} of {} cells in {} were compared.\n", plural(n, "neighbourhood"), neighborhoods->neighborhoods.cells.n_cols, neighborhoods->embedding)
                                    : fmt::format("{} of {} of {} cells in {} differ at a spatial FDR of 5 %.\n", n_significant(neighborhoods->spatial_fdr), plural(n, "neighbourhood"), neighborhoods->neighborhoods.cells.n_cols, neighborhoods->embedding);
    }
    text += "Shares are relative: a type's ratio is to the median type, not to the tissue, and what dissociation and capture lose is not seen here.\n";
    return text;
}

std::string abundance_json(const std::string& out, const AbundanceCounts& counts, const analysis::AbundancePlan& plan, const analysis::AbundanceResult& result,
                           const std::optional<NeighborhoodOutcome>& neighborhoods) {
    Json types = Json::array();
    for (std::size_t type = 0; type < result.types.size(); ++type) {
        const TypeAbundance& each = result.types[type];
        types.push_back({{"cell_type", counts.type_names[type]}, {"log_ratio", number_or_null(each.test.effect)}, {"low", number_or_null(each.test.low)}, {"high", number_or_null(each.test.high)}, {"p", number_or_null(each.test.p)},
                         {"fdr", number_or_null(each.fdr)}, {"seen_case", each.seen_case}, {"seen_control", each.seen_control}, {"status", each.status}});
    }
    Json json = {{"out", out}, {"design", plan.is_paired ? "paired" : "unpaired"}, {"n_case", plan.case_rows.size()}, {"n_control", plan.control_rows.size()}, {"left_out", plan.left_out}, {"exploratory", plan.is_exploratory},
                 {"least_p", result.least_p}, {"types", types}};
    if (neighborhoods) {
        json["neighbourhoods"] = {{"embedding", neighborhoods->embedding}, {"n", neighborhoods->rows.size()}, {"cells_each", neighborhoods->neighborhoods.cells.n_cols}, {"recall", neighborhoods->neighborhoods.recall}};
        if (!plan.is_exploratory) json["neighbourhoods"]["n_at_spatial_fdr_5"] = n_significant(neighborhoods->spatial_fdr);
    }
    return json.dump();
}

}  // namespace morula::commands
