"""A program that hands its arrays to SciPy, pandas, scikit-learn and Matplotlib."""

import io
import json

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.stats
from sklearn.linear_model import LinearRegression

x = np.linspace(0, 10, 100_000)
y = np.sin(x)

print(
    isinstance(x, np.ndarray),
    scipy.signal.medfilt(y, 5)[:3],
    scipy.ndimage.gaussian_filter(y, 2)[:2],
    scipy.stats.skew(y),
)
A = np.random.default_rng(0).random((300, 300))
b = A.sum(axis=1)
print(
    np.allclose(scipy.linalg.solve(A, b), 1),
    np.allclose(np.linalg.solve(A, b), 1),
    abs(np.fft.ifft(np.fft.fft(y)).real - y).max() < 1e-12,
)
print((scipy.sparse.eye(300).tocsr() @ A - A).max(), (scipy.sparse.eye(300).tocsr() * b)[0] == b[0])
print(scipy.interpolate.interp1d(x, y)(np.array([1.0, 2.0])))

df = pd.DataFrame({"x": x, "y": y})
print(df.describe().loc["mean"].tolist(), (df["x"] + y).iloc[-1], (y + df["x"]).iloc[-1])

print(LinearRegression().fit(x.reshape(-1, 1), y).coef_)

matplotlib.use("Agg")

plt.plot(x, y)
plt.imshow(A)
plt.savefig(io.BytesIO())

print(json.dumps({"a": float(y.sum()), "b": y.mean()})[:30], f"{y.max():.3f}")
m = np.ma.masked_array(y, y < 0)
print(m.sum())
f = io.BytesIO()
np.save(f, y)
f.seek(0)
print((np.load(f) == y).all())
