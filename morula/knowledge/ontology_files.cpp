// Reading and writing ontologies: OBO, the JSON that CELLxGENE pins, our own table.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/formats/text/text_stream.hpp"
#include "morula/knowledge/ontology.hpp"

namespace morula::knowledge {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::int64_t kMostBytes = std::int64_t{1} << 29;
constexpr std::string_view kTableHeader = "id\tname\tparents\tsynonyms\tobsolete\treplaced_by\tconsider";
constexpr std::string_view kKnown = "Morula reads ontologies as OBO, as the JSON that CELLxGENE pins, and as its own table.";

// ---- JSON ----

[[noreturn]] void wrong_entry(const fs::path& path, const std::string& id, std::string_view what) {
    invalid_data(fmt::format("{}: the term {}: {}", path.string(), id, what), "Get the file from its publisher again.");
}

std::string text_of(const fs::path& path, const std::string& id, const Json& entry, const char* key) {
    const auto found = entry.find(key);
    if (found == entry.end() || found->is_null()) return "";
    if (!found->is_string()) wrong_entry(path, id, fmt::format("'{}' is no text.", key));
    return found->get<std::string>();
}

std::vector<std::string> texts_of(const fs::path& path, const std::string& id, const Json& entry, const char* key) {
    std::vector<std::string> out;
    const auto found = entry.find(key);
    if (found == entry.end() || found->is_null()) return out;
    if (!found->is_array()) wrong_entry(path, id, fmt::format("'{}' is no list.", key));
    for (const Json& each : *found) {
        if (!each.is_string()) wrong_entry(path, id, fmt::format("'{}' holds something that is no text.", key));
        out.push_back(each.get<std::string>());
    }
    return out;
}

/// Ancestors at distance 1.
std::vector<std::string> parents_of(const fs::path& path, const std::string& id, const Json& entry) {
    std::vector<std::string> out;
    const auto found = entry.find("ancestors");
    if (found == entry.end()) return out;
    if (!found->is_object()) wrong_entry(path, id, "'ancestors' is no table of distances.");
    for (const auto& [ancestor, distance] : found->items()) {
        if (!distance.is_number_integer()) wrong_entry(path, id, fmt::format("the distance of its ancestor {} is no number.", ancestor));
        if (distance.get<std::int64_t>() == 1) out.push_back(ancestor);
    }
    return out;
}

std::vector<OntologyTerm> terms_of_json(const fs::path& path, const std::string& text) {
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) invalid_data(fmt::format("{}: is no JSON table of terms.", path.string()), std::string(kKnown));
    std::vector<OntologyTerm> terms;
    for (const auto& [id, entry] : json.items()) {
        if (!entry.is_object() || !entry.contains("label")) wrong_entry(path, id, "has no 'label'.");
        OntologyTerm term;
        term.id = id;
        term.name = text_of(path, id, entry, "label");
        term.synonyms = texts_of(path, id, entry, "synonyms");
        term.parent_ids = parents_of(path, id, entry);
        term.obsolete = entry.contains("deprecated") && entry["deprecated"].is_boolean() && entry["deprecated"].get<bool>();
        term.replaced_by = text_of(path, id, entry, "replaced_by");
        term.consider = texts_of(path, id, entry, "consider");
        terms.push_back(std::move(term));
    }
    return terms;
}

// ---- OBO ----

/// The first word of a value: "CL:0000542 {is_inferred="true"} ! lymphocyte" -> "CL:0000542".
std::string first_word(std::string_view value) { return std::string(value.substr(0, value.find_first_of(" \t"))); }

/// The text between the first quotes, with \" and \\ taken as written; nothing when they do not close.
std::optional<std::string> quoted(std::string_view value) {
    if (value.empty() || value.front() != '"') return std::nullopt;
    std::string out;
    for (std::size_t i = 1; i < value.size(); ++i) {
        if (value[i] == '"') return out;
        if (value[i] == '\\' && i + 1 < value.size()) ++i;
        out += value[i];
    }
    return std::nullopt;
}

class OboReader {
public:
    explicit OboReader(const fs::path& path) : lines_(path) {}

    std::vector<OntologyTerm> read() {
        std::string_view line;
        while (lines_.next(line)) {
            while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
            if (line.empty() || line.front() == '!') continue;
            if (line.front() == '[') start_stanza(line);
            else if (in_term_) take_tag(line);
        }
        finish_term();
        return std::move(terms_);
    }

private:
    void start_stanza(std::string_view line) {
        finish_term();
        in_term_ = line == "[Term]";
        started_at_ = lines_.line_number();
        term_ = {};
    }
    void finish_term() {
        if (!in_term_) return;
        if (term_.id.empty()) {
            invalid_data(fmt::format("{}, line {}: the term has no id.", lines_.path().string(), started_at_), "Get the file from its publisher again.");
        }
        if (term_.name.empty()) term_.name = term_.id;
        terms_.push_back(std::move(term_));
        in_term_ = false;
    }
    void take_tag(std::string_view line) {
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) {
            invalid_data(fmt::format("{}, line {}: is no 'tag: value'.", lines_.path().string(), lines_.line_number()), "Get the file from its publisher again.");
        }
        const std::string_view tag = line.substr(0, colon);
        std::string_view value = line.substr(colon + 1);
        while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
        if (tag == "id") term_.id = first_word(value);
        else if (tag == "name") term_.name = std::string(value);
        else if (tag == "is_a") term_.parent_ids.push_back(first_word(value));
        else if (tag == "is_obsolete") term_.obsolete = first_word(value) == "true";
        else if (tag == "replaced_by" && term_.replaced_by.empty()) term_.replaced_by = first_word(value);
        else if (tag == "consider") term_.consider.push_back(first_word(value));
        else if (tag == "synonym") take_synonym(value);
    }
    /// Broader and narrower names are other things; exact and related ones are kept.
    void take_synonym(std::string_view value) {
        const auto text = quoted(value);
        if (!text) invalid_data(fmt::format("{}, line {}: the synonym's quotes do not close.", lines_.path().string(), lines_.line_number()), "Get the file from its publisher again.");
        const std::string_view rest = value.substr(std::min(value.size(), text->size() + 2));
        if (rest.find(" BROAD") != std::string_view::npos || rest.find(" NARROW") != std::string_view::npos) return;
        term_.synonyms.push_back(*text);
    }

    formats::LineReader lines_;
    std::vector<OntologyTerm> terms_;
    OntologyTerm term_;
    bool in_term_ = false;
    std::int64_t started_at_ = 0;
};

