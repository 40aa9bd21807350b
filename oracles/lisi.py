"""Local inverse Simpson index by harmonypy on made-up cells -> tests/analysis/fixtures/lisi/.

Run from the project's root: python oracles/lisi.py
"""
import importlib.metadata
import pathlib

import harmonypy
import numpy as np
import pandas as pd

N_CELLS, N_DIMS, PERPLEXITY = 300, 5, 30
rng = np.random.default_rng(5)
types = rng.choice(3, N_CELLS, p=[0.5, 0.3, 0.2])
batch = rng.choice(3, N_CELLS, p=[0.5, 0.3, 0.2])
cells = 4.0 * rng.normal(size=(3, N_DIMS))[types] + rng.normal(size=(N_CELLS, N_DIMS))
cells += np.where(types == 0, 3.0, 0.3)[:, None] * rng.normal(size=(3, N_DIMS))[batch]  # one type is hardly mixed, the others are
cells = np.round(cells, 4)


def plain_lisi(cells, batch, perplexity):
    """Korsunsky et al. 2019, with the 3 * perplexity nearest other cells (the R package lisi takes one fewer)."""
    out = np.zeros(len(cells))
    for i, cell in enumerate(cells):
        distance = np.sqrt(((cells - cell) ** 2).sum(1))
        near = np.argsort(distance, kind="stable")[1 : 3 * perplexity + 1]
        d = distance[near]
        beta, low, high = 1.0, -np.inf, np.inf
        for _ in range(50):
            p = np.exp(-d * beta)
            entropy = np.log(p.sum()) + beta * (d * p).sum() / p.sum()
            p /= p.sum()
            if abs(entropy - np.log(perplexity)) < 1e-5:
                break
            if entropy > np.log(perplexity):
                low, beta = beta, beta * 2 if high == np.inf else (beta + high) / 2
            else:
                high, beta = beta, beta / 2 if low == -np.inf else (beta + low) / 2
        out[i] = 1.0 / sum(p[batch[near] == b].sum() ** 2 for b in np.unique(batch))
    return out


lisi = harmonypy.compute_lisi(cells, pd.DataFrame({"batch": batch.astype(str)}), ["batch"], PERPLEXITY)[:, 0]
assert np.abs(lisi - plain_lisi(cells, batch, PERPLEXITY)).max() < 1e-9

out = pathlib.Path("tests/analysis/fixtures/lisi")
out.mkdir(parents=True, exist_ok=True)
with open(out / "lisi.txt", "w") as file:
    print(f"# harmonypy {importlib.metadata.version('harmonypy')}, perplexity {PERPLEXITY}; made by oracles/lisi.py", file=file)
    print("# n_cells n_dims; a row a cell: batch, coordinates, lisi", file=file)
    print(N_CELLS, N_DIMS, file=file)
    for i in range(N_CELLS):
        print(batch[i], *[f"{x:.4f}" for x in cells[i]], f"{lisi[i]:.6f}", file=file)
