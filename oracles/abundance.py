"""Fixtures of the abundance test: numpy for the log ratios, scipy for the exact and Student's p.

Made-up counts; and, where the composition tables of Kang et al. 2018 are found, the numbers that come of them (not the tables).
Run: python oracles/abundance.py   (writes tests/analysis/fixtures/abundance.csv)
"""
import csv
import os
from pathlib import Path

import numpy as np
import scipy
from scipy import stats

ROOT = Path(__file__).resolve().parent.parent
KANG = Path(os.environ.get("MORULA_DATA", ROOT / "../shared/data")) / "kang-ifnb"


def log_ratios(counts):
    """ln counts with half a cell, scaled by the unit's size, less the median over types of the deviation from the type's mean."""
    totals = counts.sum(1)
    logs = np.log(counts + 0.5 * (totals / totals.mean())[:, None])
    return logs - np.median(logs - logs.mean(0), axis=1)[:, None]


def paired(y, n):
    difference = y[:n] - y[n:]
    t = stats.ttest_1samp(difference, 0)
    exact = stats.permutation_test((difference,), np.mean, permutation_type="samples", n_resamples=np.inf)
    low, high = t.confidence_interval(0.95)
    return difference.mean(), t.pvalue, min(1.0, exact.pvalue), low, high


def unpaired(y, n):
    a, b = y[:n], y[n:]
    t = stats.ttest_ind(a, b, equal_var=False)
    size = lambda a, b, axis: np.abs(stats.ttest_ind(a, b, equal_var=False, axis=axis).statistic)
    exact = stats.permutation_test((a, b), size, permutation_type="independent", n_resamples=np.inf, alternative="greater", vectorized=True)
    low, high = t.confidence_interval(0.95)
    return a.mean() - b.mean(), t.pvalue, exact.pvalue, low, high


def lines_of(name, counts, n_case, test):
    ratios = log_ratios(counts.astype(float))
    out = [f"counts,{name},{n_case},{'paired' if test is paired else 'unpaired'}"]
    if name != "kang":
        out += [f"row,{name}," + ",".join(str(v) for v in row) for row in counts]
    for kind in range(counts.shape[1]):
        out.append(f"type,{name},{kind}," + ",".join(f"{v:.15g}" for v in test(ratios[:, kind], n_case)))
    return out


def kang():
    def read(condition):
        with open(KANG / f"composition_count_{condition}.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))[1:]
        return np.array([[int(v) for v in row[1:]] for row in sorted(rows, key=lambda row: row[0])])
    return np.vstack([read("stim"), read("ctrl")])


def main():
    rng = np.random.default_rng(7)
    share = np.array([0.4, 0.25, 0.15, 0.1, 0.06, 0.04])
    make = lambda n: rng.poisson(rng.lognormal(6.5, 0.4, n)[:, None] * share * rng.lognormal(0, 0.4, (n, 6)))
    lines = [f"# numpy {np.__version__}, scipy {scipy.__version__}; type, data, number, ln ratio, Student's p, exact p, low, high"]
    lines += lines_of("seven pairs", make(14), 7, paired)
    lines += lines_of("five and four", make(9), 5, unpaired)
    if KANG.exists():
        lines += lines_of("kang", kang(), 8, paired)
    (ROOT / "tests/analysis/fixtures/abundance.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
