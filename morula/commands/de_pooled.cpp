// What several data sets say together: `morula de` on an atlas or on several files.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "morula/analysis/p_values.hpp"
#include "morula/atlas/gene_axis.hpp"
#include "morula/commands/de.hpp"
#include "morula/commands/slots.hpp"
#include "morula/formats/text/csv_writer.hpp"

namespace morula::commands {
namespace {

constexpr std::size_t kGenesShown = 5;

/// Names that stand in the most data sets' columns win: ids, or symbols where more genes meet by these.
std::size_t n_meeting(const std::vector<std::vector<std::string>>& names) {
    std::unordered_map<std::string, std::size_t> n_with;
    for (const auto& own : names) {
        for (const std::string& name : own) ++n_with[name];
    }
    return static_cast<std::size_t>(std::count_if(n_with.begin(), n_with.end(), [](const auto& entry) { return entry.second > 1; }));
}

/// The name by which a gene of each data set is known in all; "" where a name stands twice in a data set.
std::vector<std::vector<std::string>> common_names(const std::vector<const DeStudy*>& studies, Context& context) {
    std::vector<std::vector<std::string>> ids, symbols;
    for (const DeStudy* study : studies) {
        ids.push_back(atlas::axis_gene_ids(study->var, ""));
        symbols.push_back(symbols_of(study->var));
    }
    for (auto* names : {&ids, &symbols}) {
        for (auto& own : *names) {
            std::unordered_map<std::string, int> n;
            for (const std::string& name : own) ++n[name];
            for (std::string& name : own) {
                if (n[name] > 1) name.clear();
            }
        }
    }
    const std::size_t by_id = n_meeting(ids), by_symbol = n_meeting(symbols);
    context.events().decision(fmt::format("{} genes stand in two data sets or more, by {}.", std::max(by_id, by_symbol), by_symbol > by_id ? "symbols" : "ids"));
    return by_symbol > by_id ? std::move(symbols) : std::move(ids);
}

/// A gene's effects, in order of the data sets.
struct Gathered {
    std::string gene;
    std::string gene_id;
    std::vector<analysis::StudyEffect> effects;
};

void gather(const DeStudy& study, const DeType& type, const std::vector<std::string>& names, std::vector<Gathered>& genes, std::unordered_map<std::string, std::size_t>& place) {
    const std::vector<std::string> symbols = symbols_of(study.var);
    const std::vector<std::string> ids = ids_of(study.var);
    for (std::size_t i = 0; i < type.result.gene.size(); ++i) {
        const auto gene = static_cast<std::size_t>(type.result.gene[i]);
        if (names[gene].empty() || !(type.result.se[i] > 0.0) || !std::isfinite(type.result.se[i])) continue;
        const auto [at, fresh] = place.emplace(names[gene], genes.size());
        if (fresh) genes.push_back({symbols[gene], ids[gene], {}});
        genes[at->second].effects.push_back({type.result.log2fc[i], type.result.se[i], type.result.log10_p[i]});
    }
}

void add_fdr(std::vector<PooledGene>& genes) {
    std::vector<double> mean, two;
    for (const PooledGene& gene : genes) {
        mean.push_back(gene.effect.log10_p);
        two.push_back(gene.effect.log10_p_two);
    }
    const std::vector<double> fdr_mean = analysis::log10_fdr(mean), fdr_two = analysis::log10_fdr(two);
    for (std::size_t i = 0; i < genes.size(); ++i) {
        genes[i].log10_fdr = fdr_mean[i];
        genes[i].log10_fdr_two = fdr_two[i];
    }
}

struct TypeInStudies {
    std::vector<std::size_t> study;
    std::vector<const DeType*> type;
};

PooledType pool_type(const std::string& name, bool is_within_donors, const TypeInStudies& where, const std::vector<const DeStudy*>& studies, const std::vector<std::vector<std::string>>& names) {
    PooledType out;
    out.cell_type = name;
    if (studies.front()->n_contrasts() > 1) out.contrast = where.type.front()->contrast;
    out.is_within_donors = is_within_donors;
    std::vector<Gathered> genes;
    std::unordered_map<std::string, std::size_t> place;
    for (std::size_t i = 0; i < where.study.size(); ++i) {
        const DeStudy& study = *studies[where.study[i]];
        out.studies.push_back(study.name);
        out.n_case += where.type[i]->plan.n_case;
        out.n_control += where.type[i]->plan.n_control;
        gather(study, *where.type[i], names[where.study[i]], genes, place);
    }
    for (const Gathered& gene : genes) {
        if (gene.effects.size() < 2) continue;
        out.genes.push_back({gene.gene, gene.gene_id, analysis::pool_effects(gene.effects), std::ssize(gene.effects), 0.0, 0.0});
    }
    add_fdr(out.genes);
    return out;
}

std::string leading(const PooledType& type, double PooledGene::*fdr) {
    std::vector<const PooledGene*> found;
    for (const PooledGene& gene : type.genes) {
        if (gene.*fdr <= std::log10(kDeFdr)) found.push_back(&gene);
    }
    std::stable_sort(found.begin(), found.end(), [&](const PooledGene* a, const PooledGene* b) { return a->*fdr < b->*fdr; });
    std::string out = std::to_string(found.size());
    for (std::size_t i = 0; i < std::min(found.size(), kGenesShown); ++i) out += fmt::format("{}{} {:+.1f}", i == 0 ? " (" : ", ", found[i]->gene, found[i]->effect.effect);
    return out + (found.empty() ? "" : found.size() > kGenesShown ? ", ...)" : ")");
}

double from_log10(double value) { return std::pow(10.0, value); }

}  // namespace

std::string_view control_kind(bool is_within_donors) { return is_within_donors ? "the same donors" : "other donors"; }

std::vector<PooledType> pool_studies(const std::vector<DeStudy>& studies, Context& context) {
    std::vector<const DeStudy*> compared;
    for (const DeStudy& study : studies) {
        if (study.refused.empty()) compared.push_back(&study);
    }
    const auto names = common_names(compared, context);
    using Key = std::tuple<std::string, std::string, bool>;  // type, contrast, kind of control
    std::map<Key, TypeInStudies> types;
    for (std::size_t s = 0; s < compared.size(); ++s) {
        for (const DeType& type : compared[s]->types) {
            if (type.plan.evidence != analysis::Evidence::tested) continue;
            TypeInStudies& where = types[{type.name, type.contrast, compared[s]->is_within_donors()}];
            where.study.push_back(s);
            where.type.push_back(&type);
        }
    }
    std::vector<PooledType> out;
    for (const auto& [key, where] : types) out.push_back(pool_type(std::get<0>(key), std::get<2>(key), where, compared, names));
    return out;
}

void write_pooled_table(const std::filesystem::path& folder, const std::vector<PooledType>& pooled) {
    const bool has_contrasts = std::any_of(pooled.begin(), pooled.end(), [](const PooledType& type) { return !type.contrast.empty(); });
    std::vector<std::string> header{"cell_type", "controls", "gene", "gene_id", "log2fc", "se", "low", "high", "p", "fdr", "tau", "i2", "n_datasets", "n_up", "p_two", "fdr_two", "n_case", "n_control"};
    if (has_contrasts) header.emplace_back("contrast");
    formats::CsvWriter csv(folder / "pooled.csv", header);
    for (const PooledType& type : pooled) {
        for (const PooledGene& gene : type.genes) {
            const analysis::PooledEffect& effect = gene.effect;
            csv.text(type.cell_type).text(control_kind(type.is_within_donors)).text(gene.gene).text(gene.gene_id).number(effect.effect).number(effect.se).number(effect.low).number(effect.high);
            csv.number(from_log10(effect.log10_p)).number(from_log10(gene.log10_fdr)).number(effect.tau).number(effect.i2).integer(gene.n_studies).integer(effect.n_positive);
            csv.number(from_log10(effect.log10_p_two)).number(from_log10(gene.log10_fdr_two)).integer(type.n_case).integer(type.n_control);
            if (has_contrasts) csv.text(type.contrast);
            csv.end_row();
        }
    }
    csv.commit();
}

std::string pooled_text(const std::vector<PooledType>& pooled) {
    std::string out;
    for (const PooledType& type : pooled) {
        const std::string what = fmt::format("{}{}{} against {}", type.cell_type, type.contrast.empty() ? "" : ", ", type.contrast, control_kind(type.is_within_donors));
        if (type.studies.size() < 2) {
            out += fmt::format("  {}: tested in {} alone, nothing to pool.\n", what, type.studies.front());
            continue;
        }
        out += fmt::format("  {}, {} data sets, {} genes: mean changed at FDR 5 %: {}; changed in the same direction in two data sets or more: {}.\n", what, type.studies.size(), type.genes.size(),
                           leading(type, &PooledGene::log10_fdr), leading(type, &PooledGene::log10_fdr_two));
    }
    const std::string head = "All data sets together (random effects; exploratory types take no part; controls from the same donors and from other donors are kept apart):\n";
    return out.empty() ? "No cell type was tested in any data set, so nothing is pooled.\n" : head + out;
}

}  // namespace morula::commands
