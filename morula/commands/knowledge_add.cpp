// The verb `knowledge add`: a publisher's file as a small table of our own, with where it comes from.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <tuple>

#include "morula/commands/comparison_commands.hpp"
#include "morula/commands/verb_record.hpp"
#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/hash.hpp"
#include "morula/core/version.hpp"
#include "morula/knowledge/ontology.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

enum class KnowledgeKind { cell_ontology };

struct KnowledgeAddOptions {
    std::string file;
    KnowledgeKind kind = KnowledgeKind::cell_ontology;
    std::string to;
    std::string licence;
};
constexpr auto describe(const KnowledgeAddOptions*) {
    return std::tuple{
        field("file", &KnowledgeAddOptions::file, "The publisher's file: OBO, or the JSON that CELLxGENE pins; plain, gzip or zstd.", {.positional = true, .required = true}),
        field("kind", &KnowledgeAddOptions::kind, "What it holds.", {.choices = "cell-ontology"}),
        field("to", &KnowledgeAddOptions::to, "Folder of knowledge tables to write to.", {.required = true}),
        field("licence", &KnowledgeAddOptions::licence, "Licence of the file, for the record beside the table."),
    };
}

CommandResult knowledge_add(const KnowledgeAddOptions& options, Context& context) {
    const knowledge::Ontology ontology = knowledge::read_ontology(options.file, context);
    const auto n_terms = std::ssize(ontology.terms());
    const auto n_obsolete = std::count_if(ontology.terms().begin(), ontology.terms().end(), [](const knowledge::OntologyTerm& term) { return term.obsolete; });
    const fs::path folder = options.to;
    make_output_folder(folder);
    const fs::path table = folder / "cell-ontology.tsv";
    knowledge::write_ontology(ontology, table);
    const nlohmann::ordered_json json = {{"kind", "cell-ontology"}, {"table", table.string()}, {"source", ontology.name()}, {"source_xxh3_128", hash_of_file(options.file)}, {"licence", options.licence},
                                         {"n_terms", n_terms}, {"n_obsolete", n_obsolete}, {"written_by", fmt::format("morula {}", kVersion)}};
    write_text_file(folder / "cell-ontology.json", json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    return {fmt::format("{}: {} terms, {} of them obsolete, from {}.\nUse it with `morula annotate ... --ontology {}`.", table.string(), n_terms, n_obsolete, ontology.name(), folder.string()), json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)};
}

}  // namespace

Command knowledge_add_command() {
    return make_command<KnowledgeAddOptions>({.name = "knowledge add",
                                              .summary = "Import a cell ontology from its publisher's file.",
                                              .examples = {{"The Cell Ontology", "morula knowledge add cl.obo --kind cell-ontology --to knowledge"}}},
                                             knowledge_add);
}

}  // namespace morula::commands
