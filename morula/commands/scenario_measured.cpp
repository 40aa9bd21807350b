#include "morula/commands/scenario_measured.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"
#include "morula/formats/hdf5/read_h5ad.hpp"
#include "morula/formats/text/delimited.hpp"

namespace morula::commands::scenario_detail {
namespace {

namespace fs = std::filesystem;
using formats::RawTable;

double number_at(const RawTable& table, std::size_t row, std::size_t column) {
    const std::string& text = table.rows[row][column];
    double value = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) invalid_data(fmt::format("{}: '{}' is no number.", table.place(row, column), text), "Give positions as numbers.");
    return value;
}

Measured read_csv(const fs::path& path, const MeasuredOptions& options, Context& context) {
    const RawTable table = formats::read_rows(path, {}, context);
    const std::array<std::size_t, 3> columns{table.column(options.x), table.column(options.y), table.find(options.z)};
    const std::size_t label = options.type.empty() ? std::string::npos : table.find(options.type);
    if (!options.type.empty() && label == std::string::npos) {
        invalid_data(fmt::format("{} has no column '{}'.", path.string(), options.type), fmt::format("Add it, name a type beside the file, or give type_column; there are: {}.", fmt::join(table.names, ", ")));
    }
    Measured measured;
    measured.has_z = columns[2] != std::string::npos;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        std::array<double, 3> position{};
        for (std::size_t axis = 0; axis < 3; ++axis) {
            if (columns[axis] != std::string::npos) position[axis] = number_at(table, row, columns[axis]);
        }
        measured.positions.push_back(position);
        measured.places.push_back(table.place(row, label == std::string::npos ? columns[0] : label));
        if (label != std::string::npos) measured.labels.push_back(table.rows[row][label]);
    }
    return measured;
}

const data::Column& labels_of(const data::Dataset& dataset, const fs::path& path, const std::string& name) {
    if (const data::Column* column = dataset.obs.find(name)) return *column;
    const std::string nearest = nearest_name(name, dataset.obs.names());
    const std::string there = dataset.obs.names().empty() ? "obs has none at all" : fmt::format("there are: {}", fmt::join(dataset.obs.names(), ", "));
    fail(ErrorCode::not_found, fmt::format("{} has no obs column '{}'.", path.string(), name), nearest.empty() ? fmt::format("Name a type beside the file, or give type_column; {}.", there) : fmt::format("Did you mean '{}'?", nearest));
}

Measured read_h5ad_cells(const fs::path& path, const MeasuredOptions& options, Context& context) {
    const data::Dataset dataset = formats::read_h5ad_checked(path, context);
    const auto spatial = dataset.obsm.find("spatial");
    if (spatial == dataset.obsm.end()) {
        std::vector<std::string> names;
        for (const auto& [name, values] : dataset.obsm) names.push_back(name);
        fail(ErrorCode::not_found, fmt::format("{} has no obsm spatial.", path.string()), names.empty() ? "It has no obsm at all: name a file with positions." : fmt::format("It has: {}.", fmt::join(names, ", ")));
    }
    const matrix::Dense<float>& values = spatial->second;
    if (values.n_cols < 2 || values.n_cols > 3) invalid_data(fmt::format("{}, obsm spatial: has {} columns.", path.string(), values.n_cols), "Positions have two or three.");
    Measured measured;
    measured.has_z = values.n_cols == 3;
    if (!options.type.empty()) measured.labels = data::column_texts(labels_of(dataset, path, options.type));
    if (dataset.obs.has("state") && dataset.obs.has("minutes_in_state")) measured.states = data::column_texts(dataset.obs.at("state"));
    for (std::int64_t cell = 0; cell < values.n_rows; ++cell) {
        std::array<double, 3> position{};
        for (std::int64_t axis = 0; axis < values.n_cols; ++axis) position[static_cast<std::size_t>(axis)] = static_cast<double>(values(cell, axis));
        measured.places.push_back(fmt::format("{}, cell '{}'", path.string(), dataset.obs.index()[static_cast<std::size_t>(cell)]));
        if (!std::isfinite(position[0] + position[1] + position[2])) invalid_data(fmt::format("{}: its place in obsm spatial is no number.", measured.places.back()), "Leave out cells without a place.");
        measured.positions.push_back(position);
    }
    return measured;
}

