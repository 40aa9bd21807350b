"""Fuzzy weights of umap-learn on made-up neighbours -> tests/analysis/fixtures/connectivities/.

Run from the project's root: python oracles/connectivities.py
"""
import pathlib

import numpy as np
import umap
from umap.umap_ import fuzzy_simplicial_set, smooth_knn_dist

N_CELLS, N_NEIGHBORS = 120, 10
rng = np.random.default_rng(20)
cells = rng.normal(size=(N_CELLS, 6)).astype(np.float32)
cells[:40] *= 0.1  # a dense region
cells[60:63] = cells[50]  # duplicates: rho skips distances of 0
cells[100:112] = cells[99]  # more duplicates than neighbours: rho is 0
distance = np.sqrt(((cells[:, None, :].astype(np.float64) - cells[None, :, :]) ** 2).sum(-1)).astype(np.float32)
order = np.argsort(np.where(np.eye(N_CELLS, dtype=bool), -1.0, distance), axis=1, kind="stable")[:, :N_NEIGHBORS]
nearest = np.take_along_axis(distance, order, axis=1)
sigma, rho = smooth_knn_dist(nearest, float(N_NEIGHBORS), local_connectivity=1.0)
graph = fuzzy_simplicial_set(cells, N_NEIGHBORS, np.random.RandomState(0), "euclidean", knn_indices=order, knn_dists=nearest)[0].tocsr()
graph.sort_indices()

out = pathlib.Path("tests/analysis/fixtures/connectivities")
out.mkdir(parents=True, exist_ok=True)
with open(out / "fuzzy.txt", "w") as file:
    print(f"# umap-learn {umap.__version__}, numpy {np.__version__}; made by oracles/connectivities.py", file=file)
    print("# n_cells n_neighbors n_edges; a row of neighbours and one of distances a cell (itself left out); rho sigma of each cell; edges", file=file)
    print(N_CELLS, N_NEIGHBORS, graph.nnz, file=file)
    for i in range(N_CELLS):
        print(*order[i, 1:], file=file)
        print(*[f"{d:.9g}" for d in nearest[i, 1:]], file=file)
    for i in range(N_CELLS):
        print(f"{rho[i]:.9g} {sigma[i]:.9g}", file=file)
    for i in range(N_CELLS):
        for e in range(graph.indptr[i], graph.indptr[i + 1]):
            print(i, graph.indices[e], f"{graph.data[e]:.9g}", file=file)
