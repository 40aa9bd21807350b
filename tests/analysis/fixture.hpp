// Reads the text fixtures of tests/analysis/fixtures: comma-separated lines, comments start with #; cells as gene:value.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "morula/matrix/views.hpp"

namespace morula::analysis::fixture {

inline std::vector<std::vector<std::string>> rows(const std::string& name) {
    const std::string path = std::string(MORULA_SOURCE_DIR) + "/tests/analysis/fixtures/" + name;
    std::ifstream in(path);
    if (!in) throw std::runtime_error("no fixture " + path + ": run `make oracles`");
    std::vector<std::vector<std::string>> result;
    for (std::string line; std::getline(in, line);) {
        if (line.empty() || line[0] == '#') continue;
        std::vector<std::string> cells;
        std::stringstream fields(line);
        for (std::string cell; std::getline(fields, cell, ',');) cells.push_back(cell);
        result.push_back(cells);
    }
    return result;
}

/// Adds a cell to `csr` from the fields gene:value (gene alone: 1) of `row`, from field `first` on.
inline void push_cell(const std::vector<std::string>& row, std::size_t first, matrix::Csr& csr) {
    for (std::size_t i = first; i < row.size(); ++i) {
        const auto colon = row[i].find(':');
        csr.indices.push_back(static_cast<std::uint32_t>(std::stoul(row[i].substr(0, colon))));
        csr.values.push_back(colon == std::string::npos ? 1.0f : std::stof(row[i].substr(colon + 1)));
    }
    csr.indptr.push_back(static_cast<std::int64_t>(csr.indices.size()));
    ++csr.n_rows;
}

}  // namespace morula::analysis::fixture
