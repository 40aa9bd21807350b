// Where bits may differ: SIMD target, BLAS build, libm. Stands in run.json and in every step key.
#pragma once

#include <string>

namespace morula {

struct NumericProfile {
    std::string simd;   // Highway's best target here, for instance "AVX2"
    std::string blas;   // library, version and core type
    std::string libm;   // for instance "glibc 2.36"
    std::string text() const { return simd + "; " + blas + "; " + libm; }
};

/// blas is filled by matrix/blas.hpp's numeric_profile().
NumericProfile core_numeric_profile();

}  // namespace morula
