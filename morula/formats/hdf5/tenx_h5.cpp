#include "morula/formats/hdf5/tenx_h5.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/formats/hdf5/h5.hpp"
#include "morula/formats/hdf5/h5_matrix.hpp"
#include "morula/formats/hdf5/tenx_genes.hpp"

namespace morula::formats {

namespace {

using h5::Kind;
using h5::Object;

// One compressed-column matrix, genes x cells: its columns are our rows.
struct Part {
    std::vector<std::string> barcodes;
    TenxFeatures features;
    matrix::Matrix x;
};

void check_features(const std::vector<std::string>& column, std::size_t n_genes, const Object& group, const char* name) {
    if (!column.empty() && column.size() != n_genes) {
        invalid_data(group.place() + ": " + name + " has " + std::to_string(column.size()) + " entries, but the matrix has " + std::to_string(n_genes) + " genes.",
                     "Copy or download the file again.");
    }
}

std::vector<std::string> texts_or_none(const Object& group, const std::string& name) {
    return h5::kind_of(group, name) == Kind::dataset ? h5::read_texts(h5::open(group, name)) : std::vector<std::string>{};
}

matrix::Matrix open_counts(const Object& group, std::size_t n_cells, std::size_t n_genes) {
    const std::vector<std::int64_t> shape = h5::read_integers(h5::open(group, "shape"));
    if (shape.size() != 2 || shape[0] != static_cast<std::int64_t>(n_genes) || shape[1] != static_cast<std::int64_t>(n_cells)) {
        const std::string declared = shape.size() == 2 ? std::to_string(shape[0]) + " genes x " + std::to_string(shape[1]) + " cells" : "no shape";
        invalid_data(group.place() + " declares " + declared + ", but names " + std::to_string(n_genes) + " genes and " + std::to_string(n_cells) + " cells.",
                     "Copy or download the file again.");
    }
    return h5::open_csr(group, shape[1], shape[0]);
}

Part read_version_3(const Object& group) {
    Part part;
    part.barcodes = h5::read_texts(h5::open(group, "barcodes"));
    const Object features = h5::open(group, "features");
    part.features.ids = h5::read_texts(h5::open(features, "id"));
    part.features.symbols = texts_or_none(features, "name");
    part.features.types = texts_or_none(features, "feature_type");
    part.features.genomes = texts_or_none(features, "genome");
    const std::size_t n_genes = part.features.ids.size();
    check_features(part.features.symbols, n_genes, features, "name");
    check_features(part.features.types, n_genes, features, "feature_type");
    check_features(part.features.genomes, n_genes, features, "genome");
    part.x = open_counts(group, part.barcodes.size(), n_genes);
    return part;
}

Part read_version_2(const Object& root, const std::string& genome) {
    const Object group = h5::open(root, genome);
    Part part;
    part.barcodes = h5::read_texts(h5::open(group, "barcodes"));
    part.features.ids = h5::read_texts(h5::open(group, "genes"));
    part.features.symbols = texts_or_none(group, "gene_names");
    const std::size_t n_genes = part.features.ids.size();
    check_features(part.features.symbols, n_genes, group, "gene_names");
    part.features.genomes.assign(n_genes, genome);
    part.x = open_counts(group, part.barcodes.size(), n_genes);
    return part;
}

std::vector<std::string> genome_groups(const Object& root) {
    std::vector<std::string> genomes;
    for (const std::string& name : h5::children(root)) {
        if (h5::kind_of(root, name) == Kind::group) {
            const Object group = h5::open(root, name);
            if (h5::kind_of(group, "barcodes") == Kind::dataset && h5::kind_of(group, "genes") == Kind::dataset) {
                genomes.push_back(name);
            }
        }
    }
    return genomes;
}

// Rows of several sources side by side: the genes of one genome after those of another.
class SideBySide : public matrix::RowBlockSource {
public:
    explicit SideBySide(std::vector<matrix::Matrix> parts) : parts_(std::move(parts)) {}

    std::int64_t n_rows() const override { return parts_.front()->n_rows(); }
    std::int64_t n_cols() const override {
        std::int64_t n = 0;
        for (const matrix::Matrix& part : parts_) {
            n += part->n_cols();
        }
        return n;
    }
    std::int64_t nnz() const override {
        std::int64_t n = 0;
        for (const matrix::Matrix& part : parts_) {
            n += part->nnz();
        }
        return n;
    }

