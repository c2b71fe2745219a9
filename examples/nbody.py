"""A cluster of stars under its own gravity: all pairs, leapfrog steps.

usage: nbody.py [stars] [steps]
"""

import sys

import numpy as np

stars = int(sys.argv[1]) if len(sys.argv) > 1 else 1500
steps = int(sys.argv[2]) if len(sys.argv) > 2 else 10
step_length, softening = 1e-3, 0.05

rng = np.random.default_rng(3)
position = rng.standard_normal((3, stars))
velocity = 0.3 * rng.standard_normal((3, stars))
mass = rng.uniform(0.5, 1.5, stars) / stars


def separations():
    return position[:, None, :] - position[:, :, None]


def acceleration():
    apart = separations()
    inverse_cube = ((apart**2).sum(axis=0) + softening**2) ** -1.5
    return (apart * (inverse_cube * mass)).sum(axis=2)


def energy():
    distance = np.sqrt((separations() ** 2).sum(axis=0) + softening**2)
    pairs = mass[:, None] * mass / distance
    return 0.5 * (mass * (velocity**2).sum(axis=0)).sum() - 0.5 * (pairs.sum() - np.trace(pairs))


start = energy()
pull = acceleration()
for _ in range(steps):
    velocity += 0.5 * step_length * pull
    position += step_length * velocity
    pull = acceleration()
    velocity += 0.5 * step_length * pull

print(f"{stars} stars, {steps} steps")
print(f"energy at the start {start:.6f}, at the end {energy():.6f}")
print("centre of mass", np.round((position * mass).sum(axis=1) / mass.sum(), 6))
print(f"mean distance from the origin {np.sqrt((position**2).sum(axis=0)).mean():.6f}")
