// Charts of the chapter "Healthy and diseased". Cases are filled dots, controls open ones: told apart without colour.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "morula/report/charts.hpp"
#include "morula/report/svg.hpp"

namespace morula::report {
namespace {

constexpr double kWidth = 860.0;
constexpr double kLeft = 210.0;
constexpr double kRight = kWidth - 40.0;
constexpr double kRow = 40.0;
constexpr std::size_t kVolcanoDots = 3000;
constexpr std::size_t kNamedGenes = 12;
constexpr std::size_t kStripGenes = 8;
constexpr std::size_t kNameBytes = 28;

const char* dot_class(bool is_case) { return is_case ? "point-used" : "point-unused"; }

std::string key_sentence(const Comparison& comparison) { return fmt::format("Filled: {}; open: {}. One dot a donor.", comparison.case_name, comparison.control_name); }

std::string sample_title(const Comparison& comparison, std::size_t s) {
    const ComparedSample& sample = comparison.samples[s];
    return sample.donor + ", " + (sample.is_case ? comparison.case_name : comparison.control_name);
}

double total_cells(const Comparison& comparison, std::size_t sample) {
    double total = 0.0;
    for (const ComparedType& type : comparison.types) total += static_cast<double>(type.n_cells[sample]);
    return total;
}

}  // namespace

Figure composition_figure(const Comparison& comparison) {
    Figure out;
    out.id = "composition";
    out.title = "Share of each type in each donor";
    out.caption = key_sentence(comparison) + " Shares of one donor are not independent: when one type grows, the others shrink. Dissociation and sorting change shares too, and differently from type to type.";
    out.table = {out.title, out.id, {{"Type"}}, {}};
    for (std::size_t s = 0; s < comparison.samples.size(); ++s) out.table.columns.push_back({sample_title(comparison, s), Align::number});
    if (comparison.types.empty() || comparison.samples.empty()) return out;
    double most = 0.0;
    for (const ComparedType& type : comparison.types) {
        for (std::size_t s = 0; s < comparison.samples.size(); ++s) most = std::max(most, static_cast<double>(type.n_cells[s]) / std::max(1.0, total_cells(comparison, s)));
    }
    const double bottom = 14.0 + kRow * static_cast<double>(comparison.types.size());
    const Scale x(ScaleKind::linear, 0.0, std::max(1.0, 105.0 * most), kLeft, kRight);
    Svg svg(kWidth, bottom + 46.0, out.title);
    for (std::size_t t = 0; t < comparison.types.size(); ++t) {
        const ComparedType& type = comparison.types[t];
        const double middle = 14.0 + kRow * (static_cast<double>(t) + 0.5);
        svg.line(kLeft, middle + kRow / 2, kRight, middle + kRow / 2, "grid");
        svg.text(kLeft - 12, middle + 4, Anchor::end, "row-label", shortened(type.name, kNameBytes));
        std::vector<std::string> row{type.name};
        for (std::size_t s = 0; s < comparison.samples.size(); ++s) {
            const double share = static_cast<double>(type.n_cells[s]) / std::max(1.0, total_cells(comparison, s));
            const bool is_case = comparison.samples[s].is_case;
            svg.circle(x(100.0 * share), middle + (is_case ? -7.0 : 7.0), 4.4, dot_class(is_case), fmt::format("{}: {} of {}", sample_title(comparison, s), share_text(share), type.name));
            row.push_back(share_text(share));
        }
        out.table.rows.push_back(std::move(row));
    }
    svg.x_axis(x, bottom, "Share of the donor's cells, %");
    out.svg = svg.finish();
    return out;
}

Figure changed_genes_figure(const Comparison& comparison) {
    Figure out;
    out.id = "changed_genes";
    out.title = "Genes that change, by type";
    out.caption = fmt::format("Genes higher (right) and lower (left) in {} at a false discovery rate of 5 %, in the types with enough donors for one. A type with more cells or donors finds more genes: bars are no measure of how strongly types change.", comparison.case_name);
    double most = 0.0;
    std::vector<const ComparedType*> tested;
    for (const ComparedType& type : comparison.types) {
        if (!type.is_tested) continue;
        tested.push_back(&type);
        most = std::max({most, static_cast<double>(type.n_up), static_cast<double>(type.n_down)});
    }
    if (tested.empty() || most == 0.0) return out;  // said in words
    out.table = {out.title, out.id, {{"Type"}, {"Higher", Align::number}, {"Lower", Align::number}}, {}};
    const double bottom = 14.0 + 30.0 * static_cast<double>(tested.size());
    const Scale x(ScaleKind::linear, -1.08 * most, 1.08 * most, kLeft, kRight);
    Svg svg(kWidth, bottom + 46.0, out.title);
    for (std::size_t t = 0; t < tested.size(); ++t) {
        const double top = 14.0 + 30.0 * static_cast<double>(t);
        const double up = x(static_cast<double>(tested[t]->n_up)), down = x(-static_cast<double>(tested[t]->n_down));
        svg.text(kLeft - 12, top + 19, Anchor::end, "row-label", shortened(tested[t]->name, kNameBytes));
        svg.rect(x(0.0), top + 4, up - x(0.0), 20, "bar-strong", fmt::format("{}: {} higher", tested[t]->name, count_of(tested[t]->n_up, "gene")));
        svg.rect(down, top + 4, x(0.0) - down, 20, "bar-removed", fmt::format("{}: {} lower", tested[t]->name, count_of(tested[t]->n_down, "gene")));
        out.table.rows.push_back({tested[t]->name, count_text(tested[t]->n_up), count_text(tested[t]->n_down)});
    }
    svg.line(x(0.0), 8, x(0.0), bottom, "axis");
    svg.x_axis(x, bottom, "Genes: lower to the left, higher to the right");
    out.svg = svg.finish();
    return out;
}

Figure volcano_figure(const Comparison& comparison, const ComparedType& type) {
    Figure out;
    out.id = "volcano_" + file_stem(type.name);
    out.title = type.name + ": effect and evidence";
    out.caption = fmt::format("Each dot is a gene: log2 fold change of {} over {} (not shrunk) against -log10 p. {}", comparison.case_name, comparison.control_name,
                              type.n_up + type.n_down > 0 ? "Strong dots pass a false discovery rate of 5 %."
                              : type.is_tested           ? "No gene passes a false discovery rate of 5 %: the named genes are the first of a null result, as chance orders them."
                                                         : "Exploratory: too few donors for a false discovery rate, so no gene is claimed.");
    const std::size_t n = type.volcano_log2fc.size();
    if (n == 0) return out;
    double widest = 1.0, highest = 1.0;
    for (std::size_t i = 0; i < n; ++i) {
        widest = std::max(widest, std::abs(static_cast<double>(type.volcano_log2fc[i])));
        highest = std::max(highest, static_cast<double>(type.volcano_minus_log10_p[i]));
    }
    const Scale x(ScaleKind::linear, -1.05 * widest, 1.05 * widest, 76, kWidth - 40);
    const Scale y(ScaleKind::linear, 0.0, 1.05 * highest, 320, 16);
    std::vector<double> px[2], py[2];
    std::size_t n_muted = 0;
    for (const std::uint8_t found : type.volcano_found) n_muted += found == 0;
    const std::size_t stride = std::max<std::size_t>(1, n_muted / kVolcanoDots);
    std::size_t muted = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const bool found = type.volcano_found[i] != 0;
        if (!found && muted++ % stride != 0) continue;
        px[found].push_back(x(static_cast<double>(type.volcano_log2fc[i])));
        py[found].push_back(y(static_cast<double>(type.volcano_minus_log10_p[i])));
    }
    Svg svg(kWidth, 366, out.title);
    svg.y_axis(y, 76, kWidth - 40, "-log10 p");
    svg.dots(px[0], py[0], "dots-muted");
    svg.dots(px[1], py[1], "dots-strong");
    LabelPlaces places;
    for (std::size_t g = 0; g < std::min(kNamedGenes, type.genes.size()); ++g) {
        const ComparedGene& gene = type.genes[g];
        const double at_y = y(-std::log10(std::max(gene.p, 1e-300))) + 4.0;
        const bool right = gene.log2fc >= 0.0;
        const double width = 8.0 * static_cast<double>(gene.gene.size());
        if (!places.take(x(gene.log2fc) + (right ? -7.0 - width : 7.0), at_y, width)) continue;
        svg.text(x(gene.log2fc) + (right ? -7.0 : 7.0), at_y, right ? Anchor::end : Anchor::start, "dot-label", gene.gene);
    }
    svg.x_axis(x, 320, fmt::format("log2 fold change, {} over {}", comparison.case_name, comparison.control_name));
    if (stride > 1) out.caption += fmt::format(" Every {}th of the other genes is drawn.", stride);
    out.svg = svg.finish();
    return out;
}

