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
#include "morula/knowledge/gene_table.hpp"
#include "morula/knowledge/ontology.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

enum class KnowledgeKind { automatic, cell_ontology, genes };

struct KnowledgeAddOptions {
    std::string file;
    KnowledgeKind kind = KnowledgeKind::automatic;
    std::string to;
    std::string licence;
};
constexpr auto describe(const KnowledgeAddOptions*) {
    return std::tuple{
        field("file", &KnowledgeAddOptions::file, "The publisher's file, plain, gzip or zstd. Cell ontology: OBO, or the JSON that CELLxGENE pins. Genes: HGNC's complete set, a BioMart table, a GTF, or two columns of ids and symbols.",
              {.positional = true, .required = true}),
        field("kind", &KnowledgeAddOptions::kind, "What it holds; auto: found by looking.", {.choices = "auto|cell-ontology|genes"}),
        field("to", &KnowledgeAddOptions::to, "Folder of knowledge tables to write to.", {.required = true}),
        field("licence", &KnowledgeAddOptions::licence, "Licence of the file, for the record beside the table."),
    };
}

using Json = nlohmann::ordered_json;

std::string dumped(const Json& json, int indent) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

/// What the record beside a table says of where it comes from; `counts` are added.
Json record_of(const KnowledgeAddOptions& options, std::string_view kind, const fs::path& table, const std::string& source, const Json& counts) {
    Json json = {{"kind", kind}, {"table", table.string()}, {"source", source}, {"source_xxh3_128", hash_of_file(options.file)}, {"licence", options.licence}};
    json.update(counts);
    json["written_by"] = fmt::format("morula {}", kVersion);
    return json;
}

CommandResult add_ontology(const KnowledgeAddOptions& options, Context& context) {
    const knowledge::Ontology ontology = knowledge::read_ontology(options.file, context);
    const auto n_terms = std::ssize(ontology.terms());
    const auto n_obsolete = std::count_if(ontology.terms().begin(), ontology.terms().end(), [](const knowledge::OntologyTerm& term) { return term.obsolete; });
    const fs::path folder = options.to;
    make_output_folder(folder);
    const fs::path table = folder / "cell-ontology.tsv";
    knowledge::write_ontology(ontology, table);
    const Json json = record_of(options, "cell-ontology", table, ontology.name(), {{"n_terms", n_terms}, {"n_obsolete", n_obsolete}});
    write_text_file(folder / "cell-ontology.json", dumped(json, 1) + "\n");
    return {fmt::format("{}: {} terms, {} of them obsolete, from {}.\nUse it with `morula annotate ... --ontology {}`.", table.string(), n_terms, n_obsolete, ontology.name(), folder.string()), dumped(json, -1)};
}

CommandResult add_genes(const KnowledgeAddOptions& options, Context& context) {
    const knowledge::GeneTable genes = knowledge::read_gene_table(options.file, context);
    std::int64_t n_ids = 0, n_previous = 0, n_aliases = 0;
    for (const knowledge::GeneNames& gene : genes.genes()) {
        n_ids += std::ssize(gene.ids) + std::ssize(gene.other_ids);
        n_previous += std::ssize(gene.previous);
        n_aliases += std::ssize(gene.aliases);
    }
    const fs::path folder = options.to;
    make_output_folder(folder);
    const fs::path table = folder / "genes.tsv";
    knowledge::write_gene_table(genes, table);
    const Json json = record_of(options, "genes", table, genes.name(), {{"n_genes", genes.genes().size()}, {"n_ids", n_ids}, {"n_previous", n_previous}, {"n_aliases", n_aliases}, {"n_ambiguous", genes.n_ambiguous()}});
    write_text_file(folder / "genes.json", dumped(json, 1) + "\n");
    return {fmt::format("{}: {} genes with {} ids, {} previous symbols and {} aliases, from {}; {} of those names stand for several genes and are not used.\nUse it with --gene-table {} where ids meet symbols (annotate, integrate, programmes, communicate, cnv, ambient).",
                        table.string(), genes.genes().size(), n_ids, n_previous, n_aliases, genes.name(), genes.n_ambiguous(), folder.string()),
            dumped(json, -1)};
}

CommandResult knowledge_add(const KnowledgeAddOptions& options, Context& context) {
    const bool is_ontology = options.kind == KnowledgeKind::cell_ontology || (options.kind == KnowledgeKind::automatic && knowledge::looks_like_ontology(options.file));
    return is_ontology ? add_ontology(options, context) : add_genes(options, context);
}

}  // namespace

Command knowledge_add_command() {
    return make_command<KnowledgeAddOptions>({.name = "knowledge add",
                                              .summary = "Import a cell ontology or a table of genes from its publisher's file.",
                                              .examples = {{"The Cell Ontology", "morula knowledge add cl.obo --kind cell-ontology --to knowledge"},
                                                           {"HGNC's genes with their previous symbols and aliases", "morula knowledge add hgnc_complete_set.txt --kind genes --to knowledge"}}},
                                             knowledge_add);
}

}  // namespace morula::commands
