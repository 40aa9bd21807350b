#include "morula/formats/hdf5/read_h5ad.hpp"

#include <algorithm>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/formats/hdf5/h5.hpp"
#include "morula/formats/hdf5/h5_matrix.hpp"
#include "morula/formats/hdf5/h5ad_values.hpp"

namespace morula::formats {

namespace {

using h5::Kind;
using h5::Object;

bool is_tenx(const std::vector<std::string>& names, const Object& root) {
    for (const std::string& name : names) {
        if (h5::kind_of(root, name) == Kind::group) {
            const Object group = h5::open(root, name);
            if (h5::kind_of(group, "barcodes") == Kind::dataset && h5::kind_of(group, "indptr") == Kind::dataset) {
                return true;
            }
        }
    }
    return false;
}

Hdf5Kind kind_of_file(const Object& root) {
    const std::vector<std::string> names = h5::children(root);
    const auto has = [&](const char* name) { return std::binary_search(names.begin(), names.end(), name); };
    if (has("obs") && has("var")) {
        return Hdf5Kind::h5ad;
    }
    if (has("row_attrs") && has("col_attrs") && has("matrix")) {
        return Hdf5Kind::loom;
    }
    return is_tenx(names, root) ? Hdf5Kind::tenx_h5 : Hdf5Kind::other;
}

// A file that is not AnnData gets told what it looks like.
void check_is_h5ad(const Object& root) {
    switch (kind_of_file(root)) {
        case Hdf5Kind::h5ad:
            return;
        case Hdf5Kind::loom:
            fail(ErrorCode::unsupported, root.place() + " is a loom file.", "Convert it to h5ad: in Python, anndata.io.read_loom, then write_h5ad.");
        case Hdf5Kind::tenx_h5:
            invalid_data(root.place() + " is a Cell Ranger matrix (.h5), not an h5ad file.", "Give it the ending .h5.");
        case Hdf5Kind::not_hdf5:
        case Hdf5Kind::other:
            break;
    }
    std::string found;
    for (const std::string& name : h5::children(root)) {
        if (found.size() < 80) {
            found += (found.empty() ? "" : ", ") + name;
        }
    }
    invalid_data(root.place() + " is an HDF5 file, but no AnnData file: it has no obs and var (it has " + (found.empty() ? "nothing" : found) + ").", "Give an .h5ad file.");
}

bool is_null(const Object& parent, const std::string& name) {
    const Kind kind = h5::kind_of(parent, name);
    return kind == Kind::none || (kind == Kind::dataset && h5::text_attribute(h5::open(parent, name), "encoding-type") == "null");
}

matrix::Matrix read_matrix(const Object& parent, const std::string& name, std::int64_t n_rows, std::int64_t n_cols, Context& context) {
    const Object object = h5::open(parent, name);
    const h5::MatrixInfo info = h5::matrix_info(object);
    if (info.n_rows != n_rows || info.n_cols != n_cols) {
        invalid_data(object.place() + " is " + std::to_string(info.n_rows) + " x " + std::to_string(info.n_cols) + ", but there are " + std::to_string(n_rows) + " cells and " +
                         std::to_string(n_cols) + " genes.",
                     "The file is inconsistent: write it again.");
    }
    return h5::open_matrix(object, context);
}

// Children of a group that may be missing.
std::vector<std::string> children_of(const Object& root, const std::string& group) {
    return h5::kind_of(root, group) == Kind::group ? h5::children(h5::open(root, group)) : std::vector<std::string>{};
}

void read_layers(const Object& root, data::Dataset& dataset, Context& context) {
    if (!is_null(root, "X")) {
        dataset.layers["X"] = read_matrix(root, "X", dataset.n_cells(), dataset.n_genes(), context);
    }
    for (const std::string& name : children_of(root, "layers")) {
        if (name == "X") {
            invalid_data(root.place() + "layers/X has the name of the main matrix.", "Rename the layer.");
        }
        dataset.layers[name] = read_matrix(h5::open(root, "layers"), name, dataset.n_cells(), dataset.n_genes(), context);
    }
}

void read_raw(const Object& root, data::Dataset& dataset, h5::Omissions& omissions, Context& context) {
    if (h5::kind_of(root, "raw") != Kind::group) {
        return;
    }
    const Object raw = h5::open(root, "raw");
    if (h5::kind_of(raw, "X") == Kind::none) {
        omissions.add("raw", "without X");
        return;
    }
    data::Raw slot;
    slot.var = h5::read_table(h5::open(raw, "var"), h5::RepeatedNames::make_unique, omissions, context);
    slot.x = read_matrix(raw, "X", dataset.n_cells(), slot.var.n_rows(), context);
    for (const std::string& name : children_of(raw, "varm")) {
        omissions.add("raw/varm/" + name, "loadings of raw");
    }
    dataset.raw = std::move(slot);
}

// Dense tables of numbers beside obs or var; the rest is left out.
std::map<std::string, matrix::Dense<float>> read_embeddings(const Object& root, const std::string& slot, std::int64_t n_rows, h5::Omissions& omissions) {
    std::map<std::string, matrix::Dense<float>> embeddings;
    for (const std::string& name : children_of(root, slot)) {
        const Object group = h5::open(root, slot);
        const Kind kind = h5::kind_of(group, name);
        if (kind != Kind::dataset) {
            const std::string encoding = kind == Kind::group ? h5::text_attribute(h5::open(group, name), "encoding-type") : "link";
            omissions.add(slot + "/" + name, encoding.empty() ? "not a dense array" : encoding);
            continue;
        }
        const Object object = h5::open(group, name);
        const h5::DatasetInfo info = h5::dataset_info(object);
        if (info.shape.size() != 2 || (info.type != h5::TypeClass::integer && info.type != h5::TypeClass::real)) {
            omissions.add(slot + "/" + name, std::to_string(info.shape.size()) + "-dimensional array");
            continue;
        }
        if (info.shape[0] != n_rows) {
            invalid_data(object.place() + " has " + std::to_string(info.shape[0]) + " rows, where " + std::to_string(n_rows) + " are expected.", "The file is inconsistent: write it again.");
        }
        matrix::Dense<float>& dense = embeddings[name];
        dense.n_rows = info.shape[0];
        dense.n_cols = info.shape[1];
        dense.values = h5::read_floats(object);
    }
    return embeddings;
}

void read_graphs(const Object& root, data::Dataset& dataset, h5::Omissions& omissions, Context& context) {
    for (const std::string& name : children_of(root, "obsp")) {
        const Object group = h5::open(root, "obsp");
        const Object object = h5::open(group, name);
        const std::string encoding = h5::text_attribute(object, "encoding-type");
        if (h5::kind_of(group, name) == Kind::dataset || (encoding != "csr_matrix" && encoding != "csc_matrix")) {
            omissions.add("obsp/" + name, encoding.empty() ? "dense" : encoding);
            continue;
        }
        const matrix::Matrix graph = read_matrix(group, name, dataset.n_cells(), dataset.n_cells(), context);
        context.require_memory(8 * graph->nnz() + 8 * graph->n_rows(), "Reading " + object.place());
        dataset.obsp[name] = matrix::read_all(*graph, context);
    }
}

}  // namespace

data::Dataset read_h5ad(const std::filesystem::path& path, Context& context) {
    const Object root = h5::root(h5::open_file(path));
    check_is_h5ad(root);
    h5::Omissions omissions;
    data::Dataset dataset;
    dataset.name = path.filename().string();
    dataset.obs = h5::read_table(h5::open(root, "obs"), h5::RepeatedNames::refuse, omissions, context);
    context.check_cancelled();
    dataset.var = h5::read_table(h5::open(root, "var"), h5::RepeatedNames::make_unique, omissions, context);
    read_layers(root, dataset, context);
    read_raw(root, dataset, omissions, context);
    dataset.obsm = read_embeddings(root, "obsm", dataset.n_cells(), omissions);
    dataset.varm = read_embeddings(root, "varm", dataset.n_genes(), omissions);
    read_graphs(root, dataset, omissions, context);
    for (const std::string& name : children_of(root, "varp")) {
        omissions.add("varp/" + name, "pairs of genes");
    }
    if (h5::kind_of(root, "uns") == Kind::group) {
        dataset.uns = h5::read_uns(h5::open(root, "uns"), omissions);
    }
    data::check_shapes(dataset);
    omissions.report(dataset.name, context);
    return dataset;
}

H5adInfo info(const std::filesystem::path& path) {
    const Object root = h5::root(h5::open_file(path));
    check_is_h5ad(root);
    H5adInfo info;
    const h5::TableInfo obs = h5::table_info(h5::open(root, "obs"));
    const h5::TableInfo var = h5::table_info(h5::open(root, "var"));
    info.n_cells = obs.n_rows;
    info.n_genes = var.n_rows;
    info.obs = obs.columns;
    info.var = var.columns;
    if (!is_null(root, "X")) {
        info.layers.emplace_back("X");
        info.nnz = h5::matrix_info(h5::open(root, "X")).nnz;
    }
    for (const std::string& name : children_of(root, "layers")) {
        info.layers.push_back(name);
    }
    if (h5::kind_of(root, "raw") == Kind::group && h5::kind_of(h5::open(root, "raw"), "X") != Kind::none) {
        info.layers.emplace_back("raw.X");
    }
    info.obsm = children_of(root, "obsm");
    return info;
}

Hdf5Kind probe_hdf5(const std::filesystem::path& path) {
    return h5::has_signature(path) ? kind_of_file(h5::root(h5::open_file(path))) : Hdf5Kind::not_hdf5;
}

}  // namespace morula::formats
