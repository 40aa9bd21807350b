#include "morula/analysis/cell_profiles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "morula/core/checked_cast.hpp"
#include "morula/core/random.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kMitochondrialGenes = 13;
constexpr std::int32_t kTypesALineage = 5;

/// Steps of Purpose::generate_genes and generate_types: what a stream of item i decides.
enum Step : std::uint32_t { base_rates, mitochondrial_rates, lineage_genes, type_genes, programme_genes };

struct Raise {
    std::int32_t n_genes;
    double log_mean;
    double log_sd;
};

/// Raises randomly chosen genes; one gene may be raised twice.
void raise_genes(std::vector<double>& rates, const Raise& raise, Random random) {
    const std::uint64_t n = rates.size() - kMitochondrialGenes;
    for (std::int32_t i = 0; i < raise.n_genes; ++i) {
        const std::uint64_t gene = random.below(n);
        rates[gene] *= std::exp(raise.log_mean + raise.log_sd * random.normal());
    }
}

/// Types 2i and 2i + 1 share a lineage, so that the ends of the continuum do.
std::vector<double> type_rates(const std::vector<double>& base, std::int32_t type, std::int32_t lineage, std::uint64_t seed) {
    std::vector<double> rates = base;
    raise_genes(rates, {200, 1.2, 0.6}, Random(seed, Purpose::generate_types, static_cast<std::uint64_t>(lineage), lineage_genes));
    raise_genes(rates, {80, 1.6, 0.6}, Random(seed, Purpose::generate_types, static_cast<std::uint64_t>(type), type_genes));
    return rates;
}

std::vector<double> type_shares(const MadeUpProfilesPlan& plan) {
    std::vector<double> share(static_cast<std::size_t>(plan.n_types));
    const auto n_common = static_cast<std::size_t>(plan.n_types - plan.n_rare_types);
    double sum = 0.0;
    for (std::size_t type = 0; type < n_common; ++type) sum += 1.0 / (1.0 + 0.3 * static_cast<double>(type));
    const double common = 1.0 - plan.n_rare_types * plan.rare_fraction - plan.continuum_fraction;
    for (std::size_t type = 0; type < share.size(); ++type) {
        share[type] = type < n_common ? common / (1.0 + 0.3 * static_cast<double>(type)) / sum : plan.rare_fraction;
    }
    return share;
}

void name_genes(CellProfiles& profiles, std::int64_t n_genes) {
    const std::int64_t n_nuclear = n_genes - kMitochondrialGenes;
    for (std::int64_t gene = 0; gene < n_genes; ++gene) {
        profiles.gene_symbols.push_back(gene < n_nuclear ? fmt::format("GENE{:05}", gene + 1) : fmt::format("MT-GENE{:02}", gene - n_nuclear + 1));
        profiles.gene_ids.push_back(fmt::format("MADEUP{:08}", gene + 1));
    }
}

// ---- a table of means

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

class MeansReader {
public:
    explicit MeansReader(std::string_view tsv) {
        for (const std::string_view line : split(tsv, '\n')) {
            ++line_number_;
            if (line.empty() || line.front() == '#') continue;
            read_line(split(line, '\t'));
        }
    }
    CellProfiles finish() {
        if (profiles_.type_share.empty() || profiles_.type_depth.empty() || profiles_.gene_symbols.empty()) wrong("the table ends early");
        double share = 0.0;
        double depth = 0.0;
        for (std::size_t type = 0; type < profiles_.types.size(); ++type) {
            share += profiles_.type_share[type];
            depth += profiles_.type_share[type] * profiles_.type_depth[type];
        }
        if (!(share > 0.0) || !(depth > 0.0)) wrong("the shares or counts are all zero");
        for (std::size_t type = 0; type < profiles_.types.size(); ++type) {
            profiles_.type_depth[type] *= share / depth;
            profiles_.type_share[type] /= share;
        }
        set_mitochondria_apart();
        return std::move(profiles_);
    }

private:
    [[noreturn]] void wrong(std::string_view what) const {
        invalid_data(fmt::format("Table of mean expression, line {}: {}.", line_number_, what), "Compare it with morula/analysis/tables/blood_means.tsv.");
    }

    double number(std::string_view text) const {
        double value = 0.0;
        const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
        if (result.ec != std::errc{} || result.ptr != text.data() + text.size() || !std::isfinite(value) || value < 0.0) {
            wrong(fmt::format("'{}' is not a number of zero or more", text));
        }
        return value;
    }

