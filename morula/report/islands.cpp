#include "morula/report/islands.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "morula/report/charts_simulation.hpp"
#include "morula/report/html.hpp"

namespace morula::report {
namespace {

constexpr std::uint16_t kMissing16 = 65535;
constexpr double kLevels16 = 65534.0;

std::string island(std::string_view id, const std::string& json) { return fmt::format("<script type=\"application/json\" id=\"{}\">{}</script>\n", id, json); }

std::string json_number(double value) { return std::isfinite(value) ? fmt::format("{:.6g}", value) : "null"; }

/// [a, b, c] of any range, each item written by `write`.
template <class Items, class Write>
std::string json_array(const Items& items, Write write) {
    std::string out = "[";
    bool first = true;
    for (const auto& item : items) {
        if (!std::exchange(first, false)) out.push_back(',');
        out += write(item);
    }
    return out + "]";
}

std::string json_strings(const std::vector<std::string>& items) { return json_array(items, [](const std::string& item) { return json_string(item); }); }

std::string base64_of(const std::vector<std::uint16_t>& values) {
    std::vector<std::byte> bytes;
    bytes.reserve(values.size() * 2);
    for (const std::uint16_t value : values) {
        bytes.push_back(static_cast<std::byte>(value & 0xFF));
        bytes.push_back(static_cast<std::byte>(value >> 8));
    }
    return fmt::format("\"{}\"", base64(bytes));
}

std::string base64_of(const std::vector<std::uint8_t>& values) { return fmt::format("\"{}\"", base64(std::as_bytes(std::span(values)))); }

struct Quantized {
    std::vector<std::uint16_t> values;
    double low = 0.0;
    double high = 1.0;
};

Quantized quantize16(std::span<const float> values, bool log_scale) {
    const auto place = [log_scale](float value) { return log_scale ? std::log1p(std::max(0.0, static_cast<double>(value))) : static_cast<double>(value); };
    Quantized out;
    bool any = false;
    for (const float value : values) {
        if (!std::isfinite(value)) continue;
        const double at = place(value);
        out.low = any ? std::min(out.low, at) : at;
        out.high = any ? std::max(out.high, at) : at;
        any = true;
    }
    if (!(out.high > out.low)) out.high = out.low + 1.0;
    out.values.reserve(values.size());
    for (const float value : values) {
        out.values.push_back(std::isfinite(value) ? static_cast<std::uint16_t>(std::lround((place(value) - out.low) / (out.high - out.low) * kLevels16)) : kMissing16);
    }
    return out;
}

/// Codes as uint8 when they fit (255 = missing), else uint16 (65535 = missing).
std::string code_fields(const std::vector<std::int32_t>& codes, std::size_t n_categories) {
    const bool small = n_categories < 255;
    if (small) {
        std::vector<std::uint8_t> bytes;
        bytes.reserve(codes.size());
        for (const std::int32_t code : codes) bytes.push_back(code < 0 ? std::uint8_t{255} : static_cast<std::uint8_t>(code));
        return "\"bits\":8,\"codes\":" + base64_of(bytes);
    }
    std::vector<std::uint16_t> words;
    words.reserve(codes.size());
    for (const std::int32_t code : codes) words.push_back(code < 0 || code >= kMissing16 ? kMissing16 : static_cast<std::uint16_t>(code));
    return "\"bits\":16,\"codes\":" + base64_of(words);
}

std::string positions(std::span<const float> x, std::span<const float> y) {
    const Quantized qx = quantize16(x, false), qy = quantize16(y, false);
    return fmt::format("\"x\":{},\"y\":{},\"box\":[{},{},{},{}]", base64_of(qx.values), base64_of(qy.values), json_number(qx.low), json_number(qx.high), json_number(qy.low), json_number(qy.high));
}

/// Writes frames in the levels of one box and of one range a substance, so that colours mean the same in all.
class FrameCoder {
public:
    explicit FrameCoder(const SimulationStory& story) : story_(story), n_axes_(story.is_flat ? 2U : 3U), ranges_(story.player.substances.size()) {
        for (const Frame& frame : story.player.frames) {
            for (std::size_t axis = 0; axis < 3; ++axis) box_[axis].cover(axis == 0 ? frame.x : axis == 1 ? frame.y : frame.z);
            for (std::size_t s = 0; s < ranges_.size(); ++s) ranges_[s].cover(frame.levels[s]);
            for (const float radius : frame.radius) radius_ = std::max(radius_, radius);
        }
    }