    matrix::CsrView read(matrix::Range rows, matrix::CsrScratch& scratch) const override {
        std::vector<matrix::CsrScratch> rooms(parts_.size());
        std::vector<matrix::CsrView> views;
        for (std::size_t p = 0; p < parts_.size(); ++p) {
            views.push_back(parts_[p]->read(rows, rooms[p]));
        }
        matrix::Csr& csr = scratch.csr;
        csr.start(rows.size(), n_cols());
        for (std::int64_t r = 0; r < rows.size(); ++r) {
            std::uint32_t shift = 0;
            for (std::size_t p = 0; p < parts_.size(); ++p) {
                for (const std::uint32_t gene : views[p].row_indices(r)) {
                    csr.indices.push_back(gene + shift);
                }
                const std::span<const float> values = views[p].row_values(r);
                csr.values.insert(csr.values.end(), values.begin(), values.end());
                shift += static_cast<std::uint32_t>(parts_[p]->n_cols());
            }
            csr.end_row();
        }
        return csr.view();
    }

private:
    std::vector<matrix::Matrix> parts_;
};

Part join_genomes(const Object& root, const std::vector<std::string>& genomes) {
    Part all = read_version_2(root, genomes.front());
    std::vector<matrix::Matrix> parts{all.x};
    for (std::size_t g = 1; g < genomes.size(); ++g) {
        Part part = read_version_2(root, genomes[g]);
        if (part.barcodes != all.barcodes) {
            fail(ErrorCode::unsupported, root.place() + ": the genomes " + genomes.front() + " and " + genomes[g] + " do not list the same cells.",
                 "Use the raw_gene_bc_matrices_h5.h5 file, or count each genome by itself.");
        }
        all.features.ids.insert(all.features.ids.end(), part.features.ids.begin(), part.features.ids.end());
        all.features.symbols.insert(all.features.symbols.end(), part.features.symbols.begin(), part.features.symbols.end());
        all.features.genomes.insert(all.features.genomes.end(), part.features.genomes.begin(), part.features.genomes.end());
        parts.push_back(part.x);
    }
    if (parts.size() > 1) {
        all.x = std::make_shared<SideBySide>(std::move(parts));
    }
    return all;
}

Part read_part(const Object& root) {
    if (h5::kind_of(root, "matrix") == Kind::group && h5::kind_of(h5::open(root, "matrix"), "features") == Kind::group) {
        return read_version_3(h5::open(root, "matrix"));
    }
    const std::vector<std::string> genomes = genome_groups(root);
    if (genomes.empty()) {
        invalid_data(root.place() + " is an HDF5 file, but no Cell Ranger matrix: it has neither /matrix/features nor a group of a genome.",
                     "Give filtered_feature_bc_matrix.h5, or an .h5ad file with its ending .h5ad.");
    }
    return join_genomes(root, genomes);
}

void check_barcodes(const std::vector<std::string>& barcodes, const std::string& file) {
    std::unordered_map<std::string_view, std::size_t> first;
    first.reserve(barcodes.size());
    for (std::size_t i = 0; i < barcodes.size(); ++i) {
        const auto [other, fresh] = first.emplace(barcodes[i], i);
        if (!fresh) {
            invalid_data(file + ": the barcode '" + barcodes[i] + "' stands in rows " + std::to_string(other->second + 1) + " and " + std::to_string(i + 1) + ".",
                         "Copy or download the file again.");
        }
    }
}

}  // namespace

data::Dataset read_tenx_h5(const std::filesystem::path& path, Context& context) {
    const Object root = h5::root(h5::open_file(path));
    Part part = read_part(root);
    check_barcodes(part.barcodes, path.string());
    data::Dataset dataset;
    dataset.name = path.filename().string();
    dataset.obs = data::Table(std::move(part.barcodes));
    dataset.var = tenx_gene_table(std::move(part.features), dataset.name, context);
    dataset.layers["X"] = std::move(part.x);
    data::check_shapes(dataset);
    return dataset;
}

}  // namespace morula::formats
