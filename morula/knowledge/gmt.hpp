// Gene sets as GMT files hold them: one set a line, with its name, a description and its genes between tabs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "morula/core/context.hpp"

namespace morula::knowledge {

struct GmtSet {
    std::string name;
    std::string description;         // as it stands there: often an address
    std::vector<std::string> genes;  // distinct, in order of the file
    std::int64_t line = 0;           // from 1
};

/// The format of MSigDB (Liberzon et al. 2015): NAME, description, genes, between tabs; plain, gzip or zstd. Enrichr's form "GENE,1.0" is taken as the gene, empty
/// fields are passed over. Throws invalid_data with the line: fewer than three fields, no gene, no name, a name that stands there twice, text that is not UTF-8; a
/// file without sets.
std::vector<GmtSet> read_gmt(const std::filesystem::path& path, Context& context);

}  // namespace morula::knowledge
