#include "morula/report/page.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "morula/core/version.hpp"
#include "morula/report/assets.hpp"
#include "morula/report/html.hpp"

namespace morula::report {
namespace {

std::string base64_of_hex(std::string_view hex) {
    std::vector<std::byte> bytes;
    const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) bytes.push_back(static_cast<std::byte>(digit(hex[i]) << 4 | digit(hex[i + 1])));
    return base64(bytes);
}

std::string html_head(const PageHead& head) {
    return fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<meta name=\"generator\" content=\"Morula {}\">\n<title>{} · Morula report</title>\n<style>{}</style>\n</head>\n",
        base64_of_hex(kScriptSha256), base64_of_hex(kStyleSheetSha256), kVersion, escape_html(head.title), kStyleSheet);
}

}  // namespace

std::string page_opening(const PageHead& head) {
    std::string out = html_head(head) + "<body>\n<a class=\"skip\" href=\"#summary\">Skip to the report</a>\n";
    if (!head.banner.empty()) out += fmt::format("<div class=\"banner\" role=\"note\">{}</div>\n", escape_html(head.banner));
    std::string meta = head.kind;
    for (const std::string& note : head.notes) meta += note.empty() ? "" : " · " + note;
    out += fmt::format("<header class=\"top\"><div class=\"brand\"><svg viewBox=\"0 0 24 24\" width=\"26\" height=\"26\" aria-hidden=\"true\"><circle cx=\"8\" cy=\"9\" r=\"5\" class=\"m1\"/><circle cx=\"16\" cy=\"9\" r=\"5\" class=\"m2\"/><circle cx=\"12\" cy=\"15.5\" r=\"5\" class=\"m3\"/></svg>"
                       "<span>Morula</span></div><h1>{}</h1><p class=\"meta\">{}</p><div class=\"theme\" role=\"group\" aria-label=\"Colours of the page\"><button type=\"button\" data-theme-choice=\"auto\" aria-pressed=\"true\">Auto</button><button type=\"button\" "
                       "data-theme-choice=\"light\" aria-pressed=\"false\">Light</button><button type=\"button\" data-theme-choice=\"dark\" aria-pressed=\"false\">Dark</button></div></header>\n",
                       escape_html(head.title), escape_html(meta));
    return out;
}

std::string page_sections(const std::vector<Section>& sections) {
    std::string out = "<div class=\"page\"><nav class=\"contents\" aria-label=\"Contents\"><details open><summary>Contents</summary><ul>";
    for (const Section& section : sections) {
        if (!section.body.empty()) out += fmt::format("<li><a href=\"#{}\">{}</a></li>", section.id, section.title);
    }
    out += "</ul></details></nav>\n<main>\n";
    for (const Section& section : sections) {
        if (section.body.empty()) continue;
        out += fmt::format("<section id=\"{0}\" aria-labelledby=\"title-{0}\"><h2 id=\"title-{0}\">{1}</h2>\n{2}</section>\n", section.id, section.title, section.body);
    }
    return out + fmt::format("<footer>Made by Morula {}. This page holds everything it shows and never asks the network.</footer>\n</main></div>\n", kVersion);
}

std::string page_closing() { return "<script>" + std::string(kScript) + "</script>\n</body>\n</html>\n"; }

std::string paragraph(const std::string& text) { return text.empty() ? "" : "<p>" + escape_html(text) + "</p>\n"; }
std::string callout(const std::string& text) { return text.empty() ? "" : "<p class=\"callout\">" + escape_html(text) + "</p>\n"; }

std::string tile_list(const std::vector<NameValue>& tiles) {
    std::string out = "<dl class=\"tiles\">";
    for (const NameValue& tile : tiles) {
        if (!tile.value.empty()) out += fmt::format("<div class=\"tile\"><dt>{}</dt><dd>{}</dd></div>", escape_html(tile.name), escape_html(tile.value));
    }
    return out + "</dl>\n";
}

std::string with_code(std::string_view html) {
    std::string out;
    bool is_code = false;
    const bool is_paired = std::count(html.begin(), html.end(), '`') % 2 == 0;
    for (const char c : html) {
        if (c != '`' || !is_paired) out.push_back(c);
        else out += std::exchange(is_code, !is_code) ? "</code>" : "<code>";
    }
    return out;
}

std::string plain_list(const std::vector<std::string>& items) {
    if (items.empty()) return "";
    std::string out = "<ul class=\"plain\">";
    for (const std::string& item : items) out += "<li>" + with_code(escape_html(item)) + "</li>";
    return out + "</ul>\n";
}

std::string name_value_table(const std::string& caption, const std::string& file, const std::string& left, const std::string& right, const std::vector<NameValue>& rows) {
    HtmlTable table{caption, file, {{left}, {right}}, {}};
    for (const NameValue& row : rows) table.rows.push_back({row.name, row.value});
    return rows.empty() ? "" : table_html(table);
}

std::string code_block(const std::string& title, const std::string& code, const std::string& note) {
    return fmt::format("<div class=\"code\"><h3>{}</h3><pre tabindex=\"0\"><code>{}</code></pre><button type=\"button\" class=\"copy\">Copy</button>{}</div>\n", escape_html(title), escape_html(code),
                       note.empty() ? "" : "<p class=\"hint\">" + escape_html(note) + "</p>");
}

}  // namespace morula::report
