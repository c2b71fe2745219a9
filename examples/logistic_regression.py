"""Learns to read handwritten digits: softmax regression on pixels and all products of two pixels.

The digits are those that scikit-learn ships (1,797 of 8 x 8 pixels).

usage: logistic_regression.py [iterations]
"""

import sys

import numpy as np
from sklearn.datasets import load_digits

iterations = int(sys.argv[1]) if len(sys.argv) > 1 else 60

digits = load_digits()
pixels = np.array(digits.data) / 16.0
labels = np.array(digits.target)

rows, columns = np.triu_indices(pixels.shape[1])
features = np.concatenate([pixels, pixels[:, rows] * pixels[:, columns]], axis=1)
features = features[:, features.std(axis=0) > 0.01]
features = (features - features.mean(axis=0)) / features.std(axis=0)
features = np.concatenate([features, np.ones((len(features), 1))], axis=1)

order = np.random.default_rng(0).permutation(len(features))
training, held_out = order[:1200], order[1200:]
x, y = features[training], labels[training]
wanted = np.zeros((len(x), 10))
wanted[np.arange(len(x)), y] = 1.0
print(f"{x.shape[0]} digits to learn from, {x.shape[1]} features")

weights = np.zeros((x.shape[1], 10))
velocity = np.zeros_like(weights)
for iteration in range(1, iterations + 1):
    scores = x @ weights
    scores -= scores.max(axis=1, keepdims=True)
    odds = np.exp(scores)
    probability = odds / odds.sum(axis=1, keepdims=True)
    gradient = x.T @ (probability - wanted) / len(x) + 1e-3 * weights
    velocity = 0.9 * velocity - 0.02 * gradient
    weights += velocity
    if iteration % 20 == 0:
        loss = -np.log(probability[np.arange(len(x)), y]).mean()
        print(f"iteration {iteration:3d}: loss {loss:.6f}")

guesses = np.argmax(features[held_out] @ weights, axis=1)
print(f"read correctly: {(guesses == labels[held_out]).mean():.4f} of {len(held_out)} digits never seen")
