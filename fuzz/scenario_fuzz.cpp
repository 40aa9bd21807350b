// Scenarios of the tissue simulator: a scenario whose rates all have a unit, a source and a finite value, or an Error with file and line. Beside it lie the files that the seeds name: rules, positions, measured
// cells, ligands, regulons, doses.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/expect.hpp"
#include "morula/commands/scenario.hpp"
#include "morula/core/context.hpp"
#include "morula/core/file.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "tests/support/temporary_folder.hpp"

namespace {

/// Made up: 60 cells of two types, in an embedding that their genes are linear in.
morula::data::Dataset measured_cells() {
    constexpr std::int64_t kCells = 60;
    const std::vector<std::string> genes{"IFNAR1", "IFNAR2", "ISG15", "CD44", "SPP1"};
    morula::data::Dataset dataset;
    auto& embedding = dataset.obsm["X_pca"] = morula::matrix::Dense<float>(kCells, 2);
    auto& spatial = dataset.obsm["spatial"] = morula::matrix::Dense<float>(kCells, 2);
    std::vector<std::string> names, types, conditions;
    std::vector<double> time;
    morula::matrix::Csr x;
    x.start(kCells, std::ssize(genes));
    for (std::int64_t c = 0; c < kCells; ++c) {
        names.push_back("cell " + std::to_string(c));
        types.push_back(c % 2 == 0 ? "T cell" : "monocyte");
        conditions.push_back(c % 3 == 0 ? "ctrl" : "stim");
        embedding(c, 0) = static_cast<float>(c * 7 % 11);
        embedding(c, 1) = static_cast<float>(c * 5 % 13);
        spatial(c, 0) = static_cast<float>(20 + 10 * (c % 8));
        spatial(c, 1) = static_cast<float>(20 + 10 * (c / 8));
        time.push_back(static_cast<double>(embedding(c, 0)));
        const std::vector<float> values{1.0F + embedding(c, 0), 2.0F, 0.5F + embedding(c, 1), 3.0F + embedding(c, 0), 1.0F + embedding(c, 1)};
        for (std::uint32_t gene = 0; gene < 5; ++gene) {
            x.indices.push_back(gene);
            x.values.push_back(values[gene]);
        }
        x.end_row();
    }
    dataset.name = "cells";
    dataset.obs = morula::data::Table(names);
    dataset.obs.set("cell_type", morula::data::to_categorical(types));
    dataset.obs.set("condition", morula::data::to_categorical(conditions));
    dataset.obs.set("time", time);
    dataset.var = morula::data::Table(genes);
    dataset.layers["X"] = morula::matrix::make_source(std::move(x));
    return dataset;
}

class FilledFolder {
public:
    explicit FilledFolder(morula::Context& context) {
        morula::formats::write_h5ad(measured_cells(), folder_ / "cells.h5ad", {}, context);
        morula::write_text_file(folder_ / "pairs.csv", "ligand,receptor\nIFNB1,IFNAR1_IFNAR2\nSPP1,CD44\n");
        morula::write_text_file(folder_ / "regulons.csv", "source,target,weight\nIFNAR1,ISG15,1\nIFNAR1,SPP1,-1\nSPP1,CD44,1\n");
        morula::write_text_file(folder_ / "positions.csv", "x,y,z,type\n50,50,50,T cell\n66,50,50,Mono\n50,66,50,Mono\n");
        morula::write_text_file(folder_ / "rules.csv", "T cell,pressure,decreases,migration speed,0,1,4,0\n");
        morula::write_text_file(folder_ / "doses.csv", "minute,concentration\n0,1\n60,2\n");
    }
    std::filesystem::path put(std::string_view text) const {
        morula::write_text_file(folder_ / "scenario.toml", text);
        return folder_ / "scenario.toml";
    }

private:
    morula::test::TemporaryFolder folder_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static morula::Context context({.threads = 1, .memory_bytes = 200'000'000});
    static const FilledFolder folder(context);
    const std::filesystem::path path = folder.put({reinterpret_cast<const char*>(data), size});
    morula::fuzz::expect_value_or_error([&] {
        const auto scenario = morula::commands::read_scenario(path, context);
        if (scenario.title.empty() || !(scenario.until_min > 0.0) || !(scenario.every_min > 0.0)) __builtin_trap();
        if (scenario.start.size() == 0 && scenario.model.perturbations.injections.empty()) __builtin_trap();
        for (const auto& rate : scenario.rates) {
            if (rate.name.empty() || rate.unit.empty() || !std::isfinite(rate.value)) __builtin_trap();
        }
    });
    return 0;
}
