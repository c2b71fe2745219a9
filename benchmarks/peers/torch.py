"""PyTorch on the CPU, operation by operation, through its NumPy interface."""

from typing import Any

import numpy as np
import torch
import torch._numpy as tnp
import workloads

import kernels
from peers.base import Engine, Inputs, substitute, unmodified


class Generator:
    def random(self, count: int) -> Any:
        return tnp.asarray(torch.rand(count, dtype=torch.float64))


class Random:
    """What the programs use of numpy.random, with PyTorch's own numbers."""

    def default_rng(self, seed: int) -> Generator:
        torch.manual_seed(seed)
        return Generator()


class Library:
    fft, linalg, random = tnp.fft, tnp.linalg, Random()

    def __getattr__(self, name: str) -> Any:
        return getattr(tnp, name)


class Torch(Engine):
    programs = unmodified("torch")
    # Random numbers of its own; its fftfreq is of float32.
    tolerances = {"chain_f32_20M": 1e-5, "mc_pi_20M": 0.05, "spectrum_filter_2000": 1e-7}

    def version(self) -> str:
        return str(torch.__version__)

    def place(self, inputs: Inputs) -> Inputs:
        torch.set_grad_enabled(False)
        substitute((workloads, kernels), Library())
        return {
            name: tnp.asarray(torch.from_numpy(np.ascontiguousarray(value))) if isinstance(value, np.ndarray) else value
            for name, value in inputs.items()
        }

    def plain(self, part: Any) -> Any:
        return part.tensor.numpy() if isinstance(part, tnp.ndarray) else np.asarray(part)


ENGINE = Torch
