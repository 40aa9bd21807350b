// Cells called capture by capture, and what stays of it in uns.
#include "morula/analysis/cell_calling.hpp"

#include <fmt/format.h>

#include <limits>

#include "morula/commands/input.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

std::vector<std::int64_t> barcodes_of(const data::Categorical& captures, std::int32_t capture) {
    std::vector<std::int64_t> barcodes;
    for (std::size_t i = 0; i < captures.codes.size(); ++i) {
        if (captures.codes[i] == capture) barcodes.push_back(static_cast<std::int64_t>(i));
    }
    return barcodes;
}

CalledCapture called_capture(std::string name, const analysis::CellCallingResult& result, const analysis::CellCallingOptions& options) {
    return {std::move(name), std::ssize(result.total), result.n_ambient_barcodes, result.n_cells, result.n_by_total, result.n_by_profile, result.always_from,
            result.ranks.knee, result.ranks.inflection, result.precision, options.fdr, options.ambient_below, result.profile_tested ? options.n_simulations : 0, result.note,
            analysis::rank_curve(result.total, result.is_cell)};
}

/// An array of the map, or nullptr when it is not there, of another kind, or of another length.
template <class T>
const std::vector<T>* array_of(const data::UnsMap& map, const char* name, std::size_t size) {
    const auto found = map.find(name);
    if (found == map.end()) return nullptr;
    const auto* values = std::get_if<std::vector<T>>(&found->second.value);
    return values != nullptr && values->size() == size ? values : nullptr;
}

/// Every array of the map, member by member.
struct NumberSlot {
    const char* name;
    double CalledCapture::*member;
};
struct IntegerSlot {
    const char* name;
    std::int64_t CalledCapture::*member;
};
constexpr NumberSlot kNumbers[] = {{"always_from", &CalledCapture::always_from}, {"knee", &CalledCapture::knee}, {"inflection", &CalledCapture::inflection},
                                   {"precision", &CalledCapture::precision}, {"fdr", &CalledCapture::fdr}};
constexpr IntegerSlot kIntegers[] = {{"n_barcodes", &CalledCapture::n_barcodes}, {"n_ambient_barcodes", &CalledCapture::n_ambient_barcodes}, {"n_cells", &CalledCapture::n_cells},
                                     {"n_by_total", &CalledCapture::n_by_total}, {"n_by_profile", &CalledCapture::n_by_profile},
                                     {"ambient_below", &CalledCapture::ambient_below}, {"n_simulations", &CalledCapture::n_simulations}};

bool read_curves(const data::UnsMap& map, std::vector<CalledCapture>& captures) {
    const auto found = map.find("curve_capture");
    if (found == map.end()) return false;
    const auto* owner = std::get_if<std::vector<std::int64_t>>(&found->second.value);
    if (owner == nullptr) return false;
    const auto* rank = array_of<double>(map, "curve_rank", owner->size());
    const auto* total = array_of<double>(map, "curve_total", owner->size());
    const auto* called = array_of<double>(map, "curve_called", owner->size());
    if (rank == nullptr || total == nullptr || called == nullptr) return false;
    for (std::size_t i = 0; i < owner->size(); ++i) {
        if ((*owner)[i] < 0 || (*owner)[i] >= std::ssize(captures)) return false;
        analysis::RankCurve& curve = captures[static_cast<std::size_t>((*owner)[i])].curve;
        curve.rank.push_back((*rank)[i]);
        curve.total.push_back((*total)[i]);
        curve.called.push_back((*called)[i]);
    }
    return true;
}

}  // namespace

data::Dataset call_cells_slots(const data::Dataset& in, const analysis::CellCallingOptions& options, Context& context) {
    const data::Categorical captures = in.obs.has("capture") ? require_groups(in, "capture") : samples_of(in);
    require_gene_features(in);
    const std::vector<std::int64_t> genes = gene_features(in.var);
    const matrix::Matrix all = require_counts(in);
    const matrix::Matrix counts = std::ssize(genes) == in.n_genes() ? all : matrix::select_cols(all, genes);
    const auto n = static_cast<std::size_t>(in.n_cells());
    data::Booleans is_cell{std::vector<std::uint8_t>(n, 0)};
    std::vector<float> fdr(n, std::numeric_limits<float>::quiet_NaN());
    std::vector<float> log_probability = fdr;
    std::vector<CalledCapture> called;
    for (std::size_t c = 0; c < captures.categories.size(); ++c) {
        const std::vector<std::int64_t> barcodes = barcodes_of(captures, static_cast<std::int32_t>(c));
        if (barcodes.empty()) continue;
        const matrix::Matrix own = barcodes.size() == n ? counts : matrix::select_rows(counts, barcodes);
        const analysis::CellCallingResult result = analysis::call_cells(*own, options, context);
        for (std::size_t i = 0; i < barcodes.size(); ++i) {
            const auto barcode = static_cast<std::size_t>(barcodes[i]);
            is_cell.values[barcode] = result.is_cell[i];
            fdr[barcode] = result.fdr[i];
            log_probability[barcode] = result.log_probability[i];
        }
        called.push_back(called_capture(captures.categories[c], result, options));
    }
    data::Dataset out = slots_like(in);
    out.obs.set("is_cell", std::move(is_cell));
    out.obs.set("cell_fdr", std::move(fdr));
    out.obs.set("ambient_log_probability", std::move(log_probability));
    out.uns["cell_calling"] = cell_calling_uns(called);
    return out;
}

