"""Fixture of LOESS fits: scikit-misc (netlib dloess), degree 2, interpolated surface.

Run: python oracles/loess.py   (writes tests/analysis/fixtures/loess.csv)
Inputs are made here: a mean-variance cloud like that of counts, one with many ties, and a small one.
"""
import importlib.metadata
import pathlib

import numpy as np
from skmisc.loess import loess

OUT = pathlib.Path(__file__).parent.parent / "tests/analysis/fixtures/loess.csv"


def cloud(rng, n):
    x = np.sort(rng.normal(-1.0, 0.8, n))[rng.permutation(n)]
    y = x + 0.25 * (x + 2) ** 2 * (x > -2) + rng.normal(0, 0.2, n)
    return x, y


def ties(rng, n, p=0.05):
    counts = rng.geometric(p, n)
    x = np.log10(counts / 300.0)
    return x, x + 0.1 * x**2 + rng.normal(0, 0.1, n)


def main():
    rng = np.random.default_rng(20260301)
    cases = [("cloud", 0.3, *cloud(rng, 700)), ("ties", 0.3, *ties(rng, 600)), ("ties_narrow", 0.2, *ties(rng, 400, 0.02)),
             ("small", 0.75, *cloud(rng, 15)), ("whole", 1.0, *cloud(rng, 40))]
    lines = [f"# scikit-misc {importlib.metadata.version('scikit-misc')}; columns: case, span, x, y, fitted"]
    for name, span, x, y in cases:
        model = loess(x, y, span=span, degree=2)
        model.fit()
        for values in zip(x, y, model.outputs.fitted_values):
            lines.append(f"{name},{span}," + ",".join(f"{v:.17g}" for v in values))
    OUT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
