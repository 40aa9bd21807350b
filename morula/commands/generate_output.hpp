// Where made-up data go: the option --out of the generators, and writing a file or an atlas.
#pragma once

#include <string>

#include "morula/core/context.hpp"
#include "morula/core/schema.hpp"
#include "morula/data/dataset.hpp"

namespace morula::commands {

/// The generator's own options, and --out.
Schema with_output(Schema own);

struct GeneratedOutput {
    std::string path;
    FieldValues own;  // without --out
};
/// Throws usage when the path ends in neither .h5ad nor .atlas.
GeneratedOutput split_generated_output(const FieldValues& values);
void write_generated(const data::Dataset& dataset, const std::string& path, Context& context);

}  // namespace morula::commands
