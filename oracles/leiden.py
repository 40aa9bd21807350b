"""Modularity that leidenalg reaches on a made-up neighbour graph -> tests/analysis/fixtures/leiden/.

Run from the project's root: python oracles/leiden.py
"""
import pathlib

import igraph
import leidenalg
import numpy as np

N_CELLS, N_NEAREST, N_SEEDS = 700, 10, 20
rng = np.random.default_rng(7)
cells = rng.normal(size=(9, 8))[rng.integers(0, 9, N_CELLS)] * 1.1 + rng.normal(size=(N_CELLS, 8))
distance = ((cells[:, None, :] - cells[None, :, :]) ** 2).sum(-1)
np.fill_diagonal(distance, np.inf)
weights = {}
for a in range(N_CELLS):
    for b in np.argsort(distance[a])[:N_NEAREST]:
        weights[min(a, int(b)), max(a, int(b))] = max(1, round(1000 * float(np.exp(-distance[a, b] / 8.0))))
edges = sorted(weights)
graph = igraph.Graph(N_CELLS, edges)
weight = [weights[e] / 1000 for e in edges]

out = pathlib.Path("tests/analysis/fixtures/leiden")
out.mkdir(parents=True, exist_ok=True)
with open(out / "graph.txt", "w") as file:
    print(f"# leidenalg {leidenalg.version}, igraph {igraph.__version__}; made by oracles/leiden.py", file=file)
    print(f"# n_cells n_edges n_resolutions; resolution, median and best modularity of {N_SEEDS} seeds run until stable; undirected edges a b 1000*weight", file=file)
    resolutions = [0.5, 1.0, 2.0]
    print(N_CELLS, len(edges), len(resolutions), file=file)
    for resolution in resolutions:
        found = [
            leidenalg.find_partition(
                graph, leidenalg.RBConfigurationVertexPartition, weights=weight, n_iterations=-1, seed=seed, resolution_parameter=resolution
            ).quality() / (2 * sum(weight))
            for seed in range(N_SEEDS)
        ]
        print(resolution, f"{np.median(found):.9f}", f"{max(found):.9f}", file=file)
    for a, b in edges:
        print(a, b, weights[a, b], file=file)
