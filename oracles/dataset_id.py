"""The hash of a matrix as docs/atlas.md describes it; checks that tests/atlas/atlas_test.cpp expects this one. Needs numpy and xxhash."""
import sys
from pathlib import Path

import numpy as np
import xxhash


def matrix_hash(indptr, indices, values, shape):
    tiles = xxhash.xxh3_128()
    tiles.update(b"morula-matrix-1")
    tiles.update(np.asarray(shape, "<i8").tobytes())
    for first in range(0, shape[0], 1024):
        rows = indptr[first : first + 1025]
        lengths = np.diff(rows).astype("<i8").tobytes()
        ids = np.asarray(indices[rows[0] : rows[-1]], "<u4").tobytes()
        data = np.asarray(values[rows[0] : rows[-1]], "<f4").tobytes()
        for part in (lengths, ids, data):
            tiles.update(xxhash.xxh3_128_hexdigest(part).encode())
    return tiles.hexdigest()


if __name__ == "__main__":
    expected = matrix_hash([0, 2, 3], [0, 3, 1], [1, 2, 5], (2, 4))
    print(expected)
    test = Path(__file__).parent.parent / "tests/atlas/atlas_test.cpp"
    if f'"{expected}"' not in test.read_text():
        sys.exit(f"{test} expects another hash.")