    void read_line(const std::vector<std::string_view>& fields) {
        if (profiles_.type_names.empty()) {
            if (fields.size() < 3 || fields[0] != "gene" || fields[1] != "other") wrong("the columns should be gene, other and one for each type");
            profiles_.type_names.assign(fields.begin() + 2, fields.end());
            profiles_.types.resize(profiles_.type_names.size());
            return;
        }
        if (fields.size() != profiles_.type_names.size() + 2) wrong(fmt::format("{} fields where there should be {}", fields.size(), profiles_.type_names.size() + 2));
        if (fields[0] == "share" || fields[0] == "counts") {
            auto& target = fields[0] == "share" ? profiles_.type_share : profiles_.type_depth;
            for (std::size_t type = 0; type < profiles_.types.size(); ++type) target.push_back(number(fields[type + 2]));
            return;
        }
        profiles_.gene_symbols.emplace_back(fields[0]);
        profiles_.gene_ids.emplace_back(fields[0]);
        const double other = number(fields[1]);
        for (std::size_t type = 0; type < profiles_.types.size(); ++type) {
            const std::string_view own = fields[type + 2];
            profiles_.types[type].push_back(own.empty() ? other : number(own));
        }
    }

    /// Mitochondrial genes get a profile of their own, because their share differs from cell to cell.
    void set_mitochondria_apart() {
        const std::size_t n_genes = profiles_.gene_symbols.size();
        profiles_.mitochondrial.assign(n_genes, 0.0);
        double mitochondrial = 0.0;
        double all = 0.0;
        for (std::size_t type = 0; type < profiles_.types.size(); ++type) {
            for (std::size_t gene = 0; gene < n_genes; ++gene) {
                const double rate = profiles_.type_share[type] * profiles_.types[type][gene];
                all += rate;
                if (!profiles_.gene_symbols[gene].starts_with("MT-")) continue;
                mitochondrial += rate;
                profiles_.mitochondrial[gene] += rate;
                profiles_.types[type][gene] = 0.0;
            }
        }
        if (!(mitochondrial > 0.0)) wrong("there is no mitochondrial gene (MT-...) with counts");
        profiles_.mitochondrial_fraction = mitochondrial / all;
    }

    CellProfiles profiles_;
    std::int64_t line_number_ = 0;
};

}  // namespace

CellProfiles made_up_profiles(const MadeUpProfilesPlan& plan) {
    MORULA_ASSERT(plan.n_genes > kMitochondrialGenes && plan.n_types >= 1);
    CellProfiles profiles;
    name_genes(profiles, plan.n_genes);

    const auto n_genes = static_cast<std::size_t>(plan.n_genes);
    const std::size_t n_nuclear = n_genes - kMitochondrialGenes;
    std::vector<double> base(n_genes, 0.0);
    Random rates(plan.seed, Purpose::generate_genes, 0, base_rates);
    for (std::size_t gene = 0; gene < n_nuclear; ++gene) base[gene] = std::exp(1.9 * rates.normal());
    profiles.mitochondrial.assign(n_genes, 0.0);
    Random mitochondrial(plan.seed, Purpose::generate_genes, 0, mitochondrial_rates);
    for (std::size_t gene = n_nuclear; gene < n_genes; ++gene) profiles.mitochondrial[gene] = std::exp(0.7 * mitochondrial.normal());
    profiles.mitochondrial_fraction = 0.04;

    const std::int32_t n_lineages = (plan.n_types + kTypesALineage - 1) / kTypesALineage;
    for (std::int32_t type = 0; type < plan.n_types; ++type) {
        const bool is_rare = type >= plan.n_types - plan.n_rare_types;
        profiles.types.push_back(type_rates(base, type, type / 2 % n_lineages, plan.seed));
        profiles.type_names.push_back(fmt::format("{}type-{:02}", is_rare ? "rare-" : "", type + 1));
    }
    profiles.type_share = type_shares(plan);
    profiles.type_depth.assign(profiles.types.size(), 1.0);
    if (plan.continuum_fraction > 0.0) {
        profiles.continuum = type_rates(base, plan.n_types, 0, plan.seed);
        profiles.continuum_share = plan.continuum_fraction;
    }
    for (std::int32_t programme = 0; programme < plan.n_programmes; ++programme) {
        profiles.programmes.push_back(base);
        raise_genes(profiles.programmes.back(), {300, 2.0, 0.5}, Random(plan.seed, Purpose::generate_types, static_cast<std::uint64_t>(programme), programme_genes));
    }
    profiles.source = "Made-up counts: cells, types and genes exist nowhere but in this file.";
    return profiles;
}

CellProfiles profiles_from_means(std::string_view tsv) {
    CellProfiles profiles = MeansReader(tsv).finish();
    profiles.source = "Simulated cells, drawn from measured mean expression of blood cell types (PBMC3k, 10x Genomics): no cell here was ever measured.";
    return profiles;
}

}  // namespace morula::analysis
