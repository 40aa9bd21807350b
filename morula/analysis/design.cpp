#include "morula/analysis/design.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <set>

#include "morula/analysis/least_squares_basis.hpp"
#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

constexpr std::string_view kHowTo = "Write the columns with plus signs between, for instance '~ batch + condition'; factor(plate) takes numbers as names of groups, and `backticks` hold names with blanks.";

[[noreturn]] void cannot_read(std::string_view text, std::string_view why) { fail(ErrorCode::usage, fmt::format("--design '{}': {}.", text, why), std::string(kHowTo)); }

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
    return text;
}

/// Parts between plus signs outside backticks.
std::vector<std::string_view> split_terms(std::string_view formula) {
    std::vector<std::string_view> parts;
    std::size_t begin = 0;
    bool quoted = false;
    for (std::size_t i = 0; i <= formula.size(); ++i) {
        if (i < formula.size() && formula[i] == '`') quoted = !quoted;
        if (i < formula.size() && (formula[i] != '+' || quoted)) continue;
        parts.push_back(trimmed(formula.substr(begin, i - begin)));
        begin = i + 1;
    }
    return parts;
}

FormulaTerm parse_term(std::string_view formula, std::string_view part) {
    FormulaTerm term;
    constexpr std::string_view factor = "factor(";
    if (part.starts_with(factor) && part.ends_with(")")) {
        term.as_groups = true;
        part = trimmed(part.substr(factor.size(), part.size() - factor.size() - 1));
    }
    if (part.size() > 2 && part.front() == '`' && part.back() == '`') {
        term.column = std::string(part.substr(1, part.size() - 2));
        return term;
    }
    if (part.empty()) cannot_read(formula, "a term is empty");
    if (part == "0" || part == "1" || part == "-1") cannot_read(formula, "the intercept is always there and is not written");
    for (const char sign : part) {
        if (sign == ':' || sign == '*' || sign == '^' || sign == '|') cannot_read(formula, fmt::format("'{}' is an interaction or nesting, which is not supported", part));
        if (sign == '(' || sign == ')' || sign == '~' || sign == '`' || sign == '/') cannot_read(formula, fmt::format("'{}' is not the name of a column", part));
    }
    term.column = std::string(part);
    return term;
}

std::vector<std::string> groups_of(const SampleColumn& column) {
    const std::set<std::string> distinct(column.texts.begin(), column.texts.end());
    std::vector<std::string> groups(distinct.begin(), distinct.end());
    const auto reference = std::find(groups.begin(), groups.end(), column.reference);
    if (reference != groups.end()) std::rotate(groups.begin(), reference, reference + 1);
    return groups;
}

std::size_t n_samples_of(const SampleColumn& column) { return std::max(column.numbers.size(), column.texts.size()); }

}  // namespace

std::vector<FormulaTerm> parse_formula(std::string_view text) {
    std::string_view rest = trimmed(text);
    if (rest.empty() || rest.front() != '~') cannot_read(text, "a design begins with ~");
    std::vector<FormulaTerm> terms;
    for (const std::string_view part : split_terms(rest.substr(1))) {
        terms.push_back(parse_term(text, part));
        const auto same = std::count_if(terms.begin(), terms.end(), [&](const FormulaTerm& term) { return term.column == terms.back().column; });
        if (same > 1) cannot_read(text, fmt::format("'{}' stands there twice", terms.back().column));
    }
    return terms;
}

