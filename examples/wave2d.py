"""Waves from two stones in a pond with a wall that has a gap: the wave equation by leapfrog.

usage: wave2d.py [points a side] [steps]
"""

import sys

import numpy as np

size = int(sys.argv[1]) if len(sys.argv) > 1 else 800
steps = int(sys.argv[2]) if len(sys.argv) > 2 else 300
courant = 0.7

x, y = np.meshgrid(np.linspace(0.0, 1.0, size), np.linspace(0.0, 1.0, size))
height = np.exp(-2000.0 * ((x - 0.3) ** 2 + (y - 0.4) ** 2)) + np.exp(-2000.0 * ((x - 0.3) ** 2 + (y - 0.6) ** 2))
before = height.copy()

water = np.ones((size, size))
wall = size // 2
water[:, wall : wall + 4] = 0.0
water[int(0.45 * size) : int(0.55 * size), wall : wall + 4] = 1.0

after = np.zeros_like(height)
for step in range(1, steps + 1):
    curvature = height[:-2, 1:-1] + height[2:, 1:-1] + height[1:-1, :-2] + height[1:-1, 2:] - 4.0 * height[1:-1, 1:-1]
    after[1:-1, 1:-1] = 2.0 * height[1:-1, 1:-1] - before[1:-1, 1:-1] + courant**2 * curvature
    after *= water
    before, height, after = height, after, before
    if step % 60 == 0:
        speed = height - before
        print(f"step {step:4d}: highest {height.max():.6f}, motion {(speed**2).sum():.6f}")

print(f"behind the wall: {np.abs(height[:, wall + 4 :]).max():.3e}")
