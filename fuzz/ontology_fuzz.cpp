// Ontologies as OBO, JSON or our own table: terms with ids that stand under each other without circles, or an Error with a place.
#include <cstddef>
#include <cstdint>

#include "fuzz/expect.hpp"
#include "fuzz/memory_file.hpp"
#include "morula/core/context.hpp"
#include "morula/knowledge/ontology.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static morula::Context context({.threads = 1, .memory_bytes = 200'000'000});
    const morula::fuzz::MemoryFile file(data, size);
    morula::fuzz::expect_value_or_error([&] {
        const auto ontology = morula::knowledge::read_ontology(file.path(), context);
        if (ontology.terms().empty()) __builtin_trap();
        const auto last = static_cast<morula::knowledge::TermIndex>(ontology.terms().size() - 1);
        for (const morula::knowledge::TermIndex at : {0, last}) {
            if (ontology.term(at).id.empty() || ontology.find(ontology.term(at).id) != at) __builtin_trap();
            if (ontology.ancestors(at).empty() || ontology.n_descendants(at) < 0) __builtin_trap();
            (void)ontology.match(ontology.term(at).name);
            (void)ontology.is_specific(at);
            (void)obsolete_sentence(ontology, at);
        }
        (void)ontology.lowest_common_ancestor(std::vector<morula::knowledge::TermIndex>{0, last});
    });
    return 0;
}
