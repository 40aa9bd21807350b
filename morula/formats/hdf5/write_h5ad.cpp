#include "morula/formats/hdf5/write_h5ad.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/formats/hdf5/h5_write.hpp"
#include "morula/formats/hdf5/h5_write_matrix.hpp"

namespace morula::formats {
namespace {

using h5::Id;

std::array<hsize_t, 1> length(std::size_t n) { return {n}; }

void write_mask(hid_t group, const std::vector<std::uint8_t>& present) {
    std::vector<std::uint8_t> mask(present.size());
    std::transform(present.begin(), present.end(), mask.begin(), [](std::uint8_t there) { return static_cast<std::uint8_t>(there == 0 ? 1 : 0); });
    h5::write_booleans(group, "mask", mask);
}

void write_categorical(hid_t parent, const std::string& name, const data::Categorical& column) {
    const Id group = h5::make_group(parent, name, "categorical", "0.2.0");
    h5::set_flag(group, "ordered", column.ordered);
    h5::write_codes(group, "codes", column.codes, static_cast<std::int64_t>(column.categories.size()));
    h5::write_texts(group, "categories", column.categories);
}

/// Writes one column by its type.
struct ColumnWriter {
    hid_t parent;
    std::string name;

    void operator()(const std::vector<double>& values) const { h5::write_numbers(parent, name, values, length(values.size())); }
    void operator()(const std::vector<float>& values) const { h5::write_numbers(parent, name, values, length(values.size())); }
    void operator()(const std::vector<std::int64_t>& values) const { h5::write_numbers(parent, name, values, length(values.size())); }
    void operator()(const std::vector<std::string>& values) const { h5::write_texts(parent, name, values); }
    void operator()(const data::Booleans& column) const { h5::write_booleans(parent, name, column.values); }
    void operator()(const data::Categorical& column) const { write_categorical(parent, name, column); }
    void operator()(const data::NullableIntegers& column) const {
        const Id group = h5::make_group(parent, name, "nullable-integer", "0.1.0");
        h5::write_numbers(group, "values", column.values, length(column.values.size()));
        write_mask(group, column.present);
    }
    void operator()(const data::NullableBooleans& column) const {
        const Id group = h5::make_group(parent, name, "nullable-boolean", "0.1.0");
        h5::write_booleans(group, "values", column.values);
        write_mask(group, column.present);
    }
};

void write_table(hid_t parent, const std::string& name, const data::Table& table) {
    const Id group = h5::make_group(parent, name, "dataframe", "0.2.0");
    std::string index = h5::safe_name(table.index_name.empty() ? "_index" : table.index_name);
    if (table.has(index)) index = "_index";
    std::vector<std::string> order;
    h5::write_texts(group, index, table.index());
    for (const auto& [column_name, column] : table.columns()) {
        const std::string safe = h5::safe_name(column_name);
        if (safe == index) continue;
        order.push_back(safe);
        std::visit(ColumnWriter{group, safe}, column);
    }
    h5::set_attribute(group, "_index", index);
    h5::set_attribute(group, "column-order", order);
}

/// A compound data set: what numpy calls a record array.
void write_records(hid_t parent, const std::string& name, const data::RecordArray& records) {
    const h5::Lock lock;
    const Id text = h5::text_type();
    const std::size_t n_rows = records.columns.empty() ? 0 : std::visit([](const auto& column) { return column.size(); }, records.columns.front());
    std::size_t row_bytes = 0;
    const auto bytes_of = [](const auto& column) {
        return std::visit([](const auto& held) { return std::is_same_v<std::remove_cvref_t<decltype(held)>, std::vector<std::string>> ? sizeof(const char*) : sizeof(held[0]); }, column);
    };
    for (const auto& column : records.columns) row_bytes += bytes_of(column);
    if (row_bytes == 0) return;
    const Id type(h5::checked(H5Tcreate(H5T_COMPOUND, row_bytes), name));
    std::vector<std::byte> rows(n_rows * row_bytes);
    std::size_t at = 0;
    for (std::size_t c = 0; c < records.columns.size(); ++c) {
        const auto fill = [&](const auto& column) {
            using Value = typename std::remove_cvref_t<decltype(column)>::value_type;
            for (std::size_t row = 0; row < n_rows; ++row) {
                if constexpr (std::is_same_v<Value, std::string>) {
                    const char* pointer = column[row].c_str();
                    std::memcpy(rows.data() + row * row_bytes + at, &pointer, sizeof(pointer));
                } else {
                    std::memcpy(rows.data() + row * row_bytes + at, &column[row], sizeof(Value));
                }
            }
            if constexpr (std::is_same_v<Value, std::string>) return static_cast<hid_t>(text);
            else return std::is_same_v<Value, float> ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
        };
        h5::checked(H5Tinsert(type, records.fields[c].c_str(), at, std::visit(fill, records.columns[c])), name);
        at += bytes_of(records.columns[c]);
    }
    const std::array<hsize_t, 1> shape{n_rows};
    const Id space(h5::checked(H5Screate_simple(1, shape.data(), nullptr), name));
    const Id creation(h5::checked(H5Pcreate(H5P_DATASET_CREATE), name));
    H5Pset_obj_track_times(creation, 0);
    const Id dataset(h5::checked(H5Dcreate2(parent, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), name));
    if (n_rows > 0) h5::checked(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data()), name);
    h5::set_encoding(dataset, "rec-array", "0.2.0");
}

void write_dense(hid_t parent, const std::string& name, const matrix::Dense<float>& dense) {
    const std::array<hsize_t, 2> shape{static_cast<hsize_t>(dense.n_rows), static_cast<hsize_t>(dense.n_cols)};
    h5::write_numbers(parent, name, dense.values, shape);
}

void write_uns_map(hid_t group, const data::UnsMap& map);

struct UnsWriter {
    hid_t parent;
    std::string name;

