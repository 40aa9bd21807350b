"""Fixture of two-sided p values in log space with 60 digits: mpmath.

Run: python oracles/p_values.py   (writes tests/analysis/fixtures/p_values.csv)
"""
import mpmath as mp

import made_up_counts as made

mp.mp.dps = 60
NORMAL = (0.5, 3, 10, 30, 37, 50, 200)
STUDENT = (
    (0.01, 1000), (0.5, 3), (2, 10), (5, 4.5), (12, 60), (40, 500), (60, 100000),
    (0.3, 200), (3, 200), (11, 200), (13, 200), (1, 5000), (50, 5000), (60, 5000), (0.02, 99000), (4, 99000), (29, 99000), (31, 99000), (200, 99000), (250, 99000),
)


def normal(z):
    return mp.log10(mp.erfc(mp.mpf(z) / mp.sqrt(2)))


def student(t, df):
    """From the density, integrated from t on, since the incomplete beta function underflows."""
    df = mp.mpf(df)
    log_constant = mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2) - mp.log(df * mp.pi) / 2
    density = lambda u: mp.exp(log_constant - (df + 1) / 2 * mp.log1p(u * u / df))
    edges = [mp.mpf(t) + step for step in (0, 0.05, 0.2, 0.6, 2, 8, 40)]
    return mp.log10(2 * (mp.quad(density, edges) + mp.quad(density, [edges[-1], mp.inf])))


def main():
    lines = [f"# mpmath {mp.__version__}; normal, z, log10 p; student, t, df, log10 p"]
    lines += [f"normal,{z},{mp.nstr(normal(z), 16)}" for z in NORMAL]
    lines += [f"student,{t},{df},{mp.nstr(student(t, df), 16)}" for t, df in STUDENT]
    (made.FIXTURES / "p_values.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
