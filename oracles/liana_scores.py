"""Scores of ligand-receptor pairs by liana's CellPhoneDB on made-up cells -> tests/analysis/fixtures/liana.csv.

90 cells of three types, 14 genes, ten pairs, some with complexes. lr_means is the score; cellphone_pvals are of liana's own permutations, so that they agree with others' but for chance.
Run: scripts/oracles liana_scores   (environment of requirements-peers.txt)
"""
import warnings
from importlib.metadata import version
from pathlib import Path

import anndata
import liana
import numpy as np
import pandas as pd

OUT = Path(__file__).resolve().parent.parent / "tests/analysis/fixtures/liana.csv"
N_CELLS, N_GENES, N_TYPES, PERMUTATIONS, MIN_FRACTION = 90, 14, 3, 4000, 0.2
PAIRS = (("g0", "g1"), ("g2", "g3"), ("g4", "g5_g6"), ("g7_g8", "g9"), ("g10_g11", "g12_g13"), ("g0", "g5_g6"), ("g2_g3", "g1"), ("g9", "g4"), ("g12", "g10"), ("g1", "g2_g5_g8"))


def main():
    rng = np.random.default_rng(11)
    types = np.arange(N_CELLS) % N_TYPES
    mean = rng.gamma(0.7, 0.8, (N_TYPES, N_GENES))
    values = np.log1p(rng.poisson(mean[types])).astype(np.float32)
    cells = anndata.AnnData(values, obs=pd.DataFrame({"type": pd.Categorical([f"t{t}" for t in types])}, index=[f"c{i}" for i in range(N_CELLS)]), var=pd.DataFrame(index=[f"g{i}" for i in range(N_GENES)]))
    warnings.simplefilter("ignore")
    found = liana.mt.cellphonedb(cells, groupby="type", resource=pd.DataFrame(PAIRS, columns=["ligand", "receptor"]), expr_prop=MIN_FRACTION, min_cells=5, use_raw=False, n_perms=PERMUTATIONS, seed=1, inplace=False, verbose=False)
    lines = [f"# liana {version('liana')}, numpy {np.__version__}; expr_prop {MIN_FRACTION}, {PERMUTATIONS} permutations; oracles/liana_scores.py"]
    lines += [f"cell,{types[i]}," + ",".join(f"{g}:{v:.9g}" for g, v in enumerate(values[i]) if v != 0) for i in range(N_CELLS)]
    lines += [f"pair,{ligand.replace('g', '').replace('_', '+')},{receptor.replace('g', '').replace('_', '+')}" for ligand, receptor in PAIRS]
    for row in found.sort_values(["ligand_complex", "receptor_complex", "source", "target"]).itertuples():
        pair = PAIRS.index((row.ligand_complex, row.receptor_complex))
        lines.append(f"found,{pair},{row.source[1:]},{row.target[1:]},{row.lr_means:.8g},{row.cellphone_pvals:.6g}")
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
