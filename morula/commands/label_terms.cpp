#include "morula/commands/label_terms.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"
#include "morula/formats/text/delimited.hpp"

namespace morula::commands {
namespace {

using knowledge::Ontology;
using knowledge::TermIndex;

/// Ids that somebody wrote down: they must be right.
TermIndex require_term(const Ontology& ontology, const std::string& id, const std::string& place) {
    const auto found = ontology.find(id);
    if (!found) {
        std::vector<std::string> ids;
        for (const auto& term : ontology.terms()) ids.push_back(term.id);
        const std::string nearest = nearest_name(id, ids);
        invalid_data(fmt::format("{}: the term '{}' is not in {}.", place, id, ontology.name()),
                     nearest.empty() ? "Check the id, or give the version of the ontology that has it." : fmt::format("Did you mean '{}'? Else give the version of the ontology that has it.", nearest));
    }
    if (ontology.term(*found).obsolete) {
        const std::string& replacement = ontology.term(*found).replaced_by;
        invalid_data(fmt::format("{}: {}", place, obsolete_sentence(ontology, *found)), replacement.empty() ? "Write a living term instead." : fmt::format("Write {} instead.", replacement));
    }
    return *found;
}

std::map<std::string, TermIndex> terms_of_table(const Ontology& ontology, const std::filesystem::path& path, const std::vector<std::string>& labels, Context& context) {
    std::map<std::string, TermIndex> out;
    if (path.empty()) return out;
    const formats::RawTable table = formats::read_rows(path, {}, context);
    const std::size_t label = table.column("label");
    const std::size_t id = table.column("ontology_id");
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        const std::string& name = table.rows[row][label];
        if (std::find(labels.begin(), labels.end(), name) == labels.end()) {
            context.events().warning(fmt::format("{}: the reference has no label '{}'.", table.place(row, label), name));
        }
        if (!table.rows[row][id].empty()) out[name] = require_term(ontology, table.rows[row][id], table.place(row, id));
    }
    return out;
}

/// Ids beside the labels, where each label has one alone.
std::map<std::string, TermIndex> terms_of_column(const Ontology& ontology, const data::Dataset& reference, const std::string& label_column) {
    std::map<std::string, TermIndex> out;
    const std::string name = label_column + "_ontology_term_id";
    const data::Column* ids = reference.obs.find(name);
    if (ids == nullptr) return out;
    const std::vector<std::string> label = data::column_texts(reference.obs.at(label_column));
    const std::vector<std::string> id = data::column_texts(*ids);
    std::map<std::string, std::string> of_label;
    for (std::size_t cell = 0; cell < label.size(); ++cell) {
        if (label[cell].empty() || id[cell].empty() || id[cell] == "unknown") continue;
        const auto [found, fresh] = of_label.emplace(label[cell], id[cell]);
        if (!fresh && found->second != id[cell]) {
            invalid_data(fmt::format("{}: the label '{}' has the terms {} and {} in column '{}'.", reference.name, label[cell], found->second, id[cell], name), "Give each label one term.");
        }
    }
    for (const auto& [text, term] : of_label) out[text] = require_term(ontology, term, fmt::format("{}, column '{}'", reference.name, name));
    return out;
}

void report_unknown(const Ontology& ontology, const std::vector<std::string>& unknown, Context& context) {
    if (unknown.empty()) return;
    std::vector<std::string> names;
    for (const auto& term : ontology.terms()) {
        if (!term.obsolete) names.push_back(term.name);
    }
    std::string list;
    for (const std::string& label : unknown) {
        const std::string nearest = nearest_name(label, names);
        list += fmt::format("{}'{}'{}", list.empty() ? "" : ", ", label, nearest.empty() ? "" : fmt::format(" (near '{}')", nearest));
    }
    context.events().warning(fmt::format("{} has no term named {}; their ontology_id stays empty. Name terms with --terms FILE (columns label, ontology_id).", ontology.name(), list));
}

}  // namespace

LabelTerms label_terms(const Ontology& ontology, const std::vector<std::string>& labels, const data::Dataset& reference, const std::string& label_column, const std::filesystem::path& terms_path,
                       Context& context) {
    const std::map<std::string, TermIndex> of_table = terms_of_table(ontology, terms_path, labels, context);
    const std::map<std::string, TermIndex> of_column = terms_of_column(ontology, reference, label_column);
    LabelTerms out;
    std::string told;
    for (const std::string& label : labels) {
        std::optional<TermIndex> term;
        if (const auto given = of_table.find(label); given != of_table.end()) term = given->second;
        else if (const auto beside = of_column.find(label); beside != of_column.end()) term = beside->second;
        else term = ontology.match(label);
        if (term && ontology.term(*term).obsolete) {
            context.events().warning(fmt::format("The label '{}' names an obsolete term: {}", label, obsolete_sentence(ontology, *term)));
            term.reset();
        }
        if (!term) out.unknown.push_back(label);
        else told += fmt::format("{}'{}' is {} ({})", told.empty() ? "" : ", ", label, ontology.term(*term).id, ontology.term(*term).name);
        out.of_label.push_back(term);
    }
    if (!told.empty()) context.events().decision(fmt::format("Terms of {}: {}.", ontology.name(), told));
    report_unknown(ontology, out.unknown, context);
    return out;
}

std::optional<TermIndex> RollUp::of(std::vector<std::int32_t> labels) {
    std::sort(labels.begin(), labels.end());
    const auto seen = seen_.find(labels);
    if (seen != seen_.end()) return seen->second;
    std::vector<TermIndex> terms;
    for (const std::int32_t label : labels) {
        if (const auto term = terms_.of_label[static_cast<std::size_t>(label)]) terms.push_back(*term);
    }
    std::optional<TermIndex> parent;
    if (terms.size() == labels.size()) {
        parent = ontology_.lowest_common_ancestor(terms);
        if (parent && labels.size() > 1 && !ontology_.is_specific(*parent)) parent.reset();
    }
    return seen_.emplace(std::move(labels), parent).first->second;
}

}  // namespace morula::commands
