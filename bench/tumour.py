#!/usr/bin/env python3
"""Does a score of acquired changes tell malignant cells from normal cells it has not seen, beside infercnvpy? `scripts/bench --tumour` (standard library only).

inferCNV's oligodendroglioma example (184 cells of five patients, Tirosh et al. 2016): one kind of normal cell is the reference, the other kind is unseen. Morula's score twice: as it ships, and with
its settings chosen without the patient whose cells are scored (build/bench_cnv_tumour). infercnvpy's is the mean of |window| of a cell, windows of 100 genes. All on the same cells, 95 % by the
same 2,000 resamplings of malignant and of normal cells. PYTHON has the packages of bench/requirements.txt.
"""
import csv
import gzip
import json
import random
import subprocess
import sys

from harness import ROOT, finish, parser_of, where_and_when

FILES = {name: f"{name}_downsampled{end}" for name, end in (("oligodendroglioma_expression", ".counts.matrix.gz"), ("oligodendroglioma_annotations", ".txt"), ("gencode", ".EXAMPLE_ONLY_DONT_REUSE.txt"))}
REFERENCES = ("Microglia/Macrophage", "Oligodendrocytes (non-malignant)")
N_DRAWS = 2000


def peer_scores(folder):
    """Run by the peers' Python: cell -> score with each reference, as JSON."""
    import anndata
    import infercnvpy
    import numpy
    import pandas
    import scanpy

    with gzip.open(f"{folder}/{FILES['oligodendroglioma_expression']}", "rt") as file:
        table = pandas.read_csv(file, sep="\t", index_col=0)
    positions = pandas.read_csv(f"{folder}/{FILES['gencode']}", sep="\t", header=None, names=["chromosome", "start", "end"], index_col=0)
    positions = positions[~positions.index.duplicated()]
    groups = pandas.read_csv(f"{folder}/{FILES['oligodendroglioma_annotations']}", sep="\t", header=None, index_col=0)[1]
    scores = {}
    for reference in REFERENCES:
        cells = anndata.AnnData(table.T.astype("float32"), obs=pandas.DataFrame({"group": groups.reindex(table.columns).astype(str)}), var=positions.reindex(table.index))
        scanpy.pp.normalize_total(cells, target_sum=1e4)
        scanpy.pp.log1p(cells)
        infercnvpy.tl.infercnv(cells, reference_key="group", reference_cat=reference, window_size=100, n_jobs=1)
        windows = cells.obsm["X_cnv"]
        scores[reference] = dict(zip(cells.obs_names, map(float, numpy.asarray(abs(windows).mean(axis=1)).ravel()), strict=True))
    print(json.dumps(scores))


def auroc(malignant, normal):
    wins = sum((m > n) + 0.5 * (m == n) for m in malignant for n in normal)
    return wins / (len(malignant) * len(normal))


def measure(rows, names):
    """AUROC of each score with its interval, and of each difference from the last."""
    malignant = [row for row in rows if row["malignant"]]
    normal = [row for row in rows if not row["malignant"]]
    areas = {name: auroc([row[name] for row in malignant], [row[name] for row in normal]) for name in names}
    draws = {name: [] for name in names}
    generator = random.Random(1)
    for _ in range(N_DRAWS):
        some, others = generator.choices(malignant, k=len(malignant)), generator.choices(normal, k=len(normal))
        for name in names:
            draws[name].append(auroc([row[name] for row in some], [row[name] for row in others]))
    interval = {name: (sorted(values)[N_DRAWS // 40], sorted(values)[N_DRAWS - 1 - N_DRAWS // 40]) for name, values in draws.items()}
    gains = {name: sorted(a - b for a, b in zip(draws[name], draws[names[-1]], strict=True))[N_DRAWS // 40] for name in names[:-1]}
    return areas, interval, gains, len(malignant), len(normal)


def main():
    if sys.argv[1:2] == ["--peer-scores"]:
        peer_scores(sys.argv[2])
        return 0
    parser = parser_of(__doc__, "tumour")
    parser.add_argument("--peers", required=True, help="a Python that has the packages of bench/requirements.txt")
    parser.add_argument("--bench", default=str(ROOT / "build" / "bench_cnv_tumour"))
    options = parser.parse_args()
    folder = options.data / "tumour-oligodendroglioma"
    options.work.mkdir(parents=True, exist_ok=True)
    scores = options.work / "scores.csv"
    told = subprocess.run([options.bench, folder, ROOT / "tests" / "knowledge" / "fixtures" / "hg19_centromeres.tsv", scores], capture_output=True, text=True, check=True).stdout
    peer = json.loads(subprocess.run([options.peers, __file__, "--peer-scores", folder], capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1])
    names = ["as shipped", "settings without the patient", "infercnvpy"]
    lines = ["| reference | unseen normal cells | score | AUROC | 95 % |", "|---|---|---|---|---|"]
    claims = []
    with open(scores, encoding="utf-8") as file:
        table = [{"reference": row["reference"], "malignant": row["malignant"] == "1", names[0]: float(row["shipped"]), names[1]: float(row["left_out"]), names[2]: peer[row["reference"]][row["cell"]]} for row in csv.DictReader(file)]
    for reference in REFERENCES:
        areas, interval, gains, n_malignant, n_normal = measure([row for row in table if row["reference"] == reference], names)
        for name in names:
            lines.append(f"| {reference} | {n_normal}, beside {n_malignant} malignant | {name} | {areas[name]:.3f} | {interval[name][0]:.3f} to {interval[name][1]:.3f} |")
        claims.append((f"{reference}: with settings that have not seen the patient, not below infercnvpy (least difference {gains[names[1]]:+.3f})", gains[names[1]] >= 0.0))
    text = f"{where_and_when()}; infercnvpy in the same run.\n\n" + "\n".join(lines) + "\n\n    " + told.rstrip("\n").replace("\n", "\n    ")
    return finish(options, "tumour", text, claims)


if __name__ == "__main__":
    sys.exit(main())
