"""Fixture of the programmes test: decoupler's ulm and mlm on the cells and programmes that programmes.py made up. Genes that no cell expresses
are left out first, which is decoupler's default and what `morula programmes` does.

Run: scripts/oracles decoupler_activities   (reads tests/analysis/fixtures/programmes.csv, writes decoupler.csv beside it; environment of requirements-peers.txt)
"""
from importlib.metadata import version
from pathlib import Path

import decoupler
import numpy as np
import pandas as pd

FIXTURES = Path(__file__).resolve().parent.parent / "tests/analysis/fixtures"
N_GENES = 60


def made_up():
    """Cells x genes, and the programmes as decoupler wants them."""
    cells, net = [], []
    for line in (FIXTURES / "programmes.csv").read_text(encoding="utf-8").splitlines():
        kind, *fields = line.split(",")
        if kind == "cell":
            cells.append(np.zeros(N_GENES))
            for gene, value in (field.split(":") for field in fields):
                cells[-1][int(gene)] = float(value)
        if kind == "programme":
            net += [(fields[0], f"g{gene}", float(weight)) for gene, weight in (field.split(":") for field in fields[1:])]
    return pd.DataFrame(cells, index=[f"cell{i}" for i in range(len(cells))], columns=[f"g{i}" for i in range(N_GENES)]), pd.DataFrame(net, columns=["source", "target", "weight"])


def main():
    cells, net = made_up()
    names = list(dict.fromkeys(net["source"]))
    lines = [f"# decoupler {version('decoupler')}, numpy {np.__version__}; oracles/decoupler_activities.py; cells and programmes: programmes.csv"]
    for name, method in (("ulm", decoupler.mt.ulm), ("mlm", decoupler.mt.mlm)):
        t, _ = method(cells, net, tmin=1)
        lines += [f"{name}," + ",".join(f"{value:.9g}" for value in row) for row in t[names].to_numpy()]
    (FIXTURES / "decoupler.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
