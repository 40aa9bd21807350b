#!/usr/bin/env bash
# Runs blood_culture_drop.toml: examples/tissue/blood_culture_drop.sh [FOLDER]. Finds the cells of Kang et al. (2018), prepares them, simulates six hours in FOLDER (out/blood_culture_drop).
#   MORULA_DATA  folder with kang-ifnb/kang_muscat_1556.h5ad (default: ../shared/data): muscat's example of Kang's cells, raw counts, obs cluster_id, sample_id and group_id
# The embedding is that of both donors; states are taken from one alone.
set -euo pipefail
out=$(realpath -m "${1:-out/blood_culture_drop}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

morula=$PWD/build/morula
cells=${MORULA_DATA:-../shared/data}/kang-ifnb/kang_muscat_1556.h5ad

say() { echo "blood_culture_drop: $1" >&2; }

[ -x "$morula" ] || { say "build/morula is not built; run make build."; exit 3; }
[ -f "$cells" ] || { say "the measured cells are not there ($cells). Set MORULA_DATA to the folder that holds kang-ifnb/kang_muscat_1556.h5ad (the example_sce of the R package muscat, as h5ad)."; exit 3; }
mkdir -p "$out"
cells=$(realpath "$cells")
cp examples/tissue/blood_culture_drop.toml "$out/"
cd "$out"
"$morula" normalize "$cells" --out normalized.h5ad
"$morula" hvg normalized.h5ad --out hvg.h5ad
"$morula" pca hvg.h5ad --n-components 32 --out kang_ifnb.h5ad
rm normalized.h5ad hvg.h5ad
"$morula" simulate blood_culture_drop.toml --out run
say "the page: $out/run/report.html"
