"""Finds what small pieces of a photograph have in common: principal components of its 8 x 8 patches.

The photograph is one that scikit-learn ships.

usage: pca.py [step between patches]
"""

import sys

import numpy as np
from sklearn.datasets import load_sample_image

step = int(sys.argv[1]) if len(sys.argv) > 1 else 1
side = 8

photograph = np.array(load_sample_image("china.jpg"), dtype=np.float64) / 255.0
grey = photograph @ np.array([0.299, 0.587, 0.114])

height, width = grey.shape[0] - side + 1, grey.shape[1] - side + 1
patches = np.stack(
    [
        grey[row : row + height : step, column : column + width : step].reshape(-1)
        for row in range(side)
        for column in range(side)
    ],
    axis=1,
)
print(f"{patches.shape[0]} patches of {side} x {side} pixels")

centred = patches - patches.mean(axis=0)
covariance = centred.T @ centred / (len(centred) - 1)
values, vectors = np.linalg.eigh(covariance)
values, vectors = values[::-1], vectors[:, ::-1]
print("variance explained by the first ten components:", np.round(np.cumsum(values)[:10] / values.sum(), 6))

for kept in (4, 16, 32):
    basis = vectors[:, :kept]
    restored = (centred @ basis) @ basis.T
    error = np.sqrt(((centred - restored) ** 2).mean())
    print(f"{kept:2d} numbers a patch instead of {side * side}: error {error:.6f} of 1")
