#!/usr/bin/env python3
"""Makes morula/analysis/tables/blood_means.tsv: mean expression of nine blood cell types, for simulated blood samples (morula generate --preset blood).

Source: PBMC3k, 10x Genomics, and its published cell labels. Needs anndata and the file pbmc3k/pbmc3k_raw.h5ad in $MORULA_DATA or ../shared/data.
"""
import os
import sys
from importlib.metadata import version
from pathlib import Path

import anndata
import numpy

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "morula" / "analysis" / "tables" / "blood_means.tsv"
MIN_COUNTS = 60        # of a gene over all labelled cells
MIN_COUNTS_MARKER = 15  # of a gene that differs between types
DIFFERS = 24.0         # likelihood-ratio statistic of one type against the rest
HEADER = """\
# Mean expression of nine blood cell types, in counts per million of the type. An empty field: as in column 'other' (no clear difference from it).
# Source: PBMC3k (2,700 peripheral blood mononuclear cells of a healthy donor, Cell Ranger 1.1, hg19), 10x Genomics, whose terms for example
# data apply to them; cell labels of the Seurat tutorial as given in clustifyr (MIT). {cells} labelled cells, summed by type and rounded;
# {genes} genes with {min_counts} counts or more, or {min_marker} where a type differs. Made by oracles/blood_means.py. No cell can be read from it.
# share: the type's part of the sample, in cells. counts: mean counts of a cell.
"""


def likelihood_ratio(count, total, rest_count, rest_total):
    """Poisson: does one type's rate differ from the rest's?"""
    rate = (count + rest_count) / (total + rest_total)
    terms = [c * numpy.log(c / (t * rate)) for c, t in ((count, total), (rest_count, rest_total)) if c > 0]
    return 2.0 * sum(terms)


def means_of_gene(counts, totals):
    """(rate of the types that do not stand out, {type: rate of one that does}); the farthest type is taken out first."""
    own = {}
    while len(own) < len(totals) - 1:
        rest = [t for t in range(len(totals)) if t not in own]
        best, best_score = None, DIFFERS
        for t in rest:
            others = [r for r in rest if r != t]
            score = likelihood_ratio(counts[t], totals[t], counts[others].sum(), totals[others].sum())
            if score > best_score:
                best, best_score = t, score
        if best is None:
            break
        own[best] = counts[best] / totals[best]
    rest = [t for t in range(len(totals)) if t not in own]
    return counts[rest].sum() / totals[rest].sum(), own


def number(rate):
    """Counts per million with two or three significant digits."""
    value = rate * 1e6
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def main():
    data = Path(os.environ.get("MORULA_DATA", ROOT.parent / "shared" / "data")) / "pbmc3k" / "pbmc3k_raw.h5ad"
    if not data.exists():
        print(f"{data} is not there, so {TABLE.relative_to(ROOT)} stays as it is.")
        return 0
    cells = anndata.read_h5ad(data)
    cells = cells[cells.obs["classified"].notna()].copy()
    labels = cells.obs["classified"].astype(str).to_numpy()
    types = sorted(set(labels), key=lambda name: -(labels == name).sum())
    depth = numpy.asarray(cells.X.sum(axis=1)).ravel()
    by_type = numpy.vstack([numpy.asarray(cells.X[labels == name].sum(axis=0)).ravel() for name in types]).astype(float)
    totals = by_type.sum(axis=1)

    rows = []
    for gene, counts in zip(cells.var_names, by_type.T):
        if counts.sum() < MIN_COUNTS_MARKER:
            continue
        other, own = means_of_gene(counts, totals)
        if own or counts.sum() >= MIN_COUNTS or gene.startswith("MT-"):
            rows.append("\t".join([gene, number(other), *(number(own[t]) if t in own else "" for t in range(len(types)))]))

    lines = [HEADER.format(cells=len(labels), genes=len(rows), min_counts=MIN_COUNTS, min_marker=MIN_COUNTS_MARKER) + "gene\tother\t" + "\t".join(types)]
    lines.append("share\t\t" + "\t".join(f"{(labels == name).mean():.4f}" for name in types))
    lines.append("counts\t\t" + "\t".join(f"{depth[labels == name].mean():.0f}" for name in types))
    TABLE.write_text("\n".join([*lines, *rows]) + "\n")
    print(f"{TABLE.relative_to(ROOT)}: {len(rows)} genes, {TABLE.stat().st_size} bytes, anndata {version('anndata')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
