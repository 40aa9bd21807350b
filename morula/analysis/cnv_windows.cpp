#include "morula/analysis/cnv_windows.hpp"

#include <algorithm>

#include "morula/core/error.hpp"
#include "morula/matrix/scratch_pool.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kFewestGenes = 10;  // of a chromosome with a window

float median_of(std::span<const float> values, std::vector<float>& scratch) {
    scratch.assign(values.begin(), values.end());
    const auto middle = scratch.begin() + static_cast<std::ptrdiff_t>(scratch.size() / 2);
    std::nth_element(scratch.begin(), middle, scratch.end());
    if (scratch.size() % 2 == 1) return *middle;
    return 0.5F * (*middle + *std::max_element(scratch.begin(), middle));
}

struct Scratch {
    std::vector<double> prefix;
    std::vector<float> sorted;
};

}  // namespace

CnvGenome select_genes(const CnvGenome& genome, std::span<const std::int64_t> genes) {
    CnvGenome out;
    out.chromosome_names = genome.chromosome_names;
    out.arm_names = genome.arm_names;
    for (const std::int64_t gene : genes) {
        const auto g = static_cast<std::size_t>(gene);
        out.chromosome.push_back(genome.chromosome[g]);
        out.arm.push_back(genome.arm[g]);
        out.start.push_back(genome.start[g]);
        out.end.push_back(genome.end[g]);
    }
    return out;
}

CnvWindowPlan plan_windows(std::span<const std::int32_t> chromosome, const CnvWindowsOptions& options) {
    check_fields(options);
    CnvWindowPlan plan;
    const std::int64_t n_genes = std::ssize(chromosome);
    for (std::int64_t first = 0; first < n_genes;) {
        std::int64_t last = first;
        while (last < n_genes && chromosome[static_cast<std::size_t>(last)] == chromosome[static_cast<std::size_t>(first)]) ++last;
        const std::int64_t width = std::min<std::int64_t>(options.window, last - first);
        const auto add = [&](std::int64_t begin) {
            plan.begin.push_back(begin);
            plan.end.push_back(begin + width);
            plan.chromosome.push_back(chromosome[static_cast<std::size_t>(first)]);
        };
        if (last - first >= kFewestGenes) {
            for (std::int64_t begin = first; begin < last - width; begin += options.step) add(begin);
            add(last - width);
        }
        first = last;
    }
    return plan;
}

matrix::Dense<float> cnv_windows(const matrix::RowBlockSource& values, std::span<const double> baseline, const CnvWindowPlan& plan, const CnvWindowsOptions& options, Context& context) {
    MORULA_ASSERT(std::ssize(baseline) == values.n_cols());
    const std::int64_t n_windows = plan.n_windows();
    context.require_memory(values.n_rows() * n_windows * static_cast<std::int64_t>(sizeof(float)), "cnv windows");
    matrix::Dense<float> out(values.n_rows(), n_windows);
    if (n_windows == 0) return out;
    const auto bounded = [&](double value) { return std::clamp(value, -options.bound, options.bound); };
    std::vector<double> absent;
    for (const double mean : baseline) absent.push_back(bounded(-mean));
    matrix::ScratchPool<Scratch> pool;
    matrix::for_each_tile(values, context, [&](const matrix::CsrView& tile, std::int64_t first_row) {
        auto scratch = pool.take();
        std::vector<double>& prefix = scratch->prefix;
        prefix.resize(absent.size() + 1);
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            prefix[0] = 0.0;
            std::copy(absent.begin(), absent.end(), prefix.begin() + 1);
            const auto genes = tile.row_indices(row);
            const auto expressed = tile.row_values(row);
            for (std::size_t i = 0; i < genes.size(); ++i) prefix[genes[i] + 1] = bounded(static_cast<double>(expressed[i]) - baseline[genes[i]]);
            for (std::size_t gene = 1; gene < prefix.size(); ++gene) prefix[gene] += prefix[gene - 1];
            const std::span<float> windows = out.row(first_row + row);
            for (std::size_t w = 0; w < windows.size(); ++w) {
                const auto begin = static_cast<std::size_t>(plan.begin[w]);
                const auto end = static_cast<std::size_t>(plan.end[w]);
                windows[w] = static_cast<float>((prefix[end] - prefix[begin]) / static_cast<double>(end - begin));
            }
            const float middle = median_of(windows, scratch->sorted);
            for (float& window : windows) window -= middle;
        }
    });
    return out;
}

}  // namespace morula::analysis
