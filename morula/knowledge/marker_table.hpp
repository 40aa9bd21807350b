// Marker tables: cell types, their genes, and where each line comes from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"

namespace morula::knowledge {

struct MarkerGene {
    std::string symbol;
    double weight = 1.0;    // > 0
    bool negative = false;  // its presence speaks against the type
};

struct MarkerType {
    std::string name;    // "CD14+ monocyte"
    std::string parent;  // "Monocyte", also a type of the table; empty for types that stand alone and for parents
    std::string tissue;  // "blood"; empty when not told
    std::string source;  // citation
    std::vector<MarkerGene> genes;
};

struct MarkerTable {
    std::string name;    // "built-in human table", or the file's name
    std::vector<MarkerType> types;
};

/// A small table of human cell types of blood and common tissues, one citation a type; T cell and Monocyte are parents.
const MarkerTable& builtin_marker_table();

/// CSV or TSV with a header and the columns type (or cell_type, label) and gene (or symbol, marker); optional: weight (> 0; below 0 means negative), negative (true/false),
/// tissue, source, parent. One line a gene. A parent is a type with lines of its own and has no parent itself; telling it on one line of the type is enough.
/// Throws not_found, or invalid_data with file, line and column.
MarkerTable read_marker_table(const std::filesystem::path& path, Context& context);

/// Of the name and all that is in the table: tables of one hash give the same labels.
std::string hash_of(const MarkerTable& table);

}  // namespace morula::knowledge