    void operator()(std::monostate) const {}
    void operator()(bool value) const { h5::write_flag_scalar(parent, name, value); }
    void operator()(std::int64_t value) const { h5::write_scalar(parent, name, value); }
    void operator()(double value) const { h5::write_scalar(parent, name, value); }
    void operator()(const std::string& value) const { h5::write_scalar(parent, name, value); }
    void operator()(const std::vector<std::int64_t>& values) const { h5::write_numbers(parent, name, values, length(values.size())); }
    void operator()(const std::vector<double>& values) const { h5::write_numbers(parent, name, values, length(values.size())); }
    void operator()(const std::vector<std::string>& values) const { h5::write_texts(parent, name, values); }
    void operator()(const matrix::Dense<float>& dense) const { write_dense(parent, name, dense); }
    void operator()(const data::Categorical& column) const { write_categorical(parent, name, column); }
    void operator()(const data::RecordArray& records) const { write_records(parent, name, records); }
    void operator()(const data::UnsMap& map) const {
        const Id group = h5::make_group(parent, name, "dict", "0.1.0");
        write_uns_map(group, map);
    }
};

void write_uns_map(hid_t group, const data::UnsMap& map) {
    for (const auto& [name, node] : map) std::visit(UnsWriter{group, h5::safe_name(name)}, node.value);
}

h5::MatrixCompression compression_of(const WriteH5adOptions& options) {
    return options.compression == H5adCompression::gzip ? h5::MatrixCompression::gzip : h5::MatrixCompression::none;
}

void write_matrices(hid_t root, const data::Dataset& dataset, const WriteH5adOptions& options, Context& context) {
    const auto compression = compression_of(options);
    const Id layers = h5::make_group(root, "layers", "dict", "0.1.0");
    std::vector<h5::MatrixPlace> with_x;  // X and the layers that share its index
    const auto x = dataset.layers.find("X");
    if (x != dataset.layers.end()) with_x.push_back({root, "X", "X", x->second.get()});
    for (const auto& [name, matrix] : dataset.layers) {
        if (name == "X") continue;
        const h5::MatrixPlace place{layers, h5::safe_name(name), "layers/" + h5::safe_name(name), matrix.get()};
        const auto& sharing = options.layers_sharing_index_with_x;
        if (!with_x.empty() && std::find(sharing.begin(), sharing.end(), name) != sharing.end()) with_x.push_back(place);
        else h5::write_csr(root, {&place, 1}, compression, context);
    }
    if (!with_x.empty()) h5::write_csr(root, with_x, compression, context);
    if (dataset.raw) {
        const Id raw = h5::make_group(root, "raw", "raw", "0.1.0");
        const h5::MatrixPlace place{raw, "X", "raw/X", dataset.raw->x.get()};
        h5::write_csr(root, {&place, 1}, compression, context);
        write_table(raw, "var", dataset.raw->var);
        h5::make_group(raw, "varm", "dict", "0.1.0");
    }
}

/// All but the matrices.
void write_annotations(hid_t root, const data::Dataset& dataset, const WriteH5adOptions& options, Context& context) {
    write_table(root, "obs", dataset.obs);
    write_table(root, "var", dataset.var);
    const Id obsm = h5::make_group(root, "obsm", "dict", "0.1.0");
    for (const auto& [name, dense] : dataset.obsm) write_dense(obsm, h5::safe_name(name), dense);
    const Id varm = h5::make_group(root, "varm", "dict", "0.1.0");
    for (const auto& [name, dense] : dataset.varm) write_dense(varm, h5::safe_name(name), dense);
    const Id obsp = h5::make_group(root, "obsp", "dict", "0.1.0");
    for (const auto& [name, graph] : dataset.obsp) {
        const matrix::Matrix source = matrix::make_view_source(graph.view());
        const h5::MatrixPlace place{obsp, h5::safe_name(name), "obsp/" + h5::safe_name(name), source.get()};
        h5::write_csr(root, {&place, 1}, compression_of(options), context);
    }
    const Id varp = h5::make_group(root, "varp", "dict", "0.1.0");
    const Id uns = h5::make_group(root, "uns", "dict", "0.1.0");
    write_uns_map(uns, dataset.uns);
}

std::int64_t table_bytes(const data::Table& table) {
    constexpr std::int64_t kTextBytes = 40;  // pointer, heap entry and a name of usual length
    std::int64_t bytes = table.n_rows() * kTextBytes;
    for (const auto& [name, column] : table.columns()) bytes += table.n_rows() * (std::holds_alternative<std::vector<std::string>>(column) ? kTextBytes : 8);
    return bytes;
}

}  // namespace

