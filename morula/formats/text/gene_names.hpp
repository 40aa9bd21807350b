// Telling names of genes from names of cells by looking at them.
#pragma once

#include <string_view>

namespace morula::formats {

/// Ensembl, FlyBase and WormBase ids, ribosomal and mitochondrial symbols, and some genes that nearly every data set measures; any case.
bool looks_like_gene(std::string_view name);
/// Holds a run of 8 or more A, C, G, T, N: a barcode.
bool looks_like_barcode(std::string_view name);

}  // namespace morula::formats
