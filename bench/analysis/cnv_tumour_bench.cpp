// How well does the score of `morula cnv` tell malignant from unseen normal cells of a real tumour, with the score's settings chosen on other patients? bench_cnv_tumour FOLDER ARMS SCORES.csv
// FOLDER: inferCNV's oligodendroglioma example (184 cells, Tirosh et al. 2016); ARMS: its cytobands. Each patient is left out in turn: the variance floor and the scale of the score are those with the
// best AUROC in the other patients' cells, the plainest of equals; the patient's cells are scored with them. SCORES.csv is for bench/tumour.py, which has the intervals and the peer.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "morula/analysis/normalize.hpp"
#include "morula/commands/cnv.hpp"
#include "morula/commands/comparison_cells.hpp"
#include "morula/commands/input.hpp"
#include "morula/core/file.hpp"
#include "morula/formats/text/csv_writer.hpp"
#include "morula/matrix/tiles.hpp"

namespace {

using namespace morula;
using namespace morula::analysis;

/// A variance below this quantile of all is raised to it (0: none is), and shifts are scaled so that the clone's mean is 1, or left.
struct Setting {
    double floor = 0.5;
    bool is_scaled = true;
};
constexpr Setting kSettings[] = {{0.0, false}, {0.0, true}, {0.25, false}, {0.25, true}, {0.5, false}, {0.5, true}, {0.75, false}, {0.75, true}};  // plainest first
constexpr std::size_t kNormal = 0, kMalignant = 1;

struct Tumour {
    CnvGenome genome;
    matrix::Matrix values;
    std::vector<std::string> name, label, patient;

