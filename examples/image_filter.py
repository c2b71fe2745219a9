"""Blurs and sharpens a photograph and finds its edges, by sums of shifted views.

The photograph is one that scikit-learn ships, repeated to the size of a large print.

usage: image_filter.py [times the photograph's width and height]
"""

import sys

import numpy as np
from sklearn.datasets import load_sample_image

times = int(sys.argv[1]) if len(sys.argv) > 1 else 4

photograph = np.array(load_sample_image("flower.jpg"), dtype=np.float32) / np.float32(255.0)
picture = np.tile(photograph, (times, times, 1))
print(f"{picture.shape[1]} x {picture.shape[0]} pixels")


def shifted(image, down, right, margin):
    """The image without its margin, moved."""
    height, width = image.shape[:2]
    return image[margin + down : height - margin + down, margin + right : width - margin + right]


def blurred(image):
    """A 5 x 5 binomial filter, first along rows and then along columns."""
    weights = (0.0625, 0.25, 0.375, 0.25, 0.0625)
    rows = sum(weight * shifted(image, 0, offset - 2, 2) for offset, weight in enumerate(weights))
    padded = np.pad(rows, ((2, 2), (2, 2), (0, 0)), mode="edge")
    return sum(weight * shifted(padded, offset - 2, 0, 2) for offset, weight in enumerate(weights))


soft = blurred(picture)
sharp = np.clip(picture[2:-2, 2:-2] + 1.5 * (picture[2:-2, 2:-2] - soft), 0.0, 1.0)

grey = 0.299 * soft[..., 0] + 0.587 * soft[..., 1] + 0.114 * soft[..., 2]
across = (
    shifted(grey, -1, 1, 1) + 2.0 * shifted(grey, 0, 1, 1) + shifted(grey, 1, 1, 1)
    - shifted(grey, -1, -1, 1) - 2.0 * shifted(grey, 0, -1, 1) - shifted(grey, 1, -1, 1)
)  # fmt: skip
down = (
    shifted(grey, 1, -1, 1) + 2.0 * shifted(grey, 1, 0, 1) + shifted(grey, 1, 1, 1)
    - shifted(grey, -1, -1, 1) - 2.0 * shifted(grey, -1, 0, 1) - shifted(grey, -1, 1, 1)
)  # fmt: skip
edges = np.hypot(across, down)

for name, result in (("blurred", soft), ("sharpened", sharp), ("edges", edges)):
    values = result.astype(np.float64)
    print(f"{name:>9}: mean {values.mean():.4f}, deviation {values.std():.4f}, max {values.max():.4f}")
print(f"strong edges: {(edges > 0.25).mean():.3%} of the picture")
