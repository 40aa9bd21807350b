#include "morula/knowledge/ontology.hpp"

#include <gtest/gtest.h>

#include "morula/core/file.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/real_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::knowledge {
namespace {

constexpr const char* kObo = R"(format-version: 1.2
ontology: small

[Term]
id: CL:0000000
name: cell

[Term]
id: CL:0000542
name: lymphocyte
is_a: CL:0000000 ! cell

[Term]
id: CL:0000084
name: T cell
synonym: "T lymphocyte" EXACT []
synonym: "immune cell" BROAD [made:up]
is_a: CL:0000542 {source="made up"} ! lymphocyte
is_a: UBERON:0000061 ! of another ontology

[Term]
id: CL:0000625
name: CD8-positive, alpha-beta T cell
synonym: "a \"quoted\" name" RELATED []
is_a: CL:0000084

[Term]
id: CL:0000624
name: CD4-positive, alpha-beta T cell
is_a: CL:0000084

[Term]
id: CL:0000236
name: B cell
is_a: CL:0000542

[Term]
id: CL:0000003
name: obsolete native cell
is_obsolete: true
replaced_by: CL:0000000

[Term]
id: CL:0000004
name: obsolete cell by organism
is_obsolete: true
consider: CL:0000000
consider: CL:0000542

[Typedef]
id: part_of
name: part of
)";

class OntologyFiles : public testing::Test {
protected:
    std::filesystem::path write(const std::string& name, const std::string& text) const {
        write_text_file(folder_ / name, text);
        return folder_ / name;
    }
    Ontology read(const std::string& name, const std::string& text) const { return read_ontology(write(name, text), *context_); }
    std::string id_of(const Ontology& ontology, std::string_view text) const {
        const auto at = ontology.match(text);
        return at ? ontology.term(*at).id : "";
    }
    test::TemporaryFolder folder_;
    std::unique_ptr<Context> context_ = test::make_context(1);
};

TEST_F(OntologyFiles, obo_terms_have_names_parents_synonyms_and_replacements) {
    const Ontology ontology = read("small.obo", kObo);
    ASSERT_EQ(ontology.terms().size(), 8U);
    const OntologyTerm& t_cell = ontology.term(*ontology.find("CL:0000084"));
    EXPECT_EQ(t_cell.name, "T cell");
    EXPECT_EQ(t_cell.synonyms, (std::vector<std::string>{"T lymphocyte"}));  // a broader name is another thing
    EXPECT_EQ(ontology.term(*ontology.find("CL:0000625")).synonyms.front(), "a \"quoted\" name");
    EXPECT_EQ(ontology.ancestors(*ontology.find("CL:0000625")).size(), 4U);
    EXPECT_EQ(ontology.n_descendants(*ontology.find("CL:0000542")), 4);
    EXPECT_EQ(obsolete_sentence(ontology, *ontology.find("CL:0000003")), "CL:0000003 (obsolete native cell) is obsolete; CL:0000000 (cell) replaces it.");
    EXPECT_EQ(obsolete_sentence(ontology, *ontology.find("CL:0000004")), "CL:0000004 (obsolete cell by organism) is obsolete; consider CL:0000000 (cell) or CL:0000542 (lymphocyte).");
}

TEST_F(OntologyFiles, names_match_as_people_write_them) {
    const Ontology ontology = read("small.obo", kObo);
    EXPECT_EQ(id_of(ontology, "T cell"), "CL:0000084");
    EXPECT_EQ(id_of(ontology, "T cells"), "CL:0000084");
    EXPECT_EQ(id_of(ontology, "t-lymphocytes"), "CL:0000084");
    EXPECT_EQ(id_of(ontology, "B"), "CL:0000236");
    EXPECT_EQ(id_of(ontology, "CD8+, alpha-beta T cells"), "CL:0000625");
    EXPECT_EQ(id_of(ontology, "CL:0000236"), "CL:0000236");
    EXPECT_EQ(id_of(ontology, "immune cell"), "");
    EXPECT_EQ(id_of(ontology, "neuron"), "");
    EXPECT_EQ(id_of(ontology, ""), "");
}

TEST_F(OntologyFiles, lowest_common_ancestor_has_the_fewest_terms_below_it) {
    const Ontology ontology = read("small.obo", kObo);
    const auto lowest = [&](const std::vector<std::string>& ids) {
        std::vector<TermIndex> terms;
        for (const std::string& id : ids) terms.push_back(*ontology.find(id));
        const auto at = ontology.lowest_common_ancestor(terms);
        return at ? ontology.term(*at).id : "";
    };
    EXPECT_EQ(lowest({"CL:0000625", "CL:0000624"}), "CL:0000084");
    EXPECT_EQ(lowest({"CL:0000625", "CL:0000236"}), "CL:0000542");
    EXPECT_EQ(lowest({"CL:0000625", "CL:0000084"}), "CL:0000084");  // a term is its own ancestor
    EXPECT_EQ(lowest({"CL:0000625"}), "CL:0000625");
    EXPECT_EQ(lowest({"CL:0000625", "CL:0000003"}), "");
    EXPECT_EQ(lowest({}), "");
}

