"""What a workload is: its inputs, the program that is timed, and how closely results must agree.

A program is a function of its inputs and leaves them as they are, so that it can be repeated. The modules that hold
programs know NumPy by the name `np` only, so that a process can run them with another library of the same interface.
"""

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

Program = Callable[..., Any]
Inputs = dict[str, Any]

SCALE = float(os.environ.get("BENCHMARK_SCALE", "1"))
MODULES = ("workloads", "kernels")


@dataclass(frozen=True)
class Workload:
    inputs: Callable[[], Inputs]
    program: Program
    tolerance: float  # the largest difference from NumPy's result, relative to its largest element
    group: str  # the module's name
    compared: Callable[[Any], Any]  # what of a result is determined by the inputs


WORKLOADS: dict[str, Workload] = {}


def everything(result: Any) -> Any:
    return result


def workload(
    name: str,
    inputs: Callable[[], Inputs],
    tolerance: float = 1e-9,
    compared: Callable[[Any], Any] = everything,
) -> Callable[[Program], Program]:
    def register(program: Program) -> Program:
        WORKLOADS[name] = Workload(inputs, program, tolerance, program.__module__, compared)
        return program

    return register


def load() -> list[ModuleType]:
    """Import the modules that hold the programs; WORKLOADS is complete afterwards."""
    return [importlib.import_module(name) for name in MODULES]


def millions(count: float) -> int:
    return max(2000, int(count * 1_000_000 * SCALE))


def side(length: int, dimensions: int = 2) -> int:
    return max(16, int(length * SCALE ** (1 / dimensions)))


def normal(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).standard_normal(shape)


def uniform(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).random(shape)


def integers(seed: int, low: int, high: int, *shape: int, dtype: Any = np.int64) -> Any:
    return np.random.default_rng(seed).integers(low, high, shape, dtype=dtype)
