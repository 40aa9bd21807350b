#include "morula/simulation/layouts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

#include "morula/core/error.hpp"

namespace morula::simulation {
namespace {

using std::numbers::pi;
using Point = std::array<double, 3>;

constexpr double kMostCells = 4e9;
constexpr double kMostAcross = 1e5;
const double kRow = std::sqrt(0.75);  // from row to row of a hexagonal sheet with neighbours 1 apart

/// Sizes that are above 0, and no longer than kMostAcross cells: so nothing below overflows or runs on without end.
void check(const LayoutFrame& frame, std::initializer_list<double> sizes) {
    bool fine = frame.spacing_um > 0.0 && std::isfinite(frame.spacing_um);
    for (const double size : sizes) fine = fine && size > 0.0 && std::isfinite(size);
    if (!fine) invalid_data("A size of a tissue template is not above 0.", "Give sizes in um, above 0.");
    for (const double size : sizes) {
        if (size / frame.spacing_um > kMostAcross) invalid_data(fmt::format("A tissue template is too large: {:g} um are more than {:g} cells.", size, kMostAcross), "Give a smaller tissue.");
    }
}
void check_layers(std::int64_t layers, std::string_view what) {
    if (layers < 0 || static_cast<double>(layers) > kMostAcross) invalid_data(fmt::format("{} layers of {} cannot be laid out.", layers, what), fmt::format("Give 0 to {:g}.", kMostAcross));
}

void require(double n_cells, Context& context) {
    if (!(n_cells < kMostCells)) invalid_data(fmt::format("A tissue template is too large: it would have {:.2g} cells.", n_cells), "Give a smaller tissue.");
    context.require_memory(static_cast<std::int64_t>(n_cells * static_cast<double>(kBytesAnAgent)), "the cells");
}

Layout with_cells(Layout layout) {
    if (layout.empty()) invalid_data("A tissue template is too small for a single cell.", "Give a larger tissue, or smaller cells.");
    return layout;
}

/// Close packing within a box of half sizes `reach` around the middle, part_of(position from the middle) says where each place belongs, -1 to nothing.
template <class PartOf>
Layout pack(const LayoutFrame& frame, const Point& reach, const PartOf& part_of, Context& context) {
    const double s = frame.spacing_um;
    Layout layout;
    const auto add = [&](const Point& from) {
        const std::int32_t part = part_of(from);
        if (part >= 0) layout.push_back({{frame.center_um[0] + from[0], frame.center_um[1] + from[1], frame.center_um[2] + from[2]}, part});
    };
    if (frame.space == Space::flat) {
        require(4.0 * reach[0] * reach[1] / (s * s * kRow), context);
        const auto rows = static_cast<std::int64_t>(reach[1] / (s * kRow)) + 1;
        const auto columns = static_cast<std::int64_t>(reach[0] / s) + 1;
        for (std::int64_t y = -rows; y <= rows; ++y) {
            for (std::int64_t x = -columns; x <= columns; ++x) add({s * (static_cast<double>(x) + (y % 2 == 0 ? 0.0 : 0.5)), s * kRow * static_cast<double>(y), 0.0});
        }
        return layout;
    }
    const double half = s / std::numbers::sqrt2;
    require(8.0 * reach[0] * reach[1] * reach[2] / (2.0 * half * half * half), context);
    std::array<std::int64_t, 3> most{};
    for (std::size_t axis = 0; axis < 3; ++axis) most[axis] = static_cast<std::int64_t>(reach[axis] / half) + 1;
    for (std::int64_t z = -most[2]; z <= most[2]; ++z) {
        for (std::int64_t y = -most[1]; y <= most[1]; ++y) {
            for (std::int64_t x = -most[0]; x <= most[0]; ++x) {
                if ((x + y + z) % 2 == 0) add({half * static_cast<double>(x), half * static_cast<double>(y), half * static_cast<double>(z)});
            }
        }
    }
    return layout;
}

/// n places on a circle at a height, turned by `turn` of the way from one to the next.
void add_ring(Layout& layout, const LayoutFrame& frame, double radius, double height, double turn, std::int32_t part) {
    const auto n = static_cast<std::int64_t>(2.0 * pi * radius / frame.spacing_um);
    for (std::int64_t i = 0; i < n; ++i) {
        const double angle = 2.0 * pi * (static_cast<double>(i) + turn) / static_cast<double>(n);
        layout.push_back({{frame.center_um[0] + radius * std::cos(angle), frame.center_um[1] + radius * std::sin(angle), frame.center_um[2] + height}, part});
    }
}

/// Equal areas on a sphere, one cell in the middle of each: heights in equal steps, turned by the golden angle.
void add_shell(Layout& layout, const LayoutFrame& frame, double radius, std::int32_t part) {
    const auto n = static_cast<std::int64_t>(4.0 * pi * radius * radius / (frame.spacing_um * frame.spacing_um));
    const double golden = pi * (3.0 - std::sqrt(5.0));
    for (std::int64_t i = 0; i < n; ++i) {
        const double z = 1.0 - (2.0 * static_cast<double>(i) + 1.0) / static_cast<double>(n);
        const double across = std::sqrt(1.0 - z * z);
        const double angle = golden * static_cast<double>(i);
        layout.push_back({{frame.center_um[0] + radius * across * std::cos(angle), frame.center_um[1] + radius * across * std::sin(angle), frame.center_um[2] + radius * z}, part});
    }
}

}  // namespace

Layout spheroid_layout(const LayoutFrame& frame, double radius_um, Context& context) {
    check(frame, {radius_um});
    return pack(frame, {radius_um, radius_um, radius_um}, [&](const Point& from) { return std::hypot(from[0], from[1], from[2]) > radius_um ? -1 : 0; }, context);
}

double crypt_ring_radius_um(std::int64_t n_cells, double spacing_um) { return spacing_um / (2.0 * std::sin(pi / static_cast<double>(n_cells))); }

Layout crypt_ring_layout(const LayoutFrame& frame, std::int64_t n_cells, Context& context) {
    check(frame, {});
    if (n_cells < 3) invalid_data(fmt::format("A ring of {} cells is none.", n_cells), "Give at least 3 cells.");
    require(static_cast<double>(n_cells), context);
    const double radius = crypt_ring_radius_um(n_cells, frame.spacing_um);
    Layout layout;
    for (std::int64_t i = 0; i < n_cells; ++i) {
        const double angle = 2.0 * pi * static_cast<double>(i) / static_cast<double>(n_cells);
        layout.push_back({{frame.center_um[0] + radius * std::cos(angle), frame.center_um[1] + radius * std::sin(angle), frame.center_um[2]}, 0});
    }
    return layout;
}

std::array<std::array<double, 2>, 6> lobule_corners_um(const LayoutFrame& frame, double side_um) {
    std::array<std::array<double, 2>, 6> corners{};
    for (std::size_t k = 0; k < 6; ++k) {
        const double angle = pi / 3.0 * static_cast<double>(k);
        corners[k] = {frame.center_um[0] + side_um * std::cos(angle), frame.center_um[1] + side_um * std::sin(angle)};
    }
    return corners;
}

Layout lobule_layout(const LayoutFrame& frame, const LobuleSizes& sizes, Context& context) {
    check(frame, {sizes.side_um, sizes.height_um, sizes.central_radius_um, sizes.portal_radius_um});
    const auto corners = lobule_corners_um({.center_um = {}, .space = frame.space, .spacing_um = frame.spacing_um}, sizes.side_um);
    const auto part_of = [&](const Point& from) -> std::int32_t {
        if (frame.space == Space::solid && std::abs(from[2]) > sizes.height_um / 2.0) return -1;
        for (std::size_t k = 0; k < 6; ++k) {
            const double angle = pi / 6.0 + pi / 3.0 * static_cast<double>(k);
            if (from[0] * std::cos(angle) + from[1] * std::sin(angle) > sizes.side_um * kRow) return -1;
            if (std::hypot(from[0] - corners[k][0], from[1] - corners[k][1]) < sizes.portal_radius_um) return -1;
        }
        return std::hypot(from[0], from[1]) < sizes.central_radius_um ? -1 : 0;
    };
    return with_cells(pack(frame, {sizes.side_um, sizes.side_um, sizes.height_um / 2.0}, part_of, context));
}

Layout islet_layout(const LayoutFrame& frame, const IsletSizes& sizes, Context& context) {
    check(frame, {sizes.radius_um, sizes.mantle_um});
    const auto part_of = [&](const Point& from) -> std::int32_t {
        const double r = std::hypot(from[0], from[1], from[2]);
        return r > sizes.radius_um ? -1 : r > sizes.radius_um - sizes.mantle_um ? 1 : 0;
    };
    return pack(frame, {sizes.radius_um, sizes.radius_um, sizes.radius_um}, part_of, context);
}

Layout vessel_layout(const LayoutFrame& frame, const VesselSizes& sizes, Context& context) {
    check(frame, {sizes.lumen_radius_um, sizes.length_um});
    check_layers(sizes.muscle_layers, "muscle");
    const double s = frame.spacing_um;
    const std::int64_t n_rings = frame.space == Space::flat ? 1 : static_cast<std::int64_t>(sizes.length_um / (s * kRow)) + 1;
    const auto layers = static_cast<double>(1 + sizes.muscle_layers);
    require(static_cast<double>(n_rings) * layers * 2.0 * pi * (sizes.lumen_radius_um / s + layers), context);
    Layout layout;
    for (std::int64_t layer = 0; layer <= sizes.muscle_layers; ++layer) {
        const double radius = sizes.lumen_radius_um + s * (0.5 + static_cast<double>(layer));
        for (std::int64_t ring = 0; ring < n_rings; ++ring) {
            const double height = s * kRow * (static_cast<double>(ring) - static_cast<double>(n_rings - 1) / 2.0);
            add_ring(layout, frame, radius, height, ring % 2 == 0 ? 0.0 : 0.5, layer == 0 ? 0 : 1);
        }
    }
    return with_cells(std::move(layout));
}

Layout alveolus_layout(const LayoutFrame& frame, double radius_um, Context& context) {
    check(frame, {radius_um});
    const double outside = radius_um + frame.spacing_um;
    require(8.0 * pi * outside * outside / (frame.spacing_um * frame.spacing_um), context);
    Layout layout;
    for (std::int32_t part = 0; part < 2; ++part) {
        const double radius = part == 0 ? radius_um : outside;
        if (frame.space == Space::flat) add_ring(layout, frame, radius, 0.0, 0.0, part);
        else add_shell(layout, frame, radius, part);
    }
    return with_cells(std::move(layout));
}

Layout skin_layout(const LayoutFrame& frame, const SkinSizes& sizes, Context& context) {
    check(frame, {sizes.width_um, sizes.dermis_um});
    check_layers(sizes.suprabasal_layers, "suprabasal cells");
    const double s = frame.spacing_um;
    const auto n_dermis = static_cast<std::int64_t>(sizes.dermis_um / (2.0 * s));
    const auto n_layers = static_cast<double>(n_dermis + 1 + sizes.suprabasal_layers);
    const std::size_t up = frame.space == Space::flat ? 1 : 2;
    const std::int64_t n_deep = up == 1 ? 1 : static_cast<std::int64_t>(sizes.width_um / (s * kRow)) + 1;
    require(n_layers * static_cast<double>(n_deep) * (sizes.width_um / s + 1.0), context);
    const double height = 2.0 * s * static_cast<double>(n_dermis) + s * static_cast<double>(sizes.suprabasal_layers);
    Layout layout;
    // One sheet at a height over the lowest cells; every other row, and every other layer, is shifted by half a cell.
    const auto add_sheet = [&](double above, double spacing, std::int64_t layer, std::int32_t part) {
        const auto n_wide = static_cast<std::int64_t>(sizes.width_um / spacing);
        const std::int64_t n_rows = up == 1 ? 1 : static_cast<std::int64_t>(sizes.width_um / (spacing * kRow));
        for (std::int64_t row = 0; row < n_rows; ++row) {
            const double shift = (row + layer) % 2 == 1 ? 0.5 * spacing : 0.0;
            for (std::int64_t i = 0; i < n_wide; ++i) {
                Point at = frame.center_um;
                at[0] += spacing * (static_cast<double>(i) - static_cast<double>(n_wide) / 2.0) + shift + 0.25 * spacing;
                if (up == 2) at[1] += spacing * kRow * (static_cast<double>(row) - static_cast<double>(n_rows - 1) / 2.0);
                at[up] += above - height / 2.0;
                layout.push_back({at, part});
            }
        }
    };
    for (std::int64_t k = 0; k < n_dermis; ++k) add_sheet(2.0 * s * static_cast<double>(k), 2.0 * s, k, 0);
    const double basal = 2.0 * s * static_cast<double>(n_dermis);
    for (std::int64_t k = 0; k <= sizes.suprabasal_layers; ++k) add_sheet(basal + s * static_cast<double>(k), s, k, k == 0 ? 1 : 2);
    return with_cells(std::move(layout));
}

}  // namespace morula::simulation
