// Reads the text fixtures of tests/analysis/fixtures: comma-separated lines, comments start with #.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

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

}  // namespace morula::analysis::fixture
