// Unstructured annotation (AnnData's uns): a small tree of values.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "morula/data/column.hpp"
#include "morula/matrix/views.hpp"

namespace morula::data {

/// A record array as scanpy's rank_genes_groups needs it: named fields of equal length.
struct RecordArray {
    std::vector<std::string> fields;
    std::vector<std::variant<std::vector<float>, std::vector<double>, std::vector<std::string>>> columns;
};

struct Uns;
using UnsMap = std::map<std::string, Uns>;
using UnsValue = std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>,
                              matrix::Dense<float>, Categorical, RecordArray, UnsMap>;

/// A node: a value or a map of nodes.
struct Uns {
    UnsValue value;
};

}  // namespace morula::data
