#include "morula/commands/simulate_fields.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <nlohmann/json.hpp>

#include "morula/core/file.hpp"
#include "morula/formats/zarr/zarr_array.hpp"
#include "morula/formats/zarr/zarr_codec.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::commands {
namespace {

using Json = nlohmann::json;

/// Made up: concentrations that tell their voxel, and a name that no folder can have.
simulation::Model model_of(std::array<std::int64_t, 3> n) {
    simulation::Model model;
    model.box = {.n = n, .voxel_um = 20.0, .origin_um = {-100.0, 0.0, 0.0}};
    model.substances = {{.name = "oxygen", .unit = "mmHg", .diffusion_um2_per_min = 1.0, .initial = 38.0}, {.name = "../il6", .unit = "nM", .initial = 2.5}};
    model.types = {{.name = "cell", .mechanics = {}, .life = simulation::standard_life(simulation::CycleModel::none), .exchange = {}}};
    model.fixed.resize(2);
    for (std::int64_t z = 0; z < n[2]; ++z) {
        for (std::int64_t y = 0; y < n[1]; ++y) {
            for (std::int64_t x = 0; x < n[0]; ++x) {
                model.fixed[0].places.push_back(model.box.place(x, y, z));
                model.fixed[0].concentrations.push_back(static_cast<double>(100 * z + 10 * y + x));
            }
        }
    }
    return model;
}

class SimulateFieldsTest : public testing::Test {
protected:
    std::string file(const std::string& name) const { return read_text_file(folder_ / "fields.zarr" / name, 1 << 26); }
    /// The numbers of one chunk.
    std::vector<float> chunk(const std::string& name, std::size_t n) const {
        const std::string encoded = file(name);
        const std::vector<formats::ZarrCodec> codecs{formats::ZarrCodec::bytes, formats::ZarrCodec::blosc, formats::ZarrCodec::crc32c};
        std::vector<std::byte> bytes;
        EXPECT_EQ(formats::decode_chunk(codecs, std::as_bytes(std::span(encoded)), static_cast<std::int64_t>(4 * n), bytes), "");
        std::vector<float> values(n);
        if (bytes.size() == 4 * n) std::memcpy(values.data(), bytes.data(), bytes.size());
        return values;
    }
    test::TemporaryFolder folder_;
};

TEST_F(SimulateFieldsTest, hold_every_voxel_of_every_snapshot_with_its_unit) {
    const auto context = test::make_context(2);
    const simulation::Simulation simulation(model_of({5, 4, 3}), {}, *context);
    const FieldStore store(folder_ / "fields.zarr", simulation);
    store.write(simulation, {0.0}, *context);
    store.write(simulation, {0.0, 7.5}, *context);
    const Json array = Json::parse(file("oxygen/zarr.json"));
    EXPECT_EQ(array["shape"], Json({2, 3, 4, 5}));
    EXPECT_EQ(array["dimension_names"], Json({"minute", "z", "y", "x"}));
    EXPECT_EQ(array["attributes"], Json({{"name", "oxygen"}, {"unit", "mmHg"}, {"voxel_um", 20.0}}));
    const Json root = Json::parse(file("zarr.json"));
    EXPECT_EQ(root["consolidated_metadata"]["metadata"]["oxygen"], array);
    EXPECT_EQ(root["consolidated_metadata"]["metadata"]["substance_2"]["attributes"]["name"], "../il6");
    for (const char* snapshot : {"0", "1"}) {
        const std::vector<float> values = chunk(std::string("oxygen/c/") + snapshot + "/0/0/0", 60);
        for (std::size_t v = 0; v < values.size(); ++v) EXPECT_EQ(values[v], static_cast<float>(100 * (v / 20) + 10 * (v / 5 % 4) + v % 5));
        EXPECT_EQ(chunk(std::string("substance_2/c/") + snapshot + "/0/0/0", 60), std::vector<float>(60, 2.5F));
    }
    std::vector<double> minutes(2), x(5);
    formats::ZarrArray(folder_ / "fields.zarr" / "minute").read(0, std::span(minutes));
    EXPECT_EQ(minutes, (std::vector<double>{0.0, 7.5}));
    formats::ZarrArray(folder_ / "fields.zarr" / "x").read(0, std::span(x));
    EXPECT_EQ(x, (std::vector<double>{-90.0, -70.0, -50.0, -30.0, -10.0}));
}

TEST_F(SimulateFieldsTest, a_chunk_that_is_gone_reads_as_missing) {
    const auto context = test::make_context(1);
    const simulation::Simulation simulation(model_of({5, 4, 3}), {}, *context);
    const FieldStore store(folder_ / "fields.zarr", simulation);
    store.write(simulation, {0.0}, *context);
    store.write(simulation, {0.0, 7.5}, *context);
    EXPECT_TRUE(store.holds(simulation.model().box, 0) && store.holds(simulation.model().box, 1));
    EXPECT_FALSE(store.holds(simulation.model().box, 2));
    std::filesystem::remove(folder_ / "fields.zarr" / "oxygen" / "c" / "0" / "0" / "0" / "0");
    EXPECT_FALSE(store.holds(simulation.model().box, 0));
    EXPECT_TRUE(store.holds(simulation.model().box, 1));
    EXPECT_EQ(Json::parse(file("oxygen/zarr.json"))["fill_value"], "NaN");
}

TEST_F(SimulateFieldsTest, large_planes_are_cut_into_slabs) {
    const auto context = test::make_context(2);
    simulation::Model model = model_of({1, 1, 1});
    model.box.n = {700, 700, 3};
    model.fixed[0] = {{model.box.place(699, 699, 2), model.box.place(699, 699, 1)}, {7.0, 6.0}};
    const simulation::Simulation simulation(model, {}, *context);
    FieldStore(folder_ / "fields.zarr", simulation).write(simulation, {0.0}, *context);
    // Two planes make a chunk of fewer than 2^20 voxels; the third stands in the second, filled up with zeros.
    const std::vector<float> first = chunk("oxygen/c/0/0/0/0", 2 * 700 * 700), second = chunk("oxygen/c/0/1/0/0", 2 * 700 * 700);
    EXPECT_EQ(first.back(), 6.0F);
    EXPECT_EQ(first.front(), 38.0F);
    EXPECT_EQ(second[700 * 700 - 1], 7.0F);
    EXPECT_EQ(second.back(), 0.0F);
}

}  // namespace
}  // namespace morula::commands
