"""Embeddings corrected by harmonypy on made-up cells -> tests/analysis/fixtures/harmony/.

Run from the project's root: python oracles/harmony.py
"""
import importlib.metadata
import pathlib

import harmonypy
import numpy as np
import pandas as pd

N_CELLS, N_DIMS = 600, 6
rng = np.random.default_rng(11)
types = rng.choice(4, N_CELLS, p=[0.4, 0.3, 0.2, 0.1])
batch = rng.choice(3, N_CELLS, p=[0.5, 0.3, 0.2])
donor = rng.choice(2, N_CELLS)
batch[(types == 3) & (batch == 2)] = 0  # one type is missing from one batch
scale = 6.0 / (1.0 + np.arange(N_DIMS)) ** 0.5
cells = (rng.normal(size=(4, N_DIMS)) * scale)[types] + (0.5 * rng.normal(size=(3, N_DIMS)) * scale)[batch]
cells += (0.25 * rng.normal(size=(2, N_DIMS)) * scale)[donor] + 0.7 * rng.normal(size=(N_CELLS, N_DIMS))
cells -= cells.mean(0)
cells = np.round(cells, 4)
meta = pd.DataFrame({"batch": batch.astype(str), "donor": donor.astype(str)})
runs = {
    "estimated": harmonypy.run_harmony(cells, meta, "batch", verbose=False).result(),
    "fixed": harmonypy.run_harmony(cells, meta, "batch", lamb=1.0, verbose=False).result(),
    "two": harmonypy.run_harmony(cells, meta, ["batch", "donor"], verbose=False).result(),
}
# How far two seeds of harmonypy itself differ: the yardstick of "close".
other = harmonypy.run_harmony(cells, meta, "batch", verbose=False, random_state=1).result()
print("between seeds", np.linalg.norm(other - runs["estimated"]) / np.linalg.norm(cells - runs["estimated"]))

out = pathlib.Path("tests/analysis/fixtures/harmony")
out.mkdir(parents=True, exist_ok=True)
with open(out / "corrected.txt", "w") as file:
    print(f"# harmonypy {importlib.metadata.version('harmonypy')}; made by oracles/harmony.py", file=file)
    print("# n_cells n_dims; a row a cell: type, batch, donor, embedding, corrected by batch, the same with lambda 1, corrected by batch and donor", file=file)
    print(N_CELLS, N_DIMS, file=file)
    for i in range(N_CELLS):
        row = [f"{x:.4f}" for x in cells[i]] + [f"{x:.3f}" for run in runs.values() for x in np.asarray(run)[i]]
        print(types[i], batch[i], donor[i], *row, file=file)
