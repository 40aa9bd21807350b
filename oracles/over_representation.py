"""Fixture of the over-representation test: scipy's hypergeometric tail.

Run: python oracles/over_representation.py   (writes tests/analysis/fixtures/over_representation.csv)
"""
from pathlib import Path

import numpy as np
import scipy
from scipy import stats

ROOT = Path(__file__).resolve().parent.parent


def main():
    cases = [(1, 1, 1, 2), (3, 5, 10, 20), (0, 5, 10, 20), (5, 5, 10, 20), (6, 8, 15, 20), (40, 200, 500, 20000), (5, 200, 500, 20000), (4, 200, 500, 20000), (200, 200, 500, 20000),
             (150, 200, 15000, 20000), (160, 200, 15000, 20000), (1, 15, 3, 18000), (12, 15, 900, 18000), (300, 2000, 2500, 60000), (90, 2000, 2500, 60000), (2, 50, 50, 51)]
    rng = np.random.default_rng(3)
    for _ in range(24):
        n = int(rng.integers(30, 30000))
        of_set, listed = int(rng.integers(1, n)), int(rng.integers(1, n))
        cases.append((int(rng.hypergeometric(of_set, n - of_set, listed)), of_set, listed, n))
    lines = [f"# scipy {scipy.__version__}; both, set, listed, background, log10 of hypergeom.sf(both - 1)"]
    for both, of_set, listed, n in cases:
        log10_p = stats.hypergeom.logsf(both - 1, n, of_set, listed) / np.log(10)
        lines.append(f"{both},{of_set},{listed},{n},{min(0.0, log10_p):.15g}")
    (ROOT / "tests/analysis/fixtures/over_representation.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
