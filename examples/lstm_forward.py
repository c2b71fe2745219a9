"""The forward pass of an LSTM network over a batch of sequences.

usage: lstm_forward.py [sequences] [time steps]
"""

import sys

import numpy as np

batch = int(sys.argv[1]) if len(sys.argv) > 1 else 512
steps = int(sys.argv[2]) if len(sys.argv) > 2 else 48
inputs, hidden = 64, 256

rng = np.random.default_rng(11)
sequence = rng.standard_normal((steps, batch, inputs))
input_weights = rng.standard_normal((inputs, 4 * hidden)) / np.sqrt(inputs)
state_weights = rng.standard_normal((hidden, 4 * hidden)) / np.sqrt(hidden)
bias = np.zeros(4 * hidden)
bias[hidden : 2 * hidden] = 1.0  # remember, to begin with


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


state = np.zeros((batch, hidden))
memory = np.zeros((batch, hidden))
for x in sequence:
    gates = x @ input_weights + state @ state_weights + bias
    enter = sigmoid(gates[:, :hidden])
    keep = sigmoid(gates[:, hidden : 2 * hidden])
    leave = sigmoid(gates[:, 2 * hidden : 3 * hidden])
    candidate = np.tanh(gates[:, 3 * hidden :])
    memory = keep * memory + enter * candidate
    state = leave * np.tanh(memory)

print(f"{batch} sequences of {steps} steps, {hidden} units")
print(f"state:  mean {state.mean():.6f}, deviation {state.std():.6f}")
print(f"memory: mean {memory.mean():.6f}, deviation {memory.std():.6f}, largest {np.abs(memory).max():.6f}")
print("first sequence:", np.round(state[0, :6], 6))
