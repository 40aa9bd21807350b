"""Fixture of the meta-analysis test: statsmodels for the random-effects mean (Paule & Mandel's tau, Hartung & Knapp's variance), scipy for p.

Made-up effects of 2 to 8 data sets, with and without differences between data sets.
Run: python oracles/meta_analysis.py   (writes tests/analysis/fixtures/meta_analysis.csv)
"""
import csv
from pathlib import Path

import numpy as np
import statsmodels
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

ROOT = Path(__file__).resolve().parent.parent


def main():
    random = np.random.default_rng(7)
    path = ROOT / "tests/analysis/fixtures/meta_analysis.csv"
    with open(path, "w", newline="") as file:
        file.write(f"# statsmodels {statsmodels.__version__}, by oracles/meta_analysis.py: k effects, k se, then mean, tau2, se, p, low, high, p_two\n")
        out = csv.writer(file, lineterminator="\n")
        for k in (2, 3, 5, 8):
            for between in (0.0, 0.3, 1.5):
                for _ in range(4):
                    se = random.uniform(0.1, 0.6, k)
                    effect = 0.4 + between * random.standard_normal(k) + se * random.standard_normal(k)
                    found = combine_effects(effect, se**2, method_re="iterated", use_t=True)
                    weights = 1 / (se**2 + found.tau2)
                    q = (weights * (effect - found.mean_effect_re) ** 2).sum() / (k - 1)
                    # Hartung & Knapp's variance, not below that of equal true effects.
                    error = np.sqrt(max(1.0, q) / weights.sum())
                    p = 2 * stats.t.sf(abs(found.mean_effect_re / error), k - 1)
                    reach = stats.t.ppf(0.975, k - 1) * error
                    # Partial conjunction, two of k, from the data sets' normal p values.
                    one_sided = [np.sort(stats.norm.sf(sign * effect / se)) for sign in (1, -1)]
                    p_two = min(1.0, 2 * min(min(1.0, (k - 1) * side[1]) for side in one_sided))
                    out.writerow([k, *effect, *se, found.mean_effect_re, found.tau2, error, p, found.mean_effect_re - reach, found.mean_effect_re + reach, p_two])


if __name__ == "__main__":
    main()
