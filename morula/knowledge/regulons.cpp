#include "morula/knowledge/regulons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>

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

using Levels = std::set<std::string, std::less<>>;

/// Whether these are DoRothEA's levels: some of A to E and nothing else.
bool are_letters(const Levels& levels) {
    return std::ranges::all_of(levels, [](const std::string& level) { return level.size() == 1 && level[0] >= 'A' && level[0] <= 'E'; });
}

Levels asked_for(std::string_view text) {
    Levels levels;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(','), text.size());
        if (const std::string_view level = trimmed(text.substr(0, end)); !level.empty()) levels.emplace(level);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return levels;
}

/// What a table's column `confidence` says, and which of its levels are read.
class Confidence {
public:
    Confidence(const formats::RawTable& table, const RegulonsOptions& options) : table_(table), column_(table.find("confidence")) {
        if (column_ == std::string::npos) {
            if (!options.confidence.empty()) fail(ErrorCode::not_found, fmt::format("{}: has no column 'confidence'.", table.path.string()), "Leave out the levels of confidence, or add that column.");
            return;
        }
        for (const auto& row : table.rows) there_.emplace(trimmed(row[column_]));
        if (options.confidence.empty()) {
            if (are_letters(there_)) kept_ = Levels{"A", "B", "C"};
            return;
        }
        kept_ = asked_for(options.confidence);
        for (const std::string& level : *kept_) {
            if (!there_.contains(level)) fail(ErrorCode::not_found, fmt::format("{}: no line has the confidence '{}'.", table.path.string(), level), fmt::format("Name some of its levels: {}.", fmt::join(there_, ",")));
        }
    }
    bool keeps(std::size_t row) const { return !kept_ || kept_->contains(trimmed(table_.rows[row][column_])); }

    /// Says how many lines were left out, or throws where none was kept.
    void report(std::size_t n_kept, Context& context) const {
        if (!kept_ || n_kept == table_.rows.size()) return;
        if (n_kept == 0) {
            invalid_data(fmt::format("{}: no line has the confidence {}.", table_.path.string(), fmt::join(*kept_, ", ")), fmt::format("Name some of its levels with --confidence: {}.", fmt::join(there_, ",")));
        }
        context.events().decision(fmt::format("{}: {} of {} lines are read, those of confidence {} (the table has {}).", table_.path.filename().string(), n_kept, table_.rows.size(), fmt::join(*kept_, ", "), fmt::join(there_, ", ")));
    }

private:
    const formats::RawTable& table_;
    std::size_t column_;
    Levels there_;
    std::optional<Levels> kept_;  // none: all
};

}  // namespace

std::vector<Regulon> read_regulons(const std::filesystem::path& path, const RegulonsOptions& options, Context& context) {
    const formats::RawTable table = formats::read_rows(path, {}, context);
    const std::size_t source_column = require_column(table, {"source", "tf", "regulator", "source_genesymbol"}, kForm);
    const std::size_t target_column = require_column(table, {"target", "gene", "target_genesymbol"}, kForm);
    const std::size_t weight_column = first_column(table, {"weight", "mor"});
    std::vector<Regulon> regulons;
    std::map<std::string, std::size_t> place;
    std::map<std::pair<std::size_t, std::string>, std::size_t> seen;  // row
    const Confidence confidence(table, options);
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        if (!confidence.keeps(row)) continue;
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
    confidence.report(seen.size(), context);
    if (regulons.empty()) invalid_data(fmt::format("{}: holds no regulon.", path.string()), std::string(kForm));
    return regulons;
}

}  // namespace morula::knowledge
