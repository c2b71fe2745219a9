"""The Mandelbrot set: only points that have not escaped yet go on, by a mask.

usage: mandelbrot.py [points a side] [iterations]
"""

import sys

import numpy as np

size = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
iterations = int(sys.argv[2]) if len(sys.argv) > 2 else 60

real = np.linspace(-2.0, 0.6, size)
imaginary = np.linspace(-1.3, 1.3, size)
c = real[None, :] + 1j * imaginary[:, None]
z = np.zeros_like(c)
count = np.zeros(c.shape, dtype=np.int64)

for _ in range(iterations):
    inside = z.real**2 + z.imag**2 <= 4.0
    z[inside] = z[inside] ** 2 + c[inside]
    count[inside] += 1

inside = count == iterations
area = inside.mean() * (2.6 * 2.6)
print(f"{size} x {size} points, {iterations} iterations: area about {area:.4f}, mean count {count.mean():.3f}")

shades = " .:-=+*#%@"
for row in count[:: size // 20, :: size // 60]:
    print("".join(shades[int(value) * (len(shades) - 1) // iterations] for value in row).rstrip())
