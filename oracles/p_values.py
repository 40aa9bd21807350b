#!/usr/bin/env python3
"""Two-sided p values in log space with 60 digits (mpmath), for tests/analysis/p_values_test.cpp: prints the table that the test holds."""
import mpmath as mp

mp.mp.dps = 60


def normal(z):
    return mp.log10(mp.erfc(mp.mpf(z) / mp.sqrt(2)))


def student(t, df):
    """From the density, integrated from t on, since the incomplete beta function underflows."""
    df = mp.mpf(df)
    log_constant = mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2) - mp.log(df * mp.pi) / 2
    density = lambda u: mp.exp(log_constant - (df + 1) / 2 * mp.log1p(u * u / df))
    edges = [mp.mpf(t) + step for step in (0, 0.05, 0.2, 0.6, 2, 8, 40)]
    return mp.log10(2 * (mp.quad(density, edges) + mp.quad(density, [edges[-1], mp.inf])))


for z in (0.5, 3, 10, 30, 37, 50, 200):
    print(f"{{{z}, {mp.nstr(normal(z), 16)}}},")
for t, df in ((0.01, 1000), (0.5, 3), (2, 10), (5, 4.5), (12, 60), (40, 500), (60, 100000)):
    print(f"{{{t}, {df}, {mp.nstr(student(t, df), 16)}}},")
