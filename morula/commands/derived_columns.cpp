#include "morula/commands/derived_columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <regex>

#include "morula/core/error.hpp"
#include "morula/core/printable.hpp"
#include "morula/core/schema.hpp"

namespace morula::commands {
namespace {

constexpr std::string_view kExample = "Write NAME=COLUMN:PATTERN, for instance --derive donor=sample_id:[0-9]+ .";
constexpr std::size_t kLongestPattern = 500;
// The matcher of the standard library recurses once a character; names of samples are short.
constexpr std::size_t kLongestValue = 2'000;
// Looks at characters in one value: about a tenth of a second. A pattern without repeats in repeats needs a few for each character.
constexpr std::int64_t kMostLooks = 5'000'000;

/// Whether a text begins with NAME=COLUMN: .
bool begins_a_column(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string_view::npos) return false;
    const std::string_view name = text.substr(0, equals);
    if (!std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-'; })) return false;
    return text.find(':', equals) != std::string_view::npos;
}

DerivedColumn parse_one(std::string_view text) {
    const std::size_t equals = text.find('=');
    const std::size_t colon = text.find(':', equals);
    DerivedColumn column{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1, colon - equals - 1)), std::string(text.substr(colon + 1))};
    if (column.from.empty() || column.pattern.empty()) fail(ErrorCode::usage, fmt::format("--derive {}: the column or the pattern is missing.", text), std::string(kExample));
    return column;
}

std::regex compile(const DerivedColumn& column) {
    try {
        if (column.pattern.size() <= kLongestPattern) return std::regex(column.pattern, std::regex::ECMAScript | std::regex::optimize);
    } catch (const std::regex_error&) {
        fail(ErrorCode::usage, fmt::format("--derive {}: '{}' is not a regular expression.", column.name, column.pattern), "Close every bracket, and put a backslash before a sign that stands for itself: \\( \\. \\+");
    }
    fail(ErrorCode::usage, fmt::format("--derive {}: the pattern has {} characters; at most {} are read.", column.name, column.pattern.size(), kLongestPattern), std::string(kExample));
}

struct TooManyLooks {};

/// A place in a value. The standard library's matcher goes back and tries again, for patterns such as (a+)+$ twice as often with each character, and nothing else can stop it: so each look is counted.
class CountedPlace {
public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountedPlace() = default;
    CountedPlace(const char* at, std::int64_t& looks_left) : at_(at), looks_left_(&looks_left) {}
    const char* at() const { return at_; }

    reference operator*() const {
        count();
        return *at_;
    }
    CountedPlace& operator++() {
        count();
        ++at_;
        return *this;
    }
    CountedPlace operator++(int) {
        CountedPlace before = *this;
        ++*this;
        return before;
    }
    CountedPlace& operator--() {
        count();
        --at_;
        return *this;
    }
    CountedPlace operator--(int) {
        CountedPlace before = *this;
        --*this;
        return before;
    }
    bool operator==(const CountedPlace& other) const {
        count();
        return at_ == other.at_;
    }

private:
    void count() const {
        if (looks_left_ != nullptr && --*looks_left_ < 0) throw TooManyLooks{};
    }
    const char* at_ = nullptr;
    std::int64_t* looks_left_ = nullptr;
};

/// What the pattern finds in a value: the first part in brackets when there is one, else the whole match; "" when it does not match. Throws TooManyLooks.
std::string found_in(const std::string& value, const std::regex& pattern) {
    std::int64_t looks_left = kMostLooks;
    std::match_results<CountedPlace> match;
    const CountedPlace begin(value.data(), looks_left), end(value.data() + value.size(), looks_left);
    if (value.size() > kLongestValue || !std::regex_search(begin, end, match, pattern)) return "";
    const auto& part = match.size() > 1 ? match[1] : match[0];
    return part.matched ? std::string(part.first.at(), part.second.at()) : "";
}

/// What the pattern finds in each value.
std::vector<std::string> found_in_all(const std::vector<std::string>& values, const DerivedColumn& column, Context& context) {
    const std::regex pattern = compile(column);
    std::vector<std::string> found;
    for (const std::string& value : values) {
        context.check_cancelled();
        try {
            found.push_back(found_in(value, pattern));
        } catch (const TooManyLooks&) {
            fail(ErrorCode::usage, fmt::format("--derive {}: the pattern '{}' needs too many tries on the value '{}'.", column.name, column.pattern, name_in_line(value)),
                 "Write it without a repeat of something that is repeated itself, for instance a+ in place of (a+)+ .");
        }
    }
    return found;
}

