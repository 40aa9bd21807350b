// Which ontology term each label of a reference is, and where the evidence stops when several labels fit.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"
#include "morula/knowledge/ontology.hpp"

namespace morula::commands {

/// The term of each label; none where it is not known.
struct LabelTerms {
    std::vector<std::optional<knowledge::TermIndex>> of_label;
    std::vector<std::string> unknown;  // labels without a term
};

/// Terms by, in this order: the table at terms_path (columns label and ontology_id; "" for none), the obs column LABEL_COLUMN_ontology_term_id (as CELLxGENE files have it), the label as id, name
/// or synonym. What is not found is said in a warning with the nearest names. Throws invalid_data for an id that the ontology does not have, or that is obsolete (naming the replacement).
LabelTerms label_terms(const knowledge::Ontology& ontology, const std::vector<std::string>& labels, const data::Dataset& reference, const std::string& label_column,
                       const std::filesystem::path& terms_path, Context& context);

/// Finds the parent term at which the evidence stops; remembers sets it has seen.
class RollUp {
public:
    RollUp(const knowledge::Ontology& ontology, const LabelTerms& terms) : ontology_(ontology), terms_(terms) {}

    /// The lowest common ancestor of the labels of a set, where every one has a term and the ancestor is specific (Ontology::is_specific); for a set of one its own term.
    std::optional<knowledge::TermIndex> of(std::vector<std::int32_t> labels);
    const knowledge::OntologyTerm& term(knowledge::TermIndex at) const { return ontology_.term(at); }

private:
    const knowledge::Ontology& ontology_;
    const LabelTerms& terms_;
    std::map<std::vector<std::int32_t>, std::optional<knowledge::TermIndex>> seen_;
};

}  // namespace morula::commands