std::string formula_text(std::span<const FormulaTerm> terms) {
    std::string out = "~";
    for (const FormulaTerm& term : terms) {
        const bool plain = std::all_of(term.column.begin(), term.column.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.'; });
        const std::string name = plain ? term.column : "`" + term.column + "`";
        out += fmt::format("{}{}", out == "~" ? " " : " + ", term.as_groups ? "factor(" + name + ")" : name);
    }
    return out;
}

Design make_design(std::span<const SampleColumn> terms) {
    Design out;
    const std::size_t n = terms.empty() ? 0 : n_samples_of(terms.front());
    std::vector<std::vector<double>> columns{std::vector<double>(n, 1.0)};
    out.columns.emplace_back("(intercept)");
    out.term.push_back(-1);
    out.group.emplace_back();
    for (std::size_t t = 0; t < terms.size(); ++t) {
        const SampleColumn& term = terms[t];
        MORULA_ASSERT(n_samples_of(term) == n);
        if (!term.numbers.empty()) {
            const double mean = std::accumulate(term.numbers.begin(), term.numbers.end(), 0.0) / static_cast<double>(n);
            columns.push_back(term.numbers);
            for (double& value : columns.back()) value -= mean;
            out.columns.push_back(term.name);
            out.term.push_back(static_cast<std::int32_t>(t));
            out.group.emplace_back();
            continue;
        }
        const std::vector<std::string> groups = groups_of(term);
        for (std::size_t g = 1; g < groups.size(); ++g) {
            columns.emplace_back();
            for (const std::string& text : term.texts) columns.back().push_back(text == groups[g] ? 1.0 : 0.0);
            out.columns.push_back(term.name + "=" + groups[g]);
            out.term.push_back(static_cast<std::int32_t>(t));
            out.group.push_back(groups[g]);
        }
    }
    out.x = matrix::Dense<double>(static_cast<std::int64_t>(n), std::ssize(columns));
    for (std::size_t k = 0; k < columns.size(); ++k) {
        for (std::size_t i = 0; i < n; ++i) out.x(static_cast<std::int64_t>(i), static_cast<std::int64_t>(k)) = columns[k][i];
    }
    return out;
}

std::vector<double> column_weights(const Design& design, const GroupContrast& contrast) {
    // The reference has no column: since weights add up to 0, those of the others say the same.
    std::vector<double> out(design.columns.size(), 0.0);
    for (std::size_t k = 0; k < out.size(); ++k) {
        if (design.term[k] != contrast.term) continue;
        const auto found = std::find(contrast.groups.begin(), contrast.groups.end(), design.group[k]);
        if (found != contrast.groups.end()) out[k] = contrast.weights[static_cast<std::size_t>(found - contrast.groups.begin())];
    }
    return out;
}

DesignLook look_at_design(const Design& design) {
    DesignLook look;
    const OrthonormalBasis basis = orthonormal_basis(design.x.view());
    look.rank = basis.rank();
    look.kept = basis.columns;
    for (std::int64_t k = 0; k < design.x.n_cols; ++k) {
        if (std::find(look.kept.begin(), look.kept.end(), k) == look.kept.end()) look.repeated.push_back(design.columns[static_cast<std::size_t>(k)]);
    }
    return look;
}

std::vector<std::string> confounding_terms(std::span<const SampleColumn> terms, const GroupContrast& contrast) {
    const auto tested = static_cast<std::size_t>(contrast.term);
    const auto follows = [&](const std::vector<std::size_t>& others) {
        std::vector<SampleColumn> some{terms[tested]};
        for (const std::size_t t : others) some.push_back(terms[t]);
        const Design design = make_design(some);
        return !is_estimable(design.x.view(), column_weights(design, {0, contrast.groups, contrast.weights}));
    };
    std::vector<std::size_t> others;
    for (std::size_t t = 0; t < terms.size(); ++t) {
        if (t != tested) others.push_back(t);
    }
    if (!follows(others)) return {};
    for (const std::size_t candidate : std::vector<std::size_t>(others)) {
        std::vector<std::size_t> fewer;
        std::copy_if(others.begin(), others.end(), std::back_inserter(fewer), [&](std::size_t t) { return t != candidate; });
        if (follows(fewer)) others = std::move(fewer);
    }
    std::vector<std::string> names;
    for (const std::size_t t : others) names.push_back(terms[t].name);
    return names;
}

std::string cross_table(const SampleColumn& down, const SampleColumn& across) {
    const std::vector<std::string> rows = groups_of(down);
    const std::vector<std::string> columns = groups_of(across);
    std::size_t width = down.name.size();
    for (const std::string& row : rows) width = std::max(width, row.size());
    std::string out = fmt::format("  {:<{}}", down.name, width);
    for (const std::string& column : columns) out += fmt::format("  {:>5}", column);
    for (const std::string& row : rows) {
        out += fmt::format("\n  {:<{}}", row, width);
        for (const std::string& column : columns) {
            std::size_t n = 0;
            for (std::size_t i = 0; i < down.texts.size(); ++i) n += down.texts[i] == row && across.texts[i] == column ? 1U : 0U;
            out += fmt::format("  {:>{}}", n, std::max<std::size_t>(5, column.size()));
        }
    }
    return out;
}

}  // namespace morula::analysis
