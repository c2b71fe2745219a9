"""Floating-point warnings: what NumPy gives, at the line where the operation was recorded."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

import maniple

SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    2.0,
    -2.0,
    np.inf,
    -np.inf,
    np.nan,
    1e308,
    -1e308,
    300.0,
    -5.0,
]
PAIRS = np.array(list(itertools.product(SPECIAL, SPECIAL)))
INTEGERS = np.array(list(itertools.product([0, 1, -1, 7, -7, -(2**31), 2**40, -(2**63)], repeat=2)))

ONE = ["exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin",
       "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "cbrt", "sqrt",
       "reciprocal", "square", "floor", "ceil", "trunc", "rint", "sign", "absolute", "fabs",
       "negative", "isnan", "isfinite"]  # fmt: skip
TWO = ["add", "subtract", "multiply", "divide", "power", "floor_divide", "remainder", "fmod",
       "arctan2", "maximum", "minimum", "fmax", "fmin", "less", "greater_equal", "equal",
       "copysign", "heaviside", "float_power"]  # fmt: skip

SIZE = 40_003

PROGRAMS = [
    "y = 1 / x\ny = y * 0\nz = np.log(x)",
    "z = x / 0\nz = z - z\nz.sum()",
    "z = (x * 1e308 * 10).astype(np.int64)",
    "z = (x * 1e10).astype(np.int32)",
    "z = (x * 1e10).astype(np.int64)",
    "y = (x * 1e300).astype(np.float32)\nz = (x * 1e10).astype(np.float16)",
    "z = np.add.reduce(np.full(x.shape, 1e308))",
    "y = np.where(x > 0, 1 / x, 0)\nz = np.where(x > 0, np.log(np.abs(x) + 1), 0)",
    "z = np.divide(1.0, x, out=np.zeros_like(x), where=x != 0)",
    "z = np.maximum(x * np.nan, 0)\nz = np.minimum(z, 1) > 0\nz = (x * np.nan).max()",
    "z = np.clip(x * np.nan, 0, 1)",
    "i = np.arange(x.size)\ny = i // (i % 3)\nz = i % (i % 5)",
    "x /= 0", "x -= 3\nx *= 2",
    "y = x + 2\ny += x * 1e308\ny -= 1",
    "y = x + 2\ny /= x",
    "with np.errstate(divide='ignore'):\n    y = 1 / x\nz = np.log(x)",
    "with np.errstate(all='ignore'):\n    y = np.log(x) * (1 / x)\nz = y.sum()",
    "y = np.exp(x * 1000)\nz = y[::-2] * 10",
    "z = x.reshape(-1, 1)[:9] / x[:5]\nz = (z.T / 2).mean()",
    "z = x.std() + x.mean() + x.var() + x.prod()",
    "z = np.sqrt(x) + np.sqrt(np.abs(x))",
    "z = x[::2] ** 2 + x[1::2].mean()\nz = np.hypot(x, x)\nz = x ** 0.5",
    "z = 1 / (x - x[::-1] + 3)\nz = x[:1001] / (x[:1001] + 5)",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _defer(defer_all: None) -> None:
    pass


def _run(program: str, names: dict[str, Any], file: str) -> set[tuple[str, str, int]]:
    code = compile(program, file, "exec")
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        exec(code, names)
        for value in list(names.values()):
            if isinstance(value, (maniple.ndarray, np.ndarray)):
                np.asarray(value)
    assert {w.filename for w in given} <= {file}
    return {(w.category.__name__, str(w.message), w.lineno) for w in given}


def _check(program: str, **arrays: np.ndarray) -> None:
    plain = _run(program, {"np": np, **{k: v.copy() for k, v in arrays.items()}}, "<plain>")
    ours = {k: maniple.array(v) for k, v in arrays.items()}
    assert _run(program, {"np": maniple, **ours}, "<deferred>") == plain


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(program: str) -> None:
    _check(program, x=np.linspace(-1, 1, SIZE))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("name", ONE)
def test_functions_of_one(name: str, dtype: type) -> None:
    for value in SPECIAL:
        with np.errstate(all="ignore"):
            x = np.full(7, value).astype(dtype)
        _check(f"z = np.{name}(x)", x=x)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", TWO)
def test_functions_of_two(name: str, dtype: type) -> None:
    for a, b in PAIRS:
        with np.errstate(all="ignore"):
            x, y = np.full(5, a).astype(dtype), np.full(5, b).astype(dtype)
        _check(f"z = np.{name}(x, y)", x=x, y=y)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int8, np.uint16])
@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod", "add"])
def test_integers(name: str, dtype: type) -> None:
    for a, b in INTEGERS:
        x, y = np.full(5, a).astype(dtype), np.full(5, b).astype(dtype)
        _check(f"z = np.{name}(x, y)", x=x, y=y)


@pytest.mark.parametrize("size", range(1, 20))
def test_what_lies_behind_the_end_raises_nothing(size: int) -> None:
    x = np.arange(1.0, size + 1)
    for dtype in (np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8):
        _check("a = 1 / x\nb = x / x\nc = x // x\nx //= x", x=x.astype(dtype))
        _check("z = 1 / x[::-1]", x=x.astype(dtype))
    x[-1] = 0
    _check("y = 1 / x\nz = np.log(x)", x=x)


def test_a_filter_makes_it_an_error() -> None:
    x = maniple.zeros(SIZE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = 1 / x
        with pytest.raises(RuntimeWarning, match="divide by zero encountered in divide"):
            float(y[0])
        assert float(y[0]) == np.inf


def test_ignored_inside_a_block_stays_ignored() -> None:
    x = maniple.zeros(SIZE)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            y = 1 / x
        assert float(y[0]) == np.inf
    assert not given


def test_default_filter_warns_once() -> None:
    x = maniple.zeros(SIZE)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("default")
        for _ in range(3):
            float((1 / x)[0])
    assert len(given) == 1
