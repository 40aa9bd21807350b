#include "morula/formats/zarr/zarr_anndata.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/schema.hpp"
#include "morula/formats/zarr/zarr_array.hpp"
#include "morula/formats/zarr/zarr_slots.hpp"

namespace morula::formats {
namespace {

namespace fs = std::filesystem;

/// Which slots to read: all, or those named and what lies below them.
class SlotFilter {
public:
    SlotFilter() : all_(true) {}
    explicit SlotFilter(std::vector<std::string> slots) : all_(false), slots_(std::move(slots)) {}

    /// Whether anything at or below `path` is wanted.
    bool touches(const std::string& path) const {
        return all_ || std::any_of(slots_.begin(), slots_.end(), [&](const std::string& slot) { return below(slot, path) || below(path, slot); });
    }
    /// Whether `path` itself is wanted.
    bool wants(const std::string& path) const {
        return all_ || std::any_of(slots_.begin(), slots_.end(), [&](const std::string& slot) { return below(path, slot); });
    }

private:
    /// path == above, or lies under it.
    static bool below(const std::string& path, const std::string& above) {
        return path.compare(0, above.size(), above) == 0 && (path.size() == above.size() || path[above.size()] == '/');
    }
    bool all_;
    std::vector<std::string> slots_;
};

bool has_node(const fs::path& folder) { return fs::exists(folder / "zarr.json"); }

/// Calls read for each wanted element of a mapping such as obsm; elements of kinds that have no place here are left out with a warning.
template <class Read>
void read_mapping(const fs::path& root, const std::string& slot, const SlotFilter& filter, Context& context, Read read) {
    if (!has_node(root / slot) || !filter.touches(slot)) return;
    read_zarr_node(root / slot);  // notices damage
    for (const std::string& name : child_names(root / slot)) {
        if (!filter.wants(slot + "/" + name)) continue;
        try {
            read(name, root / slot / name);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::unsupported) throw;
            context.events().warning("Left out: " + error.message());
        }
    }
}

matrix::Csr read_graph(const fs::path& folder, Context& context) {
    if (encoding_type(folder) != "csr_matrix") {
        fail(ErrorCode::unsupported, fmt::format("{}: is no csr_matrix.", folder.string()), "It can be left out.");
    }
    return matrix::read_all(ZarrCsrSource(folder, context), context);
}

data::Table read_filtered_table(const fs::path& root, const std::string& slot, const SlotFilter& filter, Context& context) {
    return read_table(root / slot, [&](const std::string& column) { return filter.wants(slot + "/" + column); }, context);
}

data::Dataset read_group(const fs::path& root, const SlotFilter& filter, Context& context) {
    if (!fs::exists(root)) fail(ErrorCode::not_found, fmt::format("{}: there is no such folder.", root.string()), "Check the path.");
    if (!is_zarr_anndata(root)) invalid_data(fmt::format("{}: is no AnnData group in Zarr v3.", root.string()), "Write it with AnnData 0.12 or later, or convert it to h5ad.");
    data::Dataset dataset;
    dataset.name = root.filename().string();
    dataset.obs = read_filtered_table(root, "obs", filter, context);
    dataset.var = read_filtered_table(root, "var", filter, context);
    if (has_node(root / "X") && filter.wants("X")) dataset.layers["X"] = open_zarr_matrix(root / "X", context);
    read_mapping(root, "layers", filter, context, [&](const std::string& name, const fs::path& folder) { dataset.layers[name] = open_zarr_matrix(folder, context); });
    if (has_node(root / "raw") && filter.touches("raw")) {
        read_zarr_node(root / "raw");
        data::Raw raw;
        raw.x = open_zarr_matrix(root / "raw" / "X", context);
        raw.var = read_table(root / "raw" / "var", [](const std::string&) { return true; }, context);
        dataset.raw = std::move(raw);
    }
    read_mapping(root, "obsm", filter, context, [&](const std::string& name, const fs::path& folder) { dataset.obsm[name] = read_dense(folder, context); });
    read_mapping(root, "varm", filter, context, [&](const std::string& name, const fs::path& folder) { dataset.varm[name] = read_dense(folder, context); });
    read_mapping(root, "obsp", filter, context, [&](const std::string& name, const fs::path& folder) { dataset.obsp[name] = read_graph(folder, context); });
    if (has_node(root / "uns") && filter.touches("uns")) dataset.uns = read_uns(root / "uns", context);
    data::check_shapes(dataset);
    return dataset;
}

/// The slot must be there, so that a typing mistake is not an empty result.
void require_slot(const fs::path& root, const std::string& slot) {
    if (has_node(root / slot)) return;
    const fs::path parent = (root / slot).parent_path();
    const auto siblings = fs::exists(parent) ? child_names(parent) : std::vector<std::string>{};
    const std::string nearest = nearest_name(fs::path(slot).filename().string(), siblings);
    fail(ErrorCode::not_found, fmt::format("{}: there is no '{}'.", root.string(), slot), nearest.empty() ? "Look at what it holds with `morula info`." : fmt::format("Did you mean '{}'?", nearest));
}

template <class Map, class Write>
void write_mapping(ZarrTreeWriter& tree, const std::string& slot, const Map& map, Write write) {
    tree.group(slot, encoding("dict", "0.1.0"));
    for (const auto& [name, element] : map) {
        check_key(slot, name);
        write(slot + "/" + name, element);
    }
}

}  // namespace

