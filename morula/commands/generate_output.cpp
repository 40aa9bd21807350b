#include "morula/commands/generate_output.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "morula/atlas/atlas.hpp"
#include "morula/commands/atlas_target.hpp"
#include "morula/core/error.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"

namespace morula::commands {

namespace fs = std::filesystem;

Schema with_output(Schema own) {
    FieldSchema out;
    out.name = "out";
    out.help = "File to write (.h5ad), or an atlas to add to (.atlas).";
    out.type = FieldType::text;
    out.is_required = true;
    out.default_value = std::string();
    own.push_back(out);
    return own;
}

GeneratedOutput split_generated_output(const FieldValues& values) {
    GeneratedOutput output;
    for (const auto& [name, value] : values) {
        if (name == "out") output.path = std::get<std::string>(value);
        else output.own.emplace_back(name, value);
    }
    const fs::path extension = fs::path(output.path).extension();
    if (extension != ".atlas" && extension != ".h5ad") fail(ErrorCode::usage, fmt::format("--out {}: the name must end in .h5ad or .atlas.", output.path), "Write for instance --out made-up.h5ad.");
    return output;
}

void write_generated(const data::Dataset& dataset, const std::string& path, Context& context) {
    if (fs::path(path).extension() == ".atlas") {
        write_into_atlas(path, [&](atlas::Atlas& store) {
            if (const std::size_t n = store.dataset_ids().size(); n > 0) context.events().decision(fmt::format("{}: holds {} data set{} already; the made-up one is added.", path, n, n == 1 ? "" : "s"));
            store.ingest(dataset, {}, context);
        });
    } else {
        formats::write_h5ad(dataset, path, {}, context);
    }
}

}  // namespace morula::commands
