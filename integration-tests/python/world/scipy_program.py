"""SciPy on arrays of the user's: signals, matrices, optimisation, statistics, images, geometry."""

import os

import numpy as np
import scipy.fft
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.sparse.linalg
import scipy.spatial
import scipy.special
import scipy.stats

SIZE = int(os.environ["WORLD_SIZE"])


def show(name, *values):
    print(name, *[type(v).__name__ for v in values])
    for v in values:
        print(
            "   ",
            np.asarray(np.round(np.asarray(v, dtype=complex if np.iscomplexobj(v) else float), 6)).ravel()[:6] + 0.0,
        )


t = np.linspace(0, 10, SIZE)
rng = np.random.default_rng(1)
x = np.sin(2 * np.pi * t) + 0.1 * rng.normal(size=SIZE)
side = int(np.sqrt(SIZE))
image = x[: side * side].reshape(side, side) * 1.0
points = rng.random((min(SIZE // 3, 20_000), 3)) * 2 - 1
A = rng.random((120, 120)) + np.eye(120) * 10
b = A.sum(axis=1)

sos = scipy.signal.butter(4, 0.1, output="sos")
show("signal", scipy.signal.sosfilt(sos, x), scipy.signal.sosfiltfilt(sos, x), scipy.signal.detrend(x))
show("signal 2", scipy.signal.lfilter(np.ones(3) / 3, np.array([1.0]) * 1, x), scipy.signal.hilbert(x[:4096] * 1))
show("signal 3", scipy.signal.fftconvolve(x, np.hanning(31), "same"), *scipy.signal.welch(x * 2, fs=SIZE / 10))
show("signal 4", scipy.signal.find_peaks(x, distance=SIZE // 20)[0], scipy.signal.savgol_filter(x, 11, 3))
show("signal 5", scipy.signal.resample(x[:3000] * 1, 1000), scipy.signal.medfilt(x, 5), scipy.signal.decimate(x, 4))
show("signal 6", scipy.signal.convolve2d(image[:50, :50], np.ones((3, 3)) / 9, mode="same"))
show("linalg", scipy.linalg.solve(A, b), scipy.linalg.inv(A) @ b, scipy.linalg.det(A / 10), scipy.linalg.svdvals(A))
show("linalg 2", *scipy.linalg.lu(A), scipy.linalg.cholesky(A @ A.T), scipy.linalg.expm(A / 100), scipy.linalg.norm(A))
show(
    "linalg 3",
    scipy.linalg.lstsq(A, b)[0],
    scipy.linalg.eigvalsh(A + A.T),
    scipy.linalg.solve_banded((1, 1), np.ones((3, 50)) * [[1], [4], [1]], b[:50]),
)
show("linalg 4", scipy.linalg.toeplitz(b[:5]), scipy.linalg.block_diag(A[:2, :2], A[:1, :1] * 1))
fit = scipy.optimize.curve_fit(lambda v, p, q: p * np.sin(q * v), t, x, p0=[0.9, 6.28])[0]
show(
    "optimize",
    fit,
    scipy.optimize.minimize(lambda v: ((v - b[:4]) ** 2).sum(), np.zeros(4) * 1, method="BFGS").x.round(3),
)
show(
    "optimize 2",
    scipy.optimize.least_squares(lambda v: v[0] * t + v[1] - x, np.ones(2) * 1).x,
    scipy.optimize.brentq(lambda v: np.cos(v) - v, 0, 1),
)
show(
    "optimize 3",
    scipy.optimize.nnls(A, b)[0],
    scipy.optimize.linprog(np.ones(3) * 1, A_ub=-np.eye(3) * 1, b_ub=-np.ones(3) * 2).x,
)
show(
    "optimize 4",
    scipy.optimize.linear_sum_assignment(A[:20, :20])[1],
    scipy.optimize.root(lambda v: v**2 - b[:3], np.ones(3) * 20).x,
)
mask = x > 0.5
S = scipy.sparse.csr_array((x[mask], (np.arange(SIZE)[mask] % 500, np.arange(SIZE)[mask] * 7 % 500)), shape=(500, 500))
v = np.arange(500) * 1.0
show("sparse", S @ v, v @ S, (S * 2).sum(axis=0), S.toarray() - 1, S[3:5].todense() * 1, S.multiply(v).sum())
show(
    "sparse 2",
    scipy.sparse.coo_array(A * (A > 10)).sum(),
    scipy.sparse.diags_array([v, v[1:]], offsets=[0, 1]) @ v,
    S.T.dot(v),
)
laplace = scipy.sparse.diags_array([-np.ones(499), 2 * np.ones(500), -np.ones(499)], offsets=[-1, 0, 1]).tocsc()
show(
    "sparse 3",
    scipy.sparse.linalg.spsolve(laplace, v),
    scipy.sparse.linalg.cg(laplace, v, maxiter=5)[0],
    scipy.sparse.linalg.eigsh(laplace, 3, v0=v + 1)[0],
)
show(
    "stats",
    *scipy.stats.describe(x)[2:],
    *scipy.stats.ttest_1samp(x, 0.0),
    *scipy.stats.linregress(t, x),
    scipy.stats.zscore(x),
)
show(
    "stats 2",
    *scipy.stats.pearsonr(t, x),
    *scipy.stats.spearmanr(t, x),
    *scipy.stats.ks_2samp(x, x * 1.1),
    scipy.stats.rankdata(x),
)
show(
    "stats 3",
    scipy.stats.norm.pdf(x),
    scipy.stats.norm.fit(x),
    scipy.stats.iqr(x),
    scipy.stats.trim_mean(x, 0.1),
    scipy.stats.mode(np.arange(SIZE) % 7)[0],
)
show(
    "stats 4",
    scipy.stats.gaussian_kde(x[:500] * 1)(t[:10]),
    scipy.stats.binned_statistic(t, x, bins=5)[0],
    scipy.stats.entropy(np.ones(8) * 2),
)
show(
    "interpolate",
    scipy.interpolate.CubicSpline(t, x)(t[:9] + 1e-6),
    scipy.interpolate.interp1d(t, x)(t[3:6]),
    scipy.interpolate.PchipInterpolator(t, x)(t[:5]),
)
show(
    "interpolate 2",
    scipy.interpolate.RegularGridInterpolator((np.arange(side) * 1.0, np.arange(side) * 1.0), image)(
        np.ones((4, 2)) * 1.5
    ),
)
show(
    "interpolate 3",
    scipy.interpolate.griddata(points[:200, :2], points[:200, 2], points[200:210, :2] / 2),
    scipy.interpolate.splev(t[:4], scipy.interpolate.splrep(t[:1000], x[:1000])),
)
show(
    "ndimage",
    scipy.ndimage.gaussian_filter(image, 2),
    scipy.ndimage.sobel(image),
    scipy.ndimage.median_filter(image[:80, :80], 3),
    scipy.ndimage.zoom(image[:40, :40], 2),
)
labels, count = scipy.ndimage.label(image > 0.5)
show(
    "ndimage 2",
    count,
    scipy.ndimage.sum_labels(image, labels, np.arange(5) + 1),
    scipy.ndimage.center_of_mass(image * image),
    scipy.ndimage.binary_dilation(image > 1),
)
show(
    "ndimage 3",
    scipy.ndimage.distance_transform_edt(image > 0),
    scipy.ndimage.rotate(image[:50, :50], 30),
    scipy.ndimage.map_coordinates(image, np.ones((2, 3)) * 2.5),
    scipy.ndimage.uniform_filter1d(x, 5, output=x * 0),
)
show(
    "fft",
    scipy.fft.rfft(x),
    scipy.fft.irfft(scipy.fft.rfft(x), SIZE) - x,
    scipy.fft.dct(x),
    scipy.fft.fft2(image[:32, :32] * 1),
    scipy.fft.fftfreq(8),
)
tree = scipy.spatial.cKDTree(points)
show(
    "spatial",
    *tree.query(points[:20] + 0.01, k=2),
    scipy.spatial.distance.cdist(points[:5], points[:6]),
    scipy.spatial.distance.pdist(points[:9] * 2),
)
show(
    "spatial 2",
    scipy.spatial.ConvexHull(points).volume,
    scipy.spatial.Delaunay(points[:50, :2]).simplices,
    scipy.spatial.transform.Rotation.from_euler("zyx", t[:3]).apply(points[:3]),
)
show(
    "special",
    scipy.special.erf(x),
    scipy.special.gamma(np.abs(x) + 1),
    scipy.special.expit(x),
    scipy.special.logsumexp(x),
    scipy.special.softmax(x),
    scipy.special.jv(0, x),
)
show(
    "integrate",
    scipy.integrate.trapezoid(x, t),
    scipy.integrate.simpson(x, x=t),
    scipy.integrate.cumulative_trapezoid(x, t),
    scipy.integrate.solve_ivp(lambda s, y: -y * 2, (0, 1), np.ones(3) * 1).y,
)
