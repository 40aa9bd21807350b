"""Fixture of principal components: numpy float64 eigh of the covariance of log-normalized made-up counts.

Run: python oracles/pca.py   (writes tests/analysis/fixtures/pca.csv)
"""
import numpy as np

import made_up_counts as made

K = 20


def main():
    counts, _ = made.read()
    x = counts.toarray().astype(np.float64)
    totals = x.sum(axis=1)
    target = np.median(totals[totals > 0])
    x = np.log1p(x * (target / np.where(totals > 0, totals, 1))[:, None]).astype(np.float32).astype(np.float64)
    covariance = np.cov(x, rowvar=False)
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[::-1], vectors[:, ::-1]
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), range(vectors.shape[1])])
    lines = [f"# numpy {np.__version__} eigh in float64; first line: {K + 1} eigenvalues; second: their sum over all; then one gene a line, {K} loadings"]
    lines.append(",".join(f"{v:.12g}" for v in values[: K + 1]))
    lines.append(f"{values.sum():.12g}")
    lines += [",".join(f"{v:.8g}" for v in row[:K]) for row in vectors]
    (made.FIXTURES / "pca.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
