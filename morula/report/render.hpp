// The report: one HTML file that needs no network, with everything in it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "morula/report/report_data.hpp"

namespace morula::report {

/// Ids of the sections, in page order: targets of CheckItem::section and Warning::section.
inline constexpr std::array<std::string_view, 14> kSectionIds = {"summary",  "samples", "qc",          "ambient", "map",     "clusters", "genes",
                                                                 "markers", "labels",  "comparison", "sensitivity", "methods", "reuse", "run"};

/// Largest page by number of shown cells: 5 MB at 3,000, 20 MB at 100,000, linear between, 20 MB above.
std::int64_t report_size_limit(std::int64_t n_cells);

/// The whole page. Every text of `data` is escaped: names may hold anything. Genes that would take the page over
/// report_size_limit() are left out from the end of data.expression, and the page says how many.
/// Throws internal when vectors that belong together differ in length (names them).
std::string render_report(const ReportData& data);

/// Writes the page whole or not at all. Throws what AtomicFile throws.
void write_report(const ReportData& data, const std::filesystem::path& path);

}  // namespace morula::report