Figure donor_strips_figure(const Comparison& comparison, const ComparedType& type) {
    Figure out;
    out.id = "donors_" + file_stem(type.name);
    out.title = type.name + ": the first genes, donor by donor";
    out.caption = key_sentence(comparison) + " log2 of counts per million of the donor's cells of this type. An effect that one donor makes alone shows here.";
    std::vector<const ComparedGene*> genes;
    double low = 1e30, high = -1e30;
    for (const ComparedGene& gene : type.genes) {
        if (genes.size() == kStripGenes || gene.log2_cpm.size() != comparison.samples.size()) break;
        genes.push_back(&gene);
        for (const double value : gene.log2_cpm) {
            if (std::isnan(value)) continue;
            low = std::min(low, value);
            high = std::max(high, value);
        }
    }
    if (genes.empty() || high < low) return out;
    out.table = {out.title, out.id, {{"Gene"}}, {}};
    for (std::size_t s = 0; s < comparison.samples.size(); ++s) out.table.columns.push_back({sample_title(comparison, s), Align::number});
    const double bottom = 14.0 + kRow * static_cast<double>(genes.size());
    const Scale x(ScaleKind::linear, low - 0.5, high + 0.5, kLeft, kRight);
    Svg svg(kWidth, bottom + 46.0, out.title);
    for (std::size_t g = 0; g < genes.size(); ++g) {
        const double middle = 14.0 + kRow * (static_cast<double>(g) + 0.5);
        svg.line(kLeft, middle + kRow / 2, kRight, middle + kRow / 2, "grid");
        svg.text(kLeft - 12, middle + 4, Anchor::end, "gene-label", genes[g]->gene);
        std::vector<std::string> row{genes[g]->gene};
        for (std::size_t s = 0; s < comparison.samples.size(); ++s) {
            const double value = genes[g]->log2_cpm[s];
            row.push_back(number_text(value, 4));
            if (std::isnan(value)) continue;
            const bool is_case = comparison.samples[s].is_case;
            svg.circle(x(value), middle + (is_case ? -7.0 : 7.0), 4.4, dot_class(is_case), fmt::format("{}: {}", sample_title(comparison, s), number_text(value, 4)));
        }
        out.table.rows.push_back(std::move(row));
    }
    svg.x_axis(x, bottom, "log2 counts per million");
    out.svg = svg.finish();
    return out;
}

