"""Conway's game of life on a torus, from a random soup.

usage: life.py [cells a side] [generations]
"""

import sys

import numpy as np

size = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
generations = int(sys.argv[2]) if len(sys.argv) > 2 else 40

alive = np.random.default_rng(5).random((size, size)) < 0.3
cells = np.zeros((size + 2, size + 2), dtype=np.uint8)
cells[1:-1, 1:-1] = alive

for generation in range(1, generations + 1):
    cells[0, :], cells[-1, :] = cells[-2, :], cells[1, :]
    cells[:, 0], cells[:, -1] = cells[:, -2], cells[:, 1]
    neighbours = (
        cells[:-2, :-2] + cells[:-2, 1:-1] + cells[:-2, 2:]
        + cells[1:-1, :-2] + cells[1:-1, 2:]
        + cells[2:, :-2] + cells[2:, 1:-1] + cells[2:, 2:]
    )  # fmt: skip
    living = cells[1:-1, 1:-1] == 1
    born = ~living & (neighbours == 3)
    stays = living & ((neighbours == 2) | (neighbours == 3))
    cells[1:-1, 1:-1] = born | stays
    if generation % 10 == 0:
        now = cells[1:-1, 1:-1]
        print(f"generation {generation:3d}: {int(now.sum(dtype=np.int64))} alive, {np.count_nonzero(born)} just born")
