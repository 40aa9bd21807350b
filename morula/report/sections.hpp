// The sections of the page, each a function from the data to HTML; an empty string leaves the section out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "morula/report/report_data.hpp"

namespace morula::report {

/// present: ids of the other sections that the page has; a check or warning links to no other.
std::string summary_section(const ReportData& data, const std::vector<std::string_view>& present);
std::string samples_section(const ReportData& data);
std::string qc_section(const ReportData& data);
std::string ambient_section(const ReportData& data);
std::string map_section(const ReportData& data);
std::string clusters_section(const ReportData& data);
std::string genes_section(const ReportData& data);
/// n_genes: genes whose expression the page holds.
std::string markers_section(const ReportData& data, std::int64_t n_genes);
std::string labels_section(const ReportData& data);
/// "Healthy and diseased"; left out where neither a condition nor copy number was asked for.
std::string comparison_section(const ReportData& data);
std::string sensitivity_section(const ReportData& data);
std::string methods_section(const ReportData& data);
std::string reuse_section(const ReportData& data);
std::string run_section(const ReportData& data);

}  // namespace morula::report