/// um a pixel of the full image: spots of one row are kVisiumPitchUm apart, two columns of the array. Nothing where no two are.
std::optional<double> visium_scale(const RawTable& table, std::size_t array_row, std::size_t array_column, std::size_t row_pixel, std::size_t column_pixel) {
    std::map<std::pair<double, double>, std::size_t> at;
    for (std::size_t row = 0; row < table.rows.size(); ++row) at[{number_at(table, row, array_row), number_at(table, row, array_column)}] = row;
    std::vector<double> apart;
    for (const auto& [place, row] : at) {
        const auto next = at.find({place.first, place.second + 2.0});
        if (next != at.end()) apart.push_back(std::hypot(number_at(table, row, row_pixel) - number_at(table, next->second, row_pixel), number_at(table, row, column_pixel) - number_at(table, next->second, column_pixel)));
    }
    if (apart.empty()) return std::nullopt;
    const auto middle = apart.begin() + std::ssize(apart) / 2;
    std::nth_element(apart.begin(), middle, apart.end());
    return *middle > 0.0 ? std::optional(kVisiumPitchUm / *middle) : std::nullopt;
}

Measured read_visium(const fs::path& folder, const MeasuredOptions& options, Context& context) {
    fs::path path = folder / "spatial" / "tissue_positions.csv";
    const bool has_header = fs::exists(path);
    if (!has_header) path = folder / "spatial" / "tissue_positions_list.csv";
    if (!fs::exists(path)) fail(ErrorCode::not_found, fmt::format("{} has no spatial/tissue_positions.csv.", folder.string()), "Name a folder that Space Ranger wrote, an h5ad file or a CSV.");
    const RawTable table = formats::read_rows(path, {.header = has_header ? formats::Header::yes : formats::Header::no}, context);
    if (table.names.size() < 6) invalid_data(fmt::format("{} has {} columns.", path.string(), table.names.size()), "Space Ranger writes six.");
    const auto at = [&](std::string_view name, std::size_t number) { return has_header ? table.column(name) : number; };
    const std::size_t barcode = at("barcode", 0), under_tissue = at("in_tissue", 1), row_pixel = at("pxl_row_in_fullres", 4), column_pixel = at("pxl_col_in_fullres", 5);
    std::map<std::string, std::string> label_of;
    if (!options.labels.empty()) {
        const RawTable labels = formats::read_rows(options.labels, {}, context);
        const std::size_t spot = labels.column("barcode"), type = labels.column(options.type);
        for (const auto& fields : labels.rows) label_of[fields[spot]] = fields[type];
    }
    Measured measured;
    measured.um_per_unit = visium_scale(table, at("array_row", 2), at("array_col", 3), row_pixel, column_pixel);
    measured.spot_um = kVisiumSpotUm;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        if (table.rows[row][under_tissue] != "1") continue;
        measured.positions.push_back({number_at(table, row, column_pixel), number_at(table, row, row_pixel), 0.0});
        measured.places.push_back(table.place(row, barcode));
        if (!options.labels.empty()) measured.labels.push_back(label_of[table.rows[row][barcode]]);
    }
    return measured;
}

}  // namespace

Measured read_measured(const fs::path& path, const MeasuredOptions& options, Context& context) {
    if (fs::is_directory(path)) return read_visium(path, options, context);
    if (!fs::exists(path)) fail(ErrorCode::not_found, fmt::format("{} does not exist.", path.string()), "Cells are a CSV, an h5ad file or a Visium folder beside the scenario.");
    switch (formats::probe_hdf5(path)) {
        case formats::Hdf5Kind::not_hdf5: return read_csv(path, options, context);
        case formats::Hdf5Kind::h5ad: return read_h5ad_cells(path, options, context);
        default: break;
    }
    fail(ErrorCode::unsupported, fmt::format("{} is an HDF5 file, and no h5ad file.", path.string()), "Write it as h5ad with obsm spatial, or the positions as CSV.");
}

}  // namespace morula::commands::scenario_detail
