"""Curves of the seven unit tests of the PerMedCoE community benchmark (github.com/PerMedCoE/observatory_benchmark), by scipy, for tests/simulation/permedcoe_test.cpp.

What the published definitions leave open is settled in docs/simulation.md. The relative volumes of cell_cycle_volume.csv are the benchmark's own data (flow cytometry),
as quoted by the authors of Chaste in its issue 166; all other curves are solutions of the equations stated here.
"""
import pathlib

import numpy as np
import scipy
from scipy.integrate import solve_ivp
from scipy.sparse import identity, kron, diags
from scipy.sparse.linalg import expm_multiply, spsolve

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "simulation" / "fixtures" / "permedcoe"


def write(name, header, rows, what):
    lines = [f"# {what} numpy {np.__version__}, scipy {scipy.__version__}.", ",".join(header)]
    lines += [",".join(f"{value:.10g}" for value in row) for row in rows]
    (OUT / f"{name}.csv").write_text("\n".join(lines) + "\n")


def volumes():
    percent = [101.9551018, 107.9604984, 115.3709399, 123.3029321, 131.2110512, 138.7731663, 145.8130126, 152.2481633, 158.0552476, 163.2468548, 167.856337, 171.9279316, 175.5104538,
               178.6533687, 181.4044384, 183.8084021, 185.9063225, 187.7353554, 189.3287777, 190.7161688, 191.9236745]
    write("cell_cycle_volume", ["hours", "percent"], [(0.5 * k, v) for k, v in enumerate(percent)], "Relative volume from the start of S on: data of the benchmark.")


def fixed_cycle():
    hours = [18.6, 24, 30, 35.9, 36, 42, 48, 53.9, 54, 60]
    write("cell_cycle_fixed", ["hours", "n"], [(h, 2 ** int(h // 18)) for h in hours], "Cells from one founder, 18 h a cycle.")


def random_cycle():
    """Expected number n1 of cells of a founder, and second moment n2, by the renewal equations, cycle even in 17 to 19 h:
    n1(t) = P(T > t) + 2 E n1(t - T); n2(t) = P(T > t) + E (2 n2(t - T) + 2 n1(t - T)^2)."""
    h = 0.005
    t = np.arange(0, 56 + h / 2, h)
    first, last = round(17 / h), round(19 / h)
    alive = np.clip((19 - t) / 2, 0, 1)
    n1, n2 = alive.copy(), alive.copy()
    for k in range(len(t)):
        lags = np.arange(first, min(last, k) + 1)
        if len(lags) == 0:
            continue
        weight = np.full(len(lags), h / 2)
        weight[0] *= 0.5
        if len(lags) > 1 and lags[-1] == last:
            weight[-1] *= 0.5
        elif len(lags) > 1:
            weight[-1] *= 0.5
        else:
            weight[0] = 0
        past = k - lags
        n1[k] = alive[k] + 2 * np.sum(weight * n1[past])
        n2[k] = alive[k] + np.sum(weight * (2 * n2[past] + 2 * n1[past] ** 2))
    rows = []
    for hours in [12, 17, 17.5, 18, 18.5, 19, 24, 30, 35, 36, 37, 42, 48, 52, 54, 56]:
        k = round(hours / h)
        rows.append((hours, n1[k], np.sqrt(max(0.0, n2[k] - n1[k] ** 2))))
    write("cell_cycle_random", ["hours", "n", "sd"], rows, "Expected cells of a founder, cycle even in 17 to 19 h, and their standard deviation.")


def sinks(name, is_sink):
    """dc/dt = D laplace c - 2 c in sinks, c = 10 in the outer voxels and at the start; 12^3 voxels of 20 um, D = 2,000 um2 / min. Exact in time."""
    n, rate = 12, 2000.0 / 400.0
    line = diags([np.ones(n - 1), -2 * np.ones(n), np.ones(n - 1)], [-1, 0, 1]).tolil()
    one = identity(n)
    laplace = rate * (kron(kron(one, one), line) + kron(kron(one, line), one) + kron(kron(line, one), one))
    z, y, x = np.meshgrid(range(n), range(n), range(n), indexing="ij")
    inner = ((x > 0) & (x < n - 1) & (y > 0) & (y < n - 1) & (z > 0) & (z < n - 1)).ravel()
    laplace = laplace.tocsr()
    a = laplace[inner][:, inner] - diags(np.where(is_sink(x, y, z).ravel()[inner], 2.0, 0.0))
    b = laplace[inner][:, ~inner] @ np.full((~inner).sum(), 10.0)
    steady = spsolve(a.tocsc(), -b)
    rows = []
    for minute in [0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10]:
        c = np.full(n ** 3, 10.0)
        c[inner] = steady + expm_multiply(a * minute, c[inner] - steady)
        rows.append((minute, c.mean(), c.reshape(n, n, n)[6, 6, 6]))
    write(name, ["minutes", "mean_uM", "middle_uM"], rows, "Mean of all voxels, and voxel (6, 6, 6).")


def friction():
    speed = 20e-12 / (7.2 / 60) * 1e6  # um / s
    write("friction", ["seconds", "um"], [(1.2 * k, speed * 1.2 * k) for k in range(1, 11)], "A constant force of 20 pN over a friction of 7.2 kg / min.")


def two_cells():
    """x1' = 10 - 40 (1 - d / 10)^2 where d = x2 - x1 < 10, and the mirror image."""
    def speed(_, x):
        d = x[1] - x[0]
        push = 40 * max(0.0, 1 - d / 10) ** 2
        return [10 - push, push - 10]
    times = np.array([0.2, 0.5, 0.9, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5, 2, 5, 10])
    x = solve_ivp(speed, (0, 10), [-15.0, 15.0], t_eval=times, rtol=1e-10, atol=1e-10, max_step=0.001).y.T
    write("two_cells", ["minutes", "x1_um", "x2_um"], [(t, *row) for t, row in zip(times, x)], "Two cells of 10 um that go at each other at 10 um / min.")


def chemotaxis():
    write("chemotaxis", ["minutes", "um"], [(k, -50.0 + k) for k in range(1, 11)], "One um a min straight up a gradient.")


OUT.mkdir(parents=True, exist_ok=True)
volumes()
fixed_cycle()
random_cycle()
sinks("diffusion_one_sink", lambda x, y, z: (x == 6) & (y == 6) & (z == 6))
sinks("diffusion_thousand_sinks", lambda x, y, z: (x > 0) & (x < 11) & (y > 0) & (y < 11) & (z > 0) & (z < 11))
friction()
two_cells()
chemotaxis()
