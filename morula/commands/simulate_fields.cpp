#include "morula/commands/simulate_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "morula/commands/verb_record.hpp"
#include "morula/core/file.hpp"
#include "morula/core/parallel.hpp"
#include "morula/formats/zarr/zarr_codec.hpp"
#include "morula/formats/zarr/zarr_node.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;
using namespace formats;
using Json = nlohmann::json;
using simulation::Grid;
using simulation::Simulation;

/// Elements of a chunk at most, where a row is no longer.
constexpr std::int64_t kChunkElements = 1 << 20;
constexpr std::int64_t kChunkMinutes = 1024;
const std::vector<std::string> kAxes{"minute", "z", "y", "x"};

ZarrArrayMeta array_of(ZarrType type, std::vector<std::int64_t> shape, std::vector<std::int64_t> chunk, ZarrAttributes attributes) {
    ZarrArrayMeta meta;
    meta.type = type;
    meta.shape = std::move(shape);
    meta.chunk_shape = meta.inner_shape = std::move(chunk);
    meta.codecs = {ZarrCodec::bytes, ZarrCodec::blosc, ZarrCodec::crc32c};
    meta.attributes = std::move(attributes);
    return meta;
}

/// The zarr.json of an array with the names of its dimensions, by which xarray finds coordinates.
Json array_json(const ZarrArrayMeta& meta, const std::vector<std::string>& dimensions) {
    Json json = Json::parse(zarr_node_json(meta));
    json["dimension_names"] = dimensions;
    return json;
}

template <class T>
void write_chunk(const fs::path& path, const ZarrArrayMeta& meta, const std::vector<T>& values) {
    std::vector<std::byte> encoded;
    encode_chunk(meta.codecs, zarr_type_size(meta.type), std::as_bytes(std::span(values)), encoded);
    make_output_folder(path.parent_path());
    AtomicFile file(path);
    file.write(encoded);
    file.commit();
}

/// A coordinate: one chunk after the other, the last filled up with zeros.
void write_line(const fs::path& folder, const ZarrArrayMeta& meta, const std::vector<double>& values) {
    const std::int64_t chunk = meta.chunk_shape[0];
    for (std::int64_t begin = 0; begin < static_cast<std::int64_t>(values.size()); begin += chunk) {
        std::vector<double> part(static_cast<std::size_t>(chunk), 0.0);
        const auto from = values.begin() + begin;
        std::copy(from, from + std::min(chunk, static_cast<std::int64_t>(values.size()) - begin), part.begin());
        write_chunk(folder / "c" / std::to_string(begin / chunk), meta, part);
    }
}

/// How a snapshot is cut into chunks: whole rows of x, as many in y and z as a chunk takes.
struct Slabs {
    explicit Slabs(const Grid& grid)
        : height(std::clamp<std::int64_t>(kChunkElements / (grid.n[0] * grid.n[1]), 1, grid.n[2])), depth(std::clamp<std::int64_t>(kChunkElements / grid.n[0], 1, grid.n[1])),
          n_z((grid.n[2] + height - 1) / height), n_y((grid.n[1] + depth - 1) / depth) {}

    std::int64_t size() const { return n_z * n_y; }
    fs::path chunk(std::int64_t snapshot, std::int64_t slab) const { return fs::path("c") / std::to_string(snapshot) / std::to_string(slab / n_y) / std::to_string(slab % n_y) / "0"; }

    std::int64_t height, depth, n_z, n_y;
};

void write_snapshot(const fs::path& folder, const ZarrArrayMeta& meta, const Grid& grid, std::span<const double> c, Context& context) {
    const Slabs slabs(grid);
    const std::int64_t height = slabs.height, depth = slabs.depth;
    parallel_blocks(context, slabs.size(), 1, [&](Block block) {
        const std::int64_t first_z = block.index / slabs.n_y * height, first_y = block.index % slabs.n_y * depth;
        std::vector<float> values(static_cast<std::size_t>(height * depth * grid.n[0]), 0.0F);
        for (std::int64_t z = first_z; z < std::min(grid.n[2], first_z + height); ++z) {
            for (std::int64_t y = first_y; y < std::min(grid.n[1], first_y + depth); ++y) {
                for (std::int64_t x = 0; x < grid.n[0]; ++x) {
                    values[static_cast<std::size_t>(((z - first_z) * depth + y - first_y) * grid.n[0] + x)] = static_cast<float>(c[static_cast<std::size_t>(grid.place(x, y, z))]);
                }
            }
        }
        write_chunk(folder / slabs.chunk(meta.shape[0] - 1, block.index), meta, values);
    });
}

