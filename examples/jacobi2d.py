"""The temperature of a plate whose edges are held fixed: Jacobi's iteration for Laplace's equation, on views.

usage: jacobi2d.py [points a side] [iterations]
"""

import sys

import numpy as np

size = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
iterations = int(sys.argv[2]) if len(sys.argv) > 2 else 100

grid = np.zeros((size, size))
grid[0, :] = 100.0
grid[:, 0] = np.linspace(100.0, 0.0, size)
grid[:, -1] = np.linspace(100.0, 0.0, size)
new = grid.copy()

for iteration in range(1, iterations + 1):
    new[1:-1, 1:-1] = 0.25 * (grid[:-2, 1:-1] + grid[2:, 1:-1] + grid[1:-1, :-2] + grid[1:-1, 2:])
    grid, new = new, grid
    if iteration % 25 == 0:
        change = np.abs(grid - new).max()
        print(f"iteration {iteration:4d}: largest change {change:.6f}")

print(f"mean temperature {grid.mean():.6f}")
print("from the hot edge inwards:", np.round(grid[:10, size // 2], 4))
