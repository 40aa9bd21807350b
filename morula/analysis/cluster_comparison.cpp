#include "morula/analysis/cluster_comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

/// Cell counts of the joint clusters (a, b), in label order, and of each side.
struct Contingency {
    std::vector<std::int64_t> joint;
    std::vector<std::int64_t> joint_a;  // size of the a-cluster of each joint entry
    std::vector<std::int64_t> joint_b;
    std::vector<std::int64_t> of_a;
    std::vector<std::int64_t> of_b;
    std::int64_t n_cells = 0;
};

/// Labels as 0, 1, ... in label order, and the size of each.
std::vector<std::int32_t> compact_labels(std::span<const std::int32_t> labels, std::vector<std::int64_t>& sizes) {
    std::vector<std::int32_t> names(labels.begin(), labels.end());
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    sizes.assign(names.size(), 0);
    std::vector<std::int32_t> compact(labels.size());
    for (std::size_t cell = 0; cell < labels.size(); ++cell) {
        compact[cell] = static_cast<std::int32_t>(std::ranges::lower_bound(names, labels[cell]) - names.begin());
        ++sizes[static_cast<std::size_t>(compact[cell])];
    }
    return compact;
}

Contingency count_joint(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
    if (a.size() != b.size()) {
        fail(ErrorCode::usage, fmt::format("Two clusterings of {} and {} cells cannot be compared.", a.size(), b.size()), "Compare clusterings of the same cells.");
    }
    Contingency table;
    table.n_cells = static_cast<std::int64_t>(a.size());
    const auto code_a = compact_labels(a, table.of_a);
    const auto code_b = compact_labels(b, table.of_b);
    std::vector<std::pair<std::int32_t, std::int32_t>> pairs(a.size());
    for (std::size_t cell = 0; cell < a.size(); ++cell) pairs[cell] = {code_a[cell], code_b[cell]};
    std::ranges::sort(pairs);
    for (auto at = pairs.begin(); at != pairs.end();) {
        const auto next = std::upper_bound(at, pairs.end(), *at);
        table.joint.push_back(next - at);
        table.joint_a.push_back(table.of_a[static_cast<std::size_t>(at->first)]);
        table.joint_b.push_back(table.of_b[static_cast<std::size_t>(at->second)]);
        at = next;
    }
    return table;
}

double pairs_within(std::span<const std::int64_t> sizes) {
    double pairs = 0.0;
    for (const std::int64_t size : sizes) pairs += 0.5 * static_cast<double>(size) * static_cast<double>(size - 1);
    return pairs;
}

double entropy(std::span<const std::int64_t> sizes, double n_cells) {
    double sum = 0.0;
    for (const std::int64_t size : sizes) sum -= static_cast<double>(size) / n_cells * std::log(static_cast<double>(size) / n_cells);
    return sum;
}

}  // namespace

double adjusted_rand_index(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
    const Contingency table = count_joint(a, b);
    const double both = pairs_within(table.joint);
    const double in_a = pairs_within(table.of_a);
    const double in_b = pairs_within(table.of_b);
    const double all = 0.5 * static_cast<double>(table.n_cells) * static_cast<double>(table.n_cells - 1);
    const double expected = all > 0.0 ? in_a * in_b / all : 0.0;
    const double most = 0.5 * (in_a + in_b);
    return most == expected ? 1.0 : (both - expected) / (most - expected);
}

double normalized_mutual_information(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
    const Contingency table = count_joint(a, b);
    const auto n = static_cast<double>(table.n_cells);
    const double mean_entropy = 0.5 * (entropy(table.of_a, n) + entropy(table.of_b, n));
    if (mean_entropy == 0.0) return 1.0;
    double information = 0.0;
    for (std::size_t i = 0; i < table.joint.size(); ++i) {
        const auto joint = static_cast<double>(table.joint[i]);
        information += joint / n * std::log(joint * n / (static_cast<double>(table.joint_a[i]) * static_cast<double>(table.joint_b[i])));
    }
    return std::max(0.0, information / mean_entropy);
}

}  // namespace morula::analysis
