// Design formulas: `~ donor + group` as columns of numbers, and what such a design can and cannot tell.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morula/matrix/views.hpp"

namespace morula::analysis {

/// One term of a formula.
struct FormulaTerm {
    std::string column;
    bool as_groups = false;  // factor(x): numbers that only name groups
};

/// Reads "~ a + factor(b) + `c d`": columns with plus signs between. Throws usage for anything else (interactions, no intercept), with what to write.
std::vector<FormulaTerm> parse_formula(std::string_view text);
/// The formula as it is printed.
std::string formula_text(std::span<const FormulaTerm> terms);

/// A term's values, one a sample: numbers, or texts that name groups.
struct SampleColumn {
    std::string name;
    std::vector<double> numbers;     // of a numeric covariate, else empty
    std::vector<std::string> texts;  // of groups, else empty
    std::string reference;           // the group the others are compared with; "": the first in order of text
};

struct Design {
    matrix::Dense<double> x;           // samples x columns; the first column is the intercept
    std::vector<std::string> columns;  // "(intercept)", "donor=107", "age"
    std::vector<std::int32_t> term;    // of each column: its place in the formula; -1 for the intercept
    std::vector<std::string> group;    // of each column: the group of its term that it stands for; "" for numbers and the intercept
};

/// Treatment coding: one column a group but the reference, groups in order of text; numbers less their mean.
Design make_design(std::span<const SampleColumn> terms);

/// A weighted sum of the groups of one term; weights add up to 0.
struct GroupContrast {
    std::int32_t term = 0;
    std::vector<std::string> groups;
    std::vector<double> weights;  // one a group
};
/// The same as one weight a column of the design. Groups that the design does not have must weigh 0.
std::vector<double> column_weights(const Design& design, const GroupContrast& contrast);

/// Columns of a design that repeat those before them, when read in the given order of terms.
struct DesignLook {
    std::int64_t rank = 0;
    std::vector<std::int64_t> kept;      // columns of full rank, in the design's order
    std::vector<std::string> repeated;   // names of the others
};
DesignLook look_at_design(const Design& design);

/// Names of the terms (other than the contrast's own) from which the contrast cannot be told apart: the smallest set found by leaving terms out one after another. None where it can.
std::vector<std::string> confounding_terms(std::span<const SampleColumn> terms, const GroupContrast& contrast);

/// Numbers of samples for each pair of groups of two columns, as lines of text: rows are groups of `down`, columns those of `across`.
std::string cross_table(const SampleColumn& down, const SampleColumn& across);

}  // namespace morula::analysis
