#include "morula/atlas/dataset_id.hpp"

#include <algorithm>
#include <bit>
#include <type_traits>
#include <variant>
#include <vector>

#include "morula/core/error.hpp"
#include "morula/core/hash.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::atlas {
namespace {

static_assert(std::endian::native == std::endian::little, "hashes are over little-endian bytes");

/// Feeds values with their type and number first, so that different contents never give the same stream of bytes.
class ContentHasher {
public:
    void tag(std::string_view name) { add(name); }
    void add(std::string_view text) {
        number(static_cast<std::int64_t>(text.size()));
        hasher_.update(text);
    }
    void number(std::int64_t value) { hasher_.update_values(std::span<const std::int64_t>(&value, 1)); }
    template <class T>
    void add(const std::vector<T>& values) {
        number(static_cast<std::int64_t>(values.size()));
        if constexpr (std::is_same_v<T, std::string>) {
            for (const auto& text : values) add(std::string_view(text));
        } else {
            hasher_.update_values(std::span<const T>(values));
        }
    }
    void add(const matrix::Dense<float>& dense) {
        number(dense.n_rows);
        number(dense.n_cols);
        add(dense.values);
    }
    void add(const data::Booleans& v) { add(v.values); }
    void add(const data::Categorical& v) {
        add(v.codes);
        add(v.categories);
        number(v.ordered ? 1 : 0);
    }
    void add(const data::NullableIntegers& v) {
        add(v.values);
        add(v.present);
    }
    void add(const data::NullableBooleans& v) {
        add(v.values);
        add(v.present);
    }
    void add(const data::RecordArray& v) {
        add(v.fields);
        for (const auto& column : v.columns) {
            number(static_cast<std::int64_t>(column.index()));
            std::visit([this](const auto& values) { add(values); }, column);
        }
    }
    void add(std::monostate) {}
    void add(bool v) { number(v ? 1 : 0); }
    void add(std::int64_t v) { number(v); }
    void add(double v) { hasher_.update_values(std::span<const double>(&v, 1)); }
    void add(const data::Table& table) {
        add(table.index());
        number(static_cast<std::int64_t>(table.columns().size()));
        for (const auto& [name, column] : table.columns()) {
            add(std::string_view(name));
            number(static_cast<std::int64_t>(column.index()));
            std::visit([this](const auto& values) { add(values); }, column);
        }
    }
    void add(const std::map<std::string, matrix::Dense<float>>& mapping) {
        number(static_cast<std::int64_t>(mapping.size()));
        for (const auto& [name, dense] : mapping) {
            add(std::string_view(name));
            add(dense);
        }
    }
    void add(const data::UnsMap& map) {
        number(static_cast<std::int64_t>(map.size()));
        for (const auto& [name, node] : map) {
            add(std::string_view(name));
            number(static_cast<std::int64_t>(node.value.index()));
            std::visit([this](const auto& value) {
                if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>) add(std::string_view(value));
                else add(value);
            }, node.value);
        }
    }
    std::string hex() const { return hasher_.hex(); }

private:
    Hasher hasher_;
};

}  // namespace

struct MatrixHasher::Open {
    Hasher lengths;
    Hasher ids;
    Hasher values;
};

MatrixHasher::MatrixHasher(std::int64_t n_rows, std::int64_t n_cols)
    : n_rows_(n_rows), n_cols_(n_cols), tiles_(static_cast<std::size_t>((n_rows + matrix::kTileCells - 1) / matrix::kTileCells)) {}
MatrixHasher::MatrixHasher(MatrixHasher&&) noexcept = default;
MatrixHasher::~MatrixHasher() = default;

void MatrixHasher::add(const matrix::CsrView& rows, std::int64_t first_row) {
    for (std::int64_t begin = 0; begin < rows.n_rows;) {
        const std::int64_t row = first_row + begin;
        const std::int64_t tile_end = std::min(n_rows_, (row / matrix::kTileCells + 1) * matrix::kTileCells);
        const std::int64_t end = std::min(rows.n_rows, tile_end - first_row);
        Tile& tile = tiles_.at(static_cast<std::size_t>(row / matrix::kTileCells));
        MORULA_ASSERT(tile.n_rows == row % matrix::kTileCells);
        if (!tile.open) tile.open = std::make_unique<Open>();
        for (std::int64_t r = begin; r < end; ++r) {
            const auto length = static_cast<std::int64_t>(rows.row_indices(r).size());
            tile.open->lengths.update_values(std::span<const std::int64_t>(&length, 1));
        }
        const auto first = static_cast<std::size_t>(rows.indptr[static_cast<std::size_t>(begin)]);
        const auto count = static_cast<std::size_t>(rows.indptr[static_cast<std::size_t>(end)]) - first;
        tile.open->ids.update_values(rows.indices.subspan(first, count));
        tile.open->values.update_values(rows.values.subspan(first, count));
        tile.n_rows += end - begin;
        tile.nnz += static_cast<std::int64_t>(count);
        if (first_row + end == tile_end) {
            tile.hashes = tile.open->lengths.hex() + tile.open->ids.hex() + tile.open->values.hex();
            tile.open.reset();
        }
        begin = end;
    }
}

std::string MatrixHasher::finish() const {
    const std::int64_t shape[] = {n_rows_, n_cols_};
    Hasher hasher;
    hasher.update("morula-matrix-1");
    hasher.update_values(std::span<const std::int64_t>(shape));
    for (const Tile& tile : tiles_) {
        MORULA_ASSERT(!tile.hashes.empty());
        hasher.update(tile.hashes);
    }
    return hasher.hex();
}

std::int64_t MatrixHasher::nnz() const {
    std::int64_t sum = 0;
    for (const Tile& tile : tiles_) sum += tile.nnz;
    return sum;
}

std::string dataset_id(const std::map<std::string, std::string>& matrix_hashes, const data::Dataset& dataset) {
    ContentHasher hasher;
    hasher.tag("morula-dataset-1");
    hasher.number(static_cast<std::int64_t>(matrix_hashes.size()));
    for (const auto& [path, hash] : matrix_hashes) {
        hasher.add(std::string_view(path));
        hasher.add(std::string_view(hash));
    }
    hasher.tag("obs");
    hasher.add(dataset.obs);
    hasher.tag("var");
    hasher.add(dataset.var);
    hasher.tag("raw");
    if (dataset.raw) hasher.add(dataset.raw->var);
    hasher.tag("obsm");
    hasher.add(dataset.obsm);
    hasher.tag("varm");
    hasher.add(dataset.varm);
    hasher.tag("uns");
    hasher.add(dataset.uns);
    return hasher.hex();
}

}  // namespace morula::atlas
