#include "morula/knowledge/behavior_rules.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <map>
#include <tuple>

#include "morula/core/error.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/knowledge/columns.hpp"

namespace morula::knowledge {
namespace {

constexpr std::string_view kForm =
    "Write eight fields a line: cell type, signal, increases or decreases, behaviour, saturation, half-max, Hill power, applies to dead (0 or 1).";
constexpr std::size_t kFields = 8;
/// A power of 100 is a step: between .955 and 1.047 of the half-max a response goes from 1 % to 99 %.
constexpr double kLargestPower = 100.0;
constexpr double kLargestHalfMax = 1e12;  // as the highest concentration of a scenario

class RuleReader {
public:
    explicit RuleReader(const formats::RawTable& table) : table_(table) {}

    BehaviorRule rule(std::size_t row) const {
        BehaviorRule rule;
        rule.line = table_.lines[row];
        rule.cell_type = name(row, 0, "cell type");
        rule.signal = name(row, 1, "signal");
        rule.response = response(row);
        rule.behavior = name(row, 3, "behaviour");
        rule.saturation = number(row, 4);
        rule.half_max = positive(row, 5, "half-max", kLargestHalfMax);
        rule.hill_power = positive(row, 6, "Hill power", kLargestPower);
        rule.applies_to_dead = yes_or_no(row, 7);
        return rule;
    }

private:
    std::string_view field(std::size_t row, std::size_t column) const { return trimmed(table_.rows[row][column]); }
    [[noreturn]] void refuse(std::size_t row, std::size_t column, const std::string& what) const {
        invalid_data(fmt::format("{}, line {}, field {}: {}.", table_.path.string(), table_.lines[row], column + 1, what), std::string(kForm));
    }

    std::string name(std::size_t row, std::size_t column, std::string_view what) const {
        if (field(row, column).empty()) refuse(row, column, fmt::format("the {} is empty", what));
        return std::string(field(row, column));
    }
    Response response(std::size_t row) const {
        const std::string_view text = field(row, 2);
        if (text == "increases" || text == "increase") return Response::increases;
        if (text == "decreases" || text == "decrease") return Response::decreases;
        refuse(row, 2, fmt::format("'{}' is neither increases nor decreases", text));
    }
    double number(std::size_t row, std::size_t column) const {
        std::string_view text = field(row, column);
        if (text.starts_with('+')) text.remove_prefix(1);
        double value = 0.0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) refuse(row, column, fmt::format("'{}' is no number", field(row, column)));
        return value;
    }
    double positive(std::size_t row, std::size_t column, std::string_view what, double highest) const {
        const double value = number(row, column);
        if (!(value > 0.0)) refuse(row, column, fmt::format("the {} is {} and must be above 0", what, value));
        if (value > highest) refuse(row, column, fmt::format("the {} is {:g} and can be {:g} at most", what, value, highest));
        return value;
    }
    bool yes_or_no(std::size_t row, std::size_t column) const {
        const std::string_view text = field(row, column);
        if (text == "1" || text == "true" || text == "True" || text == "TRUE") return true;
        if (text == "0" || text == "false" || text == "False" || text == "FALSE") return false;
        refuse(row, column, fmt::format("'{}' is neither 0 nor 1", text));
    }

    const formats::RawTable& table_;
};

}  // namespace

std::vector<BehaviorRule> read_behavior_rules(const std::filesystem::path& path, Context& context) {
    const formats::RawTable table = formats::read_rows(path, {.header = formats::Header::no, .comment = "//"}, context);
    if (table.names.size() != kFields) {
        invalid_data(fmt::format("{}, line {}: it has {} field{} and a rule has {}.", path.string(), table.lines.front(), table.names.size(), table.names.size() == 1 ? "" : "s", kFields), std::string(kForm));
    }
    const RuleReader reader(table);
    std::vector<BehaviorRule> rules;
    std::map<std::tuple<std::string, std::string, Response, std::string>, std::int64_t> seen;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        const BehaviorRule& rule = rules.emplace_back(reader.rule(row));
        const auto [other, fresh] = seen.emplace(std::tuple{rule.cell_type, rule.signal, rule.response, rule.behavior}, rule.line);
        if (fresh) continue;
        invalid_data(fmt::format("{}, line {}: '{}' {} '{}' of '{}' on line {} too.", path.string(), rule.line, rule.signal, rule.response == Response::increases ? "increases" : "decreases", rule.behavior, rule.cell_type, other->second),
                     "Keep one of the two rules.");
    }
    return rules;
}

}  // namespace morula::knowledge
