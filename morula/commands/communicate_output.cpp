// What `morula communicate` writes and says.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "morula/commands/communicate.hpp"
#include "morula/formats/text/csv_writer.hpp"

namespace morula::commands {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kSignificant = 0.05;
constexpr std::size_t kShown = 10;

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

/// The smallest p first, then the highest scores; ties by place.
std::vector<std::size_t> by_p(const std::vector<analysis::CoExpression>& found) {
    std::vector<std::size_t> order(found.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return found[a].p != found[b].p ? found[a].p < found[b].p : found[a].score > found[b].score; });
    return order;
}

/// The first few of `order` that are of different pairs: one strong pair fills a list of types by itself.
template <class Row>
std::vector<std::size_t> first_of_pairs(const std::vector<Row>& rows, const std::vector<std::size_t>& order) {
    std::vector<std::size_t> first;
    std::set<std::int32_t> seen;
    for (const std::size_t i : order) {
        if (first.size() < kShown && seen.insert(rows[i].pair).second) first.push_back(i);
    }
    return first;
}

double rank_of(double p) { return std::isnan(p) ? 2.0 : p; }

std::vector<std::size_t> by_p(const std::vector<analysis::CommunicationContrast>& compared) {
    std::vector<std::size_t> order(compared.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const double p = rank_of(compared[a].test.p), q = rank_of(compared[b].test.p);
        return p != q ? p < q : std::abs(compared[a].test.effect) > std::abs(compared[b].test.effect);
    });
    return order;
}

template <class Row>
void write_names(formats::CsvWriter& csv, const Communication& found, const Row& row) {
    const knowledge::LigandReceptor& pair = found.pairs.pairs[static_cast<std::size_t>(row.pair)];
    csv.text(pair.name).text(pair.pathway).text(pair.ligand).text(pair.receptor).text(found.types[static_cast<std::size_t>(row.sender)]).text(found.types[static_cast<std::size_t>(row.receiver)]);
}

template <class Row>
std::string where(const Communication& found, const Row& row) {
    const knowledge::LigandReceptor& pair = found.pairs.pairs[static_cast<std::size_t>(row.pair)];
    return fmt::format("{} - {}: {} to {}", pair.ligand, pair.receptor, found.types[static_cast<std::size_t>(row.sender)], found.types[static_cast<std::size_t>(row.receiver)]);
}

std::int64_t n_significant(const std::vector<analysis::CommunicationContrast>& compared) {
    return std::count_if(compared.begin(), compared.end(), [](const auto& each) { return each.fdr < kSignificant; });
}

std::string contrast_text(const Communication& found) {
    const ConditionContrast& contrast = *found.contrast;
    std::string text = fmt::format("\n{} against {} in {}: {}.\n", contrast.columns.case_name, contrast.columns.control_name, contrast.columns.condition, donors_text(contrast.plan));
    if (found.compared.empty()) return text + "No pair could be compared: no two types have cells enough in two donors.\n";
    for (const std::size_t i : first_of_pairs(found.compared, by_p(found.compared))) {
        const analysis::CommunicationContrast& each = found.compared[i];
        text += fmt::format("  {}: score {:.3f} against {:.3f}, p {}{}\n", where(found, each), each.score_case, each.score_control, std::isnan(each.test.p) ? "-" : fmt::format("{:.2g}", each.test.p),
                            std::isnan(each.fdr) ? "" : fmt::format(", fdr {:.2g}", each.fdr));
    }
    const auto n_tested = std::count_if(found.compared.begin(), found.compared.end(), [](const auto& each) { return !each.is_exploratory; });
    if (n_tested > 0) text += fmt::format("{} of {} pairs in their types differ at an FDR of 5 %.\n", n_significant(found.compared), n_tested);
    else text += "Exploratory: fewer than three donors a condition, so effects and p only rank, and no FDR is given.\n";
    return text;
}

}  // namespace

