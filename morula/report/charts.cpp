#include "morula/report/charts.hpp"

#include <fmt/format.h>

namespace morula::report {

namespace {

std::string drawing(const Figure& figure, std::string_view css, const std::string& svg) {
    return fmt::format("<div class=\"{}\" tabindex=\"0\" role=\"group\" aria-label=\"{}\">{}</div>", css, escape_html(figure.title), svg);
}

}  // namespace

std::string figure_html(const Figure& figure) {
    if (figure.svg.empty()) return "";
    HtmlTable table = figure.table;
    table.caption_unseen = true;
    std::string out = fmt::format("<figure class=\"chart\" id=\"fig-{0}\" data-file=\"{0}\"><h3>{1}</h3>", file_stem(figure.id), escape_html(figure.title));
    if (figure.narrow_svg.empty()) out += drawing(figure, "drawing", figure.svg);
    else out += drawing(figure, "drawing wide", figure.svg) + drawing(figure, "drawing narrow", figure.narrow_svg);
    if (!figure.caption.empty()) out += "<figcaption>" + escape_html(figure.caption) + "</figcaption>";
    if (!figure.table.rows.empty()) out += "<details class=\"data\"><summary>Data table</summary>" + table_html(table) + "</details>";
    return out + "</figure>\n";
}

std::string color_class(std::int32_t code) { return fmt::format("c{}", code % kColors); }

std::string cluster_title(const Clusters& clusters, std::int32_t cluster) {
    const auto at = static_cast<std::size_t>(cluster);
    if (at >= clusters.names.size()) return std::to_string(cluster);
    const bool labelled = at < clusters.labels.size() && !clusters.labels[at].empty();
    return labelled ? clusters.names[at] + " · " + clusters.labels[at] : clusters.names[at];
}

}  // namespace morula::report