    std::vector<std::uint8_t> encode(const Frame& frame) const {
        std::vector<std::uint8_t> out;
        for (std::size_t axis = 0; axis < n_axes_; ++axis) put(out, box_[axis], axis == 0 ? frame.x : axis == 1 ? frame.y : frame.z);
        for (std::size_t s = 0; s < ranges_.size(); ++s) put(out, ranges_[s], frame.levels[s]);
        for (const std::uint16_t kind : frame.kind) {
            out.push_back(static_cast<std::uint8_t>(kind & 0xFF));
            if (has_wide_kinds()) out.push_back(static_cast<std::uint8_t>(kind >> 8));
        }
        for (const float radius : frame.radius) out.push_back(static_cast<std::uint8_t>(std::lround(radius_ > 0.0F ? radius / radius_ * 255.0F : 0.0F)));
        return out;
    }

    /// Fields of the island that say what the levels mean.
    std::string header() const {
        std::vector<std::size_t> held(ranges_.size());
        std::iota(held.begin(), held.end(), std::size_t{0});
        constexpr std::array<std::size_t, 3> kAxes = {0, 1, 2};
        std::string json = fmt::format("\"bits\":{},\"radius\":{},\"box\":", has_wide_kinds() ? 16 : 8, json_number(radius_)) + json_array(box_, [](const Range& range) { return range.json(); });
        json += ",\"domain\":" + json_array(kAxes, [&](std::size_t axis) { return Range{story_.origin_um[axis], story_.origin_um[axis] + story_.box_um[axis]}.json(); });
        return json + ",\"substances\":" + json_array(held, [&](std::size_t s) {
            const SimulatedSubstance& own = story_.substances[static_cast<std::size_t>(story_.player.substances[s])];
            return fmt::format("{{\"name\":{},\"unit\":{},\"range\":{}}}", json_string(own.name), json_string(unit_behind("", own.unit)), ranges_[s].json());
        });
    }

private:
    struct Range {
        double low = std::numeric_limits<double>::infinity();
        double high = -std::numeric_limits<double>::infinity();

        void cover(const std::vector<float>& values) {
            for (const float value : values) {
                if (!std::isfinite(value)) continue;
                low = std::min(low, static_cast<double>(value));
                high = std::max(high, static_cast<double>(value));
            }
        }
        std::string json() const { return low <= high ? fmt::format("[{:.9g},{:.9g}]", low, high) : "[0,1]"; }
    };

    bool has_wide_kinds() const { return story_.kinds.size() > 256; }

    static void put(std::vector<std::uint8_t>& out, const Range& range, const std::vector<float>& values) {
        const double span = range.high > range.low ? range.high - range.low : 1.0;
        for (const float value : values) {
            const std::uint16_t level = std::isfinite(value) ? static_cast<std::uint16_t>(std::lround((static_cast<double>(value) - range.low) / span * kLevels16)) : kMissing16;
            out.push_back(static_cast<std::uint8_t>(level & 0xFF));
            out.push_back(static_cast<std::uint8_t>(level >> 8));
        }
    }

