// What the command line may hold beside names of columns: contrasts ("severe - mild") and design formulas ("~ donor + group"). Weights that compare something and terms with names, or an Error.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/expect.hpp"
#include "morula/analysis/contrast.hpp"
#include "morula/analysis/design.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static const std::vector<std::string> levels{"healthy", "mild", "severe", "COVID-19", "ER+", "6", "12h", "a, b"};
    morula::fuzz::expect_value_or_error([&] {
        const auto contrast = morula::analysis::parse_contrast(text, levels);
        double sum = 0.0, most = 0.0;
        for (const double weight : contrast.weights) {
            if (!std::isfinite(weight)) __builtin_trap();
            sum += weight;
            most = std::fmax(most, std::fabs(weight));
        }
        if (contrast.weights.size() != levels.size() || !(most > 0.0) || std::fabs(sum) > 1e-6 * most) __builtin_trap();
    });
    morula::fuzz::expect_value_or_error([&] {
        const auto terms = morula::analysis::parse_formula(text);
        if (terms.empty()) __builtin_trap();
        for (const auto& term : terms) {
            if (term.column.empty()) __builtin_trap();
        }
    });
    return 0;
}
