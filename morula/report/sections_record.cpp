#include <fmt/format.h>

#include "morula/report/charts.hpp"
#include "morula/report/html.hpp"
#include "morula/report/page.hpp"
#include "morula/report/sections.hpp"

namespace morula::report {
namespace {

std::string parameter_part(const ReportData& data) {
    if (data.parameters.empty()) return "";
    HtmlTable table{"Parameters", "parameters", {{"Step"}, {"Parameter"}, {"Value"}, {"Default"}, {"Meaning"}}, {}};
    for (const Parameter& row : data.parameters) {
        const bool changed = !row.default_value.empty() && row.value != row.default_value;
        table.rows.push_back({row.step, row.name, row.value + (changed ? " (changed)" : ""), row.default_value, row.help});
    }
    return fmt::format("<details class=\"fold\"><summary>All {} parameters (recipe {})</summary>{}</details>\n", data.parameters.size(), escape_html(data.recipe), table_html(table));
}

std::string decision_part(const std::vector<Decision>& decisions) {
    if (decisions.empty()) return "";
    std::string out = "<h3>Decisions taken</h3><p>Where the data left a choice, this is what was done.</p><ul class=\"plain\">";
    for (const Decision& decision : decisions) out += fmt::format("<li><strong>{}</strong> {}</li>", escape_html(decision.step), escape_html(decision.text));
    return out + "</ul>\n";
}

}  // namespace

std::string methods_section(const ReportData& data) {
    std::string out;
    if (!data.methods.paragraphs.empty()) {
        out += "<div class=\"methods\" id=\"methods-text\">";
        for (const std::string& text : data.methods.paragraphs) out += "<p>" + escape_html(text) + "</p>";
        if (!data.methods.references.empty()) {
            out += "<h3>References</h3><ol class=\"references\">";
            for (const std::string& reference : data.methods.references) out += "<li>" + escape_html(reference) + "</li>";
            out += "</ol>";
        }
        out += "</div><p><button type=\"button\" class=\"copy\" data-copy=\"methods-text\">Copy the methods text</button></p>\n";
    }
    return out + decision_part(data.decisions) + parameter_part(data);
}

std::string reuse_section(const ReportData& data) {
    std::string out = name_value_table("Files of this run", "outputs", "File", "What it holds", data.outputs);
    for (const CodeSnippet& snippet : data.snippets) out += code_block(snippet.title, snippet.code, snippet.note);
    if (!data.reproduce.empty()) out += code_block("Run it again", data.reproduce, "The same input, options and version give the same bits on any number of threads; run.json holds every option.");
    return out;
}

std::string run_section(const ReportData& data) {
    return figure_html(step_cost_figure(data.steps)) + name_value_table("Versions and machine", "versions", "What", "Version", data.versions);
}

}  // namespace morula::report
