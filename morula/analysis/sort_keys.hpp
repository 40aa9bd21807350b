// Sorts whole numbers by their upper bits, the lower ones going along.
#pragma once

#include <vector>

namespace morula::analysis {

/// Sorts by the bits from `shift` on, of which at most 32 are in use; equal ones stay in order. Radix over the span of the values, in passes as wide as the number of keys
/// is worth, at most 13 bits. For uint32 and uint64 keys. spare: room, of any content.
template <class Key>
void sort_keys(std::vector<Key>& keys, int shift, std::vector<Key>& spare);

}  // namespace morula::analysis
