// Atlas -> h5ad.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "morula/commands/input.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/store_commands.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"

namespace morula::commands {
namespace {

enum class Compression { none, gzip };

struct ExportOptions {
    std::string atlas;
    std::string out;
    Compression compression = Compression::none;
};
constexpr auto describe(const ExportOptions*) {
    return std::tuple{
        field("atlas", &ExportOptions::atlas, "The atlas (or any file that Morula reads).", {.positional = true, .required = true}),
        field("out", &ExportOptions::out, "The h5ad file to write.", {.required = true}),
        field("compression", &ExportOptions::compression, "How the matrix is stored.", {.choices = "none|gzip"}),
    };
}

CommandResult export_h5ad(const ExportOptions& options, Context& context) {
    if (std::filesystem::path(options.out).extension() != ".h5ad") fail(ErrorCode::usage, fmt::format("--out {}: the name must end in .h5ad.", options.out), "Write for instance --out cells.h5ad.");
    std::vector<data::Dataset> samples = open_datasets(options.atlas, formats::TextOrientation::automatic, context);
    data::Dataset out;
    if (samples.size() == 1) {
        out = std::move(samples.front());
    } else {
        std::vector<SampleRow> rows;
        for (data::Dataset& sample : samples) {
            rows.push_back({"", sample.name, {}});
            sample.layers["counts"] = sample.layers.at("X");
        }
        out = join_samples(std::move(samples), rows, context);
        out.layers["X"] = out.layers.at("counts");
        out.layers.erase("counts");
    }
    formats::WriteH5adOptions write;
    write.compression = options.compression == Compression::gzip ? formats::H5adCompression::gzip : formats::H5adCompression::none;
    formats::write_h5ad(out, options.out, write, context);
    const nlohmann::ordered_json json = {{"out", options.out}, {"n_cells", out.n_cells()}, {"n_genes", out.n_genes()}};
    return {fmt::format("{}: {} cells x {} genes.", options.out, out.n_cells(), out.n_genes()), json.dump()};
}

}  // namespace

Command export_command() {
    Command base;
    base.name = "export";
    base.summary = "Write an atlas as one h5ad file.";
    base.help = "Several data sets are joined on the union of their genes, with obs column sample.";
    base.examples = {{"For scanpy or Seurat", "morula export study.atlas --out study.h5ad"}};
    return make_command<ExportOptions>(std::move(base), export_h5ad);
}

}  // namespace morula::commands
