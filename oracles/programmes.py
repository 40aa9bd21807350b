"""Fixture of the programmes test: statsmodels' ordinary least squares for ulm and mlm, and the formula of camera.

decoupler's ulm is the t of a simple regression of expression on a programme's weights over all genes, its mlm that of a multiple regression on all programmes; so both are OLS.
Enrichment with correlated genes: the t of camera with a preset correlation (Wu & Smyth 2012), written from its formula, for 0/1 weights.
Run: python oracles/programmes.py   (writes tests/analysis/fixtures/programmes.csv)
"""
from pathlib import Path

import numpy as np
import scipy
import statsmodels
import statsmodels.api as sm
from scipy import stats

OUT = Path(__file__).resolve().parent.parent / "tests/analysis/fixtures/programmes.csv"
N_CELLS, N_GENES, CORRELATION = 6, 60, 0.05
PROGRAMMES = {
    "set": {g: 1.0 for g in range(3, 15)},
    "signed": {2: 1.0, 7: -1.0, 9: 0.5, 20: -2.0, 33: 1.0, 59: 0.25},
    "overlapping": {g: 1.0 for g in range(10, 30)},
    "one": {41: -1.0},
}


def made_up():
    rng = np.random.default_rng(5)
    counts = rng.poisson(rng.gamma(0.6, 2.0, N_GENES), (N_CELLS, N_GENES))
    return np.log1p(counts).astype(np.float32)


def weights():
    out = np.zeros((N_GENES, len(PROGRAMMES)))
    for k, programme in enumerate(PROGRAMMES.values()):
        for gene, weight in programme.items():
            out[gene, k] = weight
    return out


def camera(z, member):
    """t and p: mean of the set against the mean of all others, pooled variance, the set's mean inflated by 1 + (m - 1) correlation."""
    m, rest = member.sum(), (~member).sum()
    pooled = (((z[member] - z[member].mean()) ** 2).sum() + ((z[~member] - z[~member].mean()) ** 2).sum()) / (len(z) - 2)
    delta = z[member].mean() - z[~member].mean()
    t = delta / np.sqrt(pooled * ((1 + (m - 1) * CORRELATION) / m + 1 / rest))
    return delta, t, 2 * stats.t.sf(abs(t), len(z) - 2)


def numbers(values):
    return ",".join(f"{value:.15g}" for value in values)


def main():
    values, x = made_up(), weights()
    lines = [f"# statsmodels {statsmodels.__version__}, scipy {scipy.__version__}, numpy {np.__version__}; oracles/programmes.py"]
    for row in values:
        lines.append("cell," + ",".join(f"{g}:{v:.9g}" for g, v in enumerate(row) if v != 0))
    for name, programme in PROGRAMMES.items():
        lines.append(f"programme,{name}," + ",".join(f"{gene}:{weight:.9g}" for gene, weight in programme.items()))
    for row in values.astype(np.float64):
        lines.append("ulm," + numbers(sm.OLS(row, sm.add_constant(x[:, k])).fit().tvalues[1] for k in range(x.shape[1])))
    for row in values.astype(np.float64):
        lines.append("mlm," + numbers(sm.OLS(row, sm.add_constant(x)).fit().tvalues[1:]))
    z = np.random.default_rng(6).normal(0, 1.5, N_GENES)
    z[3:15] += 1.0
    lines.append("z," + numbers(z))
    for k, name in enumerate(PROGRAMMES):
        fit = sm.OLS(z, sm.add_constant(x[:, k])).fit()
        lines.append(f"independent,{name}," + numbers([fit.params[1], fit.tvalues[1], fit.pvalues[1]]))
    for name in ("set", "overlapping"):
        member = x[:, list(PROGRAMMES).index(name)] > 0
        lines.append(f"camera,{name},{CORRELATION}," + numbers(camera(z, member)))
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
