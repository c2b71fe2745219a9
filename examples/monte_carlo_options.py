"""Prices Asian and barrier options by simulating many paths of a share.

usage: monte_carlo_options.py [paths] [steps]
"""

import sys

import numpy as np

paths = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
steps = int(sys.argv[2]) if len(sys.argv) > 2 else 50
spot, strike, barrier, rate, volatility, years = 100.0, 105.0, 85.0, 0.04, 0.25, 1.0

rng = np.random.default_rng(2024)
step = years / steps
drift = (rate - 0.5 * volatility**2) * step
scale = volatility * np.sqrt(step)

logarithm = np.full(paths, np.log(spot))
total = np.zeros(paths)
alive = np.ones(paths, dtype=bool)
for _ in range(steps):
    logarithm += drift + scale * rng.standard_normal(paths)
    price = np.exp(logarithm)
    total += price
    alive &= price > barrier

discount = np.exp(-rate * years)
final = np.exp(logarithm)
payoffs = {
    "European call": np.maximum(final - strike, 0.0),
    "Asian call": np.maximum(total / steps - strike, 0.0),
    "down-and-out call": np.where(alive, np.maximum(final - strike, 0.0), 0.0),
}
print(f"{paths} paths of {steps} steps, {alive.mean():.4%} never below {barrier}")
for name, payoff in payoffs.items():
    error = discount * payoff.std() / np.sqrt(paths)
    print(f"{name:>17}: {discount * payoff.mean():.5f} +- {error:.5f}")
