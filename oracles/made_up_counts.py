"""Small made-up counts that the analysis oracles share: 300 cells x 400 genes, 4 types, 3 interleaved batches.

Run: python oracles/made_up_counts.py   (writes tests/analysis/fixtures/counts.csv)
On purpose: gene 7 is never seen, gene 8 is 1 in every cell but the empty one, genes 20 and 21 are copies, cell 5 is empty.
"""
import pathlib

import numpy as np
import scipy.sparse as sp

FIXTURES = pathlib.Path(__file__).parent.parent / "tests/analysis/fixtures"
N_CELLS, N_GENES, N_BATCHES = 300, 400, 3


def symbols():
    names = [f"G{g:03d}" for g in range(N_GENES)]
    for g, name in {0: "MT-ND1", 1: "MT-CO1", 2: "RPS6", 3: "RPL13A", 4: "HBB", 5: "FOS"}.items():
        names[g] = name
    return names


def make():
    rng = np.random.default_rng(20260302)
    base = rng.lognormal(-1.6, 1.1, N_GENES)
    types = rng.integers(0, 4, N_CELLS)
    batch = rng.choice(N_BATCHES, N_CELLS, p=[0.45, 0.35, 0.2])
    fold = np.ones((4, N_GENES))
    for t in range(4):
        fold[t, rng.choice(N_GENES, 40, replace=False)] = rng.lognormal(1.2, 0.6, 40)
    shift = rng.lognormal(0, 0.25, (N_BATCHES, N_GENES))
    depth = rng.lognormal(0, 0.45, N_CELLS)
    mean = base * fold[types] * shift[batch] * depth[:, None]
    counts = rng.poisson(mean * rng.gamma(2.0, 0.5, mean.shape)).astype(np.float32)
    counts[:, 7] = 0
    counts[:, 8] = 1
    counts[:, 21] = counts[:, 20]
    counts[5] = 0
    return sp.csr_matrix(counts), batch


def read():
    """The fixture as (counts, batch), so that every oracle sees exactly what the tests see."""
    rows, batch = [], []
    for line in (FIXTURES / "counts.csv").read_text().splitlines():
        if line.startswith("#"):
            continue
        fields = line.split(",")
        batch.append(int(fields[0]))
        row = np.zeros(N_GENES, np.float32)
        for field in fields[1:]:
            gene, _, count = field.partition(":")
            row[int(gene)] = float(count or 1)
        rows.append(row)
    return sp.csr_matrix(np.array(rows)), np.array(batch)


def main():
    counts, batch = make()
    lines = ["# made-up counts, one cell a line: batch, then gene or gene:count"]
    for c in range(N_CELLS):
        row = counts[c]
        fields = [str(batch[c])] + [f"{g}:{int(v)}" if v != 1 else str(g) for g, v in zip(row.indices, row.data)]
        lines.append(",".join(fields))
    (FIXTURES / "counts.csv").write_text("\n".join(lines) + "\n")
    (FIXTURES / "symbols.csv").write_text("\n".join(symbols()) + "\n")


if __name__ == "__main__":
    main()
