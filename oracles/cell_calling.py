"""Fixture of cell calling: a plain numpy version of EmptyDrops (Lun et al. 2019) on a small made-up unfiltered matrix, likelihoods by scipy.stats.

Run: python oracles/cell_calling.py   (writes tests/analysis/fixtures/cell_calling/counts.csv, genes.csv, barcodes.csv, numbers.csv)
DropletUtils itself is R and not needed: the formulas are written out here from the paper and from Gale & Sampson 1995, without a look at our C++.
"""
import numpy as np
import scipy
from scipy.optimize import minimize_scalar
from scipy.special import gammaln
from scipy.stats import dirichlet_multinomial, multinomial

import made_up_counts as made

FOLDER = made.FIXTURES / "cell_calling"
LOWER, N_GENES, N_DRAWS = 100, 150, 30_000


def make():
    """700 empty droplets whose soup varies a little, 80 large cells, 30 small ones of two other kinds, 40 empty ones with more than LOWER counts. Gene 9 is never seen."""
    rng = np.random.default_rng(20261124)
    soup = rng.lognormal(0, 1.6, N_GENES)
    soup[9] = 0
    soup[140:] *= 0.001
    soup /= soup.sum()
    rows = []
    for n in np.concatenate([rng.poisson(rng.lognormal(3.3, 0.6, 700)).clip(0, 100), rng.integers(101, 260, 40)]):
        rows.append(rng.multinomial(n, rng.dirichlet(400 * soup + 1e-12)))
    for size, kinds in ((rng.lognormal(7.6, 0.15, 80), [1, 2]), (rng.integers(105, 400, 30), [3, 4])):
        for i, n in enumerate(size):
            kind = soup.copy()
            kind[20 * kinds[i % 2]:20 * kinds[i % 2] + 20] *= 8
            kind[9] = 0
            rows.append(rng.multinomial(int(n), kind / kind.sum()))
    return np.array(rows)[rng.permutation(len(rows))]


def good_turing(counts):
    """Simple Good-Turing of the positive counts; the probability of all that is unseen, and that of each count."""
    r, n = np.unique(counts[counts > 0], return_counts=True)
    total = (r * n).sum()
    unseen = max(1, n[0] if r[0] == 1 else 0) / total
    before = np.concatenate([[0], r[:-1]])
    after = np.concatenate([r[1:], [2 * r[-1] - before[-1]]])
    slope = np.polyfit(np.log(r), np.log(n / (0.5 * (after - before))), 1)[0]
    line = r * (1 + 1 / r) ** (slope + 1)
    star, on_line = [], False
    for i, each in enumerate(r):
        following = np.flatnonzero(r == each + 1)
        if not on_line and following.size:
            m = n[following[0]]
            turing = (each + 1) * m / n[i]
            sd = np.sqrt((each + 1) ** 2 * m / n[i] ** 2 * (1 + m / n[i]))
            on_line = abs(turing - line[i]) <= 1.65 * sd
        else:
            on_line = True
        star.append(line[i] if on_line else turing)
    star = np.array(star)
    star = (1 - unseen) * star / (n * star).sum()
    return unseen, dict(zip(r, star))


def profile_of(counts, ambient):
    seen = counts.sum(0) > 0
    soup = ambient.sum(0)
    unseen, star = good_turing(soup[seen])
    zero = seen & (soup == 0)
    p = np.array([star.get(c, 0.0) for c in soup])
    p[zero] = unseen / zero.sum()
    if not zero.any():
        p /= p.sum()
    return p


def log_likelihood(ambient, p, precision):
    a = precision * p[p > 0]
    x = ambient[:, p > 0]
    n = x.sum(1)
    return (gammaln(precision) - gammaln(precision + n)).sum() + (gammaln(x + a) - gammaln(a)).sum()


def precision_of(ambient, p):
    best = minimize_scalar(lambda t: -log_likelihood(ambient, p, np.exp(t)), bounds=(np.log(0.01), np.log(1e5)), method="bounded", options={"xatol": 1e-10})
    return float(np.exp(best.x))


def p_values(counts, tested, p, precision, rng):
    """Monte Carlo from drawn Dirichlet profiles, each total by itself."""
    used = p > 0
    a = precision * p[used]
    out = {}
    for total in np.unique(counts[tested].sum(1)):
        simulated = []
        for _ in range(N_DRAWS // 10_000):
            draws = rng.multinomial(total, rng.dirichlet(a, 10_000))
            simulated.append((gammaln(draws + a) - gammaln(a) - gammaln(draws + 1)).sum(1))
        simulated = np.concatenate(simulated)
        for b in tested[counts[tested].sum(1) == total]:
            x = counts[b][used]
            own = (gammaln(x + a) - gammaln(a) - gammaln(x + 1)).sum()
            out[b] = (1 + (simulated <= own + 1e-8 * abs(own)).sum()) / (N_DRAWS + 1)
    return out


def main():
    counts = make()
    total = counts.sum(1)
    ambient = counts[(total > 0) & (total <= LOWER)]
    p = profile_of(counts, ambient)
    precision = precision_of(ambient, p)
    tested = np.flatnonzero((total > LOWER) & (total < 500))
    tails = p_values(counts, tested, p, precision, np.random.default_rng(7))

    FOLDER.mkdir(exist_ok=True)
    version = f"# numpy {np.__version__}, scipy {scipy.__version__}"
    lines = ["# made-up unfiltered counts, one barcode a line: gene or gene:count"]
    for row in counts:
        lines.append(",".join(["row"] + [f"{g}:{row[g]}" if row[g] != 1 else str(g) for g in np.flatnonzero(row)]))
    (FOLDER / "counts.csv").write_text("\n".join(lines) + "\n")
    (FOLDER / "genes.csv").write_text("\n".join([version + "; smoothed ambient proportion of each gene"] + [f"{v:.17g}" for v in p]) + "\n")
    used = p > 0
    lines = [version + f"; barcode, total, log probability (Dirichlet-multinomial), (multinomial), p of {N_DRAWS} draws"]
    for b in tested:
        x = counts[b][used]
        dm = dirichlet_multinomial(precision * p[used], total[b]).logpmf(x)
        mn = multinomial(total[b], p[used] / p[used].sum()).logpmf(x)
        lines.append(f"{b},{total[b]},{dm:.12g},{mn:.12g},{tails[b]:.6g}")
    (FOLDER / "barcodes.csv").write_text("\n".join(lines) + "\n")
    (FOLDER / "numbers.csv").write_text(f"{version}; precision of the empty droplets by maximum likelihood\n{precision:.12g}\n")


if __name__ == "__main__":
    main()
