// What the parts of `morula communicate` share: its options, the pairs that can be looked at, and what came of them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "morula/analysis/communication.hpp"
#include "morula/commands/condition_contrast.hpp"
#include "morula/commands/gene_names.hpp"
#include "morula/commands/log_cells.hpp"
#include "morula/commands/verb_record.hpp"
#include "morula/core/describe.hpp"
#include "morula/formats/text/text_matrix.hpp"
#include "morula/knowledge/ligand_receptor.hpp"

namespace morula::commands {

struct CommunicateIo {
    std::string input;
    std::string by;
    std::string interactions;
    std::vector<std::string> parts;
    std::string gene_table;
    std::string out;
    std::string layer;
    formats::TextOrientation orientation = formats::TextOrientation::automatic;
};
constexpr auto describe(const CommunicateIo*) {
    using O = CommunicateIo;
    return std::tuple{
        field("input", &O::input, "An h5ad file, a 10x folder or h5 file, a text matrix, or an atlas, with raw counts and labelled cells.", {.positional = true, .required = true}),
        field("by", &O::by, "obs column with the cell types.", {.required = true}),
        field("interactions", &O::interactions, "Table of ligand-receptor pairs (CSV, TSV): CellPhoneDB's, CellChatDB's, or columns ligand and receptor.", {.required = true}),
        field("parts", &O::parts, "Tables that say what complexes, cofactors and proteins are made of (CellPhoneDB's complex_input.csv and gene_input.csv, CellChatDB's complex and cofactor tables); may be repeated."),
        field("gene_table", &O::gene_table, kGeneTableHelp),
        field("out", &O::out, "Folder for interactions.csv, contrast.csv and run.json.", {.required = true}),
        field("layer", &O::layer, "Matrix with raw counts (X, raw.X or a layer); found by looking when not given."),
        field("orientation", &O::orientation, "Of a text matrix: whether its rows are genes or cells; auto: by looking at the names.", {.choices = "auto|genes-in-rows|cells-in-rows"}),
    };
}

/// What no number here may be said without.
inline constexpr std::string_view kCommunicationCaveat =
    "These are co-expressed known pairs, not measured signals: p asks whether a pair is specific to its two cell types among shuffled labels, not whether a protein is made, reaches the other cell or is heard.";

/// The pairs of a table whose genes were all measured.
struct MeasuredPairs {
    std::vector<knowledge::LigandReceptor> pairs;
    std::vector<analysis::PairGenes> genes;     // positions in `columns`
    std::vector<std::int64_t> columns;          // of the data set, increasing
    std::int64_t n_in_table = 0;
};

struct Communication {
    MeasuredPairs pairs;
    std::vector<std::string> types;
    analysis::CommunicationResult result;
    std::optional<ConditionContrast> contrast;
    std::vector<analysis::CommunicationContrast> compared;
};

/// A table of pairs as the user named it, complexes taken apart.
struct PairTable {
    std::string file;
    knowledge::LigandReceptorTable pairs;
    knowledge::GeneTable genes{};  // other names of genes; may know none
};
/// Says what is left out, and why.
PairTable read_pairs(const std::string& interactions, const std::vector<std::string>& parts, Context& context);

/// Pairs in the cells' types (obs column `by`), and their contrast where one is asked for. Throws invalid_data where of no pair all genes were measured, and what the contrast throws.
Communication communication_in(const LogCells& cells, PairTable table, const std::string& by, const ContrastIo& contrast, const analysis::CommunicationOptions& options, Context& context);

void write_interactions(const std::filesystem::path& folder, const Communication& found);
void write_communication_contrast(const std::filesystem::path& folder, const Communication& found);
std::string communicate_text(const CommunicateIo& io, const Communication& found);
std::string communicate_json(const CommunicateIo& io, const Communication& found, const VerbRecord& record);

}  // namespace morula::commands
