#include "morula/analysis/contrast.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <numeric>

#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"

namespace morula::analysis {
namespace {

constexpr int kDeepestBrackets = 50;
constexpr std::size_t kLongestText = 10'000;
constexpr double kTolerance = 1e-9;

bool is_blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || static_cast<unsigned char>(c) >= 0x80; }

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

/// A number plus a weighted sum of levels.
struct Sum {
    double number = 0.0;
    std::vector<double> weights;
    bool is_number() const {
        return std::all_of(weights.begin(), weights.end(), [](double weight) { return weight == 0.0; });
    }
    void add(const Sum& other, double times) {
        number += times * other.number;
        for (std::size_t k = 0; k < weights.size(); ++k) weights[k] += times * other.weights[k];
    }
    void scale(double times) {
        number *= times;
        for (double& weight : weights) weight *= times;
    }
};

class Parser {
public:
    Parser(std::string_view text, std::span<const std::string> levels) : text_(text), levels_(levels) {}

    Sum parse() {
        if (text_.size() > kLongestText) cannot_read(fmt::format("it has more than {} characters", kLongestText));
        Sum out = sum(0);
        if (next() != '\0') cannot_read(fmt::format("'{}' cannot follow '{}'", rest(), trimmed(text_.substr(0, at_))));
        return out;
    }
    [[noreturn]] void cannot_read(std::string_view why) const {
        std::vector<std::string> names(levels_.begin(), levels_.end());
        const std::string example = names.size() > 1 ? fmt::format("'{} - {}'", names.back(), names.front()) : "'severe - mild'";
        fail(ErrorCode::usage, fmt::format("--contrast '{}': {}.", text_.substr(0, kShown), why),
             fmt::format("Write levels of the condition ({}) with signs between, for instance {}; `backticks` hold names that are numbers.", fmt::join(names, ", "), example));
    }

private:
    static constexpr std::size_t kShown = 200;

    std::string_view rest() const { return text_.substr(at_, 40); }
    char next() {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
        return at_ < text_.size() ? text_[at_] : '\0';
    }
    Sum empty() const { return {0.0, std::vector<double>(levels_.size(), 0.0)}; }

