// Trimmed mean of M values: factors that make library sizes comparable although few genes take a large share (Robinson & Oshlack 2010).
#pragma once

#include <vector>

#include "morula/matrix/views.hpp"

namespace morula::analysis {

struct TmmTrims {
    double ratio_trim = 0.3;      // share of genes left out at each end by log ratio
    double abundance_trim = 0.05; // and by mean abundance
};

/// One factor a sample, their geometric mean 1; library size times factor is the effective library size. counts: genes x samples.
/// The reference is the sample whose upper quartile of counts over library size lies nearest the mean of all. Conventions and numbers are those of edgeR's
/// calcNormFactors (3.40). Samples without counts get 1.
std::vector<double> tmm_factors(matrix::DenseView<const double> counts, const TmmTrims& options);

}  // namespace morula::analysis
