"""Prices European options by the Black-Scholes formula, with their sensitivities ("greeks").

usage: black_scholes.py [number of options]
"""

import sys

import numpy as np

count = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000_000

rng = np.random.default_rng(42)
spot = rng.uniform(20.0, 180.0, count)
strike = rng.uniform(20.0, 180.0, count)
years = rng.uniform(0.1, 5.0, count)
volatility = rng.uniform(0.1, 0.6, count)
rate = 0.03


def density(x):
    return np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi)


def cumulative(x):
    """The normal distribution function, by Abramowitz and Stegun 26.2.17 (7.5e-8)."""
    k = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    polynomial = k * (0.319381530 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))))
    tail = density(x) * polynomial
    return np.where(x > 0.0, 1.0 - tail, tail)


deviation = volatility * np.sqrt(years)
d1 = (np.log(spot / strike) + (rate + 0.5 * volatility**2) * years) / deviation
d2 = d1 - deviation
discounted = strike * np.exp(-rate * years)

call = spot * cumulative(d1) - discounted * cumulative(d2)
put = call - spot + discounted
delta = cumulative(d1)
gamma = density(d1) / (spot * deviation)
vega = spot * density(d1) * np.sqrt(years)
theta = -0.5 * spot * density(d1) * volatility / np.sqrt(years) - rate * discounted * cumulative(d2)

print(f"{count} options")
for name, values in (
    ("call", call),
    ("put", put),
    ("delta", delta),
    ("gamma", gamma),
    ("vega", vega),
    ("theta", theta),
):
    print(f"{name:>6}: mean {values.mean():11.6f}   spread {values.std():11.6f}   largest {np.abs(values).max():11.6f}")
print(f"calls worth more than 50: {np.count_nonzero(call > 50.0) / count:.4f}")
