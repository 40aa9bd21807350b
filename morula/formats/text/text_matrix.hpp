// Counts as a table of text (CSV, TSV, gzip or not) with names on both sides, as GEO's supplements hold them.
#pragma once

#include <filesystem>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"

namespace morula::formats {

enum class TextOrientation { automatic, genes_in_rows, cells_in_rows };

/// Whether a file's name ends as a text matrix's does: .csv, .tsv, .txt or .tab, perhaps .gz.
bool is_text_matrix(const std::filesystem::path& path);

/// layers["X"] holds the numbers in memory as cells x genes, zeros dropped. obs index: cell names; var index: gene names.
/// automatic: names on either side are looked at (Ensembl ids, ribosomal, mitochondrial and housekeeping symbols, barcodes); where they say nothing, genes are rows.
/// It says aloud which it took and why. A table of annotation beside the file (cells.count.csv: cells.metadata.csv, cells_metadata.tsv, ...; metadata, meta,
/// annotation, obs) becomes obs when it names every cell.
/// Repeated gene names are kept apart by "-1", "-2" and reported. Numbers may be quoted, R's header without a corner is known.
/// Throws invalid_data with line and column: rows of unequal length, a field that is no finite number, a cell name that stands there twice, a table without numbers.
/// Memory: 8 bytes a non-zero, 20 where genes are rows.
data::Dataset read_text_matrix(const std::filesystem::path& path, TextOrientation orientation, Context& context);

}  // namespace morula::formats