// ---- our own table ----

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(at), text.size());
        if (end > 0) out.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(text.size(), end + 1));
    }
    return out;
}

std::vector<OntologyTerm> terms_of_table(const fs::path& path, Context& context) {
    const formats::RawTable table = formats::read_rows(path, {.delimiter = formats::Delimiter::tab}, context);
    const std::vector<std::string> names = split(kTableHeader, '\t');
    std::vector<std::size_t> column;
    for (const std::string& name : names) column.push_back(table.column(name));
    std::vector<OntologyTerm> terms;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        const auto& fields = table.rows[row];
        if (fields[column[0]].empty()) invalid_data(fmt::format("{}: is empty.", table.place(row, column[0])), "Run `morula knowledge add` on the publisher's file again.");
        terms.push_back({fields[column[0]], fields[column[1]], split(fields[column[3]], '|'), split(fields[column[2]], '|'), fields[column[4]] == "yes", fields[column[5]], split(fields[column[6]], '|')});
    }
    return terms;
}

std::string joined(const std::vector<std::string>& texts) {
    std::string out;
    for (const std::string& text : texts) {
        std::string clean = text;
        std::replace(clean.begin(), clean.end(), '|', ' ');
        out += (out.empty() ? "" : "|") + clean;
    }
    return out;
}

/// A field of a tab-separated table; quotes where it needs them (RFC 4180).
std::string field_text(std::string text) {
    std::replace(text.begin(), text.end(), '\t', ' ');
    if (text.find_first_of("\"\n\r") == std::string::npos) return text;
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

/// The first character that is no white space, and the first line.
std::pair<char, std::string> look(const fs::path& path) {
    formats::LineReader lines(path);
    std::string_view line;
    while (lines.next(line)) {
        const std::size_t first = line.find_first_not_of(" \t");
        if (first != std::string_view::npos) return {line[first], std::string(line.substr(0, 200))};
    }
    invalid_data(fmt::format("{}: is empty.", path.string()), std::string(kKnown));
}

std::string whole_text(const fs::path& path) {
    formats::TextStream stream(path);
    std::string text;
    constexpr std::size_t kPiece = std::size_t{1} << 20;
    for (;;) {
        const std::size_t before = text.size();
        text.resize(before + kPiece);
        const std::size_t n = stream.read(std::span<char>(text).subspan(before));
        text.resize(before + n);
        if (n == 0) return text;
        if (std::ssize(text) > kMostBytes) fail(ErrorCode::resource_limit, fmt::format("{}: is larger than {}.", path.string(), format_bytes(kMostBytes)), "Check that this is an ontology.");
    }
}

}  // namespace

Ontology read_ontology(const fs::path& path, Context& context) {
    if (fs::is_directory(path)) {
        const fs::path inside = path / "cell-ontology.tsv";
        if (!fs::exists(inside)) fail(ErrorCode::not_found, fmt::format("{}: holds no cell-ontology.tsv.", path.string()), fmt::format("Run `morula knowledge add FILE --kind cell-ontology --to {}` first.", path.string()));
        return read_ontology(inside, context);
    }
    const std::string name = path.filename().string();
    const auto [first, line] = look(path);
    if (first == '{') return {name, terms_of_json(path, whole_text(path))};
    if (line.starts_with(kTableHeader)) return {name, terms_of_table(path, context)};
    if (line.find(':') != std::string::npos || first == '[' || first == '!') return {name, OboReader(path).read()};
    invalid_data(fmt::format("{}: begins with '{}' and is no ontology.", path.string(), line.substr(0, 40)), std::string(kKnown));
}

bool looks_like_ontology(const fs::path& path) {
    const auto [first, line] = look(path);
    const std::size_t word = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz-");  // "format-version: 1.2"
    return first == '{' || first == '[' || first == '!' || line.starts_with(kTableHeader) || (word != std::string::npos && word > 0 && line[word] == ':');
}

void write_ontology(const Ontology& ontology, const fs::path& path) {
    std::string text(kTableHeader);
    text += '\n';
    for (const OntologyTerm& term : ontology.terms()) {
        const std::vector<std::string> fields{term.id, term.name, joined(term.parent_ids), joined(term.synonyms), term.obsolete ? "yes" : "no", term.replaced_by, joined(term.consider)};
        for (std::size_t i = 0; i < fields.size(); ++i) text += (i == 0 ? "" : "\t") + field_text(fields[i]);
        text += '\n';
    }
    write_text_file(path, text);
}

}  // namespace morula::knowledge