    Tumour(const std::filesystem::path& folder, const std::string& arms, Context& context) {
        // The matrix under a name that is read, with its annotation beside it.
        const std::filesystem::path copy = std::filesystem::temp_directory_path() / fmt::format("cnv_tumour_{}", folder.filename().string());
        std::filesystem::create_directories(copy);
        std::filesystem::copy_file(folder / "oligodendroglioma_expression_downsampled.counts.matrix.gz", copy / "tumour.tsv.gz", std::filesystem::copy_options::overwrite_existing);
        write_text_file(copy / "tumour.metadata.tsv", "cell\tgroup\n" + read_text_file(folder / "oligodendroglioma_annotations_downsampled.txt", 1 << 20));
        data::Dataset dataset = std::move(commands::open_datasets(copy / "tumour.tsv.gz", formats::TextOrientation::automatic, context).front());
        const matrix::Matrix linear = commands::linear_values(dataset, "", context);
        const commands::PlacedGenes genes = commands::place_genes(dataset, commands::read_cnv_positions((folder / "gencode_downsampled.EXAMPLE_ONLY_DONT_REUSE.txt").string(), arms, context), context);
        genome = genes.genome;
        values = matrix::compact_copy(*commands::in_genome_order(linear, genes), context);
        const data::Categorical groups = commands::groups_with_gaps(dataset, "group");
        for (std::size_t cell = 0; cell < groups.codes.size(); ++cell) {
            label.push_back(groups.categories[static_cast<std::size_t>(groups.codes[cell])]);
            name.push_back(dataset.obs.index()[cell]);
            patient.push_back(name.back().substr(0, name.back().find('_')));
        }
        std::filesystem::remove_all(copy);
    }
    bool is_malignant(std::size_t cell) const { return label[cell].starts_with("malignant"); }
};

/// Score of every cell under a setting, from the clones that were found.
std::vector<double> scores_of(const Tumour& tumour, const CnvResult& result, const std::vector<CnvRole>& role, const Setting& setting, Context& context) {
    const matrix::Matrix counts = matrix::select_cols(tumour.values, result.genes);
    const matrix::Matrix logs = matrix::log1p_scaled(counts, normalize(matrix::row_sums(*tumour.values, context), {}, context).scale);
    std::vector<std::int64_t> reference;
    for (std::size_t cell = 0; cell < role.size(); ++cell) {
        if (role[cell] == CnvRole::reference) reference.push_back(static_cast<std::int64_t>(cell));
    }
    const matrix::ColumnMoments moments = matrix::column_moments(*matrix::select_rows(logs, reference), context);
    matrix::Dense<double> levels(std::ssize(result.clones), result.genome.n_genes());
    std::vector<std::int32_t> of_clone;
    for (std::size_t clone = 0; clone < result.clones.size(); ++clone) {
        std::ranges::copy(result.clones[clone].calls.level, levels.row(static_cast<std::int64_t>(clone)).begin());
        of_clone.push_back(0);
    }
    CnvModel model = make_cnv_model(moments.mean, moments.variance, levels, std::vector<double>(result.clones.size(), 1.0));
    std::vector<double> sorted;
    for (const double variance : moments.variance) {
        if (variance > 0.0) sorted.push_back(variance);
    }
    std::sort(sorted.begin(), sorted.end());
    const double least = std::max(1e-6, sorted[static_cast<std::size_t>(setting.floor * static_cast<double>(sorted.size() - 1))]);
    for (std::size_t g = 0; g < model.variance.size(); ++g) model.variance[g] = std::max(moments.variance[g], least);
    const std::vector<std::int32_t> group(role.size(), 0);
    std::vector<CnvFit> fits = fit_cells(*logs, model, group, of_clone, context);
    if (setting.is_scaled) {
        std::vector<double> sum(result.clones.size(), 0.0), n = sum;
        for (std::size_t cell = 0; cell < fits.size(); ++cell) {
            if (result.clone[cell] < 0 || fits[cell].clone != result.clone[cell]) continue;
            sum[static_cast<std::size_t>(fits[cell].clone)] += static_cast<double>(fits[cell].score);
            n[static_cast<std::size_t>(fits[cell].clone)] += 1.0;
        }
        for (std::size_t clone = 0; clone < sum.size(); ++clone) {
            const double scale = n[clone] > 0.0 ? std::clamp(sum[clone] / n[clone], 0.25, 4.0) : 1.0;
            for (double& shift : model.shift.row(static_cast<std::int64_t>(clone))) shift *= scale;
        }
        fits = fit_cells(*logs, model, group, of_clone, context);
    }
    std::vector<double> out;
    for (const CnvFit& fit : fits) out.push_back(static_cast<double>(fit.score));
    return out;
}

double auroc(const std::vector<double>& malignant, const std::vector<double>& normal) {
    if (malignant.empty() || normal.empty()) return 0.5;
    double wins = 0.0;
    for (const double m : malignant) {
        for (const double n : normal) wins += m > n ? 1.0 : m == n ? 0.5 : 0.0;
    }
    return wins / static_cast<double>(malignant.size() * normal.size());
}

using Sides = std::array<std::vector<double>, 2>;  // normal, malignant

void against(const Tumour& tumour, const std::string& reference, formats::CsvWriter& csv, Context& context) {
    std::vector<CnvRole> role;
    for (const std::string& label : tumour.label) role.push_back(label == reference ? CnvRole::reference : CnvRole::query);
    const std::vector<std::int32_t> donor(role.size(), 0);
    const CnvResult result = cnv({*tumour.values, tumour.genome, role, donor}, {}, context);
    std::vector<std::vector<double>> scores;
    for (const Setting& setting : kSettings) scores.push_back(scores_of(tumour, result, role, setting, context));
    std::map<std::string, int> n_of_patient;
    for (std::size_t cell = 0; cell < role.size(); ++cell) n_of_patient[tumour.patient[cell]] += role[cell] == CnvRole::query;
    const auto sides_of = [&](std::size_t setting, const std::string& patient, bool is_left_out) {
        Sides sides;
        for (std::size_t cell = 0; cell < role.size(); ++cell) {
            if (role[cell] == CnvRole::query && (tumour.patient[cell] == patient) == is_left_out) sides[tumour.is_malignant(cell) ? kMalignant : kNormal].push_back(scores[setting][cell]);
        }
        return sides;
    };
    for (const auto& [patient, n] : n_of_patient) {
        std::size_t best = 0;
        double best_area = -1.0;
        for (std::size_t setting = 0; setting < std::size(kSettings); ++setting) {
            const Sides others = sides_of(setting, patient, false);
            const double area = auroc(others[kMalignant], others[kNormal]);
            if (area > best_area) {
                best_area = area;
                best = setting;
            }
        }
        fmt::print("{} as the reference, without {}: variances raised to quantile {}, {}; AUROC of the others {:.4f}\n", reference, patient, kSettings[best].floor, kSettings[best].is_scaled ? "scaled" : "not scaled", best_area);
        for (std::size_t cell = 0; cell < role.size(); ++cell) {
            if (role[cell] != CnvRole::query || tumour.patient[cell] != patient) continue;
            csv.text(reference).text(tumour.name[cell]).text(patient).integer(tumour.is_malignant(cell) ? 1 : 0).number(static_cast<double>(result.fit[cell].score)).number(scores[best][cell]);
            csv.end_row();
        }
    }
    fmt::print("{} as the reference, each setting on all patients:", reference);
    for (std::size_t setting = 0; setting < std::size(kSettings); ++setting) {
        const Sides all = sides_of(setting, "", false);
        fmt::print(" {}{} {:.4f}", kSettings[setting].floor, kSettings[setting].is_scaled ? " scaled" : "", auroc(all[kMalignant], all[kNormal]));
    }
    fmt::print("\n");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) return 1;
    Context context({});
    const Tumour tumour(argv[1], argv[2], context);
    formats::CsvWriter csv(argv[3], {"reference", "cell", "patient", "malignant", "shipped", "left_out"});
    for (const char* reference : {"Microglia/Macrophage", "Oligodendrocytes (non-malignant)"}) against(tumour, reference, csv, context);
    csv.commit();
    return 0;
}
