#include "morula/analysis/generate_genome.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "morula/core/random.hpp"

namespace morula::analysis {
namespace {

struct Chromosome {
    const char* name;
    double length_mb;      // GRCh38
    double centromere_mb;  // its middle
    double n_coding;       // protein-coding genes, rounded
    bool has_short_arm;    // the short arms of 13, 14, 15, 21 and 22 hold next to no genes
};
constexpr std::array<Chromosome, 24> kChromosomes{{
    {"1", 248.96, 123.4, 2050, true}, {"2", 242.19, 93.9, 1250, true},  {"3", 198.30, 90.9, 1070, true},  {"4", 190.21, 50.0, 750, true},   {"5", 181.54, 48.8, 870, true},
    {"6", 170.81, 59.8, 1030, true},  {"7", 159.35, 60.1, 910, true},   {"8", 145.14, 45.2, 680, true},   {"9", 138.39, 43.0, 780, true},   {"10", 133.80, 39.8, 730, true},
    {"11", 135.09, 53.4, 1300, true}, {"12", 133.28, 35.5, 1030, true}, {"13", 114.36, 17.7, 320, false}, {"14", 107.04, 17.2, 600, false}, {"15", 101.99, 19.0, 590, false},
    {"16", 90.34, 36.8, 850, true},   {"17", 83.26, 25.1, 1170, true},  {"18", 80.37, 18.5, 270, true},   {"19", 58.62, 26.2, 1430, true},  {"20", 64.44, 28.1, 540, true},
    {"21", 46.71, 12.0, 230, false},  {"22", 50.82, 15.0, 450, false},  {"X", 156.04, 61.0, 840, true},   {"Y", 57.23, 10.4, 60, true},
}};
constexpr double kMb = 1e6;
constexpr std::int64_t kLongestGene = 20000;
constexpr std::int64_t kLeastOnY = 6;

/// Genes a chromosome: human shares by largest remainder.
std::array<std::int64_t, kChromosomes.size()> share_out(std::int64_t n) {
    double all = 0.0;
    for (const Chromosome& each : kChromosomes) all += each.n_coding;
    std::array<std::int64_t, kChromosomes.size()> counts{};
    std::array<double, kChromosomes.size()> rest{};
    std::int64_t given = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        const double exact = static_cast<double>(n) * kChromosomes[i].n_coding / all;
        counts[i] = static_cast<std::int64_t>(exact);
        rest[i] = exact - std::floor(exact);
        given += counts[i];
    }
    std::array<std::size_t, kChromosomes.size()> order{};
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rest[a] > rest[b]; });
    for (std::size_t i = 0; given < n; ++i, ++given) ++counts[order[i]];
    std::int64_t& on_y = counts.back();
    if (n >= 400 && on_y < kLeastOnY) {
        counts.front() -= kLeastOnY - on_y;
        on_y = kLeastOnY;
    }
    return counts;
}

struct Place {
    std::int64_t start;
    std::int64_t end;
};
/// The i-th of n genes: one in each of n equal parts of the chromosome, anywhere in the part's middle.
Place place_on(const Chromosome& chromosome, std::int64_t i, std::int64_t n, Random& random) {
    const double begin = chromosome.has_short_arm ? 0.0 : chromosome.centromere_mb * kMb;
    const double part = (chromosome.length_mb * kMb - begin) / static_cast<double>(n);
    const auto start = static_cast<std::int64_t>(begin + part * (static_cast<double>(i) + 0.1 + 0.5 * random.uniform()));
    return {start, start + std::max<std::int64_t>(1, std::min(kLongestGene, static_cast<std::int64_t>(0.3 * part)))};
}

}  // namespace

GenePlaces place_genes(std::int64_t n_genes, std::int64_t n_mitochondrial, std::uint64_t seed) {
    enum Step : std::uint32_t { order_step = 10, place_step };
    const auto n = static_cast<std::size_t>(n_genes);
    const std::int64_t n_nuclear = n_genes - n_mitochondrial;
    GenePlaces places{std::vector<std::string>(n, "chrM"), std::vector<std::string>(n), std::vector<std::int64_t>(n), std::vector<std::int64_t>(n)};

    std::vector<std::size_t> order(static_cast<std::size_t>(n_nuclear));
    std::iota(order.begin(), order.end(), std::size_t{0});
    Random shuffle(seed, Purpose::generate_genes, 0, order_step);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[shuffle.below(i)]);

    Random random(seed, Purpose::generate_genes, 0, place_step);
    std::size_t next = 0;
    const auto counts = share_out(n_nuclear);
    for (std::size_t c = 0; c < kChromosomes.size(); ++c) {
        for (std::int64_t i = 0; i < counts[c]; ++i) {
            const std::size_t gene = order[next++];
            const Place place = place_on(kChromosomes[c], i, counts[c], random);
            const std::string name = kChromosomes[c].name;
            places.chromosome[gene] = "chr" + name;
            places.arm[gene] = name + (static_cast<double>(place.start) < kChromosomes[c].centromere_mb * kMb ? "p" : "q");
            places.start[gene] = place.start;
            places.end[gene] = place.end;
        }
    }
    for (std::int64_t i = 0; i < n_mitochondrial; ++i) {
        places.start[static_cast<std::size_t>(n_nuclear + i)] = 500 + 1200 * i;
        places.end[static_cast<std::size_t>(n_nuclear + i)] = 1500 + 1200 * i;
    }
    return places;
}

std::vector<std::int64_t> genes_on(const GenePlaces& places, std::string_view chromosome) {
    std::vector<std::int64_t> genes;
    for (std::size_t gene = 0; gene < places.chromosome.size(); ++gene) {
        if (places.chromosome[gene] == chromosome) genes.push_back(static_cast<std::int64_t>(gene));
    }
    std::sort(genes.begin(), genes.end(), [&](std::int64_t a, std::int64_t b) { return places.start[static_cast<std::size_t>(a)] < places.start[static_cast<std::size_t>(b)]; });
    return genes;
}

std::vector<ChromosomeArm> autosome_arms(const GenePlaces& places, std::size_t min_genes) {
    std::vector<ChromosomeArm> arms;
    for (std::size_t c = 0; c + 2 < kChromosomes.size(); ++c) {
        const Chromosome& chromosome = kChromosomes[c];
        const std::string name = chromosome.name;
        const auto centromere = static_cast<std::int64_t>(chromosome.centromere_mb * kMb);
        const std::vector<std::int64_t> genes = genes_on(places, "chr" + name);
        for (const bool is_short : {true, false}) {
            ChromosomeArm arm{name + (is_short ? "p" : "q"), "chr" + name, is_short ? 0 : centromere, is_short ? centromere : static_cast<std::int64_t>(chromosome.length_mb * kMb), {}};
            for (const std::int64_t gene : genes) {
                if (places.arm[static_cast<std::size_t>(gene)] == arm.name) arm.genes.push_back(gene);
            }
            if (arm.genes.size() >= min_genes) arms.push_back(std::move(arm));
        }
    }
    return arms;
}

}  // namespace morula::analysis