TEST_F(OntologyFiles, json_of_cellxgene_gives_the_same_terms) {
    const Ontology ontology = read("cl.json", R"({"CL:0000000":{"ancestors":{},"label":"cell","deprecated":false},
        "CL:0000542":{"ancestors":{"CL:0000000":1},"label":"lymphocyte","deprecated":false},
        "CL:0000084":{"ancestors":{"CL:0000542":1,"CL:0000000":2},"label":"T cell","synonyms":["T lymphocyte"],"deprecated":false},
        "CL:0000003":{"ancestors":{},"label":"obsolete native cell","deprecated":true,"replaced_by":"CL:0000000"}})");
    EXPECT_EQ(ontology.terms().size(), 4U);
    EXPECT_EQ(id_of(ontology, "T lymphocytes"), "CL:0000084");
    EXPECT_EQ(ontology.term(*ontology.find("CL:0000084")).parent_ids, (std::vector<std::string>{"CL:0000542"}));
    EXPECT_TRUE(ontology.term(*ontology.find("CL:0000003")).obsolete);
}

TEST_F(OntologyFiles, our_own_table_reads_back_the_same) {
    const Ontology first = read("small.obo", kObo);
    write_ontology(first, folder_ / "cell-ontology.tsv");
    const Ontology again = read_ontology(folder_.path(), *context_);
    ASSERT_EQ(again.terms().size(), first.terms().size());
    for (std::size_t i = 0; i < first.terms().size(); ++i) {
        const OntologyTerm& a = first.terms()[i];
        const OntologyTerm& b = again.terms()[i];
        EXPECT_EQ(std::tie(a.id, a.name, a.synonyms, a.parent_ids, a.obsolete, a.replaced_by, a.consider), std::tie(b.id, b.name, b.synonyms, b.parent_ids, b.obsolete, b.replaced_by, b.consider)) << a.id;
    }
}

TEST_F(OntologyFiles, damage_is_named_with_its_place) {
    const auto says = [&](const std::string& text, std::string_view part) {
        const Error error = test::thrown_by([&] { read("bad", text); });
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_TRUE(test::contains(error.message(), part)) << error.message();
    };
    says("[Term]\nname: nameless\n", "line 1: the term has no id");
    says("[Term]\nid: CL:1\nsynonym: \"open\n", "line 3");
    says("[Term]\nid: CL:1\nis_a: CL:2\n[Term]\nid: CL:2\nis_a: CL:1\n", "stands under itself");
    says("[Term]\nid: CL:1\n[Term]\nid: CL:1\n", "twice");
    says("format-version: 1.2\n", "holds no term");
    says(R"({"CL:1":{"ancestors":3,"label":"x"}})", "CL:1");
    says(R"({"CL:1":{}})", "has no 'label'");
    says("{", "no JSON");
    says("gene,cell\n", "is no ontology");
    says("", "is empty");
    EXPECT_EQ(test::error_code([&] { read_ontology(folder_.path(), *context_); }), ErrorCode::not_found);
}

TEST(ontology, of_cellxgene_stops_between_immune_cells_where_a_biologist_would) {
    MORULA_REAL_DATA(path, "ontologies/CL-ontology-v2026-03-26.json.zst");
    const auto context = test::make_context(1);
    const Ontology ontology = read_ontology(path, *context);
    EXPECT_EQ(ontology.terms().size(), 3596U);
    const auto parent = [&](const std::vector<std::string>& labels) {
        std::vector<TermIndex> terms;
        for (const std::string& label : labels) {
            const auto at = ontology.match(label);
            EXPECT_TRUE(at.has_value()) << label;
            if (at) terms.push_back(*at);
        }
        const auto at = ontology.lowest_common_ancestor(terms);
        return at ? ontology.term(*at).name + (ontology.is_specific(*at) ? "" : " (too broad)") : "";
    };
    EXPECT_EQ(parent({"CD4-positive, alpha-beta T cell", "CD8-positive, alpha-beta T cell"}), "mature alpha-beta T cell");
    EXPECT_EQ(parent({"B cells", "NK cell"}), "lymphocyte");
    EXPECT_EQ(parent({"classical monocytes", "non-classical monocyte"}), "monocyte");
    EXPECT_EQ(parent({"B cell", "platelet"}).find("(too broad)") != std::string::npos, true) << parent({"B cell", "platelet"});
}

TEST(ontology, of_the_obo_slim_is_read) {
    MORULA_REAL_DATA(path, "ontologies/general_cell_types_upper_slim.obo");
    const auto context = test::make_context(1);
    const Ontology ontology = read_ontology(path, *context);
    EXPECT_EQ(ontology.terms().size(), 713U);
    const auto neuron = ontology.match("Neurons");
    ASSERT_TRUE(neuron.has_value());
    EXPECT_EQ(ontology.term(*neuron).id, "CL:0000540");
}

}  // namespace
}  // namespace morula::knowledge
