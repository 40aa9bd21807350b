#include "morula/knowledge/gmt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "morula/core/error.hpp"
#include "morula/formats/text/text_stream.hpp"
#include "morula/knowledge/columns.hpp"

namespace morula::knowledge {
namespace {

constexpr std::string_view kForm = "Write NAME, description and genes between tabs, one set a line.";

std::vector<std::string_view> fields_of(std::string_view line) {
    std::vector<std::string_view> fields;
    for (;;) {
        const std::size_t tab = line.find('\t');
        fields.push_back(line.substr(0, tab));
        if (tab == std::string_view::npos) return fields;
        line.remove_prefix(tab + 1);
    }
}

GmtSet read_set(const formats::LineReader& lines, std::string_view line) {
    const auto place = [&] { return fmt::format("{}, line {}", lines.path().string(), lines.line_number()); };
    if (formats::find_invalid_utf8(line) != std::string_view::npos) invalid_data(fmt::format("{}: the text is not UTF-8.", place()), "Save the file as UTF-8.");
    const std::vector<std::string_view> fields = fields_of(line);
    if (fields.size() < 3) invalid_data(fmt::format("{}: has {} field{} between tabs, where a gene set has three or more.", place(), fields.size(), fields.size() == 1 ? "" : "s"), std::string(kForm));
    GmtSet set{std::string(trimmed(fields[0])), std::string(trimmed(fields[1])), {}, lines.line_number()};
    if (set.name.empty()) invalid_data(fmt::format("{}: the gene set has no name.", place()), std::string(kForm));
    std::set<std::string_view> seen;
    for (std::size_t i = 2; i < fields.size(); ++i) {
        const std::string_view gene = trimmed(fields[i].substr(0, fields[i].find(',')));
        if (!gene.empty() && seen.insert(gene).second) set.genes.emplace_back(gene);
    }
    if (set.genes.empty()) invalid_data(fmt::format("{}: the gene set '{}' has no gene.", place(), set.name), "Name its genes, or take the line out.");
    return set;
}

}  // namespace

std::vector<GmtSet> read_gmt(const std::filesystem::path& path, Context& context) {
    formats::LineReader lines(path);
    std::vector<GmtSet> sets;
    std::map<std::string, std::int64_t, std::less<>> line_of;
    for (std::string_view line; lines.next(line);) {
        if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
        context.check_cancelled();
        sets.push_back(read_set(lines, line));
        const auto [before, fresh] = line_of.emplace(sets.back().name, sets.back().line);
        if (!fresh) invalid_data(fmt::format("{}, line {}: the gene set '{}' stands on line {} already.", path.string(), sets.back().line, sets.back().name, before->second), "Give each set a name of its own.");
    }
    if (sets.empty()) invalid_data(fmt::format("{}: holds no gene set.", path.string()), std::string(kForm));
    return sets;
}

}  // namespace morula::knowledge