data::Dataset keep_called(const data::Dataset& in) {
    const std::vector<double> is_cell = data::column_numbers(in.obs.at("is_cell"));
    std::vector<std::int64_t> cells;
    for (std::size_t i = 0; i < is_cell.size(); ++i) {
        if (is_cell[i] != 0.0) cells.push_back(static_cast<std::int64_t>(i));
    }
    std::vector<std::int64_t> genes(static_cast<std::size_t>(in.n_genes()));
    for (std::size_t i = 0; i < genes.size(); ++i) genes[i] = static_cast<std::int64_t>(i);
    data::Dataset out = data::select(in, cells, genes);
    out.obs.erase("is_cell");
    out.uns = in.uns;
    return out;
}

std::vector<CalledCapture> stored_cell_calling(const data::UnsMap& uns) {
    const auto found = uns.find("cell_calling");
    if (found == uns.end()) return {};
    const auto* map = std::get_if<data::UnsMap>(&found->second.value);
    if (map == nullptr || map->count("captures") == 0) return {};
    const auto* names = std::get_if<std::vector<std::string>>(&map->at("captures").value);
    if (names == nullptr) return {};
    std::vector<CalledCapture> captures(names->size());
    const auto* notes = array_of<std::string>(*map, "note", names->size());
    if (notes == nullptr) return {};
    for (std::size_t i = 0; i < captures.size(); ++i) {
        captures[i].name = (*names)[i];
        captures[i].note = (*notes)[i];
    }
    for (const NumberSlot& slot : kNumbers) {
        const auto* values = array_of<double>(*map, slot.name, captures.size());
        if (values == nullptr) return {};
        for (std::size_t i = 0; i < captures.size(); ++i) captures[i].*slot.member = (*values)[i];
    }
    for (const IntegerSlot& slot : kIntegers) {
        const auto* values = array_of<std::int64_t>(*map, slot.name, captures.size());
        if (values == nullptr) return {};
        for (std::size_t i = 0; i < captures.size(); ++i) captures[i].*slot.member = (*values)[i];
    }
    if (!read_curves(*map, captures)) return {};
    return captures;
}

data::Uns cell_calling_uns(const std::vector<CalledCapture>& captures) {
    data::UnsMap map;
    std::vector<std::string> names;
    std::vector<std::string> notes;
    std::vector<std::int64_t> owner;
    analysis::RankCurve curves;
    for (std::size_t i = 0; i < captures.size(); ++i) {
        const analysis::RankCurve& curve = captures[i].curve;
        names.push_back(captures[i].name);
        notes.push_back(captures[i].note);
        owner.insert(owner.end(), curve.rank.size(), static_cast<std::int64_t>(i));
        curves.rank.insert(curves.rank.end(), curve.rank.begin(), curve.rank.end());
        curves.total.insert(curves.total.end(), curve.total.begin(), curve.total.end());
        curves.called.insert(curves.called.end(), curve.called.begin(), curve.called.end());
    }
    for (const NumberSlot& slot : kNumbers) {
        std::vector<double> values;
        for (const CalledCapture& capture : captures) values.push_back(capture.*slot.member);
        map[slot.name] = uns_of(std::move(values));
    }
    for (const IntegerSlot& slot : kIntegers) {
        std::vector<std::int64_t> values;
        for (const CalledCapture& capture : captures) values.push_back(capture.*slot.member);
        map[slot.name] = uns_of(std::move(values));
    }
    map["captures"] = uns_of(std::move(names));
    map["note"] = uns_of(std::move(notes));
    map["curve_capture"] = uns_of(std::move(owner));
    map["curve_rank"] = uns_of(std::move(curves.rank));
    map["curve_total"] = uns_of(std::move(curves.total));
    map["curve_called"] = uns_of(std::move(curves.called));
    return uns_of(std::move(map));
}

std::string cell_calling_sentence(const CalledCapture& capture) {
    const std::string by_profile = capture.n_simulations == 0 ? "" : fmt::format(", {} because their RNA is not the ambient RNA (FDR {:g} %)", capture.n_by_profile, 100.0 * capture.fdr);
    const std::string by_total = capture.always_from > 0.0 ? fmt::format("{} by {:.0f} or more counts", capture.n_by_total, capture.always_from) : "none by counts alone";
    return fmt::format("{}: {} of {} barcodes called cells: {}{}.", capture.name, capture.n_cells, capture.n_barcodes, by_total, by_profile);
}

}  // namespace morula::commands
