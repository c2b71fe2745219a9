"""Heat spreads from a hot ball in a block of metal: explicit finite differences in three dimensions.

usage: heat3d.py [points a side] [steps]
"""

import sys

import numpy as np

size = int(sys.argv[1]) if len(sys.argv) > 1 else 160
steps = int(sys.argv[2]) if len(sys.argv) > 2 else 40
conductivity = 0.15

axis = np.linspace(-1.0, 1.0, size)
x, y, z = axis[:, None, None], axis[None, :, None], axis[None, None, :]
heat = np.where(x * x + y * y + z * z < 0.1, 500.0, 20.0)

core = (slice(1, -1), slice(1, -1), slice(1, -1))
for step in range(1, steps + 1):
    inside = heat[core]
    flow = heat[2:, 1:-1, 1:-1] + heat[:-2, 1:-1, 1:-1]
    flow += heat[1:-1, 2:, 1:-1] + heat[1:-1, :-2, 1:-1]
    flow += heat[1:-1, 1:-1, 2:] + heat[1:-1, 1:-1, :-2]
    flow -= 6.0 * inside
    heat[core] = inside + conductivity * flow
    if step % 10 == 0:
        print(f"step {step:3d}: hottest {heat.max():.6f}, mean {heat.mean():.6f}, hot {(heat > 100.0).mean():.5f}")
