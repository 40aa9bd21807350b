// A whole page's worth of made-up data: samples, types and expression of our own invention, for tests and for looking at the page.
#pragma once

#include <cstdint>

#include "morula/report/report_data.hpp"

namespace morula::report {

struct ExampleOptions {
    std::int32_t n_samples = 3;
    std::int64_t n_cells = 3000;      // kept
    std::int64_t n_cells_all = 0;     // above n_cells: the page shows n_cells of so many, with a density map; 0 = n_cells
    std::int32_t n_genes_held = 300;  // genes with expression
    std::uint64_t seed = 1;
};

ReportData example_report_data(const ExampleOptions& options);

}  // namespace morula::report
