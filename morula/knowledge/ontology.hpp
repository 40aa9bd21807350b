// An ontology of cell types (or tissues, diseases, ...): terms, their parents, and where evidence stops between several of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"

namespace morula::knowledge {

/// Place of a term in Ontology::terms().
using TermIndex = std::int32_t;

struct OntologyTerm {
    std::string id;                       // "CL:0000084"
    std::string name;                     // "T cell"
    std::vector<std::string> synonyms;
    std::vector<std::string> parent_ids;  // direct ones (is_a)
    bool obsolete = false;
    std::string replaced_by;              // id; empty: not told
    std::vector<std::string> consider;    // ids that may replace it
};

class Ontology {
public:
    /// Parents that are no terms of the table are left out (a slim names terms of other ontologies). Throws invalid_data: no term, an id twice, terms that stand under each other in a circle.
    Ontology(std::string name, std::vector<OntologyTerm> terms);

    const std::string& name() const { return name_; }
    std::span<const OntologyTerm> terms() const { return terms_; }
    const OntologyTerm& term(TermIndex at) const { return terms_[static_cast<std::size_t>(at)]; }
    std::optional<TermIndex> find(std::string_view id) const;
    /// By id, name or synonym as people write them: case, plural, "+" for "-positive", hyphens and a missing "cell" do not matter. Names win over synonyms, living terms over obsolete ones,
    /// then the lower place.
    std::optional<TermIndex> match(std::string_view text) const;

    /// The term and all above it, rising places.
    std::vector<TermIndex> ancestors(TermIndex term) const;
    /// Living terms below it, itself not counted.
    std::int64_t n_descendants(TermIndex term) const;
    /// The common ancestor (a term counts as its own) with the fewest terms below it, ties to the lower id; none where they share none or `terms` is empty.
    std::optional<TermIndex> lowest_common_ancestor(std::span<const TermIndex> terms) const;
    /// Whether a term still says something: at most an eighth of the living terms of its prefix ("CL") stand below it. Of the Cell Ontology that takes T cell and lymphocyte, not leukocyte.
    bool is_specific(TermIndex term) const;

private:
    void check_no_circle() const;

    std::string name_;
    std::vector<OntologyTerm> terms_;
    std::vector<std::vector<TermIndex>> parents_;
    std::vector<std::vector<TermIndex>> children_;
    std::map<std::string, TermIndex, std::less<>> by_id_;
    std::map<std::string, TermIndex, std::less<>> by_name_;     // plain forms
    std::map<std::string, TermIndex, std::less<>> by_synonym_;
    std::map<std::string, std::int64_t, std::less<>> n_living_;  // by prefix
};

/// The form in which names are compared: lower case, "+" as " positive", "-", "_", "," and "/" as spaces, single spaces, no plural s at the end.
std::string plain_name(std::string_view text);

/// Reads an OBO file, the JSON that CELLxGENE pins (id -> label, ancestors with distances, synonyms, deprecated, replaced_by, consider), our own table (write_ontology), or a folder that
/// `morula knowledge add` filled; told by content, plain, gzip or zstd. Throws not_found, invalid_data with the line or the term.
Ontology read_ontology(const std::filesystem::path& path, Context& context);

/// Whether a file begins as one of these does.
bool looks_like_ontology(const std::filesystem::path& path);

/// Tab-separated: id, name, parents, synonyms, obsolete, replaced_by, consider; several values are joined with "|".
void write_ontology(const Ontology& ontology, const std::filesystem::path& path);

/// "CL:0000003 (obsolete native cell) is obsolete; CL:0000000 (cell) replaces it." or what to consider.
std::string obsolete_sentence(const Ontology& ontology, TermIndex term);

}  // namespace morula::knowledge
