// LZF for the library itself, which small compressed columns are read through.
#pragma once

namespace morula::formats::h5 {

/// Tells the library how to undo LZF (filter 32000, as h5py writes it). Calling it again does nothing.
void register_lzf();

}  // namespace morula::formats::h5
