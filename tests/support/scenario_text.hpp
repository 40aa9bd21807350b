// Parts of scenarios that tests have in common, as text.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace morula::test {

/// Seven lines: title, minutes and [domain], which is `domain` of two lines ("size_um = [200, 200, 200]\nvoxel_um = 20"), with a blank line behind.
inline std::string scenario_head(std::string_view title, double until_min, std::string_view domain) { return fmt::format("title = \"{}\"\nuntil_min = {:g}\n\n[domain]\n{}\n\n", title, until_min, domain); }

/// Ten voxels of 20 um a side.
inline constexpr std::string_view kTenVoxels = "size_um = [200, 200, 200]\nvoxel_um = 20";

/// One line: key = { value, unit, source, citation }.
inline std::string measured_rate(std::string_view key, double value, std::string_view unit) { return fmt::format("{} = {{ value = {:g}, unit = \"{}\", source = \"measured\", citation = \"made up\" }}\n", key, value, unit); }

/// Six lines of [[substance]], all measured.
struct SubstanceText {
    std::string_view name;
    std::string_view unit;
    double diffusion;  // um2/min
    double decay;      // 1/min
    double initial;    // in the unit
};
inline std::string text_of(const SubstanceText& substance) {
    return fmt::format("[[substance]]\nname = \"{}\"\nunit = \"{}\"\n", substance.name, substance.unit) + measured_rate("diffusion", substance.diffusion, "um2/min") + measured_rate("decay", substance.decay, "1/min") +
           measured_rate("initial", substance.initial, substance.unit);
}

/// A scenario without what it says of its rules' numbers, for tests that give it rules of their own.
inline std::string without_rule_sources(std::string scenario) {
    constexpr std::string_view kHead = "[[rule_source]]\n";
    for (std::size_t at = scenario.find(kHead); at != std::string::npos; at = scenario.find(kHead)) {
        const std::size_t next = scenario.find("\n[", at);
        scenario.erase(at, next == std::string::npos ? next : next + 1 - at);
    }
    return scenario;
}

}  // namespace morula::test
