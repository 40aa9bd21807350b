// Made-up cells with gains and losses for the tests of copy number: arms of equal size, log-normal rates, Poisson counts.
#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "morula/analysis/cnv_windows.hpp"
#include "morula/core/random.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis::cnv_cases {

/// n_chromosomes of two arms with genes_per_arm genes each, a million bases apart.
inline CnvGenome genome(std::int32_t n_chromosomes, std::int64_t genes_per_arm) {
    CnvGenome out;
    for (std::int32_t c = 0; c < n_chromosomes; ++c) {
        out.chromosome_names.push_back(std::to_string(c + 1));
        for (const char* arm : {"p", "q"}) out.arm_names.push_back(std::to_string(c + 1) + arm);
        for (std::int64_t i = 0; i < 2 * genes_per_arm; ++i) {
            out.chromosome.push_back(c);
            out.arm.push_back(2 * c + (i < genes_per_arm ? 0 : 1));
            out.start.push_back(1'000'000 * (i + 1));
            out.end.push_back(1'000'000 * (i + 1) + 20'000);
        }
    }
    return out;
}

/// Rates of a type of cell: the gene's own (log-normal with sd 1, the same for all types) times the type's (sd type_sd).
inline std::vector<double> rates(std::int64_t n_genes, std::uint64_t type, double type_sd) {
    Random own(77, Purpose::test, 1, 0), of_type(77, Purpose::test, 100 + type, 0);
    std::vector<double> out;
    for (std::int64_t g = 0; g < n_genes; ++g) out.push_back(std::exp(own.normal() + type_sd * of_type.normal()));
    return out;
}

/// Cells of `mean_counts` counts on average. copies(gene): of a clone's genes; 2 where nothing changed.
inline void add_cells(matrix::Csr& csr, const std::vector<double>& rate, std::int64_t n_cells, double mean_counts, const std::function<double(std::int64_t gene)>& copies, std::uint64_t seed) {
    std::vector<double> changed = rate;
    double before = 0.0;
    for (std::size_t g = 0; g < rate.size(); ++g) {
        before += rate[g];
        changed[g] *= copies(static_cast<std::int64_t>(g)) / 2.0;
    }
    csr.n_cols = static_cast<std::int64_t>(rate.size());
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        Random random(seed, Purpose::test, static_cast<std::uint64_t>(cell), 7);
        const double depth = mean_counts * std::exp(0.3 * random.normal() - 0.045) / before;
        for (std::size_t g = 0; g < changed.size(); ++g) {
            const std::int64_t count = random.poisson(depth * changed[g]);
            if (count == 0) continue;
            csr.indices.push_back(static_cast<std::uint32_t>(g));
            csr.values.push_back(static_cast<float>(count));
        }
        csr.end_row();
        ++csr.n_rows;
    }
}

inline double normal_copies(std::int64_t) { return 2.0; }

/// Copies of a clone that has `n` of one arm.
inline std::function<double(std::int64_t)> with_arm(const CnvGenome& genome, std::int32_t arm, double n) {
    return [&genome, arm, n](std::int64_t gene) { return genome.arm[static_cast<std::size_t>(gene)] == arm ? n : 2.0; };
}

}  // namespace morula::analysis::cnv_cases
