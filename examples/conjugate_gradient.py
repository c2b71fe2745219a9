"""One implicit step of diffusion on a square: conjugate gradients, without ever writing the matrix down.

usage: conjugate_gradient.py [points a side] [iterations]
"""

import sys

import numpy as np

size = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
iterations = int(sys.argv[2]) if len(sys.argv) > 2 else 80
diffusion = 25.0


def matrix(p):
    """Each point, plus what it loses to its four neighbours; zero beyond the edges."""
    q = (4.0 + 1.0 / diffusion) * p
    q[1:, :] -= p[:-1, :]
    q[:-1, :] -= p[1:, :]
    q[:, 1:] -= p[:, :-1]
    q[:, :-1] -= p[:, 1:]
    return q


axis = np.linspace(0.0, 1.0, size + 2)[1:-1]
x, y = axis[:, None], axis[None, :]
right_side = np.where((x - 0.3) ** 2 + (y - 0.6) ** 2 < 0.05, 1.0, 0.2 + 0.1 * np.sin(40.0 * x) * np.cos(30.0 * y))

solution = np.zeros_like(right_side)
residual = right_side.copy()
direction = residual.copy()
squared = float((residual * residual).sum())
start = squared
for iteration in range(1, iterations + 1):
    image = matrix(direction)
    length = squared / float((direction * image).sum())
    solution += length * direction
    residual -= length * image
    new_squared = float((residual * residual).sum())
    direction = residual + (new_squared / squared) * direction
    squared = new_squared
    if iteration % 20 == 0:
        print(f"iteration {iteration:3d}: residual {np.sqrt(squared / start):.4e}")

print(f"solution: lowest {solution.min():.6f}, highest {solution.max():.6f}, mean {solution.mean():.6f}")
