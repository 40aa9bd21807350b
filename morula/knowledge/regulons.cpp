#include "morula/knowledge/regulons.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <map>

#include "morula/core/error.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/knowledge/columns.hpp"

namespace morula::knowledge {
namespace {

constexpr std::string_view kForm = "Write one line a source and target under the header source,target,weight.";

double weight_of(const formats::RawTable& table, std::size_t row, std::size_t column) {
    if (column == std::string::npos) return 1.0;
    std::string_view text = table.rows[row][column];
    if (text.starts_with('+')) text.remove_prefix(1);
    double weight = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), weight);
    if (error == std::errc() && end == text.data() + text.size() && std::isfinite(weight) && weight != 0.0) return weight;
    invalid_data(fmt::format("{}: '{}' is not a weight.", table.place(row, column), table.rows[row][column]), "Write a number other than 0: above 0 where the source raises the gene, below 0 where it lowers it.");
}

}  // namespace

std::vector<Regulon> read_regulons(const std::filesystem::path& path, Context& context) {
    const formats::RawTable table = formats::read_rows(path, {}, context);
    const std::size_t source_column = require_column(table, {"source", "tf", "regulator", "source_genesymbol"}, kForm);
    const std::size_t target_column = require_column(table, {"target", "gene", "target_genesymbol"}, kForm);
    const std::size_t weight_column = first_column(table, {"weight", "mor"});
    std::vector<Regulon> regulons;
    std::map<std::string, std::size_t> place;
    std::map<std::pair<std::size_t, std::string>, std::size_t> seen;  // row
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        const std::string& source = required_text(table, row, source_column, "Name the source.");
        const std::string& target = required_text(table, row, target_column, "Name the gene.");
        const auto [found, fresh] = place.emplace(source, regulons.size());
        if (fresh) regulons.push_back({source, {}});
        const auto [before, once] = seen.emplace(std::pair{found->second, target}, row);
        if (!once) {
            invalid_data(fmt::format("{}: '{}' and '{}' stand on line {} already.", table.place(row, target_column), source, target, table.lines[before->second]), "Keep one line a source and target.");
        }
        regulons[found->second].targets.push_back({target, weight_of(table, row, weight_column)});
    }
    if (regulons.empty()) invalid_data(fmt::format("{}: holds no regulon.", path.string()), std::string(kForm));
    return regulons;
}

}  // namespace morula::knowledge