void say_long_values(const data::Dataset& dataset, const DerivedColumn& column, const std::vector<std::string>& values, Context& context) {
    const auto n = std::ranges::count_if(values, [](const std::string& value) { return value.size() > kLongestValue; });
    if (n > 0) context.events().warning(fmt::format("{}: {} values of '{}' have more than {} characters and are not looked at by --derive {}.", dataset.name, n, column.from, kLongestValue, column.name));
}

const data::Column& source_column(const data::Dataset& dataset, const DerivedColumn& column) {
    const data::Column* found = dataset.obs.find(column.from);
    if (found != nullptr) return *found;
    const std::vector<std::string> names = dataset.obs.names();
    const std::string nearest = nearest_name(column.from, names);
    fail(ErrorCode::not_found, fmt::format("{}: obs has no column '{}', from which --derive should make '{}'.", dataset.name, column.from, column.name),
         nearest.empty() ? fmt::format("Columns are: {}.", fmt::join(names, ", ")) : fmt::format("Did you mean '{}'?", nearest));
}

void add_one(data::Dataset& dataset, const DerivedColumn& column, Context& context) {
    if (dataset.obs.has(column.name)) {
        fail(ErrorCode::usage, fmt::format("{}: --derive {} would replace a column that obs has already.", dataset.name, column.name), fmt::format("Give the new column another name, for instance {}_derived.", column.name));
    }
    const data::Categorical from = data::as_categorical(source_column(dataset, column));
    say_long_values(dataset, column, from.categories, context);
    const std::vector<std::string> made = found_in_all(from.categories, column, context);  // of each category
    std::vector<std::string> unmatched;
    std::vector<std::int64_t> n_cells(from.categories.size(), 0);
    for (const std::int32_t code : from.codes) {
        if (code >= 0) ++n_cells[static_cast<std::size_t>(code)];
    }
    std::int64_t n_missing = 0;
    for (std::size_t i = 0; i < from.categories.size(); ++i) {
        if (!made[i].empty() || n_cells[i] == 0) continue;
        unmatched.push_back(from.categories[i]);
        n_missing += n_cells[i];
    }
    std::vector<std::string> texts;
    texts.reserve(from.codes.size());
    for (const std::int32_t code : from.codes) texts.push_back(code < 0 ? std::string() : made[static_cast<std::size_t>(code)]);
    data::Categorical values = data::to_categorical(texts);
    if (values.categories.empty()) {
        invalid_data(fmt::format("{}: the pattern '{}' of --derive {} matches no value of '{}' (its values: {}).", dataset.name, column.pattern, column.name, column.from, listed(from.categories)),
                     "Change the pattern so that it finds a part of these values.");
    }
    context.events().decision(fmt::format("{}: column '{}' made from '{}': {}.", dataset.name, column.name, column.from, listed(values.categories)));
    if (n_missing > 0) {
        context.events().warning(fmt::format("{}: {} cells get no value in '{}': the pattern '{}' does not match {}.", dataset.name, n_missing, column.name, column.pattern, listed(unmatched)));
    }
    dataset.obs.set(column.name, std::move(values));
}

}  // namespace

std::vector<DerivedColumn> parse_derived_columns(const std::vector<std::string>& texts) {
    std::vector<std::string> whole;
    for (const std::string& text : texts) {
        if (begins_a_column(text)) whole.push_back(text);
        else if (!whole.empty()) whole.back() += "," + text;
        else fail(ErrorCode::usage, fmt::format("--derive '{}' cannot be read.", text), std::string(kExample));
    }
    std::vector<DerivedColumn> columns;
    for (const std::string& text : whole) columns.push_back(parse_one(text));
    return columns;
}

void add_derived_columns(data::Dataset& dataset, const std::vector<std::string>& texts, Context& context) {
    for (const DerivedColumn& column : parse_derived_columns(texts)) add_one(dataset, column, context);
}

}  // namespace morula::commands