std::map<std::string, std::string> repeated_matrices(const data::Dataset& dataset) {
    std::map<std::string, std::string> repeated;
    std::map<const matrix::RowBlockSource*, std::string> first;
    const auto look = [&](std::string path, const matrix::Matrix& source) {
        const auto found = first.try_emplace(source.get(), path);
        if (!found.second) repeated.emplace(std::move(path), found.first->second);
    };
    const auto x = dataset.layers.find("X");
    if (x != dataset.layers.end()) look("X", x->second);
    for (const auto& [name, layer] : dataset.layers) {
        if (name != "X") look("layers/" + name, layer);
    }
    if (dataset.raw) look("raw/X", dataset.raw->x);
    return repeated;
}

void write_zarr_slots(ZarrTreeWriter& tree, const data::Dataset& dataset, const ObserverFor& observer_for) {
    data::check_shapes(dataset);
    const auto repeated = repeated_matrices(dataset);
    const auto write_matrix = [&](const std::string& path, const matrix::RowBlockSource& source, ValueStorage storage) {
        const auto first = repeated.find(path);
        if (first != repeated.end()) tree.repeat(first->second, path);
        else write_zarr_csr(tree, path, source, storage, observer_for ? observer_for(path, source) : RowObserver{});
    };
    tree.group("", encoding("anndata", "0.1.0"));
    write_table(tree, "obs", dataset.obs);
    write_table(tree, "var", dataset.var);
    std::map<std::string, matrix::Matrix> layers = dataset.layers;
    const auto x = layers.find("X");
    if (x != layers.end()) {
        write_matrix("X", *x->second, ValueStorage::smallest);
        layers.erase(x);
    }
    write_mapping(tree, "layers", layers, [&](const std::string& path, const matrix::Matrix& layer) { write_matrix(path, *layer, ValueStorage::smallest); });
    if (dataset.raw) {
        tree.group("raw", encoding("raw", "0.1.0"));
        write_matrix("raw/X", *dataset.raw->x, ValueStorage::smallest);
        write_table(tree, "raw/var", dataset.raw->var);
        tree.group("raw/varm", encoding("dict", "0.1.0"));
    }
    write_mapping(tree, "obsm", dataset.obsm, [&](const std::string& path, const matrix::Dense<float>& dense) { write_dense(tree, path, dense); });
    write_mapping(tree, "varm", dataset.varm, [&](const std::string& path, const matrix::Dense<float>& dense) { write_dense(tree, path, dense); });
    write_mapping(tree, "obsp", dataset.obsp, [&](const std::string& path, const matrix::Csr& csr) {
        write_matrix(path, *matrix::make_view_source(csr.view()), ValueStorage::float32);
    });
    write_uns(tree, "uns", dataset.uns);
}

void write_zarr(const data::Dataset& dataset, const fs::path& folder, Context& context) {
    if (fs::exists(folder)) invalid_data(fmt::format("{}: exists already.", folder.string()), "Give another name, or remove it first.");
    const fs::path target = fs::absolute(folder).lexically_normal();
    const fs::path temporary = target.parent_path() / fmt::format(".{}.{}.tmp", target.filename().string(), ::getpid());
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    try {
        ZarrTreeWriter tree(temporary, context);
        write_zarr_slots(tree, dataset, {});
        tree.finish();
        sync_tree(tree.folder());
        rename_atomically(temporary, target);
    } catch (...) {
        fs::remove_all(temporary, ignored);
        throw;
    }
}

data::Dataset read_zarr(const fs::path& folder, Context& context) { return read_group(folder, SlotFilter(), context); }

data::Dataset read_zarr_slots(const fs::path& folder, const std::vector<std::string>& slots, Context& context) {
    for (const std::string& slot : slots) require_slot(folder, slot);
    return read_group(folder, SlotFilter(slots), context);
}

bool is_zarr_anndata(const fs::path& folder) {
    if (!has_node(folder) || !has_node(folder / "obs") || !has_node(folder / "var")) return false;
    return encoding_type(folder) == "anndata";
}

}  // namespace morula::formats