    Sum sum(int depth) {
        Sum out = product(depth);
        for (char sign = next(); sign == '+' || sign == '-'; sign = next()) {
            ++at_;
            out.add(product(depth), sign == '+' ? 1.0 : -1.0);
        }
        return out;
    }
    Sum product(int depth) {
        Sum out = factor(depth);
        for (char sign = next(); sign == '*' || sign == '/'; sign = next()) {
            ++at_;
            Sum by = factor(depth);
            if (sign == '*' && out.is_number()) std::swap(out, by);
            if (!by.is_number()) cannot_read("levels are multiplied with or divided by numbers only");
            if (sign == '/' && by.number == 0.0) cannot_read("it divides by 0");
            out.scale(sign == '*' ? by.number : 1.0 / by.number);
        }
        return out;
    }
    Sum factor(int depth) {
        double sign = 1.0;
        for (char c = next(); c == '+' || c == '-'; c = next()) {
            if (c == '-') sign = -sign;
            ++at_;
        }
        Sum out = operand(depth);
        out.scale(sign);
        return out;
    }
    Sum operand(int depth) {
        const char c = next();
        if (c == '\0') cannot_read("something is missing at its end");
        if (c == '(') {
            if (depth >= kDeepestBrackets) cannot_read("its brackets are too deep");
            ++at_;
            Sum out = sum(depth + 1);
            if (next() != ')') cannot_read("a bracket is not closed");
            ++at_;
            return out;
        }
        if (c == '`') return quoted();
        Sum out = empty();
        if (number(out.number)) return out;
        return level();
    }
    /// A number, unless it goes on as a word ("12h").
    bool number(double& value) {
        const char* const begin = text_.data() + at_;
        const char* const end = text_.data() + text_.size();
        if (std::isdigit(static_cast<unsigned char>(*begin)) == 0 && *begin != '.') return false;
        const auto [stop, error] = std::from_chars(begin, end, value, std::chars_format::fixed);
        if (error != std::errc() || (stop < end && is_word(*stop)) || !std::isfinite(value)) return false;
        at_ += static_cast<std::size_t>(stop - begin);
        return true;
    }
    Sum of_level(std::size_t level) const {
        Sum out = empty();
        out.weights[level] = 1.0;
        return out;
    }
    Sum quoted() {
        const std::size_t end = text_.find('`', at_ + 1);
        if (end == std::string_view::npos) cannot_read("a backtick is not closed");
        const std::string name(text_.substr(at_ + 1, end - at_ - 1));
        const auto found = std::find(levels_.begin(), levels_.end(), name);
        if (found == levels_.end()) unknown(name);
        at_ = end + 1;
        return of_level(static_cast<std::size_t>(found - levels_.begin()));
    }
    Sum level() {
        std::size_t best = levels_.size();
        for (std::size_t k = 0; k < levels_.size(); ++k) {
            const std::string& name = levels_[k];
            const std::size_t end = at_ + name.size();
            if (name.empty() || text_.compare(at_, name.size(), name) != 0) continue;
            if (end < text_.size() && is_word(text_[end]) && is_word(name.back())) continue;
            if (best == levels_.size() || name.size() > levels_[best].size()) best = k;
        }
        if (best == levels_.size()) {
            std::size_t end = at_;
            while (end < text_.size() && is_word(text_[end])) ++end;
            unknown(std::string(end > at_ ? text_.substr(at_, end - at_) : rest()));
        }
        at_ += levels_[best].size();
        return of_level(best);
    }
    [[noreturn]] void unknown(const std::string& name) const {
        const std::string nearest = nearest_name(name, std::vector<std::string>(levels_.begin(), levels_.end()));
        cannot_read(fmt::format("'{}' is no level that is compared{}", name, nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest)));
    }

    std::string_view text_;
    std::span<const std::string> levels_;
    std::size_t at_ = 0;
};

}  // namespace

Contrast parse_contrast(std::string_view text, std::span<const std::string> levels) {
    Parser parser(text, levels);
    Sum found = parser.parse();
    double size = 0.0;
    for (const double weight : found.weights) size = std::max(size, std::abs(weight));
    if (!std::isfinite(size)) parser.cannot_read("its weights are too large");
    if (!(size > 0.0)) parser.cannot_read("no level is left in it");
    if (found.number != 0.0) parser.cannot_read(fmt::format("the number {} stands alone", found.number));
    const double sum = std::accumulate(found.weights.begin(), found.weights.end(), 0.0);
    if (std::abs(sum) > kTolerance * size) parser.cannot_read(fmt::format("its weights add up to {:.3g} and not to 0, so that it compares nothing", sum));
    for (double& weight : found.weights) {
        if (std::abs(weight) <= kTolerance * size) weight = 0.0;
    }
    return {std::string(trimmed(text)), std::move(found.weights)};
}

Contrast difference_of(std::span<const std::string> levels, std::size_t case_level, std::size_t control_level) {
    Contrast out{fmt::format("{} - {}", levels[case_level], levels[control_level]), std::vector<double>(levels.size(), 0.0)};
    out.weights[case_level] = 1.0;
    out.weights[control_level] = -1.0;
    return out;
}

bool same_direction(const Contrast& a, const Contrast& b) {
    double aa = 0.0, bb = 0.0, ab = 0.0;
    for (std::size_t k = 0; k < a.weights.size(); ++k) {
        aa += a.weights[k] * a.weights[k];
        bb += b.weights[k] * b.weights[k];
        ab += a.weights[k] * b.weights[k];
    }
    return std::abs(ab) >= (1.0 - kTolerance) * std::sqrt(aa * bb);
}

}  // namespace morula::analysis
