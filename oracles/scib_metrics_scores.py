"""Scores of an integration by scib-metrics on made-up cells -> tests/analysis/fixtures/scib_metrics.csv.

300 cells in five dimensions, three labels, three batches of which one lacks the third label; half mixed. Where scib-metrics' own definition is another than ours, both numbers are written:
  connectivity        its graph_connectivity: parts of the directed graph of neighbours in which every cell reaches every other
  connectivity_either parts when a neighbour joins two cells in whichever direction it was found (scipy; scIB's own graph of scanpy goes both ways, so that this is its value there)
  kbet_L              its kbet() on the nearest other cells of label L in the embedding
  kbet_per_label      its kbet_per_label(): neighbours by diffusion in the graph instead
Run: scripts/oracles scib_metrics_scores   (environment of requirements-peers.txt)
"""
from importlib.metadata import version
from pathlib import Path

import numpy as np
import scib_metrics
from scib_metrics.nearest_neighbors import NeighborsResults
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

OUT = Path(__file__).resolve().parent.parent / "tests/analysis/fixtures/scib_metrics.csv"
N_CELLS, N_DIMS, PERPLEXITY, N_NEIGHBORS = 300, 5, 30, 6


def made_up():
    rng = np.random.default_rng(7)
    label = rng.choice(3, N_CELLS, p=[0.5, 0.3, 0.2])
    batch = rng.choice(3, N_CELLS, p=[0.5, 0.3, 0.2])
    batch[(label == 2) & (batch == 2)] = 0
    cells = 3.0 * rng.normal(size=(3, N_DIMS))[label] + rng.normal(size=(N_CELLS, N_DIMS))
    cells += np.where(label == 0, 1.2, 0.4)[:, None] * rng.normal(size=(3, N_DIMS))[batch]
    return np.round(cells, 4), label, batch


def nearest(cells, n):
    """Of each cell itself and the n nearest others, by distance."""
    distance = cdist(cells, cells)
    np.fill_diagonal(distance, -1.0)
    order = np.argsort(distance, axis=1, kind="stable")[:, : n + 1]
    return NeighborsResults(indices=order, distances=np.maximum(np.take_along_axis(distance, order, axis=1), 0.0))


def parts_either_way(near, label):
    n = len(label)
    rows = np.repeat(np.arange(n), near.indices.shape[1])
    graph = csr_matrix((np.ones(near.indices.size), (rows, near.indices.ravel())), shape=(n, n))
    shares = []
    for each in np.unique(label):
        mask = label == each
        _, part = connected_components(graph[mask][:, mask], directed=True, connection="weak")
        shares.append(np.bincount(part).max() / mask.sum())
    return np.mean(shares)


def main():
    cells, label, batch = made_up()
    wide, narrow = nearest(cells, 3 * PERPLEXITY), nearest(cells, N_NEIGHBORS - 1)
    scores = {
        "ilisi": scib_metrics.ilisi_knn(wide, batch, perplexity=PERPLEXITY),
        "clisi": scib_metrics.clisi_knn(wide, label, perplexity=PERPLEXITY),
        "asw_label": scib_metrics.silhouette_label(cells, label),
        "asw_batch": scib_metrics.silhouette_batch(cells, label, batch),
        "isolated_asw": scib_metrics.isolated_labels(cells, label, batch),
        "connectivity": scib_metrics.graph_connectivity(narrow, label),
        "connectivity_either": parts_either_way(narrow, label),
        "kbet_per_label": scib_metrics.kbet_per_label(wide, batch, label),
    }
    for each in np.unique(label):
        mask = label == each
        tested = int(np.clip(mask.sum() // len(np.unique(batch[mask])) // 4, 10, 70))
        others = nearest(cells[mask], tested)
        scores[f"kbet_{each}"] = scib_metrics.kbet(NeighborsResults(indices=others.indices[:, 1:], distances=others.distances[:, 1:]), batch[mask])[0]
    lines = [f"# scib-metrics {version('scib-metrics')}, jax {version('jax')}, numpy {np.__version__}; perplexity {PERPLEXITY}, neighbours {N_NEIGHBORS} with the cell itself; oracles/scib_metrics_scores.py"]
    lines += [f"cell,{label[i]},{batch[i]}," + ",".join(f"{x:.4f}" for x in cells[i]) for i in range(N_CELLS)]
    lines += [f"score,{name},{float(value):.7g}" for name, value in scores.items()]
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
