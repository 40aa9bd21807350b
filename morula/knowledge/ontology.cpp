#include "morula/knowledge/ontology.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/formats/text/csv_writer.hpp"

namespace morula::knowledge {
namespace {

constexpr std::int64_t kSpecificShare = 8;  // at most one in so many terms below

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view prefix_of(std::string_view id) { return id.substr(0, id.find(':')); }

/// A living term takes the place of an obsolete one.
void add_name(std::map<std::string, TermIndex, std::less<>>& names, std::string name, TermIndex at, const std::vector<OntologyTerm>& terms) {
    if (name.empty()) return;
    const auto [place, fresh] = names.emplace(std::move(name), at);
    if (!fresh && terms[static_cast<std::size_t>(place->second)].obsolete && !terms[static_cast<std::size_t>(at)].obsolete) place->second = at;
}

std::string described(const Ontology& ontology, const std::string& id) {
    const auto at = ontology.find(id);
    return at ? fmt::format("{} ({})", id, ontology.term(*at).name) : id;
}

}  // namespace

std::string plain_name(std::string_view text) {
    std::string out;
    const auto space = [&] {
        if (!out.empty() && out.back() != ' ') out += ' ';
    };
    for (const char c : text) {
        if (c == '+') {
            space();
            out += "positive";
            space();
        } else if (c == ' ' || c == '-' || c == '_' || c == ',' || c == '/' || c == '\t') {
            space();
        } else {
            out += lower(c);
        }
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    const bool plural = out.size() > 3 && out.back() == 's' && out[out.size() - 2] != 's' && out[out.size() - 2] != 'u' && out[out.size() - 2] != 'i';
    if (plural) out.pop_back();
    return out;
}

Ontology::Ontology(std::string name, std::vector<OntologyTerm> terms) : name_(std::move(name)), terms_(std::move(terms)), parents_(terms_.size()), children_(terms_.size()) {
    if (terms_.empty()) invalid_data(fmt::format("{}: holds no term.", name_), "Give an ontology as OBO, or as the JSON that CELLxGENE pins.");
    for (std::size_t i = 0; i < terms_.size(); ++i) {
        if (!by_id_.emplace(terms_[i].id, static_cast<TermIndex>(i)).second) invalid_data(fmt::format("{}: the term {} is there twice.", name_, terms_[i].id), "Get the file from its publisher again.");
    }
    for (std::size_t i = 0; i < terms_.size(); ++i) {
        const auto at = static_cast<TermIndex>(i);
        const OntologyTerm& term = terms_[i];
        for (const std::string& parent : term.parent_ids) {
            const auto found = by_id_.find(parent);
            if (found == by_id_.end()) continue;
            parents_[i].push_back(found->second);
            children_[static_cast<std::size_t>(found->second)].push_back(at);
        }
        add_name(by_name_, plain_name(term.name), at, terms_);
        for (const std::string& synonym : term.synonyms) add_name(by_synonym_, plain_name(synonym), at, terms_);
        if (!term.obsolete) ++n_living_[std::string(prefix_of(term.id))];
    }
    check_no_circle();
}

void Ontology::check_no_circle() const {
    std::vector<std::int64_t> open(terms_.size());
    std::vector<TermIndex> ready;
    for (std::size_t i = 0; i < terms_.size(); ++i) {
        open[i] = std::ssize(parents_[i]);
        if (open[i] == 0) ready.push_back(static_cast<TermIndex>(i));
    }
    for (std::size_t next = 0; next < ready.size(); ++next) {
        for (const TermIndex child : children_[static_cast<std::size_t>(ready[next])]) {
            if (--open[static_cast<std::size_t>(child)] == 0) ready.push_back(child);
        }
    }
    if (ready.size() == terms_.size()) return;
    const auto stuck = std::find_if(open.begin(), open.end(), [](std::int64_t n) { return n > 0; }) - open.begin();
    invalid_data(fmt::format("{}: the term {} stands under itself.", name_, terms_[static_cast<std::size_t>(stuck)].id), "Get the file from its publisher again.");
}

std::optional<TermIndex> Ontology::find(std::string_view id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<TermIndex> Ontology::match(std::string_view text) const {
    if (const auto at = find(text)) return at;
    const std::string plain = plain_name(text);
    if (plain.empty()) return std::nullopt;
    std::optional<TermIndex> obsolete;
    for (const std::string& form : {plain, plain + " cell"}) {
        for (const auto* names : {&by_name_, &by_synonym_}) {
            const auto found = names->find(form);
            if (found == names->end()) continue;
            if (!term(found->second).obsolete) return found->second;
            if (!obsolete) obsolete = found->second;
        }
    }
    return obsolete;
}

std::vector<TermIndex> Ontology::ancestors(TermIndex term) const {
    std::vector<TermIndex> found{term};
    std::vector<std::uint8_t> seen(terms_.size(), 0);
    seen[static_cast<std::size_t>(term)] = 1;
    for (std::size_t next = 0; next < found.size(); ++next) {
        for (const TermIndex parent : parents_[static_cast<std::size_t>(found[next])]) {
            if (std::exchange(seen[static_cast<std::size_t>(parent)], std::uint8_t{1}) == 0) found.push_back(parent);
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::int64_t Ontology::n_descendants(TermIndex term) const {
    std::vector<TermIndex> found{term};
    std::vector<std::uint8_t> seen(terms_.size(), 0);
    seen[static_cast<std::size_t>(term)] = 1;
    std::int64_t n = 0;
    for (std::size_t next = 0; next < found.size(); ++next) {
        for (const TermIndex child : children_[static_cast<std::size_t>(found[next])]) {
            if (std::exchange(seen[static_cast<std::size_t>(child)], std::uint8_t{1}) != 0) continue;
            found.push_back(child);
            if (!terms_[static_cast<std::size_t>(child)].obsolete) ++n;
        }
    }
    return n;
}

std::optional<TermIndex> Ontology::lowest_common_ancestor(std::span<const TermIndex> terms) const {
    if (terms.empty()) return std::nullopt;
    std::vector<TermIndex> common = ancestors(terms[0]);
    for (std::size_t i = 1; i < terms.size(); ++i) {
        const std::vector<TermIndex> other = ancestors(terms[i]);
        std::vector<TermIndex> both;
        std::set_intersection(common.begin(), common.end(), other.begin(), other.end(), std::back_inserter(both));
        common = std::move(both);
    }
    std::optional<TermIndex> best;
    std::int64_t fewest = 0;
    for (const TermIndex candidate : common) {
        const std::int64_t n = n_descendants(candidate);
        if (best && (n > fewest || (n == fewest && term(candidate).id > term(*best).id))) continue;
        best = candidate;
        fewest = n;
    }
    return best;
}

bool Ontology::is_specific(TermIndex at) const {
    const auto living = n_living_.find(prefix_of(term(at).id));
    return living != n_living_.end() && n_descendants(at) * kSpecificShare <= living->second;
}

std::string obsolete_sentence(const Ontology& ontology, TermIndex at) {
    const OntologyTerm& term = ontology.term(at);
    if (!term.replaced_by.empty()) return fmt::format("{} ({}) is obsolete; {} replaces it.", term.id, term.name, described(ontology, term.replaced_by));
    if (term.consider.empty()) return fmt::format("{} ({}) is obsolete, and the ontology names no replacement.", term.id, term.name);
    std::vector<std::string> names;
    for (const std::string& id : term.consider) names.push_back(described(ontology, id));
    return fmt::format("{} ({}) is obsolete; consider {}.", term.id, term.name, fmt::join(names, " or "));
}

}  // namespace morula::knowledge
