"""Reduces a photograph to a few colours: k-means over all its pixels.

The photograph is one that scikit-learn ships.

usage: color_quantization.py [colours] [iterations]
"""

import sys

import numpy as np
from sklearn.datasets import load_sample_image

colours = int(sys.argv[1]) if len(sys.argv) > 1 else 16
iterations = int(sys.argv[2]) if len(sys.argv) > 2 else 12

photograph = np.array(load_sample_image("china.jpg"), dtype=np.float64) / 255.0
pixels = photograph.reshape(-1, 3)
print(f"{photograph.shape[1]} x {photograph.shape[0]} pixels, {colours} colours")

rng = np.random.default_rng(7)
palette = pixels[rng.choice(len(pixels), colours, replace=False)]
for iteration in range(1, iterations + 1):
    distances = np.empty((len(pixels), colours))
    for index in range(colours):
        distances[:, index] = ((pixels - palette[index]) ** 2).sum(axis=1)
    nearest = distances.argmin(axis=1)
    for index in range(colours):
        chosen = nearest == index
        if chosen.any():
            palette[index] = pixels[chosen].mean(axis=0)
    if iteration % 4 == 0:
        print(f"iteration {iteration:2d}: error {np.sqrt(distances.min(axis=1).mean()):.6f}")

reduced = palette[nearest].reshape(photograph.shape)
shares = np.bincount(nearest, minlength=colours) / len(pixels)
for index in np.argsort(-shares)[:5]:
    red, green, blue = np.round(palette[index] * 255.0, 1)
    print(f"{100.0 * shares[index]:5.2f} % red {red:5.1f} green {green:5.1f} blue {blue:5.1f}")
print(f"mean difference from the photograph {np.abs(reduced - photograph).mean():.6f}")