    const SimulationStory& story_;
    std::size_t n_axes_;
    std::array<Range, 3> box_;
    std::vector<Range> ranges_;
    float radius_ = 0.0F;
};

}  // namespace

std::string map_island(const ReportData& data, CellNames names) {
    if (data.map.x.empty()) return "";
    std::string json = fmt::format("{{\"n\":{},\"nAll\":{},\"sample\":{},", data.map.x.size(), data.map.n_cells, json_string(data.map.sample_statement));
    json += positions(data.map.x, data.map.y);
    if (names == CellNames::include && !data.map.cell_names.empty()) json += ",\"names\":" + json_strings(data.map.cell_names);
    if (!data.integration.before_x.empty()) json += ",\"before\":{" + positions(data.integration.before_x, data.integration.before_y) + "}";
    return island("data-map", json + "}");
}

std::string density_island(const DensityMap& density) {
    if (density.counts.empty()) return "";
    const float most = *std::max_element(density.counts.begin(), density.counts.end());
    std::vector<std::uint8_t> levels;
    levels.reserve(density.counts.size());
    for (const float count : density.counts) {
        levels.push_back(count > 0.0f && most > 0.0f ? static_cast<std::uint8_t>(std::max(1L, std::lround(std::sqrt(count / most) * 255.0f))) : std::uint8_t{0});
    }
    return island("data-density", fmt::format("{{\"width\":{},\"height\":{},\"most\":{},\"levels\":{},\"box\":[{},{},{},{}]}}", density.width, density.height, json_number(most), base64_of(levels),
                                              json_number(density.x_min), json_number(density.x_max), json_number(density.y_min), json_number(density.y_max)));
}

std::string obs_island(const std::vector<ObsColumn>& obs) {
    if (obs.empty()) return "";
    return island("data-obs", json_array(obs, [](const ObsColumn& column) {
        std::string json = fmt::format("{{\"name\":{},\"title\":{},", json_string(column.name), json_string(column.title.empty() ? column.name : column.title));
        if (!column.categories.empty()) {
            return json + "\"categories\":" + json_strings(column.categories) + "," + code_fields(column.codes, column.categories.size()) + "}";
        }
        const Quantized quantized = quantize16(column.values, false);
        return json + fmt::format("\"low\":{},\"high\":{},\"values\":{}}}", json_number(quantized.low), json_number(quantized.high), base64_of(quantized.values));
    }));
}

std::string qc_island(const QcData& qc, const SampleTable& samples) {
    if (qc.metrics.empty() || qc.removed.empty()) return "";
    std::vector<std::string> names;
    for (const SampleRow& row : samples.rows) names.push_back(row.name);
    std::string json = fmt::format("{{\"n\":{},\"nAll\":{},\"reasons\":{},", qc.removed.size(), std::max<std::int64_t>(qc.n_cells, static_cast<std::int64_t>(qc.removed.size())), json_strings(qc.reasons));
    json += "\"removed\":{" + code_fields(qc.removed, qc.reasons.size() + 1) + "},";
    json += "\"samples\":" + json_strings(names) + ",\"sample\":{" + code_fields(qc.sample, names.size()) + "},";
    json += "\"metrics\":" + json_array(qc.metrics, [](const QcMetric& metric) {
        const Quantized quantized = quantize16(metric.values, metric.log_scale);
        return fmt::format("{{\"name\":{},\"title\":{},\"log\":{},\"low\":{},\"high\":{},\"values\":{}}}", json_string(metric.name), json_string(metric.title), metric.log_scale, json_number(quantized.low),
                           json_number(quantized.high), base64_of(quantized.values));
    });
    return island("data-qc", json + "}");
}

std::string marker_island(const Markers& markers, const Clusters& clusters) {
    if (markers.rows.empty()) return "";
    std::string json = "{\"clusters\":" + json_strings(clusters.names) + ",\"labels\":" + json_strings(clusters.labels) + ",\"heatmap\":" + json_strings(markers.heatmap_genes);
    const auto numbers = [&](std::string_view name, double MarkerRow::*field) {
        json += fmt::format(",\"{}\":", name) + json_array(markers.rows, [field](const MarkerRow& row) { return std::isfinite(row.*field) ? fmt::format("{:.4g}", row.*field) : std::string("null"); });
    };
    json += ",\"cluster\":" + json_array(markers.rows, [](const MarkerRow& row) { return std::to_string(row.cluster); });
    json += ",\"gene\":" + json_array(markers.rows, [](const MarkerRow& row) { return json_string(row.gene); });
    json += ",\"gene_id\":" + json_array(markers.rows, [](const MarkerRow& row) { return json_string(row.gene_id); });
    json += ",\"soup\":" + json_array(markers.rows, [](const MarkerRow& row) { return std::string(row.soup ? "1" : "0"); });
    numbers("auc", &MarkerRow::auc);
    numbers("min_rank", &MarkerRow::min_rank);
    numbers("cohens_d", &MarkerRow::cohens_d);
    numbers("log2fc", &MarkerRow::log2fc);
    numbers("pct_in", &MarkerRow::pct_in);
    numbers("pct_out", &MarkerRow::pct_out);
    numbers("z", &MarkerRow::z);
    numbers("log10_p", &MarkerRow::log10_p);
    numbers("fdr", &MarkerRow::fdr);
    return island("data-markers", json + "}");
}

GeneIsland gene_island(const std::vector<GeneExpression>& expression, std::int64_t max_bytes) {
    GeneIsland out;
    std::string json = "[";
    std::vector<std::uint8_t> packed;
    for (const GeneExpression& gene : expression) {
        packed.assign((gene.level.size() + 7) / 8, 0);
        for (std::size_t i = 0; i < gene.level.size(); ++i) {
            if (gene.level[i] == 0) continue;
            packed[i / 8] = static_cast<std::uint8_t>(packed[i / 8] | 1U << (i % 8));
            packed.push_back(gene.level[i]);
        }
        const std::string item = fmt::format("{}{{\"gene\":{},\"id\":{},\"scale\":{},\"data\":{}}}", out.n_genes > 0 ? "," : "", json_string(gene.gene), json_string(gene.gene_id), json_number(gene.scale), base64_of(packed));
        if (static_cast<std::int64_t>(json.size() + item.size()) + 100 > max_bytes) break;
        json += item;
        ++out.n_genes;
    }
    if (out.n_genes > 0) out.html = island("data-genes", json + "]");
    return out;
}

PlayerIsland player_island(const SimulationStory& story, std::int64_t max_bytes) {
    const Player& player = story.player;
    if (player.frames.empty()) return {};
    const FrameCoder coder(story);
    std::vector<std::string> frames;
    for (const Frame& frame : player.frames) {
        frames.push_back(fmt::format("{{\"minute\":{},\"all\":{},\"n\":{},\"data\":{}}}", json_number(frame.minute), frame.n_cells, frame.x.size(), base64_of(coder.encode(frame))));
    }
    const auto bytes_of = [](const std::vector<std::string>& texts) { return std::accumulate(texts.begin(), texts.end(), std::int64_t{0}, [](std::int64_t sum, const std::string& text) { return sum + static_cast<std::int64_t>(text.size()) + 1; }); };
    while (frames.size() > 1 && bytes_of(frames) > max_bytes) {
        std::vector<std::string> kept;
        for (std::size_t i = 0; i < frames.size(); ++i) {
            if (i % 2 == 0 || i + 1 == frames.size()) kept.push_back(std::move(frames[i]));
        }
        if (kept.size() == frames.size()) kept.erase(kept.begin());  // two frames: the last one stays
        frames = std::move(kept);
    }
    std::vector<std::size_t> kinds(story.kinds.size());
    std::iota(kinds.begin(), kinds.end(), std::size_t{0});
    std::string json = fmt::format("{{\"flat\":{},\"sample\":{},", story.is_flat, json_string(player.sample_statement)) + coder.header();
    json += ",\"kinds\":" + json_array(kinds, [&](std::size_t kind) {
        const bool seen = std::any_of(player.frames.begin(), player.frames.end(), [kind](const Frame& frame) { return std::find(frame.kind.begin(), frame.kind.end(), kind) != frame.kind.end(); });
        return fmt::format("{{\"type\":{},\"title\":{},\"seen\":{}}}", json_string(story.kinds[kind].type), json_string(kind_title(story, kind)), seen);
    });
    json += ",\"frames\":" + json_array(frames, [](const std::string& frame) { return frame; }) + "}";
    return {island("data-player", json), static_cast<std::int64_t>(frames.size())};
}

}  // namespace morula::report