Figure forest_figure(const Comparison& comparison, const std::string& gene) {
    Figure out;
    out.id = "forest_" + file_stem(gene);
    out.title = gene + " over all types";
    out.caption = fmt::format("log2 fold change of {} over {} with its 95 % interval in every compared type; donors are the replicates.", comparison.case_name, comparison.control_name);
    struct Row {
        const ComparedType* type;
        const ComparedGene* gene;
    };
    std::vector<Row> rows;
    double low = 0.0, high = 0.0;
    for (const ComparedType& type : comparison.types) {
        const auto found = std::find_if(type.genes.begin(), type.genes.end(), [&](const ComparedGene& each) { return each.gene == gene; });
        if (found == type.genes.end() || !std::isfinite(found->se)) continue;
        rows.push_back({&type, &*found});
        low = std::min(low, found->log2fc - 1.96 * found->se);
        high = std::max(high, found->log2fc + 1.96 * found->se);
    }
    if (rows.size() < 2) return out;
    out.table = {out.title, out.id, {{"Type"}, {"log2 fold change", Align::number}, {"Standard error", Align::number}, {"p", Align::number}, {"FDR", Align::number}}, {}};
    const double bottom = 14.0 + 30.0 * static_cast<double>(rows.size());
    const Scale x(ScaleKind::linear, low - 0.2, high + 0.2, kLeft, kRight);
    Svg svg(kWidth, bottom + 46.0, out.title);
    svg.line(x(0.0), 8, x(0.0), bottom, "axis");
    for (std::size_t r = 0; r < rows.size(); ++r) {
        const double middle = 14.0 + 30.0 * (static_cast<double>(r) + 0.5);
        const ComparedGene& each = *rows[r].gene;
        svg.text(kLeft - 12, middle + 4, Anchor::end, "row-label", shortened(rows[r].type->name, kNameBytes));
        svg.line(x(each.log2fc - 1.96 * each.se), middle, x(each.log2fc + 1.96 * each.se), middle, "curve");
        svg.circle(x(each.log2fc), middle, 4.8, rows[r].type->is_tested ? "point-used" : "point-unused", fmt::format("{}: {} (standard error {})", rows[r].type->name, number_text(each.log2fc, 3), number_text(each.se, 2)));
        out.table.rows.push_back({rows[r].type->name, number_text(each.log2fc, 3), number_text(each.se, 3), number_text(each.p, 3), number_text(each.fdr, 3)});
    }
    svg.x_axis(x, bottom, "log2 fold change");
    out.caption += " Filled: types with enough donors for a false discovery rate.";
    out.svg = svg.finish();
    return out;
}

}  // namespace morula::report