std::int64_t estimate_h5ad_bytes(const data::Dataset& dataset, const WriteH5adOptions& options) {
    std::int64_t bytes = (std::int64_t{4} << 20) + table_bytes(dataset.obs) + table_bytes(dataset.var);
    for (const auto& [name, matrix] : dataset.layers) {
        const bool shares = std::find(options.layers_sharing_index_with_x.begin(), options.layers_sharing_index_with_x.end(), name) != options.layers_sharing_index_with_x.end();
        bytes += matrix->nnz() * (shares ? 4 : 8) + matrix->n_rows() * 8;
    }
    if (dataset.raw) bytes += dataset.raw->x->nnz() * 8;
    for (const auto* slots : {&dataset.obsm, &dataset.varm}) {
        for (const auto& [name, dense] : *slots) bytes += static_cast<std::int64_t>(dense.values.size()) * 4;
    }
    for (const auto& [name, graph] : dataset.obsp) bytes += static_cast<std::int64_t>(graph.values.size()) * 8 + graph.n_rows * 8;
    return bytes;
}

struct H5adFile::State {
    WriteH5adOptions options;
    AtomicFile file;
    std::optional<h5::Writer> writer;

    State(const std::filesystem::path& path, const WriteH5adOptions& write_options) : options(write_options), file(path) {}
    ~State() {
        if (!writer) return;
        // The library may keep a file open that it could not finish: give its space back.
        writer.reset();
        std::error_code ignored;
        std::filesystem::resize_file(file.temporary_path(), 0, ignored);
    }
};

H5adFile::H5adFile(const data::Dataset& dataset, const std::filesystem::path& path, const WriteH5adOptions& options, Context& context) {
    data::check_shapes(dataset);
    require_disk_space(path, options.compression == H5adCompression::none ? estimate_h5ad_bytes(dataset, options) : 0, path.filename().string());
    state_ = std::make_unique<State>(path, options);
    state_->writer.emplace(state_->file.temporary_path());
    const hid_t root = state_->writer->root();
    h5::set_encoding(root, "anndata", "0.1.0");
    write_matrices(root, dataset, options, context);
    state_->file.sync_in_background();
}

H5adFile::~H5adFile() = default;

void H5adFile::finish(const data::Dataset& dataset, Context& context) {
    data::check_shapes(dataset);
    write_annotations(state_->writer->root(), dataset, state_->options, context);
    state_->writer->close();
    state_->writer.reset();
    state_->file.commit();
}

void write_h5ad(const data::Dataset& dataset, const std::filesystem::path& path, const WriteH5adOptions& options, Context& context) {
    H5adFile(dataset, path, options, context).finish(dataset, context);
}

}  // namespace morula::formats