/// What may be the name of a folder and is none of a coordinate; others are called substance_1 and so on, and their attribute `name` tells.
bool is_plain(const std::string& name) {
    const bool is_word = name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+() ") == std::string::npos;
    return is_word && name.size() <= 100 && std::find(kAxes.begin(), kAxes.end(), name) == kAxes.end();
}

}  // namespace

FieldStore::FieldStore(fs::path folder, const Simulation& simulation) : folder_(std::move(folder)) {
    for (std::int32_t s = 0; s < simulation.field().n_substances(); ++s) {
        const std::string& name = simulation.field().substance(s).name;
        names_.push_back(is_plain(name) ? name : fmt::format("substance_{}", s + 1));
    }
}

bool FieldStore::holds(const Grid& grid, std::size_t number) const {
    const Slabs slabs(grid);
    std::error_code ignored;
    for (const std::string& name : names_) {
        for (std::int64_t slab = 0; slab < slabs.size(); ++slab) {
            if (!fs::exists(folder_ / name / slabs.chunk(static_cast<std::int64_t>(number), slab), ignored)) return false;
        }
    }
    return true;
}

void FieldStore::write(const Simulation& simulation, const std::vector<double>& minutes, Context& context) const {
    const Grid& grid = simulation.model().box;
    const auto n = static_cast<std::int64_t>(minutes.size());
    const Slabs slabs(grid);
    std::map<std::string, Json> nodes;
    for (std::size_t s = 0; s < names_.size(); ++s) {
        const auto number = static_cast<std::int32_t>(s);
        const simulation::Substance& substance = simulation.field().substance(number);
        ZarrArrayMeta meta = array_of(ZarrType::float32, {n, grid.n[2], grid.n[1], grid.n[0]}, {1, slabs.height, slabs.depth, grid.n[0]},
                                            {{"name", substance.name}, {"unit", substance.unit}, {"voxel_um", grid.voxel_um}});
        meta.fill_value = std::numeric_limits<double>::quiet_NaN();  // a chunk that somebody took away reads as missing, not as 0
        write_snapshot(folder_ / names_[s], meta, grid, simulation.field().values(number), context);
        nodes[names_[s]] = array_json(meta, kAxes);
    }
    for (std::size_t axis = 0; axis < kAxes.size(); ++axis) {
        std::vector<double> values = minutes;
        if (axis > 0) {
            values.clear();
            for (std::int64_t i = 0; i < grid.n[3 - axis]; ++i) values.push_back(grid.center_um(static_cast<int>(3 - axis), i));
        }
        const auto size = static_cast<std::int64_t>(values.size());
        const ZarrArrayMeta meta = array_of(ZarrType::float64, {size}, {axis == 0 ? kChunkMinutes : size}, {{"unit", std::string(axis == 0 ? "min" : "um")}});
        write_line(folder_ / kAxes[axis], meta, values);
        nodes[kAxes[axis]] = array_json(meta, {kAxes[axis]});
    }
    // The arrays are made longer when their values are there, the root's copy of their metadata last.
    for (const auto& [name, node] : nodes) write_text_file(folder_ / name / "zarr.json", node.dump(2) + "\n");
    const ZarrGroupMeta root{{{"voxel_um", grid.voxel_um}, {"unit", std::string("um")}, {"seed", std::to_string(simulation.model().seed)}}};
    Json json = Json::parse(zarr_node_json(root));
    json["consolidated_metadata"] = {{"kind", "inline"}, {"must_understand", false}, {"metadata", nodes}};
    write_text_file(folder_ / "zarr.json", json.dump(2) + "\n");
}

}  // namespace morula::commands
