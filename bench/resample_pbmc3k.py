#!/usr/bin/env python3
"""A large set with real structure: bench/resample_pbmc3k.py COUNTS.h5ad --cells N --seed S. Each cell is made of two of PBMC3k with the same published label, thinned.

Their counts are added and each is kept with a probability drawn for the cell (.25 to .5), so that cells are as deep as measured ones and no two are copies (thinned copies of
one cell would be a cluster of their own). obs 'true_type' holds the published label.
Benchmark input only: the cells are not independent, so nothing about blood follows from it.
"""
import argparse
import os
from pathlib import Path

import anndata
import numpy
import scipy.sparse

ROOT = Path(__file__).resolve().parent.parent
BLOCK = 5000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--cells", type=int, default=100000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    data = Path(os.environ.get("MORULA_DATA", ROOT.parent / "shared" / "data"))
    source = anndata.read_h5ad(data / "pbmc3k" / "pbmc3k_raw.h5ad")
    counts = scipy.sparse.csr_matrix(source.X)

    random = numpy.random.default_rng(arguments.seed)
    label = source.obs["classified"].astype("object").fillna("none").to_numpy()
    drawn = random.integers(0, source.n_obs, arguments.cells)
    partner = numpy.empty_like(drawn)
    for each in set(label):
        mine = label[drawn] == each
        partner[mine] = random.choice(numpy.flatnonzero(label == each), mine.sum())
    kept = random.uniform(0.25, 0.5, arguments.cells)
    blocks = []
    for begin in range(0, arguments.cells, BLOCK):
        block = (counts[drawn[begin:begin + BLOCK]] + counts[partner[begin:begin + BLOCK]]).tocsr()
        probability = numpy.repeat(kept[begin:begin + BLOCK], numpy.diff(block.indptr))
        block.data = random.binomial(block.data.astype(numpy.int64), probability).astype(numpy.float32)
        block.eliminate_zeros()
        block.sort_indices()
        blocks.append(block)
    cells = anndata.AnnData(scipy.sparse.vstack(blocks, format="csr"), var=source.var[[]].copy())
    cells.obs_names = [f"resampled-{i + 1:07}" for i in range(arguments.cells)]
    cells.obs["true_type"] = label[drawn]
    cells.obs["true_type"] = cells.obs["true_type"].astype("category")
    cells.write_h5ad(arguments.out)
    print(f"{arguments.out}: {cells.n_obs} x {cells.n_vars}, {cells.X.nnz} non-zeros")


if __name__ == "__main__":
    main()