void write_interactions(const std::filesystem::path& folder, const Communication& found) {
    formats::CsvWriter csv(folder / "interactions.csv",
                           {"interaction", "pathway", "ligand", "receptor", "sender", "receiver", "ligand_mean", "receptor_mean", "score", "ligand_fraction", "receptor_fraction", "cofactor_factor", "p", "fdr"});
    for (const std::size_t i : by_p(found.result.found)) {
        const analysis::CoExpression& each = found.result.found[i];
        write_names(csv, found, each);
        csv.number(each.ligand_mean).number(each.receptor_mean).number(each.score).number(each.ligand_fraction).number(each.receptor_fraction).number(each.cofactors).number(each.p).number(each.fdr).end_row();
    }
    csv.commit();
}

void write_communication_contrast(const std::filesystem::path& folder, const Communication& found) {
    formats::CsvWriter csv(folder / "contrast.csv", {"interaction", "pathway", "ligand", "receptor", "sender", "receiver", "score_case", "score_control", "effect", "se", "low", "high", "p", "fdr", "n_case", "n_control", "status"});
    for (const std::size_t i : by_p(found.compared)) {
        const analysis::CommunicationContrast& each = found.compared[i];
        write_names(csv, found, each);
        csv.number(each.score_case).number(each.score_control).number(each.test.effect).number(each.test.se).number(each.test.low).number(each.test.high).number(each.test.p).number(each.fdr);
        csv.integer(each.n_case).integer(each.n_control).text(each.status).end_row();
    }
    csv.commit();
}

std::string communicate_text(const CommunicateIo& io, const Communication& found) {
    const auto n_types = std::count(found.result.type_is_used.begin(), found.result.type_is_used.end(), 1);
    std::string text = fmt::format("{}: {} co-expressed known pairs in {} cell types (of {} pairs and {} combinations looked at). The first by p and score, each pair in its best types:\n", io.input, found.result.found.size(), n_types, found.pairs.pairs.size(),
                                   found.result.n_looked_at);
    for (const std::size_t i : first_of_pairs(found.result.found, by_p(found.result.found))) {
        const analysis::CoExpression& each = found.result.found[i];
        text += fmt::format("  {}: score {:.3f}, p {:.2g}, fdr {:.2g}\n", where(found, each), each.score, each.p, each.fdr);
    }
    const auto n_specific = std::count_if(found.result.found.begin(), found.result.found.end(), [](const auto& each) { return each.fdr < kSignificant; });
    text += fmt::format("{} of them are specific to their types at an FDR of 5 %.\n", n_specific);
    if (found.contrast) text += contrast_text(found);
    text += fmt::format("{}\n{}: interactions.csv{}, run.json.\n", kCommunicationCaveat, io.out, found.contrast ? ", contrast.csv" : "");
    return text;
}

std::string communicate_json(const CommunicateIo& io, const Communication& found, const VerbRecord& record) {
    Json json = Json::parse(record.summary_json(io.out));
    json["called"] = "co-expressed known pairs";
    json["n_specific_at_fdr_5"] = std::count_if(found.result.found.begin(), found.result.found.end(), [](const auto& each) { return each.fdr < kSignificant; });
    Json first = Json::array();
    for (const std::size_t i : first_of_pairs(found.result.found, by_p(found.result.found))) {
        const analysis::CoExpression& each = found.result.found[i];
        const knowledge::LigandReceptor& pair = found.pairs.pairs[static_cast<std::size_t>(each.pair)];
        first.push_back({{"interaction", pair.name}, {"sender", found.types[static_cast<std::size_t>(each.sender)]}, {"receiver", found.types[static_cast<std::size_t>(each.receiver)]}, {"score", each.score},
                         {"p", each.p}, {"fdr", number_or_null(each.fdr)}});
    }
    json["first"] = first;
    if (found.contrast) {
        json["contrast"] = {{"design", found.contrast->plan.is_paired ? "paired" : "unpaired"}, {"n_case", found.contrast->plan.case_rows.size()}, {"n_control", found.contrast->plan.control_rows.size()},
                            {"exploratory", found.contrast->plan.is_exploratory}, {"n_compared", found.compared.size()}, {"n_at_fdr_5", n_significant(found.compared)}};
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace morula::commands
