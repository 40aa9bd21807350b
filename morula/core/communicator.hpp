// Ranks of a distributed run. One rank here; MPI implements it in cluster/.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace morula {

class Communicator {
public:
    virtual ~Communicator() = default;
    virtual std::int32_t rank() const = 0;
    virtual std::int32_t size() const = 0;
    /// Adds `values` of all ranks in rank order; every rank receives the same bits.
    virtual void sum_in_rank_order(std::span<double> values) = 0;
    virtual void barrier() = 0;
};

std::unique_ptr<Communicator> make_single_rank();

}  // namespace morula
